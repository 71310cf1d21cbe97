"""Frames made in threads, block by block: order, memory, errors and early stops."""

import threading
import time

import pytest
import torch

from pomodoro_pymol.noise import draw, stream
from pomodoro_pymol.noise.stream import stream_frames

N_ATOMS = 5


@pytest.fixture
def block_size(monkeypatch):
    return lambda frames: monkeypatch.setattr(stream, "_BLOCK_BYTES", 12 * N_ATOMS * frames)


def number(frames, out):
    assert len(out) == len(frames) >= 1
    for frame, here in zip(frames, out):
        here.fill_(frame)
    return [-frame for frame in frames]


def settled(before):
    """Wait until no thread is left that was not there before."""
    limit = time.monotonic() + 10
    while set(threading.enumerate()) - before and time.monotonic() < limit:
        time.sleep(0.01)
    return not set(threading.enumerate()) - before


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_frames_come_in_order_whatever_the_block_size(block_size, size):
    block_size(size)
    seen, kept, sizes = [], [], []
    for block, values in stream_frames(number, 7, N_ATOMS):
        assert block.shape[1:] == (N_ATOMS, 3)
        assert (block == block[:, :1, :1]).all()
        seen += block[:, 0, 0].tolist()
        kept += [value for some in values for value in some]
        sizes.append(len(block))
    assert seen == list(range(7))
    assert kept == [-frame for frame in range(7)]
    assert sizes == [size] * (7 // size) + [7 % size] * (7 % size > 0)


def test_a_frame_larger_than_a_block_is_a_block(monkeypatch):
    monkeypatch.setattr(stream, "_BLOCK_BYTES", 1)
    assert [len(block) for block, _ in stream_frames(number, 3, N_ATOMS)] == [1, 1, 1]


@pytest.mark.parametrize(("n_frames", "buffers"), [(1, 1), (3, 1), (4, 2), (6, 2), (30, 2)])
def test_two_buffers_are_enough(block_size, monkeypatch, n_frames, buffers):
    block_size(3)
    made = []
    empty = torch.empty
    monkeypatch.setattr(draw.torch, "empty", lambda *size, **kwargs: made.append(size) or empty(*size, **kwargs))
    pointers = {block.data_ptr() for block, _ in stream_frames(number, n_frames, N_ATOMS)}
    assert made == [(min(n_frames, 3), 3, N_ATOMS)] * buffers
    assert len(pointers) == buffers


def test_the_next_block_is_made_while_this_one_is_used(block_size):
    block_size(2)
    ahead = threading.Event()

    def make(frames, out):
        number(frames, out)
        if 3 in frames:
            ahead.set()

    stream = stream_frames(make, 4, N_ATOMS)
    block, _ = next(stream)
    assert ahead.wait(10)
    assert block[:, 0, 0].tolist() == [0, 1]
    assert next(stream)[0][:, 0, 0].tolist() == [2, 3]


@pytest.mark.parametrize("bad", [0, 1, 4, 5, 9])
def test_an_error_passes_and_leaves_no_thread(block_size, bad):
    block_size(2)
    before = set(threading.enumerate())

    def make(frames, out):
        if bad in frames:
            raise LookupError(f"frame {bad}")
        number(frames, out)

    seen = []
    with pytest.raises(LookupError, match=f"frame {bad}"):
        seen.extend(len(block) for block, _ in stream_frames(make, 10, N_ATOMS))
    assert seen == [2] * (bad // 2)
    assert settled(before)


def test_an_error_does_not_wait_for_the_rest(block_size, monkeypatch):
    block_size(1000)
    monkeypatch.setattr(draw, "_NUMBERS", 1)  # a frame at a time
    made = []

    def make(frames, out):
        if 0 in frames:
            raise LookupError
        time.sleep(0.01)
        made.extend(frames)

    with pytest.raises(LookupError):
        next(stream_frames(make, 1000, N_ATOMS))
    assert len(made) < 500


@pytest.mark.parametrize("take", [1, 5])
def test_torchs_thread_count_is_left_alone(block_size, take):
    block_size(2)
    count = torch.get_num_threads()
    seen = []
    try:
        torch.set_num_threads(3)
        stream = stream_frames(number, 10, N_ATOMS)
        for _ in range(take):
            next(stream)
        seen.append(torch.get_num_threads())
        stream.close()
        seen.append(torch.get_num_threads())
        thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
        thread.start()
        thread.join()
    finally:
        torch.set_num_threads(count)
    assert seen == [3, 3, 3]


@pytest.mark.parametrize("taken", [0, 1, 2, 5])
def test_a_consumer_may_stop_early(block_size, taken):
    block_size(2)
    before = set(threading.enumerate())
    made = []

    def make(frames, out):
        made.extend(frames)
        number(frames, out)

    stream = stream_frames(make, 10, N_ATOMS)
    for _ in range(taken):
        next(stream)
    stream.close()
    assert settled(before)
    assert len(made) <= 2 * (taken + 1)


def test_a_consumer_may_fail(block_size):
    block_size(2)
    before = set(threading.enumerate())
    stream = stream_frames(number, 10, N_ATOMS)
    next(stream)
    with pytest.raises(LookupError, match="mine"):
        stream.throw(LookupError("mine"))
    assert settled(before)
