"""Coordinates written to PyMOL through a file that it reads, since its own arrays do not work with every NumPy."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

from ..io.disk import temporary_folder
from .host import CmdException, kept_drawing


class StateLoader:
    """Fills states of an object through a binary file, written over and over.

    Where PyMOL has no reader for such files, or the disk no room, through ``load_coordset``.
    What PyMOL prints is for the caller to hide.

    Parameters
    ----------
    name : str
    n_atoms : int
    """

    def __init__(self, name: str, n_atoms: int, *, _self) -> None:
        from ..io.js import JsFile

        self._name, self._n_atoms, self._cmd = name, n_atoms, _self
        self._open = ExitStack()
        self._file: JsFile | None = None
        with suppress(OSError):
            self._file = JsFile(self._open.enter_context(temporary_folder("pomodoro-")) / "frames.js", n_atoms)

    def close(self) -> None:
        """Remove the file."""
        self._open.close()
        self._file = None

    def load(self, first: int, n_states: int, fill: Callable[[int, Any], None]) -> bool:
        """Fill the states from ``first`` on, old or new, and tell whether PyMOL took them; their titles are lost.

        ``fill(number, out)`` fills number 0, 1, ... of them: shape=(n_atoms, 3), float32, in the order of the
        rows of PyMOL's memory.
        """
        last = first + n_states - 1
        return self._load_file(first, n_states, fill, last) or self._load_coordsets(first, n_states, fill, last)

    def _load_file(self, first: int, n_states: int, fill: Callable[[int, Any], None], last: int) -> bool:
        """Fill states through the file; tell whether PyMOL has read them, and give the file up where it cannot."""
        if self._file is None:
            return False
        try:
            self._file.write(n_states, fill)
            with kept_drawing(self._cmd):
                self._cmd.load_traj(str(self._file.path), self._name, first, format="js", shift=0)
        except (CmdException, OSError):
            self.close()
            return False
        return self._cmd.count_states(f"%{self._name}") >= last

    def _load_coordsets(self, first: int, n_states: int, fill: Callable[[int, Any], None], last: int) -> bool:
        """Fill states one by one; tell whether PyMOL took them."""
        import numpy as np

        rows = np.empty((self._n_atoms, 3), np.float32)
        with suppress(CmdException):
            if self._cmd.count_atoms(f"%{self._name}") != self._n_atoms:  # which PyMOL only prints
                return False
            for number in range(n_states):
                fill(number, rows)
                self._cmd.load_coordset(rows, self._name, first + number)
            return self._cmd.count_states(f"%{self._name}") >= last
        return False
