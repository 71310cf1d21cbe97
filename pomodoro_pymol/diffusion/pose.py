"""What is known of an unknown rotation: the matrix Fisher distribution, exact for any concentration.

Where x is R y under Gaussian noise of precision P and R is uniform, p(R | x) is proportional to
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
