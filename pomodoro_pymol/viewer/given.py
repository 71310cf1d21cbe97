"""Residues, chains and fixed atoms that a user gives as selections or labels of PyMOL."""

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import Any

from ..errors import PomodoroError
from ..utils.groups import PROPERTIES, given_selections
from .sources import Source, check_selection


def regrouped(structure: Any, source: Source, *, _self) -> Any:
    """Return a structure read from a source with the residues, chains and fixed atoms that the source gives.

    Raises
    ------
    PomodoroError
        If a group has no atoms, an atom is in two, or the residues do not nest in the chains; or if
        none or all of the atoms with coordinates are fixed.
    """
    if source.fixed:
        structure = replace(structure, fixed=_fixed(structure, source, _self))
    if not (source.residues or source.chains):
        return structure
    from ..structure.given import as_given, regroup

    given = {name: words for name, words in (("residues", source.residues), ("chains", source.chains)) if words}
    keys = {name: _keys(structure, source, name, words, _self) for name, words in given.items()}
    return regroup(structure, **keys, nested=source.residues in PROPERTIES, note=as_given(given))


def _fixed(structure: Any, source: Source, _self: Any) -> Any:
    """Return which atoms are fixed, shape=(n_atoms,), bool, in the structure's order: some of them, not all."""
    members: set[int] = set()
    atoms = f"({source.selection}) and %{source.object}"
    _self.iterate(f"{atoms} and ({source.fixed})", "put(index)", space={"put": members.add})
    rows = _read(source, atoms, "index in members", {"members": members}, _self)
    fixed = _matched(rows, structure, source, "of which only some are to be fixed") > 0
    if fixed.all() or not fixed.any():
        words = "all" if fixed.all() else "no"
        raise PomodoroError(f"fixed={source.fixed} has {words} atoms of {source.selection!r} that have coordinates")
    return fixed


def _keys(structure: Any, source: Source, name: str, words: str, _self: Any) -> Any:
    """Return the number of each atom's group, shape=(n_atoms,), in the structure's order; -1 for none."""
    atoms = f"({source.selection}) and %{source.object}"
    values: dict[Any, int] = {}
    selections = given_selections(name, words)
    if selections:
        group_of: dict[int, int] = {}
        for number, selection in enumerate(selections):
            check_selection(selection, _self)
            members: list[int] = []
            _self.iterate(f"{atoms} and ({selection})", "put(index)", space={"put": members.append})
            if not members:
                raise PomodoroError(f"{name}: ({selection}) has no atoms of {source.selection!r}")
            if not group_of.keys().isdisjoint(members):
                raise PomodoroError(f"{name}: ({selection}) has atoms of a group before it")
            group_of.update(dict.fromkeys(members, number))
        rows = _read(source, atoms, "group_of.get(index, -1)", {"group_of": group_of}, _self)
    else:
        first_seen = f"values.setdefault({words}, len(values))"
        rows = _read(source, atoms, first_seen, {"values": values, "len": len}, _self)
    return _matched(rows, structure, source, "that are to be of different groups")


def _read(source: Source, atoms: str, number: str, space: dict[str, Any], _self: Any) -> Any:
    """Return x, y, z and a number of each atom, shape=(n_atoms, 4), in PyMOL's order, of those that have a place."""
    import numpy as np

    flat = array("d")
    _self.iterate_state(source.state, atoms, f"put((x, y, z, {number}))", space={"put": flat.extend, **space})
    rows = np.array(flat).reshape(-1, 4)
    return rows[np.isfinite(rows[:, :3]).all(1)]


def _matched(rows: Any, structure: Any, source: Source, apart: str) -> Any:
    """Return the numbers of the source's atoms in the order of the structure, by where each atom lies.

    The source may stand in another order than its copy, and labels can repeat; places hardly do, and
    atoms in one place have one number, or it cannot be told which is which, as ``apart`` says.
    """
    import numpy as np

    places = rows[:, :3].astype(np.float32)
    one, other = np.lexsort((rows[:, 3], *places.T)), np.lexsort(structure.coords.T)
    if not np.array_equal(places[one], structure.coords[other]):
        raise PomodoroError(f"{source.object} was changed while it was read")
    groups = rows[one, 3].astype(np.int64)
    same = (places[one][1:] == places[one][:-1]).all(1)
    if (same & (groups[1:] != groups[:-1])).any():
        raise PomodoroError(f"{source.object} has atoms in one place {apart}")
    found = np.empty(len(groups), np.int64)
    found[other] = groups
    return found
