"""Estimates of the true structure, per level, and how they become one set of atoms.

A denoiser estimates the atoms, and may estimate the residue means and the chain means
besides, each from what it sees of that level. Broadcast onto the atoms,

    D' = D + B_r (X_r - mean_r D) + B_c (X_c - mean_c (D after the residue step))

with B_r, B_c giving every atom the value of its residue or chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .hierarchy import Hierarchy


@dataclass(frozen=True, eq=False)
class Estimate:
    """What a denoiser makes of noised coordinates, angstrom.

    Attributes
    ----------
    atoms : Tensor, shape=(..., n_atoms, 3)
    residues : Tensor, shape=(..., n_residues, 3), optional
        Estimate of the residue means by a head of its own.
    chains : Tensor, shape=(..., n_chains, 3), optional
        The same of the chain means.
    members : Tensor, shape=(..., n_members), optional
        Probability of each member of the ensemble, where there is one.
    """

    atoms: Tensor
    residues: Tensor | None = None
    chains: Tensor | None = None
    members: Tensor | None = None


def split_levels(coords: Tensor, hierarchy: Hierarchy) -> tuple[Tensor, Tensor, Tensor]:
    """Take coordinates apart: chain means, residue means about them, atoms about those.

    Parameters
    ----------
    coords : Tensor, shape=(..., n_atoms, 3)
    hierarchy : Hierarchy

    Returns
    -------
    chain, residue, atom : Tensor
        Shapes (..., n_chains, 3), (..., n_residues, 3) and (..., n_atoms, 3). Means are
        over atoms, so that the parts are orthogonal.
    """
    residues, chains = hierarchy.pool(coords, "residue"), hierarchy.pool(coords, "chain")
    of_chain = chains.index_select(-2, hierarchy.residue_to_chain)
    return chains, residues - of_chain, coords - hierarchy.broadcast(residues, "residue")


def join_levels(parts: Sequence[Tensor], hierarchy: Hierarchy) -> Tensor:
    """Put the parts of `split_levels` together, shape=(..., n_atoms, 3)."""
    chain, residue, atom = parts
    shared = residue + chain.index_select(-2, hierarchy.residue_to_chain)
    return atom + hierarchy.broadcast(shared, "residue")


def broadcast_heads(estimate: Estimate, hierarchy: Hierarchy, gate: float = 1.0) -> Tensor:
    """Return the atoms moved to agree with the residue and the chain head, as far as there are any.

    Parameters
    ----------
    estimate : Estimate
    hierarchy : Hierarchy
    gate : float
        Samples whose atom head gives one member more than this probability stay as they
        are: what it is sure of, the other heads can only blur. 1 moves them all, as is done
        where there is no ensemble.

    Returns
    -------
    Tensor, shape=(..., n_atoms, 3)
    """
    atoms = estimate.atoms
    for level, wanted in (("residue", estimate.residues), ("chain", estimate.chains)):
        if wanted is not None:
            atoms = atoms + hierarchy.broadcast(wanted - hierarchy.pool(atoms, level), level)
    if estimate.members is None or gate >= 1:
        return atoms
    unsure = estimate.members.amax(-1) <= gate
    return torch.where(unsure[..., None, None], atoms, estimate.atoms)
