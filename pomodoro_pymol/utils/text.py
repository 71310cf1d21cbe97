"""Numbers with their words, and tables of text and of CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable

from ..errors import PomodoroError


def counted(count: int, word: str) -> str:
    """Return ``1 chain``, ``2 chains``."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def time_text(seconds: float) -> str:
    """Return a time as ``0:07``, ``12:30`` or ``2:05:00``; nan, which nobody knows, as ``?``."""
    if math.isnan(seconds):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def formatted(value: float, form: str, missing: str = "n/a") -> str:
    """Return a number in a form such as ``.3f``; where it is not finite, what stands for a missing one."""
    return f"{value:{form}}" if math.isfinite(value) else missing


def levels_of(text: str, wrong: str) -> tuple[float, float, float]:
    """Read ``chain:residue:atom``, three numbers.

    Raises
    ------
    PomodoroError
        With ``wrong`` as its line, if the text is anything else.
    """
    try:
        chain, residue, atom = map(float, text.split(":"))
    except ValueError:
        raise PomodoroError(wrong) from None
    return chain, residue, atom


def csv_text(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a table as CSV, whose lines end in a line feed alone."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return file.getvalue()


def aligned(rows: list[list[str]], words: int = 1, gap: int = 2) -> list[str]:
    """Return rows of cells as lines with columns in line, the first ``words`` to the left, the others to the right.

    Between two columns are ``gap`` spaces.
    """
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]

    def placed(row: list[str]) -> list[str]:
        """Return cells padded to the widths of their columns."""
        return [cell.ljust(w) if column < words else cell.rjust(w) for column, (cell, w) in enumerate(zip(row, widths))]

    return [" " + (" " * gap).join(placed(row)) for row in rows]
