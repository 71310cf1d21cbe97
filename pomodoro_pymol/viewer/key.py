"""Keys and titles that stay in their place on the screen: labels of atoms that lie in the middle of what is shown.

A label whose ``label_relative_mode`` is 1 stands where its ``label_screen_point`` says, from -1 to 1 across
and up the picture or the cell of a grid, in the window and ray-traced. A colour is a blank label's background,
which stands about that point: ray-traced, ``label_position`` moves the text alone. Where `window.mend_labels` is at
work backgrounds are not seen, but blocks, letters of the colour, that lie behind them; where it should be and is
not, letters take the colour of the background that was drawn last, so all texts come first and blocks next.
All atoms of a key lie in the middle of its object, so that ``zoom`` and ``center`` do not heed them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from chempy import Atom
from chempy.models import Indexed

from ..color.ticks import number_text, ticks
from .host import hidden_name, hook, kept_session, muted
from .store import KEY_TITLE, all_records, has_atoms, is_key, key_of, spelling
from .window import mend_labels

Rgb = tuple[float, float, float]

#: The ``grid_slot`` of what is drawn once in the whole picture and takes no cell.
WHOLE_PICTURE = 0

_LEFT, _WIDTH = -0.86, 0.85
_STRIP, _NUMBERS, _TITLE = -0.84, -0.9, -0.96
_ROW = 0.2
_TOP, _LINE = 0.92, 0.1
# How wide a character, and half of a blank and of two blocks, are in a picture of 640 x 480 pixels.
_CHARACTER, _HALF, _HALF_BLOCKS = 0.0245, 0.04, 0.031
#: The texts of what shows a colour.
BLANK, BLOCK = " " * 6, "\u2588"
# So many that there are no gaps in a window of 2,200 pixels, where each is as many pixels wide as in any other. All are
# atoms in the middle of what is shown, and the more there are the nearer ``orient`` goes.
_N_BLANKS, _N_BLOCKS = 42, 54
# PyMOL's numbers for labels alone shown, and for the flag of its own pseudoatoms.
_LABELS, _NO_SMOOTH = 1 << 3, 1 << 30
# Each next colour lies before the one to its left, blanks before blocks, and all before the atoms.
_NEAR, _NEARER, _NEAR_BLOCK = -0.9, -0.0005, -0.86
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
    """A text and its place, where it begins if ``left`` and else is centred; ``color`` is None for the default."""

    text: str
    x: float
    y: float
    left: bool = False
    z: float = _NEAR
    color: Rgb | None = None


def show_key(name: str, stops: Sequence[tuple[float, Rgb]], title: str, colors: dict[str, Any], *, _self) -> str:
    """Draw the colour key of our object ``name`` in the viewport, once in the whole picture; return its object's name.

    Parameters
    ----------
    name : str
    stops : sequence of (float, (float, float, float))
        Ascending values and their RGB colours (0 to 1), between which colours are interpolated.
    title : str
        What the number is, with its unit.
    colors : dict
        What the record keeps of them, of plain types.
    """
    low, high = stops[0][0], stops[-1][0]
    labels = [_Label(title, _LEFT - _HALF, _TITLE, left=True)]
    labels += _strip(stops, 2 * BLOCK, _N_BLOCKS, _HALF_BLOCKS, _NEAR_BLOCK)
    labels += _strip(stops, BLANK, _N_BLANKS, _HALF, _NEAR)

    def text(value: float) -> str:
        """Return a value as it is written."""
        return number_text(value, high - low)

    def place(value: float) -> float:
        """Return where a value stands, from -1 to 1."""
        return _LEFT + _WIDTH * (value - low) / (high - low)

    def close(one: float, other: float) -> bool:
        """Tell whether two values would overlap."""
        return place(other) - place(one) < _CHARACTER * (len(text(one)) + len(text(other)) + 2) / 2

    labels += [_Label(text(value), place(value), _NUMBERS) for value in ticks(low, high, close)]
    return _show(name, labels, colors, _self)


def show_swatches(name: str, entries: Sequence[tuple[str, Rgb]], title: str, colors: dict[str, Any], *, _self) -> str:
    """Draw a key of single colours, each before what it means; otherwise as `show_key`.

    ``entries`` have a text and an RGB colour (0 to 1).
    """
    labels, place = [_Label(title, _LEFT - _HALF, _TITLE, left=True)], _LEFT
    for text, color in entries:
        labels.append(_Label(BLOCK, place, _NUMBERS, z=_NEAR_BLOCK, color=color))
        labels.append(_Label(BLANK, place, _NUMBERS, color=color))
        labels.append(_Label(text, place + 1.2 * _HALF, _NUMBERS, left=True))
        place += 4.5 * _HALF + _CHARACTER * len(text)
    return _show(name, labels, colors, _self)


def show_label(name: str, text: str, slot: int, *, _self) -> str:
    """Write lines of text at the top of the cell of our object ``name``; return the object that they are."""
    lines = [_Label(line, 0, _TOP - number * _LINE) for number, line in enumerate(text.splitlines())]
    return _put(label_name(name), "", lines, _CELL_SIZE, _middle(f"%{name}", 1, _self), slot, _self)


def lower_key(key: str, *, _self) -> None:
    """Move a key down to the edge, where it was drawn higher because of other objects' keys that are not seen now."""
    down = _title_place(key, _self) - _TITLE

    def lowered(point: Sequence[float]) -> tuple[float, float, float]:
        """Return the place of a label in the key that was moved down."""
        return point[0], point[1] - down, point[2]

    move = "s.label_screen_point = lowered(s.label_screen_point)"
    _self.alter_state(1, f"%{key}", move, space={"lowered": lowered})


