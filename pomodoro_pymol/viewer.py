"""The bridge to PyMOL: the only module that imports it.

Everything is read from, and written to, a hidden copy made by ``cmd.create``: on that
copy file order and sorted order agree, and the source is never touched. The copy keeps
the source's matrices, so its coordinates stay in the object's own frame and the noised
states lie on the source even where it was moved. The copy becomes the output object in
the end, or goes without a trace.
"""

from __future__ import annotations

import io
import os
import tempfile
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymol import CmdException, cmd

from .atomic import atomic_write
from .errors import PomodoroError

#: Where PyMOL keeps our records in its session.
_STORE = "pomodoro"
_POLYMER_FLAG = 0x08000000
# Coordinates and two index maps of a coordinate set.
_BYTES_PER_ATOM_STATE = 20


@dataclass(frozen=True)
class Source:
    """Atoms of one state of one molecular object."""

    object: str
    selection: str
    state: int
    n_atoms: int


def resolve_source(selection: str, state: int, *, _self=cmd) -> Source:
    """Find the one object that a selection means, and the state.

    An empty selection is the one molecular object that is not ours, without solvent. A
    selection that also matches our own objects means the other one. ``state`` -1 is the
    current state.

    Raises
    ------
    PomodoroError
        If there is no such object, or more than one, no atom, or no such state.
    """
    if selection:
        objects = _ask(_self.get_object_list, f"({selection})", what=f"selection {selection!r}", _self=_self) or []
        objects = [name for name in objects if not is_ours(name, _self=_self)] or objects
        if not objects:
            raise PomodoroError(f"selection {selection!r} has no atoms")
    else:
        objects = [
            name
            for name in _self.get_names("public_objects")
            if _self.get_type(name) == "object:molecule" and not is_ours(name, _self=_self)
        ]
        if not objects:
            raise PomodoroError("no structure is loaded: load one first, as in load 1hpv.pdb")
    if len(objects) > 1:
        known = ", ".join(sorted(objects))
        raise PomodoroError(f"{len(objects)} objects match ({known}): name one, as in pomnoise {min(objects)}")
    name = objects[0]
    words = _object_words(name, _self=_self)
    n_states = _self.count_states(f"%{name}")
    if state == -1:
        state = max(1, min(_self.get_object_state(name) if n_states > 1 else 1, n_states))
    if not 1 <= state <= n_states:
        raise PomodoroError(f"state {state} is out of range: {name} has states 1 to {n_states}")
    if not selection:
        selection = f"{words} and not solvent"
    elif _self.get_object_list(f"({selection})") != [name]:
        selection = f"{words} and ({selection})"
    n_atoms = _self.count_atoms(f"({selection}) and %{name} and state {state}")
    if not n_atoms:
        raise PomodoroError(f"selection {selection!r} has no atoms with coordinates in state {state}")
    return Source(name, selection, state, n_atoms)


def check_output(name: str, source: Source, *, _self=cmd) -> None:
    """Refuse a name for the output that is not free to take.

    Raises
    ------
    PomodoroError
        If the name is the source's, belongs to something we did not make, or is not legal.
    """
    legal = _self.get_legal_name(name)
    if legal != name:
        raise PomodoroError(f"{name!r} is not a legal object name: PyMOL would make it {legal!r}")
    there = spelling(name, _self=_self)
    if there == source.object:
        raise PomodoroError(f"name={name} is the source itself, which is never changed: choose another name")
    if there and get_record(there, _self=_self) is None:
        raise PomodoroError(f"{there} exists and was not made by pomnoise: choose another name")


def spelling(name: str, *, _self=cmd) -> str:
    """Return the name as PyMOL spells it, "" where nothing is called so; case does not matter to it."""
    names = _self.get_names("all")
    return name if name in names else next((other for other in names if other.lower() == name.lower()), "")


def state_bytes(n_atoms: int, n_states: int) -> int:
    """Return what PyMOL needs for so many states, in bytes."""
    return n_atoms * n_states * _BYTES_PER_ATOM_STATE


