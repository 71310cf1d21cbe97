"""What PyMOL's own window shows of schemes side by side."""

from __future__ import annotations

from typing import Any

import cells
import masks
from pymol import cmd
from pymol.gui import get_qtwindow
from pymol.Qt import QtCore  # noqa: F401  before qtpy, which follows PyMOL's choice
from viewport import grab


def play(robot: Any) -> None:
    """Compare schemes by two metrics, step through the frames, and end it."""
    cells.plain_light(cmd)
    cmd.set("use_shaders", 0)  # with Mesa's shaders 3.2 draws boxes for letters
    cmd.load(cmd.exp_path("$PYMOL_DATA/tut/1hpv.pdb"), "1hpv", quiet=1)
    robot.pump(800)
    before = pixels(robot, "before.png")
    for metric in ("ratio", "direction"):
        cmd.do(f"pomcompare 1hpv and polymer, frames=3 z=-1 metric={metric}")
        robot.pump(800)
        robot.notes[metric] = {"steps": steps(robot)}
        robot.notes[metric].update(cells.look(cmd, lambda file: pixels(robot, file)))
    cmd.do("pomcompare off")
    robot.pump(800)
    robot.notes["off"] = cells.changed(before, pixels(robot, "off.png"))


def pixels(robot: Any, file: str) -> Any:
    """Return the pixels of the viewport, shape=(height, width, 3)."""
    robot.pump(400)
    return masks.pixels(grab(file)[1])


def steps(robot: Any) -> list[list[float]]:
    """Return how much of what each cell shows changes with a key that is pressed, and with ``frame``."""
    cmd.frame(2)
    found, former = [], pixels(robot, "frame2.png")
    viewport = get_qtwindow().pymolwidget
    for step in (lambda: robot.press(viewport, "Right"), lambda: cmd.do("frame 4")):
        step()
        now = pixels(robot, f"frame{cmd.get_state()}.png")
        found.append([cells.changed(*pair) for pair in zip(cells.split(former), cells.split(now))])
        former = now
    return found
