"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import IO, Any

from .errors import PomodoroError


def user_path(path: str | Path) -> Path:
    """Return a path as a person gave it, ``~`` being the home folder.

    Raises
    ------
    PomodoroError
        If no file can be called so.
    """
    text = os.path.expanduser(path)
    try:
        if b"\0" in os.fsencode(text):
            raise ValueError
    except ValueError:
        raise PomodoroError(f"{text!r} cannot be the name of a file") from None
    return Path(text)


def check_target(path: str | Path) -> None:
    """Refuse a path that `atomic_write` would not write, before any work is done.

    Raises
    ------
    PomodoroError
        If its folder does not exist, it is a folder or a device, or no file can be called so.
    """
    target = os.path.realpath(path)
    reason = ""
    try:
        mode = os.stat(target).st_mode
        if not stat.S_ISREG(mode):
            reason = "it is a folder" if stat.S_ISDIR(mode) else "it is not a regular file"
    except FileNotFoundError:
        if not os.path.isdir(os.path.dirname(target)):
            reason = "its folder does not exist"
    except OSError as error:
        reason = error.strerror or str(error)
    if reason:
        raise PomodoroError(f"cannot write {path}: {reason}")


@contextmanager
def atomic_write(path: str | Path, mode: str = "wb", **options: Any) -> Iterator[IO[Any]]:
    """Open a new file that takes the place of ``path`` when the block ends well.

    Until then it lies in the same folder under another name, ending alike; whatever
    stops the block, an interrupt included, removes it and leaves ``path`` as it was. A
    link stays a link: the file that it leads to is replaced.

    Parameters
    ----------
    path : str or Path
    mode, options
        As of ``open``.

    Yields
    ------
    file
        Its ``name`` may also be written by others.

    Raises
    ------
    PomodoroError
        If the file cannot be written: no such folder, no permission, disk full, ``path``
        a folder or a device.
    """
    check_target(path)
    target = Path(os.path.realpath(path))
    part = target.with_name(f".part-{token_hex(4)}-{target.name[-40:]}")
    try:
        with open(part, mode, **options) as file:
            yield file
        os.replace(part, target)
    except OSError as error:
        # An error that names another file is not about ours.
        if error.filename not in (None, str(part)):
            raise
        raise PomodoroError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        # Replaced already, or never made.
        with suppress(OSError):
            part.unlink()
