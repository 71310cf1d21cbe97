"""Objects side by side in PyMOL's grid, and the scene as it was before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from .host import muted
from .key import WHOLE_PICTURE
from .store import get_record, is_key
from .window import main_window

# What is left free around objects, as a part of their extent.
_ROOM = 0.06
#: Where PyMOL keeps in its session what the scene was before a comparison.
STORE = "pomodoro_compare"


def remembered(*, _self) -> dict[str, Any]:
    """Return what the session says of the scene before a comparison, empty where there is none.

    Anyone may have written it: what is damaged is as if not there.
    """
    found = getattr(_self._pymol.session, STORE, None)
    if not isinstance(found, dict):
        return {}
    kinds = {"objects": list, "enabled": list, "view": list, "grid_mode": int, "frame": int}
    if any(not isinstance(found.get(key), kind) for key, kind in kinds.items()):
        return {}
    words = [*found["objects"], *found["enabled"]]
    sound = all(isinstance(word, str) for word in words) and len(found["view"]) == 18
    return found if sound and all(isinstance(number, (int, float)) for number in found["view"]) else {}


def compared(*, _self) -> set[str]:
    """Return the names of the objects that stand in a comparison."""
    return set(remembered(_self=_self).get("objects", ()))


def scene(objects: Sequence[str], *, _self) -> dict[str, Any]:
    """Return the scene as it is, in plain types, with the names of what a comparison is to make."""
    return {
        "objects": list(objects),
        "enabled": _self.get_names("public_objects", enabled_only=1),
        "view": [float(number) for number in _self.get_view(quiet=1)],
        "grid_mode": _self.get_setting_int("grid_mode"),
        "frame": _self.get_frame(),
    }


def remember(before: dict[str, Any], *, _self) -> None:
    """Let the session hold what `scene` returned."""
    setattr(_self._pymol.session, STORE, before)


def look_at(objects: Sequence[str], *, _self) -> None:
    """Let all of some objects be seen, in the state that is shown, in cells of a grid; the view keeps its turn."""
    words = " or ".join(f"%{name}" for name in objects)
    low, high = _self.get_extent(words, state=-1)
    # Room for titles and the key above and below.
    _self.zoom(words, buffer=_ROOM * max(end - start for start, end in zip(low, high)), state=-1, animate=0)


def lay_out(cells: Sequence[Sequence[str]], everywhere: Iterable[str], before: dict[str, Any], *, _self) -> None:
    """Show objects in the cells of a grid, some in the whole picture, nothing else; and remember the scene before."""
    with muted(_self):
        remember(before, _self=_self)
        for number, cell in enumerate(cells, 1):
            for name in cell:
                put_in_cell(name, number, _self=_self)
        _enable_alone([name for cell in cells for name in cell] + list(everywhere), _self)
        _self.set("grid_mode", 1, quiet=1)


def put_in_cell(name: str, cell: int, *, _self) -> None:
    """Show an object in a cell of the grid, which are counted from 1."""
    with muted(_self):
        _self.set("grid_slot", cell, name, quiet=1)


def take_pictures(cells: Sequence[Sequence[str]], folder: Path, width: int, height: int, *, _self) -> list[Path]:
    """Ray-trace the objects of each cell alone, on white, from where they are seen; return the files, of PNG.

    The scene stays as it is.
    """
    kept = {name: _self.get(name) for name in ("bg_rgb", "ray_shadows", "ray_opaque_background")}
    shown = _self.get_names("public_objects", enabled_only=1)
    paths = []
    try:
        with muted(_self):
            _self.bg_color("white")
            _self.set("ray_shadows", 0, quiet=1)
            _self.set("ray_opaque_background", 1, quiet=1)
            for number, cell in enumerate(cells):
                _enable_alone(cell, _self)
                for name in cell:
                    put_in_cell(name, WHOLE_PICTURE, _self=_self)  # the grid goes on, which ray tracing cannot leave
                paths.append(folder / f"cell{number}.png")
                _self.png(str(paths[-1]), width, height, ray=1, quiet=1)
    finally:
        with muted(_self):
            for name, value in kept.items():
                _self.set(name, value, quiet=1)
            for number, cell in enumerate(cells, 1):
                for name in cell:
                    put_in_cell(name, number, _self=_self)
            _enable_alone(shown, _self)
    return paths


def _enable_alone(names: Sequence[str], _self) -> None:
    """Show these objects, of those that exist, and no other."""
    for name in _self.get_names("public_objects", enabled_only=1):
        if name not in names:
            _self.disable(name)
    there = _self.get_names("public_objects")
    for name in names:
        if name in there:
            _self.enable(name)


def _leave_grid(mode: int, _self) -> None:
    """Set the ``grid_mode`` from before; ray-tracing without a window leaves a grid only once it has one cell."""
    if not mode and main_window() is None:
        most = _self.get("grid_max")
        _self.set("grid_max", 1, quiet=1)
        _self.ray(4, 4, quiet=1)
        _self.set("grid_max", most, quiet=1)
    _self.set("grid_mode", mode, quiet=1)


def put_back(*, _self) -> list[str]:
    """End a comparison: delete its objects, and make the scene what it was before; return the names of the deleted."""
    before = remembered(_self=_self)
    if not before:
        return []
    with muted(_self):
        there = _self.get_names("objects")
        gone = [name for name in before["objects"] if name in there and _is_ours(name, _self)]
        for name in gone:
            _self.delete(name)
        _leave_grid(before["grid_mode"], _self)
        _enable_alone(before["enabled"], _self)
        _self.frame(before["frame"])
        _self.set_view(before["view"], quiet=1)
    delattr(_self._pymol.session, STORE)
    return gone


def _is_ours(name: str, _self) -> bool:
    return get_record(name, _self=_self) is not None or is_key(name, _self=_self)
