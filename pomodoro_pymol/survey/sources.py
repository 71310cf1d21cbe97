"""Which files a survey is of, and in which batches they are read."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping, Sequence

from ..errors import PomodoroError
from ..io.disk import user_path
from ..utils.text import counted

#: Endings of the files that are taken from a folder, each also with a further .gz.
SUFFIXES = (".pdb", ".ent", ".cif", ".mmcif")
#: Endings of files that list others.
LISTS = (".txt", ".list", ".lst")
#: Files of a batch, and their bytes, at most.
FILES, BYTES = 64, 8_000_000
# Batches that each thread gets in all, at least, where there are as many files.
_SHARES = 16


def expand(sources: Sequence[str]) -> list[str]:
    """Return the files that are meant, each once, as absolute paths in the order of their names.

    Parameters
    ----------
    sources : sequence of str
        Folders, with all folders in them, of which the files with the ending of a structure are taken
        (`SUFFIXES`); patterns such as ``data/**/*.cif.gz``; files; and lists (`LISTS`), which hold a
        path in each line, relative to the current folder.

    Raises
    ------
    PomodoroError
        If a source is missing, a pattern fits no file, a list names none that is there, or one cannot be read.
    """
    found: set[str] = set()
    for source in sources:
        found.update(os.path.abspath(path) for path in _expanded(source))
    if not found:
        raise PomodoroError(f"no structure in {', '.join(sources)}: {_ending()}")
    return sorted(found)


def size_of(path: str) -> int:
    """Return the bytes of a file on disk; 0 where they cannot be found out."""
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def given_out(sizes: Mapping[str, int], threads: int) -> list[list[str]]:
    """Return batches of files, whose bytes are given by path, the largest files first."""
    ordered = sorted(sizes, key=lambda path: (-sizes[path], path))
    return [ordered[batch] for batch in batches([sizes[path] for path in ordered], threads)]


def batches(sizes: Sequence[int], threads: int) -> Iterator[slice]:
    """Yield the places of the files of each batch, one batch after the other.

    A batch is so large that giving it out costs little, and so small that no thread waits long for the others.

    Parameters
    ----------
    sizes : sequence of int
        Bytes of the files, in the order in which they are to be read.
    threads : int
        How many read at the same time.
    """
    most = max(1, min(FILES, len(sizes) // (_SHARES * max(threads, 1))))
    start = held = 0
    for place, size in enumerate(sizes):
        if place > start and (place - start == most or held + size > BYTES):
            yield slice(start, place)
            start, held = place, 0
        held += size
    if sizes:
        yield slice(start, len(sizes))


def _expanded(source: str) -> Iterator[str]:
    """Yield the files that one source means, as of `expand`."""
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
    """Yield the structures in a folder, and in the folders in it."""

    def refuse(error: OSError) -> None:
        raise PomodoroError(f"cannot read folder {error.filename}: {error.strerror}")

    for place, _, names in os.walk(folder, onerror=refuse):
        for name in names:
            if name.lower().removesuffix(".gz").endswith(SUFFIXES):
                yield os.path.join(place, name)


def _listed(path: str) -> list[str]:
    """Return the paths that a list has."""
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