@contextmanager
def draft(source: Source, output: str = "", *, _self=cmd) -> Iterator[str]:
    """Yield the name of a hidden copy of the source with one state.

    The copy is deleted at the end unless `publish` has made it the object ``output``;
    without ``output`` it only serves to be read.

    Raises
    ------
    PomodoroError
        If PyMOL would not take ``output`` as a name.
    """
    name = _self.get_unused_name("_pomodoro")
    atoms = f"({source.selection}) and %{source.object} and state {source.state}"
    try:
        with _muted(_self), _kept_session(_self):
            _self.create(name, atoms, source.state, 1, zoom=0)
        if output and not spelling(output, _self=_self):
            _check_name(name, output, _self)
        yield name
    finally:
        if name in _self.get_names("all"):
            _self.delete(name)


def _check_name(draft_name: str, output: str, _self) -> None:
    try:
        with _muted(_self):
            _self.set_name(draft_name, output)
            _self.set_name(output, draft_name)
    except CmdException:
        raise PomodoroError(f"{output!r} is a word of PyMOL's own: choose another name") from None


def read_structure(name: str, *, title: str = "", _self=cmd):
    """Read state 1 of an object as a `Structure`, in PyMOL's order of its atoms."""
    import numpy as np

    from .structure import ATOM_LABELS, RESIDUE_LABELS, Structure

    x, y, z = array("f"), array("f"), array("f")
    residue_of, kind_of = array("q"), array("q")
    residues, kinds = _numbering(), _numbering()
    space = {
        "residue": lambda *label: residue_of.append(residues[label]),
        "atom": lambda *label: kind_of.append(kinds[label]),
        "x_": x.append,
        "y_": y.append,
        "z_": z.append,
    }
    _self.iterate_state(
        1,
        f"%{name}",
        f"residue(segi, chain, resi, resn, type == 'HETATM' and not flags & {_POLYMER_FLAG});"
        "atom(name, elem, alt); x_(x); y_(y); z_(z)",
        space=space,
    )
    if len(x) != _self.count_atoms(f"%{name}"):
        raise PomodoroError(f"{title or name} has atoms without coordinates in this state")
    return Structure(
        coords=np.array([x, y, z], dtype=np.float32).T.copy(),
        atoms=np.array(list(kinds), dtype=ATOM_LABELS)[np.array(kind_of)],
        residues=np.array(list(residues), dtype=RESIDUE_LABELS),
        residue_of_atom=np.array(residue_of, dtype=np.int64),
        name=title or name,
    )


def read_frames(name: str, states: Iterable[int], *, _self=cmd) -> Iterator[Any]:
    """Yield states of an object of ours, each an array of shape=(n_atoms, 3), float32, angstrom."""
    import numpy as np

    for state in states:
        flat = array("f")
        _self.iterate_state(state, f"%{name}", "put((x, y, z))", space={"put": flat.extend})
        yield np.array(flat, dtype=np.float32).reshape(-1, 3)


def read_values(name: str, *, _self=cmd) -> Any:
    """Return b of the atoms of an object, shape=(n_atoms,)."""
    import numpy as np

    values = array("d")
    _self.iterate(f"%{name}", "put(b)", space={"put": values.append})
    return np.array(values)


def titles(name: str, *, _self=cmd) -> list[str]:
    """Return the titles of an object's states."""
    return [_self.get_title(name, state) or "" for state in range(1, _self.count_states(f"%{name}") + 1)]


class StateWriter:
    """Appends frames to an object as states, through binary DCD files.

    With ``overwrite`` they take the place of the states from the first on. Where PyMOL has
    no reader for the files, through ``load_coordset``. A context manager: the temporary
    folder goes at its end.
    """

    def __init__(self, name: str, *, overwrite: bool = False, _self=cmd) -> None:
        self.name = name
        self._cmd = _self
        self._states = 0 if overwrite else _self.count_states(f"%{name}")
        self._folder = tempfile.TemporaryDirectory(prefix="pomodoro-")

    def __enter__(self) -> StateWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def write(self, frames) -> None:
        """Append frames, a float32 CPU tensor of shape=(n_frames, n_atoms, 3), angstrom.

        Raises
        ------
        PomodoroError
            If the object is gone, or PyMOL did not take the frames.
        """
        wanted = self._states + len(frames)
        if not self._write_dcd(frames.numpy(), wanted) and not self._write_coordsets(frames.numpy(), wanted):
            raise PomodoroError(
                f"PyMOL did not take the noised frames: {self.name} was changed or deleted during the run"
            )
        self._states = wanted

    def _write_dcd(self, frames, wanted: int) -> bool:
        from .export import write_dcd

        path = Path(self._folder.name) / "frames.dcd"
        write_dcd(path, frames)
        try:
            with _muted(self._cmd), _c_stdout_muted():
                self._cmd.load_traj(str(path), self.name, self._states + 1, format="dcd")
        except CmdException:
            return False
        return self._count() == wanted

    def _write_coordsets(self, frames, wanted: int) -> bool:
        try:
            with _muted(self._cmd):
                for state, frame in enumerate(frames, self._states + 1):
                    self._cmd.load_coordset(frame, self.name, state)
        except CmdException:
            return False
        return self._count() == wanted

    def _count(self) -> int:
        with _muted(self._cmd), suppress(CmdException):
            return self._cmd.count_states(f"%{self.name}")
        return 0


