"""How much noise lands on atoms, residues and chains: measured. See `levels` for the terms."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import PomodoroError
from ..structure.hierarchy import Hierarchy
from .intervals import confidence, prediction
from .levels import Levels, MeanSquares, ResidueLevels, check_estimator, level_names, levels_of_squares
from .squares import CenterSquares, LevelSquares, ResidueSquares, level_squares


def residue_sums(displacements: Tensor, hierarchy: Hierarchy) -> Tensor:
    """Sum displacements and their squares over the atoms of each residue.

    Every statistic of this module follows from these sums.

    Parameters
    ----------
    displacements : Tensor, shape=(..., n_atoms, 3)
    hierarchy : Hierarchy
        On the same device.

    Returns
    -------
    Tensor, shape=(..., 4, n_residues)
        Sums of x, y, z and of x**2 + y**2 + z**2.
    """
    rows = displacements.transpose(-1, -2)
    frames = rows.reshape(-1, 3, rows.shape[-1])
    x, y, z = frames.unbind(1)
    squares = (x * x).addcmul_(y, y).addcmul_(z, z)
    sums = rows.new_empty(4 * len(frames), hierarchy.n_residues)
    of_vectors, of_squares = sums[: 3 * len(frames)], sums[3 * len(frames) :]
    hierarchy.sum_residues(frames.reshape(-1, hierarchy.n_atoms), of_vectors)
    hierarchy.sum_residues(squares, of_squares)
    found = torch.cat([of_vectors.view(-1, 3, hierarchy.n_residues), of_squares[:, None]], 1)
    return found.view(*rows.shape[:-2], 4, hierarchy.n_residues)


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
        self._frames: list[MeanSquares] = []
        self._centers: list[CenterSquares] = []
        nothing = torch.from_numpy(np.zeros(hierarchy.n_residues))
        self._residues = ResidueSquares(nothing, nothing, nothing, nothing)
        self._resolution = 0.0

    def add(self, sums: Tensor) -> None:
        """Take in the `residue_sums` of some frames, shape=(n_frames, 4, n_residues), on any device."""
        self.add_squares(level_squares(sums, self.hierarchy.to(sums.device)))

    def add_squares(self, squares: LevelSquares) -> None:
        """Take in the `level_squares` of some frames."""
        self._frames.append(squares.frames)
        self._centers.append(squares.centers)
        self._residues = ResidueSquares(*map(_added, self._residues, squares.residues))
        self._resolution = max(self._resolution, squares.resolution)
        self.n_frames += len(squares.frames.residue)

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
        frames, of_centers, _ = self._collected()
        squares = MeanSquares(*(values.mean() for values in frames))
        centers = CenterSquares(*(values.mean() for values in of_centers))
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
        hierarchy = self.hierarchy
        in_order, in_residue = hierarchy.chain_by_chain.numpy(), hierarchy.atoms_per_residue.numpy()
        _, _, sums = self._collected()
        means = ResidueSquares(*(_placed(values / (3 * self.n_frames), in_order) for values in sums))
        moves, within = _rounding(means.mean, self._resolution, in_residue)
        inside, neighbor = means.inside / in_residue, _of_neighbors(means.neighbor, hierarchy)
        relative = means.relative * (means.relative > moves)
        inside, neighbor = inside * (inside > within), neighbor * (neighbor > moves)
        squares = (means.mean + inside, means.mean, relative + inside, relative, neighbor)
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
        frames, _, _ = self._collected()
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

    def _collected(self) -> tuple[MeanSquares, CenterSquares, ResidueSquares]:
        """Return what was taken in, as arrays: of each frame, and of each residue. It is fetched at once, and once."""
        if not self.n_frames:
            raise PomodoroError("statistics need at least one frame")
        if len(self._frames) > 1 or self._residues.mean.device.type != "cpu":
            frames = MeanSquares(*map(torch.cat, zip(*self._frames)))
            centers = CenterSquares(*map(torch.cat, zip(*self._centers)))
            frames, centers, self._residues = _fetched(frames, centers, self._residues)
            self._frames, self._centers = [frames], [centers]
        (frames,), (centers,), residues = self._frames, self._centers, self._residues
        return (
            MeanSquares(*(values.numpy() for values in frames)),
            CenterSquares(*(values.numpy() for values in centers)),
            ResidueSquares(*(values.numpy() for values in residues)),
        )


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


def _added(total: Tensor, more: Tensor) -> Tensor:
    """Return the sum, on the device of ``more``."""
    # On the CPU by NumPy: a team of torch's threads would take the cores from those that draw.
    if more.device.type == "cpu":
        return torch.from_numpy(total.numpy() + more.numpy())
    return total.to(more) + more


def _fetched(*named: Any) -> list[Any]:
    """Return named tuples of tensors, float64 on the CPU, in one transfer."""
    rows = [row for each in named for row in each]
    parts = iter(torch.cat(rows).cpu().double().split([len(row) for row in rows]))
    return [type(each)(*(next(parts) for _ in each)) for each in named]


def _placed(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return values at these places of an array of their length."""
    found = np.empty_like(values)
    found[places] = values
    return found


def _rounding(residue: np.ndarray, resolution: float, in_residue: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Return what rounding alone leaves of differences of residue means, and of atoms about them.

    Means are rounded to ``resolution`` of themselves; sums of n squares, of which the
    larger part is taken away again, to about its sqrt(n) fold.
    """
    return (16 * resolution) ** 2 * residue, resolution * np.sqrt(in_residue) * residue


def _of_neighbors(to_next: np.ndarray, hierarchy: Hierarchy) -> np.ndarray:
    """Return the mean over the neighbours of each residue, of squares of each with the next of its chain."""
    pairs = hierarchy.neighbors.numpy()
    total, count = np.zeros_like(to_next), np.zeros_like(to_next)
    for side in pairs:
        np.add.at(total, side, to_next[pairs[0]])
        np.add.at(count, side, 1)
    return total / np.maximum(count, 1)


def _variance(points: Tensor) -> Tensor:
    """Unbiased variance over points per coordinate, ``(..., n, 3)`` to ``(...)``; nan for one point."""
    if points.shape[-2] == 1:
        return points.new_full(points.shape[:-2], torch.nan)
    return points.var(-2).mean(-1)
