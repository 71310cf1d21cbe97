"""The example structure, and the files and the picture that the demo makes."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import PomodoroError
from ..io.disk import atomic_write
from .host import muted
from .store import all_records


def load_example(*, _self) -> None:
    """Load the example that ships with PyMOL: 1hpv, or a helix where its data are absent."""
    path = _self.exp_path("$PYMOL_DATA/tut/1hpv.pdb")
    if os.path.exists(path):
        with muted(_self):
            _self.load(path, "1hpv", quiet=1)
    else:
        _self.fab("ACDEFGHIKLMNPQRSTVWY" * 3, "helix", ss=1)


def save(path: Path, selection: str, *, _self) -> None:
    """Save a selection with all its states, or the session, whole or not at all."""
    with atomic_write(path) as file:
        _self.save(file.name, f"%{selection}" if selection else "(all)", state=0, quiet=1)


def save_picture(name: str, path: Path, *, _self) -> None:
    """Ray-trace our object: the coloured truth, one noised frame beside it, and the key.

    Rearranges the scene, so it is for a PyMOL that is not being looked at.
    """
    noised = _self.get_unused_name("_pomodoro")
    with muted(_self):
        _self.create(noised, f"%{name}", 2, 1, zoom=0)
    shown = (name, noised, all_records(_self)[name]["key"])
    _self.disable(" ".join(other for other in _self.get_object_list("all") if other not in shown))
    _self.hide("everything", f"%{name} or %{noised}")
    _self.show("cartoon", f"%{name}")
    _self.show("sticks", f"%{noised} or (%{name} and organic)")
    _self.set("stick_radius", 0.2)
    _self.orient(f"%{name}")
    low, high = _self.get_extent(f"%{noised}")
    size = max(end - start for start, end in zip(low, high))
    _self.translate([0.95 * size, 0, 0], f"%{noised}", camera=1)
    _self.bg_color("white")
    _self.set("ray_shadows", 0)
    _self.zoom(f"%{name} or %{noised}", -0.15 * size, state=1)
    _self.move("y", 0.06 * size)
    with atomic_write(path) as file:
        _self.png(file.name, 1200, 600, ray=1)
        if Path(file.name).read_bytes()[-8:-4] != b"IEND":  # PyMOL does not tell
            raise PomodoroError(f"cannot write {path}: PyMOL did not write it whole, as on a full disk")
