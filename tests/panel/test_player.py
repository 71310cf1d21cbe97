"""Scrubbing and playing states."""

import pytest
from qtpy import QtCore, QtGui, QtTest

from pomodoro_pymol.panel.widgets.player import Player


@pytest.fixture
def player(show):
    player = show(Player(), 320)
    player.show_states(21, 3, "z = 0.00   sigma = 4.82 Å")
    player.chosen = []
    player.state_chosen.connect(player.chosen.append)
    return player


def tick(player, times=1):
    for _ in range(times):
        player._timer.timeout.emit()


def test_showing_a_state_emits_nothing(player):
    for state in (1, 21, 8):
        player.show_states(21, state, "z = 0.10")
    player.show_states(5, 5, "")
    player.show_states(0, 0, "")
    assert player.chosen == []


def test_what_is_shown_is_seen_everywhere(player):
    assert player.slider.value() == player.spin.value() == 3
    assert player.spin.text() == "3 / 21"
    assert player.title.toolTip() == "z = 0.00   sigma = 4.82 Å"


def test_every_way_to_move_chooses_one_state(player):
    player.next.click()
    player.previous.click()
    player.last.click()
    player.first.click()
    player.slider.setValue(7)
    player.spin.setValue(9)
    assert player.chosen == [4, 3, 21, 1, 7, 9]
    assert player.slider.value() == player.spin.value() == 9


def test_arrow_keys_move_the_slider(player, app):
    for key in (QtCore.Qt.Key.Key_Right, QtCore.Qt.Key.Key_Right, QtCore.Qt.Key.Key_Home):
        app.sendEvent(
            player.slider,
            QtGui.QKeyEvent(QtCore.QEvent.Type.KeyPress, key, QtCore.Qt.KeyboardModifier.NoModifier),
        )
    assert player.chosen == [4, 5, 1]


def test_buttons_that_lead_nowhere_are_disabled(player):
    player.show_states(21, 1, "")
    assert [b.isEnabled() for b in (player.first, player.previous, player.next, player.last)] == [0, 0, 1, 1]
    player.last.click()
    assert [b.isEnabled() for b in (player.first, player.previous, player.next, player.last)] == [1, 1, 0, 0]


@pytest.mark.parametrize(
    ("mode", "states"),
    [("once", [3, 4]), ("loop", [3, 4, 1, 2, 3, 4, 1, 2]), ("palindrome", [3, 4, 3, 2, 1, 2, 3, 4])],
)
def test_the_mode_says_what_follows_the_last_state(player, mode, states):
    player.show_states(4, 2, "")
    player.mode.setCurrentText(mode)
    player.play_button.click()
    tick(player, 8)
    assert player.chosen == states
    assert player.is_playing() == (mode != "once")


def test_playing_once_from_the_end_starts_at_the_first(player):
    player.show_states(3, 3, "")
    player.mode.setCurrentText("once")
    player.play_button.click()
    tick(player, 2)
    assert player.chosen == [1, 2, 3]


def test_playing_follows_a_state_set_elsewhere(player):
    player.play_button.click()
    tick(player)
    player.show_states(21, 15, "")
    tick(player)
    assert player.chosen == [4, 16]


def test_the_timer_plays_at_the_rate(player, app):
    player.show_states(1000, 3, "")
    player.rate.setValue(60)
    player.play_button.click()
    assert player._timer.interval() == 17
    loop = QtCore.QEventLoop()
    QtCore.QTimer.singleShot(400, loop.quit)
    loop.exec()
    assert 2 <= len(player.chosen) <= 24
    assert player.chosen == list(range(4, 4 + len(player.chosen)))
    player.rate.setValue(4)
    assert player._timer.interval() == 250


def halt_by_click(player):
    player.play_button.click()


def halt_by_hiding(player):
    player.hide()


def halt_by_disabling(player):
    player.setEnabled(False)


def halt_by_losing_states(player):
    player.show_states(1, 1, "")


@pytest.mark.parametrize("halt", [halt_by_click, halt_by_hiding, halt_by_disabling, halt_by_losing_states])
def test_playing_stops(player, halt):
    player.play_button.click()
    assert player.is_playing()
    assert player.play_button.accessibleName() == "Pause"
    halt(player)
    assert not player.is_playing()
    assert player.play_button.accessibleName() == "Play"


@pytest.mark.parametrize("n_states", [0, 1])
def test_one_state_cannot_be_played(player, n_states):
    player.show_states(n_states, n_states, "")
    player.play()
    assert not player.is_playing()
    assert not player.play_button.isEnabled()
    assert player.spin.text().startswith(f"{n_states} / {n_states}")


