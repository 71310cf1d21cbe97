"""Colours that differ from state to state: a companion of an object of ours, with atoms for each of its states.

PyMOL colours atoms, not states. But the states of a *discrete* object have atoms of their own: ours has, in
each, all atoms of the object it goes with, where they are in its first state. It follows ``frame`` by itself.
"""

from __future__ import annotations

from array import array
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from ..errors import PomodoroError
from .dressing import MANY_ATOMS, show_spheres
from .host import hidden_name, kept_session, muted, set_discrete
from .publishing import paint_steps, publish, redraw_colors, retitle, set_titles
from .reading import count_atoms, pieces, read_state, take_all
from .sources import copy_atoms
from .states import StateWriter
from .store import forget, get_record, is_legal, our_objects, spelling

# Coordinates written at once.
_ATOM_FRAMES = 600_000

T = TypeVar("T")


def companion_of(name: str, *, _self) -> str:
    """Return the companion of our object ``name``, "" where there is none."""
    for other in our_objects(_self=_self):
        record = get_record(other, _self=_self) or {}
        if record.get("command") == _command(name) and record.get("source") == name:
            return other
    return ""


def forget_companion(name: str, *, _self) -> None:
    """Delete the companion of our object ``name``, if there is one."""
    there = companion_of(name, _self=_self)
    if there:
        with muted(_self):
            _self.delete(there)
        forget([there], _self=_self)


def companion_steps(
    name: str,
    atom_at_place: Any,
    truth: Any,
    titles: Sequence[str],
    colors: Any,
    values: Any,
    record: dict[str, Any],
    rep: str,
    piece: int,
    _self: Any,
) -> Generator[None, None, str]:
    """Make or repaint the companion of our object ``name``, yielding now and then; return its name.

    One that is there is painted in place, as it is shown, where it has these atoms and so many states.

    Parameters
    ----------
    name : str
    atom_at_place : ndarray, shape=(n_atoms,)
        Which atom stands at each place of PyMOL's order of ``name``: `Structure.atom_at_place`.
    truth : ndarray, shape=(n_atoms, 3), dtype=float32
        Angstrom: its first state.
    titles : sequence of str
        One per state of the companion.
    colors : ndarray, shape=(n_states, n_atoms)
        0xRRGGBB integers.
    values : ndarray, shape=(n_states, n_atoms)
        What b is to be.
    record : dict
        Of plain types, for the session, beside the command and the source.
    rep : {"auto", "sticks", "lines", "cartoon"}
        Where it is made anew it shows what ``name`` shows, or for "auto" spheres unless there are many atoms.
    piece : int
        So many atoms at a time; 0 is all at once.

    Raises
    ------
    PomodoroError
        If objects were changed on the way, or the companion has no legal name.
    """
    from numpy import ravel

    record = {**record, "command": _command(name), "source": name}
    _check_name(name, _self)
    colors, values = (ravel(each) for each in (colors, values))
    there = companion_of(name, _self=_self)
    if there and _repaint(there, truth, titles, colors, values, record, _self):
        return there
    with _draft(name, atom_at_place, _self) as draft:
        if rep == "auto" and len(truth) <= MANY_ATOMS:
            show_spheres(draft, _self=_self)
        yield
        yield from _make_states(draft, truth, len(titles), _self)
        yield from _paint(draft, truth, len(titles), colors, values, piece, _self)
        set_titles(draft, titles, _self=_self)
        output = companion_of(name, _self=_self) or _free_name(name, _self)
        publish(draft, output, record, _self=_self)
    return output


def _command(name: str) -> str:
    """Return the command that the record of a companion of our object ``name`` bears."""
    return f"pomcolor {name}, metric=direction"


def _repaint(
    there: str, truth: Any, titles: Sequence[str], colors: Any, values: Any, record: dict[str, Any], _self: Any
) -> bool:
    """Give a companion other colours, titles and record; tell whether it has these atoms and so many states at all."""
    former = get_record(there, _self=_self)
    if former is None or former.get("digest") != record.get("digest"):
        return False
    rows = take_all(_read_rows(there, len(titles), len(truth), 0, _self))
    if rows is None or not _is_in_place(there, truth, rows, _self):
        return False
    # At once, so that nothing is seen of it that is half of the former colours.
    take_all(paint_steps(there, memoryview(colors[rows]), memoryview(values[rows]), _self=_self))
    redraw_colors(there, _self=_self)
    retitle(there, titles, record, _self=_self)
    return True


def _paint(
    draft: str, truth: Any, n_states: int, colors: Any, values: Any, piece: int, _self: Any
) -> Generator[None, None, None]:
    """Colour a new companion and set its b, once it is sure that it shows its atoms where they are to be."""
    reading = _read_rows(draft, n_states, len(truth), piece, _self)
    rows = yield from _watched(reading, draft, colors.size, _self)
    if rows is None or not _is_in_place(draft, truth, rows, _self):
        raise _changed()
    yield
    painting = paint_steps(draft, memoryview(colors[rows]), memoryview(values[rows]), piece, _self=_self)
    yield from _watched(painting, draft, colors.size, _self)


