"""Scrub and play the states of an object."""

from __future__ import annotations

from collections.abc import Callable

from qtpy import QtCore, QtGui, QtWidgets

from .elided import ElidedLabel
from .icons import IconButton, tool_button

_MODES = {
    "once": "Play to the last state and stop",
    "loop": "After the last state play on from the first",
    "palindrome": "Play forwards and backwards in turn",
}


class Player(QtWidgets.QWidget):
    """Buttons, slider and number of the state; shows a state it is told, says which one a person wants.

    Playing stops by itself when the widget is hidden or disabled or there are no two states.
    """

    #: The state, from 1, to which the person moved or playing came.
    state_chosen = QtCore.Signal(int)

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self._step = 1
        self._timer = QtCore.QTimer(self)
        self._timer.timeout.connect(self._advance)
        self._make_parts()
        self._lay_out()
        self.show_states(0, 0, "")

    def show_states(self, n_states: int, current: int, title: str) -> None:
        """Show where the object is; emits nothing.

        Parameters
        ----------
        n_states : int
            0 without an object.
        current : int
            From 1.
        title : str
            Of the state: its z and sigma.
        """
        for part in (self.slider, self.spin):
            blocked = part.blockSignals(True)
            part.setRange(min(1, n_states), n_states)
            part.setValue(current)
            part.setEnabled(n_states > 1)
            part.blockSignals(blocked)
        self.spin.setSuffix(f" / {n_states}")
        self.slider.setPageStep(max(1, n_states // 10))
        self.title.show_text(title)
        if n_states < 2:
            self.stop()
        self._enable_buttons()

    def is_playing(self) -> bool:
        """Say whether states follow one another by themselves."""
        return self._timer.isActive()

    def play(self) -> None:
        """Play from the state shown, or from the first if the last is shown."""
        if self.slider.maximum() < 2 or not self.isEnabled():
            return
        self._step = 1
        if self.mode.currentText() == "once" and self.slider.value() == self.slider.maximum():
            self._go_first()
        self._timer.start(round(1000 / self.rate.value()))
        self.play_button.show_icon("pause", "Stop playing", "Pause")

    def stop(self) -> None:
        """Stop playing; the state stays."""
        self._timer.stop()
        self.play_button.show_icon("play", "Play the states", "Play")

    def hideEvent(self, event: QtGui.QHideEvent) -> None:
        """Stop: nobody watches."""
        self.stop()
        super().hideEvent(event)

    def changeEvent(self, event: QtCore.QEvent) -> None:
        """Stop when disabled."""
        super().changeEvent(event)
        if event.type() == QtCore.QEvent.Type.EnabledChange and not self.isEnabled():
            self.stop()

    def _make_parts(self) -> None:
        self.first = self._button("first", "First state", "First", self._go_first)
        self.previous = self._button("previous", "Previous state", "Previous", self._go_back)
        self.play_button = self._button("play", "Play the states", "Play", self._toggle)
        self.next = self._button("next", "Next state", "Next", self._go_on)
        self.last = self._button("last", "Last state", "Last", self._go_last)
        self.slider = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal, self)
        self.slider.setToolTip("State shown")
        self.slider.setAccessibleName("State")
        self.slider.valueChanged.connect(self._choose)
        self.spin = QtWidgets.QSpinBox(self)
        self.spin.setToolTip("State shown, and how many there are")
        self.spin.setAccessibleName("State number")
        self.spin.setAlignment(QtCore.Qt.AlignmentFlag.AlignRight)
        self.spin.setButtonSymbols(QtWidgets.QAbstractSpinBox.ButtonSymbols.NoButtons)
        self.spin.setKeyboardTracking(False)
        self.spin.valueChanged.connect(self.slider.setValue)
        self.title = ElidedLabel(self)
        self.rate = QtWidgets.QSpinBox(self)
        self.rate.setRange(1, 60)
        self.rate.setValue(10)
        self.rate.setSuffix(" / s")
        self.rate.setToolTip("States per second when playing, 1 to 60")
        self.rate.setAccessibleName("States per second")
        self.rate.valueChanged.connect(lambda rate: self._timer.setInterval(round(1000 / rate)))
        self.mode = QtWidgets.QComboBox(self)
        self.mode.setAccessibleName("Playing mode")
        self.mode.setToolTip("What follows the last state when playing")
        for mode, tooltip in _MODES.items():
            self.mode.addItem(mode)
            self.mode.setItemData(self.mode.count() - 1, tooltip, QtCore.Qt.ItemDataRole.ToolTipRole)
        self.mode.setCurrentText("loop")

    def _lay_out(self) -> None:
        above, below = QtWidgets.QHBoxLayout(), QtWidgets.QHBoxLayout()
        above.setSpacing(0)
        for button in (self.first, self.previous, self.play_button, self.next, self.last):
            above.addWidget(button)
        above.addSpacing(6)
        above.addWidget(self.slider, 1)
        above.addSpacing(6)
        above.addWidget(self.spin)
        below.addWidget(self.title, 1)
        below.addWidget(self.rate)
        below.addWidget(self.mode)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(above)
        layout.addLayout(below)

    def _button(self, name: str, tooltip: str, text: str, action: Callable[[], None]) -> IconButton:
        button = tool_button(name, tooltip, text)
        button.setParent(self)
        button.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)
        button.clicked.connect(lambda: action())
        return button

    def _choose(self, state: int) -> None:
        blocked = self.spin.blockSignals(True)
        self.spin.setValue(state)
        self.spin.blockSignals(blocked)
        self._enable_buttons()
        self.state_chosen.emit(state)

    def _go_first(self) -> None:
        self.slider.setValue(1)

    def _go_back(self) -> None:
        self.slider.setValue(self.slider.value() - 1)

    def _go_on(self) -> None:
        self.slider.setValue(self.slider.value() + 1)

    def _go_last(self) -> None:
        self.slider.setValue(self.slider.maximum())

    def _toggle(self) -> None:
        if self.is_playing():
            self.stop()
        else:
            self.play()

    def _advance(self) -> None:
        """Go on by one state while playing."""
        at_end = not 1 <= self.slider.value() + self._step <= self.slider.maximum()
        mode = self.mode.currentText()
        if at_end and mode == "once":
            self.stop()
        elif at_end and mode == "loop":
            self._go_first()
        else:
            self._step = -self._step if at_end else self._step
            self.slider.setValue(self.slider.value() + self._step)

    def _enable_buttons(self) -> None:
        value, last = self.slider.value(), self.slider.maximum()
        for button, useful in (
            (self.first, value > 1),
            (self.previous, value > 1),
            (self.play_button, last > 1),
            (self.next, value < last),
            (self.last, value < last),
        ):
            button.setEnabled(useful)
