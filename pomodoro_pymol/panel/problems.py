"""What went wrong, in one line for a person."""

from __future__ import annotations

from ..errors import PomodoroError
from ..health import missing_text


def problem_text(error: BaseException) -> str:
    """Return one line for any error: our own words where it is ours, else its kind and first line."""
    if isinstance(error, ModuleNotFoundError):
        return missing_text(error)
    text = str(error).strip().removeprefix("Error:").strip().splitlines()
    if isinstance(error, PomodoroError):
        return text[0]
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
