"""The states of an object as data: what preconditioning, sampling and training are measured on."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..structure.atoms import Structure
from ..utils import memory
from ..utils.text import counted
from ..viewer import reading, sources


@dataclass(frozen=True, eq=False)
class SourceData:
    """What a run takes from PyMOL: the truth, and the states, shape=(n_states, n_atoms, 3), angstrom."""

    structure: Structure
    states: np.ndarray


def data_steps(
    source: sources.Source,
    alone: bool,
    *,
    needs: Callable[[int, int], int] = memory.ensemble_bytes,
    piece: int = 0,
    _self: Any,
) -> Generator[None, None, SourceData]:
    """Read a structure and the states that its data are measured over, a state at a time.

    Parameters
    ----------
    source : sources.Source
    alone : bool
        Whether the source's own state is all that is needed.
    needs : callable
        Bytes that so many atoms and states need.
    piece : int
        Atoms at a time.

    Raises
    ------
    PomodoroError
        If memory is short, or states differ in their atoms.
    """
    n_states = 1 if alone else _self.count_states(f"%{source.object}")
    memory.require(needs(source.n_atoms, n_states), f"{counted(n_states, 'state')} of {source.n_atoms} atoms")
    if not alone:
        return SourceData(*(yield from reading.ensemble_steps(source, piece=piece, _self=_self)))
    structure = reading.read_source(source, _self=_self)
    return SourceData(structure, structure.coords[None])
