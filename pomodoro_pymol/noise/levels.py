"""Displacement per structural level: what is measured, and what is expected of it.

All rms values are per coordinate, so they compare with sigma directly. A residue's or
chain's displacement is the mean over its atoms. Shares are those of an atom-weighted
nested analysis of variance about the true structure; they sum to one.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

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
        The same after removing the mean of the chain.
    ratio : float
        residue / atom.
    ratio_relative : float
        residue_relative / atom_relative; nan where nothing moves within chains.
    chain_share, residue_share, atom_share : float
        Parts of the variance: of chains, of residues in chains, of atoms in residues.
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


def level_names() -> tuple[str, ...]:
    """Return the names of the values in `Levels`, in order."""
    return tuple(field.name for field in fields(Levels))


@dataclass(frozen=True, eq=False)
class ResidueLevels:
    """Displacement per residue, each an array of shape=(n_residues,).

    Attributes
    ----------
    atom, residue : ndarray
        Rms over frames of the residue's atoms and of its mean, angstrom per coordinate.
    atom_relative, residue_relative : ndarray
        The same after removing the mean of the chain.
    """

    atom: np.ndarray
    residue: np.ndarray
    atom_relative: np.ndarray
    residue_relative: np.ndarray


def levels_of_squares(squares: np.ndarray, scale: float) -> Levels:
    """From mean squares, shape=(..., 6): residue, chain, relative residue, three variance parts."""
    residue, chain, relative, *parts = np.moveaxis(squares, -1, 0)
    inside = parts[1] + parts[2]
    atom = parts[0] + inside
    with np.errstate(divide="ignore", invalid="ignore"):
        return Levels(
            atom=scale * np.sqrt(atom),
            residue=scale * np.sqrt(residue),
            chain=scale * np.sqrt(chain),
            atom_relative=scale * np.sqrt(inside),
            residue_relative=scale * np.sqrt(relative),
            ratio=np.sqrt(residue / atom),
            ratio_relative=np.sqrt(relative / inside),
            chain_share=parts[0] / atom,
            residue_share=parts[1] / atom,
            atom_share=parts[2] / atom,
        )


def check_estimator(estimator: str) -> None:
    if estimator not in ESTIMATORS:
        raise PomodoroError(f"estimator must be one of {', '.join(ESTIMATORS)}, not {estimator!r}")
