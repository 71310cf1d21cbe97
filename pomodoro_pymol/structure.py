"""The record that crosses between a molecular viewer and the core."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .errors import PomodoroError

#: Labels of one atom; text is of any length.
ATOM_LABELS = np.dtype([("name", "O"), ("elem", "O"), ("alt", "O")])

#: Labels of one residue. ``resi`` includes the insertion code; ``hetero`` marks what is
#: outside the polymers: ligand, ion, water.
RESIDUE_LABELS = np.dtype([("segi", "O"), ("chain", "O"), ("resi", "O"), ("resn", "O"), ("hetero", "?")])


@dataclass(frozen=True, eq=False)
class Structure:
    """Coordinates and labels of the atoms of one molecular state.

    Parameters
    ----------
    coords : ndarray, shape=(n_atoms, 3), dtype=float32
        Positions in angstrom.
    atoms : ndarray, shape=(n_atoms,), dtype=ATOM_LABELS
    residues : ndarray, shape=(n_labels,), dtype=RESIDUE_LABELS
        One row per distinct label; a residue with two names has two rows.
    residue_of_atom : ndarray, shape=(n_atoms,), dtype=int64
        Row of ``residues`` for each atom.
    name : str
        What the structure is called where it comes from.

    Raises
    ------
    PomodoroError
        If there is no atom, the shapes disagree, or a coordinate is not finite.
    """

    coords: np.ndarray
    atoms: np.ndarray
    residues: np.ndarray
    residue_of_atom: np.ndarray
    name: str = ""

    def __post_init__(self) -> None:
        n_atoms = len(self.atoms)
        if n_atoms == 0:
            raise PomodoroError("the structure has no atoms")
        if self.coords.shape != (n_atoms, 3) or self.residue_of_atom.shape != (n_atoms,):
            raise PomodoroError(
                f"{n_atoms} atoms need coords of shape ({n_atoms}, 3) and one residue each, "
                f"not {self.coords.shape} and {self.residue_of_atom.shape}"
            )
        if not np.isfinite(self.coords).all():
            raise PomodoroError("the structure has coordinates that are not finite")

    def __len__(self) -> int:
        return len(self.atoms)
