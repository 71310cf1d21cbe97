"""Our line icons, in the colours of a palette and sharp at every pixel ratio."""

from __future__ import annotations

from pathlib import Path

from qtpy import QtCore, QtGui, QtWidgets

_PACKAGE = Path(__file__).parents[2]
#: Beside the modules once installed, at the top of a source checkout.
_FOLDERS = (_PACKAGE / "icons", _PACKAGE.parent / "icons")
#: Pixels: icons of 16, 20, 24 at one, one and a half, two and three device pixels each.
_SIZES = (16, 20, 24, 30, 32, 36, 40, 48, 60, 64, 72)


def icon(name: str, palette: QtGui.QPalette | None = None) -> QtGui.QIcon:
    """Return one of the icons, a paler one for disabled buttons included.

    Parameters
    ----------
    name : str
        A file of ``icons/`` without its ending.
    palette : QPalette, optional
        Whose button text and button colours to use; the application's by default.

    Returns
    -------
    QIcon
        Empty where this Qt has no SVG module.
    """
    palette = palette or QtWidgets.QApplication.palette()
    strong = palette.color(QtGui.QPalette.ColorGroup.Active, QtGui.QPalette.ColorRole.ButtonText)
    ground = palette.color(QtGui.QPalette.ColorGroup.Active, QtGui.QPalette.ColorRole.Button)
    made = QtGui.QIcon()
    for mode, color in (
        (QtGui.QIcon.Mode.Normal, strong),
        (QtGui.QIcon.Mode.Disabled, blend(strong, ground, 0.35)),
    ):
        for pixmap in _pixmaps(name, color):
            made.addPixmap(pixmap, mode)
    return made


def blend(over: QtGui.QColor, under: QtGui.QColor, share: float) -> QtGui.QColor:
    """Mix two colours, ``share`` (0 to 1) of the first."""
    mixed = [
        round(share * a + (1 - share) * b)
        for a, b in ((over.red(), under.red()), (over.green(), under.green()), (over.blue(), under.blue()))
    ]
    return QtGui.QColor(*mixed)


def _pixmaps(name: str, color: QtGui.QColor) -> list[QtGui.QPixmap]:
    try:
        from qtpy.QtSvg import QSvgRenderer
    except ImportError:
        return []
    folder = next(folder for folder in _FOLDERS if folder.is_dir())
    drawing = (folder / f"{name}.svg").read_bytes().replace(b"currentColor", color.name().encode())
    renderer = QSvgRenderer(QtCore.QByteArray(drawing))
    pixmaps = []
    for size in _SIZES:
        pixmap = QtGui.QPixmap(size, size)
        pixmap.fill(QtCore.Qt.GlobalColor.transparent)
        painter = QtGui.QPainter(pixmap)
        renderer.render(painter)
        painter.end()
        pixmaps.append(pixmap)
    return pixmaps


class IconButton(QtWidgets.QToolButton):
    """A flat tool button whose icon follows the palette; it carries its text where no icon can be made."""

    def __init__(self, name: str, tooltip: str, text: str, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self.setAutoRaise(True)
        self.show_icon(name, tooltip, text)
        if self.icon().isNull():
            self.setToolButtonStyle(QtCore.Qt.ToolButtonStyle.ToolButtonTextOnly)

    def show_icon(self, name: str, tooltip: str, text: str) -> None:
        """Show another icon, as when Run becomes Stop."""
        self._name = name
        self.setIcon(icon(name, self.palette()))
        self.setText(text)
        self.setToolTip(tooltip)
        self.setAccessibleName(text)

    def changeEvent(self, event: QtCore.QEvent) -> None:
        """Redraw the icon in the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QtCore.QEvent.Type.PaletteChange:
            self.setIcon(icon(self._name, self.palette()))
