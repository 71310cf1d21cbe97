"""How much of a structure is left in a noised or denoised frame, by the field's own measures.

lDDT
    Mariani et al., Bioinformatics 29 (2013) 2722: of the true distances below 15 A, the
    part kept within 0.5, 1, 2 and 4 A, averaged over the four. A frame's value is pooled
    over all its pairs, so that a residue counts by its neighbours. On Calpha atoms a
    residue's own value, of the pairs of its Calpha, is what AlphaFold's pLDDT predicts; the
    mean of that over residues goes by another name. Within residues: on the heavy atoms,
    the pairs of one residue alone, ligands among them.
Fraction of native contacts
    Q of Best, Hummer & Eaton, PNAS 110 (2013) 17874, eq. 1: the mean over native
    contacts of 1 / (1 + exp(5/A (r - 1.8 r0))). Native contacts are heavy atoms of the
    polymers closer than 4.5 A, in different chains or more than three residues apart.
    Q of the truth is 1 to about 1e-6.
Bond outliers
    The fraction of covalent bonds whose length is off the true one by more than 0.1 A,
    about five standard deviations of the protein bond lengths of Engh & Huber, Acta
    Cryst. A47 (1991) 392. For what a bond is see `bonds`.

None depends on where a frame lies. Neighbours are sought once, on the truth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from ..errors import PomodoroError
from .atoms import Structure
from .bonds import are_bonded, covalent_radii, longest_bond
from .hierarchy import Hierarchy, group_sum

LDDT_RADIUS = 15.0
LDDT_THRESHOLDS = (0.5, 1.0, 2.0, 4.0)
CONTACT_RADIUS = 4.5
CONTACT_SEPARATION = 3
CONTACT_BETA = 5.0
CONTACT_LAMBDA = 1.8
BOND_TOLERANCE = 0.1

# Distances worked on at once: their buffers take some 30 MB in float32, however many frames and pairs.
_BLOCK = 1 << 20


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of points and how far apart they truly are.

    Attributes
    ----------
    first, second : Tensor, shape=(n_pairs,), dtype=int64
    lengths : Tensor, shape=(n_pairs,), dtype=float64
        Angstrom.
    """

    first: Tensor
    second: Tensor
    lengths: Tensor

    def __len__(self) -> int:
        return len(self.lengths)


@dataclass(frozen=True, eq=False)
class Quality:
    """Quality of frames, each an array of shape=(n_frames,); nan where nothing is to be measured.

    Attributes
    ----------
    ca_lddt : ndarray
        Pooled over pairs, 0 .. 1; nan without two polymer Calpha atoms closer than 15 A, as
        in nucleic acids.
    ca_lddt_residue_mean : ndarray
        The mean over residues of `QualityReference.ca_lddt`.
    within_residues : ndarray
        lDDT of the pairs within residues, pooled; nan without a residue of two heavy atoms.
    native_contacts : ndarray
        0 .. 1; nan without native contacts.
    bond_outliers : ndarray
        0 .. 1; nan without bonds.
    """

    ca_lddt: np.ndarray
    ca_lddt_residue_mean: np.ndarray
    within_residues: np.ndarray
    native_contacts: np.ndarray
    bond_outliers: np.ndarray


