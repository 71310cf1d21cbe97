"""From sums over residues to mean squares per level, for many frames at once, on the device of the frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from ..structure.hierarchy import Hierarchy, group_sum, take_groups
from .levels import MeanSquares, Values


class CenterSquares(NamedTuple):
    """Squares per coordinate of the centres of all atoms, of all residue means and of all chain means."""

    atoms: Values
    residues: Values
    chains: Values


class ResidueSquares(NamedTuple):
    """Sums of squares over frames and coordinates, for each residue, one chain after the other.

    Attributes
    ----------
    mean, inside
        Of the mean of the residue, and of its atoms about it.
    relative, neighbor
        Of its mean relative to its chain, and relative to the mean of the next residue of its chain.
    """

    mean: Values
    inside: Values
    relative: Values
    neighbor: Values


@dataclass(frozen=True, eq=False)
class LevelSquares:
    """Mean squares of some frames, all that the statistics keep of them, where they were computed.

    Attributes
    ----------
    frames : MeanSquares of Tensor, shape=(n_frames,)
    centers : CenterSquares of Tensor, shape=(n_frames,)
    residues : ResidueSquares of Tensor, shape=(n_residues,)
    resolution : float
        Relative rounding error of the displacements.
    """

    frames: MeanSquares
    centers: CenterSquares
    residues: ResidueSquares
    resolution: float


def level_squares(sums: Tensor, hierarchy: Hierarchy) -> LevelSquares:
    """Reduce the `residue_sums` of some frames, shape=(n_frames, 4, n_residues), on the device of the hierarchy.

    In the precision of the sums; what is added up over residues or frames, in float64 where there is one.
    """
    at = _weights(hierarchy)
    if at.order is not None:
        sums = sums.index_select(-1, at.order)
    vectors, squares = sums[:, :3], sums[:, 3]
    wide = vectors.to(at.chain_totals.dtype)
    chain_sums = _sum_chains(wide, at)
    chain_means = chain_sums / hierarchy.atoms_per_chain
    means = vectors / at.size.to(vectors)

    table = _residue_table(means, squares, take_groups(chain_means.to(means), at.chain), at).to(wide.dtype)
    residues = ResidueSquares(*table.sum(-1).unbind(1))
    own, in_chain = table.split(2, 1)  # of the mean and of the atoms about it; relative to the chain and to the next
    mean_inside, inside_inside = (own * at.moves).sum(-1).unbind(1)
    of_residues = (in_chain[:, :1] * at.size).sum(-1).squeeze(1)
    # No matrix product: in many threads at once those of the CPU wait for each other.
    chain, of_chains, chains_inside = (chain_means.square().sum(1)[:, None] * at.chain_totals).sum(-1).unbind(1)
    totals = MeanSquares(
        residue=residues.mean,
        chain=chain,
        relative=residues.relative,
        neighbor=residues.neighbor,
        of_chains=of_chains,
        of_residues=of_residues,
        of_atoms=residues.inside,
        means_inside=mean_inside,
        chains_inside=chains_inside,
        residues_inside=of_residues,
        atoms_inside=inside_inside,
    )
    centers = CenterSquares(
        atoms=chain_sums.sum(-1), residues=means.sum(-1, dtype=wide.dtype), chains=chain_means.sum(-1)
    )
    return LevelSquares(
        MeanSquares(*(torch.stack(totals) * at.shares).unbind()),
        CenterSquares(*(torch.stack(centers).square().sum(-1) * at.points).unbind()),
        ResidueSquares(*(table.sum(0) if len(table) > 1 else table[0]).unbind()),
        float(torch.finfo(sums.dtype).eps),
    )


def _residue_table(means: Tensor, squares: Tensor, of_chain: Tensor, at: _Weights) -> Tensor:
    """Return the fields of `ResidueSquares` of each frame, shape=(n_frames, 4, n_residues).

    Parameters
    ----------
    means, of_chain : Tensor, shape=(n_frames, 3, n_residues)
        Mean of each residue, and of its chain, which is overwritten.
    squares : Tensor, shape=(n_frames, n_residues)
        Sum of the squares of its atoms.
    """
    table = means.new_empty(len(means), len(ResidueSquares._fields), means.shape[-1])
    found = ResidueSquares(*table.unbind(1))
    _square(means, found.mean)
    torch.addcmul(squares, found.mean, at.size.to(means), value=-1, out=found.inside).clamp_(min=0)
    _square(torch.sub(means, of_chain, out=of_chain), found.relative).mul_(at.moves)
    _square(means[..., 1:] - means[..., :-1], found.neighbor[:, :-1]).mul_(at.pairs)
    found.neighbor[:, -1] = 0
    return table


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
    shares : Tensor, shape=(n_squares, 1)
        One over what each of `MeanSquares` is a mean over, and over the coordinates.
    points : Tensor, shape=(n_centers, 1)
        One over the square of the number of points of each of `CenterSquares`, and over the coordinates.
    """

    order: Tensor | None
    chain: Tensor
    size: Tensor
    moves: Tensor
    starts: np.ndarray
    pairs: Tensor
    chain_totals: Tensor
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
    counts = MeanSquares(
        residue=n_residues,
        chain=n_chains,
        relative=n_moving,
        neighbor=n_residues - n_chains,
        of_chains=n_atoms,
        of_residues=n_atoms,
        of_atoms=n_atoms,
        means_inside=n_moving,
        chains_inside=n_inside,
        residues_inside=n_inside,
        atoms_inside=n_inside,
    )
    points = CenterSquares(atoms=n_atoms, residues=n_residues, chains=n_chains)
    is_sorted = torch.equal(order, torch.arange(len(order), device=device))
    return _Weights(
        order=None if is_sorted else order,
        chain=chain,
        size=size.float(),
        moves=moves.float(),
        starts=(per_chain.cumsum(0) - per_chain).cpu().numpy(),
        pairs=(chain[1:] == chain[:-1]).float(),
        chain_totals=chain_totals,
        shares=1 / (3 * torch.tensor(counts, dtype=wide, device=device)[:, None]),
        points=1 / (3 * torch.tensor(points, dtype=wide, device=device).square()[:, None]),
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
