"""Colouring the frames of an object of ours by where each atom moves in each."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..color.direction import ColorShares, ShareSums, direction_colors, unit_displacements
from ..color.scale import UNDEFINED
from ..errors import PomodoroError
from ..experiments.record import digest
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy
from ..structure.moving import Moving, moving_part
from ..utils import memory
from ..viewer import companion, reading, store

#: A companion of more is of one frame alone: each atom takes as much room in every state as a new one.
MOST_ATOM_STATES = 2_000_000
# Below this the colours of a frame are one colour: PyMOL keeps no more of the displacements.
_ONE_COLOR = 1e-6
# Coordinates worked on at once.
_ATOM_FRAMES = 200_000


@dataclass(frozen=True)
class Directions:
    """How the frames of an object were coloured by direction.

    Attributes
    ----------
    name : str
        The companion that wears the colours.
    shares : ColorShares
        Over all frames, of the atoms that move.
    frame : int or None
        The one frame that the companion shows in every state; None where it has them all.
    n_frames : int
    """

    name: str
    shares: ColorShares
    frame: int | None
    n_frames: int

    def report(self) -> str:
        """Return the lines that the command prints."""
        shown = "follows the frame" if self.frame is None else "does not follow the frame"
        lines = [
            " colour: direction = where an atom moves in a frame, from its place in the truth: red x, green y, blue z",
            f"         {self.name} shows it on the truth and {shown}",
        ]
        if self.frame is not None:
            lines.append(
                f"         too many atoms for all {self.n_frames} frames: it shows frame {self.frame} in every state"
            )
        shares = self.shares
        if shares.total < _ONE_COLOR:
            lines.append("         all atoms of a frame have one colour: they move together")
        else:
            lines += [
                f"         variance of the colours over a frame's atoms: {shares.total:.2g} of at most 0.25, of it",
                f"         {100 * shares.within_residues:3.0f} % within residues: each atom goes its own way",
                f"         {100 * shares.of_residues:3.0f} % between residues of a chain: residues move as blocks",
                f"         {100 * shares.of_chains:3.0f} % between chains: chains move as wholes",
            ]
        return "\n".join(lines)


def directed_states(n_atoms: int, n_states: int) -> int:
    """Return how many states the companion has of an object with so many: as many, or one."""
    return n_states if n_atoms * n_states <= MOST_ATOM_STATES else 1


def direction_steps(
    name: str, structure: Structure, hierarchy: Hierarchy, rep: str, piece: int, _self: Any
) -> Generator[None, None, Directions]:
    """Colour the frames of our object ``name`` by direction, yielding now and then; return how.

    The frames are read from PyMOL, so that the colours are of what is shown. They are those of a
    companion object, which is made, or painted anew where it is there.

    Parameters
    ----------
    name : str
        An object of pomnoise or pomalign: its first state is the truth.
    structure : Structure
        As read from the object.
    hierarchy : Hierarchy
    rep : str
        What a companion that is made anew shows, as in `companion.companion_steps`.
    piece : int
        So many atoms at a time where it can be; 0 is all at once.

    Raises
    ------
    PomodoroError
        If the object is changed on the way or has no frames, or memory does not suffice.
    """
    if reading.count_atoms(f"%{name}", _self=_self) != len(structure):
        raise PomodoroError(f"{name} was changed or deleted during the run")
    titles = reading.titles(name, _self=_self)
    n_frames, n_atoms = len(titles) - 1, len(structure)
    if n_frames < 1:
        raise PomodoroError(f"{name} has no frames: run pomnoise again")
    n_states = directed_states(n_atoms, n_frames + 1)
    frame = None if n_states > 1 else max(1, store.current_state(name, _self) - 1)
    memory.require(memory.direction_bytes(n_atoms, n_states), f"{n_states} times {n_atoms} atoms with colours")
    colors = np.full((n_states, n_atoms), UNDEFINED)
    lengths = np.zeros((n_states, n_atoms))
    blocks = _blocks(name, structure, n_frames + 1, frame is None, _self)
    truth = next(blocks)[0]
    part = moving_part(structure, hierarchy)
    shares = yield from _fill_directions(colors, lengths, blocks, truth, frame, part)
    numbers = range(n_frames + 1) if frame is None else (frame,)
    painting = companion.companion_steps(
        name,
        structure.atom_at_place,
        truth,
        [_title(number, n_frames, titles[number]) for number in numbers],
        colors,
        lengths,
        {"digest": digest(structure, hierarchy)},
        rep,
        piece,
        _self,
    )
    made = yield from painting
    return Directions(made, shares, frame, n_frames)


def _fill_directions(
    colors: np.ndarray,
    lengths: np.ndarray,
    blocks: Iterator[np.ndarray],
    truth: np.ndarray,
    frame: int | None,
    part: Moving,
) -> Generator[None, None, ColorShares]:
    """Fill in colours and lengths of the displacements of all frames, or of one; return the shares over all frames."""
    sums, number = ShareSums(part.hierarchy), 1
    for block in blocks:
        displacements = np.subtract(block, truth, dtype=np.float64)
        units = unit_displacements(displacements)
        sums.add(units if part.atoms is None else units[:, part.atoms])
        if frame in (None, number):
            rows = slice(number, number + len(block)) if frame is None else 0
            colors[rows] = direction_colors(units)
            lengths[rows] = np.nan_to_num(np.linalg.norm(displacements, axis=-1))
        number += len(block)
        yield
    return sums.shares()


def _blocks(name: str, structure: Structure, n_states: int, whole: bool, _self: Any) -> Iterator[np.ndarray]:
    """Yield the states of an object, each block of shape=(n, n_atoms, 3), float32, angstrom; the first state alone."""
    if whole:
        states = reading.read_all(name, structure, _self=_self)
        count = max(1, _ATOM_FRAMES // len(structure))
        yield states[:1]
        yield from (states[start : start + count] for start in range(1, len(states), count))
    else:
        for frame in reading.read_frames(name, range(1, n_states + 1), structure, _self=_self):
            yield frame[None]


def _title(number: int, n_frames: int, title: str) -> str:
    return f"direction of frame {number}/{n_frames}: {title}" if number else f"direction: none, {title}"
