"""Structs of Thrift's compact protocol, in which Parquet's footer and the headers of its pages are written.

https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

from typing import Any, TypeAlias

#: Kinds of values, as the protocol numbers them.
I32, I64, TEXT, LIST, STRUCT = 5, 6, 8, 9, 12
_TRUE, _FALSE, _BYTE, _I16, _DOUBLE, _SET = 1, 2, 3, 4, 7, 10

#: Values by number of the field and kind. Where both repeat, it is the last value.
Fields: TypeAlias = dict[tuple[int, int], Any]

_DEEPEST = 16


def read_fields(data: bytes, place: int = 0, depth: int = 0) -> tuple[Fields, int]:
    """Return the struct that begins at a place in some bytes, and the place where it ends.

    Parameters
    ----------
    data : bytes
    place : int
    depth : int
        In how many structs and lists it lies.

    Raises
    ------
    ValueError
        If the bytes are no struct, or structs are nested too deep.
    """
    if depth > _DEEPEST:
        raise ValueError("it is nested too deep")
    found: Fields = {}
    field = 0
    while kind := _byte(data, place):
        place += 1
        if kind >> 4:
            field += kind >> 4
        else:
            field, place = _number(data, place)
        kind &= 15
        if kind in (_TRUE, _FALSE):  # without a value of their own
            found[field, kind] = kind == _TRUE
        else:
            found[field, kind], place = _value(data, place, kind, depth)
    return found, place + 1


def _value(data: bytes, place: int, kind: int, depth: int) -> tuple[Any, int]:
    """Return a value of a kind, None for doubles, which are not read; and where it ends."""
    if kind in (_I16, I32, I64):
        return _number(data, place)
    if kind in (_TRUE, _FALSE, _BYTE):  # of a list, in which true and false have a byte
        return _byte(data, place), place + 1
    if kind == _DOUBLE:
        return None, place + 8
    if kind == TEXT:
        length, place = _unsigned(data, place)
        return data[place : place + length], place + length
    if kind in (LIST, _SET):
        head, place = _byte(data, place), place + 1
        length = head >> 4
        if length == 15:
            length, place = _unsigned(data, place)
        values = []
        for _ in range(length):
            value, place = _element(data, place, head & 15, depth)
            values.append(value)
        return values, place
    if kind == STRUCT:
        return read_fields(data, place, depth + 1)
    raise ValueError("it has a value of no known kind")


def _element(data: bytes, place: int, kind: int, depth: int) -> tuple[Any, int]:
    """Return an element of a list, and where it ends."""
    if place >= len(data):
        raise ValueError("it is cut short")
    return _value(data, place, kind, depth + 1)


def _number(data: bytes, place: int) -> tuple[int, int]:
    """Return a signed number, which is stored in zigzag, and where it ends."""
    value, place = _unsigned(data, place)
    return value >> 1 ^ -(value & 1), place


def _unsigned(data: bytes, place: int) -> tuple[int, int]:
    """Return a number that is stored in 7 bits of each byte, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        byte = _byte(data, place)
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise ValueError("it has a number that is too long")


def _byte(data: bytes, place: int) -> int:
    if place >= len(data):
        raise ValueError("it is cut short")
    return data[place]
