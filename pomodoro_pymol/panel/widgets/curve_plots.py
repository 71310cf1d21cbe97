"""Curves: over z for several schemes, and over the steps of a sampler."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from qtpy import QtCore, QtGui, QtWidgets

from ...noise.metrics import CA_CA_DISTANCE
from .canvas import Canvas
from .legend import Legend

Curve = tuple[Sequence[float], Sequence[float]]


class CurvePlot(Canvas):
    """Curves told apart by colour and dashes, named in a legend above the plot."""

    def __init__(self, name: str, parent: QtWidgets.QWidget | None = None):
        self.curves: dict[str, Any] = {}
        self.legend = Legend()
        super().__init__(name, parent)
        self._layout.insertWidget(1, self.legend)

    def make_plot(self, items: ModuleType) -> Any:
        """Return an empty plot."""
        plot = items.pyqtgraph.PlotWidget(axisItems={"left": items.LogAxis("left")})
        plot.setMouseEnabled(x=False, y=False)
        for name in ("left", "bottom"):
            plot.getAxis(name).enableAutoSIPrefix(False)
        plot.showGrid(x=True, y=True, alpha=0.15)
        return plot

    def paint_items(self, text: QtGui.QColor, base: QtGui.QColor) -> None:
        """Give each curve its pen, and the legend the same."""
        pens = [self._items.curve_pen(number, text, base) for number in range(len(self.curves))]
        for curve, pen in zip(self.curves.values(), pens):
            curve.setPen(pen)
        self.legend.show_entries(list(zip(self.curves, pens)))

    def draw(self, curves: Mapping[str, Curve], log: bool) -> None:
        """Show these curves and no others; on a logarithmic axis only what is positive."""
        import numpy as np

        names = list(self.curves)
        for name in [name for name in names if name not in curves]:
            self.plot.removeItem(self.curves.pop(name))
        for name, (x, y) in curves.items():
            if name not in self.curves:
                self.curves[name] = self._items.pyqtgraph.PlotDataItem(connect="finite", antialias=True)
                self.plot.addItem(self.curves[name])
            heights = np.asarray(y, float)
            self.curves[name].setData(np.asarray(x, float), np.where(heights > 0, heights, np.nan) if log else heights)
        self.curves = {name: self.curves[name] for name in curves}
        self.plot.setLogMode(y=log)
        if list(self.curves) != names:
            self._paint_theme()


class SweepPlot(CurvePlot):
    """Displacement over z for several schemes, with the z of now as a line to drag."""

    #: The z to which the line was dragged.
    z_chosen = QtCore.Signal(float)

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__("Sweep over z", parent)
        self.setAccessibleDescription("Drag the vertical line to choose z")

    def make_plot(self, items: ModuleType) -> Any:
        """Return a plot with the reference and the line of z."""
        pyqtgraph = items.pyqtgraph
        plot = super().make_plot(items)
        plot.setToolTip(
            "Expected rms displacement in space of residues relative to their chain over z, one curve per scheme, and "
            "as measured, a point. Drag the line to choose z."
        )
        plot.setLabel("bottom", "z")
        plot.setLogMode(y=True)
        plot.setRange(xRange=(-3, 3), yRange=(-1, 2))
        self.heading.show_text("residue relative to chain, rms in space (Å)")
        options = {"position": 0.02, "anchors": [(0, 1), (0, 1)], "movable": False}
        text = f"{CA_CA_DISTANCE} Å in space, consecutive C\N{GREEK SMALL LETTER ALPHA}"
        self.reference = pyqtgraph.InfiniteLine(math.log10(CA_CA_DISTANCE), 0, label=text, labelOpts=options)
        self.line = pyqtgraph.InfiniteLine(0, 90, movable=True)
        self.line.setCursor(QtCore.Qt.CursorShape.SizeHorCursor)
        self.line.sigDragged.connect(lambda line: self.z_chosen.emit(float(line.value())))
        self.point = pyqtgraph.ScatterPlotItem(size=9)
        for item in (self.reference, self.line, self.point):
            plot.addItem(item, ignoreBounds=True)
        plot.disableAutoRange()
        return plot

    def show_curves(
        self,
        curves: Sequence[tuple[str, Sequence[float], Sequence[float]]],
        z: float,
        point: tuple[float, float] | None,
    ) -> None:
        """Show curves and where we are on them; a line that is being dragged stays under the hand.

        Parameters
        ----------
        curves : sequence of (str, sequence of float, sequence of float)
            Name of the scheme, values of z, rms displacement of residues relative to the
            chain, angstrom in space.
        z : float
            Of now.
        point : (float, float), optional
            z, and angstrom in space as measured.
        """
        if self.plot is None:
            return
        self.draw({name: (places, values) for name, places, values in curves}, log=True)
        heights = [value for *_, values in curves for value in values if 0 < value < math.inf] + [CA_CA_DISTANCE]
        self.plot.setYRange(math.log10(min(heights)), math.log10(max(heights)), padding=0.06)
        places = [place for _, places, _ in curves for place in places]
        if places:
            self.plot.setXRange(min(places), max(places), padding=0.02)
            self.line.setBounds((min(places), max(places)))
        if not self.line.moving:
            self.line.setValue(z)
        if point and point[1] > 0:
            self.point.setData([point[0]], [math.log10(point[1])])
        else:
            self.point.clear()

    def paint_items(self, text: QtGui.QColor, base: QtGui.QColor) -> None:
        """Colour curves, reference, line and point."""
        super().paint_items(text, base)
        pen = self._items.pyqtgraph.mkPen
        faint = QtGui.QColor(text)
        faint.setAlphaF(0.6)
        self.reference.setPen(pen(faint, width=1))
        self.reference.label.setColor(text)
        highlight = self.palette().color(QtGui.QPalette.ColorRole.Highlight)
        self.line.setPen(pen(highlight, width=2))
        self.line.setHoverPen(pen(highlight, width=4))
        self.point.setPen(pen(base, width=1))
        self.point.setBrush(highlight)


class StepPlot(CurvePlot):
    """Curves that grow while a sampler runs."""

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__("Curves over steps", parent)

    def show_curves(self, curves: Mapping[str, Curve], x_label: str, y_label: str, log: bool = False) -> None:
        """Show curves by name.

        Parameters
        ----------
        curves : mapping of str to (sequence of float, sequence of float)
            The x and y values; longer ones replace those shown before.
        x_label, y_label : str
            With their units.
        log : bool
            Logarithmic heights.
        """
        if self.plot is None:
            return
        self.draw(curves, log)
        self.plot.setLabel("bottom", x_label)
        self.heading.show_text(y_label)

    def clear(self) -> None:
        """Show no curves."""
        self.show_curves({}, "", "")
