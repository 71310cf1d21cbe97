"""Buttons and labels with words: some wrap, some scroll, some are elided."""

from __future__ import annotations

import html

from qtpy import QtCore, QtGui, QtWidgets

from .icons import IconButton

#: Tooltip and word of the button that starts a run.
RUN = ("Run the command below.", "Run")


def word_button(name: str, tooltip: str, text: str) -> IconButton:
    """A framed button with its icon and its word."""
    button = IconButton(name, tooltip, text)
    button.setAutoRaise(False)
    button.setToolButtonStyle(QtCore.Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setMinimumWidth(9 * button.fontMetrics().averageCharWidth() + button.iconSize().width())
    button.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)
    return button


class _TextLabel(QtWidgets.QLabel):
    """Wraps; a word that is longer than a line is cut, where it would make the panel as wide as itself."""

    def minimumSizeHint(self) -> QtCore.QSize:
        """Room for a few letters."""
        return QtCore.QSize(4 * self.fontMetrics().averageCharWidth(), super().minimumSizeHint().height())


def text_label(name: str) -> QtWidgets.QLabel:
    """A label whose text can be selected and takes the lines it needs."""
    label = _TextLabel()
    label.setObjectName(name)
    label.setTextFormat(QtCore.Qt.TextFormat.PlainText)  # labels from a file may look like HTML
    label.setWordWrap(True)
    label.setTextInteractionFlags(QtCore.Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


class ElidedLabel(QtWidgets.QLabel):
    """One line of text, cut with an ellipsis where there is no room for it."""

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self.setTextFormat(QtCore.Qt.TextFormat.PlainText)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)

    def show_text(self, text: str) -> None:
        """Show a text, which is its own tooltip."""
        self.setText(text)
        self.setToolTip(plain_tip(text))

    def minimumSizeHint(self) -> QtCore.QSize:
        """Room for a few letters."""
        return QtCore.QSize(4 * self.fontMetrics().averageCharWidth(), super().minimumSizeHint().height())

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Draw as much of the text as fits."""
        text = self.fontMetrics().elidedText(self.text(), QtCore.Qt.TextElideMode.ElideRight, self.width())
        QtGui.QPainter(self).drawText(self.rect(), QtCore.Qt.AlignmentFlag.AlignVCenter, text)


class Words(QtWidgets.QScrollArea):
    """Text as of `text_label` that takes the lines it needs, up to ten, and is scrolled where it has more."""

    _MOST = 10

    def __init__(self, name: str) -> None:
        super().__init__()
        self.label = text_label(name)
        self.label.setAlignment(QtCore.Qt.AlignmentFlag.AlignTop)
        self.setWidget(self.label)
        self.setWidgetResizable(True)
        self.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.ClickFocus)

    def text(self) -> str:
        """Return the text."""
        return self.label.text()

    def setText(self, text: str) -> None:
        """Show a text, from its beginning."""
        self.label.setText(text)
        self.verticalScrollBar().setValue(0)
        self._fit()

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:
        """Wrap anew."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        most = self._MOST * self.fontMetrics().lineSpacing()
        self.setFixedHeight(min(self.label.heightForWidth(self.width()), most))


def plain_tip(text: str) -> str:
    """Return a text such that a tooltip shows it as it is: Qt takes what looks like HTML for it."""
    if "<" not in text and "&" not in text:
        return text
    return f"<span>{html.escape(text)}</span>".replace("\n", "<br>")
