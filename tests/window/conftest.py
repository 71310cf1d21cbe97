"""Scenarios in PyMOL's real window, each played once by a process of its own; what it noted comes back as JSON."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
SCREEN = ("xvfb-run", "-a", "-s", "-screen 0 1400x1200x24 +extension GLX")

DRIVER = """
import sys
sys.modules.update(dict.fromkeys({blocked}))
sys.path[:0] = [{folder!r}]
import robot
robot.perform({name!r}, {result!r})
"""


@dataclass(frozen=True)
class Played:
    """What a scenario noted, all that the process printed, and the HOME it had."""

    notes: dict[str, Any]
    printed: str
    home: Path


@pytest.fixture(scope="session")
def play(tmp_path_factory) -> Callable[..., Played]:
    """A function that plays a scenario of this folder in a fresh PyMOL, in a HOME that is new unless given."""

    def play(name: str, home: Path | None = None, blocked: tuple[str, ...] = (), timeout: float = 400) -> Played:
        if not shutil.which("xvfb-run"):
            message = "xvfb-run is not installed, so PyMOL's window cannot be opened"
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
        home = home or tmp_path_factory.mktemp("home")
        result = home / f"{name}.json"
        driver = home / f"play_{name}.py"
        driver.write_text(DRIVER.format(blocked=list(blocked), folder=str(HERE), name=name, result=str(result)))
        environment = {
            **os.environ,
            "HOME": str(home),
            "PYTHONPATH": os.pathsep.join([str(HERE.parents[1]), *filter(None, sys.path)]),
            "PYTHONUNBUFFERED": "1",
        }
        environment.pop("QT_QPA_PLATFORM", None)  # tests of bare widgets set it
        done = subprocess.run(
            [*SCREEN, sys.executable, "-m", "pymol", "-qk", driver],
            cwd=home,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )
        assert result.exists(), done.stdout
        notes = json.loads(result.read_text())
        assert "scenario failed" not in notes, notes["scenario failed"] + done.stdout
        return Played(notes, done.stdout, home)

    return play


@pytest.fixture(scope="session")
def day(play) -> Played:
    """A day at the panel, which several modules look back on."""
    return play("day")


@pytest.fixture
def make(hpv, typed) -> Callable[..., dict[str, Any]]:
    """A function that types lines in a fresh PyMOL with 1hpv, and returns what they made as the scenarios do."""

    def make(*lines: str) -> dict[str, Any]:
        for line in lines:
            printed = typed(hpv, line)
            assert "Error" not in printed, printed
        return look(hpv)

    return make


@pytest.fixture
def call(hpv) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A function that calls pomnoise from Python in a fresh PyMOL with 1hpv."""

    def call(parameters: dict[str, Any]) -> dict[str, Any]:
        from pomodoro_pymol.commands import pomnoise

        pomnoise(**parameters, _self=hpv)
        return look(hpv)

    return call


def look(cmd: Any, name: str = "1hpv_noise") -> dict[str, Any]:
    """Return all that a user sees of an object of ours, in JSON's types."""
    atoms: list[Any] = []
    labels = "segi, chain, resi, resn, name, alt, elem, type, q"
    cmd.iterate(f"%{name}", f"put((color, b, [{labels}]))", space={"put": atoms.append})
    coords = []
    for state in range(1, cmd.count_states(f"%{name}") + 1):
        rows: list[Any] = []
        cmd.iterate_state(state, f"%{name}", "put([x, y, z])", space={"put": rows.append})
        coords.append(rows)
    record = cmd._pymol.session.pomodoro[name]
    (ramp,) = (entry for entry in cmd.get_session()["names"][1:] if entry[0] == record["key"])
    return {
        "coords": coords,
        "titles": [cmd.get_title(name, state) for state in range(1, len(coords) + 1)],
        "colors": [atom[0] for atom in atoms],
        "b": [atom[1] for atom in atoms],
        "labels": [atom[2] for atom in atoms],
        "record": record,
        "key": ramp[5][3:5],
    }
