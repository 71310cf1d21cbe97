"""The page of the z-sweep: which curves, when, and what its button makes. This needs PyMOL and torch."""

from types import SimpleNamespace

import pytest

pytest.importorskip("pymol")
pytest.importorskip("torch")

import numpy as np
from qtpy import QtCore

from pomodoro_pymol.noise.expected import expected_levels
from pomodoro_pymol.noise.presets import parse_schemes
from pomodoro_pymol.noise.scores import expected_score
from pomodoro_pymol.noise.weights import PRESETS
from pomodoro_pymol.panel.plots import DISPLACEMENTS, SCORES, SweepCurves
from pomodoro_pymol.panel.runner import Runner
from pomodoro_pymol.panel.sweeping import SweepPage, schemes_of
from pomodoro_pymol.panel.watch import Molecule
from pomodoro_pymol.panel.widgets.curve_plots import QUANTITIES, SweepPlot
from pomodoro_pymol.panel.widgets.model import ParameterModel
from pomodoro_pymol.structure.distances import LocalDistances
from pomodoro_pymol.structure.hierarchy import Hierarchy
from pomodoro_pymol.viewer import host, reading, sources

Z = [-1.0, -0.5, 0.0, 0.5]


class Watch(QtCore.QObject):
    """What the page asks of the panel's watch."""

    source_changed = QtCore.Signal()
    molecule = source = output = None


@pytest.fixture(scope="module")
def cmd():
    with host.headless() as cmd:
        cmd.fab("ACDEFGHIKLMNPQRSTVWY", "pep")
        yield cmd


@pytest.fixture(scope="module")
def molecule(cmd):
    structure = reading.read_source(sources.resolve_source("pep", 1, _self=cmd), _self=cmd)
    return Molecule("pep", structure, Hierarchy.from_structure(structure))


@pytest.fixture
def page(show, app, cmd, molecule, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))  # presets of one's own
    watch = Watch()
    watch.molecule, watch.source = molecule, sources.resolve_source("pep", 1, _self=cmd)
    page = SweepPage(ParameterModel(), watch, SweepPlot(), _self=cmd)
    page.watch, page.noise = watch, page._noise
    page.tasks = []
    page.wanted.connect(page.tasks.append)
    return show(page, 400, 240)


@pytest.fixture
def curves(app):
    parent = QtCore.QObject()
    yield SweepCurves(parent)
    parent.deleteLater()
    app.processEvents()


def test_displacements_are_the_closed_forms_in_space(curves, molecule):
    law = ParameterModel().parameters.law_of_sigma
    for quantity, name in DISPLACEMENTS.items():
        found = curves.curves(quantity, molecule, PRESETS, law, Z)
        assert [curve[0] for curve in found] == list(PRESETS)
        for scheme, _, heights in found:
            expected = [getattr(expected_levels(molecule.hierarchy, PRESETS[scheme], law.sigma(z)), name) for z in Z]
            assert heights == pytest.approx(3**0.5 * np.array(expected))


@pytest.mark.parametrize("quantity", SCORES)
def test_scores_come_from_a_thread_once(wait, curves, molecule, quantity):
    law = ParameterModel().parameters.law_of_sigma
    ready = []
    curves.ready.connect(lambda: ready.append(1))
    assert curves.curves(quantity, molecule, PRESETS, law, Z) == []
    wait(lambda: ready)
    found = curves.curves(quantity, molecule, PRESETS, law, Z)
    distances = getattr(LocalDistances, SCORES[quantity])(molecule.structure, molecule.hierarchy)
    assert [curve[0] for curve in found] == list(PRESETS)
    for scheme, _, heights in found:
        assert heights == pytest.approx([expected_score(distances, PRESETS[scheme], law.sigma(z)) for z in Z])
    known = curves._distances[quantity]
    more = {"own": parse_schemes("1:1:1")[0].weights}
    assert curves.curves(quantity, molecule, more, law, Z) == []
    wait(lambda: len(ready) == 2)
    assert len(curves.curves(quantity, molecule, PRESETS | more, law, Z)) == 1 + len(PRESETS)
    assert curves._distances[quantity] is known  # which takes long
    assert len(ready) == 2


def test_scores_of_a_structure_that_is_gone_are_not_shown(wait, curves, molecule):
    law, other = ParameterModel().parameters.law_of_sigma, Molecule("other", molecule.structure, molecule.hierarchy)
    ready = []
    curves.ready.connect(lambda: ready.append(1))
    curves.curves("ca_lddt", molecule, PRESETS, law, Z)
    curves.curves("relative", other, PRESETS, law, Z)
    wait(lambda: ready)
    assert curves._scores == {}


def test_scores_that_cannot_be_had_say_why_and_are_not_tried_for_ever(wait, curves, molecule, monkeypatch):
    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(LocalDistances, "of_calphas", fail)
    ready = []
    curves.ready.connect(lambda: ready.append(1))
    for _ in range(3):
        assert curves.curves("ca_lddt", molecule, PRESETS, ParameterModel().parameters.law_of_sigma, Z) == []
        wait(lambda: ready)
    assert "memory" in curves.problem
    assert ready == [1]


def test_the_choice_is_drawn(page):
    assert page.choice.currentData() == page.plot.quantity == "relative"
    assert [page.choice.itemData(place) for place in range(page.choice.count())] == list(QUANTITIES)
    page.choice.setCurrentIndex(3)
    page.choice.activated.emit(3)
    assert page.plot.quantity == "within_residues"
    assert "rigid" in page.plot.heading.text()


