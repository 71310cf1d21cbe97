"""Estimates of the true structure, per level, and how they become one set of atoms.

A denoiser estimates the atoms, and may estimate the residue means and the chain means
besides, each from what it sees of that level. Broadcast onto the atoms,

    D' = D + B_r (X_r - mean_r D) + B_c (X_c - mean_c (D after the residue step))

with B_r, B_c giving every atom the value of its residue or chain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from ..structure.hierarchy import Hierarchy


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
    probabilities : Tensor, shape=(..., n_members), optional
        Of the members of the ensemble, where there is one.
    """

    atoms: Tensor
    residues: Tensor | None = None
    chains: Tensor | None = None
    probabilities: Tensor | None = None


#: Takes noised coordinates, (n_samples, n_atoms, 3), and sigma, both in angstrom.
Denoiser: TypeAlias = Callable[[Tensor, float], Estimate]


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
    if estimate.probabilities is None or gate >= 1:
        return atoms
    unsure = estimate.probabilities.amax(-1) <= gate
    return torch.where(unsure[..., None, None], atoms, estimate.atoms)
