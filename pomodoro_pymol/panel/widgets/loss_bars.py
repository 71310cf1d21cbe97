"""Where the loss of each scheme lies: a bar per scheme, names before them."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy import QtWidgets

from .share_bar import ShareBar


class LossBars(QtWidgets.QScrollArea):
    """Shares of the loss, chain, residue, atom, one bar per scheme; scrolls where there are many."""

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self.setAccessibleName("Shares of the loss")
        self.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.bars: dict[str, ShareBar] = {}
        self.names: dict[str, QtWidgets.QLabel] = {}

    def show_shares(self, shares: Mapping[str, tuple[float, float, float]], bold: str = "") -> None:
        """Show the shares of schemes by name, and no others.

        Parameters
        ----------
        shares : mapping of str to (float, float, float)
            Of chain, residue and atom level, parts of 1; nan empties a bar.
        bold : str
            The scheme whose name stands out.
        """
        if list(shares) != list(self.bars):
            self._place(list(shares))
        for name, bar in self.bars.items():
            bar.show_shares(*shares[name])
            font = self.names[name].font()
            font.setBold(name == bold)
            self.names[name].setFont(font)

    def clear(self) -> None:
        """Show no schemes."""
        self.show_shares({})

    def _place(self, names: list[str]) -> None:
        inner = QtWidgets.QWidget()
        grid = QtWidgets.QGridLayout(inner)
        grid.setContentsMargins(0, 0, 4, 0)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(1, 1)
        grid.setRowStretch(len(names), 1)
        self.bars = {name: ShareBar(whole="loss") for name in names}
        self.names = {name: QtWidgets.QLabel(name) for name in names}
        for row, name in enumerate(names):
            self.bars[name].setAccessibleName(f"Loss shares of {name}")
            grid.addWidget(self.names[name], row, 0)
            grid.addWidget(self.bars[name], row, 1)
        self.setWidget(inner)  # which deletes the former
