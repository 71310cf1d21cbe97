"""Frames into states: each atom where it was computed to be, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from ..errors import PomodoroError
from ..io.disk import temporary_folder
from .drawing import draw_all, draw_shown, heal
from .dressing import dress_steps
from .host import NO_ARRAYS, CmdException, c_stdout_muted, kept_drawing, kept_session, muted, own_array
from .provenance import frame_sum
from .publishing import hide, publish
from .reading import finish, read_state
from .sources import copy_atoms
from .store import all_records, current_state


class StateWriter:
    """Writes frames into a draft as states, through binary DCD files, and publishes it.

    The rows of PyMOL's memory, which files fill, may stand in another order than the atoms it
    shows, and neither an order nor a label, which can repeat, tells which is which. So the first
    state that is written is a probe, whose x is the number of the row: read back, it tells. Then
    the last frame of each block is compared row by row, where PyMOL's arrays can be read, and what
    PyMOL shows of the first and the last frame of all before the object is published.

    Where PyMOL has no reader for the files, or the disk no room, frames go through
    ``load_coordset``. A context manager: the temporary folder goes at its end.

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
        self._cmd = _self
        self._states = _self.count_states(f"%{name}") if after is None else after
        self._ends: list[tuple[int, Any]] = []
        self._sums: list[int] = []
        self._dressed = False
        self._open = ExitStack()
        self._folder: Path | None = None
        with suppress(OSError):
            self._folder = self._open.enter_context(temporary_folder("pomodoro-"))

    def __enter__(self) -> StateWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def write(self, frames) -> None:
        """Write frames, a float32 CPU tensor of shape=(n_frames, n_atoms, 3), angstrom.

        Raises
        ------
        PomodoroError
            If the object is gone, or PyMOL did not take the frames.
        """
        import numpy as np

        if self._atom_in_row is None:
            self.load(_numbered_rows(len(self._atom_at_place))[None])
            probe = read_state(self.name, self._states + 1, _self=self._cmd)
            self._atom_in_row = _atom_in_row(self._atom_at_place, probe)
        block = frames.numpy()
        self.load(block, self._atom_in_row)
        first, self._states = self._states + 1, self._states + len(block)
        rows = own_array(self._cmd.get_coordset, self.name, self._states, copy=0)
        if rows is not NO_ARRAYS and not np.array_equal(rows, block[-1][self._atom_in_row]):
            raise _elsewhere(self._states)
        self._sums += map(frame_sum, block)
        # Copies: the memory of a block is used again.
        self._ends = [*(self._ends[:1] or [(first, block[0].copy())]), (self._states, block[-1].copy())]

    def check(self) -> None:
        """Check that the object still has the states that were written, whole.

        Raises
        ------
        PomodoroError
            If it was changed or deleted since.
        """
        with muted(self._cmd), suppress(CmdException):
            if (self._count(), self._cmd.count_atoms(f"%{self.name}")) == (self._states, len(self._atom_at_place)):
                return
        raise self._gone()

    def verify(self) -> None:
        """Check that PyMOL shows each atom where it was computed to be, in the first and the last frame.

        Raises
        ------
        PomodoroError
            If it does not.
        """
        for state, frame in self._ends:
            _check_places(self.name, state, frame[self._atom_at_place], _self=self._cmd)

    def dress(self, name: str, source: str, rep: str = "auto", piece: int = 0) -> Generator[None, None, None]:
        """Choose what the draft shows as the output object ``name``, as `dress_steps` does."""
        yield from dress_steps(self.name, name, source, rep, piece, _self=self._cmd)
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
            finish(self.dress(name, source))
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

    def load(self, frames: Any, atom_in_row: Any = None) -> None:
        """Load frames, shape=(n_frames, n_atoms, 3), float32, as the next states.

        Unlike `write` it leaves it to the next call to go on after them. The rows of PyMOL's memory
        are filled with the atoms that ``atom_in_row`` says, by default in the same order.

        Raises
        ------
        PomodoroError
            If the object is gone, or PyMOL did not take the frames.
        """
        wanted = self._states + len(frames)
        if not self._write_dcd(frames, atom_in_row, wanted) and not self._write_coordsets(frames, atom_in_row, wanted):
            raise self._gone()

    def _write_dcd(self, frames: Any, atom_in_row: Any, wanted: int) -> bool:
        from ..io.dcd import write_dcd

        if self._folder is None:
            return False
        path = self._folder / "frames.dcd"
        try:
            write_dcd(path, frames, atom_in_row)
            with kept_drawing(self._cmd), muted(self._cmd), c_stdout_muted():
                self._cmd.load_traj(str(path), self.name, self._states + 1, format="dcd")
        except (CmdException, OSError):
            self._open.close()
            self._folder = None
            return False
        return self._count() >= wanted

    def _write_coordsets(self, frames: Any, atom_in_row: Any, wanted: int) -> bool:
        try:
            with muted(self._cmd):
                for state, frame in enumerate(frames, self._states + 1):
                    self._cmd.load_coordset(frame if atom_in_row is None else frame[atom_in_row], self.name, state)
        except CmdException:
            return False
        return self._count() >= wanted

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
            writer.write(torch.from_numpy(_numbered_rows(len(structure)))[None])
        writers = []
        for _ in range(count):
            names.append(_self.get_unused_name("_pomodoro"))
            with muted(_self), kept_session(_self):
                copy_atoms(names[-1], f"%{draft_name}", 2, 1, _self)
            atom_at_place = _numbers(read_state(names[-1], 1, _self=_self), len(structure))
            writers.append(stack.enter_context(StateWriter(names[-1], atom_at_place, after=0, _self=_self)))
        yield writers


