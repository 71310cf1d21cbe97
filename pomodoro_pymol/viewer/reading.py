"""What stands in an object, whatever the NumPy build."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from .. import memory
from ..errors import PomodoroError
from .host import CmdException, cmd, muted
from .sources import Source, copied, draft

_POLYMER_FLAG = 0x08000000
_MOST_PIECES = 50

T = TypeVar("T")


def read_structure(name: str, *, title: str = "", _self=cmd):
    """Read state 1 of an object as a `Structure`, in PyMOL's order of its atoms."""
    return finish(structure_steps(f"%{name}", title=title or name, piece=0, _self=_self))


def read_source(source: Source, *, _self=cmd) -> Any:
    """Read the atoms that a source means as a `Structure`, leaving nothing behind.

    Raises
    ------
    PomodoroError
        If an atom has no coordinates in the state, or memory does not suffice for a copy.
    """
    memory.require(memory.noise_bytes(source.n_atoms, 1), f"a copy of {source.n_atoms} atoms")
    with draft(source, _self=_self) as name:
        return read_structure(name, title=source.object, _self=_self)


def structure_steps(
    selection: str, state: int = 1, *, title: str = "", piece: int = 0, _self=cmd
) -> Generator[None, None, Any]:
    """Read the atoms of a selection in a state, yielding now and then; return the `Structure`.

    With ``piece`` the selection is read so many atoms at a time: then it is of one object.

    Raises
    ------
    PomodoroError
        If an atom has no coordinates in the state, or the atoms changed on the way.
    """
    import numpy as np

    from ..structure import ATOM_LABELS, RESIDUE_LABELS, Structure

    coords, residue_of, kind_of = array("f"), array("q"), array("q")
    residues, kinds = _numbering(), _numbering()
    # Once per atom: no function of Python's own is called.
    space = {
        "residues": residues,
        "residue": residue_of.append,
        "kinds": kinds,
        "kind": kind_of.append,
        "coords": coords.extend,
    }
    n_atoms = count_atoms(selection, _self=_self)
    with _named(selection, n_atoms > piece > 0, _self) as atoms:
        parts = pieces(atoms, n_atoms, piece, _self)
        yield
        for part in parts:
            _self.iterate_state(
                state,
                part,
                f"residue(residues[segi, chain, resi, resn, type == 'HETATM' and not flags & {_POLYMER_FLAG}]);"
                "kind(kinds[name, elem, alt]); coords((x, y, z))",
                space=space,
            )
            yield
    if len(kind_of) != n_atoms or n_atoms != count_atoms(selection, _self=_self):
        raise PomodoroError(f"{title or selection} has atoms without coordinates in this state")
    return Structure(
        coords=np.array(coords, dtype=np.float32).reshape(-1, 3),
        atoms=np.array(list(kinds), dtype=ATOM_LABELS)[np.array(kind_of)],
        residues=np.array(list(residues), dtype=RESIDUE_LABELS),
        residue_of_atom=np.array(residue_of, dtype=np.int64),
        name=title or selection,
    )


def finish(steps: Generator[None, None, T]) -> T:
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
        yield f"({selection})"
        return
    name = _self.get_unused_name("_pomodoro_atoms")
    with muted(_self):
        _self.select(name, selection, enable=0, quiet=1)
    try:
        yield f"%{name}"
    finally:
        if name in _self.get_names("all"):
            _self.delete(name)


def count_atoms(selection: str, *, _self=cmd) -> int:
    """Return how many atoms a selection has, none where it means nothing."""
    try:
        with muted(_self):
            return _self.count_atoms(selection)
    except CmdException:
        return 0


def read_frames(name: str, states: Iterable[int], *, whole: bool = True, _self=cmd) -> Iterator[Any]:
    """Yield states of an object of ours, each an array of shape=(n_atoms, 3), float32, angstrom.

    Raises
    ------
    PomodoroError
        If the object is changed or deleted on the way, or with ``whole`` a state lacks atoms.
    """
    import numpy as np

    n_atoms = count_atoms(f"%{name}", _self=_self)
    for state in states:
        flat = array("f")
        with muted(_self), suppress(CmdException):
            _self.iterate_state(state, f"%{name}", "put((x, y, z))", space={"put": flat.extend})
        if count_atoms(f"%{name}", _self=_self) != n_atoms:
            raise PomodoroError(f"{name} was changed or deleted during the run")
        if whole and len(flat) != 3 * n_atoms:
            raise PomodoroError(f"state {state} of {name} lacks atoms: run pomnoise again")
        yield np.array(flat, dtype=np.float32).reshape(-1, 3)


def read_ensemble(source: Source, *, _self=cmd) -> Any:
    """Read every state of a source, shape=(n_states, n_atoms, 3), float32, angstrom, in the order of `draft`.

    Raises
    ------
    PomodoroError
        If a state has not the atoms of the source's own, or a coordinate is not finite.
    """
    return finish(ensemble_steps(source, _self=_self))


def ensemble_steps(source: Source, *, _self=cmd) -> Generator[None, None, Any]:
    """Do as `read_ensemble` does, a state at a time."""
    import numpy as np

    frames = []
    with copied(source, _self) as name:
        n_atoms, n_states = _self.count_atoms(f"%{name}"), _self.count_states(f"%{name}")
        for frame in read_frames(name, range(1, n_states + 1), whole=False, _self=_self):
            frames.append(frame)
            yield
    for state, frame in enumerate(frames, 1):
        if not len(frame) == n_atoms == source.n_atoms:
            raise PomodoroError(
                f"state {state} of {source.object} has not the {source.n_atoms} atoms of state {source.state}: "
                "all states need the same"
            )
        if not np.isfinite(frame).all():
            raise PomodoroError(f"state {state} of {source.object} has coordinates that are not finite")
    return np.stack(frames)


def read_values(name: str, *, _self=cmd) -> Any:
    """Return b of the atoms of an object, shape=(n_atoms,)."""
    import numpy as np

    values = array("d")
    _self.iterate(f"%{name}", "put(b)", space={"put": values.append})
    return np.array(values)


def titles(name: str, *, _self=cmd) -> list[str]:
    """Return the titles of an object's states."""
    return [_self.get_title(name, state) or "" for state in range(1, _self.count_states(f"%{name}") + 1)]


def _numbering() -> defaultdict:
    """Return a dict that numbers its keys 0, 1, 2 ... as they are first asked for."""
    numbers: defaultdict = defaultdict()
    numbers.default_factory = numbers.__len__
    return numbers