def _check_name(name: str, _self: Any) -> None:
    """Refuse an object whose companion would have too long a name."""
    if not is_legal(companion_name(name), _self):
        raise PomodoroError(f"{companion_name(name)} is too long for a name: give {name} a shorter one")


def companion_name(name: str) -> str:
    """Return the name that the companion of our object ``name`` has where it is free."""
    return f"{name}_direction"


def _free_name(name: str, _self: Any) -> str:
    """Return a name for the companion that nothing has yet."""
    wanted = companion_name(name)
    return _self.get_unused_name(wanted) if spelling(wanted, _self=_self) else wanted


@contextmanager
def _draft(name: str, atom_at_place: Any, _self: Any) -> Iterator[str]:
    """Yield the name of a hidden copy of the first state of ``name``, each atom's ID its number from 1 on.

    It is deleted at the end unless it was published.
    """
    with hidden_name(_self=_self) as draft:
        with muted(_self), kept_session(_self), _numbered(name, atom_at_place, _self):
            copy_atoms(draft, f"%{name}", 1, 1, _self)
        yield draft


@contextmanager
def _numbered(name: str, atom_at_place: Any, _self: Any) -> Iterator[None]:
    """Give each atom its number from 1 on as its ID within the block; a copy that is made there keeps that."""
    if count_atoms(f"%{name}", _self=_self) != len(atom_at_place):
        raise _changed()
    former = array("q")
    _self.iterate(f"%{name}", "put(ID)", space={"put": former.append})
    try:
        _self.alter(f"%{name}", "ID = next(numbers)", space={"numbers": iter((atom_at_place + 1).tolist())})
        yield
    finally:
        _self.alter(f"%{name}", "ID = next(former)", space={"former": iter(former)})


def _make_states(draft: str, truth: Any, n_states: int, _self: Any) -> Generator[None, None, None]:
    """Give a copy of one state, whose atoms are numbered, so many equal states, each with atoms of its own."""
    import numpy as np
    import torch

    if count_atoms(f"%{draft}", _self=_self) != len(truth):
        raise _changed()
    ids = array("q")
    _self.iterate(f"%{draft}", "put(ID)", space={"put": ids.append})
    atom_at_place = np.array(ids) - 1
    if not np.array_equal(np.sort(atom_at_place), np.arange(len(truth))):
        raise _changed()
    whole = torch.from_numpy(truth)
    with StateWriter(draft, atom_at_place, after=1, _self=_self) as writer:
        todo = n_states - 1
        while todo:
            count = min(todo, max(1, _ATOM_FRAMES // len(truth)))
            writer.write(whole.expand(count, -1, -1).contiguous())
            todo -= count
            yield
        writer.check()
        writer.verify()
    with muted(_self), kept_session(_self):
        set_discrete(draft, _self=_self)
    yield


def _read_rows(name: str, n_states: int, n_atoms: int, piece: int, _self: Any) -> Generator[None, None, Any]:
    """Read which atom of which state each atom of a companion is, in PyMOL's order.

    Returns
    -------
    ndarray, shape=(n_states * n_atoms,), or None
        The state, from 0 on, times ``n_atoms``, plus the number of the atom; None where they are other ones.
    """
    import numpy as np

    n_rows = n_states * n_atoms
    if count_atoms(f"%{name}", _self=_self) != n_rows or _self.count_states(f"%{name}") != n_states:
        return None
    found = array("q")
    space = {"put": found.append, "n_atoms": n_atoms}
    for part in pieces(f"%{name}", n_rows, piece, _self):
        _self.iterate(part, "put((state - 1) * n_atoms + ID - 1)", space=space)
        yield
    rows = np.array(found)
    if len(rows) != n_rows or rows.min() < 0 or rows.max() >= n_rows:
        return None
    return rows if np.bincount(rows, minlength=n_rows).all() else None


def _is_in_place(name: str, truth: Any, rows: Any, _self: Any) -> bool:
    """Tell whether the atoms of the first and of the last state are shown where they are to be."""
    import numpy as np

    n_atoms = len(truth)
    states = rows // n_atoms
    return all(
        np.array_equal(read_state(name, state + 1, _self=_self), truth[rows[states == state] % n_atoms])
        for state in (0, len(rows) // n_atoms - 1)
    )


def _watched(steps: Generator[None, None, T], name: str, n_atoms: int, _self: Any) -> Generator[None, None, T]:
    """Take steps on an object, and refuse to go on where its number of atoms was changed between two of them."""
    while True:
        if count_atoms(f"%{name}", _self=_self) != n_atoms:
            raise _changed()
        try:
            next(steps)
        except StopIteration as end:
            return end.value
        yield


def _changed() -> PomodoroError:
    """Return the error for objects that were changed on the way."""
    return PomodoroError("objects or atoms were changed or deleted while colours by state were made")
