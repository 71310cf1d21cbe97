"""The profile of residues."""

import math

import numpy as np
import pytest
from qtpy import QtCore, QtGui, QtWidgets

from pomodoro_pymol.panel.widgets.residue_plot import ResiduePlot

LABELS = [f"A/ARG {number}" for number in range(1, 13)] + [f"B/GLY {number}" for number in range(5, 13)]
COLORS = [0x0000FF] * 12 + [0xFF0000] * 8
HEIGHTS = np.linspace(1, 4.5, 20)


@pytest.fixture
def profile(show, app):
    profile = show(ResiduePlot(), 600, 300)
    profile.show_residues(LABELS, [0, 12], HEIGHTS, HEIGHTS + 0.2, COLORS, "residue rms (Å)")
    app.processEvents()
    profile.clicked, profile.dragged = [], []
    profile.residue_clicked.connect(profile.clicked.append)
    profile.residues_dragged.connect(lambda first, last: profile.dragged.append((first, last)))
    return profile


def place_of(profile, x, y):
    """Return the viewport's point at data coordinates."""
    return profile.plot.mapFromScene(profile.plot.getViewBox().mapViewToScene(QtCore.QPointF(x, y)))


def pixel(profile, x, y):
    return profile.plot.viewport().grab().toImage().pixelColor(place_of(profile, x, y))


def test_bars_have_their_colours_and_heights(profile):
    for index in (0, 7, 11, 12, 19):
        assert pixel(profile, index, HEIGHTS[index] / 2).rgb() & 0xFFFFFF == COLORS[index]
        assert pixel(profile, index, HEIGHTS[index] - 0.1).rgb() & 0xFFFFFF == COLORS[index]
        assert pixel(profile, index, HEIGHTS[index] + 0.1) == profile.palette().window().color()


def test_the_expected_line_is_drawn(profile):
    text = profile.palette().windowText().color()
    for index in (1, 7, 18):
        place = place_of(profile, index, HEIGHTS[index] + 0.2)
        image = profile.plot.viewport().grab().toImage()
        assert text in [image.pixelColor(place.x(), place.y() + offset) for offset in (-1, 0, 1)]


def test_an_undefined_residue_has_no_bar(profile):
    heights = HEIGHTS.copy()
    heights[3] = math.nan
    profile.show_residues(LABELS, [0, 12], heights, None, COLORS, "residue rms (Å)")
    assert pixel(profile, 3, 0.5) == profile.palette().window().color()
    assert pixel(profile, 4, 0.5).rgb() & 0xFFFFFF == 0x0000FF
    assert profile.describe(3) == "A/ARG 4\nmeasured n/a\nexpected n/a"


def test_marked_bars_stand_out(profile):
    above = HEIGHTS[5] + 1
    before = pixel(profile, 5, above)
    profile.mark([5, 13])
    assert pixel(profile, 5, above) != before
    assert pixel(profile, 13, 4.9) != before
    assert pixel(profile, 6, above) == before
    profile.mark([6])
    assert pixel(profile, 5, above) == before
    assert pixel(profile, 6, above) != before


def test_marks_are_painted_without_being_asked_for(app, profile):
    """On the screen nobody grabs: the item itself must ask for its painting."""
    from qtpy import QtCore

    painted = []

    class Eye(QtCore.QObject):
        def eventFilter(self, _, event):
            if event.type() == QtCore.QEvent.Type.Paint:
                painted.append(event.rect())
            return False

    eye = Eye()
    app.processEvents()
    profile.plot.viewport().installEventFilter(eye)
    profile.mark([5])
    app.processEvents()
    assert painted
    assert max(rect.height() for rect in painted) > 20


def test_marks_stay_while_values_change_and_go_with_their_residues(profile):
    profile.mark([5])
    profile.show_residues(LABELS, [0, 12], HEIGHTS * 0.99, HEIGHTS, COLORS, "residue rms (Å)")
    assert np.flatnonzero(profile.bars.marked).tolist() == [5]
    profile.show_residues(LABELS[:12], [0], HEIGHTS[:12], None, COLORS[:12], "residue rms (Å)")
    assert not profile.bars.marked.any()


@pytest.mark.parametrize("index", [0, 7, 19])
def test_a_click_says_which_residue(profile, drag, index):
    drag(profile.plot.viewport(), [place_of(profile, index, 0.5)])
    assert profile.clicked == [index]
    assert profile.dragged == []


