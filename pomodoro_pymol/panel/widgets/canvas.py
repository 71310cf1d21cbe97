"""What all plots have in common: the colours of the theme, and what to do when pyqtgraph is missing."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from qtpy import QtCore, QtGui, QtWidgets

from ...utils.problems import problem_text
from .icons import blend
from .labels import ElidedLabel


class Canvas(QtWidgets.QWidget):
    """A plot in the widget's own colours, or the command that installs what it needs.

    Attributes
    ----------
    plot : pyqtgraph.PlotWidget or None
        None where pyqtgraph is missing.
    heading : ElidedLabel
        What the heights are, above the plot: a narrow dock has no room for it beside the axis.
    """

    plot: Any = None
    #: Returns the pyqtgraph.PlotWidget to show, and gives its items colours that can be read: each plot has its own.
    make_plot: Callable[[ModuleType], Any]
    paint_items: Callable[[QtGui.QColor, QtGui.QColor], None]

    def __init__(self, name: str, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self.setAccessibleName(name)
        self._layout = QtWidgets.QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(2)
        try:
            from . import plot_items
        except ModuleNotFoundError as error:
            self._layout.addWidget(_notice(problem_text(error)))
            return
        self._items = plot_items
        self.heading = ElidedLabel()
        self._layout.addWidget(self.heading)
        self.plot = self.make_plot(plot_items)
        self.plot.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        self.plot.setFocusPolicy(QtCore.Qt.FocusPolicy.ClickFocus)
        self.plot.setMinimumSize(0, 0)
        self.plot.hideButtons()
        self.plot.setMenuEnabled(False)
        self._layout.addWidget(self.plot, 1)
        self._paint_theme()

    def sizeHint(self) -> QtCore.QSize:
        """Wider than high."""
        height = self.fontMetrics().height()
        return QtCore.QSize(24 * height, 14 * height)

    def minimumSizeHint(self) -> QtCore.QSize:
        """Small enough for a narrow dock, large enough for the notice."""
        height = self.fontMetrics().height()
        return QtCore.QSize(12 * height, 6 * height)

    def changeEvent(self, event: QtCore.QEvent) -> None:
        """Take on the colours of a new theme."""
        super().changeEvent(event)
        if event.type() in (QtCore.QEvent.Type.PaletteChange, QtCore.QEvent.Type.StyleChange):
            self._paint_theme()

    def _paint_theme(self) -> None:
        if self.plot is None:
            return
        text = self.palette().color(QtGui.QPalette.ColorRole.WindowText)
        base = self.palette().color(QtGui.QPalette.ColorRole.Window)
        self.plot.setBackground(base)
        for name in ("left", "bottom", "top", "right"):
            axis = self.plot.getAxis(name)
            axis.setPen(blend(text, base, 0.4))
            axis.setTextPen(text)
            axis.setStyle(tickLength=4, maxTickLevel=0)
        self.paint_items(text, base)


def _notice(text: str) -> QtWidgets.QLabel:
    label = QtWidgets.QLabel(text)
    label.setWordWrap(True)
    label.setAlignment(QtCore.Qt.AlignmentFlag.AlignCenter)
    label.setTextInteractionFlags(
        QtCore.Qt.TextInteractionFlag.TextSelectableByMouse | QtCore.Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    label.setAccessibleName("What is missing")
    return label
