"""The noise level: z of the training law, sigma in angstrom.

``sigma = sigma_data * exp(P_mean + P_std * z)`` with the constants of the AF3
family (Abramson et al. 2024, SI section 3.7.1; Boltz ``diffusion.py``): z is the
standard normal that training draws, so sigma is log-normal.
"""

from __future__ import annotations

import math

from ..errors import PomodoroError

SIGMA_DATA = 16.0
P_MEAN = -1.2
P_STD = 1.5


def sigma_from_z(z: float) -> float:
    """Return the noise level sigma in angstrom at the training normal ``z``."""
    return SIGMA_DATA * math.exp(P_MEAN + P_STD * z)


def z_from_sigma(sigma: float) -> float:
    """Return the training normal ``z`` at which the noise level is ``sigma`` angstrom.

    Raises
    ------
    PomodoroError
        If ``sigma`` is not positive and finite.
    """
    if not (0 < sigma < math.inf):
        raise PomodoroError(f"sigma must be positive and finite, in angstrom, not {sigma}")
    return (math.log(sigma / SIGMA_DATA) - P_MEAN) / P_STD


def quantile(z: float) -> float:
    """Return the fraction of training draws with less noise than ``z``."""
    return 0.5 * math.erfc(-z / math.sqrt(2))
