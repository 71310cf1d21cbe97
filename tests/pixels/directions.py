"""What PyMOL's own viewport shows of the colours of directions."""

from __future__ import annotations

import time
from typing import Any

import tints
import viewport
from pymol import cmd
from pymol.gui import get_qtwindow

NOISED, COMPANION = "1hpv_noise", "1hpv_noise_direction"


def play(robot: Any) -> None:
    """Colour an object by direction, go through its states and play them."""
    from pomodoro_pymol.jobs.direction import direction_steps
    from pomodoro_pymol.structure.hierarchy import Hierarchy
    from pomodoro_pymol.viewer import reading

    cmd.load(cmd.exp_path("$PYMOL_DATA/tut/1hpv.pdb"), "1hpv", quiet=1)
    cmd.do("pomnoise chain A and resi 1-30, sigma=3, wc=1, wr=0, wa=0, frames=4")
    structure = reading.read_structure(NOISED, _self=cmd)
    reading.take_all(direction_steps(NOISED, structure, Hierarchy.from_structure(structure), "auto", 0, cmd))
    robot.notes["steps"] = [found for rep in ("spheres", "cartoon", "sticks") for found in steps(robot, rep)]
    robot.notes["played"] = viewport.watch(robot, 4, lambda: look("sticks"))


def steps(robot: Any, rep: str) -> list[dict[str, Any]]:
    """Go to states by a key, a command and a key again."""
    tints.show(cmd, COMPANION, rep)
    cmd.zoom(COMPANION, animate=0)
    cmd.frame(1)
    robot.pump(150)
    found = [look(rep)]
    for go in (
        lambda: robot.press(get_qtwindow().pymolwidget, "Right"),
        lambda: cmd.do("frame 3"),
        lambda: cmd.frame(4) or robot.press(get_qtwindow().pymolwidget, "Right"),
    ):
        go()
        robot.pump(150)
        found.append(look(rep))
    return found


def look(rep: str) -> dict[str, Any]:
    """Return the state shown, and how well what the screen shows agrees with the colours of each."""
    state, image = viewport.grab(f"direction-{time.monotonic_ns()}.png")
    return {"rep": rep, "state": state, "agreement": tints.agreement(cmd, NOISED, image)}
