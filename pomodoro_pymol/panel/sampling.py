"""The page "Sampling": pomsample with its options, its curves while it runs, its trajectory as a film."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qtpy import QtCore, QtWidgets

from ..parameters.catalogue import SampleParameters
from ..viewer import host, store, window
from .task import Task
from .timers import single_shot
from .widgets.controls import make_controls
from .widgets.curve_plots import StepPlot
from .widgets.icons import tool_button
from .widgets.inputs import WordBox
from .widgets.labels import text_label
from .widgets.model import Model

if TYPE_CHECKING:
    from ..diffusion.curves import StepRecord

_REDRAW_MS = 100
#: Parameters that the noise above has already.
SHARED = ("selection", "wc", "wr", "wa", "preset", "seed", "state", "device")
_FIRST = ("sampler", "steps", "samples", "keep")
_LEVELS = ("chain", "residue", "atom")
_NOTE = (
    "Denoised by closed forms, not by a trained model, unless a network is given. "
    "Structure, weights, seed and device are those of the page Noise."
)

#: Name of a set of curves, its y label, whether it is logarithmic, and its values of a step.
CURVES: dict[str, tuple[str, bool, Callable[[StepRecord], dict[str, float]]]] = {
    "error": ("rms to the truth (Å per coordinate)", False, lambda record: dict(zip(_LEVELS, record.error))),
    "variance": ("variance still to remove (Å² per coordinate)", True, lambda record: dict(zip(_LEVELS, record.left))),
    "centroid": (
        "distance of the centroid from the origin (Å in space)",
        True,
        lambda record: {"centroid": record.centroid},
    ),
    "rotation": ("turned since the first step (degrees)", False, lambda record: {"rotation": record.rotation}),
    "entropy": ("entropy over the members (nats)", False, lambda record: {"entropy": record.entropy}),
}


class SamplingPage(QtWidgets.QWidget):
    """Edits pomsample, and shows the curves of its run.

    Parameters
    ----------
    noise : Model
        Whose structure, weights, seed and device count here too.
    """

    said = QtCore.Signal(str)
    failed = QtCore.Signal(str)

    def __init__(self, noise: Model, parent: QtWidgets.QWidget | None = None, _self: Any = host.cmd) -> None:
        super().__init__(parent)
        self._self = _self
        self._noise = noise
        self._records: list[StepRecord] = []
        self._film = ""
        self.model = Model(self, SampleParameters)
        self.controls = make_controls(self.model, self)
        self._build()
        self._redraw = single_shot(self, _REDRAW_MS, self._show_curves)
        noise.changed.connect(self._share)
        self.model.changed.connect(self._share)  # an undo brings back what was shared then
        self.model.refused.connect(self.failed)
        self._share()
        self._show_curves()

    def _build(self) -> None:
        self.more = tool_button("options", "Shows all options of pomsample.", "options")
        self.more.setCheckable(True)
        self.curve = WordBox()
        self.curve.addItems(list(CURVES))
        self.curve.setToolTip("What is drawn over the steps.")
        self.curve.setAccessibleName("curve")
        self.curve.currentTextChanged.connect(lambda _: self._show_curves())
        self.plot = StepPlot()
        self.note = text_label("pomodoro-sampling-note")
        self.note.setText(_NOTE)
        self.options = self._options()
        self.more.toggled.connect(self.options.setVisible)
        drawn = QtWidgets.QHBoxLayout()
        drawn.setSpacing(4)
        drawn.addWidget(QtWidgets.QLabel("curve"))
        drawn.addWidget(self.curve, 1)
        drawn.addWidget(self.more)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(self._grid(_FIRST))
        layout.addLayout(drawn)
        layout.addWidget(self.options, 1)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.note)

    def _options(self) -> QtWidgets.QWidget:
        inner = QtWidgets.QWidget()
        grid = self._grid([name for name in self.controls if name not in (*SHARED, *_FIRST)])
        grid.setContentsMargins(0, 0, 4, 0)
        inner.setLayout(grid)
        for name in SHARED:
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

    def show_values(self, parameters: SampleParameters) -> None:
        """Show parameters that were set elsewhere; what is shared stays the noise's."""
        self.model.show(parameters)
        self._share()

    def film(self) -> str:
        """Return the object whose states are the steps, "" where there is none."""
        name = self.model.parameters.name or self._film
        return name if store.get_record(name, _self=self._self) else ""

    def _share(self) -> None:
        noise = self._noise.parameters
        shared = replace(self.model.parameters, **{name: getattr(noise, name) for name in SHARED})
        if shared != self.model.parameters:
            self.model.parameters = shared  # no step of this page's history
            self.model.changed.emit()

    def task(self) -> Task:
        """Return what is to be run: the command as it stands."""
        self._records = []

        def make() -> Any:
            from ..jobs.sampling import SampleRun

            run = SampleRun(self.model.parameters, _self=self._self)
            self._made, self._denoised = run.names, run.denoised
            return run

        return Task("sampling", "steps", make, self._end, self._take)

    def _take(self, record: StepRecord) -> None:
        self._records = [*self._records[: record.step - 1], record]  # a run can begin again, on the CPU
        if not self._redraw.isActive():
            self._redraw.start()

    def _show_curves(self) -> None:
        label, log, values = CURVES[self.curve.currentText()]
        curves: dict[str, tuple[list[float], list[float]]] = {}
        for record in self._records:
            for name, value in values(record).items():
                steps, numbers = curves.setdefault(name, ([], []))
                steps.append(record.step)
                numbers.append(value)
        self.plot.show_curves(curves, "step", label, log)

    def _end(self, result: Any) -> str:
        self._film = self._made[0]
        self._show_curves()
        from ..jobs.sampling import show_sample

        for line in show_sample(self._made[0], next(iter(self._denoised), ""), _self=self._self):
            window.log(line, _self=self._self)
        parameters = result.parameters
        states = f"{parameters.samples} ends" if parameters.show == "final" else f"{len(result.kept)} steps"
        return f"{' '.join(self._made[:3])}{' ...' if len(self._made) > 3 else ''}: {states}"
