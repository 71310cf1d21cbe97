"""Atoms, coordinates and titles of PyMOL's objects, read with or without PyMOL's own arrays."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, TypeVar

from ..errors import PomodoroError
from ..utils import memory
from ..utils.text import counted
from .assembling import ReadAtoms, assembled, unit_cell
from .given import regrouped
from .host import NO_ARRAYS, CmdException, hidden_name, muted, own_array
from .sources import Source, draft, drop_atoms
from .store import has_atoms

_MOST_PIECES = 50
# States of fewer atoms together are read at once.
_ATOM_STATES = 500_000
# The matrix of an object that was not moved.
_STILL = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)

T = TypeVar("T")


def read_structure(name: str, *, title: str = "", order: str = "", _self):
    """Read state 1 of an object as a `Structure`."""
    return take_all(structure_steps(name, title=title, order=order, _self=_self))


def read_source(source: Source, *, _self) -> Any:
    """Read the atoms that a source means as a `Structure`, leaving nothing behind.

    Raises
    ------
    PomodoroError
        If no atom has coordinates in the state, or memory does not suffice for a copy.
    """
    memory.require(memory.noise_bytes(source.n_atoms, 1), f"a copy of {source.n_atoms} atoms")
    with draft(source, _self=_self) as name:
        return take_all(draft_steps(source, name, _self=_self))


def draft_steps(
    source: Source, name: str, state: int = 1, *, piece: int = 0, order: str = "", _self
) -> Generator[None, None, Any]:
    """Read a draft of a source, ``piece`` atoms at a time; return the `Structure`, of just the draft's atoms.

    Atoms whose coordinates are not finite leave the draft; the structure's note tells of them,
    and of what had no coordinates in the source.

    Raises
    ------
    PomodoroError
        If no atom is left, the atoms changed on the way, or the groups that are given do not fit.
    """
    import numpy as np

    lost = unplaced(source, _self=_self)
    structure = yield from structure_steps(
        name,
        state=state,
        title=source.object,
        piece=piece,
        order=order,
        lost=lost,
        n_atoms=source.n_atoms,
        _self=_self,
    )
    if len(structure) < source.n_atoms:
        kept = np.sort(structure.places)
        drop_atoms(name, np.setdiff1d(np.arange(source.n_atoms), kept), _self=_self)
        structure = replace(structure, places=np.searchsorted(kept, structure.places))
    return regrouped(structure, source, _self=_self)


def unplaced(source: Source, *, _self) -> list[tuple[str, str, str, str]]:
    """Return chain, residue number, residue name and name of a source's atoms without coordinates in its state."""
    atoms = f"({source.selection}) and %{source.object}"
    found: list[tuple[str, str, str, str]] = []
    n_selected = source.n_selected or _self.count_atoms(atoms)
    # The atoms of a discrete object have one state each.
    if n_selected > source.n_atoms and not _self.count_discrete(f"%{source.object}"):
        without = f"{atoms} and not state {source.state}"
        _self.iterate(without, "put((chain, resi, resn, name))", space={"put": found.append})
    return found


def structure_steps(
    name: str,
    selection: str = "",
    state: int = 1,
    *,
    title: str = "",
    piece: int = 0,
    order: str = "",
    lost: Iterable[tuple[str, str, str, str]] = (),
    n_atoms: int = 0,
    _self,
) -> Generator[None, None, Any]:
    """Read atoms of an object in a state, yielding now and then; return the `Structure`.

    Atoms whose coordinates are not finite are left out.

    Parameters
    ----------
    name : str
    selection : str
        Which atoms, all of them in the object; by default all that it has.
    state : int
    title : str
        What the structure is called, by default as the object is.
    piece : int
        Read so many atoms at a time; 0 is all at once.
    order : {"", "file", "copy"}
        Whose order the atoms of the structure are in; "" is the file's, where ``rank``, the place of
        an atom in its file, is not negative and does not repeat.
    lost : iterable of tuple
        Further atoms that the structure's note is to name; see `atoms.left_out`.
    n_atoms : int, optional
        How many atoms they are, where that is known: PyMOL looks at all atoms of the session to count them.

    Raises
    ------
    PomodoroError
        If no atom has coordinates in the state, or the atoms changed on the way.
    """
    import numpy as np

    selection, title = selection or f"%{name}", title or name
    n_atoms = n_atoms or count_atoms(selection, _self=_self)
    found = yield from _read_atoms(name, selection, state, n_atoms, piece, title, _self)
    if not np.isfinite(found.coords).all(1).any():
        raise PomodoroError(f"{title} has no atoms with coordinates in this state")
    cell = unit_cell(name, _self)
    yield
    return assembled(found, title, order, lost, cell)


