"""Keys and titles that stay in their place on the screen: labels of atoms that lie in the middle of what is shown.

A label whose ``label_relative_mode`` is 1 stands where its ``label_screen_point`` says, from -1 to 1 across
and up the picture or the cell of a grid, in the window and ray-traced. A colour is a blank label's background,
which stands about that point: ray-traced, ``label_position`` moves the text alone.
All atoms of a key lie in the middle of its object, so that ``zoom`` and ``center`` do not heed them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..color.ticks import number_text, ticks
from .host import hook, kept_session, muted
from .store import KEY_TITLE, all_records, is_key, spelling

Rgb = tuple[float, float, float]

#: The ``grid_slot`` of what is drawn once in the whole picture and takes no cell.
WHOLE_PICTURE = 0

_LEFT, _WIDTH = -0.86, 0.7
_STRIP, _NUMBERS, _TITLE = -0.84, -0.9, -0.96
_TOP, _LINE = 0.92, 0.1
# How wide a character, and half of a blank, are in a picture of 640 x 480 pixels.
_CHARACTER, _HALF = 0.0245, 0.04
_BLANK = " " * 6
# So many that there are no gaps in a window of 3,840 pixels, where a blank is as many pixels wide as in any other.
_N_COLORS = 56
# Each next colour lies before the one to its left, and all before the atoms.
_NEAR, _NEARER = -0.9, -0.0005
# PyMOL draws what is in a cell of a grid smaller in its window.
_SIZE, _CELL_SIZE = 13, 24
_SETTINGS = {
    "label_relative_mode": 1,
    "label_font_id": 5,
    "label_color": "front",
    "label_connector": 0,
    "label_outline_color": -1,
}


@dataclass(frozen=True)
class _Label:
    """A text and its place; ``left`` where it begins there, else it is centred; the colour behind it, if any."""

    text: str
    x: float
    y: float
    left: bool = False
    z: float = _NEAR
    color: Rgb | None = None


def show_key(
    name: str,
    stops: Sequence[tuple[float, Rgb]],
    title: str,
    colors: dict[str, Any],
    *,
    slot: int | None = None,
    _self,
) -> str:
    """Draw the colour key of our object ``name`` in the viewport; return its object's name.

    Parameters
    ----------
    name : str
    stops : sequence of (float, (float, float, float))
        Ascending values and their RGB colours (0 to 1), between which colours are interpolated.
    title : str
        What the number is, with its unit.
    colors : dict
        What the record keeps of them, of plain types.
    slot : int, optional
        The cell of the grid in which the key is; without, there is one in the whole picture.
    """
    low, high = stops[0][0], stops[-1][0]
    labels = [_Label(title, _LEFT - _HALF, _TITLE, left=True), _Label(_BLANK, _LEFT, _STRIP, color=stops[0][1])]
    for number in range(_N_COLORS):
        part = number / (_N_COLORS - 1)
        z, color = _NEAR + (number + 1) * _NEARER, _between(stops, low + (high - low) * part)
        # What is seen of each, the last aside, is its left end.
        labels.append(_Label(_BLANK, _LEFT + _HALF + _WIDTH * part, _STRIP, z=z, color=color))

    def text(value: float) -> str:
        return number_text(value, high - low)

    def place(value: float) -> float:
        return _LEFT + _WIDTH * (value - low) / (high - low)

    def close(one: float, other: float) -> bool:
        return place(other) - place(one) < _CHARACTER * (len(text(one)) + len(text(other)) + 2) / 2

    labels += [_Label(text(value), place(value), _NUMBERS) for value in ticks(low, high, close)]
    return _show(name, labels, colors, slot, _self)


def show_swatches(
    name: str,
    entries: Sequence[tuple[str, Rgb]],
    title: str,
    colors: dict[str, Any],
    *,
    slot: int | None = None,
    _self,
) -> str:
    """Draw a key of single colours, each before what it means; otherwise as `show_key`.

    ``entries`` have a text and an RGB colour (0 to 1).
    """
    labels, place = [_Label(title, _LEFT - _HALF, _TITLE, left=True)], _LEFT
    for text, color in entries:
        labels.append(_Label(_BLANK, place, _NUMBERS, color=color))
        labels.append(_Label(text, place + 1.2 * _HALF, _NUMBERS, left=True))
        place += 4.5 * _HALF + _CHARACTER * len(text)
    return _show(name, labels, colors, slot, _self)


def show_label(name: str, text: str, slot: int, *, _self) -> str:
    """Write lines of text at the top of the cell of our object ``name``; return the object that they are."""
    lines = [_Label(line, 0, _TOP - number * _LINE) for number, line in enumerate(text.splitlines())]
    return _put(label_name(name), "", lines, _CELL_SIZE, _middle(f"%{name}", 1, _self), slot, _self)


def key_name(name: str) -> str:
    """Return the name that the key of our object ``name`` has where it is free."""
    return f"{name}_key"


def label_name(name: str) -> str:
    """Return the name of the lines of text at the top of the cell of our object ``name``."""
    return f"{name}_title"


def keep_loadable(*, _self) -> None:
    """Let PyMOL 2.5 load each session that is saved here: it aborts where two colour ramps were deleted."""
    hook(_self._pymol._session_save_tasks, _name_deleted_ramps)


def _name_deleted_ramps(session: Any, *, _self) -> bool:
    """Tell the empty places apart that PyMOL keeps in its list of ramps, which colours count by."""
    empty = [entry for entry in session["color_ext"] if not entry[0]]
    for number, entry in enumerate(empty if len(empty) > 1 else ()):
        entry[0] = f"_deleted_{number}"
    return True


def _show(name: str, labels: Sequence[_Label], colors: dict[str, Any], slot: int | None, _self) -> str:
    """Draw the key of our object, replacing its former one."""
    record = all_records(_self)[name]
    record["colors"] = colors
    key, former = key_name(name), str(record.get("key"))
    ours = former.lower().startswith(key.lower()) and former in _self.get_names("objects")
    # In version 0.1.0 a key was a colour ramp.
    ours = ours and (_self.get_type(former) == "object:ramp" or is_key(former, _self=_self))
    slot = WHOLE_PICTURE if slot is None else slot
    record["key"] = _put(key, former if ours else "", labels, _SIZE, _middle(f"%{name}", 1, _self), slot, _self)
    return record["key"]


def _put(name: str, former: str, labels: Sequence[_Label], size: int, where: Sequence[float], slot: int, _self) -> str:
    """Make the labels an object called ``name``, in place of the ``former``; return the name, another if it is taken.

    It is hidden where its former was.
    """
    draft = _self.get_unused_name("_pomodoro")
    hidden = bool(former) and former not in _self.get_names("objects", enabled_only=1)
    with muted(_self), kept_session(_self):
        try:
            _draw(draft, labels, where, _self)
            for setting, value in {**_SETTINGS, "label_size": size, "grid_slot": slot}.items():
                _self.set(setting, value, draft, updates=0, quiet=1)
            if former:
                _self.delete(former)
            if spelling(name, _self=_self):
                name = _self.get_unused_name(name)
            _self.set_name(draft, name)
        finally:
            if draft in _self.get_names("all"):
                _self.delete(draft)
        if hidden:
            _self.disable(name)
    return name


def _draw(name: str, labels: Sequence[_Label], where: Sequence[float], _self) -> None:
    """Make an object of an atom per label, all of them at ``where``, shape=(3,)."""
    names = [f"K{number:02}" for number in range(len(labels))]
    for atom in names:
        _self.pseudoatom(
            name, name=atom, resn="KEY", resi="1", pos=[float(x) for x in where], vdw=0.0, state=1, quiet=1
        )
    _self.hide("everything", f"%{name}")
    _self.set_title(name, 1, KEY_TITLE)
    given = dict(zip(names, labels))
    _self.alter(f"%{name}", "label = given[name].text", space={"given": given})
    places = {atom: ((label.x, label.y, label.z), (float(label.left), 0.0, 0.0)) for atom, label in given.items()}
    _self.alter_state(1, f"%{name}", "s.label_screen_point, s.label_position = places[name]", space={"places": places})
    behind = {atom: _integer(label.color) for atom, label in given.items() if label.color}
    _self.alter(
        f"%{name} and name {'+'.join(behind)}",
        "s.label_bg_color = behind[name]; s.label_bg_transparency = 0.0",
        space={"behind": behind},
    )
    _self.mask(f"%{name}")  # a click on it picks no atom
    _self.show("labels", f"%{name}")


def _middle(atoms: str, state: int, _self) -> list[float]:
    """Return the middle of where atoms are seen in a state, 0 for all, shape=(3,)."""
    return [(low + high) / 2 for low, high in zip(*_self.get_extent(atoms, state))]


def _between(stops: Sequence[tuple[float, Rgb]], value: float) -> Rgb:
    """Return the colour of a value on a scale."""
    for (low, one), (high, other) in zip(stops, stops[1:]):
        if value <= high:
            part = (value - low) / (high - low)
            red, green, blue = ((1 - part) * a + part * b for a, b in zip(one, other))
            return red, green, blue
    return stops[-1][1]


def _integer(color: Rgb) -> int:
    """Return an RGB colour (0 to 1) as PyMOL's number for it."""
    red, green, blue = (min(255, max(0, round(255 * part))) for part in color)
    return 0x40000000 | red << 16 | green << 8 | blue
