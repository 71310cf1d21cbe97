"""How far what was measured of each residue can be trusted.

Per coordinate and frame the mean of a residue is a normal number, whatever the weights, and so is
that mean relative to its chain: over n frames the mean square is the true one times chi-square
with 3 n degrees of freedom over as many. The atoms of a residue of m atoms about its mean are
independent of every such mean: their mean square has chi-square with 3 n (m - 1). So

- the interval of a length is that of a variance (Cochran 1934);
- with R the square of the mean and W that of the atoms about it, R / W over its true value has F
  with (3 n, 3 n (m - 1)) degrees of freedom, exactly, and residue rms / atom rms is
  sqrt(R / (R + W)), which rises with it;
- the two differences to the residues before and after share a residue: the sum of their squares is
  one of two chi-squares, of 3 n each, in the proportion of the eigenvalues of their covariance,
  and taken for one with as many degrees of freedom as give its variance (Satterthwaite 1946). This
  covers up to 1.5 % too much of a single frame, .4 % of ten.

Only the last asks for weights, and only for those degrees of freedom.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from .expected import neighbor_variances

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..structure.hierarchy import Hierarchy
    from .levels import ResidueLevels
    from .weights import LevelWeights

_COVERAGE = 0.95

#: Low and high ends, or factors from a measured value to them, each of shape=(n_residues,).
Ends = tuple[np.ndarray, np.ndarray]


def residue_interval(
    name: str, values: np.ndarray, hierarchy: Hierarchy, weights: LevelWeights, measured: ResidueLevels, frames: int
) -> Ends | None:
    """Return the ends of the 95 % interval of a metric of each residue; None where it has none.

    A score that is expected in closed form has none: nothing of it is measured.

    Parameters
    ----------
    name : str
        One of `metrics.METRICS`.
    values : ndarray, shape=(n_residues,)
        Of the metric, as measured; the ends are in its unit. nan stays nan.
    hierarchy : Hierarchy
    weights : LevelWeights
        Of the noise.
    measured : ResidueLevels
        What the values are of.
    frames : int
        How many were measured, 1 or more.
    """
    if name not in _FACTORS:
        return None
    low, high = _FACTORS[name](hierarchy, weights, measured, frames)
    return values * low, values * high


def _of_mean(hierarchy: Hierarchy, _: LevelWeights, __: ResidueLevels, frames: int) -> Ends:
    return _length(np.full(hierarchy.n_residues, 3.0 * frames))


def _of_ratio(hierarchy: Hierarchy, _: LevelWeights, measured: ResidueLevels, frames: int) -> Ends:
    return _share(measured.residue, measured.atom, hierarchy, frames)


def _of_relative(hierarchy: Hierarchy, _: LevelWeights, measured: ResidueLevels, frames: int) -> Ends:
    return _share(measured.residue_relative, measured.atom_relative, hierarchy, frames)


def _of_neighbor(hierarchy: Hierarchy, weights: LevelWeights, _: ResidueLevels, frames: int) -> Ends:
    return _length(3 * frames * _neighbor_freedom(hierarchy, weights))


_FACTORS: dict[str, Callable[[Hierarchy, LevelWeights, ResidueLevels, int], Ends]] = {
    "ratio": _of_ratio,
    "relative": _of_relative,
    "displacement": _of_mean,
    "scramble": _of_mean,
    "neighbour": _of_neighbor,
    "excess": _of_ratio,
}


def _length(freedom: np.ndarray) -> Ends:
    """Return the factors of an rms whose square has chi-square with ``freedom``."""
    tail = (1 - _COVERAGE) / 2
    kinds, place = np.unique(freedom, return_inverse=True)  # few: quantiles take time
    low, high = (np.sqrt(kinds / (2 * special.gammaincinv(kinds / 2, end))) for end in (1 - tail, tail))
    return low[place], high[place]


def _share(part: np.ndarray, whole: np.ndarray, hierarchy: Hierarchy, frames: int) -> Ends:
    """Return the factors of ``part / whole``, both rms, of which the rest are the atoms about the mean."""
    tail = (1 - _COVERAGE) / 2
    sizes, place = np.unique(hierarchy.atoms_per_residue.cpu().numpy(), return_inverse=True)
    freedom = 3.0 * frames * np.maximum(sizes - 1, 1)  # where a residue is one atom the rest is 0
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = np.maximum((whole / part) ** 2 - 1, 0)
        low, high = (
            # The ratio is (1 + rest)^-1/2; the true rest is F times the measured one.
            np.sqrt((1 + rest) / (1 + rest * special.fdtri(3.0 * frames, freedom, end)[place]))
            for end in (1 - tail, tail)
        )
    return low, high


def _neighbor_freedom(hierarchy: Hierarchy, weights: LevelWeights) -> np.ndarray:
    """Return the degrees of freedom per coordinate and frame of the differences to both neighbours, 1 .. 2."""
    first, second = hierarchy.neighbors.cpu().numpy()
    pairs = neighbor_variances(hierarchy, weights).numpy()
    _, residue, atom = weights.shares
    own = residue + atom / hierarchy.atoms_per_residue.cpu().double().numpy()
    total, squares = np.zeros(hierarchy.n_residues), np.zeros(hierarchy.n_residues)
    sides = np.zeros(hierarchy.n_residues)
    for side in (first, second):
        np.add.at(total, side, pairs)
        np.add.at(squares, side, pairs**2)
        np.add.at(sides, side, 1)
    squares += np.where(sides == 2, 2 * own**2, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(squares > 0, total**2 / squares, 1.0)
