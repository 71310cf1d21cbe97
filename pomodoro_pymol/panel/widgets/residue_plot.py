"""One bar per residue, in the colours of the viewport."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from qtpy import QtCore, QtGui, QtWidgets

from .canvas import Canvas
from .icons import blend
from .labels import plain_tip


class ResiduePlot(Canvas):
    """Measured values as bars, expected ones as a line, chains named above.

    The wheel zooms along the chain and a drag moves; a double click shows everything again.
    """

    #: The index of the residue whose bar was clicked.
    residue_clicked = QtCore.Signal(int)
    #: First and last index of a range dragged with Shift.
    residues_dragged = QtCore.Signal(int, int)

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        self._labels: list[str] = []
        self._measured: Any = None
        self._expected: Any = None
        super().__init__("Residue profile", parent)
        self.setAccessibleDescription("Click a bar to pick a residue, drag with Shift to pick several")

    def make_plot(self, items: ModuleType) -> Any:
        """Return an empty profile."""
        box = items.RangeBox()
        self.numbers, self.chains = items.ResidueAxis("bottom"), items.ChainAxis("top")
        self.numbers.show_labels([])
        self.chains.show_chains([], [0])
        plot = items.pyqtgraph.PlotWidget(viewBox=box, axisItems={"bottom": self.numbers, "top": self.chains})
        self.bars = items.Bars()
        plot.addItem(self.bars, ignoreBounds=True)
        plot.showAxis("top")
        plot.setMouseEnabled(x=True, y=False)
        plot.disableAutoRange()
        plot.getAxis("left").enableAutoSIPrefix(False)
        plot.scene().sigMouseMoved.connect(self._hover)
        plot.scene().sigMouseClicked.connect(self._click)
        box.sigRangeDragged.connect(self._drag)
        return plot

    def show_residues(
        self,
        labels: Sequence[str],
        chain_starts: Sequence[int],
        measured: Sequence[float],
        expected: Sequence[float] | None,
        colors: Sequence[int],
        y_label: str,
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
        y_label : str
            What the values are, with their unit.
        """
        if self.plot is None:
            return
        import numpy as np

        self._measured = np.asarray(measured, float)
        self._expected = np.full(len(labels), np.nan) if expected is None else np.asarray(expected, float)
        self.bars.show_bars(self._measured, self._expected, colors, chain_starts)
        self._fit_height(np.concatenate([self._measured, self._expected]))
        self.heading.show_text(y_label)
        if list(labels) != self._labels:
            self._labels = list(labels)
            self.numbers.show_labels(labels)
            names = [labels[start].rsplit("/", 1)[0] for start in chain_starts]
            self.chains.show_chains(names, [*chain_starts, len(labels)])
            self.show_all()

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
        """Return what the tooltip of a bar says."""
        measured, expected = _number(self._measured[index]), _number(self._expected[index])
        return f"{self._labels[index]}\nmeasured {measured}\nexpected {expected}"

    def _fit_height(self, values: Any) -> None:
        """Show all heights, from zero unless they differ by little; ends on round numbers, so that they rest."""
        finite = values[abs(values) < math.inf]
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
        low = 0.0 if low < 0.6 * high else low
        step = 10.0 ** math.floor(math.log10(max(high - low, 1e-3 * abs(high), 1e-9))) / 2
        bottom = step * math.floor(low / step - 0.05) if low else 0.0
        self.plot.setYRange(bottom, step * math.ceil(high / step + 0.05), padding=0)

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
