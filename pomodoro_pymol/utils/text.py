"""Numbers with their words, and tables of text."""

from __future__ import annotations

import math


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


def aligned(rows: list[list[str]], words: int = 1) -> list[str]:
    """Return rows of cells as lines with columns in line, the first ``words`` to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]

    def placed(row: list[str]) -> list[str]:
        return [cell.ljust(w) if column < words else cell.rjust(w) for column, (cell, w) in enumerate(zip(row, widths))]

    return [" " + "  ".join(placed(row)) for row in rows]
