"""The tab "Sampling": pomsample with its options, its curves while it runs, its trajectory as a film."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qtpy import QtCore, QtWidgets

from ..parameters.catalogue import SampleParameters
from ..viewer import host, store
from .runner import Runner
from .timers import single_shot
from .widgets.controls import make_controls
from .widgets.curve_plots import StepPlot
from .widgets.icons import tool_button
from .widgets.labels import STOP, text_label, word_button
from .widgets.model import Model

if TYPE_CHECKING:
    from ..diffusion.curves import StepRecord

_REDRAW_MS = 100
#: Parameters that the noise above has already.
SHARED = ("selection", "wc", "wr", "wa", "preset", "seed", "state", "device")
_FIRST = ("sampler", "steps", "samples")
_LEVELS = ("chain", "residue", "atom")
_SAMPLE = ("execute the command below", "Sample")
_NOTE = "Denoised by closed forms, not by a trained model."

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
    """Runs pomsample on what the panel noises.

    Parameters
    ----------
    noise : Model
        Whose structure, weights, seed and device count here too.
    """

    said = QtCore.Signal(str)
    failed = QtCore.Signal(str)
    finished = QtCore.Signal()

    def __init__(self, noise: Model, parent: QtWidgets.QWidget | None = None, _self: Any = host.cmd) -> None:
        super().__init__(parent)
        self._self = _self
        self._noise = noise
        self._records: list[StepRecord] = []
        self._film = ""
        self.model = Model(self, SampleParameters)
        self._shown = self.model.parameters
        self.runner = Runner(self, _self)
        self.controls = make_controls(self.model, self)
        self._build()
        self._redraw = single_shot(self, _REDRAW_MS, self._show_curves)
        noise.changed.connect(self._share)
        self.model.changed.connect(self._show_line)
        self.model.refused.connect(self.failed)
        self.runner.progressed.connect(self._show_progress)
        self.runner.told.connect(self._take)
        self.runner.finished.connect(self._end)
        self.runner.failed.connect(self._fail)
        self.runner.stopped.connect(lambda: self._fail("", "stopped: everything is as it was before"))
        self._share()
        self._show_line()
        self._show_curves()

    def _build(self) -> None:
        self.run = word_button("run", *_SAMPLE)
        self.run.clicked.connect(self._run_or_stop)
        self.more = tool_button("options", "all options of pomsample", "options")
        self.more.setCheckable(True)
        self.curve = QtWidgets.QComboBox()
        self.curve.addItems(list(CURVES))
        self.curve.setToolTip("what to draw over the steps")
        self.curve.setAccessibleName("curve")
        self.curve.currentTextChanged.connect(lambda _: self._show_curves())
        self.progress = QtWidgets.QProgressBar()
        self.progress.setAccessibleName("sampling progress")
        self.plot = StepPlot()
        self.line = QtWidgets.QLineEdit()
        self.line.setToolTip("the command that Run executes; edit it and press Enter")
        self.line.setAccessibleName("sampling command")
        self.line.returnPressed.connect(lambda: self.model.edit_text(self.line.text()))
        self.note = text_label("pomodoro-sampling-note")
        self.note.setText(_NOTE)
        options = self._options()
        self.more.toggled.connect(options.setVisible)
        self.more.toggled.connect(lambda on: self.plot.setVisible(not on))
        first = QtWidgets.QGridLayout()
        first.setSpacing(4)
        for column, name in enumerate(_FIRST):
            first.addWidget(self._caption(name), 0, 2 * column)
            first.addWidget(self.controls[name], 0, 2 * column + 1)
        second = QtWidgets.QHBoxLayout()
        second.setSpacing(4)
        for widget in (self.curve, self.progress, self.more, self.run):
            second.addWidget(widget, int(widget is self.progress))
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(first)
        layout.addLayout(second)
        layout.addWidget(options, 1)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.line)
        layout.addWidget(self.note)

    def _options(self) -> QtWidgets.QWidget:
        inner = QtWidgets.QWidget()
        grid = QtWidgets.QGridLayout(inner)
        grid.setContentsMargins(0, 0, 4, 0)
        grid.setVerticalSpacing(3)
        names = [name for name in self.controls if name not in (*SHARED, *_FIRST)]
        for place, name in enumerate(names):
            row, column = divmod(place, 2)
            grid.addWidget(self._caption(name), row, 2 * column)
            grid.addWidget(self.controls[name], row, 2 * column + 1)
        for column in (1, 3):
            grid.setColumnStretch(column, 1)
        for name in SHARED:
            self.controls[name].hide()
        area = QtWidgets.QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        area.setWidget(inner)
        area.hide()
        return area

    def _caption(self, name: str) -> QtWidgets.QLabel:
        label = QtWidgets.QLabel(name.replace("_", " "))
        label.setBuddy(self.controls[name])
        label.setToolTip(self.controls[name].toolTip())
        return label

    def show_values(self, parameters: SampleParameters) -> None:
        """Show parameters that were set elsewhere; what is shared stays the noise's."""
        self.model.parameters = parameters
        self._share()
        self.model.changed.emit()

    def film(self) -> str:
        """Return the object whose states are the steps, "" where there is none."""
        name = self.model.parameters.name or self._film
        return name if store.get_record(name, _self=self._self) else ""

    def _share(self) -> None:
        noise = self._noise.parameters
        shared = replace(self.model.parameters, **{name: getattr(noise, name) for name in SHARED})
        if shared != self.model.parameters:
            self.model.parameters = self._shown = shared  # what is said of the noise stays
            self.model.changed.emit()

    def _show_line(self) -> None:
        former, self._shown = self._shown, self.model.parameters
        if former != self._shown and not self.runner.running:
            self.said.emit("")
        self.line.setText(self._shown.to_text())
        self.line.setCursorPosition(0)

    def _run_or_stop(self) -> None:
        if self.runner.running:
            self.runner.stop()
            return
        self._records = []
        self.run.show_icon("stop", *STOP)
        self.said.emit("sampling")

        def make() -> Any:
            from ..jobs.sampling import SampleRun

            run = SampleRun(self.model.parameters, _self=self._self)
            self._made = run.names
            return run

        self.runner.start(make)

    def _take(self, record: StepRecord) -> None:
        self._records.append(record)
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

    def _show_progress(self, done: int, total: int) -> None:
        self.progress.setRange(0, total if done else 0)
        self.progress.setValue(done)
        self.progress.setFormat(f"step {done} of {total}")

    def _end(self, result: Any) -> None:
        self._idle()
        self._film = self._made[0]
        self._show_curves()
        parameters = result.parameters
        states = f"{parameters.samples} ends" if parameters.show == "final" else f"{len(result.kept)} steps"
        self.said.emit(f"{' '.join(self._made[:3])}{' ...' if len(self._made) > 3 else ''}: {states}")
        self.finished.emit()

    def _fail(self, reason: str, said: str = "") -> None:
        self._idle()
        if reason:
            self.failed.emit(reason)
        else:
            self.said.emit(said)

    def _idle(self) -> None:
        self.run.show_icon("run", *_SAMPLE)
        self.progress.setRange(0, 1)
        self.progress.reset()
