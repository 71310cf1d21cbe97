"""One offscreen application for all widgets. Nothing here needs PyMOL or torch."""

import os

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(scope="session")
def app():
    from qtpy import QtWidgets

    return QtWidgets.QApplication.instance() or QtWidgets.QApplication([])


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