def key_name(name: str) -> str:
    """Return the name that the key of our object ``name`` has where it is free."""
    return f"{name}_key"


def label_name(name: str) -> str:
    """Return the name of the lines of text at the top of the cell of our object ``name``."""
    return f"{name}_title"


def keep_loadable(*, _self) -> None:
    """Let PyMOL 2.5 load each session that is saved here: it aborts where two colour ramps were deleted."""
    hook(_self._pymol._session_save_tasks, _name_deleted_ramps)


def keep_readable(*, _self) -> None:
    """Let keys and titles be read in PyMOL's window once a session is loaded that has them."""
    hook(_self._pymol._session_restore_tasks, _mend_restored)


def _mend_restored(session: Any, *, _self) -> bool:
    """Let labels be read where a session that was loaded has keys."""
    if any(is_key(name, _self=_self) for name in _self.get_names("objects")):
        mend_labels(_self=_self)
    return True


def _name_deleted_ramps(session: Any, *, _self) -> bool:
    """Tell the empty places apart that PyMOL keeps in its list of ramps, which colours count by."""
    empty = [entry for entry in session["color_ext"] if not entry[0]]
    for number, entry in enumerate(empty if len(empty) > 1 else ()):
        entry[0] = f"_deleted_{number}"
    return True


def _show(name: str, labels: Sequence[_Label], colors: dict[str, Any], _self) -> str:
    """Draw the key of our object, replacing its former one, unless that says the same and has all its labels."""
    record = all_records(_self)[name]
    same, record["colors"] = record.get("colors") == colors, colors
    former = _former(name, key_of(record), _self)
    if same and former == key_of(record) and _is_whole(former, len(labels), _self):
        return former  # as while Live goes on: to draw it takes 50 ms
    up = _ROW * _free_row(former, _self)
    labels = [replace(label, y=label.y + up) for label in labels]
    middle = _middle(f"%{name}", 1, _self)
    record["key"] = _put(key_name(name), former, labels, _SIZE, middle, WHOLE_PICTURE, _self)
    return record["key"]


def _is_whole(key: str, n_labels: int, _self) -> bool:
    """Tell whether a key has its labels and its place."""
    return is_key(key, _self=_self) and has_atoms(key, n_labels, _self=_self) and _in_no_cell(key, _self)


def _in_no_cell(key: str, _self) -> bool:
    """Tell whether an object is drawn once in the whole picture, as keys are, and titles are not."""
    return _self.get_setting_int("grid_slot", key) == WHOLE_PICTURE


def _former(name: str, known: str, _self) -> str:
    """Return the key to be replaced, "" where there is none: that of the record, or one that a deleted object left."""
    key, names = key_name(name), _self.get_names("objects")
    ours = known in names and known.lower().startswith(key.lower())
    if ours and (is_key(known, _self=_self) or _self.get_type(known) == "object:ramp"):  # so version 0.1.0 drew it
        return known
    left = spelling(key, _self=_self)
    return left if is_key(left, _self=_self) else ""


