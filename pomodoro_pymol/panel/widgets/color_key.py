"""The colour key: which colour is which number, and where the expected values lie."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy import QtCore, QtGui, QtWidgets

from ...color.palettes import DIRECTION_TITLE, DIRECTIONS
from ...color.ticks import number_text, ticks

Stop = tuple[float, tuple[float, float, float]]

_GAP = 8
_BAR = 12
_TICK = 3


class ColorKey(QtWidgets.QWidget):
    """A gradient with numbers, a label with its unit, and a bracket over the expected range."""

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self._stops: list[Stop] = []
        self._label = ""
        self._expected: tuple[float, float] | None = None
        self._swatches: Sequence[tuple[str, tuple[float, float, float]]] = ()
        self.setAccessibleName("Colour key")
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
        self.clear()

    def show_scale(
        self,
        stops: Sequence[Stop],
        label: str,
        unit: str = "",
        expected: tuple[float, float] | None = None,
        note: str = "",
    ) -> None:
        """Show a colour scale.

        Parameters
        ----------
        stops : sequence of (float, (float, float, float))
            Ascending values and their RGB colours (0 to 1), between which colours are interpolated.
        label : str
            What the number is.
        unit : str
            Empty for a pure number.
        expected : (float, float), optional
            Lowest and highest expected value.
        note : str
            What the colours cannot tell.
        """
        self._stops, self._swatches = list(stops), ()
        self._label = f"{label} ({unit})" if unit else label
        self._expected = expected
        text = f"{self._label}: {self._number(stops[0][0])} to {self._number(stops[-1][0])}"
        lines = [text, *([self._expected_text()] if expected else []), *([note] if note else [])]
        self._describe("\n".join(lines))

    def show_directions(self) -> None:
        """Show what colours directions have: each end of the axes its own."""
        self._stops, self._expected, self._swatches = [], None, DIRECTIONS
        self._label = DIRECTION_TITLE
        self._describe(f"{self._label}: " + ", ".join(text for text, _ in DIRECTIONS))

    def clear(self) -> None:
        """Show that nothing is coloured."""
        self._stops, self._expected, self._swatches = [], None, ()
        self._label = "not coloured"
        self._describe("What the colours mean; nothing is coloured yet.")

    def ticks(self) -> list[tuple[float, str, QtCore.QRect]]:
        """Return value, text and place of the numbers that fit: both ends, then round values between them."""
        if not self._stops:
            return []
        return [self._tick(value) for value in ticks(*self._ends(), self._close)]

    def bracket(self) -> tuple[int, int] | None:
        """Return the first and last pixel of the expected range on the bar; None where it lies outside."""
        if not self._stops or not self._expected:
            return None
        low, high = self._expected
        if high < self._ends()[0] or low > self._ends()[1]:
            return None
        return self._place(low), self._place(high)

    def bar(self) -> QtCore.QRect:
        """Return where the gradient is."""
        return QtCore.QRect(0, 2 * self.fontMetrics().height() + 2, self.width(), _BAR)

    def sizeHint(self) -> QtCore.QSize:
        """Two lines of text above the bar, one below."""
        height = 3 * self.fontMetrics().height() + _BAR + _TICK + 4
        return QtCore.QSize(40 * self.fontMetrics().averageCharWidth(), height)

    def minimumSizeHint(self) -> QtCore.QSize:
        """Both end numbers side by side."""
        ends = [self._number(value) for value, _ in self._stops[:1] + self._stops[-1:]]
        width = sum(self.fontMetrics().horizontalAdvance(text) + _GAP for text in ends)
        return QtCore.QSize(width, self.sizeHint().height())

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Draw label, bracket, gradient and numbers from top to bottom."""
        painter = QtGui.QPainter(self)
        line = self.fontMetrics().height()
        label = self.fontMetrics().elidedText(self._label, QtCore.Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(0, 0, self.width(), line, QtCore.Qt.AlignmentFlag.AlignLeft, label)
        if not self._stops:
            self._draw_swatches(painter)
            return
        low, high = self._ends()
        gradient = QtGui.QLinearGradient(0, 0, self.width(), 0)
        for value, rgb in self._stops:
            gradient.setColorAt((value - low) / (high - low), QtGui.QColor.fromRgbF(*rgb))
        painter.fillRect(self.bar(), gradient)
        for value, text, rect in self.ticks():
            painter.drawText(rect, QtCore.Qt.AlignmentFlag.AlignCenter, text)
            x = self._place(value)
            painter.drawLine(x, self.bar().bottom() + 1, x, self.bar().bottom() + _TICK)
        if self._expected:
            self._draw_expected(painter)

    def _draw_swatches(self, painter: QtGui.QPainter) -> None:
        for place, (text, rgb) in enumerate(self._swatches):
            left, right = (self.width() * end // len(self._swatches) for end in (place, place + 1))
            bar = QtCore.QRect(left, self.bar().top(), right - left - 1, _BAR)
            painter.fillRect(bar, QtGui.QColor.fromRgbF(*rgb))
            below = QtCore.QRect(left, bar.bottom() + 1, bar.width(), self.fontMetrics().height())
            painter.drawText(below, QtCore.Qt.AlignmentFlag.AlignCenter, text)

    def _draw_expected(self, painter: QtGui.QPainter) -> None:
        """Draw the bracket, or an arrow at the end beyond which the range lies; text beside it where it fits."""
        top, bottom = self.bar().top() - 6, self.bar().top() - 2
        bracket = self.bracket()
        if bracket:
            left, right = bracket
            painter.drawPolyline(
                [QtCore.QPoint(x, y) for x, y in ((left, bottom), (left, top), (right, top), (right, bottom))]
            )
        else:
            assert self._expected
            above = self._expected[0] > self._ends()[1]
            left = right = self.width() - 1 if above else 0
            inward = -4 if above else 4
            painter.drawPolyline(
                [
                    QtCore.QPoint(left + inward, top - 2),
                    QtCore.QPoint(left, top + 1),
                    QtCore.QPoint(left + inward, bottom),
                ]
            )
            left, right = left - 4, right + 4
        metrics = self.fontMetrics()
        for text in (self._expected_text(), "expected"):
            width = metrics.horizontalAdvance(text)
            for x in (right + _GAP, left - _GAP - width):
                if 0 <= x <= self.width() - width:
                    painter.drawText(x, metrics.height() + metrics.ascent(), text)
                    return

    def _expected_text(self) -> str:
        assert self._expected
        start, end = self._ends()
        low, high = (number_text(value, (end - start) / 10) for value in self._expected)  # a digit more than ticks have
        return f"expected {low}" if low == high else f"expected {low} to {high}"

    def _ends(self) -> tuple[float, float]:
        return self._stops[0][0], self._stops[-1][0]

    def _place(self, value: float) -> int:
        low, high = self._ends()
        return round(min(1.0, max(0.0, (value - low) / (high - low))) * (self.width() - 1))

    def _number(self, value: float) -> str:
        low, high = self._ends()
        return number_text(value, high - low)

    def _tick(self, value: float) -> tuple[float, str, QtCore.QRect]:
        text = self._number(value)
        width = self.fontMetrics().horizontalAdvance(text)
        left = min(self.width() - width, max(0, self._place(value) - width // 2))
        return value, text, QtCore.QRect(left, self.bar().bottom() + 1 + _TICK, width, self.fontMetrics().height())

    def _close(self, one: float, other: float) -> bool:
        """Say whether the numbers of two values overlap or nearly do."""
        return self._tick(one)[2].adjusted(-_GAP, 0, _GAP, 0).intersects(self._tick(other)[2])

    def _describe(self, text: str) -> None:
        self.setToolTip(text)
        self.setAccessibleDescription(text)
        self.updateGeometry()
        self.update()
