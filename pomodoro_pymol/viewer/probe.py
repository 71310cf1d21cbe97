"""Probes, which tell in which row of PyMOL's memory each atom stands; and whether it shows what it is to show."""

from __future__ import annotations

from typing import Any

from ..errors import PomodoroError
from .reading import read_state


def numbered_rows(n_atoms: int) -> Any:
    """Return a probe, shape=(n_atoms, 3), float32: x is the number of the row, exact up to 2**24."""
    import numpy as np

    probe = np.zeros((n_atoms, 3), np.float32)
    probe[:, 0] = np.arange(n_atoms)
    return probe


def atoms_in_rows(atom_at_place: Any, probe: Any) -> Any:
    """Return which atom stands in each row, shape=(n_atoms,), from what PyMOL shows of a probe."""
    import numpy as np

    atoms = np.empty_like(atom_at_place)
    atoms[numbers_shown(probe, len(atom_at_place))] = atom_at_place
    return atoms


def numbers_shown(probe: Any, n_atoms: int) -> Any:
    """Return the numbers that PyMOL shows of a probe, shape=(n_atoms,).

    Raises
    ------
    PomodoroError
        If they are not those of the rows, each once.
    """
    import numpy as np

    numbers = probe[:, 0].astype(np.int64)
    if not np.array_equal(np.sort(numbers), np.arange(n_atoms)):
        raise PomodoroError("PyMOL does not show the states that are written to it: atoms were changed during the run")
    return numbers


def check_places(name: str, state: int, wanted: Any, *, _self) -> None:
    """Compare what PyMOL shows of a state with what it is to show, shape=(n_atoms, 3), in PyMOL's order.

    Raises
    ------
    PomodoroError
        If they differ.
    """
    import numpy as np

    if not np.array_equal(read_state(name, state, _self=_self), wanted):
        raise elsewhere(state)


def elsewhere(state: int) -> PomodoroError:
    """Return the error for a state whose atoms are not shown where they are to be."""
    return PomodoroError(f"PyMOL does not show the atoms of state {state} where they were computed to be")
