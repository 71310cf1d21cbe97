"""What networks learnt: their errors level by level, on their own noise and on that of every scheme.

Errors are root mean squares over atoms and coordinates of each level's part of D(x) - y, angstrom
per coordinate, so that the squares of the three add up to that of all. All are of the same
structures and unit normals.

Schemes differ in how much noise they give each level at one sigma. At *equal residue noise* each
has the sigma at which residues are displaced by the same length within their chain; still their
chain and atom noises differ. Only on one and the same noise do networks compare: the
*common-noise matrix* asks every network on the noise of every scheme. It is told one of two
sigmas, that of the noise or that at which its own scheme has as much residue noise, whichever
leaves its residues the smaller error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..diffusion.analytic import IdealDenoiser
from ..diffusion.linear import LinearDenoiser
from ..diffusion.precondition import PerLevel
from ..diffusion.slots import Seating
from ..diffusion.training import Training
from ..diffusion.training_data import Draw, draw
from ..noise.weights import Scheme
from ..structure.hierarchy import Hierarchy

#: Displacement of residues within their chain at equal residue noise, angstrom in space, as a standard deviation.
RESIDUE_NOISE = 4.0

# Random numbers of the ratings; structures that are tested at least, and at most.
_DRAWS, _LEAST, _MOST = (1 << 30) + 1, 96, 512
_LAW_DRAWS = 128
# States of which the covariance is taken, times the axes along which each has one of its own.
_MOST_MODES = 6000

#: Takes noised structures, their truths, the numbers of the items, sigma; returns the mean squares of what is left
#: at each level, shape=(n_items, 3).
Floor = Callable[[Tensor, Tensor, Tensor, float], Tensor]


@dataclass(frozen=True, eq=False)
class Condition:
    """Errors on one noise.

    Attributes
    ----------
    data : {"training", "held out"}
    scheme : Scheme
        Of the noise.
    z : float or None
        Of the law; None at equal residue noise.
    sigma : float
        Angstrom per coordinate.
    recipes : list of int
        Numbers of the networks that were asked: those of the scheme, or all.
    groups : ndarray, shape=(n_items,)
        Of the structures, as of `TrainingData`.
    squares : ndarray, shape=(n_recipes, n_items, 3)
        Mean square of each level's error, square angstrom per coordinate, for each structure; means over its draws.
    told : ndarray, shape=(n_recipes,)
        Sigma that each network was told, angstrom.
    floors : dict
        By name, as ``squares`` of one: the exact denoiser and the linear one, where there are any; "noise" is x.
    """

    data: str
    scheme: Scheme
    z: float | None
    sigma: float
    recipes: list[int]
    groups: np.ndarray
    squares: np.ndarray
    told: np.ndarray
    floors: dict[str, np.ndarray]

    def errors(self) -> np.ndarray:
        """Return root mean squares over all structures, shape=(n_recipes, 3)."""
        return np.sqrt(self.squares.mean(1))

    def floor(self, name: str) -> PerLevel:
        """Return the root mean squares of a floor, nan where there is none."""
        if name not in self.floors:
            return (math.nan,) * 3
        chain, residue, atom = np.sqrt(self.floors[name].mean(0)).tolist()
        return chain, residue, atom


@dataclass(frozen=True, eq=False)
class Rating:
    """What the networks of a training learnt.

    Attributes
    ----------
    own : list of Condition
        Each network on the noise of its own scheme, at each z.
    common : list of Condition
        Every network on the noise of each scheme, at equal residue noise.
    start, end : ndarray, shape=(n_recipes, 3)
        Loss of each level over the law of training, on the structures of training, of a network that predicts
        zero and of each network; without unit.
    """

    own: list[Condition]
    common: list[Condition]
    start: np.ndarray
    end: np.ndarray

    def of(self, data: str, conditions: str = "common") -> list[Condition]:
        """Return the conditions on one kind of data."""
        return [condition for condition in getattr(self, conditions) if condition.data == data]

    @property
    def data(self) -> list[str]:
        """The kinds of data there are, the one that counts first."""
        kinds = dict.fromkeys(condition.data for condition in self.common)
        return sorted(kinds, key="held out training".index)

    @property
    def gains(self) -> np.ndarray:
        """Each level's share of the loss that was learnt, shape=(n_recipes, 3)."""
        gain = self.start - self.end
        return gain / gain.sum(1, keepdims=True)


def rate_networks(
    training: Training,
    zs: Sequence[float],
    floors: Callable[[Scheme], dict[str, Floor]],
    check: Callable[[], object] = lambda: None,
) -> Rating:
    """Rate networks on what they were trained on and on what was held out.

    Parameters
    ----------
    training : Training
    zs : sequence of float
        Of the law of training.
    floors : callable
        Makes the other denoisers for noise of a scheme, by name.
    check : callable
        Called now and then; what it raises ends the rating.
    """
    data, recipes = training.data, training.recipes
    schemes = list(dict.fromkeys(recipe.scheme for recipe in recipes))
    equal = {scheme: _equal_sigma(data.noise[scheme][1]) for scheme in schemes}
    own_sigmas = torch.tensor([equal[recipe.scheme] for recipe in recipes], device=training.device)
    own: list[Condition] = []
    common: list[Condition] = []
    for kind, items in (("training", data.trained), ("held out", data.tested)):
        if not len(items):
            continue
        size = min(_MOST, len(items) * math.ceil(_LEAST / len(items)))
        asked = _Asked(training, draw(data, items, training.seeds[:1], _DRAWS, size, cycle=True), schemes, kind, check)
        for row, scheme in enumerate(schemes):
            asked.floors[row] = floors(scheme)
        for z in zs:
            own += asked.own(training.settings.law.sigma(z), z)
        for row, scheme in enumerate(schemes):
            if math.isfinite(equal[scheme]):
                told = (
                    torch.full_like(own_sigmas, equal[scheme]),
                    own_sigmas.where(own_sigmas.isfinite(), equal[scheme]),
                )
                common.append(_better(*(asked.common(row, equal[scheme], sigmas) for sigmas in told)))
    drawn = draw(data, data.trained, training.seeds, _DRAWS + 1, _LAW_DRAWS, cycle=True)
    start, end = training.level_losses(drawn, check)
    return Rating(own, common, start.cpu().double().numpy(), end.cpu().double().numpy())


