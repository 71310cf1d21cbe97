"""What an object of ours holds, as a file says it: which of its states is the truth, and how the others were made."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import PomodoroError
from ..experiments.frame_files import FrameFile, b_line
from ..experiments.record import Record, given_groups, plain_groups, regrouped, source_b
from ..noise.metrics import DIRECTION, METRICS
from ..parameters.catalogue import (
    DenoiseParameters,
    MeasureParameters,
    NoiseParameters,
    SampleParameters,
    SaveParameters,
    SweepParameters,
    TrainParameters,
)
from ..structure.atoms import Structure, UnitCell
from ..structure.hierarchy import Hierarchy
from ..viewer import reading
from ..viewer.store import command_of


@dataclass(frozen=True)
class _Kind:
    """What the objects of a command hold."""

    states: str
    truth: bool
    metric: bool = False


_KINDS = {
    NoiseParameters.command: _Kind("noised frames", True, True),
    DenoiseParameters.command: _Kind("denoised frames", True),
    SweepParameters.command: _Kind("states of one draw at rising z", False),
    SampleParameters.command: _Kind("states of reverse diffusion", False),
    TrainParameters.command: _Kind("samples of a trained network", False),
    MeasureParameters.command: _Kind("frames that were measured against it", True, True),
}
#: The commands that make objects which can be saved.
MAKERS = tuple(_KINDS)


def record_of(
    parameters: SweepParameters | SampleParameters | TrainParameters, source: str, structure: Structure
) -> dict[str, Any]:
    """Return the record, in plain types, of an object of pomsweep, pomsample or pomtrain.

    PyMOL keeps the unit cell with the states of a file, none of which such an object has: so the record has it.
    """
    cell = structure.cell
    given = bool(parameters.residues or parameters.chains)
    return {
        "command": parameters.to_text(),
        "source": source,
        **({"groups": plain_groups(Hierarchy.from_structure(structure))} if given else {}),
        **({"cell": [*map(float, (*cell.lengths, *cell.angles)), cell.space_group]} if cell else {}),
    }


def read_object(
    name: str, plain: dict[str, Any], parameters: SaveParameters, *, _self: Any
) -> tuple[FrameFile, Iterator[np.ndarray]]:
    """Read an object of ours: what a file is to say, and its frames one by one, shape=(1, n_atoms, 3).

    State 1 of an object of pomnoise, pomalign or pomdenoise is the truth; the states of
    pomsweep and pomsample are frames alone, of which the first only gives the labels.

    Parameters
    ----------
    name : str
    plain : dict
        Its record, of one of `MAKERS`.
    parameters : SaveParameters

    Raises
    ------
    PomodoroError
        If the record is damaged, or the object has no such b as is asked for.
    """
    kind = _KINDS[command_of(plain)]
    record = Record.from_plain(plain) if command_of(plain) == NoiseParameters.command else None
    structure = reading.read_structure(name, title=name, order=record.order if record else "", _self=_self)
    shown = reading.read_values(name, _self=_self)[structure.places]
    structure = record.regrouped(structure) if record else regrouped(structure, _groups(name, plain))
    structure = replace(
        structure, b=_source_b(name, plain, shown, kind.truth), cell=structure.cell or _cell(plain.get("cell"))
    )
    titles = reading.titles(name, _self=_self)
    first = 1 if kind.truth else 0
    n_frames = len(titles) - first
    metric = _metric(name, plain, record, structure, parameters)
    if record:
        header = record.header()
        if plain.get("aligned"):
            header.append("frames: superposed on the true structure by pomalign")
    else:
        header = _header(plain, kind)
    file = FrameFile(
        structure,
        Hierarchy.from_structure(structure),
        n_frames,
        [*header, b_line(metric)],
        titles,
        shown if metric else None,
        _sigma(plain, record, n_frames),
        kind.truth,
    )
    states = range(first + 1, len(titles) + 1)
    return file, (frame[None] for frame in reading.read_frames(name, states, structure, _self=_self))


def _groups(name: str, plain: dict[str, Any]) -> tuple[np.ndarray, np.ndarray] | None:
    try:
        return given_groups(plain)
    except (TypeError, ValueError):
        raise PomodoroError(f"what the session says of {name} is damaged: make it again") from None


def _cell(plain: Any) -> UnitCell | None:
    """Return the unit cell of a record, None where it has none or what it has is not one of ours."""
    if not isinstance(plain, list) or len(plain) != 7:
        return None
    *numbers, group = plain
    if not isinstance(group, str) or not all(isinstance(number, float) and 0 < number < math.inf for number in numbers):
        return None
    a, b, c, alpha, beta, gamma = numbers
    return UnitCell((a, b, c), (alpha, beta, gamma), group)


def _source_b(name: str, plain: dict[str, Any], shown: np.ndarray, coloured: bool) -> np.ndarray:
    """Return b of the source, nan where it is not known; the object's own unless it ``coloured`` the object."""
    try:
        kept = source_b(plain)
    except ValueError:
        raise PomodoroError(f"what the session says of {name} is damaged: make it again") from None
    if kept is not None and len(kept) == len(shown):
        return kept
    return np.full(len(shown), np.nan, np.float32) if coloured else shown.astype(np.float32)


def _metric(
    name: str, plain: dict[str, Any], record: Record | None, structure: Structure, parameters: SaveParameters
) -> str:
    """Return the metric that is to stand in the B column, "" where it is b of the source.

    Raises
    ------
    PomodoroError
        If what is asked for is not there.
    """
    coloured = _KINDS[command_of(plain)].metric
    if parameters.b == "metric" and not coloured:
        raise PomodoroError(f"{name} has no metric, which objects of pomnoise and pommeasure have: use b=source")
    if coloured and parameters.b != "source":
        colors = plain.get("colors")
        shown = colors.get("metric") if isinstance(colors, dict) else ""
        if isinstance(shown, str) and shown in (*METRICS, DIRECTION):
            return shown
        return record.parameters.metric if record else MeasureParameters().metric
    if not np.isfinite(structure.b).all():
        raise PomodoroError(
            f"what b was in the source of {name} is not known, since the session does not say: run pomnoise again"
        )
    return ""


def _header(plain: dict[str, Any], kind: _Kind) -> list[str]:
    """Return the lines of a header for objects of other commands than pomnoise."""
    command, source = plain["command"], plain.get("source")
    states = (
        f"MODEL 0 is the true structure, the others are {kind.states}"
        if kind.truth
        else f"the models are {kind.states}; the true structure is not among them"
    )
    return [states, f"command: {command}", f"structure: {source if isinstance(source, str) else 'not known'}"]


def _sigma(plain: dict[str, Any], record: Record | None, n_frames: int) -> np.ndarray:
    """Return the noise level of each frame, angstrom per coordinate, nan where it is not known."""
    found: list[float] = []
    with suppress(PomodoroError):
        if record:
            aligned = bool(plain.get("aligned"))  # what superposition leaves of the noise is another level
            found = [math.nan if aligned else record.parameters.noise_sigma] * n_frames
        elif command_of(plain) == SweepParameters.command:
            sweep = SweepParameters.from_text(plain["command"])
            found = [sweep.law_of_sigma.sigma(z) for z in sweep.z.values()]
        elif command_of(plain) == SampleParameters.command:
            sample = SampleParameters.from_text(plain["command"])
            found = [sample.settings.sigmas()[step] for step in sample.kept_steps()]
            found *= sample.samples if sample.show == "final" else 1
    return np.array(found if len(found) == n_frames else [math.nan] * n_frames)
