"""Pictures of the states of an object, one after the other, in a scene that is afterwards as it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import PomodoroError
from . import stage
from .about import own_window
from .companion import companion_of
from .drawing import heal
from .host import hidden_name, kept_session, muted
from .sources import copy_atoms
from .store import current_state, is_key

# Settings that are not copied with an object: which state is shown, and that others are not drawn.
_NOT_COPIED = ("state", "defer_builds_mode")


def has_window(*, _self) -> bool:
    """Tell whether there is a window, whose pictures can be taken."""
    return own_window(_self=_self) is not None


def viewport(*, _self) -> tuple[int, int]:
    """Return width and height of the viewport, which a picture has where none is asked for."""
    width, height = _self.get_viewport(quiet=1)
    return max(1, width), max(1, height)


@contextmanager
def stand_in(name: str, *, _self) -> Iterator[str]:
    """Yield a hidden copy of the first state of an object, which looks as it does; it is deleted at the end."""
    with hidden_name(_self=_self) as draft:
        with muted(_self), kept_session(_self):
            copy_atoms(draft, f"%{name}", 1, 1, _self)
            for number, _, value in _self.get_object_settings(name) or ():
                setting = _self.setting._get_name(number)
                if setting not in _NOT_COPIED:
                    _self.set(setting, value, draft, updates=0, quiet=1)
        yield draft


@contextmanager
def on_screen(name: str, instead_of: str = "", *, _self) -> Iterator[None]:
    """Show an object where it, or its companion, is hidden, and let states be filmed; then put back what was shown.

    Parameters
    ----------
    name : str
    instead_of : str, optional
        An object that is hidden meanwhile, with its companion.
    """
    shown = _self.get_names("objects", enabled_only=1)
    kept = {setting: _self.get(setting) for setting in ("frame", "state")}
    companion = companion_of(instead_of or name, _self=_self)
    hidden = [other for other in (instead_of, companion) if other in shown] if instead_of else []
    revealed = [] if name in shown or (companion in shown and not instead_of) else [name]
    heal(_self=_self)
    try:
        with kept_session(_self):
            _switch(hidden, revealed, _self)
            yield
    finally:
        with kept_session(_self):
            _switch(revealed, hidden, _self)
        for setting, value in kept.items():
            _set(setting, value, _self)
        _renew_keys(_self)
        _self.refresh()  # otherwise the window goes on showing what was ray-traced


def background(*, _self) -> tuple[int, int, int]:
    """Return the colour behind what is shown, 0 to 255."""
    red, green, blue = (round(255 * part) for part in _self.get_color_tuple(_self.get("bg_rgb")))
    return red, green, blue


def _renew_keys(_self) -> None:
    """Let PyMOL place the labels of keys anew, since each ray-tracing moves every label to the place of the next."""
    for name in _self.get_names("objects", enabled_only=1):
        if is_key(name, _self=_self):
            _self.rebuild(f"%{name}", "labels")


def _switch(off: Iterable[str], on: Iterable[str], _self) -> None:
    """Hide some objects and show others, of those that exist."""
    there = _self.get_names("objects")
    with muted(_self):
        for name in off:
            if name in there:
                _self.disable(name)
        for name in on:
            if name in there:
                _self.enable(name)


def _set(setting: str, value: Any, _self) -> None:
    """Give a setting its former value as `host.set_back` does, but let PyMOL act on it only where it is no default."""
    _self.unset(setting, updates=0, quiet=1)
    if _self.get(setting) != str(value):
        _self.set(setting, value, quiet=1)


def picture_of(name: str, state: int, folder: Path, size: tuple[int, int] | None, *, _self) -> Any:
    """Return what is shown when an object is in a state, shape=(height, width, 3), 0 to 255.

    Parameters
    ----------
    name : str
    state : int
    folder : Path
        For a file.
    size : (int, int) or None
        Width and height of a ray-traced picture; None for what the window shows.

    Raises
    ------
    PomodoroError
        If the object does not follow the frame, is gone, or PyMOL makes no picture.
    """
    if name not in _self.get_names("objects"):
        raise PomodoroError(f"{name} was deleted or renamed during the run")
    _self.set("state", state, quiet=1)  # not the frame, which a movie may have other commands for
    if current_state(name, _self) != state:
        raise PomodoroError(f"{name} keeps to a state of its own: unset state, {name} lets it follow the frame")
    _renew_keys(_self)
    try:
        return stage.picture(folder, size, _self=_self)
    except ValueError:
        raise PomodoroError("PyMOL did not write a picture whole, as on a full disk") from None
