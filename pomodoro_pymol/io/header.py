"""What an exported file says of its making and of its models: text that is read back as it was.

A line is cut into pieces that fit the file; the first bears the mark ``>``, or ``=`` where
it is the title of a model, each further one ``+``. Backslashes and what is not printable
ASCII are escaped as in Python.

In a PDB file the pieces are REMARK 99 records: the format leaves the numbers 6 to 99 to
free text (wwPDB, PDB format 3.3, section REMARK); a title reads ``MODEL 1: text``. In
mmCIF the lines are the text of the item ``_pomodoro.header``, the titles the loop
``_pomodoro_model.id``, ``_pomodoro_model.title``.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..errors import PomodoroError
from .packed import open_text

_REMARK = "REMARK  99 "
_ITEM = "_pomodoro.header"
_TITLES = "_pomodoro_model"
_LINE, _TITLE, _MORE = ">=+"
_WIDTH = 80 - len(_REMARK)
_SIZE = _WIDTH - 2


def pdb_header(header: Iterable[str]) -> str:
    """Return lines of text as REMARK 99 records of 80 columns, "" for none."""
    return "".join(f"{_REMARK}{piece:{_WIDTH}}\n" for piece in _pieces(header))


def cif_header(header: Iterable[str]) -> str:
    """Return lines of text as the item ``_pomodoro.header`` of mmCIF, "" for none."""
    pieces = [piece.rstrip() for piece in _pieces(header)]
    return "\n".join([_ITEM, ";", *pieces, ";", "#", ""]) if pieces else ""


def pdb_titles(titles: Sequence[str], first: int) -> str:
    """Return the titles of models, which are numbered from ``first``, as REMARK 99 records, "" for none."""
    lines = (f"MODEL {number}: {title}" for number, title in enumerate(titles, first))
    return "".join(f"{_REMARK}{piece:{_WIDTH}}\n" for piece in _pieces(lines, _TITLE))


def cif_titles(titles: Sequence[str], first: int) -> str:
    """Return the titles of models, which are numbered from ``first``, as a loop of mmCIF, "" for none."""
    rows = [f"{number} {_in_quotes(_escape(title))}" for number, title in enumerate(titles, first)]
    return "\n".join(["loop_", f"{_TITLES}.id", f"{_TITLES}.title", *rows, "#", ""]) if rows else ""


def read_header(path: str | Path) -> list[str]:
    """Return the header lines of a PDB or mmCIF file that we wrote, without trailing blanks.

    Raises
    ------
    PomodoroError
        If the file cannot be read, or its header was damaged.
    """
    with _opened(path) as file:
        return list(_join(_find(file), _LINE))


def read_titles(path: str | Path) -> list[str]:
    """Return the titles of the models of a PDB or mmCIF file that we wrote, in their order; none where it has none.

    Raises
    ------
    PomodoroError
        If the file cannot be read, or a title was damaged.
    """
    with _opened(path) as file:
        return list(_titles(file))


@contextmanager
def _opened(path: str | Path) -> Iterator[IO[str]]:
    """Open a file to read its text; what goes wrong with it becomes a `PomodoroError`."""
    try:
        with open_text(path) as file:
            yield file
    except UnicodeDecodeError:
        raise PomodoroError(f"the header of {path} was damaged: an escape in it cannot be read") from None
    except (OSError, EOFError, zlib.error) as error:
        raise PomodoroError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None


def _pieces(lines: Iterable[str], mark: str = _LINE) -> Iterator[str]:
    """Cut lines of text into marked pieces that fit a record."""
    for line in [lines] if isinstance(lines, str) else lines:
        text = _escape(line)
        for start in range(0, max(1, len(text)), _SIZE):
            yield f"{_MORE if start else mark} {text[start : start + _SIZE]}"


def _escape(text: str) -> str:
    """Return text as printable ASCII without trailing blanks, escaped as in Python."""
    return text.rstrip().encode("unicode_escape").decode("ascii")


def _in_quotes(text: str) -> str:
    """Return escaped text in quotes, on one line: where it has both, the double ones are escaped too."""
    if "'" not in text:
        return f"'{text}'"
    return '"' + text.replace('"', r"\x22") + '"'


def _titles(file: Iterable[str]) -> Iterator[str]:
    """Yield the titles in a file, of either format."""
    lines = iter(file)
    pieces = []
    for line in lines:
        if line.startswith(f"{_TITLES}.title"):
            for row in lines:
                found = re.fullmatch(r"\d+ (['\"])(.*)\1\s*", row)
                if not found:
                    return
                yield _unescape([found[2]])
        if line.startswith(("MODEL", "ATOM", "HETATM", "_atom_site.")):
            break
        if line.startswith(_REMARK):
            pieces.append(line[len(_REMARK) :])
    for line in _join(pieces, _TITLE):
        yield re.sub(r"MODEL \d+: ?", "", line, count=1)


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


def _join(pieces: Iterable[str], wanted: str) -> Iterator[str]:
    """Put pieces together to the lines whose mark is wanted; what bears no mark is not ours."""
    line: list[str] = []
    for piece in pieces:
        mark, text = piece[:1], piece[2:].rstrip()
        if mark in (_LINE, _TITLE):
            if line:
                yield _unescape(line)
            line = [text] if mark == wanted else []
        elif mark == _MORE and line:
            line.append(text)
    if line:
        yield _unescape(line)


def _unescape(line: list[str]) -> str:
    """Return the text of which these are the pieces."""
    # All pieces but the last were full; blanks at their ends may have been stripped.
    text = "".join(f"{piece:{_SIZE}}" for piece in line).rstrip()
    return text.encode("ascii", "backslashreplace").decode("unicode_escape")
