"""pomcheck test=1 in PyMOL's window, beside structures, frames, a panel, and with a window that draws nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import robot as eyes
from pymol import CmdException, cmd

from pomodoro_pymol import commands
from pomodoro_pymol.viewer import stage


def tried() -> tuple[dict[str, str], str]:
    """Return what the self-test finds, and how it fails."""
    try:
        return commands.pomcheck(test=1), ""
    except CmdException as error:
        return {}, str(error).strip()


def play(robot: Any) -> None:
    cmd.load(cmd.exp_path("$PYMOL_DATA/tut/1hpv.pdb"), "1hpv", quiet=1)
    cmd.turn("y", 33)
    cmd.disable("1hpv")
    cmd.do("pomnoise frames=3")
    cmd.frame(3)
    robot.open()
    robot.see_output("1hpv_noise")
    before, line, status = robot.session(), robot.line, robot.status
    robot.notes["found"], robot.notes["failed"] = tried()
    cmd.do("pomcheck test=1")
    robot.pump(500)
    robot.notes["changed"] = eyes.differences(before, robot.session())
    robot.notes["panel as before"] = (robot.line, robot.status) == (line, status)
    drawn = stage.picture

    def black(folder: Any, size: Any, *, _self: Any) -> Any:
        seen = drawn(folder, size, _self=_self)
        return seen if size else np.zeros_like(seen)

    stage.picture = black
    _, robot.notes["black"] = tried()
    robot.notes["changed by a failure"] = eyes.differences(before, robot.session())
