"""A person at PyMOL's window, for scenarios that run inside it: clicks, drags, types, waits, looks."""

from __future__ import annotations

import copy
import importlib
import json
import os
import pickle
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from pymol import cmd
from pymol.Qt import QtCore  # before qtpy, which follows PyMOL's choice
from qtpy import QtGui, QtTest, QtWidgets

import pomodoro_pymol.commands  # noqa: F401  registers the commands

LEFT = QtCore.Qt.MouseButton.LeftButton
NO_MODIFIER = QtCore.Qt.KeyboardModifier.NoModifier


def perform(name: str, result: str) -> None:
    """Play the scenario of a name once the window stands, write what it noted as JSON, and end the process.

    A plain quit of PyMOL under Xvfb crashes with or without us.
    """

    def work() -> None:
        robot = Robot()
        try:
            importlib.import_module(name).play(robot)
        except BaseException:
            traceback.print_exc()
            robot.notes["scenario failed"] = traceback.format_exc()
        with open(result, "w") as file:
            json.dump(robot.notes, file)
        sys.stdout.flush()
        os._exit(0)

    QtCore.QTimer.singleShot(300, work)


class Robot:
    """Hands and eyes; ``notes`` are what the tests assert on."""

    def __init__(self) -> None:
        self.notes: dict[str, Any] = {}
        self.cmd = cmd

    # The panel.

    def open(self) -> Any:
        """Open the panel by its command and wait until it has loaded what it needs."""
        cmd.do("pompanel")
        self.wait(lambda: self.docks() and self.panel.isVisible(), "the panel")
        self.wait(lambda: not self.panel.watch._loading.is_alive(), "torch")
        return self.panel

    def docks(self) -> list[Any]:
        """Return all docks of ours in the window."""
        from pymol.gui import get_qtwindow

        return [dock for dock in get_qtwindow().findChildren(QtWidgets.QDockWidget) if hasattr(dock, "panel")]

    @property
    def dock(self) -> Any:
        (dock,) = self.docks()
        return dock

    @property
    def panel(self) -> Any:
        return self.dock.panel

    @property
    def parameters(self) -> Any:
        return self.panel.model.parameters

    @property
    def line(self) -> str:
        return self.panel.line.text()

    @property
    def sample_line(self) -> str:
        return self.panel.sampling.model.parameters.to_text()

    @property
    def train_line(self) -> str:
        return self.panel.training.model.parameters.to_text()

    @property
    def status(self) -> str:
        return self.panel.status.text()

    def see_source(self, name: str) -> None:
        """Wait until the panel has read a structure."""
        watch = self.panel.watch
        watch.poll()
        self.wait(lambda: watch.molecule is not None and watch.molecule.object == name, f"the structure {name}")
        self.see_display()

    def see_output(self, name: str) -> None:
        """Wait until the panel has read an object of ours."""
        watch = self.panel.watch
        watch.poll()
        self.wait(lambda: watch.noised is not None and watch.noised.object == name, f"the output {name}")
        self.see_display()

    def see_display(self) -> None:
        """Wait until numbers and plots are up to date."""
        display = self.panel.display
        self.pump(50)
        self.wait(lambda: not (display._soon.isActive() or display._residues_soon.isActive()), "the display")

    def run(self) -> None:
        """Click Run and wait for the end."""
        self.click(self.panel.run)
        self.wait(lambda: not self.panel.runner.running, "the end of the run")
        self.pump(50)

    def see_live(self) -> None:
        """Wait until Live has drawn its noise."""
        self.wait(lambda: self.panel.follower.on and self.panel.follower._unit is not None, "Live")

    def settle(self) -> None:
        """Wait until Live has brought the object up to date."""
        follower = self.panel.follower
        self.pump(20)
        self.wait(
            lambda: follower.on and not follower._working and not follower._todo and not follower._rest.isActive(),
            "Live at rest",
        )
        self.pump(300)

    def widen(self) -> None:
        """Give the panel room, so that a bar is wider than a pixel."""
        window = self.dock.parent()
        window.resize(1300, 1100)
        window.resizeDocks([self.dock], [760], QtCore.Qt.Orientation.Horizontal)
        self.pump(200)

    def play(self, *scenes: Callable[[Robot, dict[str, Any]], None]) -> None:
        """Play scenes, each with notes under its name; where one fails the others go on, and its tests fail."""
        for scene in scenes:
            notes = self.notes.setdefault(scene.__name__, {})
            try:
                scene(self, notes)
            except Exception:
                notes["failed"] = traceback.format_exc()

    # Time.

    def pump(self, milliseconds: float = 0) -> None:
        """Let the window live for a while."""
        end = time.monotonic() + milliseconds / 1000
        while True:
            QtWidgets.QApplication.processEvents()
            if time.monotonic() >= end:
                return
            time.sleep(0.002)

    def wait(self, condition: Any, what: str, seconds: float = 40) -> None:
        """Let the window live until something holds."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                said = self.status if self.docks() else ""
                raise AssertionError(f"waited {seconds} s in vain for {what}; the panel says {said!r}")
            self.pump(5)

    # Hands.

    def click(self, widget: Any, place: Any = None) -> None:
        """Click with the left button, in the middle unless told otherwise."""
        QtTest.QTest.mouseClick(widget, LEFT, NO_MODIFIER, place or widget.rect().center())
        self.pump()

    def knob(self, slider: Any) -> Any:
        """Return where the knob of a slider is."""
        option = QtWidgets.QStyleOptionSlider()
        option.initFrom(slider)
        option.orientation = slider.orientation()
        option.minimum, option.maximum = slider.minimum(), slider.maximum()
        option.sliderPosition, option.sliderValue = slider.sliderPosition(), slider.value()
        parts = QtWidgets.QStyle.SubControl
        complex_control = QtWidgets.QStyle.ComplexControl.CC_Slider
        return slider.style().subControlRect(complex_control, option, parts.SC_SliderHandle, slider).center()

    def drag(self, widget: Any, start: Any, *places: Any, modifier: Any = NO_MODIFIER, pause: float = 15) -> None:
        """Press at a place, move to others, release at the last."""
        kinds, none = QtCore.QEvent.Type, QtCore.Qt.MouseButton.NoButton
        self._send(widget, kinds.MouseMove, start, none, none, modifier)
        self._send(widget, kinds.MouseButtonPress, start, LEFT, LEFT, modifier)
        for place in places:
            self.pump(pause)
            self._send(widget, kinds.MouseMove, place, none, LEFT, modifier)
        self._send(widget, kinds.MouseButtonRelease, places[-1], LEFT, none, modifier)
        self.pump()

    def drag_slider(self, slider: Any, *steps: int, pause: float = 15) -> None:
        """Drag the knob of a slider by so many pixels, one move after the other."""
        start = self.knob(slider)
        places = [QtCore.QPoint(start.x() + sum(steps[: n + 1]), start.y()) for n in range(len(steps))]
        self.drag(slider, start, *places, pause=pause)

    def _send(self, widget: Any, kind: Any, place: Any, button: Any, held: Any, modifier: Any) -> None:
        places = QtCore.QPointF(place), QtCore.QPointF(widget.mapToGlobal(place))
        QtWidgets.QApplication.sendEvent(widget, QtGui.QMouseEvent(kind, *places, button, held, modifier))

    def press(self, widget: Any, *keys: str) -> None:
        """Press keys by name, such as Right."""
        for key in keys:
            QtTest.QTest.keyClick(widget, getattr(QtCore.Qt.Key, f"Key_{key}"))
        self.pump()

    def type_number(self, box: Any, text: str) -> None:
        """Put a number in a box."""
        box.selectAll()
        QtTest.QTest.keyClicks(box, text)
        self.press(box, "Return")

    def type_line(self, line: Any, text: str) -> None:
        """Put text in a line, letter by letter."""
        line.selectAll()
        self.press(line, "Delete")
        for letter in text:
            QtTest.QTest.keyClick(line, letter)
            self.pump()

    def set_values(self, text: str) -> None:
        """Let the panel have the values of a command, which is not run."""
        word = text.partition(" ")[0]
        (model,) = (model for model in self.panel.models if model.kind.command == word)
        model.edit_text(text)
        self.pump()

    def enter_command(self, text: str) -> None:
        """Put a command in the panel's line and press Enter, which runs it."""
        self.panel.line.setText("")
        QtTest.QTest.keyClicks(self.panel.line, text)
        self.press(self.panel.line, "Return")

    def show_page(self, title: str) -> None:
        """Click on the tab of a page."""
        bar = self.panel.page_bar
        (place,) = (place for place in range(bar.count()) if bar.tabText(place) == title)
        self.click(bar, bar.tabRect(place).center())

    def choose_preset(self, name: str) -> None:
        """Click on the button of a preset."""
        self.click(self.panel.presets.buttons[name])

    def drag_divider(self, number: int, *steps: int, pause: float = 15) -> None:
        """Drag a divider of the weights by so many pixels, one move after the other."""
        bar = self.panel.shares
        start = QtCore.QPoint(bar.dividers()[number], bar.height() // 2)
        places = [QtCore.QPoint(start.x() + sum(steps[: n + 1]), start.y()) for n in range(len(steps))]
        self.drag(bar, start, *places, pause=pause)

    def choose(self, box: Any, text: str) -> None:
        """Choose a word of a combo box with the arrow keys."""
        here, there = box.currentIndex(), box.findText(text)
        assert there >= 0, text
        self.press(box, *["Down" if there > here else "Up"] * abs(there - here))
        assert box.currentText() == text, (box.currentText(), text)

    def bar_place(self, number: int) -> Any:
        """Return where on the residue plot the bar of a residue is."""
        plot = self.panel.residues.plot
        box = plot.getViewBox()
        middle = sum(box.viewRange()[1]) / 2
        return plot.mapFromScene(box.mapViewToScene(QtCore.QPointF(number, middle)))

    def marked(self) -> list[int]:
        """Return the residues whose bars are marked."""
        return [int(place) for place in self.panel.residues.bars.marked.nonzero()[0]]

    # Eyes.

    def look(self, name: str) -> dict[str, Any]:
        """Return all that a user sees of an object: states, titles, colours, b, labels, record and key."""
        atoms: list[Any] = []
        labels = "segi, chain, resi, resn, name, alt, elem, type, q, rank"
        cmd.iterate(f"%{name}", f"put((color, b, [{labels}]))", space={"put": atoms.append})
        states = range(1, cmd.count_states(f"%{name}") + 1)
        record = cmd._pymol.session.pomodoro[name]
        return {
            "coords": [self.coords(name, state) for state in states],
            "titles": [cmd.get_title(name, state) for state in states],
            "colors": [atom[0] for atom in atoms],
            "b": [atom[1] for atom in atoms],
            "labels": [atom[2] for atom in atoms],
            "record": {**copy.deepcopy(record), "run": "", "b": list(record["b"])},  # no two runs have the same
            "key": marks(cmd, cmd._pymol.session.pomodoro[name]["key"]),
        }

    def coords(self, name: str, state: int) -> list[list[float]]:
        """Return the coordinates of a state."""
        rows: list[Any] = []
        cmd.iterate_state(state, f"%{name}", "put([x, y, z])", space={"put": rows.append})
        return rows

    def saved_values(self) -> Any:
        """Return what a session that is saved now holds of the panel's values."""
        return cmd.get_session()["session"].pomodoro_panel

    def save_foreign(self, path: str, *value: Any) -> None:
        """Save the session as ``cmd.save`` does, but with another value in the place of the panel's, or with none."""
        session = cmd.get_session()
        del session["session"].pomodoro_panel
        if value:
            (session["session"].pomodoro_panel,) = value
        with open(path, "wb") as file:
            pickle.dump(session, file)

    def session(self) -> dict[str, Any]:
        """Return the whole session but for the values that the panel keeps."""
        cmd.get_session()  # the first call stores a setting of its own
        whole = cmd.get_session()
        whole["session"] = copy.deepcopy(vars(whole["session"]))
        whole["session"].pop("pomodoro_panel", None)
        return whole


def marks(cmd: Any, name: str) -> list[Any]:
    """Return the name, text, colours and place of the labels of a colour key in PyMOL."""
    found: list[Any] = []
    words = "name, label, (s.label_color, s.label_bg_color), s.label_screen_point"
    cmd.iterate_state(1, f"%{name}", f"put(({words}))", space={"put": found.append})
    return [[name, text, [color and int(color) for color in colors], [*place]] for name, text, colors, place in found]


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """List where two nested values differ."""
    if type(one) is not type(other):
        return [f"{path}: {one!r:.80} -> {other!r:.80}"]
    found = []
    if isinstance(one, dict):
        for key in {**one, **other}:
            if key in one and key in other:
                found += differences(one[key], other[key], f"{path}/{key}")
            else:
                found.append(f"{path}/{key}: only {'before' if key in one else 'after'}")
    elif isinstance(one, (list, tuple)):
        if len(one) != len(other):
            found.append(f"{path}: {len(one)} -> {len(other)} items")
        for place, (first, second) in enumerate(zip(one, other)):
            found += differences(first, second, f"{path}/{place}")
    elif one != other and not (one != one and other != other):
        found.append(f"{path}: {one!r:.80} -> {other!r:.80}")
    return found
