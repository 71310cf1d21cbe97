"""The panel's face: which widget stands where. What they do is in `panel`."""

from __future__ import annotations

from typing import cast

from qtpy import QtCore, QtWidgets

from .widgets.color_key import ColorKey
from .widgets.controls import RangeControl, make_controls
from .widgets.curve_plots import SweepPlot
from .widgets.icons import tool_button
from .widgets.labels import RUN, text_label, word_button
from .widgets.level_table import LevelTable
from .widgets.model import Model
from .widgets.player import Player
from .widgets.residue_plot import ResiduePlot
from .widgets.share_bar import ShareBar

# Pixels that the controls and the plots take of a tall window.
_UPPER, _LOWER = 640, 260
_CAPTIONS = {
    "wc": "chain",
    "wr": "residue",
    "wa": "atom",
    "sigma": "\N{GREEK SMALL LETTER SIGMA}",
    "metric": "colour",
    "rep": "shown as",
}

#: Parameters that are only typed; the panel keeps them.
TYPED = ("law", "p_mean", "p_std", "sigma_data", "residues", "chains")


class Face(QtWidgets.QWidget):
    """Widgets in their places, tied to nothing but the model."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = Model(self)
        self.controls = make_controls(self.model, self, without=TYPED)
        self.range = cast(RangeControl, self.controls["range"])
        self.banner = text_label("pomodoro-banner")
        self.banner.hide()
        self.objects = QtWidgets.QComboBox()
        self.objects.setToolTip("structure to noise: fills in the selection beside it")
        self.objects.setAccessibleName("structure")
        self.objects.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.objects.setMinimumContentsLength(8)
        self.counts = text_label("pomodoro-counts")
        self.quantile = QtWidgets.QLabel()
        self.save = tool_button("save", "keep these weights as a preset", "save")
        self.delete = tool_button("delete", "forget this preset of yours", "delete")
        self.dice = tool_button("dice", "another seed, by chance", "dice")
        self.shares = ShareBar()
        self.levels = LevelTable()
        self.key = ColorKey()
        self.residues = ResiduePlot()
        self.sweep = SweepPlot()
        self.tabs = QtWidgets.QTabWidget()
        self.tabs.setDocumentMode(True)
        for widget, title in ((self.residues, "Residues"), (self.sweep, "z-sweep")):
            self.tabs.addTab(widget, title)
        self.player = Player()
        self.progress = QtWidgets.QProgressBar()
        self.progress.setAccessibleName("progress")
        self.live = word_button("live", "rescale the same noise while the sliders move", "Live")
        self.live.setCheckable(True)
        self.run = word_button("run", *RUN)
        self.line = QtWidgets.QLineEdit()
        self.line.setToolTip("the command that Run executes; edit it and press Enter")
        self.line.setAccessibleName("command")
        self.copy = tool_button("copy", "copy the command", "copy")
        self.status = text_label("pomodoro-status")
        self._lay_out()

    def sizeHint(self) -> QtCore.QSize:
        """As wide as one reads comfortably."""
        return QtCore.QSize(max(self.minimumSizeHint().width(), 34 * self.fontMetrics().averageCharWidth() * 2), 820)

    def _lay_out(self) -> None:
        self.upper = QtWidgets.QScrollArea()
        self.upper.setWidgetResizable(True)
        self.upper.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        self.upper.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.upper.setWidget(self._upper())
        self.splitter = QtWidgets.QSplitter(QtCore.Qt.Orientation.Vertical)
        self.splitter.addWidget(self.upper)
        self.splitter.addWidget(self.tabs)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setSizes([_UPPER, _LOWER])
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 6)
        layout.setSpacing(4)
        layout.addWidget(self.banner)
        layout.addWidget(self.splitter, 1)
        layout.addWidget(self.player)
        layout.addLayout(_row(self.progress, self.live, self.run, stretch=self.progress))
        layout.addLayout(_row(self.line, self.copy, stretch=self.line))
        layout.addWidget(self.status)

    def _upper(self) -> QtWidgets.QWidget:
        controls = self.controls
        upper = QtWidgets.QWidget()
        grid = QtWidgets.QGridLayout(upper)
        grid.setContentsMargins(0, 0, 4, 0)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(1, 1)
        self._grid, self._count = grid, 0
        self._place(
            "selection", self.objects, controls["selection"], caption="structure", stretch=controls["selection"]
        )
        self._place("", self.counts)
        self._place("z", controls["z"])
        self._place("sigma", controls["sigma"], self.quantile)
        self._place("preset", controls["preset"], self.save, self.delete, stretch=controls["preset"])
        for name in ("wc", "wr", "wa"):
            self._place(name, controls[name])
        self._place("", self.shares)
        self._place("frames", controls["frames"], self._caption("seed"), controls["seed"], self.dice)
        self._place("state", controls["state"], self._caption("device"), controls["device"])
        self._place("name", controls["name"], caption="new object")
        self._place(None, self.levels)
        self._place("metric", controls["metric"], controls["palette"], stretch=controls["metric"])
        self._place("range", controls["range"])
        self._place("rep", controls["rep"], self._caption("truth"), controls["truth"], stretch=controls["rep"])
        self._place(None, self.key)
        grid.setRowStretch(self._count, 1)
        bar = self.style().pixelMetric(QtWidgets.QStyle.PixelMetric.PM_ScrollBarExtent)
        self.upper.setMinimumWidth(upper.minimumSizeHint().width() + bar + 2 * self.fontMetrics().averageCharWidth())
        return upper

    def _place(
        self,
        name: str | None,
        *widgets: QtWidgets.QWidget,
        caption: str = "",
        stretch: QtWidgets.QWidget | None = None,
    ) -> None:
        """Put widgets in the next row: under a caption, under none ("") or across (None)."""
        if name:
            self._grid.addWidget(self._caption(name, caption), self._count, 0)
        if name is None:
            self._grid.addWidget(widgets[0], self._count, 0, 1, 2)
        else:
            self._grid.addLayout(_row(*widgets, stretch=stretch or widgets[0]), self._count, 1)
        self._count += 1

    def _caption(self, name: str, text: str = "") -> QtWidgets.QLabel:
        label = QtWidgets.QLabel(text or _CAPTIONS.get(name, name))
        label.setBuddy(self.controls[name])
        label.setToolTip(self.controls[name].toolTip())
        return label


def _row(*widgets: QtWidgets.QWidget, stretch: QtWidgets.QWidget) -> QtWidgets.QHBoxLayout:
    row = QtWidgets.QHBoxLayout()
    row.setSpacing(4)
    for widget in widgets:
        row.addWidget(widget, 1 if widget is stretch else 0)
    return row
