"""What came of reading a file, as it goes from process to process and into the journal: JSON, a line each."""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from .rows import Row


@dataclass(frozen=True)
class Reading:
    """A file with its rows, and what reading it cost.

    Attributes
    ----------
    path : str
    size : int
        Bytes on disk; 0 where it could not be found out.
    seconds : float
        On the clock, from opening the file to its last row.
    peak : int
        Most memory that the process which read it had, bytes; 0 where it could not be found out.
    rows : sequence of Row
        One or more.
    line : str
        What `to_line` made, where it was read from that.
    """

    path: str
    size: int
    seconds: float
    peak: int
    rows: Sequence[Row]
    line: str = field(default="", compare=False, repr=False)

    @property
    def failed(self) -> bool:
        """Whether it was not read."""
        return bool(self.rows[0].error)

    def to_line(self) -> str:
        """Return a line of ASCII text; numbers come back bit for bit."""
        if self.line:
            return self.line
        rows = [[row.cropping, row.crop, row.error, *row.numbers] for row in self.rows]
        return json.dumps([self.path, self.size, self.seconds, self.peak, rows])

    @classmethod
    def from_line(cls, line: str) -> Reading:
        """Return what `to_line` made.

        Raises
        ------
        ValueError
            If it is anything else.
        """
        try:
            path, size, seconds, peak, rows = json.loads(line)
            found = [Row(cropping, crop, error, array("d", numbers)) for cropping, crop, error, *numbers in rows]
            return cls(path, size, seconds, peak, tuple(found), line.rstrip("\n"))
        except (TypeError, RecursionError):
            raise ValueError("it is no reading of a file") from None


def unread(path: str, size: int, seconds: float, peak: int, reason: str) -> Reading:
    """Return the reading of a file that could not be read."""
    return Reading(path, size, seconds, peak, (Row("", 0, reason),))
