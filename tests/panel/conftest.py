"""One offscreen application for all widgets. Nothing here needs PyMOL or torch."""

import time

import pytest


@pytest.fixture(scope="session")
def app():
    from qtpy import QtWidgets

    return QtWidgets.QApplication.instance() or QtWidgets.QApplication(["tests", "-platform", "offscreen"])


@pytest.fixture
def wait(app):
    """Let Qt work until something holds, for a minute at most."""

    def wait(done):
        end = time.monotonic() + 60
        while not done():
            assert time.monotonic() < end
            app.processEvents()
            time.sleep(0.002)

    return wait


@pytest.fixture
def show(app):
    """Show a widget at a size, its pending events done; all are closed at the end of the test."""
    shown = []

    def show(widget, width=360, height=None):
        shown.append(widget)
        widget.resize(width, height or widget.sizeHint().height())
        widget.show()
        app.processEvents()
        return widget

    yield show
    for widget in shown:
        widget.close()
        widget.deleteLater()
    app.processEvents()


@pytest.fixture
def dark(app):
    """A dark palette, for the widget it is given to."""
    from qtpy import QtGui

    return QtGui.QPalette(QtGui.QColor("#303236"), QtGui.QColor("#202124"))


@pytest.fixture
def drag(app):
    """Press the left button on a widget at the first of some points, move to the others, release at the last."""
    from qtpy import QtCore, QtGui

    def send(widget, kind, point, button, held, modifier):
        places = QtCore.QPointF(point), QtCore.QPointF(widget.mapToGlobal(point))
        if kind == QtCore.QEvent.Type.MouseMove:
            QtCore.QThread.msleep(15)  # pyqtgraph drops moves that follow one another within 10 ms
        app.sendEvent(widget, QtGui.QMouseEvent(kind, *places, button, held, modifier))

    def drag(widget, points, modifier=QtCore.Qt.KeyboardModifier.NoModifier):
        kinds, none, left = QtCore.QEvent.Type, QtCore.Qt.MouseButton.NoButton, QtCore.Qt.MouseButton.LeftButton
        send(widget, kinds.MouseMove, points[0], none, none, modifier)
        send(widget, kinds.MouseButtonPress, points[0], left, left, modifier)
        for point in points[1:]:
            send(widget, kinds.MouseMove, point, none, left, modifier)
        send(widget, kinds.MouseButtonRelease, points[-1], left, none, modifier)

    return drag


@pytest.fixture
def contrast():
    """A function of two colours: their contrast by WCAG 2, 4.5 for text and 3 for what else must be seen."""

    def luminance(color):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color.getRgbF()[:3]]
        return sum(a * b for a, b in zip(linear, (0.2126, 0.7152, 0.0722)))

    def contrast(one, other):
        low, high = sorted((luminance(one), luminance(other)))
        return (high + 0.05) / (low + 0.05)

    return contrast
