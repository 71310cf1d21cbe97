"""Plain arrays in an ``.npz`` that nobody need trust: none is decompressed, unpickled or larger than it may be."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping
from typing import IO

import numpy as np


def write_arrays(file: IO[bytes], arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays as ``numpy.savez`` does, but without the time of writing."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(undated(name), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)


def undated(name: str) -> zipfile.ZipInfo:
    """Return the entry of an array in a new archive; it does not say when it was made."""
    return zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))


class StoredArrays:
    """Arrays that lie in an archive as they are, one after the other: what `write_arrays` writes.

    Parameters
    ----------
    data : bytes
        The whole file.

    Raises
    ------
    Exception
        If it is no archive; for a damaged one zipfile raises errors of many kinds, not only ``BadZipFile``.
    """

    def __init__(self, data: bytes) -> None:
        self._archive, self._size = zipfile.ZipFile(io.BytesIO(data)), len(data)
        self._members = {entry.filename.removesuffix(".npy"): entry for entry in self._archive.infolist()}

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def check(self) -> None:
        """Refuse an archive that would unpack to more than it holds, or has two arrays of one name.

        Raises
        ------
        ValueError
        """
        entries = self._archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise ValueError("it is compressed")
        if len(self._members) != len(entries):
            raise ValueError("it holds two arrays of one name")
        if sum(entry.file_size for entry in entries) > self._size:
            raise ValueError("it says that it holds more than it does")

    def __call__(self, name: str, dtype: str, *shape: int | None, most: float = math.inf) -> np.ndarray:
        """Return an array, which cannot be written to.

        Parameters
        ----------
        name, dtype : str
        shape : int or None
            None is any number.
        most : float
            Bytes with its header, at most.

        Raises
        ------
        Exception
            If it is absent, of another dtype or shape, larger, damaged, or holds a number that is not finite.
        """
        entry = self._members[name]
        if entry.file_size > most:
            raise ValueError(f"{name} is too long")
        data = self._archive.read(entry)
        file = io.BytesIO(data)
        version = np.lib.format.read_magic(file)
        if version != (1, 0):
            raise ValueError(f"{name} is of version {version} of its format")
        found, is_fortran, there = np.lib.format.read_array_header_1_0(file)
        fits = len(found) == len(shape) and all(want in (None, size) for size, want in zip(found, shape))
        if there != np.dtype(dtype) or is_fortran or not fits:
            wanted = ", ".join("any" if size is None else str(size) for size in shape)
            raise ValueError(f"{name} is {there} of {found}, not {np.dtype(dtype)} of ({wanted})")
        array = np.frombuffer(memoryview(data)[file.tell() :], there).reshape(found)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"a number of {name} is not finite")
        return array
