"""A day at the panel: structure, sliders, run, stop, live, colours, plots, states, sessions, place."""

from __future__ import annotations

import os
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from pymol import cmd
from pymol.gui import get_qtwindow
from qtpy import QtCore, QtWidgets

from pomodoro_pymol.viewer import provenance, store


def play(robot: Any) -> None:
    robot.play(
        opening,
        running,
        stopping,
        living,
        coloring,
        teaching,
        picking,
        scrubbing,
        following,
        keeping,
        saving,
        closing,
    )


def given(parameters: Any) -> dict[str, Any]:
    """Return the parameters that are not at their defaults, in plain types."""
    found = {spec.name: getattr(parameters, spec.name) for spec in fields(parameters)}
    return {spec.name: found[spec.name] for spec in fields(parameters) if found[spec.name] != spec.default}


def opening(robot: Any, notes: dict[str, Any]) -> None:
    window = get_qtwindow()
    other = QtWidgets.QDockWidget("other", window)
    window.addDockWidget(QtCore.Qt.DockWidgetArea.RightDockWidgetArea, other)
    other.show()
    panel = robot.open()
    notes["tab beside"] = [dock.windowTitle() for dock in window.tabifiedDockWidgets(robot.dock)]
    notes["at the right"] = window.dockWidgetArea(robot.dock) == QtCore.Qt.DockWidgetArea.RightDockWidgetArea
    notes["visible"] = panel.isVisible()
    window.removeDockWidget(other)
    other.deleteLater()
    first = robot.dock
    cmd.do("pompanel")
    robot.pump(100)
    notes["docks"] = len(robot.docks())
    notes["same"] = robot.dock is first
    robot.widen()
    notes["nothing loaded"] = panel.counts.text()
    robot.run()
    notes["run of nothing"] = robot.status
    cmd.do("load $PYMOL_DATA/tut/1hpv.pdb")
    robot.see_source("1hpv")
    notes["counts"] = panel.counts.text()
    notes["expected bars"] = len(panel.residues.bars.expected)
    notes["status"] = robot.status


def running(robot: Any, notes: dict[str, Any]) -> None:
    panel, controls = robot.panel, robot.panel.controls
    robot.drag_slider(controls["z"].slider, 3, 4, 6)
    notes["dragged z"] = [robot.parameters.z, controls["z"].box.value(), controls["sigma"].box.value()]
    robot.drag_divider(1, -20, -10)
    robot.press(controls["wc"].box, "Up", "Up", "Down")
    robot.type_number(controls["wa"].box, "1.25")
    notes["weights"] = [robot.parameters.wc, robot.parameters.wr, robot.parameters.wa]
    robot.type_number(controls["frames"].box, "5")
    robot.type_number(controls["seed"].box, "11")
    robot.choose(controls["metric"].box, "relative")
    robot.choose(controls["palette"].box, "cividis")
    notes["line"] = robot.line
    notes["given"] = given(robot.parameters)
    robot.click(panel.copy)
    notes["clipboard"] = QtWidgets.QApplication.clipboard().text()
    notes["names before"] = cmd.get_names()
    cmd.log_open("run.pml")
    robot.run()
    cmd.log_close()
    lines = Path("run.pml").read_text().splitlines()
    notes["logged"] = [line for line in lines if not line.startswith("_ ")]  # as PyMOL logs that its window changed
    notes["jumped"] = cmd.get_state()
    robot.see_output("1hpv_noise")
    notes["shown"] = cmd.get_names(enabled_only=1)
    notes["names"] = cmd.get_names()
    notes["status"] = robot.status
    notes["made"] = robot.look("1hpv_noise")
    notes["key shown"] = [panel.key._stops[0][0], panel.key._stops[-1][0]]
    table = panel.levels.table
    notes["table"] = [[table.item(row, column).text() for column in range(4)] for row in range(table.rowCount())]
    notes["sweep point"] = [float(values[0]) for values in panel.sweep.point.getData()]
    notes["sweep"] = [[float(value) for value in values] for values in panel.sweep.curves["own"].getData()]
    notes["bars"] = [float(value) for value in panel.residues.bars.values]
    notes["bar colors"] = [int(color) for color in panel.residues.bars.colors]


