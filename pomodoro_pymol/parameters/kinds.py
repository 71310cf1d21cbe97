"""Kinds of parameters that are no plain words or numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..errors import PomodoroError


class Selection(str):
    """Kind of a parameter that is a selection; brackets do not change what it means."""


#: In place of an `Interval`: the range that the values take.
AUTO = "auto"


@dataclass(frozen=True)
class Interval:
    """A range of values ``low:high``; also of colours."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise PomodoroError(f"a range is low:high with low < high, both finite, not {self}")

    def __str__(self) -> str:
        return f"{number_text(self.low)}:{number_text(self.high)}"


@dataclass(frozen=True)
class Grid:
    """Values ``low:high:step`` with both ends, or a single one."""

    low: float
    high: float
    step: float = 1.0

    def __post_init__(self) -> None:
        numbers = (self.low, self.high, self.step)
        if not (all(map(math.isfinite, numbers)) and self.low <= self.high and self.step > 0):
            raise PomodoroError(f"values are low:high:step with low <= high and step > 0, not {self}")
        if (self.high - self.low) / self.step > 1000:
            raise PomodoroError(f"{self} are more than 1000 values: choose a larger step")

    def __str__(self) -> str:
        if self.step != 1:
            numbers = [self.low, self.high, self.step]
        else:
            numbers = [self.low] if self.low == self.high else [self.low, self.high]
        return ":".join(map(number_text, numbers))

    def values(self) -> list[float]:
        """Return the values from low to high."""
        count = int((self.high - self.low) / self.step + 1e-9)
        return [min(self.low + place * self.step, self.high) for place in range(count + 1)]


def number_text(value: Any) -> str:
    """Return the shortest text that reads back as the same number."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
