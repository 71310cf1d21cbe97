"""Finding an object that our commands made, and reading it as what it was made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import PomodoroError
from ..experiments.record import Record
from ..parameters.catalogue import NoiseParameters
from ..structure.atoms import Structure
from ..viewer import grid, provenance, reading, store


def find_ours(
    name: str, makers: Sequence[str] = (NoiseParameters.command,), *, _self: Any
) -> tuple[str, dict[str, Any]]:
    """Return the object that is meant among those that some commands made, and its record.

    By default with noised frames, of pomnoise or pomalign; though it be renamed or copied.

    Raises
    ------
    PomodoroError
        If there is none, or several and none is named.
    """
    found = {other: _record(other, _self) for other in store.molecules(_self=_self)}
    ours = {other: record for other, record in found.items() if record and store.command_of(record) in makers}
    compared = grid.members(_self=_self)
    free = [other for other in ours if other not in compared] or list(ours)
    if not name and len(free) == 1:
        name = free[0]
    name = store.spelling(name, _self=_self) or name
    if name not in ours:
        raise PomodoroError(_why_not(name, found, free, makers, _self))
    if store.get_record(name, _self=_self) is None:
        provenance.adopt(name, ours[name], _self=_self)
    return name, ours[name]


def _record(name: str, _self: Any) -> dict[str, Any] | None:
    return store.get_record(name, _self=_self) or provenance.known_again(name, _self=_self)


def _why_not(
    name: str, found: dict[str, dict[str, Any] | None], ours: list[str], makers: Sequence[str], _self: Any
) -> str:
    """Say why an object is none of those that some commands made."""
    *others, last = makers
    by = f"{', '.join(others)} or {last}" if others else last
    right = f"name one of: {', '.join(ours)}" if ours else f"run {makers[0]} first"
    if not name:
        return f"{by} has made {len(ours) or 'no'} objects here: {right}"
    if name not in _self.get_names("all"):
        return f"there is no object {name!r}: {right}"
    record = found.get(name)
    if record:
        return f"{name} was made by {provenance.maker(record)}, not by {by}: {right}"
    if name in store.all_records(_self):
        return f"{name} is not what was made under that name, its states are others: run pomnoise again"
    return f"{name} was not made by {by}: {right}"


def check_frames(name: str, record: dict[str, Any], *, _self: Any) -> None:
    """Refuse an object whose frames are no longer those that its command made.

    Raises
    ------
    PomodoroError
        If atoms or states were removed, moved or edited since.
    """
    what = provenance.changed(name, record, _self=_self)
    if what:
        raise PomodoroError(
            f"{name} is no longer what {provenance.maker(record)} made, {what}: run {provenance.maker(record)} again "
            "(PyMOL's own save writes it as it is)"
        )


def read_ours(name: str, record: Record, *, title: str = "", _self: Any) -> Structure:
    """Read the truth of an object with noised frames, in the order, groups and fixed atoms of its draws."""
    return record.regrouped(reading.read_structure(name, title=title, order=record.order, _self=_self))
