"""PyMOL's window and what a person does in it: states shown, residues selected, lines logged."""

from __future__ import annotations

import ctypes
import re
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..parameters.syntax import is_one_command
from . import host
from .host import CmdException, muted
from .sources import index_words, object_words
from .store import current_state

_PLAIN = re.compile(r"-?[A-Za-z0-9]*")
_GL_LIBRARY = {"linux": "libGL.so.1", "win32": "opengl32"}
# Numbers of OpenGL.
_EXTENSIONS, _TEXTURE_2D, _TEXTURE_ENV, _TEXTURE_ENV_MODE, _REPLACE = 0x1F03, 0x0DE1, 0x2300, 0x2200, 0x1E01


def main_window() -> Any:
    """Return PyMOL's main window, None where there is none; makes qtpy follow PyMOL's Qt."""
    try:
        from pymol.gui import get_qtwindow
    except ImportError:
        return None
    return get_qtwindow()


def mend_labels(*, _self) -> None:
    """Let PyMOL 3.2 draw letters in its window, not boxes, where the graphics driver has no EXT_geometry_shader4.

    As all of Mesa's: with shaders on it does not switch textures on before a label (schrodinger/pymol-open-source
    issue 496). They stay on until it draws a label with shaders off, or ends. What it draws behind labels
    (``label_bg_color``) is not seen meanwhile.
    """
    main, library = main_window(), _GL_LIBRARY.get(sys.platform)
    if main is None or library is None or threading.current_thread() is not threading.main_thread():
        return
    if _self.get_version()[1] < 3 or not _self.get_setting_int("use_shaders"):
        return
    with suppress(OSError, AttributeError):
        opengl = ctypes.CDLL(library)
        main.pymolwidget.makeCurrent()
        opengl.glGetString.restype = ctypes.c_char_p
        extensions = opengl.glGetString(_EXTENSIONS)
        if extensions and b"GL_EXT_geometry_shader4" not in extensions.split():
            opengl.glEnable(_TEXTURE_2D)
            opengl.glTexEnvi(_TEXTURE_ENV, _TEXTURE_ENV_MODE, _REPLACE)


def log(line: str, *, _self) -> None:
    """Show a line as PyMOL shows one that was typed, and write it to an open log file.

    A log is run again as a script: a line that would be more than one command there, through the
    name of an object from a file, is not written.
    """
    print(f"PyMOL>{line}", flush=True)
    if is_one_command(line):
        _self.log(f"{line}\n")


def hold_viewport(hold: bool, *, _self) -> None:
    """Stop painting PyMOL's viewport, so that nothing is seen half made, or paint it again."""
    main = main_window()
    if main is not None and _self is host.cmd and main.pymolwidget.updatesEnabled() == hold:
        main.pymolwidget.setUpdatesEnabled(not hold)


def knows(word: str, *, _self) -> bool:
    """Tell whether a word is a command of PyMOL's, ours among them."""
    return word in _self.keyword


def shown_state(name: str, *, _self) -> tuple[int, int, str]:
    """Return the state of an object that is shown, how many there are, and its title."""
    n_states = _self.count_states(f"%{name}")
    state = current_state(name, _self)
    return state, n_states, _self.get_title(name, state) or ""


def show_state(state: int, *, _self) -> None:
    """Show a state, as PyMOL's own slider does."""
    _self.frame(state)


def selected_atoms(name: str, *, _self) -> tuple[int, ...]:
    """Return the indices, in an object, of the atoms in the selection that is shown.

    Where it is of other objects, of the atoms that bear the same labels.
    """
    shown = _self.get_names("public_selections", enabled_only=1)
    if not shown or name not in _self.get_names("objects"):
        return ()
    with muted(_self), suppress(CmdException):
        indices = _self.index(f"%{name} and ({' or '.join(f'%{selection}' for selection in shown)})")
        if not indices:
            indices = _self.index(f"%{name} in ({' or '.join(f'%{selection}' for selection in shown)})")
        return tuple(index for _, index in indices)
    return ()


def select(words: str, *, _self) -> None:
    """Select atoms as a click in the viewport does, and bring them into view, in the state that is shown.

    Not through ``do``, which would run what follows a semicolon in a label from a file.
    """
    with muted(_self):
        _self.select("sele", words, enable=1, quiet=1)
    _self.zoom("sele", 8, state=-1, animate=-1)
    for line in (f"select sele, {words}", "enable sele", "zoom sele, 8, state=-1, animate=-1"):
        log(line, _self=_self)


def session_value(name: str, *, _self) -> Any:
    """Return what the session holds under a name of ours; it may come from a file."""
    return getattr(_self._pymol.session, name, None)


def keep_in_sessions(name: str, saved: Callable[[], dict[str, Any]], loaded: Callable[[Any], None], *, _self) -> None:
    """Let each session that is saved hold a value of ours, and tell of what each that is loaded holds in its place.

    Only one value is kept so: another takes the place of the former, as that of a panel that is made anew.

    Parameters
    ----------
    name : str
    saved : callable
        Returns the value, of plain types, when a session is saved.
    loaded : callable
        Called when a session was loaded with what it holds, as `session_value` returns it.
    """

    def save_value(session: Any, *, _self) -> bool:
        """Put the value into what PyMOL is about to save."""
        setattr(session["session"], name, saved())
        return True

    def load_value(_session: Any, *, _self) -> bool:
        """Hand on what was loaded."""
        loaded(session_value(name, _self=_self))
        return True

    host.hook(_self._pymol._session_save_tasks, save_value)
    host.hook(_self._pymol._session_restore_tasks, load_value)


def residue_words(name: str, segi: str, chain: str, resi: str, *, _self) -> str:
    """Return a residue of an object as a selection: by its labels, or by index where they are no plain words.

    Blanks, quotes, brackets and wildcards mean other things in a selection, and not all can be escaped.
    """
    if not all(map(_PLAIN.fullmatch, (segi, chain, resi))):
        indices: list[int] = []
        space = {"put": indices.append, "wanted": (segi, chain, resi)}
        _self.iterate(f"%{name}", "put(index) if (segi, chain, resi) == wanted else None", space=space)
        return index_words(name, indices, _self=_self)
    number = resi.replace("-", "\\-")  # a negative number would read as a range
    segment = f" and segi {segi}" if segi else ""
    return f"{object_words(name, _self=_self)}{segment} and chain {chain or repr('')} and resi {number}"
