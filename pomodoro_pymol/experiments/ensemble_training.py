"""Training on the states of one structure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from ..diffusion.precondition import SHIFT, PerLevel, data_variances, degrees_of_freedom, noise_variances
from ..diffusion.slots import Seating
from ..diffusion.trained_file import DataAbout, atoms_digest, coords_digest
from ..diffusion.training import Training
from ..diffusion.training_data import TrainingData
from ..errors import PomodoroError
from ..noise.weights import Scheme
from ..parameters.catalogue import TrainParameters
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy
from ..structure.superposition import superpose
from .rating import ensemble_floors
from .scalings import given_data
from .trained_samples import SampleQuality, sample_networks
from .training import Tell, TrainResult, recipes_of, run_on


def ensemble_data(
    states: Tensor,
    hierarchy: Hierarchy,
    schemes: Sequence[Scheme],
    *,
    pose: str = "fixed",
    hold: int = 6,
    levels: PerLevel | None = None,
) -> TrainingData:
    """Return the states of an ensemble as data to train on.

    Parameters
    ----------
    states : Tensor, shape=(n_states, n_atoms, 3)
        Angstrom, of the same atoms.
    hierarchy : Hierarchy
    schemes : sequence of Scheme
    pose : {"fixed", "random"}
        Fixed lays each state on the first.
    hold : int
        One state in so many is held out, as the 6th, 12th ...; 0 none.
    levels : tuple of float, optional
        Variance of the data at each level, square angstrom per coordinate; by default measured.

    Raises
    ------
    PomodoroError
        If there is one state, or fewer than two would be left to train on.
    """
    if len(states) < 2:
        raise PomodoroError("training needs an ensemble, and there is one state: load more, or a trajectory")
    held = torch.tensor([bool(hold) and number % hold == hold - 1 for number in range(len(states))])
    if int((~held).sum()) < 2:
        raise PomodoroError(f"hold={hold} leaves {int((~held).sum())} of {len(states)} states to train on: give hold=0")
    if pose == "fixed":
        states = superpose(states, states[0]).coords
    centred = (states.double() - states.double().mean(1, keepdim=True)).float()
    seating = Seating(hierarchy)
    return TrainingData(
        seating.spread(centred),
        seating.slots,
        held,
        torch.arange(len(states)),
        pose,
        levels or data_variances(centred[~held], hierarchy, shift=SHIFT if pose == "random" else 0.0),
        {scheme: noise_variances(hierarchy, scheme.weights, 1.0) for scheme in schemes},
    )


def own_spread(data: TrainingData, hierarchy: Hierarchy) -> float:
    """Return the standard deviation of the data per coordinate, angstrom: without a level that has none."""
    chain, residue, atom = degrees_of_freedom(hierarchy)
    if data.pose == "fixed":
        chain = 0.0 if hierarchy.n_chains == 1 else chain
    parts = zip((chain, residue, atom), data.levels)
    return sum(free * variance for free, variance in parts) ** 0.5


def run_train(
    structure: Structure,
    states: np.ndarray,
    parameters: TrainParameters,
    tell: Tell = lambda done, total, record: None,
) -> TrainResult:
    """Train a network per scheme, scaling and seed on the states of an ensemble, and rate them.

    Parameters
    ----------
    structure : Structure
        The labels; its name is that of the file, where none is given.
    states : ndarray, shape=(n_states, n_atoms, 3)
        Angstrom, of the same atoms.
    parameters : TrainParameters
    tell : callable
        See `training.Tell`; what it raises ends the run, and what is trained by then is in the file.

    Raises
    ------
    PomodoroError
        If there is one state, the data given are none, memory or a device lacks, a file cannot be written or
        resumed.
    """
    levels, origin = given_data(parameters.data) if parameters.data else (None, "")
    hierarchy = Hierarchy.from_structure(structure)
    schemes = list(dict.fromkeys(recipe.scheme for recipe in recipes_of(parameters)))
    coords = torch.from_numpy(np.ascontiguousarray(states, dtype=np.float32))
    data = ensemble_data(coords, hierarchy, schemes, pose=parameters.pose, hold=parameters.hold, levels=levels)
    about = DataAbout(
        structure.name,
        atoms_digest(structure, hierarchy),
        hierarchy.n_atoms,
        hierarchy.n_residues,
        coords_digest(data.coords),
        parameters.pose,
        parameters.hold,
        data.levels,
    )

    def sample(training: Training, samples: int, check: Callable[[], object]) -> list[SampleQuality]:
        return sample_networks(training, structure, hierarchy, samples, check)

    return run_on(
        data,
        about,
        parameters.law_over(own_spread(data, hierarchy)),
        parameters,
        tell,
        n_kinds=hierarchy.n_residues,
        floors=lambda training: ensemble_floors(training, hierarchy),
        sample=sample,
        structure=structure,
        origin=origin,
    )
