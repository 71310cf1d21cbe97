"""How much the mean squares of one draw vary: closed forms.

A mean square of hierarchical noise is a quadratic form of normal numbers. With ``V`` the
covariance of the residue means and ``A`` the form, its mean is 3 tr(AV) and its variance
6 tr((AV)**2), the 3 being the coordinates; the atoms about their residue mean are independent of
all means. ``V`` is ``c`` between the residues of a chain, and ``r + a/n`` more on its diagonal,
with n atoms in the residue. The project's own; the tests hold it against dense matrices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..structure.hierarchy import Hierarchy
from .levels import MeanSquares


@dataclass(frozen=True)
class Variances:
    """Variances of the mean squares of one frame over their squared means, arrays of equal shape.

    Attributes
    ----------
    residue, chain, relative, neighbor : ndarray
        Of the fields of `MeanSquares` of these names.
    chains, alone, residues : ndarray
        Of the parts of all atoms: of chains of more than one residue, of residues that are a
        chain of their own, of residues in chains.
    atoms, atoms_alone : ndarray
        Of the atoms in residues, in both kinds of chains.
    weighting, weighting_relative : ndarray
        Of the mean square of residue means, and of them relative to their chain, over the
        same with each residue weighing as its atoms; of chains of more than one residue.
    ratio, ratio_relative : ndarray
        Of the squares of these fields of `Levels`.
    """

    residue: np.ndarray
    chain: np.ndarray
    relative: np.ndarray
    neighbor: np.ndarray
    chains: np.ndarray
    alone: np.ndarray
    residues: np.ndarray
    atoms: np.ndarray
    atoms_alone: np.ndarray
    weighting: np.ndarray
    weighting_relative: np.ndarray
    ratio: np.ndarray
    ratio_relative: np.ndarray


class Layout:
    """Sizes of a hierarchy, its residues chain by chain.

    Attributes
    ----------
    n : ndarray, shape=(n_residues,)
        Atoms of each residue.
    chain : ndarray, shape=(n_chains,)
        Atoms of each chain.
    per_chain : ndarray, shape=(n_chains,)
        Residues of each chain.
    moves : ndarray, shape=(n_residues,)
        Whether a residue is not a chain of its own.
    """

    def __init__(self, hierarchy: Hierarchy) -> None:
        order = hierarchy.chain_by_chain.numpy()
        self.n = hierarchy.atoms_per_residue.numpy()[order].astype(float)
        self.chain = hierarchy.atoms_per_chain.numpy().astype(float)
        self.per_chain = hierarchy.residues_per_chain.numpy()
        self.starts = np.cumsum(self.per_chain) - self.per_chain
        self.moves = self.spread(self.per_chain) > 1

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Sum over the residues of each chain, ``(..., n_residues)`` to ``(..., n_chains)``."""
        return np.add.reduceat(values, self.starts, axis=-1)

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Give each residue the value of its chain."""
        return np.repeat(values, self.per_chain, axis=-1)


def components(layout: Layout, squares: MeanSquares) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the chain, residue and atom variances that give the measured parts; none below zero."""
    n_atoms, n_residues, n_chains = layout.n.sum(), len(layout.n), len(layout.chain)
    shared = (layout.sum(layout.n**2) / layout.chain).sum()
    a = squares.of_atoms * over(n_atoms, n_atoms - n_residues)
    r = np.maximum(squares.of_residues * n_atoms - a * (n_residues - n_chains), 0) * over(1, n_atoms - shared)
    c = np.maximum(squares.of_chains - (r * shared + a * n_chains) / n_atoms, 0)
    return c, r, a


