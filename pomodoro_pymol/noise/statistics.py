"""How much noise lands on atoms, residues and chains: measured. See `levels` for the terms."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import PomodoroError
from ..structure.hierarchy import Hierarchy
from .intervals import confidence, prediction
from .levels import Levels, MeanSquares, ResidueLevels, check_estimator, level_names, levels_of_squares


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
    frames : ndarray, shape=(11, n_frames)
        The fields of `MeanSquares`, in order.
    centers : ndarray, shape=(3, n_frames)
        Squares of the centres of all atoms, residue means and chain means.
    residues : ndarray, shape=(4, n_residues)
        Sums over the frames: of each residue's mean, of it relative to its chain, of its
        atoms about it, and of its mean relative to the neighbours in its chain.
    resolution : float
        Relative rounding error of the displacements.
    """

    frames: np.ndarray
    centers: np.ndarray
    residues: np.ndarray
    resolution: float


def level_squares(sums: Tensor, hierarchy: Hierarchy) -> LevelSquares:
    """Reduce the `residue_sums` of some frames, shape=(n_frames, 4, n_residues).

    In NumPy, which is quicker than torch on arrays of this size. In the precision of the
    sums; what is added up over residues or frames, in float64.
    """
    arrays = sums.cpu().numpy()
    order = hierarchy.chain_by_chain.numpy()
    sorted_ = np.array_equal(order, np.arange(len(order)))
    if not sorted_:
        arrays = np.take(arrays, order, axis=-1)
    in_residue = hierarchy.atoms_per_residue.numpy()[order].astype(arrays.dtype)
    in_chain, per_chain = hierarchy.atoms_per_chain.numpy(), hierarchy.residues_per_chain.numpy()
    starts = np.cumsum(per_chain) - per_chain
    alone = starts[per_chain == 1]
    vectors, squares = arrays[:, :3], arrays[:, 3]
    chain_means = np.add.reduceat(vectors, starts, axis=-1, dtype=np.float64) / in_chain
    means = vectors / in_residue
    residue, chain = _square(means), _square(chain_means)
    relative = _square(means - np.repeat(chain_means.astype(arrays.dtype), per_chain, axis=-1))
    relative[:, alone] = 0
    neighbor = _square(np.diff(means))
    neighbor[:, starts[1:] - 1] = 0
    inside = np.maximum(squares - in_residue * residue, 0)

    def total(values: np.ndarray) -> np.ndarray:
        return values.sum(-1, dtype=np.float64)

    def total_inside(values: np.ndarray, over_all: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        return total(np.delete(values, chosen, axis=-1)) if len(chosen) else over_all

    n_atoms, n_residues, n_chains = hierarchy.n_atoms, hierarchy.n_residues, hierarchy.n_chains
    n_inside = n_atoms - int(in_residue[alone].sum())
    on_means, on_chains, on_residues, on_atoms = map(total, (residue, chain * in_chain, relative * in_residue, inside))
    with np.errstate(invalid="ignore"):
        frames = MeanSquares(
            residue=on_means / n_residues,
            chain=total(chain) / n_chains,
            relative=total(relative) / (n_residues - len(alone)),
            neighbor=total(neighbor) / (n_residues - n_chains),
            of_chains=on_chains / n_atoms,
            of_residues=on_residues / n_atoms,
            of_atoms=on_atoms / n_atoms,
            means_inside=total_inside(residue, on_means, alone) / (n_residues - len(alone)),
            chains_inside=total_inside(chain * in_chain, on_chains, np.flatnonzero(per_chain == 1)) / n_inside,
            residues_inside=on_residues / n_inside,
            atoms_inside=total_inside(inside, on_atoms, alone) / n_inside,
        )
    centers = [
        _square(total(vectors)) / n_atoms**2,
        _square(total(means)) / n_residues**2,
        _square(total(chain_means)) / n_chains**2,
    ]
    residues = np.empty((4, n_residues))
    for row, part in zip(residues, (residue, relative, inside / in_residue)):
        part.sum(0, dtype=np.float64, out=row)
    pairs = neighbor.sum(0, dtype=np.float64)
    first, last = starts, starts + per_chain - 1
    sides = np.full(n_residues, 2)
    sides[first] -= 1
    sides[last] -= 1
    residues[3] = (np.append(pairs, 0) + np.append(0, pairs)) / np.maximum(sides, 1)
    if not sorted_:
        residues = residues[:, np.argsort(order)]
    resolution = float(np.finfo(arrays.dtype).eps)
    return LevelSquares(np.stack(frames) / 3, np.stack(centers) / 3, residues / 3, resolution)


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
        self._centers: list[np.ndarray] = []
        self._residues = np.zeros((4, hierarchy.n_residues))
        self._resolution = 0.0

    def add(self, sums: Tensor) -> None:
        """Take in the `residue_sums` of some frames, shape=(n_frames, 4, n_residues)."""
        self.add_squares(level_squares(sums, self.hierarchy))

    def add_squares(self, squares: LevelSquares) -> None:
        """Take in the `level_squares` of some frames."""
        self._frames.append(squares.frames)
        self._centers.append(squares.centers)
        self._residues += squares.residues
        self._resolution = max(self._resolution, squares.resolution)
        self.n_frames += squares.frames.shape[1]

    def levels(self) -> Levels:
        """Return the values over all frames together."""
        return levels_of_squares(self._mean_squares(), self.scale)

    def frame_levels(self) -> Levels:
        """Return the values of each frame, arrays of shape=(n_frames,)."""
        return levels_of_squares(self._resolved_frames(), self.scale)

    def sigmas(self, estimator: str = "rms") -> tuple[float, float, float]:
        """Return the noise level of atoms, residue means and chain means: see `level_sigmas`."""
        check_estimator(estimator)
        if estimator == "rms":
            levels = self.levels()
            return levels.atom, levels.residue, levels.chain
        self._check_frames()
        squares = MeanSquares(*np.concatenate(self._frames, axis=1).mean(1))
        centers = np.concatenate(self._centers, axis=1).mean(1)
        points = (self.hierarchy.n_atoms, self.hierarchy.n_residues, self.hierarchy.n_chains)
        about_truth = (squares.of_chains + squares.of_residues + squares.of_atoms, squares.residue, squares.chain)
        atom, residue, chain = (
            self.scale * float(np.sqrt(self._about(square, center) * n / (n - 1))) if n > 1 else float("nan")
            for square, center, n in zip(about_truth, centers, points)
        )
        return atom, residue, chain

    def interval(self, coverage: float = 0.95) -> tuple[Levels, Levels]:
        """Return the lower and upper ends of the confidence interval of `levels`; nan for one frame.

        See `intervals.confidence`.
        """
        return self._between(confidence, coverage)

    def prediction_interval(self, coverage: float = 0.95) -> tuple[Levels, Levels]:
        """Return the ends of the interval in which `levels` of the next draw lie; nan for one frame.

        See `intervals.prediction`.
        """
        return self._between(prediction, coverage)

    def standard_error(self) -> Levels:
        """Return the jackknife standard error of `levels`; nan for one frame."""
        frames, n = self._resolved_frames(), self.n_frames
        if n < 2:
            return Levels(*[float("nan")] * len(level_names()))
        left_out = levels_of_squares(MeanSquares(*((values.sum() - values) / (n - 1) for values in frames)), self.scale)
        return Levels(**{name: float(np.std(getattr(left_out, name)) * np.sqrt(n - 1)) for name in level_names()})

    def scaled(self, scale: float) -> LevelStatistics:
        """Return the same statistics for displacements ``scale`` times as large."""
        other = copy.copy(self)
        other.scale = self.scale * scale
        return other

    def residues(self) -> ResidueLevels:
        """Return the values of each residue over all frames."""
        self._check_frames()
        residue, relative, inside, neighbor = self._residues / self.n_frames
        moves, within = _rounding(residue, self._resolution, self.hierarchy.atoms_per_residue.numpy())
        relative, inside, neighbor = (
            relative * (relative > moves),
            inside * (inside > within),
            neighbor * (neighbor > moves),
        )
        squares = (residue + inside, residue, relative + inside, relative, neighbor)
        return ResidueLevels(*(self.scale * np.sqrt(square) for square in squares))

    def _between(self, ends: Callable[..., tuple[Levels, Levels]], coverage: float) -> tuple[Levels, Levels]:
        frames = self._resolved_frames()
        if self.n_frames < 2:
            nothing = Levels(*[float("nan")] * len(level_names()))
            return nothing, nothing
        low, high = (
            Levels(**{name: float(value) for name, value in vars(levels).items()})
            for levels in ends(frames, self.hierarchy, self.scale, coverage)
        )
        return low, high

    def _mean_squares(self) -> MeanSquares:
        return MeanSquares(*(values.mean() for values in self._resolved_frames()))

    def _resolved_frames(self) -> MeanSquares:
        """The mean squares of each frame, without what is but the rounding of all of them."""
        self._check_frames()
        frames = MeanSquares(*np.concatenate(self._frames, axis=1))
        means = MeanSquares(*(values.mean() for values in frames))
        moves, within = _rounding(means.residue, self._resolution, self.hierarchy.n_atoms / self.hierarchy.n_residues)
        residues, atoms = means.of_residues > moves, means.of_atoms > within
        return frames._replace(
            relative=frames.relative * (means.relative > moves),
            neighbor=frames.neighbor * (means.neighbor > moves),
            of_residues=frames.of_residues * residues,
            residues_inside=frames.residues_inside * residues,
            of_atoms=frames.of_atoms * atoms,
            atoms_inside=frames.atoms_inside * atoms,
        )

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


def _rounding(residue: np.ndarray, resolution: float, in_residue: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Return what rounding alone leaves of differences of residue means, and of atoms about them.

    Means are rounded to ``resolution`` of themselves; sums of n squares, of which the
    larger part is taken away again, to about its sqrt(n) fold.
    """
    return (16 * resolution) ** 2 * residue, resolution * np.sqrt(in_residue) * residue


def _square(vectors: np.ndarray) -> np.ndarray:
    """Squared length, ``(n_frames, 3, ...)`` to ``(n_frames, ...)``."""
    return np.square(vectors).sum(1)


def _variance(points: Tensor) -> Tensor:
    """Unbiased variance over points per coordinate, ``(..., n, 3)`` to ``(...)``; nan for one point."""
    if points.shape[-2] == 1:
        return points.new_full(points.shape[:-2], torch.nan)
    return points.var(-2).mean(-1)