def test_it_fits_a_narrow_dock(player, app):
    player.show_states(1000, 1000, "z = 0.00   sigma = 4.82 Å   seed 12345678")
    app.processEvents()
    assert player.minimumSizeHint().width() <= 320
    assert player.slider.width() >= 40
    needed = player.spin.fontMetrics().horizontalAdvance("1000 / 1000")
    assert player.spin.lineEdit().width() > needed


def test_it_steps_and_toggles_for_shortcuts(player):
    player.step(4)
    player.step(-2)
    player.step(-100)
    player.step(100)
    assert player.chosen == [7, 5, 1, 21]
    player.toggle()
    assert player.is_playing()
    player.toggle()
    assert not player.is_playing()


def test_it_is_one_row_and_the_title_stands_where_it_is_put(player, show, app):
    parts = (player.first, player.play_button, player.last, player.slider, player.spin, player.more)
    middles = [part.geometry().center() for part in parts]
    assert max(place.y() for place in middles) - min(place.y() for place in middles) <= 1
    assert [place.x() for place in middles] == sorted(place.x() for place in middles)
    assert not player.title.isVisible()
    assert not player.isAncestorOf(player.title)
    whole = show(Player(with_title=True), 500)
    whole.show_states(3, 2, "z = 0.00")
    assert whole.title.isVisible()
    assert whole.spin.geometry().right() < whole.title.geometry().left()
    assert whole.title.geometry().right() < whole.more.geometry().left()
    assert whole.height() == player.height()


def test_speed_and_mode_are_in_the_menu(player, app):
    assert not player.rate.isVisible()
    player.more.click()
    app.processEvents()
    assert player.menu.isVisible()
    assert player.rate.isVisible()
    assert player.mode.isVisible()
    player.rate.selectAll()
    QtTest.QTest.keyClicks(player.rate, "60")
    QtTest.QTest.keyClick(player.rate, QtCore.Qt.Key.Key_Return)
    QtTest.QTest.keyClick(player.mode, QtCore.Qt.Key.Key_Down)
    assert (player.rate.value(), player.mode.currentText()) == (60, "palindrome")
    player.menu.close()
    QtTest.QTest.keyClick(player.mode, QtCore.Qt.Key.Key_Up)  # as it is set while the menu is closed
    assert player.mode.currentText() == "loop"
    assert player.chosen == []


def test_the_wheel_moves_nothing_without_the_focus(player, app):
    for part in (player.slider, player.spin, player.rate, player.mode):
        assert part.focusPolicy() == QtCore.Qt.FocusPolicy.StrongFocus
        place = QtCore.QPointF(part.rect().center())
        none, still = QtCore.Qt.KeyboardModifier.NoModifier, QtCore.Qt.ScrollPhase.NoScrollPhase
        event = QtGui.QWheelEvent(
            place, place, QtCore.QPoint(), QtCore.QPoint(0, 120), QtCore.Qt.MouseButton.NoButton, none, still, False
        )
        part.clearFocus()
        app.sendEvent(part, event)
    assert player.chosen == []
    assert (player.rate.value(), player.mode.currentText()) == (10, "loop")
    player.activateWindow()
    player.slider.setFocus()
    app.sendEvent(player.slider, event)
    assert len(player.chosen) == 1
    assert player.slider.value() > 3


def test_icons_follow_a_palette_that_is_switched(player, app, dark):
    light = QtGui.QPalette(QtGui.QColor("#efefef"))
    buttons = (player.first, player.previous, player.play_button, player.next, player.last, player.more)
    for palette in (light, dark, light):
        player.setPalette(palette)
        app.processEvents()
        ground = palette.color(QtGui.QPalette.ColorRole.Button).lightness()
        for button in buttons:
            image = button.icon().pixmap(24, 24).toImage()
            inks = [image.pixelColor(x, y) for x in range(24) for y in range(24)]
            assert abs(max(inks, key=QtGui.QColor.alpha).lightness() - ground) > 100


def test_the_title_can_be_read_in_a_palette_that_is_switched(show, app, dark, contrast):
    whole = show(Player(with_title=True), 500)
    whole.show_states(3, 2, "z = 0.00   sigma = 4.82 Å")
    light = QtGui.QPalette(QtGui.QColor("#efefef"))
    for palette in (light, dark, light):
        whole.setPalette(palette)
        app.processEvents()
        image = whole.title.grab().toImage()
        ground = palette.color(QtGui.QPalette.ColorRole.Window)
        assert contrast(image.pixelColor(0, 0), ground) < 1.1
        inks = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}
        assert max(contrast(QtGui.QColor(ink), ground) for ink in inks) >= 4.5
