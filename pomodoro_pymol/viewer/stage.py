"""A stage for objects of ours in the user's session, which is as it was when they go; and pictures of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any

from ..errors import PomodoroError
from .host import kept_session, muted, set_back
from .store import STORE, is_legal

#: How many pixels a ray-traced picture has, about.
_PIXELS = 240 * 180
#: Settings that change as a view is set, or a file saved or loaded.
_SET = ("orthoscopic", "field_of_view", "session_file", "state", "auto_color_next")
#: Settings of an object by which its atoms are seen as balls, whatever is set for all objects.
_PLAIN = {"all_states": 0, "sphere_scale": 1, "sphere_transparency": 0}


@contextmanager
def stage(*, _self) -> Iterator[None]:
    """Hide all that is there until the end; then delete what has come since, and put all back as it was."""
    session = _self._pymol.session
    names, seen, view = _self.get_names("all"), _self.get_vis(), _self.get_view(quiet=1)
    # Not by set_vis: without a window PyMOL never again shows the members of a group that was hidden.
    shown = [name for name in names if seen.get(name, [0])[0] and is_legal(name, _self)]
    kept = {key: copy(value) for key, value in vars(session).items() if key == STORE}
    settings = {setting: _self.get(setting) for setting in _SET}
    try:
        with kept_session(_self):
            try:
                for name in shown:
                    _self.disable(name)
                yield
            finally:
                with muted(_self):
                    for name in _self.get_names("all"):
                        if name not in names:
                            _self.delete(name)
    finally:
        vars(session).pop(STORE, None)
        vars(session).update(kept)
        _self.set_view(view, animate=0, quiet=1)
        for setting, value in settings.items():
            set_back(setting, value, updates=0, _self=_self)
        for name in shown:
            _self.enable(name)


def look_of(*, _self) -> dict[str, Any]:
    """Return what a person would see change: names, what is shown, view, frame, and all settings."""
    return {
        "objects": _self.get_names("all"),
        "what is shown": _self.get_vis(),
        "the view": _self.get_view(quiet=1),
        "the frame": (_self.get_frame(), _self.get_state()),
        **{f"setting {name}": _self.get(name) for name in _self.setting.get_name_list()},
    }


def put_on(names: Sequence[str], state: int, *, _self) -> None:
    """Show some objects of ours alone, in a state of theirs, whatever the frame and the settings of the session."""
    for name in _self.get_names("objects", enabled_only=1):
        if is_legal(name, _self):  # else it may mean others
            _self.disable(name)
    for name in names:
        for setting, value in {"state": state, **_PLAIN}.items():
            _self.set(setting, value, name, updates=0, quiet=1)
        _self.enable(name)


def ray_size(*, _self) -> tuple[int, int]:
    """Return width and height of a picture to ray-trace: small, and shaped as the viewport, to which ``zoom`` fits."""
    across, up = (max(1, size) for size in _self.get_viewport(quiet=1))
    scale = (_PIXELS / (across * up)) ** 0.5
    return max(1, round(across * scale)), max(1, round(up * scale))


def picture(folder: Path, size: tuple[int, int] | None, *, _self) -> Any:
    """Return what is shown, shape=(height, width, 3), 0 to 255.

    Parameters
    ----------
    folder : Path
        For a file.
    size : (int, int) or None
        Width and height of a ray-traced picture; None for all that the window shows. Where PyMOL 3.2
        draws its window in another size, the viewport shrinks for good.

    Raises
    ------
    PomodoroError
        If PyMOL makes no picture.
    """
    import numpy as np

    path = folder / "picture.ppm"
    path.unlink(missing_ok=True)
    _self.refresh()  # otherwise the window still shows what was ray-traced before
    _self.feedback("push")
    _self.feedback("disable", "ray", "everything")
    try:
        _self.png(str(path), *(size or (0, 0)), ray=int(size is not None), quiet=1, format=1)
    finally:
        _self.feedback("pop")
    head = re.match(rb"P6\s(\d+)\s(\d+)\s255\s", data := path.read_bytes() if path.exists() else b"")
    if not head:
        raise PomodoroError("PyMOL made no picture")
    width, height = map(int, head.groups())
    return np.frombuffer(data, np.uint8, offset=head.end()).reshape(height, width, 3)
