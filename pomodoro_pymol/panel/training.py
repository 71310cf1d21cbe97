"""The page "Training": pomtrain with its options, its learning curves while it runs, what came of it in sentences."""

from __future__ import annotations

import gc
import math
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy import QtGui, QtWidgets

from ..color.palettes import OKABE_ITO
from ..parameters.catalogue import TrainParameters
from ..utils.text import counted, time_text
from ..viewer import host
from .command_page import CommandPage
from .task import Task
from .widgets.curve_plots import Style
from .widgets.model import ParameterModel

if TYPE_CHECKING:
    from ..experiments.training import TrainResult
    from ..experiments.training_run import TrainRecord
    from ..jobs.train import TrainRun

_STOP = "Stop the training. What is trained stays in its file, and resume goes on with it."
_TRAINING, _HELD_OUT = "training", "held out"


class TrainingPage(CommandPage):
    """Edits pomtrain, and shows the learning curves of its run, then what the networks learnt."""

    kind = TrainParameters
    shared = ("selection", "residues", "chains", "device")
    first = ("presets", "scaling", "steps", "seeds")
    beside = ("resume",)
    curves = (_TRAINING, _HELD_OUT)
    note = (
        "Trains a small network for each scheme, scaling and seed on the states of the structure, which is that of the "
        "page Noise. Each curve is of noise and a loss of its own: it tells how far the training is, not which scheme "
        "is best; that is said at the end."
    )

    def __init__(self, noise: ParameterModel, parent: QtWidgets.QWidget | None = None, _self: Any = host.cmd) -> None:
        self._run: TrainRun | None = None
        self._path: Path | None = None
        self._loading: threading.Thread | None = None
        super().__init__(noise, parent, _self)

    def showEvent(self, event: QtGui.QShowEvent) -> None:
        """Load what training needs, while a person looks at its parameters."""
        super().showEvent(event)
        if self._loading is None:
            self._loading = threading.Thread(target=_load, name="pomodoro-load", daemon=True)
            self._loading.start()

    def task(self) -> Task:
        """Return what is to be run: the command as it stands."""
        self._run = None

        def make() -> Any:
            """Make the run; its curves begin anew unless it goes on with the one before."""
            from ..jobs.train import TrainRun

            run = TrainRun(self.model.parameters, _self=self._self)
            if not (run.parameters.resume and run.path == self._path):  # else its curves go on
                self._records = []
            self._run, self._path = run, run.path
            self._show_curves()
            self.words.setText(self.note)
            return self._run

        return Task("training", "steps", make, self._end, self._take, self._left, _STOP, self._stopped)

    def _take(self, record: TrainRecord) -> None:
        self._records = [*(former for former in self._records if former.step < record.step), record]
        self._draw_soon()

    def _left(self) -> str:
        record = self._records[-1] if self._records else None
        if record is None or math.isnan(record.seconds_left):  # of a run before, which goes on
            return ""
        return "comparing" if record.step == record.steps else f"{time_text(record.seconds_left)} left"

    def _stopped(self) -> str:
        run = self._run
        if run is None or not run.step:
            return Task.stopped()
        return f"stopped at step {run.step} of {run.total}; {run.path.name} keeps it: resume=1 goes on"

    def _show_curves(self) -> None:
        held_out = self.curve.currentText() == _HELD_OUT
        curves: dict[str, tuple[list[float], list[float]]] = {}
        for record in self._records:
            for name, loss in zip(record.names, record.tested if held_out else record.losses):
                steps, losses = curves.setdefault(name, ([], []))
                steps.append(record.step)
                losses.append(loss)
        heading = "loss on states held out" if held_out else "loss on the states of training"
        if held_out and self._run is not None and not self._run.parameters.hold:
            heading = "loss on the states of training, as none is held out"
        self.plot.styles = _styles(list(curves))
        self.plot.show_curves(curves, "step", f"{heading}, mean of the seeds (no unit)", log=True)

    def _end(self, result: TrainResult) -> str:
        self._show_curves()
        self.words.setText("\n".join(f"\N{BULLET} {line}" for line in result.headlines()) or self.note)
        trained = counted(len(result.training.recipes), "network")
        shown = f"; samples side by side: {', '.join(self._run.names)}" if self._run and self._run.names else ""
        return f"{trained} trained, in {result.path.name}; the tables are printed{shown}"


def _styles(names: list[str]) -> dict[str, Style]:
    """Return colour and dashes of curves such as ``ms levels``: one colour of a scheme, one dash of a scaling."""
    parts = [name.rpartition(" ") for name in names]
    schemes, scalings = (list(dict.fromkeys(part[place] for part in parts)) for place in (0, 2))
    if len(scalings) < 2:
        return {}  # each a dash of its own
    places = [(schemes.index(scheme), scalings.index(scaling)) for scheme, _, scaling in parts]
    return {name: (scheme, scaling + 2 * (scheme // len(OKABE_ITO))) for name, (scheme, scaling) in zip(names, places)}


def _load() -> None:
    """Import what takes seconds, torch's optimizers above all, which import more where the first one is made."""
    collects = gc.isenabled()
    gc.disable()  # it would look through all that is imported, again and again, a tenth of a second with the lock held
    try:
        import torch

        from ..jobs import train  # noqa: F401

        torch.optim.Adam([torch.zeros(1, requires_grad=True)])
    except ImportError:  # torch is missing, which the panel says
        pass
    finally:
        gc.freeze()
        if collects:
            gc.enable()
