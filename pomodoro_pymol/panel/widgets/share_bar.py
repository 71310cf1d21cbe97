"""A bar that splits the variance among chain, residue and atom."""

from __future__ import annotations

import math
from dataclasses import dataclass

from qtpy import QtCore, QtGui, QtWidgets

from ...color.palettes import LEVEL_COLORS
from .contrast import contrast
from .icons import blend

_PADDING = 4


@dataclass(frozen=True)
class Segment:
    """One part of the bar: its place, its colour and as much of its label as fits."""

    rect: QtCore.QRect
    color: QtGui.QColor
    text: str


class ShareBar(QtWidgets.QWidget):
    """Shares of the levels as a stacked bar; empty until it is shown some.

    Parameters
    ----------
    whole : str
        What the shares are of.
    """

    #: Pixels of a segment that its label leaves free.
    padding = _PADDING

    def __init__(self, parent: QtWidgets.QWidget | None = None, whole: str = "variance"):
        super().__init__(parent)
        self._whole = whole
        self._shares: dict[str, float] = {}
        self.setAccessibleName(f"{whole.capitalize()} shares")
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
        self.clear()

    def show_shares(self, chain: float, residue: float, atom: float) -> None:
        """Show three shares of one; nan in any of them empties the bar."""
        shares = {"chain": chain, "residue": residue, "atom": atom}
        if not all(map(math.isfinite, shares.values())):
            self.clear()
            return
        self._shares = shares
        self._describe(", ".join(f"{level} {share:.3f}" for level, share in shares.items()))

    def clear(self) -> None:
        """Show no shares."""
        self._shares = {}
        self._describe("not known yet")

    def segments(self) -> list[Segment]:
        """Return what is drawn, from left to right."""
        total = sum(self._shares.values()) or 1.0
        segments = []
        left, ended = 0, 0.0
        for level, share in self._shares.items():
            ended += share / total
            right = round(ended * self.width())
            segments.append(
                Segment(
                    QtCore.QRect(left, 0, right - left, self.height()),
                    QtGui.QColor(f"#{LEVEL_COLORS[level]}"),
                    self._fitting(self._labels(level, share), right - left - self.padding),
                )
            )
            left = right
        return segments

    def sizeHint(self) -> QtCore.QSize:
        """Room for all three labels where no share is small."""
        return QtCore.QSize(30 * self.fontMetrics().averageCharWidth(), self.fontMetrics().height() + 2 * _PADDING)

    def minimumSizeHint(self) -> QtCore.QSize:
        """Room for three numbers; labels give way first."""
        return QtCore.QSize(3 * (self.fontMetrics().horizontalAdvance(".00") + 2 * _PADDING), self.sizeHint().height())

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Draw the segments in a rounded frame."""
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        outline = QtGui.QPainterPath()
        outline.addRoundedRect(QtCore.QRectF(self.rect()), 3, 3)
        ground = self.palette().color(QtGui.QPalette.ColorRole.Window)
        painter.setClipPath(outline)
        painter.fillRect(self.rect(), blend(self.palette().color(QtGui.QPalette.ColorRole.WindowText), ground, 0.12))
        for segment in self.segments():
            color = segment.color if self.isEnabled() else blend(segment.color, ground, 0.4)
            painter.fillRect(segment.rect, color)
            painter.setPen(readable_on(color))
            painter.drawText(segment.rect, QtCore.Qt.AlignmentFlag.AlignCenter, segment.text)

    def _labels(self, level: str, share: float) -> tuple[str, ...]:
        """Return what a segment can say, the longest first."""
        number = f"{share:.2f}".removeprefix("0")
        return f"{level} {number}", number

    def _fitting(self, texts: tuple[str, ...], width: int) -> str:
        return next((text for text in texts if self.fontMetrics().horizontalAdvance(text) <= width), "")

    def _describe(self, text: str) -> None:
        self.setToolTip(f"Shares of the {self._whole}: {text}")
        self.setAccessibleDescription(text)
        self.update()


def readable_on(color: QtGui.QColor) -> QtGui.QColor:
    """Return black or white, whichever has the greater contrast on ``color``."""
    return max((QtGui.QColor("white"), QtGui.QColor("black")), key=lambda ink: contrast(ink, color))
