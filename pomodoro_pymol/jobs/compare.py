"""Schemes side by side: an object each, of the same draw, in a grid, under one key."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..color.scale import ColorScale
from ..errors import PomodoroError
from ..experiments import outputs
from ..experiments.coloring import chance_text
from ..experiments.comparison import Cell, cell_title, comparison_figure, comparison_text
from ..experiments.noise import NoiseResult
from ..io.disk import temporary_folder
from ..noise.metrics import DIRECTION, metric_values
from ..noise.presets import parse_schemes
from ..noise.sigma import law_line
from ..noise.signal import signal_share
from ..parameters.catalogue import CompareParameters
from ..parameters.kinds import AUTO, Interval
from ..structure.atoms import Structure
from ..utils import memory
from ..utils.devices import device_notes
from ..viewer import companion, grid, key, publishing, store
from .direction import directed_states
from .noise import NoiseRun
from .run import Run, Tell, note_lines

# Pixels of the picture of a cell.
_WIDTH, _HEIGHT = 900, 720


@dataclass(frozen=True, eq=False)
class Comparison:
    """Objects side by side.

    Attributes
    ----------
    source : str
    cells : list of Cell
        One per scheme.
    signal : str
        How much of the variation of colours is no chance, in words, where the range is taken from it.
    """

    source: str
    cells: list[Cell]
    signal: str

    def report(self) -> str:
        """Return the lines that a command prints before the table of the cells."""
        parameters = self.cells[0].result.parameters
        names = ", ".join(cell.name for cell in self.cells)
        signal = f"\n {self.signal}" if self.signal else ""
        return (
            f" pomcompare: {self.source} -> {names}, {parameters.frames + 1} states each; pomcompare off ends it\n"
            f" z {parameters.noise_z:.4g}, sigma {parameters.noise_sigma:.4g} A per coordinate, "
            f"seed {parameters.seed}, colours by {parameters.metric}{law_line(parameters.law_of_sigma)}{signal}"
        )


class CompareRun(Run):
    """A run of pomcompare, a step of whose work is a frame of a scheme.

    It noises a structure by several schemes, shows them side by side, and ends a former comparison. That the
    source is hidden is part of the comparison, which puts it back: so `hidden` stays empty.

    Attributes
    ----------
    names : list of str
        Objects to make, one per scheme.

    Raises
    ------
    PomodoroError
        As `NoiseRun`; or if a name that is needed is in use.
    """

    def __init__(self, parameters: CompareParameters, *, _self: Any) -> None:
        self._schemes = parse_schemes(parameters.presets)
        outputs.check_paths("", parameters.figure)
        outputs.check_figures(parameters.figure)
        super().__init__(parameters, _self=_self)
        former, source = grid.members(_self=_self), self.source
        if source.object in former:
            raise PomodoroError(f"{source.object} is of the comparison that this one replaces: name its source")
        self.parameters = replace(parameters, selection=source.selection, state=source.state)
        self.names = [_self.get_legal_name(f"{source.object}_{scheme.name}") for scheme in self._schemes]
        check_names(self.names, former, _self)
        _check_memory(source.n_atoms, len(self._schemes), parameters)
        # All look at the session before there is a draft, which a selection could mean too.
        self._runs = [
            NoiseRun(self.parameters.of_scheme(scheme, name), _self=_self)
            for scheme, name in zip(self._schemes, self.names)
        ]
        self.total = sum(run.total for run in self._runs)
        for run in self._runs:
            run.run = ""  # none that a panel is to follow
            self._open.enter_context(run)

    def prepare(self, piece: int = 0) -> Generator[None, None, list[Structure]]:
        """Copy and read the source for each scheme."""
        structures = []
        for run in self._runs:
            structures.append((yield from run.prepare(piece)))
        return structures

    def work(self, structures: list[Structure], tell: Tell) -> list[NoiseResult]:
        """Draw the noise of one scheme after the other.

        Raises
        ------
        PomodoroError
            If the memory of a device did not suffice for one of them: those of the CPU are other numbers.
        """
        results: list[NoiseResult] = []
        done = 0
        for run, structure in zip(self._runs, structures):
            run.hand_over = self.hand_over
            results.append(run.work(structure, lambda n, _, done=done: tell(done + n, self.total)))
            if results[-1].device != results[0].device:
                raise PomodoroError(
                    f"{run.name} was drawn on {results[-1].device}, and {results[0].name} on {results[0].device}, "
                    "so that they cannot be compared: use device=cpu"
                )
            done += run.total
        return results

    def finish(self, results: list[NoiseResult], piece: int = 0) -> Generator[None, None, Comparison]:
        """Publish the objects in their cells; all is as it was if that fails."""
        cmd, parameters = self._self, self.parameters
        signal = ""
        if parameters.range == AUTO and parameters.metric != DIRECTION:
            span, signal = _common_range(results, parameters)
            for run in self._runs:
                run.parameters = replace(run.parameters, range=span)
        before = grid.scene_before(_self=cmd)
        with grid.replaced(_self=cmd):
            if not 1 < cmd.get_state() <= parameters.frames + 1:
                cmd.frame(1)
            cells = []
            for scheme, name, run, result in zip(self._schemes, self.names, self._runs, results):
                cells.append(Cell(scheme, name, result, (yield from run.finish(result, piece))))
                yield
            if cmd.get_state() == 1:
                cmd.frame(2)  # the first that is noised
            labels = _show(cells, parameters, cmd)
            grid.remember(self.names, labels, before, _self=cmd)
        return Comparison(self.source.object, cells, signal)

    def report(self, results: list[NoiseResult], comparison: Comparison) -> str:
        """Return what the command prints."""
        first = results[0]
        notes = note_lines(first.structure, first.hierarchy, device_notes(first.device, first.note))
        return f"{comparison.report()}\n{notes}{comparison_text(comparison.cells)}"


def end_comparison(*, _self: Any) -> list[str]:
    """Take a comparison away; return the objects that went.

    Raises
    ------
    PomodoroError
        If there is none.
    """
    if not grid.remembered(_self=_self):
        raise PomodoroError("there is no comparison to end: pomcompare makes one")
    return grid.put_back(_self=_self)


def check_names(names: list[str], former: list[str], _self: Any) -> None:
    """Refuse names that anything has but a former comparison; their case does not matter to PyMOL."""
    if len({name.lower() for name in names}) < len(names):
        raise PomodoroError(f"two schemes would make one object: {', '.join(names)}")
    for name in _objects(names):
        there = store.spelling(name, _self=_self)
        if there and there not in former:
            raise PomodoroError(f"{there} exists, and is not of a comparison: rename or delete it first")


def _objects(names: list[str]) -> list[str]:
    """Return the names that a comparison needs: of frames, directions, truths, keys, titles."""
    made = (companion.companion_name, publishing.truth_name, key.key_name, key.label_name)
    return [*names, *(name_of(name) for name in names for name_of in made)]


def _check_memory(n_atoms: int, n_schemes: int, parameters: CompareParameters) -> None:
    """Ask for the memory of all objects of a comparison together."""
    n_states = parameters.frames + 1
    each = memory.noise_bytes(n_atoms, n_states)
    if parameters.metric == DIRECTION:
        each += memory.direction_bytes(n_atoms, directed_states(n_atoms, n_states))
    memory.require(n_schemes * each, f"{n_schemes * n_states} states of {n_atoms} atoms")


def _common_range(results: list[NoiseResult], parameters: CompareParameters) -> tuple[Interval, str]:
    """Return the range of the residues of all schemes together, and how much of their variation is signal."""
    measured, expected = [], []
    for result in results:
        noise = (result.structure, result.hierarchy, result.parameters.weights, result.parameters.noise_sigma)
        measured.append(result.metric(parameters.metric))
        expected.append(metric_values(parameters.metric, *noise))
    values = np.concatenate(measured)
    scale = ColorScale.over(parameters.palette, values)
    share = signal_share(values, np.concatenate(expected))
    return Interval(scale.low, scale.high), chance_text(share, parameters.frames)


def _show(cells: list[Cell], parameters: CompareParameters, _self: Any) -> list[str]:
    """Lay the objects of the cells out, from one point of view, under one key; return key and titles."""
    shown = [_shown(cell, parameters, _self) for cell in cells]
    for cell in cells[1:]:
        _self.delete(cell.coloring.key)
    labels = [cells[0].coloring.key]
    key.lower_key(labels[0], _self=_self)
    grid.lay_out(shown, labels, _self=_self)
    grid.look_at([names[0] for names in shown], _self=_self)
    for number, cell in enumerate(cells, 1):
        labels.append(key.show_label(cell.name, "\n".join(cell_title(cell)), number, _self=_self))
    if parameters.figure:
        from matplotlib.image import imread

        frame = _self.get_state() - 1
        with temporary_folder("pomodoro-") as folder:
            paths = grid.take_pictures(shown, Path(folder), _WIDTH, _HEIGHT, _self=_self)
            pictures = [imread(path) for path in paths]
        outputs.write_figure(parameters.figure, comparison_figure(pictures, cells, frame))
    return labels


def _shown(cell: Cell, parameters: CompareParameters, _self: Any) -> list[str]:
    """Return the objects in a cell: the frames, or their directions, and the truth where it is asked for."""
    directed = parameters.metric == DIRECTION
    names = [companion.companion_of(cell.name, _self=_self) if directed else cell.name]
    return names + ([publishing.truth_name(cell.name)] if parameters.truth else [])
