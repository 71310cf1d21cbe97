"""Measured beside expected, in a table that can be copied."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from qtpy import QtCore, QtGui, QtWidgets

from .contrast import WARNING
from .icons import blend


class Row(NamedTuple):
    """A statistic: its label and unit in words, as measured with its 95 % interval, as expected; None is not known."""

    label: str
    unit: str
    measured: float | None
    low: float | None
    high: float | None
    expected: float | None


_HEADER = ("", "measured", "95 % interval", "expected")
_DASH = "\N{EN DASH}"
# Rows that are always in sight.
_ROWS = 6


class LevelTable(QtWidgets.QWidget):
    """Statistics of the levels: measured, its interval, expected.

    An expected value outside the interval is tinted.
    """

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self.table = QtWidgets.QTableWidget(0, len(_HEADER), self)
        self.table.setHorizontalHeaderLabels(_HEADER)
        self.table.setAccessibleName("Measured and expected statistics")
        self.table.setEditTriggers(QtWidgets.QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setTabKeyNavigation(False)
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        self.table.viewport().setAutoFillBackground(False)
        self.table.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setSectionResizeMode(QtWidgets.QHeaderView.ResizeMode.ResizeToContents)
        self.table.setVerticalScrollMode(QtWidgets.QAbstractItemView.ScrollMode.ScrollPerPixel)
        header = self.table.horizontalHeader()
        header.setSectionsClickable(False)
        header.setHighlightSections(False)
        header.setMinimumSectionSize(1)
        header.setSectionResizeMode(QtWidgets.QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QtWidgets.QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(QtCore.Qt.AlignmentFlag.AlignRight | QtCore.Qt.AlignmentFlag.AlignVCenter)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Preferred)
        copy = QtGui.QAction("Copy", self.table)
        copy.setShortcut(QtGui.QKeySequence.StandardKey.Copy)
        copy.setShortcutContext(QtCore.Qt.ShortcutContext.WidgetWithChildrenShortcut)
        copy.triggered.connect(self.copy)
        self.table.addAction(copy)
        self.table.setContextMenuPolicy(QtCore.Qt.ContextMenuPolicy.ActionsContextMenu)

    def show_levels(self, rows: Sequence[Row], tips: Sequence[str] = ()) -> None:
        """Show one row per statistic, under a heading where its unit is another than before.

        Parameters
        ----------
        rows : sequence of Row
            None is shown as a dash, nan as n/a.
        tips : sequence of str
            What each label stands for; the labels themselves by default.
        """
        lines: list[Row | str] = []
        told = dict(zip((row.label for row in rows), tips))
        former = ""
        for row in rows:
            lines += [row.unit] * (row.unit != former) + [row]
            former = row.unit
        if len(lines) != self.table.rowCount():
            self.table.clearSpans()
            self.table.setRowCount(len(lines))
        for number, line in enumerate(lines):
            if isinstance(line, str):
                self._show_texts(number, (line, "", "", ""), line, heading=True)
                self._mark(number, False)
                continue
            label, unit, measured, low, high, expected = line
            decimals = _decimals([row for row in rows if row.unit == unit])
            interval = _number(low, decimals)
            if high is not None and math.isfinite(high):
                interval += f"{_DASH}{_number(high, decimals)}"
            texts = (label, _number(measured, decimals), interval, _number(expected, decimals))
            self._show_texts(number, texts, f"{told.get(label, label)} ({unit})")
            self._mark(number, _outside(low, high, expected))
        self.updateGeometry()

    def clear(self) -> None:
        """Show no rows."""
        self.show_levels([])

    def copy_text(self) -> str:
        """Return the selected cells, or all with their header where none is selected, as tab-separated lines."""
        chosen = self.table.selectionModel().selectedIndexes()
        rows = sorted({index.row() for index in chosen}) or range(self.table.rowCount())
        columns = sorted({index.column() for index in chosen}) or range(self.table.columnCount())
        lines = [[self._item(row, column).text() for column in columns] for row in rows]
        return "\n".join("\t".join(line) for line in ([] if chosen else [_HEADER]) + lines)

    def copy(self) -> None:
        """Put the selected cells on the clipboard."""
        QtWidgets.QApplication.clipboard().setText(self.copy_text())

    def sizeHint(self) -> QtCore.QSize:
        """All rows; where there is less room they scroll."""
        height = self.table.horizontalHeader().sizeHint().height() + self.table.verticalHeader().length()
        return QtCore.QSize(44 * self.fontMetrics().averageCharWidth(), height + 2)

    def minimumSizeHint(self) -> QtCore.QSize:
        """Some rows, between which one scrolls; the labels give way first."""
        view = self.table
        rows = sum(view.rowHeight(row) for row in range(min(_ROWS, view.rowCount())))
        height = view.horizontalHeader().sizeHint().height() + rows + 2
        return QtCore.QSize(30 * self.fontMetrics().averageCharWidth(), height)

    def changeEvent(self, event: QtCore.QEvent) -> None:
        """Tint anew in the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QtCore.QEvent.Type.PaletteChange:
            for row in range(self.table.rowCount()):
                self._mark(row, bool(self._item(row, 3).toolTip()))

    def _show_texts(self, row: int, texts: Sequence[str], tip: str, heading: bool = False) -> None:
        for column, text in enumerate(texts):
            item = self._item(row, column)
            if item.text() != text:  # each change lays the table out anew
                item.setText(text)
        first = self._item(row, 0)
        first.setToolTip(tip)
        if first.font().bold() != heading:
            font = first.font()
            font.setBold(heading)
            first.setFont(font)
        if self.table.columnSpan(row, 0) != (len(_HEADER) if heading else 1):
            self.table.setSpan(row, 0, 1, len(_HEADER) if heading else 1)

    def _item(self, row: int, column: int) -> QtWidgets.QTableWidgetItem:
        """Return a cell's item, made when it is first asked for."""
        item = self.table.item(row, column)
        if item is None:
            item = QtWidgets.QTableWidgetItem()
            if column:
                item.setTextAlignment(QtCore.Qt.AlignmentFlag.AlignRight | QtCore.Qt.AlignmentFlag.AlignVCenter)
            self.table.setItem(row, column, item)
        return item

    def _mark(self, row: int, outside: bool) -> None:
        item = self._item(row, 3)
        tint = blend(QtGui.QColor(WARNING), self.palette().color(QtGui.QPalette.ColorRole.Window), 0.3)
        item.setBackground(QtGui.QBrush(tint) if outside else QtGui.QBrush())
        item.setToolTip("The expected value lies outside the 95 % interval of the measured one." if outside else "")


def _outside(low: float | None, high: float | None, expected: float | None) -> bool:
    """Say whether an expected value lies outside its interval; not where any of them is unknown."""
    return low is not None and high is not None and expected is not None and (expected < low or expected > high)


def _decimals(rows: Sequence[Row]) -> int:
    """Return how many decimals give the greatest number of the rows three digits; two at least, four at most."""
    numbers = [abs(value) for row in rows for value in (row.measured, row.expected) if value is not None]
    sizes = [number for number in numbers if 0 < number < math.inf]
    return min(4, max(2, 2 - math.floor(math.log10(max(sizes, default=1.0)))))


def _number(value: float | None, decimals: int) -> str:
    if value is None:
        return _DASH
    return "n/a" if math.isnan(value) else f"{value:.{decimals}f}"
