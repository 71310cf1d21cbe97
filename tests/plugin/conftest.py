"""Zips of several versions, a HOME in which PyMOL's own installer installs them, and PyMOL started there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SCREEN = ("xvfb-run", "-a", "-s", "-screen 0 1400x900x24 +extension GLX")

# Starts PyMOL as ``python -m pymol`` does, where the library can be imported from HOME alone, however this Python has
# it installed.
LAUNCH = """
import runpy, sys

class OnlyOfHome:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        if name != "pomodoro_pymol":
            return self.finder.find_spec(name, path, target)
        spec = self.finder.find_spec(name, [entry for entry in sys.path if entry.startswith({home!r})], target)
        return spec if spec and spec.origin and spec.origin.startswith({home!r}) else None

if {alone}:
    sys.meta_path[:] = map(OnlyOfHome, sys.meta_path)
runpy.run_module("pymol", run_name="__main__", alter_sys=True)
"""

DRIVER = """
import sys
sys.path.append({folder!r})
import stage
stage.play({scene!r}, {arguments!r}, {result!r})
"""


@pytest.fixture(scope="session")
def build(tmp_path_factory) -> Callable[[str], Path]:
    """A function that builds the release zip, as if the sources were of a version."""

    def build(version: str) -> Path:
        copy = tmp_path_factory.mktemp("sources")
        for folder in ("plugin", "pomodoro_pymol", "icons"):
            shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "LICENSE", copy)
        path = copy / "pomodoro_pymol" / "__init__.py"
        path.write_text(re.sub('(?<=^__version__ = ")[^"]+', version, path.read_text(), flags=re.M))
        if version != "0.1.0":  # versions differ in their files, too
            (copy / "pomodoro_pymol" / f"only_in_{version.replace('.', '_')}.py").touch()
        done = subprocess.run(
            [sys.executable, copy / "plugin" / "build_zip.py", "--output", copy / "out"], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return Path(done.stdout.strip())

    return build


@dataclass
class Home:
    """A HOME, the Python that PyMOL runs in, and whether the library is found in the HOME alone."""

    path: Path
    python: str = sys.executable
    alone: bool = True

    @property
    def startup(self) -> Path:
        return self.path / ".pymol" / "startup"

    def files(self) -> list[str]:
        """Return what the plugin folder holds, but what Python caches."""
        paths = (path.relative_to(self.startup) for path in self.startup.rglob("*") if path.is_file())
        return sorted(path.as_posix() for path in paths if "__pycache__" not in path.parts)

    def pymol(self, *arguments: Any, window: bool = False) -> str:
        """Run PyMOL and return what it printed."""
        launch = self.path / "launch.py"
        launch.write_text(LAUNCH.format(home=str(self.path), alone=self.alone))
        environment = {**os.environ, "HOME": str(self.path), "PYTHONUNBUFFERED": "1"}
        environment.pop("PYTHONPATH", None)
        environment.pop("QT_QPA_PLATFORM", None)
        if not self.alone:
            environment["PYTHONPATH"] = str(ROOT)
        done = subprocess.run(
            [*(SCREEN if window else ()), self.python, launch, *arguments],
            cwd=self.path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=400,
        )
        return done.stdout

    def install(self, archive: Path) -> str:
        """Install a zip with PyMOL's installer, all its questions answered with yes."""
        script = self.path / "install.py"
        script.write_text(f"import sys\nsys.path.append({str(HERE)!r})\nimport stage\nstage.install(*sys.argv[1:])\n")
        self.startup.mkdir(parents=True, exist_ok=True)
        printed = self.pymol("-cqk", script, "--", archive, self.startup)
        assert 'Plugin "pomodoro" has been installed.' in printed, printed
        return printed

    def play(self, scene: str, *arguments: Any) -> tuple[dict[str, Any], str]:
        """Play a scene of `stage` in the real window; return what it noted and all that was printed."""
        if not shutil.which("xvfb-run"):
            message = "xvfb-run is not installed, so PyMOL's window cannot be opened"
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
        result = self.path / f"{scene}.json"
        result.unlink(missing_ok=True)
        driver = self.path / f"play_{scene}.py"
        text = DRIVER.format(folder=str(HERE), scene=scene, arguments=[str(a) for a in arguments], result=str(result))
        driver.write_text(text)
        printed = self.pymol("-q", driver, window=True)
        assert result.exists(), printed
        notes = json.loads(result.read_text())
        assert "failed" not in notes, notes["failed"] + printed
        return notes, printed


@pytest.fixture(scope="session")
def archive(build) -> Path:
    """The release zip."""
    return build("0.1.0")


@pytest.fixture
def new_home(tmp_path, archive) -> Callable[..., Home]:
    """A function that makes a HOME with the release zip installed, and no other library."""

    def new_home(**options: Any) -> Home:
        home = Home(tmp_path / "home", **options)
        home.path.mkdir()
        home.install(archive)
        return home

    return new_home


@pytest.fixture
def home(new_home) -> Home:
    """Such a HOME for this Python's PyMOL."""
    return new_home()
