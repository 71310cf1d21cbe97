"""Training on fragments of many structures, conditioned on residue types, and tested on fragments of others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..diffusion.slot_sampling import sample_side_by_side
from ..diffusion.trained_file import DataAbout, coords_digest
from ..diffusion.training import Training
from ..diffusion.training_data import TrainingData, draw
from ..noise.weights import Scheme
from ..parameters.catalogue import TrainParameters
from ..structure.amino_acids import HEAVY_ATOMS
from ..structure.atoms import ATOM_LABELS, RESIDUE_LABELS, Structure
from ..structure.hierarchy import Hierarchy
from ..utils.text import counted
from .fragments import FragmentSet
from .rating import Floor
from .scalings import given_data
from .trained_samples import SCORES, Judge, SampleQuality, sampler_of
from .training import Tell, TrainResult, recipes_of, run_on

# Random numbers of the samples.
_DRAWS = (1 << 30) + 4


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
        The pose is random, whatever they say; the networks are in ``fragments_train.npz`` where they name no file.
    tell : callable
        See `training.Tell`; what it raises ends the run, and what is trained by then is in the file.

    Raises
    ------
    PomodoroError
        If the data given are none, memory or a device lacks, or a file cannot be written or resumed.
    """
    parameters = replace(parameters, network=parameters.network or "fragments_train.npz")
    schemes = list(dict.fromkeys(recipe.scheme for recipe in recipes_of(parameters)))
    levels, origin = given_data(parameters.data) if parameters.data else (fragments.data_levels(), "")
    noise = {scheme: fragments.mean_noise(scheme.weights) for scheme in schemes}
    data = TrainingData(fragments.coords, fragments.slots, fragments.held, fragments.group, "random", levels, noise)
    spread = sum(free * variance for free, variance in zip(fragments.freedom, levels)) ** 0.5
    about = DataAbout(
        counted(len(fragments.files), "file"),
        "",
        0,
        fragments.slots.n_residues,
        coords_digest(data.coords),
        data.pose,
        parameters.hold,
        levels,
    )
    return run_on(
        data,
        about,
        parameters.law_over(spread),
        parameters,
        tell,
        n_kinds=len(HEAVY_ATOMS),
        floors=lambda training: lambda scheme: {"linear": _floor(fragments, scheme)},
        sample=_sample,
        notes=(str(fragments), *fragments.notes),
        origin=origin,
    )


def _floor(fragments: FragmentSet, scheme: Scheme) -> Floor:
    """Return the best linear estimate of residue means, by their covariance along the chain; of no other level."""

    def left(noised: Tensor, truth: Tensor, items: Tensor, sigma: float) -> Tensor:
        held = bool(fragments.held[items[0].cpu()])
        square = fragments.linear_residue_error(sigma, scheme.weights, held=held)
        return torch.tensor([[torch.nan, square, torch.nan]], device=truth.device).expand(len(truth), 3)

    return left


def _sample(training: Training, samples: int, check: Callable[[], object]) -> list[SampleQuality]:
    """Sample a structure for each of so many fragments, of those held out where any are, and compare with it."""
    data = training.data
    items = data.tested if len(data.tested) else data.trained
    count = min(samples, len(items))
    drawn = draw(data, items, training.seeds, _DRAWS, count, cycle=True)
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
        scores = {score: np.array([getattr(quality, score)[number] for quality in found]) for score in SCORES}
        distance = np.array([quality.distance[number] for quality in found])
        return SampleQuality(name, None, np.arange(count), distance, **scores)

    return [joined(number, recipe.name) for number, recipe in enumerate(training.recipes)]


def fragment_structure(data: TrainingData, item: int) -> Structure:
    """Return a fragment with the names of its atoms and residues."""
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
