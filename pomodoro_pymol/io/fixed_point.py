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
    units: np.ndarray = _to_units(values, decimals).astype(np.int32 if width < 10 else np.int64)
    minus = np.signbit(values)
    text = np.empty((width, *values.shape), np.uint8)
    point = width - 1 - decimals if decimals else width
    places = [place for place in reversed(range(width)) if place != point]
    for number, place in enumerate(places):
        ended = units == 0 if number > decimals else None
        rest = units // 10
        text[place] = units - 10 * rest
        units = rest
        if ended is not None:
            # Here the digit is 0: make it a blank, or the sign where that is still to come. Arithmetic beats where().
            sign = minus & ended
            minus ^= sign
            text[place] -= ended.view(np.uint8) * np.uint8(_ZERO - _SPACE)
            text[place] += sign.view(np.uint8) * np.uint8(_MINUS - _SPACE)
    text += np.uint8(_ZERO)
    if decimals:
        text[point] = _POINT
    return np.moveaxis(text, 0, -1)


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
