"""The page that trains: its curves, its words, what Stop keeps. This needs PyMOL and torch."""

import gc
import time
from types import SimpleNamespace

import pytest

pytest.importorskip("pymol")
pytest.importorskip("torch")

import numpy as np
from qtpy import QtCore, QtWidgets

from pomodoro_pymol.diffusion.trained_file import load_training
from pomodoro_pymol.experiments.training_run import TrainRecord
from pomodoro_pymol.panel.layout import Face
from pomodoro_pymol.panel.task import Task
from pomodoro_pymol.panel.tasks import Tasks
from pomodoro_pymol.panel.training import TrainingPage, _load
from pomodoro_pymol.panel.widgets.model import ParameterModel
from pomodoro_pymol.parameters.catalogue import TrainParameters
from pomodoro_pymol.viewer import host

NAMES = ("flat global", "ms levels")
SMALL = "pomtrain presets=ms, scaling=global, seeds=1, batch=4, width=8, layers=1, samples=0"


def record(step, steps=500, left=100.0):
    return TrainRecord(step, steps, NAMES, (1 / step, 2 / step), (3 / step, 4 / step), left)


@pytest.fixture(scope="module")
def cmd():
    """Six states of 24 atoms, which move."""
    with host.headless() as cmd:
        cmd.fab("GGGG", "small", hydro=0)
        cmd.remove("name OXT")
        coords = cmd.get_coords("small")
        rng = np.random.default_rng(0)
        for state in range(1, 7):
            cmd.create("tiny", "small", 1, state)
            cmd.load_coords(coords + rng.normal(0, 0.5, coords.shape), "tiny", state)
        cmd.delete("small")
        yield cmd


@pytest.fixture
def page(show, cmd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return show(TrainingPage(ParameterModel(), _self=cmd), 400, 400)


@pytest.fixture
def tasks(app, show, cmd, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))  # presets of one's own
    face = Face()
    face.add_pages([QtWidgets.QWidget()])
    tasks = Tasks(show(face), cmd)
    tasks.face, tasks.words = face, []
    tasks.said.connect(tasks.words.append)
    tasks.failed.connect(tasks.words.append)
    return tasks


def test_structure_groups_and_device_are_those_of_the_noise(page):
    noise = page._noise
    for name, value in (("selection", "tiny"), ("residues", "segi"), ("chains", "(resi 1)(resi 2)"), ("device", "cpu")):
        noise.edit(name, value)
        assert getattr(page.model.parameters, name) == value
        assert page.controls[name].isHidden()
    noise.edit("wc", 5.0)
    noise.edit("seed", 7)
    noise.edit("preset", "rb")
    assert page.model.parameters == TrainParameters(
        selection="tiny", residues="segi", chains="(resi 1)(resi 2)", device="cpu"
    )


def test_what_is_set_first_is_seen_and_the_rest_behind_options(page, app):
    def seen():
        app.processEvents()
        return {name for name, control in page.controls.items() if control.isVisible()}

    always = {"presets", "scaling", "steps", "seeds", "resume"}
    assert seen() == always
    page.more.click()
    assert seen() == {*TrainParameters.names()} - {*page.shared}
    assert page.plot.isVisible()


@pytest.mark.parametrize(("name", "text"), [("rate", "2e-05"), ("z", "-2:2:0.5")])
def test_small_numbers_and_ranges_are_taken_at_enter(page, name, text):
    line, said = page.controls[name].line, []
    page.failed.connect(said.append)
    line.setText(text)
    line.editingFinished.emit()
    assert page.model.parameters.to_text() == f"pomtrain {name}={text}"
    assert (line.text(), said) == (text, [])
    line.setText("high")
    line.editingFinished.emit()
    assert said[0].startswith(f"{name} must be ")
    assert line.text() == text


def test_schemes_can_be_typed_anew(page, app):
    line = page.controls["presets"].line
    assert line.text() == "flat+ms+rb+3-8-1"
    line.window().activateWindow()
    line.setFocus()
    app.processEvents()
    line.setText("")
    line.textEdited.emit("")
    assert line.text() == ""  # the default does not come back under the hand
    assert line.placeholderText() == "flat+ms+rb+3-8-1"
    line.setText("rb")
    line.textEdited.emit("rb")
    assert page.model.parameters.to_text() == "pomtrain presets=rb"


