"""What the runs of commands in PyMOL have in common: their steps, and the structure and states that they read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import PomodoroError
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy
from ..structure.input_notes import input_notes
from ..utils import memory
from ..utils.text import counted
from ..viewer import reading, sources

#: Told how much is done, how much there is to do, and perhaps what came of a step.
Tell = Callable[..., None]


class Run(ABC):
    """A command in PyMOL: `prepare`, `work`, which alone may run in another thread, `finish`, `report`.

    `prepare` and `finish` go in steps that are short enough for a window to stay alive between them: a command
    takes all at once, the panel one at each turn of its event loop. A context manager; whatever is left undone
    at its end leaves PyMOL as it was.

    Attributes
    ----------
    line : str
        The command that repeats it.
    source : sources.Source
        The atoms that it is of.
    total : int
        How much `work` tells of: 1 where it is one step.
    hidden : str
        The source, if the run hid it in the end.
    hand_over : callable
        Called by `work` with a function that touches PyMOL and what it takes; it calls the function at once,
        unless who lets `work` run in another thread puts another in its place.

    Raises
    ------
    PomodoroError
        If the selection does not mean atoms of one object.
    """

    total = 1
    hidden = ""

    def __init__(self, parameters: Any, *, _self: Any) -> None:
        self.line = parameters.to_text()
        self.source = sources.source_of(parameters, _self=_self)
        self.hand_over: Callable[[Callable[[Any], None], Any], None] = lambda act, frames: act(frames)
        self._self = _self
        self._open = ExitStack()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def complete(self, tell: Tell, quiet: bool) -> tuple[Any, Any]:
        """Take all steps at once, and print the report unless ``quiet``; return the result, and what was made of it."""

        def told(*step: Any) -> None:
            self.check()
            tell(*step)

        with self:
            result = self.work(reading.take_all(self.prepare()), told)
            made = reading.take_all(self.finish(result))
        if not quiet:
            print(self.report(result, made))
        return result, made

    @abstractmethod
    def prepare(self, piece: int = 0) -> Generator[None, None, Any]:
        """Read what is needed, ``piece`` atoms at a time, 0 for all at once; return what `work` takes."""

    @abstractmethod
    def work(self, prepared: Any, tell: Tell) -> Any:
        """Compute, and return the result; ``tell`` may end the run by raising."""

    def check(self) -> None:
        """Check, on PyMOL's thread, once `work` has told of a step, that what `finish` needs is still there."""
        return  # by default nothing is needed

    @abstractmethod
    def finish(self, result: Any, piece: int = 0) -> Generator[None, None, Any]:
        """Publish the result, ``piece`` atoms at a time; return what was made, if `report` tells of it."""

    @abstractmethod
    def report(self, result: Any, made: Any) -> str:
        """Return what the command prints."""

    def _read_copy(self, name: str, piece: int, like: Structure | None = None) -> Generator[None, None, Structure]:
        """Make a hidden copy of the source, `_draft`, of which the object ``name`` is to be, and read it.

        Raises
        ------
        PomodoroError
            If the copy does not have the coordinates of ``like``, which is the source as it was read before.
        """
        self._draft = self._open.enter_context(sources.draft(self.source, name, _self=self._self))
        yield
        order = "" if like is None else like.order
        structure = yield from reading.draft_steps(self.source, self._draft, piece=piece, order=order, _self=self._self)
        if like is not None and not np.array_equal(structure.coords, like.coords):
            raise PomodoroError(f"{self.source.object} was changed while it was read")
        return structure


def note_lines(structure: Structure, hierarchy: Hierarchy, more: Iterable[str] = ()) -> str:
    """Return what is to be told of a structure, and more, as lines of a report."""
    return "".join(f" note: {note}\n" for note in [*input_notes(structure, hierarchy), *more])


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
