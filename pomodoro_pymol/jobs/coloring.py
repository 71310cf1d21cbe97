"""Colouring our objects in PyMOL, and finding the one that is meant."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import numpy as np

from .. import __version__
from ..color.palettes import DIRECTION_TITLE, DIRECTIONS
from ..errors import PomodoroError
from ..experiments.coloring import Coloring, choose_colors
from ..experiments.record import Record, digest
from ..noise.metrics import DIRECTION, METRICS
from ..parameters.catalogue import ColorParameters, NoiseParameters
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy
from ..structure.moving import moving_part
from ..viewer import companion, key, publishing, reading
from .direction import direction_steps
from .ours import find_ours, read_ours


def color(parameters: ColorParameters, *, _self: Any) -> tuple[str, Coloring]:
    """Colour an object that pomnoise made; return its name and how.

    Raises
    ------
    PomodoroError
        If there is no such object, or it was edited since.
    """
    name, plain = find_ours(parameters.object, _self=_self)
    record = Record.from_plain(plain)
    structure = read_ours(name, record, _self=_self)
    hierarchy = Hierarchy.from_structure(structure)
    n_residues = moving_part(structure, hierarchy).hierarchy.n_residues
    if record.digest != digest(structure, hierarchy) or len(record.residues.atom) != n_residues:
        older = (
            "" if __version__ in record.versions else ", or made by a version with another rule for residues and chains"
        )
        raise PomodoroError(f"{name} was edited after pomnoise made it{older}: run pomnoise again")
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
    coloring = choose_colors(structure, hierarchy, record, choice)
    reading.take_all(color_steps(name, structure, hierarchy, coloring, 0, _self))
    publishing.redraw_colors(name, _self=_self)
    rep = record.parameters.rep
    return reading.take_all(key_steps(name, structure, hierarchy, coloring, choice.metric, rep, 0, _self))


def color_steps(
    name: str, structure: Structure, hierarchy: Hierarchy, coloring: Coloring, piece: int, _self: Any
) -> Generator[None, None, None]:
    """Colour the residues of an object and set its b, ``piece`` atoms at a time."""
    residue_at_place = hierarchy.atom_to_residue.numpy()[structure.atom_at_place]
    yield
    colors = coloring.scale.rgb(coloring.values)[residue_at_place].tolist()
    yield
    numbers = np.nan_to_num(coloring.values)[residue_at_place].tolist()
    yield
    yield from publishing.paint_steps(name, colors, numbers, piece, _self=_self)


def key_steps(
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
    if metric == DIRECTION:
        plain = {"metric": metric, **coloring.scale.to_plain()}
        directions = yield from direction_steps(name, structure, hierarchy, rep, piece, _self)
        shown = key.show_swatches(name, DIRECTIONS, DIRECTION_TITLE, plain, _self=_self)
        _self.enable(directions.name)
        hidden = f"\n hidden: {name}; enable {name} shows its frames" if publishing.hide(name, _self=_self) else ""
        return replace(coloring, key=shown, directions=directions.shares, instead=f"{directions.report()}{hidden}")
    if companion.companion_of(name, _self=_self):
        companion.forget_companion(name, _self=_self)
        _self.enable(name)
    return keyed(name, coloring, _self=_self)


def keyed(name: str, coloring: Coloring, *, _self: Any) -> Coloring:
    """Give our object ``name``, which is coloured by residue, its key."""
    metric = METRICS[coloring.metric]
    title = f"{metric.label}, {metric.unit}" if metric.unit else metric.label
    plain = {"metric": coloring.metric, **coloring.scale.to_plain()}
    return replace(coloring, key=key.show_key(name, coloring.scale.stops(), title, plain, _self=_self))