def paint(name: str, colors: Sequence[int], values: Sequence[float], *, _self=cmd) -> None:
    """Colour an object of ours and set its b, one 0xRRGGBB integer and number per atom."""
    pairs = zip((0x40000000 | color for color in colors), values)
    _self.alter(f"%{name}", "color, b = next(pairs)", space={"pairs": pairs})
    _self.recolor(f"%{name}")


def set_titles(name: str, titles: Sequence[str], *, _self=cmd) -> None:
    """Give each state of an object its title."""
    for state, title in enumerate(titles, 1):
        _self.set_title(name, state, title)


def publish(draft_name: str, name: str, record: dict[str, Any], *, _self=cmd) -> None:
    """Make a draft the output object ``name``, replacing our former one, and keep its record.

    ``record`` is of plain types only, so that a saved session opens anywhere.
    """
    records = _records(_self)
    former = spelling(name, _self=_self)
    key = (records.pop(former, None) or {}).get("key", "")
    title = _self.get_title(draft_name, _marked_state(draft_name, _self))
    with _muted(_self):
        if former:
            _self.delete(former)
        _self.set_name(draft_name, name)
    setattr(_self._pymol.session, _STORE, {**records, name: {**record, "title": title, "key": key}})


def show_key(name: str, stops: Sequence[tuple[float, tuple[float, float, float]]], *, _self=cmd) -> str:
    """Draw the colour key of our object ``name`` in the viewport; return its object's name."""
    record = _records(_self)[name]
    key = f"{name}_key"
    former = record.get("key")
    ramps = [ramp for ramp in _self.get_names("objects") if _self.get_type(ramp) == "object:ramp"]
    if former in ramps and former.lower().startswith(key.lower()):
        _self.delete(former)
    if spelling(key, _self=_self):
        key = _self.get_unused_name(key)
    with _muted(_self), _kept_session(_self):
        _self.ramp_new(key, "none", [value for value, _ in stops], [list(rgb) for _, rgb in stops])
    record["key"] = key
    return key


def our_objects(*, _self=cmd) -> list[str]:
    """Return the names of the objects that pomnoise made and that still exist."""
    return [name for name in _self.get_names("objects") if get_record(name, _self=_self)]


def is_ours(name: str, *, _self=cmd) -> bool:
    """Tell whether the object bears the title of one that pomnoise made, renamed or copied or not."""
    title = _title(name, _self)
    return bool(title) and any(
        isinstance(record, dict) and record.get("title") == title for record in _records(_self).values()
    )


def get_record(name: str, *, _self=cmd) -> dict[str, Any] | None:
    """Return the record of the object that pomnoise made under this name, or None.

    The session's store outlives ``reinitialize``, so the object must bear its title too.
    """
    record = _records(_self).get(name)
    if isinstance(record, dict) and record.get("title") and record["title"] == _title(name, _self):
        return record
    return None


def _records(_self) -> dict[str, Any]:
    """Return what the session says of our objects; it may come from a file, so check each."""
    store = getattr(_self._pymol.session, _STORE, None)
    return store if isinstance(store, dict) else {}


def _title(name: str, _self) -> str:
    """Return the title that marks an object as ours, "" where there is none."""
    if name in _self.get_names("objects") and _self.get_type(name) == "object:molecule":
        with _muted(_self), suppress(CmdException):
            return _self.get_title(name, _marked_state(name, _self)) or ""
    return ""


def _marked_state(name: str, _self) -> int:
    """The first noised state; the only one of a sweep over a single z."""
    return min(2, _self.count_states(f"%{name}"))


