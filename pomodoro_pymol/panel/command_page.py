"""What pages of one command have in common: its controls, those of the page Noise it shares, its curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from qtpy import QtCore, QtWidgets

from ..viewer import host
from .task import Task
from .timers import single_shot
from .widgets.controls import make_controls
from .widgets.curve_plots import StepPlot
from .widgets.icons import IconButton
from .widgets.inputs import WordBox
from .widgets.labels import Words
from .widgets.model import ParameterModel

_REDRAW_MS = 100


class CommandPage(QtWidgets.QWidget):
    """Edits a command, and shows the curves of its run.

    Attributes
    ----------
    kind : type of Parameters
        Of the command.
    shared : tuple of str
        Parameters that the page Noise has already.
    first : tuple of str
        Parameters that are always seen.
    beside : tuple of str
        Parameters that are always seen, beside the choice of what is drawn.
    curves : tuple of str
        What can be drawn over the steps.
    note : str
        What is said below the curves.
    task : callable
        Returns what is to be run: the command as it stands.

    Parameters
    ----------
    noise : ParameterModel
        Whose values count here too.
    """

    kind: ClassVar[type[Any]]
    shared: ClassVar[tuple[str, ...]]
    first: ClassVar[tuple[str, ...]]
    beside: ClassVar[tuple[str, ...]] = ()
    curves: ClassVar[tuple[str, ...]]
    note: ClassVar[str]
    task: Callable[[], Task]
    _show_curves: Callable[[], None]

    failed = QtCore.Signal(str)

    def __init__(self, noise: ParameterModel, parent: QtWidgets.QWidget | None = None, _self: Any = host.cmd) -> None:
        super().__init__(parent)
        self._self = _self
        self._noise = noise
        self._records: list[Any] = []
        self.model = ParameterModel(self, self.kind)
        self.controls = make_controls(self.model, self)
        self._build()
        self._redraw = single_shot(self, _REDRAW_MS, self._show_curves)
        noise.changed.connect(self._share)
        self.model.changed.connect(self._share)  # an undo brings back what was shared then
        self.model.refused.connect(self.failed)
        self._share()
        self._show_curves()

    def show_values(self, parameters: Any) -> None:
        """Show parameters that were set elsewhere; what is shared stays the noise's."""
        self.model.show(parameters)
        self._share()

    def _build(self) -> None:
        self.more = IconButton("options", f"Shows all options of {self.kind.command}.", "options")
        self.more.setCheckable(True)
        self.curve = WordBox()
        self.curve.addItems(self.curves)
        self.curve.setToolTip("What is drawn over the steps.")
        self.curve.setAccessibleName("curve")
        self.curve.currentTextChanged.connect(lambda _: self._show_curves())
        self.plot = StepPlot()
        self.words = Words(f"pomodoro-{self.kind.command}-words")
        self.words.setText(self.note)
        self.options = self._options()
        self.more.toggled.connect(self.options.setVisible)
        self.more.toggled.connect(self.words.setHidden)  # which may be many, and the curves need room
        drawn = QtWidgets.QHBoxLayout()
        drawn.setSpacing(4)
        drawn.addWidget(QtWidgets.QLabel("curve"))
        drawn.addWidget(self.curve, 1)
        for name in self.beside:
            drawn.addWidget(self._caption(name))
            drawn.addWidget(self.controls[name])
        drawn.addWidget(self.more)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(self._grid(self.first))
        layout.addLayout(drawn)
        layout.addWidget(self.options, 1)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.words)

    def _options(self) -> QtWidgets.QWidget:
        inner = QtWidgets.QWidget()
        seen = (*self.shared, *self.first, *self.beside)
        grid = self._grid([name for name in self.controls if name not in seen])
        grid.setContentsMargins(0, 0, 4, 0)
        inner.setLayout(grid)
        for name in self.shared:
            self.controls[name].hide()
        area = QtWidgets.QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        area.setWidget(inner)
        area.hide()
        return area

    def _grid(self, names: Sequence[str]) -> QtWidgets.QGridLayout:
        """Return parameters with their captions, two in a row."""
        grid = QtWidgets.QGridLayout()
        grid.setHorizontalSpacing(4)
        grid.setVerticalSpacing(3)
        for place, name in enumerate(names):
            row, column = divmod(place, 2)
            grid.addWidget(self._caption(name), row, 2 * column)
            grid.addWidget(self.controls[name], row, 2 * column + 1)
        for column in (1, 3):
            grid.setColumnStretch(column, 1)
        return grid

    def _caption(self, name: str) -> QtWidgets.QLabel:
        label = QtWidgets.QLabel(name.replace("_", " "))
        label.setBuddy(self.controls[name])
        label.setToolTip(self.controls[name].toolTip())
        return label

    def _share(self) -> None:
        noise = self._noise.parameters
        shared = replace(self.model.parameters, **{name: getattr(noise, name) for name in self.shared})
        if shared != self.model.parameters:
            self.model.parameters = shared  # no step of this page's history
            self.model.changed.emit()

    def _draw_soon(self) -> None:
        """Draw the curves soon: once, however many steps a run tells of before."""
        if not self._redraw.isActive():
            self._redraw.start()