@dataclass(frozen=True, eq=False)
class QualityReference:
    """What to look for in the frames of one structure; made by `from_structure`.

    Attributes
    ----------
    n_atoms : int
    ca_atoms : Tensor, shape=(n_ca,), dtype=int64
        Atom index of the Calpha of each residue that has one.
    ca_pairs : Pairs
        Of ``ca_atoms``, closer than 15 A.
    within : Pairs
        Of heavy atoms of one residue, closer than 15 A.
    contacts, bonds : Pairs
        Of atoms.
    """

    n_atoms: int
    ca_atoms: Tensor
    ca_pairs: Pairs
    within: Pairs
    contacts: Pairs
    bonds: Pairs

    @classmethod
    def from_structure(
        cls, structure: Structure, hierarchy: Hierarchy | None = None, bonds: np.ndarray | None = None
    ) -> QualityReference:
        """Find the pairs that the true structure has.

        Where an atom has alternate locations, the first one listed counts for lDDT and
        contacts; bonds join atoms of one location or of all. Residue separation is
        counted along the chain, whatever the residue numbers.

        Parameters
        ----------
        structure : Structure
        hierarchy : Hierarchy, optional
            Of the same atoms; by default that of the structure.
        bonds : ndarray, shape=(n_bonds, 2), dtype=int, optional
            Atom indices; None finds bonds by distance.

        Raises
        ------
        PomodoroError
            If the hierarchy is of other atoms, or ``bonds`` is not of pairs of them.
        """
        hierarchy = hierarchy_of(structure, hierarchy)
        coords = structure.coords.astype(np.float64)
        ca = calphas(structure, hierarchy)
        return cls(
            len(structure),
            torch.from_numpy(ca),
            _pairs(coords[ca], _neighbours(coords[ca], LDDT_RADIUS)),
            _pairs(coords, pairs_within_residues(structure, hierarchy)),
            _pairs(coords, _contacts(structure, hierarchy, coords)),
            _pairs(coords, _find_bonds(structure, coords) if bonds is None else _check_bonds(bonds, len(structure))),
        )

    def measure(self, frames: Tensor, bond_tolerance: float = BOND_TOLERANCE) -> Quality:
        """Return the quality of frames, shape=(n_frames, n_atoms, 3), angstrom.

        Raises
        ------
        PomodoroError
            If the frames have another shape or are not finite.
        """
        kept, counts = self._ca_kept(frames)
        within = self._kept(frames, self.within).cpu()
        return Quality(
            (kept.sum(-1) / counts.sum()).numpy(),
            (kept / counts).nanmean(-1).numpy(),
            (within / (len(LDDT_THRESHOLDS) * len(self.within))).numpy(),
            self.native_contacts(frames).numpy(),
            self.bond_outliers(frames, bond_tolerance).numpy(),
        )

    def ca_lddt(self, frames: Tensor) -> Tensor:
        """Return the Calpha lDDT of each residue in ``ca_atoms``, shape=(n_frames, n_ca), float64.

        nan where no other Calpha is closer than 15 A. See `measure` for ``frames``.
        """
        kept, counts = self._ca_kept(frames)
        return kept / counts

    def _ca_kept(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Return thresholds kept by the pairs of each Calpha, shape=(n_frames, n_ca), and how many there are."""
        rows = self._rows(frames).index_select(2, self.ca_atoms.to(frames.device))
        pairs, n_ca = self.ca_pairs, len(self.ca_atoms)
        kept = torch.zeros(len(rows), n_ca, dtype=torch.float64)
        for frame, pair, lengths in _lengths(rows, pairs):
            score = _thresholds_kept(lengths, pairs.lengths[pair])
            for ends in (pairs.first, pairs.second):
                kept[frame] += group_sum(score, ends[pair].to(score.device), n_ca).cpu()
        counts = torch.bincount(torch.cat([pairs.first, pairs.second]), minlength=n_ca)
        return kept, len(LDDT_THRESHOLDS) * counts

    def _kept(self, frames: Tensor, pairs: Pairs) -> Tensor:
        """Return the thresholds kept by all pairs, shape=(n_frames,), float64."""
        rows = self._rows(frames)
        kept = torch.zeros(len(rows), dtype=torch.float64)
        for frame, pair, lengths in _lengths(rows, pairs):
            kept[frame] += _thresholds_kept(lengths, pairs.lengths[pair]).sum(-1, dtype=torch.float64).cpu()
        return kept

    def native_contacts(self, frames: Tensor) -> Tensor:
        """Return the fraction of native contacts, shape=(n_frames,), float64; see `measure`."""
        rows, pairs = self._rows(frames), self.contacts
        kept = torch.zeros(len(rows), dtype=torch.float64)
        for frame, pair, lengths in _lengths(rows, pairs):
            reach = CONTACT_LAMBDA * pairs.lengths[pair].to(lengths)
            kept[frame] += torch.sigmoid_(reach.sub(lengths).mul_(CONTACT_BETA)).sum(-1).cpu()
        return kept / len(pairs)

    def bond_outliers(self, frames: Tensor, tolerance: float = BOND_TOLERANCE) -> Tensor:
        """Return the fraction of bonds off by more than ``tolerance`` angstrom, shape=(n_frames,), float64."""
        rows, pairs = self._rows(frames), self.bonds
        broken = torch.zeros(len(rows), dtype=torch.float64)
        for frame, pair, lengths in _lengths(rows, pairs):
            broken[frame] += (lengths.sub_(pairs.lengths[pair].to(lengths)).abs_() > tolerance).sum(-1).cpu()
        return broken / len(pairs)

    def _rows(self, frames: Tensor) -> Tensor:
        """Return the frames coordinate by coordinate, shape=(n_frames, 3, n_atoms)."""
        check_frames(frames, self.n_atoms)
        return frames.transpose(1, 2)


def hierarchy_of(structure: Structure, hierarchy: Hierarchy | None) -> Hierarchy:
    """Return the hierarchy that is given, by default that of the structure, on the CPU; refuse one of other atoms."""
    hierarchy = (hierarchy or Hierarchy.from_structure(structure)).to("cpu")
    if hierarchy.n_atoms != len(structure):
        raise PomodoroError(f"the hierarchy has {hierarchy.n_atoms} atoms and the structure {len(structure)}")
    return hierarchy


def check_frames(frames: Tensor, n_atoms: int, name: str = "frames") -> None:
    """Refuse frames of another shape than (n_frames, n_atoms, 3), and what is not finite."""
    if frames.ndim != 3 or frames.shape[1:] != (n_atoms, 3):
        raise PomodoroError(f"{name} must have shape (n_frames, {n_atoms}, 3), not {tuple(frames.shape)}")
    if not frames.sum().isfinite():
        raise PomodoroError(f"{name} are not all finite")


def _lengths(rows: Tensor, pairs: Pairs) -> Iterator[tuple[slice, slice, Tensor]]:
    """Yield which frames, which pairs, and their distances, shape=(n_frames, n_pairs), in blocks."""
    n_pairs = max(1, min(len(pairs), _BLOCK))
    n_frames = max(1, _BLOCK // n_pairs)
    for start in range(0, len(rows), n_frames):
        frame = slice(start, start + n_frames)
        for first in range(0, len(pairs), n_pairs):
            pair = slice(first, first + n_pairs)
            ends = (rows[frame].index_select(2, ends[pair].to(rows.device)) for ends in (pairs.first, pairs.second))
            yield frame, pair, next(ends).sub_(next(ends)).square_().sum(1).sqrt_()


def _thresholds_kept(lengths: Tensor, truth: Tensor) -> Tensor:
    """Return within how many of the thresholds of lDDT each length is still true; ``lengths`` are used up."""
    errors = lengths.sub_(truth.to(lengths)).abs_()
    score = torch.zeros_like(errors)
    for threshold in LDDT_THRESHOLDS:
        score += errors < threshold
    return score


def _pairs(coords: np.ndarray, index: np.ndarray) -> Pairs:
    """Return index, shape=(n_pairs, 2), with the distances."""
    index = index[np.lexsort(index.T[::-1])]
    first, second = np.ascontiguousarray(index.T)
    return Pairs(torch.from_numpy(first), torch.from_numpy(second), torch.from_numpy(_distances(coords, index)))


def _neighbours(coords: np.ndarray, radius: float) -> np.ndarray:
    """Return the pairs closer than ``radius``, shape=(n_pairs, 2), int64."""
    index = cKDTree(coords).query_pairs(radius, output_type="ndarray").astype(np.int64, copy=False).reshape(-1, 2)
    return index[_distances(coords, index) < radius]


def _distances(coords: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Return the distances of pairs, some at a time: their coordinates take many times what they do."""
    found = np.empty(len(index))
    for start in range(0, len(index), _BLOCK):
        first, second = index[start : start + _BLOCK].T
        found[start : start + _BLOCK] = np.linalg.norm(coords[first] - coords[second], axis=-1)
    return found


def calphas(structure: Structure, hierarchy: Hierarchy) -> np.ndarray:
    """Return the atom index of the Calpha of each residue of a polymer that has one: its first location."""
    return first_named(structure, hierarchy, "CA", "C")


def first_named(structure: Structure, hierarchy: Hierarchy, name: str, element: str) -> np.ndarray:
    """Return the atom index of the first location of an atom in each residue of a polymer that has it."""
    named = (structure.atoms["name"] == name) & (_elements(structure) == element)
    return np.flatnonzero(_first_locations(structure, hierarchy) & named & _in_polymer(structure))


def heavy_atoms(structure: Structure, hierarchy: Hierarchy) -> np.ndarray:
    """Return the index of each atom but hydrogen, of whatever kind its residue is.

    Of the atoms of one name in a residue the first, as of alternate locations.
    """
    return np.flatnonzero(_first_locations(structure, hierarchy) & ~np.isin(_elements(structure), ["H", "D"]))


def pairs_within_residues(structure: Structure, hierarchy: Hierarchy) -> np.ndarray:
    """Return the pairs of heavy atoms of one residue closer than 15 A, shape=(n_pairs, 2)."""
    coords = structure.coords.astype(np.float64)
    heavy = heavy_atoms(structure, hierarchy)
    residue = hierarchy.atom_to_residue.numpy()[heavy]
    heavy = heavy[np.argsort(residue, kind="stable")]
    residue = np.sort(residue)
    found = [np.empty((0, 2), dtype=np.int64)]
    for apart in range(1, np.bincount(residue).max(initial=0)):
        first = np.flatnonzero(residue[apart:] == residue[:-apart])
        index = np.stack([heavy[first], heavy[first + apart]], -1)
        found.append(index[_distances(coords, index) < LDDT_RADIUS])
    return np.concatenate(found)


def _in_polymer(structure: Structure) -> np.ndarray:
    """Mark the atoms of polymers, shape=(n_atoms,)."""
    return ~structure.residues["hetero"][structure.residue_of_atom]


def _contacts(structure: Structure, hierarchy: Hierarchy, coords: np.ndarray) -> np.ndarray:
    """Return the native contacts as pairs of atoms, shape=(n_pairs, 2)."""
    heavy = heavy_atoms(structure, hierarchy)
    heavy = heavy[_in_polymer(structure)[heavy]]
    index = heavy[_neighbours(coords[heavy], CONTACT_RADIUS)]
    residue, chain = hierarchy.atom_to_residue.numpy()[index], hierarchy.atom_to_chain.numpy()[index]
    rank = _ranks(hierarchy)[residue]
    return index[(chain[:, 0] != chain[:, 1]) | (np.abs(rank[:, 0] - rank[:, 1]) > CONTACT_SEPARATION)]


def _find_bonds(structure: Structure, coords: np.ndarray) -> np.ndarray:
    """Return the pairs of atoms that are bonded by their distance, shape=(n_pairs, 2)."""
    radii = covalent_radii(structure.atoms["elem"])
    joined = np.flatnonzero(np.isfinite(radii))
    if not len(joined):
        return np.empty((0, 2), dtype=np.int64)
    index = joined[_neighbours(coords[joined], longest_bond(radii[joined], radii[joined]))]
    return index[are_bonded(structure.atoms, radii, index, _distances(coords, index))]


def _check_bonds(bonds: np.ndarray, n_atoms: int) -> np.ndarray:
    """Return bonds that are given as int64; refuse what are no pairs of different atoms."""
    bonds = np.asarray(bonds)
    if bonds.ndim != 2 or bonds.shape[1] != 2 or not np.issubdtype(bonds.dtype, np.integer):
        raise PomodoroError(f"bonds must be integers of shape (n_bonds, 2), not {bonds.dtype} of {bonds.shape}")
    if ((bonds < 0) | (bonds >= n_atoms)).any() or (bonds[:, 0] == bonds[:, 1]).any():
        raise PomodoroError(f"each bond must join two different atoms of 0 .. {n_atoms - 1}")
    return bonds.astype(np.int64)


def _first_locations(structure: Structure, hierarchy: Hierarchy) -> np.ndarray:
    """Mark the first atom of each name in a residue, shape=(n_atoms,)."""
    names = np.unique(structure.atoms["name"].astype(str), return_inverse=True)[1]
    _, first = np.unique(hierarchy.atom_to_residue.numpy() * (names.max() + 1) + names, return_index=True)
    marked = np.zeros(len(structure), dtype=bool)
    marked[first] = True
    return marked


def _ranks(hierarchy: Hierarchy) -> np.ndarray:
    """Return the place of each residue along its chain: 0, 1, 2 ..., shape=(n_residues,)."""
    chain = hierarchy.residue_to_chain.numpy()
    order = np.argsort(chain, kind="stable")
    starts = np.concatenate([[0], np.cumsum(hierarchy.residues_per_chain.numpy())[:-1]])
    ranks = np.empty_like(chain)
    ranks[order] = np.arange(len(chain)) - starts[chain[order]]
    return ranks


def _elements(structure: Structure) -> np.ndarray:
    """Return the element of each atom in capitals, shape=(n_atoms,)."""
    return np.char.upper(structure.atoms["elem"].astype(str))
