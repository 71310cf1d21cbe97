"""The structure that a selection means, read for commands that make no object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..utils.text import counted
from ..viewer import reading, sources

if TYPE_CHECKING:
    import numpy as np

    from ..parameters.catalogue import PrecondParameters, SignalParameters
    from ..structure.atoms import Structure


def read_source(selection: str, state: int, _self: Any, n_frames: int = 0) -> tuple[sources.Source, Structure]:
    """Read the structure that a selection means, leaving nothing behind, if there is room for draws of it, too."""
    from ..noise.stream import block_bytes
    from ..utils import memory

    source = sources.resolve_source(selection, state, _self=_self)
    if n_frames:
        needed = memory.noise_bytes(source.n_atoms, 1) + block_bytes(source.n_atoms, n_frames)
        memory.require(needed, f"{n_frames} draws of {source.n_atoms} atoms")
    return source, reading.read_source(source, _self=_self)


def read_data(
    parameters: PrecondParameters | SignalParameters, _self: Any
) -> tuple[sources.Source, Structure, np.ndarray]:
    """Read a structure and the states that its data are measured over: its own alone where they are given."""
    from ..utils import memory

    source = sources.resolve_source(parameters.selection, parameters.state, _self=_self)
    n_states = 1 if parameters.data else _self.count_states(f"%{source.object}")
    memory.require(
        memory.ensemble_bytes(source.n_atoms, n_states), f"{counted(n_states, 'state')} of {source.n_atoms} atoms"
    )
    if parameters.data:
        structure = reading.read_source(source, _self=_self)
        return source, structure, structure.coords[None]
    structure, states = reading.read_ensemble(source, _self=_self)
    return source, structure, states
