"""Files read in a child process, which a hostile file can hang, fill or end without harm to the others.

A worker of Dask cannot stop what it runs, and where one dies, Dask blames all files that it had. So each
thread of a worker keeps a child that reads for it, file after file, under a limit of time and one of memory.
What goes between them is JSON, a line each: paths to the child, `Reading` back. A child that ended while it
read a file is replaced, and the file tried once more, since something else may have ended the child; where
that happens again, the file counts as not read, with that as the reason.

A child whose parent is gone ends by itself: when it asks for the next file, or when the time of its file is up.
"""

from __future__ import annotations

import faulthandler
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import PomodoroError, one_line
from ..utils.memory import size_text
from ..utils.problems import problem_text
from .rows import Reading, file_rows, unread
from .settings import SurveySettings
from .sources import size_of

# Seconds: between looks at a child's memory, until a child has started, and by how much a child without a parent may
# exceed the limit of time before it ends itself.
_LOOK, _START, _GRACE = 0.05, 300.0, 3.0
# How often a child is started, while it ends without a word.
_STARTS = 3


@dataclass(frozen=True)
class Limits:
    """What reading one file may take.

    Attributes
    ----------
    seconds : float
        Wall-clock time.
    memory : int
        Bytes that the whole process may hold: resident memory, with Python and its libraries.
    """

    seconds: float = 300.0
    memory: int = 4 << 30


