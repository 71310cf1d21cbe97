"""How much of the noise no centred and aligned model can see: the gauge split of its variance.

Moving or turning the whole structure changes none of its distances. The variance of the
noise is split, per coordinate and over sigma**2, into

translation
    of the whole: ``1^T Sigma 1 / N**2``, for one chain its chain share.
rotation
    of the whole about its centroid, to first order in the noise: with Q_k an orthonormal basis
    of the infinitesimal rotations and Q_km its coordinates, ``sum_km Q_km^T Sigma Q_km / (3 N)``.
between
    The chains' own translations, less what of them is of the two above. With U the span of the
    translations of chains and P_U onto it, the rotations off U are those about the chains'
    centroids, and the span of all is their sum with U: two traces less the two above.
within
    The rest: what happens inside chains.

Alignment takes a part of each level's variance, too: `level_gauge`.

The project's own, in time and memory of order n_atoms; the tests hold it against dense
projections and superposed draws.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import PomodoroError
from ..structure.hierarchy import Hierarchy, group_sum
from .expected import expected_levels
from .sigma import AF3_LAW, LawOfSigma
from .weights import LevelWeights

# Of a share, what rounding leaves; and of the largest arm squared, what is no arm.
_ROUNDING, _NO_ARM = 1e-13, 1e-22
# Of the largest moment of inertia: smaller ones are no rotation, as about the line of collinear atoms.
_NO_ROTATION = 1e-13


@dataclass(frozen=True)
class Gauge:
    """Shares of the variance of the noise; they sum to one.

    Attributes
    ----------
    translation, rotation : float
        Of the structure as a whole: gauge, which centring and alignment remove.
    between : float
        Of chains relative to each other; 0 for one chain.
    within : float
        Inside chains.
    """

    translation: float
    rotation: float
    between: float
    within: float

    @property
    def internal(self) -> float:
        """The share that changes the structure, 1 - translation - rotation."""
        return self.between + self.within

    def z_shift(self, law: LawOfSigma = AF3_LAW) -> float:
        """Return z_internal - z: noise of sigma has internal noise as if of this lower z.

        ``ln(internal) / (2 p_std)``; minus infinity where nothing is internal.
        """
        return math.log(self.internal) / (2 * law.p_std) if self.internal else -math.inf


def gauge_split(coords: Tensor | np.ndarray, hierarchy: Hierarchy, weights: LevelWeights) -> Gauge:
    """Return the gauge split of noise of ``weights`` about ``coords``.

    One atom has no rotation, nor have atoms at one place; atoms on one line have two.

    Parameters
    ----------
    coords : Tensor or ndarray, shape=(n_atoms, 3)
        The true structure, in any unit; taken in float64.
    hierarchy : Hierarchy
    weights : LevelWeights

    Raises
    ------
    PomodoroError
        If ``coords`` does not fit the hierarchy or is not finite.
    """
    return GaugeMoments.of(coords, hierarchy).split(weights)


@dataclass(frozen=True, eq=False)
class GaugeMoments:
    """Moments of a structure from which the gauge split under any weights follows without another look at the atoms.

    Attributes
    ----------
    hierarchy : Hierarchy
    whole, chains : Tensor, shape=(3, 3, 3), dtype=float64
        Second moments ``X^T X`` of the atoms' places about the centroid, and about the means of
        their chains; then with the sums of residues, and of chains, in the place of atoms.
    """

    hierarchy: Hierarchy
    whole: Tensor
    chains: Tensor

    @classmethod
    def of(cls, coords: Tensor | np.ndarray, hierarchy: Hierarchy) -> GaugeMoments:
        """Return the moments of a structure; see `gauge_split`."""
        hierarchy = hierarchy.to("cpu")
        arms = _arms(coords, hierarchy)
        in_chains = arms - hierarchy.broadcast(hierarchy.pool(arms, "chain"), "chain")
        return cls(hierarchy, _moments(arms, hierarchy), _moments(in_chains, hierarchy))

    def split(self, weights: LevelWeights) -> Gauge:
        """Return the gauge split of noise of ``weights``."""
        n_atoms = self.hierarchy.n_atoms
        translation = translation_share(self.hierarchy, weights)
        rotation, turning = (_rotation_share(moments, weights, n_atoms) for moments in (self.whole, self.chains))
        chain = float(expected_levels(self.hierarchy, weights).chain_share)
        between = _share(chain + turning - translation - rotation)
        return Gauge(translation, rotation, between, _share(1 - translation - rotation - between))


def translation_share(hierarchy: Hierarchy, weights: LevelWeights) -> float:
    """Return the share of the variance that moves the structure as a whole, ``1^T Sigma 1 / N**2``."""
    c, r, a = weights.shares
    sizes = (hierarchy.atoms_per_residue, hierarchy.atoms_per_chain)
    in_residues, in_chains = (float(size.double().square().sum()) for size in sizes)
    return (a * hierarchy.n_atoms + r * in_residues + c * in_chains) / hierarchy.n_atoms**2


def level_gauge(coords: Tensor | np.ndarray, hierarchy: Hierarchy) -> Tensor:
    """Return what centring and aligning the whole takes of the variance of each level, of each weight.

    With P onto the translations and rotations of the whole, to first order in the noise, and Q
    onto a level, it is ``tr(Q Sigma) - tr(Q (1 - P) Sigma (1 - P))`` over all coordinates: linear
    in the weights. Over the levels it sums to translation and rotation of `gauge_split`.

    Parameters
    ----------
    coords : Tensor or ndarray, shape=(n_atoms, 3)
        The true structure, in any unit; taken in float64.
    hierarchy : Hierarchy

    Returns
    -------
    Tensor, shape=(3, 3), dtype=float64
        Row: all weight on chains, on residues, on atoms. Column: taken of the variance of
        chain, residue and atom level, means over atoms, of unit noise.

    Raises
    ------
    PomodoroError
        If ``coords`` does not fit the hierarchy or is not finite.
    """
    hierarchy = hierarchy.to("cpu")
    basis = _rigid_motions(_arms(coords, hierarchy))
    residues = group_sum(basis, hierarchy.atom_to_residue, hierarchy.n_residues)
    chains = group_sum(residues, hierarchy.residue_to_chain, hierarchy.n_chains)
    in_residue, in_chain = hierarchy.atoms_per_residue.double(), hierarchy.atoms_per_chain.double()

    def products(sums: Tensor, factors: Tensor) -> Tensor:
        """Return the products of any two motions, each group weighing by its factor, shape=(n_motions, n_motions)."""
        return torch.einsum("kxg,lxg,g->kl", sums, sums, factors)

    whole = torch.eye(len(basis), dtype=torch.float64)
    under = (products(chains, torch.ones_like(in_chain)), products(residues, torch.ones_like(in_residue)), whole)
    of_chains, of_residues = products(chains, 1 / in_chain), products(residues, 1 / in_residue)
    onto = (of_chains, of_residues - of_chains, whole - of_residues)
    # Of the product of each covariance with each level: what residues share has a mean in their chain.
    shared = torch.einsum("kxr,kxr,r->", residues, chains[..., hierarchy.residue_to_chain],
                          in_residue / in_chain[hierarchy.residue_to_chain])  # fmt: skip
    crossed = torch.zeros(3, 3, dtype=torch.float64)
    crossed[0, 0] = torch.trace(under[0])
    crossed[1, 0], crossed[1, 1] = shared, torch.trace(under[1]) - shared
    crossed[2] = torch.stack([torch.trace(part) for part in onto])
    both = torch.stack([torch.stack([(part * noise).sum() for part in onto]) for noise in under])
    return (2 * crossed - both) / (3 * hierarchy.n_atoms)


def _rigid_motions(arms: Tensor) -> Tensor:
    """Return an orthonormal basis of the translations and infinitesimal rotations, (n_motions, 3, n_atoms)."""
    shifts = torch.eye(3, dtype=arms.dtype)[:, :, None].expand(-1, -1, len(arms)) / len(arms) ** 0.5
    sizes, axes = torch.linalg.eigh(_of_turns(arms.T @ arms))
    turns = _are_turns(sizes, len(arms))
    moved = torch.linalg.cross(axes.T[turns][:, None, :], arms[None]) / sizes[turns].sqrt()[:, None, None]
    return torch.cat([shifts, moved.mT])


def _share(value: float) -> float:
    return value if value > _ROUNDING else 0.0


def _arms(coords: Tensor | np.ndarray, hierarchy: Hierarchy) -> Tensor:
    """Return the places of atoms about their centroid, scaled to be at most about 1."""
    arms = torch.as_tensor(coords).detach().cpu().double()
    if arms.shape != (hierarchy.n_atoms, 3) or not arms.isfinite().all():
        raise PomodoroError(f"coords must be finite, of shape ({hierarchy.n_atoms}, 3)")
    arms = arms - arms[0]
    size = arms.abs().max()
    if size > 0:
        arms = arms / size
    return arms - arms.mean(0)


def _moments(arms: Tensor, hierarchy: Hierarchy) -> Tensor:
    rows = arms.T.contiguous()
    residues = group_sum(rows, hierarchy.atom_to_residue, hierarchy.n_residues)
    chains = group_sum(residues, hierarchy.residue_to_chain, hierarchy.n_chains)
    return torch.stack([part @ part.T for part in (rows, residues, chains)])


def _rotation_share(moments: Tensor, weights: LevelWeights, n_atoms: int) -> float:
    """Share of the variance along the rotations of the places with these moments.

    A rotation about axis k moves x by e_k x x, so that with ``A = X^T Sigma X`` two of them have
    the product ``tr(A) delta_kl - A_kl`` under Sigma.
    """
    c, r, a = weights.shares
    sizes, axes = torch.linalg.eigh(_of_turns(moments[0]))
    noise = _of_turns(a * moments[0] + r * moments[1] + c * moments[2])
    turns = _are_turns(sizes, n_atoms)
    along = torch.einsum("ik,ij,jk->k", axes, noise, axes)
    return float((along[turns] / sizes[turns]).sum()) / (3 * n_atoms)


def _are_turns(sizes: Tensor, n_atoms: int) -> Tensor:
    return sizes > max(_NO_ROTATION * float(sizes[-1]), _NO_ARM * n_atoms)


def _of_turns(moments: Tensor) -> Tensor:
    return torch.trace(moments) * torch.eye(3, dtype=moments.dtype) - moments
