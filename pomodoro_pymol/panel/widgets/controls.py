"""Widgets that edit one parameter each, made from what the catalogue says of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import Field, fields
from functools import partial
from typing import Any

from qtpy import QtCore, QtWidgets

from ...parameters.base import about, choices_of, is_switch, tip
from ...parameters.kinds import AUTO, Grid, Interval, Selection
from ...parameters.syntax import protect, unquote
from .inputs import DECIMALS, NumberBox, Slider, WordBox, silent
from .labels import plain_tip
from .model import ParameterModel

_SLIDER_STEPS = 800
#: What is shown for a choice or number that is not given, for switches, for the lowest of a number.
_EMPTY = {"preset": "own", "keep": "samples alone"}
_DEFAULT = "default"
_OWN = "own"
_SWITCH = {None: _DEFAULT, 0: "off", 1: "on"}
_LOWEST = {"state": "current"}


class Control(QtWidgets.QWidget):
    """A widget for one parameter: shows a value, and tells when a person chose another.

    Parameters
    ----------
    spec : Field
        Of the parameters dataclass.
    """

    edited = QtCore.Signal(object)
    #: Shows a value, and tells nobody of it: each kind of control has its own.
    show_value: Callable[[Any], None]

    def __init__(self, spec: Field, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.spec = spec
        self.setToolTip(plain_tip(tip(spec)))
        self.setAccessibleName(spec.name)
        self.row = QtWidgets.QHBoxLayout(self)
        self.row.setContentsMargins(0, 0, 0, 0)

    def _add(self, widget: QtWidgets.QWidget, stretch: int = 0) -> Any:
        widget.setToolTip(self.toolTip())
        widget.setAccessibleName(self.spec.name)
        self.row.addWidget(widget, stretch)
        self.setFocusProxy(widget)
        return widget


class NumberControl(Control):
    """A number in a box, with a slider where the parameter has a usual range."""

    def __init__(self, spec: Field, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(spec, parent)
        self._whole = about(spec).kind is int
        self._usual = about(spec).usual
        low, high = about(spec).bounds
        if self._usual:
            self.slider = self._add(Slider(), 1)
            self.slider.setRange(0, _SLIDER_STEPS)
            first, last = self._usual
            if first < 0 < last:
                self.slider.mark_zero(round(-first / (last - first) * _SLIDER_STEPS))
            self.slider.setPageStep(_SLIDER_STEPS // 16)
            self.slider.setSingleStep(_SLIDER_STEPS // 80)
            self.slider.setMinimumWidth(60)
            self.slider.valueChanged.connect(self._dragged)
        self.box = self._add(NumberBox(self._whole))
        self.box.setRange(low, high)
        self.box.setSpecialValueText(_LOWEST.get(spec.name, ""))
        self.box.setKeyboardTracking(False)
        self.box.setSingleStep(1 if self._whole else 0.1)
        unit = about(spec).unit
        if unit:
            self.box.setSuffix({"angstrom": " Å"}.get(unit, f" {unit}"))
        self.box.valueChanged.connect(self._typed)

    def show_value(self, value: float) -> None:
        """Show a number; beyond the slider's range its knob stands at the end."""
        with silent(self.box):
            self.box.setValue(value)
        if self._usual:
            low, high = self._usual
            with silent(self.slider):
                self.slider.setValue(round((value - low) / (high - low) * _SLIDER_STEPS))

    def _dragged(self, step: int) -> None:
        low, high = self._usual
        value = 0.0 if step == self.slider.zero else low + step / _SLIDER_STEPS * (high - low)
        self.edited.emit(round(value, DECIMALS))

    def _typed(self, value: float) -> None:
        self.edited.emit(int(value) if self._whole else round(value, DECIMALS))


class ChoiceControl(Control):
    """One of some words."""

    def __init__(self, spec: Field, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(spec, parent)
        self.box = self._add(WordBox(), 1)
        self.box.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToContents)
        self._empty = _EMPTY.get(spec.name, _DEFAULT)
        self.box.textActivated.connect(lambda text: self.edited.emit("" if text == self._empty else text))

    def show_value(self, value: str) -> None:
        """Show the word, among those that can be chosen now."""
        words = [*([] if self.spec.default else [self._empty]), *choices_of(self.spec)]
        if words != [self.box.itemText(place) for place in range(self.box.count())]:
            self.box.clear()
            self.box.addItems(words)
        self.box.setCurrentText(value or self._empty)


