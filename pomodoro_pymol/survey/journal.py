"""The journal of a survey: a line for each file that is done, so that a survey that was stopped can go on.

It lies beside the output. Its first line holds the version and the settings. A last line that was cut off is
removed when the next run opens the journal. Only one run at a time can have it open.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from .. import __version__
from ..errors import PomodoroError
from ..io.disk import check_target
from .rows import Reading
from .settings import SurveySettings

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

ENDING = ".partial"


class Journal:
    """Readings on disk; at the end of a ``with`` block the file is closed, and removed if no reading is in it.

    Parameters
    ----------
    output : Path
        The file that the survey is for; the journal is called as it, with a further `ENDING`.
    settings : SurveySettings

    Attributes
    ----------
    path : Path
    done : set of str
        Files that are in it.
    failed : int
        How many of them were not read.

    Raises
    ------
    PomodoroError
        If it cannot be written, is of other settings or another version, or another run has it.
    """

    def __init__(self, output: Path, settings: SurveySettings) -> None:
        self.path = output.with_name(output.name + ENDING)
        check_target(self.path)
        self.done: set[str] = set()
        self.failed = 0
        try:
            self._file = open(self.path, "a+b")  # noqa: SIM115  closed by the block
        except OSError as error:
            raise PomodoroError(f"cannot write {self.path}: {error.strerror}") from None
        try:
            self._lock()
            self._take_up({"survey": __version__, **settings.to_dict()})
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # closing tries anew to write what `add` has raised an error for
            if not self.done:
                self.remove()
            self._file.close()

    def add(self, readings: Sequence[Reading]) -> None:
        """Write down readings, of files that the journal does not have yet.

        Raises
        ------
        PomodoroError
            If they cannot be written.
        """
        self._write("".join(f"{reading.to_line()}\n" for reading in readings))
        self.done.update(reading.path for reading in readings)
        self.failed += sum(reading.failed for reading in readings)

    def readings(self, paths: Iterable[str]) -> Iterator[Reading]:
        """Yield the readings of files, each once, in the order in which they were done."""
        wanted = set(paths)
        self._file.seek(0)
        next(self._file)
        for line in self._file:
            reading = Reading.from_line(line.decode("ascii"))
            if reading.path in wanted:
                wanted.remove(reading.path)
                yield reading

    def remove(self) -> None:
        """Remove the journal from disk, where that is possible."""
        with suppress(OSError):
            self.path.unlink()

    def _lock(self) -> None:
        """Lock the file, where the system and the file system have locks.

        Raises
        ------
        PomodoroError
            If another process has locked it.
        """
        if fcntl:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise PomodoroError(f"another survey is at work on {self.path}") from None
            except OSError:  # a file system without locks
                pass

    def _take_up(self, head: dict) -> None:
        """Read which files are done, and cut the journal where a line is not whole; write the first line if none is.

        Raises
        ------
        PomodoroError
            If its first line is another than ``head``.
        """
        self._file.seek(0)
        first = self._file.readline()
        if not first.endswith(b"\n"):
            self._file.truncate(0)
            self._write(json.dumps(head) + "\n")
            return
        if first != f"{json.dumps(head)}\n".encode():
            raise PomodoroError(
                f"{self.path} has what another survey did, of other settings or another version: give the same "
                "again to go on with it, or delete it"
            )
        end = len(first)
        for line in self._file:
            try:
                reading = Reading.from_line(line.decode("ascii"))
            except ValueError:
                break
            if not line.endswith(b"\n"):
                break
            end += len(line)
            self.done.add(reading.path)
            self.failed += reading.failed
        self._file.truncate(end)

    def _write(self, text: str) -> None:
        """Write ASCII text to the disk at once.

        Raises
        ------
        PomodoroError
            If the disk refuses.
        """
        try:
            self._file.write(text.encode("ascii"))
            self._file.flush()
        except OSError as error:
            raise PomodoroError(
                f"cannot write {self.path}: {error.strerror}; what is whole in it is kept, and the same command goes on"
            ) from None
