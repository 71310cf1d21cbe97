"""Objects side by side in PyMOL's grid, and the scene as it was before."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

from . import host, store
from .companion import companion_of
from .host import muted, set_back
from .key import WHOLE_PICTURE
from .publishing import truth_of
from .window import main_window

# What is left free around objects, as a part of their extent.
_ROOM = 0.1
#: Where PyMOL keeps in its session what the scene was before a comparison.
STORE = "pomodoro_compare"
# The entry that marks the record of an object as made by a comparison.
_MARK = "compared"
_KINDS = {"objects": list, "labels": list, "enabled": list, "view": list, "grid_mode": int, "frame": int}


def remembered(*, _self) -> dict[str, Any]:
    """Return what the session says of a comparison and the scene before it, empty where there is none.

    Anyone may have written it, so what is damaged counts as absent.
    """
    found = getattr(_self._pymol.session, STORE, None)
    if not isinstance(found, dict) or any(type(found.get(key)) is not kind for key, kind in _KINDS.items()):
        return {}
    words = [*found["objects"], *found["labels"], *found["enabled"]]
    sound = all(isinstance(word, str) for word in words) and len(found["view"]) == 18
    sound = sound and all(type(number) is float and math.isfinite(number) for number in found["view"])
    return found if sound and 0 <= found["grid_mode"] <= 3 and 0 < found["frame"] < 2**31 else {}


def _scene(_self) -> dict[str, Any]:
    """Return the scene as it is, in plain types."""
    return {
        "enabled": _self.get_names("public_objects", enabled_only=1),
        "view": [float(number) for number in _self.get_view(quiet=1)],
        "grid_mode": _self.get_setting_int("grid_mode"),
        "frame": _self.get_frame(),
    }


def members(*, _self) -> list[str]:
    """Return the objects of the present comparison, its labels too, but none that another command has replaced."""
    before = remembered(_self=_self)
    if not before:
        return []
    records = store.all_records(_self)
    there = set(_self.get_names("objects"))
    found, others = [], set()
    for name in before["objects"]:
        record = store.get_record(name, _self=_self)
        key = store.key_of(records.get(name, {}))
        if record is not None and _MARK not in record:
            others.add(key)
            continue  # another command replaced it, and what goes with it
        if record is not None:
            found.append(name)
        found += [other for other in (companion_of(name, _self=_self), truth_of(name, _self=_self)) if other]
        found += [key] if store.is_key(key, _self=_self) else []
    found += [label for label in before["labels"] if store.is_key(label, _self=_self) and label not in others]
    return [name for name in dict.fromkeys(found) if name in there]


@contextmanager
def replaced(*, _self) -> Iterator[None]:
    """Delete the present comparison, if there is one, once another has been made within the block.

    If that fails, all is put back as it was, the former comparison too.
    """
    now, former = _scene(_self), members(_self=_self)
    session = _self._pymol.session
    kept = {name: deepcopy(getattr(session, name)) for name in (store.STORE, STORE) if hasattr(session, name)}
    there = _self.get_names("objects")
    aside: dict[str, str] = {}
    try:
        with muted(_self):
            for name in former:
                aside[name] = _self.get_unused_name("_pomodoro_former")
                _self.set_name(name, aside[name])
                _self.disable(aside[name])
        yield
        with muted(_self):
            for name in aside.values():
                _self.delete(name)
        store.forget([name for name in former if store.get_record(name, _self=_self) is None], _self=_self)
    except BaseException:
        with muted(_self):
            for name in _self.get_names("objects"):
                if name not in there and name not in aside.values():
                    _self.delete(name)
            for name, hidden in aside.items():
                if hidden in _self.get_names("objects"):
                    _self.set_name(hidden, name)
        for name in (store.STORE, STORE):
            if name in kept:
                setattr(session, name, kept[name])
            elif hasattr(session, name):
                delattr(session, name)
        _show_scene(now, _self)
        raise


def remember(objects: Sequence[str], labels: Sequence[str], before: dict[str, Any], *, _self) -> None:
    """Keep in the session which objects and labels a comparison has made, and the scene before it."""
    records = store.all_records(_self)
    for name in objects:
        records[name][_MARK] = True
    setattr(_self._pymol.session, STORE, {**before, "objects": list(objects), "labels": list(labels)})


def scene_before(*, _self) -> dict[str, Any]:
    """Return the scene before the present comparison, or the present scene where there is none."""
    before = remembered(_self=_self) or _scene(_self)
    return {name: before[name] for name in ("enabled", "view", "grid_mode", "frame")}


def look_at(objects: Sequence[str], *, _self) -> None:
    """Zoom so that some objects are seen whole, in all their states, in cells of a grid; the view is not turned."""
    words = " or ".join(f"%{name}" for name in objects)
    low, high = _self.get_extent(words, state=0)
    # Room for titles and the key above and below.
    _self.zoom(words, buffer=_ROOM * max(end - start for start, end in zip(low, high)), state=0, animate=0)


def lay_out(cells: Sequence[Sequence[str]], everywhere: Iterable[str], *, _self) -> None:
    """Show objects in the cells of a grid, some in the whole picture, and nothing else."""
    with muted(_self):
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
    """Ray-trace the objects of each cell alone, on white, in the present view; return the files, of PNG.

    The scene is put back as it was.
    """
    kept = {name: _self.get(name) for name in ("bg_rgb", "ray_shadows", "ray_opaque_background", "depth_cue")}
    shown = _self.get_names("public_objects", enabled_only=1)
    paths = []
    try:
        with muted(_self):
            _self.bg_color("white")
            _self.set("ray_shadows", 0, quiet=1)
            _self.set("ray_opaque_background", 1, quiet=1)
            _self.set("depth_cue", 0, quiet=1)  # which would change the colours of what is far off
            for number, cell in enumerate(cells):
                _enable_alone(cell, _self)
                for name in cell:
                    put_in_cell(name, WHOLE_PICTURE, _self=_self)  # while the grid mode stays on: see `_leave_grid`
                paths.append(folder / f"cell{number}.png")
                _self.png(str(paths[-1]), width, height, ray=1, quiet=1)
    finally:
        with muted(_self):
            for name, value in kept.items():
                set_back(name, value, _self=_self)
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
    """Set the ``grid_mode`` from before; without a window, ray tracing leaves the grid only if it has one cell."""
    if not mode and _self.get_setting_int("grid_mode") and (main_window() is None or _self is not host.cmd):
        most = _self.get("grid_max")
        _self.set("grid_max", 1, quiet=1)
        _self.ray(4, 4, quiet=1)
        set_back("grid_max", most, _self=_self)
    set_back("grid_mode", mode, _self=_self)


def _show_scene(before: dict[str, Any], _self) -> None:
    """Put back a scene that `_scene` returned."""
    with muted(_self):
        _leave_grid(before["grid_mode"], _self)
        _enable_alone(before["enabled"], _self)
        _self.frame(before["frame"])
        _self.set_view(before["view"], quiet=1)
        for setting in ("orthoscopic", "field_of_view"):  # for which set_view leaves an entry in the session
            set_back(setting, _self.get(setting), _self=_self)


def put_back(*, _self) -> list[str]:
    """End a comparison: delete its objects, and make the scene what it was before; return the names of the deleted."""
    before, gone = remembered(_self=_self), members(_self=_self)
    with muted(_self):
        for name in gone:
            _self.delete(name)
    store.forget(gone, _self=_self)
    _show_scene(before, _self)
    delattr(_self._pymol.session, STORE)
    return gone
