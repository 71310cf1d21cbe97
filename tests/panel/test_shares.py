"""The bar of variance shares, and the one of weights whose dividers move."""

import math

import pytest
from qtpy import QtCore, QtGui, QtTest

from pomodoro_pymol.color.palettes import LEVEL_COLORS
from pomodoro_pymol.panel.widgets.share_bar import ShareBar, readable_on
from pomodoro_pymol.panel.widgets.weight_bar import WeightBar


def colors(bar):
    """Return the colours along the bottom of the bar, where no text is, one per pixel."""
    image = bar.grab().toImage()
    return [image.pixelColor(x, image.height() - 3).name()[1:].upper() for x in range(2, image.width() - 2)]


def test_each_level_takes_its_share_of_the_width(show):
    bar = show(ShareBar(), 400)
    bar.show_shares(0.27, 0.66, 0.07)
    drawn = colors(bar)
    for level, share in (("chain", 0.27), ("residue", 0.66), ("atom", 0.07)):
        assert abs(drawn.count(LEVEL_COLORS[level]) - 400 * share) <= 3
    assert drawn == sorted(drawn, key=list(LEVEL_COLORS.values()).index)


@pytest.mark.parametrize("width", [0, 160, 320, 700])
@pytest.mark.parametrize("shares", [(0.27, 0.66, 0.07), (0.002, 0.9, 0.098), (1, 0, 0), (1 / 3, 1 / 3, 1 / 3)])
def test_no_label_is_wider_than_its_segment(show, width, shares):
    bar = ShareBar()
    bar.show_shares(*shares)
    show(bar, max(width, bar.minimumSizeHint().width()))
    segments = bar.segments()
    assert all(bar.fontMetrics().horizontalAdvance(s.text) < s.rect.width() for s in segments if s.text)
    assert max(segments, key=lambda s: s.rect.width()).text
    assert segments[-1].rect.right() == bar.width() - 1


def test_labels_shrink_to_their_number_before_they_go(show):
    bar = show(ShareBar(), 400)
    bar.show_shares(0.27, 0.63, 0.10)
    assert [s.text for s in bar.segments()] == ["chain .27", "residue .63", ".10"]
    bar.show_shares(0.34, 0.65, 0.01)
    assert [s.text for s in bar.segments()] == ["chain .34", "residue .65", ""]


def test_the_tooltip_has_all_three_numbers(show):
    bar = show(ShareBar())
    bar.show_shares(0.2714, 0.6601, 0.0685)
    assert "chain 0.271, residue 0.660, atom 0.069" in bar.toolTip()
    assert "0.271" in bar.accessibleDescription()


def test_unknown_shares_leave_it_empty(show):
    bar = show(ShareBar())
    bar.show_shares(0.3, 0.3, 0.4)
    bar.show_shares(math.nan, 0.3, 0.4)
    assert bar.segments() == []
    assert not set(colors(bar)) & set(LEVEL_COLORS.values())
    assert "0.3" not in bar.toolTip()


@pytest.mark.parametrize("level", LEVEL_COLORS)
def test_labels_can_be_read(app, contrast, level):
    """Contrast of at least 4.5, WCAG AA."""
    ground = QtGui.QColor(f"#{LEVEL_COLORS[level]}")
    assert contrast(ground, readable_on(ground)) >= 4.5


@pytest.fixture
def weights(show):
    """The bar of weights, 400 pixels wide, tied to a model, which it and the test move."""
    from pomodoro_pymol.panel.widgets.model import ParameterModel

    bar = show(WeightBar(), 400)
    bar.model = ParameterModel(bar)
    bar.asked = []

    def answer():
        found = bar.model.parameters.weights
        bar.show_weights(found.chain, found.residue, found.atom)

    bar.model.changed.connect(answer)
    bar.dragged.connect(bar.model.edit_weights)
    bar.dragged.connect(lambda *given: bar.asked.append(given))
    answer()
    return bar


