"""What a person sees at a glance, and does with few clicks: pickers, results, one Run, one line, keys, the wheel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pymol import cmd
from qtpy import QtCore, QtGui, QtTest, QtWidgets

from pomodoro_pymol.viewer import store

DATA = Path(__file__).parents[1] / "data"
CONTROL = QtCore.Qt.KeyboardModifier.ControlModifier


def play(robot: Any) -> None:
    robot.open()
    robot.play(
        answering,
        picking,
        judging,
        running,
        waiting,
        entering,
        pressing,
        wheeling,
        truth,
        filming,
        sampling,
    )


def fresh(robot: Any) -> None:
    """Have 1hpv alone, and the panel as it begins."""
    cmd.do("delete all")
    robot.panel.watch.poll()
    robot.set_values("pomnoise")
    robot.show_page("Noise")
    robot.panel.tabs.setCurrentIndex(0)
    cmd.do("load $PYMOL_DATA/tut/1hpv.pdb")
    robot.see_source("1hpv")


def done(robot: Any) -> None:
    robot.wait(lambda: not robot.panel.runner.running, "the end of what runs", 120)
    robot.pump(400)


def answering(robot: Any, notes: dict[str, Any]) -> None:
    """Which scheme keeps residues rigid, which lets them rearrange, and what does each teach? With clicks counted."""
    fresh(robot)
    panel = robot.panel

    class Counter(QtCore.QObject):
        clicks = 0

        def eventFilter(self, watched: Any, event: Any) -> bool:
            if event.type() == QtCore.QEvent.Type.MouseButtonPress and isinstance(watched, QtWidgets.QWidget):
                Counter.clicks += 1
            return False

    counter = Counter()
    for widget in (panel.compare, panel.tabs.tabBar()):
        widget.installEventFilter(counter)
    robot.click(panel.compare)
    done(robot)
    bar = panel.tabs.tabBar()
    (place,) = (place for place in range(bar.count()) if bar.tabText(place) == "Teaches")
    robot.click(bar, bar.tabRect(place).center())
    robot.wait(lambda: panel.teaching.bars.bars, "the shares")
    notes["clicks"] = Counter.clicks
    notes["says"] = panel.teaching.sentence.text().replace("\N{NO-BREAK SPACE}", " ")
    notes["motion"] = {name: bar.accessibleDescription() for name, bar in panel.teaching.bars.motions.items()}
    notes["loss"] = {name: bar.accessibleDescription() for name, bar in panel.teaching.bars.bars.items()}
    notes["grid"] = [cmd.get_setting_int("grid_mode"), panel.compare.isChecked(), robot.status]
    notes["line"] = [line for line in ("1hpv_flat", "1hpv_ms", "1hpv_rb", "1hpv_3-8-1") if line in cmd.get_names()]
    notes["results"] = [panel.results.itemText(place) for place in range(panel.results.count())]
    robot.choose(panel.results, "1hpv_ms")
    robot.see_output("1hpv_ms")
    notes["chosen"] = [robot.line, panel.headline.state.text(), panel.headline.texts()[0][1]]
    robot.click(panel.compare)
    robot.pump(300)
    notes["over"] = [cmd.get_names(), panel.compare.isChecked(), cmd.get_setting_int("grid_mode")]


def pickers(robot: Any) -> list[Any]:
    """Return what source and result show and offer, and the line."""
    robot.panel.watch.poll()
    robot.pump(300)
    panel = robot.panel
    boxes = (panel.objects, panel.results)
    return [
        *([box.currentText(), [box.itemText(place) for place in range(box.count())]] for box in boxes),
        robot.line,
    ]


def picking(robot: Any, notes: dict[str, Any]) -> None:
    """Load, rename, delete sources and results."""
    fresh(robot)
    notes["loaded"] = pickers(robot)
    robot.set_values("pomnoise frames=3")
    robot.run()
    cmd.do("fab ACDEF, pept")
    notes["another loaded"] = pickers(robot)
    cmd.do("set_name 1hpv, protease")
    notes["source renamed"] = pickers(robot)
    robot.run()
    notes["run of the renamed"] = [robot.status, *pickers(robot)]
    robot.choose(robot.panel.objects, "pept")
    notes["other source"] = pickers(robot)
    robot.run()
    notes["other result"] = pickers(robot)
    cmd.do("set_name pept_noise, mine")
    notes["result renamed"] = pickers(robot)
    cmd.do("copy again, mine")
    cmd.do("pomalign mine")
    notes["copies are no sources"] = pickers(robot)
    robot.choose(robot.panel.results, "1hpv_noise")
    notes["result chosen"] = pickers(robot)
    cmd.do("delete 1hpv_noise")
    notes["result deleted"] = pickers(robot)
    cmd.do("delete protease")
    notes["source deleted"] = pickers(robot)
    cmd.do("delete pept")
    robot.run()
    notes["all sources deleted"] = [*pickers(robot), robot.panel.counts.text(), robot.status]
    cmd.do("delete all")
    notes["all deleted"] = pickers(robot)
    cmd.do("fab AGA, fresh")
    notes["loaded again"] = [*pickers(robot), robot.status]
    robot.run()
    notes["run"] = [*pickers(robot), robot.status]
    cmd.do("delete fresh_noise")
    notes["gone"] = [*pickers(robot), robot.status]


def judging(robot: Any, notes: dict[str, Any]) -> None:
    """Move sliders after a run, and take that back."""
    fresh(robot)
    panel = robot.panel

    def glance() -> list[Any]:
        robot.pump(150)
        return [panel.headline.state.text(), [column[1] for column in panel.headline.texts()], robot.status]

    notes["before"] = glance()
    robot.set_values("pomnoise frames=4")
    robot.run()
    robot.see_output("1hpv_noise")
    notes["run"] = glance()
    record = store.get_record("1hpv_noise", _self=cmd)
    notes["levels"] = record["levels"]["measured"]
    robot.press(panel.controls["z"].slider, "Right")
    robot.choose_preset("ms")
    notes["moved"] = glance()
    robot.click(panel.undo)
    robot.click(panel.undo)
    notes["undone"] = [*glance(), robot.line, panel.undo.isEnabled(), panel.redo.isEnabled()]
    robot.click(panel.redo)
    notes["redone"] = [glance()[0], robot.line]
    cmd.do("pomnoise z=2, frames=2")
    notes["typed"] = [*glance(), robot.line]


def running(robot: Any, notes: dict[str, Any]) -> None:
    """Begin each kind of run: one button stops it, one progress shows it, and only meanwhile."""
    fresh(robot)
    panel = robot.panel
    seen: list[Any] = []

    def see(*_: Any) -> None:
        seen.append([panel.progress.isVisible(), panel.run.text(), panel.progress.format()])

    panel.runner.staged.connect(see)
    panel.runner.progressed.connect(see)
    deeds = {
        "noise": lambda: robot.click(panel.run),
        "compare": lambda: robot.click(panel.compare),
        "signal": lambda: robot.click(panel.teaching.table),
        "sweep": lambda: robot.click(panel.sweeping.run),
        "sample": lambda: robot.click(panel.run),
    }
    for name, deed in deeds.items():
        if name in ("signal", "sweep"):
            panel.tabs.setCurrentWidget(panel.teaching if name == "signal" else panel.sweeping)
            robot.pump(100)
        if name == "sample":
            robot.show_page("Sampling")
            robot.set_values("pomsample steps=30")
        seen.clear()
        idle = [panel.progress.isVisible(), panel.run.text()]
        deed()
        busy = [panel.progress.isVisible(), panel.run.text()]
        robot.wait(lambda: not panel.runner.running, f"the end of {name}", 120)
        after = [panel.progress.isVisible(), panel.run.text()]
        robot.pump(300)
        stages = sorted({words.partition(":")[0] for _, _, words in seen})
        notes[name] = [
            idle,
            busy,
            all(shown and text == "Stop" for shown, text, _ in seen),
            after,
            stages,
            robot.status,
        ]
        if name == "compare":
            robot.click(panel.compare)
    panel.runner.staged.disconnect(see)
    panel.runner.progressed.disconnect(see)


def waiting(robot: Any, notes: dict[str, Any]) -> None:
    """Press Live while something else runs: it begins once that has ended."""
    fresh(robot)
    panel = robot.panel
    robot.set_values("pomnoise frames=3")
    panel.tabs.setCurrentWidget(panel.sweeping)
    robot.click(panel.sweeping.run)
    robot.click(panel.live)
    notes["runs"] = [panel.runner.running, panel.follower.on]
    robot.see_live()
    notes["then"] = [panel.runner.running, panel.follower.on, cmd.count_states("1hpv_noise")]
    robot.click(panel.live)
    panel.tabs.setCurrentIndex(0)


def entering(robot: Any, notes: dict[str, Any]) -> None:
    """Edit the command line, and press Enter."""
    fresh(robot)
    panel = robot.panel
    robot.enter_command("pomnoise z=-1, frames=3")
    done(robot)
    notes["noise"] = [robot.status, robot.line, cmd.count_states("1hpv_noise")]
    robot.enter_command("pomnoise z=high")
    robot.pump(100)
    notes["refused"] = [robot.status, robot.line, panel.runner.running]
    cmd.log_open("entered.pml")
    robot.enter_command("pomweights ratio=0.9")
    done(robot)
    cmd.log_close()
    notes["other"] = [
        robot.status,
        [row for row in Path("entered.pml").read_text().splitlines() if "pomweights" in row],
    ]
    robot.enter_command("pomsample steps=20")
    done(robot)
    notes["sample"] = [robot.status, panel.page_bar.currentIndex(), robot.line]
    robot.show_page("Noise")
    notes["back"] = robot.line
    robot.enter_command("quit")
    robot.pump(100)
    notes["foreign"] = [robot.status, robot.line]


def key(robot: Any, keys: Any, modifier: Any = CONTROL) -> None:
    QtTest.QTest.keyClick(robot.panel.run, keys, modifier)
    robot.pump(50)


def pressing(robot: Any, notes: dict[str, Any]) -> None:
    """Use the keys of the panel."""
    fresh(robot)
    panel, keys = robot.panel, QtCore.Qt.Key
    robot.dock.activateWindow()
    panel.run.setFocus()
    robot.set_values("pomnoise frames=4")
    robot.pump(100)
    key(robot, keys.Key_Return)
    notes["run"] = panel.runner.running
    done(robot)
    notes["frame"] = cmd.get_state()
    key(robot, keys.Key_Right)
    key(robot, keys.Key_Right)
    key(robot, keys.Key_Left)
    notes["step"] = cmd.get_state()
    key(robot, keys.Key_P)
    notes["plays"] = panel.player.is_playing()
    key(robot, keys.Key_P)
    notes["plays on"] = panel.player.is_playing()
    cmd.frame(1)
    robot.see_output("1hpv_noise")
    cmd.log_open("live.pml")
    key(robot, keys.Key_L)
    robot.see_live()
    robot.press(panel.controls["z"].slider, "Right", "Right")
    robot.settle()
    robot.press(panel.controls["z"].slider, "Left")
    robot.settle()
    notes["live"] = [panel.follower.on, cmd.get_state(), panel.headline.state.text()]
    panel.run.setFocus()
    key(robot, keys.Key_L)
    cmd.log_close()
    rows = Path("live.pml").read_text().splitlines()
    notes["live over"] = [panel.follower.on, [row for row in rows if row.startswith(("pomnoise", "frame"))]]
    before = robot.line
    robot.set_values("pomnoise frames=4, seed=9")
    panel.run.setFocus()
    key(robot, keys.Key_Z)
    notes["undo"] = [before, robot.line]


def wheel(robot: Any, widget: Any, turn: int) -> None:
    place = QtCore.QPointF(widget.rect().center())
    event = QtGui.QWheelEvent(
        place,
        QtCore.QPointF(widget.mapToGlobal(widget.rect().center())),
        QtCore.QPoint(0, turn),
        QtCore.QPoint(0, turn),
        QtCore.Qt.MouseButton.NoButton,
        QtCore.Qt.KeyboardModifier.NoModifier,
        QtCore.Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QtWidgets.QApplication.sendEvent(widget, event)
    robot.pump(20)


def wheeling(robot: Any, notes: dict[str, Any]) -> None:
    """Turn the wheel over widgets that have the focus, and that do not."""
    fresh(robot)
    panel, controls = robot.panel, robot.panel.controls
    robot.dock.activateWindow()
    widgets = {
        "slider": controls["z"].slider,
        "number": controls["frames"].box,
        "choice": controls["palette"].box,
        "state": panel.player.slider,
    }
    robot.set_values("pomnoise frames=4")
    robot.run()
    cmd.do("pomnoise frames=4, name=second")
    robot.see_output("second")
    cmd.frame(2)
    robot.pump(300)
    widgets["result"] = panel.results

    def values() -> list[Any]:
        return [robot.line, cmd.get_state(), *(box.currentIndex() for box in boxes.values())]

    boxes = {"curve": panel.sampling.curve, "loss": panel.teaching.view, "over z": panel.sweeping.choice}
    notes["others"] = {}
    for name, widget in boxes.items():
        before = values()
        wheel(robot, widget, -120)  # none of them is in front, nor has the focus
        notes["others"][name] = values() == before

    for name, widget in widgets.items():
        panel.line.setFocus()
        before = values()
        turn = {"choice": -120}.get(name, 120)
        wheel(robot, widget, turn)
        without = values() == before
        widget.setFocus()
        wheel(robot, widget, turn)
        notes[name] = [without, values() != before]


def truth(robot: Any, notes: dict[str, Any]) -> None:
    """Show the truth over the result, and no more."""
    fresh(robot)
    box = robot.panel.truth
    notes["before"] = box.isEnabled()
    robot.set_values("pomnoise frames=2")
    robot.run()
    robot.see_output("1hpv_noise")

    def shown() -> list[Any]:
        robot.panel.watch.poll()
        return [box.isEnabled(), box.isChecked(), cmd.get_names(enabled_only=1)]

    notes["hidden"] = shown()
    cmd.log_open("truth.pml")
    robot.click(box, QtCore.QPoint(8, box.height() // 2))
    notes["shown"] = shown()
    robot.click(box, QtCore.QPoint(8, box.height() // 2))
    cmd.log_close()
    notes["hidden again"] = shown()
    notes["logged"] = [row for row in Path("truth.pml").read_text().splitlines() if "able" in row]
    cmd.do("enable 1hpv")
    notes["by hand"] = shown()


def filming(robot: Any, notes: dict[str, Any]) -> None:
    """Write a film with the panel's button."""
    fresh(robot)
    panel = robot.panel
    robot.click(panel.movie)
    notes["nothing"] = robot.status
    robot.set_values("pomnoise frames=2")
    robot.run()
    robot.see_output("1hpv_noise")
    robot.click(panel.movie)
    (dialog,) = (found for found in panel.findChildren(QtWidgets.QFileDialog) if found.isVisible())
    dialog.fileSelected.emit(str(Path.home() / "states.jpeg"))
    notes["refused"] = robot.status
    path = Path.home() / "states.gif"
    dialog.fileSelected.emit(str(path))
    notes["film"] = [path.exists() and path.stat().st_size > 0, robot.status.replace(str(path), "FILE")]
    dialog.reject()
    robot.pump(300)


