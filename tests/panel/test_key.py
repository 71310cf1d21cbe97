"""The colour key says which colour is which number."""

import pytest
from qtpy import QtGui

from pomodoro_pymol.color.palettes import PALETTES
from pomodoro_pymol.panel.widgets.color_key import ColorKey


def stops(low, high, palette="viridis"):
    colors = PALETTES[palette]
    return [
        (
            low + (high - low) * number / (len(colors) - 1),
            tuple(int(text[i : i + 2], 16) / 255 for i in (0, 2, 4)),
        )
        for number, text in enumerate(colors)
    ]


def pixel(key, place):
    image = key.grab().toImage()
    y = key.bar().center().y()
    return image.pixelColor(round(place * (image.width() - 1)), y).getRgb()[:3]


@pytest.mark.parametrize("palette", PALETTES)
def test_the_bar_has_the_colours_of_the_stops(show, palette):
    key = show(ColorKey(), 401)
    key.show_scale(stops(0.93, 0.98, palette), "ratio")
    for number, text in enumerate(PALETTES[palette]):
        drawn = pixel(key, number / (len(PALETTES[palette]) - 1))
        assert drawn == pytest.approx([int(text[i : i + 2], 16) for i in (0, 2, 4)], abs=3)


@pytest.mark.parametrize("width", [0, 120, 200, 320, 500, 900])
@pytest.mark.parametrize(
    ("low", "high"), [(0.931, 0.982), (0, 1), (3.8, 160.25), (-2, 3), (0.0004, 0.0006), (4.795, 4.805)]
)
def test_numbers_never_overlap_nor_leave_the_widget(show, width, low, high):
    key = ColorKey()
    key.show_scale(stops(low, high), "residue rms", "Å")
    show(key, max(width, key.minimumSizeHint().width()))
    ticks = key.ticks()
    assert [ticks[0][0], ticks[-1][0]] == [low, high]
    assert all(key.rect().contains(rect) for _, _, rect in ticks)
    assert all(one[2].right() + 4 < other[2].left() for one, other in zip(ticks, ticks[1:]))
    assert all(rect.width() >= key.fontMetrics().horizontalAdvance(text) for _, text, rect in ticks)
    assert all(float(text) == pytest.approx(value, abs=(high - low) / 100) for value, text, _ in ticks)


def test_a_wide_key_has_round_numbers_between_its_ends(show):
    key = show(ColorKey(), 500)
    key.show_scale(stops(0.931, 0.982), "ratio")
    assert [text for _, text, _ in key.ticks()] == ["0.931", "0.940", "0.950", "0.960", "0.970", "0.982"]


def test_the_bracket_spans_the_expected_values(show):
    key = show(ColorKey(), 401)
    key.show_scale(stops(0, 1), "ratio", "", (0.25, 0.75))
    assert key.bracket() == (100, 300)
    with_bracket = key.grab().toImage()
    key.show_scale(stops(0, 1), "ratio")
    assert key.bracket() is None
    assert key.grab().toImage().pixelColor(200, key.bar().top() - 6) != with_bracket.pixelColor(
        200, key.bar().top() - 6
    )


@pytest.mark.parametrize(
    ("expected", "bracket"), [((-1, 0.5), (0, 200)), ((0.5, 2), (200, 400)), ((0.5, 0.5), (200, 200)), ((2, 3), None)]
)
def test_the_bracket_is_cut_at_the_ends_of_the_bar(show, expected, bracket):
    key = show(ColorKey(), 401)
    key.show_scale(stops(0, 1), "ratio", "", expected)
    assert key.bracket() == bracket


def test_the_range_beyond_the_bar_is_pointed_to(show):
    key = show(ColorKey(), 401)
    key.show_scale(stops(0, 1), "ratio", "", (2, 3))
    y, text = key.bar().top() - 5, QtGui.QColor(key.palette().windowText().color())
    assert key.grab().toImage().pixelColor(400, y) == text
    assert "expected 2.00 to 3.00" in key.toolTip()


def test_what_is_expected_is_not_rounded_up_to_the_end_of_the_scale(show):
    key = show(ColorKey())
    key.show_scale(stops(0, 1), "ratio", "", (0.959, 0.968))
    assert "expected 0.96 to 0.97" in key.toolTip()


def test_tooltip_and_label_carry_the_unit(show):
    key = show(ColorKey())
    key.show_scale(stops(3.2, 5.1), "residue rms", "Å", (4.6, 4.7))
    assert key.toolTip().splitlines() == ["residue rms (Å): 3.2 to 5.1", "expected 4.60 to 4.70"]


def test_a_cleared_key_has_no_colours(show):
    key = show(ColorKey())
    key.show_scale(stops(0, 1), "ratio", "", (0.2, 0.3))
    key.clear()
    assert key.ticks() == []
    assert key.bracket() is None
    assert pixel(key, 0) == key.palette().window().color().getRgb()[:3]
