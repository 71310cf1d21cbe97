"""A folder of structures, what a plain loop makes of it, and surveys of it in processes of their own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import bad_input
import psutil
import pytest

ROOT = Path(__file__).parents[2]
ENSEMBLE = ROOT / "tests" / "data" / "2juy.pdb.gz"
#: Files of `folder` that are read.
GOOD = 60


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """A folder with many structures, in folders of their own, and a few files that are none."""
    folder = tmp_path_factory.mktemp("structures")
    for number in range(GOOD - 1):
        (folder / str(number % 7)).mkdir(exist_ok=True)
        shutil.copy(bad_input.STRUCTURE, folder / str(number % 7) / f"{number}.pdb")
    shutil.copy(ENSEMBLE, folder)
    (folder / "empty.pdb").touch()
    (folder / "text.cif").write_text("no structure\n")
    (folder / "cut.pdb.gz").write_bytes(ENSEMBLE.read_bytes()[:5000])
    (folder / "README.md").write_text("not taken")
    return folder


@pytest.fixture(scope="session")
def plain(folder, tmp_path_factory) -> bytes:
    """The file of a survey of the folder, by a loop in this process."""
    from pomodoro_pymol.experiments.survey_files import survey_settings
    from pomodoro_pymol.parameters.catalogue import SurveyFilesParameters
    from pomodoro_pymol.survey.child import reading_of
    from pomodoro_pymol.survey.survey_file import write_survey

    settings = survey_settings(SurveyFilesParameters(presets="flat+ms"), hydrogens=True)
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != "README.md"]
    rows = [(str(path), row) for path in paths for row in reading_of(str(path), settings).rows]
    output = tmp_path_factory.mktemp("plain") / "plain.parquet"
    write_survey(output, rows, settings)
    return output.read_bytes()


class Running:
    """A survey at work, in a session of its own, so that Ctrl-C reaches all of it as in a terminal.

    Attributes
    ----------
    output : Path
    """

    def __init__(self, output: Path, words: tuple[str, ...], home: Path) -> None:
        self.output = output
        self.journal = output.with_name(output.name + ".partial")
        env = {**os.environ, "HOME": str(home), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "pomodoro_pymol", "survey", *words, "--output", str(output)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen(command, env=env, cwd=home, start_new_session=True, **pipes)

    def wait_for_lines(self, count: int) -> None:
        """Wait until the journal has so many lines."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(OSError):
                if self.journal.read_bytes().count(b"\n") >= count:
                    return
            time.sleep(0.01)
        pytest.fail(f"it did not come to {count} lines: {self.end()}")

    def processes(self, words: str) -> list:
        """Return the processes of the survey whose command line holds words."""
        found = []
        for process in psutil.Process(self._process.pid).children(recursive=True):
            with suppress(psutil.Error):  # it ends just now
                if words in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def interrupt(self) -> None:
        """Type Ctrl-C: all processes of the terminal get the signal."""
        os.killpg(self._process.pid, signal.SIGINT)

    def kill(self) -> None:
        """End the process that was started, and none of the others."""
        self._process.kill()
        self._process.wait()

    def end(self, timeout: float = 120) -> tuple[int, str, str]:
        """Return exit status, output and errors."""
        try:
            out, err = self._process.communicate(timeout=timeout)
        finally:
            with suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
        return self._process.returncode, out, err


@pytest.fixture
def start(folder, tmp_path) -> Iterator[Callable[..., Running]]:
    """A function that starts a survey of the folder, or of other sources, by two workers."""
    started: list[Running] = []

    def survey(*options: object, output: Path | None = None, sources: tuple[object, ...] = ()) -> Running:
        words = [*(sources or (folder,)), "--presets", "flat+ms", *options]
        if "--scheduler" not in words and "--workers" not in words:
            words += ["--workers", 2]
        (tmp_path / "home").mkdir(exist_ok=True)
        started.append(Running(output or tmp_path / "survey.parquet", tuple(map(str, words)), tmp_path / "home"))
        return started[-1]

    yield survey
    for running in started:
        running.end()
