"""PyMOL itself: the one place that imports it, and what keeps it quiet."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import Any

from pymol import CmdException as CmdException
from pymol import cmd as cmd


@contextmanager
def headless() -> Iterator[Any]:
    """Yield the ``cmd`` of a PyMOL of its own, without a window."""
    import pymol2

    with pymol2.PyMOL() as instance:
        yield instance.cmd


def numpy_health(*, _self=cmd) -> str:
    """Tell whether this PyMOL's own coordinate arrays work with the NumPy installed."""
    name = _self.get_unused_name("_pomodoro")
    try:
        with muted(_self), redirect_stderr(io.StringIO()):
            _self.pseudoatom(name, pos=[1.0, 2.0, 3.0])
            _self.get_coords(f"%{name}", 1)
    except (SystemError, ImportError) as error:
        return f"get_coords fails with this NumPy ({type(error).__name__}); Pomodoro does not need it"
    finally:
        _self.delete(name)
    return "ok"


@contextmanager
def muted(_self) -> Iterator[None]:
    """Hide what PyMOL prints of objects and selections; errors are still raised."""
    # Not "all": pop does not restore the modules that live in Python.
    _self.feedback("push")
    _self.feedback("disable", "executive objectmolecule selector gadget", "everything")
    try:
        yield
    finally:
        _self.feedback("pop")


@contextmanager
def c_stdout_muted() -> Iterator[None]:
    """Hide what PyMOL's trajectory reader prints from C, which ``feedback`` does not reach."""
    if os.name != "posix":
        yield
        return
    import ctypes

    libc = ctypes.CDLL(None)
    libc.fflush(None)
    saved = os.dup(1)
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 1)
        yield
    finally:
        libc.fflush(None)
        os.dup2(saved, 1)
        os.close(saved)
        os.close(sink)


@contextmanager
def kept_session(_self) -> Iterator[None]:
    """Keep what making an object changes beside it: the next automatic colour, the selection shown."""
    color = _self.get("auto_color_next")
    shown = _self.get_names("public_selections", enabled_only=1)
    try:
        yield
    finally:
        _self.set("auto_color_next", color, quiet=1)
        for selection in shown:
            _self.enable(selection)