def _numbered_rows(n_atoms: int) -> Any:
    """Return a probe, shape=(n_atoms, 3), float32: x is the number of the row, exact up to 2**24."""
    import numpy as np

    probe = np.zeros((n_atoms, 3), np.float32)
    probe[:, 0] = np.arange(n_atoms)
    return probe


def _atom_in_row(atom_at_place: Any, probe: Any) -> Any:
    """Return which atom stands in each row, shape=(n_atoms,), from what PyMOL shows of a probe."""
    import numpy as np

    atoms = np.empty_like(atom_at_place)
    atoms[_numbers(probe, len(atom_at_place))] = atom_at_place
    return atoms


def _numbers(probe: Any, n_atoms: int) -> Any:
    """Return the numbers that PyMOL shows of a probe, shape=(n_atoms,).

    Raises
    ------
    PomodoroError
        If they are not those of the rows, each once.
    """
    import numpy as np

    numbers = probe[:, 0].astype(np.int64)
    if not np.array_equal(np.sort(numbers), np.arange(n_atoms)):
        raise PomodoroError("PyMOL does not show the states that are written to it: atoms were changed during the run")
    return numbers


def _check_places(name: str, state: int, wanted: Any, *, _self) -> None:
    """Compare what PyMOL shows of a state with what it is to show, shape=(n_atoms, 3), in PyMOL's order.

    Raises
    ------
    PomodoroError
        If they differ.
    """
    import numpy as np

    if not np.array_equal(read_state(name, state, _self=_self), wanted):
        raise _elsewhere(state)


def _elsewhere(state: int) -> PomodoroError:
    return PomodoroError(f"PyMOL does not show the atoms of state {state} where they were computed to be")


