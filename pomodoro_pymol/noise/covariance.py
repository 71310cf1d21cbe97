"""Covariances that nest like the hierarchy, in time and memory of order n_atoms.

    Sigma = a I + b Z_r Z_r^T + c Z_c Z_c^T

for each coordinate, with Z_r and Z_c the memberships of atoms in residues and chains:
the covariance of hierarchical noise, and of Gaussian priors of the same form. With
n_r atoms in residue r, g_r = 1 / (a + b n_r) and y the residue part alone solved,

    Sigma^-1 x = y - c / (1 + c sum_r n_r g_r) g_r sum_j y_j

by Woodbury's identity, once per residue and once per chain. The project's own
derivation; the tests hold it against dense linear algebra.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import PomodoroError
from ..structure.hierarchy import Hierarchy, group_sum, take_groups
from .weights import LevelWeights


@dataclass(frozen=True, eq=False)
class NestedCovariance:
    """The covariance of each coordinate of the atoms; coordinates are independent.

    All vectors are ``(..., n_atoms, 3)``, float32 or float64, on the device of the
    hierarchy; results keep their dtype.

    Parameters
    ----------
    hierarchy : Hierarchy
    chain, residue : float
        Variances c and b that the atoms of a chain and of a residue share, square angstrom.
    atom : float or Tensor, shape=(n_residues,)
        Variance a of each atom alone, square angstrom; one number per residue where it differs.
    least : float, optional
        Not more than the smallest of ``atom``, and positive, where this is known: to look for it waits for a device.

    Raises
    ------
    PomodoroError
        If a variance is negative or not finite, or all are zero.
    """

    hierarchy: Hierarchy
    chain: float
    residue: float
    atom: float | Tensor
    least: float = math.nan

    def __post_init__(self) -> None:
        most = self.least
        if math.isnan(most):
            atom = torch.as_tensor(self.atom)
            object.__setattr__(self, "least", float(atom.min()))
            most = float(atom.max())
        total = self.chain + self.residue + most
        if not (min(self.chain, self.residue, self.least) >= 0 and 0 < total < float("inf")):
            raise PomodoroError("variances must be finite, not negative, and not all zero")

    @classmethod
    def of_noise(cls, hierarchy: Hierarchy, weights: LevelWeights, sigma: float = 1.0) -> NestedCovariance:
        """Return the covariance of hierarchical noise, ``sigma`` in angstrom."""
        chain, residue, atom = (sigma**2 * share for share in weights.shares)
        return cls(hierarchy, chain, residue, atom)

    def scaled(self, factor: float) -> NestedCovariance:
        """Return the covariance times ``factor``."""
        least = factor * self.least or math.nan
        return NestedCovariance(self.hierarchy, factor * self.chain, factor * self.residue, factor * self.atom, least)

    def plus(self, other: NestedCovariance) -> NestedCovariance:
        """Return the sum with another covariance of the same hierarchy."""
        chain, residue = self.chain + other.chain, self.residue + other.residue
        atom, least = self.atom + other.atom, self.least + other.least
        return NestedCovariance(self.hierarchy, chain, residue, atom, least or math.nan)

    def of_residues(self) -> NestedCovariance:
        """Return the covariance of the residue means, on a hierarchy with one atom per residue."""
        hierarchy = self.hierarchy
        each = torch.arange(hierarchy.n_residues, device=hierarchy.residue_to_chain.device)
        alone = self.residue + self._atom() / self._sizes()
        return NestedCovariance(Hierarchy(each, hierarchy.residue_to_chain), self.chain, 0.0, alone)

    def of_chains(self) -> NestedCovariance:
        """Return the covariance of the chain means, on a hierarchy with one atom per chain."""
        hierarchy = self.hierarchy
        each = torch.arange(hierarchy.n_chains, device=hierarchy.residue_to_chain.device)
        size, n_atoms = self._sizes(), hierarchy.atoms_per_chain.double()
        sums = group_sum(size * (self._atom() + self.residue * size), hierarchy.residue_to_chain, hierarchy.n_chains)
        return NestedCovariance(Hierarchy(each, each), 0.0, 0.0, self.chain + sums / n_atoms.square())

    def product(self, x: Tensor) -> Tensor:
        """Return ``Sigma x``."""
        rows, hierarchy = x.transpose(-1, -2), self.hierarchy
        sums = group_sum(rows, hierarchy.atom_to_residue, hierarchy.n_residues)
        in_chain = group_sum(sums, hierarchy.residue_to_chain, hierarchy.n_chains)
        shared = self.residue * sums + take_groups(self.chain * in_chain, hierarchy.residue_to_chain)
        return (rows * self._on_atoms(self._atom(), x) + take_groups(shared, hierarchy.atom_to_residue)).mT

    def solve(self, x: Tensor) -> Tensor:
        """Return ``Sigma^-1 x``.

        Raises
        ------
        PomodoroError
            If the atoms of a residue move as one body: the covariance is singular.
        """
        self._check_regular()
        rows, hierarchy = x.transpose(-1, -2), self.hierarchy
        atom, g = self._atom(), self._g()
        y = rows / self._on_atoms(atom, x)
        if self.residue:
            sums = group_sum(rows, hierarchy.atom_to_residue, hierarchy.n_residues)
            y = y - take_groups(sums * (self.residue * g / atom).to(x), hierarchy.atom_to_residue)
        if self.chain:
            in_chain = group_sum(y, hierarchy.atom_to_chain, hierarchy.n_chains)
            factor = self.chain / (1 + self.chain * self._chain_sums(g))
            shared = take_groups(in_chain * factor.to(x), hierarchy.residue_to_chain) * g.to(x)
            y = y - take_groups(shared, hierarchy.atom_to_residue)
        return y.mT

    def solve_ones(self) -> Tensor:
        """Return ``Sigma^-1 1``, shape=(n_atoms,), float64: g_r / (1 + c sum_r n_r g_r).

        Raises
        ------
        PomodoroError
            If the covariance is singular.
        """
        self._check_regular()
        g, of = self._g(), self.hierarchy.residue_to_chain
        return (g / (1 + self.chain * self._chain_sums(g))[of]).index_select(0, self.hierarchy.atom_to_residue)

    def root(self, x: Tensor) -> Tensor:
        """Return ``L x`` of a square root, ``L L^T = Sigma``: white noise becomes noise of this covariance.

        ``L = B^1/2 (I + k u u^T)`` per chain, with B = a I + b Z_r Z_r^T, whose root is
        symmetric, u_i = sqrt(g_r) and k = (sqrt(1 + c |u|^2) - 1) / |u|^2. Singular
        covariances have such a root too. L itself is not symmetric, unless c = 0.
        """
        rows, hierarchy = x.transpose(-1, -2), self.hierarchy
        atom, size = self._atom(), self._sizes()
        inside = atom + self.residue * size
        if not bool((inside > 0).all()):  # rigid chains: of the shared part alone the root is symmetric
            in_chain = group_sum(rows, hierarchy.atom_to_chain, hierarchy.n_chains)
            factor = (self.chain / hierarchy.atoms_per_chain.double()).sqrt()
            return take_groups(in_chain * factor.to(x), hierarchy.atom_to_chain).mT
        if self.chain:
            u = inside.rsqrt()
            norm = self._chain_sums(1 / inside)
            k = ((1 + self.chain * norm).sqrt() - 1) / norm
            sums = group_sum(rows, hierarchy.atom_to_residue, hierarchy.n_residues) * u.to(x)
            in_chain = group_sum(sums, hierarchy.residue_to_chain, hierarchy.n_chains) * k.to(x)
            shared = take_groups(in_chain, hierarchy.residue_to_chain) * u.to(x)
            rows = rows + take_groups(shared, hierarchy.atom_to_residue)
        sums = group_sum(rows, hierarchy.atom_to_residue, hierarchy.n_residues)
        shared = sums * ((inside.sqrt() - atom.sqrt()) / size).to(x)
        return (rows * self._on_atoms(atom.sqrt(), x) + take_groups(shared, hierarchy.atom_to_residue)).mT

    def logdet(self) -> float:
        """Return the logarithm of the determinant, of one coordinate.

        Raises
        ------
        PomodoroError
            If the covariance is singular.
        """
        self._check_regular()
        atom, g = self._atom(), self._g()
        inside = (self._sizes() - 1) * atom.log() - g.log()
        return float(inside.sum() + torch.log1p(self.chain * self._chain_sums(g)).sum())

    def _sizes(self) -> Tensor:
        """Atoms per residue, float64: whole numbers times a variance would be float32."""
        return self.hierarchy.atoms_per_residue.double()

    def _atom(self) -> Tensor:
        """Variance of each atom alone, per residue, float64."""
        sizes = self._sizes()
        if isinstance(self.atom, Tensor):
            return self.atom.to(sizes).expand(sizes.shape)
        return torch.full_like(sizes, self.atom)

    def _g(self) -> Tensor:
        return 1 / (self._atom() + self.residue * self._sizes())

    def _chain_sums(self, g: Tensor) -> Tensor:
        """Sum of n_r g_r over the residues of each chain."""
        return group_sum(self._sizes() * g, self.hierarchy.residue_to_chain, self.hierarchy.n_chains)

    def _on_atoms(self, values: Tensor, like: Tensor) -> Tensor:
        return values.to(like).index_select(0, self.hierarchy.atom_to_residue)

    def _check_regular(self) -> None:
        if not self.least > 0:
            raise PomodoroError(
                "with wa=0 the atoms of a residue move as one body and their covariance is singular: "
                "give wa a positive value"
            )
