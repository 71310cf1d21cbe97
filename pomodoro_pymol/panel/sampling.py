"""The page "Sampling": pomsample with its options, its curves while it runs, its trajectory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy import QtWidgets

from ..parameters.catalogue import SampleParameters
from ..viewer import host, store, window
from .command_page import CommandPage
from .task import Task
from .widgets.model import ParameterModel

if TYPE_CHECKING:
    from ..diffusion.curves import StepRecord

_LEVELS = ("chain", "residue", "atom")

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


class SamplingPage(CommandPage):
    """Edits pomsample, and shows the curves of its run."""

    kind = SampleParameters
    shared = ("selection", "wc", "wr", "wa", "preset", "seed", "state", "device")
    first = ("sampler", "steps", "samples", "keep")
    curves = tuple(CURVES)
    note = (
        "Denoised by closed forms, not by a trained model, unless a network is given. "
        "Structure, weights, seed and device are those of the page Noise."
    )

    def __init__(self, noise: ParameterModel, parent: QtWidgets.QWidget | None = None, _self: Any = host.cmd) -> None:
        self._trajectory = ""
        super().__init__(noise, parent, _self)

    def trajectory(self) -> str:
        """Return the object whose states are the steps, "" where there is none."""
        name = self.model.parameters.name or self._trajectory
        return name if store.get_record(name, _self=self._self) else ""

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
        self._draw_soon()

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
        self._trajectory = self._made[0]
        self._show_curves()
        from ..jobs.sampling import show_sample

        for line in show_sample(self._made[0], next(iter(self._denoised), ""), _self=self._self):
            window.log(line, _self=self._self)
        parameters = result.parameters
        states = f"{parameters.samples} ends" if parameters.show == "final" else f"{len(result.kept)} steps"
        return f"{' '.join(self._made[:3])}{' ...' if len(self._made) > 3 else ''}: {states}"
