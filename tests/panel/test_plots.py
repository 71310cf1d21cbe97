"""Curves over z and over steps, and what is shown where pyqtgraph is missing."""

import math
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from qtpy import QtCore, QtGui, QtWidgets

from pomodoro_pymol.panel.widgets.canvas import Canvas
from pomodoro_pymol.panel.widgets.color_key import ColorKey
from pomodoro_pymol.panel.widgets.contrast import contrast, readable
from pomodoro_pymol.panel.widgets.curve_plots import QUANTITIES, StepPlot, SweepPlot
from pomodoro_pymol.panel.widgets.legend import Legend
from pomodoro_pymol.panel.widgets.level_table import LevelTable, Row
from pomodoro_pymol.panel.widgets.loss_bars import LossBars
from pomodoro_pymol.panel.widgets.residue_plot import ResiduePlot

Z = np.linspace(-4, 3, 15)
CURVES = [("uniform", Z, np.exp(Z)), ("3:8:1", Z, 4 * np.exp(Z)), ("chain only", Z, 0 * Z)]
NOW = (0.5, 4.1, 3.7, 4.6)

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
SweepPlot().choose("ca_lddt")
SweepPlot().show_measured({"a": [(1, 1, 1, 1)]})
ResiduePlot().show_residues(["A/ALA 1"], [0], [1.0], [1.0], [0], "y")
ResiduePlot().mark([0])
ResiduePlot().show_all()
ResiduePlot().clear()
"""


@pytest.fixture
def sweep(show, app):
    sweep = show(SweepPlot(), 400, 300)
    sweep.show_curves(CURVES, 0.5, NOW)
    app.processEvents()
    return sweep


def test_the_curves_are_drawn_from_zero_about_the_crossing(sweep):
    x, y = sweep.curves["3:8:1"].getData()
    assert x == pytest.approx(Z)
    assert y == pytest.approx(4 * np.exp(Z))
    (left, right), (low, high) = sweep.plot.viewRange()
    assert (low, high) == pytest.approx((0, 7.6))
    crossings = math.log(3.8), math.log(3.8 / 4)  # of the two that reach it
    assert left < min(crossings) < max(crossings) < right
    assert right - left < 3.5


def test_schemes_are_told_apart_where_they_lose_the_structure(sweep, app):
    """Residues of one scheme move a tenth farther: that is some pixels at the crossing, in a small plot too."""
    sweep.resize(400, 200)
    sweep.show_curves([("one", Z, np.exp(Z)), ("other", Z, 1.1 * np.exp(Z))], 0.5, None)
    app.processEvents()
    box = sweep.plot.getViewBox()
    near, far = (box.mapViewToScene(QtCore.QPointF(math.log(3.8 / factor), 3.8)) for factor in (1, 1.1))
    assert near.x() - far.x() > 8


def test_the_reference_is_where_residues_meet(sweep):
    assert sweep.reference.value() == pytest.approx(3.8)
    assert sweep.reference.label.toPlainText() == "3.8 Å in space, consecutive C\N{GREEK SMALL LETTER ALPHA}"
    assert sweep.heading.text() == "residue relative to chain, rms in space (Å), over z"
    assert "in space" in sweep.heading.toolTip()


def test_z_and_the_measured_point_are_shown(sweep):
    assert sweep.line.value() == 0.5
    assert [tuple(sweep.point.getData()[axis]) for axis in (0, 1)] == [(0.5,), (4.1,)]
    bar = sweep.intervals.opts
    assert (bar["x"].tolist(), (bar["y"] + bar["top"]).tolist(), (bar["y"] - bar["bottom"]).tolist()) == (
        [0.5],
        [pytest.approx(4.6)],
        [pytest.approx(3.7)],
    )
    sweep.show_curves(CURVES, -1.0, (-1.0, 2.0, math.nan, math.nan))
    assert len(sweep.intervals.opts["x"]) == 0
    sweep.show_curves(CURVES, -1.0, None)
    assert sweep.line.value() == -1
    assert len(sweep.point.getData()[0]) == 0


def test_the_z_of_now_is_always_in_view(sweep):
    for z in (-3.5, 2.5, -1):
        sweep.show_curves(CURVES, z, (z, 4.2 * math.exp(z), math.nan, math.nan))
        (left, right), (_, top) = sweep.plot.viewRange()
        assert left <= z <= right
        assert top > 4.2 * math.exp(z)
    assert top == pytest.approx(7.6)


def test_a_zoomed_view_rests_and_a_double_click_leaves_it(sweep, app):
    first = sweep.plot.viewRange()[0]
    sweep.plot.setXRange(0.3, 0.9, padding=0)
    sweep.show_curves(CURVES, 0.6, NOW)
    assert sweep.plot.viewRange()[0] == pytest.approx([0.3, 0.9])
    place, kinds = QtCore.QPointF(sweep.plot.viewport().rect().center()), QtCore.QEvent.Type
    left, none = QtCore.Qt.MouseButton.LeftButton, QtCore.Qt.KeyboardModifier.NoModifier
    place += QtCore.QPointF(90, 30)  # beside the line
    for kind in ("MouseButtonPress", "MouseButtonRelease", "MouseButtonDblClick", "MouseButtonRelease"):
        app.sendEvent(sweep.plot.viewport(), QtGui.QMouseEvent(getattr(kinds, kind), place, place, left, left, none))
    assert sweep.plot.viewRange()[0] == pytest.approx(first, abs=0.11)


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_each_quantity_has_its_own_heights_and_words(sweep, quantity):
    asked = []
    sweep.asked.connect(lambda: asked.append(sweep.quantity))
    sweep.choose(quantity)
    assert asked == [quantity] * (quantity != "relative")
    shown = QUANTITIES[quantity]
    assert sweep.curves == {} or quantity == "relative"
    sweep.show_curves([("flat", Z, np.full(len(Z), 0.7))], 0.0, None, "not all found yet")
    assert sweep.plot.viewRange()[1] == pytest.approx([0, shown.top])
    assert sweep.reference.value() == shown.lost
    assert sweep.heading.text() == f"{shown.heading}: not all found yet"
    assert shown.tip in sweep.plot.toolTip()


def test_what_a_sweep_measured_is_drawn_with_its_curves_alone(sweep):
    points = {"3:8:1": [(0.0, 4.0, 3.0, 5.0), (1.0, 9.0, math.nan, math.nan)], "gone": [(0.0, 1.0, 0.5, 2.0)]}
    sweep.show_measured(points)
    assert [tuple(axis) for axis in sweep.points.getData()] == [(0, 1), (4, 9)]
    color = sweep.curves["3:8:1"].opts["pen"].color()
    assert {spot.brush().color().name() for spot in sweep.points.points()} == {color.name()}
    assert sweep.intervals.opts["x"].tolist() == [0.5, 0.0]
    sweep.show_measured({})
    assert len(sweep.points.getData()[0]) == 0
    assert sweep.intervals.opts["x"].tolist() == [0.5]


def test_curves_are_asked_for_when_they_come_into_sight(sweep, app):
    asked = []
    sweep.asked.connect(lambda: asked.append(1))
    sweep.hide()
    assert asked == []
    sweep.show()
    assert asked == [1]


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
    base = sweep.palette().window().color()
    assert len({pen.color().name() for pen in pens}) == 3
    assert all(contrast(pen.color(), base) >= 3 for pen in pens)
    assert pens[0].color() == sweep.palette().windowText().color()
    assert len({tuple(pen.dashPattern()) for pen in pens}) == 3
    assert sweep.legend.accessibleDescription() == "uniform, 3:8:1, chain only"
    assert not sweep.legend.geometry().intersects(sweep.plot.geometry())


def test_curves_that_are_gone_are_not_drawn(sweep):
    sweep.show_curves(CURVES[1:2], 0.0, None)
    assert list(sweep.curves) == ["3:8:1"]
    assert set(sweep.plot.listDataItems()) == {*sweep.curves.values(), sweep.point, sweep.points}
    assert sweep.curves["3:8:1"].opts["pen"].color() == sweep.palette().windowText().color()


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


def test_a_logarithmic_axis_has_plain_numbers(show):
    axis = show(StepPlot(), 400, 300).plot.getAxis("left")
    ((_, values),) = axis.logTickValues(-2.5, 2.5, 200, [])
    assert axis.logTickStrings(values, 1, 1) == ["0.01", "0.1", "1", "10", "100"]
    ((_, values),) = axis.logTickValues(0.2, 1.1, 200, [])
    assert axis.logTickStrings(values, 1, 1) == ["2", "5", "10"]


# A theme that changes while the panel is open.


def step_plot():
    plot = StepPlot()
    plot.show_curves({name: (Z, 3 + number + Z) for number, name in enumerate("abcdefg")}, "step", "rms (Å)")
    return plot


def sweep_plot():
    plot = SweepPlot()
    plot.show_curves([(name, Z, (1 + 0.3 * number) * np.exp(Z)) for number, name in enumerate("abcdefg")], 0.1, NOW)
    plot.show_measured({"b": [(0.4, 2.0, 1.5, 2.5)]})
    return plot


def profile():
    plot = ResiduePlot()
    heights = np.linspace(0.9, 0.95, 20)
    labels = [f"A/GLY {number}" for number in range(20)]
    plot.show_residues(labels, [0], heights, heights, [0x440154] * 20, "ratio", (heights - 0.02, heights + 0.02))
    return plot


def key():
    widget = ColorKey()
    widget.show_scale([(0.0, (0, 0, 0)), (1.0, (1, 1, 0))], "ratio", "", (0.3, 0.4))
    return widget


def table():
    widget = LevelTable()
    widget.show_levels([Row("atom", "rms, Å per coordinate", 4.8, 4.7, 4.9, 5.1)])
    return widget


def loss():
    widget = LossBars()
    shares = {"own": (0.2, 0.5, 0.3), "flat": (0.1, 0.1, 0.8)}
    widget.show_shares(shares, shares)
    return widget


def text_places(widget):
    """Return where a widget has text: rectangles in its own pixels."""
    parts = [*widget.findChildren(Legend), *widget.findChildren(QtWidgets.QLabel)]
    if isinstance(widget, Canvas):
        scene = [widget.plot.getAxis(name).sceneBoundingRect() for name in ("left", "bottom")]
        places = [widget.plot.mapFromScene(rect).boundingRect() for rect in scene]
        yield from (place.translated(widget.plot.pos()) for place in places)
    elif isinstance(widget, ColorKey):
        height = widget.fontMetrics().height()
        yield from (QtCore.QRect(0, top, widget.width(), height) for top in (0, height + 1))
        yield from (place for _, _, place in widget.ticks())
    elif isinstance(widget, LevelTable):
        view = widget.table
        origin = view.viewport().mapTo(widget, QtCore.QPoint())
        for row in range(view.rowCount()):
            for column in range(view.columnCount()) if view.columnSpan(row, 0) == 1 else (0,):
                yield view.visualItemRect(view.item(row, column)).translated(origin)
    for part in parts:
        yield QtCore.QRect(part.mapTo(widget, QtCore.QPoint()), part.size())


def clearest(image, place):
    """Return the contrast of what stands out most from the colour that most of a place has."""
    place = place.intersected(image.rect())
    pixels = Counter(
        image.pixelColor(x, y).rgb()
        for x in range(place.left(), place.right() + 1)
        for y in range(place.top(), place.bottom() + 1)
    )
    background = QtGui.QColor(pixels.most_common(1)[0][0])
    return max(contrast(QtGui.QColor(color), background) for color in pixels)


@pytest.mark.parametrize("make", [step_plot, sweep_plot, profile, key, table, loss])
def test_a_theme_that_changes_while_open_stays_legible(show, app, dark, make):
    light = QtGui.QPalette(QtGui.QColor("#efefef"))
    widget = show(make(), 420, 260)
    images = []
    for palette in (light, dark, light):
        widget.setPalette(palette)
        app.processEvents()
        images.append(widget.grab().toImage())
        places = list(text_places(widget))
        assert len(places) > 1
        assert [clearest(images[-1], place) >= 4.5 for place in places] == [True] * len(places)
        for curve in getattr(widget, "curves", {}).values():
            assert contrast(curve.opts["pen"].color(), palette.window().color()) >= 3
    assert images[0] == images[2]
    assert images[0] != images[1]


@pytest.mark.parametrize("base", ["#ffffff", "#efefef", "#808080", "#202124", "#000000"])
@pytest.mark.parametrize("color", ["#f0e442", "#e69f00", "#0072b2", "#000000", "#ffffff", "#7f7f7f"])
def test_colours_are_changed_as_far_as_needed_and_no_farther(base, color):
    base, color = QtGui.QColor(base), QtGui.QColor(color)
    found = readable(color, base)
    assert contrast(found, base) >= 3
    assert (found == color) == (contrast(color, base) >= 3)


def test_contrast_is_that_of_the_standard():
    """Examples of WCAG 2.1: black on white 21, and #767676, the lightest grey that text may have on white."""
    white = QtGui.QColor("white")
    assert contrast(QtGui.QColor("black"), white) == pytest.approx(21)
    assert contrast(white, QtGui.QColor("#767676")) == pytest.approx(4.54, abs=0.005)


def test_without_pyqtgraph_the_plots_say_what_to_do():
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", MISSING], env=environment, capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert done.returncode == 0, done.stderr
