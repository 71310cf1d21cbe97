"""Curves: over z for several schemes, and over the steps of a sampler."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, NamedTuple

from qtpy import QtCore, QtGui, QtWidgets

from ...noise.metrics import CA_CA_DISTANCE
from .canvas import Canvas
from .contrast import readable
from .icons import blend
from .legend import Legend

Curve = tuple[Sequence[float], Sequence[float]]
Style = tuple[int, int]


class CurvePlot(Canvas):
    """Curves told apart by colour and dashes, named in a legend above the plot.

    Attributes
    ----------
    styles : mapping of str to (int, int)
        Colour and dashes of the curves of a name, by their numbers; those of others are as the place of the curve.
    """

    def __init__(self, name: str, parent: QtWidgets.QWidget | None = None):
        self.curves: dict[str, Any] = {}
        self.styles: Mapping[str, Style] = {}
        self.legend = Legend()
        super().__init__(name, parent)
        self._layout.insertWidget(1, self.legend)

    def make_plot(self, items: ModuleType) -> Any:
        """Return an empty plot."""
        return self.make_curves(items, items.LogAxis("left"))

    def make_curves(self, items: ModuleType, heights: Any) -> Any:
        """Return an empty plot with an axis for the heights."""
        plot = items.pyqtgraph.PlotWidget(axisItems={"left": heights})
        plot.setMouseEnabled(x=False, y=False)
        for name in ("left", "bottom"):
            plot.getAxis(name).enableAutoSIPrefix(False)
        plot.showGrid(x=True, y=True, alpha=0.15)
        return plot

    def paint_items(self, text: QtGui.QColor, base: QtGui.QColor) -> None:
        """Give each curve its pen, and the legend the same."""
        styles = [self.styles.get(name, (place, place)) for place, name in enumerate(self.curves)]
        pens = [self._items.curve_pen(*style, text, base) for style in styles]
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
            places, heights = np.asarray(x, float), np.asarray(y, float)
            heights = np.where(heights > 0, heights, np.nan) if log else heights
            curve = self.curves[name]
            if not (np.array_equal(curve.xData, places) and np.array_equal(curve.yData, heights, equal_nan=True)):
                curve.setData(places, heights)  # which takes a millisecond
        self.curves = {name: self.curves[name] for name in curves}
        self.plot.setLogMode(y=log)
        if list(self.curves) != names:
            self._paint_theme()


class Quantity(NamedTuple):
    """What can be drawn over z.

    Attributes
    ----------
    title : str
        In a word or two.
    heading : str
        What the heights are, with unit and meaning.
    tip : str
        What it tells, in a sentence.
    top : float
        The highest height shown.
    lost : float
        The height at which the structure is called lost.
    mark : str
        What is written at that height.
    rises : bool
        Whether curves rise with z.
    """

    title: str
    heading: str
    tip: str
    top: float
    lost: float
    mark: str
    rises: bool


_ALPHA = "C\N{GREEK SMALL LETTER ALPHA}"
_HALF = (1.08, 0.5, "half of the distances kept", False)
#: What can be drawn over z, by the name that it has in a point of a sweep.
QUANTITIES = {
    "relative": Quantity(
        "displacement from the chain",
        "residue relative to chain, rms in space (Å), over z",
        "How far residues move relative to their chain: the higher, the more they rearrange.",
        2 * CA_CA_DISTANCE,
        CA_CA_DISTANCE,
        f"{CA_CA_DISTANCE} Å in space, consecutive {_ALPHA}",
        True,
    ),
    "neighbors": Quantity(
        "displacement from the next residue",
        "residue relative to the next one, rms in space (Å), over z",
        "How far residues that follow each other move apart: the higher, the more the chain is torn.",
        2 * CA_CA_DISTANCE,
        CA_CA_DISTANCE,
        f"{CA_CA_DISTANCE} Å in space, consecutive {_ALPHA}",
        True,
    ),
    "ca_lddt": Quantity(
        f"{_ALPHA} lDDT",
        f"expected lDDT of {_ALPHA} atoms over z (1: all distances kept)",
        f"Which part of the distances between {_ALPHA} atoms closer than 15 Å in space is kept.",
        *_HALF,
    ),
    "within_residues": Quantity(
        "lDDT within residues",
        "expected lDDT within residues over z (1: residues are rigid)",
        "Which part of the distances within residues is kept: the higher, the more rigid residues stay.",
        *_HALF,
    ),
    "between_residues": Quantity(
        "lDDT between residues",
        "expected lDDT between residues over z (0: residues rearranged)",
        "Which part of the distances between residues, closer than 15 Å in space, is kept: the lower, the more "
        "residues rearrange.",
        *_HALF,
    ),
}

#: z, height as measured, low and high end of its 95 % interval; nan ends where there is none.
Point = tuple[float, float, float, float]
# How far beyond the z at which the schemes lose the structure one sees at first.
_MARGIN = 0.7


class SweepPlot(CurvePlot):
    """What noise does over z for several schemes, with the z of now as a line to drag.

    The wheel zooms along z, a drag beside the line moves; a double click shows what was shown first.

    Attributes
    ----------
    quantity : str
        What is to be drawn, one of `QUANTITIES`.
    """

    #: The z to which the line was dragged.
    z_chosen = QtCore.Signal(float)
    #: Curves of `quantity` are to be shown: another was chosen, or the plot came into sight.
    asked = QtCore.Signal()

    quantity = "relative"

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        self._measured: Mapping[str, Sequence[Point]] = {}
        self._fitted: Any = None
        self._point: Point | None = None
        super().__init__("Sweep over z", parent)
        self.setAccessibleDescription("Drag the vertical line to choose z")

    def make_plot(self, items: ModuleType) -> Any:
        """Return a plot with the reference and the line of z."""
        pyqtgraph = items.pyqtgraph
        plot = self.make_curves(items, items.HeightAxis("left"))
        plot.setMouseEnabled(x=True, y=False)
        plot.showGrid(x=True, y=False, alpha=0.15)  # with one the first and the last number would go
        options = {"position": 0.02, "anchors": [(0, 1), (0, 1)], "movable": False}
        self.reference = pyqtgraph.InfiniteLine(0, 0, label="", labelOpts=options)
        self.line = pyqtgraph.InfiniteLine(0, 90, movable=True)
        self.line.setCursor(QtCore.Qt.CursorShape.SizeHorCursor)
        self.line.sigDragged.connect(lambda line: self.z_chosen.emit(float(line.value())))
        self.point, self.points = pyqtgraph.ScatterPlotItem(size=9), pyqtgraph.ScatterPlotItem(size=6)
        self.intervals = pyqtgraph.ErrorBarItem(beam=0.03)
        for item in (self.reference, self.line, self.intervals, self.points, self.point):
            plot.addItem(item, ignoreBounds=True)
        self.point.setZValue(10)
        plot.disableAutoRange()
        plot.scene().sigMouseClicked.connect(self._click)
        self._show_quantity(plot)
        plot.setRange(xRange=(-3, 3))
        return plot

    def choose(self, quantity: str) -> None:
        """Draw another of `QUANTITIES` from now on."""
        if quantity == self.quantity:
            return
        self.quantity = quantity
        if self.plot is not None:
            self._show_quantity(self.plot)
            self.show_curves([], self.line.value(), None)
        self.asked.emit()

    def showEvent(self, event: QtGui.QShowEvent) -> None:
        """Ask for what was not drawn unseen."""
        super().showEvent(event)
        self.asked.emit()

    def show_curves(
        self,
        curves: Sequence[tuple[str, Sequence[float], Sequence[float]]],
        z: float,
        point: Point | None,
        note: str = "",
    ) -> None:
        """Show curves and where we are on them; a line that is being dragged stays under the hand.

        Parameters
        ----------
        curves : sequence of (str, sequence of float, sequence of float)
            Name of the scheme, values of z, heights: `quantity` as expected.
        z : float
            Of now.
        point : (float, float, float, float), optional
            As measured.
        note : str
            What is to be said beside what the heights are.
        """
        if self.plot is None:
            return
        self.draw({name: (places, values) for name, places, values in curves}, log=False)
        heading = QUANTITIES[self.quantity].heading + (f": {note}" if note else "")
        if heading != self.heading.text():
            self.heading.show_text(heading)
        places = [place for _, places, _ in curves for place in places]
        if places:
            self.line.setBounds((min(places), max(places)))
            self.plot.setLimits(xMin=min(places), xMax=max(places))
        if not self.line.moving:
            self.line.setValue(z)
        self._point = point
        self._show_points()
        self._fit_height(z)
        key = (self.quantity, tuple(self.curves))
        if curves and key != self._fitted:
            self._fitted = key
            self._fit()
        left, right = self.plot.viewRange()[0]
        if not left <= z <= right and not self.line.moving:
            self.plot.setXRange(min(left, z), max(right, z), padding=0)

    def show_measured(self, points: Mapping[str, Sequence[Point]]) -> None:
        """Show what a sweep has measured of `quantity`, by scheme, beside the curves that are shown."""
        self._measured = points
        if self.plot is not None:
            self._show_points()

    def paint_items(self, text: QtGui.QColor, base: QtGui.QColor) -> None:
        """Colour curves, reference, line and points."""
        super().paint_items(text, base)
        pen = self._items.pyqtgraph.mkPen
        self.reference.setPen(pen(blend(text, base, 0.6), width=1))
        self.reference.label.setColor(text)
        highlight = readable(self.palette().color(QtGui.QPalette.ColorRole.Highlight), base)
        self.line.setPen(pen(highlight, width=2))
        self.line.setHoverPen(pen(highlight, width=4))
        self.point.setPen(pen(base, width=1))
        self.point.setBrush(highlight)
        self.points.setPen(pen(base, width=1))
        self.intervals.setData(pen=pen(text, width=1))
        self._show_points()

    def _show_quantity(self, plot: Any) -> None:
        shown = QUANTITIES[self.quantity]
        plot.setToolTip(
            f"{shown.tip} Expected, one curve per scheme; measured, points with their 95 % intervals. Drag the line to "
            "choose z, zoom with the wheel."
        )
        self.heading.show_text(shown.heading)
        self.reference.setValue(shown.lost)
        self.reference.label.setFormat(shown.mark)
        self.reference.label.anchors = [(0, 1 if shown.rises else 0)] * 2  # on the side where no curve is
        self.reference.label.updatePosition()
        plot.setYRange(0, shown.top, padding=0)

    def _show_points(self) -> None:
        """Draw what is measured: of now in the colour of the line, of a sweep in those of the curves."""
        import numpy as np

        now = [self._point] if self._point else []
        swept = [(name, point) for name in self.curves for point in self._measured.get(name, ())]
        self.point.setData(*([point[axis] for point in now] for axis in (0, 1)))
        brushes = [self._items.pyqtgraph.mkBrush(self.curves[name].opts["pen"].color()) for name, _ in swept]
        self.points.setData(*([point[axis] for _, point in swept] for axis in (0, 1)), brush=brushes)
        bars = np.array([point for point in [*now, *(point for _, point in swept)] if point[2] <= point[3]])
        x, y, low, high = bars.reshape(-1, 4).T
        self.intervals.setData(x=x, y=y, top=high - y, bottom=y - low)

    def _click(self, event: Any) -> None:
        if event.double():
            self._fit()

    def _fit_height(self, z: float) -> None:
        """Show the heights about the loss of the structure, and those at the z of now."""
        import numpy as np

        data = [curve.getData() for curve in self.curves.values()]
        here = [float(np.interp(z, *curve)) for curve in data] + ([self._point[1]] if self._point else [])
        self.plot.setYRange(0, max([QUANTITIES[self.quantity].top, *(1.15 * height for height in here)]), padding=0)

    def _fit(self) -> None:
        """Show where the schemes lose the structure, and the z of now."""
        import numpy as np

        lost = QUANTITIES[self.quantity].lost
        crossings = [self.line.value()]
        for curve in self.curves.values():
            z, heights = curve.getData()
            turns = np.flatnonzero(np.diff(np.sign(np.asarray(heights) - lost)))
            crossings += [float(z[turn]) for turn in turns]
        if self.curves:
            self.plot.setXRange(min(crossings) - _MARGIN, max(crossings) + _MARGIN, padding=0)


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
