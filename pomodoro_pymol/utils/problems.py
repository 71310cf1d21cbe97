"""What went wrong, in one line for a person."""

from __future__ import annotations

from ..errors import PomodoroError, first_line
from ..health import missing_text

#: How PyTorch, Python and C++ say that memory or address space does not suffice, where the error's type does not.
_SHORT = ("not enough memory", "can't allocate memory", "Cannot allocate memory", "bad_alloc", "can't start new thread")


def known_text(error: BaseException) -> str:
    """Return the line for an error that is no fault of the code, but of input or of the machine; "" for others."""
    if isinstance(error, PomodoroError):
        return first_line(error)
    if isinstance(error, ModuleNotFoundError):
        return missing_text(error)
    if isinstance(error, ImportError):
        return f"a package cannot be imported: {first_line(error)}"
    if isinstance(error, RuntimeError) and "out of memory" in str(error):
        return "the GPU's memory does not suffice: use device=cpu, or ask for fewer atoms"
    if isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(words in str(error) for words in _SHORT)
    ):
        return "memory does not suffice: ask for fewer frames or atoms, or close other programs"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return ""


def problem_text(error: BaseException) -> str:
    """Return one line for any error: as `known_text`, else its kind and first line."""
    text = str(error).strip().removeprefix("Error:").strip().splitlines()
    return known_text(error) or (f"{type(error).__name__}: {text[0]}" if text else type(error).__name__)
