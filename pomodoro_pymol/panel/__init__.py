"""The docked panel. Importing this imports no Qt, so that it follows PyMOL's choice of binding, and no PyMOL."""

from __future__ import annotations

from typing import Any

from ..errors import PomodoroError


def open_panel(*, _self: Any = None) -> Any:
    """Show the panel in PyMOL's window and return its dock; there is one at most.

    Raises
    ------
    PomodoroError
        Where PyMOL runs without a window.
    """
    from .. import viewer

    window = viewer.main_window()
    if window is None:
        raise PomodoroError("the panel needs PyMOL's window: in a script, use pomnoise and the other commands")
    from .dock import find_dock, make_dock

    dock = find_dock(window) or make_dock(window, _self=_self or viewer.cmd)
    dock.show()
    dock.raise_()
    return dock
