"""Schemes side by side: an object each, of the same draw, in a grid, under one key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..color.scale import ColorScale
from ..errors import PomodoroError
from ..experiments import outputs
from ..experiments.coloring import signal_text
from ..experiments.comparison import Cell, cell_title
from ..experiments.noise import NoiseResult
from ..io.disk import temporary_folder
from ..noise.metrics import DIRECTION, metric_values
from ..noise.presets import parse_schemes
from ..noise.sigma import law_line
from ..noise.signal import signal_share
from ..parameters.catalogue import CompareParameters
from ..parameters.kinds import AUTO, Interval
from ..utils import memory
from ..viewer import companion, grid, key, publishing, reading, sources, store
from .noise import NoiseRun

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


def compare(parameters: CompareParameters, tell: Callable[[int, int], None], *, _self: Any) -> Comparison:
    """Noise a structure by several schemes, and show them side by side; ends a former comparison.

    Raises
    ------
    PomodoroError
        As `NoiseRun`; or if a name that is needed is in use. Nothing has changed then.
    """
    schemes = parse_schemes(parameters.presets)
    outputs.check_paths("", parameters.figure)
    before = grid.remembered(_self=_self)
    source = sources.resolve_source(parameters.selection, parameters.state, _self=_self)
    resolved = replace(parameters, selection=source.selection, state=source.state)
    names = [_self.get_legal_name(f"{source.object}_{scheme.name}") for scheme in schemes]
    _check_names(names, before, _self)
    n_states = len(schemes) * (parameters.frames + 1)
    memory.require(memory.noise_bytes(source.n_atoms, n_states), f"{n_states} states of {source.n_atoms} atoms")
    done = 0
    with ExitStack() as stack:
        runs, results = [], []
        for scheme, name in zip(schemes, names):
            run = stack.enter_context(NoiseRun(resolved.of_scheme(scheme, name), _self=_self))
            run.run = ""  # none that a panel is to follow
            structure = reading.finish(run.prepare())
            start = done
            total = len(schemes) * run.total
            results.append(
                run.work(structure, run.write, lambda n, _, start=start, total=total: tell(start + n, total))
            )
            runs.append(run)
            done += run.total
        signal = ""
        if parameters.range == AUTO and parameters.metric != DIRECTION:
            span, signal = _common_range(results, parameters)
            for run in runs:
                run.parameters = replace(run.parameters, range=span)
        scene = {**(before or grid.scene([], _self=_self)), "objects": _objects(names)}
        grid.put_back(_self=_self)
        with _undone(scene, _self):
            cells = [
                Cell(scheme, name, result, reading.finish(run.finish(result)))
                for scheme, name, run, result in zip(schemes, names, runs, results)
            ]
            _show(cells, scene, parameters, _self)
    return Comparison(source.object, cells, signal)


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


def _check_names(names: list[str], before: dict[str, Any], _self: Any) -> None:
    """Refuse names that anything has but a former comparison."""
    if len(set(names)) < len(names):
        raise PomodoroError(f"two schemes would make one object: {', '.join(names)}")
    for name in _objects(names):
        there = store.spelling(name, _self=_self)
        if there and there not in before.get("objects", ()):
            raise PomodoroError(f"{there} exists, and is not of a comparison: rename or delete it first")


def _objects(names: list[str]) -> list[str]:
    """Return all that a comparison makes: frames, directions, truths, keys, titles."""
    return [f"{name}{end}" for name in names for end in ("", "_direction", "_truth", "_key", "_title")]


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
    return Interval(scale.low, scale.high), signal_text(share, parameters.frames)


@contextmanager
def _undone(scene: dict[str, Any], _self: Any) -> Iterator[None]:
    """Put the scene back and take all objects away if what is done within fails."""
    try:
        yield
    except BaseException:
        grid.remember(scene, _self=_self)
        grid.put_back(_self=_self)
        raise


def _show(cells: list[Cell], scene: dict[str, Any], parameters: CompareParameters, _self: Any) -> None:
    """Lay the objects of the cells out, each with its title, from one point of view, under one key."""
    shown = [_shown(cell, parameters, _self) for cell in cells]
    for cell in cells[1:]:
        _self.delete(cell.coloring.key)
    grid.lay_out(shown, [cells[0].coloring.key], scene, _self=_self)
    if _self.get_frame() == 1:
        _self.frame(2)  # the first that is noised
    grid.look_at([names[0] for names in shown], _self=_self)
    for number, cell in enumerate(cells, 1):
        title = key.show_label(f"{cell.name}_title", "\n".join(cell_title(cell)), number, _self=_self)
        grid.put_in_cell(title, number, _self=_self)
    if parameters.figure:
        from matplotlib.image import imread

        from ..experiments.comparison import comparison_figure

        frame = max(0, min(_self.get_frame(), parameters.frames + 1) - 1)
        with temporary_folder("pomodoro-") as folder:
            paths = grid.take_pictures(shown, Path(folder), _WIDTH, _HEIGHT, _self=_self)
            pictures = [imread(path) for path in paths]
        outputs.write_figure(parameters.figure, comparison_figure(pictures, cells, frame))


def _shown(cell: Cell, parameters: CompareParameters, _self: Any) -> list[str]:
    """Return the objects in a cell: the frames, or their directions, and the truth where it is asked for."""
    directed = parameters.metric == DIRECTION
    names = [companion.companion_of(cell.name, _self=_self) if directed else cell.name]
    return names + ([publishing.truth_name(cell.name)] if parameters.truth else [])
