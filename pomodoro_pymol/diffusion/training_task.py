"""What networks of a training are asked and what they are to answer: recipes, scalings, targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import PomodoroError
from ..noise.weights import Scheme
from .precondition import LEVELS
from .slots import Slots
from .training_data import TrainingData

#: Where the scalings and the loss weight come from, as `budget.SOURCES` has it.
SCALINGS = ("global", "levels")


@dataclass(frozen=True)
class Recipe:
    """What one network is trained on.

    Attributes
    ----------
    scheme : Scheme
    scaling : {"global", "levels"}
    seed : int
    """

    scheme: Scheme
    scaling: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.scheme.name} {self.scaling}"


class LevelScalings:
    """Scalings of chain, residue and atom level, for networks side by side and many sigmas.

    The same as `precondition.level_scalings`, which is for one network and one sigma, under
    the convention af3.

    Parameters
    ----------
    recipes : sequence of Recipe
    data : TrainingData
    sigma_data : float
        Angstrom; of the scaling ``global``.

    Raises
    ------
    PomodoroError
        If a level that has a scaling of its own has no noise.
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
        """Return c_skip, c_out, c_in and c_noise, each (n_models, n_batch, 3), for sigma, (n_models, n_batch)."""
        spread = self._spread[models]
        noise = self._noise[models] * sigma.double()[..., None] ** 2
        total = spread + noise
        numbers = (spread / total, (spread * noise / total).sqrt(), total.rsqrt(), (noise / spread).log() / 8)
        c_skip, c_out, c_in, c_noise = (number.float() for number in numbers)
        return c_skip, c_out, c_in, c_noise


@dataclass(frozen=True, eq=False)
class Task:
    """What networks are asked, and what they are to answer.

    Attributes
    ----------
    scaled : Tensor, shape=(n_models, n_items, n_residues, n_slots, 3)
    c_noise : Tensor, shape=(n_models, n_items, 3)
    target : Tensor
        Of the shape of ``scaled``.
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
        """Return the task of noised coordinates and their truth, angstrom, in slots."""
        c_skip, c_out, c_in, c_noise = scalings
        parts = slots.split(noised)
        skipped = by_level(c_skip, parts)
        chain, residue, atom = by_level(1 / c_out, [y - x for y, x in zip(slots.split(truth), skipped)])
        target = slots.join(chain, residue, atom)
        scaled = slots.join(*by_level(c_in, parts))
        return cls(scaled, c_noise, target, residue + chain.index_select(-2, slots.chain_of), chain)


def by_level(factor: Tensor, parts: Sequence[Tensor]) -> list[Tensor]:
    """Multiply chain, residue and atom parts by factors, shape=(n_models, n_batch, 3)."""
    chain, residue, atom = parts
    c, r, a = factor[..., None, None].unbind(-3)
    return [c * chain, r * residue, a[..., None] * atom]
