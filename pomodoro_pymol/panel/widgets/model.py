"""The values that the panel edits: the parameters of its commands."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, replace
from time import monotonic
from typing import Any

from qtpy import QtCore

from ...diffusion.samplers import SAMPLERS, foreign_churn
from ...errors import PomodoroError
from ...parameters.catalogue import NoiseParameters

_WEIGHTS = {"wc": "chain", "wr": "residue", "wa": "atom"}
#: Edits of one parameter within so many seconds of each other, as in a drag, are one step back.
_ONE_STEP = 0.7
_MOST_STEPS = 200


class ParameterModel(QtCore.QObject):
    """Parameters of one command and who is told when they change. Widgets hold no value of their own.

    It remembers the values it had, at most the last 200.
    """

    changed = QtCore.Signal()
    refused = QtCore.Signal(str)

    def __init__(self, parent: QtCore.QObject | None = None, kind: type[Any] = NoiseParameters) -> None:
        super().__init__(parent)
        self.kind = kind
        self.parameters = kind()
        self._past: deque[Any] = deque(maxlen=_MOST_STEPS)
        self._future: deque[Any] = deque(maxlen=_MOST_STEPS)
        self._edited, self._when = "", 0.0

    def edit(self, name: str, value: Any) -> bool:
        """Set one parameter, and those that it excludes to match; tell whether it was taken."""
        changes = {name: value}
        if name == "z" and "sigma" in self.kind.names():
            changes["sigma"] = None
        elif name == "sigma":
            changes["z"] = self.kind.z
        elif name in _WEIGHTS:
            weights = asdict(self.parameters.weights)
            changes = {word: weights[level] for word, level in _WEIGHTS.items()} | changes | {"preset": ""}
        elif name == "preset":
            changes |= {word: getattr(self.kind, word) for word in _WEIGHTS}
        elif name == "sampler" and value in SAMPLERS:
            changes |= dict.fromkeys(foreign_churn(SAMPLERS[value]))
        return self._take(lambda: replace(self.parameters, **changes), name)

    def edit_weights(self, chain: float, residue: float, atom: float) -> bool:
        """Set the three weights at once, in place of a preset; tell whether they were taken."""
        changes = {"wc": chain, "wr": residue, "wa": atom, "preset": ""}
        return self._take(lambda: replace(self.parameters, **changes), "weights")

    def edit_text(self, line: str) -> bool:
        """Take the parameters of a typed command line; tell whether it was taken."""
        return self._take(lambda: self.kind.from_text(line), "line")

    def show(self, parameters: Any) -> None:
        """Take parameters that were set elsewhere; a step of its own in the history."""
        self._keep(parameters, "")
        self.changed.emit()

    @property
    def can_undo(self) -> bool:
        """Whether there are values to go back to."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there are values that were taken back."""
        return bool(self._future)

    def undo(self) -> bool:
        """Go back to the values before the last step; tell whether there were any."""
        return self._go(self._past, self._future)

    def redo(self) -> bool:
        """Take the last undo back; tell whether there was one since the last edit."""
        return self._go(self._future, self._past)

    def _take(self, make: Callable[[], Any], edited: str) -> bool:
        try:
            parameters = make()
        except PomodoroError as error:
            self.refused.emit(str(error))
            self.changed.emit()
            return False
        if parameters != self.parameters:
            self._keep(parameters, edited)
            self.changed.emit()
        return True

    def _keep(self, parameters: Any, edited: str) -> None:
        """Take parameters and remember those before, unless the same thing is still being edited."""
        if parameters == self.parameters:
            return
        now = monotonic()
        if not (edited and edited == self._edited and now - self._when < _ONE_STEP):
            self._past.append(self.parameters)
        self._future.clear()
        self.parameters, self._edited, self._when = parameters, edited, now
        if self._past and self._past[-1] == parameters:  # a drag that ends where it began
            self._past.pop()
            self._edited = ""

    def _go(self, back: deque[Any], forth: deque[Any]) -> bool:
        if not back:
            return False
        forth.append(self.parameters)
        self.parameters, self._edited = back.pop(), ""
        self.changed.emit()
        return True
