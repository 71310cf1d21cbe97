"""Distances below 15 A, counted by length, residue by residue.

A local score that is expected of noise depends on a pair of atoms through two things
alone: how far apart they are, and which of residue and chain they share. So the pairs are
sought once and counted; scores at any weights and sigma follow from the counts.

Lengths are counted at knots, ``sinh(0.01 k)`` angstrom, each shared by the four around it
in the proportions of cubic interpolation: a sum over pairs of a smooth function of the
length is the sum over knots of the function there times the count.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree

from .atoms import Structure
from .hierarchy import Hierarchy
from .quality import LDDT_RADIUS, calphas, heavy_atoms, pairs_within_residues

#: The smallest group that two atoms share: their residue, their chain, or neither.
SHARED = ("residue", "chain", "neither")

_STEP = 0.01
#: Where lengths are counted, shape=(n_knots,), angstrom.
KNOTS = np.sinh(_STEP * np.arange(np.ceil(np.arcsinh(LDDT_RADIUS) / _STEP) + 1))
# Distances found at once, at most, where all atoms lie within 15 A: 24 bytes each, and as much several times over.
_BLOCK = 1 << 22
# Pairs of atoms of one residue that are counted at once.
_PAIRS = 1 << 16


@dataclass(frozen=True, eq=False)
class LocalDistances:
    """Pairs of atoms closer than 15 A, counted by distance.

    Attributes
    ----------
    counts : dict of str to ndarray, shape=(n_residues, n_knots)
        For what the two atoms share (see `SHARED`): how many pairs each residue has at
        each of `KNOTS`. A pair counts at both its ends, so twice where the residue is one.
    residue_to_chain : ndarray, shape=(n_residues,)
    """

    counts: dict[str, np.ndarray]
    residue_to_chain: np.ndarray

    @cached_property
    def ends(self) -> np.ndarray:
        """How many pairs each residue has, shape=(n_residues,); one within it counts twice."""
        return np.rint(np.sum([counts.sum(-1) for counts in self.counts.values()], axis=0))

    @cached_property
    def pooled(self) -> dict[str, np.ndarray]:
        """What is counted of the whole structure, as parts of all pairs: shape=(n_knots,) each."""
        with np.errstate(invalid="ignore"):
            return {name: counts.sum(0) / self.ends.sum() for name, counts in self.counts.items()}

    @cached_property
    def residue_mean(self) -> dict[str, np.ndarray]:
        """The mean over residues of what is counted of each, as parts of its pairs: shape=(n_knots,) each."""
        each = np.divide(1.0, self.ends, where=self.ends > 0, out=np.zeros_like(self.ends))
        with np.errstate(invalid="ignore"):
            return {name: each @ counts / np.count_nonzero(each) for name, counts in self.counts.items()}

    @classmethod
    def of_calphas(cls, structure: Structure, hierarchy: Hierarchy) -> LocalDistances:
        """Count the pairs of Calpha lDDT: of the Calpha atoms of the polymers, the first location of each."""
        return cls._search(structure, hierarchy, calphas(structure, hierarchy))

    @classmethod
    def within_residues(cls, structure: Structure, hierarchy: Hierarchy) -> LocalDistances:
        """Count the pairs of heavy atoms of one residue; see `between_residues`."""
        index = pairs_within_residues(structure, hierarchy)
        rows = hierarchy.atom_to_residue.cpu().numpy()[index[:, 0]]
        order = np.argsort(rows, kind="stable")
        counts = np.zeros((1, hierarchy.n_residues, len(KNOTS)))
        for start in range(0, len(index), _PAIRS):
            some = order[start : start + _PAIRS]
            ends = structure.coords[index[some]].astype(np.float64)
            _add(counts, 0, rows[some], np.linalg.norm(ends[:, 0] - ends[:, 1], axis=-1))
        counts *= 2
        return cls({SHARED[0]: counts[0]}, hierarchy.residue_to_chain.cpu().numpy())

    @classmethod
    def between_residues(cls, structure: Structure, hierarchy: Hierarchy) -> LocalDistances:
        """Count the pairs of heavy atoms of different residues.

        As lDDT does, without hydrogen; of an atom with alternate locations the first.
        Ligands, ions and waters count where the structure has them.
        """
        return cls._search(structure, hierarchy, heavy_atoms(structure, hierarchy))

    @classmethod
    def _search(cls, structure: Structure, hierarchy: Hierarchy, atoms: np.ndarray) -> LocalDistances:
        """Count the pairs of some atoms of different residues, block by block: memory does not grow with the pairs."""
        shared = SHARED[1:] if hierarchy.n_chains > 1 else SHARED[1:2]
        residue_to_chain = hierarchy.residue_to_chain.cpu().numpy()
        residue = hierarchy.atom_to_residue.cpu().numpy()[atoms]
        order = np.argsort(residue, kind="stable")
        points, residue = structure.coords[atoms][order].astype(np.float64), residue[order]
        chain = residue_to_chain[residue]
        counts = np.zeros((len(shared), hierarchy.n_residues, len(KNOTS)))
        tree = cKDTree(points)
        size = max(1, _BLOCK // max(1, len(points)))
        for start in range(0, len(points), size):
            near = cKDTree(points[start : start + size])
            pairs = near.sparse_distance_matrix(tree, LDDT_RADIUS, output_type="ndarray")
            first, second, lengths = pairs["i"] + start, pairs["j"], pairs["v"]
            chosen = (residue[first] != residue[second]) & (lengths < LDDT_RADIUS)
            first, second, lengths = first[chosen], second[chosen], lengths[chosen]
            _add(counts, (chain[first] != chain[second]).astype(np.int64), residue[first], lengths)
        return cls(dict(zip(shared, counts)), residue_to_chain)


def _add(counts: np.ndarray, kinds: np.ndarray | int, rows: np.ndarray, lengths: np.ndarray) -> None:
    """Count lengths by their kinds and rows; quick where rows lie close together."""
    if not len(rows):
        return
    start, end = rows.min(), rows.max() + 1
    place = np.arcsinh(lengths) / _STEP
    knot = np.clip(place.astype(np.int64) - 1, 0, len(KNOTS) - 4)
    t = place - knot
    p, q = t * (t - 1) / 2, (t - 2) * (t - 3) / 2
    weights = (1 - t) * q / 3, t * q, (3 - t) * p, p * (t - 2) / 3
    shape = (len(counts), end - start, len(KNOTS))
    place = (kinds * shape[1] + rows - start) * shape[2] + knot
    for offset, weight in enumerate(weights):
        counts[:, start:end] += np.bincount(place + offset, weight, np.prod(shape)).reshape(shape)
