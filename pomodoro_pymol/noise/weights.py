"""Level weights: how one noise variance is shared by chains, residues and atoms."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass

from ..errors import PomodoroError


@dataclass(frozen=True)
class LevelWeights:
    """Variances of the chain, residue and atom parts of the noise.

    Only the shares matter: every atom's own standard deviation is sigma,
    whatever the weights. Isotropic ("flat") noise has the atom weight alone.

    Parameters
    ----------
    chain, residue, atom : float
        Variances, not negative, not all zero.

    Raises
    ------
    PomodoroError
        If a weight is negative or not finite, or if all are zero.
    """

    chain: float
    residue: float
    atom: float

    def __post_init__(self) -> None:
        for level, weight in zip(("chain", "residue", "atom"), astuple(self)):
            if not (math.isfinite(weight) and weight >= 0):
                raise PomodoroError(f"the {level} weight must be finite and not negative, not {weight:g}")
        if not any(astuple(self)):
            raise PomodoroError("all weights are zero: give at least one of wc, wr, wa a positive value")

    @property
    def shares(self) -> tuple[float, float, float]:
        """``(chain, residue, atom)`` weights divided by their sum."""
        total = self.chain + self.residue + self.atom
        return self.chain / total, self.residue / total, self.atom / total


#: Ways to take the noise level of a draw: see `statistics.level_sigmas`.
ESTIMATORS = ("rms", "std")


FLAT = LevelWeights(0, 0, 1)

#: The schemes of the researcher's note: ``ms`` is the one in use, ``rb`` residue-balanced,
#: the last two its proposals.
PRESETS: dict[str, LevelWeights] = {
    "flat": FLAT,
    "ms": LevelWeights(8.2, 1.6, 1.3),
    "rb": LevelWeights(1, 4, 4),
    "3-8-1": LevelWeights(3, 8, 1),
    "2-6-2": LevelWeights(2, 6, 2),
}


@dataclass(frozen=True)
class Scheme:
    """Weights with the name they go by in tables: a preset's, or the numbers themselves."""

    name: str
    weights: LevelWeights
