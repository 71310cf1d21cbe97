"""Which numbers stand beside a colour scale."""

from __future__ import annotations

import math
from collections.abc import Callable


def ticks(low: float, high: float, close: Callable[[float, float], bool]) -> list[float]:
    """Return the values whose numbers fit: both ends, and round values between them.

    Parameters
    ----------
    low, high : float
        The ends.
    close : callable
        Whether the numbers of two values would overlap, the lesser value first.
    """
    for step in _steps(high - low):
        inner = [step * number for number in range(math.ceil(low / step), math.floor(high / step) + 1)]
        if not any(close(one, other) for one, other in zip(inner, inner[1:])):
            return [low, *(value for value in inner if not close(low, value) and not close(value, high)), high]
    return [low, high]


def number_text(value: float, span: float) -> str:
    """Return a value with as many decimals as tell a hundredth of the scale apart."""
    return f"{value:.{max(0, 1 - math.floor(math.log10(span)))}f}"


def _steps(span: float) -> list[float]:
    """Return round distances of ticks, ascending, that make two to six intervals."""
    decade = 10.0 ** math.floor(math.log10(span))
    return [factor * decade for factor in (0.1, 0.2, 0.5, 1, 2, 5) if 2 <= span / (factor * decade) <= 6]
