"""Frames into states: each atom where it was computed to be, or nothing."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from ..errors import PomodoroError
from .dressing import dress_steps
from .host import NO_ARRAYS, CmdException, kept_session, muted, own_array
from .loading import StateLoader
from .probe import atoms_in_rows, check_places, elsewhere, numbered_rows, numbers_shown
from .provenance import frame_sum
from .publishing import hide, publish
from .reading import read_state, take_all
from .sources import copy_atoms
from .store import has_atoms


class StateWriter:
    """Writes frames into a draft as states, through a `StateLoader`, and publishes it.

    The rows of PyMOL's memory, which files fill, may stand in another order than the atoms it
    shows, and neither an order nor a label, which can repeat, tells which is which. So the first
    state that is written is a probe, whose x is the number of the row: read back, it tells. Then
    the last frame of each block is compared row by row, where PyMOL's arrays can be read, and what
    PyMOL shows of the first and the last frame of all before the object is published.

    A context manager: the loader's file goes at its end.

    Parameters
    ----------
    name : str
        The draft.
    atom_at_place : ndarray, shape=(n_atoms,)
        Which atom of the frames stands at each place of PyMOL's order: `Structure.atom_at_place`.
    after : int, optional
        The frames take the places of the states after this one; by default they are appended.
    """

    def __init__(self, name: str, atom_at_place: Any, *, after: int | None = None, _self) -> None:
        self.name = name
        self._atom_at_place = atom_at_place
        self._atom_in_row: Any = None
        self._in_order = False
        self._cmd = _self
        self._states = _self.count_states(f"%{name}") if after is None else after
        self._ends: list[tuple[int, Any]] = []
        self._sums: list[int] = []
        self._dressed = False
        self._loader = StateLoader(name, len(atom_at_place), _self=_self)

    def __enter__(self) -> StateWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._loader.close()

    def write(self, frames) -> None:
        """Write frames, a float32 CPU tensor of shape=(n_frames, n_atoms, 3), angstrom.

        Raises
        ------
        PomodoroError
            If the object is gone, or PyMOL did not take the frames.
        """
        import numpy as np

        if self._atom_in_row is None:
            self._load(numbered_rows(len(self._atom_at_place))[None], by_row=True)
            probe = read_state(self.name, self._states + 1, _self=self._cmd)
            self._atom_in_row = atoms_in_rows(self._atom_at_place, probe)
            self._in_order = np.array_equal(self._atom_in_row, np.arange(len(probe)))
        block = frames.numpy()
        self._load(block)
        first, self._states = self._states + 1, self._states + len(block)
        rows = own_array(self._cmd.get_coordset, self.name, self._states, copy=0)
        if rows is not NO_ARRAYS and not self._is_in(rows, block[-1]):
            raise elsewhere(self._states)
        self._sums += map(frame_sum, block)
        # Copies: the memory of a block is used again.
        self._ends = [*(self._ends[:1] or [(first, block[0].copy("K"))]), (self._states, block[-1].copy("K"))]

    def check(self) -> None:
        """Check that the object still has the states that were written, whole.

        Raises
        ------
        PomodoroError
            If it was changed or deleted since.
        """
        whole = {1, self._states}
        if self._count() != self._states or not all(
            has_atoms(self.name, len(self._atom_at_place), state, _self=self._cmd) for state in whole
        ):
            raise self._gone()

    def verify(self) -> None:
        """Check that PyMOL shows each atom where it was computed to be, in the first and the last frame.

        Raises
        ------
        PomodoroError
            If it does not.
        """
        for state, frame in self._ends:
            check_places(self.name, state, frame[self._atom_at_place], _self=self._cmd)

    def dress(self, name: str, source: str, rep: str = "auto", piece: int = 0) -> Generator[None, None, None]:
        """Choose what the draft shows as the output object ``name``, as `dress_steps` does."""
        n_atoms = len(self._atom_at_place)
        yield from dress_steps(self.name, name, source, n_atoms, rep, piece, _self=self._cmd)
        self._dressed = True

    def publish(self, name: str, record: dict[str, Any], source: str) -> str:
        """Make the draft, dressed, the output ``name``, replacing our former one, and hide the source it lies under.

        ``record``, which is kept, is of plain types only, so that a saved session opens anywhere.
        Returns the source, "" where it was hidden already.

        Raises
        ------
        PomodoroError
            If the states are not what was written.
        """
        self.check()
        if not self._dressed:
            take_all(self.dress(name, source))
        self.verify()
        before = range(1, self._states - len(self._sums) + 1)
        sums = [frame_sum(read_state(self.name, state, _self=self._cmd)) for state in before] + self._sums
        made = {"sums": sums, "n_atoms": len(self._atom_at_place)}
        publish(self.name, name, {**record, **made}, _self=self._cmd)
        return hide(source, _self=self._cmd)

    def _gone(self) -> PomodoroError:
        return PomodoroError(
            "PyMOL did not take the noised frames: objects or atoms were changed or deleted during the run"
        )

    def _load(self, frames: Any, by_row: bool = False) -> None:
        """Load frames, shape=(n_frames, n_atoms, 3), float32, as the next states.

        Unlike `write` it leaves it to the next call to go on after them. With ``by_row`` they are in the order of
        the rows of PyMOL's memory already.

        Raises
        ------
        PomodoroError
            If the object is gone, or PyMOL did not take the frames.
        """
        import numpy as np

        def fill(number: int, out: Any) -> None:
            """Fill the rows of PyMOL's memory with a frame."""
            if by_row:
                np.copyto(out, frames[number])
                return
            for axis in range(3):  # frames come coordinate by coordinate
                out[:, axis] = self._in_rows(frames[number], axis)

        with muted(self._cmd):
            taken = self._loader.load(self._states + 1, len(frames), fill)
        if not taken:
            raise self._gone()

    def _in_rows(self, frame: Any, axis: int) -> Any:
        """Return a coordinate of a frame, shape=(n_atoms,), in the order of the rows of PyMOL's memory."""
        import numpy as np

        # Rows that do not exist are nowhere asked for; "raise" would make NumPy copy once more.
        return frame[:, axis] if self._in_order else np.take(frame[:, axis], self._atom_in_row, mode="clip")

    def _is_in(self, rows: Any, frame: Any) -> bool:
        """Tell whether the rows of PyMOL's memory hold a frame."""
        import numpy as np

        same = (np.array_equal(rows[:, axis], self._in_rows(frame, axis)) for axis in range(3))
        return rows.shape == frame.shape and all(same)

    def _count(self) -> int:
        with muted(self._cmd), suppress(CmdException):
            return self._cmd.count_states(f"%{self.name}")
        return 0


