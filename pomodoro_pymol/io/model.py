"""One model of a file, as its records have it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..structure.atoms import ATOM_LABELS, RESIDUE_LABELS, UnitCell
from ..structure.residue_names import AMINO_ACIDS, MODEL_WATERS, NUCLEOTIDES, is_water

_POLYMER_NAMES = AMINO_ACIDS | NUCLEOTIDES

#: Coordinates that differ by less, in angstrom, are the same.
_SAME_PLACE = 1e-3


@dataclass(frozen=True, eq=False)
class Model:
    """The atoms of a model in the order of their records.

    Attributes
    ----------
    coords : ndarray, shape=(n_atoms, 3), dtype=float32
        Angstrom; not finite where an atom has no coordinates.
    kinds : list of tuple
        Name, element, alternate location and formal charge, each once.
    kind_of_atom : ndarray, shape=(n_atoms,), dtype=int64
    labels : list of tuple
        Segment, chain, residue number, residue name and whether the file says HETATM, each once.
    label_of_atom : ndarray, shape=(n_atoms,), dtype=int64
    occupancy, b : ndarray, shape=(n_atoms,), dtype=float32
    """

    coords: np.ndarray
    kinds: list[tuple[str, str, str, int]]
    kind_of_atom: np.ndarray
    labels: list[tuple[str, str, str, str, bool]]
    label_of_atom: np.ndarray
    occupancy: np.ndarray
    b: np.ndarray

    @cached_property
    def placed(self) -> np.ndarray:
        """Which atoms have coordinates."""
        return np.isfinite(self.coords).all(1)

    @cached_property
    def words(self) -> list[tuple[tuple, tuple]]:
        """Labels of the residue and of the atom itself, of each atom."""
        kinds = [kind[:3] for kind in self.kinds]
        return [
            (self.labels[label], kinds[kind])
            for label, kind in zip(self.label_of_atom.tolist(), self.kind_of_atom.tolist())
        ]

    def chosen(self, atoms: np.ndarray) -> Model:
        """Return some of the atoms."""
        return Model(
            self.coords[atoms],
            self.kinds,
            self.kind_of_atom[atoms],
            self.labels,
            self.label_of_atom[atoms],
            self.occupancy[atoms],
            self.b[atoms],
        )

    def without_water(self) -> Model:
        """Return the atoms that are not water, as PyMOL's ``solvent``, or water by the name of its model.

        Water in PyMOL is a residue with such a name, or a lone oxygen called O or OH2.
        """
        counts = np.bincount(self.label_of_atom, minlength=len(self.labels))
        carbon, oxygen = (self._labels_with(test) for test in (_is_carbon, _is_oxygen))
        water = np.zeros(len(self.labels), bool)
        for row, (_, _, _, resn, hetero) in enumerate(self.labels):
            known = resn in _POLYMER_NAMES and not hetero
            lone = counts[row] == 1 and oxygen[row] and not known
            water[row] = is_water(resn) or lone or (resn in MODEL_WATERS and not carbon[row])
        return self.chosen(~water[self.label_of_atom])

    def _labels_with(self, test: Callable[[tuple[str, str, str, int]], bool]) -> np.ndarray:
        """Mark the labels of which some atom is of a kind."""
        of_kind = np.array([test(kind) for kind in self.kinds], bool)
        found = np.zeros(len(self.labels), bool)
        found[self.label_of_atom[of_kind[self.kind_of_atom]]] = True
        return found

    def atom_labels(self) -> np.ndarray:
        """Return the kinds, dtype=ATOM_LABELS."""
        return np.array([kind[:3] for kind in self.kinds], dtype=ATOM_LABELS)

    def residue_labels(self) -> np.ndarray:
        """Return the labels, dtype=RESIDUE_LABELS."""
        return np.array(self.labels, dtype=RESIDUE_LABELS)


@dataclass(frozen=True, eq=False)
class File:
    """The models of a file, and what it says of all.

    Attributes
    ----------
    models : list of Model
    cell : UnitCell or None
    note : str
        What PyMOL reads otherwise, in words.
    """

    models: list[Model]
    cell: UnitCell | None = None
    note: str = ""


def _is_carbon(kind: tuple[str, str, str, int]) -> bool:
    return kind[1].upper() == "C"


def _is_oxygen(kind: tuple[str, str, str, int]) -> bool:
    return kind[0] in ("O", "OH2") and kind[1].upper() == "O"


def element(symbol: str, name: str, resn: str) -> str:
    """Return an element as PyMOL does: as the file spells it, or by the atom's name where it has no symbol."""
    if symbol:
        return symbol
    letters = name.lstrip("0123456789")
    first, second = letters[:1].upper(), letters[1:2]
    if first + second.upper() == "CA":
        return "Ca" if resn in ("CA", "CA+") else "C"
    if first == "D":
        return "D"
    two = first + second.lower()
    return two if two in _TWO_LETTERS or first not in _ONE_LETTERS else first


