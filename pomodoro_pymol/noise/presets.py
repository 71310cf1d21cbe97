"""Weight schemes by name: the built-in ones, and the user's own in a small JSON file."""

from __future__ import annotations

import json
import re
from dataclasses import astuple
from pathlib import Path

from ..errors import PomodoroError
from ..io.disk import atomic_write, read_regular
from ..utils.text import levels_of
from .weights import PRESETS, LevelWeights, Scheme

#: More than any file of ours holds.
MOST_BYTES = 1 << 20
_NAME = re.compile(r"[A-Za-z][\w.-]{0,31}")


def presets_path() -> Path:
    """Return the file of the user's presets."""
    return Path.home() / ".pymol" / "pomodoro_presets.json"


def all_presets() -> dict[str, LevelWeights]:
    """Return built-in and user presets; a damaged file counts as none."""
    try:
        return {**user_presets(), **PRESETS}
    except PomodoroError:
        return dict(PRESETS)


def preset_weights(name: str) -> LevelWeights:
    """Return the weights of a preset; the user's file is read for one that is not built in alone.

    Raises
    ------
    PomodoroError
        If there is none of that name.
    """
    found = PRESETS.get(name) or all_presets().get(name)
    if found is None:
        raise PomodoroError(f"there is no preset {name!r}: choose one of {', '.join(all_presets())}")
    return found


def user_presets() -> dict[str, LevelWeights]:
    """Return the user's presets.

    Raises
    ------
    PomodoroError
        If the file holds anything else.
    """
    path = presets_path()
    try:
        found = json.loads(read_regular(path, MOST_BYTES).decode())
        return {_checked(name): LevelWeights(*_numbers(weights)) for name, weights in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        raise PomodoroError(f"{path} does not hold presets: mend or delete it") from None


def save_preset(name: str, weights: LevelWeights) -> None:
    """Add a preset, or replace the user's own of that name.

    Raises
    ------
    PomodoroError
        If the name is built in or not a word, or the file cannot be read or written.
    """
    if name in PRESETS:
        raise PomodoroError(f"{name} is built in: choose another name")
    _write({**user_presets(), _checked(name): weights})


def delete_preset(name: str) -> None:
    """Remove one of the user's presets.

    Raises
    ------
    PomodoroError
        If there is none of that name, or the file cannot be written.
    """
    presets = user_presets()
    if name not in presets:
        raise PomodoroError(f"{name} is not one of your presets: {', '.join(presets) or 'there are none'}")
    del presets[name]
    _write(presets)


def parse_schemes(text: str) -> list[Scheme]:
    """Read schemes joined by ``+``: presets by name, others as ``chain:residue:atom``.

    ``flat+ms+1:1:15`` are three schemes.

    Raises
    ------
    PomodoroError
        If a word is neither a preset nor three numbers.
    """
    presets = all_presets()
    schemes = []
    for word in dict.fromkeys(text.replace("+", " ").split()):
        if word in presets:
            schemes.append(Scheme(word, presets[word]))
            continue
        wrong = f"{word!r} is no weight scheme: give {', '.join(presets)}, or chain:residue:atom as in 1:1:15"
        schemes.append(Scheme(word, LevelWeights(*levels_of(word, wrong))))
    if not schemes:
        raise PomodoroError("give at least one weight scheme, as in flat+ms+rb")
    return schemes


def _numbers(weights: object) -> list[float]:
    if not (isinstance(weights, list) and len(weights) == 3 and all(type(one) in (int, float) for one in weights)):
        raise TypeError
    return [float(weight) for weight in weights]


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise PomodoroError(f"{name!r} is no preset name: a letter, then letters, digits, '.', '_' or '-'")
    return name


def _write(presets: dict[str, LevelWeights]) -> None:
    path = presets_path()
    text = json.dumps({name: astuple(weights) for name, weights in presets.items()}, indent=1)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PomodoroError(f"cannot write {path}: {error.strerror}") from None
    with atomic_write(path, "w", encoding="utf-8") as file:
        file.write(text)