def test_curves_are_drawn_by_scheme_and_scaling(page):
    drawn = []
    page.plot.show_curves = lambda *given, log: drawn.append((*given, log))
    for step in (5, 10, 15):
        page._take(record(step))
    page._show_curves()
    curves, x_label, heading, log = drawn[-1]
    assert curves == {
        "flat global": ([5, 10, 15], [1 / 5, 1 / 10, 1 / 15]),
        "ms levels": ([5, 10, 15], [2 / 5, 2 / 10, 2 / 15]),
    }
    assert (x_label, heading, log) == ("step", "loss on the states of training, mean of the seeds (no unit)", True)
    page.curve.setCurrentText("held out")
    curves, _, heading, _ = drawn[-1]
    assert curves["ms levels"] == ([5, 10, 15], [4 / 5, 4 / 10, 4 / 15])
    assert heading == "loss on states held out, mean of the seeds (no unit)"
    page._run = SimpleNamespace(parameters=TrainParameters(hold=0))
    page._show_curves()
    assert drawn[-1][2].startswith("loss on the states of training, as none is held out")


def test_a_scheme_has_a_colour_and_a_scaling_its_dashes(page):
    names = tuple(f"{scheme} {scaling}" for scheme in ("flat", "ms", "rb", "3-8-1") for scaling in ("global", "levels"))
    for step in (1, 2):
        page._take(TrainRecord(step, 9, names, (1.0,) * 8, (1.0,) * 8, 1.0))
    page._show_curves()
    pens = {name: curve.opts["pen"] for name, curve in page.plot.curves.items()}
    looks = {name: (pen.color().name(), tuple(pen.dashPattern())) for name, pen in pens.items()}
    assert len(set(looks.values())) == len(names)
    assert len({color for color, _ in looks.values()}) == 4
    assert len({dashes for _, dashes in looks.values()}) == 2
    assert looks["ms global"][0] == looks["ms levels"][0]
    assert looks["ms global"][1] == looks["rb global"][1]
    page._records.clear()
    page._take(TrainRecord(1, 9, names[::2], (1.0,) * 4, (1.0,) * 4, 1.0))
    page._show_curves()
    pens = [curve.opts["pen"] for curve in page.plot.curves.values()]
    assert len({tuple(pen.dashPattern()) for pen in pens}) == 4  # in grey too


def test_many_sentences_are_scrolled_and_leave_room_for_the_curves(page, app):
    page.resize(400, 460)
    few = page.words.height()
    page.words.setText("\n".join(f"{number} leads, but the data cannot tell it" for number in range(40)))
    app.processEvents()
    assert few < page.words.height() <= 10.5 * page.fontMetrics().lineSpacing()
    assert page.words.verticalScrollBar().maximum() > 0
    assert page.plot.height() > 150
    page.words.setText("one")
    app.processEvents()
    assert page.words.height() < 2 * page.fontMetrics().lineSpacing()


def test_curves_are_drawn_ten_times_a_second_at_most(page, app):
    drawn, begin = [], time.monotonic()
    page.plot.show_curves = lambda *given, log: drawn.append(time.monotonic())
    while time.monotonic() - begin < 0.55:
        page._take(record(len(page._records) + 1))
        app.processEvents()
    assert 3 <= len(drawn) <= 6
    assert all(later - sooner > 0.09 for sooner, later in zip(drawn, drawn[1:]))


class StandIn:
    """A run that tells of two steps of five hundred, and waits there."""

    line, total, hidden = "pomtrain", 500, ""

    def __init__(self, seen):
        self.seen = seen

    def __exit__(self, *_):
        pass

    def prepare(self, piece):
        yield

    def work(self, prepared, tell):
        for step, left in ((210, 101.0), (212, 100.4)):
            tell(step, 500, record(step, left=left))
        while not self.seen():
            time.sleep(0.002)
            tell(212, 500, None)
        return SimpleNamespace(path=SimpleNamespace(name="tiny.npz"), training=SimpleNamespace(recipes=[1, 2]))

    def check(self):
        pass

    def finish(self, result, piece):
        yield

    def report(self, result, made):
        return " pomtrain: the report"


def stand_in(page, run, **more):
    task = page.task()
    return Task(task.stage, task.unit, lambda: run, task.ended, task.told, task.left, task.stop, task.stopped)


def test_the_progress_says_steps_and_the_time_left(page, tasks, wait):
    progress, run = tasks.face.progress, tasks.face.run
    tasks.start(stand_in(page, StandIn(lambda: False)))
    wait(lambda: progress.value() == 212)
    assert progress.format() == "training: 212 of 500 steps, 1:40 left"
    assert (progress.minimum(), progress.maximum()) == (0, 500)
    assert (run.text(), run.toolTip()) == ("Stop", page.task().stop)
    tasks.runner.stop()
    wait(lambda: not tasks.runner.running)
    assert run.text() == "Run"


def test_the_sentences_of_the_result_are_shown_and_the_report_is_printed(page, tasks, wait, capsys):
    run = StandIn(lambda: True)
    result = run.work(None, lambda *_: None)
    result.headlines = lambda: ["ms learns residues best.", "Atoms cannot be told apart."]
    run.work = lambda *_: result
    assert "not which scheme is best; that is said at the end" in page.words.text()
    tasks.start(stand_in(page, run))
    wait(lambda: not tasks.runner.running)
    assert page.words.text() == "\N{BULLET} ms learns residues best.\n\N{BULLET} Atoms cannot be told apart."
    assert tasks.words[-1] == "2 networks trained, in tiny.npz; the tables are printed"
    assert " pomtrain: the report" in capsys.readouterr().out


