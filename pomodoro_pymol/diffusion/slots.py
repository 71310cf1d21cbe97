"""Atoms in slots: each residue has as many slots as the largest, of which its atoms fill the first ones.

A network that reads residues as tokens works on coordinates of shape
(..., n_residues, n_slots, 3), 0 where a slot is empty. Which atoms the slots of a residue hold
depends on its *kind*. In an ensemble each residue is a kind of its own; in fragments of many
structures the kind is the type of the residue, so that fragments differ in their kinds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..structure.hierarchy import Hierarchy


@dataclass(frozen=True, eq=False)
class Slots:
    """Which slots are atoms, of which residues and chains.

    Attributes
    ----------
    kinds : Tensor, shape=(n_residues,) or (..., n_items, n_residues), dtype=int64
        Kind of each residue; the second shape where each item of a data set has residues of its own.
    present : Tensor, shape=(*kinds.shape, n_slots), dtype=bool
        Which slots hold an atom; every residue has at least one.
    chain_of : Tensor, shape=(n_residues,), dtype=int64
        Chain of each residue, the same in all items.
    """

    kinds: Tensor
    present: Tensor
    chain_of: Tensor

    @property
    def n_residues(self) -> int:
        """Residues of each item."""
        return self.present.shape[-2]

    @property
    def n_slots(self) -> int:
        """Slots of each residue."""
        return self.present.shape[-1]

    @cached_property
    def n_chains(self) -> int:
        """Chains of each item."""
        return int(self.chain_of.max()) + 1

    @property
    def is_shared(self) -> bool:
        """Whether all items have the same atoms."""
        return self.kinds.ndim == 1

    @cached_property
    def sizes(self) -> Tensor:
        """Atoms of each residue, shape=(..., n_residues), float32."""
        return self.present.sum(-1).float()

    @cached_property
    def n_atoms(self) -> Tensor:
        """Atoms of each item, shape=(...,), float32."""
        return self.sizes.sum(-1)

    @cached_property
    def in_chain(self) -> Tensor:
        """The part of a chain's atoms that each residue has, 0 in other chains, shape=(..., n_chains, n_residues)."""
        member = torch.nn.functional.one_hot(self.chain_of, self.n_chains).T.to(self.sizes)
        weighted = member * self.sizes[..., None, :]
        return weighted / weighted.sum(-1, keepdim=True)

    def take(self, items: Tensor | Sequence[int]) -> Slots:
        """Return the slots of some items, by their numbers."""
        return self if self.is_shared else Slots(self.kinds[items], self.present[items], self.chain_of)

    def to(self, device: torch.device | str) -> Slots:
        """Return the same on a device."""
        return Slots(self.kinds.to(device), self.present.to(device), self.chain_of.to(device))

    def split(self, coords: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Take coordinates apart: chain means, residue means about them, atoms about those.

        Parameters
        ----------
        coords : Tensor, shape=(..., n_residues, n_slots, 3)
            0 where a slot is empty.

        Returns
        -------
        chain, residue, atom : Tensor
            Shapes (..., n_chains, 3), (..., n_residues, 3) and (..., n_residues, n_slots, 3), as of
            `hierarchy.split_levels`; 0 in empty slots.
        """
        residue = coords.sum(-2) / self.sizes.to(coords)[..., None]
        atom = (coords - residue[..., None, :]) * self.present[..., None]
        chain = self.in_chain.to(coords) @ residue
        return chain, residue - chain.index_select(-2, self.chain_of), atom

    def join(self, chain: Tensor, residue: Tensor, atom: Tensor) -> Tensor:
        """Put the parts of `split` together, shape=(..., n_residues, n_slots, 3)."""
        shared = residue + chain.index_select(-2, self.chain_of)
        return (atom + shared[..., None, :]) * self.present[..., None]

    def level_squares(self, coords: Tensor) -> Tensor:
        """Return the mean square of each level's part over atoms and coordinates, shape=(..., 3); they sum to all."""
        chain, residue, atom = self.split(coords)
        sizes = self.sizes.to(coords)
        of_chain = chain.square().sum(-1).index_select(-1, self.chain_of)
        levels = (of_chain * sizes, residue.square().sum(-1) * sizes, atom.square().sum((-1, -2)))
        return torch.stack([level.sum(-1) for level in levels], -1) / (3 * self.n_atoms.to(coords)[..., None])


class Seating:
    """The places in slots of the atoms of a structure, whose residues are each of a kind of their own.

    Parameters
    ----------
    hierarchy : Hierarchy

    Attributes
    ----------
    slots : Slots
    """

    def __init__(self, hierarchy: Hierarchy) -> None:
        row = hierarchy.atom_to_residue
        order = torch.argsort(row, stable=True)
        starts = torch.cumsum(hierarchy.atoms_per_residue, 0) - hierarchy.atoms_per_residue
        slot = torch.empty_like(row)
        slot[order] = torch.arange(len(row), device=row.device) - starts[row[order]]
        present = torch.zeros(hierarchy.n_residues, int(slot.max()) + 1, dtype=torch.bool, device=row.device)
        present[row, slot] = True
        kinds = torch.arange(hierarchy.n_residues, device=row.device)
        self.slots = Slots(kinds, present, hierarchy.residue_to_chain)
        self._place = row * self.slots.n_slots + slot

    def spread(self, coords: Tensor) -> Tensor:
        """Lay atoms into their slots: (..., n_atoms, 3) to (..., n_residues, n_slots, 3)."""
        sizes = self.slots.n_residues, self.slots.n_slots
        flat = coords.new_zeros(*coords.shape[:-2], sizes[0] * sizes[1], 3)
        return flat.index_copy(-2, self._place, coords).unflatten(-2, sizes)

    def gather(self, coords: Tensor) -> Tensor:
        """Take atoms out of their slots: the inverse of `spread`."""
        return coords.flatten(-3, -2).index_select(-2, self._place)
