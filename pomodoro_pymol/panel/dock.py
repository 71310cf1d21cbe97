"""The dock that holds the panel in PyMOL's window: one instance, which remembers its place and values."""

from __future__ import annotations

from typing import Any

from .. import viewer
from ..errors import PomodoroError

NAME = "pomodoro_dock"


def open_panel(*, _self: Any = viewer.cmd) -> Any:
    """Show the panel in PyMOL's window and return its dock.

    Raises
    ------
    PomodoroError
        Where PyMOL runs without a window.
    """
    window = viewer.main_window()
    if window is None:
        raise PomodoroError("the panel needs PyMOL's window: in a script, use pomnoise and the other commands")
    from qtpy import QtCore, QtWidgets

    dock = window.findChild(QtWidgets.QDockWidget, NAME)
    if dock is None:
        dock = _make_dock(window, _self)
        others = [
            other
            for other in window.findChildren(QtWidgets.QDockWidget)
            if other is not dock and other.isVisible() and not other.isFloating()
        ]
        right = QtCore.Qt.DockWidgetArea.RightDockWidgetArea
        for other in others:
            if window.dockWidgetArea(other) == window.dockWidgetArea(dock) == right:
                window.tabifyDockWidget(other, dock)
    dock.show()
    dock.raise_()
    return dock


def _make_dock(window: Any, _self: Any) -> Any:
    from qtpy import QtCore, QtGui, QtWidgets

    from . import values
    from .icons import product_icon
    from .panel import Panel

    areas = {
        "left": QtCore.Qt.DockWidgetArea.LeftDockWidgetArea,
        "right": QtCore.Qt.DockWidgetArea.RightDockWidgetArea,
        "bottom": QtCore.Qt.DockWidgetArea.BottomDockWidgetArea,
        "top": QtCore.Qt.DockWidgetArea.TopDockWidgetArea,
    }

    class Dock(QtWidgets.QDockWidget):
        """Keeps its place and the panel's values in a file."""

        def __init__(self) -> None:
            super().__init__("Pomodoro", window)
            self.setObjectName(NAME)
            self.setWindowIcon(product_icon())
            place = values.load_place()
            self.panel = Panel(self, _self)
            self.setWidget(self.panel)
            parameters = values.from_plain(place)
            if parameters is not None and values.from_plain(viewer.session_value(values.STORE, _self=_self)) is None:
                self.panel.show_values(parameters)
            window.addDockWidget(areas.get(str(place.get("area")), areas["right"]), self)
            self._restore(place)
            self._later = QtCore.QTimer(self)
            self._later.setSingleShot(True)
            self._later.setInterval(1000)
            self._later.timeout.connect(self.keep)
            self.panel.model.changed.connect(self._later.start)
            self.topLevelChanged.connect(lambda _: self._later.start())
            self.dockLocationChanged.connect(lambda _: self._later.start())

        def closeEvent(self, event: QtGui.QCloseEvent) -> None:
            """Keep what there is to keep; the dock hides and can be shown again."""
            self.keep()
            super().closeEvent(event)

        def keep(self) -> None:
            """Write place and values to the file."""
            self._later.stop()
            area = window.dockWidgetArea(self)
            frame = self.geometry()
            values.save_place(
                {
                    **values.to_plain(self.panel.model.parameters),
                    "area": next((name for name, other in areas.items() if other == area), "right"),
                    "floating": self.isFloating(),
                    "geometry": [frame.x(), frame.y(), frame.width(), frame.height()],
                    "tab": self.panel.tabs.currentIndex(),
                }
            )

        def _restore(self, place: dict[str, Any]) -> None:
            tab, numbers = place.get("tab"), place.get("geometry")
            if isinstance(tab, int) and 0 <= tab < self.panel.tabs.count():
                self.panel.tabs.setCurrentIndex(tab)
            if place.get("floating") is not True:
                return
            self.setFloating(True)
            if isinstance(numbers, list) and len(numbers) == 4 and all(type(number) is int for number in numbers):
                frame = QtCore.QRect(*(max(-20_000, min(number, 20_000)) for number in numbers))
                if any(screen.geometry().intersects(frame) for screen in QtGui.QGuiApplication.screens()):
                    self.setGeometry(frame)

    return Dock()
