"""What a person may do to the session between and during runs, and what a session from elsewhere may hold."""

from __future__ import annotations

import copy
import os
from typing import Any

from pymol import cmd
from pymol.Qt import QtCore  # noqa: F401  before qtpy, which follows PyMOL's choice
from qtpy import QtWidgets

#: What is typed in PyMOL's own command line, and whether it is while the panel rests, runs or is live.
DEEDS = {
    "delete the output": ("delete 1hpv_noise", "rest run live"),
    "rename the output": ("set_name 1hpv_noise, other", "live"),
    "add a state to the output": ("create 1hpv_noise, 1hpv_noise, 1, -1", "rest live"),
    "relabel the output": ("alter 1hpv_noise, chain='Z'", "rest"),
    "delete the source": ("delete 1hpv", "rest run live"),
    "rename the source": ("set_name 1hpv, renamed", "run"),
    "remove atoms": ("remove chain A", "rest run live"),
    "delete everything": ("delete all", "rest"),
    "reinitialize": ("reinitialize", "run live"),
    "run by hand": ("pomnoise 1hpv, frames=3, z=1", "rest run live"),
}

SAMPLE_DEEDS = {
    "delete the source": "delete 1hpv",
    "rename the source": "set_name 1hpv, renamed",
    "remove atoms": "remove chain A",
    "reinitialize": "reinitialize",
}

#: Chains of a file from elsewhere. What they could do is seen by a file of the name BANG.
CHAINS = (
    "A;/open('BANG','w')#",
    "A",
    "<b>B</b>",
    "<img src=x>",
    "A B",
    "A*",
    "*",
    "A+B",
    '"',
    "'",
    "(",
    "/open('BANG','w')",
)


def play(robot: Any) -> None:
    notes = robot.notes
    robot.open()
    notes["typing"] = typing(robot)
    notes["several"] = several(robot)
    for when, act in (("rest", between), ("run", during_run), ("live", during_live)):
        for deed, (line, times) in DEEDS.items():
            if when in times:
                fresh(robot)
                found = act(robot, line)
                found["left"] = [other for other in cmd.get_names("all") if other.startswith("_")]
                found["usable"] = still_usable(robot)
                notes[f"{when}: {deed}"] = found
    for deed, line in SAMPLE_DEEDS.items():
        fresh(robot)
        found = during_sample(robot, line)
        found["left"] = [other for other in cmd.get_names("all") if other.startswith("_")]
        found["usable"] = still_usable(robot)
        notes[f"sample: {deed}"] = found
    notes["state beyond"] = state_beyond(robot)
    notes["hiding"] = hiding(robot)
    notes["records"] = records(robot)
    notes["labels"] = labels(robot)
    notes["values"] = foreign_values(robot)


def fresh(robot: Any, frames: int = 2) -> None:
    """Begin with 1hpv and its noised frames."""
    cmd.do("delete all")
    cmd.frame(1)
    cmd.do(f"load {os.path.join(os.environ['PYMOL_DATA'], 'tut', '1hpv.pdb')}")
    robot.set_values(f"pomnoise frames={frames}")
    robot.panel.watch.poll()
    robot.run()
    robot.see_output("1hpv_noise")


def still_usable(robot: Any) -> str:
    """Run once more on a structure, and return what the panel says of it."""
    panel = robot.panel
    if panel.live.isChecked():
        robot.click(panel.live)
    if "1hpv" not in cmd.get_names():
        cmd.do(f"load {os.path.join(os.environ['PYMOL_DATA'], 'tut', '1hpv.pdb')}")
    if "1hpv_noise" in cmd.get_names() and not cmd.get_title("1hpv_noise", 2):
        cmd.delete("1hpv_noise")
    robot.set_values("pomnoise 1hpv, frames=2, seed=3")
    robot.run()
    return robot.status


