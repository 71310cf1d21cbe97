"""Compare: the schemes side by side in PyMOL's grid, with the panel's structure, noise level and seed."""

from __future__ import annotations

from typing import Any

from qtpy import QtCore

from ..parameters.catalogue import CompareParameters
from ..utils.problems import problem_text
from ..viewer import window
from .layout import Face
from .task import Task
from .tasks import Tasks
from .watch import Watch
from .widgets.preset_buttons import preset_name, weights_text

_SHARED = ("selection", "state", "z", "sigma", "frames", "seed", "device", "law", "p_mean", "p_std", "sigma_data")
_GROUPS = ("residues", "chains", "fixed")


class Comparing(QtCore.QObject):
    """Starts and ends pomcompare; its button is down while a comparison stands, whoever made it."""

    said = QtCore.Signal(str)
    failed = QtCore.Signal(str)

    def __init__(self, face: Face, watch: Watch, tasks: Tasks, _self: Any) -> None:
        super().__init__(face)
        self._face, self._watch, self._tasks, self._self = face, watch, tasks, _self
        face.compare.clicked.connect(self._toggle)
        watch.results_changed.connect(self._show)
        tasks.ended.connect(lambda *_: self._show())

    def parameters(self) -> CompareParameters:
        """Return the command: the usual schemes, and the panel's own in the place of the last where it is another."""
        noise = self._face.model.parameters
        given = {name: getattr(noise, name) for name in (*_SHARED, *_GROUPS)}
        presets = CompareParameters.presets.split("+")
        own = preset_name(noise) or weights_text(noise.weights)
        if own not in presets:
            presets[-1] = own
        return CompareParameters(**given, presets="+".join(presets))

    def _toggle(self, on: bool) -> None:
        self._show()
        if on:
            self._compare()
            return
        from ..jobs.compare import end_comparison

        try:
            gone = end_comparison(_self=self._self)
        except Exception as error:
            self.failed.emit(problem_text(error))
            return
        window.log("pomcompare off", _self=self._self)
        self.said.emit(f"the comparison is over: {len(gone)} objects are gone, all else is as it was before")
        self._watch.poll()

    def _compare(self) -> None:
        def make() -> Any:
            from ..jobs.compare import CompareRun

            run = CompareRun(self.parameters(), _self=self._self)
            self._names = run.names
            return run

        self._face.live.setChecked(False)
        self._tasks.start(Task("noise of all schemes", "frames", make, self._end))

    def _end(self, results: Any) -> str:
        self._watch.poll()
        return f"side by side: {', '.join(self._names)}; one colour: moves as one, speckled: every atom alone"

    def _show(self) -> None:
        self._face.compare.setChecked(self._watch.compared)
