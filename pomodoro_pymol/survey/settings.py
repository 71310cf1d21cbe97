"""What the rows of a survey depend on beside the files; it is stored with the rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass
from typing import Any

from ..errors import PomodoroError
from ..noise.sigma import AF3_LAW, LawOfSigma
from ..noise.weights import LevelWeights, Scheme
from ..structure.crops import CROPPINGS

_LONGEST_NAME = 256


@dataclass(frozen=True)
class SurveySettings:
    """What is computed of each structure.

    Attributes
    ----------
    schemes : tuple of Scheme
    z : tuple of float
        At which expected local scores are computed.
    law : LawOfSigma
        Of sigma.
    hydrogens : bool
        Whether they count.
    tokens : int or None
        Residues of a crop; None where structures are taken whole.
    croppings : tuple of str
        Of `crops.CROPPINGS`.
    crops : int
        Crops of each kind.
    seed : int
        Of the crops.
    """

    schemes: tuple[Scheme, ...]
    z: tuple[float, ...] = ()
    law: LawOfSigma = AF3_LAW
    hydrogens: bool = True
    tokens: int | None = None
    croppings: tuple[str, ...] = CROPPINGS
    crops: int = 1
    seed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the settings in types that JSON has."""
        schemes = [[scheme.name, *astuple(scheme.weights)] for scheme in self.schemes]
        return {
            **{name: getattr(self, name) for name in ("hydrogens", "tokens", "crops", "seed")},
            "schemes": schemes,
            "z": list(self.z),
            "law": asdict(self.law),
            "croppings": list(self.croppings),
        }

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> SurveySettings:
        """Return what `to_dict` made.

        Raises
        ------
        PomodoroError
            If it is anything else.
        """
        try:
            schemes = tuple(
                Scheme(_word(name), LevelWeights(*map(float, weights))) for name, *weights in found["schemes"]
            )
            tokens = found["tokens"]
            settings = cls(
                schemes,
                tuple(map(float, found["z"])),
                LawOfSigma(**{name: float(value) for name, value in found["law"].items()}),
                bool(found["hydrogens"]),
                None if tokens is None else int(tokens),
                tuple(map(_word, found["croppings"])),
                int(found["crops"]),
                int(found["seed"]),
            )
            settings._check()
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise PomodoroError("its settings are not those of a survey") from None
        if len({scheme.name for scheme in schemes}) < len(schemes) or len(set(settings.z)) < len(settings.z):
            raise PomodoroError("its settings have two schemes of one name, or a z twice")
        return settings

    def _check(self) -> None:
        """Raise ValueError if they cannot be of a survey."""
        names = [scheme.name for scheme in self.schemes]
        well = (
            all(name.isprintable() and 0 < len(name) <= _LONGEST_NAME for name in names)
            and all(0 < self.law.sigma(z) < math.inf for z in self.z)
            and (self.tokens is None or self.tokens >= 1)
            and 0 < len(set(self.croppings)) == len(self.croppings)
            and set(self.croppings) <= set(CROPPINGS)
            and self.crops >= 1
            and self.seed >= 0
        )
        if not well:
            raise ValueError

    def __str__(self) -> str:
        """Say what a row is of, in words."""
        what = "whole structures"
        if self.tokens:
            kinds = " and ".join(self.croppings)
            what = f"{kinds} crops of {self.tokens} residues, {self.crops} of each kind and structure"
        return f"{what}, {'with' if self.hydrogens else 'without'} hydrogens, without waters"


def _word(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise TypeError
    return value
