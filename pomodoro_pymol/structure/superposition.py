"""Rigid superposition of frames on a target by weighted least squares.

Minimises sum_i w_i |R m_i + t - y_i|**2 over proper rotations R and shifts t: Kabsch,
Acta Cryst. A32 (1976) 922 and A34 (1978) 827, with the sign of the smallest singular
value chosen for det R = +1 as by Umeyama, IEEE Trans. PAMI 13 (1991) 376.

The target alone is centred: its product with the frames as they lie is the covariance,
and gives their means with it, so no centred copy of the frames is made. In float32 the
shift is good to about 2e-6 of the distance of a frame from the origin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import PomodoroError
from .singular import proper_svd

# Sums over more atoms than this are finished in float64.
_BLOCK_ATOMS = 8192


@dataclass(frozen=True, eq=False)
class Superposition:
    """Superposed frames and the motion that took them there.

    Attributes
    ----------
    coords : Tensor, shape=(..., n_atoms, 3)
        Angstrom; ``mobile @ rotation.mT + translation``. A transposed view of
        ``(..., 3, n_atoms)`` storage.
    rotation : Tensor, shape=(..., 3, 3)
        Proper rotations: determinant +1.
    translation : Tensor, shape=(..., 1, 3)
        Angstrom, after the rotation.
    """

    coords: Tensor
    rotation: Tensor
    translation: Tensor


@torch.no_grad()
def superpose(
    mobile: Tensor | np.ndarray,
    target: Tensor | np.ndarray,
    weights: Tensor | np.ndarray | None = None,
    *,
    checked: bool = True,
) -> Superposition:
    """Move each frame of ``mobile`` onto ``target`` as a rigid body.

    Fewer than three points are only shifted, weighted mean on weighted mean. Where the
    points are collinear or coincide, the best rotation is not unique; one of them is
    returned. Gradients do not pass.

    Parameters
    ----------
    mobile : Tensor or ndarray, shape=(..., n_atoms, 3)
        Angstrom. float64 is kept, all else is taken as float32.
    target : Tensor or ndarray, shape=(n_atoms, 3) or (..., n_atoms, 3)
        Angstrom. One for all frames, or leading axes that broadcast with those of ``mobile``.
    weights : Tensor or ndarray, shape=(n_atoms,), optional
        Not negative, not all zero; only their shares matter. None weighs all atoms alike.
    checked : bool
        False leaves out the look at whether numbers are finite, which waits for the device; what is not gives
        frames that are not.

    Returns
    -------
    Superposition

    Raises
    ------
    PomodoroError
        If the shapes do not fit, there is no atom, a coordinate or weight is not
        finite, or the weights are negative or all zero.
    """
    mobile, target = (points if isinstance(points, Tensor) else torch.as_tensor(points) for points in (mobile, target))
    dtype = torch.float64 if mobile.dtype == torch.float64 else torch.float32
    mobile, target = mobile.to(dtype), target.to(mobile.device, dtype)
    lead = _check_shapes(mobile, target)
    n_atoms = mobile.shape[-2]
    rows = mobile.expand(*lead, n_atoms, 3).reshape(-1, n_atoms, 3).transpose(1, 2)
    shares = _shares(weights, n_atoms, dtype, mobile.device)

    target_mean = shares @ target
    moments, left = _moments(rows, target - target_mean[..., None, :], shares, lead)
    if checked and not moments.isfinite().all():
        which = "target" if mobile.isfinite().all() else "mobile"
        raise PomodoroError(f"the {which} coordinates are not all finite, or too large for {dtype}")

    mean = moments[..., 3]
    rotation = best_rotation(moments[..., :3] - mean[:, :, None] * left[:, None, :], n_atoms)
    shift = _exact(target_mean).expand(*lead, 3).reshape(-1, 3) - (rotation @ mean[:, :, None])[..., 0]

    rotation = rotation.to(mobile.device, dtype)
    shift = shift.to(mobile.device, dtype)
    moved = torch.baddbmm(shift[:, :, None], rotation, rows, out=_empty(rows))
    return Superposition(
        moved.transpose(1, 2).reshape(*lead, n_atoms, 3), rotation.reshape(*lead, 3, 3), shift.reshape(*lead, 1, 3)
    )


def _moments(rows: Tensor, centred: Tensor, shares: Tensor, lead: torch.Size) -> tuple[Tensor, Tensor]:
    """Return weighted sums over the atoms in float64.

    Parameters
    ----------
    rows : Tensor, shape=(n_frames, 3, n_atoms)
        The frames.
    centred : Tensor, shape=(n_atoms, 3) or (..., n_atoms, 3)
        The target about its mean.
    shares : Tensor, shape=(n_atoms,)
        Weights that sum to 1.
    lead : torch.Size
        Leading axes of the frames and targets together.

    Returns
    -------
    moments : Tensor, shape=(n_frames, 3, 4)
        Of frames times target, and in the last column of frames alone: their means.
    left : Tensor, shape=(n_frames, 3)
        Mean of the centred target: what rounding has left of it.
    """
    n_atoms = rows.shape[-1]
    # Contiguous by column: the product then runs over contiguous memory on both sides.
    columns = (centred * shares[:, None]).mT
    left = _exact(columns.sum(-1)).expand(*lead, 3).reshape(-1, 3)
    columns = torch.cat([columns, shares.expand(*columns.shape[:-2], 1, n_atoms)], -2)
    columns = columns.expand(*lead, 4, n_atoms).reshape(-1, 4, n_atoms) if centred.ndim > 2 else columns[None]
    columns = columns.expand(len(rows), 4, n_atoms).mT
    blocks = zip(rows.split(_BLOCK_ATOMS, 2), columns.split(_BLOCK_ATOMS, 1))
    return torch.stack([_exact(torch.bmm(*block)) for block in blocks]).sum(0), left


def best_rotation(covariance: Tensor, n_atoms: int) -> Tensor:
    """Return the proper rotations of best fit, shape=(n_frames, 3, 3); the identity for fewer than three atoms.

    Parameters
    ----------
    covariance : Tensor, shape=(n_frames, 3, 3)
        Sums over the atoms of mobile (rows) times target (columns) coordinates.
    n_atoms : int
    """
    if n_atoms < 3:
        return torch.eye(3, dtype=covariance.dtype, device=covariance.device).expand_as(covariance)
    u, _, vh = proper_svd(covariance)
    return (u @ vh).mT


def _shares(weights: Tensor | np.ndarray | None, n_atoms: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the weights divided by their sum, which is taken in float64 on the CPU."""
    if weights is None:
        return torch.full((n_atoms,), 1 / n_atoms, dtype=dtype, device=device)
    weights = torch.as_tensor(weights).cpu().double()
    if weights.shape != (n_atoms,):
        raise PomodoroError(f"weights must have shape ({n_atoms},), not {tuple(weights.shape)}")
    total = weights.sum()
    if not total.isfinite() or bool((weights < 0).any()) or total == 0:
        raise PomodoroError("weights must be finite, not negative, and not all zero")
    return (weights / total).to(device, dtype)


