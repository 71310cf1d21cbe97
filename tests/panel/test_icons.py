"""Icons: one family, coloured by the palette, sharp, dim when disabled."""

import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from qtpy import QtCore, QtGui

from pomodoro_pymol.panel.widgets.icons import IconButton, icon

FILES = sorted((Path(__file__).parents[2] / "icons").glob("*.svg"))
NAMES = [path.stem for path in FILES if path.stem != "pomodoro"]


def ink(pixmap):
    """Return the colour of the most opaque pixel."""
    image = pixmap.toImage()
    pixels = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
    return max(pixels, key=QtGui.QColor.alpha)


def contrast(one, other):
    return abs(one.lightness() - other.lightness())


@pytest.mark.parametrize("name", NAMES)
def test_every_icon_is_of_one_family(name):
    root = ElementTree.parse(Path(FILES[0]).with_name(f"{name}.svg")).getroot()
    assert root.get("viewBox") == "0 0 24 24"
    assert root.get("stroke") == "currentColor"
    assert root.get("stroke-width") == "1.75"
    assert {part.get("fill") for part in root.iter()} <= {None, "none", "currentColor"}


@pytest.mark.parametrize("name", NAMES)
def test_an_icon_has_the_colour_of_the_palettes_text(app, dark, name):
    light = QtGui.QPalette(QtGui.QColor("#efefef"))
    for palette in (light, dark):
        text, ground = palette.buttonText().color(), palette.button().color()
        drawn = icon(name, palette)
        assert contrast(ink(drawn.pixmap(32, 32)), text) < 8
        dimmed = ink(drawn.pixmap(QtCore.QSize(32, 32), QtGui.QIcon.Mode.Disabled))
        assert 30 < contrast(dimmed, ground) < contrast(text, ground) - 60


@pytest.mark.parametrize("size", [16, 20, 24])
@pytest.mark.parametrize("ratio", [1, 1.5, 2, 3])
def test_an_icon_is_drawn_for_the_pixels_it_fills(app, size, ratio):
    """Never scaled from another size, which would blur it."""
    assert QtCore.QSize(round(size * ratio), round(size * ratio)) in icon("dice").availableSizes()
    image = icon("dice").pixmap(size, size).toImage()
    assert image.width() == image.height() == size
    assert image.pixelColor(0, size // 2).alpha() == 0
    assert image.pixelColor(size // 2, size // 2).alpha() > 128


def test_a_button_follows_the_theme(app, show, dark):
    button = show(IconButton("save", "Save the preset", "Save"))
    assert button.toolTip() == "Save the preset"
    assert button.accessibleName() == "Save"
    before = ink(button.icon().pixmap(32, 32))
    button.setPalette(dark)
    app.processEvents()
    assert contrast(before, ink(button.icon().pixmap(32, 32))) > 100


def test_a_button_follows_a_theme_that_is_switched_back(app, show, dark):
    button = show(IconButton("undo", "Undo.", "Undo"))
    light = QtGui.QPalette(QtGui.QColor("#efefef"))
    drawn = []
    for palette in (light, dark, light):
        button.setPalette(palette)
        app.processEvents()
        drawn.append(button.icon().pixmap(32, 32).toImage())
        ground = palette.color(QtGui.QPalette.ColorRole.Button)
        assert contrast(ink(button.icon().pixmap(32, 32)), ground) > 100
    assert drawn[0] == drawn[2] != drawn[1]


def test_a_button_follows_the_palette_of_the_application(app, show, dark):
    button = show(IconButton("more", "More.", "More"))
    before = app.palette()
    try:
        for palette in (QtGui.QPalette(QtGui.QColor("#efefef")), dark, QtGui.QPalette(QtGui.QColor("#efefef"))):
            app.setPalette(palette)
            app.processEvents()
            assert contrast(ink(button.icon().pixmap(32, 32)), palette.color(QtGui.QPalette.ColorRole.Button)) > 100
    finally:
        app.setPalette(before)
        app.processEvents()


def test_a_button_shows_another_icon(app):
    button = IconButton("run", "Run the command", "Run")
    before = button.icon().pixmap(32, 32).toImage()
    button.show_icon("stop", "Stop the run", "Stop")
    assert button.icon().pixmap(32, 32).toImage() != before
    assert (button.toolTip(), button.text(), button.accessibleName()) == ("Stop the run", "Stop", "Stop")


def test_without_svg_a_button_carries_its_text(app, monkeypatch):
    monkeypatch.setitem(sys.modules, "qtpy.QtSvg", None)
    assert icon("run").isNull()
    button = IconButton("run", "Run the command", "Run")
    assert button.toolButtonStyle() == QtCore.Qt.ToolButtonStyle.ToolButtonTextOnly
    assert button.sizeHint().width() >= button.fontMetrics().horizontalAdvance("Run")
