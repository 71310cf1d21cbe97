"""Colouring our objects in PyMOL, and finding the one that is meant."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..color.palettes import DIRECTION_TITLE, DIRECTIONS
from ..errors import PomodoroError
from ..experiments.coloring import Coloring, choose_colors
from ..experiments.record import Record, digest
from ..noise.metrics import DIRECTION, METRICS
from ..parameters.catalogue import ColorParameters, NoiseParameters
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy
from ..viewer import companion, grid, key, publishing, reading, store
from .direction import direction_steps


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
    coloring = reading.finish(color_steps(name, structure, hierarchy, record, choice, 0, _self))
    return reading.finish(
        finish_steps(name, structure, hierarchy, coloring, choice.metric, record.parameters.rep, 0, _self)
    )


def find_ours(
    name: str, makers: Sequence[str] = (NoiseParameters.command,), *, _self: Any
) -> tuple[str, dict[str, Any]]:
    """Return the object that is meant among those that some commands made, and its record.

    By default with noised frames, of pomnoise or pomalign.

    Raises
    ------
    PomodoroError
        If there is none, or several and none is named.
    """
    ours = [other for other in store.our_objects(_self=_self) if _is_of(other, makers, _self)]
    compared = grid.members(_self=_self)
    ours = [other for other in ours if other not in compared] or ours
    if not name and len(ours) == 1:
        name = ours[0]
    name = store.spelling(name, _self=_self) or name
    record = store.get_record(name, _self=_self)
    if record is None or not _is_of(name, makers, _self):
        *others, last = makers
        by = f"{', '.join(others)} or {last}" if others else last
        what = f"{name!r} was not made by {by}" if name else f"{by} has made {len(ours) or 'no'} objects here"
        right = f"name one of: {', '.join(ours)}" if ours else f"run {makers[0]} first"
        raise PomodoroError(f"{what}: {right}")
    return name, record


def _is_of(name: str, makers: Sequence[str], _self: Any) -> bool:
    """Tell an object of some commands from one of the others."""
    record = store.get_record(name, _self=_self)
    return record is not None and store.command_of(record) in makers


def color_steps(
    name: str,
    structure: Structure,
    hierarchy: Hierarchy,
    record: Record,
    choice: NoiseParameters | ColorParameters,
    piece: int,
    _self: Any,
) -> Generator[None, None, Coloring]:
    """Colour an object by the chosen metric and set its b; return how, but for the key."""
    coloring = choose_colors(structure, hierarchy, record, choice)
    residue_at_place = hierarchy.atom_to_residue.numpy()[structure.atom_at_place]
    yield
    colors = coloring.scale.rgb(coloring.values)[residue_at_place].tolist()
    yield
    numbers = np.nan_to_num(coloring.values)[residue_at_place].tolist()
    yield
    yield from publishing.paint_steps(name, colors, numbers, piece, _self=_self)
    return coloring


def finish_steps(
    name: str,
    structure: Structure,
    hierarchy: Hierarchy,
    coloring: Coloring,
    metric: str,
    rep: str,
    piece: int,
    _self: Any,
) -> Generator[None, None, Coloring]:
    """Give our coloured object ``name`` its key; for directions, a companion that shows them in its place.

    Another metric takes a companion away.
    """
    plain = {"metric": metric, **coloring.scale.to_plain()}
    if metric == DIRECTION:
        directions = yield from direction_steps(name, structure, hierarchy, rep, piece, _self)
        shown = key.show_swatches(name, DIRECTIONS, DIRECTION_TITLE, plain, _self=_self)
        _self.enable(directions.name)
        hidden = f"\n hidden: {name}; enable {name} shows its frames" if publishing.hide(name, _self=_self) else ""
        return replace(coloring, key=shown, directions=directions.shares, instead=f"{directions.report()}{hidden}")
    if companion.companion_of(name, _self=_self):
        companion.forget_companion(name, _self=_self)
        _self.enable(name)
    meant = METRICS[metric]
    title = f"{meant.label}, {meant.unit}" if meant.unit else meant.label
    return replace(coloring, key=key.show_key(name, coloring.scale.stops(), title, plain, _self=_self))
