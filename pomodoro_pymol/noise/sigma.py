"""The law of sigma: z of the training law, sigma in angstrom.

``sigma = sigma_data * exp(p_mean + p_std * z)``: z is the standard normal that training
draws, so sigma is log-normal (Karras et al. 2022, EDM, table 1; Abramson et al. 2024,
AF3 SI section 3.7.1; Boltz ``diffusion.py``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import PomodoroError


@dataclass(frozen=True)
class LawOfSigma:
    """How training draws the noise level.

    Parameters
    ----------
    sigma_data : float
        Standard deviation of the data per coordinate, angstrom.
    p_mean, p_std : float
        Mean and standard deviation of ln(sigma / sigma_data).

    Raises
    ------
    PomodoroError
        If a number is not finite, or sigma_data or p_std is not positive.
    """

    sigma_data: float = 16.0
    p_mean: float = -1.2
    p_std: float = 1.5

    def __post_init__(self) -> None:
        if not (0 < self.sigma_data < math.inf and 0 < self.p_std < math.inf and math.isfinite(self.p_mean)):
            raise PomodoroError(f"sigma_data and p_std must be positive, and p_mean finite, not {self}")

    def __str__(self) -> str:
        """The law as a formula."""
        return f"sigma = {self.sigma_data:g} exp({self.p_mean:g} + {self.p_std:g} z) A per coordinate"

    def sigma(self, z: float) -> float:
        """Return the noise level sigma, angstrom per coordinate, at the training normal ``z``."""
        return self.sigma_data * math.exp(self.p_mean + self.p_std * z)

    def z(self, sigma: float) -> float:
        """Return the training normal at which the noise level is ``sigma`` angstrom per coordinate.

        Raises
        ------
        PomodoroError
            If ``sigma`` is not positive and finite.
        """
        if not (0 < sigma < math.inf):
            raise PomodoroError(f"sigma must be positive and finite, in angstrom, not {sigma}")
        return (math.log(sigma / self.sigma_data) - self.p_mean) / self.p_std


#: The law of AF3 and its kin, taken where none is given.
AF3_LAW = LawOfSigma()

#: What models of the AF3 family take the data to spread, angstrom per coordinate.
SIGMA_DATA = AF3_LAW.sigma_data

#: Laws as published. That of ``edm`` (NVlabs) is one of normalised data: its sigma_data, here 1,
#: has to be the standard deviation of the structure for sigma to be in angstrom.
LAWS: dict[str, LawOfSigma] = {"af3": AF3_LAW, "boltz": AF3_LAW, "edm": LawOfSigma(1.0, -1.2, 1.2)}

#: Laws of normalised data.
NORMALISED = frozenset({"edm"})


def sigma_from_z(z: float, law: LawOfSigma = AF3_LAW) -> float:
    """Return the noise level sigma, angstrom per coordinate, at the training normal ``z``."""
    return law.sigma(z)


def z_from_sigma(sigma: float, law: LawOfSigma = AF3_LAW) -> float:
    """Return the training normal at which the noise level is ``sigma``; see `LawOfSigma.z`."""
    return law.z(sigma)


def law_note(law: LawOfSigma) -> str:
    """Return the law for a title, empty where it is that of AF3."""
    return "" if law == AF3_LAW else str(law)


def law_line(law: LawOfSigma) -> str:
    """Return the law as one more line of a report, empty where it is that of AF3."""
    return "" if law == AF3_LAW else f"\n law of training: {law}"


def quantile(z: float) -> float:
    """Return the fraction of training draws with less noise than ``z``."""
    return 0.5 * math.erfc(-z / math.sqrt(2))
