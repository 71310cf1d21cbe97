"""Every length that the panel shows says whether it is in space or per coordinate, in its text or its tooltip."""

import re

import pytest

LENGTH = re.compile(r"Å|\bangstroms?\b|\d A\b")
MEANING = ("in space", "per coordinate")


@pytest.fixture
def face(app, show, tmp_path, monkeypatch):
    from pomodoro_pymol.panel.layout import Face

    monkeypatch.setenv("HOME", str(tmp_path))  # presets of one's own
    return show(Face(), 420, 900)


def texts(widget):
    """Return what a widget shows, with its tooltip, which may say the rest."""
    shown = (getattr(widget, name, None) for name in ("text", "suffix", "title", "placeholderText"))
    found = [*(read() for read in shown if callable(read)), widget.toolTip()]
    return [f"{text} ({widget.toolTip()})" for text in found if text]


def test_the_face(face):
    from qtpy import QtWidgets

    widgets = [
        widget
        for widget in face.findChildren(QtWidgets.QWidget)
        if not isinstance(widget.parent(), QtWidgets.QAbstractSpinBox)  # whose tooltip is shown over what is in it
    ]
    shown = [text for widget in widgets for text in texts(widget)]
    lengths = [text for text in shown if LENGTH.search(text)]
    assert len(lengths) > 2  # of sigma, and of the sweep
    assert [text for text in lengths if not any(words in text for words in MEANING)] == []


def test_the_plots(face):
    assert "in space" in face.sweep.heading.text()
    assert "in space" in face.sweep.reference.label.format
