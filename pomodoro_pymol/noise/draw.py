"""Hierarchical Gaussian noise: chain, residue and atom parts, one generator per frame.

    eps_i = sigma / sqrt(W) * (sqrt(w_c) eta_c[chain(i)] + sqrt(w_r) eta_r[residue(i)] + sqrt(w_a) eta_a[i])

with W = w_c + w_r + w_a and eta standard normal per coordinate. Frame k depends on
(seed, k) alone: not on how many frames are asked for, nor on blocks or threads. The
draw is of unit sigma, and its three parts do not depend on the weights, so z, sigma
and the weights scale the same random numbers.

Frames are stored coordinate by coordinate, ``(n_frames, 3, n_atoms)``, and handed out
as ``(n_frames, n_atoms, 3)`` views: normal draws, sums over residues and trajectory
files all run over contiguous memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import sqrt

import numpy as np
import torch
from torch import Tensor

from ..errors import PomodoroError
from ..structure.hierarchy import Hierarchy
from .weights import FLAT, LevelWeights

_WEYL = 0x9E3779B9  # odd, so that the frames of one seed never share a 32-bit generator seed


def frame_generator(seed: int, frame: int, device: torch.device | str = "cpu") -> torch.Generator:
    """Return the generator of frame ``frame`` (0, 1, ...) of a run with ``seed``.

    The CPU generator keeps 32 bits of its seed, so they are spread by an odd stride: no
    two of the first 2**32 frames of a seed coincide. Two seeds may share a run of frames,
    by a chance of about n_frames / 2**31.
    """
    start = _spread(seed)
    return torch.Generator(device).manual_seed((start + _WEYL * frame) & 0xFFFFFFFF)


@lru_cache(maxsize=16)
def _spread(seed: int) -> int:
    return int(np.random.SeedSequence(seed).generate_state(1)[0])


def draw_unit_noise(out: Tensor, hierarchy: Hierarchy, weights: LevelWeights, generator: torch.Generator) -> Tensor:
    """Fill ``out`` with one frame of hierarchical noise of unit sigma.

    Parameters
    ----------
    out : Tensor, shape=(3, n_atoms)
        Overwritten and returned; its dtype and device are those of the draw.
    hierarchy : Hierarchy
        On the same device.
    weights : LevelWeights
    generator : torch.Generator
        On the same device.
    """
    chains = out.new_empty(3, hierarchy.n_chains).normal_(generator=generator)
    residues = out.new_empty(3, hierarchy.n_residues).normal_(generator=generator)
    if weights.atom:
        out.normal_(generator=generator)
    return mix_levels(out, chains, residues, out, hierarchy, weights)


def mix_levels(
    out: Tensor, chains: Tensor, residues: Tensor, atoms: Tensor, hierarchy: Hierarchy, weights: LevelWeights
) -> Tensor:
    """Fill ``out`` with the standard normals of the levels, each weighted by the root of its share.

    Parameters
    ----------
    out, atoms : Tensor, shape=(3, n_atoms)
        May be the same memory.
    chains : Tensor, shape=(3, n_chains)
    residues : Tensor, shape=(3, n_residues)
    hierarchy : Hierarchy
    weights : LevelWeights
    """
    chain, residue, atom = (sqrt(share) for share in weights.shares)
    shared = (chains * chain).index_select(1, hierarchy.residue_to_chain).add_(residues, alpha=residue)
    if not atom:
        return torch.index_select(shared, 1, hierarchy.atom_to_residue, out=out)
    return torch.mul(atoms, atom, out=out).add_(shared.index_select(1, hierarchy.atom_to_residue))


def add_noise(
    coords: Tensor | np.ndarray,
    hierarchy: Hierarchy,
    sigma: float | Tensor | np.ndarray | Sequence[float],
    weights: LevelWeights | None = None,
    *,
    n_frames: int | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Return noised copies of ``coords``.

    Parameters
    ----------
    coords : Tensor or ndarray, shape=(n_atoms, 3)
        Positions in angstrom.
    hierarchy : Hierarchy
        Of the same atoms.
    sigma : float or array, shape=(n_frames,)
        Standard deviation of every atom per coordinate, in angstrom: one for all frames, or
        one for each, as in a batch of training.
    weights : LevelWeights, optional
        None is flat noise: every atom on its own.
    n_frames : int, optional
        How many frames, by default as many as ``sigma`` has, 1 for a single one; frame k is
        the same however many are asked for.
    seed : int
        Not negative.
    device, dtype
        Where and in which precision to draw. The CPU numbers are the reference;
        other devices and float64 draw their own.

    Returns
    -------
    Tensor, shape=(n_frames, n_atoms, 3)

    Raises
    ------
    PomodoroError
        If ``coords`` does not fit the hierarchy or is not finite, or sigma is
        negative or not finite or has not one value per frame, or seed is negative, or
        n_frames is less than 1.
    """
    if isinstance(coords, np.ndarray):
        coords = coords.copy()  # torch warns of arrays that it may not write to
    coords = torch.as_tensor(coords, dtype=dtype, device=device)
    if coords.shape != (hierarchy.n_atoms, 3):
        raise PomodoroError(f"coords must have shape ({hierarchy.n_atoms}, 3), not {tuple(coords.shape)}")
    if not coords.isfinite().all():
        raise PomodoroError("coords are not all finite")
    sigmas = _sigmas(sigma, n_frames)
    if seed < 0:
        raise PomodoroError(f"seed must not be negative, not {seed}")
    hierarchy = hierarchy.to(device)
    frames = torch.empty(len(sigmas), 3, hierarchy.n_atoms, dtype=dtype, device=device)
    for frame, out in enumerate(frames):
        draw_unit_noise(out, hierarchy, weights or FLAT, frame_generator(seed, frame, device))
        torch.add(coords.T, out, alpha=sigmas[frame], out=out)
    return frames.transpose(1, 2)


def _sigmas(sigma: float | Tensor | np.ndarray | Sequence[float], n_frames: int | None) -> list[float]:
    """Return the sigma of each frame."""
    try:
        values = np.asarray(sigma.detach().cpu() if isinstance(sigma, Tensor) else sigma, dtype=np.float64)
    except (TypeError, ValueError):
        raise PomodoroError(f"sigma must be a number or one per frame, in angstrom, not {sigma!r}") from None
    if n_frames is None:
        n_frames = values.size if values.ndim else 1
    if n_frames < 1:
        raise PomodoroError(f"n_frames must be at least 1, not {n_frames}")
    if values.shape not in ((), (n_frames,)):
        wanted = f"of shape ({n_frames},), one per frame"
        raise PomodoroError(f"sigma must be a single number or {wanted}, not of shape {values.shape}")
    if not ((values >= 0) & np.isfinite(values)).all():
        raise PomodoroError(f"sigma must be finite and not negative, in angstrom, not {sigma}")
    return np.broadcast_to(values, (n_frames,)).tolist()