class _Asked:
    """Asks networks and other denoisers about the same structures under noise of each scheme."""

    def __init__(
        self, training: Training, drawn: Draw, schemes: list[Scheme], kind: str, check: Callable[[], object]
    ) -> None:
        self._training, self._schemes, self._kind, self._check = training, schemes, kind, check
        self.floors: dict[int, dict[str, Floor]] = {}
        self._items, self._truth = drawn.items[0], drawn.truth[0]
        self._slots = training.data.slots.take(self._items)
        shares = torch.tensor([scheme.weights.shares for scheme in schemes], device=training.device)
        everywhere = torch.zeros(len(schemes), dtype=torch.int64, device=training.device)
        several = drawn.picked(everywhere)
        self._noise = several.noise(shares, training.data.slots.take(several.items))
        self._row_of = [schemes.index(recipe.scheme) for recipe in training.recipes]
        self._n_items = len(self._items.unique())

    def own(self, sigma: float, z: float) -> list[Condition]:
        """Return the errors of each network on the noise of its own scheme."""
        told = torch.full((len(self._row_of),), sigma, device=self._training.device)
        squares = self._squares(self._truth + sigma * self._noise, self._row_of, told)
        found = []
        for row in range(len(self._schemes)):
            networks = [number for number, of in enumerate(self._row_of) if of == row]
            found.append(self._condition(row, sigma, networks, squares[networks], told[networks], z))
        return found

    def common(self, row: int, sigma: float, told: Tensor) -> Condition:
        """Return the errors of all networks on the noise of one scheme, each told its sigma."""
        noised = self._truth + sigma * self._noise[row : row + 1]
        squares = self._squares(noised, [0] * len(self._row_of), told)
        return self._condition(row, sigma, list(range(len(self._row_of))), squares, told, None)

    def _squares(self, noised: Tensor, rows: list[int], told: Tensor) -> Tensor:
        training = self._training
        asked = training.denoised(noised, torch.tensor(rows, device=training.device), self._items, told, self._check)
        return torch.cat([self._slots.level_squares(found - self._truth) for _, found in asked])

    def _condition(
        self, row: int, sigma: float, networks: list[int], squares: Tensor, told: Tensor, z: float | None
    ) -> Condition:
        noise = sigma * self._noise[row]
        of_floors = {"noise": self._slots.level_squares(noise)}
        for name, floor in self.floors[row].items():
            self._check()
            of_floors[name] = floor(self._truth + noise, self._truth, self._items, sigma)
        return Condition(
            self._kind,
            self._schemes[row],
            z,
            sigma,
            networks,
            self._training.data.groups[self._items[: self._n_items].cpu()].numpy(),
            self._by_item(squares),
            told.cpu().numpy(),
            {name: self._by_item(value[None])[0] for name, value in of_floors.items()},
        )

    def _by_item(self, squares: Tensor) -> np.ndarray:
        """Return the means over the draws of each structure, which come in turn: (n, n_structures, 3)."""
        return squares.double().unflatten(1, (-1, self._n_items)).mean(1).cpu().numpy()


def _better(one: Condition, other: Condition) -> Condition:
    """Return for each network the errors of the sigma that leaves its residues less."""
    left = one.squares[..., 1].mean(1) <= other.squares[..., 1].mean(1)
    squares = np.where(left[:, None, None], one.squares, other.squares)
    told = np.where(left, one.told, other.told)
    return Condition(one.data, one.scheme, None, one.sigma, one.recipes, one.groups, squares, told, one.floors)


def _equal_sigma(noise: float) -> float:
    """Return the sigma at which residues have the noise to compare at; inf where they have none."""
    return RESIDUE_NOISE / math.sqrt(3 * noise) if noise else math.inf


def ensemble_floors(training: Training, hierarchy: Hierarchy) -> Callable[[Scheme], dict[str, Floor]]:
    """Return what makes the exact denoiser of the states of training, and the best linear one.

    None of noise without an atom part, which has no inverse; no linear one of so many states that their products
    with each other would take longer than the training.
    """
    data, slots = training.data, training.data.slots
    hierarchy = hierarchy.to(training.device)
    seating = Seating(hierarchy)
    states = seating.gather(data.coords[data.trained])
    fixed = data.pose == "fixed"

    def make(scheme: Scheme) -> dict[str, Floor]:
        if not scheme.weights.atom:
            return {}
        ideal = IdealDenoiser(states, hierarchy, scheme.weights, pose="fixed" if fixed else "exact")
        denoisers: dict[str, Callable] = {"exact": ideal}
        if (1 if fixed else 3) * len(states) <= _MOST_MODES:
            denoisers["linear"] = LinearDenoiser(states, hierarchy, scheme.weights, pose=data.pose)

        def floor(denoise: Callable) -> Floor:
            def left(noised: Tensor, truth: Tensor, items: Tensor, sigma: float) -> Tensor:
                found = denoise(seating.gather(noised), sigma).atoms
                return slots.level_squares(seating.spread(found.to(truth)) - truth)

            return left

        return {name: floor(denoise) for name, denoise in denoisers.items()}

    return make
