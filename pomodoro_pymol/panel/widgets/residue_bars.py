"""What the residue profile draws, on pyqtgraph: bars or dots, intervals, the expected line, marks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyqtgraph
from qtpy import QtCore, QtGui

# Pixels of a column from which on it has room for a dot and a whisker of its own.
_ROOMY = 5
_DOT = 7
# Columns at most, which take some 10 ms.
_COLUMNS = 800


class Columns(NamedTuple):
    """What is drawn from left to right, each of shape=(n_columns,): one residue, or the mean of several.

    Attributes
    ----------
    left, right : ndarray
        Edges, in residues.
    low, high : ndarray
        Ends of the interval of one residue; of several, the lowest and the highest of their
        values. nan where there are none.
    values, expected : ndarray
    color : list of int
        0xRRGGBB; of several residues that of the one nearest to their mean.
    marked : ndarray of bool
        Whether any is.
    """

    left: np.ndarray
    right: np.ndarray
    low: np.ndarray
    high: np.ndarray
    values: np.ndarray
    expected: np.ndarray
    color: list[int]
    marked: np.ndarray


class Bars(pyqtgraph.GraphicsObject):
    """One bar from 0 or one dot per residue with its interval, a line at the expected heights, marks, chain ends.

    Where several residues share a pixel, their mean is drawn over a band from the lowest to
    the highest.

    Attributes
    ----------
    from_zero : bool
        Bars, which begin at 0; dots otherwise.
    """

    def __init__(self) -> None:
        super().__init__()
        self.text, self.band, self.highlight = QtGui.QColor(), QtGui.QColor(), QtGui.QColor()
        self.marked = np.zeros(0, bool)
        self.show_bars(np.zeros(0), np.zeros(0), [], [])

    def show_bars(
        self,
        values: np.ndarray,
        expected: np.ndarray,
        colors: Sequence[int],
        starts: Sequence[int],
        low: np.ndarray | None = None,
        high: np.ndarray | None = None,
        from_zero: bool = True,
    ) -> None:
        """Show these heights and intervals; colours are 0xRRGGBB, nothing is drawn for nan. Marks of others go."""
        self.prepareGeometryChange()
        nothing = np.full(len(values), np.nan)
        self.values, self.expected, self.starts = values, expected, starts
        self.low, self.high = nothing if low is None else low, nothing if high is None else high
        self.colors, self.from_zero = colors, from_zero
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

    def group_size(self) -> int:
        """Return how many residues share a column, each of a pixel or more."""
        box = self.getViewBox()
        if box is None:
            return 1
        (left, right), _ = box.viewRange()  # that of now, which the pixels of an item follow later
        return max(1, int(np.ceil((right - left) / min(max(1.0, box.width()), _COLUMNS))))

    def group_of(self, index: int) -> tuple[int, int]:
        """Return the first and the last residue of the column that a residue is in."""
        size = self.group_size()
        first = index // size * size
        return first, min(first + size, len(self.values)) - 1

    def columns(self) -> Columns:
        """Return what the view shows, a column per residue or, where they are many, per pixel."""
        view, size = self.viewRect(), self.group_size()
        first = max(0, int(view.left() + 0.5)) // size * size
        last = min(len(self.values), int(np.ceil(view.right() + 1)))
        lefts = np.arange(first, last, size)
        rights = np.minimum(lefts + size, len(self.values))
        if not len(lefts):
            lefts = rights = np.zeros(0, int)
        whole = slice(first, rights[-1]) if len(rights) else slice(0, 0)
        values, expected = self.values[whole], self.expected[whole]
        if size == 1 or not len(lefts):
            found = (self.low[whole], self.high[whole], values, expected)
            nearest, marked = lefts, self.marked[whole]
        else:
            cuts = lefts - first
            mean = _means(values, cuts)
            found = (np.fmin.reduceat(values, cuts), np.fmax.reduceat(values, cuts), mean, _means(expected, cuts))
            places = np.minimum(lefts[:, None] + np.arange(size), len(self.values) - 1)
            away = np.abs(np.nan_to_num(self.values[places] - mean[:, None], nan=np.inf))
            nearest = places[np.arange(len(lefts)), away.argmin(1)]
            marked = np.logical_or.reduceat(self.marked[whole], cuts)
        color = [int(self.colors[place]) for place in nearest.tolist()]
        return Columns(lefts - 0.5, rights - 0.5, *found, color, marked)

    def paint(self, painter: QtGui.QPainter, *_: Any) -> None:
        """Draw what the view shows, at most one column per pixel."""
        if not len(self.values) or not self.pixelWidth():
            return
        self._across, self._up = self.pixelWidth(), self.pixelHeight()
        columns = self.columns()
        self._draw_marks(painter, columns)
        if self.from_zero:
            self._draw_bars(painter, columns)
        self._draw_spread(painter, columns)
        if not self.from_zero and not self._roomy():
            self._draw_dots(painter, columns)
        self._draw_line(painter, columns)
        if not self.from_zero and self._roomy():
            self._draw_dots(painter, columns)
        self._draw_chain_ends(painter)

    def _draw_marks(self, painter: QtGui.QPainter, columns: Columns) -> None:
        view = self.viewRect()
        for first, last in _runs(columns.marked):
            left = columns.left[first]
            wide = max(columns.right[last] - left, 2 * self._across)
            painter.fillRect(QtCore.QRectF(left, view.top(), wide, view.height()), self.band)
            broad = max(wide, 6 * self._across)  # a single residue among many is to be seen too
            cap = QtCore.QRectF(left + (wide - broad) / 2, view.bottom(), broad, -4 * self._up)
            painter.fillRect(cap, self.highlight)

    def _draw_bars(self, painter: QtGui.QPainter, columns: Columns) -> None:
        gap = 0.15 if self._across < 0.2 else 0.0
        for left, right, height, color in _rows(columns):
            if height > 0:
                bar = QtCore.QRectF(left + gap / 2, 0, right - left - gap, height)
                painter.fillRect(bar, QtGui.QColor(color))

    def _draw_spread(self, painter: QtGui.QPainter, columns: Columns) -> None:
        """Draw intervals as whiskers where there is room, and as a band where there is none or it is a range."""
        shade = QtGui.QColor(self.text)
        left, right, low, high = (ends[columns.low <= columns.high] for ends in columns[:4])
        if self._roomy():
            shade.setAlphaF(0.75)
            middle, half = (left + right) / 2, np.minimum((right - left) / 4, 2.5 * self._across)
            ends = [(middle, low, middle, high)]
            ends += [(middle - half, end, middle + half, end) for end in (low, high)]
            lines = np.concatenate([np.stack(line, 1) for line in ends]).reshape(-1, 2)
            painter.setPen(pyqtgraph.mkPen(shade, width=1))
            painter.drawPath(pyqtgraph.arrayToQPath(lines[:, 0], lines[:, 1], connect="pairs"))
        else:
            shade.setAlphaF(0.35 if self.from_zero else 0.2)
            high = np.maximum(high, low + self._up)
            for x, y, wide, tall in zip(left.tolist(), low.tolist(), (right - left).tolist(), (high - low).tolist()):
                painter.fillRect(QtCore.QRectF(x, y, wide, tall), shade)

    def _draw_dots(self, painter: QtGui.QPainter, columns: Columns) -> None:
        """Draw dots, with a rim where there is room: some colours are those of paper."""
        roomy, across, up = self._roomy(), self._across, self._up
        for left, right, height, color in _rows(columns):
            if height != height:
                continue
            if roomy:
                wide, tall = _DOT * across, _DOT * up
                rim = QtCore.QRectF((left + right - wide) / 2, height - tall / 2, wide, tall)
                painter.fillRect(rim, self.text)
                painter.fillRect(rim.adjusted(across, up, -across, -up), QtGui.QColor(color))
            else:
                wide = max(right - left, 3 * across)
                painter.fillRect(QtCore.QRectF(left, height - 2 * up, wide, 4 * up), QtGui.QColor(color))

    def _roomy(self) -> bool:
        """Say whether columns are single residues with room for a dot and a whisker of their own."""
        return _ROOMY * self._across <= 1

    def _draw_line(self, painter: QtGui.QPainter, columns: Columns) -> None:
        """Draw steps at the expected heights, broken where there is none."""
        x, y = np.stack([columns.left, columns.right], 1), np.repeat(columns.expected, 2)
        painter.setPen(pyqtgraph.mkPen(self.text, width=1))
        painter.drawPath(pyqtgraph.arrayToQPath(x.ravel(), y, connect="finite"))

    def _draw_chain_ends(self, painter: QtGui.QPainter) -> None:
        view, faint = self.viewRect(), QtGui.QColor(self.text)
        faint.setAlphaF(0.3)
        painter.setPen(pyqtgraph.mkPen(faint, width=1))
        for start in self.starts:
            if start and view.left() < start < view.right():
                painter.drawLine(QtCore.QLineF(start - 0.5, view.top(), start - 0.5, view.bottom()))


def _means(values: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """Return the mean of what is known from each cut to the next; nan where nothing is."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.add.reduceat(np.where(known, values, 0), cuts) / np.add.reduceat(known.astype(int), cuts)


def _rows(columns: Columns) -> Any:
    """Return left, right, value and colour of each column, as Python's own numbers."""
    return zip(columns.left.tolist(), columns.right.tolist(), columns.values.tolist(), columns.color)


def _runs(chosen: np.ndarray) -> list[tuple[int, int]]:
    """Return first and last place of each unbroken run of True."""
    turns = np.flatnonzero(np.diff(chosen.astype(np.int8), prepend=0, append=0))
    return [(first, end - 1) for first, end in turns.reshape(-1, 2).tolist()]
