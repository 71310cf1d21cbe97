"""Groups of atoms as they are typed: a label, or a selection for each."""

from __future__ import annotations

from ..errors import PomodoroError

#: Labels by which atoms can be grouped; the last is known in a viewer alone.
PROPERTIES = ("segi", "chain", "resi", "resn", "custom")
_FORM = f"one of {', '.join(PROPERTIES)}, or a selection in parentheses for each, as in (chain A or chain B)(resn HEM)"


def given_selections(name: str, words: str) -> list[str]:
    """Return the selections that ``words`` are, one for each group; none where they are a label.

    Raises
    ------
    PomodoroError
        If they are neither.
    """
    if words in PROPERTIES:
        return []
    found, depth, start = [], 0, 0
    for place, letter in enumerate(words):
        if letter == "(":
            start = start if depth else place + 1
            depth += 1
        elif letter == ")":
            depth -= 1
            if not depth:
                found.append(words[start:place].strip())
        elif not depth and letter != " ":
            depth = -1
        if depth < 0:
            break
    if depth or not found or not all(found):
        raise PomodoroError(f"{name} must be {_FORM}, not {words!r}")
    return found
