"""The atoms that noise moves, where others of the structure are fixed."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import torch

from ..errors import PomodoroError
from .atoms import Structure
from .hierarchy import Hierarchy
from .matching import take_atoms


@dataclass(frozen=True, eq=False)
class Moving:
    """The part of a structure that noise moves: all of it where no atom is fixed.

    Noise of some of the atoms of a hierarchy is noise of the hierarchy that is left of it, exactly.

    Attributes
    ----------
    structure : Structure
        Of the atoms that move.
    hierarchy : Hierarchy
        Of the same atoms; residues and chains without any are not in it.
    atoms, residues : ndarray of int64, shape=(n_moving_atoms,) and (n_moving_residues,), or None
        Which of the whole they are, in ascending order; None where all move.
    n_residues : int
        Of the whole.
    """

    structure: Structure
    hierarchy: Hierarchy
    atoms: np.ndarray | None
    residues: np.ndarray | None
    n_residues: int

    @property
    def n_fixed_residues(self) -> int:
        """Number of residues of which no atom moves."""
        return self.n_residues - self.hierarchy.n_residues

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Return values of the residues that move, shape=(n_moving_residues,), as of all: nan where none moves."""
        if self.residues is None:
            return values
        found = np.full(self.n_residues, np.nan)
        found[self.residues] = values
        return found

    def take(self, rows: torch.Tensor) -> torch.Tensor:
        """Return what of rows of all atoms, shape=(..., n_atoms, 3), is of those that move."""
        if self.atoms is None:
            return rows
        atoms = torch.from_numpy(self.atoms).to(rows.device)
        return rows.transpose(-1, -2).index_select(-1, atoms).transpose(-1, -2)  # coordinate by coordinate, as noise is


# The part of each structure, always the same object: distances are found once for each, and scores look them up by it.
_FOUND: WeakKeyDictionary[Structure, Moving] = WeakKeyDictionary()


def moving_part(structure: Structure, hierarchy: Hierarchy) -> Moving:
    """Return the part of a structure that noise moves, by ``structure.fixed``.

    Parameters
    ----------
    structure : Structure
    hierarchy : Hierarchy
        That of the structure.

    Raises
    ------
    PomodoroError
        If every atom is fixed.
    """
    if structure.fixed is None:
        return Moving(structure, hierarchy, None, None, hierarchy.n_residues)
    if structure not in _FOUND:
        atoms = np.flatnonzero(~structure.fixed)
        if not len(atoms):
            raise PomodoroError("all atoms are fixed: none would move")
        residues, of_atom = np.unique(hierarchy.atom_to_residue.cpu().numpy()[atoms], return_inverse=True)
        of_residue = np.unique(hierarchy.residue_to_chain.cpu().numpy()[residues], return_inverse=True)[1]
        kept = Hierarchy(torch.from_numpy(of_atom), torch.from_numpy(of_residue))
        _FOUND[structure] = Moving(take_atoms(structure, atoms), kept, atoms, residues, hierarchy.n_residues)
    return _FOUND[structure]