def stopping(robot: Any, notes: dict[str, Any]) -> None:
    panel = robot.panel
    line = robot.line
    robot.set_values(line.replace("frames=5", "frames=3000"))
    robot.pump(500)
    before = robot.session()
    atoms = robot.coords("1hpv_noise", 3)
    written: list[int] = []
    panel.runner.progressed.connect(lambda done, _: written.append(done))
    robot.click(panel.run)
    notes["button"] = panel.run.text()
    robot.wait(lambda: written and written[-1] > 100, "some frames")
    robot.click(panel.run)
    robot.wait(lambda: not panel.runner.running, "the stop")
    notes["written"] = written[-1]
    notes["status"] = robot.status
    robot.pump(300)
    from robot import differences

    notes["differences"] = differences(before, robot.session())[:20]
    notes["same atoms"] = robot.coords("1hpv_noise", 3) == atoms
    notes["threads"] = not panel.runner._thread.is_alive()
    notes["button after"] = panel.run.text()
    robot.set_values(line)
    robot.pump(500)


def living(robot: Any, notes: dict[str, Any]) -> None:
    panel, controls = robot.panel, robot.panel.controls
    names = cmd.get_names()
    cmd.frame(3)
    robot.pump(300)
    before = robot.coords("1hpv_noise", 3)
    robot.click(panel.live)
    robot.see_live()
    robot.settle()
    notes["unmoved"] = robot.coords("1hpv_noise", 3) == before
    robot.drag_slider(controls["z"].slider, -8, -8, -3, -3, -2, pause=1)
    notes["moved at once"] = robot.coords("1hpv_noise", 3) != before
    notes["title at once"] = [panel.player.title.text(), robot.parameters.z]
    robot.choose_preset("ms")
    robot.press(controls["wr"].box, "Up", "Up", "Up")
    robot.drag_divider(0, 4, 4, -3, 5, pause=1)
    robot.settle()
    notes["line"] = robot.line
    notes["given"] = given(robot.parameters)
    notes["made"] = robot.look("1hpv_noise")
    notes["names kept"] = cmd.get_names() == names
    notes["frame kept"] = cmd.get_frame()
    table = panel.levels.table
    notes["table"] = [[table.item(row, column).text() for column in range(4)] for row in range(table.rowCount())]
    robot.choose(controls["metric"].box, "displacement")
    robot.settle()
    notes["metric line"] = robot.line
    notes["metric made"] = robot.look("1hpv_noise")
    robot.click(panel.live)
    notes["off"] = [panel.live.isChecked(), panel.follower.on]
    notes["made after"] = robot.look("1hpv_noise") == notes["metric made"]
    notes["changed"] = provenance.changed("1hpv_noise", store.get_record("1hpv_noise", _self=cmd), _self=cmd)
    # Off while weights are still being mixed: the noise level was set after them, and is not written yet.
    robot.click(panel.live)
    robot.see_live()
    robot.settle()
    panel.follower._threads.submit(time.sleep, 2)
    robot.press(controls["wr"].box, "PageUp")
    robot.drag_slider(controls["z"].slider, 9, 9, pause=1)
    notes["mixing"] = panel.follower._working
    notes["ahead"] = robot.coords("1hpv_noise", 3)
    robot.click(panel.live)
    notes["cut off"] = robot.look("1hpv_noise")
    # From the truth on, with a log.
    cmd.frame(1)
    robot.pump(300)
    cmd.log_open("live.pml")
    robot.click(panel.live)
    robot.see_live()
    robot.settle()
    notes["from the truth"] = cmd.get_state()
    notes["rests"] = []
    for drag in (
        lambda: robot.drag_slider(controls["z"].slider, 5, 5, 5, pause=1),
        lambda: robot.drag_divider(1, -5, -5, -5, pause=1),
    ):
        drag()
        robot.settle()
        notes["rests"].append(robot.line)
        robot.settle()
    robot.click(panel.live)
    cmd.log_close()
    lines = Path("live.pml").read_text().splitlines()
    notes["rests logged"] = [line for line in lines if not line.startswith("_ ")]
    cmd.frame(3)


