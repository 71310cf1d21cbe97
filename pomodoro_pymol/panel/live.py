"""Live: the same draw under the weights and noise level of the sliders, as they move."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qtpy import QtCore

from ..errors import PomodoroError
from ..parameters.catalogue import NoiseParameters
from ..utils.problems import problem_text
from ..viewer import host, publishing
from ..viewer.live_states import LiveStates
from ..viewer.provenance import live_sums
from .timers import single_shot
from .watch import Output

if TYPE_CHECKING:
    import numpy as np

    from ..experiments.live import LiveDraw, UnitFrames
    from ..experiments.record import Record
    from ..noise.weights import LevelWeights
    from ..structure.atoms import Structure

# Atoms times frames that are written in one turn of the event loop: a few ms. Fewer are all mixed at every turn of
# a weight, too; of more, the state that is shown alone.
_ATOM_FRAMES = 600_000
_SETTLE_MS = 120
# How soon another state that comes to be shown is drawn as it is.
_KEEP_UP_MS = 30
#: Parameters that Live follows; any other needs a new run.
FOLLOWED = frozenset(("z", "sigma", "wc", "wr", "wa", "preset", "metric", "palette", "range"))


class Live(QtCore.QObject):
    """Rewrites the states of an object while the parameters change; the newest always win.

    The state that is shown comes first: mixed, written and drawn before anything else is. z and
    sigma scale the others on PyMOL's thread, in pieces; weights mix all of them in a thread of their
    own. When the parameters rest, titles, colours, b and record are brought up to date, so that the
    object is what the command of the parameters makes, and all its states are drawn; before that the one that is
    shown alone.

    ``moved`` carries the parameters and, where the frames of their weights are mixed, the statistics; ``made``
    the object once it is brought up to date, as an `Output`.
    """

    moved = QtCore.Signal(object, object)
    made = QtCore.Signal(object)
    settled = QtCore.Signal()
    ended = QtCore.Signal(str)
    _worked = QtCore.Signal(object)

    def __init__(self, parent: QtCore.QObject, _self: Any = host.cmd) -> None:
        super().__init__(parent)
        self._self = _self
        self._threads: ThreadPoolExecutor | None = None
        self._draw: LiveDraw | None = None
        self._unit: UnitFrames | None = None
        self._todo: deque[int] = deque()
        self._turn = QtCore.QTimer(self)
        self._turn.setInterval(0)
        self._turn.timeout.connect(self._write_some)
        self._rest = single_shot(self, _SETTLE_MS, self._settle)
        self._eye = QtCore.QTimer(self)
        self._eye.setInterval(_KEEP_UP_MS)
        self._eye.timeout.connect(self._keep_up)
        self._worked.connect(self._take, QtCore.Qt.ConnectionType.QueuedConnection)

    @property
    def on(self) -> bool:
        """Whether an object follows the parameters."""
        return self._threads is not None

    def start(self, name: str, structure: Structure, record: Record) -> None:
        """Follow from a finished run on; draws its noise again, in a thread."""
        from ..experiments.live import LiveDraw, live_bytes
        from ..utils import memory

        self.stop()
        parameters = record.parameters
        try:
            memory.require(live_bytes(len(structure), parameters.frames), "Live")
            self._states = LiveStates(name, structure.atom_at_place, parameters.frames + 1, _self=self._self)
            atom_in_row = self._states.atom_in_row
        except Exception as error:
            self.ended.emit(problem_text(error))
            return
        self._name, self._structure, self._record = name, structure, record
        self._parameters = self._front = parameters
        self._wanted: LevelWeights | None = parameters.weights
        self._large = len(structure) * parameters.frames > _ATOM_FRAMES
        self._shown = 0
        self._threads = ThreadPoolExecutor(1, "pomodoro-live")

        def begin() -> tuple[LiveDraw, UnitFrames]:
            """Draw the noise again, and mix its frames."""
            draw = LiveDraw(structure, parameters, record.device, atom_in_row)
            return draw, draw.mix(parameters.weights)

        self._written = parameters
        self._submit(begin)

    def stop(self) -> None:
        """Follow no longer; the object stays as it is."""
        if self._threads is None:
            return
        try:
            with suppress(PomodoroError):  # the object may be gone
                self._bring_up_to_date()
        finally:
            self._draw_all()
        if self._threads is None:
            return  # writing failed, which stopped us
        self._wanted = None
        self._turn.stop()
        self._rest.stop()
        self._todo.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._states.close()
        self._threads = self._draw = self._unit = None

    def follow(self, parameters: NoiseParameters) -> None:
        """Bring the object to these parameters."""
        if self._threads is None or parameters == self._parameters:
            return
        self._parameters, self._wanted = parameters, parameters.weights
        if self._unit is None:
            return  # `_take` sees that the parameters are other ones by then
        self._rewrite()
        if self._behind() and not self._working:
            self._mix()

    def _behind(self) -> bool:
        """Whether the frames are not yet mixed under the weights that are wanted."""
        return self._unit is not None and self._unit.weights != self._wanted

    # Weights, in a thread.

    def _mix(self) -> None:
        draw, weights = self._draw, self._parameters.weights
        assert draw is not None
        # Many frames are given up once other weights are wanted; few are shown before they are.
        self._submit(lambda: (draw, draw.mix_while(weights, lambda: not self._large or self._wanted == weights)))

    def _submit(self, work: Any) -> None:
        assert self._threads is not None
        threads = self._threads
        self._working = True
        future = threads.submit(work)
        future.add_done_callback(lambda done: None if done.cancelled() else self._worked.emit((threads, done)))

    def _take(self, outcome: tuple[ThreadPoolExecutor, Future]) -> None:
        threads, future = outcome
        if threads is not self._threads:
            return
        self._working = False
        error = future.exception()
        if error is not None:
            self._fail(error)
            return
        self._draw, unit = future.result()
        if unit is not None:
            self._unit = unit
            if self._parameters != self._written:
                self._rewrite()
        if self._behind():
            self._mix()

    # Coordinates, here.

    def _rewrite(self) -> None:
        """Write the state that is shown, and the others: now where that is quick, else in the turns that follow."""
        try:
            shown = self._states.shown()
        except Exception as error:
            self._fail(error)
            return
        fresh = (shown, self._parameters) != (self._shown, self._front)
        self._shown, self._front = shown, self._parameters
        now = [shown] if shown > 1 and fresh else []
        others = [state for state in range(2, self._states.n_states + 1) if state != shown]
        if self._large:
            self._todo = deque(() if self._behind() else others)
        else:
            now += others
        self._write(now, bool(shown > 1 and fresh))

    def _write_some(self) -> None:
        """Write the next of the states that are not shown."""
        count = max(1, _ATOM_FRAMES // len(self._structure))
        self._write([self._todo.popleft() for _ in range(min(count, len(self._todo)))])

    def _write(self, states: list[int], draw: bool = False) -> None:
        """Write states; let PyMOL draw the one that is shown where it changed, or where all were drawn meanwhile."""
        unit = self._unit
        assert unit is not None
        try:
            self._states.write(states, self._fill)
            if draw or not (self._todo or self._states.in_part):
                self._states.redraw()
                if not self._eye.isActive():
                    self._eye.start()
        except Exception as error:
            self._fail(error)
            return
        if self._todo:
            self._turn.start()
        else:
            self._turn.stop()
        self._rest.start()
        known = not (self._large and self._behind())
        self.moved.emit(self._parameters, unit.statistics.scaled(self._parameters.noise_sigma) if known else None)

    def _fill(self, state: int, out: np.ndarray) -> None:
        """Fill the rows of a state with its frame as it is to be."""
        assert self._draw is not None
        assert self._unit is not None
        sigma = self._parameters.noise_sigma
        if state == self._shown and self._behind():
            self._draw.fill_alone(self._parameters.weights, state - 2, sigma, out)
        else:
            self._draw.fill(self._unit, state - 2, sigma, out)

    def _settle(self) -> None:
        if self._todo or self._working:
            self._rest.start()
            return
        try:
            self._bring_up_to_date()
        except Exception as error:
            self._fail(error)
            return
        self._draw_all()
        self.settled.emit()

    # What PyMOL draws.

    def _keep_up(self) -> None:
        """Draw all states once another is shown than the one that moves."""
        try:
            self._states.keep_up()
        except Exception as error:
            self._fail(error)

    def _draw_all(self) -> None:
        self._eye.stop()
        if self._states.in_part:
            self._states.draw_all()

    def _bring_up_to_date(self) -> None:
        """Make the rest of the object say what its coordinates are."""
        from ..experiments.noise import NoiseResult
        from ..jobs.coloring import recolor

        if self._unit is None:
            return
        if self._behind():  # stopped before the newest weights were mixed
            assert self._draw is not None
            self._unit = self._draw.mix(self._parameters.weights)
            self._rewrite()
        while self._todo:
            self._write_some()
        unit, parameters = self._unit, self._parameters
        if unit is None or parameters == self._written:
            return  # writing failed, which was told; or nothing is other than it was
        self._states.verify(2, self._fill)
        statistics = unit.statistics.scaled(parameters.noise_sigma)
        device, run = self._record.device, self._record.run
        assert self._draw is not None
        hierarchy = self._draw.hierarchy
        result = NoiseResult(parameters, self._structure, hierarchy, statistics, device, name=self._name, run=run)
        # b of the object which is read is the metric; and its groups may have been given.
        record = replace(result.record(), b=self._record.b, groups=self._record.groups)
        sums = live_sums(self._name, len(self._structure), self._states.n_states, self._fill, _self=self._self)
        publishing.retitle(self._name, result.titles(), {**record.to_plain(), "sums": sums}, _self=self._self)
        coloring = recolor(self._name, self._structure, result.hierarchy, record, parameters, _self=self._self)
        self._written = parameters
        self.made.emit(Output(self._name, record, parameters.metric, coloring.scale))

    def _fail(self, error: BaseException) -> None:
        self._unit = None
        self.stop()
        self.ended.emit(problem_text(error))
