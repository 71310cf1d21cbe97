"""How much noise lands on atoms, residues and chains: measured. See `levels` for the terms."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from ..errors import PomodoroError
from ..structure.hierarchy import Hierarchy
from .levels import Levels, ResidueLevels, check_estimator, level_names, levels_of_squares


def residue_sums(displacements: Tensor, hierarchy: Hierarchy) -> Tensor:
    """Sum displacements and their squares over the atoms of each residue.

    Every statistic of this module follows from these sums.

    Parameters
    ----------
    displacements : Tensor, shape=(..., n_atoms, 3)
    hierarchy : Hierarchy

    Returns
    -------
    Tensor, shape=(..., 4, n_residues)
        Sums of x, y, z and of x**2 + y**2 + z**2.
    """
    rows = displacements.transpose(-1, -2)
    frames = rows.reshape(-1, 3, rows.shape[-1])
    sums = rows.new_zeros(len(frames), 4, hierarchy.n_residues)
    for total, frame in zip(sums, frames):
        x, y, z = frame
        squares = (x * x).addcmul_(y, y).addcmul_(z, z)
        for group, row in zip(total, (x, y, z, squares)):
            group.scatter_add_(0, hierarchy.atom_to_residue, row)
    return sums.reshape(*rows.shape[:-2], 4, hierarchy.n_residues)


@dataclass(frozen=True, eq=False)
class LevelSquares:
    """Mean squares of some frames, all that the statistics keep of them.

    Attributes
    ----------
    frames : ndarray, shape=(n_frames, 9)
        Residue, chain and relative residue mean squares, the three variance parts, and
        the squares of the centres of all atoms, residue means and chain means.
    residues : ndarray, shape=(3, n_residues)
        Sums over the frames: of each residue's mean, of it relative to its chain, and of
        its atoms about it.
    resolution : float
        Relative rounding error of the displacements.
    """

    frames: np.ndarray
    residues: np.ndarray
    resolution: float


def level_squares(sums: Tensor, hierarchy: Hierarchy) -> LevelSquares:
    """Reduce the `residue_sums` of some frames, shape=(n_frames, 4, n_residues).

    In NumPy, which is quicker than torch on arrays of this size. In the precision of the
    sums; what is added up over residues or frames, in float64.
    """
    arrays = sums.cpu().numpy()
    n_frames, n_chains = len(arrays), hierarchy.n_chains
    chain_of = hierarchy.residue_to_chain.numpy()
    in_residue = hierarchy.atoms_per_residue.numpy().astype(arrays.dtype)
    in_chain = hierarchy.atoms_per_chain.numpy()
    vectors, squares = arrays[:, :3], arrays[:, 3]
    rows = np.arange(3 * n_frames)[:, None] * n_chains + chain_of
    in_chains = np.bincount(rows.ravel(), vectors.ravel(), 3 * n_frames * n_chains)
    chain_means = in_chains.reshape(n_frames, 3, n_chains) / in_chain
    means = vectors / in_residue
    residue, chain = _square(means), _square(chain_means)
    relative = _square(means - np.take(chain_means.astype(arrays.dtype), chain_of, axis=-1))
    inside = np.maximum(squares - in_residue * residue, 0)

    def total(values: np.ndarray) -> np.ndarray:
        return values.sum(-1, dtype=np.float64)

    n_atoms, n_residues = hierarchy.n_atoms, hierarchy.n_residues
    frames = [
        total(residue) / n_residues,
        total(chain) / n_chains,
        total(relative) / n_residues,
        total(chain * in_chain) / n_atoms,
        total(relative * in_residue) / n_atoms,
        total(inside) / n_atoms,
        _square(total(vectors)) / n_atoms**2,
        _square(total(means)) / n_residues**2,
        _square(total(chain_means)) / n_chains**2,
    ]
    residues = [part.sum(0, dtype=np.float64) for part in (residue, relative, inside / in_residue)]
    return LevelSquares(np.stack(frames, -1) / 3, np.stack(residues) / 3, float(np.finfo(arrays.dtype).eps))


class LevelStatistics:
    """Accumulates residue sums frame by frame; memory does not grow with the atoms of a frame.

    Parameters
    ----------
    hierarchy : Hierarchy
    scale : float
        Factor from the displacements given to angstrom: sigma where they are of unit noise.
    """

    def __init__(self, hierarchy: Hierarchy, scale: float = 1.0) -> None:
        self.hierarchy = hierarchy.to("cpu")
        self.scale = scale
        self.n_frames = 0
        self._frames: list[np.ndarray] = []
        self._residues = np.zeros((3, hierarchy.n_residues))
        self._resolution = 0.0

    def add(self, sums: Tensor) -> None:
        """Take in the `residue_sums` of some frames, shape=(n_frames, 4, n_residues)."""
        self.add_squares(level_squares(sums, self.hierarchy))

    def add_squares(self, squares: LevelSquares) -> None:
        """Take in the `level_squares` of some frames."""
        self._frames.append(squares.frames)
        self._residues += squares.residues
        self._resolution = max(self._resolution, squares.resolution)
        self.n_frames += len(squares.frames)

    def levels(self) -> Levels:
        """Return the values over all frames together."""
        return self._levels(self._mean_squares().mean(0))

    def sigmas(self, estimator: str = "rms") -> tuple[float, float, float]:
        """Return the noise level of atoms, residue means and chain means: see `level_sigmas`."""
        check_estimator(estimator)
        if estimator == "rms":
            levels = self.levels()
            return levels.atom, levels.residue, levels.chain
        squares = self._mean_squares().mean(0)
        points = (self.hierarchy.n_atoms, self.hierarchy.n_residues, self.hierarchy.n_chains)
        about_truth = (squares[3:6].sum(), squares[0], squares[1])
        atom, residue, chain = (
            self.scale * float(np.sqrt(self._about(square, center) * n / (n - 1))) if n > 1 else float("nan")
            for square, center, n in zip(about_truth, squares[6:], points)
        )
        return atom, residue, chain

    def interval(self, coverage: float = 0.95) -> tuple[Levels, Levels]:
        """Return the lower and upper ends of the confidence interval of `levels`.

        Jackknife over frames, which are independent, with Student's t; nan for one frame.
        """
        center, error = self.levels(), self.standard_error()
        width = float(stats.t.ppf((1 + coverage) / 2, max(self.n_frames - 1, 1)))
        ends = (
            Levels(**{name: getattr(center, name) + side * width * getattr(error, name) for name in level_names()})
            for side in (-1, 1)
        )
        return next(ends), next(ends)

    def draw_range(self, coverage: float = 0.95) -> tuple[Levels, Levels]:
        """Return the range in which the central part of the single draws lies, as drawn."""
        draws = self._levels(self._mean_squares())
        ends = [(1 - coverage) / 2, (1 + coverage) / 2]
        values = {name: np.quantile(getattr(draws, name), ends) for name in level_names()}
        low, high = (Levels(**{name: float(value[side]) for name, value in values.items()}) for side in (0, 1))
        return low, high

    def scaled(self, scale: float) -> LevelStatistics:
        """Return the same statistics for displacements ``scale`` times as large."""
        other = copy.copy(self)
        other.scale = self.scale * scale
        return other

    def standard_error(self) -> Levels:
        """Return the jackknife standard error of `levels`; nan for one frame."""
        squares = self._mean_squares()
        n = self.n_frames
        if n < 2:
            return Levels(*[float("nan")] * len(level_names()))
        left_out = self._levels((squares.sum(0) - squares) / (n - 1))
        return Levels(**{name: float(np.std(getattr(left_out, name)) * np.sqrt(n - 1)) for name in level_names()})

    def residues(self) -> ResidueLevels:
        """Return the values of each residue over all frames."""
        self._check_frames()
        residue, relative, inside = self._residues / self.n_frames
        in_residue = self.hierarchy.atoms_per_residue.numpy()
        relative, inside = _resolved(residue, relative, inside, self._resolution, in_residue)
        return ResidueLevels(
            *(self.scale * np.sqrt(part) for part in (residue + inside, residue, relative + inside, relative))
        )

    def _levels(self, squares: np.ndarray) -> Levels:
        residue, chain, relative, *parts = np.moveaxis(squares[..., :6], -1, 0)
        in_residue = self.hierarchy.n_atoms / self.hierarchy.n_residues
        relative, parts[2] = _resolved(residue, relative, parts[2], self._resolution, in_residue)
        parts[1] = _resolved(residue, parts[1], parts[2], self._resolution, in_residue)[0]
        return levels_of_squares(np.stack([residue, chain, relative, *parts], -1), self.scale)

    def _mean_squares(self) -> np.ndarray:
        self._check_frames()
        return np.concatenate(self._frames)

    def _about(self, square: float, center: float) -> float:
        """Mean square about the centre; none where rounding would leave as much."""
        return square - center if square - center > 16 * self._resolution * square else 0.0

    def _check_frames(self) -> None:
        if not self.n_frames:
            raise PomodoroError("statistics need at least one frame")


def level_sigmas(displacements: Tensor, hierarchy: Hierarchy, estimator: str = "rms") -> tuple[float, float, float]:
    """Return the noise level of atoms, residue means and chain means.

    Parameters
    ----------
    displacements : Tensor, shape=(n_atoms, 3) or (n_frames, n_atoms, 3)
        Noised minus true coordinates, angstrom.
    hierarchy : Hierarchy
    estimator : {"rms", "std"}
        ``rms`` is about the true structure. ``std`` is about the mean over the points of
        a frame, unbiased; nan for one point, so for the chain level of a single chain.
        Frames are pooled by their mean square.

    Returns
    -------
    atom, residue, chain : float
        Angstrom per coordinate.
    """
    check_estimator(estimator)
    points = displacements.double()
    levels = (points, hierarchy.pool(points, "residue"), hierarchy.pool(points, "chain"))
    if estimator == "rms":
        atom, residue, chain = (float(level.square().mean().sqrt()) for level in levels)
    else:
        atom, residue, chain = (float(_variance(level).mean().sqrt()) for level in levels)
    return atom, residue, chain


def _resolved(
    residue: np.ndarray, relative: np.ndarray, inside: np.ndarray, resolution: float, in_residue: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    """Zero what rounding alone would leave of differences: in a rigid chain, in a rigid residue.

    Means are rounded to ``resolution`` of themselves; sums of n squares, of which the
    larger part is taken away again, to about its sqrt(n) fold.
    """
    relative = np.where(relative > (16 * resolution) ** 2 * residue, relative, 0.0)
    return relative, np.where(inside > resolution * np.sqrt(in_residue) * residue, inside, 0.0)


def _square(vectors: np.ndarray) -> np.ndarray:
    """Squared length, ``(n_frames, 3, ...)`` to ``(n_frames, ...)``."""
    return np.square(vectors).sum(1)


def _variance(points: Tensor) -> Tensor:
    """Unbiased variance over points per coordinate, ``(..., n, 3)`` to ``(...)``; nan for one point."""
    if points.shape[-2] == 1:
        return points.new_full(points.shape[:-2], torch.nan)
    return points.var(-2).mean(-1)
