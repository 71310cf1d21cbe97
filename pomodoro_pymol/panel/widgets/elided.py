"""A label that gives way: what does not fit is elided, and the tooltip has the whole text."""

from __future__ import annotations

from qtpy import QtCore, QtGui, QtWidgets

from .labels import plain_tip


class ElidedLabel(QtWidgets.QLabel):
    """One line of text, cut with an ellipsis where there is no room for it."""

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self.setTextFormat(QtCore.Qt.TextFormat.PlainText)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)

    def show_text(self, text: str) -> None:
        """Show a text, which is its own tooltip."""
        self.setText(text)
        self.setToolTip(plain_tip(text))

    def minimumSizeHint(self) -> QtCore.QSize:
        """Room for a few letters."""
        return QtCore.QSize(4 * self.fontMetrics().averageCharWidth(), super().minimumSizeHint().height())

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Draw as much of the text as fits."""
        text = self.fontMetrics().elidedText(self.text(), QtCore.Qt.TextElideMode.ElideRight, self.width())
        QtGui.QPainter(self).drawText(self.rect(), QtCore.Qt.AlignmentFlag.AlignVCenter, text)
