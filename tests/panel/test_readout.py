"""Measured beside expected."""

import math

import pytest
from qtpy import QtCore, QtGui, QtWidgets

from pomodoro_pymol.panel.widgets.level_table import LevelTable, Row

DASH = "\N{EN DASH}"
LENGTH, PURE = "rms, Å per coordinate", "ratios and shares"
ROWS = [
    Row("atom", LENGTH, 4.801, 4.778, 4.863, 4.82),
    Row("residue", LENGTH, 4.62, 4.6, 4.66, 4.64),
    Row("relative to chain", LENGTH, math.nan, math.nan, math.nan, math.nan),
    Row("residue / atom", PURE, 0.9631, 0.9602, 0.9655, 0.97),
    Row("atom share", PURE, None, None, None, 0.07),
]


@pytest.fixture
def levels(show):
    table = show(LevelTable(), 330)
    table.show_levels(ROWS)
    return table


def texts(levels, row):
    return [levels.table.item(row, column).text() for column in range(4)]


def test_numbers_of_a_unit_share_their_decimals(levels):
    assert texts(levels, 1) == ["atom", "4.80", f"4.78{DASH}4.86", "4.82"]
    assert texts(levels, 2) == ["residue", "4.62", f"4.60{DASH}4.66", "4.64"]
    assert texts(levels, 5) == ["residue / atom", "0.963", f"0.960{DASH}0.966", "0.970"]


def test_a_heading_says_the_unit_of_what_is_below_it(levels, app):
    for row, heading in ((0, LENGTH), (4, PURE)):
        assert texts(levels, row) == [heading, "", "", ""]
        assert levels.table.columnSpan(row, 0) == 4
        assert levels.table.item(row, 0).font().bold()
    assert levels.table.item(1, 0).toolTip() == f"atom ({LENGTH})"
    levels.show_levels(ROWS[3:])
    app.processEvents()
    assert [texts(levels, row)[0] for row in range(3)] == [PURE, "residue / atom", "atom share"]
    assert [levels.table.columnSpan(row, 0) for row in range(3)] == [4, 1, 1]
    assert not levels.table.item(1, 0).font().bold()


def test_what_is_missing_is_a_dash_and_what_is_undefined_says_so(levels):
    assert texts(levels, 6) == ["atom share", DASH, DASH, "0.070"]
    assert texts(levels, 3) == ["relative to chain", "n/a", "n/a", "n/a"]


def test_an_expected_value_outside_the_interval_is_tinted(levels):
    marked = [levels.table.item(row, 3).background().style() != QtCore.Qt.BrushStyle.NoBrush for row in range(7)]
    assert marked == [False, False, False, False, False, True, False]
    assert "outside the 95 % interval" in levels.table.item(5, 3).toolTip()
    levels.show_levels([*ROWS[:3], Row("residue / atom", PURE, 0.9631, 0.9602, 0.9655, 0.964)])
    assert levels.table.item(5, 3).background().style() == QtCore.Qt.BrushStyle.NoBrush
    assert levels.table.item(5, 3).toolTip() == ""


def test_the_tint_follows_the_theme(levels, dark):
    before = levels.table.item(5, 3).background().color()
    levels.setPalette(dark)
    after = levels.table.item(5, 3).background().color()
    assert after.lightness() < before.lightness() - 60


def test_small_numbers_keep_digits(levels):
    levels.show_levels([Row("atom", LENGTH, 0.0061, 0.006, 0.0062, 0.0061)])
    assert texts(levels, 1) == ["atom", "0.0061", f"0.0060{DASH}0.0062", "0.0061"]
    assert levels.table.rowCount() == 2


def test_numbers_end_on_one_line_and_none_is_clipped(levels):
    view = levels.table
    for row in range(view.rowCount()):
        for column in range(1, 4):
            item = view.item(row, column)
            assert item.textAlignment() & QtCore.Qt.AlignmentFlag.AlignRight
            assert view.fontMetrics().horizontalAdvance(item.text()) < view.columnWidth(column)
            assert view.fontMetrics().height() <= view.rowHeight(row)
    assert view.horizontalHeader().length() <= view.viewport().width()
    assert view.verticalHeader().length() <= levels.sizeHint().height()


def test_selected_cells_are_copied_as_columns(levels, app):
    levels.table.setRangeSelected(QtWidgets.QTableWidgetSelectionRange(1, 1, 2, 2), True)
    (copy,) = levels.table.actions()
    assert copy.shortcut().matches(QtGui.QKeySequence("Ctrl+C")) == QtGui.QKeySequence.SequenceMatch.ExactMatch
    copy.trigger()
    assert app.clipboard().text() == f"4.80\t4.78{DASH}4.86\n4.62\t4.60{DASH}4.66"


def test_everything_is_copied_when_nothing_is_selected(levels):
    lines = levels.copy_text().split("\n")
    assert lines[0] == "\tmeasured\t95 % interval\texpected"
    assert len(lines) == 8
    assert {line.count("\t") for line in lines} == {3}


def test_columns_say_what_they_are(levels):
    header = [levels.table.horizontalHeaderItem(column).text() for column in range(4)]
    assert header == ["", "measured", "95 % interval", "expected"]


def test_where_room_is_short_rows_scroll(levels, app):
    levels.show_levels([*ROWS, *(Row(f"share {number}", PURE, 0.5, 0.4, 0.6, 0.5) for number in range(12))])
    line = levels.table.rowHeight(0)
    assert 6 * line < levels.minimumSizeHint().height() < 9 * line
    assert levels.sizeHint().height() > 19 * line
    levels.resize(330, levels.minimumSizeHint().height())
    app.processEvents()
    bar = levels.table.verticalScrollBar()
    assert bar.maximum() > 0
    bar.setValue(bar.maximum())
    last = levels.table.visualItemRect(levels.table.item(levels.table.rowCount() - 1, 0))
    assert levels.table.viewport().rect().contains(last)
    levels.resize(330, levels.sizeHint().height())
    app.processEvents()
    assert bar.maximum() == 0
