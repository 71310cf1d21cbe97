"""All widgets in their places, without PyMOL."""

import pytest


@pytest.fixture
def face(app, show, tmp_path, monkeypatch):
    from qtpy import QtWidgets

    from pomodoro_pymol.panel.layout import Face

    monkeypatch.setenv("HOME", str(tmp_path))  # presets of one's own
    face = Face()
    face.add_pages([QtWidgets.QWidget()])
    return show(face, 460, 760)


def test_every_control_has_a_tooltip_and_a_name(face):
    from qtpy import QtWidgets

    kinds = (
        QtWidgets.QAbstractButton,
        QtWidgets.QAbstractSlider,
        QtWidgets.QAbstractSpinBox,
        QtWidgets.QComboBox,
        QtWidgets.QLineEdit,
    )
    seen = 0
    for widget in face.findChildren(QtWidgets.QWidget):
        inner = isinstance(widget.parent(), (QtWidgets.QAbstractSpinBox, QtWidgets.QLineEdit, QtWidgets.QTableWidget))
        if not isinstance(widget, kinds) or isinstance(widget, QtWidgets.QScrollBar) or inner:
            continue
        if not widget.isVisibleTo(face):
            continue
        text = widget.text() if isinstance(widget, QtWidgets.QAbstractButton) else ""
        assert widget.toolTip(), (widget, widget.parent(), text)
        assert widget.accessibleName() or text, widget
        seen += 1
    assert seen > 30


def test_a_caption_leads_to_its_control(face):
    from qtpy import QtWidgets

    captions = {label.text(): label for label in face.findChildren(QtWidgets.QLabel) if label.buddy() is not None}
    assert {
        "z",
        "\N{GREEK SMALL LETTER SIGMA}",
        "chain",
        "residue",
        "atom",
        "frames",
        "seed",
        "device",
        "colour",
    } <= set(captions)
    for label in captions.values():
        assert label.toolTip() == label.buddy().toolTip() != ""


def test_it_fits_a_narrow_dock(face, app):
    face.resize(face.minimumSizeHint())
    app.processEvents()
    # 60 letters of the font, which is larger under PyQt5: 360 pixels of the usual one.
    assert face.minimumSizeHint().width() <= 60 * face.fontMetrics().averageCharWidth()
    assert face.run.width() >= face.run.minimumSizeHint().width()


def test_a_message_is_shown_as_it_is_and_makes_the_panel_no_wider(face, app):
    from qtpy import QtCore

    width = face.minimumSizeHint().width()
    for label in (face.status, face.counts):
        label.setText("<b>n</b>" + "n" * 600)
        assert label.textFormat() == QtCore.Qt.TextFormat.PlainText
    app.processEvents()
    assert face.minimumSizeHint().width() == width
