"""The weights of the levels as a bar whose two dividers can be moved, with the mouse or the arrow keys."""

from __future__ import annotations

import math

from qtpy import QtCore, QtGui, QtWidgets

from .icons import blend
from .share_bar import ShareBar

#: Pixels on either side of a divider from which it can be dragged, and pixels of its grip.
_REACH = 5
_GRIP = 4


class WeightBar(ShareBar):
    """Weights as parts of a bar, as wide as their shares of the variance; empty until it is shown some.

    Moving a divider trades the two weights beside it for each other. The bar itself keeps what it was
    shown: whoever takes the new weights shows them.
    """

    #: The chain, residue and atom weights that a person wants. Their sum is that of the weights shown.
    dragged = QtCore.Signal(float, float, float)
    padding = 2 * _GRIP

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        self._weights: tuple[float, float, float] | None = None
        self._held: list[int] = []
        self._from = self._offset = 0
        super().__init__(parent)
        self.setAccessibleName("Weights of chain, residue and atom")
        self.setMouseTracking(True)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)

    def show_weights(self, chain: float, residue: float, atom: float) -> None:
        """Show three weights, not negative and not all zero."""
        total = chain + residue + atom
        self._weights = (chain, residue, atom)
        self.show_shares(chain / total, residue / total, atom / total)

    def clear(self) -> None:
        """Show no weights."""
        self._weights = None
        super().clear()

    def dividers(self) -> list[int]:
        """Return how far from the left the two dividers are, in pixels; none where no weights are shown."""
        return [segment.rect.right() + 1 for segment in self.segments()[:2]]

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        """Take hold of the divider there."""
        place = round(event.position().x())
        if event.button() != QtCore.Qt.MouseButton.LeftButton:
            return super().mousePressEvent(event)
        dividers = self.dividers()
        near = [which for which, divider in enumerate(dividers) if abs(place - divider) <= _REACH]
        if len(near) == 2 and dividers[1] - dividers[0] > 1:
            near = [min(near, key=lambda which: abs(place - dividers[which]))]
        self._held, self._from = near, place
        self._offset = dividers[near[0]] - place if near else 0

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:
        """Move the divider that is held; of two on one spot it is the one that can go there."""
        place = round(event.position().x())
        if len(self._held) == 2 and place != self._from:
            self._held = [0 if place < self._from else 1]
        if len(self._held) == 1:
            self._move(self._held[0], (place + self._offset) / max(1, self.width()))
        self._point(bool(self._held) or any(abs(place - divider) <= _REACH for divider in self.dividers()))

    def mouseReleaseEvent(self, event: QtGui.QMouseEvent) -> None:
        """Let go."""
        self._held = []
        super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:
        """Move the first divider with Left and Right, the second with Shift, by a hundredth."""
        step = {QtCore.Qt.Key.Key_Left: -0.01, QtCore.Qt.Key.Key_Right: 0.01}.get(QtCore.Qt.Key(event.key()))
        if step is None or self._weights is None:
            return super().keyPressEvent(event)
        chain, residue, atom = self._weights
        second = bool(event.modifiers() & QtCore.Qt.KeyboardModifier.ShiftModifier)
        before = chain + residue if second else chain
        self._move(int(second), before / (chain + residue + atom) + step)

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Draw the segments, a grip on each divider, and a frame where the keys go here."""
        super().paintEvent(event)
        painter = QtGui.QPainter(self)
        role = QtGui.QPalette.ColorRole
        ground, ink = self.palette().color(role.Window), self.palette().color(role.WindowText)
        for divider in self.dividers():
            left = min(max(divider - _GRIP // 2, 0), self.width() - _GRIP)
            grip = QtCore.QRect(left, self.height() // 5, _GRIP, self.height() - 2 * (self.height() // 5))
            painter.fillRect(grip.adjusted(-1, -1, 1, 1), ground)
            painter.fillRect(grip, ink if self.isEnabled() else blend(ink, ground, 0.5))
        if self.hasFocus():
            painter.setPen(QtGui.QPen(self.palette().color(role.Highlight), 2))
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))

    def focusInEvent(self, event: QtGui.QFocusEvent) -> None:
        """Draw the frame."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QtGui.QFocusEvent) -> None:
        """Draw no frame."""
        super().focusOutEvent(event)
        self.update()

    def _move(self, divider: int, share: float) -> None:
        """Ask for the weights with a divider at a share of the bar, which it cannot pass the other for."""
        if self._weights is None:
            return
        chain, residue, atom = self._weights
        total = chain + residue + atom
        places = math.ceil(3 - math.log10(total))  # finer than a thousandth of the sum
        if divider == 0:
            both = round(chain + residue, 9)
            chain = min(max(round(share * total, places), 0.0), both)
            residue = round(both - chain, 9)
        else:
            both = round(residue + atom, 9)
            atom = min(max(round((1 - share) * total, places), 0.0), both)
            residue = round(both - atom, 9)
        if (chain, residue, atom) != self._weights:
            self.dragged.emit(chain, residue, atom)

    def _point(self, near: bool) -> None:
        if near:
            self.setCursor(QtCore.Qt.CursorShape.SplitHCursor)
        else:
            self.unsetCursor()

    def _labels(self, level: str, share: float) -> tuple[str, ...]:
        weight = f"{dict(zip(self._shares, self._weights or ()))[level]:.4g}"
        return f"{level} {weight} · {100 * share:.0f} %", f"{level} {weight}", weight

    def _describe(self, text: str) -> None:
        super()._describe(text)
        if self._weights is None:
            self.setToolTip("The weights are not known yet.")
            return
        said = ", ".join(f"{level} {part:.4g}" for level, part in zip(self._shares, self._weights))
        percents = ", ".join(f"{level} {100 * share:.1f} %" for level, share in self._shares.items())
        self.setAccessibleDescription(f"{said}; shares {percents}")
        self.setToolTip(
            f"Weights: {said}. Shares of the {self._whole}: {percents}.\n"
            "Drag a divider to trade the weights beside it for each other. With the focus here, the arrow keys move "
            "the first divider by 1 %, with Shift the second."
        )
