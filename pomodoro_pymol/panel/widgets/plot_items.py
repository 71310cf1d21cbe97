"""What the plots draw, on pyqtgraph. Imported only where a plot is made, as pyqtgraph may be missing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph
from qtpy import QtCore, QtGui

from ...color.palettes import DASHES, OKABE_ITO
from .contrast import readable

_STEPS = [factor * decade for decade in (1, 10, 100, 1000) for factor in (1, 2, 5)]


def curve_pen(number: int, dashed: int, text: QtGui.QColor, base: QtGui.QColor) -> QtGui.QPen:
    """Return the pen of numbers of a colour and of dashes, to be seen on ``base``; the first has the colour of text."""
    place = number % len(OKABE_ITO)
    color = text if place == 0 else readable(QtGui.QColor(f"#{OKABE_ITO[place]}"), base)
    pen = pyqtgraph.mkPen(color, width=2)
    dashes = DASHES[dashed % len(DASHES)]
    if dashes:
        pen.setDashPattern(list(dashes))
        pen.setCapStyle(QtCore.Qt.PenCapStyle.FlatCap)
    return pen


class ResidueAxis(pyqtgraph.AxisItem):
    """Residue numbers, round ones, as many as fit."""

    def show_labels(self, labels: Sequence[str]) -> None:
        """Read the numbers out of labels such as ``A/ARG 8``."""
        found = [re.search(r"(-?\d+)\w?$", label) for label in labels]
        self.numbers = np.array([int(match[1]) if match else 0 for match in found], int)
        self.texts = [label.rsplit(" ", 1)[-1] for label in labels]
        self.picture = None
        self.update()

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[int]]]:
        """Return the bars to number."""
        low, high = max(0, int(np.ceil(low))), min(len(self.numbers) - 1, int(high))
        room = QtGui.QFontMetricsF(self.font()).horizontalAdvance("00000") * (high - low + 1) / max(1.0, size)
        seen = self.numbers[low : high + 1]
        for step in _STEPS:
            places = low + np.flatnonzero(seen % step == 0)
            if len(places) * room <= high - low + 1:
                break
        kept: list[int] = []
        for place in places.tolist():
            if not kept or place - kept[-1] >= room:
                kept.append(place)
        return [(1, kept)]

    def tickStrings(self, values: list[int], scale: float, spacing: float) -> list[str]:
        """Return the numbers of these bars."""
        return [self.texts[value] for value in values]


class HeightAxis(pyqtgraph.AxisItem):
    """Round numbers up a vertical axis, as many as there is room for."""

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        """Return the heights to number: multiples of 1, 2 or 5 of some power of ten."""
        line = QtGui.QFontMetricsF(self.font()).height()
        decade = 10.0 ** np.floor(np.log10(high - low))
        for step in (decade * factor for factor in (0.1, 0.2, 0.5, 1, 2, 5)):
            steps = range(int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9)) + 1)
            heights = [step * number for number in steps]
            if len(heights) < 2 or step * size > 1.2 * line * (high - low):
                break
            fine, ends = step, (heights[0], heights[-1])
        if len(heights) < 2:  # the ends of the last step that was too fine, if there is room for two
            step, heights = fine, [*ends][: 2 if (ends[1] - ends[0]) * size > line * (high - low) else 1]
        return [(step, heights)]


class ChainAxis(pyqtgraph.AxisItem):
    """Names of the chains in view, each over the middle of its visible part, where it fits."""

    def show_chains(self, names: Sequence[str], edges: Sequence[int]) -> None:
        """Name the chains that begin at ``edges``, which end with the number of residues."""
        self.chains = list(zip(names, edges, edges[1:]))
        self.picture = None
        self.update()

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        """Return where names go."""
        metrics = QtGui.QFontMetricsF(self.font())
        self._texts = {}
        for name, start, end in self.chains:
            left, right = max(low, start - 0.5), min(high, end - 0.5)
            if (right - left) * size / (high - low) > metrics.horizontalAdvance(name) + 4:
                self._texts[(left + right) / 2] = name
        return [(1, list(self._texts))]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """Return the names at these places."""
        return [self._texts[value] for value in values]


# Pixels that the number of a tick takes of a vertical axis.
_TICK_PIXELS = 24


class LogAxis(pyqtgraph.AxisItem):
    """Plain numbers on a logarithmic axis: 0.1, 1, 10, with 2 and 5 between them over short ranges.

    Over long ranges only as many decades as there is room for.
    """

    def logTickValues(
        self, low: float, high: float, size: float, linear: list[tuple[float, list[float]]]
    ) -> list[tuple[float, list[float]]]:
        """Return the logarithms of the numbers to show."""
        factors = (1, 2, 5) if high - low < 2.5 else (1,)
        step = int(np.ceil((high - low) / max(1, size / _TICK_PIXELS)))
        first = int(np.floor(low / step)) * step
        decades = range(first, int(np.ceil(high)) + 1, step)
        values = [decade + float(np.log10(factor)) for decade in decades for factor in factors]
        return [(1, [value for value in values if low <= value <= high])]

    def logTickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """Return the numbers of logarithms."""
        return [f"{10**value:.3g}" for value in values]


class RangeBox(pyqtgraph.ViewBox):
    """A view whose drag with Shift marks a range instead of moving the view."""

    sigRangeDragged = QtCore.Signal(float, float)

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self._band = pyqtgraph.LinearRegionItem(movable=False)
        self._band.setZValue(20)

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:
        """Mark with Shift, move without."""
        if not event.modifiers() & QtCore.Qt.KeyboardModifier.ShiftModifier:
            super().mouseDragEvent(event, axis)
            return
        event.accept()
        left, right = sorted(self.mapToView(place).x() for place in (event.buttonDownPos(), event.pos()))
        if event.isFinish():
            self.removeItem(self._band)
            self.sigRangeDragged.emit(left, right)
            return
        self._band.setRegion((left, right))
        if self._band.scene() is None:
            self.addItem(self._band, ignoreBounds=True)