def numpy_health(*, _self=cmd) -> str:
    """Tell whether this PyMOL's own coordinate arrays work with the NumPy installed."""
    name = _self.get_unused_name("_pomodoro")
    try:
        with _muted(_self), redirect_stderr(io.StringIO()):
            _self.pseudoatom(name, pos=[1.0, 2.0, 3.0])
            _self.get_coords(f"%{name}", 1)
    except (SystemError, ImportError) as error:
        return f"get_coords fails with this NumPy ({type(error).__name__}); Pomodoro does not need it"
    finally:
        _self.delete(name)
    return "ok"


@contextmanager
def headless() -> Iterator[Any]:
    """Yield the ``cmd`` of a PyMOL of its own, without a window."""
    import pymol2

    with pymol2.PyMOL() as instance:
        yield instance.cmd


def load_example(*, _self=cmd) -> None:
    """Load the example that ships with PyMOL: 1hpv, or a helix where its data are absent."""
    path = _self.exp_path("$PYMOL_DATA/tut/1hpv.pdb")
    if os.path.exists(path):
        with _muted(_self):
            _self.load(path, "1hpv", quiet=1)
    else:
        _self.fab("ACDEFGHIKLMNPQRSTVWY" * 3, "helix", ss=1)


def save(path: Path, selection: str, *, _self=cmd) -> None:
    """Save a selection with all its states, or the session, whole or not at all."""
    with atomic_write(path) as file:
        _self.save(file.name, f"%{selection}" if selection else "(all)", state=0, quiet=1)


def save_picture(name: str, path: Path, *, _self=cmd) -> None:
    """Ray-trace our object: the coloured truth, one noised frame beside it, and the key.

    Rearranges the scene, so it is for a PyMOL that is not being looked at.
    """
    noised = _self.get_unused_name("_pomodoro")
    with _muted(_self):
        _self.create(noised, f"%{name}", 2, 1, zoom=0)
    _self.disable(" ".join(other for other in _self.get_object_list("all") if other not in (name, noised)))
    _self.hide("everything", f"%{name} or %{noised}")
    _self.show("cartoon", f"%{name}")
    _self.show("sticks", f"%{noised} or (%{name} and organic)")
    _self.set("stick_radius", 0.2)
    _self.orient(f"%{name}")
    low, high = _self.get_extent(f"%{noised}")
    size = max(end - start for start, end in zip(low, high))
    _self.translate([0.95 * size, 0, 0], f"%{noised}", camera=1)
    _self.bg_color("white")
    _self.set("ray_shadows", 0)
    _self.zoom(f"%{name} or %{noised}", -0.15 * size, state=1)
    _self.move("y", 0.06 * size)
    _self.png(str(path), 1200, 600, ray=1)


def _object_words(name: str, *, _self) -> str:
    """Return the object as a selection: its plain name where that means it alone."""
    with _muted(_self), suppress(CmdException):
        if _self.get_object_list(name) == [name]:
            return name
    return f"%{name}"


def _ask(function, *args, what: str, _self):
    try:
        with _muted(_self):
            return function(*args)
    except CmdException as error:
        reason = str(error).strip().splitlines()[0].removeprefix("Error: ").rstrip(".")
        raise PomodoroError(f"{what} is not valid: {reason}") from None


def _numbering() -> defaultdict:
    """Return a dict that numbers its keys 0, 1, 2 ... as they are first asked for."""
    numbers: defaultdict = defaultdict()
    numbers.default_factory = numbers.__len__
    return numbers


@contextmanager
def _kept_session(_self) -> Iterator[None]:
    """Keep what making an object changes beside it: the next automatic colour, the selection shown."""
    color = _self.get("auto_color_next")
    shown = _self.get_names("public_selections", enabled_only=1)
    try:
        yield
    finally:
        _self.set("auto_color_next", color, quiet=1)
        for selection in shown:
            _self.enable(selection)


@contextmanager
def _muted(_self) -> Iterator[None]:
    # Not "all": pop does not restore the modules that live in Python.
    _self.feedback("push")
    _self.feedback("disable", "executive objectmolecule selector gadget", "everything")
    try:
        yield
    finally:
        _self.feedback("pop")


@contextmanager
def _c_stdout_muted() -> Iterator[None]:
    """Hide what PyMOL's trajectory reader prints from C, which ``feedback`` does not reach."""
    if os.name != "posix":
        yield
        return
    import ctypes

    libc = ctypes.CDLL(None)
    libc.fflush(None)
    saved = os.dup(1)
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 1)
        yield
    finally:
        libc.fflush(None)
        os.dup2(saved, 1)
        os.close(saved)
        os.close(sink)
