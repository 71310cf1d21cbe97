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
    assert profile.describe(3) == "A/ARG 4\nresidue rms (Å)\nmeasured n/a"
    assert profile.heading.text() == "residue rms (Å): measured"


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
        "residue rms (Å)",
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


def many(count, heights, profile, app, **options):
    labels = [f"A/ALA {number}" for number in range(count)]
    profile.show_residues(labels, [0], heights, np.full(count, 0.5), [0x00FF00] * count, "rms (Å)", **options)
    app.processEvents()
    return profile.plot.viewport().grab().toImage()


def column(profile, image, x):
    """Return the colours of a column of pixels by height, the highest first."""
    low, high = profile.plot.viewRange()[1]
    top, bottom = (place_of(profile, x, y) for y in (high, low))
    return [image.pixelColor(top.x(), y).rgb() & 0xFFFFFF for y in range(top.y() + 6, bottom.y() - 2)]


def test_many_residues_are_drawn_as_mean_and_range(profile, app):
    """One in fifty residues is three times as high: neither bars nor the eye may take it for all."""
    count = 20_000
    heights = np.ones(count)
    heights[::50] = 3
    many(count, heights, profile, app)
    size = profile.bars.group_size()
    assert size > 10
    columns = profile.bars.columns()
    for left, right, mean, low, high in zip(
        columns.left + 0.5, columns.right + 0.5, columns.values, columns.low, columns.high
    ):
        here = heights[int(left) : int(right)]
        assert (mean, low, high) == (pytest.approx(here.mean()), here.min(), here.max())
    assert columns.right[-1] == count - 0.5
    assert {int(right - left) for left, right in zip(columns.left, columns.right)} <= {size, count % size}


def test_a_mean_is_drawn_as_a_bar_and_the_range_is_no_bar(profile, app):
    count = 20_000
    heights = np.ones(count)
    heights[1::2] = 3  # all columns have the mean 2
    image = many(count, heights, profile, app)
    background = profile.palette().window().color().rgb() & 0xFFFFFF
    shown = column(profile, image, 10_000)
    low, high = profile.plot.viewRange()[1]
    at = lambda y: shown[round((high - y) / (high - low) * (len(shown) - 1))]  # noqa: E731
    assert low == 0
    assert at(0.8) == 0x00FF00
    assert at(2.5) not in (0x00FF00, background)  # the band
    assert at(3.2) == background
    assert at(1.5) not in (0x00FF00, background)  # the band over the bar


def test_a_marked_residue_among_many_is_seen(profile, app):
    count = 20_000
    many(count, np.ones(count), profile, app)
    profile.mark([6_000])
    assert any(pixel(profile, 6_000 + near, 1.02) != pixel(profile, 3_000, 1.02) for near in (-40, 0, 40))


def test_pointing_at_many_residues_tells_of_all_of_them(profile, app):
    count = 20_000
    heights = np.ones(count)
    heights[17], heights[18] = 3, 0.25
    many(count, heights, profile, app)
    size = profile.bars.group_size()
    assert size > 20
    lines = profile.describe(5).splitlines()
    assert lines[:2] == [f"A/ALA 0 to A/ALA {size - 1}: {size} residues", "rms (Å)"]
    assert f"measured {heights[:size].mean():.3f} on average" in lines
    assert "    lowest 0.250, A/ALA 18" in lines
    assert "    highest 3.000, A/ALA 17" in lines
    assert f"mean of {size} residues each" in profile.heading.toolTip()
    profile.plot.setXRange(0, 20, padding=0)
    app.processEvents()
    assert profile.describe(18).splitlines()[0] == "A/ALA 18"
    assert profile.heading.text() == "rms (Å): measured; line: expected"


@pytest.mark.parametrize("lowest", [0.3, 0.58, 0.62, 0.9])
def test_bars_begin_at_zero_or_are_no_bars(profile, app, lowest):
    heights = np.linspace(lowest, 1, 20)
    profile.show_residues(LABELS, [0, 12], heights, None, COLORS, "ratio")
    app.processEvents()
    low, _ = profile.plot.viewRange()[1]
    assert (low == 0) == (lowest < 0.6) == profile.bars.from_zero
    filled = pixel(profile, 12, (low + heights[12]) / 2).rgb() & 0xFFFFFF == COLORS[12]
    assert filled == (low == 0)
    assert pixel(profile, 12, heights[12]).rgb() & 0xFFFFFF == COLORS[12]


@pytest.mark.parametrize("level", [1.0, 5.0])
def test_intervals_are_drawn_from_end_to_end(profile, app, level):
    """As whiskers, on bars (spread by much) and on dots (spread by little)."""
    heights = np.linspace(level, level + 1, 20)
    profile.show_residues(LABELS, [0, 12], heights, None, COLORS, "rms (Å)", (heights - 0.2, heights + 0.3), "measured")
    app.processEvents()
    background = profile.palette().window().color()
    assert profile.bars.from_zero == (level == 1.0)
    for index in (0, 12, 19):
        image = profile.plot.viewport().grab().toImage()
        for above, drawn in ((0.15, True), (0.25, True), (0.35, False)):
            place = place_of(profile, index, heights[index] + above)
            assert drawn == any(image.pixelColor(place.x() + side, place.y()) != background for side in (-1, 0, 1))
    assert profile.describe(0).splitlines()[2] == (
        f"measured {level:.3f}, 95 % interval {level - 0.2:.3f} to {level + 0.3:.3f}"
    )


def test_an_interval_is_never_cut_by_the_view(profile, app):
    ends = HEIGHTS * 0.5, HEIGHTS * 2
    profile.show_residues(LABELS, [0, 12], HEIGHTS, None, COLORS, "rms (Å)", ends)
    assert profile.plot.viewRange()[1][1] >= 9


@pytest.mark.parametrize("height", [60, 90, 180, 400])
@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.93, 0.982), (0, 30.0), (4.7951, 4.8049), (0, 1e-3)])
def test_heights_have_numbers_that_do_not_overlap(profile, height, low, high):
    axis = profile.plot.getAxis("left")
    ((spacing, places),) = axis.tickValues(low, high, height)
    texts = axis.tickStrings(places, 1, spacing)
    assert [float(text) for text in texts] == pytest.approx(places)
    assert all(low - 1e-9 <= place <= high + 1e-9 for place in places)
    line = QtGui.QFontMetricsF(axis.font()).height()
    assert all((b - a) * height / (high - low) >= line for a, b in zip(places, places[1:]))
    assert len(places) >= 1 + (height >= 3 * line)
    assert len(set(texts)) == len(texts)


def test_the_plot_shrinks_to_seven_lines(profile):
    assert profile.minimumSizeHint().height() <= 7 * profile.fontMetrics().height()


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
