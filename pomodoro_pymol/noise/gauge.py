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
from ..structure.hierarchy import Hierarchy
from .covariance import NestedCovariance
from .expected import expected_levels
from .sigma import AF3_LAW, LawOfSigma
from .weights import LevelWeights

# Of a share, what rounding leaves; and of the largest arm, what is no arm.
_ROUNDING, _NO_ARM = 1e-13, 1e-12
# Of the largest singular value: smaller ones are no rotation, as about the line of collinear atoms.
_NO_ROTATION = 1e-7


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
    hierarchy = hierarchy.to("cpu")
    arms = torch.as_tensor(coords).detach().cpu().double()
    if arms.shape != (hierarchy.n_atoms, 3) or not arms.isfinite().all():
        raise PomodoroError(f"coords must be finite, of shape ({hierarchy.n_atoms}, 3)")
    arms = arms - arms[0]
    size = arms.abs().max()
    if size > 0:
        arms = arms / size
    arms = arms - arms.mean(0)
    noise = NestedCovariance.of_noise(hierarchy, weights)
    in_chains = arms - hierarchy.broadcast(hierarchy.pool(arms, "chain"), "chain")
    translation = float(noise.product(torch.ones_like(arms))[:, 0].sum()) / hierarchy.n_atoms**2
    rotation, turning = _rotation_share(arms, noise), _rotation_share(in_chains, noise)
    chain = float(expected_levels(hierarchy, weights).chain_share)
    between = _share(chain + turning - translation - rotation)
    return Gauge(translation, rotation, between, _share(1 - translation - rotation - between))


def _share(value: float) -> float:
    return value if value > _ROUNDING else 0.0


def _rotation_share(arms: Tensor, noise: NestedCovariance) -> float:
    """Share of the variance along the rotations of ``arms``, which are at most of size 1."""
    turns = torch.stack([torch.linalg.cross(axis.expand_as(arms), arms) for axis in torch.eye(3).double()])
    basis, sizes, _ = torch.linalg.svd(turns.flatten(1).T, full_matrices=False)
    rank = int((sizes > max(_NO_ROTATION * float(sizes[0]), _NO_ARM * len(arms) ** 0.5)).sum())
    along = basis.T[:rank].reshape(rank, len(arms), 3)
    return float((along * noise.product(along)).sum()) / arms.numel() if rank else 0.0
