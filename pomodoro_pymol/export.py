"""Trajectory files."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np


def write_dcd(path: str | Path, frames: np.ndarray) -> None:
    """Write frames as a CHARMM DCD file, bit for bit, little-endian.

    Parameters
    ----------
    path : str or Path
    frames : ndarray, shape=(n_frames, n_atoms, 3), dtype=float32
        Angstrom. Written without a copy where each coordinate is contiguous.
    """
    n_frames, n_atoms = frames.shape[:2]
    control = [n_frames, 1, 1, n_frames, *[0] * 15, 24]
    mark = struct.pack("<i", 4 * n_atoms)
    # A file that is there is written over, not emptied first: its pages are had already.
    with open(path, "r+b" if os.path.exists(path) else "wb") as file:
        file.write(struct.pack("<i4s20ii", 84, b"CORD", *control, 84))
        file.write(struct.pack("<ii80si", 84, 1, b"", 84))
        file.write(struct.pack("<iii", 4, n_atoms, 4))
        for frame in frames:
            for row in frame.T:
                file.write(mark)
                file.write(np.ascontiguousarray(row, dtype="<f4").data)
                file.write(mark)
        file.truncate()
