"""What the session knows of the objects that we made."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import Any

from .host import NO_ARRAYS, CmdException, muted, own_array

#: Where PyMOL keeps our records in its session.
STORE = "pomodoro"
#: The title of the objects that are keys and titles on the screen: their atoms carry labels and are no structure.
KEY_TITLE = "colour key of Pomodoro"


def is_ours(name: str, *, _self) -> bool:
    """Tell whether the object bears the title of one that pomnoise made, renamed or copied or not."""
    title = mark_of(name, _self)
    return bool(title) and any(record["title"] == title for record in all_records(_self).values())


def get_record(name: str, *, _self) -> dict[str, Any] | None:
    """Return the record of the object that pomnoise made under this name, or None.

    The session's store outlives ``reinitialize``, so the object must bear its title too.
    """
    record = all_records(_self).get(name)
    return record if record and record["title"] and record["title"] == mark_of(name, _self) else None


def command_of(record: dict[str, Any]) -> str:
    """Return the name of the command that made an object, "" where the record does not say."""
    line = record.get("command")
    return line.partition(" ")[0] if isinstance(line, str) else ""


def key_of(record: dict[str, Any]) -> str:
    """Return the name of the key of an object, "" where the record, which a file may have damaged, does not say."""
    key = record.get("key")
    return key if isinstance(key, str) else ""


def runs(*, _self) -> dict[str, str]:
    """Return the runs that objects are of, and for each the name of the first such object."""
    found: dict[str, str] = {}
    for name, record in all_records(_self).items():
        if isinstance(record.get("run"), str) and record["run"]:
            found.setdefault(record["run"], name)
    return found


def our_objects(*, _self) -> list[str]:
    """Return the names of the objects that pomnoise made and that still exist."""
    return [name for name in _self.get_names("objects") if get_record(name, _self=_self)]


def molecules(*, _self) -> list[str]:
    """Return the names of the molecular objects."""
    names = [name for name in _self.get_names("public_objects") if is_legal(name, _self)]
    names = [name for name in names if _self.get_type(name) == "object:molecule"]
    return [name for name in names if not is_key(name, _self=_self)]


def source_objects(*, _self) -> list[str]:
    """Return the names of the molecular objects that are not ours."""
    return [name for name in molecules(_self=_self) if not is_ours(name, _self=_self)]


def is_key(name: str, *, _self) -> bool:
    """Tell a key or title on the screen that we drew as labels, renamed or copied or not."""
    return mark_of(name, _self) == KEY_TITLE


def is_legal(name: str, _self) -> bool:
    """Tell a name that PyMOL gives from one that only a doctored session file can hold.

    The latter may be anything, words of the selection language too, so such an object counts as absent.
    """
    with muted(_self):
        return bool(name) and _self.get_legal_name(name) == name


def spelling(name: str, *, _self) -> str:
    """Return the name as PyMOL spells it, "" where nothing is called so; case does not matter to it."""
    names = _self.get_names("all")
    return name if name in names else next((other for other in names if other.lower() == name.lower()), "")


def all_records(_self) -> dict[str, dict[str, Any]]:
    """Return what the session says of our objects; what is no record, as a file may hold, is left out."""
    store = getattr(_self._pymol.session, STORE, None)
    if not isinstance(store, dict):
        return {}
    return {
        name: record
        for name, record in store.items()
        if isinstance(name, str) and isinstance(record, dict) and isinstance(record.get("title"), str)
    }


def forget(names: Collection[str], *, _self) -> None:
    """Take the records of objects that are gone out of the session."""
    records = {name: record for name, record in all_records(_self).items() if name not in names}
    if records:
        setattr(_self._pymol.session, STORE, records)
    elif hasattr(_self._pymol.session, STORE):
        delattr(_self._pymol.session, STORE)


def mark_of(name: str, _self) -> str:
    """Return the title that marks an object as ours, "" where there is none."""
    if name in _self.get_names("objects") and is_legal(name, _self) and _self.get_type(name) == "object:molecule":
        with muted(_self), suppress(CmdException):
            return _self.get_title(name, marked_state(name, _self)) or ""
    return ""


def placed_atoms(name: str, state: int, *, _self) -> int | None:
    """Return how many atoms of an object have coordinates in a state; None where PyMOL's arrays do not work.

    Not by a selection: for each PyMOL looks at all atoms of the session.
    """
    rows = own_array(_self.get_coordset, name, state, copy=0)
    return None if rows is NO_ARRAYS else 0 if rows is None else len(rows)


def has_atoms(name: str, n_atoms: int, state: int = 1, *, _self) -> bool:
    """Tell whether an object, all of whose atoms have coordinates in a state, has so many."""
    found = placed_atoms(name, state, _self=_self)
    if found is None:
        with muted(_self), suppress(CmdException):
            found = _self.count_atoms(f"%{name}")
    return found == n_atoms


def marked_state(name: str, _self) -> int:
    """Return the state whose title marks an object as ours: the first noised one, or the only one."""
    return min(2, _self.count_states(f"%{name}"))


def current_state(name: str, _self) -> int:
    """Return the state of an object that is shown; its first or last where PyMOL's own state lies beyond."""
    n_states = _self.count_states(f"%{name}")
    with suppress(CmdException):
        return max(1, min(_self.get_object_state(name), n_states))
    return max(1, n_states)
