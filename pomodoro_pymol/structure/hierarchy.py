"""Which atom belongs to which residue, and which residue to which chain.

Shapes used in the whole library: coordinates and displacements are
``(n_atoms, 3)``, frames of them ``(n_frames, n_atoms, 3)``; a value per residue or
chain takes the place of the atom axis.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from ..errors import PomodoroError
from ..utils.text import counted
from .atoms import Structure, numbered

# From so many atoms on a sparse product for each row is quicker than adding up all rows together.
_LONG_ROW = 8192


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """Nested index maps atom -> residue -> chain.

    Parameters
    ----------
    atom_to_residue : Tensor, shape=(n_atoms,), dtype=int64
        Residue index of each atom; every residue 0 .. n_residues-1 occurs.
    residue_to_chain : Tensor, shape=(n_residues,), dtype=int64
        Chain index of each residue; every chain 0 .. n_chains-1 occurs.

    Raises
    ------
    PomodoroError
        If a map is empty, or an index is missing or out of range.
    """

    atom_to_residue: Tensor
    residue_to_chain: Tensor

    def __post_init__(self) -> None:
        _check_map(self.atom_to_residue, len(self.residue_to_chain), "atom", "residue")
        n_chains = int(self.residue_to_chain.max()) + 1
        _check_map(self.residue_to_chain, n_chains, "residue", "chain")

    @classmethod
    def from_labels(cls, residues: Iterable[Hashable], chains: Iterable[Hashable]) -> Hierarchy:
        """Build from one residue label and one chain label per atom.

        Equal labels are one group, numbered in order of first appearance.

        Raises
        ------
        PomodoroError
            If the lengths differ, or the atoms of one residue lie in several chains.
        """
        plain = (of.tolist() if isinstance(of, (Tensor, np.ndarray)) else of for of in (residues, chains))
        atom_to_residue, atom_to_chain = (numbered(labels)[0] for labels in plain)
        if len(atom_to_residue) != len(atom_to_chain):
            raise PomodoroError(
                f"{len(atom_to_residue)} residue labels but {len(atom_to_chain)} chain labels: each atom needs both"
            )
        if not len(atom_to_residue):
            raise PomodoroError("a hierarchy needs at least one atom")
        residue_to_chain = np.empty(atom_to_residue.max() + 1, dtype=np.int64)
        residue_to_chain[atom_to_residue] = atom_to_chain
        torn = np.flatnonzero(residue_to_chain[atom_to_residue] != atom_to_chain)
        if len(torn):
            raise PomodoroError(
                f"residue {atom_to_residue[torn[0]]} has atoms in two chains: residues must nest in chains"
            )
        return cls(torch.from_numpy(atom_to_residue), torch.from_numpy(residue_to_chain))

    @classmethod
    def from_structure(cls, structure: Structure) -> Hierarchy:
        """Group atoms as ``structure.grouping`` says."""
        row_to_residue, residue_to_chain = structure.grouping
        labels = cls.from_labels(row_to_residue, residue_to_chain[row_to_residue])
        row_of_atom = torch.from_numpy(structure.residue_of_atom)
        return cls(labels.atom_to_residue[row_of_atom], labels.residue_to_chain)

    @classmethod
    def from_membership(cls, atom_residue: Tensor, residue_chain: Tensor) -> Hierarchy:
        """Build from membership matrices.

        Parameters
        ----------
        atom_residue : Tensor or array, shape=(n_atoms, n_residues)
            1 where the atom belongs to the residue, else 0.
        residue_chain : Tensor or array, shape=(n_residues, n_chains)
            1 where the residue belongs to the chain, else 0.

        Raises
        ------
        PomodoroError
            If the shapes do not chain, an entry is neither 0 nor 1, a row has not
            exactly one 1, or a column has none.
        """
        matrices = torch.as_tensor(atom_residue), torch.as_tensor(residue_chain)
        if any(matrix.ndim != 2 for matrix in matrices) or matrices[0].shape[1] != matrices[1].shape[0]:
            raise PomodoroError(
                "membership matrices must be (n_atoms, n_residues) and (n_residues, n_chains), "
                f"not {tuple(matrices[0].shape)} and {tuple(matrices[1].shape)}"
            )
        for matrix, member in zip(matrices, ("atom", "residue")):
            if not ((matrix == 0) | (matrix == 1)).all() or not (matrix.sum(1) == 1).all():
                raise PomodoroError(f"each {member} must belong to exactly one group: one 1 per row, 0 elsewhere")
            if matrix.shape[0] == 0 or not matrix.any(0).all():
                raise PomodoroError("a membership matrix has an empty group: every column needs a 1")
        return cls(matrices[0].long().argmax(1), matrices[1].long().argmax(1))

    def __str__(self) -> str:
        """How many atoms, residues and chains, in words."""
        sizes = ((self.n_atoms, "atom"), (self.n_residues, "residue"), (self.n_chains, "chain"))
        return ", ".join(counted(*size) for size in sizes)

    @property
    def n_atoms(self) -> int:
        return len(self.atom_to_residue)

    @property
    def n_residues(self) -> int:
        return len(self.residue_to_chain)

    @cached_property
    def n_chains(self) -> int:
        return int(self.residue_to_chain.max()) + 1

    @cached_property
    def atom_to_chain(self) -> Tensor:
        """Chain index of each atom, shape=(n_atoms,)."""
        return self.residue_to_chain[self.atom_to_residue]

    @cached_property
    def atoms_per_residue(self) -> Tensor:
        """Number of atoms of each residue, shape=(n_residues,)."""
        return torch.bincount(self.atom_to_residue)

    @cached_property
    def atoms_per_chain(self) -> Tensor:
        """Number of atoms of each chain, shape=(n_chains,)."""
        return torch.bincount(self.atom_to_chain)

    @cached_property
    def residues_per_chain(self) -> Tensor:
        """Number of residues of each chain, shape=(n_chains,)."""
        return torch.bincount(self.residue_to_chain)

    @cached_property
    def is_alone(self) -> Tensor:
        """Whether each residue is a chain of its own, shape=(n_residues,)."""
        return self.residues_per_chain[self.residue_to_chain] == 1

    @cached_property
    def first_atoms(self) -> Tensor:
        """Index of the first atom of each residue, shape=(n_residues,)."""
        order = torch.arange(self.n_atoms, device=self.atom_to_residue.device)
        first = torch.full((self.n_residues,), self.n_atoms, device=order.device)
        return first.scatter_reduce_(0, self.atom_to_residue, order, "amin")

    @cached_property
    def chain_by_chain(self) -> Tensor:
        """Indices of the residues, one chain after the other, shape=(n_residues,)."""
        return torch.argsort(self.residue_to_chain, stable=True)

    @cached_property
    def neighbors(self) -> Tensor:
        """Residues that follow each other in a chain, shape=(2, n_pairs).

        In the order in which the residues stand; a gap in the chain does not part them.
        """
        order = self.chain_by_chain
        chain = self.residue_to_chain[order]
        same = chain[1:] == chain[:-1]
        return torch.stack([order[:-1][same], order[1:][same]])

    def to(self, device: torch.device | str) -> Hierarchy:
        """Return the same hierarchy with its maps on ``device``."""
        atom_to_residue = self.atom_to_residue.to(device)
        if atom_to_residue is self.atom_to_residue:
            return self
        return Hierarchy(atom_to_residue, self.residue_to_chain.to(device))

    def pool(self, values: Tensor, level: str = "residue") -> Tensor:
        """Average over the atoms of each residue or chain.

        Parameters
        ----------
        values : Tensor, shape=(..., n_atoms, 3)
        level : {"residue", "chain"}

        Returns
        -------
        Tensor, shape=(..., n_residues, 3) or (..., n_chains, 3)
        """
        index, counts = self._level(level)
        sums = group_sum(values.transpose(-1, -2), index, len(counts))
        return (sums / counts.to(values.dtype)).transpose(-1, -2)

    def broadcast(self, values: Tensor, level: str = "residue") -> Tensor:
        """Give every atom the value of its residue or chain.

        Parameters
        ----------
        values : Tensor, shape=(..., n_residues, 3) or (..., n_chains, 3)
        level : {"residue", "chain"}

        Returns
        -------
        Tensor, shape=(..., n_atoms, 3)
        """
        return take_groups(values.transpose(-1, -2), self._level(level)[0]).transpose(-1, -2)

    def sum_residues(self, rows: Tensor, out: Tensor) -> Tensor:
        """Sum over the atoms of each residue; gradients do not pass.

        On the CPU, long rows by a sparse product, which takes half as long as adding atom by atom.

        Parameters
        ----------
        rows : Tensor, shape=(n_rows, n_atoms)
        out : Tensor, shape=(n_rows, n_residues)
            Overwritten and returned.
        """
        if rows.device.type != "cpu" or self.n_atoms < _LONG_ROW:
            return out.zero_().index_add_(1, self.atom_to_residue, rows)
        for row, sums in zip(rows.numpy(), out.numpy()):
            sums[:] = self._residue_sum @ row
        return out

    @cached_property
    def _residue_sum(self) -> sparse.csr_array:
        """The sum over residues as a matrix, shape=(n_residues, n_atoms)."""
        atoms = np.argsort(self.atom_to_residue.numpy(), kind="stable").astype(np.int32)
        ends = np.cumsum(self.atoms_per_residue.numpy(), dtype=np.int32)
        ones = np.ones(self.n_atoms, np.float32)
        return sparse.csr_array((ones, atoms, np.append(np.int32(0), ends)), shape=(self.n_residues, self.n_atoms))

    def _level(self, level: str) -> tuple[Tensor, Tensor]:
        """Return the residue or chain of each atom, and how many atoms each has."""
        if level == "residue":
            return self.atom_to_residue, self.atoms_per_residue
        if level == "chain":
            return self.atom_to_chain, self.atoms_per_chain
        raise PomodoroError(f"level must be 'residue' or 'chain', not {level!r}")


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


def group_sum(values: Tensor, index: Tensor, n_groups: int) -> Tensor:
    """Sum over the last axis by group: ``(..., n)`` to ``(..., n_groups)``."""
    rows = values.reshape(-1, values.shape[-1])  # torch is slow on more than two axes
    return rows.new_zeros(len(rows), n_groups).index_add_(1, index, rows).view(*values.shape[:-1], n_groups)


def take_groups(values: Tensor, index: Tensor) -> Tensor:
    """Give each member the value of its group: ``(..., n_groups)`` to ``(..., n)``."""
    rows = values.reshape(-1, values.shape[-1])
    return rows.index_select(1, index).view(*values.shape[:-1], len(index))


def _check_map(index: Tensor, n_groups: int, member: str, group: str) -> None:
    """Refuse a map that is empty, or in which an index is missing or out of range."""
    if index.ndim != 1 or not len(index):
        raise PomodoroError(f"a hierarchy needs at least one {member} in a one-dimensional map")
    if int(index.min()) < 0 or int(index.max()) >= n_groups:
        raise PomodoroError(f"a {group} index lies outside 0 .. {n_groups - 1}")
    if not bool(torch.bincount(index, minlength=n_groups).all()):
        raise PomodoroError(f"a {group} has no {member}: every index 0 .. {n_groups - 1} must occur")
