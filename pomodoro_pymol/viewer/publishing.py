"""What our objects wear: titles, colours, the key, the record."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from .drawing import defer_many
from .host import kept_session, muted
from .reading import pieces
from .store import STORE, all_records, marked_state, spelling


def retitle(name: str, titles: Sequence[str], record: dict[str, Any], *, _self) -> None:
    """Give our object other titles, and a record that says so; its key and colours stay."""
    set_titles(name, titles, _self=_self)
    former = all_records(_self)[name]
    former.update(record, title=titles[marked_state(name, _self) - 1])


def paint_steps(
    name: str, colors: Sequence[int], values: Sequence[float], piece: int = 0, *, _self
) -> Generator[None, None, None]:
    """Colour an object of ours and set its b, so many atoms at a time.

    ``colors`` has a 0xRRGGBB integer, and ``values`` a number, per atom in PyMOL's order.
    """
    pairs = zip((0x40000000 | color for color in colors), values)
    for part in pieces(f"%{name}", len(colors), piece, _self):
        _self.alter(part, "color, b = next(pairs)", space={"pairs": pairs})
        yield
    _self.recolor(f"%{name}")


def set_titles(name: str, titles: Sequence[str], *, _self) -> None:
    """Give each state of an object its title."""
    for state, title in enumerate(titles, 1):
        _self.set_title(name, state, title)


def publish(draft_name: str, name: str, record: dict[str, Any], *, _self) -> None:
    """Make a draft the output object ``name``, replacing our former one, and keep its record.

    Only a `StateWriter` and `companion_steps` do so, once they have compared what PyMOL shows with what was computed.
    """
    records = all_records(_self)
    former = spelling(name, _self=_self)
    key = (records.pop(former, None) or {}).get("key", "")
    title = _self.get_title(draft_name, marked_state(draft_name, _self))
    with muted(_self):
        if former:
            _self.delete(former)
        _self.set_name(draft_name, name)
        with kept_session(_self):
            _self.enable(name)
        defer_many(name, _self=_self)
    setattr(_self._pymol.session, STORE, {**records, name: {**record, "title": title, "key": key}})


def show_key(
    name: str, stops: Sequence[tuple[float, tuple[float, float, float]]], colors: dict[str, Any], *, _self
) -> str:
    """Draw the colour key of our object ``name`` in the viewport; return its object's name.

    ``colors``, of plain types, is what the record keeps of them.
    """
    record = all_records(_self)[name]
    record["colors"] = colors
    key = f"{name}_key"
    former = str(record.get("key"))
    is_key = former.lower().startswith(key.lower()) and former in _self.get_names("objects")
    if is_key and _self.get_type(former) == "object:ramp":
        key = former  # not deleted: PyMOL 2.5 cannot load a session in which two ramps were
    elif spelling(key, _self=_self):
        key = _self.get_unused_name(key)
    with muted(_self), kept_session(_self):
        _self.ramp_new(key, "none", [value for value, _ in stops], [list(rgb) for _, rgb in stops])
        _self.order(key, location="bottom")
    record["key"] = key
    return key
