"""The corpus of bad input at the panel: in its command lines and in its widgets, then Run."""

from __future__ import annotations

from typing import Any

import bad_input
from pymol import cmd
from qtpy import QtWidgets
from robot import differences

from pomodoro_pymol.panel.widgets.controls import NumberControl, TextControl, shown_values

#: After so many cases one is run that is good.
_GROUP = 25


def play(robot: Any) -> None:
    bad_input.prepare(cmd)
    robot.open()
    robot.see_source("1hpv")
    robot.set_values("pomnoise z=high")  # the first warning sign brings a font, whose lines may be higher
    robot.pump(500)
    robot.notes["lines"] = refuse(robot, [line for line, _ in bad_input.cases("panel")], enter_line)
    given = [pair for pair, _ in bad_input.cases("widget") if enterable(robot, pair)]
    robot.notes["widgets"] = refuse(robot, given, enter_value)
    robot.notes["zero"] = no_weights(robot)


def refuse(robot: Any, cases: list[Any], enter: Any) -> list[dict[str, Any]]:
    """Enter each case, run what was taken, and note what the panel says and what changed."""
    panel, found = robot.panel, []
    before = robot.session()
    for number, case in enumerate(cases, 1):
        page = panel.sampling if str(case).startswith("pomsample") else panel
        robot.show_page("Sampling" if page is panel.sampling else "Noise")
        start = page.model.parameters
        enter(robot, page, case)
        taken = page.model.parameters != start
        note = {"case": case, "said": robot.status, "taken": taken, "consistent": consistent(robot, page, taken, case)}
        if taken:
            if not panel.runner.running and enter is enter_value:
                robot.click(panel.run)
            robot.wait(lambda: not panel.runner.running, "the end of a run")
            robot.pump(20)
            note["said"] = robot.status
        after = robot.session()
        note["changed"] = differences(before, after)
        found.append(note)
        if taken:
            robot.set_values(start.to_text())
        if number % _GROUP == 0 or number == len(cases):
            note["then"] = run_once(robot)
            before = robot.session()
    return found


def enter_line(robot: Any, page: Any, line: str) -> None:
    """Put a command in the line, at once, and press Enter, which runs it if it can be run."""
    robot.panel.line.setText(line)
    robot.press(robot.panel.line, "Return")


def enter_value(robot: Any, page: Any, pair: list[str]) -> None:
    """Paste a value where a person would, letters that no keyboard has included."""
    control, text = page.controls[pair[0]], pair[1]
    line = control.line if isinstance(control, TextControl) else control.box.lineEdit()
    QtWidgets.QApplication.clipboard().setText(text)
    line.selectAll()
    line.paste()
    robot.press(line, "Return")


def enterable(robot: Any, pair: tuple[str, str]) -> bool:
    """Tell whether the parameter has a widget in which text can be typed; the ends of a range are numbers only."""
    return isinstance(robot.panel.controls.get(pair[0]), (NumberControl, TextControl))


def consistent(robot: Any, page: Any, taken: bool = True, case: Any = "") -> bool:
    """Tell whether the line and every number shown are those of the parameters; a line that is refused stands."""
    parameters = page.model.parameters
    refused = isinstance(case, str) and not taken
    values = shown_values(parameters)
    boxes = {name: control.box for name, control in page.controls.items() if isinstance(control, NumberControl)}
    numbers = all(abs(box.value() - values[name]) <= 5e-4 for name, box in boxes.items())
    return numbers and robot.line in (parameters.to_text(), case.strip() if refused else "")


def run_once(robot: Any) -> str:
    """Run a good command, and return what the panel says of it; nothing of it stays."""
    robot.show_page("Noise")
    robot.set_values("pomnoise 1hpv, frames=1")
    robot.run()
    said = robot.status
    cmd.delete("1hpv_noise*")
    robot.set_values("pomnoise")
    robot.panel.watch.poll()
    robot.pump(20)
    return said


def no_weights(robot: Any) -> list[Any]:
    """Take one weight after the other to zero."""
    boxes = [robot.panel.controls[name].box for name in ("wc", "wr", "wa")]
    for box in boxes:
        robot.type_number(box, "0")
    return [robot.status, [box.value() for box in boxes], consistent(robot, robot.panel), robot.line]
