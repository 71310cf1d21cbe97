"""Take the pictures of PyMOL's real window and of the panel, and the film; from the top of a clone

    python -m pymol -qk docs/take_pictures.py
    python -m pymol -qk docs/take_pictures.py -- dark
    python -m pymol -qk docs/take_pictures.py -- window
    python -m pymol -qk docs/take_pictures.py -- teaching
    python -m pymol -qk docs/take_pictures.py -- compare
    python -m pymol -qk docs/take_pictures.py -- sweep
    python -m pymol -qk docs/take_pictures.py -- training

Wants a screen of 1400 x 1200 and PyMOL on PyQt5 where the screen is a virtual one: there the
viewport of the other bindings stays black once the panel is docked. The film wants Pillow.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pymol import cmd
from pymol.gui import get_qtwindow
from pymol.Qt import QtCore, QtGui, QtWidgets

import pomodoro_pymol.commands  # noqa: F401  registers the commands

# From the top of a clone; PyMOL runs a script without a __file__ of its own.
PICTURES = Path("docs/pictures")
ENSEMBLE = Path("tests/data/2juy.pdb.gz")
FILM_WIDTH = 720


def main() -> None:
    """Load, noise, move, sample, and take a picture of each."""
    window, panel = open_panel()
    panel.model.edit_text("pomnoise z=-1, metric=scramble")
    run(panel)
    show_noised("1hpv_noise")
    pump(1.0)
    picture("panel")

    window.resize(1300, 1000)
    pump(0.5)
    panel.tabs.setCurrentWidget(panel.sweeping)
    panel.live.click()
    wait(lambda: panel.follower.on and panel.follower._unit is not None)
    slider = panel.controls["z"].slider
    show_noised("1hpv_noise", 15)
    frames = []
    way = [*range(200, 470, 15), *range(470, 200, -15)]
    slider.setValue(way[0])
    pump(1.0)
    for place in way:
        slider.setValue(place)
        pump(0.12)
        frames.append(shoot())
    film("panel_live", frames)
    panel.live.click()
    panel.model.edit("z", 0.0)

    window.resize(1280, 800)
    cmd.reinitialize()
    pump(1.0)
    cmd.load(str(ENSEMBLE), "2juy", quiet=1)
    panel.page_bar.setCurrentIndex(1)
    wait(lambda: panel.watch.molecule is not None)
    pump(1.0)
    panel.sampling.model.edit_text("pomsample steps=100, keep=denoised")
    run(panel)
    cmd.frame(67)
    cmd.zoom("2juy_sample or 2juy_sample_denoised", 16, state=67)
    pump(1.0)
    picture("panel_sampling")


def main_compare() -> None:
    """Take the picture of the schemes side by side, and of what each moves and teaches."""
    _, panel = open_panel()
    panel.compare.click()
    wait(lambda: not panel.runner.running)
    panel.tabs.setCurrentWidget(panel.teaching)
    pump(2.0)
    picture("panel_compare")


def main_sweep() -> None:
    """Take the picture of the sweep in a panel that floats."""
    window, panel = open_panel()
    dock = window.findChild(QtWidgets.QDockWidget, "pomodoro_dock")
    panel.model.edit_text("pomnoise z=0, preset=ms, metric=scramble")
    run(panel)
    show_noised("1hpv_noise")
    dock.setFloating(True)
    dock.setGeometry(790, 70, 470, 710)
    panel.tabs.setCurrentWidget(panel.sweeping)
    wait(lambda: panel.watch.molecule is not None)
    panel.sweeping.run.click()
    wait(lambda: not panel.runner.running)
    pump(2.0)
    picture("panel_sweep")


def main_dark() -> None:
    """Take the picture of a residue picked, in a dark theme."""
    darken()
    _, panel = open_panel()
    panel.model.edit_text("pomnoise z=-1, metric=displacement, palette=magma")
    run(panel)
    show_noised("1hpv_noise")
    panel.residues.residue_clicked.emit(50)
    pump(2.0)
    picture("panel_dark")


def main_window() -> None:
    """Take the picture of the window after the README's first commands."""
    window = get_qtwindow()
    window.resize(1060, 800)
    cmd.load(cmd.exp_path("$PYMOL_DATA/tut/1hpv.pdb"), "1hpv", quiet=1)
    cmd.do("pomnoise z=0, wc=3, wr=8")
    show_noised("1hpv_noise")
    pump(1.0)
    picture("window")


def main_teaching() -> None:
    """Take the picture of the panel's tab on what noise teaches."""
    _, panel = open_panel()
    panel.tabs.setCurrentWidget(panel.teaching)
    panel.model.edit("preset", "ms")
    pump(1.5)
    picture("panel_teaching")


