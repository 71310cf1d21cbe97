"""Names of curves in a row that wraps, beside the plot and never on it."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy import QtCore, QtGui, QtWidgets

_SAMPLE, _GAP = 26, 6


class Legend(QtWidgets.QWidget):
    """A stroke of each pen and its name; as many lines as the width asks for."""

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self._entries: list[tuple[str, QtGui.QPen]] = []
        self.setAccessibleName("Legend")

    def show_entries(self, entries: Sequence[tuple[str, QtGui.QPen]]) -> None:
        """Show names and pens."""
        self._entries = list(entries)
        self.setAccessibleDescription(", ".join(name for name, _ in entries))
        self._fit()
        self.update()

    def places(self, width: int) -> list[QtCore.QRect]:
        """Return where the entries go in so many pixels."""
        places: list[QtCore.QRect] = []
        x = y = 0
        line = self.fontMetrics().height()
        for name, _ in self._entries:
            needed = min(width, _SAMPLE + _GAP + self.fontMetrics().horizontalAdvance(name) + 2)
            if x and x + needed > width:
                x, y = 0, y + line
            places.append(QtCore.QRect(x, y, needed, line))
            x += needed + 2 * _GAP
        return places

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:
        """Wrap anew."""
        super().resizeEvent(event)
        self._fit()

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Draw strokes and names."""
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        text_pen = painter.pen()
        for (name, pen), place in zip(self._entries, self.places(self.width())):
            painter.setPen(pen)
            middle = place.center().y() + 0.5
            painter.drawLine(QtCore.QLineF(place.left(), middle, place.left() + _SAMPLE, middle))
            painter.setPen(text_pen)
            room = place.adjusted(_SAMPLE + _GAP, 0, 0, 0)
            text = self.fontMetrics().elidedText(name, QtCore.Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(room, QtCore.Qt.AlignmentFlag.AlignVCenter, text)

    def _fit(self) -> None:
        self.setFixedHeight(max((place.bottom() + 1 for place in self.places(self.width())), default=0))
