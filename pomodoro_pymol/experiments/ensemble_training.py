"""Training on the states of one structure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from ..diffusion.analytic import IdealDenoiser
from ..diffusion.linear import LinearDenoiser
from ..diffusion.precondition import SHIFT, PerLevel, data_variances, degrees_of_freedom, noise_variances
from ..diffusion.slots import Seating
from ..diffusion.training import Training
from ..diffusion.training_data import DataAbout, TrainingData, atoms_digest, coords_digest
from ..errors import PomodoroError
from ..noise.presets import parse_schemes
from ..noise.weights import Scheme
from ..parameters.catalogue import TrainParameters
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy
from ..structure.superposition import superpose
from .rating import Floor
from .scalings import given_data
from .trained_samples import SampleQuality, sample_networks
from .training import TrainResult, run_on
from .training_run import Tell

# States of which the covariance is taken, times the axes along which each state has one of its own, at most.
_MOST_MODES = 6000


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
        Under ``fixed`` each state is superposed on the first.
    hold : int
        One state in so many is held out, such as the 6th, 12th ...; 0 holds none out.
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
    """Return the standard deviation of the data per coordinate, angstrom.

    The mean of a single chain does not move where the pose is fixed, and counts for nothing.
    """
    chain, residue, atom = degrees_of_freedom(hierarchy)
    if data.pose == "fixed" and hierarchy.n_chains == 1:
        chain = 0.0
    return data.spread((chain, residue, atom))


def ensemble_floors(training: Training, hierarchy: Hierarchy) -> Callable[[Scheme], dict[str, Floor]]:
    """Return a function that makes, for a scheme, the exact denoiser of the states of training and the best linear one.

    There is neither for noise without an atom part, whose covariance has no inverse, and no linear one for so many
    states that their products with each other would take longer than the training.
    """
    data, slots = training.data, training.data.slots
    hierarchy = hierarchy.to(training.device)
    seating = Seating(hierarchy)
    states = seating.gather(data.coords[data.trained])
    fixed = data.pose == "fixed"

    def floor(denoise: Callable) -> Floor:
        """Return what a denoiser of atoms leaves of structures in slots."""

        def left(noised: Tensor, truth: Tensor, items: Tensor, sigma: float) -> Tensor:
            """Return the mean squares of the denoiser's error at each level, as of `Floor`."""
            found = denoise(seating.gather(noised), sigma).atoms
            return slots.level_squares(seating.spread(found.to(truth)) - truth)

        return left

    def make(scheme: Scheme) -> dict[str, Floor]:
        """Return the floors on noise of a scheme, by name."""
        if not scheme.weights.atom:
            return {}
        ideal = IdealDenoiser(states, hierarchy, scheme.weights, pose="fixed" if fixed else "exact")
        denoisers: dict[str, Callable] = {"exact": ideal}
        if (1 if fixed else 3) * len(states) <= _MOST_MODES:
            denoisers["linear"] = LinearDenoiser(states, hierarchy, scheme.weights, pose=data.pose)
        return {name: floor(denoise) for name, denoise in denoisers.items()}

    return make


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
        The labels of the atoms; the file of the networks is named after it, where the parameters name none.
    states : ndarray, shape=(n_states, n_atoms, 3)
        Angstrom, of the same atoms.
    parameters : TrainParameters
    tell : callable
        See `training_run.Tell`.

    Raises
    ------
    PomodoroError
        If there is one state, ``data`` is no data, memory does not suffice, there is no such device, or a file
        cannot be written or resumed.
    """
    levels, origin = given_data(parameters.data) if parameters.data else (None, "")
    hierarchy = Hierarchy.from_structure(structure)
    schemes = parse_schemes(parameters.presets)
    coords = torch.from_numpy(np.ascontiguousarray(states, dtype=np.float32))
    data = ensemble_data(coords, hierarchy, schemes, pose=parameters.pose, hold=parameters.hold, levels=levels)
    about = DataAbout(
        source=structure.name,
        atoms=atoms_digest(structure, hierarchy),
        n_atoms=hierarchy.n_atoms,
        n_residues=hierarchy.n_residues,
        states=coords_digest(data.coords),
        pose=data.pose,
        hold=parameters.hold,
        levels=data.levels,
    )

    def sample(training: Training, samples: int, check: Callable[[], object]) -> list[SampleQuality]:
        """Sample from the networks, as `run_on` asks for it."""
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
