"""Samples of trained networks, each by the law it was trained on, compared with the states it was trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..diffusion.samplers import SAMPLERS, Sampler
from ..diffusion.slot_sampling import sample_side_by_side
from ..diffusion.slots import Seating
from ..diffusion.training import Training
from ..diffusion.training_data import SAMPLED, draw
from ..structure.atoms import Structure
from ..structure.geometry import GeometryReference
from ..structure.hierarchy import Hierarchy, split_levels
from ..structure.quality import QualityReference
from ..structure.superposition import superpose

#: Steps of the sampler, and the z of the law of training at which it begins and ends.
STEPS, FIRST_Z, LAST_Z = 20, 2.5, -2.5
#: Names of the measures of `SampleQuality`.
SCORES = ("ca_lddt", "within_residues", "bond_outliers", "ca_deviation", "chirality")

#: What the states that were held out are called.
HELD = "held-out states"


@dataclass(frozen=True, eq=False)
class SampleQuality:
    """What structures are like, compared with the states of training.

    Attributes
    ----------
    name : str
        Of the network that they are from, or `HELD`.
    coords : Tensor, shape=(n_samples, n_atoms, 3), or None
        Angstrom, about the centroid of the states; under a random pose each is superposed on its nearest state.
        None of fragments, whose atoms differ.
    nearest : ndarray, shape=(n_samples,)
        Number of the state of training that each is nearest to, from 0; of fragments, the place of the fragment
        among those sampled.
    distance : ndarray, shape=(n_samples, 3)
        Rms distance from it at chain, residue and atom level, over atoms and coordinates, angstrom.
    ca_lddt, within_residues : ndarray, shape=(n_samples,)
        lDDT against the nearest state, 0 to 1: of the Calpha atoms, and of heavy atoms within residues.
    bond_outliers : ndarray, shape=(n_samples,)
        Part of the bonds off by more than 0.1 A from those of the nearest state.
    ca_deviation : ndarray, shape=(n_samples,)
        Mean deviation of the distance of consecutive Calpha atoms, angstrom in space.
    chirality : ndarray, shape=(n_samples,)
        Part of the Calpha atoms with the right hand; 0.5 is chance.
    """

    name: str
    coords: Tensor | None
    nearest: np.ndarray
    distance: np.ndarray
    ca_lddt: np.ndarray
    within_residues: np.ndarray
    bond_outliers: np.ndarray
    ca_deviation: np.ndarray
    chirality: np.ndarray

    @property
    def reached(self) -> int:
        """How many states are the nearest of at least one structure."""
        return len(np.unique(self.nearest))


def sampler_of(training: Training) -> Sampler:
    """Return the sampler of all networks: Heun's method without churn, over the sigmas of training."""
    law = training.settings.law
    return replace(SAMPLERS["edm"], sigma_max=law.sigma(FIRST_Z), sigma_min=law.sigma(LAST_Z), steps=STEPS)


def sample_networks(
    training: Training,
    structure: Structure,
    hierarchy: Hierarchy,
    samples: int,
    check: Callable[[], object] = lambda: None,
) -> list[SampleQuality]:
    """Sample from each network of an ensemble, with the same random numbers, and compare the samples with its states.

    Parameters
    ----------
    training : Training
    structure : Structure
        The labels of the atoms.
    hierarchy : Hierarchy
    samples : int
        From each network.
    check : callable
        Called now and then; what it raises ends the run.

    Returns
    -------
    list of SampleQuality
        Of the states that were held out, where there are any, then of each network.
    """
    data = training.data
    hierarchy = hierarchy.to(training.device)
    gather = Seating(hierarchy).gather
    judge = Judge(structure, hierarchy, gather(data.coords[data.trained]), data.pose == "random")
    found = []
    if len(data.tested):
        found.append(judge(HELD, gather(data.coords[data.tested])))
    drawn = draw(data, data.trained, training.seeds, SAMPLED, samples)
    for recipe, ends in zip(
        training.recipes, sample_side_by_side(training, drawn, sampler_of(training).sigmas(), check)
    ):
        found.append(judge(recipe.name, gather(ends)))
    return found


class Judge:
    """Compares structures with the states of an ensemble.

    Parameters
    ----------
    structure : Structure
    hierarchy : Hierarchy
    states : Tensor, shape=(n_states, n_atoms, 3)
        Angstrom.
    any_pose : bool
        Whether structures are superposed on each state before they are compared with it.
    """

    def __init__(self, structure: Structure, hierarchy: Hierarchy, states: Tensor, any_pose: bool) -> None:
        self._hierarchy, self._states, self._any_pose = hierarchy, states, any_pose
        self._structure = structure
        self._geometry = GeometryReference.from_structure(structure, hierarchy)
        self._quality: dict[int, QualityReference] = {}

    def __call__(self, name: str, coords: Tensor) -> SampleQuality:
        """Return what structures of shape=(n_samples, n_atoms, 3), angstrom, are like; ``name`` says whose they are."""
        laid = [superpose(coords, state).coords if self._any_pose else coords for state in self._states]
        squares = torch.stack([(one - state).double().square().mean((1, 2)) for one, state in zip(laid, self._states)])
        nearest = squares.argmin(0)
        own = torch.stack([laid[int(state)][row] for row, state in enumerate(nearest)])
        truths = self._states[nearest]
        chain, residue, atom = split_levels(own - truths, self._hierarchy)
        on_atoms = (self._hierarchy.broadcast(chain, "chain"), self._hierarchy.broadcast(residue, "residue"), atom)
        distance = torch.stack([part.double().square().mean((1, 2)).sqrt() for part in on_atoms], -1)
        scores = np.empty((3, len(coords)))
        for state in nearest.unique().tolist():
            rows = torch.nonzero(nearest == state)[:, 0]
            quality = self._reference(state).measure(own[rows])
            scores[:, rows.cpu().numpy()] = (quality.ca_lddt, quality.within_residues, quality.bond_outliers)
        geometry = self._geometry.measure(own, truths)
        numbers = nearest.cpu().numpy(), distance.cpu().numpy(), *scores, geometry.ca_deviation, geometry.chirality
        return SampleQuality(name, own.cpu(), *numbers)

    def _reference(self, state: int) -> QualityReference:
        """Return what a state is compared by, made when it is first needed."""
        if state not in self._quality:
            truth = replace(self._structure, coords=self._states[state].cpu().float().numpy())
            self._quality[state] = QualityReference.from_structure(truth, self._hierarchy)
        return self._quality[state]


def expected_reached(n_states: int, n_samples: int) -> float:
    """Return how many states are drawn at least once, on average, in so many draws among equally likely states."""
    return n_states * (1 - (1 - 1 / n_states) ** n_samples)
