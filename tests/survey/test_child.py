"""A process that reads files: what hangs, fills or ends it is told, and the next file is read."""

import os
import signal
import threading
import time

import bad_input
import psutil
import pytest

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.noise.presets import parse_schemes
from pomodoro_pymol.survey import child as module
from pomodoro_pymol.survey.child import Child, Limits, reading_of
from pomodoro_pymol.survey.settings import SurveySettings

SETTINGS = SurveySettings(tuple(parse_schemes("flat")))
GOOD = str(bad_input.STRUCTURE)


@pytest.fixture
def child():
    """A child with three seconds for each file."""
    child = Child(SETTINGS, Limits(3.0, 2 << 30))
    yield child
    child.close()


def process_of(child):
    return psutil.Process(child._process.pid)


def disturb(child, *signals, when=0.1):
    """Send signals to a child that is stopped before, so that they come while it reads."""
    process_of(child).suspend()

    def send():
        time.sleep(when)
        for number in signals:
            process_of(child).send_signal(number)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def test_it_reads_as_this_process_does(child):
    found, here = child.read(GOOD), reading_of(GOOD, SETTINGS)
    assert [(*row.numbers,) for row in found.rows] == [(*row.numbers,) for row in here.rows]
    assert found.size == os.path.getsize(GOOD)
    assert 0 < found.seconds < 3
    assert found.peak > 50 << 20
    first = process_of(child).pid
    assert child.read("/absent\udcff\n.pdb").rows[0].error == "the file is missing"
    assert child.read(GOOD).rows == found.rows
    assert process_of(child).pid == first


def test_one_that_hangs_is_ended(child):
    child.read(GOOD)
    process = process_of(child)
    process.suspend()
    start = time.monotonic()
    assert child.read(GOOD).rows[0].error == "it was not read within 3 s"
    assert 3 <= time.monotonic() - start < 6
    assert not process.is_running()
    assert not child.read(GOOD).failed


def test_one_that_something_else_ended_reads_again(child):
    child.read(GOOD)
    thread = disturb(child, signal.SIGKILL)
    assert not child.read(GOOD).failed
    thread.join()


def test_one_that_ends_twice_in_a_file_is_told(child, monkeypatch):
    start = child._start

    def start_and_kill():
        process = start()
        process.send_signal(signal.SIGSEGV)
        return process

    monkeypatch.setattr(child, "_start", start_and_kill)
    found = child.read(GOOD)
    assert found.rows[0].error == "the process that read it ended by signal SIGSEGV"
    assert found.size == os.path.getsize(GOOD)
    monkeypatch.undo()
    assert not child.read(GOOD).failed


@pytest.mark.parametrize("times", [1, 3])
def test_one_that_is_ended_as_it_starts_is_started_anew(child, monkeypatch, times):
    launch, launched = child._launch, []

    def launch_and_kill():
        launched.append(launch())
        if len(launched) <= times:
            launched[-1].kill()
        return launched[-1]

    monkeypatch.setattr(child, "_launch", launch_and_kill)
    if times == 1:
        assert not child.read(GOOD).failed
    else:
        with pytest.raises(PomodoroError, match="did not start: it ended by signal SIGKILL"):
            child.read(GOOD)
    assert len(launched) == min(times + 1, 3)


def test_one_whose_parent_is_gone_ends(child):
    child.read(GOOD)
    process = process_of(child)
    child._process.stdin.close()
    assert process.wait(10) == 0


def test_an_orphan_that_hangs_ends_when_its_time_is_up(child, tmp_path):
    """As one does that is in the middle of a file when its worker is killed."""
    atoms = "".join(line for line in bad_input.STRUCTURE.read_text().splitlines(True) if line.startswith("ATOM"))
    place = tmp_path / "long.pdb"
    place.write_text("".join(f"MODEL     {number % 10000:4}\n{atoms}ENDMDL\n" for number in range(20_000)))
    child.limits = Limits(0.5, 2 << 30)
    child._start()
    process = process_of(child)
    child._tell(str(place))
    child._process.stdin.close()
    start = time.monotonic()
    process.wait(60)
    assert time.monotonic() - start < 0.5 + module._GRACE + 10


def test_memory_is_watched(child, tmp_path):
    child.limits = Limits(60.0, 100 << 20)  # less than it has when it starts
    place = tmp_path / "long.pdb"
    place.write_text(bad_input.STRUCTURE.read_text() * 2000)
    assert child.read(str(place)).rows[0].error == "reading it takes more than 100 MiB of memory"


def test_what_keeps_it_from_starting_is_told(child, monkeypatch):
    monkeypatch.setattr(SurveySettings, "to_dict", lambda self: {"no": "settings"})
    with pytest.raises(PomodoroError, match="did not start: its settings are not those of a survey"):
        child.read(GOOD)


def test_children_of_a_worker_are_kept_and_closed():
    lines = module.read_files([GOOD], SETTINGS.to_dict(), Limits())
    (kept,) = module._children.values()
    process = process_of(kept)
    module.read_files([GOOD], SETTINGS.to_dict(), Limits())
    assert process_of(kept).pid == process.pid
    module.read_files([GOOD], SETTINGS.to_dict(), Limits(10.0))  # others
    assert not process.is_running()
    module.close_children()
    assert module._children == {}
    assert len(lines) == 1
