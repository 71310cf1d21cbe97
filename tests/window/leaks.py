"""Many cycles and events, with counts of everything taken in the middle and at the end."""

from __future__ import annotations

import gc
import os
import threading
from typing import Any

from pymol import cmd
from pymol.gui import get_qtwindow
from qtpy import QtCore, QtWidgets

from pomodoro_pymol.commands import pompanel

CYCLES, EVENTS, TOGETHER = 200, 2000, 100


def play(robot: Any) -> None:
    robot.open()
    notes = robot.notes
    load(robot, "tut", "1hpv")
    # Under PyQt5, PyMOL's own memory grows by 27 kB with any line in its text window and by up to
    # a megabyte with a change of its viewport, with a bare dock too: so floating, and not typed.
    robot.dock.setFloating(True)
    robot.pump(200)
    notes["cycles"] = counted(robot, 20, CYCLES, lambda _: cycle(robot))
    robot.dock.setFloating(False)
    robot.pump(200)
    cmd.do("delete all")
    load(robot, "demo", "1tii")
    for frames in (1, 20):
        robot.set_values(f"pomnoise 1tii, frames={frames}")
        robot.run()
        cmd.do("hide everything")
        robot.see_output("1tii_noise")
        robot.click(robot.panel.live)
        robot.see_live()
        first = cmd.get_title("1tii_noise", 2)
        notes[f"events, {frames}"] = counted(robot, 500, EVENTS, lambda number: move(robot, number))
        robot.settle()
        notes[f"titles, {frames}"] = [first, cmd.get_title("1tii_noise", 2), robot.parameters.z]
        robot.click(robot.panel.live)
        robot.pump(100)
    notes["threads in the end"] = [thread.name for thread in threading.enumerate()]


def load(robot: Any, folder: str, name: str) -> None:
    cmd.do(f"load {os.path.join(os.environ['PYMOL_DATA'], folder, name)}.pdb")
    robot.see_source(name)
    cmd.do("hide everything")  # what is drawn is PyMOL's own affair


def cycle(robot: Any) -> None:
    robot.dock.close()
    robot.pump()
    pompanel(_self=cmd)
    robot.pump()


def move(robot: Any, number: int) -> None:
    """Move z over its range and back; now and then a weight."""
    controls = robot.panel.controls
    if number % 10 == 9:
        controls["wr"].box.setValue(2 + number % 300 / 50)
    else:
        controls["z"].slider.setValue(100 + number % 300)
    if number % TOGETHER == 0:
        robot.pump()


def counted(robot: Any, warm: int, total: int, act: Any) -> list[dict[str, int]]:
    """Act so many times, and count at the beginning, in the middle and at the end."""
    found = []
    for part in (range(warm), range(warm, warm + total // 2), range(warm + total // 2, warm + total)):
        for number in part:
            act(number)
        robot.pump(400)
        robot.pump()
        found.append(count())
    return found


def count() -> dict[str, int]:
    QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)
    for _ in range(3):
        gc.collect()
    with open("/proc/self/statm") as file:
        resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return {
        "widgets": len(QtWidgets.QApplication.allWidgets()),
        "timers": len(get_qtwindow().findChildren(QtCore.QTimer)),
        "threads": threading.active_count(),
        "objects": len(gc.get_objects()),
        "bytes": resident,
    }