def coloring(robot: Any, notes: dict[str, Any]) -> None:
    panel, controls = robot.panel, robot.panel.controls
    notes["before"] = robot.line
    coords = [robot.coords("1hpv_noise", state) for state in (1, 2)]
    robot.choose(controls["metric"].box, "scramble")
    robot.choose(controls["palette"].box, "magma")
    robot.choose(controls["range"].box, "own")
    notes["frozen"] = [box.value() for box in controls["range"].ends]
    robot.type_number(controls["range"].ends[1], "2.5")
    robot.type_number(controls["range"].ends[0], "0.5")
    robot.pump(300)
    notes["line"] = robot.line
    notes["made"] = robot.look("1hpv_noise")
    notes["coords kept"] = [robot.coords("1hpv_noise", state) for state in (1, 2)] == coords
    notes["key shown"] = [panel.key._stops[0][0], panel.key._stops[-1][0]]
    notes["bar colors"] = [int(color) for color in panel.residues.bars.colors]
    robot.choose(controls["range"].box, "default")
    robot.pump(300)
    notes["default again"] = robot.parameters.range is None
    # Colours set by a command are shown.
    cmd.do("pomcolor 1hpv_noise, ratio, viridis")
    robot.wait(lambda: robot.parameters.metric == "ratio", "the metric of a pomcolor that was typed")
    notes["typed"] = [controls["metric"].box.currentText(), controls["palette"].box.currentText(), panel.key._label]


def teaching(robot: Any, notes: dict[str, Any]) -> None:
    panel, page, line = robot.panel, robot.panel.teaching, robot.line
    panel.tabs.setCurrentWidget(page)
    robot.set_values("pomnoise preset=ms")
    robot.wait(lambda: page.bars.bars, "the shares of the loss")

    def shown() -> None:
        robot.pump(20)
        robot.wait(lambda: not page._soon.isActive(), "the shares of the loss")

    for place in range(4):
        page.view.setCurrentIndex(place)
        page.view.activated.emit(place)
        shown()
        notes[f"view {place}"] = [page.view.currentText(), page.bars.bars["ms"].accessibleDescription()]
        notes[f"says {place}"] = [page.sentence.text().replace("\N{NO-BREAK SPACE}", " "), page.solve.isEnabled()]
    page.view.setCurrentIndex(0)
    page.view.activated.emit(0)
    robot.set_values("pomnoise wc=3, wr=8")
    shown()
    notes["same as"] = page.bars.bars["3-8-1"].accessibleDescription()
    notes["bold"] = [name for name, label in page.bars.names.items() if label.font().bold()]
    page.share.setValue(0.5)
    robot.click(page.solve)
    shown()
    notes["solved"] = [robot.line, page.bars.bars["own"].accessibleDescription()]
    page.share.setValue(0.99)
    robot.click(page.solve)
    notes["refused"] = robot.status
    names = cmd.get_names()
    cmd.log_open("teach.pml")
    robot.click(page.table)
    robot.wait(lambda: not panel.runner.running, "the table")
    cmd.log_close()
    notes["logged"] = [row for row in Path("teach.pml").read_text().splitlines() if not row.startswith("_ ")]
    notes["status"] = robot.status
    notes["same names"] = names == cmd.get_names()
    robot.set_values(line)
    panel.tabs.setCurrentIndex(0)
    robot.pump(100)


