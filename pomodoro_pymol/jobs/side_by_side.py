"""Samples of trained networks side by side, an object for each scheme and scaling, as pomcompare shows schemes."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
import torch

from ..experiments.trained_samples import HELD, SampleQuality
from ..experiments.training import TrainResult
from ..structure.atoms import Structure
from ..viewer import grid, key, publishing
from ..viewer.states import twin_writers
from .saving import record_of


def show_samples(
    result: TrainResult,
    names: Sequence[str],
    draft: str,
    structure: Structure,
    source: str,
    piece: int = 0,
    *,
    _self: Any,
) -> Generator[None, None, None]:
    """Make the samples of the first seed of each scheme and scaling objects, and lay them out; all or none.

    Parameters
    ----------
    result : TrainResult
        With samples.
    names : sequence of str
        Of the objects, one for each scheme and scaling.
    draft : str
        A hidden copy of the source, of one state.
    structure : Structure
        As read from the draft.
    source : str
    piece : int
        Atoms at a time.
    """
    cmd = _self
    qualities = _first_of_each(result)
    record = record_of(result.parameters, source, structure)
    before = grid.scene_before(_self=cmd)
    place = torch.from_numpy(structure.coords.astype(np.float64).mean(0)).float()
    with grid.replaced(_self=cmd), twin_writers(draft, structure, len(names), _self=cmd) as writers:
        for name, writer, quality in zip(names, writers, qualities):
            assert quality.coords is not None
            writer.write((quality.coords + place).mT.contiguous().mT)
            publishing.set_titles(writer.name, _titles(quality), _self=cmd)
            yield
            yield from writer.dress(name, source, piece=piece)
        for writer in writers:
            writer.verify()
        for name, writer in zip(names, writers):
            writer.publish(name, record, source)
        grid.lay_out([[name] for name in names], [], _self=cmd)
        cmd.frame(1)
        grid.look_at(names, _self=cmd)
        labels = [
            key.show_label(name, "\n".join(_title(quality)), number, _self=cmd)
            for number, (name, quality) in enumerate(zip(names, qualities), 1)
        ]
        grid.remember(names, labels, before, _self=cmd)


def _first_of_each(result: TrainResult) -> list[SampleQuality]:
    found: dict[str, SampleQuality] = {}
    for quality in result.samples:
        if quality.name != HELD:
            found.setdefault(quality.name, quality)
    return list(found.values())


def _titles(quality: SampleQuality) -> list[str]:
    """Return the titles of the states of an object."""
    distances = np.sqrt((quality.distance**2).sum(1))
    return [
        f"sample {number} of {quality.name}: nearest training state {state + 1} at {distance:.3g} A per coordinate"
        for number, (state, distance) in enumerate(zip(quality.nearest.tolist(), distances), 1)
    ]


def _title(quality: SampleQuality) -> list[str]:
    """Return the lines of a cell: whose samples, and how far they are from what was trained on."""
    _, residue, atom = np.sqrt((quality.distance**2).mean(0))
    return [quality.name, f"residues {residue:.2f}, atoms {atom:.2f} A per coordinate off"]
