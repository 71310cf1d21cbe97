"""Numbers with their words."""

from __future__ import annotations


def counted(count: int, word: str) -> str:
    """Return ``1 chain``, ``2 chains``."""
    return f"{count} {word}{'' if count == 1 else 's'}"
