"""Frames made block by block, the next block while one is used: in threads, or on another device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Barrier, BrokenBarrierError
from typing import TypeVar

import torch
from torch import Tensor

from . import draw

_BLOCK_BYTES = 16 << 20
_MAX_THREADS = 4


T = TypeVar("T")


def stream_frames(
    make: Callable[[range, Tensor], T],
    n_frames: int,
    n_atoms: int,
    device: torch.device | str = "cpu",
    *,
    start: int = 0,
    block_bytes: int | None = None,
    fetch: bool = True,
) -> Iterator[tuple[Tensor, list[T]]]:
    """Make frames block by block, the next block while this one is used.

    Parameters
    ----------
    make : callable
        ``make(frames, out)`` fills ``out``, shape=(n, 3, n_atoms) float32 on ``device``, with these
        n frames, and returns what else is to be kept of them. On the CPU it is called in threads.
    n_frames, n_atoms : int
    device
    start : int
        First frame to make.
    block_bytes : int, optional
        Memory of one block, which holds at least one frame. By default some megabytes on the CPU,
        elsewhere a few groups of frames: see `noise.draw`.
    fetch : bool
        Bring the frames to the CPU; if False they stay on the device.

    Yields
    ------
    frames : Tensor, shape=(n_block, n_atoms, 3)
        Its memory is used again two blocks later.
    kept : list
        What ``make`` returned, in frame order.
    """
    device = torch.device(device)
    size = frames_per_block(n_atoms, device) if block_bytes is None else max(1, block_bytes // (12 * n_atoms))
    # Blocks end where groups do.
    ends = [*range(start - start % size + size, n_frames, size), n_frames]
    blocks = [range(*pair) for pair in zip([start, *ends], ends) if pair[0] < pair[1]]
    if not blocks:
        return
    if device.type == "cpu" and not draw.is_batched(device):
        yield from _in_threads(make, blocks, n_atoms)
    else:
        yield from _on_device(make, blocks, n_atoms, device, fetch)


def block_bytes(n_atoms: int, n_frames: int, device: torch.device | str = "cpu") -> int:
    """Return the memory on the CPU of the blocks in which `stream_frames` makes so many frames, on any device."""
    size = min(n_frames, frames_per_block(n_atoms, device))
    return 12 * n_atoms * size * min(2, -(-n_frames // size))


def frames_per_block(n_atoms: int, device: torch.device | str = "cpu") -> int:
    """Return how many frames of so many atoms a block holds, if as many are asked for."""
    if draw.is_batched(device):
        return draw.frames_together(n_atoms, device)
    return max(1, _BLOCK_BYTES // (12 * n_atoms))


def _buffers(blocks: list[range], n_atoms: int, **options) -> list[Tensor]:
    """Return memory for two blocks, or for one where there is but one."""
    size = max(map(len, blocks))
    return [torch.empty(size, 3, n_atoms, **options) for _ in blocks[:2]]


def _in_threads(
    make: Callable[[range, Tensor], T], blocks: list[range], n_atoms: int
) -> Iterator[tuple[Tensor, list[T]]]:
    buffers = _buffers(blocks, n_atoms)
    with _frame_threads() as (pool, count):

        def begin(number: int) -> tuple[Tensor, list]:
            """Let the threads make a block; return its memory, and what they will return."""
            block, out = blocks[number], buffers[number % 2]
            piece = max(1, min(draw.frames_together(n_atoms), -(-len(block) // count)))
            pieces = [range(first, min(first + piece, block.stop)) for first in range(block.start, block.stop, piece)]
            futures = [pool.submit(make, some, out[some.start - block.start :][: len(some)]) for some in pieces]
            return out[: len(block)], futures

        ahead = begin(0)
        for number in range(1, len(blocks) + 1):
            block, futures = ahead
            kept = [future.result() for future in futures]
            if number < len(blocks):
                ahead = begin(number)
            yield block.transpose(1, 2), kept


def _on_device(
    make: Callable[[range, Tensor], T], blocks: list[range], n_atoms: int, device: torch.device, fetch: bool
) -> Iterator[tuple[Tensor, list[T]]]:
    """Make each block by one call, which CUDA only takes note of: what it does and fetches overlaps with its use."""
    buffers = _buffers(blocks, n_atoms, device=device)
    host = _Host(buffers) if fetch and device.type == "cuda" else None

    def begin(number: int) -> tuple[Tensor, T]:
        """Ask for a block; return its memory there, and what else is kept of it."""
        block, out = blocks[number], buffers[number % 2][: len(blocks[number])]
        if host:
            host.wait(number)
        kept = make(block, out)
        if host:
            host.fetch(number, len(block))
        return out, kept

    ahead = begin(0)
    try:
        for number in range(1, len(blocks) + 1):
            out, kept = ahead
            if number < len(blocks):
                ahead = begin(number)
            if host:
                out = host.fetched(number - 1, len(out))
            elif fetch:
                out = out.cpu()
            yield out.transpose(1, 2), [kept]
    finally:
        if host:
            host.close()


class _Host:
    """Pinned memory on the CPU for two blocks of CUDA's, filled in a stream of its own."""

    def __init__(self, buffers: list[Tensor]) -> None:
        self._buffers = buffers
        self._pinned = [torch.empty(buffer.shape, pin_memory=True) for buffer in buffers]
        self._stream = torch.cuda.Stream(buffers[0].device)
        self._done = [torch.cuda.Event() for _ in buffers]

    def wait(self, number: int) -> None:
        """Let what comes on the device wait until the block that was in this buffer is fetched."""
        torch.cuda.current_stream(self._buffers[0].device).wait_event(self._done[number % 2])

    def fetch(self, number: int, count: int) -> None:
        """Begin to copy a block, once it is made."""
        place = number % 2
        self._stream.wait_stream(torch.cuda.current_stream(self._buffers[0].device))
        with torch.cuda.stream(self._stream):
            self._pinned[place][:count].copy_(self._buffers[place][:count], non_blocking=True)
            self._done[place].record()

    def fetched(self, number: int, count: int) -> Tensor:
        """Wait for a block, and return it."""
        self._done[number % 2].synchronize()
        return self._pinned[number % 2][:count]

    def close(self) -> None:
        """Wait for what is on its way, before its memory goes."""
        self._stream.synchronize()


@contextmanager
def _frame_threads() -> Iterator[tuple[ThreadPoolExecutor, int]]:
    """Yield threads that each make whole frames, without OpenMP teams of their own, and their number.

    Setting a thread's number of OpenMP threads also sets that of threads yet to start, so
    the number is set back once every worker has its own.
    """
    wanted = torch.get_num_threads()
    count = min(_MAX_THREADS, wanted)
    ready = Barrier(count + 1)

    def begin() -> None:
        """Give a new thread one thread of OpenMP, and wait until all have theirs."""
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
        yield pool, count
    finally:
        pool.shutdown(cancel_futures=True)
