# Version: 0.1.0
# Author: The Pomodoro developers
# License: MIT
"""
Pomodoro: see and measure diffusion noise on a protein.

Adds the commands (help pomnoise) and a menu entry that opens the panel, or tells what is
missing and the exact command that installs it.
"""

import importlib.util
import sys


def __init_plugin__(app=None):
    """Add the menu entry and the commands; neither imports torch or a widget."""
    from pymol.plugins import addmenuitemqt

    addmenuitemqt("Pomodoro", open_panel)
    if not missing(["pomodoro_pymol"]):
        import pomodoro_pymol.commands  # noqa: F401  registers the commands


def missing(packages):
    """Return those of ``packages`` that this PyMOL's Python cannot find."""
    return [package for package in packages if importlib.util.find_spec(package) is None]


def install_text(packages):
    """Return what to do about missing packages: the exact command for this Python."""
    names = " ".join(package.replace("_", "-") for package in packages)
    return (
        f"Pomodoro needs {names}. In a terminal, run\n\n"
        f'"{sys.executable}" -m pip install {names}\n\nand start PyMOL again.'
    )


def open_panel():
    """Open the panel, as the command pompanel does, or say what it cannot do without.

    The panel opens without torch and says itself what is missing.
    """
    absent = missing(["pomodoro_pymol", "numpy", "qtpy"])
    if absent:
        _show_message(install_text(absent))
    else:
        from pymol import cmd

        cmd.do("pompanel")


def _show_message(text):
    from pymol.gui import get_qtwindow
    from pymol.Qt import QtCore, QtWidgets

    print(f" {text}")
    box = QtWidgets.QMessageBox(get_qtwindow())
    box.setObjectName("pomodoro-missing")
    box.setWindowTitle("Pomodoro")
    box.setText(text)
    box.setTextInteractionFlags(QtCore.Qt.TextInteractionFlag.TextSelectableByMouse)
    box.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
