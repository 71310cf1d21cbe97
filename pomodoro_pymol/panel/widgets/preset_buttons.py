"""A row of buttons, one for each built-in weight scheme, and one for the weights of one's own."""

from __future__ import annotations

from dataclasses import astuple
from functools import partial
from typing import Any

from qtpy import QtCore, QtGui, QtWidgets

from ...errors import PomodoroError
from ...noise.presets import user_presets
from ...noise.weights import PRESETS, LevelWeights
from ...parameters.kinds import number_text
from .labels import plain_tip

_OWN = "own"
_OWN_TIP = "Weights of your own, and the presets that you saved."
#: Pixels about the text of a button, of its arrow and of the bar under the one that is chosen.
_SIDE, _ABOVE, _ARROW, _BAR = 5, 3, 8, 3
#: Letters of the name of a user's preset that have room.
_LETTERS = 6


class PresetRow(QtWidgets.QWidget):
    """The presets with their weights, where there is room for these; shows one, and tells which a person wants."""

    chosen = QtCore.Signal(str)

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self.setAccessibleName("Presets of the weights")
        self._name = ""
        self.buttons = {name: SchemeButton(self, name, weights_text(weights)) for name, weights in PRESETS.items()}
        self.own = SchemeButton(self, _OWN, arrow=True)
        self.menu = QtWidgets.QMenu(self)
        self.menu.aboutToShow.connect(self._fill)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(1)
        for name, button in self.buttons.items():
            button.setToolTip(scheme_tip(PRESETS[name]))
            button.setAccessibleName(f"Preset {name}")
            button.clicked.connect(partial(self._choose, name))
            layout.addWidget(button)
        self.own.setAccessibleName("Presets of your own")
        self.own.clicked.connect(self._open)
        layout.addWidget(self.own)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
        self.show_preset("")

    def show_preset(self, name: str) -> None:
        """Show the name of a preset, or "" for weights that have none."""
        self._name = name
        for word, button in self.buttons.items():
            button.setChecked(word == name)
        own = name not in self.buttons
        self.own.setChecked(own)
        self.own.setText(name if own and name else _OWN)
        self.own.setToolTip(plain_tip(f"Your preset {name}. {_OWN_TIP}" if own and name else _OWN_TIP))

    def has_room(self) -> bool:
        """Say whether the weights stand under the names."""
        return self.width() >= self.sizeHint().width()

    def _choose(self, name: str, *_: Any) -> None:
        self.show_preset(self._name)  # a click has checked it already; it is another's to say so
        self.chosen.emit(name)

    def _open(self) -> None:
        self.show_preset(self._name)
        self.menu.popup(self.own.mapToGlobal(self.own.rect().bottomLeft()))

    def _fill(self) -> None:
        """Read the user's presets, which can change elsewhere."""
        self.menu.clear()
        try:
            found = user_presets()
        except PomodoroError as error:
            self.menu.addAction(str(error)).setEnabled(False)
            return
        if not found:
            self.menu.addAction("You have saved no presets yet").setEnabled(False)
        for name, weights in found.items():
            action = self.menu.addAction(f"{name}\t{weights_text(weights)}")
            action.setCheckable(True)
            action.setChecked(name == self._name)
            action.setToolTip(scheme_tip(weights))
            action.triggered.connect(partial(self._choose, name))


class SchemeButton(QtWidgets.QToolButton):
    """A flat button with a name and, smaller under it, a second line that goes where the row has no room."""

    def __init__(self, row: PresetRow, name: str, below: str = "", arrow: bool = False):
        super().__init__(row)
        self._row, self._below, self._arrow = row, below, arrow
        self.setText(name)
        self.setCheckable(True)
        self.setAutoRaise(True)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Preferred, QtWidgets.QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QtCore.QSize:
        """Room for both lines."""
        width = max(self._name_width(), QtGui.QFontMetrics(self._small()).horizontalAdvance(self._below) + 2 * _SIDE)
        return QtCore.QSize(width, self._height())

    def minimumSizeHint(self) -> QtCore.QSize:
        """Room for the name."""
        return QtCore.QSize(self._name_width(), self._height())

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Draw the button in its style, a bar under the one that is chosen, and the two lines."""
        option = QtWidgets.QStyleOptionToolButton()
        self.initStyleOption(option)
        option.text = ""
        painter = QtGui.QPainter(self)
        self.style().drawComplexControl(QtWidgets.QStyle.ComplexControl.CC_ToolButton, option, painter, self)
        room = self.rect().adjusted(_SIDE, _ABOVE, -_SIDE, -_ABOVE)
        if self.isChecked():
            bar = QtCore.QRect(room.left(), self.height() - _BAR, room.width(), _BAR)
            painter.fillRect(bar, self.palette().color(QtGui.QPalette.ColorRole.Highlight))
        if self._arrow:
            option.rect = QtCore.QRect(room.right() - _ARROW + 1, room.center().y() - _ARROW // 2, _ARROW, _ARROW)
            self.style().drawPrimitive(QtWidgets.QStyle.PrimitiveElement.PE_IndicatorArrowDown, option, painter, self)
            room.adjust(0, 0, -_ARROW - 2, 0)
        painter.setPen(self.palette().color(QtGui.QPalette.ColorRole.ButtonText))
        middle = QtCore.Qt.AlignmentFlag.AlignHCenter
        lines = 2 if self._below and self._row.has_room() else 1
        upper = QtCore.QRect(room.left(), room.top(), room.width(), self.fontMetrics().height())
        if lines == 1:
            upper.moveTop(room.center().y() - upper.height() // 2)
        painter.drawText(upper, middle | QtCore.Qt.AlignmentFlag.AlignVCenter, self._fitting(room.width()))
        if lines == 2:
            painter.setFont(self._small())
            painter.drawText(room, middle | QtCore.Qt.AlignmentFlag.AlignBottom, self._below)

    def _fitting(self, width: int) -> str:
        """Return as much of the name as fits; only a user's can be too long."""
        if not self._arrow:
            return self.text()
        return self.fontMetrics().elidedText(self.text(), QtCore.Qt.TextElideMode.ElideRight, width)

    def _small(self) -> QtGui.QFont:
        font = QtGui.QFont(self.font())
        font.setPixelSize(max(8, round(0.8 * self.fontInfo().pixelSize())))
        return font

    def _name_width(self) -> int:
        metrics = self.fontMetrics()
        if self._arrow:
            return _LETTERS * metrics.averageCharWidth() + _ARROW + 2 + 2 * _SIDE
        return metrics.horizontalAdvance(self.text()) + 2 * _SIDE

    def _height(self) -> int:
        return self.fontMetrics().height() + QtGui.QFontMetrics(self._small()).height() + 2 * _ABOVE


def weights_text(weights: LevelWeights) -> str:
    """Return the weights as they are typed as a scheme, ``8.2:1.6:1.3``."""
    return ":".join(number_text(weight) for weight in astuple(weights))


def scheme_tip(weights: LevelWeights) -> str:
    """Return the weights of a scheme and what they mean, in a sentence."""
    chain, residue, atom = (f"{100 * share:.0f} %" for share in weights.shares)
    return (
        f"Weights {weights.chain:g} for chains, {weights.residue:g} for residues, {weights.atom:g} for atoms: of the "
        f"variance {chain} is shared by a chain, {residue} by a residue, and {atom} is each atom's own."
    )


def preset_name(parameters: Any) -> str:
    """Return the preset that parameters name, or the built-in one whose weights they have; "" where there is none."""
    same = (name for name, weights in PRESETS.items() if weights == parameters.weights)
    return parameters.preset or next(same, "")
