"""A Python that has PyMOL and Qt alone: what the plugin says there works when followed."""

import importlib.metadata
import os
import re
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

#: What comes with PyMOL.
THERE = re.compile(r"pymol|pmg_|chempy|numpy|PySide6|shiboken6|PyQt")
NEEDED = ("scipy", "torch", "qtpy", "pyqtgraph")


@pytest.fixture
def bare(tmp_path):
    """The Python of a new virtual environment that has this PyMOL, its Qt and its NumPy, and nothing else of ours."""
    import pymol

    folder = Path(pymol.__file__).parents[1]
    of_system = folder != Path(sysconfig.get_path("purelib"))  # as Debian's
    options = ["--system-site-packages"] if of_system else []
    subprocess.run([sys._base_executable, "-m", "venv", *options, tmp_path / "bare"], check=True)
    python = tmp_path / "bare" / "bin" / "python"
    if not of_system:
        code = "import sysconfig; print(sysconfig.get_path('purelib'))"
        site = Path(subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.strip())
        for path in folder.iterdir():
            if THERE.match(path.name):
                (site / path.name).symlink_to(path)
    return str(python)


def test_the_command_that_is_shown_works(tmp_path, bare, new_home):
    home = new_home(python=bare)
    notes, _ = home.play("menu")
    visible, text = notes["box"]
    assert visible
    assert notes["docks"] == []
    needs, command, end = text.split("\n\n")
    assert needs == f"Pomodoro needs {', '.join(NEEDED)}. In a terminal, run"
    assert end == "and start PyMOL again."
    assert shlex.split(command)[:4] == [bare, "-m", "pip", "install"]

    # As typed in a terminal, with the versions that are tested here.
    versions = tmp_path / "versions.txt"
    lines = [f"{name}=={importlib.metadata.version(name).partition('+')[0]}\n" for name in (*NEEDED, "numpy")]
    versions.write_text("".join(lines))
    done = subprocess.run(
        command,
        shell=True,
        env={**os.environ, "PIP_CONSTRAINT": str(versions)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout

    notes, printed = home.play("menu")
    assert notes["box"] is None
    assert notes["docks"] == [True]
    assert notes["banner"][0] is False
    assert notes["names"] == ["1hpv", "1hpv_noise", "1hpv_noise_key"]
    assert notes["colours"] > 20
    assert notes["library"] == str(home.startup / "pomodoro" / "lib" / "pomodoro_pymol")
    assert "Traceback" not in printed
