"""Memory is asked for before it is used."""

import pytest

from pomodoro_pymol import memory, noise
from pomodoro_pymol.errors import PomodoroError


def test_available_memory_is_a_number_of_bytes_if_any():
    free = memory.available()
    assert free is None or 2**20 < free < 2**50


@pytest.mark.parametrize("needed", [0, 1, 2**16])
def test_small_needs_pass(needed):
    memory.require(needed, "a small run")


def test_absurd_needs_are_refused(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 3 * 2**30)
    with pytest.raises(PomodoroError, match=r"10\^6 frames needs about 1024\.0 GiB of memory and 3\.0 GiB are free"):
        memory.require(2**40, "10^6 frames")


def test_this_machine_refuses_an_exbibyte():
    with pytest.raises(PomodoroError, match="fewer frames or atoms"):
        memory.require(2**60, "everything")


def test_the_limit_is_what_is_free(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 5 * 2**20)
    memory.require(5 * 2**20, "all of it")
    with pytest.raises(PomodoroError, match="5 MiB are free"):
        memory.require(5 * 2**20 + 1, "one byte more")


def test_where_no_one_tells_nothing_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: None)
    memory.require(2**60, "everything")


NEEDS = {
    "noise": (memory.noise_bytes, (1000, 10)),
    "sweep": (memory.sweep_bytes, (1000, 10)),
    "ensemble": (memory.ensemble_bytes, (1000, 100)),
    "denoise": (memory.denoise_bytes, (1000, 10, 100, 5)),
    "sample": (memory.sample_bytes, (1000, 100, 10, 5, 10)),
}


@pytest.mark.parametrize("name", NEEDS)
def test_needs_grow_with_all_that_is_asked_for(name):
    need, numbers = NEEDS[name]
    base = need(*numbers)
    assert need(2 * numbers[0], *numbers[1:]) == 2 * base  # in proportion to the atoms
    for place in range(1, len(numbers)):
        more = list(numbers)
        more[place] *= 100
        assert need(*more) > base
    # Coordinates alone, in single precision: no less can be needed.
    assert base > 12 * numbers[0] * numbers[1]


@pytest.mark.parametrize(("n_atoms", "n_frames"), [(1000, 7), (1000, 5000), (3_000_000, 1), (3_000_000, 2)])
def test_the_blocks_of_noise_take_what_is_asked_for(n_atoms, n_frames):
    frames = noise.stream_frames(lambda frame, out: None, n_frames, n_atoms)
    first, _ = next(frames)
    frames.close()
    held = min(2, -(-n_frames // len(first)))
    assert noise.block_bytes(n_atoms, n_frames) == held * 12 * n_atoms * len(first)
