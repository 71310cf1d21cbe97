"""What our objects wear: titles, colours, the key, the record."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from ..errors import PomodoroError
from .drawing import defer_many
from .host import kept_session, muted
from .reading import pieces
from .store import STORE, all_records, command_of, get_record, marked_state, spelling

#: First word of what the record of a truth has for a command.
_TRUTH = "truth"


def retitle(name: str, titles: Sequence[str], record: dict[str, Any], *, _self) -> None:
    """Give our object other titles, and a record that says so; its key and colours stay."""
    set_titles(name, titles, _self=_self)
    former = all_records(_self)[name]
    former.update(record, title=titles[marked_state(name, _self) - 1])


def paint_steps(
    name: str, colors: Sequence[int], values: Sequence[float], piece: int = 0, *, _self
) -> Generator[None, None, None]:
    """Colour an object of ours and set its b, so many atoms at a time; one that was shown before needs `redraw_colors`.

    ``colors`` has a 0xRRGGBB integer, and ``values`` a number, per atom in PyMOL's order.
    """
    pairs = zip((0x40000000 | color for color in colors), values)
    for part in pieces(f"%{name}", len(colors), piece, _self):
        _self.alter(part, "color, b = next(pairs)", space={"pairs": pairs})
        yield


def redraw_colors(name: str, *, _self) -> None:
    """Let PyMOL draw an object that was shown before in the colours of its atoms."""
    _self.recolor(f"%{name}")


def set_titles(name: str, titles: Sequence[str], *, _self) -> None:
    """Give each state of an object its title."""
    for state, title in enumerate(titles, 1):
        _self.set_title(name, state, title)


def publish(draft_name: str, name: str, record: dict[str, Any], *, _self) -> None:
    """Make a draft the object ``name``, replacing our former one, and keep its record.

    Frames are published only by a `StateWriter`, and their directions by `companion.companion_steps`, once
    they have compared what PyMOL shows with what was computed.
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


def hide(source: str, *, _self) -> str:
    """Hide an object that lies over what was made of it, which is shown by now; return its name, "" if it was hidden.

    Nothing else of it changes: to enable it undoes this.
    """
    if source not in _self.get_names("objects", enabled_only=1):
        return ""
    _self.disable(source)
    return source


def hidden_text(source: str) -> str:
    """Return a line that says that `hide` hid an object, with its line break; "" where it did not."""
    return f"\n hidden: {source}, which lies over its frames; enable {source} shows it again" if source else ""


def truth_name(name: str) -> str:
    """Return the name of the object that shows the truth of our object ``name``."""
    return f"{name}_truth"


def truth_of(name: str, *, _self) -> str:
    """Return the object that shows the truth of our object ``name``, "" where there is none."""
    there = spelling(truth_name(name), _self=_self)
    return there if there and _is_truth(there, _self) else ""


def check_truth(name: str, source: str, wanted: bool, *, _self) -> None:
    """Refuse an output ``name`` whose truth, if ``wanted``, would take the place of another object.

    Raises
    ------
    PomodoroError
        If there is one that shows no truth, or if it is the source, which would be lost.
    """
    there = spelling(truth_name(name), _self=_self)
    if there and (there == source or (wanted and not _is_truth(there, _self))):
        what = "is the source itself" if there == source else "exists and shows no truth"
        raise PomodoroError(f"{there} {what}: choose another name for the frames than {name}")


def publish_truth(draft_name: str, name: str, *, _self) -> None:
    """Make a draft the object that shows the truth of our object ``name``; without a draft take the former one away."""
    truth = truth_name(name)
    if draft_name:
        publish(draft_name, truth, {"command": f"{_TRUTH} of {name}", "source": name}, _self=_self)
        return
    former = truth_of(name, _self=_self)
    if former:
        _self.delete(former)
        records = all_records(_self)
        del records[former]
        setattr(_self._pymol.session, STORE, records)


def _is_truth(name: str, _self) -> bool:
    return command_of(get_record(name, _self=_self) or {}) == _TRUTH
