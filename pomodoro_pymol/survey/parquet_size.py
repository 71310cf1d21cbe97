"""How large the columns of a Parquet file are when unpacked, from its footer and the headers of its pages alone.

A page says how long it is when unpacked, and a column how many values it has; readers believe that, and take
memory for it. So a hostile file is refused here before a reader sees it. Only columns as a survey has them
are known: flat, of text or of numbers of 8 bytes. Layout and numbers of fields:
https://github.com/apache/parquet-format.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import IO

from .thrift import I32, I64, LIST, STRUCT, TEXT, Fields, read_fields

#: Bytes of a footer, and entries of a list in it, at most: a dozen schemes have some hundred columns.
LONGEST, MOST = 2 << 20, 1 << 14

# Bytes that a file may unpack to whatever its size, and how many times its size it may where that is more.
_FLOOR, _TIMES = 256 << 20, 100
# Bytes that a page counts for at least, since each takes time and memory, however little it holds.
_PAGE = 4096
_MAGIC = b"PAR1"
_INT64, _DOUBLE, _BYTE_ARRAY = 2, 5, 6
_REPEATED, _DEEPEST = 2, 16
_CONTRADICTION = "it contradicts itself"


def read_footer(source: IO[bytes]) -> Fields:
    """Return the footer of a Parquet file.

    Raises
    ------
    ValueError
        If it is none, or its footer is too long.
    """
    size = source.seek(0, os.SEEK_END)
    source.seek(-min(size, 8), os.SEEK_END)
    end = source.read(8)
    length = int.from_bytes(end[:4], "little")
    if size < 12 or end[4:] != _MAGIC or length > size - 12:
        raise ValueError("it is no Parquet file, or not all of one")
    if length > LONGEST:
        raise ValueError("its footer is too long")
    source.seek(-8 - length, os.SEEK_END)
    return read_fields(source.read(length))[0]


def check_room(source: IO[bytes], footer: Fields, numbers: Sequence[str], text: Sequence[str]) -> None:
    """Refuse a file whose columns would take far more memory than it has bytes.

    Parameters
    ----------
    source : file
    footer : Fields
        As of `read_footer`.
    numbers, text : sequence of str
        Columns that are to be read, those of text as dictionaries.

    Raises
    ------
    ValueError
        If it has not exactly one column of each name and kind, contradicts itself, is cut short, or would
        take more.
    """
    leaves = list(_leaves(footer))
    columns = _columns(leaves, numbers, text)
    size = source.seek(0, os.SEEK_END)
    left = max(_FLOOR, _TIMES * size)
    total = 0
    for group in _structs(footer, 4):
        n_rows, chunks = _whole(group, 3), _structs(group, 1)
        total += n_rows
        if len(chunks) != len(leaves):
            raise ValueError(_CONTRADICTION)
        for place in columns:
            chunk = chunks[place].get((3, STRUCT), {})
            length, start = _whole(chunk, 7), _whole(chunk, 9)
            if 0 < chunk.get((11, I64), 0) < start:
                start = chunk[11, I64]
            if _whole(chunk, 5) != n_rows or start + length > size:
                raise ValueError(_CONTRADICTION)
            left -= 8 * n_rows + length
            if left >= 0 and n_rows:  # where there are none, pages need not be there
                source.seek(start)
                left -= _unpacked(source.read(length), left)
            if left < 0:
                raise ValueError("it would unpack to far more than it is")
    if total != _whole(footer, 3):
        raise ValueError(_CONTRADICTION)


def _columns(leaves: Sequence[tuple[str, bool, Fields]], numbers: Sequence[str], text: Sequence[str]) -> list[int]:
    """Return the places among all columns of those that are wanted, and of those that a reader reads with them."""
    found: dict[str, list[int]] = {name: [] for name in (*numbers, *text)}
    together = []
    for place, (path, flat, element) in enumerate(leaves):
        parts = path.split(".")
        # A column with a dot in its name is read, too, where the part before the dot is asked for.
        asked = [name for count in range(1, len(parts) + 1) if (name := ".".join(parts[:count])) in found]
        if not asked:
            continue
        kinds = (_BYTE_ARRAY,) if path in text else (_INT64, _DOUBLE)
        if not flat or element[1, I32] not in kinds or element.get((3, I32)) == _REPEATED:
            raise ValueError(f"column {path!r} is of a wrong kind")
        together.append(place)
        if path in found:
            found[path].append(place)
    for name, places in found.items():
        if len(places) != 1:
            raise ValueError(f"it has {len(places) or 'no'} column{'s' * (len(places) > 1)} {name!r}")
    return together


def _leaves(footer: Fields) -> Iterator[tuple[str, bool, Fields]]:
    """Yield each column: its path, whether it is flat, which is in no group of columns, and its element."""
    elements = _structs(footer, 2)
    if not 0 < len(elements) <= MOST:
        raise ValueError(_CONTRADICTION)
    folders: list[tuple[list[str], int]] = [([], elements[0].get((5, I32), 0))]
    for element in elements[1:]:
        while folders and not folders[-1][1]:
            folders.pop()
        if not folders:
            raise ValueError(_CONTRADICTION)
        names, left = folders.pop()
        folders.append((names, left - 1))
        names = [*names, element.get((4, TEXT), b"").decode()]
        children = element.get((5, I32), 0)
        if children < 0 or len(folders) > _DEEPEST or not (children or (1, I32) in element):
            raise ValueError(_CONTRADICTION)
        if children:
            folders.append((names, children))
        else:
            yield ".".join(names), len(names) == 1, element


def _unpacked(data: bytes, most: int) -> int:
    """Return how many bytes the pages of a column unpack to; it stops counting above ``most``."""
    place = total = 0
    while place < len(data) and total <= most:
        header, place = read_fields(data, place)
        packed, unpacked = header.get((3, I32), -1), header.get((2, I32), -1)
        if packed < 0 or unpacked < 0 or place + packed > len(data):
            raise ValueError("it is cut short")
        total += max(packed, unpacked, _PAGE)
        place += packed
    return total


def _whole(fields: Fields, number: int) -> int:
    """Return the number of a field.

    Raises
    ------
    ValueError
        If it is absent or negative.
    """
    value = fields.get((number, I64), -1)
    if value < 0:
        raise ValueError(_CONTRADICTION)
    return value


def _structs(fields: Fields, number: int) -> list[Fields]:
    """Return the structs of a field that is a list of them; none where it is absent."""
    found = fields.get((number, LIST), [])
    if not all(isinstance(one, dict) for one in found):
        raise ValueError(_CONTRADICTION)
    return found
