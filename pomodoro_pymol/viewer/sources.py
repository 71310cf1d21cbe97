"""From what a user typed to atoms of one object, and to a copy of them to work on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from ..errors import PomodoroError
from ..structure.residue_names import MODEL_WATERS
from .host import CmdException, hidden_name, kept_session, muted
from .store import (
    all_records,
    current_state,
    get_record,
    is_key,
    is_legal,
    is_ours,
    molecules,
    placed_atoms,
    source_objects,
    spelling,
)


@dataclass(frozen=True)
class Source:
    """Atoms of one state of one molecular object.

    Residues and chains are by the rule of `grouping` where ``residues`` and ``chains`` are empty, and
    no atom is fixed where ``fixed`` is.
    """

    object: str
    selection: str
    state: int
    n_atoms: int
    residues: str = ""
    chains: str = ""
    fixed: str = ""
    #: Atoms of the selection, with or without coordinates; 0 where they were not counted.
    n_selected: int = 0

    @property
    def atoms(self) -> str:
        """The atoms as a selection that means them alone."""
        if self.selection == self.object and self.n_selected == self.n_atoms:
            return f"%{self.object}"
        return f"({self.selection}) and %{self.object} and state {self.state}"


def resolve_source(
    selection: str, state: int, residues: str = "", chains: str = "", fixed: str = "", *, _self
) -> Source:
    """Find the one object that a selection means, and the state.

    Parameters
    ----------
    selection : str
        "" is the one molecular object that is not ours, without its water. A selection that also
        matches our own objects means the other one.
    state : int
        Counted from 1; -1 is the current one.
    residues, chains, fixed : str
        As they were typed, "" for none; `given.regrouped` finds what they mean.

    Raises
    ------
    PomodoroError
        If there is not one such object, no atom or no such state, or if none or all atoms are to be ``fixed``.
    """
    n_selected = check_selection(selection, _self) if selection else 0
    # No brackets: by its bare name PyMOL knows an object without a look at all atoms of the session.
    matched = _self.get_object_list(selection) if selection else []
    name = _one_object(selection, matched, _self)
    n_states = _self.count_states(f"%{name}")
    if not n_states:
        raise PomodoroError(f"{name} has no atoms with coordinates")
    if state == -1:
        state = current_state(name, _self) if n_states > 1 else 1
    if not 1 <= state <= n_states:
        raise PomodoroError(f"state {state} is out of range: {name} has states 1 to {n_states}")
    asked, alone = bool(selection), matched == [name]
    if not asked:
        selection = whole(name, _self=_self)
    elif not alone:
        selection = f"{object_words(name, _self=_self)} and ({selection})"
    if alone and selection == name and placed_atoms(name, state, _self=_self) == n_selected:
        n_atoms = n_selected
    else:
        n_atoms = _self.count_atoms(f"({selection}) and %{name} and state {state}")
    if not n_atoms and not asked and _self.count_atoms(f"%{name} and state {state}"):
        named = object_words(name, _self=_self)
        raise PomodoroError(f"{name} is all water, which is left aside unless it is named, as in pomnoise {named}")
    if not n_atoms:
        raise PomodoroError(f"selection {selection!r} has no atoms with coordinates in state {state}")
    source = Source(name, selection, state, n_atoms, residues, chains, fixed, n_selected if alone else 0)
    if fixed:
        _check_fixed(source, _self)
    return source


def source_of(parameters: Any, *, _self) -> Source:
    """Find the atoms that the parameters of a command mean, as `resolve_source` does."""
    fixed = getattr(parameters, "fixed", "")
    return resolve_source(
        parameters.selection, parameters.state, parameters.residues, parameters.chains, fixed, _self=_self
    )


def _one_object(selection: str, matched: list[str], _self: Any) -> str:
    """Return the one object that a selection means, of those it matches; "" means the one that is not ours."""
    if selection:
        objects = [name for name in matched if is_legal(name, _self) and not is_key(name, _self=_self)]
        objects = [name for name in objects if not is_ours(name, _self=_self)] or objects
        if not objects:
            raise PomodoroError(f"selection {selection!r} has no atoms")
    else:
        objects = source_objects(_self=_self)
        if not objects:
            ours = ", ".join(molecules(_self=_self))
            which = f"nothing but our own objects is loaded ({ours}): name one, or"
            raise PomodoroError(f"{which if ours else 'no structure is loaded:'} load one first, as in load 1hpv.pdb")
    if len(objects) > 1:
        known = ", ".join(sorted(objects))
        raise PomodoroError(f"{len(objects)} objects match ({known}): name one, as in pomnoise {min(objects)}")
    return objects[0]


def _check_fixed(source: Source, _self: Any) -> None:
    """Refuse fixed atoms that are none or all of a source."""
    check_selection(source.fixed, _self)
    n_fixed = _self.count_atoms(f"{source.atoms} and ({source.fixed})")
    if not n_fixed:
        raise PomodoroError(f"fixed={source.fixed} has no atoms of {source.selection!r}")
    if n_fixed == source.n_atoms:
        raise PomodoroError(f"fixed={source.fixed} has all atoms of {source.selection!r}: none would move")


def whole(name: str, *, _self) -> str:
    """Return an object without its water as a selection: what an empty selection means."""
    words = object_words(name, _self=_self)
    return f"{words} and not {_water(words, _self=_self)}"


def check_output(name: str, source: Source, *, _self) -> None:
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
        if there in all_records(_self):
            raise PomodoroError(
                f"{there} is not what was made under that name, its states are others: choose another name"
            )
        raise PomodoroError(f"{there} exists and was not made by pomnoise: choose another name")


@contextmanager
def draft(source: Source, output: str = "", *, whole: bool = False, _self) -> Iterator[str]:
    """Yield the name of a hidden copy of the source's atoms, in one state, or ``whole``, in all.

    The copy is deleted at the end unless a `StateWriter` has published it as the object ``output``;
    without ``output`` it only serves to be read.

    Raises
    ------
    PomodoroError
        If PyMOL would not take ``output`` as a name.
    """
    with hidden_name(_self=_self) as name:
        with muted(_self), kept_session(_self):
            copy_atoms(name, source.atoms, *((0, 0) if whole else (source.state, 1)), _self)
        if output and not spelling(output, _self=_self):
            _check_name(name, output, _self)
        yield name


def copy_atoms(name: str, atoms: str, state: int, target: int, _self) -> None:
    """Make atoms of a state, 0 for all, a hidden object, as they are.

    PyMOL would work out secondary structure anew, which takes most of the time.
    """
    with _no_auto_dss(_self):
        _self.create(name, atoms, state, target, zoom=0)
        _self.disable(name)


def seen_from(name: str, other: str, coords: Any, *, _self) -> Any:
    """Return coordinates of one object, shape=(n_atoms, 3), in the own frame of another, as both are seen.

    They differ where either was moved as a whole: PyMOL keeps that apart from the coordinates.
    """
    import numpy as np

    (turn, shift), (other_turn, other_shift) = (_motion(each, _self) for each in (name, other))
    if np.array_equal(turn, other_turn) and np.array_equal(shift, other_shift):
        return coords
    seen = coords.astype(np.float64) @ turn.T + shift
    return ((seen - other_shift) @ other_turn).astype(np.float32)


def _motion(name: str, _self) -> tuple[Any, Any]:
    """Return the rotation, shape=(3, 3), and the shift by which an object is moved where it is seen.

    The matrix of a state is only history: its coordinates are moved already.
    """
    import numpy as np

    total, of_state = (
        np.array(_self.get_object_matrix(name, 1, incl_ttt=with_all) or np.eye(4), np.float64).reshape(4, 4)
        for with_all in (1, 0)
    )
    motion = total @ np.linalg.inv(of_state)
    return motion[:3, :3], motion[:3, 3]


def drop_atoms(name: str, places: Iterable[int], *, _self) -> None:
    """Take atoms out of a draft: those at some places of its order, counted from 0, in ascending order."""
    indices = [int(place) + 1 for place in places]
    if indices:
        with muted(_self):
            _self.remove(index_words(name, indices, _self=_self))


@contextmanager
def _no_auto_dss(_self) -> Iterator[None]:
    """Switch off within the block that PyMOL works out secondary structure of new objects."""
    if not _self.get_setting_int("auto_dss"):
        yield
        return
    _self.set("auto_dss", 0, quiet=1)
    try:
        yield
    finally:
        _self.unset("auto_dss", quiet=1)  # to the default, on; "set" would leave an entry in the session


def _check_name(draft_name: str, output: str, _self) -> None:
    """Refuse a name that PyMOL does not let an object have, by giving it to the draft for a moment."""
    try:
        with muted(_self):
            _self.set_name(draft_name, output)
            _self.set_name(output, draft_name)
    except CmdException:
        raise PomodoroError(f"{output!r} is a word of PyMOL's own: choose another name") from None


def object_words(name: str, *, _self) -> str:
    """Return the object as a selection: its plain name where that means it alone."""
    with muted(_self), suppress(CmdException):
        if _self.get_object_list(name) == [name]:
            return name
    return f"%{name}"


def index_words(name: str, indices: Iterable[int], *, _self) -> str:
    """Return atoms of an object as a selection: by their indices, which PyMOL counts from 1, in ascending order."""
    runs: list[list[int]] = []
    for index in indices:
        if runs and index == runs[-1][-1] + 1:
            runs[-1][1:] = [index]
        else:
            runs.append([index])
    return f"{object_words(name, _self=_self)} and index {'+'.join('-'.join(map(str, run)) for run in runs)}"


def _water(words: str, *, _self) -> str:
    """Return water as a selection: PyMOL's, and where they occur residues that are water by the name of its model."""
    names: set[str] = set()
    more = f"{words} and resn {'+'.join(sorted(MODEL_WATERS))}"
    dry = f"byres ({words} and elem C)"
    _self.iterate(f"{more} and not {dry}", "names.add(resn)", space={"names": names})
    return f"(solvent or (resn {'+'.join(sorted(names))} and not {dry}))" if names else "solvent"


def check_selection(selection: str, _self) -> int:
    """Return how many atoms a selection has.

    Raises
    ------
    PomodoroError
        If it is none, with PyMOL's reason; its other questions do not give one in 2.5.
    """
    try:
        with muted(_self):
            return _self.count_atoms(f"({selection})")
    except CmdException as error:
        reason = str(error).strip().splitlines()[0].removeprefix("Error: ").rstrip(".")
        raise PomodoroError(f"selection {selection!r} is not valid: {reason}") from None
