"""What each scheme moves, and what it teaches: two bars per scheme, names before them."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy import QtWidgets

from .share_bar import ShareBar

_HEADINGS = {
    "motion": "Parts of the noise's variance that chains, residues and atoms have of their own, as expected.",
    "loss": "Parts of the loss at the start of training that lie with chains, residues and atoms.",
}
Shares = tuple[float, float, float]


class LossBars(QtWidgets.QScrollArea):
    """Shares of motion and loss, chain, residue, atom, of each scheme; scrolls where there are many.

    Attributes
    ----------
    bars, motions : dict of str to ShareBar
        By the name of the scheme: those of the loss, and those of the motion.
    """

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self.setAccessibleName("Shares of motion and loss")
        self.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.bars: dict[str, ShareBar] = {}
        self.motions: dict[str, ShareBar] = {}
        self.names: dict[str, QtWidgets.QLabel] = {}

    def show_shares(self, shares: Mapping[str, Shares], motions: Mapping[str, Shares], bold: str = "") -> None:
        """Show the shares of schemes by name, and no others.

        Parameters
        ----------
        shares, motions : mapping of str to (float, float, float)
            Of the loss and of the motion: of chain, residue and atom level, parts of 1; nan empties a bar.
        bold : str
            The scheme whose name stands out.
        """
        if list(shares) != list(self.bars):
            self._place(list(shares))
        for name, bar in self.bars.items():
            bar.show_shares(*shares[name])
            self.motions[name].show_shares(*motions[name])
            font = self.names[name].font()
            font.setBold(name == bold)
            self.names[name].setFont(font)

    def clear(self) -> None:
        """Show no schemes."""
        self.show_shares({}, {})

    def _place(self, names: list[str]) -> None:
        inner = QtWidgets.QWidget()
        grid = QtWidgets.QGridLayout(inner)
        grid.setContentsMargins(0, 0, 4, 0)
        grid.setVerticalSpacing(1)
        grid.setRowStretch(len(names) + 1, 1)
        self.names = {name: QtWidgets.QLabel(name) for name in names}
        self.motions = {name: ShareBar(whole="motion") for name in names}
        self.bars = {name: ShareBar(whole="loss") for name in names}
        for column, (heading, tip) in enumerate(_HEADINGS.items() if names else (), 1):
            label = QtWidgets.QLabel(heading)
            label.setToolTip(tip)
            grid.addWidget(label, 0, column)
            grid.setColumnStretch(column, 1)
        for row, name in enumerate(names, 1):
            grid.addWidget(self.names[name], row, 0)
            for column, (heading, bars) in enumerate(zip(_HEADINGS, (self.motions, self.bars)), 1):
                bars[name].setAccessibleName(f"{heading.capitalize()} shares of {name}")
                bars[name].setFixedHeight(self.fontMetrics().height() + 2)  # five of them are seen at once
                grid.addWidget(bars[name], row, column)
        self.setWidget(inner)  # which deletes the former
