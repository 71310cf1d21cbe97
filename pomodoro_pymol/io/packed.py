"""Files whose format their name tells, and which are packed where it ends in ``.gz``."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from .disk import atomic_write

_GZ = ".gz"


def suffix_of(path: str | Path) -> str:
    """Return the ending that tells the format, in lower case and with its ``.gz``: ``.pdb.gz`` of ``a.PDB.gz``."""
    path = Path(path)
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() + suffix if suffix == _GZ else suffix


def format_of(path: str | Path) -> str:
    """Return the ending that tells the format, in lower case and without ``.gz``: ``.pdb`` of ``a.PDB.gz``."""
    return suffix_of(path).removesuffix(_GZ)


@contextmanager
def open_packed(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a new file as `atomic_write` does; what is written is packed where the name ends in ``.gz``.

    The same bytes give the same file: it holds neither the time nor its own name.

    Raises
    ------
    PomodoroError
        If the file cannot be written.
    """
    with atomic_write(path) as file:
        if suffix_of(path).endswith(_GZ):
            with gzip.GzipFile("", "wb", 6, file, 0) as packed:
                yield packed  # type: ignore[misc]
        else:
            yield file


def open_text(path: str | Path) -> IO[str]:
    """Open a file as text, unpacked where its content is packed; what is not ASCII is replaced.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with open(path, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    if packed:
        return gzip.open(path, "rt", encoding="ascii", errors="replace")
    return open(path, encoding="ascii", errors="replace")
