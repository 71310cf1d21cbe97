"""The panel: what its widgets do. Every click is a command, and the panel shows which."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qtpy import QtCore, QtGui, QtWidgets

from .. import health, viewer
from ..catalogue import ColorParameters, NoiseParameters, SampleParameters
from ..problems import problem_text
from ..schedule import quantile
from ..weights import PRESETS
from ..words import counted
from . import values
from .display import COLORS, Display, residue_rows
from .face import Face
from .live import FOLLOWED, Live
from .preset_buttons import PresetButtons
from .run import Runner
from .sampling import SamplingPage
from .watch import Watch
from .words import RUN, STOP

if TYPE_CHECKING:
    from ..levels import LevelStatistics

_TYPING_MS = 250
_AUTOMATIC = "automatic"
_NOT_YET: Any = object()


class Panel(Face):
    """The panel on one PyMOL; a plain widget, which the dock holds."""

    def __init__(self, parent: QtWidgets.QWidget | None = None, _self: Any = viewer.cmd) -> None:
        super().__init__(parent)
        self._self = _self
        self.sampling = SamplingPage(self.model, _self=_self)
        self.tabs.addTab(self.sampling, "Sampling")
        self.watch = Watch(self, lambda: self.model.parameters, _self)
        self.runner = Runner(self, _self)
        self.follower = Live(self, _self)
        self.display = Display(self, self.watch, _self)
        self.presets = PresetButtons(self, _self)
        self._live_after_run = False
        self._shown = self.model.parameters
        self._seen: Any = _NOT_YET
        self._ran: NoiseParameters | None = None
        self._asked: Any = None
        self._kept: Any = None
        self._scrubbed = 0
        self._typing = _single_shot(self, _TYPING_MS, self.watch.poll)
        self._scrubbing = _single_shot(self, 600, self._log_frame)
        self._tie()
        self._show_parameters()
        self._show_health()
        self._show_idle()

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
        watch, runner, follower = self.watch, self.runner, self.follower
        watch.objects_changed.connect(self._show_objects)
        watch.source_changed.connect(self._show_source)
        watch.output_changed.connect(self._show_output)
        watch.state_changed.connect(lambda state, count, title: self.player.show_states(count, state, title))
        watch.selection_changed.connect(self.display.mark)
        watch.polled.connect(self._read_session)
        runner.progressed.connect(self._show_progress)
        runner.finished.connect(self._end_run)
        runner.failed.connect(self._fail_run)
        runner.stopped.connect(self._stop_run)
        follower.moved.connect(self._show_moved)
        follower.settled.connect(self.watch.poll)
        follower.ended.connect(self._end_live)
        self.run.clicked.connect(self._run_or_stop)
        self.live.toggled.connect(self._toggle_live)
        self.objects.textActivated.connect(self._choose_object)
        self.line.returnPressed.connect(lambda: self.model.edit_text(self.line.text()))
        self.copy.clicked.connect(self._copy_line)
        self.presets.said.connect(self._say)
        self.presets.failed.connect(self._say_error)
        self.dice.clicked.connect(lambda: self.model.edit("seed", secrets.randbelow(10**6)))
        self.sampling.model.changed.connect(self._keep)
        self.sampling.said.connect(self._say)
        self.sampling.failed.connect(self._say_error)
        self.sampling.finished.connect(self._show_film)
        self.tabs.currentChanged.connect(lambda _: self._show_film())
        self.player.state_chosen.connect(self._show_state)
        self.residues.residue_clicked.connect(self._select_residue)
        self.residues.residues_dragged.connect(self._select_residues)
        self.sweep.z_chosen.connect(lambda z: self.model.edit("z", round(z, 3)))

    # Parameters.

    def _show_parameters(self) -> None:
        former, parameters = self._shown, self.model.parameters
        self._shown = parameters
        if former != parameters and not (self.runner.running or self.follower.on):
            self._say("")
        self.line.setText(parameters.to_text())
        self.line.setCursorPosition(0)
        self.shares.show_shares(*parameters.weights.shares)
        self.quantile.setText(f"{100 * quantile(parameters.noise_z):.3g} % of training")
        self.delete.setEnabled(bool(parameters.preset) and parameters.preset not in PRESETS)
        self._keep()
        if former.selection != parameters.selection or former.state != parameters.state:
            self._typing.start()
        if self.follower.on:
            self._follow(former)
        elif any(getattr(former, name) != getattr(parameters, name) for name in COLORS):
            self._recolor()
        self.display.refresh()

    def _follow(self, former: NoiseParameters) -> None:
        parameters = self.model.parameters
        for name in NoiseParameters.names():
            if name not in FOLLOWED and getattr(former, name) != getattr(parameters, name):
                self._end_live(f"Live is off: Run applies {name}")
                return
        followed = {name: getattr(parameters, name) for name in FOLLOWED}
        self.follower.follow(replace(self._live_base, **followed).spelt_out())

    def _recolor(self) -> None:
        if self.watch.output is None or self.runner.running:
            return
        choice = {name: getattr(self.model.parameters, name) for name in COLORS}
        try:
            from .. import runs

            parameters = ColorParameters(object=self.watch.output.name, **choice)
            name, coloring = runs.color(parameters, _self=self._self)
        except Exception as error:
            self._say_error(problem_text(error))
            return
        viewer.log(parameters.to_text(), _self=self._self)
        self._say(f"{name} coloured by {coloring.metric}")
        self.watch.poll()

    def _copy_line(self) -> None:
        QtWidgets.QApplication.clipboard().setText(self.model.parameters.to_text())
        self._say("command copied")

    # The structure.

    def _show_objects(self) -> None:
        self.objects.clear()
        self.objects.addItems([_AUTOMATIC, *self.watch.objects])
        self._show_source()

    def _choose_object(self, name: str) -> None:
        self.model.edit("selection", "" if name == _AUTOMATIC else f"%{name} and not solvent")

    def _show_source(self) -> None:
        source, molecule = self.watch.source, self.watch.molecule
        if source is None:
            self.counts.setText(self.watch.problem)
        else:
            sizes = str(molecule.hierarchy) if molecule is not None else counted(source.n_atoms, "atom")
            self.counts.setText(f"{source.object}: {sizes.replace(', ', ' · ')}")
        explicit = source is not None and bool(self.model.parameters.selection)
        self.objects.setCurrentText(source.object if explicit and source else _AUTOMATIC)
        self.display.refresh()
        self.display.refresh_residues()

    # Numbers, colours, plots.

    def _show_output(self) -> None:
        output = self.watch.output
        self.display.show_key()
        if output is not None:
            self.range.show_automatic(output.scale.low, output.scale.high)
        self._adopt()
        self.display.refresh()
        self.display.refresh_residues()

    def _adopt(self) -> None:
        """Show the parameters of a run that was typed, and the colours of a pomcolor."""
        output = self.watch.output
        seen = (output.name, output.record.parameters, output.metric, output.scale) if output else None
        parameters, source = self.model.parameters, self.watch.source
        asked = (parameters.selection, parameters.name, source.object if source else "")
        former, self._seen = self._seen, seen
        former_asked, self._asked = self._asked, asked
        if output is None or seen is None or former is _NOT_YET or former == seen or former_asked != asked:
            return
        if self.runner.running or self.follower.on or self.live.isChecked():
            return
        if former is None or former[:2] != seen[:2]:
            if output.record.parameters == self._ran:
                return  # our own, and what was set since is to stay
            if output.record.parameters != self.watch.resolved():
                parameters = output.record.parameters
        parameters = replace(parameters, metric=output.metric, palette=output.scale.palette)
        self.show_values(parameters)

    def show_values(self, parameters: NoiseParameters, sample: SampleParameters | None = None) -> None:
        """Show parameters that were set elsewhere: a command typed, a session loaded, the last start."""
        if sample is not None:
            self.sampling.show_values(sample)
        if parameters != self.model.parameters:
            self._shown = parameters
            self.model.parameters = parameters
            self.model.changed.emit()

    def _select_residue(self, number: int) -> None:
        subject = self.display.subject()
        if subject is not None:
            rows = residue_rows(subject)
            if number >= len(rows):
                return  # of the structure before, whose bars are about to go
            row = rows[number]
            self._select(viewer.residue_words(subject.object, row["segi"], row["chain"], row["resi"], _self=self._self))

    def _select_residues(self, first: int, last: int) -> None:
        """Select a range of residues of the output."""
        noised = self.watch.noised
        if noised is not None:
            residue_at_place = noised.hierarchy.atom_to_residue.numpy()[noised.structure.atom_at_place]
            inside = ((residue_at_place >= first) & (residue_at_place <= last)).nonzero()[0]
            self._select(viewer.index_words(noised.object, inside + 1, _self=self._self))

    def _select(self, words: str) -> None:
        viewer.select(words, _self=self._self)
        self._say(f"selected {words}")
        self.watch.poll()

    # States.

    def _show_state(self, state: int) -> None:
        viewer.show_state(state, _self=self._self)
        self._scrubbed = state
        if not self.player.is_playing():
            self._scrubbing.start()
        self.watch.poll()

    def _log_frame(self) -> None:
        viewer.log(f"frame {self._scrubbed}", _self=self._self)

    def _show_film(self) -> None:
        """Let the player show the steps of a sample while the tab is in front."""
        self.watch.film = self.sampling.film() if self.tabs.currentWidget() is self.sampling else ""
        self.watch.poll()

    # Run and Live.

    def _run_or_stop(self) -> None:
        if self.runner.running:
            self.runner.stop()
            return
        if self.follower.on:
            self._stop_live()
            self._live_after_run = True
        self._start_run()

    def _start_run(self) -> None:
        self.run.show_icon("stop", *STOP)
        self._say("running")

        def make() -> Any:
            from ..runs import NoiseRun

            return NoiseRun(self.model.parameters, _self=self._self)

        self.runner.start(make)

    def _toggle_live(self, on: bool) -> None:
        if not on:
            self._live_after_run = False
            if self.follower.on:
                viewer.log(self.line.text(), _self=self._self)  # what repeats where the sliders were left
            self._stop_live()
            self.watch.poll()
            return
        self.watch.poll()
        output, resolved = self.watch.output, self.watch.resolved()
        same = output is not None and resolved is not None and not self.runner.running
        if same and output is not None and resolved is not None:
            base = output.record.parameters
            same = all(getattr(base, name) == getattr(resolved, name) for name in base.names() if name not in FOLLOWED)
        if same and self.watch.noised is not None:
            self._start_live()
        else:
            self._live_after_run = True
            if not self.runner.running:
                self._start_run()

    def _start_live(self) -> None:
        output, noised = self.watch.output, self.watch.noised
        assert output is not None
        assert noised is not None
        record = output.record
        self._live_base, self.display.live = record.parameters, None
        self.follower.start(output.name, noised.structure, record.parameters, record.device)
        if self.follower.on:
            self._say("live: the sliders move the frames")
            self._follow(self.model.parameters)

    def _end_live(self, reason: str) -> None:
        self._switch_live_off()
        self._say_error(reason)
        self.watch.poll()

    def _switch_live_off(self) -> None:
        self._live_after_run = False
        self._stop_live()
        blocker = QtCore.QSignalBlocker(self.live)
        self.live.setChecked(False)
        blocker.unblock()

    def _stop_live(self) -> None:
        self.follower.stop()
        self.display.live = None

    def _show_moved(self, parameters: NoiseParameters, statistics: LevelStatistics) -> None:
        from ..lab import frame_title

        self.display.live = statistics
        self.display.refresh()
        state = self.player.slider.value()
        if state > 1 and not self.watch.film:
            self.player.title.show_text(frame_title(parameters, state - 1))

    def _show_progress(self, done: int, total: int) -> None:
        self.progress.setRange(0, total if done else 0)
        self.progress.setValue(done)
        self.progress.setFormat(f"{done} of {total} frames")

    def _end_run(self, result: Any) -> None:
        self._show_idle()
        note = f"; {result.note}" if result.note else ""
        self._say(f"{result.name}: {counted(result.parameters.frames, 'frame')}{note}")
        self._ran = result.parameters
        self.watch.poll()
        self.watch.adopt(result)
        if self._live_after_run:
            self._live_after_run = False
            self._start_live()

    def _fail_run(self, reason: str) -> None:
        self._show_idle()
        self._end_live(reason)

    def _stop_run(self) -> None:
        # Nothing is looked at, which takes its time on a large structure: nothing has changed.
        self._show_idle()
        self._switch_live_off()
        self._say("stopped: everything is as it was before")

    def _show_idle(self) -> None:
        self.run.show_icon("run", *RUN)
        self.progress.setRange(0, 1)
        self.progress.reset()

    # Values between sessions.

    def _keep(self) -> None:
        self._kept = values.to_plain(self.model.parameters, self.sampling.model.parameters)
        viewer.keep_in_session(values.STORE, self._kept, _self=self._self)

    def _read_session(self) -> None:
        """Take the values of a session that was loaded; any other leave the panel's."""
        found = values.texts(viewer.session_value(values.STORE, _self=self._self))
        if found == self._kept:
            return
        parameters, sample = values.from_session(found)
        if parameters is None:
            self._keep()
        else:
            self._kept = found
            self.show_values(parameters, sample)

    # Words.

    def _show_health(self) -> None:
        absent = health.missing()
        self.banner.setVisible(bool(absent))
        self.run.setEnabled(not absent)
        self.live.setEnabled(not absent)
        if absent:
            self.banner.setText(
                f"{', '.join(absent)} is missing. In a terminal, run\n{health.install_command(*absent)}\n"
                "and start PyMOL again."
            )

    def _say(self, text: str) -> None:
        self.status.setText(text)
        self.status.setForegroundRole(QtGui.QPalette.ColorRole.WindowText)

    def _say_error(self, text: str) -> None:
        self._say(f"\N{WARNING SIGN} {text}" if text else "")


def _single_shot(parent: QtCore.QObject, interval: int, act: Any) -> QtCore.QTimer:
    timer = QtCore.QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(interval)
    timer.timeout.connect(act)
    return timer
