"""The buttons that save and delete presets."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from qtpy import QtCore, QtWidgets

from ..noise import presets
from ..parameters.catalogue import WeightsParameters
from ..utils.problems import problem_text
from ..viewer import host, window
from .layout import Face


class PresetButtons(QtCore.QObject):
    """Does what pomweights does with its save and delete, and logs its line."""

    said = QtCore.Signal(str)
    failed = QtCore.Signal(str)

    def __init__(self, face: Face, _self: Any = host.cmd) -> None:
        super().__init__(face)
        self._self = _self
        self._face = face
        face.save.clicked.connect(self._ask)
        face.delete.clicked.connect(self._delete)

    def _ask(self) -> None:
        dialog = QtWidgets.QInputDialog(self._face)
        dialog.setObjectName("pomodoro-preset")
        dialog.setWindowTitle("Save preset")
        dialog.setLabelText("Name of the preset")
        dialog.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.textValueSelected.connect(self._save)
        dialog.open()

    def _save(self, name: str) -> None:
        weights = self._face.model.parameters.weights
        try:
            presets.save_preset(name, weights)
        except Exception as error:
            self.failed.emit(problem_text(error))
            return
        chain, residue, atom = asdict(weights).values()
        window.log(WeightsParameters(wc=chain, wr=residue, wa=atom, save=name).to_text(), _self=self._self)
        self._face.model.edit("preset", name)
        self.said.emit(f"preset {name} saved")

    def _delete(self) -> None:
        name, weights = self._face.model.parameters.preset, self._face.model.parameters.weights
        try:
            presets.delete_preset(name)
        except Exception as error:
            self.failed.emit(problem_text(error))
            return
        window.log(WeightsParameters(delete=name).to_text(), _self=self._self)
        self._face.model.edit_weights(*asdict(weights).values())
        self.said.emit(f"preset {name} deleted")