def test_a_drag_with_shift_says_which_residues(profile, drag):
    shift = QtCore.Qt.KeyboardModifier.ShiftModifier
    view = profile.plot.viewRange()
    for ends in ((4, 10), (17, 12)):
        first, last = (place_of(profile, end, 1) for end in ends)
        drag(profile.plot.viewport(), [first, QtCore.QPoint((first.x() + last.x()) // 2, first.y()), last, last], shift)
    assert profile.dragged == [(4, 10), (12, 17)]
    assert profile.clicked == []
    assert profile.plot.viewRange() == view


def test_a_double_click_shows_everything_again(profile, app):
    profile.plot.setXRange(3, 8, padding=0)
    place = QtCore.QPointF(place_of(profile, 5, 0.5))
    left, none = QtCore.Qt.MouseButton.LeftButton, QtCore.Qt.KeyboardModifier.NoModifier
    for kind in ("MouseButtonPress", "MouseButtonRelease", "MouseButtonDblClick", "MouseButtonRelease"):
        event = QtGui.QMouseEvent(getattr(QtCore.QEvent.Type, kind), place, place, left, left, none)
        app.sendEvent(profile.plot.viewport(), event)
    assert profile.plot.viewRange()[0] == pytest.approx([-0.5, 19.5])


def test_pointing_at_a_bar_tells_its_numbers(profile, drag, monkeypatch):
    told = []
    monkeypatch.setattr(QtWidgets.QToolTip, "showText", lambda place, text, *_: told.append(text))
    drag(profile.plot.viewport(), [place_of(profile, 13, 0.5)])
    assert told[-1].splitlines() == [
        "B/GLY 6",
        f"measured {HEIGHTS[13]:.3f}",
        f"expected {HEIGHTS[13] + 0.2:.3f}",
    ]


def test_axes_name_chains_and_round_residue_numbers(profile):
    (_, places), *_ = profile.chains.tickValues(-0.5, 19.5, 500)
    assert profile.chains.tickStrings(places, 1, 1) == ["A", "B"]
    four_bars_each = 5 * QtGui.QFontMetricsF(profile.numbers.font()).horizontalAdvance("00000")
    (_, places), *_ = profile.numbers.tickValues(-0.5, 19.5, four_bars_each)
    assert [LABELS[place] for place in places] == ["A/ARG 5", "A/ARG 10", "B/GLY 10"]
    assert profile.numbers.tickStrings(places, 1, 1) == ["5", "10", "10"]
    (_, places), *_ = profile.chains.tickValues(13, 19.5, 500)
    assert profile.chains.tickStrings(places, 1, 1) == ["B"]


@pytest.mark.parametrize("size", [60, 200, 1000])
def test_residue_numbers_never_overlap(profile, size):
    labels = [f"A/ARG {number}" for number in range(-3, 400)] + [f"B/ALA {number}A" for number in range(1, 400)]
    profile.show_residues(labels, [0, 403], np.ones(802), None, [0] * 802, "ratio")
    (_, places), *_ = profile.numbers.tickValues(-0.5, 801.5, size)
    widths = [
        QtGui.QFontMetricsF(profile.numbers.font()).horizontalAdvance(text)
        for text in profile.numbers.tickStrings(places, 1, 1)
    ]
    pixels = [place * size / 802 for place in places]
    assert places
    assert all(b - a > (v + w) / 2 for a, b, v, w in zip(pixels, pixels[1:], widths, widths[1:]))


def test_the_view_rests_while_values_change(profile):
    profile.plot.setXRange(3, 8, padding=0)
    profile.show_residues(LABELS, [0, 12], HEIGHTS * 1.001, HEIGHTS, COLORS, "residue rms (Å)")
    assert profile.plot.viewRange()[0] == pytest.approx([3, 8])
    low, high = profile.plot.viewRange()[1]
    assert low == 0
    assert high > 4.7


def test_ratios_that_differ_by_little_fill_the_height(profile):
    profile.show_residues(LABELS, [0, 12], 0.95 + HEIGHTS / 100, None, COLORS, "ratio")
    low, high = profile.plot.viewRange()[1]
    assert 0.9 < low < 0.96
    assert 0.995 <= high < 1.03


def test_many_residues_are_drawn_as_the_tallest_of_each_pixel(profile, app):
    count = 20_000
    heights = np.ones(count)
    heights[12_345] = 3
    profile.show_residues([f"A/ALA {n}" for n in range(count)], [0], heights, None, [0x00FF00] * count, "rms (Å)")
    app.processEvents()
    profile.mark([6_000])
    drawn = [pixel(profile, 12_345 + offset, 2.5).rgb() & 0xFFFFFF for offset in (-40, 0, 40)]
    assert 0x00FF00 in drawn
    assert pixel(profile, 3_000, 2) == profile.palette().window().color()
    assert any(pixel(profile, 6_000 + near, 2) != pixel(profile, 3_000, 2) for near in (-40, 0, 40))


def test_the_theme_is_followed(profile, dark, app):
    profile.setPalette(dark)
    app.processEvents()
    assert pixel(profile, 0, 4.5) == dark.window().color()
    assert profile.bars.text == dark.windowText().color()


def test_no_residues_are_no_trouble(profile, app, drag):
    profile.clear()
    app.processEvents()
    profile.mark([])
    drag(profile.plot.viewport(), [place_of(profile, 0, 0.5)])
    assert profile.clicked == []
    assert pixel(profile, 0, 0.5) == profile.palette().window().color()
