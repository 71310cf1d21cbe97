"""Colouring our objects in PyMOL, and finding the one that is meant."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..color.scale import ColorScale
from ..errors import PomodoroError
from ..experiments.record import Record, digest
from ..noise.expected import expected_residues
from ..noise.metrics import METRICS, metric_values
from ..parameters.catalogue import ColorParameters, NoiseParameters
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy
from ..viewer import key, publishing, reading, store


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


def color(parameters: ColorParameters, *, _self: Any) -> tuple[str, Coloring]:
    """Colour an object that pomnoise made; return its name and how.

    Raises
    ------
    PomodoroError
        If there is no such object, or it was edited since.
    """
    name, plain = find_ours(parameters.object, _self=_self)
    record = Record.from_plain(plain)
    structure = reading.read_structure(name, order=record.order, _self=_self)
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
    scale, closed = reading.finish(color_steps(name, structure, hierarchy, record, choice, 0, _self))
    return Coloring(choice.metric, scale, closed, show_scale(name, choice.metric, scale, _self))


def find_ours(name: str, *, _self: Any) -> tuple[str, dict[str, Any]]:
    """Return the object with noised frames that is meant, and its record.

    Raises
    ------
    PomodoroError
        If there is none, or several and none is named.
    """
    ours = [other for other in store.our_objects(_self=_self) if _has_frames(other, _self)]
    if not name and len(ours) == 1:
        name = ours[0]
    name = store.spelling(name, _self=_self) or name
    record = store.get_record(name, _self=_self)
    if record is None or not _has_frames(name, _self):
        what = f"{name!r} was not made by pomnoise" if name else f"pomnoise has made {len(ours) or 'no'} objects here"
        right = f"name one of: {', '.join(ours)}" if ours else "run pomnoise first"
        raise PomodoroError(f"{what}: {right}")
    return name, record


def _has_frames(name: str, _self: Any) -> bool:
    """Tell an object of pomnoise or pomalign from one of the other commands."""
    record = store.get_record(name, _self=_self)
    return record is not None and store.command_of(record) == NoiseParameters.command


def color_steps(
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
    values, closed = (metric_values(choice.metric, side, expected, hierarchy) for side in (measured, expected))
    span = (choice.range.low, choice.range.high) if choice.range else None
    scale = ColorScale.over(choice.palette, values, span)
    residue_at_place = hierarchy.atom_to_residue.numpy()[structure.atom_at_place]
    yield
    colors = scale.rgb(values)[residue_at_place].tolist()
    yield
    numbers = np.nan_to_num(values)[residue_at_place].tolist()
    yield
    yield from publishing.paint_steps(name, colors, numbers, piece, _self=_self)
    finite = closed[np.isfinite(closed)]
    return scale, (float(finite.min()), float(finite.max())) if len(finite) else None


def show_scale(name: str, metric: str, scale: ColorScale, _self: Any) -> str:
    """Draw the colour key of our object ``name``; return the name of the key's object."""
    meant = METRICS[metric]
    title = f"{meant.label}, {meant.unit}" if meant.unit else meant.label
    return key.show_key(name, scale.stops(), title, {"metric": metric, **scale.to_plain()}, _self=_self)