def test_the_sweep_is_of_what_the_panel_shows(page):
    page.noise.edit("preset", "rb")
    page.noise.edit("frames", 3)
    page.noise.edit("seed", 7)
    sweep = page.parameters()
    schemes = parse_schemes(sweep.presets)
    assert schemes[0].name == "rb"
    assert {scheme.name for scheme in schemes} == set(PRESETS)
    assert (sweep.frames, sweep.seed) == (3, 7)
    page.noise.edit("wc", 1.5)
    first, *others = parse_schemes(page.parameters().presets)
    assert first.weights == page.noise.parameters.weights
    assert {scheme.name for scheme in others} == set(PRESETS)
    assert next(iter(schemes_of(page.noise.parameters))) == "own"
    assert page.parameters().law_of_sigma == page.noise.parameters.law_of_sigma


@pytest.fixture
def swept(page, wait, cmd):
    page.noise.edit("selection", "pep")
    page.noise.edit("wc", 2.5)
    page.noise.edit("frames", 2)
    page.run.click()
    (task,) = page.tasks
    runner = Runner(page, cmd)
    counts, said, failed, told = [], [], [], []
    runner.progressed.connect(lambda done, total: counts.append((done, total)))
    runner.told.connect(lambda item: (task.told(item), told.append(item)))
    runner.finished.connect(lambda result: said.append(task.ended(result)))
    runner.failed.connect(failed.append)
    before = cmd.get_names()
    cmd.create("result", "pep")
    page.watch.output = SimpleNamespace(name="result")
    runner.start(task.make)
    wait(lambda: said or failed)
    # It would lie over the result.
    assert ("pep_sweep" in cmd.get_names(), "pep_sweep" in cmd.get_names(enabled_only=1)) == (True, False)
    cmd.delete("result")
    assert failed == []
    page.counts, page.said_, page.before, page.task = counts, said, before, task
    return page


def test_the_button_makes_the_object_and_its_points(swept, app, cmd):
    total = 2 * 25 * 6
    assert swept.counts[0] == (0, total)
    assert swept.counts[-1] == (total, total)
    assert cmd.count_states("pep_sweep") == 25
    assert swept.said_[0].startswith("swept 6 schemes; 2.5:8:1 scrambles residues at z = ")
    plot = swept.plot
    curves = [(name, Z, Z) for name in schemes_of(swept.noise.parameters)]
    plot.show_curves(curves, 0.0, None)
    x, y = plot.points.getData()
    assert len(x) == 25 * 6
    point = swept._sweep.points[4]
    assert (point.scheme.name, y[4]) == ("2.5:8:1", pytest.approx(point.relative.measured))
    assert plot.intervals.opts["top"][4] == pytest.approx(point.relative.high - point.relative.measured)
    swept.choice.activated.emit(list(QUANTITIES).index("between_residues"))
    assert len(plot.points.getData()[0]) == 0  # nothing of it is measured
    swept.choice.activated.emit(list(QUANTITIES).index("ca_lddt"))
    plot.show_curves(curves, 0.0, None)
    assert plot.points.getData()[1][4] == pytest.approx(point.scores.ca_lddt)
    assert len(plot.intervals.opts["x"]) == 0
    cmd.delete("pep_sweep")


def test_points_of_another_law_or_structure_or_of_other_weights_go(swept, cmd):
    plot = swept.plot
    plot.show_curves([(name, Z, Z) for name in schemes_of(swept.noise.parameters)], 0.0, None)
    assert len(plot.points.getData()[0]) == 150
    swept.noise.edit("wc", 2.0)
    assert len(plot.points.getData()[0]) == 125  # those of the presets stay
    swept.noise.edit("wc", 2.5)
    assert len(plot.points.getData()[0]) == 150
    swept.noise.edit("p_mean", -1.0)
    assert len(plot.points.getData()[0]) == 0
    swept.noise.edit("p_mean", None)
    assert len(plot.points.getData()[0]) == 150
    swept.watch.molecule = None
    swept.watch.source_changed.emit()
    assert len(plot.points.getData()[0]) == 0
    cmd.delete("pep_sweep")


def test_a_sweep_that_is_stopped_leaves_nothing(page, wait, cmd):
    page.noise.edit("selection", "pep")
    page.run.click()
    runner, ended = Runner(page, cmd), []
    runner.stopped.connect(lambda: ended.append("stopped"))
    runner.finished.connect(lambda _: ended.append("finished"))
    runner.failed.connect(ended.append)
    before = cmd.get_names("all"), cmd.get_coords("pep").tolist()
    runner.told.connect(lambda done: done == 5 and runner.stop())
    runner.start(page.tasks[0].make)
    wait(lambda: ended)
    assert ended == ["stopped"]
    assert (cmd.get_names("all"), cmd.get_coords("pep").tolist()) == before


def test_a_source_may_go_during_a_sweep_which_has_a_copy(page, wait, cmd):
    cmd.create("other", "pep")
    page.noise.edit("selection", "other")
    page.run.click()
    runner, ended = Runner(page, cmd), []
    runner.finished.connect(lambda _: ended.append("finished"))
    runner.failed.connect(ended.append)
    runner.told.connect(lambda done: done == 5 and cmd.delete("other"))
    runner.start(page.tasks[0].make)
    wait(lambda: ended)
    assert ended == ["finished"]
    assert cmd.count_states("other_sweep") == 25
    cmd.delete("other_sweep")