_ONE_LETTERS = frozenset("CHNSOQPFKBIVWUY")
_TWO_LETTERS = frozenset(["Cl", "Cu", "Co", "Cs", "Cr", "Ni", "Na", "Nb", "Se", "Sr", "Sc", "Sb"])


def unit_cell(texts: Sequence[str], space_group: str) -> UnitCell | None:
    """Return the cell of three lengths and three angles; None where they are those of no cell, as 1 x 1 x 1 is."""
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        return None
    lengths, angles = numbers[:3], numbers[3:]
    if (
        len(numbers) != 6
        or not all(1 < length < 1e5 for length in lengths)
        or not all(0 < angle < 180 for angle in angles)
    ):
        return None
    a, b, c, alpha, beta, gamma = numbers
    return UnitCell((a, b, c), (alpha, beta, gamma), space_group)


def models_note(models: list[Model]) -> str:
    """Tell of models that have other atoms than the first, "" where all have the same."""
    if len(models) < 2:
        return ""
    one = models[0]
    first = Counter(one.words)
    others = 0
    for other in models[1:]:
        same = other.labels == one.labels and other.kinds == one.kinds
        same = same and np.array_equal(other.label_of_atom, one.label_of_atom)
        same = same and np.array_equal(other.kind_of_atom, one.kind_of_atom)
        others += not same and Counter(other.words) != first
    if not others:
        return ""
    which = f"{others} of {len(models)} models {'has' if others == 1 else 'have'} other atoms than the first"
    return f"{which}: PyMOL makes one object of the atoms of all, here those of one model count"


def scale_note(models: list[Model], cell: UnitCell | None, scale: np.ndarray | None) -> str:
    """Tell where PyMOL moves the atoms of a file, "" where it does not.

    It does where the matrix to fractional coordinates that a file gives is not that of its cell.

    Parameters
    ----------
    models : list of Model
    cell : UnitCell, optional
    scale : ndarray, shape=(3, 4), optional
        Matrix and shift.
    """
    if cell is None or scale is None or not np.isfinite(scale).all() or not models:
        return ""
    a, b, c = cell.lengths
    cos_a, cos_b, cos_g = np.cos(np.radians(cell.angles))
    sin_g = np.sin(np.radians(cell.angles[2]))
    x, y = cos_b, (cos_a - cos_b * cos_g) / sin_g
    axes = np.array([[a, b * cos_g, c * x], [0, b * sin_g, c * y], [0, 0, c * np.sqrt(max(1 - x * x - y * y, 0.0))]])
    if (
        np.allclose(scale, np.eye(3, 4), rtol=0, atol=1e-4)
        or min(np.linalg.det(scale[:, :3]), np.linalg.det(axes)) < 1e-8
    ):
        return ""  # PyMOL ignores such a matrix
    if np.allclose(scale[:, :3], np.linalg.inv(axes), rtol=0, atol=1e-4) and not scale[:, 3].any():
        return ""
    coords = models[0].coords[models[0].placed].astype(np.float64)
    moved = (coords @ scale[:, :3].T + scale[:, 3]) @ axes.T
    most = np.linalg.norm(moved - coords, axis=1).max(initial=0.0)
    if most < _SAME_PLACE:
        return ""
    return (
        f"PyMOL moves the atoms of this file by up to {most:.3g} A, since its SCALE is not that of its unit cell: "
        "here they lie where the file has them"
    )
