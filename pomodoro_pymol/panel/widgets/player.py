"""Scrub and play the states of an object."""

from __future__ import annotations

from collections.abc import Callable

from qtpy import QtCore, QtGui, QtWidgets

from .icons import IconButton
from .inputs import CountBox, Slider, WordBox, silent
from .labels import ElidedLabel

_MODES = {
    "once": "Play to the last state and stop.",
    "loop": "After the last state play on from the first.",
    "palindrome": "Play forwards and backwards in turn.",
}


class Player(QtWidgets.QWidget):
    """Buttons, slider and number of the state; shows a state it is told, says which one a person wants.

    One row; speed and mode are in the menu at its end. Playing stops by itself when the widget is hidden or
    disabled or there are no two states.

    Parameters
    ----------
    with_title : bool
        Whether the title of the state stands in the row; otherwise whoever makes this gives ``title`` a place.
    """

    #: The state, from 1, to which the person moved or playing came.
    state_chosen = QtCore.Signal(int)

    def __init__(self, parent: QtWidgets.QWidget | None = None, with_title: bool = False):
        super().__init__(parent)
        self._direction = 1
        self._timer = QtCore.QTimer(self)
        self._timer.timeout.connect(self._advance)
        self._make_parts()
        self._lay_out(with_title)
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
            with silent(part):
                part.setRange(min(1, n_states), n_states)
                part.setValue(current)
                part.setEnabled(n_states > 1)
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
        self._direction = 1
        if self.mode.currentText() == "once" and self.slider.value() == self.slider.maximum():
            self._go_first()
        self._timer.start(round(1000 / self.rate.value()))
        self.play_button.show_icon("pause", "Stop playing.", "Pause")

    def stop(self) -> None:
        """Stop playing; the state stays."""
        self._timer.stop()
        self.play_button.show_icon("play", "Play the states.", "Play")

    def toggle(self) -> None:
        """Play, or stop playing."""
        if self.is_playing():
            self.stop()
        else:
            self.play()

    def step(self, n_states: int) -> None:
        """Go on by so many states, or back by a negative number, as far as there are any."""
        self.slider.setValue(self.slider.value() + n_states)

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
        self.first = self._button("first", "First state.", "First", self._go_first)
        self.previous = self._button("previous", "Previous state.", "Previous", lambda: self.step(-1))
        self.play_button = self._button("play", "Play the states.", "Play", self.toggle)
        self.next = self._button("next", "Next state.", "Next", lambda: self.step(1))
        self.last = self._button("last", "Last state.", "Last", self._go_last)
        self.slider = Slider(self)
        self.slider.setMinimumWidth(40)
        self.slider.setToolTip("State that is shown.")
        self.slider.setAccessibleName("State")
        self.slider.valueChanged.connect(self._choose)
        self.spin = CountBox(self)
        self.spin.setToolTip("State that is shown, and how many there are.")
        self.spin.setAccessibleName("State number")
        self.spin.setAlignment(QtCore.Qt.AlignmentFlag.AlignRight)
        self.spin.setButtonSymbols(QtWidgets.QAbstractSpinBox.ButtonSymbols.NoButtons)
        self.spin.setKeyboardTracking(False)
        self.spin.valueChanged.connect(self.slider.setValue)
        self.title = ElidedLabel()
        self.rate = CountBox()
        self.rate.setRange(1, 60)
        self.rate.setValue(10)
        self.rate.setSuffix(" / s")
        self.rate.setToolTip("States per second when playing. From 1 to 60.")
        self.rate.setAccessibleName("States per second")
        self.rate.valueChanged.connect(lambda rate: self._timer.setInterval(round(1000 / rate)))
        self.mode = WordBox()
        self.mode.setAccessibleName("Playing mode")
        self.mode.setToolTip("What follows the last state when playing.")
        for mode, tooltip in _MODES.items():
            self.mode.addItem(mode)
            self.mode.setItemData(self.mode.count() - 1, tooltip, QtCore.Qt.ItemDataRole.ToolTipRole)
        self.mode.setCurrentText("loop")
        self.menu = QtWidgets.QMenu(self)
        action = QtWidgets.QWidgetAction(self.menu)
        action.setDefaultWidget(self._settings())
        self.menu.addAction(action)
        self.more = self._button("more", "Speed, and what follows the last state.", "More", self._open)

    def _settings(self) -> QtWidgets.QWidget:
        """Return what the menu shows."""
        page = QtWidgets.QWidget()
        form = QtWidgets.QFormLayout(page)
        for caption, widget in (("Speed", self.rate), ("At the end", self.mode)):
            form.addRow(caption, widget)
            form.labelForField(widget).setToolTip(widget.toolTip())
        return page

    def _open(self) -> None:
        self.menu.popup(self.more.mapToGlobal(self.more.rect().bottomLeft()))

    def _lay_out(self, with_title: bool) -> None:
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        for button in (self.first, self.previous, self.play_button, self.next, self.last):
            row.addWidget(button)
        row.addSpacing(6)
        row.addWidget(self.slider, 2)
        row.addSpacing(6)
        row.addWidget(self.spin)
        if with_title:
            row.addSpacing(6)
            row.addWidget(self.title, 1)
        row.addWidget(self.more)

    def _button(self, name: str, tooltip: str, text: str, action: Callable[[], None]) -> IconButton:
        button = IconButton(name, tooltip, text, self)
        button.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)
        button.clicked.connect(lambda: action())
        return button

    def _choose(self, state: int) -> None:
        with silent(self.spin):
            self.spin.setValue(state)
        self._enable_buttons()
        self.state_chosen.emit(state)

    def _go_first(self) -> None:
        self.slider.setValue(1)

    def _go_last(self) -> None:
        self.slider.setValue(self.slider.maximum())

    def _advance(self) -> None:
        """Go on by one state while playing."""
        at_end = not 1 <= self.slider.value() + self._direction <= self.slider.maximum()
        mode = self.mode.currentText()
        if at_end and mode == "once":
            self.stop()
        elif at_end and mode == "loop":
            self._go_first()
        else:
            self._direction = -self._direction if at_end else self._direction
            self.slider.setValue(self.slider.value() + self._direction)

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
