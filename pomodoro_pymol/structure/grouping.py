"""What a residue and what a chain is: one rule, whatever the atoms were read from.

A *chain* is what AF3 and its kin noise and predict as one, and what mmCIF calls an instance
of an entity: a polymer with its modified residues and caps; each ligand; each ion; each
glycan; each water. A *residue* is what has one label.

Labels alone do not tell. Files of simulations call everything ATOM, crystal structures call
modified residues HETATM, merged copies share their labels, numbers begin anew after 9,999.
PyMOL does not keep entities, and PDB has none. So the rule goes by what every source has: the
labels, the order, and the places of the atoms, from which the bonds follow (see `bonds`).

Residues
    Atoms of equal segment, chain and residue number (with its insertion code) are one
    residue, two names among them where both are alternate locations; else each name is a
    residue. Where an atom's name repeats, another residue begins: by the order of the atoms,
    or, where they do not stand residue by residue, by the bonds. Atoms that are joined to one
    molecule in spite of it, such as a ligand's whose names are mere elements, stay together.
Polymers
    A residue is of a polymer if (a) it is ATOM and an amino acid or nucleotide by its name or
    its backbone; (b) it has a backbone that is bonded to another one's (C-N, O3'-P); (c) it
    is bonded to the backbone's N, C, P or O3' of one of these, as caps and chromophores are;
    (d) it is a modified residue or a cap by its name, or a mere CA, and stands between two of
    these, or next to one by its number; or it has a backbone, and stands between two. All
    within one label of chain.
Chains
    Of the residues of polymers, those of one segment and chain label are a chain. Another
    begins where a residue number repeats, unless the residue is bonded to the one before, or
    in a trace its CA lies beside (numbers begin anew within a chain), and where nucleic acid follows protein. A gap parts
    nothing: unobserved residues leave one, too.
    Of all else, residues that are bonded to each other are a chain, and so are sugars of one
    segment that has no polymer (``label_asym_id`` of a branched entity). Metals and single
    atoms have no bonds. Bonds between a ligand and a polymer's side chain do not count: the
    glycan or inhibitor stays a chain of its own, as in mmCIF.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from ..utils.text import counted
from .atoms import Structure, some_labels
from .bonds import LONGEST_BOND, are_bonded, covalent_radii
from .residue_names import (
    AMINO_ACIDS,
    CAPS,
    MODEL_WATERS,
    MODIFIED_AMINO_ACIDS,
    MODIFIED_NUCLEOTIDES,
    NUCLEOTIDES,
    is_water,
)

#: Two residues that follow each other by number are a break if their first atoms are farther apart, angstrom.
BREAK = 15.0

#: Residues of a trace follow each other where their CA are closer, angstrom; 3.8 but for strain.
_CA_DISTANCE = 4.5
_PROTEIN, _NUCLEIC = 1, 2


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
        return _numbered(zip(self.labels["segi"].tolist(), self.labels["chain"].tolist()))[0]

    @cached_property
    def numbers(self) -> tuple[np.ndarray, list[str]]:
        """Which residue number each label has, and the numbers."""
        return _numbered(self.labels["resi"].tolist())

    @cached_property
    def names(self) -> tuple[np.ndarray, list[str]]:
        """Which name of a residue each label has, and the names."""
        return _numbered(self.labels["resn"].tolist())

    def bonds(self, first: np.ndarray, second: np.ndarray | None = None) -> np.ndarray:
        """Return the bonds among some atoms, or between some and others, shape=(n_bonds, 2)."""
        first = first[np.isfinite(self.radii[self.kind_of_atom[first]])]
        second = first if second is None else second[np.isfinite(self.radii[self.kind_of_atom[second]])]
        if not len(first) or not len(second):
            return np.empty((0, 2), np.int64)
        trees = cKDTree(self.coords[first]), cKDTree(self.coords[second])
        found = trees[0].sparse_distance_matrix(trees[1], LONGEST_BOND, output_type="ndarray")
        pairs = np.stack([first[found["i"]], second[found["j"]]], -1)
        kinds = self.kind_of_atom[pairs]
        return pairs[are_bonded(self.kinds, self.radii, kinds, found["v"])]


@dataclass(frozen=True, eq=False)
class Grouped:
    """What `group` finds.

    Attributes
    ----------
    residues : ndarray, shape=(n_rows,), dtype=RESIDUE_LABELS
        A row per residue and name of it; ``hetero`` marks what is outside the polymers.
    residue_of_atom : ndarray, shape=(n_atoms,), dtype=int64
        Row of each atom.
    groups : tuple of two ndarrays
        Residue of each row, and chain of each residue, as `Structure` has them.
    note : str
        What was told apart and what was left merged, in words, "" where all labels tell.
    """

    residues: np.ndarray
    residue_of_atom: np.ndarray
    groups: tuple[np.ndarray, np.ndarray]
    note: str


def group(atoms: Atoms) -> Grouped:
    """Find the residues and chains of atoms by the rule that stands at the top of this module."""
    residue_of_atom, apart, merged = _residues(atoms)
    residues = _Residues(atoms, residue_of_atom)
    polymer = _polymers(residues)
    chain_of_residue, parted = _chains(residues, polymer)
    # A row for each residue and label that occur together, in the order of their first atoms.
    pair = residue_of_atom * len(atoms.labels) + atoms.label_of_atom
    pairs, first, rows = np.unique(pair, return_index=True, return_inverse=True)
    order = np.argsort(first)
    row_to_residue = pairs[order] // len(atoms.labels)
    labels = atoms.labels[pairs[order] % len(atoms.labels)].copy()
    labels["hetero"] = ~polymer[row_to_residue]
    note = "; ".join(_words(residues, apart, parted, merged, chain_of_residue, polymer))
    return Grouped(labels, np.argsort(order)[rows], (row_to_residue, chain_of_residue), note)


def structure_of(atoms: Atoms, *, note: str = "", **rest: Any) -> Structure:
    """Return atoms, grouped, as a `Structure`; ``note`` and what else it has are given."""
    found = group(atoms)
    return Structure(
        coords=atoms.coords,
        atoms=atoms.kinds[atoms.kind_of_atom],
        residues=found.residues,
        residue_of_atom=found.residue_of_atom,
        groups=found.groups,
        note="; ".join(part for part in (note, found.note) if part),
        **rest,
    )


class _Residues:
    """Residues, numbered in the order of their first atoms, and what they have.

    Arrays are of shape (n_residues,) unless said otherwise.
    """

    def __init__(self, atoms: Atoms, residue_of_atom: np.ndarray) -> None:
        self.atoms = atoms
        self.of_atom = residue_of_atom
        self.sizes = np.bincount(residue_of_atom)
        self.count = len(self.sizes)
        self.first = np.empty(self.count, np.int64)
        self.first[residue_of_atom[::-1]] = np.arange(len(residue_of_atom))[::-1]
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
        self.kind = np.where(nucleic | (nucleotide & ~peptide), _NUCLEIC, _PROTEIN)
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
        labels = self.atoms.labels[self.label[chosen]][["chain", "resn", "resi"]].tolist()
        return list(dict.fromkeys(f"{chain}/{resn}`{resi}" for chain, resn, resi in labels))

    @cached_property
    def integers(self) -> np.ndarray:
        """The residue numbers without insertion codes; what is no number is far from all others."""
        return np.array([_integer(number) for number in self.atoms.numbers[1]])[self.number]


def _integer(resi: str) -> int:
    digits = resi.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz ")
    return int(digits) if digits.removeprefix("-").isdecimal() else -(1 << 40)


def _residues(atoms: Atoms) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the residue of each atom, and which residues were told apart, and which were left merged."""
    of_atom = _sites(atoms)[atoms.label_of_atom]
    kind, names = _numbered(atoms.kinds[["name", "alt"]].tolist())
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
    place = _by_appearance(of_atom)
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
    return site


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
    pieces = _molecules(atoms.bonds(members), members)
    if any(len(set(names[pieces == piece])) < np.count_nonzero(pieces == piece) for piece in range(pieces.max() + 1)):
        return None
    return _gathered(atoms.coords[members], names, pieces)


