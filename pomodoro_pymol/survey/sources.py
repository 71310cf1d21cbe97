"""Which files a survey is of."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence

from ..errors import PomodoroError
from ..io.disk import user_path
from ..utils.text import counted

#: Endings of the files that are taken from a folder, each also with a further .gz.
SUFFIXES = (".pdb", ".ent", ".cif", ".mmcif")
#: Endings of files that list others.
LISTS = (".txt", ".list", ".lst")


def expand(sources: Sequence[str]) -> list[str]:
    """Return the files that are meant, each once, as absolute paths in the order of their names.

    Parameters
    ----------
    sources : sequence of str
        Folders, which are taken with the folders in them and of which the files count whose names end
        as those of structures do (`SUFFIXES`); patterns such as ``data/**/*.cif.gz``; files; and files
        with a list (`LISTS`), a path in each line, relative to the folder one is in.

    Raises
    ------
    PomodoroError
        If there is no such folder or file, a pattern or list leads to none that is there, or one cannot be read.
    """
    found: set[str] = set()
    for source in sources:
        found.update(os.path.abspath(path) for path in _expanded(source))
    if not found:
        raise PomodoroError(f"no structure in {', '.join(sources)}: {_ending()}")
    return sorted(found)


def size_of(path: str) -> int:
    """Return the bytes of a file on disk; 0 where there is none, or it does not tell."""
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def _expanded(source: str) -> Iterator[str]:
    path = os.fspath(user_path(source))
    if os.path.isdir(path):
        yield from _in_folder(path)
    elif path.lower().endswith(LISTS):
        yield from _listed(path)
    elif os.path.exists(path):
        yield path
    elif glob.has_magic(path):
        matches = glob.glob(path, recursive=True)
        if not matches:
            raise PomodoroError(f"no file is called {source}")
        for match in matches:
            yield from _in_folder(match) if os.path.isdir(match) else [match]
    else:
        raise PomodoroError(f"{source} is missing")


def _in_folder(folder: str) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        raise PomodoroError(f"cannot read folder {error.filename}: {error.strerror}")

    for place, _, names in os.walk(folder, onerror=refuse):
        for name in names:
            if name.lower().removesuffix(".gz").endswith(SUFFIXES):
                yield os.path.join(place, name)


def _listed(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape") as file:
            lines = [line for line in file.read().split("\n") if line.strip()]
    except OSError as error:
        raise PomodoroError(f"cannot read the list {path}: {error.strerror}") from None
    paths = [os.fspath(user_path(line)) for line in lines]
    if not any(map(os.path.exists, paths)):
        raise PomodoroError(f"{path} lists no file that is there, in {counted(len(lines), 'line')}")
    return paths


def _ending() -> str:
    return f"the names of structures end in {', '.join(SUFFIXES)}, and may in a .gz after that"
