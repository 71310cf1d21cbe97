"""States of an object of ours that are overwritten again and again, as sliders move."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from ..errors import PomodoroError
from .drawing import draw_all, draw_shown, heal
from .host import NO_ARRAYS, CmdException, muted, own_array
from .loading import StateLoader
from .probe import atoms_in_rows, check_places, numbered_rows
from .reading import read_state, titles
from .store import all_records, current_state


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
        self._loader: StateLoader | None = None
        self._marked = min(2, n_states)
        self._title = ""
        self._titles: list[str] = []
        self.check()
        if own_array(_self.get_coordset, name, 1, copy=0) is NO_ARRAYS:
            self._loader = StateLoader(name, len(atom_at_place), _self=_self)
        try:
            self.atom_in_row = self._find_rows()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Write no more; the object stays as it is."""
        if self._loader:
            self._loader.close()

    def check(self) -> None:
        """Check that the object is still the one we made, whole."""
        with muted(self._cmd), suppress(CmdException):
            if self._is_ours() and self._cmd.count_atoms(f"%{self.name}") == len(self._atom_at_place):
                return
        raise self._changed()

    def _is_ours(self) -> bool:
        """Tell whether the object is the one we made, but for its atoms: they take time to count."""
        name = self.name
        # As `get_record` finds, at a tenth of the cost: this runs at every move of a slider.
        record = all_records(self._cmd).get(name)
        with suppress(CmdException):
            self._title = self._cmd.get_title(name, self._marked)
            if self._title and record and record["title"] == self._title:
                return self._cmd.count_states(f"%{name}") == self.n_states
        return False

    def _changed(self) -> PomodoroError:
        return PomodoroError(f"{self.name} was changed or deleted")

    def shown(self) -> int:
        """Return the state that the viewport shows."""
        if self._loader:
            self.check()
        else:  # a state has as many rows as atoms, and they need not be counted: this runs at every move of a slider
            with muted(self._cmd):
                if not self._is_ours():
                    raise self._changed()
                self._rows(self._marked)
        return current_state(self.name, self._cmd)

    def write(self, states: Sequence[int], fill: Callable[[int, Any], None]) -> None:
        """Let ``fill(state, out)`` fill the rows of some states, shape=(n_atoms, 3), float32, as `atom_in_row` says."""
        with muted(self._cmd):
            if not self._is_ours():
                raise self._changed()
            self._write(states, fill)

    def verify(self, state: int, fill: Callable[[int, Any], None]) -> None:
        """Check that PyMOL shows each atom of a state where ``fill`` says it is."""
        import numpy as np

        self.check()
        rows = np.empty((len(self._atom_at_place), 3), np.float32)
        fill(state, rows)
        wanted = np.empty_like(rows)
        wanted[self.atom_in_row] = rows
        check_places(self.name, state, wanted[self._atom_at_place], _self=self._cmd)

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

        state, n_atoms = self._marked, len(self._atom_at_place)
        former = read_state(self.name, state, _self=self._cmd)
        if len(former) != n_atoms:
            raise self._changed()
        self.write([state], lambda _, out: np.copyto(out, numbered_rows(n_atoms)))
        place_in_row = atoms_in_rows(np.arange(n_atoms), read_state(self.name, state, _self=self._cmd))
        self.write([state], lambda _, out: np.copyto(out, former[place_in_row]))
        return self._atom_at_place[place_in_row]

    def _write(self, states: Sequence[int], fill: Callable[[int, Any], None]) -> None:
        """Let the rows of states be filled: in PyMOL's memory, or, where its arrays do not work, through a file."""
        if self._loader:
            self._load(self._loader, states, fill)
            return
        for state in states:
            fill(state, self._rows(state))

    def _rows(self, state: int) -> Any:
        """Return the rows of a state in PyMOL's memory."""
        rows = self._cmd.get_coordset(self.name, state, copy=0)
        if rows is None or rows.shape != (len(self._atom_at_place), 3):
            raise self._changed()
        return rows

    def _load(self, loader: StateLoader, states: Sequence[int], fill: Callable[[int, Any], None]) -> None:
        if self._titles[self._marked - 1 : self._marked] != [self._title]:  # all are given at once, so one tells
            self._titles = titles(self.name, _self=self._cmd)
        for run in _runs(states):

            def fill_next(number: int, out: Any, first: int = run[0]) -> None:
                """Fill the rows of a state of the run, counted from its first."""
                fill(first + number, out)

            if not loader.load(run[0], len(run), fill_next):
                raise self._changed()
            for state in run:  # a state that is loaded loses its title
                self._cmd.set_title(self.name, state, self._titles[state - 1])


def _runs(states: Sequence[int]) -> list[range]:
    """Return the runs of states that follow one another."""
    runs: list[range] = []
    for state in sorted(states):
        if runs and state == runs[-1].stop:
            runs[-1] = range(runs[-1].start, state + 1)
        else:
            runs.append(range(state, state + 1))
    return runs
