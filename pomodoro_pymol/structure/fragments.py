"""Cut the protein chains of a structure into fragments of equally many residues, without gaps.

A *stretch* is a run of residues of one chain, in the order of the file, of which each is one of
the 20 amino acids with all its heavy atoms, and each is bonded to the next (C to N, see `bonds`):
numbers can repeat or leave some out, and are not looked at. Hydrogens are left out; of alternate
locations the first that a residue has counts.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from .amino_acids import HEAVY_ATOMS, N_SLOTS, PRESENT, READ_AS
from .atoms import Structure
from .bonds import BOND_MINIMUM, BOND_SLACK, COVALENT_RADII

_LONGEST_PEPTIDE = COVALENT_RADII["C"] + COVALENT_RADII["N"] + BOND_SLACK
_N, _C = 0, 2  # slots of the backbone


@dataclass(frozen=True, eq=False)
class Cut:
    """Fragments of one structure, and what was left out.

    Attributes
    ----------
    coords : ndarray, shape=(n_fragments, n_residues, N_SLOTS, 3), dtype=float32
        Angstrom, each about the mean of its atoms; 0 where a slot is empty.
    kinds : ndarray, shape=(n_fragments, n_residues), dtype=int64
        Place of each residue's type in `amino_acids.HEAVY_ATOMS`.
    other : Counter of str
        Residues of polymers that are no standard amino acid, by name.
    read_as : Counter of str
        Residues that were read as a standard one (`amino_acids.READ_AS`), by name.
    incomplete : int
        Amino acids without all heavy atoms, or with two of one name.
    unused : int
        Residues that are in order and in no fragment: of shorter stretches, or at the end of one.
    """

    coords: np.ndarray
    kinds: np.ndarray
    other: Counter[str]
    read_as: Counter[str]
    incomplete: int
    unused: int


def cut(structure: Structure, n_residues: int) -> Cut:
    """Cut the stretches of a structure into fragments of so many residues, end to end."""
    atoms = _chosen_atoms(structure)
    kinds, other, read_as = _kinds(structure, atoms)
    coords, times = _slots(structure, atoms, kinds)
    standard = kinds >= 0
    whole = standard & (times == PRESENT[kinds]).all(1)
    taken = _windows(coords, whole, structure.grouping[1], n_residues)
    present, found = PRESENT[kinds[taken]], coords[taken]
    centre = found.sum((1, 2)) / present.sum((1, 2))[:, None]
    found = (found - centre[:, None, None]) * present[..., None]
    return Cut(
        found.astype(np.float32),
        kinds[taken],
        other,
        read_as,
        int((standard & ~whole).sum()),
        int(whole.sum()) - taken.size,
    )


def _residue_of_atom(structure: Structure) -> np.ndarray:
    """Return the residue of each atom, shape=(n_atoms,)."""
    return structure.grouping[0][structure.residue_of_atom]


def _chosen_atoms(structure: Structure) -> np.ndarray:
    """Return the heavy atoms of polymers that have no alternate location, or the first that their residue has."""
    elements, of_atom = np.unique(structure.atoms["elem"].astype(str), return_inverse=True)
    heavy = ~np.isin(np.char.upper(elements), ("H", "D"))[of_atom]
    heavy &= ~structure.residues["hetero"][structure.residue_of_atom]
    alts, alt = np.unique(structure.atoms["alt"].astype(str), return_inverse=True)
    apart = np.flatnonzero(heavy & (alts != "")[alt])
    residue = _residue_of_atom(structure)
    first = np.full(len(structure.grouping[1]), -1)
    first[residue[apart[::-1]]] = alt[apart[::-1]]
    return np.flatnonzero(heavy & ((alts == "")[alt] | (alt == first[residue])))


def _kinds(structure: Structure, atoms: np.ndarray) -> tuple[np.ndarray, Counter[str], Counter[str]]:
    """Return the kind of each residue, -1 of what is no amino acid, and names of those and of what is read as one."""
    place = {name: kind for kind, name in enumerate(HEAVY_ATOMS)}
    place |= {name: place[standard] for name, (standard, _) in READ_AS.items()}
    names = structure.residues["resn"].tolist()
    row, residue = structure.residue_of_atom[atoms], _residue_of_atom(structure)[atoms]
    of_residue = np.full(len(structure.grouping[1]), -1)  # a row of its labels
    of_residue[residue] = row
    torn = np.zeros(len(of_residue), bool)
    torn[residue[of_residue[residue] != row]] = True  # of two names at one location
    kinds = np.full(len(of_residue), -1)
    other: Counter[str] = Counter()
    read_as: Counter[str] = Counter()
    for each in np.flatnonzero(of_residue >= 0).tolist():
        name = names[of_residue[each]]
        if name not in place or torn[each]:
            other[name] += 1
            continue
        kinds[each] = place[name]
        if name in READ_AS:
            read_as[name] += 1
    return kinds, other, read_as


def _slots(structure: Structure, atoms: np.ndarray, kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lay atoms into slots: (n_residues, N_SLOTS, 3) in float64, and how many came to each, (n_residues, N_SLOTS)."""
    names, name = np.unique(structure.atoms["name"][atoms].astype(str), return_inverse=True)
    resns, resn = np.unique(structure.residues["resn"].astype(str), return_inverse=True)
    slot_of = np.full((len(resns), len(names)), -1)
    for i, residue in enumerate(resns.tolist()):
        standard, alias = READ_AS.get(residue, (residue, {}))
        slots = {called: slot for slot, called in enumerate(HEAVY_ATOMS.get(standard, ()))}
        slot_of[i] = [slots.get(alias.get(each, each), -1) for each in names.tolist()]
    slot = slot_of[resn[structure.residue_of_atom[atoms]], name]
    residue = _residue_of_atom(structure)[atoms]
    known = (slot >= 0) & (kinds[residue] >= 0)
    slot, residue, atoms = slot[known], residue[known], atoms[known]
    coords = np.zeros((len(kinds), N_SLOTS, 3))
    coords[residue, slot] = structure.coords[atoms]
    times = np.bincount(residue * N_SLOTS + slot, minlength=len(kinds) * N_SLOTS)
    return coords, times.reshape(-1, N_SLOTS)


def _windows(coords: np.ndarray, whole: np.ndarray, chain: np.ndarray, n_residues: int) -> np.ndarray:
    """Return the residues of each fragment, shape=(n_fragments, n_residues).

    Parameters
    ----------
    coords : ndarray, shape=(n_all, N_SLOTS, 3)
    whole : ndarray, shape=(n_all,), dtype=bool
        Amino acids with all their atoms.
    chain : ndarray, shape=(n_all,)
    n_residues : int
    """
    order = np.argsort(chain, kind="stable")
    one, other = order[:-1], order[1:]
    length = np.linalg.norm(coords[other, _N] - coords[one, _C], axis=1)
    bonded = (length > BOND_MINIMUM) & (length <= _LONGEST_PEPTIDE)
    bonded &= (chain[one] == chain[other]) & whole[one] & whole[other]
    starts = np.flatnonzero(whole[order] & ~np.append(False, bonded))
    ends = np.flatnonzero(whole[order] & ~np.append(bonded, False)) + 1
    firsts = [first for start, end in zip(starts, ends) for first in range(start, end - n_residues + 1, n_residues)]
    places = np.array(firsts, np.int64)[:, None] + np.arange(n_residues)
    return order[places]