def _read_atoms(
    name: str, selection: str, state: int, n_atoms: int, piece: int, title: str, _self: Any
) -> Generator[None, None, ReadAtoms]:
    """Read the ``n_atoms`` atoms of a selection in an object, a piece at a time; ``title`` is for errors."""
    import numpy as np

    coords: list[Any] = []
    rows = array("q")
    labels, kinds, values = _numbering(), _numbering(), _numbering()
    # PyMOL runs this for each atom: it calls no function of Python's own, and puts whole numbers.
    space = {"put": rows.extend, "labels": labels, "kinds": kinds, "values": values}
    with _named(selection, n_atoms > piece > 0, _self) as atoms:
        parts = pieces(atoms, n_atoms, piece, _self)
        yield
        for part in parts:
            _self.iterate_state(
                state,
                part,
                "put((labels[segi, chain, resi, resn, type], kinds[name, elem, alt, formal_charge, q], rank, "
                "values[b]))",
                space=space,
            )
            coords.append(_coords(name, part, state, _self))
            yield
    shown = np.concatenate(coords)
    columns = np.array(rows, np.int64).reshape(-1, 4)
    changed = len(parts) > 1 and count_atoms(selection, _self=_self) != n_atoms  # where others had a turn in between
    if changed or not len(columns) == len(shown) == n_atoms:
        raise PomodoroError(f"{title} was changed while it was read, or has atoms without coordinates in this state")
    return ReadAtoms(shown, columns, list(labels), list(kinds), list(values))


