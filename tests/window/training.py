"""The page Training: a run that is stopped and resumed while the window lives, its curves, a session."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from pymol import cmd
from pymol.gui import get_qtwindow
from pymol.Qt import QtCore
from sizes import clipped, picture

DATA = Path(__file__).parents[1] / "data"
SMALL = "presets=flat+3-8-1, seeds=2, batch=8, width=16, samples=2, z=0"


class Clock(QtCore.QObject):
    """Ticks while the window lives, and knows the longest time between two ticks, in seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.longest, self._last = 0.0, time.perf_counter()
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(1)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    def _tick(self) -> None:
        now = time.perf_counter()
        self.longest, self._last = max(self.longest, now - self._last), now

    def take(self) -> float:
        """Return the longest time since it was asked last."""
        found, self.longest = self.longest, 0.0
        return found


def play(robot: Any) -> None:
    notes = robot.notes
    cmd.load(str(DATA / "2juy.pdb.gz"), "2juy", quiet=1)
    get_qtwindow().move(0, 0)
    get_qtwindow().resize(1280, 800)
    panel = robot.open()
    robot.see_source("2juy")
    page = panel.training
    robot.pump(300)
    clock = Clock()
    robot.show_page("Training")
    robot.pump(100)
    notes["gap shown"] = clock.take()
    robot.wait(lambda: not page._loading.is_alive(), "what training needs")
    notes["gap while it loads"] = clock.take()
    notes["start"] = [robot.train_line, page.words.text(), page.plot.heading.text()]

    # A number that cannot be, then those of a small run.
    robot.type_number(page.controls["steps"].box, "100000")
    robot.type_line(page.controls["presets"].line, "nosuch")
    robot.run()
    notes["refused"] = robot.status
    robot.set_values(f"pomtrain {SMALL}, steps=100000")
    robot.pump(100)
    notes["line"] = robot.train_line
    before = cmd.get_names("all")

    # Stopped on the way.
    formats: list[str] = []
    note = panel.runner.progressed.connect(lambda *_: formats.append(panel.progress.format()))
    robot.click(panel.run)
    notes["gaps while it trains"] = []
    for step in (10, 20, 30):
        clock.take()
        robot.wait(lambda step=step: page._run is not None and page._run.step >= step, "some steps")
        notes["gaps while it trains"].append(clock.take())
    start = time.perf_counter()
    robot.click(panel.run)
    robot.wait(lambda: not panel.runner.running, "the stop")
    notes["stop took"] = time.perf_counter() - start
    notes["gap while it stops"] = clock.take()
    notes["stopped"] = [robot.status, page._run.step, sorted(path.name for path in Path().glob("*.npz"))]
    notes["same names"] = cmd.get_names("all") == before

    # Begun anew with fewer steps, stopped, resumed to the end.
    robot.set_values(f"pomtrain {SMALL}, steps=60")
    formats.clear()
    robot.click(panel.run)
    robot.wait(lambda: len(page._records) >= 25, "some of the curves")
    robot.pump(200)
    notes["curves"] = {name: len(curve.getData()[0]) for name, curve in page.plot.curves.items()}
    picture("training_running")
    robot.click(panel.run)
    robot.wait(lambda: not panel.runner.running, "the stop")
    stopped = page._run.step
    box = page.controls["resume"].box
    robot.choose(box, "on")
    notes["resume"] = [robot.train_line, stopped]
    clock.take()
    robot.click(panel.run)
    robot.wait(lambda: not panel.runner.running, "the end", 120)
    robot.pump(300)
    notes["gap until it ends"] = clock.take()
    panel.runner.progressed.disconnect(note)
    notes["formats"] = formats
    notes["ended"] = [robot.status, page.words.text(), page.words.text() != page.note]
    picture("training_ended")
    robot.choose(page.curve, "held out")
    robot.pump(150)
    notes["held out"] = [
        page.plot.heading.text(),
        {name: len(curve.getData()[0]) for name, curve in page.plot.curves.items()},
    ]

    # What the network of the file denoises, and a session, which brings the values back but no files.
    robot.enter_command("pomsample 2juy, steps=4, sampler=edm, network=2juy_train.npz")
    robot.wait(lambda: not panel.runner.running, "a sample")
    robot.pump(100)
    notes["sampled"] = [robot.status, panel.page_bar.currentIndex()]
    robot.show_page("Training")
    robot.set_values(f"pomtrain {SMALL}, steps=77, network=mine.npz, resume=1")
    cmd.save("training.pse")
    robot.set_values("pomtrain")
    cmd.load("training.pse")
    robot.pump(600)
    notes["reloaded"] = robot.train_line

    # Every option, in a narrow dock too.
    page.more.click()
    robot.pump(200)
    notes["clipped"] = clipped(panel)
    picture("training_options")
