"""Run and Stop: a run of pomnoise beside the event loop."""

from __future__ import annotations

import threading
from collections.abc import Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qtpy import QtCore

from .. import viewer
from ..catalogue import NoiseParameters
from .problems import problem_text

if TYPE_CHECKING:
    from torch import Tensor

    from ..lab import NoiseResult
    from ..runs import Coloring, NoiseRun

# Atoms read or coloured, and coordinates written, in one turn of the event loop: some 30 ms each.
_PIECE = 5_000
_ATOM_FRAMES = 400_000


class _Stopped(Exception):
    """Ends the thread of a run that a person stopped."""


class Runner(QtCore.QObject):
    """Runs one pomnoise at a time: noise in a thread, PyMOL on this one in small turns.

    A run that is stopped or fails leaves PyMOL as it was.
    """

    progressed = QtCore.Signal(int, int)
    finished = QtCore.Signal(object)
    failed = QtCore.Signal(str)
    stopped = QtCore.Signal()
    _handed = QtCore.Signal(object, object)
    _drawn = QtCore.Signal(object)

    def __init__(self, parent: QtCore.QObject, _self: Any = viewer.cmd) -> None:
        super().__init__(parent)
        self._self = _self
        self._run: NoiseRun | None = None
        self._steps: Generator[None, None, Any] | None = None
        self._halt = threading.Event()
        self._thread: threading.Thread | None = None
        self._written = 0
        self._turn = QtCore.QTimer(self)
        self._turn.setInterval(0)
        self._turn.timeout.connect(self._advance)
        queued = QtCore.Qt.ConnectionType.QueuedConnection
        self._handed.connect(self._write, queued)
        self._drawn.connect(self._end_draw, queued)

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self._run is not None

    def start(self, parameters: NoiseParameters) -> None:
        """Begin the run; `finished`, `failed` or `stopped` tells of its end."""
        if self.running:
            return
        self._line = parameters.to_text()
        self._halt.clear()
        self._written = 0
        try:
            from ..runs import NoiseRun

            self._run = NoiseRun(parameters, _self=self._self)
        except Exception as error:
            self.failed.emit(problem_text(error))
            return
        self.progressed.emit(0, parameters.frames)
        self._go(self._run.prepare(_PIECE), self._draw)

    def stop(self) -> None:
        """Give the run up at the next turn."""
        self._halt.set()

    def _go(self, steps: Generator[None, None, Any], then: Any) -> None:
        self._steps, self._then = steps, then
        self._turn.start()

    def _advance(self) -> None:
        """Take one step on PyMOL's thread."""
        assert self._steps is not None
        try:
            if self._halt.is_set():
                raise _Stopped
            next(self._steps)
        except StopIteration as end:
            self._turn.stop()
            self._then(end.value)
        except Exception as error:
            self._end(error)

    def _draw(self, structure: Any) -> None:
        """Start the thread that draws the noise."""
        assert self._run is not None
        parameters = self._run.parameters

        def work() -> None:
            from .. import lab

            try:
                outcome: Any = lab.run_noise(structure, parameters, self._hand_over)
            except Exception as error:
                outcome = error
            self._drawn.emit(outcome)

        self._thread = threading.Thread(target=work, name="pomodoro-run", daemon=True)
        self._thread.start()

    def _hand_over(self, block: Tensor) -> None:
        """Give frames to PyMOL's thread in small parts and wait for each; in the run's thread."""
        for part in block.split(max(1, _ATOM_FRAMES // block.shape[1])):
            reply = _Reply()
            self._handed.emit(part, reply)
            reply.wait()

    def _write(self, frames: Tensor, reply: _Reply) -> None:
        try:
            if self._halt.is_set() or self._run is None:
                raise _Stopped
            self._run.write(frames)
        except Exception as error:
            reply.answer(error)
            return
        self._written += len(frames)
        reply.answer(None)
        self.progressed.emit(self._written, self._run.parameters.frames)

    def _end_draw(self, outcome: NoiseResult | Exception) -> None:
        if isinstance(outcome, Exception):
            self._end(outcome)
            return
        assert self._run is not None
        self._result = replace(outcome, name=self._run.name)
        self._go(self._run.finish(self._result, _PIECE), self._publish)

    def _publish(self, coloring: Coloring) -> None:
        assert self._run is not None
        run, result = self._run, self._result
        self._end(None)
        viewer.log(self._line, _self=self._self)
        print(run.report(result, coloring), flush=True)
        self.finished.emit(result)

    def _end(self, error: Exception | None) -> None:
        """Close the run: what it has not published goes without a trace."""
        self._turn.stop()
        run, self._run, self._steps = self._run, None, None
        if run is not None:
            try:
                run.__exit__(None, None, None)
            except Exception as also:
                error = error or also
        if isinstance(error, _Stopped):
            self.stopped.emit()
        elif error is not None:
            self.failed.emit(problem_text(error))


class _Reply:
    """What a thread waits for until PyMOL's thread has written its frames."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self._error: Exception | None = None

    def answer(self, error: Exception | None) -> None:
        self._error = error
        self._done.set()

    def wait(self) -> None:
        self._done.wait()
        if self._error is not None:
            raise self._error
