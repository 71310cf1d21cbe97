"""Which colours are seen in a picture, and those of which state they are."""

from __future__ import annotations

from typing import Any

import masks
import numpy as np


def show(cmd: Any, name: str, rep: str = "spheres") -> None:
    """Show an object alone on black, its colours neither lit nor shaded."""
    masks.show(cmd, name)
    for setting in ("direct", "reflect", "specular", "spec_reflect", "spec_direct", "shininess", "depth_cue"):
        cmd.set(setting, 0)
    for setting, value in {"ambient": 1, "light_count": 1, "gamma": 1, "stick_ball": 0, "line_smooth": 0}.items():
        cmd.set(setting, value)
    cmd.set("ray_trace_fog", 0)
    cmd.hide("everything", name)
    cmd.show(rep, name)


def colors(cmd: Any, name: str, state: int) -> Any:
    """Return the colours of a frame of an object, shape=(n_atoms, 3), from 0 to 255, from where its atoms are."""
    places: list[Any] = []
    for each in (1, state):
        rows: dict[int, Any] = {}
        cmd.iterate_state(each, f"%{name}", "rows[index] = (x, y, z)", space={"rows": rows})
        places.append(np.array([rows[index] for index in sorted(rows)]))
    moved = places[1] - places[0]
    lengths = np.linalg.norm(moved, axis=1, keepdims=True)
    return (np.divide(moved, lengths, out=np.zeros_like(moved), where=lengths > 0) + 1) / 2 * 255


def pixels(picture: Any) -> Any:
    """Return the colours that are not black in a picture, a file or a QImage, shape=(n, 3), and how often each is."""
    seen = masks.pixels(picture).reshape(-1, 3).astype(float)
    return np.unique(seen[seen.max(1) > 12], axis=0, return_counts=True)


def agreement(cmd: Any, name: str, picture: Any) -> list[float]:
    """Return, for each state of an object, how many of the pixels lit have the colour of an atom in that frame."""
    seen, counts = pixels(picture)
    assert counts.sum() > 150, counts
    found = []
    for state in range(1, cmd.count_states(f"%{name}") + 1):
        tints = np.unique(colors(cmd, name, state).round(), axis=0)
        distance = np.abs(seen[:, None] - tints).max(2).min(1)
        found.append(round(float(counts[distance < 6].sum() / counts.sum()), 3))
    return found
