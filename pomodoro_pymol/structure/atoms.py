"""The record that crosses between a molecular viewer and the core."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import PomodoroError
from ..utils.text import counted

#: Labels of one atom; text is of any length.
ATOM_LABELS = np.dtype([("name", "O"), ("elem", "O"), ("alt", "O")])

#: Labels of one residue. ``resi`` includes the insertion code; ``hetero`` marks what is
#: outside the polymers: ligand, ion, water.
RESIDUE_LABELS = np.dtype([("segi", "O"), ("chain", "O"), ("resi", "O"), ("resn", "O"), ("hetero", "?")])


@dataclass(frozen=True)
class UnitCell:
    """The unit cell of a crystal.

    Attributes
    ----------
    lengths : tuple of float
        a, b and c, angstrom.
    angles : tuple of float
        alpha, beta and gamma, degrees.
    space_group : str
        Hermann-Mauguin symbol, "" where it is not known.
    """

    lengths: tuple[float, float, float]
    angles: tuple[float, float, float]
    space_group: str = ""


# A message names so many labels at most.
_MOST_LABELS = 8


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
    order : {"file", "copy"}
        Whose order the atoms are in, which is the order of the draws: that of the file they
        were read from, or, where the viewer does not know it, that of its own copy of them.
    note : str
        What was left out of the structure, in words; see `left_out`.
    places : ndarray, shape=(n_atoms,), dtype=int64, optional
        Place of each atom in the order in which the viewer shows the atoms of the object that
        was read; by default the same order.
    groups : tuple of two ndarrays of int64, optional
        Residue of each row of ``residues``, shape=(n_labels,), and chain of each residue,
        shape=(n_residues,), as `grouping.group` finds them; by default by labels, see ``grouping``.
    occupancy, b : ndarray, shape=(n_atoms,), dtype=float32, optional
        As the source has them; by default 1 and 0.
    charge : ndarray, shape=(n_atoms,), dtype=int8, optional
        Formal charges; by default 0.
    cell : UnitCell, optional
    fixed : ndarray, shape=(n_atoms,), dtype=bool, optional
        Atoms that noise leaves where they are; by default, or where it marks none, None: all move.

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
    order: str = "file"
    note: str = ""
    places: np.ndarray = None  # type: ignore[assignment]
    groups: tuple[np.ndarray, np.ndarray] | None = None
    occupancy: np.ndarray = None  # type: ignore[assignment]
    b: np.ndarray = None  # type: ignore[assignment]
    charge: np.ndarray = None  # type: ignore[assignment]
    cell: UnitCell | None = None
    fixed: np.ndarray | None = None

    def __post_init__(self) -> None:
        n_atoms = len(self.atoms)
        absent = {
            "places": lambda: np.arange(n_atoms),
            "occupancy": lambda: np.ones(n_atoms, np.float32),
            "b": lambda: np.zeros(n_atoms, np.float32),
            "charge": lambda: np.zeros(n_atoms, np.int8),
        }
        for name, make in absent.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, make())
        if n_atoms == 0:
            raise PomodoroError("the structure has no atoms")
        if self.coords.shape != (n_atoms, 3) or self.residue_of_atom.shape != (n_atoms,):
            raise PomodoroError(
                f"{n_atoms} atoms need coords of shape ({n_atoms}, 3) and one residue each, "
                f"not {self.coords.shape} and {self.residue_of_atom.shape}"
            )
        for name in absent:
            if getattr(self, name).shape != (n_atoms,):
                raise PomodoroError(f"{n_atoms} atoms need one of {name} each, not {getattr(self, name).shape}")
        if self.fixed is not None and (self.fixed.shape != (n_atoms,) or self.fixed.dtype != bool):
            raise PomodoroError(f"{n_atoms} atoms need one bool of fixed each, not {self.fixed.shape}")
        if self.fixed is not None and not self.fixed.any():
            object.__setattr__(self, "fixed", None)
        if not np.isfinite(self.coords).all():
            raise PomodoroError("the structure has coordinates that are not finite")

    def __len__(self) -> int:
        return len(self.atoms)

    @cached_property
    def grouping(self) -> tuple[np.ndarray, np.ndarray]:
        """Residue of each row of ``residues`` and chain of each residue, shapes=(n_labels,) and (n_residues,).

        ``groups``, where they are there. Else rows of equal segment, chain, residue number with
        insertion code and ``hetero`` are one residue, and each that is hetero is a chain of its own.
        """
        if self.groups is not None:
            return self.groups
        rows, residues = numbered(self.residues[["segi", "chain", "resi", "hetero"]].tolist())
        return rows, numbered(label if label[3] else label[:2] for label in residues)[0]

    @cached_property
    def atom_at_place(self) -> np.ndarray:
        """Atom that stands at each place of the viewer's order, shape=(n_atoms,): the inverse of ``places``."""
        return np.argsort(self.places)


def left_out(atoms: Iterable[tuple[str, str, str, str]], kept: Collection[tuple[str, str, str]]) -> str:
    """Say which atoms are left out because they have no coordinates; "" where there are none.

    Parameters
    ----------
    atoms : iterable of tuple
        Chain, residue number, residue name and atom name of each that is left out.
    kept : collection of tuple
        Chain, residue number and residue name of the residues of which an atom is kept.
    """
    whole: dict[str, None] = {}
    single: list[str] = []
    for chain, resi, resn, name in atoms:
        if (chain, resi, resn) in kept:
            single.append(atom_words(chain, resi, resn, name))
        else:
            whole[residue_words(chain, resi, resn)] = None
    parts = [
        f"{counted(len(labels), what)} without coordinates ({some_labels(labels)})"
        for labels, what in ((list(whole), "residue"), (single, "atom"))
        if labels
    ]
    return f"left out: {' and '.join(parts)}" if parts else ""


def residue_words(chain: str, resi: str, resn: str) -> str:
    """Return what a residue is called where a message names it, such as ``A/GLY`12``."""
    return f"{chain}/{resn}`{resi}"


def atom_words(chain: str, resi: str, resn: str, name: str, alt: str = "") -> str:
    """Return what an atom is called where a message names it, such as ``A/GLY`12/CA`` or, with a location, ``CA`B``."""
    return f"{residue_words(chain, resi, resn)}/{name}{'`' if alt else ''}{alt}"


def some_labels(labels: list[str]) -> str:
    """Return the first of some labels, and how many more there are."""
    more = len(labels) - _MOST_LABELS
    return ", ".join(labels[:_MOST_LABELS]) + (f" and {more} more" if more > 0 else "")


def numbered(values: Iterable[Hashable]) -> tuple[np.ndarray, list]:
    """Number equal values alike, 0, 1, 2 ... in the order in which they first appear.

    Returns
    -------
    numbers : ndarray, shape=(n_values,), dtype=int64
    distinct : list
        The values, each once, by number.
    """
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int64), list(numbers)
