"""Curves over z and over steps, and what is shown where pyqtgraph is missing."""

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from qtpy import QtCore, QtGui

from pomodoro_pymol.color.palettes import OKABE_ITO
from pomodoro_pymol.panel.widgets.curve_plots import StepPlot, SweepPlot
from pomodoro_pymol.panel.widgets.legend import Legend

Z = np.linspace(-4, 3, 15)
CURVES = [("uniform", Z, np.exp(Z)), ("3:8:1", Z, 4 * np.exp(Z)), ("chain only", Z, 0 * Z)]

MISSING = """
import sys
sys.modules["pyqtgraph"] = None
from qtpy import QtCore, QtWidgets
from pomodoro_pymol.health import install_command
from pomodoro_pymol.panel.widgets.curve_plots import StepPlot, SweepPlot
from pomodoro_pymol.panel.widgets.residue_plot import ResiduePlot
app = QtWidgets.QApplication([])
for plot in (StepPlot(), SweepPlot(), ResiduePlot()):
    label, = [part for part in plot.findChildren(QtWidgets.QLabel) if part.text()]
    assert install_command("pyqtgraph") in label.text(), label.text()
    assert label.textInteractionFlags() & QtCore.Qt.TextInteractionFlag.TextSelectableByMouse
    plot.resize(320, 200)
    plot.show()
    app.processEvents()
    app.setStyle("Fusion")
    plot.grab()
    assert label.heightForWidth(label.width()) <= label.height()
StepPlot().show_curves({"a": ([1], [1])}, "step", "y")
StepPlot().clear()
SweepPlot().show_curves([("a", [1], [1])], 0.0, None)
ResiduePlot().show_residues(["A/ALA 1"], [0], [1.0], [1.0], [0], "y")
ResiduePlot().mark([0])
ResiduePlot().show_all()
ResiduePlot().clear()
"""


@pytest.fixture
def sweep(show, app):
    sweep = show(SweepPlot(), 400, 300)
    sweep.show_curves(CURVES, 0.5, (0.5, 4.1))
    app.processEvents()
    return sweep


def test_the_curves_are_drawn_in_logarithms(sweep):
    x, y = sweep.curves["3:8:1"].getData()
    assert x == pytest.approx(Z)
    assert y == pytest.approx(np.log10(4 * np.exp(Z)))
    assert np.isnan(sweep.curves["chain only"].getData()[1]).all()
    low, high = sweep.plot.viewRange()[1]
    assert low < math.log10(math.exp(-4))
    assert high > math.log10(4 * math.exp(3))


def test_the_reference_is_where_residues_meet(sweep):
    assert sweep.reference.value() == pytest.approx(math.log10(3.8))
    assert sweep.reference.label.toPlainText() == "3.8 Å in space, consecutive C\N{GREEK SMALL LETTER ALPHA}"
    assert sweep.heading.text() == "residue relative to chain, rms in space (Å)"
    assert "in space" in sweep.plot.toolTip()


def test_z_and_the_measured_point_are_shown(sweep):
    assert sweep.line.value() == 0.5
    assert [tuple(sweep.point.getData()[axis]) for axis in (0, 1)] == [(0.5,), (math.log10(4.1),)]
    sweep.show_curves(CURVES, -1.0, None)
    assert sweep.line.value() == -1
    assert len(sweep.point.getData()[0]) == 0


def test_dragging_the_line_chooses_z_and_showing_does_not(sweep, drag):
    chosen = []
    sweep.z_chosen.connect(chosen.append)
    sweep.show_curves(CURVES, 1.0, None)
    assert chosen == []
    box = sweep.plot.getViewBox()
    points = [sweep.plot.mapFromScene(box.mapViewToScene(QtCore.QPointF(z, 0.2))) for z in (1, 1.5, 2, 2)]
    drag(sweep.plot.viewport(), points)
    assert chosen[-1] == pytest.approx(2, abs=0.05)
    assert sweep.line.value() == pytest.approx(2, abs=0.05)
    assert len(chosen) >= 2


def test_curves_are_told_apart_and_the_legend_agrees(sweep):
    pens = [curve.opts["pen"] for curve in sweep.curves.values()]
    assert [pen.color().name() for pen in pens[1:]] == [f"#{color.lower()}" for color in OKABE_ITO[1:3]]
    assert pens[0].color() == sweep.palette().windowText().color()
    assert len({tuple(pen.dashPattern()) for pen in pens}) == 3
    assert sweep.legend.accessibleDescription() == "uniform, 3:8:1, chain only"
    assert not sweep.legend.geometry().intersects(sweep.plot.geometry())


def test_curves_that_are_gone_are_not_drawn(sweep):
    sweep.show_curves(CURVES[1:2], 0.0, None)
    assert list(sweep.curves) == ["3:8:1"]
    assert len(sweep.plot.listDataItems()) == 1 + (sweep.point in sweep.plot.listDataItems())
    assert sweep.curves["3:8:1"].opts["pen"].color() == sweep.palette().windowText().color()


def test_the_theme_is_followed(sweep, dark, app):
    sweep.setPalette(dark)
    app.processEvents()
    assert sweep.plot.backgroundBrush().color() == dark.window().color()
    assert sweep.curves["uniform"].opts["pen"].color() == dark.windowText().color()
    assert sweep.plot.getAxis("left").textPen().color() == dark.windowText().color()


@pytest.mark.parametrize("width", [60, 120, 320, 900])
def test_legend_entries_stay_inside_and_apart(show, width):
    legend = Legend()
    names = [f"scheme number {number}" for number in range(7)]
    legend.show_entries([(name, QtGui.QPen()) for name in names])
    show(legend, width, 10)
    places = legend.places(width)
    assert all(legend.rect().contains(place) for place in places)
    assert not any(a.intersects(b) for number, a in enumerate(places) for b in places[:number])
    if width >= 320:
        metrics = legend.fontMetrics()
        assert all(place.width() > metrics.horizontalAdvance(name) + 30 for name, place in zip(names, places))


def test_live_curves_grow_and_clear(show, app):
    plot = show(StepPlot(), 400, 300)
    for count in (2, 50):
        x = np.arange(count)
        plot.show_curves({"sigma": (x, 100.0 / (x + 1)), "rms": (x, x * 1.0)}, "step", "Å", log=True)
    app.processEvents()
    assert len(plot.curves["sigma"].getData()[0]) == 50
    assert np.isnan(plot.curves["rms"].getData()[1][0])
    assert plot.plot.viewRange()[0][1] >= 49
    assert plot.heading.text() == "Å"
    assert plot.plot.getAxis("bottom").labelText == "step"
    plot.show_curves({"rms": (x, x * 1.0)}, "step", "Å")
    assert plot.curves["rms"].getData()[1] == pytest.approx(x)
    plot.clear()
    assert not plot.curves
    assert not plot.plot.listDataItems()


def test_a_logarithmic_axis_has_plain_numbers(sweep):
    axis = sweep.plot.getAxis("left")
    ((_, values),) = axis.logTickValues(-2.5, 2.5, 200, [])
    assert axis.logTickStrings(values, 1, 1) == ["0.01", "0.1", "1", "10", "100"]
    ((_, values),) = axis.logTickValues(0.2, 1.1, 200, [])
    assert axis.logTickStrings(values, 1, 1) == ["2", "5", "10"]


def test_without_pyqtgraph_the_plots_say_what_to_do():
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", MISSING], env=environment, capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert done.returncode == 0, done.stderr