@contextmanager
def twin_writers(draft_name: str, structure: Any, count: int, *, _self) -> Iterator[list[StateWriter]]:
    """Yield writers into so many hidden copies of a draft, which go at the end unless they are published.

    Parameters
    ----------
    draft_name : str
        Of one state.
    structure : Structure
        As read from the draft; its atoms are those of the frames.
    count : int

    Raises
    ------
    PomodoroError
        If the draft was changed since it was read.
    """
    import torch

    names: list[str] = []
    with ExitStack() as stack:
        stack.callback(lambda: [_self.delete(name) for name in names if name in _self.get_names("all")])
        # The copies are of a state that tells which atom is which.
        with StateWriter(draft_name, structure.atom_at_place, after=1, _self=_self) as writer:
            writer.write(torch.from_numpy(numbered_rows(len(structure)))[None])
        writers = []
        for _ in range(count):
            names.append(_self.get_unused_name("_pomodoro"))
            with muted(_self), kept_session(_self):
                copy_atoms(names[-1], f"%{draft_name}", 2, 1, _self)
            atom_at_place = numbers_shown(read_state(names[-1], 1, _self=_self), len(structure))
            writers.append(stack.enter_context(StateWriter(names[-1], atom_at_place, after=0, _self=_self)))
        yield writers
