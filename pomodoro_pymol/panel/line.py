"""The command line: what Run executes, and what runs when Enter is pressed there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy import QtCore

from ..parameters.syntax import is_one_command
from ..viewer import window
from .command_page import CommandPage
from .layout import NOISE, Face
from .run_live import RunLive
from .tasks import Tasks


class CommandLine(QtCore.QObject):
    """Shows the command of the page in front, and runs it, or another of ours that is typed."""

    said = QtCore.Signal(str)
    failed = QtCore.Signal(str)

    def __init__(self, face: Face, pages: Sequence[CommandPage], jobs: RunLive, tasks: Tasks, _self: Any) -> None:
        super().__init__(face)
        self._face, self._pages, self._jobs, self._tasks, self._self = face, pages, jobs, tasks, _self
        self._models = (face.model, *(page.model for page in pages))
        for model in self._models:
            model.changed.connect(self.show)
        face.page_bar.currentChanged.connect(lambda _: self.show())
        face.line.returnPressed.connect(self._enter)
        face.run.clicked.connect(self.run_or_stop)
        self.show()

    def text(self) -> str:
        """Return the command of the page in front."""
        return self._models[self._face.page_bar.currentIndex()].parameters.to_text()

    def show(self) -> None:
        """Show the command of the page in front."""
        self._face.line.setText(self.text())
        self._face.line.setCursorPosition(0)

    def run_or_stop(self) -> None:
        """Stop what runs, or run the command of the page in front."""
        if self._tasks.runner.running:
            self._tasks.runner.stop()
        elif self._face.page_bar.currentIndex() == NOISE:
            self._jobs.run()
        else:
            self._tasks.start(self._pages[self._face.page_bar.currentIndex() - 1].task())

    def _enter(self) -> None:
        """Run what was typed: the command of a page, which comes to the front, or any other of ours."""
        line = self._face.line.text().strip()
        word = line.partition(" ")[0]
        pages = {model.kind.command: place for place, model in enumerate(self._models)}
        if self._tasks.runner.running:
            self.failed.emit("something runs already: stop it first")
        elif word.startswith("pom") and word not in pages and window.knows(word, _self=self._self):
            if not is_one_command(line):
                self.failed.emit("one command at a time: ';' ends one")
                return
            self._self.do(line)
            self.said.emit(f"PyMOL's own window says what {word} did")
        else:
            page = pages.get(word, self._face.page_bar.currentIndex())
            if self._models[page].edit_text(line):
                self._face.page_bar.setCurrentIndex(page)
                self.run_or_stop()
            else:
                self._face.line.setText(line)  # to be mended
