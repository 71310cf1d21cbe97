"""The next start of PyMOL with the same HOME, then starts with a damaged file of place and values."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from pymol import cmd
from pymol.gui import get_qtwindow
from qtpy import QtCore, QtWidgets

WHOLE = {"command": "pomnoise z=-1", "area": "left", "floating": False, "geometry": [1, 2, 300, 400], "tab": 2}

#: What the file may hold, and the line and tab that are shown then.
DAMAGED: list[tuple[Any, str, int]] = [
    (WHOLE, "pomnoise z=-1", 2),
    (b"", "pomnoise", 0),
    (b"{", "pomnoise", 0),
    (b"\xff\xfe\x00", "pomnoise", 0),
    (b"[" * 100_000, "pomnoise", 0),
    ([1, 2], "pomnoise", 0),
    ("text", "pomnoise", 0),
    (None, "pomnoise", 0),
    ({**WHOLE, "command": "pomnoise z=77"}, "pomnoise", 2),
    ({**WHOLE, "command": "quit"}, "pomnoise", 2),
    ({**WHOLE, "command": {}}, "pomnoise", 2),
    ({**WHOLE, "area": [1]}, "pomnoise z=-1", 2),
    ({**WHOLE, "area": "middle"}, "pomnoise z=-1", 2),
    ({**WHOLE, "tab": 99}, "pomnoise z=-1", 0),
    ({**WHOLE, "tab": True}, "pomnoise z=-1", 0),
    ({**WHOLE, "tab": "1"}, "pomnoise z=-1", 0),
    ({**WHOLE, "floating": True, "geometry": [1e300, 0, 5, 5]}, "pomnoise z=-1", 2),
    ({**WHOLE, "floating": True, "geometry": [10**30, -(10**30), 10**30, 10**30]}, "pomnoise z=-1", 2),
    ({**WHOLE, "floating": True, "geometry": [-9000, -9000, 100, 100]}, "pomnoise z=-1", 2),
    ({**WHOLE, "floating": True, "geometry": "0 0 5 5"}, "pomnoise z=-1", 2),
    ({**WHOLE, "floating": "yes"}, "pomnoise z=-1", 2),
]


def play(robot: Any) -> None:
    notes = robot.notes
    panel = robot.open()
    frame = robot.dock.geometry()
    notes["place"] = [frame.x(), frame.y(), frame.width(), frame.height()]
    notes["floating"] = robot.dock.isFloating()
    notes["line"] = robot.line
    notes["tab"] = panel.tabs.currentIndex()
    robot.dock.setFloating(False)
    notes["docks again"] = not robot.dock.isFloating()
    cmd.do("load $PYMOL_DATA/tut/1hpv.pdb")
    robot.see_source("1hpv")
    robot.run()
    notes["usable"] = robot.status
    path = Path.home() / ".pymol" / "pomodoro_panel.json"
    notes["damaged"] = []
    for found, line, tab in DAMAGED:
        forget(robot)
        path.write_bytes(found if isinstance(found, bytes) else json.dumps(found).encode())
        cmd.do("pompanel")
        robot.pump(40)
        if (robot.line, robot.panel.tabs.currentIndex(), seen(robot.dock)) != (line, tab, True):
            notes["damaged"].append([repr(found)[:200], robot.line, robot.panel.tabs.currentIndex(), seen(robot.dock)])
    # A session loaded before the panel opens.
    forget(robot)
    path.write_text(json.dumps(WHOLE))
    cmd._pymol.session.pomodoro_panel = {"command": "pomnoise z=3"}
    cmd.do("pompanel")
    robot.pump(40)
    notes["session first"] = robot.line
    # A folder that cannot be written.
    forget(robot)
    shutil.rmtree(path.parent)
    path.parent.write_text("a file, not a folder")
    robot.open()
    robot.set_values("pomnoise z=2, wr=3")
    robot.pump(1300)
    robot.dock.close()
    cmd.do("pompanel")
    robot.pump(100)
    notes["nowhere to write"] = [robot.line, os.path.isfile(path.parent)]
    robot.see_source("1hpv")
    robot.run()
    notes["usable in the end"] = robot.status


def forget(robot: Any) -> None:
    """Destroy the dock and its values in the session, as a new start would find them."""
    dock = robot.dock
    dock.close()
    dock.setParent(None)
    dock.deleteLater()
    QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)
    robot.pump(10)
    vars(cmd._pymol.session).pop("pomodoro_panel", None)


def seen(dock: Any) -> bool:
    """Tell whether a dock stands where a person sees it."""
    screen = QtWidgets.QApplication.primaryScreen().geometry()
    place = QtCore.QRect(dock.mapToGlobal(QtCore.QPoint(0, 0)), dock.size())
    return dock.isVisible() and screen.intersects(place) and dock in get_qtwindow().findChildren(QtWidgets.QDockWidget)
