"""Runs of pomnoise, and Live: what their buttons do, and what is shown of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qtpy import QtCore

from ..parameters.catalogue import NoiseParameters
from ..utils.text import counted
from ..viewer import window
from .display import Display
from .layout import Face
from .live import FOLLOWED, Live
from .task import Task
from .tasks import Tasks
from .watch import Watch

if TYPE_CHECKING:
    from ..noise.statistics import LevelStatistics


class RunLive(QtCore.QObject):
    """Starts and ends runs of pomnoise, and Live.

    Attributes
    ----------
    own : str
        The run that was begun here last.
    """

    said = QtCore.Signal(str)
    failed = QtCore.Signal(str)

    def __init__(self, face: Face, watch: Watch, display: Display, tasks: Tasks, follower: Live, _self: Any) -> None:
        super().__init__(face)
        self._face, self._watch, self._display, self._self = face, watch, display, _self
        self._tasks, self._follower = tasks, follower
        self.own = ""
        self._live_after_run = False
        self._running = False
        self._logged = ""
        tasks.ended.connect(self._end_task)
        follower.moved.connect(self._show_moved)
        follower.settled.connect(self._log_rest)
        follower.settled.connect(display.rest)
        follower.made.connect(watch.adopt_output)
        follower.ended.connect(self._end_live)
        face.live.toggled.connect(self._toggle_live)

    @property
    def busy(self) -> bool:
        """Whether a run is under way, or Live is on."""
        return self._running or self._follower.on

    @property
    def live(self) -> bool:
        """Whether Live is on, or is to be after a run."""
        return self._follower.on or self._face.live.isChecked()

    def follow(self, former: NoiseParameters) -> None:
        """Let Live follow the panel's parameters, which were others before; it ends where it cannot."""
        parameters = self._face.model.parameters
        for name in NoiseParameters.names():
            if name not in FOLLOWED and getattr(former, name) != getattr(parameters, name):
                self._end_live(f"Live is off: Run applies {name}")
                return
        followed = {name: getattr(parameters.spelt_out(), name) for name in FOLLOWED}
        self._follower.follow(replace(self._base, **followed))

    # Run.

    def run(self) -> None:
        """Run what the panel shows; Live ends for it, and goes on after it."""
        if self._follower.on:
            self._stop_live()
            self._live_after_run = True

        def make() -> Any:
            from ..jobs.noise import NoiseRun

            run = NoiseRun(self._face.model.parameters, _self=self._self)
            self.own = run.run
            return run

        self._running = True
        self._tasks.start(Task("noise", "frames", make, self._end_run))

    def _end_run(self, result: Any) -> str:
        self._watch.poll()
        self._watch.adopt_structure(result)
        self._leave_truth(result.name)
        note = f"; {result.note}" if result.note else ""
        return f"{result.name}: {counted(result.parameters.frames, 'frame')}{note}"

    def _end_task(self, task: Task, result: Any) -> None:
        """After a run Live goes on; after one that was stopped or failed it does not. It waits for other tasks."""
        own, self._running = self._running, False
        if own and result is None:
            self._switch_live_off()
        elif self._live_after_run:
            self._live_after_run = False
            if own:
                self._start_live()
            else:
                self._toggle_live(True)

    # Live.

    def _toggle_live(self, on: bool) -> None:
        if not on:
            self._live_after_run = False
            if self._follower.on:
                self._log_rest()
            self._stop_live()
            self._watch.poll()
            return
        self._watch.poll()
        if self._can_follow():
            self._start_live()
        else:
            self._live_after_run = True
            if not self._tasks.runner.running:
                self.run()

    def _can_follow(self) -> bool:
        """Tell whether the object is of the panel's parameters, but for those that Live follows."""
        output, resolved = self._watch.output, self._watch.resolved()
        if output is None or resolved is None or self._watch.noised is None or self._tasks.runner.running:
            return False
        base = output.record.parameters
        return all(getattr(base, name) == getattr(resolved, name) for name in base.names() if name not in FOLLOWED)

    def _start_live(self) -> None:
        output, noised = self._watch.output, self._watch.noised
        assert output is not None
        assert noised is not None
        self._base, self._display.live = output.record.parameters, None
        self._logged = self._face.model.parameters.to_text() if self._watch.resolved() == self._base else ""
        self._leave_truth(output.name)
        self._follower.start(output.name, noised.structure, output.record)
        if self._follower.on:
            self.said.emit("live: the sliders move the frames")
            self.follow(self._face.model.parameters)

    def _leave_truth(self, name: str) -> None:
        """Show the first noised state where the truth is shown, which noise does not move."""
        if window.shown_state(name, _self=self._self)[0] == 1:
            window.show_state(2, _self=self._self)
            window.log("frame 2", _self=self._self)

    def _log_rest(self) -> None:
        """Log the line that repeats where the sliders rest, but not twice."""
        line = self._face.model.parameters.to_text()
        if line != self._logged:
            window.log(line, _self=self._self)
            self._logged = line

    def _end_live(self, reason: str) -> None:
        self._switch_live_off()
        self.failed.emit(reason)
        self._watch.poll()

    def _switch_live_off(self) -> None:
        """End Live, as its button shows, but say nothing of it."""
        self._live_after_run = False
        self._stop_live()
        blocker = QtCore.QSignalBlocker(self._face.live)
        self._face.live.setChecked(False)
        blocker.unblock()

    def _stop_live(self) -> None:
        self._follower.stop()
        self._display.live = None
        self._display.rest()

    def _show_moved(self, parameters: NoiseParameters, statistics: LevelStatistics | None) -> None:
        from ..experiments.noise import frame_title

        self._display.live, self._display.moving = statistics, True
        self._display.refresh()
        state = self._face.player.slider.value()
        if state > 1 and not self._watch.trajectory:
            self._face.player.title.show_text(frame_title(parameters, state - 1))
