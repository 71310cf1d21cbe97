"""Memory is asked for before it is used."""

import pytest

from pomodoro_pymol import memory
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
