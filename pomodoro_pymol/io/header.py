"""What an exported file says of its making: lines of text that are read back as they were.

A line is cut into pieces that fit the file; the first bears the mark ``>``, each further
one ``+``. Backslashes and what is not printable ASCII are escaped as in Python.

In a PDB file the pieces are REMARK 99 records: the format leaves the numbers 6 to 99 to
free text (wwPDB, PDB format 3.3, section REMARK). In mmCIF they are the text of the item
``_pomodoro.header``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from ..errors import PomodoroError

_REMARK = "REMARK  99 "
_ITEM = "_pomodoro.header"
_WIDTH = 80 - len(_REMARK)
_SIZE = _WIDTH - 2


def pdb_header(header: Iterable[str]) -> str:
    """Return lines of text as REMARK 99 records of 80 columns, "" for none."""
    return "".join(f"{_REMARK}{piece:{_WIDTH}}\n" for piece in _pieces(header))


def cif_header(header: Iterable[str]) -> str:
    """Return lines of text as the item ``_pomodoro.header`` of mmCIF, "" for none."""
    pieces = [piece.rstrip() for piece in _pieces(header)]
    return "\n".join([_ITEM, ";", *pieces, ";", "#", ""]) if pieces else ""


def read_header(path: str | Path) -> list[str]:
    """Return the header lines of a PDB or mmCIF file that we wrote, without trailing blanks.

    Raises
    ------
    PomodoroError
        If the file cannot be read, or its header was damaged.
    """
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return list(_join(_find(file)))
    except OSError as error:
        raise PomodoroError(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise PomodoroError(f"the header of {path} was damaged: an escape in it cannot be read") from None


def _pieces(header: Iterable[str]) -> Iterator[str]:
    for line in [header] if isinstance(header, str) else header:
        text = line.rstrip().encode("unicode_escape").decode("ascii")
        for start in range(0, max(1, len(text)), _SIZE):
            yield f"{'+' if start else '>'} {text[start : start + _SIZE]}"


def _find(file: Iterable[str]) -> Iterator[str]:
    """Yield the pieces in a file, up to where its atoms begin."""
    in_item = False
    for line in file:
        if line.startswith(("MODEL", "ATOM", "HETATM", "loop_")):
            return
        in_item = in_item or line.startswith(_ITEM)
        if line.startswith(_REMARK):
            yield line[len(_REMARK) :]
        elif in_item:
            yield line


def _join(pieces: Iterable[str]) -> Iterator[str]:
    """Put pieces together to lines; what bears no mark is not ours."""
    line: list[str] = []
    for piece in pieces:
        mark, text = piece[:1], piece[2:].rstrip()
        if mark == ">" and line:
            yield _unescape(line)
        if mark == ">":
            line = [text]
        elif mark == "+" and line:
            line.append(text)
    if line:
        yield _unescape(line)


def _unescape(line: list[str]) -> str:
    # All pieces but the last were full; blanks at their ends may have been stripped.
    text = "".join(f"{piece:{_SIZE}}" for piece in line).rstrip()
    return text.encode("ascii", "backslashreplace").decode("unicode_escape")
