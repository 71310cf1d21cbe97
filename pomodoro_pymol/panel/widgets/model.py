"""The values that the panel edits: the parameters of its commands."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from qtpy import QtCore

from ...diffusion.samplers import SAMPLERS, foreign_churn
from ...errors import PomodoroError
from ...parameters.catalogue import NoiseParameters

_WEIGHTS = {"wc": "chain", "wr": "residue", "wa": "atom"}


class Model(QtCore.QObject):
    """Parameters of one command and who is told when they change. Widgets hold no value of their own."""

    changed = QtCore.Signal()
    refused = QtCore.Signal(str)

    def __init__(self, parent: QtCore.QObject | None = None, kind: type[Any] = NoiseParameters) -> None:
        super().__init__(parent)
        self.kind = kind
        self.parameters = kind()

    def edit(self, name: str, value: Any) -> bool:
        """Set one parameter, and those that it excludes to match; tell whether it was taken."""
        changes = {name: value}
        if name == "z":
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
        return self._take(lambda: replace(self.parameters, **changes))

    def edit_text(self, line: str) -> bool:
        """Take the parameters of a typed command line; tell whether it was taken."""
        return self._take(lambda: self.kind.from_text(line))

    def _take(self, make: Any) -> bool:
        try:
            parameters = make()
        except PomodoroError as error:
            self.refused.emit(str(error))
            self.changed.emit()
            return False
        if parameters != self.parameters:
            self.parameters = parameters
            self.changed.emit()
        return True
