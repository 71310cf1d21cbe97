"""What the plots draw, on pyqtgraph. Imported only where a plot is made, as pyqtgraph may be missing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph
from qtpy import QtCore, QtGui

from ...color.palettes import DASHES, OKABE_ITO
from .icons import blend

_STEPS = [factor * decade for decade in (1, 10, 100, 1000) for factor in (1, 2, 5)]


def curve_pen(number: int, text: QtGui.QColor) -> QtGui.QPen:
    """Return the pen of the curve of a number; the first has the colour of text, on dark all are a little lighter."""
    place = number % len(OKABE_ITO)
    color = text if place == 0 else QtGui.QColor(f"#{OKABE_ITO[place]}")
    if text.lightness() > 128:
        color = blend(color, text, 0.8)
    pen = pyqtgraph.mkPen(color, width=2)
    dashes = DASHES[number % len(DASHES)]
    if dashes:
        pen.setDashPattern(list(dashes))
        pen.setCapStyle(QtCore.Qt.PenCapStyle.FlatCap)
    return pen


class Bars(pyqtgraph.GraphicsObject):
    """One bar per residue from 0 upwards, a line at the expected heights, marks, and lines between chains.

    Where several residues share a pixel, the one with the tallest bar is drawn.
    """

    def __init__(self) -> None:
        super().__init__()
        self.text, self.band, self.highlight = QtGui.QColor(), QtGui.QColor(), QtGui.QColor()
        self.marked = np.zeros(0, bool)
        self.show_bars(np.zeros(0), np.zeros(0), [], [])

    def show_bars(self, values: np.ndarray, expected: np.ndarray, colors: Sequence[int], starts: Sequence[int]) -> None:
        """Show bars of these heights; colours are 0xRRGGBB, nothing is drawn for nan. Marks of other bars go."""
        self.prepareGeometryChange()
        self.values, self.expected, self.starts = values, expected, starts
        self.colors = colors
        if len(self.marked) != len(values):
            self.marked = np.zeros(len(values), bool)
        self.refresh()

    def mark(self, indices: Sequence[int]) -> None:
        """Mark these bars and no others."""
        self.marked = np.zeros(len(self.values), bool)
        self.marked[list(indices)] = True
        self.refresh()

    def refresh(self) -> None:
        """Paint anew; ``update`` of an item of all heights paints nothing."""
        view = self.getViewWidget()
        if view is not None:
            view.viewport().update()

    def boundingRect(self) -> QtCore.QRectF:
        """All bars, and every height: the marks fill the view."""
        return QtCore.QRectF(-0.5, -1e9, max(1, len(self.values)), 2e9)

    def paint(self, painter: QtGui.QPainter, *_: Any) -> None:
        """Draw what the view shows, at most one bar per pixel."""
        view, pixel, cap = self.viewRect(), self.pixelWidth(), 4 * self.pixelHeight()
        if not len(self.values) or not pixel:
            return
        size = max(1, int(np.ceil(pixel)))
        lefts = np.arange(max(0, int(view.left() + 0.5)) // size * size, min(len(self.values), view.right() + 1), size)
        places, marked = self._tallest(lefts.astype(int), size)
        edges = [(left - 0.5, min(left + size, len(self.values)) - 0.5) for left in lefts.tolist()]
        for first, last in _runs(marked):
            left = edges[first][0]
            wide = max(edges[last][1] - left, 2 * pixel)
            painter.fillRect(QtCore.QRectF(left, view.top(), wide, view.height()), self.band)
            broad = max(wide, 6 * pixel)  # a single residue among many is to be seen too
            painter.fillRect(QtCore.QRectF(left + (wide - broad) / 2, view.bottom(), broad, -cap), self.highlight)
        gap = 0.15 if pixel < 0.2 else 0.0
        for (left, right), place, height in zip(edges, places.tolist(), self.values[places].tolist()):
            if height > 0:
                painter.fillRect(
                    QtCore.QRectF(left + gap / 2, 0, right - left - gap, height), QtGui.QColor(int(self.colors[place]))
                )
        painter.setPen(pyqtgraph.mkPen(self.text, width=1))
        painter.drawPath(_steps(edges, self.expected[places].tolist()))
        faint = QtGui.QColor(self.text)
        faint.setAlphaF(0.3)
        painter.setPen(pyqtgraph.mkPen(faint, width=1))
        for start in self.starts:
            if start and view.left() < start < view.right():
                painter.drawLine(QtCore.QLineF(start - 0.5, view.top(), start - 0.5, view.bottom()))

    def _tallest(self, lefts: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Return which residue has the tallest bar from each of ``lefts`` on, and whether any there is marked."""
        if size == 1:
            return lefts, self.marked[lefts]
        groups = np.minimum(lefts[:, None] + np.arange(size), len(self.values) - 1)
        heights = np.where(np.isnan(self.values), -np.inf, self.values)[groups]
        return groups[np.arange(len(lefts)), heights.argmax(1)], self.marked[groups].any(1)


def _runs(chosen: np.ndarray) -> list[tuple[int, int]]:
    """Return first and last place of each unbroken run of True."""
    turns = np.flatnonzero(np.diff(chosen.astype(np.int8), prepend=0, append=0))
    return [(first, end - 1) for first, end in turns.reshape(-1, 2).tolist()]


def _steps(edges: Sequence[tuple[float, float]], heights: Sequence[float]) -> QtGui.QPainterPath:
    """Return a line of steps, broken at nan."""
    path = QtGui.QPainterPath()
    before = np.nan
    for (left, right), height in zip(edges, heights):
        if height == height:
            (path.lineTo if before == before else path.moveTo)(left, height)
            path.lineTo(right, height)
        before = height
    return path


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