def _exact(values: Tensor) -> Tensor:
    """Return values in float64, on the CPU where the device has none."""
    return (values.cpu() if values.device.type == "mps" else values).double()


def _check_shapes(mobile: Tensor, target: Tensor) -> torch.Size:
    """Return the leading axes of the result."""
    shapes = f"{tuple(mobile.shape)} and {tuple(target.shape)}"
    if mobile.ndim < 2 or target.ndim < 2 or mobile.shape[-2:] != target.shape[-2:] or mobile.shape[-1] != 3:
        raise PomodoroError(f"mobile and target must both be (..., n_atoms, 3) of the same atoms, not {shapes}")
    if not mobile.shape[-2]:
        raise PomodoroError("superposition needs at least one atom")
    try:
        return torch.broadcast_shapes(mobile.shape[:-2], target.shape[:-2])
    except RuntimeError:
        raise PomodoroError(f"the leading axes of mobile and target do not broadcast: {shapes}") from None


def _empty(rows: Tensor) -> Tensor:
    """Return uninitialised memory like ``rows``, shape=(n_frames, 3, n_atoms).

    On the CPU from NumPy, which asks for huge pages: page faults would cost more than
    the rotation.
    """
    if rows.device.type != "cpu":
        return rows.new_empty(rows.shape)
    return torch.from_numpy(np.empty(rows.shape, dtype=np.float64 if rows.dtype == torch.float64 else np.float32))
