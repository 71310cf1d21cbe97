"""Local geometry of frames by which one sees whether a sampled protein is usable.

Chirality
    The sign of (N - CA) x (C - CA) . (CB - CA), of each residue of a polymer that has these four atoms; it
    is positive for all L-amino acids. Measured is the share of residues whose sign is that of the truth. What
    lacks any sense of handedness has .5 of them right, a mirror image none. Glycine has no CB.
Calpha - Calpha distances
    Of residues that follow each other in a chain and whose truth has a bond between C of the first and N of the
    second, by the distance that `bonds` allows a bond: across a gap nothing is measured. Trans peptides are some
    3.8 A long, cis ones 2.9 A, so each is compared with its own length in the truth.

All lengths are in space. Where an atom has alternate locations, the first one listed counts. Neither depends on
where a frame lies, and bond outliers of `quality` do not see handedness.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import PomodoroError
from .atoms import Structure
from .bonds import are_bonded, covalent_radii
from .hierarchy import Hierarchy
from .quality import Pairs, calphas, check_frames, first_named, hierarchy_of

CA_TOLERANCE = 0.5

# Coordinates worked on at once: some 16 MB in float32, or one frame's where those are more.
_BLOCK = 1 << 20


@dataclass(frozen=True, eq=False)
class Geometry:
    """Local geometry of frames, each an array of shape=(n_frames,); nan where nothing is to be measured.

    Attributes
    ----------
    chirality : ndarray
        Share of residues whose Calpha has the handedness of the structure, 0 .. 1; nan without a residue that
        has N, CA, C and CB.
    ca_deviation : ndarray
        Mean absolute deviation of the distances between consecutive Calpha from the true ones, angstrom in space;
        nan without bonded residues.
    ca_kept : ndarray
        Share of those distances within 0.5 A of the true ones, 0 .. 1; nan alike.
    """

    chirality: np.ndarray
    ca_deviation: np.ndarray
    ca_kept: np.ndarray


@dataclass(frozen=True, eq=False)
class GeometryReference:
    """What to look for in the frames of one structure; made by `from_structure`.

    Attributes
    ----------
    n_atoms : int
    centers : Tensor, shape=(n_centers, 4), dtype=int64
        Atom indices of CA, N, C and CB of each residue that has them, not in one plane.
    hands : Tensor, shape=(n_centers,), dtype=float64
        True sign of the triple product, 1 or -1.
    links : Pairs
        Of atoms: the Calpha of residues that follow each other.
    """

    n_atoms: int
    centers: Tensor
    hands: Tensor
    links: Pairs

    @classmethod
    def from_structure(cls, structure: Structure, hierarchy: Hierarchy | None = None) -> GeometryReference:
        """Find the residues and the pairs of them that the true structure has.

        Parameters
        ----------
        structure : Structure
        hierarchy : Hierarchy, optional
            Of the same atoms; by default that of the structure.

        Raises
        ------
        PomodoroError
            If the hierarchy is of other atoms.
        """
        hierarchy = hierarchy_of(structure, hierarchy)
        coords = structure.coords.astype(np.float64)
        found = [calphas(structure, hierarchy)]
        found += [first_named(structure, hierarchy, name, name[0]) for name in ("N", "C", "CB")]
        of_residue = np.full((hierarchy.n_residues, 4), -1)
        for column, atoms in enumerate(found):
            of_residue[hierarchy.atom_to_residue.numpy()[atoms], column] = atoms
        centers = torch.from_numpy(of_residue[(of_residue >= 0).all(1)])
        hands = _handedness(torch.from_numpy(coords)[None], centers)[0].sign()
        first, second = _linked(structure, coords, of_residue, hierarchy.neighbors.numpy())
        lengths = np.linalg.norm(coords[first] - coords[second], axis=-1)
        links = Pairs(*map(torch.from_numpy, (first, second, lengths)))
        return cls(len(structure), centers[hands != 0], hands[hands != 0], links)

    def measure(self, frames: Tensor, truths: Tensor | None = None) -> Geometry:
        """Return the local geometry of frames, angstrom.

        Parameters
        ----------
        frames : Tensor, shape=(n_frames, n_atoms, 3)
        truths : Tensor, shape=(n_frames, n_atoms, 3), optional
            What each frame's distances are compared with, such as its nearest member of an ensemble; by default
            the structure, which is what handedness is always compared with.

        Raises
        ------
        PomodoroError
            If the frames or the truths have another shape or are not finite.
        """
        check_frames(frames, self.n_atoms)
        if truths is not None:
            check_frames(truths, self.n_atoms, "truths")
            if len(truths) != len(frames):
                raise PomodoroError(f"{len(frames)} frames need one truth each, not {len(truths)}")
        right, deviation, kept = (torch.zeros(len(frames), dtype=torch.float64) for _ in range(3))
        for block in _blocks(len(frames), self.centers.numel()):
            product = _handedness(frames[block], self.centers)
            right[block] = (product * self.hands.to(product) > 0).sum(-1).cpu().double()
        for block in _blocks(len(frames), 2 * len(self.links)):
            lengths = self._lengths(frames[block])
            truth = self.links.lengths if truths is None else self._lengths(truths[block])
            errors = (lengths - truth.to(lengths)).abs_()
            deviation[block] = errors.cpu().sum(-1, dtype=torch.float64)
            kept[block] = (errors < CA_TOLERANCE).sum(-1).cpu().double()
        n_links = len(self.links)
        return Geometry((right / len(self.centers)).numpy(), (deviation / n_links).numpy(), (kept / n_links).numpy())

    def _lengths(self, frames: Tensor) -> Tensor:
        """Return the distance of each link, shape=(n_frames, n_links)."""
        first, second = (
            frames.index_select(1, ends.to(frames.device)) for ends in (self.links.first, self.links.second)
        )
        return torch.linalg.vector_norm(first - second, dim=-1)


def _blocks(n_frames: int, n_atoms: int) -> Iterator[slice]:
    """Yield some frames at a time, of which ``n_atoms`` atoms each are looked at."""
    size = max(1, _BLOCK // max(1, 3 * n_atoms))
    for start in range(0, n_frames, size):
        yield slice(start, start + size)


def _handedness(frames: Tensor, centers: Tensor) -> Tensor:
    """Return (N - CA) x (C - CA) . (CB - CA) of each centre, shape=(n_frames, n_centers), cubic angstrom."""
    middle, *others = (frames.index_select(1, atoms.to(frames.device)) for atoms in centers.unbind(1))
    n, c, cb = (other - middle for other in others)
    return (torch.linalg.cross(n, c) * cb).sum(-1)


def _linked(
    structure: Structure, coords: np.ndarray, of_residue: np.ndarray, neighbors: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the Calpha of neighbours that are bonded from C to N, each of shape=(n_links,)."""
    first, second = of_residue[neighbors[0]], of_residue[neighbors[1]]
    whole = (first[:, 0] >= 0) & (second[:, 0] >= 0) & (first[:, 2] >= 0) & (second[:, 1] >= 0)
    first, second = first[whole], second[whole]
    joints = np.stack([first[:, 2], second[:, 1]], -1)
    lengths = np.linalg.norm(coords[joints[:, 0]] - coords[joints[:, 1]], axis=-1)
    bonded = are_bonded(structure.atoms, covalent_radii(structure.atoms["elem"]), joints, lengths)
    return first[bonded, 0], second[bonded, 0]