def picking(robot: Any, notes: dict[str, Any]) -> None:
    panel = robot.panel
    panel.tabs.setCurrentIndex(0)
    cmd.do("orient 1hpv")
    robot.pump(300)
    start = cmd.get_view()
    rows = {}
    for number in (30, 140, 198):
        robot.click(panel.residues.plot.viewport(), robot.bar_place(number))
        robot.wait(lambda: cmd.count_atoms("?sele"), "the selection")
        robot.pump(400)
        atoms: list[Any] = []
        cmd.iterate("sele", "put([model, chain, resi])", space={"put": atoms.append})
        rows[number] = [panel.residues._labels[number], *map(list, sorted(set(map(tuple, atoms))))]
        rows[number].append(robot.marked())
        QtCore.QThread.msleep(QtWidgets.QApplication.doubleClickInterval())  # or it would count as a double click
    notes["picked"] = list(rows.values())
    robot.pump(1000)
    notes["nearer"] = [start[11], cmd.get_view()[11]]
    center, focus = np.mean(cmd.get_model("sele", cmd.get_state()).get_coord_list(), 0), cmd.get_view()[12:15]
    notes["off centre"] = float(abs(center - focus).max())
    # A range with Shift.
    plot = panel.residues.plot.viewport()
    first, last = robot.bar_place(10), robot.bar_place(20)
    middle = QtCore.QPoint((first.x() + last.x()) // 2, first.y())
    robot.drag(plot, first, middle, last, modifier=QtCore.Qt.KeyboardModifier.ShiftModifier, pause=30)
    robot.pump(400)
    notes["range"] = robot.marked()
    residues: set[Any] = set()
    cmd.iterate("sele", "put((chain, resi))", space={"put": residues.add})
    notes["range in PyMOL"] = sorted(residues)
    # The other way.
    cmd.select("mine", "1hpv and chain B and resi 7+8 and name CA")
    robot.wait(lambda: len(robot.marked()) == 2, "marks")
    notes["marked"] = [panel.residues._labels[place] for place in robot.marked()]
    cmd.deselect()
    robot.wait(lambda: not robot.marked(), "no marks")
    cmd.delete("mine sele")
    robot.pump(300)


def scrubbing(robot: Any, notes: dict[str, Any]) -> None:
    player = robot.panel.player
    cmd.frame(1)
    robot.pump(300)
    robot.drag_slider(player.slider, 60, 80, 60)
    notes["scrubbed"] = [cmd.get_state(), player.slider.value(), player.spin.value()]
    notes["title"] = [player.title.text(), cmd.get_title("1hpv_noise", cmd.get_state())]
    cmd.frame(5)
    robot.wait(lambda: player.slider.value() == 5, "the state of PyMOL")
    notes["followed"] = [player.spin.text(), player.title.text(), cmd.get_title("1hpv_noise", 5)]
    cmd.frame(2)
    robot.wait(lambda: player.slider.value() == 2, "the state of PyMOL")
    robot.press(player.slider, "Right", "End")
    notes["keys"] = cmd.get_state()
    robot.click(player.first)
    notes["first"] = cmd.get_state()
    robot.type_number(player.rate, "60")
    for mode in ("palindrome", "loop", "once"):
        robot.choose(player.mode, mode)
        cmd.frame(1)
        robot.pump(300)
        seen = [cmd.get_state()]

        def see(_: int, seen: list[int] = seen) -> None:
            seen.append(cmd.get_state())

        player.state_chosen.connect(see)
        robot.click(player.play_button)
        robot.wait(lambda seen=seen: len(seen) >= 13 or not player.is_playing(), f"playing {mode}")
        notes[f"{mode} ended"] = not player.is_playing()
        if player.is_playing():
            robot.click(player.play_button)
        player.state_chosen.disconnect(see)
        notes[mode] = seen[:13]


def following(robot: Any, notes: dict[str, Any]) -> None:
    panel, controls = robot.panel, robot.panel.controls
    cmd.do("delete 1hpv_noise")
    robot.wait(lambda: panel.watch.output is None, "no output")
    cmd.do("pomnoise z=1.5, wr=4, frames=4")
    robot.wait(lambda: robot.parameters.z == 1.5, "the values of a pomnoise that was typed")
    notes["typed"] = [robot.line, controls["z"].box.value(), controls["wr"].box.value()]
    # A slider moved while the panel's own run goes on stays where it is, in the first run and in others.
    for name in ("fresh", "other"):
        robot.set_values(f"pomnoise 1hpv, frames=2000, name={name}")
        for seed in (3, 4):
            robot.type_number(controls["seed"].box, str(seed))
            robot.click(panel.run)
            robot.type_number(controls["z"].box, "-1")
            robot.choose(controls["metric"].box, "relative" if seed == 3 else "ratio")
            running = panel.runner.running
            robot.wait(lambda: not panel.runner.running, "the end of the run")
            robot.pump(500)
            notes[f"{name} {seed}"] = [running, robot.parameters.z, robot.parameters.metric, robot.status]
    cmd.do("delete fresh other")
    robot.set_values("pomnoise")
    robot.pump(300)


def keeping(robot: Any, notes: dict[str, Any]) -> None:
    """Save the weights as a preset, under names that cannot be and one that can, and delete it."""
    from pomodoro_pymol.noise.presets import user_presets

    panel = robot.panel
    robot.set_values("pomnoise wc=2, wr=5, wa=0.5")

    def dialogs() -> list[Any]:
        found = panel.findChildren(QtWidgets.QInputDialog, "pomodoro-preset")
        return [dialog for dialog in found if dialog.isVisible()]  # Qt 5 deletes what is closed later

    def save(name: str | None) -> None:
        robot.click(panel.save)
        (dialog,) = dialogs()
        line = dialog.findChild(QtWidgets.QLineEdit)
        robot.type_line(line, name or "")
        robot.press(line, "Escape" if name is None else "Return")
        robot.wait(lambda: not dialogs(), "the end of the dialog")

    notes["refused"] = []
    for name in ("ms", "1st", "a b"):
        save(name)
        notes["refused"].append(robot.status)
    save(None)
    notes["none yet"] = [list(user_presets()), panel.delete.isEnabled(), robot.line]
    save("mine")
    notes["saved"] = [robot.status, robot.line, panel.presets.own.text(), panel.delete.isEnabled()]
    notes["file"] = {name: vars(weights) for name, weights in user_presets().items()}
    robot.click(panel.delete)
    notes["deleted"] = [robot.status, robot.line, list(user_presets()), panel.delete.isEnabled()]
    robot.set_values("pomnoise")
    robot.pump(300)


#: What a session may hold under our name, from elsewhere or edited.
FOREIGN: list[Any] = [
    {"command": "pomnoise z=99"},
    {"command": "quit"},
    {"command": "pomnoise; quit"},
    {"command": "pomnoise z=1, unknown=2"},
    {"command": ""},
    {"command": None},
    {"command": 7},
    {"command": ["pomnoise", "z=1"]},
    {"command": "pomnoise preset=gone"},
    {"else": 1},
    {},
    [],
    "pomnoise z=2",
    5,
    None,
    {"command": "pomnoise frames=1e400"},
]


def saving(robot: Any, notes: dict[str, Any]) -> None:
    panel = robot.panel
    robot.set_values("pomnoise 1hpv and chain A, z=0.25, wc=2, wr=4, frames=5, metric=relative, palette=cividis")
    robot.run()
    robot.see_output("1hpv_noise")
    kept = robot.line
    made = robot.look("1hpv_noise")
    folder = os.path.join(os.environ["HOME"], "sessions")
    os.makedirs(folder)
    ours, bare = os.path.join(folder, "ours.pse"), os.path.join(folder, "bare.pse")
    cmd.save(ours)
    values = robot.saved_values()
    notes["plain"] = [type(values).__name__, *(type(value).__name__ for value in values.values())]
    robot.set_values("pomnoise z=-1, seed=4, metric=ratio")
    robot.pump(300)
    cmd.do("reinitialize")
    robot.pump(400)
    notes["after reinitialize"] = [robot.line, panel.counts.text(), panel.player.slider.maximum()]
    cmd.load(ours)
    robot.see_output("1hpv_noise")
    robot.pump(400)
    notes["line"] = [kept, robot.line]
    notes["shown"] = [panel.controls["z"].box.value(), panel.controls["selection"].line.text()]
    notes["same object"] = robot.look("1hpv_noise") == made
    robot.run()
    robot.see_output("1hpv_noise")
    notes["run again"] = robot.look("1hpv_noise") == made
    # A session from elsewhere.
    mine = robot.line
    robot.save_foreign(bare)
    cmd.load(bare)
    robot.pump(500)
    notes["bare"] = [mine, robot.line]
    notes["foreign"] = []
    for value in FOREIGN:
        path = os.path.join(folder, "foreign.pse")
        robot.save_foreign(path, value)
        cmd.load(path)
        panel.watch.poll()
        robot.pump(20)
        if (robot.line, robot.saved_values()) != (
            mine,
            {"command": mine, "sample": robot.sample_line, "train": robot.train_line},
        ):
            notes["foreign"].append([value, robot.line, repr(robot.saved_values())])
    robot.run()
    notes["usable"] = robot.status


def closing(robot: Any, notes: dict[str, Any]) -> None:
    first, line = robot.dock, robot.line
    first.close()
    robot.pump(100)
    notes["closed"] = first.isVisible()
    cmd.do("frame 3")
    robot.pump(300)
    notes["asleep"] = first.panel.watch._timer.isActive()
    cmd.do("pompanel")
    robot.pump(300)
    notes["open again"] = [first.isVisible(), len(robot.docks()), robot.dock is first, robot.line == line]
    notes["awake"] = first.panel.watch._timer.isActive()
    robot.run()
    notes["usable"] = robot.status
    notes["state followed"] = [robot.panel.player.slider.value(), cmd.get_state()]
    robot.set_values("pomnoise z=1.5, wr=3, seed=5")
    robot.dock.setFloating(True)
    robot.pump(100)
    robot.dock.setGeometry(90, 70, 520, 900)
    robot.panel.tabs.setCurrentIndex(1)
    robot.pump(1500)
    robot.dock.close()
    robot.pump(100)
    frame = robot.dock.geometry()
    notes["place"] = [frame.x(), frame.y(), frame.width(), frame.height()]
    notes["line"] = robot.line
