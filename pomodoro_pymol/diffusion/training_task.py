"""What networks are trained on, and how: recipes, settings, scalings, and what is asked and to be answered."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import PomodoroError
from ..noise.sigma import LawOfSigma
from ..noise.weights import Scheme
from .precondition import LEVELS
from .slots import Slots
from .training_data import TrainingData

#: Where the scalings and the loss weight come from, as in `budget.SOURCES`.
SCALINGS = ("global", "levels")

_WARM = 0.1  # part of the steps in which the learning rate rises
_CURVE, _APART = 100, 25  # points that a curve of training has at least; steps between two at most


@dataclass(frozen=True)
class Recipe:
    """What one network is trained on.

    Attributes
    ----------
    scheme : Scheme
        Of the noise.
    scaling : {"global", "levels"}
    seed : int
        Of its start and of all that is drawn for it.
    """

    scheme: Scheme
    scaling: str
    seed: int

    @property
    def name(self) -> str:
        """Scheme and scaling, which networks of other seeds share."""
        return f"{self.scheme.name} {self.scaling}"


def by_name(recipes: Sequence[Recipe]) -> dict[str, list[int]]:
    """Return the numbers of the networks of each scheme and scaling, in the order of their seeds."""
    groups: dict[str, list[int]] = {}
    for number, recipe in enumerate(recipes):
        groups.setdefault(recipe.name, []).append(number)
    return groups


@dataclass(frozen=True)
class TrainingSettings:
    """How all networks of a run are trained.

    Attributes
    ----------
    steps : int
    batch : int
        Structures in each step.
    rate : float
        Learning rate at its highest.
    law : LawOfSigma
        Of sigma; its sigma_data is also that of the scaling ``global``.
    """

    steps: int
    batch: int
    rate: float
    law: LawOfSigma

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step, counted from 1: a linear rise, then half a cosine down to 0."""
        warm = max(1, round(_WARM * self.steps))
        if step <= warm:
            return self.rate * step / warm
        return self.rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, self.steps - warm + 1)))

    @property
    def every(self) -> int:
        """Steps between two points of the curves of training."""
        return max(1, min(self.steps // _CURVE, _APART))


class LevelScalings:
    """Scalings of chain, residue and atom level, for networks side by side and many sigmas.

    What `precondition.level_scalings` gives for one network and one sigma, under the convention af3.

    Parameters
    ----------
    recipes : sequence of Recipe
    data : TrainingData
    sigma_data : float
        Angstrom; of the scaling ``global``.

    Raises
    ------
    PomodoroError
        If a level has no noise under a scheme whose levels have scalings of their own.
    """

    def __init__(self, recipes: Sequence[Recipe], data: TrainingData, sigma_data: float) -> None:
        spreads, noises = [], []
        for recipe in recipes:
            own = recipe.scaling == "levels"
            noise = data.noise[recipe.scheme] if own else (1.0, 1.0, 1.0)
            silent = [level for level, variance in zip(LEVELS, noise) if not variance]
            if silent:
                raise PomodoroError(
                    f"scaling=levels needs noise at the {silent[0]} level, where {recipe.scheme.name} has none: "
                    f"give it a weight there, or scaling=global"
                )
            spreads.append(data.levels if own else (sigma_data**2,) * 3)
            noises.append(noise)
        device = data.coords.device
        self._spread, self._noise = (
            torch.tensor(rows, dtype=torch.float64, device=device)[:, None] for rows in (spreads, noises)
        )

    def at(self, sigma: Tensor, models: slice | Sequence[int] = slice(None)) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return c_skip, c_out, c_in and c_noise of chain, residue and atom level, each (n_models, n_batch, 3).

        Parameters
        ----------
        sigma : Tensor, shape=(n_models, n_batch)
            Angstrom.
        models : slice or sequence of int
            Numbers of the networks.
        """
        spread = self._spread[models]
        noise = self._noise[models] * sigma.double()[..., None] ** 2
        total = spread + noise
        numbers = (spread / total, (spread * noise / total).sqrt(), total.rsqrt(), (noise / spread).log() / 8)
        c_skip, c_out, c_in, c_noise = (number.float() for number in numbers)
        return c_skip, c_out, c_in, c_noise


@dataclass(frozen=True, eq=False)
class Task:
    """What networks are asked, and what they are to answer; all without unit.

    Attributes
    ----------
    scaled : Tensor, shape=(n_models, n_items, n_residues, n_slots, 3)
        Noised structures, scaled by c_in.
    c_noise : Tensor, shape=(n_models, n_items, 3)
        Of chain, residue and atom level.
    target : Tensor, shape=(n_models, n_items, n_residues, n_slots, 3)
        ``(y - c_skip x) / c_out``, level by level, of the truth y and the noised x.
    residues, chains : Tensor
        Means of the target, shapes (n_models, n_items, n_residues, 3) and (..., n_chains, 3).
    """

    scaled: Tensor
    c_noise: Tensor
    target: Tensor
    residues: Tensor
    chains: Tensor

    @classmethod
    def of(cls, noised: Tensor, truth: Tensor, slots: Slots, scalings: tuple[Tensor, Tensor, Tensor, Tensor]) -> Task:
        """Return the task of noised structures and their truth, angstrom; scalings are those of `LevelScalings.at`."""
        c_skip, c_out, c_in, c_noise = scalings
        parts = slots.split(noised)
        skipped = by_level(c_skip, parts)
        chain, residue, atom = by_level(1 / c_out, [y - x for y, x in zip(slots.split(truth), skipped)])
        target = slots.join(chain, residue, atom)
        scaled = slots.join(*by_level(c_in, parts))
        return cls(scaled, c_noise, target, residue + chain.index_select(-2, slots.chain_of), chain)


def by_level(factor: Tensor, parts: Sequence[Tensor]) -> list[Tensor]:
    """Multiply the chain, residue and atom parts of `Slots.split` by factors, shape=(n_models, n_batch, 3)."""
    chain, residue, atom = parts
    c, r, a = factor[..., None, None].unbind(-3)
    return [c * chain, r * residue, a[..., None] * atom]
