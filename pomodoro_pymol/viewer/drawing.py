"""Which states of our objects PyMOL draws: all of them, but the shown one alone while Live moves it.

Where an object has ``defer_builds_mode`` 1, PyMOL builds the state that is shown, which is quick, and no other:
not even one that comes to be shown later, for which it looks at the global setting. So no object of ours keeps it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from .host import CmdException, hook, muted
from .store import all_records, is_ours

_SETTING = "defer_builds_mode"


def draw_all(name: str, *, _self) -> None:
    """Let PyMOL draw every state of an object anew."""
    if _self.get_setting_int(_SETTING, name) == 1:
        _self.unset(_SETTING, name, updates=0, quiet=1)
    _self.rebuild(f"%{name}")


def draw_shown(name: str, *, _self) -> None:
    """Let PyMOL draw anew the state that is shown; whoever calls this calls `draw_all` in the end."""
    # Not with updates, which would draw every other object anew too.
    _self.set(_SETTING, 1, name, updates=0, quiet=1)
    _self.rebuild(f"%{name}")


def heal(*, _self) -> None:
    """Draw every state of those of our objects of which PyMOL draws one alone, as it did of all in version 0.1.0."""
    if not all_records(_self):
        return
    for name in _self.get_names("objects"):
        with muted(_self), suppress(CmdException):
            if is_ours(name, _self=_self) and _self.get_setting_int(_SETTING, name) == 1:
                draw_all(name, _self=_self)


def keep_drawn(*, _self) -> None:
    """Draw every state of our objects here and in each session that is loaded, and save none drawn in part."""
    for tasks, task in (
        (_self._pymol._session_restore_tasks, _heal_restored),
        (_self._pymol._session_save_tasks, _save_drawn),
    ):
        hook(tasks, task)
    heal(_self=_self)


def _heal_restored(_session: Any, *, _self) -> bool:
    """Draw every state of our objects in a session that was loaded."""
    heal(_self=_self)
    return True


def _save_drawn(session: Any, *, _self) -> bool:
    """Take the setting from our objects in a session that is about to be saved; the objects keep it."""
    number = _self.setting._get_index(_SETTING)
    ours = {name for name in _self.get_names("objects") if is_ours(name, _self=_self)} if all_records(_self) else ()
    for entry in session["names"]:
        if entry and entry[0] in ours:
            common = entry[5][0]
            common[8] = [each for each in common[8] or () if list(each) != [number, 2, 1]] or None
    return True


def defer_many(name: str, *, _self) -> None:
    """Do as PyMOL does for any object of many states: draw each as it is shown, of all objects.

    A cartoon of 500 states takes 4 MB for each 5,000 atoms and state.
    """
    limit, n_states = _self.get_setting_int("auto_defer_builds"), _self.count_states(f"%{name}")
    if 0 <= limit <= n_states and _self.get_setting_int(_SETTING) == 0:
        _self.set(_SETTING, 3, updates=0, quiet=1)
        print(f" {name}: {n_states} states; PyMOL draws each as it comes to be shown ({_SETTING} 3)", flush=True)
