"""Frames as they are handed to the writers of files: one array, or blocks of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from torch import Tensor

from ..errors import PomodoroError

if TYPE_CHECKING:
    from ..structure.atoms import Structure
    from ..structure.hierarchy import Hierarchy

#: Frames, shape=(n_frames, n_atoms, 3), or an iterable of blocks, shape=(n_block, n_atoms, 3).
Frames: TypeAlias = Tensor | np.ndarray | Iterable[Tensor | np.ndarray]

#: Called with the number of frames written and that of all, None where frames come in blocks.
Progress: TypeAlias = Callable[[int, int | None], None]


def count_frames(frames: Frames, n_atoms: int | None = None) -> int | None:
    """Return how many frames there are, None where they come in blocks.

    Raises
    ------
    PomodoroError
        If ``frames`` is one array of the wrong shape.
    """
    if not isinstance(frames, (Tensor, np.ndarray)):
        return None
    _check_shape(frames, n_atoms, "n_frames")
    return len(frames)


def each_frame(frames: Frames, n_atoms: int | None = None) -> Iterator[np.ndarray]:
    """Yield frames one by one; each is to be used before the next is asked for.

    Parameters
    ----------
    frames : Tensor, ndarray, or iterable of them
        One array, shape=(n_frames, n_atoms, 3), or blocks of it; on any device.
    n_atoms : int, optional
        By default that of the first block.

    Yields
    ------
    ndarray, shape=(n_atoms, 3), dtype=float32 or float64

    Raises
    ------
    PomodoroError
        If a block has the wrong shape, or a coordinate is not finite.
    """
    number = 0
    for block in _blocks(frames):
        n_atoms = _check_shape(block, n_atoms, "n_block")
        for frame in _to_array(block):
            number += 1
            # Unlike isfinite, the sum needs no second array; it is finite unless a coordinate is not, or is absurd.
            if not np.isfinite(frame.sum(dtype=np.float64)):
                raise PomodoroError(f"frame {number} has coordinates that are not finite")
            yield frame


def each_counted(
    frames: Frames, n_frames: int, n_atoms: int | None = None, progress: Progress | None = None
) -> Iterator[np.ndarray]:
    """Yield frames as `each_frame` does, and tell ``progress`` of each once it has been used.

    Raises
    ------
    PomodoroError
        As `each_frame` does, or if there are more or fewer than ``n_frames``.
    """
    done = 0
    for done, frame in enumerate(each_frame(frames, n_atoms), 1):
        if done > n_frames:
            break
        yield frame
        if progress:
            progress(done, n_frames)
    if done != n_frames:
        raise PomodoroError(f"n_frames is {n_frames}, but there are {'more' if done > n_frames else done}")


def each_model(
    coords: np.ndarray, frames: Frames, titles: Sequence[str] | None, truth: bool
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield number and coordinates of each model of a file: 0 is the truth, if it is written, 1 .. n are the frames.

    Parameters
    ----------
    coords : ndarray, shape=(n_atoms, 3)
        Of the truth, angstrom.
    frames
        As for `each_frame`.
    titles : sequence of str, optional
        One per model.
    truth : bool

    Raises
    ------
    PomodoroError
        As `each_frame` does, or if there are more or fewer titles than models.
    """
    first = 0 if truth else 1
    noised = each_frame(frames, len(coords))
    count = 0
    for count, model in enumerate(chain([coords], noised) if truth else noised, 1):
        if titles is not None and count > len(titles):
            break
        yield first + count - 1, model
    if titles is not None and count != len(titles):
        raise PomodoroError(f"{len(titles)} titles are not one for each of {count} or more models")


def check_hierarchy(hierarchy: Hierarchy, structure: Structure) -> None:
    """Refuse a hierarchy of other atoms than those of a structure.

    Raises
    ------
    PomodoroError
    """
    if hierarchy.n_atoms != len(structure):
        raise PomodoroError(f"a hierarchy of {hierarchy.n_atoms} atoms does not fit a structure of {len(structure)}")


def check_values(values: np.ndarray, count: int, member: str, what: str = "values") -> np.ndarray:
    """Return one finite number per ``member``, shape=(count,), float64.

    Raises
    ------
    PomodoroError
        If the shape is another, or a number is not finite.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (count,) or not np.isfinite(array).all():
        raise PomodoroError(f"{what} must be {count} finite numbers, one per {member}")
    return array


def _blocks(frames: Frames) -> Iterable[Tensor | np.ndarray]:
    """Return frames in blocks: those they come in, or blocks of one frame of an array."""
    if isinstance(frames, (Tensor, np.ndarray)):
        return (frames[i : i + 1] for i in range(len(frames)))
    return frames


def _check_shape(block: Tensor | np.ndarray, n_atoms: int | None, count: str) -> int:
    """Return the number of atoms of a block of frames."""
    shape = tuple(getattr(block, "shape", ()))
    if len(shape) != 3 or shape[2] != 3 or n_atoms not in (None, shape[1]):
        wanted = "n_atoms" if n_atoms is None else n_atoms
        raise PomodoroError(f"frames must have shape ({count}, {wanted}, 3), not {shape}")
    return shape[1]


def _to_array(block: Tensor | np.ndarray) -> np.ndarray:
    """Return a block as an array of float32 or float64, whichever holds its numbers."""
    if isinstance(block, Tensor):
        block = block.detach().cpu()
        return (block if block.dtype in (torch.float32, torch.float64) else block.float()).numpy()
    return block if block.dtype in (np.float32, np.float64) else block.astype(np.float64)
