"""Poses: how samples are turned and moved, and what is known of a rotation that is not known.

The latter is the matrix Fisher distribution, exact for any concentration. Where x is R y under
Gaussian noise of precision P and R is uniform, p(R | x) is proportional to
exp(tr(R^T M)), with M = sum_i (P x)_i y_i^T = U diag(s) V^T, U and V rotations, s1 >= s2 >= |s3|.
Its normaliser c(s) and its mean U diag(d log c / ds) V^T are one integral, with a = (s2 - s3) / 2,
b = (s2 + s3) / 2 and w = 1 - u,

    c(s) = e^(s1 + s2 + s3) 1/2 int_0^2 i0(a w) i0(b (2 - w)) e^(-(s1 + s3) w) dw

where i0(z) = e^-z I_0(z): T. Lee, IEEE Trans. Automat. Contr. 63 (2018) 3377, theorem 2.1, scaled so
that nothing overflows. The integrand falls with w, at least as fast as e^(-(s1 + s3) w / 2).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from ..structure.singular import proper_svd

# Gauss-Legendre nodes in (w / end)^(1/4), which are dense where the integrand bends, near 0: where s1 + s3 is small
# against s2 - s3 it does so far below the end. Beyond the end it is less than e^-40 of what it is at 0.
_NODES, _POWER, _REACH = 48, 4, 80.0


@dataclass(frozen=True, eq=False)
class Pose:
    """A rotation, then a shift, of each sample.

    Attributes
    ----------
    rotation : Tensor, shape=(n_samples, 3, 3)
    shift : Tensor, shape=(n_samples, 1, 3)
        Angstrom.
    """

    rotation: Tensor
    shift: Tensor

    @classmethod
    def of_start(cls, x: Tensor) -> Pose:
        """Return that of samples, shape=(n_samples, n_atoms, 3), which nothing has turned or moved."""
        unturned = torch.eye(3, dtype=x.dtype, device=x.device).expand(len(x), 3, 3)
        return cls(unturned, x.new_zeros(len(x), 1, 3))

    def applied(self, coords: Tensor) -> Tensor:
        """Return coordinates, shape=(n_samples, n_atoms, 3), in this pose: ``coords @ rotation.mT + shift``."""
        return torch.baddbmm(self.shift.mT, self.rotation, coords.mT).mT

    def taken_back(self, coords: Tensor) -> Tensor:
        """Return coordinates as they were before they were brought into this pose."""
        return (coords - self.shift) @ self.rotation

    def then(self, other: Pose, *, centred: bool = False) -> Pose:
        """Return this pose and another after it; with samples centred in between, which takes this shift away."""
        shift = other.shift if centred else torch.baddbmm(other.shift, self.shift, other.rotation.mT)
        return Pose(other.rotation @ self.rotation, shift)


def rotations_of(quaternions: Tensor) -> Tensor:
    """Return the rotations of quaternions of any length; of normal ones they are uniform (Shoemake 1992).

    Parameters
    ----------
    quaternions : Tensor, shape=(n, 4)

    Returns
    -------
    Tensor, shape=(n, 3, 3)
    """
    q = quaternions / quaternions.norm(dim=1, keepdim=True)
    products = (q[:, :, None] * q[:, None]).view(-1, 16)
    identity, factors = _quaternion_map(q.dtype, q.device)
    return (products @ factors).add_(identity).view(-1, 3, 3)


# What products of the parts w, x, y, z of a quaternion stand twice in each entry of its rotation, with their signs.
_PRODUCTS = ("-yy -zz", "+xy -wz", "+xz +wy", "+xy +wz", "-xx -zz", "+yz -wx", "+xz -wy", "+yz +wx", "-xx -yy")


@lru_cache(maxsize=4)
def _quaternion_map(dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the entries of the identity, shape=(9,), and the factors of all products, shape=(16, 9)."""
    factors = torch.zeros(4, 4, 9, dtype=dtype)
    for entry, terms in enumerate(_PRODUCTS):
        for term in terms.split():
            one, other = map("wxyz".index, term[1:])
            factors[one, other, entry] = float(f"{term[0]}2")
    return torch.eye(3, dtype=dtype).flatten().to(device), factors.view(16, 9).to(device)


@dataclass(frozen=True, eq=False)
class RotationPosterior:
    """Of each matrix of moments, float64.

    Attributes
    ----------
    mean : Tensor, shape=(..., 3, 3)
        Mean rotation, which is a rotation only where it is sure: its singular values are at most 1.
    peak : Tensor, shape=(...)
        tr(R^T M) of the best rotation, s1 + s2 + s3.
    spread : Tensor, shape=(...)
        log c - peak, at most 0.
    """

    mean: Tensor
    peak: Tensor
    spread: Tensor


def rotation_posterior(moments: Tensor) -> RotationPosterior:
    """Return mean and normaliser of p(R) proportional to exp(tr(R^T M)) over uniform rotations.

    Good to 1e-12 in log c and in the mean; to 1e-6 where M is all but a reflection, s3 near -s2 and
    s1, of a million and more.

    Parameters
    ----------
    moments : Tensor, shape=(..., 3, 3), float64
        M, whose rows are those of the turned coordinates.
    """
    u, s, vh = proper_svd(moments)
    s1, s2, s3 = s.unbind(-1)
    mean, spread = _fisher(s1, s2, s3)
    return RotationPosterior((u * mean[..., None, :]) @ vh, s.sum(-1), spread)


def _fisher(s1: Tensor, s2: Tensor, s3: Tensor) -> tuple[Tensor, Tensor]:
    """Return d log c / ds, shape=(..., 3), and log c - (s1 + s2 + s3)."""
    nodes, shares = _quadrature(s1.device)
    ab = torch.stack([s2 - s3, s2 + s3], -1).clamp(min=0)[..., None] / 2
    fall = (s1 + s3).clamp(min=0)[..., None]
    end = (_REACH / fall).clamp(max=2)
    w = end * nodes
    wv = torch.stack([w, 2 - w], -2)
    z = ab * wv
    bessel = torch.special.i0e(z)
    density = (w * -fall).exp_().mul_(bessel[..., 0, :]).mul_(bessel[..., 1, :]).mul_(shares)[..., None]
    total = density.sum(-2)
    slopes = torch.special.i1e(z).div_(bessel).mul_(wv)
    of_a, of_b = (slopes @ density / total[..., None] / 2)[..., 0].unbind(-1)
    of_fall = (w[..., None, :] @ density)[..., 0, 0] / total[..., 0]
    return torch.stack([1 - of_fall, of_b + of_a, of_b - of_a], -1), (total * end / 2).log()[..., 0]


@lru_cache(maxsize=4)
def _quadrature(device: torch.device) -> tuple[Tensor, Tensor]:
    """Return nodes in (0, 1) and what each counts, shape=(n_nodes,), float64."""
    at, weight = np.polynomial.legendre.leggauss(_NODES)
    root = (at + 1) / 2
    nodes, shares = root**_POWER, weight / 2 * _POWER * root ** (_POWER - 1)
    return torch.from_numpy(nodes).to(device), torch.from_numpy(shares).to(device)
