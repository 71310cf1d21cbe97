# Version: 0.1.0
# Author: The Pomodoro developers
# License: MIT
"""
Pomodoro: see and measure diffusion noise on a protein.

Adds the commands pomnoise, pomcolor and pomcheck, and a menu entry that tells how to
use them, or what is missing and the exact command that installs it.
"""

import importlib.util
import sys

USAGE = """ Pomodoro: load a structure, then type
   pomnoise z=0 wc=3 wr=8      noise it; frames become states of a new object
   pomcolor metric=relative    colour its residues by another metric
   pomcheck                    versions, devices, what is missing
 help pomnoise tells more."""


def __init_plugin__(app=None):
    """Add the menu entry and the commands; neither imports torch or a widget."""
    from pymol.plugins import addmenuitemqt

    addmenuitemqt("Pomodoro", show_usage)
    if not missing(["pomodoro_pymol"]):
        import pomodoro_pymol.commands  # noqa: F401  registers the commands


def missing(packages=("pomodoro_pymol", "numpy", "scipy", "torch")):
    """Return those of ``packages`` that this PyMOL's Python cannot find."""
    return [package for package in packages if importlib.util.find_spec(package) is None]


def install_text(packages):
    """Return what to do about missing packages: the exact command for this Python."""
    names = " ".join(package.replace("_", "-") for package in packages)
    return (
        f"Pomodoro needs {names}. In a terminal, run\n\n"
        f'"{sys.executable}" -m pip install {names}\n\nand start PyMOL again.'
    )


def show_usage():
    """Print how to use the commands, or say what is missing."""
    absent = missing()
    if absent:
        _show_message(install_text(absent))
    else:
        print(USAGE)


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
