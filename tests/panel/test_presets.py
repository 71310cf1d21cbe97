"""The row of presets."""

import re

import pytest
from qtpy import QtCore, QtGui, QtTest

from pomodoro_pymol.noise import presets
from pomodoro_pymol.noise.weights import PRESETS, LevelWeights
from pomodoro_pymol.panel.widgets.preset_buttons import PresetRow, preset_name
from pomodoro_pymol.parameters.catalogue import NoiseParameters


@pytest.fixture
def row(show, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))  # presets of one's own
    row = show(PresetRow(), 600)
    row.asked = []
    row.chosen.connect(row.asked.append)
    return row


def checked(row):
    """Return the names of the buttons that are checked."""
    return [button.text() for button in (*row.buttons.values(), row.own) if button.isChecked()]


def test_there_is_a_button_for_each_preset_and_one_for_ones_own(row):
    assert [*row.buttons] == [*PRESETS]
    assert [button.text() for button in row.buttons.values()] == [*PRESETS]
    assert [button.accessibleName() for button in row.buttons.values()] == [f"Preset {name}" for name in PRESETS]
    assert row.own.accessibleName() == "Presets of your own"


def test_the_preset_shown_is_checked_alone(row):
    for name in PRESETS:
        row.show_preset(name)
        assert checked(row) == [name]
    row.show_preset("")
    assert checked(row) == ["own"]
    row.show_preset("mine")
    assert checked(row) == ["mine"]
    assert "Your preset mine." in row.own.toolTip()
    row.show_preset("ms")
    assert row.own.text() == "own"
    assert row.asked == []


def test_a_click_asks_and_leaves_the_answer_to_whoever_listens(row):
    row.show_preset("rb")
    for key in ("click", "space"):
        if key == "click":
            QtTest.QTest.mouseClick(row.buttons["ms"], QtCore.Qt.MouseButton.LeftButton)
        else:
            QtTest.QTest.keyClick(row.buttons["ms"], QtCore.Qt.Key.Key_Space)
    assert row.asked == ["ms", "ms"]
    assert checked(row) == ["rb"]
    row.buttons["rb"].click()
    assert checked(row) == ["rb"]
    row.chosen.connect(row.show_preset)
    row.buttons["flat"].click()
    assert checked(row) == ["flat"]


def entries(row, app):
    """Open the menu; return its entries."""
    row.own.click()
    app.processEvents()
    assert row.menu.isVisible()
    row.menu.close()
    return {action.text(): action for action in row.menu.actions()}


def test_the_menu_reads_the_users_presets_each_time(row, app):
    row.show_preset("ms")
    (only,) = entries(row, app).values()
    assert not only.isEnabled()
    presets.save_preset("mine", LevelWeights(1, 2, 4.5))
    presets.save_preset("other", LevelWeights(0, 0, 1))
    assert [*entries(row, app)] == ["mine\t1:2:4.5", "other\t0:0:1"]
    assert checked(row) == ["ms"]  # opening it chooses nothing
    row.show_preset("mine")
    found = entries(row, app)
    assert [action.isChecked() for action in found.values()] == [True, False]
    found["other\t0:0:1"].trigger()
    assert row.asked == ["other"]
    presets.delete_preset("mine")
    assert [*entries(row, app)] == ["other\t0:0:1"]


def test_a_damaged_file_of_presets_is_said(row, app):
    presets.presets_path().parent.mkdir()
    presets.presets_path().write_text("[")
    ((text, action),) = entries(row, app).items()
    assert "does not hold presets" in text
    assert not action.isEnabled()


def test_tooltips_are_sentences_with_the_weights(row):
    assert row.buttons["ms"].toolTip() == (
        "Weights 8.2 for chains, 1.6 for residues, 1.3 for atoms: of the variance 74 % is shared by a chain, "
        "14 % by a residue, and 12 % is each atom's own."
    )
    for button in (*row.buttons.values(), row.own):
        assert re.fullmatch(r"[A-Z].*\.", button.toolTip())


@pytest.mark.parametrize("pixels", [11, 13, 16])
def test_weights_go_where_there_is_no_room_and_names_stay_whole(row, app, pixels):
    font = QtGui.QFont(row.font())
    font.setPixelSize(pixels)
    row.setFont(font)
    assert row.minimumSizeHint().width() <= 400
    row.show_preset("a-preset-of-the-longest-name-tha")
    assert row.minimumSizeHint().width() <= 400  # it is cut instead
    app.processEvents()  # a window of its own lets go of its least size then
    seen = set()
    wide = row.sizeHint().width()
    for width in (row.minimumSizeHint().width(), wide - 1, wide, wide + 200):
        row.resize(width, row.sizeHint().height())
        app.processEvents()
        assert row.width() == width
        seen.add(row.has_room())
        assert row.has_room() == (width >= wide)
        buttons = [*row.buttons.values(), row.own]
        assert buttons[-1].geometry().right() < width
        for button, after in zip(buttons, buttons[1:]):
            assert button.geometry().right() < after.geometry().left()
        for button in buttons:
            needed = button.sizeHint() if row.has_room() else button.minimumSizeHint()
            assert button.width() >= needed.width()
            assert button.height() >= needed.height()
    assert seen == {True, False}


def lines(button, contrast):
    """Return the strongest contrast with the ground in the upper and in the lower half of a button."""
    image = button.grab().toImage()
    ground = image.pixelColor(3, button.height() // 2)
    halves = []
    for rows in (range(4, button.height() // 2), range(button.height() // 2 + 4, button.height() - 5)):
        inks = {image.pixelColor(x, y).name() for x in range(5, button.width() - 5) for y in rows}
        halves.append(max(contrast(QtGui.QColor(ink), ground) for ink in inks))
    return halves


def test_both_lines_can_be_read_in_a_palette_that_is_switched(row, app, dark, contrast):
    light = QtGui.QPalette(QtGui.QColor("#efefef"))
    row.show_preset("ms")
    for palette in (light, dark, light):
        row.setPalette(palette)
        app.processEvents()
        for button in row.buttons.values():
            assert min(lines(button, contrast)) >= 4.5, button.text()
        row.setEnabled(False)
        assert min(lines(row.buttons["rb"], contrast)) >= 1.5
        row.setEnabled(True)
    row.resize(row.minimumSizeHint().width(), row.height())
    app.processEvents()
    assert not row.has_room()
    assert lines(row.buttons["rb"], contrast)[0] >= 4.5


def test_weights_that_are_a_presets_have_its_name():
    assert preset_name(NoiseParameters()) == "3-8-1"
    assert preset_name(NoiseParameters(preset="ms")) == "ms"
    assert preset_name(NoiseParameters(wc=0, wr=0, wa=1)) == "flat"
    assert preset_name(NoiseParameters(wc=0, wr=0, wa=2)) == ""
