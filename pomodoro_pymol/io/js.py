"""Trajectories in the format of VMD's JS plugin, by which frames are handed to PyMOL."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

_HEADER = b"JS Binary Structure and Trajectory File Format"
_MAGIC, _ENDIANISM, _VERSION, _NO_OPTIONS = 0x31337, 0x12345678, (2, 15), 0
# After the atoms of a frame comes its unit cell, six doubles: none where they are zero.
_CELL_ROWS = 4
_BLOCK_BYTES = 1 << 20


class JsFile:
    """A file that is written over and over, for which memory is allocated only once.

    It holds coordinates alone, bit for bit and atom by atom as in memory, without a unit cell, so
    that a reader converts nothing, and prints nothing either.

    Parameters
    ----------
    path : str or Path
    n_atoms : int
    """

    def __init__(self, path: str | Path, n_atoms: int) -> None:
        self.path = path
        self._n_atoms = n_atoms
        many = max(1, _BLOCK_BYTES // (12 * (n_atoms + _CELL_ROWS)))
        self._block = np.zeros((many, n_atoms + _CELL_ROWS, 3), np.float32)
        with open(path, "wb"):
            pass

    def write(self, n_frames: int, fill: Callable[[int, np.ndarray], None]) -> None:
        """Write frames 0, 1, ..., each filled by ``fill(frame, out)``: shape=(n_atoms, 3), float32, angstrom.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        block = self._block
        with open(self.path, "r+b") as file:
            file.write(_HEADER)
            file.write(struct.pack("=7i", _MAGIC, _ENDIANISM, *_VERSION, self._n_atoms, n_frames, _NO_OPTIONS))
            for start in range(0, n_frames, len(block)):
                count = min(len(block), n_frames - start)
                for frame, out in enumerate(block[:count, : self._n_atoms], start):
                    fill(frame, out)
                file.write(block[:count].data)
            file.truncate()
