"""PyMOL itself: the one place that imports it, and what keeps it quiet."""

from __future__ import annotations

import _thread
import ctypes
import importlib
import io
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from types import FrameType
from typing import Any

from pymol import CmdException as CmdException
from pymol import cmd as cmd
from pymol import editing

# PyMOL 3.1 prints a warning wherever the standard library's module of that name is imported first, as within torch.
with redirect_stdout(io.StringIO()):
    importlib.import_module("cmd")

#: What `own_array` returns where PyMOL's arrays do not work.
NO_ARRAYS = object()


@contextmanager
def headless() -> Iterator[Any]:
    """Yield the ``cmd`` of a new PyMOL without a window."""
    import pymol2

    with pymol2.PyMOL() as instance, interruptible():
        yield instance.cmd


def numpy_health(*, _self) -> str:
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


def own_array(call: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Return the array that a call of PyMOL's returns; `NO_ARRAYS` where its arrays do not work with this NumPy."""
    with suppress(SystemError, ImportError), redirect_stderr(io.StringIO()):  # a failure prints at length, too
        return call(*given, **named)
    return NO_ARRAYS


def set_discrete(name: str, *, _self) -> None:
    """Give each state of an object atoms of its own."""
    editing.set_discrete(name, 1, _self=_self)  # which PyMOL 2.5 has, but not as a command


@contextmanager
def interruptible(*, ends: bool = False) -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt, as in Python, so that work on its way is undone.

    PyMOL's own handler ends the process at once, which leaves files half-written, or does not work
    where there are threads. With ``ends`` it is called once all is undone, so that a script does not
    go on to its next line.
    """
    here = os.name == "posix" and threading.current_thread() is threading.main_thread()
    if not here or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    libc = ctypes.CDLL(None)
    libc.signal.argtypes, libc.signal.restype = (ctypes.c_int, ctypes.c_void_p), ctypes.c_void_p
    theirs = libc.signal(signal.SIGINT, None)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    python = libc.signal(signal.SIGINT, None)
    signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    except KeyboardInterrupt:
        if not ends or theirs == python:
            raise
        print(" interrupted: the session is as it was before", flush=True)
        libc.signal(signal.SIGINT, theirs)
        os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        libc.signal(signal.SIGINT, theirs)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, or later where PyMOL runs Python, as in ``iterate``, and would crash or lose it."""
    while frame is not None:
        if frame.f_code is own_array.__code__ or not frame.f_code.co_filename:  # so PyMOL compiles its expressions
            threading.Timer(0.01, _thread.interrupt_main).start()
            return
        frame = frame.f_back
    raise KeyboardInterrupt


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
def hidden_name(stem: str = "_pomodoro", *, _self) -> Iterator[str]:
    """Yield a name that PyMOL does not list, for an object or a selection; what bears it in the end is deleted.

    What was given another name by then, as a draft that is published, stays.
    """
    name = _self.get_unused_name(stem)
    try:
        yield name
    finally:
        if name in _self.get_names("all"):
            _self.delete(name)


def set_back(setting: str, value: Any, *, updates: int = 1, _self) -> None:
    """Give a global setting its former value; for its default the session gets no entry, which ``set`` would leave."""
    _self.unset(setting, updates=updates, quiet=1)
    if _self.get(setting) != str(value):
        _self.set(setting, value, updates=updates, quiet=1)


def hook(tasks: list[Any], task: Callable[..., bool]) -> None:
    """Let PyMOL do a task of ours, once, whenever it loads or saves a session."""
    # Another copy of this library, as of a plugin that was installed anew, may have left its own.
    tasks[:] = [other for other in tasks if _place(other) != _place(task)]
    tasks.append(task)


def _place(task: Any) -> tuple[str, str]:
    """Return module and name of a task, by which it is known in whatever copy of this library."""
    return getattr(task, "__module__", ""), getattr(task, "__name__", "")


@contextmanager
def kept_session(_self) -> Iterator[None]:
    """Keep what making an object changes beside it: the next automatic colour, the selection shown."""
    color = _self.get("auto_color_next")
    shown = _self.get_names("public_selections", enabled_only=1)
    try:
        with kept_drawing(_self):
            yield
    finally:
        _self.set("auto_color_next", color, quiet=1)
        for selection in shown:
            _self.enable(selection)


@contextmanager
def kept_drawing(_self) -> Iterator[None]:
    """Keep the global ``defer_builds_mode``, which PyMOL changes where it makes or reads an object of many states."""
    mode = _self.get_setting_int("defer_builds_mode")
    try:
        yield
    finally:
        if _self.get_setting_int("defer_builds_mode") != mode:
            _self.set("defer_builds_mode", mode, updates=0, quiet=1)
