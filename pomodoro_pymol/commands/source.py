"""The structure that a selection means, read for commands that make no object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..viewer import reading, sources

if TYPE_CHECKING:
    from ..structure.atoms import Structure


def read_source(parameters: Any, _self: Any, n_frames: int = 0) -> tuple[sources.Source, Structure]:
    """Read the structure that a selection means, leaving nothing behind, if there is room for draws of it, too."""
    from ..noise.stream import block_bytes
    from ..utils import memory

    source = sources.source_of(parameters, _self=_self)
    if n_frames:
        needed = memory.noise_bytes(source.n_atoms, 1) + block_bytes(source.n_atoms, n_frames)
        memory.require(needed, f"{n_frames} draws of {source.n_atoms} atoms")
    return source, reading.read_source(source, _self=_self)
