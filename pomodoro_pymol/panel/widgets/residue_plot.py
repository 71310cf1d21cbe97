"""What is measured of each residue, in the colours of the viewport, beside what is expected."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from qtpy import QtCore, QtGui, QtWidgets

from .canvas import Canvas
from .icons import blend
from .labels import plain_tip

# Heights whose lowest is more than this part of the highest differ by little.
_LITTLE = 0.6


class ResiduePlot(Canvas):
    """Measured values with their intervals, expected ones as a line, chains named above.

    Bars, which begin at 0; where values differ by so little that the axis cannot begin there,
    dots. The wheel zooms along the chain and a drag moves; a double click shows everything again.
    """

    #: The index of the residue whose bar or dot was clicked.
    residue_clicked = QtCore.Signal(int)
    #: First and last index of a range dragged with Shift.
    residues_dragged = QtCore.Signal(int, int)

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        self._labels: list[str] = []
        self._measured: Any = None
        self._expected: Any = None
        self._low: Any = None
        self._high: Any = None
        self._what = self._note = self._word = ""
        super().__init__("Residue profile", parent)
        self.setAccessibleDescription("Click a bar to pick a residue, drag with Shift to pick several")

    def make_plot(self, items: ModuleType) -> Any:
        """Return an empty profile."""
        from .residue_bars import Bars

        box = items.RangeBox()
        self.numbers, self.chains = items.ResidueAxis("bottom"), items.ChainAxis("top")
        self.numbers.show_labels([])
        self.chains.show_chains([], [0])
        axes = {"bottom": self.numbers, "top": self.chains, "left": items.HeightAxis("left")}
        plot = items.pyqtgraph.PlotWidget(viewBox=box, axisItems=axes)
        self.bars = Bars()
        plot.addItem(self.bars, ignoreBounds=True)
        plot.showAxis("top")
        plot.setMouseEnabled(x=True, y=False)
        plot.disableAutoRange()
        plot.getAxis("left").enableAutoSIPrefix(False)
        plot.scene().sigMouseMoved.connect(self._hover)
        plot.scene().sigMouseClicked.connect(self._click)
        box.sigRangeDragged.connect(self._drag)
        box.sigXRangeChanged.connect(self._show_heading)
        box.sigResized.connect(self._show_heading)
        return plot

    def show_residues(
        self,
        labels: Sequence[str],
        chain_starts: Sequence[int],
        measured: Sequence[float],
        expected: Sequence[float] | None,
        colors: Sequence[int],
        what: str,
        interval: tuple[Sequence[float], Sequence[float]] | None = None,
        note: str = "measured",
        word: str = "measured",
    ) -> None:
        """Show a profile. The view along the chain stays if the residues are the same.

        Parameters
        ----------
        labels : sequence of str
            Such as ``A/ARG 8``; what comes before the last slash names the chain.
        chain_starts : sequence of int
            Index of the first residue of each chain.
        measured, expected : sequence of float
            nan where undefined; no ``expected`` draws no line.
        colors : sequence of int
            0xRRGGBB.
        what : str
            What the values are, with their unit.
        interval : (sequence of float, sequence of float), optional
            Low and high ends of the 95 % interval of each value; nan where there is none.
        note : str
            How the values were found, and what is drawn about them.
        word : str
            What tooltips call a value.
        """
        if self.plot is None:
            return
        import numpy as np

        nothing = np.full(len(labels), np.nan)
        self._measured = np.asarray(measured, float)
        self._expected = nothing if expected is None else np.asarray(expected, float)
        self._low, self._high = (np.asarray(end, float) for end in interval or (nothing, nothing))
        self._what, self._note, self._word = what, note, word
        from_zero = self._fit_height(np.concatenate([self._measured, self._expected, self._low, self._high]))
        self.bars.show_bars(
            self._measured, self._expected, colors, chain_starts, self._low, self._high, from_zero=from_zero
        )
        if list(labels) != self._labels:
            self._labels = list(labels)
            self.numbers.show_labels(labels)
            names = [labels[start].rsplit("/", 1)[0] for start in chain_starts]
            self.chains.show_chains(names, [*chain_starts, len(labels)])
            self.show_all()
        self._show_heading()

    def clear(self) -> None:
        """Show no residues."""
        self.show_residues([], [], [], None, [], "")

    def mark(self, indices: Sequence[int]) -> None:
        """Mark the bars of the residues that are selected in the viewport."""
        if self.plot is not None:
            self.bars.mark(indices)

    def show_all(self) -> None:
        """Zoom out to all residues."""
        if self.plot is None:
            return
        right = max(1, len(self._labels)) - 0.5
        self.plot.setLimits(xMin=-0.5, xMax=right, minXRange=min(5, right + 0.5))
        self.plot.setXRange(-0.5, right, padding=0)

    def paint_items(self, text: QtGui.QColor, base: QtGui.QColor) -> None:
        """Colour the expected line, the marks and the separators."""
        self.bars.text = text
        self.bars.highlight = self.palette().color(QtGui.QPalette.ColorRole.Highlight)
        self.bars.band = blend(self.bars.highlight, base, 0.35)
        self.bars.refresh()

    def describe(self, index: int) -> str:
        """Return what the tooltip at a residue says: of it, or of all that share its column."""
        first, last = self.bars.group_of(index)
        if first == last:
            return self._describe_one(index)
        where = slice(first, last + 1)
        lines = [f"{self._labels[first]} to {self._labels[last]}: {last - first + 1} residues", self._what]
        sides = [(self._word, self._measured), ("expected", self._expected)]
        for word, values in ((word, values[where]) for word, values in sides[: 1 + self._has_line()]):
            known = [place for place, value in enumerate(values) if math.isfinite(value)]
            if not known:
                lines.append(f"{word} n/a")
                continue
            lines.append(f"{word} {_number(values[known].mean())} on average")
            for end, place in (
                ("lowest", min(known, key=lambda place: values[place])),
                ("highest", max(known, key=lambda place: values[place])),
            ):
                lines.append(f"    {end} {_number(values[place])}, {self._labels[first + place]}")
        return "\n".join([*lines, "zoom in with the wheel to see each"])

    def _describe_one(self, index: int) -> str:
        measured, expected = _number(self._measured[index]), _number(self._expected[index])
        low, high = self._low[index], self._high[index]
        interval = f", 95 % interval {_number(low)} to {_number(high)}" if low <= high else ""
        lines = [self._labels[index], self._what, f"{self._word} {measured}{interval}"]
        return "\n".join([*lines, f"expected {expected}"] if self._has_line() else lines)

    def _has_line(self) -> bool:
        return bool((self._expected == self._expected).any())

    def _show_heading(self) -> None:
        """Say what is drawn, which changes with the view."""
        if not self._labels:
            self.heading.show_text("")
            return
        size = self.bars.group_size()
        note = self._note if size == 1 else f"mean of {size} residues each, band from lowest to highest"
        line = "; line: expected" if self._has_line() else ""
        text = f"{self._what}: {note}{line}"
        if text != self.heading.text():
            self.heading.show_text(text)

    def _fit_height(self, values: Any) -> bool:
        """Show all heights, and say whether from zero: not where they differ by little. Ends on round numbers rest."""
        finite = values[abs(values) < math.inf]
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
        from_zero = low < _LITTLE * high
        low = 0.0 if from_zero else low
        step = 10.0 ** math.floor(math.log10(max(high - low, 1e-3 * abs(high), 1e-9))) / 2
        bottom = step * math.floor(low / step - 0.05) if low else 0.0
        self.plot.setYRange(bottom, step * math.ceil(high / step + 0.05), padding=0)
        return from_zero

    def _index_at(self, place: QtCore.QPointF) -> int | None:
        """Return the index of the residue at a place of the scene."""
        box = self.plot.getViewBox()
        if not box.sceneBoundingRect().contains(place):
            return None
        index = round(box.mapSceneToView(place).x())
        return index if 0 <= index < len(self._labels) else None

    def _hover(self, place: QtCore.QPointF) -> None:
        index = self._index_at(place)
        text = "" if index is None else plain_tip(self.describe(index))
        QtWidgets.QToolTip.showText(self.plot.mapToGlobal(self.plot.mapFromScene(place)), text, self.plot)

    def _click(self, event: Any) -> None:
        index = self._index_at(event.scenePos())
        if event.button() != QtCore.Qt.MouseButton.LeftButton or index is None:
            return
        if event.double():
            self.show_all()
        else:
            self.residue_clicked.emit(index)

    def _drag(self, left: float, right: float) -> None:
        first, last = max(0, round(left)), min(len(self._labels) - 1, round(right))
        if first <= last:
            self.residues_dragged.emit(first, last)


def _number(value: float) -> str:
    return "n/a" if math.isnan(value) else f"{value:.3f}"