def sampling(robot: Any, notes: dict[str, Any]) -> None:
    """Sample, with the estimate beside it."""
    cmd.do("delete all")
    robot.panel.watch.poll()
    robot.set_values("pomnoise")
    cmd.load(str(DATA / "2juy.pdb.gz"), "2juy", quiet=1)
    robot.see_source("2juy")
    robot.show_page("Sampling")
    panel = robot.panel
    robot.set_values("pomsample steps=30, keep=denoised")
    far = cmd.get_view()[11]
    cmd.move("z", -3000)
    cmd.log_open("sample.pml")
    robot.click(panel.run)
    done(robot)
    cmd.log_close()
    notes["names"] = cmd.get_names("objects", enabled_only=1)
    notes["nearer"] = cmd.get_view()[11] > far - 2500
    notes["slots"] = [cmd.get("grid_slot", name) for name in ("2juy_sample", "2juy_sample_denoised")]
    notes["logged"] = Path("sample.pml").read_text().splitlines()
    notes["plot"] = panel.sampling.plot.height()
    panel.sampling.more.click()
    robot.pump(200)
    notes["options"] = [
        panel.sampling.options.isVisible(),
        panel.sampling.plot.isVisible(),
        panel.sampling.plot.height(),
    ]
    panel.sampling.more.click()
    robot.show_page("Noise")
