# Author: The Pomodoro developers
# License: MIT
"""
Pomodoro: see and measure diffusion noise on a protein.

Adds the commands (help pomnoise) and a menu entry that opens the panel, or tells what is
missing and the exact command that installs it.
"""

import importlib.util
import os
import sys
from contextlib import suppress

LIBRARY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib")


def __init_plugin__(app=None):
    """Add the menu entry and the commands; neither imports torch or a widget.

    In a PyMOL without a window (``plugin_load pomodoro`` in a script), the commands alone.
    """
    from pymol.plugins import QtNotAvailableError, addmenuitemqt

    if not globals().get("_in_menu"):  # PyMOL loads us again where a newer version is installed over us
        with suppress(QtNotAvailableError):
            addmenuitemqt("Pomodoro", lambda: open_panel())
            globals()["_in_menu"] = True
    use_library()
    if has_library():
        import pomodoro_pymol.commands  # noqa: F401  registers the commands


def use_library():
    """Make the library that came with the plugin importable, unless another is: one that pip installed wins.

    What another version of the plugin loaded in this session is forgotten first, its panel too.
    """
    loaded = sys.modules.get("pomodoro_pymol")
    if loaded and os.path.abspath(loaded.__file__).startswith(LIBRARY + os.sep):
        _close_panel()
        for name in [name for name in sys.modules if name.partition(".")[0] == "pomodoro_pymol"]:
            del sys.modules[name]
    importlib.invalidate_caches()
    if not has_library() and os.path.isdir(LIBRARY):
        sys.path.append(LIBRARY)


def has_library():
    """Tell whether the library can be imported; the empty folder that a removed one leaves cannot."""
    spec = importlib.util.find_spec("pomodoro_pymol")
    return spec is not None and spec.origin is not None


def problem():
    """Return what stands between this PyMOL and the panel, and how to mend it; "" is nothing.

    The panel opens without torch and says itself what is missing.
    """
    if not has_library():
        return "Pomodoro's library is missing. Install the plugin again, from its release zip: that holds the library."
    from pomodoro_pymol import health

    if not health.missing(("numpy", "qtpy")):
        return ""
    absent = health.missing(health.REQUIRED + health.OPTIONAL)
    return (
        f"Pomodoro needs {', '.join(absent)}. In a terminal, run\n\n"
        f"{health.install_command(*absent)}\n\nand start PyMOL again."
    )


def open_panel():
    """Open the panel, as the command pompanel does, or say what it cannot do without."""
    text = problem()
    if text:
        _show_message(text)
    else:
        from pymol import cmd

        cmd.do("pompanel")


def _close_panel():
    from pymol.gui import get_qtwindow
    from pymol.Qt import QtWidgets

    window = get_qtwindow()
    for dock in window.findChildren(QtWidgets.QDockWidget, "pomodoro_dock") if window else []:
        dock.close()
        dock.setParent(None)
        dock.deleteLater()


def _show_message(text):
    from pymol.gui import get_qtwindow
    from pymol.Qt import QtCore, QtWidgets

    print(f" {text}")
    box = QtWidgets.QMessageBox(get_qtwindow())
    box.setObjectName("pomodoro-missing")
    box.setWindowTitle("Pomodoro")
    box.setTextFormat(QtCore.Qt.TextFormat.PlainText)
    box.setText(text)
    box.setTextInteractionFlags(QtCore.Qt.TextInteractionFlag.TextSelectableByMouse)
    box.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
