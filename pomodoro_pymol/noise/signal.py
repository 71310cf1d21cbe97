"""How much of what colours residues tells them apart, and how much is the chance of a draw."""

from __future__ import annotations

import math

import numpy as np

#: Of fewer residues nothing is said.
_FEWEST = 3


def signal_share(measured: np.ndarray, expected: np.ndarray) -> float:
    """Return the part of the variation between residues that a draw of other noise would show, too.

    The variance of the expected values, over that and the variance of what was measured about
    them, which is the chance of the draw.

    Parameters
    ----------
    measured, expected : ndarray, shape=(n_residues,)
        A metric; nan where a residue has none.

    Returns
    -------
    float
        0 .. 1; nan of fewer than 3 residues, or where nothing varies.
    """
    known = np.isfinite(measured) & np.isfinite(expected)
    if known.sum() < _FEWEST:
        return math.nan
    signal, noise = np.var(expected[known]), np.var((measured - expected)[known])
    level = 1e-24 * np.square(expected[known]).mean()  # rounding
    return float(signal / (signal + noise)) if signal + noise > level else math.nan


def frames_for_half(share: float, n_frames: int) -> int | None:
    """Return how many frames make half of the variation signal, whose variance stays while that of chance falls.

    None where no number of frames does.
    """
    return math.ceil(n_frames * (1 - share) / share) if share > 1e-6 else None
