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

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import lru_cache
from math import sqrt
from threading import Barrier, BrokenBarrierError
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from .errors import PomodoroError
from .hierarchy import Hierarchy
from .weights import FLAT, LevelWeights

_BLOCK_BYTES = 16 << 20
_MAX_THREADS = 4
_WEYL = 0x9E3779B9  # odd, so that the frames of one seed never share a 32-bit generator seed

T = TypeVar("T")


def resolve_device(name: str = "auto") -> torch.device:
    """Return the torch device called ``name``; ``auto`` prefers cuda, then mps, then cpu.

    Raises
    ------
    PomodoroError
        If the device is unknown or absent on this machine.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, here in present.items() if here)
    if not present.get(name, False):
        here = ", ".join(device for device, here in present.items() if here)
        raise PomodoroError(f"device {name} is not available here: use device=auto or one of: {here}")
    return torch.device(name)


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
    sigma: float,
    weights: LevelWeights | None = None,
    *,
    n_frames: int = 1,
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
    sigma : float
        Standard deviation of every atom per coordinate, in angstrom.
    weights : LevelWeights, optional
        None is flat noise: every atom on its own.
    n_frames : int
        How many frames; frame k is the same however many are asked for.
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
        negative or not finite, or seed is negative, or n_frames is less than 1.
    """
    if isinstance(coords, np.ndarray):
        coords = coords.copy()  # torch warns of arrays that it may not write to
    coords = torch.as_tensor(coords, dtype=dtype, device=device)
    if coords.shape != (hierarchy.n_atoms, 3):
        raise PomodoroError(f"coords must have shape ({hierarchy.n_atoms}, 3), not {tuple(coords.shape)}")
    if not coords.isfinite().all():
        raise PomodoroError("coords are not all finite")
    if not (0 <= sigma < float("inf")):
        raise PomodoroError(f"sigma must be finite and not negative, in angstrom, not {sigma}")
    if seed < 0:
        raise PomodoroError(f"seed must not be negative, not {seed}")
    if n_frames < 1:
        raise PomodoroError(f"n_frames must be at least 1, not {n_frames}")
    hierarchy = hierarchy.to(device)
    frames = torch.empty(n_frames, 3, hierarchy.n_atoms, dtype=dtype, device=device)
    for frame, out in enumerate(frames):
        draw_unit_noise(out, hierarchy, weights or FLAT, frame_generator(seed, frame, device))
        torch.add(coords.T, out, alpha=sigma, out=out)
    return frames.transpose(1, 2)


def stream_frames(
    make: Callable[[int, Tensor], T],
    n_frames: int,
    n_atoms: int,
    device: torch.device | str = "cpu",
    *,
    start: int = 0,
    block_bytes: int | None = None,
) -> Iterator[tuple[Tensor, list[T]]]:
    """Make frames block by block, the next block in threads while this one is used.

    Parameters
    ----------
    make : callable
        ``make(frame, out)`` fills ``out``, shape=(3, n_atoms) float32 on ``device``, and
        returns what else is to be kept of the frame.
    n_frames, n_atoms : int
    device
    start : int
        First frame to make.
    block_bytes : int
        Memory of one block, which holds at least one frame; by default some megabytes.

    Yields
    ------
    frames : Tensor, shape=(n_block, n_atoms, 3)
        On the CPU. Its memory is used again two blocks later.
    kept : list
        What ``make`` returned, in frame order.
    """
    device = torch.device(device)
    size, count = _blocks(n_frames - start, n_atoms, _BLOCK_BYTES if block_bytes is None else block_bytes)
    buffers = [torch.empty(size, 3, n_atoms, device=device) for _ in range(count)]
    with _frame_threads(device) as pool:

        def begin(first: int) -> tuple[Tensor, list]:
            block = buffers[(first - start) // size % 2][: n_frames - first]
            return block, [pool.submit(make, first + i, out) for i, out in enumerate(block)]

        ahead = begin(start)
        for first in range(start, n_frames, size):
            block, futures = ahead
            kept = [future.result() for future in futures]
            if first + size < n_frames:
                ahead = begin(first + size)
            yield block.cpu().transpose(1, 2), kept


def block_bytes(n_atoms: int, n_frames: int) -> int:
    """Return the memory of the blocks in which `stream_frames` makes so many frames."""
    size, count = _blocks(n_frames, n_atoms, _BLOCK_BYTES)
    return 12 * n_atoms * size * count


def _blocks(n_frames: int, n_atoms: int, block_bytes: int) -> tuple[int, int]:
    """Return the frames in a block, and how many blocks are held at a time."""
    size = min(n_frames, max(1, block_bytes // (12 * n_atoms)))
    return size, min(2, -(-n_frames // size))


@contextmanager
def _frame_threads(device: torch.device) -> Iterator[ThreadPoolExecutor]:
    """Yield threads that each make whole frames, without OpenMP teams of their own.

    Setting a thread's number of OpenMP threads also sets that of threads yet to start, so
    the number is set back once every worker has its own.
    """
    wanted = torch.get_num_threads()
    count = min(_MAX_THREADS, wanted) if device.type == "cpu" else 1
    ready = Barrier(count + 1)

    def begin() -> None:
        torch.set_num_threads(1)
        torch.get_num_threads()  # makes the number this thread's own
        with suppress(BrokenBarrierError):  # given up: what follows finds no work
            ready.wait()

    pool = ThreadPoolExecutor(count, initializer=begin)
    try:
        try:
            for _ in range(count):
                pool.submit(int)
            ready.wait()
        except BaseException:
            ready.abort()  # a thread did not start: the others must not wait for it
            raise
        torch.set_num_threads(wanted)
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
