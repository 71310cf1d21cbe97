"""What networks learnt: their errors level by level, on their own noise and on that of every scheme.

Errors are root mean squares over atoms and coordinates of each level's part of D(x) - y, angstrom
per coordinate, so that the squares of the three levels add up to that of all. All networks are asked
about the same structures, with the same unit normals.

Schemes differ in how much noise they give each level at one sigma. At *equal residue noise* each
scheme has the sigma at which residues are displaced by the same length within their chain; its
chain and atom noise still differ from those of others. Networks can be compared only on one and the
same noise: the *common-noise matrix* asks every network on the noise of every scheme. The network is
told one of two sigmas, that of the noise or that at which its own scheme has as much residue noise,
whichever leaves the smaller error of its residues.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..diffusion.precondition import PerLevel
from ..diffusion.training import Training, n_rated
from ..diffusion.training_data import RATED, RATED_OVER_LAW, Draw, draw
from ..noise.weights import Scheme

#: Displacement of residues within their chain at equal residue noise, angstrom in space, as a standard deviation.
RESIDUE_NOISE = 4.0

# Over how many draws the losses are a mean.
_LAW_DRAWS = 128

#: Another denoiser to compare with. It takes noised structures, their truths, the numbers of the items and sigma, and
#: returns the mean squares of its errors at each level, square angstrom per coordinate, shape=(n_items, 3).
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
        Numbers of the networks that were asked: those of the scheme, or at equal residue noise all.
    groups : ndarray, shape=(n_items,)
        Of the structures, as of `TrainingData`.
    squares : ndarray, shape=(n_recipes, n_items, 3)
        Mean square of each level's error, square angstrom per coordinate, for each structure: means over its draws.
    told : ndarray, shape=(n_recipes,)
        Sigma that each network was told, angstrom.
    floors : dict
        What ``squares`` is of one network, for others by name: "exact" and "linear", where there are such
        denoisers, and "noise", which is the noised structure as it is.
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
        """Return the root mean squares of each network over all structures, angstrom, shape=(n_recipes, 3)."""
        return np.sqrt(self.squares.mean(1))

    def floor(self, name: str) -> PerLevel:
        """Return the root mean squares of a floor over all structures, angstrom; nan where there is none."""
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
        Loss of each level without unit, a mean over the law of training, on the structures of training: of a
        network that predicts zero, and of the network as it is.
    """

    own: list[Condition]
    common: list[Condition]
    start: np.ndarray
    end: np.ndarray

    def of(self, data: str, conditions: str = "common") -> list[Condition]:
        """Return the ``conditions``, "own" or "common", on one kind of data."""
        return [condition for condition in getattr(self, conditions) if condition.data == data]

    @property
    def data(self) -> list[str]:
        """The kinds of data that networks were asked about, those held out first."""
        kinds = dict.fromkeys(condition.data for condition in self.common)
        return sorted(kinds, key="held out training".index)

    @property
    def gains(self) -> np.ndarray:
        """The share of each level in the loss that training took away, shape=(n_recipes, 3)."""
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
        Of the law of training, at which networks are asked on their own noise.
    floors : callable
        Returns the other denoisers for noise of a scheme, by name.
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
        drawn = draw(data, items, training.seeds[:1], RATED, n_rated(len(items)), cycle=True)
        asked = _Asked(training, drawn, kind, {scheme: floors(scheme) for scheme in schemes}, check)
        for z in zs:
            own += asked.own(training.settings.law.sigma(z), z)
        for row, scheme in enumerate(schemes):
            sigma = equal[scheme]
            if math.isfinite(sigma):
                told = torch.full_like(own_sigmas, sigma), own_sigmas.where(own_sigmas.isfinite(), sigma)
                common.append(_better(*(asked.common(row, sigma, sigmas) for sigmas in told)))
    drawn = draw(data, data.trained, training.seeds, RATED_OVER_LAW, _LAW_DRAWS, cycle=True)
    start, end = training.level_losses(drawn, check)
    return Rating(own, common, start.cpu().double().numpy(), end.cpu().double().numpy())


class _Asked:
    """Asks networks and other denoisers about the same structures under noise of each scheme.

    Parameters
    ----------
    training : Training
    drawn : Draw
        Of one seed: the structures, one after the other, and again from the first as often as needed.
    kind : {"training", "held out"}
        What the structures are.
    floors : dict
        The other denoisers for noise of each scheme, by name.
    check : callable
        As of `rate_networks`.
    """

    def __init__(
        self,
        training: Training,
        drawn: Draw,
        kind: str,
        floors: dict[Scheme, dict[str, Floor]],
        check: Callable[[], object],
    ) -> None:
        self._training, self._kind, self._floors, self._check = training, kind, floors, check
        self._schemes = schemes = list(floors)
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
        """Return the errors of all networks on the noise of one scheme, each network being told its own sigma."""
        noised = self._truth + sigma * self._noise[row : row + 1]
        squares = self._squares(noised, [0] * len(self._row_of), told)
        return self._condition(row, sigma, list(range(len(self._row_of))), squares, told, None)

    def _squares(self, noised: Tensor, rows: list[int], told: Tensor) -> Tensor:
        """Return the mean squares of the networks' errors, (n_recipes, n_items, 3), as of `Training.denoised`."""
        training = self._training
        asked = training.denoised(noised, torch.tensor(rows, device=training.device), self._items, told, self._check)
        return torch.cat([self._slots.level_squares(found - self._truth) for _, found in asked])

    def _condition(
        self, row: int, sigma: float, networks: list[int], squares: Tensor, told: Tensor, z: float | None
    ) -> Condition:
        """Return the errors of some networks on the noise of one scheme, with those of its other denoisers."""
        noise = sigma * self._noise[row]
        of_floors = {"noise": self._slots.level_squares(noise)}
        for name, floor in self._floors[self._schemes[row]].items():
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
        """Return means over the draws of each structure, which come in turn: shape=(n, n_structures, 3)."""
        return squares.double().unflatten(1, (-1, self._n_items)).mean(1).cpu().numpy()


def _better(one: Condition, other: Condition) -> Condition:
    """Return for each network the errors under that of two sigmas which leaves the smaller error of its residues."""
    left = one.squares[..., 1].mean(1) <= other.squares[..., 1].mean(1)
    squares = np.where(left[:, None, None], one.squares, other.squares)
    told = np.where(left, one.told, other.told)
    return Condition(one.data, one.scheme, None, one.sigma, one.recipes, one.groups, squares, told, one.floors)


def _equal_sigma(noise: float) -> float:
    """Return the sigma of equal residue noise, by its variance at unit sigma; inf where residues have no noise."""
    return RESIDUE_NOISE / math.sqrt(3 * noise) if noise else math.inf
