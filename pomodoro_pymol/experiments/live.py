"""The same draw under any weights and noise level: what a slider that moves needs.

The standard normals of a run are kept, so that a change of weights mixes them anew and a
change of sigma only scales them; frames are those of `noise.run_noise` to the bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import PomodoroError
from ..noise.draw import Normals, frames_per_group, frames_together, mix_levels
from ..noise.squares import level_squares
from ..noise.statistics import LevelStatistics, residue_sums
from ..noise.weights import LevelWeights
from ..parameters.catalogue import NoiseParameters
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy
from ..structure.moving import moving_part
from ..utils.devices import is_full, recorded_device


@dataclass(frozen=True, eq=False)
class UnitFrames:
    """Noise of unit sigma under some weights.

    Attributes
    ----------
    weights : LevelWeights
    frames : Tensor, shape=(n_frames, n_atoms, 3)
        On the CPU, row by row as they are filled in, so that scaling is all that is left to do.
    statistics : LevelStatistics
        Of unit sigma.
    """

    weights: LevelWeights
    frames: Tensor
    statistics: LevelStatistics


class LiveDraw:
    """The standard normals of all frames of a run, level by level.

    Parameters
    ----------
    structure : Structure
        Its fixed atoms stay where they are.
    parameters : NoiseParameters
        Their frames and seed count; weights and noise level do not.
    device : str
        Where the run was drawn, as its record has it.
    atom_in_row : ndarray, shape=(n_atoms,), optional
        Which atom stands in each row that `fill` fills; by default the same order.

    Raises
    ------
    PomodoroError
        If the device is absent, or another one of its kind.
    """

    def __init__(
        self,
        structure: Structure,
        parameters: NoiseParameters,
        device: str = "cpu",
        atom_in_row: np.ndarray | None = None,
    ) -> None:
        self.hierarchy = Hierarchy.from_structure(structure)
        self._part = moving_part(structure, self.hierarchy)
        self._atom_in_row = torch.from_numpy(np.arange(len(structure)) if atom_in_row is None else atom_in_row)
        self._truth = torch.from_numpy(structure.coords)[self._atom_in_row]
        fixed = np.zeros(0, bool) if structure.fixed is None else structure.fixed[self._atom_in_row.numpy()]
        self._fixed_rows = torch.from_numpy(np.flatnonzero(fixed))
        on = recorded_device(device)
        hierarchy, n_frames = self.hierarchy, parameters.frames
        self._levels = tuple(
            torch.empty(n_frames, 3, count) for count in (hierarchy.n_chains, hierarchy.n_residues, hierarchy.n_atoms)
        )
        size = frames_per_group(hierarchy.n_atoms, on)
        try:
            for start in range(0, n_frames, size):
                some = range(start, min(start + size, n_frames))
                normals = Normals(parameters.seed, some, hierarchy.n_atoms, on)
                for level in self._levels:
                    normals.fill(level[start : some.stop])
        except RuntimeError as error:
            if not is_full(error):
                raise
            raise PomodoroError("the GPU's memory does not suffice to draw the frames again") from error

    def mix(self, weights: LevelWeights) -> UnitFrames:
        """Return the frames of unit sigma under ``weights``, and their statistics."""
        unit = self.mix_while(weights, lambda: True)
        assert unit is not None
        return unit

    def mix_while(self, weights: LevelWeights, wanted: Callable[[], bool]) -> UnitFrames | None:
        """Do as `mix`, but give up and return None as soon as ``wanted()``, asked before every few frames, says no."""
        atoms = self._levels[-1]
        frames = atoms.new_empty(len(atoms), self.hierarchy.n_atoms, 3)
        part = self._part
        statistics = LevelStatistics(part.hierarchy)
        mixed = torch.empty_like(atoms[: frames_together(self.hierarchy.n_atoms)])
        for start in range(0, len(frames), len(mixed)):
            if not wanted():
                return None
            out = frames[start : start + len(mixed)]
            units = mixed[: len(out)]
            self._mix(start, weights, units, out)
            sums = residue_sums(part.take(units.mT), part.hierarchy)
            statistics.add_squares(level_squares(sums, part.hierarchy))
        return UnitFrames(weights, frames, statistics)

    def _mix(self, start: int, weights: LevelWeights, mixed: Tensor, out: Tensor) -> None:
        """Fill ``mixed``, shape=(n, 3, n_atoms), with frames of unit sigma from ``start`` on, and ``out`` with rows."""
        chain, residue, atom = (level[start : start + len(mixed)] for level in self._levels)
        mix_levels(mixed, chain, residue, atom, self.hierarchy, weights)
        out.copy_(mixed.index_select(2, self._atom_in_row).mT)

    def fill(self, unit: UnitFrames, frame: int, sigma: float, out: np.ndarray) -> None:
        """Write frame 0, 1, ... at ``sigma`` angstrom into the rows of ``out``, shape=(n_atoms, 3), float32."""
        self._fill(unit.frames[frame], sigma, out)

    def fill_alone(self, weights: LevelWeights, frame: int, sigma: float, out: np.ndarray) -> None:
        """Write a frame as `fill` does, to the bit, but mix it for that: quick for one frame, not for all."""
        mixed = torch.empty_like(self._levels[-1][:1])
        rows = torch.empty_like(self._truth)
        self._mix(frame, weights, mixed, rows[None])
        self._fill(rows, sigma, out)

    def _fill(self, rows: Tensor, sigma: float, out: np.ndarray) -> None:
        """Write rows of unit noise at ``sigma`` angstrom, but the truth of fixed atoms."""
        filled = torch.add(self._truth, rows, alpha=sigma, out=torch.from_numpy(out))
        if len(self._fixed_rows):
            filled[self._fixed_rows] = self._truth[self._fixed_rows]


def live_bytes(n_atoms: int, n_frames: int) -> int:
    """Return what a `LiveDraw` and its frames need: the normals, the frames in use and the next ones."""
    return 3 * 12 * n_atoms * n_frames
