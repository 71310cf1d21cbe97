"""Whether an object of ours still holds what was written to it, under whatever name.

A frame is known by the sum of the bits of its coordinates, modulo 2**64: the same in any order of
the atoms, and another as soon as one coordinate is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..utils.text import counted
from .host import NO_ARRAYS, own_array
from .reading import count_atoms, read_state
from .store import STORE, all_records, command_of, mark_of


def frame_sum(frame: Any) -> int:
    """Return the sum by which a frame is known, an array of shape=(n_atoms, 3), float32."""
    import numpy as np

    return int(frame.view(np.uint32).sum(dtype=np.uint64))


def frame_sums(name: str, *, _self) -> list[int]:
    """Return the sum by which each state of an object is known."""
    return [_state_sum(name, state, _self) for state in range(1, _self.count_states(f"%{name}") + 1)]


def _state_sum(name: str, state: int, _self: Any) -> int:
    """Return the sum by which a state is known, from the rows of PyMOL's memory if it gives them, in whatever order."""
    rows = own_array(_self.get_coordset, name, state, copy=0)
    return frame_sum(read_state(name, state, _self=_self) if rows is NO_ARRAYS or rows is None else rows)


def live_sums(name: str, n_atoms: int, n_states: int, fill: Callable[[int, Any], None], *, _self) -> list[int]:
    """Return the sum by which each state is known where ``fill`` filled all but the first, as in `LiveStates`."""
    import numpy as np

    rows = np.empty((n_atoms, 3), np.float32)
    found = [frame_sum(read_state(name, 1, _self=_self))]
    for state in range(2, n_states + 1):
        fill(state, rows)
        found.append(frame_sum(rows))
    return found


def changed(name: str, record: dict[str, Any], *, _self) -> str:
    """Say what was done to the states of an object since its record was made; "" for nothing, or if it is not known.

    Records of version 0.1.0 do not tell.
    """
    wanted = record.get("sums")
    if not isinstance(wanted, list) or not wanted:
        return ""
    n_atoms, n_states = record.get("n_atoms"), _self.count_states(f"%{name}")
    found = count_atoms(f"%{name}", _self=_self)
    if isinstance(n_atoms, int) and found != n_atoms:
        return f"it has {found} of its {counted(n_atoms, 'atom')}"
    if n_states != len(wanted):
        return f"it has {counted(n_states, 'state')} where {len(wanted)} were made"
    sums = frame_sums(name, _self=_self)
    others = [state for state, (one, other) in enumerate(zip(sums, wanted), 1) if one != other]
    if not others:
        return ""
    which = f"state {others[0]} was" if len(others) == 1 else f"{len(others)} of {n_states} states were"
    return f"{which} moved or edited"


def known_again(name: str, *, _self) -> dict[str, Any] | None:
    """Return the record of an object that was renamed or copied from one of ours, None where it is none of them."""
    mark = mark_of(name, _self)
    alike = [record for record in all_records(_self).values() if mark and record["title"] == mark]
    first = [_state_sum(name, state, _self) for state in (1, 2)] if alike else []
    exact = [record for record in alike if isinstance(record.get("sums"), list) and record["sums"][:2] == first]
    return next(iter(exact or alike), None)


def adopt(name: str, record: dict[str, Any], *, _self) -> None:
    """Keep the record of an object that was renamed, or a copy's own, under its name from now on."""
    records = all_records(_self)
    former = next((other for other, known in records.items() if known is record), "")
    copied = former in _self.get_names("objects")
    records[name] = {**record, **({"key": ""} if copied else {})}
    if not copied:
        del records[former]
    setattr(_self._pymol.session, STORE, records)


def follow_renames(*, _self) -> dict[str, str]:
    """Keep the records of objects of ours that were renamed under their names of now; return these by the former."""
    records, there = all_records(_self), _self.get_names("objects")
    lost = {record["title"]: name for name, record in records.items() if record["title"] and name not in there}
    found: dict[str, str] = {}
    if not lost:
        return found
    for name in there:
        former = lost.get(mark_of(name, _self)) if name not in records else None
        if former and former not in found and known_again(name, _self=_self) is records[former]:
            found[former] = name
    for former, name in found.items():
        adopt(name, records[former], _self=_self)
    return found


def maker(record: dict[str, Any]) -> str:
    """Return the name of the command that made an object."""
    return command_of(record) or "pomnoise"
