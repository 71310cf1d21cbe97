"""From one number per residue to colours, and the key that reads them back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import PomodoroError
from .palettes import PALETTES

#: Colour of a residue whose metric is undefined, as is motion relative to the chain where the residue is the chain.
UNDEFINED = 0x808080


@dataclass(frozen=True)
class ColorScale:
    """A palette between two values; values beyond take the end colours.

    Attributes
    ----------
    palette : str
        A name in ``PALETTES``.
    low, high : float
        Values of the first and the last colour.
    """

    palette: str
    low: float
    high: float

    @classmethod
    def over(cls, palette: str, values: np.ndarray) -> ColorScale:
        """Span the 2nd to the 98th percentile of the finite ``values``."""
        finite = values[np.isfinite(values)]
        low, high = np.percentile(finite, [2, 98]) if len(finite) else (0.0, 1.0)
        margin = max(1e-6, 1e-3 * abs(low)) if high - low < 1e-6 else 0.0
        return cls(palette, float(low - margin), float(high + margin))

    def to_plain(self) -> dict[str, str | float]:
        """Return the scale in plain types."""
        return {"palette": self.palette, "low": self.low, "high": self.high}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> ColorScale:
        """Read a scale back.

        Raises
        ------
        PomodoroError
            If it is not one that `to_plain` made.
        """
        try:
            low, high = float(plain["low"]), float(plain["high"])
            if not (math.isfinite(low) and math.isfinite(high) and low < high):
                raise ValueError
            # Our own text of that name: what a session holds may only look like one.
            return cls({name: name for name in PALETTES}[plain["palette"]], low, high)
        except (KeyError, IndexError, TypeError, ValueError, OverflowError):
            raise PomodoroError("what the session says of the colours is damaged: run pomcolor") from None

    def stops(self) -> list[tuple[float, tuple[float, float, float]]]:
        """Return the values and RGB colours (0 to 1) between which colours are interpolated."""
        anchors = _anchors(self.palette) / 255
        return [
            (float(value), tuple(rgb))
            for value, rgb in zip(np.linspace(self.low, self.high, len(anchors)), anchors.tolist())
        ]

    def rgb(self, values: np.ndarray) -> np.ndarray:
        """Return one colour per value as an integer 0xRRGGBB; `UNDEFINED` for nan."""
        anchors = _anchors(self.palette)
        place = (values - self.low) / (self.high - self.low) * (len(anchors) - 1)
        channels = [np.interp(place, np.arange(len(anchors)), channel) for channel in anchors.T]
        red, green, blue = (np.nan_to_num(np.rint(channel)).astype(np.int64) for channel in channels)
        return np.where(np.isnan(values), UNDEFINED, red << 16 | green << 8 | blue)


def _anchors(palette: str) -> np.ndarray:
    """Return the RGB colours of a palette, shape=(n_colors, 3), 0 to 255."""
    return np.array([[int(text[i : i + 2], 16) for i in (0, 2, 4)] for text in PALETTES[palette]], dtype=float)
