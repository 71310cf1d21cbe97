"""Frames of any origin, as the states of an object, against a truth: measured, and made an object of ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ..errors import PomodoroError
from ..experiments import outputs
from ..experiments.coloring import measured_colors
from ..experiments.measure import FrameMeasurement, measure_frames
from ..experiments.record import plain_groups
from ..parameters.catalogue import MeasureParameters
from ..structure.atoms import Structure
from ..utils import memory
from ..utils.text import counted
from ..viewer import publishing, reading, sources
from ..viewer.states import StateWriter
from .coloring import color_steps, keyed

# Coordinates that are handed to PyMOL at once.
_TOGETHER = 1 << 22


def measure_object(
    parameters: MeasureParameters, tell: Callable[[int, int], None], *, _self: Any
) -> tuple[FrameMeasurement, str]:
    """Measure the states of an object and make a new one of them; return what was found, and the report.

    Parameters
    ----------
    parameters : MeasureParameters
    tell : callable
        Called with the number of frames measured and that of all.

    Raises
    ------
    PomodoroError
        If there are no such atoms, no frame, states that differ in their atoms, or atoms that labels do
        not tell apart; if the output would take the place of something else, or memory does not suffice.
    """
    source, truth, name, numbers = _resolve(parameters, _self)
    own = not parameters.truth
    with sources.draft(source, name, whole=True, _self=_self) as draft:
        structure = reading.take_all(reading.draft_steps(source, draft, source.state, _self=_self))
        states = _read_frames(draft, numbers, structure, _self)
        against = structure if own else _read_truth(truth, source, _self)
        measured = measure_frames(against, structure, states, fit=bool(parameters.fit), numbers=numbers, progress=tell)
        truth_words = f"{truth.object} state {truth.state}"
        laid = f"superposed on {truth_words}" if measured.fit else f"against {truth_words}"
        titles = [f"truth ({truth_words})", *(f"state {number} of {source.object}, {laid}" for number in numbers)]
        shown = _drop_others(draft, source, structure, measured, _self)
        coloring = measured_colors(
            measured.hierarchy, measured.statistics.residues(), measured.statistics.levels().atom, parameters
        )
        with StateWriter(draft, shown.atom_at_place, after=0, _self=_self) as writer:
            writer.write(torch.from_numpy(shown.coords)[None])
            for block in torch.from_numpy(measured.frames).split(max(1, _TOGETHER // (3 * len(shown)))):
                writer.write(block)
            publishing.set_titles(draft, titles, _self=_self)
            reading.take_all(color_steps(draft, shown, measured.hierarchy, coloring, 0, _self))
            reading.take_all(writer.dress(name, source.object))
            writer.verify()
            outputs.write(measured, parameters.csv)
            meant = replace(
                parameters, object=source.selection, truth="" if own else truth.selection, state=truth.state
            )
            record = {
                "command": meant.to_text(),
                "source": source.object,
                "b": shown.b.astype("<f4").tobytes(),
                "groups": plain_groups(measured.hierarchy),
            }
            hidden = writer.publish(name, record, source.object)
    coloring = keyed(name, coloring, _self=_self)
    hidden = f"\n hidden: {hidden}, whose states these are; enable {hidden} shows it again" if hidden else ""
    return measured, (
        f" pommeasure: {source.object} -> {name}: state 1 is {truth_words}, then {counted(len(numbers), 'frame')} "
        f"{'superposed on it' if measured.fit else 'as they lie'}\n"
        f"{measured.report()}\n{coloring.report()}{hidden}"
    )


def _resolve(parameters: MeasureParameters, _self: Any) -> tuple[sources.Source, sources.Source, str, list[int]]:
    """Return the object of the frames, the truth, the name of the output, and which states are the frames."""
    outputs.check_paths(parameters.csv, "")
    own = not parameters.truth
    source = sources.resolve_source(parameters.object, parameters.state if own else 1, _self=_self)
    truth = source if own else sources.resolve_source(parameters.truth, parameters.state, _self=_self)
    name = parameters.name or f"{source.object}_measured"
    for each in (source, truth):
        sources.check_output(name, each, _self=_self)
    numbers = _frames_of(source, truth, _self)
    if not own:
        _check_first(source, numbers, _self)
    memory.require(
        memory.measure_bytes(max(source.n_atoms, truth.n_atoms), len(numbers) + 1),
        f"{counted(len(numbers), 'frame')} of {source.n_atoms} atoms",
    )
    return source, truth, name, numbers


def _frames_of(source: sources.Source, truth: sources.Source, _self: Any) -> list[int]:
    """Return the states that are frames: all of the object but the truth."""
    numbers = [
        state
        for state in range(1, _self.count_states(f"%{source.object}") + 1)
        if (source.object, state) != (truth.object, truth.state)
    ]
    if not numbers:
        raise PomodoroError(f"{source.object} has one state, which would be its own truth: give truth, another object")
    return numbers


def _check_first(source: sources.Source, numbers: list[int], _self: Any) -> None:
    """Refuse frames of which the first lacks atoms that another has; `_read_frames` sees to the rest."""
    if not reading.unplaced(source, _self=_self):
        return
    for state in numbers:
        if _self.count_atoms(f"({source.selection}) and %{source.object} and state {state}") > source.n_atoms:
            raise PomodoroError(
                f"state {source.state} of {source.object} lacks atoms that state {state} has: "
                "all frames need the same atoms"
            )


def _read_truth(truth: sources.Source, source: sources.Source, _self: Any) -> Structure:
    """Return the structure that is the truth, where it is seen from the object of the frames."""
    structure = reading.read_source(truth, _self=_self)
    return replace(structure, coords=sources.seen_from(truth.object, source.object, structure.coords, _self=_self))


def _read_frames(draft: str, numbers: list[int], structure: Structure, _self: Any) -> np.ndarray:
    """Return states of a draft, shape=(n_frames, n_atoms, 3), angstrom, of the atoms of a structure."""
    frames = np.empty((len(numbers), len(structure), 3), np.float32)
    for frame, (state, found) in zip(frames, reading.each_state(draft, numbers, len(structure), _self=_self)):
        if len(found) != len(structure) or not np.isfinite(found).all():
            raise PomodoroError(
                f"state {state} of {structure.name} has not all {counted(len(structure), 'atom')} with coordinates: "
                "all frames need the same atoms"
            )
        frame[:] = found[structure.places]
    return frames


def _drop_others(
    draft: str, source: sources.Source, structure: Structure, measured: FrameMeasurement, _self: Any
) -> Structure:
    """Take the atoms that the truth lacks from the draft; return the truth, with the places of its atoms there."""
    if reading.count_atoms(f"%{draft}", _self=_self) != len(structure):
        raise PomodoroError(f"{source.object} was changed or deleted during the run")
    places = structure.places[measured.rows]
    sources.drop_atoms(draft, np.setdiff1d(np.arange(len(structure)), places), _self=_self)
    return replace(measured.structure, places=np.searchsorted(np.sort(places), places))
