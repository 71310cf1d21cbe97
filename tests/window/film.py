"""The Sampling tab: a film of an ensemble, its curves, a stop, bad numbers, a session."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from robot import cmd, differences

DATA = Path(__file__).parents[1] / "data"


def play(robot: Any) -> None:
    """Sample, scrub, stop, and come back to a session."""
    notes = robot.notes
    cmd.load(str(DATA / "2juy.pdb.gz"), "2juy", quiet=1)
    panel = robot.open()
    robot.see_source("2juy")
    page = panel.sampling
    robot.show_page("Sampling")
    robot.pump(100)
    notes["start"] = [robot.sample_line, panel.player.slider.isEnabled()]

    # A number that cannot be, then one that can.
    robot.type_line(page.controls["steps"].line, "0")
    robot.press(page.controls["steps"].line, "Return")
    notes["bad"] = [robot.status, robot.sample_line]
    robot.type_line(page.controls["steps"].line, "60")
    robot.press(page.controls["steps"].line, "Return")
    robot.choose(page.controls["sampler"].box, "edm")
    panel.model.edit("seed", 5)
    notes["line"] = robot.sample_line

    # The run, with curves that grow while it goes on.
    drawn: list[int] = []
    panel.runner.told.connect(lambda record: drawn.append(len(page._records)))
    robot.click(panel.run)
    robot.wait(lambda: not panel.runner.running, "the end of sampling")
    robot.pump(400)
    notes["drawn"] = list(drawn)
    notes["status"] = robot.status
    notes["names"] = cmd.get_names("objects")
    notes["film"] = robot.coords("2juy_sample", 60)
    notes["titles"] = [cmd.get_title("2juy_sample", state) for state in (1, 60)]
    notes["members"] = [robot.coords("2juy", state) for state in range(1, 25)]
    notes["curves"] = {}
    for name in ("error", "variance", "centroid", "rotation", "entropy"):
        robot.choose(page.curve, name)
        notes["curves"][name] = [len(item.getData()[0]) for item in page.plot.plot.listDataItems() if item.isVisible()]

    # The film in the player.
    robot.click(panel.player.last)
    robot.pump(300)
    notes["last"] = [
        cmd.get_state(),
        panel.player.spin.value(),
        panel.player.title.toolTip() or panel.player.title.text(),
    ]
    robot.show_page("Noise")
    robot.pump(300)
    notes["elsewhere"] = panel.player.slider.isEnabled()
    robot.show_page("Sampling")
    robot.pump(300)

    # Stopped half-way.
    robot.type_line(page.controls["steps"].line, "5000")
    robot.press(page.controls["steps"].line, "Return")
    before = robot.session()
    robot.click(panel.run)
    robot.wait(lambda: len(page._records) > 20, "some steps")
    robot.click(panel.run)
    robot.wait(lambda: not panel.runner.running, "the stop")
    notes["stopped"] = [robot.status, differences(before, robot.session())]

    # The source goes while it is sampled, which is told at the end of the steps.
    robot.type_line(page.controls["steps"].line, "400")
    robot.press(page.controls["steps"].line, "Return")
    robot.click(panel.run)
    robot.wait(lambda: len(page._records) > 20, "some steps")
    page.model.edit("name", "")
    cmd.reinitialize()
    robot.wait(lambda: not panel.runner.running, "the end without a source", 60)
    notes["gone"] = [robot.status, cmd.get_names("all")]

    # The panel is as useful as before, and the session remembers.
    cmd.load(str(DATA / "2juy.pdb.gz"), "2juy", quiet=1)
    robot.see_source("2juy")
    robot.type_line(page.controls["steps"].line, "12")
    robot.press(page.controls["steps"].line, "Return")
    robot.click(panel.run)
    robot.wait(lambda: not panel.runner.running, "a run after all")
    notes["after"] = cmd.count_states("2juy_sample")
    cmd.save("film.pse")
    line = robot.sample_line
    robot.type_line(page.controls["steps"].line, "33")
    robot.press(page.controls["steps"].line, "Return")
    cmd.load("film.pse")
    robot.pump(600)
    notes["reloaded"] = [line, robot.sample_line]
