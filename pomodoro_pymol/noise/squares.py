"""From sums over residues to mean squares per level, for many frames at once, on the device of the frames."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from ..structure.hierarchy import Hierarchy, group_sum, take_groups
from .levels import MeanSquares


@dataclass(frozen=True, eq=False)
class LevelSquares:
    """Mean squares of some frames, all that the statistics keep of them, where they were computed.

    Attributes
    ----------
    frames : Tensor, shape=(11, n_frames)
        The fields of `MeanSquares`, in order.
    centers : Tensor, shape=(3, n_frames)
        Squares of the centres of all atoms, residue means and chain means.
    residues : Tensor, shape=(4, n_residues)
        Sums over the frames and coordinates, one chain after the other: of the square of each residue's
        mean, of it relative to its chain, of its atoms about it, and of its mean relative to the next of its chain.
    resolution : float
        Relative rounding error of the displacements.
    """

    frames: Tensor
    centers: Tensor
    residues: Tensor
    resolution: float


def level_squares(sums: Tensor, hierarchy: Hierarchy) -> LevelSquares:
    """Reduce the `residue_sums` of some frames, shape=(n_frames, 4, n_residues), on the device of the hierarchy.

    In the precision of the sums; what is added up over residues or frames, in float64 where there is one.
    """
    at = _weights(hierarchy)
    if at.order is not None:
        sums = sums.index_select(-1, at.order)
    n_frames, n_residues = len(sums), hierarchy.n_residues
    vectors, squares = sums[:, :3], sums[:, 3]
    wide = vectors.to(at.chain_totals.dtype)
    chain_sums = _sum_chains(wide, at)
    chain_means = chain_sums / hierarchy.atoms_per_chain
    means = vectors / at.size.to(vectors)

    kept = means.new_empty(n_frames, 4, n_residues)
    residue, relative, inside, neighbor = kept.unbind(1)
    _square(means, residue)
    of_chain = take_groups(chain_means.to(means), at.chain)
    _square(torch.sub(means, of_chain, out=of_chain), relative).mul_(at.moves)
    torch.addcmul(squares, residue, at.size.to(vectors), value=-1, out=inside).clamp_(min=0)
    _square(means[..., 1:] - means[..., :-1], neighbor[:, :-1]).mul_(at.pairs)
    neighbor[:, -1] = 0

    kept = kept.to(at.chain_totals.dtype)
    of_chains = chain_means.square().sum(1)
    # No matrix product: in many threads at once those of the CPU wait for each other.
    totals = torch.cat(
        [
            kept.sum(-1),
            (kept[:, 1:2] * at.size).sum(-1),
            (kept[:, 0::2] * at.moves).sum(-1),
            (of_chains[:, None] * at.chain_totals).sum(-1),
        ],
        1,
    )
    centers = torch.stack([chain_sums.sum(-1), means.sum(-1, dtype=wide.dtype), chain_means.sum(-1)])
    resolution = float(torch.finfo(sums.dtype).eps)
    frames = totals.index_select(1, at.rows) * at.shares
    return LevelSquares(
        frames.T, centers.square().sum(-1) * at.points, kept.sum(0) if n_frames > 1 else kept[0], resolution
    )


@dataclass(frozen=True, eq=False)
class _Weights:
    """What `level_squares` weighs residues and chains by, on the device of the hierarchy, one chain after the other.

    Attributes
    ----------
    order : Tensor, shape=(n_residues,), or None
        Of the residues; None where they stand so.
    chain, size, moves : Tensor, shape=(n_residues,)
        Index of the chain, number of atoms, and 1 where the chain has other residues, else 0.
    starts : ndarray, shape=(n_chains,)
        The first residue of each chain.
    pairs : Tensor, shape=(n_residues - 1,)
        1 where the next residue is of the same chain.
    chain_totals : Tensor, shape=(3, n_chains)
        Weights of sums over all chains: 1, atoms, and those of chains of more than one residue.
    rows : Tensor, shape=(11,)
        Which of the sums over residues, then of the three over chains, is which of `MeanSquares`.
    shares : Tensor, shape=(11,)
        One over what it is a mean over, and over the coordinates.
    points : Tensor, shape=(3, 1)
        One over the squares of the numbers of atoms, residues and chains, and over the coordinates.
    """

    order: Tensor | None
    chain: Tensor
    size: Tensor
    moves: Tensor
    starts: np.ndarray
    pairs: Tensor
    chain_totals: Tensor
    rows: Tensor
    shares: Tensor
    points: Tensor


_FOUND: WeakKeyDictionary[Hierarchy, _Weights] = WeakKeyDictionary()


def _weights(hierarchy: Hierarchy) -> _Weights:
    if hierarchy not in _FOUND:
        _FOUND[hierarchy] = _find_weights(hierarchy)
    return _FOUND[hierarchy]


def _find_weights(hierarchy: Hierarchy) -> _Weights:
    order = hierarchy.chain_by_chain
    device = order.device
    wide = torch.float32 if device.type == "mps" else torch.float64
    chain, size = hierarchy.residue_to_chain[order], hierarchy.atoms_per_residue[order]
    moves = ~hierarchy.is_alone[order]
    per_chain, in_chain = hierarchy.residues_per_chain, hierarchy.atoms_per_chain
    chain_totals = torch.stack([torch.ones_like(in_chain), in_chain, in_chain * (per_chain > 1)]).to(wide)
    n_atoms, n_residues, n_chains = hierarchy.n_atoms, hierarchy.n_residues, hierarchy.n_chains
    n_moving, n_inside = int(moves.sum()), int((size * moves).sum())
    # The sums: of four squares, of relative by atoms, of two where the chain moves inside, and the three of chains.
    residue, relative, inside, neighbor, relative_by_atoms, residue_inside, inside_inside, *of_chains = range(10)
    parts = {
        "residue": (residue, n_residues),
        "chain": (of_chains[0], n_chains),
        "relative": (relative, n_moving),
        "neighbor": (neighbor, n_residues - n_chains),
        "of_chains": (of_chains[1], n_atoms),
        "of_residues": (relative_by_atoms, n_atoms),
        "of_atoms": (inside, n_atoms),
        "means_inside": (residue_inside, n_moving),
        "chains_inside": (of_chains[2], n_inside),
        "residues_inside": (relative_by_atoms, n_inside),
        "atoms_inside": (inside_inside, n_inside),
    }
    of, counts = zip(*(parts[name] for name in MeanSquares._fields))
    is_sorted = torch.equal(order, torch.arange(len(order), device=device))
    return _Weights(
        order=None if is_sorted else order,
        chain=chain,
        size=size.float(),
        moves=moves.float(),
        starts=(per_chain.cumsum(0) - per_chain).cpu().numpy(),
        pairs=(chain[1:] == chain[:-1]).float(),
        chain_totals=chain_totals,
        rows=torch.tensor(of, device=device),
        shares=1 / (3 * torch.tensor(counts, dtype=wide, device=device)),
        points=1 / (3 * torch.tensor([[n_atoms], [n_residues], [n_chains]], dtype=wide, device=device).square()),
    )


def _sum_chains(values: Tensor, at: _Weights) -> Tensor:
    """Sum over the residues of each chain, which stand together, ``(..., n_residues)`` to ``(..., n_chains)``."""
    if values.device.type == "cpu":  # many times as fast as adding one by one
        return torch.from_numpy(np.add.reduceat(values.numpy(), at.starts, axis=-1))
    return group_sum(values, at.chain, len(at.starts))


def _square(vectors: Tensor, out: Tensor) -> Tensor:
    """Squared length, ``(n_frames, 3, n)`` to ``(n_frames, n)``."""
    x, y, z = vectors.unbind(1)
    return torch.mul(x, x, out=out).addcmul_(y, y).addcmul_(z, z)
