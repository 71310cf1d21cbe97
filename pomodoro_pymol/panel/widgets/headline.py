"""The result at a glance: the numbers that matter, measured over expected, and whether they are of the sliders."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy import QtCore, QtGui, QtWidgets

from .contrast import WARNING
from .icons import blend
from .labels import ElidedLabel

_DASH = "\N{EN DASH}"


class _Band(ElidedLabel):
    """A line of text on a ground of its own."""

    ground = QtGui.QColor()

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Draw the ground, then the text."""
        QtGui.QPainter(self).fillRect(self.rect(), self.ground)
        super().paintEvent(event)


class Headline(QtWidgets.QWidget):
    """A line that says of what the numbers are, and below it a column per number."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._warns = False
        self.state = _Band()
        self.state.setAccessibleName("state of the result")
        self._grid = QtWidgets.QGridLayout(self)
        self._grid.setContentsMargins(0, 2, 0, 0)
        self._grid.setSpacing(0)
        self._grid.setHorizontalSpacing(8)
        self._columns: list[tuple[ElidedLabel, ElidedLabel, ElidedLabel]] = []

    def show_state(self, text: str, warns: bool = False) -> None:
        """Say what the numbers are of; ``warns`` where they are not of what the sliders say."""
        self._warns = warns
        self.state.show_text(text)
        self._paint()

    def show_numbers(self, numbers: Sequence[tuple[str, str, str, str]]) -> None:
        """Show numbers.

        Parameters
        ----------
        numbers : sequence of (str, str, str, str)
            What it is with its unit, as measured, as expected, and a sentence on it. An empty
            measured one is shown as a dash.
        """
        while len(self._columns) < len(numbers):
            labels = (ElidedLabel(), ElidedLabel(), ElidedLabel())
            for row, label in enumerate(labels, 1):
                self._grid.addWidget(label, row, len(self._columns))
            font = labels[1].font()
            font.setBold(True)
            labels[1].setFont(font)
            self._columns.append(labels)
        self._grid.addWidget(self.state, 0, 0, 1, max(1, len(self._columns)))
        for labels, (name, measured, expected, tip) in zip(self._columns, numbers):
            for label, text in zip(labels, (name, measured or _DASH, f"expected {expected}" if expected else "")):
                label.show_text(text)
                label.setToolTip(tip)
        for labels in self._columns[len(numbers) :]:
            for label in labels:
                label.show_text("")
        self._paint()

    def texts(self) -> list[tuple[str, ...]]:
        """Return what each column says, from top to bottom."""
        return [tuple(label.text() for label in labels) for labels in self._columns]

    def changeEvent(self, event: QtCore.QEvent) -> None:
        """Colour anew in a new theme."""
        super().changeEvent(event)
        if event.type() == QtCore.QEvent.Type.PaletteChange:
            self._paint()

    def _paint(self) -> None:
        """Give the line its ground: amber where it warns."""
        ground = self.palette().color(QtGui.QPalette.ColorRole.Window)
        text = self.palette().color(QtGui.QPalette.ColorRole.WindowText)
        over = QtGui.QColor(WARNING) if self._warns else text
        self.state.ground = blend(over, ground, 0.35 if self._warns else 0.1)
        self.state.update()
