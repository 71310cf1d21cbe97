"""Atoms as readers find them, and the residues that they are, told apart where labels repeat; see `grouping`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from .atoms import numbered, residue_words
from .bonds import are_bonded, covalent_radii, longest_bond
from .residue_names import (
    AMINO_ACIDS,
    CAPS,
    MODEL_WATERS,
    MODIFIED_AMINO_ACIDS,
    MODIFIED_NUCLEOTIDES,
    NUCLEOTIDES,
    is_water,
)

#: Kinds of polymers.
PROTEIN, NUCLEIC = 1, 2
#: Residues of a trace follow each other where their CA are closer, angstrom; 3.8 but for strain.
_CA_DISTANCE = 4.5


@dataclass(frozen=True, eq=False)
class Atoms:
    """Atoms as a reader finds them.

    Attributes
    ----------
    coords : ndarray, shape=(n_atoms, 3)
        Finite, angstrom.
    kinds : ndarray, shape=(n_kinds,), dtype=ATOM_LABELS
    kind_of_atom : ndarray, shape=(n_atoms,), dtype=int64
    labels : ndarray, shape=(n_labels,), dtype=RESIDUE_LABELS
        Each once; ``hetero`` marks what the source calls HETATM.
    label_of_atom : ndarray, shape=(n_atoms,), dtype=int64
    """

    coords: np.ndarray
    kinds: np.ndarray
    kind_of_atom: np.ndarray
    labels: np.ndarray
    label_of_atom: np.ndarray

    @cached_property
    def radii(self) -> np.ndarray:
        """Covalent radius of each kind, angstrom."""
        return covalent_radii(self.kinds["elem"])

    @cached_property
    def chains(self) -> np.ndarray:
        """A number for segment and chain of each label."""
        return numbered(zip(self.labels["segi"].tolist(), self.labels["chain"].tolist()))[0]

    @cached_property
    def numbers(self) -> tuple[np.ndarray, list[str]]:
        """Which residue number each label has, and the numbers."""
        return numbered(self.labels["resi"].tolist())

    @cached_property
    def names(self) -> tuple[np.ndarray, list[str]]:
        """Which name of a residue each label has, and the names."""
        return numbered(self.labels["resn"].tolist())

    def bonds(self, first: np.ndarray, second: np.ndarray | None = None) -> np.ndarray:
        """Return the bonds among some atoms, or between some and others, shape=(n_bonds, 2)."""
        radii = self.radii[self.kind_of_atom]
        first = first[np.isfinite(radii[first])]
        second = first if second is None else second[np.isfinite(radii[second])]
        if not len(first) or not len(second):
            return np.empty((0, 2), np.int64)
        trees = cKDTree(self.coords[first]), cKDTree(self.coords[second])
        longest = longest_bond(radii[first], radii[second])
        found = trees[0].sparse_distance_matrix(trees[1], longest, output_type="ndarray")
        pairs = np.stack([first[found["i"]], second[found["j"]]], -1)
        kinds = self.kind_of_atom[pairs]
        return pairs[are_bonded(self.kinds, self.radii, kinds, found["v"])]


class Residues:
    """Residues, numbered in the order of their first atoms, and what they have.

    Arrays are of shape (n_residues,) unless said otherwise.
    """

    def __init__(self, atoms: Atoms, residue_of_atom: np.ndarray) -> None:
        self.atoms = atoms
        self.of_atom = residue_of_atom
        self.sizes = np.bincount(residue_of_atom)
        self.count = len(self.sizes)
        self.first = first_of_each(residue_of_atom)
        self.last = np.empty(self.count, np.int64)
        self.last[residue_of_atom] = np.arange(len(residue_of_atom))
        self.label = atoms.label_of_atom[self.first]
        carbon = np.isin(np.char.upper(atoms.kinds["elem"].astype(str)), ["C"])[atoms.kind_of_atom]
        dry = np.bincount(residue_of_atom[carbon], minlength=self.count) > 0
        self.water = self._named(is_water) | (self._named(MODEL_WATERS.__contains__) & ~dry)
        self.cap = self._named(CAPS.__contains__)
        self.modified = self._named((MODIFIED_AMINO_ACIDS | MODIFIED_NUCLEOTIDES).__contains__)
        self.plain = self._named((AMINO_ACIDS | NUCLEOTIDES).__contains__)
        self.record = ~atoms.labels["hetero"].astype(bool)[self.label]  # ATOM
        peptide = self.has("N") & self.has("CA") & self.has("C")
        nucleic = self.has("C3'") & self.has("C4'") & (self.has("O3'") | self.has("P"))
        self.trace = self.has("CA") & (self.sizes == 1) & ~self._named("CA".__eq__)
        self.backbone = peptide | nucleic
        nucleotide = self._named((NUCLEOTIDES | MODIFIED_NUCLEOTIDES).__contains__)
        self.kind = np.where(nucleic | (nucleotide & ~peptide), NUCLEIC, PROTEIN)
        #: The label of chain, not yet the chain.
        self.chain = atoms.chains[self.label]
        #: Which residue number it is.
        self.number = atoms.numbers[0][self.label]

    def _named(self, test: Callable[[str], bool]) -> np.ndarray:
        """Mark the residues whose name passes a test."""
        name_of_label, names = self.atoms.names
        return np.array([test(name) for name in names], bool)[name_of_label[self.label]]

    def _are(self, *names: str) -> np.ndarray:
        """Return the atoms called so that are no metals."""
        kinds = self.atoms.kinds
        called = np.isin(kinds["name"].astype(str), names) & ~np.isnan(self.atoms.radii)
        return np.flatnonzero(called[self.atoms.kind_of_atom])

    def has(self, name: str) -> np.ndarray:
        """Mark the residues that have an atom of a name, which a ' may be written * in."""
        found = np.zeros(self.count, bool)
        found[self.of_atom[self._are(name, name.replace("'", "*"))]] = True
        return found

    def members(self, chosen: np.ndarray) -> np.ndarray:
        """Return the atoms of chosen residues."""
        return np.flatnonzero(chosen[self.of_atom])

    def joints(self, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the atoms by which chosen residues are bonded to the next, and to the one before."""
        onward, back = self._are("C", "O3'", "O3*"), self._are("N", "P")
        return onward[chosen[self.of_atom[onward]]], back[chosen[self.of_atom[back]]]

    def joined(self, first: np.ndarray, second: np.ndarray | None = None) -> np.ndarray:
        """Return the different residues of one chain label that bonds of some atoms join, shape=(n_bonds, 2)."""
        pairs = self.of_atom[self.atoms.bonds(first, second)]
        pairs = pairs[pairs[:, 0] != pairs[:, 1]]
        return pairs[self.chain[pairs[:, 0]] == self.chain[pairs[:, 1]]]

    def adjacent(self, some: np.ndarray) -> np.ndarray:
        """Return which of some residues have their CA beside that of another, neither having N or C to be bonded by."""
        traced = np.zeros(self.count, bool)
        traced[some] = True
        traced &= self.has("CA") & ~self.has("N") & ~self.has("C")
        atoms = self._are("CA")
        atoms = atoms[traced[self.of_atom[atoms]]]
        if not len(atoms):
            return np.empty((0, 2), np.int64)
        return self.of_atom[atoms[cKDTree(self.atoms.coords[atoms]).query_pairs(_CA_DISTANCE, output_type="ndarray")]]

    def names(self, chosen: np.ndarray) -> list[str]:
        """Return the labels of residues, each once."""
        labels = self.atoms.labels[self.label[chosen]][["chain", "resi", "resn"]].tolist()
        return list(dict.fromkeys(residue_words(*label) for label in labels))

    @cached_property
    def integers(self) -> np.ndarray:
        """The residue numbers without insertion codes; what is no number is far from all others."""
        return np.array([_integer(number) for number in self.atoms.numbers[1]])[self.number]


def _integer(resi: str) -> int:
    digits = resi.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz ")
    return int(digits) if digits.removeprefix("-").isdecimal() else -(1 << 40)


def tell_apart(atoms: Atoms) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the residue of each atom, and which residues were told apart, and which were left merged."""
    of_atom = _sites(atoms)[atoms.label_of_atom]
    kind, names = numbered(atoms.kinds[["name", "alt"]].tolist())
    resn, resns = atoms.names
    n_names = len(names) * len(resns)
    name = resn[atoms.label_of_atom] * len(names) + kind[atoms.kind_of_atom]
    code = of_atom * n_names + name
    codes, times = np.unique(code, return_counts=True)
    apart, merged = [], []
    if len(codes) < len(code):
        fresh = of_atom.max() + 1
        repeated = np.unique(codes[times > 1] // n_names)
        order = np.argsort(of_atom, kind="stable")
        starts = np.searchsorted(of_atom[order], repeated)
        ends = np.searchsorted(of_atom[order], repeated, side="right")
        for start, end in zip(starts.tolist(), ends.tolist()):
            members = order[start:end]
            part = _copies(atoms, members, name[members])
            if part is None:
                merged.append(members[0])
                continue
            of_atom[members[part > 0]] = fresh + part[part > 0] - 1
            fresh += part.max()
            apart += [members[part == each][0] for each in range(part.max() + 1)]
    place = by_appearance(of_atom)
    return place, place[apart], place[merged]


def _sites(atoms: Atoms) -> np.ndarray:
    """Return the number of the residue of each label, as far as labels tell."""
    with_alt = np.zeros(len(atoms.labels), bool)
    with_alt[atoms.label_of_atom[(atoms.kinds["alt"] != "")[atoms.kind_of_atom]]] = True
    number, numbers = atoms.numbers
    _, site, times = np.unique(atoms.chains * len(numbers) + number, return_inverse=True, return_counts=True)
    fresh = len(times)
    for one in np.flatnonzero(times > 1).tolist():
        members = np.flatnonzero(site == one)
        if with_alt[members].all():
            continue
        of_name = atoms.names[0][members]
        for name in np.unique(of_name)[1:].tolist():
            site[members[of_name == name]] = fresh
            fresh += 1
    return by_appearance(site)


def _copies(atoms: Atoms, members: np.ndarray, names: np.ndarray) -> np.ndarray | None:
    """Tell apart the residues of one label in which names repeat: which one each atom is of; None where they are one.

    Parameters
    ----------
    members : ndarray, shape=(n,)
        Atoms, in order.
    names : ndarray, shape=(n,)
        A number for each name.
    """
    most = np.unique(names, return_counts=True)[1].max()
    kinds = atoms.kinds[atoms.kind_of_atom[members]]
    bare = all(name.upper() == elem.upper() for name, elem in kinds[["name", "elem"]].tolist())
    if not bare:
        part = np.empty(len(members), np.int64)
        seen: set[int] = set()
        number = 0
        for place, name in enumerate(names.tolist()):
            if name in seen:
                number, seen = number + 1, set()
            seen.add(name)
            part[place] = number
        if number + 1 == most:
            return part
    pieces = molecules(atoms.bonds(members), members)
    if any(len(set(names[pieces == piece])) < np.count_nonzero(pieces == piece) for piece in range(pieces.max() + 1)):
        return None
    return _gathered(atoms.coords[members], names, pieces)


def _gathered(coords: np.ndarray, names: np.ndarray, pieces: np.ndarray) -> np.ndarray:
    """Gather pieces to residues in which no name repeats: the largest stand alone, each other joins the nearest."""
    part = np.full(len(pieces), -1)
    taken: list[set[int]] = []
    for piece in np.argsort(-np.bincount(pieces), kind="stable"):
        mine = pieces == piece
        own = set(names[mine].tolist())
        free = [number for number, others in enumerate(taken) if not own & others]
        if free:
            gaps = [cdist(coords[mine], coords[part == number]).min() for number in free]
            number = free[int(np.argmin(gaps))]
        else:
            number = len(taken)
            taken.append(set())
        part[mine] = number
        taken[number] |= own
    return by_appearance(part)


def molecules(pairs: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Number what pairs join among members, which ascend: 0, 1, 2 ... in the order of their first."""
    ends = np.searchsorted(members, pairs)
    shape = (len(members), len(members))
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=shape)
    numbers = connected_components(graph, directed=False)[1]
    return by_appearance(numbers)


def first_of_each(numbers: np.ndarray) -> np.ndarray:
    """Return where each of the numbers 0, 1, 2 ..., which all occur, does so first."""
    first = np.empty(numbers.max() + 1, np.int64)
    first[numbers[::-1]] = np.arange(len(numbers))[::-1]
    return first


def by_appearance(keys: np.ndarray) -> np.ndarray:
    """Number equal keys alike, 0, 1, 2 ... in the order of their first."""
    highest = np.maximum.accumulate(keys)
    if len(keys) and keys[0] == 0 and keys.min() == 0 and (np.diff(highest) < 2).all():
        return keys  # as they are already
    _, first, numbers = np.unique(keys, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[numbers]
