"""Atoms of two structures matched by their labels, never by their order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np

from ..errors import PomodoroError
from ..utils.text import counted
from .atoms import Structure, atom_words, some_labels

#: Segment, chain, residue number, residue name, atom name, alternate location.
_Label = tuple[str, str, str, str, str, str]


@dataclass(frozen=True, eq=False)
class Matching:
    """Which atom of one structure is which of another.

    Attributes
    ----------
    first, second : ndarray, shape=(n_common,), dtype=int64
        Places of the atoms that both have, in the order of the first.
    notes : tuple of str
        What either has alone, which is left out, in words.
    """

    first: np.ndarray
    second: np.ndarray
    notes: tuple[str, ...] = ()


def match_atoms(first: Structure, second: Structure, names: tuple[str, str]) -> Matching:
    """Match the atoms of two structures by chain, residue number and name, atom name and alternate location.

    Where these repeat in either structure, the segment has to tell the atoms apart. An atom that
    is there in one location only is the other structure's atom without one.

    Parameters
    ----------
    first, second : Structure
    names : tuple of str
        What the two are called in what is told of them.

    Raises
    ------
    PomodoroError
        If no atom is in both, or labels repeat with their segment, of atoms that the other has too.
    """
    labels = _without_lone_locations([_labels(structure) for structure in (first, second)])
    repeated = {label for own in labels for label in _repeated([label[1:] for label in own])}
    keys = [[label if label[1:] in repeated else label[1:] for label in own] for own in labels]
    common = set(keys[0]).intersection(keys[1])
    for name, own in zip(names, keys):
        twice = [key for key in _repeated(own) if key in common]
        if twice:
            raise PomodoroError(f"more than one atom of {name} is {_words(twice[0])}: labels must tell atoms apart")
    if not common:
        one, other = (_words(own[0]) for own in keys)
        raise PomodoroError(
            f"{names[0]} and {names[1]} have no atom in common: chain, residue number and name, and atom name "
            f"must be the same, as they are not in {one} and {other}"
        )
    place = {key: row for row, key in enumerate(keys[1])}
    rows = [row for row, key in enumerate(keys[0]) if key in common]
    alone = [[key not in common for key in own] for own in keys]
    notes = (
        _note(name, other, [_words(key) for key in compress(own, left)])
        for name, other, own, left in zip(names, reversed(names), keys, alone)
        if any(left)
    )
    return Matching(np.array(rows), np.array([place[keys[0][row]] for row in rows]), tuple(notes))


def take_atoms(structure: Structure, rows: np.ndarray) -> Structure:
    """Return the structure of some of the atoms, shape=(n_kept,), in ascending order.

    Their ``places`` are 0, 1, 2 ..., and none is fixed.
    """
    used, residue_of_atom = np.unique(structure.residue_of_atom[rows], return_inverse=True)
    groups = structure.groups
    if groups is not None:
        residues, residue_of_row = np.unique(groups[0][used], return_inverse=True)
        groups = residue_of_row, np.unique(groups[1][residues], return_inverse=True)[1]
    names = ("coords", "atoms", "occupancy", "b", "charge")
    return replace(
        structure,
        **{name: getattr(structure, name)[rows] for name in names},
        residues=structure.residues[used],
        residue_of_atom=residue_of_atom,
        places=np.arange(len(rows)),
        groups=groups,
        fixed=None,
    )


def _labels(structure: Structure) -> list[_Label]:
    """Return the labels of each atom."""
    residues = structure.residues[["segi", "chain", "resi", "resn"]].tolist()
    atoms = structure.atoms[["name", "alt"]].tolist()
    return [(*residues[row], *atom) for row, atom in zip(structure.residue_of_atom.tolist(), atoms)]


def _without_lone_locations(labels: list[list[_Label]]) -> list[list[_Label]]:
    """Take the location away from atoms that both have once, where one of the two has none."""
    lone = []
    for own in labels:
        counts = Counter(label[1:5] for label in own)
        lone.append({label[1:5]: label[5] for label in own if counts[label[1:5]] == 1})
    both = lone[0].keys() & lone[1].keys()
    blank = {atom for atom in both if "" in (lone[0][atom], lone[1][atom])}
    return [[(*label[:5], "") if label[1:5] in blank else label for label in own] for own in labels]


def _repeated(keys: list) -> list:
    """Return the keys that occur more than once."""
    return [key for key, count in Counter(keys).items() if count > 1]


def _words(key: tuple[str, ...]) -> str:
    """Return what an atom is called, with its segment where that is in the key."""
    *segment, chain, resi, resn, name, alt = key
    label = atom_words(chain, resi, resn, name, alt)
    return "/".join([*filter(None, segment), label])


def _note(name: str, other: str, labels: list[str]) -> str:
    """Say which atoms only the first of two structures has."""
    return f"left out: {counted(len(labels), 'atom')} of {name} alone, not of {other} ({some_labels(labels)})"