def main_training() -> None:
    """Take the picture of a short training on an ensemble, in a folder that is thrown away."""
    _, panel = open_panel()
    cmd.reinitialize()
    cmd.load(str(ENSEMBLE), "2juy", quiet=1)
    panel.page_bar.setCurrentIndex(2)
    wait(lambda: panel.watch.molecule is not None)
    with tempfile.TemporaryDirectory() as folder:
        panel.training.model.edit_text(f"pomtrain presets=flat+3-8-1, scaling=global, network={folder}/2juy_train.npz")
        panel.run.click()
        wait(lambda: not panel.runner.running, 1800)
    panel.training.model.edit("network", "")
    pump(2.0)
    picture("panel_training")


def show_noised(name: str, buffer: float = 4) -> None:
    """Look at the first noised frame of an object, above the key."""
    cmd.frame(2)
    cmd.orient(name, state=2)
    cmd.zoom(name, buffer, state=2)
    cmd.move("y", 5)


def open_panel() -> tuple[Any, Any]:
    """Return the window, as small as it may be, and the panel, with a structure."""
    window = get_qtwindow()
    window.resize(1280, 800)
    cmd.load(cmd.exp_path("$PYMOL_DATA/tut/1hpv.pdb"), "1hpv", quiet=1)
    cmd.hide("everything")
    cmd.show("cartoon", "polymer")
    cmd.show("sticks", "organic")
    cmd.do("pompanel")
    panel = window.findChild(QtWidgets.QDockWidget, "pomodoro_dock").panel
    wait(lambda: panel.watch.molecule is not None)
    panel.page_bar.setCurrentIndex(0)  # the panel remembers page and tab of the last time
    panel.tabs.setCurrentIndex(0)
    pump(0.5)
    return window, panel


def run(panel: Any) -> None:
    """Click Run, and wait for the end."""
    panel.run.click()
    wait(lambda: not panel.runner.running)
    pump(1.0)


def pump(seconds: float) -> None:
    """Let the window live for a while."""
    wait(lambda: False, seconds)


def wait(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Let the window live until something holds."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        QtWidgets.QApplication.processEvents()
        time.sleep(0.005)


def shoot() -> QtGui.QPixmap:
    """Return what the screen shows of the window."""
    frame = get_qtwindow().frameGeometry()
    screen = QtWidgets.QApplication.primaryScreen()
    return screen.grabWindow(0, frame.x(), frame.y(), frame.width(), frame.height())


def picture(name: str) -> None:
    """Save a picture."""
    shoot().save(str(PICTURES / f"{name}.png"))


def film(name: str, frames: list[QtGui.QPixmap]) -> None:
    """Save frames as an animation."""
    from PIL import Image

    images = []
    for frame in frames:
        small = frame.toImage().scaledToWidth(FILM_WIDTH, QtCore.Qt.TransformationMode.SmoothTransformation)
        small = small.convertToFormat(QtGui.QImage.Format.Format_RGB888)
        bits = small.constBits()
        bits.setsize(small.bytesPerLine() * small.height())
        size = (small.width(), small.height())
        image = Image.frombuffer("RGB", size, bytes(bits), "raw", "RGB", small.bytesPerLine(), 1)
        images.append(image.quantize(256, dither=Image.Dither.NONE))
    images[0].save(PICTURES / f"{name}.gif", save_all=True, append_images=images[1:], duration=90, loop=0)


def darken() -> None:
    """Give the application a dark theme."""
    roles, groups = QtGui.QPalette.ColorRole, QtGui.QPalette.ColorGroup
    colors = {
        "Window": "#2b2b2b",
        "WindowText": "#e0e0e0",
        "Base": "#1e1e1e",
        "AlternateBase": "#2b2b2b",
        "Text": "#e0e0e0",
        "Button": "#3a3a3a",
        "ButtonText": "#e0e0e0",
        "Highlight": "#3d7dca",
        "HighlightedText": "#ffffff",
    }
    palette = QtGui.QPalette()
    for role, color in colors.items():
        palette.setColor(getattr(roles, role), QtGui.QColor(color))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        palette.setColor(groups.Disabled, role, QtGui.QColor("#808080"))
    QtWidgets.QApplication.setStyle("Fusion")
    QtWidgets.QApplication.instance().setPalette(palette)


def start() -> None:
    """Take the pictures and end; a plain quit of PyMOL under Xvfb crashes with or without us."""
    try:
        get_qtwindow().move(0, 0)
        globals().get(f"main_{sys.argv[-1]}", main)()
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    os._exit(0)


QtCore.QTimer.singleShot(1500, start)
