"""Where atoms move, as colours, and how much of the colours' variance lies at which level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..structure.hierarchy import Hierarchy, split_levels
from .scale import UNDEFINED


@dataclass(frozen=True)
class ColorShares:
    """Of the variance of the colours over the atoms of a frame, how much lies at which level.

    Attributes
    ----------
    within_residues : float
        Share of the differences between the atoms of a residue: 1 where the colour of an atom says
        nothing of its neighbours', 0 where residues move as blocks.
    of_residues : float
        Between the residues of a chain; each residue counts by its atoms.
    of_chains : float
        Between chains; the three sum to 1, or are nan where all atoms of a frame have one colour.
    total : float
        The variance itself: the channels run from 0 to 1, and their three variances are summed. It is
        0 where all atoms of a frame have one colour, and at most 1/4.
    """

    within_residues: float
    of_residues: float
    of_chains: float
    total: float


class ShareSums:
    """The sums of squares of unit displacements at each level, over the frames that are added.

    Parameters
    ----------
    hierarchy : Hierarchy
    """

    def __init__(self, hierarchy: Hierarchy) -> None:
        self._hierarchy = hierarchy
        self._sums = np.zeros(3)
        self._n_frames = 0

    def add(self, units: np.ndarray) -> None:
        """Add a frame of unit displacements, shape=(n_atoms, 3), or some, shape=(n_frames, n_atoms, 3)."""
        hierarchy = self._hierarchy
        coords = torch.from_numpy(np.ascontiguousarray(units, dtype=np.float64)).view(-1, hierarchy.n_atoms, 3)
        chain, residue, atom = split_levels(coords, hierarchy)
        self._sums += (
            float(atom.square().sum()),
            float((residue.square().sum(-1) * hierarchy.atoms_per_residue).sum()),
            float(((chain - coords.mean(-2, keepdim=True)).square().sum(-1) * hierarchy.atoms_per_chain).sum()),
        )
        self._n_frames += len(coords)

    def shares(self) -> ColorShares:
        """Return the shares of all frames together, and the mean total of a frame; nan of no frames."""
        with np.errstate(invalid="ignore"):
            within, residues, chains = (self._sums / self._sums.sum()).tolist()
        # A channel is (u + 1) / 2.
        total = self._sums.sum() / (4 * self._hierarchy.n_atoms * self._n_frames) if self._n_frames else np.nan
        return ColorShares(within, residues, chains, float(total))


def unit_displacements(displacements: np.ndarray) -> np.ndarray:
    """Return displacements at length 1, shape=(..., 3), float64; 0 where there is none, or none that is finite."""
    wide = np.asarray(displacements, dtype=np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        lengths = np.linalg.norm(wide, axis=-1, keepdims=True)
    return np.divide(wide, lengths, out=np.zeros_like(wide), where=np.isfinite(lengths) & (lengths > 0))


def direction_colors(displacements: np.ndarray) -> np.ndarray:
    """Return a colour 0xRRGGBB per displacement, shape=(...,), int64: red is x, green y, blue z.

    A channel is (u + 1) / 2 of the displacement at length 1, u: half where it is across that axis.
    `UNDEFINED` is the colour of no displacement.

    Parameters
    ----------
    displacements : ndarray, shape=(..., 3)
    """
    units = unit_displacements(displacements)
    red, green, blue = np.moveaxis(np.rint((units + 1) / 2 * 255).astype(np.int64), -1, 0)
    return np.where(units.any(-1), red << 16 | green << 8 | blue, UNDEFINED)
