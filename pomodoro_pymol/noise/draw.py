"""Hierarchical Gaussian noise: chain, residue and atom parts, drawn by groups of frames.

    eps_i = sigma / sqrt(W) * (sqrt(w_c) eta_c[chain(i)] + sqrt(w_r) eta_r[residue(i)] + sqrt(w_a) eta_a[i])

with W = w_c + w_r + w_a and eta standard normal per coordinate. The draw is of unit sigma,
and its three parts do not depend on the weights, so z, sigma and the weights scale the same
random numbers.

Each group of frames has a generator of its own, from (seed, group). On the CPU a group is one
frame; on other devices, where a call costs as much as millions of numbers, it is as many frames
as hold some four million, which is a matter of the number of atoms alone. A group that is touched
is drawn whole. So frame k depends on the seed, k, the number of atoms and the device alone: not on
how many frames are asked for, nor on blocks or threads.

Frames are stored coordinate by coordinate, ``(n_frames, 3, n_atoms)``, and handed out
as ``(n_frames, n_atoms, 3)`` views: normal draws, sums over residues and trajectory
files all run over contiguous memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from math import sqrt

import numpy as np
import torch
from torch import Tensor

from ..errors import PomodoroError
from ..structure.hierarchy import Hierarchy
from .weights import FLAT, LevelWeights

#: What a group of frames holds on devices other than the CPU, about.
GROUP_NORMALS = 4_000_000

# What is worked on together, so that calls take little of the time: numbers, on the CPU, where threads wait for each
# other's calls; groups elsewhere.
_NUMBERS, _GROUPS = 1 << 20, 4

_WEYL = 0x9E3779B9  # odd, so that the groups of one seed never share a 32-bit generator seed


def is_batched(device: torch.device | str) -> bool:
    """Tell whether groups are of more than a frame there: where a call costs as much as many numbers."""
    return torch.device(device).type != "cpu"


def frames_per_group(n_atoms: int, device: torch.device | str = "cpu") -> int:
    """Return how many frames of so many atoms are drawn together, from one generator."""
    return max(1, GROUP_NORMALS // (3 * n_atoms)) if is_batched(device) else 1


def frames_together(n_atoms: int, device: torch.device | str = "cpu") -> int:
    """Return how many frames of so many atoms are best worked on together: elsewhere than on the CPU, a few groups."""
    if is_batched(device):
        return _GROUPS * frames_per_group(n_atoms, device)
    return max(1, _NUMBERS // (3 * n_atoms))


def frame_generator(seed: int, group: int, device: torch.device | str = "cpu") -> torch.Generator:
    """Return the generator of group ``group`` (0, 1, ...) of the frames of a run with ``seed``.

    The CPU generator keeps 32 bits of its seed, so they are spread by an odd stride: no
    two of the first 2**32 groups of a seed coincide. Two seeds may share a run of groups,
    by a chance of about n_groups / 2**31.
    """
    start = _spread(seed)
    return torch.Generator(device).manual_seed((start + _WEYL * group) & 0xFFFFFFFF)


@lru_cache(maxsize=16)
def _spread(seed: int) -> int:
    return int(np.random.SeedSequence(seed).generate_state(1)[0])


class Normals:
    """Standard normals of numbered frames, or samples; each call gives the next ones of each.

    Parameters
    ----------
    seed : int
    frames : sequence of int
        Ascending, from 0.
    n_atoms : int
        Of a frame: it tells the groups.
    device, dtype
    """

    def __init__(
        self,
        seed: int,
        frames: Sequence[int],
        n_atoms: int,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.n_frames, self.device, self.dtype = len(frames), device, dtype
        self.size = frames_per_group(n_atoms, device)
        self._parts: list[_Part] = []
        for group, members in groupby(enumerate(frames), lambda member: member[1] // self.size):
            places, numbers = zip(*members)
            rows = [number - group * self.size for number in numbers]
            index: slice | Tensor = slice(rows[0], rows[-1] + 1)
            if rows != list(range(rows[0], rows[-1] + 1)):
                index = torch.tensor(rows, device=device)
            generator = frame_generator(seed, group, device)
            self._parts.append(_Part(slice(places[0], places[-1] + 1), index, len(rows) == self.size, generator))

    def fill(self, out: Tensor) -> Tensor:
        """Overwrite ``out``, shape=(n_frames, ...), contiguous, on any device, and return it."""
        for part in self._parts:
            here = out[part.places]
            if part.whole and out.device.type == torch.device(self.device).type:
                here.normal_(generator=part.generator)
            else:
                group = torch.empty(self.size, *out.shape[1:], dtype=out.dtype, device=self.device)
                here.copy_(group.normal_(generator=part.generator)[part.rows])
        return out

    def draw(self, *shape: int) -> Tensor:
        """Return new ones, shape=(n_frames, *shape)."""
        return self.fill(torch.empty(self.n_frames, *shape, dtype=self.dtype, device=self.device))


@dataclass(frozen=True, eq=False)
class _Part:
    """The frames that are of one group: their places among those asked for, and their rows in the group."""

    places: slice
    rows: slice | Tensor
    whole: bool
    generator: torch.Generator


def draw_unit_noise(out: Tensor, hierarchy: Hierarchy, weights: LevelWeights, normals: Normals) -> Tensor:
    """Fill ``out`` with frames of hierarchical noise of unit sigma.

    Parameters
    ----------
    out : Tensor, shape=(n_frames, 3, n_atoms)
        Contiguous; overwritten and returned.
    hierarchy : Hierarchy
        On the same device.
    weights : LevelWeights
    normals : Normals
        Of these frames: those of the chains come first, then of the residues, then of the atoms,
        which are left out where they weigh nothing.
    """
    chains, residues = normals.draw(3, hierarchy.n_chains), normals.draw(3, hierarchy.n_residues)
    if weights.atom:
        normals.fill(out)
    return mix_levels(out, chains, residues, out, hierarchy, weights)


def mix_levels(
    out: Tensor, chains: Tensor, residues: Tensor, atoms: Tensor, hierarchy: Hierarchy, weights: LevelWeights
) -> Tensor:
    """Fill ``out`` with the standard normals of the levels, each weighted by the root of its share.

    Parameters
    ----------
    out, atoms : Tensor, shape=(..., 3, n_atoms)
        May be the same memory. ``out`` is contiguous.
    chains : Tensor, shape=(..., 3, n_chains)
    residues : Tensor, shape=(..., 3, n_residues)
    hierarchy : Hierarchy
    weights : LevelWeights
    """
    chain, residue, atom = (sqrt(share) for share in weights.shares)
    rows = out.view(-1, out.shape[-1])  # torch is slow on more than two axes
    shared = (chains * chain).reshape(-1, hierarchy.n_chains).index_select(1, hierarchy.residue_to_chain)
    shared.add_(residues.reshape(-1, hierarchy.n_residues), alpha=residue)
    if not atom:
        torch.index_select(shared, 1, hierarchy.atom_to_residue, out=rows)
    else:
        torch.mul(atoms.reshape(rows.shape), atom, out=rows).add_(shared.index_select(1, hierarchy.atom_to_residue))
    return out


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
    size = frames_together(hierarchy.n_atoms, device)
    for start in range(0, len(frames), size):
        out = frames[start : start + size]
        some = range(start, start + len(out))
        draw_unit_noise(out, hierarchy, weights or FLAT, Normals(seed, some, hierarchy.n_atoms, device, dtype))
        if np.ndim(sigma) == 0:
            torch.add(coords.T, out, alpha=sigmas[0], out=out)
        elif is_batched(device):
            out.mul_(torch.tensor(sigmas[start : start + size], dtype=dtype, device=device)[:, None, None])
            out.add_(coords.T)
        else:
            for frame, noise in zip(some, out):
                torch.add(coords.T, noise, alpha=sigmas[frame], out=noise)
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
