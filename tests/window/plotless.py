"""The panel without pyqtgraph: everything works but the plots."""

from __future__ import annotations

import os
from typing import Any

from pymol import cmd
from qtpy import QtWidgets


def play(robot: Any) -> None:
    panel = robot.open()
    cmd.do(f"load {os.path.join(os.environ['PYMOL_DATA'], 'tut', '1hpv.pdb')}")
    robot.see_source("1hpv")
    robot.notes["notices"] = [
        label.text()
        for plot in (panel.residues, panel.sweep, panel.sampling.plot)
        for label in plot.findChildren(QtWidgets.QLabel)
    ]
    robot.set_values("pomnoise frames=3")
    robot.run()
    robot.see_output("1hpv_noise")
    cmd.select("site", "1hpv and resi 25")
    robot.choose(panel.controls["metric"].box, "displacement")
    robot.pump(300)
    robot.notes["coloured"] = robot.status
    robot.click(panel.live)
    robot.see_live()
    robot.press(panel.controls["z"].slider, "Right")
    robot.settle()
    robot.notes["live"] = [panel.follower.on, cmd.get_title("1hpv_noise", 2)]
    robot.notes["banner"] = panel.banner.isVisible()