class LiveStates:
    """States of an object of ours, overwritten in PyMOL's own memory.

    What is drawn of them follows at `redraw`, of the state shown alone, or at `draw_all`, which must
    come in the end: until then any other state that comes to be shown is drawn as it was.

    Parameters
    ----------
    name : str
    atom_at_place : ndarray, shape=(n_atoms,)
        Which atom stands at each place of PyMOL's order: `Structure.atom_at_place`.
    n_states : int

    Attributes
    ----------
    atom_in_row : ndarray, shape=(n_atoms,)
        Which atom stands in each row of PyMOL's memory.
    in_part : bool
        Whether the state shown is drawn alone.

    Raises
    ------
    PomodoroError
        From every method but `draw_all`, if the object is gone or is no longer as it was.
    """

    def __init__(self, name: str, atom_at_place: Any, n_states: int, *, _self) -> None:
        self.name = name
        self.n_states = n_states
        self.in_part = False
        self._atom_at_place = atom_at_place
        self._cmd = _self
        self._drawn = 0
        self.check()
        self.atom_in_row = self._find_rows()

    def check(self) -> None:
        """Check that the object is still the one we made, whole."""
        name = self.name
        with muted(self._cmd), suppress(CmdException):
            found = (self._cmd.count_atoms(f"%{name}"), self._cmd.count_states(f"%{name}"))
            # As `get_record` finds, at a tenth of the cost: this runs at every move of a slider.
            record = all_records(self._cmd).get(name)
            title = self._cmd.get_title(name, min(2, self.n_states))
            if found == (len(self._atom_at_place), self.n_states) and title and record and record["title"] == title:
                return
        raise self._changed()

    def _changed(self) -> PomodoroError:
        return PomodoroError(f"{self.name} was changed or deleted")

    def shown(self) -> int:
        """Return the state that the viewport shows."""
        self.check()
        return current_state(self.name, self._cmd)

    def write(self, states: Sequence[int], fill: Callable[[int, Any], None]) -> None:
        """Let ``fill(state, out)`` fill the rows of some states, shape=(n_atoms, 3), float32, as `atom_in_row` says."""
        self.check()
        for state in states:
            self._fill(state, fill)

    def verify(self, state: int, fill: Callable[[int, Any], None]) -> None:
        """Check that PyMOL shows each atom of a state where ``fill`` says it is."""
        import numpy as np

        self.check()
        rows = np.empty((len(self._atom_at_place), 3), np.float32)
        fill(state, rows)
        wanted = np.empty_like(rows)
        wanted[self.atom_in_row] = rows
        _check_places(self.name, state, wanted[self._atom_at_place], _self=self._cmd)

    def redraw(self) -> None:
        """Let PyMOL draw the state that is shown anew; all states, while a movie plays."""
        self._drawn = current_state(self.name, self._cmd)
        if self._cmd.get_movie_playing():
            self.draw_all()
        else:
            draw_shown(self.name, _self=self._cmd)
            self.in_part = True

    def keep_up(self) -> None:
        """Let PyMOL draw all states where another is shown than the one it drew, or a movie plays."""
        if self.in_part and (self._cmd.get_movie_playing() or self.shown() != self._drawn):
            self.draw_all()

    def draw_all(self) -> None:
        """Let PyMOL draw all states anew, also those of the object under another name."""
        self.in_part = False
        with muted(self._cmd), suppress(CmdException):
            draw_all(self.name, _self=self._cmd)
        heal(_self=self._cmd)

    def _find_rows(self) -> Any:
        """Return which atom stands in each row, by a probe in the place of a state, which is put back."""
        import numpy as np

        state, n_atoms = min(2, self.n_states), len(self._atom_at_place)
        former = read_state(self.name, state, _self=self._cmd)
        if len(former) != n_atoms:
            raise self._changed()
        self._fill(state, lambda _, out: np.copyto(out, _numbered_rows(n_atoms)))
        place_in_row = _atom_in_row(np.arange(n_atoms), read_state(self.name, state, _self=self._cmd))
        self._fill(state, lambda _, out: np.copyto(out, former[place_in_row]))
        return self._atom_at_place[place_in_row]

    def _fill(self, state: int, fill: Callable[[int, Any], None]) -> None:
        """Let the rows of a state be filled: in PyMOL's memory, or, where its arrays do not work, through a file."""
        import numpy as np

        shape = (len(self._atom_at_place), 3)
        rows = own_array(self._cmd.get_coordset, self.name, state, copy=0)
        if rows is NO_ARRAYS:
            rows = np.empty(shape, np.float32)
            fill(state, rows)
            title = self._cmd.get_title(self.name, state)
            with StateWriter(self.name, self._atom_at_place, after=state - 1, _self=self._cmd) as writer:
                writer.load(rows[None])
            self._cmd.set_title(self.name, state, title)  # which a state that is loaded loses
            return
        if rows is None or rows.shape != shape:
            raise self._changed()
        fill(state, rows)
