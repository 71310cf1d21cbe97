"""Whether a file can hold what is to be written, told before any work is done.

PDB has eight columns for a coordinate, and noise soon leaves them. What is refused here would
all but surely not fit: the chance that it does is below one in a million, by a bound that takes
a single atom of each residue. What is only likely not to fit is checked as it is written.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.special import log_ndtr, logsumexp

from ..diffusion.samplers import Sampler
from ..errors import PomodoroError
from ..io.mmcif import check_mmcif
from ..io.packed import format_of
from ..io.pdb import COORDINATES, check_pdb, residue_points
from ..noise.weights import LevelWeights
from ..parameters.catalogue import NoiseParameters, SampleParameters
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy

_LEAST_CHANCE = 1e-6
# What is looked at: more would only lower the bound.
_MOST_CHAINS, _MOST_RESIDUES = 8, 400
# The displacement of a chain, in units of its own standard deviation.
_NODES = np.linspace(-8, 8, 129)
# Below, centring takes too much of the noise; and what a state has of the noise is known so well.
_FEWEST_RESIDUES, _SURE = 8, 0.9


def check_labels(
    path: Path,
    structure: Structure,
    hierarchy: Hierarchy,
    n_frames: int,
    level: str,
    *,
    values: np.ndarray | None = None,
    truth: bool = True,
) -> None:
    """Refuse a structure, or a number of frames, that a file cannot hold.

    Parameters
    ----------
    path : Path
        Its ending tells the format.
    structure : Structure
    hierarchy : Hierarchy
    n_frames : int
    level : {"atom", "residue"}
    values : ndarray, shape=(n_atoms,), optional
        What is to stand in the B column, where that is known.
    truth : bool
        Whether the structure itself is to be written.

    Raises
    ------
    PomodoroError
    """
    if format_of(path) == ".pdb":
        if level == "residue":
            structure, values = residue_points(structure, hierarchy), None
        check_pdb(structure, n_frames, values=values, truth=truth)
    elif format_of(path) == ".cif":
        check_mmcif(structure)


def check_noise(
    path: Path, structure: Structure, hierarchy: Hierarchy, parameters: NoiseParameters, level: str
) -> None:
    """Refuse a PDB file for noised frames that would all but surely not fit.

    Raises
    ------
    PomodoroError
    """
    if format_of(path) == ".pdb":
        sigma, frames = parameters.noise_sigma, parameters.frames
        chance = log_chance_to_fit(structure.coords, hierarchy, parameters.weights, sigma, level)
        _check_chance(frames * chance, f"noise of sigma {sigma:.4g} A per coordinate")


def check_samples(path: Path, structure: Structure, hierarchy: Hierarchy, parameters: SampleParameters) -> None:
    """Refuse a PDB file for states of reverse diffusion that would all but surely not fit.

    What a trained network makes of noise is not known, so that its states are checked as they are written.

    Raises
    ------
    PomodoroError
    """
    _, residue, atom = parameters.weights.shares
    if (
        format_of(path) != ".pdb"
        or parameters.network
        or hierarchy.n_residues < _FEWEST_RESIDUES
        or residue + atom == 0
    ):
        return
    spread = max(state_spread(parameters.settings, parameters.kept_steps()))
    # A sampler that centres takes the part of the one chain away.
    sigma = _SURE * spread * math.sqrt(residue + atom)
    chance = log_chance_to_fit(structure.coords, hierarchy, LevelWeights(0, residue, atom), sigma)
    _check_chance(
        parameters.samples * chance, f"a state with noise of {spread:.4g} A per coordinate, of its first steps,"
    )


def _check_chance(log_chance: float, what: str) -> None:
    if log_chance < math.log(_LEAST_CHANCE):
        raise PomodoroError(
            f"{what} does not fit the columns of PDB, -999.999 to 9999.999 A: save as mmCIF (.cif) or DCD (.dcd)"
        )


def log_chance_to_fit(
    coords: np.ndarray, hierarchy: Hierarchy, weights: LevelWeights, sigma: float, level: str = "atom"
) -> float:
    """Return an upper bound of the logarithm of the chance that one noised frame fits the columns of PDB.

    That of one point of each residue, which depend on each other through their chain alone; exact where there are no
    others. Of many residues or chains some are taken.

    Parameters
    ----------
    coords : ndarray, shape=(n_atoms, 3)
        The truth, angstrom.
    hierarchy : Hierarchy
    weights : LevelWeights
    sigma : float
        Angstrom per coordinate.
    level : {"atom", "residue"}
        Whether a point is the first atom of each residue, or its mean.
    """
    chain, residue, atom = weights.shares
    if level == "residue":
        points = residue_means(coords, hierarchy)
        own = np.sqrt(residue + atom / hierarchy.atoms_per_residue.numpy())
    else:
        points = coords[hierarchy.first_atoms.numpy()].astype(np.float64)
        own = np.full(hierarchy.n_residues, math.sqrt(residue + atom))
    chain_of = hierarchy.residue_to_chain.numpy()
    largest = np.argsort(-hierarchy.residues_per_chain.numpy(), kind="stable")[:_MOST_CHAINS]
    shared = _NODES * sigma * math.sqrt(chain)
    weight = -(_NODES**2) / 2
    weight -= logsumexp(weight)
    total = 0.0
    for number in largest:
        members = np.flatnonzero(chain_of == number)[:_MOST_RESIDUES]
        for axis in range(3):
            places = points[members, axis, None] + shared
            fits = _log_between(places, sigma * own[members, None])
            total += logsumexp(weight + fits.sum(0))
    return float(total)


def _log_between(places: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Return the logarithm of the chance that normal numbers about ``places`` lie between the ends of PDB's columns."""
    low, high = COORDINATES
    with np.errstate(divide="ignore", invalid="ignore"):
        above, below = (places - low) / spread, (high - places) / spread
        sure = (places >= low) & (places <= high)
        found = log_ndtr(above) + np.log1p(-np.exp(np.minimum(log_ndtr(-below) - log_ndtr(above), 0)))
    return np.where(spread > 0, found, np.where(sure, 0.0, -np.inf))


def residue_means(coords: np.ndarray, hierarchy: Hierarchy) -> np.ndarray:
    """Return the mean of the atoms of each residue, shape=(n_residues, 3), float64."""
    rows = hierarchy.atom_to_residue.numpy()
    sums = np.stack([np.bincount(rows, axis, hierarchy.n_residues) for axis in coords.T], axis=1)
    return sums / hierarchy.atoms_per_residue.numpy()[:, None]


def state_spread(settings: Sampler, steps: Sequence[int]) -> list[float]:
    """Return the standard deviation per coordinate of what steps leave of the noise, angstrom.

    Where the denoised structure does not depend on x, which holds at a sigma far above the spread of the data. It is
    not sigma: a step that is scaled overshoots.
    """
    spread = settings.sigmas()[0]
    after = []
    for sigma, following in zip(settings.sigmas(), settings.sigmas()[1:]):
        level = settings.churned(sigma, following)
        spread = math.hypot(spread, settings.churn_scale * math.sqrt(level**2 - sigma**2))
        left = 1 - settings.step_scale * (level - following) / level
        if settings.solver == "heun" and following:
            slope = 1 / (2 * level) + left / (2 * following)
            left = 1 + settings.step_scale * (following - level) * slope
        spread *= abs(left)
        after.append(spread)
    return [after[step - 1] for step in steps]
