"""The bar of variance shares."""

import math

import pytest

from pomodoro_pymol.color.palettes import LEVEL_COLORS
from pomodoro_pymol.panel.widgets.share_bar import ShareBar, readable_on


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
def test_labels_can_be_read(app, level):
    """Contrast of at least 4.5, WCAG AA."""
    from qtpy.QtGui import QColor

    def luminance(color):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color.getRgbF()[:3]]
        return sum(a * b for a, b in zip(linear, (0.2126, 0.7152, 0.0722)))

    ground = QColor(f"#{LEVEL_COLORS[level]}")
    low, high = sorted((luminance(ground), luminance(readable_on(ground))))
    assert (high + 0.05) / (low + 0.05) >= 4.5
