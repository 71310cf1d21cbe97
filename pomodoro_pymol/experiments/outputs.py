"""The files that commands and command line write of a result: its table and figure; for frames see `frame_files`."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import PomodoroError
from ..io.disk import atomic_write, check_target, user_path
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy
from ..structure.input_notes import input_notes

FIGURE_SUFFIXES = (".png", ".svg", ".pdf")
#: Where ``A.csv`` is ``a.csv``, and a letter with its accent the two characters that make it up.
_FOLDS = sys.platform in ("win32", "darwin")


def print_notes(structure: Structure, hierarchy: Hierarchy, more: Iterable[str] = ()) -> None:
    """Print what is to be told of a structure, if anything, and more."""
    for note in [*input_notes(structure, hierarchy), *more]:
        print(f" note: {note}")


def check_paths(table: str, figure: str) -> None:
    """Refuse files that could not be written, and a figure of a kind that is not drawn, before any work is done.

    Raises
    ------
    PomodoroError
    """
    if figure and Path(figure).suffix.lower() not in FIGURE_SUFFIXES:
        raise PomodoroError(f"figure must end in {', '.join(FIGURE_SUFFIXES)}, not {figure!r}")
    for path in (table, figure):
        if path:
            check_target(user_path(path))


def check_apart(written: Iterable[str], read: Iterable[str] = ()) -> None:
    """Refuse files to write that are one and the same, or that are read, before any work is done.

    Parameters
    ----------
    written, read : iterable of str
        Paths; empty ones do not count.

    Raises
    ------
    PomodoroError
    """
    known = {os.path.realpath(user_path(path)): "it is what is read, and would be lost" for path in read if path}
    for path in filter(None, written):
        place = os.path.realpath(user_path(path))
        same = [other for other in known if _folded(other) == _folded(place) or _is_same(other, place)]
        if same:
            raise PomodoroError(f"cannot write {path}: {known[same[0]]}")
        known[place] = "another output goes there"


def _folded(path: str) -> str:
    """Return a path as files tell paths apart here, also those that are not there yet."""
    return unicodedata.normalize("NFC", path).lower() if _FOLDS else path


def _is_same(one: str, other: str) -> bool:
    """Tell one file by two names, as of a hard link."""
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def check_figures(path: str) -> None:
    """Let a figure that is wanted be refused before any work where matplotlib is not installed.

    Raises
    ------
    ImportError
    """
    if path:
        import_module("matplotlib.figure")


def write(result: Any, csv: str = "", figure: str = "") -> None:
    """Write the numbers and the picture of a result into the files that are named, each whole or not at all.

    Parameters
    ----------
    result : NoiseTable, Sweep, SignalResult, TrainResult, ...
        What an experiment found: ``csv()`` returns its numbers as text, ``figure()`` its picture.
    csv, figure : str
        Paths; nothing is made for an empty one.
    """
    if csv:
        write_text(csv, result.csv())
    if figure:
        write_figure(figure, result.figure())


def write_text(path: str, text: str) -> None:
    """Write text whole or not at all; nothing where the path is empty."""
    if path:
        with atomic_write(user_path(path), "w", newline="", encoding="utf-8") as file:
            file.write(text)


def write_figure(path: str, figure: Any) -> None:
    """Draw a figure into a file, whole or not at all."""
    with atomic_write(user_path(path)) as file:
        figure.savefig(file, format=Path(path).suffix.lower()[1:], dpi=150)
