"""Sliders and boxes that take the wheel only with the focus, so that a page of them can be scrolled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from qtpy import QtCore, QtGui, QtWidgets

from .icons import blend

#: Of a slider's range: as near to zero as this, a knob that is dragged goes there.
_SNAP = 0.015
#: Decimals of a number in a box.
DECIMALS = 3


@contextmanager
def silent(*widgets: QtCore.QObject) -> Iterator[None]:
    """Within it, what is shown in widgets is told to nobody."""
    before = [widget.blockSignals(True) for widget in widgets]
    yield
    for widget, blocked in zip(widgets, before):
        widget.blockSignals(blocked)


class _Steady:
    """What they share: the wheel neither gives the focus nor changes a value without it, but scrolls what is around."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)  # type: ignore[attr-defined]

    def wheelEvent(self, event: QtGui.QWheelEvent) -> None:
        """Take the wheel with the focus alone."""
        if self.hasFocus():  # type: ignore[attr-defined]
            super().wheelEvent(event)  # type: ignore[misc]
        else:
            event.ignore()


class WordBox(_Steady, QtWidgets.QComboBox):
    """A combo box."""


class CountBox(_Steady, QtWidgets.QSpinBox):
    """A box for whole numbers."""


class Slider(_Steady, QtWidgets.QSlider):
    """A horizontal slider. Zero, where it has one within, has a tick and holds a knob that is dragged near it."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(QtCore.Qt.Orientation.Horizontal, parent)
        self.zero: int | None = None
        self.actionTriggered.connect(self._snap)

    def mark_zero(self, place: int) -> None:
        """Say at which of its values zero is."""
        self.zero = place
        self.update()

    def tick(self) -> QtCore.QRect:
        """Return where the tick is drawn: under the middle of a knob at zero."""
        option = QtWidgets.QStyleOptionSlider()
        self.initStyleOption(option)
        whole, part = QtWidgets.QStyle.ComplexControl.CC_Slider, QtWidgets.QStyle.SubControl
        groove = self.style().subControlRect(whole, option, part.SC_SliderGroove, self)
        knob = self.style().subControlRect(whole, option, part.SC_SliderHandle, self).width()
        low, high, span = self.minimum(), self.maximum(), groove.width() - knob
        place = QtWidgets.QStyle.sliderPositionFromValue(low, high, self.zero or 0, span, option.upsideDown)
        return QtCore.QRect(groove.left() + place + knob // 2 - 1, 0, 2, self.height())

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Draw the tick, and the slider over it."""
        if self.zero is not None:
            palette, role = self.palette(), QtGui.QPalette.ColorRole
            painter = QtGui.QPainter(self)
            painter.fillRect(self.tick(), blend(palette.color(role.WindowText), palette.color(role.Window), 0.7))
            painter.end()
        super().paintEvent(event)

    def _snap(self, _: int) -> None:
        """Go to zero where a drag comes near, before the value is told."""
        reach = _SNAP * (self.maximum() - self.minimum())
        if self.zero is not None and self.isSliderDown() and abs(self.sliderPosition() - self.zero) <= reach:
            self.setSliderPosition(self.zero)


class NumberBox(_Steady, QtWidgets.QDoubleSpinBox):
    """A box for numbers of any size, whole ones too; shows no zeros that say nothing.

    Its numbers have a point, as on the command line, wherever the computer stands; a comma that is typed becomes one.
    """

    def __init__(self, whole: bool) -> None:
        super().__init__()
        self._whole = whole
        self.setLocale(QtCore.QLocale.c())
        self.setDecimals(0 if whole else DECIMALS)
        self.setAlignment(QtCore.Qt.AlignmentFlag.AlignRight)

    def validate(self, text: str, place: int) -> Any:
        """Tell whether text can become a number, as Qt asks."""
        return super().validate(text.replace(",", "."), place)

    def textFromValue(self, value: float) -> str:
        """Return the number as a person would write it."""
        return f"{value:.{self.decimals()}f}".rstrip("0").rstrip(".") if self.decimals() else f"{value:.0f}"

    def minimumSizeHint(self) -> QtCore.QSize:
        """Room for the numbers that are usual, not for the widest one allowed."""
        return self.sizeHint()

    def sizeHint(self) -> QtCore.QSize:
        """Room for the numbers that are usual, not for the widest one allowed."""
        metrics = self.fontMetrics()
        option = QtWidgets.QStyleOptionSpinBox()
        self.initStyleOption(option)
        sign = "-" if self.minimum() < 0 else ""
        sample = ("0" * 6 if self._whole else f"{sign}00.000") + self.suffix()
        room = QtCore.QSize(metrics.horizontalAdvance(sample) + metrics.averageCharWidth(), super().sizeHint().height())
        return self.style().sizeFromContents(QtWidgets.QStyle.ContentsType.CT_SpinBox, option, room, self)
