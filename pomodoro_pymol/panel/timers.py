"""Timers that wait until changes come to rest."""

from __future__ import annotations

from typing import Any

from qtpy import QtCore


def single_shot(parent: QtCore.QObject, milliseconds: int, act: Any) -> QtCore.QTimer:
    """Return a timer that acts once, so long after it is started."""
    timer = QtCore.QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(act)
    return timer
