"""The panel on windows of several sizes, docked narrow and wide, floating, dark: what of it is seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pymol import cmd
from pymol.gui import get_qtwindow
from qtpy import QtCore, QtGui, QtWidgets

#: As wide and high as the window is, and what is done to the dock.
SIZES: dict[str, tuple[int, int, str]] = {
    "1280 x 800": (1280, 800, ""),
    "1600 x 1000": (1600, 1000, ""),
    "narrow": (1280, 1000, "narrow"),
    "floating": (1280, 800, "float"),
    "dark": (1280, 800, "dark"),
}
PARTED = (QtWidgets.QScrollBar, QtWidgets.QLineEdit)  # whose parts are as large as Qt has them
WORDS = (QtWidgets.QAbstractButton, QtWidgets.QComboBox, QtWidgets.QAbstractSpinBox, QtWidgets.QLabel)


def play(robot: Any) -> None:
    cmd.do("load $PYMOL_DATA/tut/1hpv.pdb")
    get_qtwindow().move(0, 0)
    get_qtwindow().resize(1280, 800)
    panel = robot.open()
    robot.see_source("1hpv")
    robot.run()
    robot.see_output("1hpv_noise")
    doubled = get_qtwindow().devicePixelRatioF() > 1
    for name, (width, height, deed) in list(SIZES.items())[: 1 if doubled else None]:
        prepare(robot, width, height, deed)
        robot.notes[name] = {
            "size": [get_qtwindow().width(), get_qtwindow().height()],
            "panel": [panel.width(), panel.height()],
            "hidden": [title for title, widget in main_job(panel).items() if not seen_whole(widget)],
            "clipped": clipped(panel),
            "scrolls": panel.middle.verticalScrollBar().maximum(),
            "plot": panel.residues.plot.height(),
            "pages": pages(robot),
            "grounds": grounds(robot.dock),
        }
        picture(name)


def prepare(robot: Any, width: int, height: int, deed: str) -> None:
    """Give the window a size, and the dock a place."""
    window, dock = get_qtwindow(), robot.dock
    dock.setFloating(deed == "float")
    window.resize(width, height)
    robot.pump(50)
    if deed == "float":
        dock.setGeometry(40, 40, 460, 720)
    else:
        size = robot.panel.minimumSizeHint().width() if deed == "narrow" else robot.panel.sizeHint().width()
        window.resizeDocks([dock], [size], QtCore.Qt.Orientation.Horizontal)
    if deed == "dark":
        palette = QtGui.QPalette(QtGui.QColor("#303236"), QtGui.QColor("#202124"))
        QtWidgets.QApplication.instance().setPalette(palette)
    robot.pump(400)


def main_job(panel: Any) -> dict[str, Any]:
    """Return what is needed to noise a structure and to judge it."""
    weights = {name: panel.controls[name].box for name in ("wc", "wr", "wa", "frames", "seed", "sigma")}
    colours = {name: panel.controls[name].box for name in ("metric", "palette", "range")}
    names = (
        "page_bar objects results truth counts shares dice undo redo headline residues key player movie live compare "
        "run line copy status"
    )
    return {
        **{name: getattr(panel, name) for name in names.split()},
        **weights,
        **colours,
        **{f"preset {name}": button for name, button in panel.presets.buttons.items()},
        "z": panel.controls["z"].slider,
        "z box": panel.controls["z"].box,
        "tabs": panel.tabs.tabBar(),
    }


def seen_whole(widget: Any) -> bool:
    """Tell whether all of a widget lies inside what is seen of everything that it stands in, and it has a size."""
    if not widget.isVisible() or widget.rect().isEmpty():
        return False
    outer = widget.parentWidget()
    while outer is not None:
        if not outer.rect().contains(QtCore.QRect(widget.mapTo(outer, QtCore.QPoint(0, 0)), widget.size())):
            return False
        outer = None if outer.isWindow() else outer.parentWidget()
    return True


def clipped(panel: Any) -> list[str]:
    """Return the widgets that are smaller than their words."""
    found = []
    for widget in panel.findChildren(QtWidgets.QWidget):
        if not isinstance(widget, WORDS) or not widget.isVisible() or isinstance(widget.parent(), PARTED):
            continue
        needed = widget.minimumSizeHint()
        if isinstance(widget, QtWidgets.QLabel) and widget.wordWrap():
            needed.setHeight(widget.heightForWidth(widget.width()))
        if widget.width() < needed.width() or widget.height() < needed.height():
            found.append(
                f"{type(widget).__name__} {widget.accessibleName() or widget.toolTip()[:40]} {widget.size()} {needed}"
            )
    return found


def pages(robot: Any) -> dict[str, list[str]]:
    """Return what is clipped on each tab and page."""
    panel, found = robot.panel, {}
    for place in range(panel.tabs.count()):
        panel.tabs.setCurrentIndex(place)
        if panel.tabs.widget(place) is panel.teaching:
            robot.wait(lambda: panel.teaching.bars.bars, "what the noise teaches")
        robot.pump(200)
        found[panel.tabs.tabText(place)] = clipped(panel)
    panel.tabs.setCurrentIndex(0)
    for title in ("Sampling", "Training"):
        robot.show_page(title)
        robot.pump(120)
        found[title] = clipped(panel)
    robot.show_page("Noise")
    robot.pump(120)
    return found


def grounds(dock: Any) -> list[str]:
    """Return the colours behind the panel's words: of the palettes, and as drawn beside its controls and its status."""
    role = QtGui.QPalette.ColorRole.Window
    widgets = [widget for widget in dock.panel.findChildren(QtWidgets.QLabel) if widget.isVisible()]
    found = {widget.palette().color(role).name() for widget in widgets}
    image = dock.panel.grab().toImage()
    ratio = image.devicePixelRatio()
    places = [(1, 0.3), (1, 0.5), (1, 0.97)]
    found |= {image.pixelColor(x, round(dock.panel.height() * ratio * y)).name() for x, y in places}
    return sorted(found)


def picture(name: str) -> None:
    """Save what the screen shows of the window, to be looked at."""
    frame = get_qtwindow().frameGeometry()
    screen = QtWidgets.QApplication.primaryScreen()
    shot = screen.grabWindow(0, frame.x(), frame.y(), frame.width(), frame.height())
    shot.save(str(Path.home() / f"{name.replace(' ', '')}.png"))
