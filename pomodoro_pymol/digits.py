"""Numbers as fixed-point text, a whole array at a time."""

from __future__ import annotations

import numpy as np

_SPACE, _MINUS, _POINT, _ZERO = b" -.0"
_SPLIT = 2.0**27 + 1


def text_width(values: np.ndarray, decimals: int) -> int:
    """Return how many characters the widest of ``values`` takes as ``f"{value:.{decimals}f}"``."""
    return max(len(f"{value:.{decimals}f}") for value in (values.min(), values.max(), -0.0))


def fixed_point(values: np.ndarray, width: int, decimals: int) -> np.ndarray:
    """Format numbers as ``f"{value:{width}.{decimals}f}"`` does, to the last character.

    Exact decimal values that lie half way are rounded to even, and a negative number
    that rounds to zero keeps its sign, as in C.

    Parameters
    ----------
    values : ndarray of float or int
        Finite, and none wider than ``width``: see `text_width`. Fastest where contiguous.
    width, decimals : int
        At most 18 and 5.

    Returns
    -------
    ndarray, shape=(*values.shape, width), dtype=uint8
        ASCII, right-aligned. A view: the last axis has the largest stride.
    """
    units = _to_units(values, decimals).astype(np.int32 if width < 10 else np.int64)
    minus = np.signbit(values)
    text = np.empty((width, *values.shape), np.uint8)
    place = width
    for _ in range(decimals):
        place -= 1
        units, text[place] = _cut_digit(units)
    if decimals:
        place -= 1
        text[place] = _POINT
    place -= 1
    units, text[place] = _cut_digit(units)
    while place:
        place -= 1
        ended = units == 0
        units, digit = _cut_digit(units)
        text[place] = np.where(ended, np.where(minus, np.uint8(_MINUS), np.uint8(_SPACE)), digit.astype(np.uint8))
        minus &= ~ended
    return np.moveaxis(text, 0, -1)


def _cut_digit(units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what is left of the numbers without their last digit, and that digit as ASCII."""
    rest = units // 10
    return rest, units - 10 * rest + _ZERO


def _to_units(values: np.ndarray, decimals: int) -> np.ndarray:
    """Return the magnitudes in units of the last decimal, correctly rounded, as float64."""
    scale = 10.0**decimals
    size = np.abs(values.astype(np.float64))
    product = size * scale
    units = np.rint(product)
    if values.dtype == np.float64:
        # The product was rounded too; where it looks half way, its rounding error decides (Dekker's product).
        half = product - np.floor(product) == 0.5
        size, product = size[half], product[half]
        high = _SPLIT * size - (_SPLIT * size - size)
        error = (high * scale - product) + (size - high) * scale
        units[half] = np.where(error == 0, np.rint(product), np.floor(product) + (error > 0))
    return units
