"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import IO, Any

from .errors import PomodoroError


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
    target = Path(os.path.realpath(path))
    if os.path.exists(target) and not os.path.isfile(target):
        kind = "a folder" if os.path.isdir(target) else "not a regular file"
        raise PomodoroError(f"cannot write {path}: it is {kind}")
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