def take_all(steps: Generator[None, None, T]) -> T:
    """Take all steps at once and return what they return."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def pieces(selection: str, n_atoms: int, piece: int, _self: Any) -> list[str]:
    """Return selections that are so many atoms each of a selection in one object; 0 is all at once.

    Of a very large object more atoms each: PyMOL looks at all atoms for every selection.
    """
    if not 0 < piece < n_atoms:
        return [selection]
    piece = max(piece, n_atoms // _MOST_PIECES)
    last = _self.count_atoms(f"byobject ({selection})")
    return [f"{selection} and index {start}-{start + piece - 1}" for start in range(1, last + 1, piece)]


@contextmanager
def _named(selection: str, needed: bool, _self: Any) -> Iterator[str]:
    """Yield a selection by a hidden name, where it is asked for again and again."""
    if not needed:
        yield selection
        return
    with hidden_name("_pomodoro_atoms", _self=_self) as name:
        with muted(_self):
            _self.select(name, selection, enable=0, quiet=1)
        yield f"%{name}"


def count_atoms(selection: str, *, _self) -> int:
    """Return how many atoms a selection has, 0 where it is not valid."""
    try:
        with muted(_self):
            return _self.count_atoms(selection)
    except CmdException:
        return 0


def read_frames(name: str, states: Iterable[int], structure: Any, *, _self) -> Iterator[Any]:
    """Yield states of an object of ours, each an array of shape=(n_atoms, 3), float32, angstrom.

    Parameters
    ----------
    name : str
    states : iterable of int
    structure : Structure
        As read from the object; its atoms are those of the frames, in its order.

    Raises
    ------
    PomodoroError
        If the object is changed or deleted on the way, or a state lacks atoms.
    """
    for state, shown in each_state(name, states, len(structure), _self=_self):
        if len(shown) != len(structure) or not has_atoms(name, len(structure), state, _self=_self):
            if count_atoms(f"%{name}", _self=_self) != len(structure):
                raise PomodoroError(f"{structure.name} was changed or deleted during the run")
            raise PomodoroError(f"state {state} of {structure.name} lacks atoms: run pomnoise again")
        yield shown[structure.places]


def each_state(name: str, states: Iterable[int], n_atoms: int, *, _self) -> Iterator[tuple[int, Any]]:
    """Yield the numbers of states of an object of so many atoms, each with what `read_state` returns of it.

    Those of a small object are read at once: each call looks at all atoms of the session.
    """
    n_states, together = _self.count_states(f"%{name}"), None
    if n_states * n_atoms <= _ATOM_STATES:
        shown = read_state(name, 0, _self=_self)
        if len(shown) == n_states * n_atoms:
            shown = shown.reshape(n_states, n_atoms, 3)
            together = shown if _one_after_another(name, shown, _self) else None
    for state in states:
        yield state, read_state(name, state, _self=_self) if together is None else together[state - 1]


def _one_after_another(name: str, shown: Any, _self: Any) -> bool:
    """Tell whether the states that were read at once, shape=(n_states, n_atoms, 3), follow one another."""
    import numpy as np

    return all(np.array_equal(shown[state - 1], read_state(name, state, _self=_self)) for state in {1, len(shown)})


def read_all(name: str, structure: Any, *, _self) -> Any:
    """Return the states of an object of ours, shape=(n_states, n_atoms, 3), float32, angstrom.

    All at once: a call for each would take the longer the more atoms other objects have.

    Parameters
    ----------
    name : str
    structure : Structure
        As read from the object; its atoms are those of the states, in its order.

    Raises
    ------
    PomodoroError
        If the object was changed or deleted, or a state lacks atoms.
    """
    import numpy as np

    shape = (_self.count_states(f"%{name}"), len(structure), 3)
    shown = read_state(name, 0, _self=_self)
    if count_atoms(f"%{name}", _self=_self) != len(structure) or shown.size != np.prod(shape):
        raise PomodoroError(f"{name} was changed or lacks atoms in a state: run pomnoise again")
    shown = shown.reshape(shape)
    if not _one_after_another(name, shown, _self):
        raise PomodoroError(f"PyMOL does not show the states of {name} one after another")
    return shown[:, structure.places]


def read_state(name: str, state: int, *, _self) -> Any:
    """Return coordinates of the atoms of a state, in the object's own frame and in PyMOL's order.

    Returns
    -------
    ndarray, shape=(n_atoms_in_the_state, 3), dtype=float32
        Angstrom; no rows where there is no such state. State 0 is all of them, one after another.
    """
    import numpy as np

    with muted(_self), suppress(CmdException):
        return _coords(name, f"%{name}", state, _self)
    return np.empty((0, 3), np.float32)


def _coords(name: str, selection: str, state: int, _self: Any) -> Any:
    """Return coordinates of a selection in one object as `read_state` does."""
    import numpy as np

    # PyMOL's own array is fast, but has moved coordinates where the object was moved, and needs a NumPy that fits.
    states = [state] if state else range(1, _self.count_states(f"%{name}") + 1)
    if all(tuple(_self.get_object_matrix(name, each, incl_ttt=1) or ()) == _STILL for each in states):
        found = own_array(_self.get_coords, selection, state)
        if found is not NO_ARRAYS:
            return np.empty((0, 3), np.float32) if found is None else found
    flat = array("f")
    _self.iterate_state(state, selection, "put((x, y, z))", space={"put": flat.extend})
    return np.array(flat, dtype=np.float32).reshape(-1, 3)


def read_ensemble(source: Source, *, order: str = "", _self) -> tuple[Any, Any]:
    """Read every state of a source.

    Returns
    -------
    structure : Structure
        Of the source's own state.
    states : ndarray, shape=(n_states, n_atoms, 3), dtype=float32
        Angstrom, of the same atoms.

    Raises
    ------
    PomodoroError
        If a state has not the atoms of the source's own.
    """
    return take_all(ensemble_steps(source, order=order, _self=_self))


def ensemble_steps(source: Source, *, piece: int = 0, order: str = "", _self) -> Generator[None, None, Any]:
    """Do as `read_ensemble` does, a state at a time."""
    import numpy as np

    if _self.count_discrete(f"%{source.object}") and _self.count_states(f"%{source.object}") > 1:
        raise PomodoroError(
            f"{source.object} is discrete, so that each state has atoms of its own: load it with discrete=0, or "
            "copy it state by state with create"
        )
    frames = []
    with draft(source, whole=True, _self=_self) as name:
        structure = yield from draft_steps(source, name, source.state, piece=piece, order=order, _self=_self)
        for state in range(1, _self.count_states(f"%{name}") + 1):
            shown = read_state(name, state, _self=_self)
            if len(shown) != len(structure) or not np.isfinite(shown).all():
                raise PomodoroError(
                    f"state {state} of {source.object} has not all {counted(len(structure), 'atom')} of state "
                    f"{source.state} with coordinates: all states need the same"
                )
            frames.append(shown[structure.places])
            yield
    return structure, np.stack(frames)


def read_values(name: str, *, _self) -> Any:
    """Return b of the atoms of an object, shape=(n_atoms,)."""
    import numpy as np

    values = array("d")
    _self.iterate(f"%{name}", "put(b)", space={"put": values.append})
    return np.array(values)


def titles(name: str, *, _self) -> list[str]:
    """Return the titles of an object's states."""
    return [_self.get_title(name, state) or "" for state in range(1, _self.count_states(f"%{name}") + 1)]


def _numbering() -> defaultdict:
    """Return a dict that numbers its keys 0, 1, 2 ... as they are first asked for."""
    numbers: defaultdict = defaultdict()
    numbers.default_factory = numbers.__len__
    return numbers
