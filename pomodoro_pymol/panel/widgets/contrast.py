"""Colours that can be told from what is behind them, by the contrast of WCAG 2.1."""

from __future__ import annotations

from qtpy import QtGui

from .icons import blend

#: What WCAG asks of graphics, and of text.
GRAPHICS, TEXT = 3.0, 4.5

#: Amber, of what is to be noticed.
WARNING = "#E69F00"

_STEPS = 20


def contrast(one: QtGui.QColor, other: QtGui.QColor) -> float:
    """Return the contrast of two colours, 1 to 21."""
    low, high = sorted(_luminance(color) for color in (one, other))
    return (high + 0.05) / (low + 0.05)


def readable(color: QtGui.QColor, base: QtGui.QColor, least: float = GRAPHICS) -> QtGui.QColor:
    """Return a colour, no darker or lighter than it takes to stand out from ``base``."""
    end = max((QtGui.QColor("black"), QtGui.QColor("white")), key=lambda end: contrast(end, base))
    mixed = (blend(end, color, step / _STEPS) for step in range(_STEPS + 1))
    return next((each for each in mixed if contrast(each, base) >= least), end)


def _luminance(color: QtGui.QColor) -> float:
    """Return the relative luminance, 0 to 1."""
    parts = [part / 255 for part in (color.red(), color.green(), color.blue())]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
