"""Typed text: where a command line splits, and how free text survives it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import PomodoroError

# Selection words that PyMOL compares with "=", so not misspelt parameters; those of a command's own are its parameters.
_SELECTION_PROPERTIES = {"b", "q", "x", "y", "partial_charge", "pc", "formal_charge", "fc"}
#: What may follow a value in a line, and closes whatever the value leaves open.
_NEXT = ",'\")]}"
_KEY = re.compile(r"(?:^|(?<=\s))([A-Za-z_]\w*)\s*=(?!=)\s*")


def split_values(names: list[str], args: Iterable[Any] = (), given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Name the positional values of a command and split what PyMOL left together.

    PyMOL splits at commas only, so a value that is text may carry further ``key=value``
    pairs after white space: ``z='0 wc=3'``.

    Raises
    ------
    PomodoroError
        If there are more values than names, or a name is given twice.
    """
    values: dict[str, Any] = {}

    def put(name: str, value: Any) -> None:
        if name in values:
            raise PomodoroError(f"{name} is given twice")
        values[name] = value

    positions = iter(names)
    for value in args:
        head, pairs = _split(value, names)
        if not pairs or head != "":
            name = next(positions, None)
            if name is None:
                raise PomodoroError(f"at most {len(names)} values can be given by position")
            put(name, head)
        for pair in pairs:
            put(*pair)
    for name, value in (given or {}).items():
        head, pairs = _split(value, names)
        if not pairs or head != "":
            put(name, head)
        for pair in pairs:
            put(*pair)
    return values


def split_commas(text: str) -> list[str]:
    """Split at the commas that stand outside brackets and quotes."""
    masked = _mask(text)
    cuts = [-1, *(i for i, letter in enumerate(masked) if letter == ","), len(text)]
    return [text[start + 1 : end].strip() for start, end in zip(cuts, cuts[1:])]


def _split(value: Any, names: Iterable[str]) -> tuple[Any, list[tuple[str, str]]]:
    """Split ``'chain A z=0 wc=3'`` into ``'chain A'`` and its ``key=value`` pairs."""
    if not isinstance(value, str):
        return value, []
    keys = [match for match in _KEY.finditer(_mask(value)) if match[1] not in _SELECTION_PROPERTIES.difference(names)]
    ends = [match.start() for match in keys[1:]] + [len(value)]
    pairs = [(match[1], value[match.end() : end].strip()) for match, end in zip(keys, ends)]
    return (value[: keys[0].start()] if keys else value).strip(), pairs


def _mask(text: str) -> str:
    """Blank out what stands in quotes or brackets, where commas and ``=`` separate nothing.

    A quote opens only at the start of a word: the prime of ``name C1'`` is a letter.
    """
    masked: list[str] = []
    closing: list[str] = []
    for place, letter in enumerate(text):
        inside = bool(closing)
        quoted = inside and closing[-1] in "\"'"
        if inside and letter == closing[-1]:
            closing.pop()
        elif letter in "([{" and not quoted:
            closing.append({"(": ")", "[": "]", "{": "}"}[letter])
        elif letter in "\"'" and not inside and _starts_word(text, place) and letter in text[place + 1 :]:
            closing.append(letter)
        masked.append("\0" if inside else letter)
    return "".join(masked)


def _splits(text: str, names: Iterable[str] = ()) -> bool:
    """Tell whether a line would split within a value."""
    masked = _mask(text)
    return "," in masked or any(
        match[1] not in _SELECTION_PROPERTIES.difference(names) for match in _KEY.finditer(masked)
    )


def _starts_word(text: str, place: int) -> bool:
    return place == 0 or text[place - 1] in "(,=+" or text[place - 1].isspace()


def protect(text: str) -> str:
    """Bracket a selection that would not survive the split at commas and keys, where brackets help."""
    return f"({text})" if _splits(text) and not _splits(f"({text})") else text


def quoted(text: str, names: Iterable[str] = ()) -> str:
    """Quote text that would not be read from a line as it is: split, or left with a bracket or quote open.

    ``names`` are those of the command's parameters.

    Raises
    ------
    PomodoroError
        If it has both kinds of quotes, so that neither can stand around it.
    """
    plain = text == text.strip() and not _splits(text, names) and _mask(text + _NEXT)[len(text)] == ","
    if plain and unquote(text) == text and not text.startswith("="):
        return text
    quote = next((quote for quote in "\"'" if quote not in text), "")
    if not quote:
        raise PomodoroError(f"{text!r} needs quotes and has both kinds: leave one out")
    return f"{quote}{text}{quote}"


def unquote(text: str) -> str:
    quote = text[:1]
    whole = len(text) > 1 and quote in "\"'" and text.endswith(quote) and quote not in text[1:-1]
    return text[1:-1] if whole else text


def is_one_command(line: str) -> bool:
    """Tell whether PyMOL would take a line for one command: it ends them at a semicolon and at a line break.

    What follows there may be Python, and text may come from a file.
    """
    return ";" not in line and len(line.splitlines()) < 2
