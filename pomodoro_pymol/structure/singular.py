"""Singular value decompositions of 3x3 matrices into proper rotations, many at once, without waiting for a device.

Of N = U diag(s) V^T one pair of singular vectors stands apart: the first, or the last. Its right vector v is
the eigenvector of N^T N whose eigenvalue is a root of the cubic that is never double, so that the closed form
has it to rounding: the null vector of N^T N - root, the longest product of two rows. Its left vector u is along N v,
or, of the last pair, perpendicular to N k for all k perpendicular to v. Rotations that take the first axis to u and
to v leave one number and a 2x2 block, whose decomposition is closed:

    s1 + s2 = |z1|, s1 - s2 = |z2| with z1 = e + h + i (g - f) and z2 = e - h + i (g + f)

of the block e f / g h, and the angles of its bases are half the sum and half the difference of theirs. What is dropped
is rounding of the largest singular value, as in LAPACK.
"""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from math import sqrt

import torch
from torch import Tensor

# On the CPU so few matrices are quicker one by one.
_FEW = 200
# What stands for zero in a divisor, and for a zero length, of which the square is taken.
_TINY, _SHORT = 1e-300, 1e-150


def proper_svd(matrices: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the singular value decomposition of (..., 3, 3) matrices into proper rotations.

    What is not finite gives numbers that are not.

    Parameters
    ----------
    matrices : Tensor, shape=(..., 3, 3), float64

    Returns
    -------
    u, s, vh : Tensor, shape=(..., 3, 3), (..., 3), (..., 3, 3)
        ``u @ diag(s) @ vh``. Both bases are right-handed, and the smallest singular value has the sign that
        Umeyama gives it.
    """
    if matrices.device.type == "cpu" and matrices.numel() <= 9 * _FEW:
        with suppress(torch.linalg.LinAlgError):  # of what is not finite
            return _one_by_one(matrices)
    scale = torch.linalg.vector_norm(matrices, float("inf"), (-1, -2), keepdim=True)
    n = (matrices / scale.clamp(min=_TINY)).reshape(-1, 3, 3)
    v, is_first = _apart(n.mT @ n)
    right = _half_turn(v)
    images = n @ right
    of_last = torch.linalg.cross(images[..., 1], images[..., 2])
    u = torch.where(is_first[:, None], images[..., 0], of_last)
    u[:, 0] += _SHORT  # of the zero matrix
    size = torch.linalg.vector_norm(u, dim=-1, keepdim=True).copysign(u[:, :1])
    left = _half_turn(u / size)
    left[..., ::2] *= size.sign()[..., None]
    core = left.mT @ images
    of_block, of_angles, of_values = _mixtures(core.device)
    real, imaginary = (core[:, 1:, 1:].reshape(-1, 4) @ of_block).split(2, -1)
    angles = torch.atan2(imaginary, real) @ of_angles
    cos, sin = angles.cos(), angles.sin()
    bases = torch.stack([left, right], 1)
    bases[..., 1:] = bases[..., 1:] @ torch.stack([cos, -sin, sin, cos], -1).view(-1, 2, 2, 2)
    values = torch.cat([core[:, 0, :1], torch.hypot(real, imaginary)], -1) @ of_values
    found = torch.cat([bases.view(-1, 6, 3), values[:, None]], 1)
    found = torch.where(is_first[:, None, None], found, found.roll(-1, -1))
    u, v = found[:, :3].reshape(matrices.shape), found[:, 3:6].reshape(matrices.shape)
    return u, found[:, 6].view(matrices.shape[:-1]) * scale[..., 0], v.mT


def _apart(squares: Tensor) -> tuple[Tensor, Tensor]:
    """Return the eigenvector of the root that stands apart, its first coordinate not negative, and whether it is first.

    Parameters
    ----------
    squares : Tensor, shape=(n, 3, 3)
        Symmetric, not negative; overwritten.
    """
    diagonal = squares.diagonal(dim1=-2, dim2=-1)
    diagonal.sub_(diagonal.mean(-1, keepdim=True))
    squares /= torch.linalg.vector_norm(squares, dim=(-1, -2), keepdim=True).clamp(min=_TINY)
    # Roots are sqrt(2 / 3) cos(phi / 3) and so on with cos(phi) = sqrt(54) det.
    det = (torch.linalg.cross(squares[:, 0], squares[:, 1]) * squares[:, 2]).sum(-1, keepdim=True)
    third = (sqrt(54) * det.abs()).clamp(max=1).acos() / 3
    diagonal.sub_((sqrt(2 / 3) * third.cos()).copysign(det))
    normals = torch.linalg.cross(squares, squares.roll(-1, -2))
    sizes = torch.linalg.vector_norm(normals, dim=-1)
    size, longest = sizes.max(-1, keepdim=True)
    normal = normals.gather(1, longest[..., None].expand(-1, 1, 3))[:, 0]
    return normal / size.copysign(normal[:, :1]), det[:, 0] >= 0


def _half_turn(axes: Tensor) -> Tensor:
    """Return the rotations by 180 degrees that exchange the first axis and unit vectors, shape=(n, 3).

    The first coordinate of each must not be negative.
    """
    middle = axes.clone()
    middle[:, 0] += 1
    return torch.addcmul(_minus(axes.device), middle[:, :, None], (middle / middle[:, :1])[:, None])


@lru_cache(maxsize=4)
def _minus(device: torch.device) -> Tensor:
    """Return the inversion through the origin."""
    return -torch.eye(3, dtype=torch.float64).to(device)


@lru_cache(maxsize=4)
def _mixtures(device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return what is made of a block e, f, g, h: half the parts of z1, z2; of their angles; of a number and lengths."""
    block = torch.tensor([[1.0, 1, 0, 0], [0, 0, -1, 1], [0, 0, 1, 1], [1, -1, 0, 0]], dtype=torch.float64) / 2
    angles = torch.tensor([[1.0, -1], [1, 1]], dtype=torch.float64) / 2
    values = torch.tensor([[1.0, 0, 0], [0, 1, 1], [0, 1, -1]], dtype=torch.float64)
    return block.to(device), angles.to(device), values.to(device)


def _one_by_one(matrices: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Do as `proper_svd` does, by LAPACK."""
    u, s, vh = torch.linalg.svd(matrices)
    left = torch.linalg.cross(u[..., 0], u[..., 1])
    right = torch.linalg.cross(vh[..., 0, :], vh[..., 1, :])
    sign = (left * u[..., 2]).sum(-1) * (right * vh[..., 2, :]).sum(-1)
    u[..., 2], vh[..., 2, :] = left, right
    return u, torch.cat([s[..., :2], (s[..., 2] * sign.sign())[..., None]], -1), vh
