"""Trajectories in CHARMM's DCD format."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import IO

import numpy as np

from ..errors import PomodoroError
from .disk import atomic_write
from .frames import Frames, Progress, count_frames, each_counted


def write_dcd(path: str | Path, frames: np.ndarray, atoms: np.ndarray | None = None) -> None:
    """Write frames as a CHARMM DCD file, bit for bit, little-endian.

    Parameters
    ----------
    path : str or Path
    frames : ndarray, shape=(n_frames, n_atoms, 3), dtype=float32
        Angstrom. Written without a copy where each coordinate is contiguous.
    atoms : ndarray, shape=(n_atoms,), optional
        Which atom of the frames stands at each place of the file; by default the same order.
    """
    # A file that exists is written over and not emptied first, so that its memory need not be allocated anew.
    with open(path, "r+b" if os.path.exists(path) else "wb") as file:
        _write_head(file, *frames.shape[:2])
        for frame in frames:
            _write_frame(file, frame, atoms)
        file.truncate()


def save_dcd(
    path: str | Path, frames: Frames, n_frames: int | None = None, *, progress: Progress | None = None
) -> None:
    """Write frames as a CHARMM DCD file, whole or not at all.

    The file holds coordinates alone, float32, in the order of the frames' atoms: it is
    read on top of a structure with the same atoms.

    Parameters
    ----------
    path : str or Path
    frames : Tensor, ndarray, or iterable of them
        Angstrom: one array, shape=(n_frames, n_atoms, 3), or blocks of it,
        shape=(n_block, n_atoms, 3), which are not kept.
    n_frames : int, optional
        How many frames the blocks have together, since the file says so at its start.
    progress : callable, optional
        Called with the number of frames written and ``n_frames``.

    Raises
    ------
    PomodoroError
        If the file cannot be written, the blocks disagree in their atoms or have not
        ``n_frames`` frames together, or a coordinate is not finite.
    """
    known = count_frames(frames)
    n_frames = known if n_frames is None else n_frames
    if n_frames is None:
        raise PomodoroError("save_dcd needs n_frames where frames come in blocks")
    if n_frames < 1 or known not in (None, n_frames):
        raise PomodoroError(f"n_frames is {n_frames}, but there are {known if known is not None else 'to be some'}")
    with atomic_write(path) as file:
        for number, frame in enumerate(each_counted(frames, n_frames, progress=progress)):
            if not number:
                _write_head(file, n_frames, len(frame))
            _write_frame(file, frame)


def _write_head(file: IO[bytes], n_frames: int, n_atoms: int) -> None:
    control = [n_frames, 1, 1, n_frames, *[0] * 15, 24]
    file.write(struct.pack("<i4s20ii", 84, b"CORD", *control, 84))
    file.write(struct.pack("<ii80si", 84, 1, b"", 84))
    file.write(struct.pack("<iii", 4, n_atoms, 4))


def _write_frame(file: IO[bytes], frame: np.ndarray, atoms: np.ndarray | None = None) -> None:
    mark = struct.pack("<i", 4 * len(frame))
    for row in frame.T:
        if atoms is not None:
            row = np.take(row, atoms)
        file.write(mark)
        file.write(np.ascontiguousarray(row, dtype="<f4").data)
        file.write(mark)