def pull(weights, drag, start, *ends):
    """Drag from a place to others, in pixels from the left; return the weights then."""
    drag(weights, [QtCore.QPoint(x, weights.height() // 2) for x in (start, *ends)])
    found = weights.model.parameters
    return [found.wc, found.wr, found.wa]


def test_segments_are_as_wide_as_the_shares_and_say_weight_and_share(weights):
    assert weights.dividers() == [100, round(400 * 11 / 12)]
    weights.resize(1200, weights.height())
    assert weights.dividers() == [300, 1100]
    said = [segment.text for segment in weights.segments()]
    assert said[:2] == ["chain 3 · 25 %", "residue 8 · 67 %"]
    assert said[2] in ("atom 1", "atom 1 · 8 %")
    room = weights.fontMetrics().horizontalAdvance("chain 3")
    weights.resize(4 * (room + 16), weights.height())
    assert weights.segments()[0].text == "chain 3"
    assert "chain 3, residue 8, atom 1" in weights.toolTip()
    assert "chain 25.0 %, residue 66.7 %, atom 8.3 %" in weights.accessibleDescription()


def test_a_divider_trades_the_weights_beside_it(weights, drag):
    assert pull(weights, drag, 100, 150, 200) == [6, 5, 1]
    assert pull(weights, drag, 367, 300) == pytest.approx([6, 3, 3], abs=0.06)
    assert weights.model.parameters.preset == ""
    for asked in weights.asked:
        assert sum(asked) == pytest.approx(12, abs=1e-9)
        assert all(weight == round(weight, 2) for weight in asked)


def test_a_divider_is_held_where_it_was_taken(weights, drag):
    """It does not jump under the pointer."""
    assert pull(weights, drag, 104, 104) == [3, 8, 1]
    assert pull(weights, drag, 104, 144) == pull(weights, drag, 140, 140) == [4.2, 6.8, 1]


def test_a_press_away_from_the_dividers_moves_nothing(weights, drag):
    pull(weights, drag, 200, 300, 20)
    assert weights.asked == []


def test_a_divider_stops_at_the_other_and_at_the_ends(weights, drag):
    assert pull(weights, drag, 100, 500) == [11, 0, 1]
    assert pull(weights, drag, 367, 200, -50) == [0, 11, 1]  # to the left it is the first that moves
    assert pull(weights, drag, 367, 900) == [0, 12, 0]


@pytest.mark.parametrize("only", [(0, 0, 1), (0, 2, 0), (5, 0, 0)])
def test_a_level_that_has_no_weight_gets_some_again(weights, drag, only):
    """By its hands alone, one divider after the other, from where they lie on an end or on each other."""
    weights.model.edit_weights(*only)
    for _ in range(2):
        first, second = weights.dividers()
        if first == second:
            pull(weights, drag, *((first, first + 150) if first < 200 else (first, first - 150)))
        elif first == 0:
            pull(weights, drag, 0, second // 2)
        elif second == 400:
            pull(weights, drag, 399, (first + 400) // 2)
    found = weights.model.parameters
    assert min(found.wc, found.wr, found.wa) > 0.1 * sum(only)
    assert found.wc + found.wr + found.wa == pytest.approx(sum(only), abs=1e-9)


@pytest.mark.parametrize("sizes", [(1e-3, 2e-3, 5e-3), (8.2, 1.6, 1.3), (1e5, 3e5, 2e5), (1 / 3, 1 / 7, 0.1)])
def test_the_sum_is_kept_and_numbers_are_short(weights, drag, sizes):
    weights.model.edit_weights(*sizes)
    first, second = weights.dividers()
    pull(weights, drag, first, first + 33, first + 7)
    pull(weights, drag, second, second - 21, second - 5)
    assert len(weights.asked) >= 2
    for asked in weights.asked:
        assert sum(asked) == pytest.approx(sum(sizes), rel=1e-6)
        assert min(asked) >= 0
    assert len(f"{weights.asked[0][0]:g}".replace(".", "").strip("0")) <= 4


def test_arrow_keys_move_the_dividers(weights, app):
    weights.setFocus()
    key, none, shift = QtCore.Qt.Key, QtCore.Qt.KeyboardModifier.NoModifier, QtCore.Qt.KeyboardModifier.ShiftModifier
    QtTest.QTest.keyClick(weights, key.Key_Right, none)
    assert weights.asked[-1] == (3.12, 7.88, 1)
    QtTest.QTest.keyClick(weights, key.Key_Left, shift)
    assert weights.asked[-1] == (3.12, 7.76, 1.12)
    QtTest.QTest.keyClick(weights, key.Key_Left, none)
    assert weights.asked[-1] == (3, 7.88, 1.12)
    for _ in range(150):
        QtTest.QTest.keyClick(weights, key.Key_Left, none)
    assert weights.asked[-1] == (0, 10.88, 1.12)
    told = len(weights.asked)
    QtTest.QTest.keyClick(weights, key.Key_Up, none)
    assert len(weights.asked) == told


def test_the_pointer_says_what_can_be_dragged(weights, app):
    for place, shape in ((100, "SplitHCursor"), (200, "ArrowCursor"), (367, "SplitHCursor"), (20, "ArrowCursor")):
        QtTest.QTest.mouseMove(weights, QtCore.QPoint(place, 8))
        app.processEvents()
        assert weights.cursor().shape() == getattr(QtCore.Qt.CursorShape, shape)


def test_a_bar_that_is_disabled_or_empty_cannot_be_moved(weights, drag):
    weights.setEnabled(False)
    pull(weights, drag, 100, 200)
    weights.setEnabled(True)
    weights.clear()
    pull(weights, drag, 100, 200)
    QtTest.QTest.keyClick(weights, QtCore.Qt.Key.Key_Right)
    assert weights.asked == []
    assert weights.dividers() == []


@pytest.mark.parametrize("enabled", [True, False])
def test_weights_stay_legible_when_the_palette_is_switched(weights, app, dark, contrast, enabled):
    weights.setEnabled(enabled)
    light = QtGui.QPalette(QtGui.QColor("#efefef"))
    seen = []
    for palette in (light, dark, light):
        weights.setPalette(palette)
        app.processEvents()
        image = weights.grab().toImage()
        seen.append(image)
        for segment in weights.segments():
            ground = image.pixelColor(segment.rect.left() + segment.rect.width() // 2, weights.height() - 4)
            inks = {
                image.pixelColor(x, y).name()
                for x in range(segment.rect.left() + 8, segment.rect.right() - 8)
                for y in range(4, weights.height() - 4)
            }
            assert max(contrast(QtGui.QColor(ink), ground) for ink in inks) >= 4.5
        for divider in weights.dividers():
            around = image.pixelColor(divider - 3, weights.height() // 2)
            assert contrast(image.pixelColor(divider, weights.height() // 2), around) >= (3 if enabled else 1.5)
    assert seen[0] == seen[2] != seen[1]
