"""The panel's face: which widget stands where. What they do is in `panel`.

At 1280 x 800 everything of the main job is seen without scrolling; where there is less room the
middle scrolls, between the choice of page above and Run, command and status below.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from qtpy import QtCore, QtWidgets

from ..parameters.kinds import Interval
from .widgets.color_key import ColorKey
from .widgets.controls import RangeControl, make_controls
from .widgets.curve_plots import SweepPlot
from .widgets.headline import Headline
from .widgets.icons import IconButton
from .widgets.inputs import WordBox
from .widgets.labels import RUN, ElidedLabel, text_label, word_button
from .widgets.level_table import LevelTable
from .widgets.model import ParameterModel
from .widgets.player import Player
from .widgets.preset_buttons import PresetRow
from .widgets.residue_plot import ResiduePlot
from .widgets.weight_bar import WeightBar

_CAPTIONS = {
    "wc": "chain",
    "wr": "residue",
    "wa": "atom",
    "sigma": "\N{GREEK SMALL LETTER SIGMA}",
    "metric": "colour",
    "rep": "shown as",
    "truth": "grey trace",
    "name": "new object",
}

#: Parameters that are only typed; the panel keeps them.
TYPED = ("law", "p_mean", "p_std", "sigma_data", "residues", "chains")
#: Pages, in the order of their tabs.
NOISE, SAMPLING, TRAINING = range(3)
# Letters of a usual width that the panel takes where it is free to.
_LETTERS = 66


class Face(QtWidgets.QWidget):
    """Widgets in their places, tied to nothing but the model."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = ParameterModel(self)
        self.controls = make_controls(self.model, self, without=(*TYPED, "preset"))
        self.range = cast(RangeControl, self.controls["range"])
        self.banner = text_label("pomodoro-banner")
        self.banner.hide()
        self._make_header()
        self._make_noise_page()
        self._make_feet()
        self._lay_out()

    def sizeHint(self) -> QtCore.QSize:
        """As wide as one reads comfortably."""
        width = _LETTERS * self.fontMetrics().averageCharWidth()
        return QtCore.QSize(max(self.minimumSizeHint().width(), width), 700)

    def _make_header(self) -> None:
        self.page_bar = QtWidgets.QTabBar()
        self.page_bar.setDocumentMode(True)
        self.page_bar.setDrawBase(False)
        self.page_bar.setAccessibleName("page")
        for title, tip in (
            ("Noise", "Noise a structure, and look at what its residues do."),
            ("Sampling", "Sample structures from noise with an exact denoiser or a network of yours."),
            ("Training", "Train small networks on noise of several schemes, and see what each of them learns."),
        ):
            self.page_bar.setTabToolTip(self.page_bar.addTab(title), tip)
        self.objects = _picker("source", "The structure to noise. It is never changed.")
        self.results = _picker("result", "The noised object that numbers, plots and states below are of.")
        self.truth = QtWidgets.QCheckBox("truth")
        self.truth.setToolTip("Shows the true structure over the noised one.")
        self.counts = ElidedLabel()
        self.counts.setObjectName("pomodoro-counts")

    def _make_noise_page(self) -> None:
        self.quantile = QtWidgets.QLabel()
        self.presets = PresetRow()
        self.save = IconButton("save", "Keep these weights as a preset of yours.", "save")
        self.delete = IconButton("delete", "Forget this preset of yours.", "delete")
        self.shares = WeightBar()
        self.dice = IconButton("dice", "Take another seed by chance: another draw.", "dice")
        self.undo = IconButton("undo", "Take back the last change of values (Ctrl+Z).", "undo")
        self.redo = IconButton("redo", "Make the change again that was taken back (Ctrl+Shift+Z).", "redo")
        self.headline = Headline()
        self.levels = LevelTable()
        self.key = ColorKey()
        self.residues = ResiduePlot()
        self.sweep = SweepPlot()
        self.tabs = QtWidgets.QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setUsesScrollButtons(False)
        self.tabs.addTab(self._residue_tab(), "Residues")
        self.tabs.addTab(self.levels, "Numbers")

    def _make_feet(self) -> None:
        self.player = Player()
        self.movie = IconButton("movie", "Write a film of the states to a file, as the command pommovie does.", "movie")
        self.progress = QtWidgets.QProgressBar()
        self.progress.setAccessibleName("progress")
        self.live = word_button("live", "Rescales the same noise while you move the sliders (Ctrl+L).", "Live")
        self.live.setCheckable(True)
        self.compare = word_button("compare", "Shows the schemes side by side, under the same draw.", "Compare")
        self.compare.setCheckable(True)
        self.run = word_button("run", *RUN)
        self.line = QtWidgets.QLineEdit()
        self.line.setToolTip("The command that Run executes. Edit it and press Enter to run it.")
        self.line.setAccessibleName("command")
        self.copy = IconButton("copy", "Copy the command.", "copy")
        self.status = text_label("pomodoro-status")

    def _lay_out(self) -> None:
        self.pages = QtWidgets.QStackedWidget()
        self.pages.addWidget(self._noise_page())
        middle = QtWidgets.QWidget()
        inner = _Column(middle)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(3)
        arrow = QtWidgets.QLabel("\N{RIGHTWARDS ARROW}")
        inner.addLayout(_row(self.objects, arrow, self.results, self.truth, stretch=(self.objects, self.results)))
        inner.addWidget(self.counts)
        inner.addWidget(self.pages, 1)
        self.middle = _Middle(middle)
        layout = _column(self)
        layout.setContentsMargins(4, 0, 4, 4)
        layout.addWidget(self.banner)
        layout.addWidget(self.page_bar)
        layout.addWidget(self.middle, 1)
        layout.addLayout(_row(self.player, self.movie, stretch=(self.player,)))
        layout.addWidget(self.player.title)
        feet = _row(self.live, self.compare, self.progress, self.run, stretch=(self.progress,))
        feet.insertStretch(feet.indexOf(self.run))  # Run stays where it is, be there progress or none
        layout.addLayout(feet)
        layout.addLayout(_row(self.line, self.copy, stretch=(self.line,)))
        layout.addWidget(self.status)
        self.page_bar.currentChanged.connect(self._show_page)

    def add_pages(self, pages: Sequence[QtWidgets.QWidget], *tabs: tuple[QtWidgets.QWidget, str]) -> None:
        """Put pages beside that of noise, tabs behind those of the result, last what is seldom set."""
        for page in pages:
            self.pages.addWidget(page)
        for widget, title in (*tabs, (self._options(), "More")):
            self.tabs.addTab(widget, title)

    def _show_page(self, place: int) -> None:
        """Bring a page to the front; where Live and Compare do nothing, the progress has their room."""
        self.pages.setCurrentIndex(place)
        for button in (self.live, self.compare):
            button.setVisible(place == NOISE or button.isChecked())

    def _noise_page(self) -> QtWidgets.QWidget:
        controls, caption = self.controls, self._caption
        page = QtWidgets.QWidget()
        layout = _column(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(
            _row(
                caption("z"),
                controls["z"],
                caption("sigma"),
                controls["sigma"],
                self.quantile,
                stretch=(controls["z"],),
            )
        )
        layout.addLayout(_row(self.presets, self.save, self.delete, stretch=(self.presets,)))
        weights = [widget for name in ("wc", "wr", "wa") for widget in (caption(name), controls[name])]
        layout.addLayout(_row(*weights, stretch=weights[1::2]))
        layout.addWidget(self.shares)
        frames, seed = controls["frames"], controls["seed"]
        draws = (caption("frames"), frames, caption("seed"), seed, self.dice, self.undo, self.redo)
        layout.addLayout(_row(*draws, stretch=(frames, seed)))
        layout.addWidget(self.headline)
        layout.addWidget(self.tabs, 1)
        return page

    def _residue_tab(self) -> QtWidgets.QWidget:
        page = QtWidgets.QWidget()
        layout = _column(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.residues, 1)
        colours = [self.controls[name] for name in ("metric", "palette", "range")]
        layout.addLayout(_row(self._caption("metric"), *colours, stretch=colours))
        layout.addWidget(self._ends())
        layout.addWidget(self.key)
        return page

    def _ends(self) -> QtWidgets.QWidget:
        """Return a row for the ends of a range of one's own, which is seen while there is one."""
        low, high = self.range.ends
        row, ends = QtWidgets.QWidget(), (low, high)
        inner = _row(QtWidgets.QLabel("from"), low, QtWidgets.QLabel("to"), high, stretch=ends)
        inner.setContentsMargins(0, 0, 0, 0)
        row.setLayout(inner)

        def show() -> None:
            row.setVisible(isinstance(self.model.parameters.range, Interval))

        self.model.changed.connect(show)
        show()
        return row

    def _options(self) -> QtWidgets.QWidget:
        page = QtWidgets.QWidget()
        grid = QtWidgets.QGridLayout(page)
        grid.setContentsMargins(0, 4, 0, 0)
        grid.setVerticalSpacing(3)
        for row, names in enumerate((("selection",), ("fixed",), ("name",), ("state", "device"), ("rep", "truth"))):
            for place, name in enumerate(names):
                grid.addWidget(self._caption(name), row, 2 * place)
                grid.addWidget(self.controls[name], row, 2 * place + 1, 1, 3 if len(names) == 1 else 1)
        for column in (1, 3):
            grid.setColumnStretch(column, 1)
        grid.setRowStretch(5, 1)
        return page

    def _caption(self, name: str) -> QtWidgets.QLabel:
        label = QtWidgets.QLabel(_CAPTIONS.get(name, name))
        label.setBuddy(self.controls[name])
        label.setToolTip(self.controls[name].toolTip())
        return label


class _Middle(QtWidgets.QScrollArea):
    """Scrolls what it holds up and down where there is no room, and is always as wide as that needs."""

    def __init__(self, inner: QtWidgets.QWidget) -> None:
        super().__init__()
        self._inner = inner
        self.setWidgetResizable(True)
        self.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(inner)

    def minimumSizeHint(self) -> QtCore.QSize:
        """All of the width, and the scroll bar."""
        bar = self.style().pixelMetric(QtWidgets.QStyle.PixelMetric.PM_ScrollBarExtent)
        return QtCore.QSize(self._inner.minimumSizeHint().width() + bar, super().minimumSizeHint().height())

    def eventFilter(self, watched: QtCore.QObject, event: QtCore.QEvent) -> bool:
        """Grow with what is held, whose events a scroll area is told of."""
        if event.type() == QtCore.QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)


class _Column(QtWidgets.QVBoxLayout):
    """Gives way down to the least heights of what it holds, though text in there would like more lines.

    A scroll area asks a layout that trades height for width for what it likes, not for what it needs.
    """

    def hasHeightForWidth(self) -> bool:
        """Tell nothing of the text."""
        return False


def _picker(name: str, tip: str) -> QtWidgets.QComboBox:
    box = WordBox()
    box.setToolTip(tip)
    box.setAccessibleName(name)
    box.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(6)
    return box


def _column(parent: QtWidgets.QWidget) -> QtWidgets.QVBoxLayout:
    layout = QtWidgets.QVBoxLayout(parent)
    layout.setSpacing(3)
    return layout


def _row(*widgets: QtWidgets.QWidget, stretch: Sequence[QtWidgets.QWidget]) -> QtWidgets.QHBoxLayout:
    row = QtWidgets.QHBoxLayout()
    row.setSpacing(3)
    for widget in widgets:
        row.addWidget(widget, int(widget in stretch))
    return row