class _Means:
    """Residue means under noise of the variances c, r and a, and traces of forms of them.

    Relative to its chain a mean has the covariance D - D p 1' - 1 p' D + 1 (p' D p) 1', with D the
    diagonal of d = r + a / n, and p = n / (atoms of the chain).

    Attributes
    ----------
    layout : Layout
    c : ndarray, shape=(..., 1)
    d : ndarray, shape=(..., n_residues)
        Variance of a mean, but for what its chain shares.
    g : ndarray, shape=(..., n_residues)
        d p.
    s : ndarray, shape=(..., n_chains)
        p' D p, the variance of a chain's mean, but for c.
    """

    def __init__(self, layout: Layout, c: np.ndarray, r: np.ndarray, a: np.ndarray) -> None:
        self.layout, self.c = layout, c
        p = layout.n / layout.spread(layout.chain)
        self.d = r + a / layout.n
        self.g = self.d * p
        self.s = layout.sum(p * self.g)

    def about(self, weights: np.ndarray) -> np.ndarray:
        """Trace of the form sum of weights * (mean relative to its chain)**2, shape=(..., 1)."""
        return (weights * (self.d + self.layout.spread(self.s) - 2 * self.g)).sum(-1, keepdims=True)

    def about2(self, weights: np.ndarray) -> np.ndarray:
        """Trace of the square of the same."""
        d, g, s = self.d, self.g, self.s
        w0, w1, w2 = (self.layout.sum(weights * power) for power in (np.ones_like(g), g, g * g))
        pairs = (s * w0) ** 2 + 2 * w2 * w0 - 4 * s * w1 * w0 + 2 * w1**2
        return pairs.sum(-1) + (weights**2 * d * (d + 2 * self.layout.spread(s) - 4 * g)).sum(-1)

    def whole(self, weights: np.ndarray) -> np.ndarray:
        """Trace of the form sum of weights * mean**2, shape=(..., 1)."""
        return (weights * (self.c + self.d)).sum(-1, keepdims=True)

    def whole2(self, weights: np.ndarray) -> np.ndarray:
        """Trace of the square of the same."""
        c, d, total = self.c, self.d, self.layout.sum
        return ((c * total(weights)) ** 2 + 2 * c * total(weights**2 * d) + total((weights * d) ** 2)).sum(-1)

    def of_chains(self, chosen: np.ndarray) -> np.ndarray:
        """Relative variance of the mean square of some chains, weighing as their atoms."""
        traces = np.where(chosen, self.layout.chain * (self.c + self.s), 0)
        return over((traces**2).sum(-1), traces.sum(-1) ** 2)

    def neighbor(self) -> np.ndarray:
        """Relative variance of the mean square of the differences of neighbours."""
        d, chain_of = self.d, self.layout.spread(np.arange(len(self.layout.chain)))
        first = np.flatnonzero(chain_of[:-1] == chain_of[1:])
        pairs = d[..., first] + d[..., first + 1]
        middle = np.intersect1d(first, first + 1)
        return over((pairs**2).sum(-1) + 2 * (d[..., middle] ** 2).sum(-1), pairs.sum(-1) ** 2)

    def both(self, weights: np.ndarray, in_longer: np.ndarray, in_alone: np.ndarray) -> np.ndarray:
        """Weights that give the mean squares of both kinds of chains what is measured."""
        moves = self.layout.moves
        scales = (
            over(part, self.whole(np.where(kind, weights, 0))[..., 0])[..., None]
            for part, kind in ((in_longer, moves), (in_alone, ~moves))
        )
        return weights * np.where(moves, *scales)


def variances(layout: Layout, squares: MeanSquares) -> Variances:
    """Return the variances under the noise whose `components` the measured squares have."""
    n, moves = layout.n, layout.moves
    of = _Means(layout, *(part[..., None] for part in components(layout, squares)))
    about, whole = of.about, of.whole
    one, mass = moves.astype(float), np.where(moves, n, 0)
    atoms, atoms_alone = ((n[chosen] - 1).sum() for chosen in (moves, ~moves))
    # Of residue means and of atoms, how much is measured in chains of more than one residue.
    atom = squares.of_chains + squares.of_residues + squares.of_atoms
    in_means = over(np.nan_to_num(squares.means_inside) * moves.mean(), squares.residue)
    in_atoms = over(np.nan_to_num(squares.chains_inside + squares.residues_inside) * mass.sum() / n.sum(), atom)
    share = over(squares.of_atoms, atom)
    inside = over(squares.atoms_inside, squares.residues_inside + squares.atoms_inside)
    means = of.both(np.ones_like(n), in_means, 1 - in_means)
    ratio = means - of.both(n, in_atoms, 1 - share - in_atoms)
    relative = over(one, about(one)) - over(mass, about(mass)) * (1 - inside)[..., None]
    of_all_atoms, of_atoms, of_alone = (
        over(1.0, number) + 0 * share for number in (atoms + atoms_alone, atoms, atoms_alone)
    )
    of_chain = of.c + of.s
    traces = Variances(
        residue=of.whole2(means),
        chain=over((of_chain**2).sum(-1), of_chain.sum(-1) ** 2),
        relative=over(of.about2(one), about(one)[..., 0] ** 2),
        neighbor=of.neighbor(),
        chains=of.of_chains(layout.per_chain > 1),
        alone=of.of_chains(layout.per_chain == 1),
        residues=over(of.about2(mass), about(mass)[..., 0] ** 2),
        atoms=of_atoms,
        atoms_alone=of_alone,
        weighting=of.whole2(over(one, whole(one)) - over(mass, whole(mass))),
        weighting_relative=of.about2(over(one, about(one)) - over(mass, about(mass))),
        ratio=of.whole2(ratio) + share**2 * of_all_atoms,
        ratio_relative=of.about2(relative) + inside**2 * of_atoms,
    )
    return Variances(**{name: 2 / 3 * np.maximum(value, 0) for name, value in vars(traces).items()})


def over(top: np.ndarray | float, bottom: np.ndarray | float) -> np.ndarray:
    """Divide; zero by what is not positive."""
    top, bottom = np.asarray(top, float), np.asarray(bottom, float)
    return np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1), 0.0)
