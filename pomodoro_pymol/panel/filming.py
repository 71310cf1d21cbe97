"""The button that writes a film: pommovie with a file that is chosen."""

from __future__ import annotations

from typing import Any

from qtpy import QtCore, QtWidgets

from ..parameters.catalogue import MovieParameters
from ..utils.problems import problem_text
from ..viewer import window
from .layout import Face
from .watch import Watch

_KINDS = "Animated GIF (*.gif);;MP4 (*.mp4)"


class Filming(QtCore.QObject):
    """Asks for a file, and films the object whose states the player shows."""

    said = QtCore.Signal(str)
    failed = QtCore.Signal(str)

    def __init__(self, face: Face, watch: Watch, _self: Any) -> None:
        super().__init__(face)
        self._face, self._watch, self._self = face, watch, _self
        face.movie.clicked.connect(self._ask)

    def _subject(self) -> str:
        return self._watch.trajectory or (self._watch.output.name if self._watch.output else "")

    def _ask(self) -> None:
        name = self._subject()
        if not name:
            self.failed.emit("there are no states to film: Run makes them")
            return
        dialog = QtWidgets.QFileDialog(self._face, "Write a film", f"{name}.gif", _KINDS)
        dialog.setObjectName("pomodoro-film")
        dialog.setAcceptMode(QtWidgets.QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("gif")
        dialog.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._film)
        dialog.open()

    def _film(self, path: str) -> None:
        name = self._subject()
        self._face.player.stop()
        try:
            from ..jobs.movie import make_movie

            parameters = MovieParameters(filename=path, object=name)
            movie = make_movie(parameters, lambda *_: None, _self=self._self)
        except Exception as error:
            self.failed.emit(problem_text(error))
            return
        window.log(parameters.to_text(), _self=self._self)
        print(movie.report(), flush=True)
        self.said.emit(f"{name}: a film of {movie.n_pictures} pictures, {movie.path}")
