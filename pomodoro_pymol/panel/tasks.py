"""One button, one progress and one status, whatever the panel runs."""

from __future__ import annotations

from typing import Any

from qtpy import QtCore

from .layout import Face
from .runner import Runner
from .task import Task
from .widgets.labels import RUN


class Tasks(QtCore.QObject):
    """Runs one task at a time, and shows how far it is.

    Attributes
    ----------
    runner : Runner
    task : Task or None
        The one that is run, or was run last.

    `ended` carries a task that came to its end, and its result; None where it failed or was stopped.
    """

    said = QtCore.Signal(str)
    failed = QtCore.Signal(str)
    ended = QtCore.Signal(object, object)

    def __init__(self, face: Face, _self: Any) -> None:
        super().__init__(face)
        self._face = face
        self.task: Task | None = None
        self.runner = Runner(self, _self)
        self.runner.staged.connect(self._show_stage)
        self.runner.progressed.connect(self._show_progress)
        self.runner.told.connect(lambda item: self.task.told(item) if self.task else None)
        self.runner.finished.connect(self._finish)
        self.runner.failed.connect(self._fail)
        self.runner.stopped.connect(self._stop)
        self._idle()

    def start(self, task: Task) -> None:
        """Run a task, unless one is under way."""
        if self.runner.running:
            self.failed.emit("something runs already: stop it first")
            return
        self.task = task
        self._face.run.show_icon("stop", task.stop, "Stop")
        self._face.progress.show()
        self.said.emit("running")
        self.runner.start(task.make)

    def _show_stage(self, stage: str) -> None:
        assert self.task is not None
        self._stage = stage or self.task.stage
        self._face.progress.setFormat(self._stage)

    def _show_progress(self, done: int, total: int) -> None:
        assert self.task is not None
        progress = self._face.progress
        progress.setRange(0, total if done else 0)
        progress.setValue(done)
        left = self.task.left()
        progress.setFormat(f"{self._stage}: {done} of {total} {self.task.unit}" + (f", {left}" if left else ""))

    def _finish(self, result: Any) -> None:
        self._idle()
        assert self.task is not None
        self.said.emit(self.task.ended(result))
        self.ended.emit(self.task, result)

    def _fail(self, reason: str) -> None:
        self._idle()
        self.failed.emit(reason)
        self.ended.emit(self.task, None)

    def _stop(self) -> None:
        self._idle()
        assert self.task is not None
        self.said.emit(self.task.stopped())
        self.ended.emit(self.task, None)

    def _idle(self) -> None:
        self._stage = ""
        self._face.run.show_icon("run", *RUN)
        self._face.progress.hide()
        self._face.progress.setRange(0, 1)
        self._face.progress.reset()
