"""The panel: what its widgets do. Every click is a command, and the panel shows which."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from qtpy import QtGui, QtWidgets

from .. import health
from ..noise.sigma import law_note, quantile
from ..noise.weights import PRESETS
from ..parameters.catalogue import ColorParameters, NoiseParameters
from ..utils.problems import problem_text
from ..viewer import host, window
from .comparing import Comparing
from .display import COLORS, Display
from .filming import Filming
from .glance import Glance
from .keys import tie_keys
from .layout import SAMPLING, Face
from .line import CommandLine
from .live import Live
from .pickers import Pickers
from .picking import Picking
from .presets import PresetButtons
from .run_live import RunLive
from .sampling import SamplingPage
from .sweeping import SweepPage
from .sync import Sync
from .tasks import Tasks
from .teaching import TeachingPage
from .timers import single_shot
from .training import TrainingPage
from .watch import Watch
from .widgets.preset_buttons import preset_name

_TYPING_MS = 250
_WARNING = "\N{WARNING SIGN}"


class Panel(Face):
    """The panel on one PyMOL; a plain widget, which the dock holds."""

    def __init__(self, parent: QtWidgets.QWidget | None = None, _self: Any = host.cmd) -> None:
        super().__init__(parent)
        self._self = _self
        self.sampling, self.training = SamplingPage(self.model, _self=_self), TrainingPage(self.model, _self=_self)
        pages = (self.sampling, self.training)
        #: The parameters of each page, in the order of their tabs.
        self.models = (self.model, *(page.model for page in pages))
        self.watch = Watch(self, lambda: self.model.parameters, _self)
        self.sweeping = SweepPage(self.model, self.watch, self.sweep, _self=_self)
        self.teaching = TeachingPage(self.model, self.watch, _self=_self)
        self.add_pages(pages, (self.sweeping, "Sweep"), (self.teaching, "Teaches"))
        self.display = Display(self, self.watch, _self)
        self.preset_buttons = PresetButtons(self, _self)
        self.picking = Picking(self, self.watch, self.display, _self)
        self.pickers = Pickers(self, self.watch, _self)
        self.tasks = Tasks(self, _self)
        self.runner = self.tasks.runner
        self.follower = Live(self, _self)
        self.jobs = RunLive(self, self.watch, self.display, self.tasks, self.follower, _self)
        self.glance = Glance(self, self.watch, self.display, self.jobs)
        self.comparing = Comparing(self, self.watch, self.tasks, _self)
        self.filming = Filming(self, self.watch, _self)
        self.commands = CommandLine(self, pages, self.jobs, self.tasks, _self)
        self.sync = Sync(self, self.models[1:], self.watch, self.jobs, _self)
        self._shown = self.model.parameters
        self._told: tuple[str, list[str]] = ("", [])
        self._scrubbed = 0
        self._typing = single_shot(self, _TYPING_MS, self.watch.poll)
        self._scrubbing = single_shot(self, 600, self._log_frame)
        self._tie()
        tie_keys(self)
        self._show_parameters()
        self._show_health()

    # Place.

    def showEvent(self, event: QtGui.QShowEvent) -> None:
        """Look at PyMOL while a person looks at the panel."""
        super().showEvent(event)
        self.watch.start()

    def hideEvent(self, event: QtGui.QHideEvent) -> None:
        """Look no more; a run goes on to its end."""
        super().hideEvent(event)
        if not self.isVisible():
            self.live.setChecked(False)
            self.watch.stop()

    def _tie(self) -> None:
        self.model.changed.connect(self._show_parameters)
        self.model.refused.connect(self._say_error)
        watch = self.watch
        watch.source_changed.connect(self._refresh)
        for signal in (watch.source_changed, watch.results_changed):
            signal.connect(self._drop_stale_status)
        watch.output_changed.connect(self._show_output)
        watch.state_changed.connect(lambda state, count, title: self.player.show_states(count, state, title))
        watch.selection_changed.connect(self.display.mark)
        self.sync.found.connect(self.show_values)
        self.pickers.found.connect(self.show_values)
        self.copy.clicked.connect(self._copy_line)
        for part in (self.tasks, self.preset_buttons, self.jobs, self.comparing, self.filming, self.commands):
            part.said.connect(self._say)
            part.failed.connect(self._say_error)
        for page in (self.sampling, self.training, self.sweeping, self.teaching):
            page.failed.connect(self._say_error)
        for page in (self.sweeping, self.teaching):
            page.wanted.connect(self.tasks.start)
        self.picking.said.connect(self._say)
        self.shares.dragged.connect(self.model.edit_weights)
        self.presets.chosen.connect(lambda name: self.model.edit("preset", name))
        self.dice.clicked.connect(lambda: self.model.edit("seed", secrets.randbelow(10**6)))
        self.tasks.ended.connect(lambda *_: self._show_trajectory())
        self.page_bar.currentChanged.connect(lambda _: self._show_trajectory())
        self.player.state_chosen.connect(self._show_state)
        self.sweep.z_chosen.connect(lambda z: self.model.edit("z", round(z, 3)))

    # Parameters.

    def _show_parameters(self) -> None:
        former, parameters = self._shown, self.model.parameters
        self._shown = parameters
        if former != parameters and not (self.jobs.busy or self.runner.running):
            self._say("")
        weights = parameters.weights
        self.shares.show_weights(weights.chain, weights.residue, weights.atom)
        self.presets.show_preset(preset_name(parameters))
        law = parameters.law_of_sigma
        self.quantile.setText(f"{100 * quantile(parameters.noise_z):.3g} %{' *' * bool(law_note(law))}")
        self.quantile.setToolTip(f"Part of the training noise levels that are lower, by the law {law}.")
        self.delete.setEnabled(bool(parameters.preset) and parameters.preset not in PRESETS)
        if former.selection != parameters.selection or former.state != parameters.state:
            self._typing.start()
        if self.follower.on:
            self.jobs.follow(former)
        elif any(getattr(former, name) != getattr(parameters, name) for name in COLORS):
            self._recolor()
        self.display.refresh()

    def _recolor(self) -> None:
        if self.watch.output is None or self.runner.running:
            return
        choice = {name: getattr(self.model.parameters, name) for name in COLORS}
        try:
            from ..jobs.coloring import color

            parameters = ColorParameters(object=self.watch.output.name, **choice)
            name, coloring = color(parameters, _self=self._self)
        except Exception as error:
            self._say_error(problem_text(error))
            return
        window.log(parameters.to_text(), _self=self._self)
        print(f" pomcolor: {name}\n{coloring.report()}", flush=True)
        signal = coloring.signal.partition("\n")[0]
        self._say(f"{name} coloured by {parameters.metric}" + (f"; {signal}" if signal else ""))
        self.watch.poll()

    def _copy_line(self) -> None:
        QtWidgets.QApplication.clipboard().setText(self.commands.text())
        self._say("command copied")

    # Numbers, colours, plots.

    def _refresh(self) -> None:
        self.display.refresh()
        self.display.refresh_residues()

    def _show_output(self) -> None:
        output = self.watch.output
        self.display.show_key()
        if output is not None:
            self.range.show_found(output.scale.low, output.scale.high)
        self._refresh()

    def show_values(self, parameters: NoiseParameters, others: Sequence[Any] = ()) -> None:
        """Show parameters that were set elsewhere: a command typed, a session loaded, the last start."""
        for page, given in zip((self.sampling, self.training), others):
            if given is not None:
                page.show_values(given)
        if parameters != self.model.parameters:
            self._shown = parameters
            self.model.show(parameters)

    # States.

    def _show_state(self, state: int) -> None:
        window.show_state(state, _self=self._self)
        self._scrubbed = state
        if not self.player.is_playing():
            self._scrubbing.start()
        self.watch.poll()

    def _log_frame(self) -> None:
        window.log(f"frame {self._scrubbed}", _self=self._self)

    def _show_trajectory(self) -> None:
        """Let the player show the steps of a sample while its page is in front."""
        in_front = self.page_bar.currentIndex() == SAMPLING
        self.watch.trajectory = self.sampling.trajectory() if in_front else ""
        self.watch.poll()

    # Words.

    def _show_health(self) -> None:
        absent = health.missing()
        self.banner.setVisible(bool(absent))
        for button in (self.run, self.live, self.compare):
            button.setEnabled(not absent)
        if absent:
            self.banner.setText(
                f"{', '.join(absent)} is missing. In a terminal, run\n{health.install_command(*absent)}\n"
                "and start PyMOL again."
            )

    def _drop_stale_status(self) -> None:
        """Say no more why there was no source once there is one, nor of results that have gone."""
        (problem, results), said = self._told, self.status.text()
        self._told = (self.watch.problem, self.watch.results)
        gone = [name for name in results if name not in self.watch.results]
        warns = said.startswith(_WARNING)
        mended = warns and problem != self.watch.problem and said == f"{_WARNING} {problem}"
        if mended or (not warns and any(name in said for name in gone)):
            self._say("")

    def _say(self, text: str) -> None:
        self.status.setText(text)
        self.status.setForegroundRole(QtGui.QPalette.ColorRole.WindowText)

    def _say_error(self, text: str) -> None:
        self._say(f"{_WARNING} {text}" if text else "")
