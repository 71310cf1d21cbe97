"""Frames drawn where there is memory for them: group by group, else frame by frame, else on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ..errors import PomodoroError
from ..noise.draw import Normals, draw_unit_noise
from ..noise.squares import LevelSquares, level_squares
from ..noise.statistics import LevelStatistics, residue_sums
from ..noise.stream import frames_per_block, stream_frames
from ..noise.weights import LevelWeights
from ..structure.hierarchy import Hierarchy
from ..utils import memory
from ..utils.devices import is_full, resolve_device, with_room

#: ``begin(device, start, block_bytes)`` streams frames from ``start`` on, as `stream_frames` does.
Begin = Callable[[torch.device, int, int | None], Iterator[tuple[Tensor, list[LevelSquares]]]]


class Drawing:
    """Blocks of frames, each with the mean squares of its noise.

    Where the memory of a GPU does not suffice, frames are drawn one by one, which are the same, then on
    the CPU, whose numbers are other ones.

    Parameters
    ----------
    begin : callable
        See `Begin`.
    n_frames : int
    device : torch.device
    note : str
        What did not go as asked for before.

    Attributes
    ----------
    n_frames : int
    device : torch.device
        Where the frames were drawn in the end.
    note : str
        What did not go as asked for, if anything.

    Raises
    ------
    PomodoroError
        In use, if the memory fails for single frames after others were handed out.
    """

    def __init__(self, begin: Begin, n_frames: int, device: torch.device, note: str = "") -> None:
        self.device, self.note = device, note
        self.n_frames, self._begin = n_frames, begin

    def __iter__(self) -> Iterator[tuple[Tensor, list[LevelSquares]]]:
        """Yield frames, shape=(n_block, n_atoms, 3), and their squares, as `stream_frames` does."""
        done, block_bytes = 0, None
        while done < self.n_frames:
            try:
                for block, squares in self._begin(self.device, done, block_bytes):
                    done += len(block)
                    yield block, squares
                    del block, squares
            except RuntimeError as error:
                if not is_full(error):
                    raise
                block_bytes = self._with_less_memory(block_bytes, done)

    def _with_less_memory(self, block_bytes: int | None, done: int) -> int | None:
        """Choose how to go on, and return the memory that a block may take."""
        if block_bytes is None:
            self.note = "the GPU's memory was short: drawn frame by frame"
            return 0
        if done:
            raise PomodoroError(f"the GPU ran out of memory after {done} frames: use device=cpu")
        self.device, self.note = torch.device("cpu"), "the GPU's memory did not suffice: drawn on the CPU"
        return None


def choose_device(name: str, n_atoms: int) -> tuple[torch.device, str]:
    """Return the device called ``name`` for noise of so many atoms, and a note where its memory is too small.

    Raises
    ------
    PomodoroError
        If the device is unknown or absent.
    """
    device = resolve_device(name, n_atoms)
    return with_room(name, device, memory.noise_device_bytes(n_atoms, frames_per_block(n_atoms, device)))


def draw_units(
    hierarchy: Hierarchy,
    weights: LevelWeights,
    n_frames: int,
    *,
    seed: int,
    device: torch.device,
    fetch: bool = True,
) -> Drawing:
    """Return frames of unit sigma.

    Parameters
    ----------
    hierarchy : Hierarchy
    weights : LevelWeights
    n_frames, seed : int
    device : torch.device
    fetch : bool
        Bring the frames to the CPU; else they stay where they are drawn.
    """

    def begin(on: torch.device, start: int, block_bytes: int | None) -> Iterator[tuple[Tensor, list[LevelSquares]]]:
        """Stream the frames from one on, drawn on a device; see `Begin`."""
        there = hierarchy.to(on)

        def make(frames: range, out: Tensor) -> LevelSquares:
            """Draw these frames into ``out``."""
            draw_unit_noise(out, there, weights, Normals(seed, frames, hierarchy.n_atoms, on))
            return level_squares(residue_sums(out.mT, there), there)

        return stream_frames(make, n_frames, hierarchy.n_atoms, on, start=start, block_bytes=block_bytes, fetch=fetch)

    return Drawing(begin, n_frames, device)


def take(
    drawing: Drawing, statistics: LevelStatistics, progress: Callable[[int, int], None] = lambda done, total: None
) -> LevelStatistics:
    """Let the statistics take in all frames, and return them; ``progress`` is told of the frames done, and of all."""
    for _, squares in drawing:
        for part in squares:
            statistics.add_squares(part)
        progress(statistics.n_frames, drawing.n_frames)
    return statistics
