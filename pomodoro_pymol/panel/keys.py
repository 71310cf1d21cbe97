"""Shortcuts of the panel, which act while the focus is in it, and undo and redo of its values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy import QtCore, QtGui

if TYPE_CHECKING:
    from .panel import Panel
    from .widgets.model import ParameterModel


def tie_keys(panel: Panel) -> None:
    """Let keys and buttons of the panel do what they say."""

    def model() -> ParameterModel:
        return panel.models[panel.page_bar.currentIndex()]

    acts: dict[str, Callable[[], object]] = {
        "Ctrl+Return": panel.commands.run_or_stop,
        "Ctrl+L": panel.live.click,
        "Ctrl+P": panel.player.toggle,
        "Ctrl+Left": lambda: panel.player.step(-1),
        "Ctrl+Right": lambda: panel.player.step(1),
        "Ctrl+Z": lambda: model().undo(),
        "Ctrl+Shift+Z": lambda: model().redo(),
    }
    for keys, act in acts.items():
        action = QtGui.QAction(panel)
        action.setShortcut(QtGui.QKeySequence(keys))
        action.setShortcutContext(QtCore.Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(lambda _=False, act=act: act() and None)
        panel.addAction(action)
    panel.undo.clicked.connect(lambda: panel.model.undo())
    panel.redo.clicked.connect(lambda: panel.model.redo())

    def show() -> None:
        panel.undo.setEnabled(panel.model.can_undo)
        panel.redo.setEnabled(panel.model.can_redo)

    panel.model.changed.connect(show)
    show()
