"""Frames made block by block, the next block in threads while one is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Barrier, BrokenBarrierError
from typing import TypeVar

import torch
from torch import Tensor

_BLOCK_BYTES = 16 << 20
_MAX_THREADS = 4


T = TypeVar("T")


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
