"""What the four cells of a comparison show, of pictures of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def plain_light(cmd: Any) -> None:
    """Leave out what makes colours other ones, and what is no part of the picture."""
    for setting in (
        "depth_cue",
        "ray_trace_fog",
        "specular",
        "ray_shadows",
        "direct",
        "reflect",
        "internal_gui",
        "internal_feedback",
    ):
        cmd.set(setting, 0)
    for setting, value in {"ambient": 1, "light_count": 1, "ray_opaque_background": 1, "movie_panel": 0}.items():
        cmd.set(setting, value)


def split(picture: Any) -> list[Any]:
    """Return the four cells of a picture, row by row."""
    height, width = picture.shape[0] // 2, picture.shape[1] // 2
    return [picture[row : row + height, column : column + width] for row in (0, height) for column in (0, width)]


def lit(picture: Any) -> Any:
    return picture.max(2) > 30


def changed(one: Any, other: Any) -> float:
    """Return how much of two pictures differs, of what is seen in either."""
    seen = lit(one) | lit(other)
    return float((np.abs(one.astype(int) - other).max(2) > 60)[seen].mean())


def look(cmd: Any, take: Callable[[str], Any]) -> dict[str, Any]:
    """Return, for each cell, how much is lit and the mean colour; and where the text is, and what of it is on atoms.

    Atoms are hidden then.
    """
    labels = " ".join(name for name in cmd.get_names("objects") if name.endswith(("_key", "_title")))
    shown = cmd.get_names("objects", enabled_only=1)
    atoms = [name for name in shown if name not in labels.split()]
    cmd.disable(labels)
    of_atoms = take("atoms.png")
    cmd.enable(labels)
    for name in atoms:
        cmd.hide("everything", f"%{name}")  # still enabled: it keeps its cell
    of_labels = take("labels.png")
    return {
        "lit": [float(lit(cell).mean()) for cell in split(of_atoms)],
        "mean": [(cell[lit(cell)].mean(0) / 255).tolist() for cell in split(of_atoms)],
        "text above": [int(lit(cell[: len(cell) // 5]).sum()) for cell in split(of_labels)],
        "text below": int(lit(of_labels[-len(of_labels) // 8 :]).sum()),
        "on atoms": int((lit(of_atoms) & lit(of_labels)).sum()),
    }