# A real run.


def stop_after(wait, page, tasks, steps):
    """Run the page's command, stop it so many steps on, and return the seconds that took."""
    tasks.start(page.task())
    wait(lambda: page._run is None or page._run.step >= steps or not tasks.runner.running)
    assert tasks.runner.running, tasks.words
    begin = time.monotonic()
    tasks.runner.stop()
    wait(lambda: not tasks.runner.running)
    return time.monotonic() - begin


def test_a_stop_is_answered_within_a_second_and_keeps_what_is_trained(page, tasks, wait, cmd):
    page.model.edit_text(f"{SMALL}, steps=100000")
    names = cmd.get_names("all")
    assert stop_after(wait, page, tasks, 30) < 1
    found = load_training(page._run.path)
    assert found.step == page._run.step >= 30
    said = f"stopped at step {found.step} of 100000; tiny_train.npz keeps it: resume=1 goes on"
    assert tasks.words[-1] == said
    assert cmd.get_names("all") == names

    page.model.edit("resume", 1)
    assert stop_after(wait, page, tasks, found.step + 30) < 1
    assert load_training(page._run.path).step == page._run.step >= found.step + 30

    page.model.edit("batch", 5)
    tasks.start(page.task())
    wait(lambda: not tasks.runner.running)
    assert "cannot be resumed: batch was 4, and is 5" in tasks.words[-1]


def test_a_stop_before_the_first_step_leaves_all_as_it_was(page, tasks, wait, tmp_path):
    page.model.edit_text(f"{SMALL}, steps=100000")
    tasks.start(page.task())
    tasks.runner.stop()
    wait(lambda: not tasks.runner.running)
    assert tasks.words[-1] == "stopped: everything is as it was before"
    assert list(tmp_path.glob("*.npz")) == []


def test_what_cannot_run_says_why_and_leaves_the_curves(page, tasks, wait):
    page._take(record(5))
    for line, said in (("presets=nosuch", "nosuch"), ("resume=1, network=none.npz", "none.npz"), ("hold=1", "hold=1")):
        page.model.edit_text(f"{SMALL}, {line}" if "presets" not in line else f"pomtrain {line}")
        tasks.start(page.task())
        wait(lambda: not tasks.runner.running)
        assert said in tasks.words[-1]
        if "hold" not in line:
            assert len(page._records) == 1


def test_a_real_run_ends_with_its_curves(page, tasks, wait):
    page.model.edit_text(f"{SMALL}, steps=40, hold=3")
    tasks.start(page.task())
    wait(lambda: not tasks.runner.running)
    assert tasks.words[-1] == "1 network trained, in tiny_train.npz; the tables are printed"
    assert [record.step for record in page._records] == [*range(1, 41)]
    assert [len(curve.getData()[0]) for curve in page.plot.curves.values()] == [40]
    assert page.words.text() != page.note


def test_samples_are_shown_at_the_end_alone(page, tasks, wait, cmd):
    names = cmd.get_names("all")
    page.model.edit_text(f"{SMALL}, steps=100000".replace("samples=0", "samples=2, show=1"))
    stop_after(wait, page, tasks, 5)
    assert cmd.get_names("all") == names
    page.model.edit("steps", 5)
    tasks.start(page.task())
    wait(lambda: not tasks.runner.running)
    said = "1 network trained, in tiny_train.npz; the tables are printed; samples side by side: tiny_ms_global"
    assert tasks.words[-1] == said
    assert "tiny_ms_global" in cmd.get_names("objects")
    cmd.delete("tiny_ms_global")


def test_undo_brings_back_the_page_s_own_values_alone(page):
    page.model.edit("steps", 20)
    page._noise.edit("selection", "tiny")
    page.model.undo()
    assert page.model.parameters == TrainParameters(selection="tiny")


def test_what_training_needs_is_loaded_with_the_collector_at_rest_and_then_at_work():
    """A collection looks through all that torch has, a tenth of a second in which the window would stand still."""
    collected = []
    watch = lambda phase, info: collected.append(info["generation"])  # noqa: E731
    gc.callbacks.append(watch)
    try:
        _load()
    finally:
        gc.callbacks.remove(watch)
        gc.unfreeze()
    assert 2 not in collected
    assert gc.isenabled()


def test_the_page_fits_a_narrow_dock(page):
    assert isinstance(page.options, QtWidgets.QScrollArea)
    page.more.click()
    QtCore.QCoreApplication.processEvents()
    # As `test_face` has it for the whole panel.
    assert page.minimumSizeHint().width() <= 60 * page.fontMetrics().averageCharWidth()