class Child:
    """A process that reads files under limits; it starts with the first file.

    Parameters
    ----------
    settings : SurveySettings
    limits : Limits
    """

    def __init__(self, settings: SurveySettings, limits: Limits) -> None:
        self.settings, self.limits = settings, limits
        self._process: subprocess.Popen | None = None
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        # Of the last file: seconds that it took, and how the process ended where it did.
        self._seconds, self._ended = 0.0, ""

    def read(self, path: str) -> Reading:
        """Return the reading of a file; where it could not be read, that says why.

        Raises
        ------
        PomodoroError
            If a child cannot be started.
        """
        reading, reason = self._try(path)
        if reading is None and not reason:  # the process ended, and not for its limits
            reading, reason = self._try(path)
        return reading or unread(path, size_of(path), self._seconds, 0, reason or self._ended)

    def close(self) -> None:
        """End the child."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _try(self, path: str) -> tuple[Reading | None, str]:
        """Return the reading of a file, or None and the limit it broke; "" where the process ended by itself."""
        process = self._process or self._start()
        start = time.monotonic()
        self._tell(path)
        line, reason = None, ""
        while line is None and not reason:
            with suppress(queue.Empty):
                line = self._lines.get(timeout=_LOOK)
            self._seconds = time.monotonic() - start
            if line is None:
                reason = self._broken_limit(process.pid)
        if line:
            return Reading.from_line(line), ""
        if not reason:
            self._ended = f"the process that read it ended {_how(process.wait())}"
        self.close()
        return None, reason

    def _broken_limit(self, pid: int) -> str:
        """Return in words which limit a process has broken; "" where it has kept to both."""
        import psutil

        held = 0
        with suppress(psutil.Error):  # it may have ended just now
            held = psutil.Process(pid).memory_info().rss
        if held > self.limits.memory:
            return f"reading it takes more than {size_text(self.limits.memory)} of memory"
        if self._seconds > self.limits.seconds:
            return f"it was not read within {self.limits.seconds:g} s"
        return ""

    def _tell(self, value: Any) -> None:
        """Send a value to the process; where it is gone nothing is raised, and the end of its output will tell."""
        process = self._process
        if process is not None and process.stdin is not None:
            with suppress(OSError):
                process.stdin.write(json.dumps(value) + "\n")
                process.stdin.flush()

    def _start(self) -> subprocess.Popen:
        """Start a process, and wait until it can read; one that ends without a word is started anew.

        Raises
        ------
        PomodoroError
            If the process says why it cannot start, is not ready in time, or ends `_STARTS` times.
        """
        for _ in range(_STARTS):
            process = self._process = self._launch()
            self._tell([self.settings.to_dict(), self.limits.seconds])
            try:
                line = self._lines.get(timeout=_START)
            except queue.Empty:
                line = f"it takes more than {_START:g} s"
            if line == "ready\n":
                return process
            how = f"it ended {_how(process.wait())}" if not line else ""
            self.close()
            if line:
                break
        raise PomodoroError(f"a process that reads files did not start: {line.strip() or how}")

    def _launch(self) -> subprocess.Popen:
        """Start a process, and a thread that passes on what it writes."""
        # Dask sets this for its workers; with it a process would give its memory back and take it anew for every file.
        environment = {name: value for name, value in os.environ.items() if name != "MALLOC_TRIM_THRESHOLD_"}
        process = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.child"],
            cwd=Path(__file__).parents[2],  # where Python then finds this package
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="ascii",
        )
        # By a thread, since not all systems can wait for a pipe with a limit of time.
        self._lines = queue.SimpleQueue()
        threading.Thread(target=_pass_on, args=(process.stdout, self._lines), daemon=True).start()
        return process


def read_files(paths: Sequence[str], settings: dict[str, Any], limits: Limits) -> list[str]:
    """Read files by the child of this thread, which is kept for the next ones; runs at a worker of Dask.

    Parameters
    ----------
    paths : sequence of str
    settings : dict
        As of `SurveySettings.to_dict`.
    limits : Limits

    Returns
    -------
    list of str
        A line of `Reading.to_line` for each.
    """
    wanted, thread = SurveySettings.from_dict(settings), threading.get_ident()
    child = _children.get(thread)
    if child is None or (child.settings, child.limits) != (wanted, limits):
        if child is not None:
            child.close()
        child = _children[thread] = Child(wanted, limits)
    return [child.read(path).to_line() for path in paths]


def close_children() -> None:
    """End the children of all threads of this process."""
    while _children:
        _children.popitem()[1].close()


#: By the thread of the worker that each reads for.
_children: dict[int, Child] = {}


def _pass_on(pipe: Any, lines: queue.SimpleQueue[str]) -> None:
    """Put the lines of a pipe into a queue, and at its end an empty one."""
    with suppress(OSError, ValueError), pipe:
        for line in pipe:
            lines.put(line)
    lines.put("")


def _how(status: int) -> str:
    """Return in words how a process ended, by the status that `subprocess` has of it."""
    if status >= 0:
        return f"with status {status}"
    with suppress(ValueError):
        return f"by signal {signal.Signals(-status).name}"
    return f"by signal {-status}"


def _main() -> None:
    """Read the files whose paths come in, a line each, and write their readings: what a child does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process of the survey
    out = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # so that what libraries print is not taken for a reading
    try:
        settings, seconds = json.loads(sys.stdin.readline())
        wanted = SurveySettings.from_dict(settings)
        import torch

        torch.set_num_threads(1)
    except Exception as error:
        print(problem_text(error), file=out, flush=True)
        return
    print("ready", file=out, flush=True)
    for line in sys.stdin:
        path = json.loads(line)
        faulthandler.dump_traceback_later(seconds + _GRACE, exit=True)
        reading = reading_of(path, wanted)
        faulthandler.cancel_dump_traceback_later()
        print(reading.to_line(), file=out, flush=True)


def reading_of(path: str, settings: SurveySettings) -> Reading:
    """Return the reading of a file, read in this process and without limits."""
    size, start = size_of(path), time.perf_counter()
    _forget_peak()
    try:
        rows = file_rows(path, settings)
    except Exception as error:
        reason = problem_text(error)
        for name in (path, one_line(path)):
            reason = reason.replace(name, "the file")
        return unread(path, size, time.perf_counter() - start, _peak(), one_line(reason))
    return Reading(path, size, time.perf_counter() - start, _peak(), rows)


def _forget_peak() -> None:
    """Make the system count the peak of this process's memory from now on, where it can."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> int:
    """Return the most memory that this process had since `_forget_peak`, bytes; 0 where the system does not tell."""
    with suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
    return 0


if __name__ == "__main__":
    _main()
