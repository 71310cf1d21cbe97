"""How much noise lands on atoms, residues and chains: closed forms.

The project's own, from the covariance of the noise; the tests hold them against Monte
Carlo. See `levels` for the terms."""

from __future__ import annotations

import torch
from torch import Tensor

from ..structure.hierarchy import Hierarchy, group_sum
from .levels import Levels, MeanSquares, ResidueLevels, check_estimator, levels_of_squares
from .weights import LevelWeights


def expected_levels(hierarchy: Hierarchy, weights: LevelWeights, sigma: float = 1.0) -> Levels:
    """Return the closed form of `Levels` for noise of ``weights`` and ``sigma``."""
    a = weights.shares[2]
    residue, relative, chain = _expected_squares(hierarchy, weights)
    in_chain, in_residue = hierarchy.atoms_per_chain.double(), hierarchy.atoms_per_residue.double()
    moves = ~hierarchy.is_alone
    of_residues = (in_residue * relative).sum()
    n_atoms, n_moving = hierarchy.n_atoms, in_residue[moves].sum()
    squares = {
        "residue": residue.mean(),
        "chain": chain.mean(),
        "relative": relative[moves].mean(),
        "neighbor": neighbor_variances(hierarchy, weights).mean(),
        "of_chains": (in_chain * chain).sum() / n_atoms,
        "of_residues": of_residues / n_atoms,
        "of_atoms": a * (in_residue - 1).sum() / n_atoms,
        "means_inside": residue[moves].mean(),
        "chains_inside": (in_chain * chain)[hierarchy.residues_per_chain > 1].sum() / n_moving,
        "residues_inside": of_residues / n_moving,
        "atoms_inside": a * (in_residue[moves] - 1).sum() / n_moving,
    }
    return levels_of_squares(MeanSquares(**{name: square.numpy() for name, square in squares.items()}), sigma)


def expected_sigmas(
    hierarchy: Hierarchy, weights: LevelWeights, sigma: float = 1.0, estimator: str = "rms"
) -> tuple[float, float, float]:
    """Return the closed form of `level_sigmas`: the root of the expected mean square."""
    check_estimator(estimator)
    levels = expected_levels(hierarchy, weights, sigma)
    if estimator == "rms":
        return levels.atom, levels.residue, levels.chain
    c, r, a = weights.shares
    residue, _, chain = _expected_squares(hierarchy, weights)
    n_atoms, n_residues, n_chains = hierarchy.n_atoms, hierarchy.n_residues, hierarchy.n_chains
    of_atoms = hierarchy.atoms_per_chain.double() / n_atoms
    of_residues = hierarchy.residues_per_chain.double() / n_residues
    in_residue = hierarchy.atoms_per_residue.double()
    # Variance of the mean over all points, which the estimator removes.
    removed = (
        (of_atoms.square() * chain).sum(),
        c * of_residues.square().sum() + r / n_residues + a * (1 / in_residue).sum() / n_residues**2,
        chain.sum() / n_chains**2,
    )
    means = (torch.tensor(1.0, dtype=torch.float64), residue.mean(), chain.mean())
    atom, residue_, chain_ = (
        sigma * float(((mean - off) * n / (n - 1)).clamp_min(0).sqrt()) if n > 1 else float("nan")
        for mean, off, n in zip(means, removed, (n_atoms, n_residues, n_chains))
    )
    return atom, residue_, chain_


def expected_residues(hierarchy: Hierarchy, weights: LevelWeights, sigma: float = 1.0) -> ResidueLevels:
    """Return the closed form of `ResidueLevels` for noise of ``weights`` and ``sigma``."""
    residue, relative, _ = _expected_squares(hierarchy, weights)
    inside = weights.shares[2] * (1 - 1 / hierarchy.atoms_per_residue.double())
    pairs, sides = neighbor_variances(hierarchy, weights), torch.zeros_like(inside)
    neighbor = torch.zeros_like(inside)
    for side in hierarchy.neighbors.cpu():
        neighbor.index_add_(0, side, pairs)
        sides.index_add_(0, side, torch.ones_like(pairs))
    squares = torch.stack([residue + inside, residue, relative + inside, relative, neighbor / sides.clamp_min(1)])
    return ResidueLevels(*(sigma * squares.sqrt().numpy()))


def neighbor_variances(hierarchy: Hierarchy, weights: LevelWeights, sigma: float = 1.0) -> Tensor:
    """Return the variance of neighbours in a chain relative to each other, shape=(n_pairs,).

    Square angstrom per coordinate, of the pairs of `Hierarchy.neighbors`.
    """
    _, r, a = weights.shares
    inverse = 1 / hierarchy.atoms_per_residue.double().cpu()
    first, second = hierarchy.neighbors.cpu()
    return sigma**2 * (2 * r + a * (inverse[first] + inverse[second]))


def _expected_squares(hierarchy: Hierarchy, weights: LevelWeights) -> tuple[Tensor, Tensor, Tensor]:
    """Variance of each residue mean, of it relative to its chain mean, and of each chain mean."""
    c, r, a = weights.shares
    chain_of = hierarchy.residue_to_chain
    in_residue = hierarchy.atoms_per_residue.double()
    in_chain = hierarchy.atoms_per_chain.double()
    p = in_residue / in_chain[chain_of]
    sum_p2 = group_sum(p.square(), chain_of, hierarchy.n_chains)
    residue = c + r + a / in_residue
    relative = r * (1 - 2 * p + sum_p2[chain_of]) + a * (1 / in_residue - 1 / in_chain[chain_of])
    relative = torch.where(hierarchy.is_alone, 0.0, relative).clamp_min(0)
    return residue, relative, c + r * sum_p2 + a / in_chain
