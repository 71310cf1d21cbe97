"""Training on fragments of many structures, conditioned on residue types, and tested on fragments of others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..diffusion.slot_sampling import sample_side_by_side
from ..diffusion.training import Training
from ..diffusion.training_data import SAMPLED_FRAGMENTS, DataAbout, TrainingData, coords_digest, draw
from ..noise.presets import parse_schemes
from ..noise.weights import Scheme
from ..parameters.catalogue import TrainParameters
from ..structure.amino_acids import HEAVY_ATOMS
from ..structure.atoms import ATOM_LABELS, RESIDUE_LABELS, Structure
from ..structure.hierarchy import Hierarchy
from ..utils.text import counted
from .fragment_set import FragmentSet
from .rating import Floor
from .scalings import given_data
from .trained_samples import SCORES, Judge, SampleQuality, sampler_of
from .training import TrainResult, run_on
from .training_run import Tell


def run_fragment_train(
    fragments: FragmentSet,
    parameters: TrainParameters,
    tell: Tell = lambda done, total, record: None,
) -> TrainResult:
    """Train a network per scheme, scaling and seed on fragments, and rate them on those held out.

    Parameters
    ----------
    fragments : FragmentSet
    parameters : TrainParameters
        Their pose is not looked at: that of fragments is random. Where they name no file of the networks, it is
        ``fragments_train.npz``.
    tell : callable
        See `training_run.Tell`.

    Raises
    ------
    PomodoroError
        If ``data`` is no data, memory does not suffice, there is no such device, or a file cannot be written or
        resumed.
    """
    parameters = replace(parameters, network=parameters.network or "fragments_train.npz")
    levels, origin = given_data(parameters.data) if parameters.data else (fragments.data_levels(), "")
    noise = {scheme: fragments.mean_noise(scheme.weights) for scheme in parse_schemes(parameters.presets)}
    data = TrainingData(fragments.coords, fragments.slots, fragments.held, fragments.group, "random", levels, noise)
    about = DataAbout(
        source=counted(len(fragments.files), "file"),
        atoms="",
        n_atoms=0,
        n_residues=fragments.slots.n_residues,
        states=coords_digest(data.coords),
        pose=data.pose,
        hold=parameters.hold,
        levels=levels,
    )
    return run_on(
        data,
        about,
        parameters.law_over(data.spread(fragments.freedom)),
        parameters,
        tell,
        n_kinds=len(HEAVY_ATOMS),
        floors=lambda training: lambda scheme: {"linear": _floor(fragments, scheme)},
        sample=_sample,
        notes=(str(fragments), *fragments.notes),
        origin=origin,
    )


def _floor(fragments: FragmentSet, scheme: Scheme) -> Floor:
    """Return what the best linear estimate of residue means leaves, see `FragmentSet`; nan at the other levels."""

    def left(noised: Tensor, truth: Tensor, items: Tensor, sigma: float) -> Tensor:
        """Return the same for each item: the mean over all that are held out, or all that are trained on."""
        held = bool(fragments.held[items[0].cpu()])
        square = fragments.linear_residue_error(sigma, scheme.weights, held=held)
        return torch.tensor([[torch.nan, square, torch.nan]], device=truth.device).expand(len(truth), 3)

    return left


def _sample(training: Training, samples: int, check: Callable[[], object]) -> list[SampleQuality]:
    """Sample structures for so many fragments, of those held out where any are, and compare each with its fragment."""
    data = training.data
    items = data.tested if len(data.tested) else data.trained
    count = min(samples, len(items))
    drawn = draw(data, items, training.seeds, SAMPLED_FRAGMENTS, count, cycle=True)
    ends = sample_side_by_side(training, drawn, sampler_of(training).sigmas(), check)
    found = []
    for place in range(count):
        check()
        item = int(items[place])
        structure = fragment_structure(data, item)
        present = data.slots.present[item]
        truth = torch.from_numpy(structure.coords).to(ends)
        judge = Judge(structure, Hierarchy.from_structure(structure), truth[None], any_pose=True)
        found.append(judge("", ends[:, place][:, present]))

    def joined(number: int, name: str) -> SampleQuality:
        """Return what the samples of one network are like, of all fragments."""
        scores = {score: np.array([getattr(quality, score)[number] for quality in found]) for score in SCORES}
        distance = np.array([quality.distance[number] for quality in found])
        return SampleQuality(name, None, np.arange(count), distance, **scores)

    return [joined(number, recipe.name) for number, recipe in enumerate(training.recipes)]


def fragment_structure(data: TrainingData, item: int) -> Structure:
    """Return a fragment, by its number in the data, with the names of its atoms and residues."""
    names = list(HEAVY_ATOMS)
    kinds, present = data.slots.kinds[item].tolist(), data.slots.present[item]
    labels = [(atom, atom[0], "") for kind in kinds for atom in HEAVY_ATOMS[names[kind]]]
    residues = [("", "A", str(number), names[kind], False) for number, kind in enumerate(kinds, 1)]
    return Structure(
        data.coords[item][present].cpu().numpy(),
        np.array(labels, dtype=ATOM_LABELS),
        np.array(residues, dtype=RESIDUE_LABELS),
        torch.nonzero(present)[:, 0].cpu().numpy(),
        name="fragment",
    )
