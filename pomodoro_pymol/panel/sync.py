"""Values that are set elsewhere, by a command that is typed or a session that is loaded, and those that are saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from qtpy import QtCore

from ..noise.presets import all_presets
from ..noise.weights import PRESETS
from ..parameters.catalogue import NoiseParameters
from ..viewer import window
from . import values
from .layout import Face
from .run_live import RunLive
from .watch import Output, Watch
from .widgets.model import ParameterModel


class Sync(QtCore.QObject):
    """Tells the panel of values that others have set, and puts the panel's own into each session that is saved.

    `found` carries the parameters of pomnoise, and a sequence of those of the other pages, or None for one.
    """

    found = QtCore.Signal(object, object)

    def __init__(self, face: Face, others: Sequence[ParameterModel], watch: Watch, jobs: RunLive, _self: Any) -> None:
        super().__init__(face)
        self._noise, self._others = face.model, others
        self._watch, self._jobs, self._self = watch, jobs, _self
        self._seen: Any = None
        self._loaded: Any = None
        window.keep_in_sessions(values.STORE, self._plain, self._hold, _self=_self)
        watch.ran.connect(self._follow_runs)
        watch.output_changed.connect(self._follow_output)
        watch.polled.connect(self._take_loaded)
        watch.polled.connect(self._read_presets)

    def _follow_runs(self, outputs: list[Output]) -> None:
        """Show the newest run that is not the panel's own, but for one that came with a session and its values."""
        others = [output for output in outputs if output.record.run != self._jobs.own]
        if not self._take_loaded() and others and not self._jobs.live:
            self._show(others[-1], self._parameters_of(others[-1]))

    def _follow_output(self) -> None:
        """Show what became of the object that is looked at: colours of a pomcolor, what Live left."""
        output = self._watch.output
        former = self._seen
        self._seen = output and (output.name, output.record.run, output.record.parameters, output.metric, output.scale)
        if output is None or former is None or former == self._seen or former[:2] != self._seen[:2]:
            return
        if not self._jobs.live:
            same = former[2] == output.record.parameters
            self._show(output, self._noise.parameters if same else self._parameters_of(output))

    def _parameters_of(self, output: Output) -> NoiseParameters:
        """Return the parameters of a run; as the panel has them, where they mean the same."""
        found = output.record.parameters
        return self._noise.parameters if found == self._watch.resolved() else found

    def _show(self, output: Output, parameters: NoiseParameters) -> None:
        self.found.emit(replace(_standing(parameters), metric=output.metric, palette=output.scale.palette), ())

    def _plain(self) -> dict[str, str]:
        """Return the panel's values for a session that is about to be saved."""
        return values.to_plain(*(model.parameters for model in (self._noise, *self._others)))

    def _hold(self, plain: Any) -> None:
        """Hold what a session has that was loaded, in whatever thread, until the next look round takes it."""
        self._loaded = plain

    def _take_loaded(self) -> bool:
        """Show the values of a session that was loaded, and tell whether it had any; without, the panel's stay."""
        plain, self._loaded = self._loaded, None
        parameters, *others = values.from_session(plain)
        if parameters is not None:
            self.found.emit(parameters, others)
        return parameters is not None

    def _read_presets(self) -> None:
        """Let weights stand for a preset that was deleted or changed, as they do where the panel deletes it."""
        parameters = _standing(self._noise.parameters)
        if parameters is not self._noise.parameters:
            self.found.emit(parameters, ())


def _standing(parameters: NoiseParameters) -> NoiseParameters:
    """Return parameters with a preset that is gone, or another by now, as the weights that it had."""
    own = bool(parameters.preset) and parameters.preset not in PRESETS
    return parameters.spelt_out() if own and all_presets().get(parameters.preset) != parameters.weights else parameters