class TextControl(Control):
    """Free text, taken while it is typed."""

    def __init__(self, spec: Field, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(spec, parent)
        self.line = self._add(QtWidgets.QLineEdit(), 1)
        absent = about(spec).absent or "none"
        self.line.setPlaceholderText(spec.default or ("automatic" if " " in absent else absent))
        self.line.setClearButtonEnabled(True)
        self.line.textEdited.connect(self.edited.emit)

    def show_value(self, value: str) -> None:
        """Show the text, unless what a person is typing there means the same: where it is empty, the default."""
        typed = unquote(self.line.text().strip())
        if not typed and self.line.hasFocus() and value == self.spec.default:
            return
        if (protect(typed) if about(self.spec).kind is Selection else typed) != value:
            self.line.setText(value)
            if not self.line.hasFocus():
                self.line.setCursorPosition(0)  # a long one is seen from its beginning


class LineControl(Control):
    """A number that need not be given or is too small for a box, or a range of numbers; taken at Enter."""

    def __init__(self, spec: Field, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(spec, parent)
        self.line = self._add(QtWidgets.QLineEdit(), 1)
        self.line.setPlaceholderText(_DEFAULT)
        self.line.setAlignment(QtCore.Qt.AlignmentFlag.AlignRight)
        self.line.editingFinished.connect(lambda: self.edited.emit(self.line.text()))

    def show_value(self, value: float | Grid | None) -> None:
        """Show the numbers, nothing where none is given."""
        self.line.setText("" if value is None else str(value) if isinstance(value, Grid) else f"{value:g}")


class SwitchControl(Control):
    """On or off; where the default is neither, also that."""

    def __init__(self, spec: Field, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(spec, parent)
        self.box = self._add(WordBox(), 1)
        self._values: list[int | None] = [None, 0, 1] if spec.default is None else [0, 1]
        self.box.addItems([_SWITCH[value] for value in self._values])
        self.box.activated.connect(lambda place: self.edited.emit(self._values[place]))

    def show_value(self, value: int | None) -> None:
        """Show whether it is on."""
        self.box.setCurrentIndex(self._values.index(value))


class RangeControl(Control):
    """The default range, an automatic one, or two ends."""

    def __init__(self, spec: Field, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(spec, parent)
        self.box = self._add(WordBox())
        self.box.addItems([_DEFAULT, AUTO, _OWN])
        self.ends = [self._add(NumberBox(False), 1) for _ in range(2)]
        for box in self.ends:
            box.setRange(-1e6, 1e6)
            box.setSingleStep(0.1)
            box.setKeyboardTracking(False)
            box.valueChanged.connect(self._chosen)
        self.box.activated.connect(self._chosen)

    def show_value(self, value: Interval | str | None) -> None:
        """Show the range; one that is found elsewhere leaves the numbers as they are."""
        self.box.setCurrentText(_OWN if isinstance(value, Interval) else value or _DEFAULT)
        if isinstance(value, Interval):
            self._show_ends(value.low, value.high)
        for box in self.ends:
            box.setEnabled(isinstance(value, Interval))

    def show_found(self, low: float, high: float) -> None:
        """Show the ends in use, where they were found elsewhere."""
        if self.box.currentText() != _OWN:
            self._show_ends(low, high)

    def _show_ends(self, *ends: float) -> None:
        with silent(*self.ends):
            for box, end in zip(self.ends, ends):
                box.setValue(end)

    def _chosen(self, *_: Any) -> None:
        low, high = (box.value() for box in self.ends)
        own = (low, max(high, low + 10**-DECIMALS))
        self.edited.emit({_DEFAULT: None, AUTO: AUTO}.get(self.box.currentText(), own))


def make_controls(
    model: ParameterModel, parent: QtWidgets.QWidget, without: Collection[str] = ()
) -> dict[str, Control]:
    """Return a control for each parameter of the model's command, but some, tied to the model both ways."""
    controls = {spec.name: _make(spec, parent) for spec in fields(model.kind) if spec.name not in without}
    for name, control in controls.items():
        control.edited.connect(partial(model.edit, name))

    def show() -> None:
        values = shown_values(model.parameters)
        for name, control in controls.items():
            control.show_value(values[name])

    model.changed.connect(show)
    show()
    return controls


def shown_values(parameters: Any) -> dict[str, Any]:
    """Return what the controls show: the numbers in use, also where a preset or sigma stands for them."""
    values = {spec.name: getattr(parameters, spec.name) for spec in fields(parameters)}
    if "wc" in values:
        weights = parameters.weights
        values |= {"wc": weights.chain, "wr": weights.residue, "wa": weights.atom}
    if "sigma" in values:
        values |= {"z": parameters.noise_z, "sigma": parameters.noise_sigma}
    return values


def _make(spec: Field, parent: QtWidgets.QWidget) -> Control:
    kind, bounds = about(spec).kind, about(spec).bounds
    if choices_of(spec):
        return ChoiceControl(spec, parent)
    if is_switch(spec):
        return SwitchControl(spec, parent)
    small = kind is float and 0 < bounds[0] < 10**-DECIMALS
    if kind is Grid or (kind in (int, float) and (spec.default is None or small) and spec.name != "sigma"):
        return LineControl(spec, parent)
    kinds = {int: NumberControl, float: NumberControl, Interval: RangeControl, Selection: TextControl, str: TextControl}
    return kinds[kind](spec, parent)
