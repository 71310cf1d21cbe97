"""The dock that holds the panel in PyMOL's window and remembers its place and values."""

from __future__ import annotations

from typing import Any

from qtpy import QtCore, QtGui, QtWidgets

from ..parameters.catalogue import NoiseParameters
from ..viewer import window
from . import values
from .panel import Panel
from .timers import single_shot
from .widgets.icons import icon

_NAME = "pomodoro_dock"
_LATER_MS = 1000
_AREAS = {
    "left": QtCore.Qt.DockWidgetArea.LeftDockWidgetArea,
    "right": QtCore.Qt.DockWidgetArea.RightDockWidgetArea,
    "top": QtCore.Qt.DockWidgetArea.TopDockWidgetArea,
    "bottom": QtCore.Qt.DockWidgetArea.BottomDockWidgetArea,
}
_CORNER = QtCore.Qt.Corner.TopRightCorner


def find_dock(window: QtWidgets.QMainWindow) -> Dock | None:
    """Return the dock of a window, if it has one."""
    return window.findChild(Dock, _NAME)


def open_dock(main: QtWidgets.QMainWindow, *, _self: Any) -> Dock:
    """Show the panel in a window of PyMOL's and return its dock; there is one at most."""
    dock = find_dock(main) or make_dock(main, _self=_self)
    dock.show()
    dock.raise_()
    return dock


def make_dock(main: QtWidgets.QMainWindow, *, _self: Any) -> Dock:
    """Put a new dock where the last one stood, or at the right, in a tab with what stands there."""
    place = values.load_place()
    of_session = values.from_session(window.session_value(values.STORE, _self=_self))
    of_place = values.from_plain(place)
    dock = Dock(Panel(_self=_self), main)
    side = place.get("area")
    area = _AREAS.get(side if isinstance(side, str) else "", _AREAS["right"])
    others = [other for other in main.findChildren(QtWidgets.QDockWidget) if other is not dock]
    main.addDockWidget(area, dock)
    for other in others:
        if other.isVisible() and not other.isFloating() and main.dockWidgetArea(other) == area == _AREAS["right"]:
            main.tabifyDockWidget(other, dock)
    noise = of_session.noise or of_place.noise or NoiseParameters()
    dock.panel.show_values(noise, [one or other for one, other in zip(of_session[1:], of_place[1:])])
    dock.restore(place)
    return dock


class Dock(QtWidgets.QDockWidget):
    """Holds the panel; closed, it hides, and can be shown again."""

    def __init__(self, panel: Panel, window: QtWidgets.QMainWindow) -> None:
        super().__init__("Pomodoro", window)
        self.setObjectName(_NAME)
        self.setWindowIcon(icon("pomodoro"))
        self._main = window
        self.panel = panel
        self.setWidget(panel)
        self._later = single_shot(self, _LATER_MS, self.keep)
        for model in panel.models:
            model.changed.connect(self._later.start)
        self._corner = window.corner(_CORNER)
        window.installEventFilter(self)
        self.topLevelChanged.connect(lambda _: self._later.start())
        self.dockLocationChanged.connect(lambda _: self._later.start())
        for signal in (self.visibilityChanged, self.topLevelChanged, self.dockLocationChanged):
            signal.connect(lambda _: self._take_corner())

    def eventFilter(self, watched: QtCore.QObject, event: QtCore.QEvent) -> bool:
        """Take on a theme that the window is given: below a style sheet, which PyMOL's has, Qt hands down none."""
        if event.type() == QtCore.QEvent.Type.PaletteChange and watched is self._main:
            for widget in (self, *self.findChildren(QtWidgets.QWidget)):
                widget.setPalette(self._main.palette())
        return super().eventFilter(watched, event)

    def _take_corner(self) -> None:
        """Stand beside PyMOL's text window too, where the height is needed, while the panel is docked at the right."""
        area = self._main.dockWidgetArea(self)
        right = self.isVisible() and not self.isFloating() and area == _AREAS["right"]
        self._main.setCorner(_CORNER, _AREAS["right"] if right else self._corner)

    def closeEvent(self, event: QtGui.QCloseEvent) -> None:
        """Keep place and values."""
        self.keep()
        super().closeEvent(event)

    def keep(self) -> None:
        """Write place and values to the file."""
        self._later.stop()
        frame = self.geometry()
        area = self._main.dockWidgetArea(self)
        values.save_place(
            {
                **values.to_plain(*(model.parameters for model in self.panel.models)),
                "area": next((name for name, other in _AREAS.items() if other == area), "right"),
                "floating": self.isFloating(),
                "geometry": [frame.x(), frame.y(), frame.width(), frame.height()],
                "tab": self.panel.tabs.currentIndex(),
            }
        )

    def restore(self, place: dict[str, Any]) -> None:
        """Take the place that `keep` wrote, as far as it is one."""
        tab, numbers = place.get("tab"), place.get("geometry")
        if type(tab) is int and 0 <= tab < self.panel.tabs.count():
            self.panel.tabs.setCurrentIndex(tab)
        if place.get("floating") is not True:
            return
        self.setFloating(True)
        if isinstance(numbers, list) and len(numbers) == 4 and all(type(number) is int for number in numbers):
            frame = QtCore.QRect(*(max(-20_000, min(number, 20_000)) for number in numbers))
            if any(screen.geometry().intersects(frame) for screen in QtGui.QGuiApplication.screens()):
                self.setGeometry(frame)
