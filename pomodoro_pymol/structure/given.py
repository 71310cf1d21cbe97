"""Residues and chains that are given, where the rule of `grouping` is not what is wanted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import PomodoroError
from ..utils.groups import PROPERTIES, given_selections
from .atoms import Structure, residue_words, some_labels
from .residues import by_appearance, first_of_each


def by_labels(structure: Structure, residues: str = "", chains: str = "") -> Structure:
    """Return a structure with residues and chains by a label each, "" for the rule.

    Raises
    ------
    PomodoroError
        If a word is no label that a file has, or the residues do not nest in the chains.
    """
    given = {name: words for name, words in (("residues", residues), ("chains", chains)) if words}
    if not given:
        return structure
    keys = {name: _label_keys(structure, name, words) for name, words in given.items()}
    return regroup(structure, **keys, nested=True, note=as_given(given))


def as_given(given: dict[str, str]) -> str:
    """Return what a note says of residues and chains that are given."""
    return " and ".join(f"{name} are as given by {name}={words}" for name, words in given.items())


def _label_keys(structure: Structure, name: str, words: str) -> np.ndarray:
    """Return a number for each value of a label, shape=(n_atoms,): atoms of equal numbers are one group.

    Raises
    ------
    PomodoroError
        If ``words`` are no label that a file has.
    """
    if given_selections(name, words):
        raise PomodoroError(
            f"{name} takes selections in PyMOL alone; from files it is one of {', '.join(PROPERTIES[:-1])}"
        )
    if words not in structure.residues.dtype.names:
        raise PomodoroError(
            f"{name}={words} is known in PyMOL alone; from files it is one of {', '.join(PROPERTIES[:-1])}"
        )
    return np.unique(structure.residues[words].astype(str), return_inverse=True)[1][structure.residue_of_atom]


def regroup(
    structure: Structure,
    residues: np.ndarray | None = None,
    chains: np.ndarray | None = None,
    *,
    nested: bool = False,
    note: str = "",
) -> Structure:
    """Return a structure with residues and chains as they are given.

    Parameters
    ----------
    structure : Structure
    residues, chains : ndarray of int, shape=(n_atoms,), optional
        Atoms of one number are a group; those of -1 stay as the rule has them.
    nested : bool
        Whether ``residues`` count within each chain, as labels do.
    note : str
        What the structure's note is to say of it.

    Raises
    ------
    PomodoroError
        If the atoms of a residue then lie in several chains.
    """
    row_to_residue, residue_to_chain = structure.grouping
    residue = row_to_residue[structure.residue_of_atom]
    chain = _groups(chains, residue_to_chain[residue])
    if residues is not None and nested:
        residues = np.where(residues < 0, -1, residues * (chain.max() + 1) + chain)
    residue = _groups(residues, residue)
    residue_to_chain = np.empty(residue.max() + 1, np.int64)
    residue_to_chain[residue] = chain
    torn = structure.residues[structure.residue_of_atom[residue_to_chain[residue] != chain]]
    if len(torn):
        labels = dict.fromkeys(residue_words(*label) for label in torn[["chain", "resi", "resn"]].tolist())
        raise PomodoroError(f"a residue has atoms in two chains, but is to lie in one: {some_labels(list(labels))}")
    rows = by_appearance(structure.residue_of_atom * len(residue_to_chain) + residue)
    first = first_of_each(rows)
    return replace(
        structure,
        residues=structure.residues[structure.residue_of_atom[first]],
        residue_of_atom=rows,
        groups=(residue[first], residue_to_chain),
        note="; ".join(part for part in (structure.note, note) if part),
    )


def _groups(given: np.ndarray | None, rule: np.ndarray) -> np.ndarray:
    """Return the number of each atom's group, 0, 1, 2 ... by first appearance: as given, else by the rule."""
    return by_appearance(rule if given is None else np.where(given < 0, -1 - rule, given))
