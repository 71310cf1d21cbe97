"""Runs in PyMOL, in steps that are short enough for a window to stay alive between them.

Structure -> hierarchy -> noise -> frames -> statistics -> states and colours: a command
takes all steps at once, the panel one at each turn of its event loop, with the noise drawn
in a thread of its own. Everything else here touches PyMOL and belongs on its thread.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from . import memory, viewer
from .catalogue import ColorParameters, NoiseParameters
from .colors import ColorScale
from .errors import PomodoroError
from .hierarchy import Hierarchy
from .lab import NoiseResult, run_noise
from .levels import expected_residues
from .metrics import METRICS
from .noise import block_bytes, resolve_device
from .records import Record, digest
from .structure import Structure

#: Told how much is done and how much there is to do.
Tell = Callable[..., None]


@dataclass(frozen=True)
class Coloring:
    """How an object was coloured.

    Attributes
    ----------
    metric : str
        A name in ``METRICS``.
    scale : ColorScale
    expected : tuple of float or None
        Least and largest expected value of the metric.
    key : str
        Object that shows the colours in the viewport.
    """

    metric: str
    scale: ColorScale
    expected: tuple[float, float] | None
    key: str

    def report(self) -> str:
        """Return the lines that the command prints."""
        metric = METRICS[self.metric]
        expected = f"{self.expected[0]:.3g} .. {self.expected[1]:.3g}" if self.expected else "n/a"
        return (
            f" colour: {self.metric} = {metric.label}\n"
            f"         {self.scale.low:.3g} .. {self.scale.high:.3g} {metric.unit}".rstrip()
            + f", expected {expected}, {self.scale.palette}, key {self.key}"
        )


class NoiseRun:
    """A run of pomnoise: `prepare`, `work`, which alone may run in another thread, `finish`.

    A context manager; whatever is left undone at its end leaves PyMOL as it was.

    Attributes
    ----------
    line : str
        The command that repeats it.
    total : int
        How many frames `work` tells of.

    Parameters
    ----------
    parameters : NoiseParameters

    Raises
    ------
    PomodoroError
        If the device is absent, the selection does not mean atoms of one object, the output
        would take the place of something else, or memory does not suffice.
    """

    def __init__(self, parameters: NoiseParameters, *, _self: Any) -> None:
        resolve_device(parameters.device)
        self.line = parameters.to_text()
        self.total = parameters.frames
        self._self = _self
        self._open = ExitStack()
        self.source = viewer.resolve_source(parameters.selection, parameters.state, _self=_self)
        self.name = parameters.name or f"{self.source.object}_noise"
        viewer.check_output(self.name, self.source, _self=_self)
        self.parameters = replace(parameters, selection=self.source.selection, state=self.source.state).spelt_out()
        memory.require(
            memory.noise_bytes(self.source.n_atoms, parameters.frames + 1)
            + block_bytes(self.source.n_atoms, parameters.frames),
            f"{parameters.frames} frames of {self.source.n_atoms} atoms",
        )

    def __enter__(self) -> NoiseRun:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def prepare(self, piece: int = 0) -> Generator[None, None, Structure]:
        """Copy and read the source, ``piece`` atoms at a time; return its structure."""
        cmd = self._self
        self._draft = self._open.enter_context(viewer.draft(self.source, self.name, _self=cmd))
        yield
        structure = yield from viewer.draft_steps(self.source, self._draft, piece=piece, _self=cmd)
        self._writer = self._open.enter_context(viewer.StateWriter(self._draft, structure.atom_at_place, _self=cmd))
        return structure

    def work(self, structure: Structure, write: Callable[[Any], None], tell: Tell) -> NoiseResult:
        """Draw the noise and hand it to ``write``, which must call `write` on PyMOL's thread."""
        return replace(run_noise(structure, self.parameters, write, tell), name=self.name)

    def write(self, frames: Any) -> None:
        """Append frames, shape=(n_frames, n_atoms, 3), angstrom, as states."""
        self._writer.write(frames)

    def check(self) -> None:
        """Nothing to check: `write` does."""

    def finish(self, result: NoiseResult, piece: int = 0) -> Generator[None, None, Coloring]:
        """Title, colour, so many atoms at a time, and publish the object; return how it was coloured."""
        self._writer.check()
        viewer.set_titles(self._draft, result.titles(), _self=self._self)
        record = result.record()
        yield
        painting = _paint(self._draft, result.structure, result.hierarchy, record, self.parameters, piece, self._self)
        while True:  # the window lives between the steps
            self._writer.check()
            try:
                next(painting)
            except StopIteration as end:
                scale, closed = end.value
                break
            yield
        self._writer.publish(self.name, record.to_plain())
        yield
        key = _show_key(self.name, self.parameters.metric, scale, self._self)
        return Coloring(self.parameters.metric, scale, closed, key)

    def report(self, result: NoiseResult, coloring: Coloring) -> str:
        """Return what the command prints."""
        return (
            f" pomnoise: {self.source.object} -> {self.name}: {result.hierarchy}, {self.parameters.frames + 1} states\n"
            f"{result.report()}\n{coloring.report()}"
        )


