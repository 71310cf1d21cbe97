"""Run and Stop: a long command beside the event loop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from qtpy import QtCore

from ..utils.problems import problem_text
from ..viewer import host, window

if TYPE_CHECKING:
    from torch import Tensor

    from ..jobs.run import Run

# Atoms read or coloured, and coordinates written, in one turn of the event loop: some 30 ms each.
_PIECE = 5_000
_ATOM_FRAMES = 200_000


class _Stopped(Exception):
    """Ends the thread of a run that a person stopped."""


class Runner(QtCore.QObject):
    """Runs one command at a time: its numbers in a thread, PyMOL on this one in small turns.

    A run that is stopped or fails leaves PyMOL as it was. `staged` carries what goes on, "" for the
    work itself, `told` what the run tells of a step, `finished` its result.
    """

    staged = QtCore.Signal(str)
    progressed = QtCore.Signal(int, int)
    told = QtCore.Signal(object)
    finished = QtCore.Signal(object)
    failed = QtCore.Signal(str)
    stopped = QtCore.Signal()
    _handed = QtCore.Signal(object, object, object)
    _tells = QtCore.Signal(int, int, object)
    _worked = QtCore.Signal(object)

    def __init__(self, parent: QtCore.QObject, _self: Any = host.cmd) -> None:
        super().__init__(parent)
        self._self = _self
        self._run: Run | None = None
        self._steps: Generator[None, None, Any] | None = None
        self._halt = threading.Event()
        self._fault: Exception | None = None
        self._thread: threading.Thread | None = None
        self._written = 0
        self._turn = QtCore.QTimer(self)
        self._turn.setInterval(0)
        self._turn.timeout.connect(self._advance)
        queued = QtCore.Qt.ConnectionType.QueuedConnection
        self._handed.connect(self._write, queued)
        self._tells.connect(self._hear, queued)
        self._worked.connect(self._end_work, queued)

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self._run is not None

    def start(self, make: Callable[[], Run]) -> None:
        """Make a run and begin it; `finished`, `failed` or `stopped` tells of its end."""
        if self.running:
            return
        self._halt.clear()
        self._fault = None
        self._written = 0
        try:
            self._run = make()
        except Exception as error:
            self.failed.emit(problem_text(error))
            return
        self._run.hand_over = self._hand_over
        self.staged.emit("reading")
        self.progressed.emit(0, self._run.total)
        self._go(self._run.prepare(_PIECE), self._work)

    def stop(self) -> None:
        """Give the run up at the next turn."""
        self._halt.set()

    def _go(self, steps: Generator[None, None, Any], then: Callable[[Any], None]) -> None:
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

    def _work(self, prepared: Any) -> None:
        """Start the thread that does the numbers."""
        assert self._run is not None
        run = self._run
        self.staged.emit("")

        def work() -> None:
            """Do the numbers in the thread, and hand over the result or why there is none."""
            try:
                outcome: Any = run.work(prepared, self._tell)
            except Exception as error:
                outcome = error
            self._worked.emit(outcome)

        self._thread = threading.Thread(target=work, name="pomodoro-run", daemon=True)
        self._thread.start()

    # In the thread.

    def _hand_over(self, write: Callable[[Tensor], None], block: Tensor) -> None:
        """Let frames be written on PyMOL's thread, in small parts, and wait for each."""
        for part in block.split(max(1, _ATOM_FRAMES // block.shape[1])):
            reply = _Reply()
            self._handed.emit(write, part, reply)
            reply.wait()

    def _tell(self, done: int, total: int, item: Any = None) -> None:
        if self._halt.is_set():
            raise _Stopped
        self._tells.emit(done, total, item)

    # On PyMOL's thread again.

    def _write(self, write: Callable[[Tensor], None], frames: Tensor, reply: _Reply) -> None:
        try:
            if self._halt.is_set() or self._run is None:
                raise _Stopped
            write(frames)
        except Exception as error:
            reply.answer(error)
            return
        reply.answer(None)
        self._written += len(frames)
        self.progressed.emit(self._written, self._run.total)

    def _hear(self, done: int, total: int, item: Any) -> None:
        if self._run is None or item is None:
            return
        try:
            self._run.check()
        except Exception as error:
            self._fault = error
            self._halt.set()  # the thread ends at its next step
            return
        self.told.emit(item)
        self.progressed.emit(done, total)

    def _end_work(self, outcome: Any) -> None:
        if isinstance(outcome, Exception):
            self._end(outcome)
            return
        assert self._run is not None
        self.staged.emit("showing")
        window.hold_viewport(True, _self=self._self)  # of what is half made, which can take long to paint
        self._go(self._run.finish(outcome, _PIECE), lambda made: self._publish(outcome, made))

    def _publish(self, result: Any, made: Any) -> None:
        assert self._run is not None
        run = self._run
        self._end(None)
        window.log(run.line, _self=self._self)
        print(run.report(result, made), flush=True)
        if run.hidden:
            window.log(f"disable {run.hidden}", _self=self._self)
        self.finished.emit(result)

    def _end(self, error: Exception | None) -> None:
        """Close the run: what it has not published goes without a trace."""
        self._turn.stop()
        window.hold_viewport(False, _self=self._self)
        run, self._run = self._run, None
        steps, self._steps = self._steps, None
        try:
            if steps is not None:
                steps.close()
            if run is not None:
                run.__exit__(None, None, None)
        except Exception as also:
            error = error or also
        if isinstance(error, _Stopped):
            error = self._fault or error
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