def _free_row(former: str, _self) -> int:
    """Return how many keys' height above the edge a key has room, beside those of other objects."""
    taken: list[int] = []
    for other in _self.get_names("objects"):
        if other != former and is_key(other, _self=_self) and _in_no_cell(other, _self):
            taken.append(round((_title_place(other, _self) - _TITLE) / _ROW))
    return next(row for row in range(len(taken) + 1) if row not in taken)


def _title_place(key: str, _self) -> float:
    """Return how high the title of a key stands, from -1 to 1."""
    found: list[float] = []
    # Not "and name K000", for which PyMOL compares the name of each atom of the session.
    expression = "put(s.label_screen_point[1]) if name == 'K000' else None"
    _self.iterate_state(1, f"%{key}", expression, space={"put": found.append})
    return found[0]


def _put(name: str, former: str, labels: Sequence[_Label], size: int, where: Sequence[float], slot: int, _self) -> str:
    """Make the labels an object called ``name``, in place of the ``former``; return the name, another if it is taken.

    It is hidden where its former was.
    """
    hidden = bool(former) and former not in _self.get_names("objects", enabled_only=1)
    with muted(_self), kept_session(_self), hidden_name(_self=_self) as draft:
        _draw(draft, labels, where, _self)
        for setting, value in {**_SETTINGS, "label_size": size, "grid_slot": slot}.items():
            _self.set(setting, value, draft, updates=0, quiet=1)
        if former:
            _self.delete(former)
        if spelling(name, _self=_self):
            name = _self.get_unused_name(name)
        _self.set_name(draft, name)
        if hidden:
            _self.disable(name)
    mend_labels(_self=_self)
    return name


def _draw(name: str, labels: Sequence[_Label], where: Sequence[float], _self) -> None:
    """Make an object of an atom per label, all of them at ``where``, shape=(3,).

    In few calls, as each that means atoms looks at all those of the session.
    """
    labels = sorted(labels, key=lambda label: (label.color is not None, label.text == BLANK))
    given = {f"K{number:03}": label for number, label in enumerate(labels)}
    model = Indexed()
    model.atom += [_atom(atom, where) for atom in given]
    _self.load_model(model, name, 1, discrete=0, quiet=1, zoom=0)
    _self.set_title(name, 1, KEY_TITLE)

    def write(settings: Any, atom: str) -> str:
        """Set the colour of an atom's label, and return its text."""
        label = given[atom]
        if label.color:
            settings["label_bg_color" if label.text == BLANK else "label_color"] = _integer(label.color)
        return label.text

    _self.alter(f"%{name}", "label = write(s, name)", space={"write": write})
    places = {atom: ((label.x, label.y, label.z), (float(label.left), 0.0, 0.0)) for atom, label in given.items()}
    _self.alter_state(1, f"%{name}", "s.label_screen_point, s.label_position = places[name]", space={"places": places})
    _self.set("label_bg_transparency", 0, name, updates=0, quiet=1)
    _self.mask(f"%{name}")  # a click on it picks no atom


def _atom(name: str, where: Sequence[float]) -> Atom:
    """Return an atom that shows its label alone, otherwise as ``pseudoatom`` makes them."""
    atom = Atom()
    atom.name, atom.resn, atom.resi, atom.chain, atom.segi, atom.symbol = name, "KEY", "1", "P", "PSDO", "PS"
    atom.hetatm, atom.flags, atom.visible = 1, _NO_SMOOTH, _LABELS
    atom.coord = [float(x) for x in where]
    return atom


def _middle(atoms: str, state: int, _self) -> list[float]:
    """Return the middle of where atoms are seen in a state, 0 for all, shape=(3,)."""
    return [(low + high) / 2 for low, high in zip(*_self.get_extent(atoms, state))]


def _strip(stops: Sequence[tuple[float, Rgb]], text: str, n_labels: int, half: float, near: float) -> list[_Label]:
    """Return labels of colours side by side, each of which covers all but the left end of the one before."""
    low, high = stops[0][0], stops[-1][0]
    start, end = _LEFT - _HALF, _LEFT + _WIDTH + 2 * (_HALF - half)
    lefts = [start + (end - start) * number / (n_labels - 1) for number in range(n_labels)]
    values = [low + (high - low) * min(1.0, max(0.0, (left - _LEFT) / _WIDTH)) for left in lefts]
    return [
        _Label(text, left + half, _STRIP, z=near + number * _NEARER, color=_between(stops, value))
        for number, (left, value) in enumerate(zip(lefts, values))
    ]


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