def color(parameters: ColorParameters, *, _self: Any) -> tuple[str, Coloring]:
    """Colour an object that pomnoise made; return its name and how.

    Raises
    ------
    PomodoroError
        If there is no such object, or it was edited since.
    """
    name, plain = find_ours(parameters.object, _self=_self)
    record = Record.from_plain(plain)
    structure = viewer.read_structure(name, order=record.order, _self=_self)
    hierarchy = Hierarchy.from_structure(structure)
    if record.digest != digest(structure, hierarchy) or len(record.residues.atom) != hierarchy.n_residues:
        raise PomodoroError(f"{name} was edited after pomnoise made it: run pomnoise again")
    return name, recolor(name, structure, hierarchy, record, parameters, _self=_self)


def recolor(
    name: str,
    structure: Structure,
    hierarchy: Hierarchy,
    record: Record,
    choice: NoiseParameters | ColorParameters,
    *,
    _self: Any,
) -> Coloring:
    """Colour our object ``name`` by the metric, palette and range of ``choice``."""
    scale, closed = viewer.finish(_paint(name, structure, hierarchy, record, choice, 0, _self))
    return Coloring(choice.metric, scale, closed, _show_key(name, choice.metric, scale, _self))


def find_ours(name: str, *, _self: Any) -> tuple[str, dict[str, Any]]:
    """Return the object with noised frames that is meant, and its record.

    Raises
    ------
    PomodoroError
        If there is none, or several and none is named.
    """
    ours = [other for other in viewer.our_objects(_self=_self) if _has_frames(other, _self)]
    if not name and len(ours) == 1:
        name = ours[0]
    name = viewer.spelling(name, _self=_self) or name
    record = viewer.get_record(name, _self=_self)
    if record is None or not _has_frames(name, _self):
        what = f"{name!r} was not made by pomnoise" if name else f"pomnoise has made {len(ours) or 'no'} objects here"
        right = f"name one of: {', '.join(ours)}" if ours else "run pomnoise first"
        raise PomodoroError(f"{what}: {right}")
    return name, record


def _has_frames(name: str, _self: Any) -> bool:
    """Tell an object of pomnoise or pomalign from one of the other commands."""
    record = viewer.get_record(name, _self=_self)
    return record is not None and viewer.command_of(record) == NoiseParameters.command


def _paint(
    name: str,
    structure: Structure,
    hierarchy: Hierarchy,
    record: Record,
    choice: NoiseParameters | ColorParameters,
    piece: int,
    _self: Any,
) -> Generator[None, None, tuple[ColorScale, tuple[float, float] | None]]:
    """Colour an object by the chosen metric and set its b; return the scale and the range expected."""
    measured = record.residues
    expected = expected_residues(hierarchy, record.parameters.weights, record.parameters.noise_sigma)
    metric = METRICS[choice.metric]
    with np.errstate(divide="ignore", invalid="ignore"):
        values, closed = metric.compute(measured, expected), metric.compute(expected, expected)
    scale = ColorScale.over(choice.palette, values, choice.range)
    residue_at_place = hierarchy.atom_to_residue.numpy()[structure.atom_at_place]
    yield
    colors = scale.rgb(values)[residue_at_place].tolist()
    yield
    numbers = np.nan_to_num(values)[residue_at_place].tolist()
    yield
    yield from viewer.paint_steps(name, colors, numbers, piece, _self=_self)
    finite = closed[np.isfinite(closed)]
    return scale, (float(finite.min()), float(finite.max())) if len(finite) else None


def _show_key(name: str, metric: str, scale: ColorScale, _self: Any) -> str:
    return viewer.show_key(name, scale.stops(), {"metric": metric, **scale.to_plain()}, _self=_self)