def _molecules(pairs: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Number what pairs join among members, which ascend: 0, 1, 2 ... in the order of their first."""
    ends = np.searchsorted(members, pairs)
    shape = (len(members), len(members))
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=shape)
    numbers = connected_components(graph, directed=False)[1]
    return _by_appearance(numbers)


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
    return _by_appearance(part)


def _polymers(residues: _Residues) -> np.ndarray:
    """Mark the residues of polymers, by (a) to (d) of the rule."""
    core = residues.record & (residues.plain | residues.backbone | residues.trace) & ~residues.water
    rest = ~core & ~residues.water
    if not rest.any():
        return core
    open_ = rest & (residues.backbone | residues.modified)
    onward, back = residues.joints(open_ | core)
    ends = np.concatenate([onward, back])
    mine = ends[open_[residues.of_atom[ends]]]
    if len(mine):
        beside = np.isin(residues.chain[residues.of_atom[ends]], residues.chain[residues.of_atom[mine]])
        core[residues.joined(mine, ends[beside]).ravel()] = True
    # Metals and single atoms have no bonds.
    rest &= ~core & ((residues.sizes > 1) | residues.cap)
    onward, back = residues.joints(core)
    bound = residues.joined(residues.members(rest), np.concatenate([onward, back]))[:, 0]
    core[bound] = True
    named = ~core & (residues.cap | residues.modified | (residues.trace & ~residues.plain))
    likely = named | (~core & residues.backbone & ~residues.plain)
    for chain in np.unique(residues.chain[likely]).tolist():
        core[list(_between(residues, core, likely, named, chain))] = True
    return core


def _between(
    residues: _Residues, core: np.ndarray, likely: np.ndarray, named: np.ndarray, chain: int
) -> Iterator[int]:
    """Yield likely residues between two of a polymer, and those ``named`` that follow one by their numbers."""
    order = np.flatnonzero((residues.chain == chain) & ~residues.water)
    numbers = residues.integers[order]
    place = 0
    while place < len(order):
        end = place
        while end < len(order) and likely[order[end]]:
            end += 1
        run = list(range(place, end))
        before = place > 0 and core[order[place - 1]]
        after = end < len(order) and core[order[end]]
        if before and after:
            yield from order[run].tolist()
        for known, side, last in ((before, run, place - 1), (after, run[::-1], end)):
            for each in side if known else ():
                if abs(numbers[each] - numbers[last]) != 1 or not named[order[each]]:
                    break
                yield int(order[each])
                last = each
        place = end + 1


def _chains(residues: _Residues, polymer: np.ndarray) -> tuple[np.ndarray, dict[int, int]]:
    """Return the chain of each residue, and how many chains a label of chain has where they were told apart."""
    parted: dict[int, int] = {}
    strands = np.zeros(residues.count, np.int64)
    index = np.flatnonzero(polymer)
    codes, times = np.unique(residues.chain[index] * len(residues.atoms.numbers[1]) + residues.number[index], return_counts=True)
    twice = np.unique(codes[times > 1] // len(residues.atoms.numbers[1]))
    of_kind = [residues.chain[index[residues.kind[index] == kind]] for kind in (_PROTEIN, _NUCLEIC)]
    for label in np.union1d(twice, np.intersect1d(*of_kind)).tolist():
        some = index[residues.chain[index] == label]
        strands[some] = _strands(residues, some)
        parted[label] = strands[some].max() + 1
    keys = np.where(polymer, residues.chain * residues.count + strands, -1 - _others(residues, polymer))
    return _by_appearance(keys), {label: count for label, count in parted.items() if count > 1}


def _by_appearance(keys: np.ndarray) -> np.ndarray:
    """Number equal keys alike, 0, 1, 2 ... in the order of their first."""
    _, first, numbers = np.unique(keys, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[numbers]


def _numbered(values: Iterable[Hashable]) -> tuple[np.ndarray, list]:
    """Return the number of each value, 0, 1, 2 ... in the order of their first, and the values."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values]), list(numbers)


def _strands(residues: _Residues, some: np.ndarray) -> np.ndarray:
    """Tell apart the chains among residues of polymers with one label of chain: which one each is of.

    Where copies of a residue stand side by side, as PyMOL sorts those of merged objects, a residue
    that is bonded to none goes to the nearest of the chains that lack its number; else to the last.
    """
    chosen = np.zeros(residues.count, bool)
    chosen[some] = True
    bonded: dict[int, set[int]] = defaultdict(set)
    for first, second in [*residues.joined(*residues.joints(chosen)).tolist(), *residues.adjacent(some).tolist()]:
        bonded[first].add(second)
        bonded[second].add(first)
    names = list(zip(residues.number[some].tolist(), residues.label[some].tolist()))
    sorted_ = any(one == other for one, other in zip(names, names[1:])) and len(set(names)) > 1
    places = residues.atoms.coords[residues.first[some]]
    strand = np.empty(len(some), np.int64)
    ends: list[int] = []  # the last residue of each
    used: list[set[int]] = []
    recent = -1
    for place, residue in enumerate(some.tolist()):
        number, kind = residues.number[residue], residues.kind[residue]
        same = [each for each, end in enumerate(ends) if residues.kind[some[end]] == kind]
        tied = [each for each in same if some[ends[each]] in bonded[residue]]
        free = [each for each in same if number not in used[each]]
        if tied:
            chosen_one = tied[0]
        elif free and sorted_:
            chosen_one = min(free, key=lambda each: float(np.linalg.norm(places[ends[each]] - places[place])))
        elif recent in free:
            chosen_one = recent
        elif free and not sorted_ and not (recent >= 0 and number in used[recent]):
            chosen_one = free[-1]
        else:
            chosen_one = len(ends)
            ends.append(place)
            used.append(set())
        strand[place] = recent = chosen_one
        ends[chosen_one] = place
        used[chosen_one].add(number)
    return strand


def _others(residues: _Residues, polymer: np.ndarray) -> np.ndarray:
    """Number the molecules of what is not of polymers, shape=(n_residues,)."""
    rest = ~polymer & ~residues.water & (residues.sizes > 1)
    pairs = residues.joined(residues.members(rest))
    sugar = rest & residues.has("C1") & residues.has("C2") & residues.has("C3") & residues.has("C4")
    sugar &= residues.has("C5") & (residues.has("O5") | residues.has("O4") | residues.has("O6"))
    segis = residues.atoms.labels["segi"][residues.label]
    sugar &= (segis != "") & ~np.isin(residues.chain, residues.chain[polymer])
    first: dict[int, int] = {}
    alike = [(first.setdefault(residues.chain[one], one), one) for one in np.flatnonzero(sugar).tolist()]
    pairs = np.concatenate([pairs, np.array(alike, np.int64).reshape(-1, 2)])
    return _molecules(pairs, np.arange(residues.count))


def _words(
    residues: _Residues,
    apart: np.ndarray,
    parted: dict[int, int],
    merged: np.ndarray,
    chain: np.ndarray,
    polymer: np.ndarray,
) -> Iterator[str]:
    """Yield what to say of labels that do not tell."""
    labels = residues.atoms.labels
    if len(apart):
        yield f"told apart: {counted(len(apart), 'residue')} whose labels repeat ({some_labels(residues.names(apart))})"
    for label, count in parted.items():
        row = labels[residues.label[np.flatnonzero(residues.chain == label)[0]]]
        yield f"told apart: {count} chains that are called {str(row['chain'])!r}"
    if len(merged):
        yield (
            f"left as one residue each, though names of atoms repeat: {some_labels(residues.names(merged))} "
            "(residues= tells them apart)"
        )
    order = np.flatnonzero(polymer)
    order = order[np.argsort(chain[order], kind="stable")]
    one, other = order[:-1], order[1:]
    near = np.abs(residues.integers[one] - residues.integers[other]) <= 1
    gaps = np.linalg.norm(residues.atoms.coords[residues.first[one]] - residues.atoms.coords[residues.first[other]], axis=1)
    far = np.flatnonzero((chain[one] == chain[other]) & near & (gaps > BREAK))
    if len(far):
        places = [" to ".join(residues.names(np.array([one[place], other[place]]))) for place in far]
        yield (
            f"left as one chain, though residues that follow each other are more than {BREAK:g} A apart: "
            f"{some_labels(places)} (chains= tells them apart)"
        )


