"""Frames into states, colours, titles, the key and the record."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from ..atomic import temporary_folder
from ..errors import PomodoroError
from .drawing import defer_many, draw_all, draw_shown, heal
from .host import CmdException, c_stdout_muted, cmd, kept_drawing, kept_session, muted
from .reading import finish, pieces
from .records import STORE, all_records, current_state, marked_state, spelling


class StateWriter:
    """Appends frames to an object as states, through binary DCD files.

    With ``after`` they take the places of the states after that one. Where PyMOL has no
    reader for the files, or the disk no room, through ``load_coordset``. A context manager:
    the temporary folder goes at its end.
    """

    def __init__(self, name: str, *, after: int | None = None, _self=cmd) -> None:
        self.name = name
        self._cmd = _self
        self._states = _self.count_states(f"%{name}") if after is None else after
        self._open = ExitStack()
        self._folder: Path | None = None
        with suppress(OSError):
            self._folder = self._open.enter_context(temporary_folder("pomodoro-"))
        self._n_atoms = 0

    def __enter__(self) -> StateWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def write(self, frames) -> None:
        """Append frames, a float32 CPU tensor of shape=(n_frames, n_atoms, 3), angstrom.

        Raises
        ------
        PomodoroError
            If the object is gone, or PyMOL did not take the frames.
        """
        wanted = self._states + len(frames)
        if not self._write_dcd(frames.numpy(), wanted) and not self._write_coordsets(frames.numpy(), wanted):
            raise self._gone()
        self._states = wanted
        self._n_atoms = frames.shape[1]

    def check(self) -> None:
        """Check that the object still has the states that were written, whole.

        Raises
        ------
        PomodoroError
            If it was changed or deleted since.
        """
        with muted(self._cmd), suppress(CmdException):
            if (self._count(), self._cmd.count_atoms(f"%{self.name}")) == (self._states, self._n_atoms):
                return
        raise self._gone()

    def _gone(self) -> PomodoroError:
        return PomodoroError(
            "PyMOL did not take the noised frames: objects or atoms were changed or deleted during the run"
        )

    def _write_dcd(self, frames, wanted: int) -> bool:
        from ..export import write_dcd

        if self._folder is None:
            return False
        path = self._folder / "frames.dcd"
        try:
            write_dcd(path, frames)
            with kept_drawing(self._cmd), muted(self._cmd), c_stdout_muted():
                self._cmd.load_traj(str(path), self.name, self._states + 1, format="dcd")
        except (CmdException, OSError):
            self._open.close()
            self._folder = None
            return False
        return self._count() >= wanted

    def _write_coordsets(self, frames, wanted: int) -> bool:
        try:
            with muted(self._cmd):
                for state, frame in enumerate(frames, self._states + 1):
                    self._cmd.load_coordset(frame, self.name, state)
        except CmdException:
            return False
        return self._count() >= wanted

    def _count(self) -> int:
        with muted(self._cmd), suppress(CmdException):
            return self._cmd.count_states(f"%{self.name}")
        return 0


class LiveStates:
    """States of an object of ours, overwritten in PyMOL's own memory.

    What is drawn of them follows at `redraw`, of the state shown alone, or at `draw_all`, which must
    come in the end: until then any other state that comes to be shown is drawn as it was.

    Attributes
    ----------
    in_part : bool
        Whether the state shown is drawn alone.

    Raises
    ------
    PomodoroError
        From every method but `draw_all`, if the object is gone or is no longer as it was.
    """

    def __init__(self, name: str, n_atoms: int, n_states: int, *, _self=cmd) -> None:
        self.name = name
        self.n_states = n_states
        self.in_part = False
        self._n_atoms = n_atoms
        self._cmd = _self
        self._drawn = 0
        self.check()

    def check(self) -> None:
        """Check that the object is still the one we made, whole."""
        name = self.name
        with muted(self._cmd), suppress(CmdException):
            found = (self._cmd.count_atoms(f"%{name}"), self._cmd.count_states(f"%{name}"))
            # As `get_record` finds, at a tenth of the cost: this runs at every move of a slider.
            record = all_records(self._cmd).get(name)
            title = self._cmd.get_title(name, min(2, self.n_states))
            if found == (self._n_atoms, self.n_states) and title and record and record["title"] == title:
                return
        raise self._changed()

    def _changed(self) -> PomodoroError:
        return PomodoroError(f"{self.name} was changed or deleted")

    def shown(self) -> int:
        """Return the state that the viewport shows."""
        self.check()
        return current_state(self.name, self._cmd)

    def write(self, states: Sequence[int], fill: Callable[[int, Any], None]) -> None:
        """Let ``fill(state, out)`` fill the coordinates of some states, shape=(n_atoms, 3), float32."""
        import numpy as np

        self.check()
        for state in states:
            try:
                out = self._cmd.get_coordset(self.name, state, copy=0)
            except (SystemError, ImportError):  # a PyMOL whose own arrays do not work with this NumPy
                out = np.empty((self._n_atoms, 3), np.float32)
                fill(state, out)
                title = self._cmd.get_title(self.name, state)
                with StateWriter(self.name, after=state - 1, _self=self._cmd) as writer:
                    writer.write(_as_frames(out))
                self._cmd.set_title(self.name, state, title)  # which a state that is loaded loses
                continue
            if out is None or out.shape != (self._n_atoms, 3):
                raise self._changed()
            fill(state, out)

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


def _as_frames(coords):
    import torch

    return torch.from_numpy(coords)[None]


def retitle(name: str, titles: Sequence[str], record: dict[str, Any], *, _self=cmd) -> None:
    """Give our object other titles, and a record that says so; its key and colours stay."""
    set_titles(name, titles, _self=_self)
    former = all_records(_self)[name]
    former.update(record, title=titles[marked_state(name, _self) - 1])


def paint(name: str, colors: Sequence[int], values: Sequence[float], *, _self=cmd) -> None:
    """Colour an object of ours and set its b, one 0xRRGGBB integer and number per atom."""
    finish(paint_steps(name, colors, values, _self=_self))


def paint_steps(
    name: str, colors: Sequence[int], values: Sequence[float], piece: int = 0, *, _self=cmd
) -> Generator[None, None, None]:
    """Do as `paint` does, so many atoms at a time."""
    pairs = zip((0x40000000 | color for color in colors), values)
    for part in pieces(f"%{name}", len(colors), piece, _self):
        _self.alter(part, "color, b = next(pairs)", space={"pairs": pairs})
        yield
    _self.recolor(f"%{name}")


def set_titles(name: str, titles: Sequence[str], *, _self=cmd) -> None:
    """Give each state of an object its title."""
    for state, title in enumerate(titles, 1):
        _self.set_title(name, state, title)


def publish(draft_name: str, name: str, record: dict[str, Any], *, _self=cmd) -> None:
    """Make a draft the output object ``name``, replacing our former one, and keep its record.

    ``record`` is of plain types only, so that a saved session opens anywhere.
    """
    records = all_records(_self)
    former = spelling(name, _self=_self)
    key = (records.pop(former, None) or {}).get("key", "")
    title = _self.get_title(draft_name, marked_state(draft_name, _self))
    with muted(_self):
        if former:
            _self.delete(former)
        _self.set_name(draft_name, name)
        with kept_session(_self):
            _self.enable(name)
        defer_many(name, _self=_self)
    setattr(_self._pymol.session, STORE, {**records, name: {**record, "title": title, "key": key}})


def show_key(
    name: str, stops: Sequence[tuple[float, tuple[float, float, float]]], colors: dict[str, Any], *, _self=cmd
) -> str:
    """Draw the colour key of our object ``name`` in the viewport; return its object's name.

    ``colors``, of plain types, is what the record keeps of them.
    """
    record = all_records(_self)[name]
    record["colors"] = colors
    key = f"{name}_key"
    former = str(record.get("key"))
    is_key = former.lower().startswith(key.lower()) and former in _self.get_names("objects")
    if is_key and _self.get_type(former) == "object:ramp":
        key = former  # not deleted: PyMOL 2.5 cannot load a session in which two ramps were
    elif spelling(key, _self=_self):
        key = _self.get_unused_name(key)
    with muted(_self), kept_session(_self):
        _self.ramp_new(key, "none", [value for value, _ in stops], [list(rgb) for _, rgb in stops])
        _self.order(key, location="bottom")
    record["key"] = key
    return key
