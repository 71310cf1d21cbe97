"""Displacement per structural level: what is measured, and what is expected of it.

All rms values are per coordinate, so they compare with sigma directly. A residue's or
chain's displacement is the mean over its atoms. Shares are those of an atom-weighted
nested analysis of variance about the true structure; they sum to one. A residue that is a
chain of its own (an ion, a ligand) has no motion relative to its chain: it does not count
where that is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ..errors import PomodoroError
from .weights import ESTIMATORS


@dataclass(frozen=True)
class Levels:
    """Displacement per structural level, as numbers or as arrays of equal shape.

    Attributes
    ----------
    atom, residue, chain : float
        Rms of atoms, residue means and chain means, angstrom per coordinate.
    atom_relative, residue_relative : float
        The same after removing the mean of the chain, over the chains of more than one
        residue; nan where there is none.
    ratio : float
        residue / atom.
    ratio_relative : float
        residue_relative / atom_relative; nan where nothing moves within chains.
    chain_share, residue_share, atom_share : float
        Parts of the variance: of chains, of residues in chains, of atoms in residues.
    neighbor : float
        Rms displacement of a residue relative to the next one of its chain, over the pairs
        of `Hierarchy.neighbors`, angstrom per coordinate: sqrt(3) times as large in space.
        nan without pairs.
    """

    atom: float
    residue: float
    chain: float
    atom_relative: float
    residue_relative: float
    ratio: float
    ratio_relative: float
    chain_share: float
    residue_share: float
    atom_share: float
    neighbor: float = float("nan")  # version 0.1.0 did not record it


def level_names() -> tuple[str, ...]:
    """Return the names of the values in `Levels`, in order."""
    return tuple(field.name for field in fields(Levels))


def column_name(name: str) -> str:
    """Return what a column with a value of `Levels` is called, which says what length it is."""
    pure = name.startswith("ratio") or name.endswith("share")
    return name if pure else f"{name}_rms_per_coordinate"


@dataclass(frozen=True, eq=False)
class ResidueLevels:
    """Displacement per residue, each an array of shape=(n_residues,).

    Attributes
    ----------
    atom, residue : ndarray
        Rms over frames of the residue's atoms and of its mean, angstrom per coordinate.
    atom_relative, residue_relative : ndarray
        The same after removing the mean of the chain.
    neighbor : ndarray
        Of the residue relative to the one before and the one after it in its chain, rms over
        both, angstrom per coordinate; 0 where a residue is a chain of its own. nan in a record
        of version 0.1.0.
    """

    atom: np.ndarray
    residue: np.ndarray
    atom_relative: np.ndarray
    residue_relative: np.ndarray
    neighbor: np.ndarray


#: A number, or an array or tensor of them.
Values: TypeAlias = Any


class MeanSquares(NamedTuple):
    """Mean squares per coordinate that `Levels` follow from: numbers, or arrays or tensors of equal shape.

    Attributes
    ----------
    residue, chain
        Over residue means and chain means.
    relative, neighbor
        Over residue means relative to their chain, without residues that are a chain of
        their own, and over the differences of neighbouring residue means.
    of_chains, of_residues, of_atoms
        Parts of the mean square of all atoms: of chains, of residues in chains, of atoms
        in residues.
    means_inside
        Over residue means, of chains of more than one residue.
    chains_inside, residues_inside, atoms_inside
        The three parts for the atoms of chains of more than one residue.
    """

    residue: Values
    chain: Values
    relative: Values
    neighbor: Values
    of_chains: Values
    of_residues: Values
    of_atoms: Values
    means_inside: Values
    chains_inside: Values
    residues_inside: Values
    atoms_inside: Values


def levels_of_squares(squares: MeanSquares, scale: float) -> Levels:
    """Return the `Levels` of mean squares, lengths times ``scale``."""
    atom = squares.of_chains + squares.of_residues + squares.of_atoms
    inside = squares.residues_inside + squares.atoms_inside
    with np.errstate(divide="ignore", invalid="ignore"):
        return Levels(
            atom=scale * np.sqrt(atom),
            residue=scale * np.sqrt(squares.residue),
            chain=scale * np.sqrt(squares.chain),
            atom_relative=scale * np.sqrt(inside),
            residue_relative=scale * np.sqrt(squares.relative),
            ratio=np.sqrt(squares.residue / atom),
            ratio_relative=np.sqrt(squares.relative / inside),
            chain_share=squares.of_chains / atom,
            residue_share=squares.of_residues / atom,
            atom_share=squares.of_atoms / atom,
            neighbor=scale * np.sqrt(squares.neighbor),
        )


def check_estimator(estimator: str) -> None:
    if estimator not in ESTIMATORS:
        raise PomodoroError(f"estimator must be one of {', '.join(ESTIMATORS)}, not {estimator!r}")