def between(robot: Any, line: str) -> dict[str, Any]:
    """Do something to the session while the panel rests, then turn every knob."""
    panel, controls = robot.panel, robot.panel.controls
    cmd.do(line)
    panel.watch.poll()
    robot.pump(50)
    said = [robot.status]
    robot.press(controls["z"].slider, "Right")
    robot.choose(controls["metric"].box, "displacement")
    said.append(robot.status)
    robot.choose(controls["metric"].box, "ratio")
    robot.press(panel.player.slider, "End", "Home")
    if panel.residues._labels:
        robot.click(panel.residues.plot.viewport(), robot.bar_place(len(panel.residues._labels) // 2))
    said.append(robot.status)
    robot.click(panel.live)
    robot.wait(lambda: not panel.runner.running, "the end of a run")
    robot.pump(50)
    said.append(robot.status)
    return {"said": said}


def during_run(robot: Any, line: str) -> dict[str, Any]:
    """Do something to the session while frames are being drawn."""
    panel = robot.panel
    robot.set_values("pomnoise 1hpv, frames=400")
    progress: list[int] = []
    panel.runner.progressed.connect(lambda done, _: progress.append(done))
    robot.click(panel.run)
    robot.wait(lambda: progress and progress[-1] > 0, "the first frames")
    running = panel.runner.running
    cmd.do(line)
    robot.press(panel.controls["z"].slider, "Right")
    robot.wait(lambda: not panel.runner.running, "the end of the run")
    robot.pump(50)
    states = cmd.count_states("%1hpv_noise") if "1hpv_noise" in cmd.get_names() else 0
    return {"running": running, "said": robot.status, "states": states, "thread": panel.runner._thread.is_alive()}


def during_live(robot: Any, line: str) -> dict[str, Any]:
    """Do something to the session while Live is on, then move the sliders."""
    panel, controls = robot.panel, robot.panel.controls
    robot.click(panel.live)
    robot.see_live()
    robot.press(controls["z"].slider, "Right", "Right")
    cmd.do(line)
    robot.press(controls["z"].slider, "Right")
    robot.pump(20)
    said = robot.status
    robot.press(controls["wr"].box, "Down")
    robot.pump(250)
    found = {"said": said, "on": panel.follower.on, "checked": panel.live.isChecked()}
    found["running"] = panel.runner.running
    return found


def during_sample(robot: Any, line: str) -> dict[str, Any]:
    """Do something to the session while the Sampling page is at work on a thousand steps."""
    page = robot.panel.sampling
    robot.enter_command("pomsample 1hpv, steps=1000")
    robot.wait(lambda: len(page._records) > 1, "the first steps")
    running = robot.panel.runner.running
    cmd.do(line)
    names = [name for name in cmd.get_names("all") if not name.startswith("_")]
    robot.wait(lambda: not robot.panel.runner.running, "the end of the sampling")
    robot.pump(50)
    found = {"running": running, "said": robot.status, "steps": len(page._records)}
    found["names"] = cmd.get_names("all") == names
    robot.show_page("Noise")
    return found


def labels(robot: Any) -> dict[str, Any]:
    """Noise a structure whose chains are more than they seem, and click on each bar."""
    cmd.do("delete all")
    cmd.fab("G" * len(CHAINS), "x1")
    for number, chain in enumerate(CHAINS, 1):
        cmd.alter(f"x1 and resi {number}", "chain = text", space={"text": chain})
    cmd.sort("x1")
    robot.panel.watch.poll()
    robot.set_values("pomnoise x1, frames=2")
    robot.run()
    robot.see_output("x1_noise")
    robot.widen()
    panel, found = robot.panel, []
    for number in range(len(CHAINS)):
        place = robot.bar_place(number)
        panel.residues._hover(panel.residues.plot.mapToScene(place))
        tip = QtWidgets.QToolTip.text()
        robot.click(panel.residues.plot.viewport(), place)
        chosen: list[str] = []
        cmd.iterate("sele", "put(chain)", space={"put": chosen.append})
        found.append([sorted(set(chosen)), len(chosen), tip, robot.status])
    formats = {str(label.textFormat()) for label in (panel.status, panel.counts, panel.banner)}
    return {"found": found, "bang": os.path.exists("BANG"), "formats": sorted(formats)}


def foreign_values(robot: Any) -> dict[str, Any]:
    """Load a session whose panel's values name files, or end a command and begin another."""
    found: dict[str, Any] = {}
    for name, line in (
        ("files", "pomsample steps=7, csv=~/.profile, figure=/tmp/x.png"),
        ("network", "pomsample steps=8, network=/dev/zero"),
        ("two", "pomsample all;/open('BANG','w')#"),
    ):
        robot.save_foreign("foreign.pse", {"command": "pomnoise z=0.5", "sample": line})
        cmd.load("foreign.pse")
        robot.panel.watch.poll()
        robot.pump(50)
        found[name] = [robot.line, robot.sample_line]
    robot.save_foreign("foreign.pse", {"command": "pomnoise all;/open('BANG','w')#", "sample": 5})
    cmd.load("foreign.pse")
    robot.panel.watch.poll()
    robot.pump(50)
    found["noise"] = [robot.line, robot.sample_line]
    return found


def typing(robot: Any) -> list[list[str]]:
    """Type selections letter by letter, whole and broken ones, and run each."""
    cmd.do(f"load {os.path.join(os.environ['PYMOL_DATA'], 'tut', '1hpv.pdb')}")
    robot.see_source("1hpv")
    panel = robot.panel
    found = []
    for text in (
        "chain A and name CA",
        "chain Q",
        "chain A and (",
        "resi 1-",
        "name CA)",
        "nonsense",
        "1hpv within",
        "'",
        "a, b=c",
        "%%%",
        "z=1",
        "",
    ):
        robot.type_line(panel.controls["selection"].line, text)
        panel.watch.poll()
        robot.pump(20)
        counts = panel.counts.text()
        if not text or text.startswith("chain A and name"):
            found.append([text, panel.controls["selection"].line.text(), counts, ""])
            continue
        robot.run()
        found.append([text, panel.controls["selection"].line.text(), counts, robot.status])
    return found


def several(robot: Any) -> dict[str, Any]:
    """Load a second structure, and choose."""
    panel = robot.panel
    robot.set_values("pomnoise")
    cmd.do("fab ACDEF, pept")
    robot.wait(lambda: len(panel.watch.objects) == 2, "two structures")
    notes = {"kept": [robot.line, panel.objects.currentText()]}
    notes["offered"] = [panel.objects.itemText(place) for place in range(panel.objects.count())]
    robot.choose(panel.objects, "pept")
    robot.see_source("pept")
    notes["chosen"] = [robot.line, panel.counts.text()]
    robot.run()
    notes["run"] = robot.status
    cmd.do("delete pept")
    robot.see_source("1hpv")
    notes["automatic"] = [robot.line, panel.objects.currentText()]
    return notes


def state_beyond(robot: Any) -> list[Any]:
    """Show a state that a new object with fewer states does not have."""
    fresh(robot, frames=9)
    cmd.frame(8)
    robot.pump(250)
    robot.set_values("pomnoise 1hpv, frames=3")
    robot.run()
    notes = [robot.status, robot.panel.player.slider.value(), robot.panel.player.slider.maximum()]
    robot.see_output("1hpv_noise")
    robot.click(robot.panel.live)
    robot.see_live()
    robot.press(robot.panel.controls["z"].slider, "Right")
    robot.settle()
    notes += [cmd.get_title("1hpv_noise", 4), robot.parameters.z]
    robot.click(robot.panel.live)
    return notes


def hiding(robot: Any) -> dict[str, Any]:
    """Close the dock during a run and during Live."""
    fresh(robot)
    panel = robot.panel
    robot.set_values("pomnoise 1hpv, frames=300")
    robot.click(panel.run)
    robot.dock.close()
    robot.wait(lambda: not panel.runner.running, "the end of the run")
    notes: dict[str, Any] = {"states": cmd.count_states("%1hpv_noise")}
    cmd.do("pompanel")
    robot.see_output("1hpv_noise")
    robot.set_values("pomnoise 1hpv, frames=3")
    robot.run()
    robot.see_output("1hpv_noise")
    robot.click(panel.live)
    robot.see_live()
    robot.press(panel.controls["z"].slider, "Right")
    robot.dock.close()
    robot.pump(100)
    notes["live"] = [panel.follower.on, panel.live.isChecked()]
    notes["title"] = cmd.get_title("1hpv_noise", 2)
    notes["z"] = robot.parameters.z
    cmd.do("pompanel")
    robot.pump(100)
    notes["usable"] = still_usable(robot)
    return notes


def records(robot: Any) -> list[list[Any]]:
    """Edit what the session says of our object, as a file from elsewhere might."""
    fresh(robot)
    good = copy.deepcopy(cmd._pymol.session.pomodoro["1hpv_noise"])
    short = {name: values[:-1] for name, values in good["residues"].items()}
    found = []
    for change in (
        {"command": 5},
        {"command": "quit"},
        {"command": "pomnoise z=99"},
        {"residues": short},
        {"residues": {}},
        {"residues": {"atom": "abc"}},
        {"levels": {}},
        {"levels": {"measured": 1, "low": 2, "high": 3}},
        {"colors": {}},
        {"colors": 5},
        {"colors": {**good["colors"], "metric": "beauty"}},
        {"colors": {**good["colors"], "metric": ["ratio"]}},
        {"colors": {**good["colors"], "palette": []}},
        {"colors": {**good["colors"], "low": 5, "high": 1}},
        {"colors": {**good["colors"], "low": float("nan")}},
        {"digest": None},
        {"device": "cuda:77"},
        {"device": "toaster"},
        {"key": ["x"]},
        {"source": 3},
        {"versions": {}},
        {"run": 7},
        {"run": ["x"]},
    ):
        cmd._pymol.session.pomodoro["1hpv_noise"] = {**copy.deepcopy(good), **change}
        robot.panel.watch.poll()
        robot.pump(30)
        robot.press(robot.panel.controls["z"].slider, "Right", "Left")
        robot.choose(robot.panel.controls["palette"].box, "cividis")
        robot.choose(robot.panel.controls["palette"].box, "viridis")
        if {"device", "colors", "digest"} & set(change):
            robot.click(robot.panel.live)
            robot.wait(lambda: not robot.panel.runner.running, "the end of a run")
            robot.pump(30)
        found.append([repr(change)[:40], robot.status])
        if robot.panel.live.isChecked():
            robot.click(robot.panel.live)
    for store in (5, [], {"1hpv_noise": 3}, {3: {}}, {"1hpv_noise": {"title": good["title"]}}):
        cmd._pymol.session.pomodoro = copy.deepcopy(store)
        robot.panel.watch.poll()
        robot.pump(30)
        found.append([repr(store)[:100], robot.panel.counts.text()])
    cmd.delete("1hpv_noise*")
    found.append(["", still_usable(robot)])
    return found
