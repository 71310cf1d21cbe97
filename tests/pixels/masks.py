"""Where the atoms of a state must be seen in a picture, worked out from its coordinates and the view."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy import QtGui

SIZE = (200, 150)
#: The first and the last colour of viridis.
VIRIDIS_ENDS = ((0x44, 0x01, 0x54), (0xFD, 0xE7, 0x25))


def show(cmd: Any, name: str) -> None:
    """Show an object alone, as balls on black."""
    for setting, value in {
        "orthoscopic": 1,
        "sphere_scale": 0.4,
        "ambient": 0.6,
        "antialias": 0,
        "ray_shadows": 0,
        "auto_zoom": 0,
        "internal_gui": 0,
        "internal_feedback": 0,
        "movie_panel": 0,
    }.items():
        cmd.set(setting, value)
    cmd.bg_color("black")
    cmd.disable(" ".join(other for other in cmd.get_names("objects") if other != name))
    cmd.enable(name)
    cmd.hide("everything", name)
    cmd.show("spheres", name)


def pixels(picture: Any) -> Any:
    """Return the colours of a picture, a file or a QImage, shape=(height, width, 3), red first."""
    image = QtGui.QImage(picture).convertToFormat(QtGui.QImage.Format.Format_RGB32)
    data = image.constBits()
    if hasattr(data, "setsize"):
        data.setsize(image.sizeInBytes())
    return np.frombuffer(bytes(data), np.uint8).reshape(image.height(), image.width(), 4)[..., 2::-1]


def drawn(picture: Any) -> Any:
    """Return where a picture, a file or a QImage, is not black, shape=(height, width)."""
    return pixels(picture).max(2) > 12


def strip(seen: Any) -> dict[str, Any]:
    """Return what is seen of a key in viridis that stands alone in a picture, places as parts of the picture."""
    lit = (abs(seen.astype(int) - seen[0, 0]) > 40).any(2)
    rows = np.nonzero(lit.sum(1) > 0.25 * lit.shape[1])[0]  # those of the strip: text has gaps
    middle = seen[rows[len(rows) // 2]].astype(int)
    columns = np.nonzero(lit[rows[len(rows) // 2]])[0]
    below = lit[rows[-1] + 1 :].any(1)
    green = middle[columns[2] : columns[-2], 1]  # which ascends throughout
    return {
        "ends": [tuple(middle[columns[place]].tolist()) for place in (2, -3)],
        "ascending": bool((np.diff(green) >= -2).all()),
        "width": len(columns) / lit.shape[1],
        "top": rows[0] / lit.shape[0],
        "rows below": int(np.diff(below.astype(int), prepend=0).clip(0).sum()),
    }


def expected(cmd: Any, name: str, state: int, shape: tuple[int, int]) -> Any:
    """Return where the balls of a state must be drawn in a picture of the view, orthoscopic."""
    places: list[Any] = []
    cmd.iterate_state(state, f"%{name}", "put((x, y, z, vdw))", space={"put": places.append})
    x, y, z, vdw = np.array(places).T
    view = np.array(cmd.get_view())
    camera = (np.stack([x, y, z], 1) - view[12:15]) @ view[:9].reshape(3, 3) + view[9:12]
    height, width = shape
    angle = np.radians(cmd.get_setting_float("field_of_view"))
    scale = height / (2 * abs(view[11]) * np.tan(angle / 2))
    mask = np.zeros(shape, bool)
    sizes = vdw * cmd.get_setting_float("sphere_scale") * scale
    for column, row, size in zip(width / 2 + camera[:, 0] * scale, height / 2 - camera[:, 1] * scale, sizes):
        top, left = max(0, int(row - size)), max(0, int(column - size))
        near = mask[top : max(0, int(row + size) + 2), left : max(0, int(column + size) + 2)]
        rows, columns = np.ogrid[: near.shape[0], : near.shape[1]]
        near |= (columns + left + 0.5 - column) ** 2 + (rows + top + 0.5 - row) ** 2 <= size**2
    return mask


def overlap(one: Any, other: Any) -> float:
    """Return the pixels in both of two masks over those in either."""
    return float((one & other).sum() / max((one | other).sum(), 1))


def overlaps(cmd: Any, name: str, picture: Any) -> list[float]:
    """Return the overlap of what a picture shows with each state of an object, from the first on."""
    seen = drawn(picture)
    states = range(1, cmd.count_states(f"%{name}") + 1)
    return [round(overlap(seen, expected(cmd, name, state, seen.shape)), 3) for state in states]


def shows(cmd: Any, name: str, state: int, picture: Any) -> None:
    """Assert that a picture shows this state of an object, which can be told from the first, shown before."""
    found = overlaps(cmd, name, picture)
    assert found[state - 1] > 0.97, (name, state, found)
    assert state == 1 or found[0] < found[state - 1], (name, state, found)
