"""Films taken in PyMOL's window, of what it shows and ray-traced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pymol import cmd
from pymol.gui import get_qtwindow
from pymol.Qt import QtCore  # noqa: F401  before qtpy, which follows PyMOL's choice
from qtpy import QtWidgets
from robot import differences


def play(robot: Any) -> None:
    """Film the states of a peptide as the window shows them, ray-traced, and at rising z."""
    notes = robot.notes
    # What stands beside the scene is not filmed.
    for setting in ("internal_gui", "internal_feedback", "movie_panel"):
        cmd.set(setting, 0)
    cmd.fab("ACDEFGH", "m", ss=1, hydro=0)
    cmd.do("pomnoise m, preset=ms, frames=3, z=-1")
    cmd.disable("m_noise_key")
    cmd.hide("everything", "m_noise")
    cmd.show("spheres", "m_noise")
    cmd.color("white", "m_noise")
    cmd.zoom("m", 6, animate=0)
    robot.pump(300)
    cmd.frame(2)
    screen = [_screen(robot, state) for state in range(1, 5)]
    cmd.frame(2)
    robot.pump(300)
    notes["places"] = [_places()]
    before = robot.session()
    for line in (
        "pommovie seen/, back=0",
        "pommovie traced/, width=200, height=150",
        "pommovie sweep/, z=-3:0, back=0",
    ):
        cmd.do(line)
        robot.pump(300)
        notes["places"].append(_places())
    notes["changed"] = differences(before, robot.session())
    notes["screen"] = screen[1].shape
    notes["left"] = _agreement(screen[1], _screen(robot, 2))
    films = {name: [_lit(path) for path in sorted(Path(name).iterdir())] for name in ("seen", "traced", "sweep")}
    notes["shapes"] = {name: [picture.shape for picture in pictures] for name, pictures in films.items()}
    notes["seen"] = [[_agreement(lit, other) for other in screen] for lit in films["seen"]]
    notes["at their z"] = _agreement(films["sweep"][2], screen[1])
    height = len(screen[0])
    truth = screen[0]
    notes["away"] = [1 - _agreement(lit[:height], truth) for lit in films["sweep"]]
    notes["differ"] = [int((one ^ other).sum()) for one, other in zip(films["traced"], films["traced"][1:])]


def _places() -> list[Any]:
    widget = get_qtwindow().pymolwidget
    return [cmd.get_viewport(), widget.width(), widget.height(), cmd.get_state(), cmd.get_view()]


def _screen(robot: Any, state: int) -> Any:
    """Return where the viewport on the screen is not black in a state, shape=(height, width)."""
    cmd.frame(state)
    robot.pump(300)
    viewport = get_qtwindow().pymolwidget
    corner = viewport.mapToGlobal(viewport.rect().topLeft())
    screen = QtWidgets.QApplication.primaryScreen()
    screen.grabWindow(0, corner.x(), corner.y(), viewport.width(), viewport.height()).save("screen.png")
    return _lit(Path("screen.png"))


def _lit(path: Path) -> Any:
    return np.asarray(Image.open(path).convert("L")) > 60


def _agreement(lit: Any, other: Any) -> float:
    """Return how much two masks share, as a part of what is lit in either; rows of the first beyond the other aside."""
    lit = lit[: len(other)]
    return float((lit & other).sum() / (lit | other).sum())
