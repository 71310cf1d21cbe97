"""Training of hierarchical networks on noise of several schemes at once, with the same random numbers.

A *recipe* is a scheme of noise, a scaling and a seed: what one network is trained on. Networks of
one seed start alike, and see the same structures, turns, shifts, sigmas and unit normals in every
step, whatever the scheme. Only the mix of the normals differs, and the scaling.

A network F is trained as in EDM (Karras et al. 2022, section 5): with x = y + noise,

    loss = lambda ||c_skip x + c_out F(c_in x) - y||^2 = ||F - (y - c_skip x) / c_out||^2

since lambda = 1 / c_out^2. Under ``global`` one sigma and one sigma_data hold for all levels; under
``levels`` each level has its own, and so its own loss weight (`precondition`). Sigma follows the
law of training; its z is stratified: one is drawn from each of n_batch equally likely intervals.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from ..errors import PomodoroError
from ..utils.interrupts import undisturbed
from .hierarchical import Architecture, HierarchicalNetwork
from .slots import Slots
from .training_data import TESTED, Draw, TrainingData, draw
from .training_task import LevelScalings, Recipe, Task, TrainingSettings, by_level

#: Points of the curves of training: see `Training.curve`.
Curve: TypeAlias = list[tuple[int, list[float], list[float]]]

# How many structures are tested for each point of the curves.
_TESTED = 32
_BETAS = (0.9, 0.99)
# How many tokens are worked on at once, by networks whose width squared times layers is _USUAL: as many networks side
# by side, or as many structures of one network, as have so many tokens. With more, a run would be slow to stop.
_TOKENS, _USUAL = 1 << 14, 64**2 * 2
# On how many structures networks are rated, at most and at least.
_MOST_RATED, _LEAST_RATED = 512, 96
# The rest is for `training_bytes`, and measured. How many numbers a step keeps for each number of a token, in all and
# in each layer; for each coordinate of a slot or channel; for each pair of residues and each head, in all and in each
# layer; and for each coordinate that is drawn.
_KEPT, _KEPT_LAYER, _KEPT_SLOT, _KEPT_PAIR, _KEPT_PAIR_LAYER, _DRAWN = 5, 22, 9, 1, 2, 10
# The same without gradients, for each number of a token, and for each pair and head. And how many copies there are of
# each weight: itself, its gradient, its moments, and what is written to the file.
_ASKED, _ASKED_PAIR, _COPIES = 13, 3, 6
# Copies of structures while they are rated, for each network side by side and beside that; of samples, for each
# network and beside that; and of the data.
_RATED, _RATED_ALL, _SAMPLED, _SAMPLED_ALL, _DATA = 14, 16, 18, 12, 4
# What an allocator holds over what is in use, which differs from run to run.
_KEPT_FREE = 1.125


def n_rated(count: int) -> int:
    """Return on how many structures networks are rated where there are so many: on few ones several times."""
    return min(_MOST_RATED, count * math.ceil(_LEAST_RATED / count))


def tokens_at_once(architecture: Architecture) -> int:
    """Return how many tokens are worked on at once: fewer of wider or deeper networks."""
    size = architecture.width**2 * architecture.layers
    return max(1, _TOKENS * _USUAL // max(_USUAL, size))


def training_bytes(
    data: TrainingData, n_models: int, architecture: Architecture, settings: TrainingSettings, samples: int = 0
) -> int:
    """Return about how much memory it takes to train, rate and sample from so many networks, in bytes.

    Parameters
    ----------
    data : TrainingData
    n_models : int
    architecture : Architecture
    settings : TrainingSettings
    samples : int
        From each network.
    """
    a, n, tokens = architecture, data.slots.n_residues, tokens_at_once(architecture)
    weights = sum(math.prod(shape) for shape in HierarchicalNetwork.shapes(a).values())
    side_by_side = min(n_models, max(1, tokens // (n * settings.batch)))
    together = side_by_side * min(settings.batch, max(1, tokens // n))
    coords, pairs = 3 * n * data.slots.n_slots, a.heads * n * n
    token = a.width * (_KEPT + _KEPT_LAYER * a.layers) + 3 * _KEPT_SLOT * (data.slots.n_slots + a.channels)
    step = together * (n * token + pairs * (_KEPT_PAIR + _KEPT_PAIR_LAYER * a.layers))
    step += _DRAWN * n_models * settings.batch * coords
    rated = n_rated(len(data.coords))
    asked = max(1, min(tokens // n, side_by_side * max(rated, samples)))
    asking = asked * (n * a.width * _ASKED + pairs * _ASKED_PAIR)
    poses = len(data.coords) if data.pose == "random" else 0
    held = max(rated * (_RATED * side_by_side + _RATED_ALL), samples * (_SAMPLED * n_models + _SAMPLED_ALL + poses))
    numbers = _COPIES * n_models * weights + _DATA * data.coords.numel() + max(step, asking + held * coords)
    return int(4 * _KEPT_FREE * numbers)


class Training:
    """Networks that are trained side by side.

    Parameters
    ----------
    data : TrainingData
    recipes : sequence of Recipe
    architecture : Architecture
    settings : TrainingSettings
    device

    Attributes
    ----------
    step : int
        Steps that were taken.
    is_whole : bool
        False where an error left a step half applied, so that the networks must not be saved. Ctrl-C waits
        until a step is applied, and never does that.
    curve : list of tuple
        Points: the step; the mean loss of each network since the point before; and the loss of each on what is
        held out, see `tested`.
    seeds : list of int
        Those of the recipes, each once.
    networks : list of tuple
        Which networks are worked on side by side: their numbers, the networks, and their optimizer.
    """

    def __init__(
        self,
        data: TrainingData,
        recipes: Sequence[Recipe],
        architecture: Architecture,
        settings: TrainingSettings,
        device: torch.device | str = "cpu",
    ) -> None:
        self.data = data.to(device)
        self.recipes = list(recipes)
        self.architecture = architecture
        self.settings = settings
        self.scalings = LevelScalings(self.recipes, self.data, settings.law.sigma_data)
        self.step, self.is_whole = 0, True
        self.curve: Curve = []
        self.seeds = list(dict.fromkeys(recipe.seed for recipe in recipes))
        self._draw_of = torch.tensor([self.seeds.index(recipe.seed) for recipe in recipes], device=device)
        shares = [recipe.scheme.weights.shares for recipe in recipes]
        self._shares = torch.tensor(shares, dtype=torch.float64, device=device)
        self._sums: list[Tensor] = []
        n, tokens = self.data.slots.n_residues, tokens_at_once(architecture)
        side_by_side = max(1, tokens // (n * settings.batch))
        self._items = max(1, tokens // n)
        self.networks: list[tuple[slice, HierarchicalNetwork, torch.optim.Adam]] = []
        for first in range(0, len(self.recipes), side_by_side):
            models = slice(first, min(first + side_by_side, len(self.recipes)))
            network = HierarchicalNetwork(architecture, [recipe.seed for recipe in self.recipes[models]]).to(device)
            optimizer = torch.optim.Adam(network.parameters(), settings.rate, _BETAS, fused=True)
            self.networks.append((models, network, optimizer))

    @property
    def device(self) -> torch.device:
        """Where the networks and the data are."""
        return self.data.coords.device

    def arrays(self) -> dict[str, dict[str, Tensor]]:
        """Return the weights, and the first and second moments of the optimizer, by name, each (n_models, ...)."""
        found: dict[str, dict[str, Tensor]] = {"weights": {}, "first": {}, "second": {}}
        names = self.networks[0][1].weights
        for name in names:
            weights = [network.weights[name] for _, network, _ in self.networks]
            moments = [optimizer.state[weight] for weight, (_, _, optimizer) in zip(weights, self.networks)]
            found["weights"][name] = torch.cat([weight.detach() for weight in weights])
            for kind, key in (("first", "exp_avg"), ("second", "exp_avg_sq")):
                parts = [own.get(key, torch.zeros_like(weight)) for own, weight in zip(moments, weights)]
                found[kind][name] = torch.cat([part.detach() for part in parts])
        return found

    @property
    def pending(self) -> list[list[float]]:
        """The losses of all networks in each step since the last point of the curves."""
        return [losses.tolist() for losses in self._sums]

    def resume(self, arrays: dict[str, dict[str, Tensor]], step: int, curve: Curve, pending: list[list[float]]) -> None:
        """Continue a training from its `arrays`, ``step``, ``curve`` and `pending`, as they were when it was saved."""
        self.step, self.curve = step, list(curve)
        self._sums = [torch.tensor(losses, device=self.device) for losses in pending]
        with torch.no_grad():
            for models, network, optimizer in self.networks:
                for name, weight in network.weights.items():
                    weight.copy_(arrays["weights"][name][models])
                    optimizer.state[weight] = {
                        "step": torch.tensor(float(step), device=self.device),
                        "exp_avg": arrays["first"][name][models].to(weight).clone(),
                        "exp_avg_sq": arrays["second"][name][models].to(weight).clone(),
                    }

    def network_of(self, number: int) -> HierarchicalNetwork:
        """Return a copy of the network of one recipe, alone, by its number."""
        models, network, _ = next(part for part in self.networks if number < part[0].stop)
        return network.picked([number - models.start])

    def advance(self, check: Callable[[], object] = lambda: None) -> bool:
        """Take one step; tell whether the curves got a point.

        Parameters
        ----------
        check : callable
            Called many times in a long step; if it raises, the step is not taken.

        Raises
        ------
        PomodoroError
            If a loss is not finite.
        """
        settings, step = self.settings, self.step + 1
        drawn = draw(self.data, self.data.trained, self.seeds, step, settings.batch)
        losses = torch.zeros(len(self.recipes), device=self.device)
        for models, network, optimizer in self.networks:
            optimizer.zero_grad()
            for items in range(0, settings.batch, self._items):
                check()
                of_atoms, of_heads = self._losses(drawn, models, network, slice(items, items + self._items))
                (of_atoms.sum() + of_heads.sum()).div(settings.batch).backward()
                losses[models] += of_atoms.detach().sum(1) / settings.batch
        with undisturbed():
            self.is_whole = False
            for _, _, optimizer in self.networks:
                for group in optimizer.param_groups:
                    group["lr"] = settings.rate_at(step)
                optimizer.step()
            self._sums.append(losses)
            self.step = step
            has_point = step % settings.every == 0 or step == settings.steps
            if has_point:
                found = torch.stack(self._sums).mean(0).tolist()
                if not all(map(math.isfinite, found)):
                    raise PomodoroError(f"the loss is not finite at step {step}: give a smaller rate")
                self.curve.append((step, found, self.tested().tolist()))
                self._sums.clear()
            self.is_whole = True
        return has_point

    @torch.no_grad()
    def tested(self) -> Tensor:
        """Return the loss of each network on what is held out, shape=(n_models,), without unit.

        On the structures of training where nothing is held out. The random numbers are the same in each call.
        """
        items = self.data.tested if len(self.data.tested) else self.data.trained
        drawn = draw(self.data, items, self.seeds, TESTED, _TESTED, cycle=True)
        found = []
        for models, network, _ in self.networks:
            losses = [self._losses(drawn, models, network, some)[0] for some in self._pieces(_TESTED)]
            found.append(torch.cat(losses, 1).mean(1))
        return torch.cat(found)

    @torch.no_grad()
    def level_losses(self, drawn: Draw, check: Callable[[], object] = lambda: None) -> tuple[Tensor, Tensor]:
        """Return the loss of each level without unit, of networks that predict zero and of these, each (n_models, 3).

        Parameters
        ----------
        drawn : Draw
            For the ``seeds`` of the training.
        check : callable
            As of `advance`.
        """
        start, end = [], []
        for models, network, _ in self.networks:
            own = drawn.picked(self._draw_of[models])
            slots = self.data.slots.take(own.items)
            task = self._task(own, models, slots)
            left = []
            for items in self._pieces(own.truth.shape[1]):
                check()
                some = self.data.slots.take(own.items[:, items])
                left.append(task.target[:, items] - network(task.scaled[:, items], task.c_noise[:, items], some)[0])
            start.append(slots.level_squares(task.target).mean(1))
            end.append(slots.level_squares(torch.cat(left, 1)).mean(1))
        return torch.cat(start), torch.cat(end)

    @torch.no_grad()
    def denoised(
        self,
        noised: Tensor,
        rows: Tensor,
        items: Tensor,
        sigmas: Tensor,
        check: Callable[[], object] = lambda: None,
    ) -> Iterator[tuple[slice, Tensor]]:
        """Yield the estimates D(x) of each network for noised structures, some networks at a time.

        Parameters
        ----------
        noised : Tensor, shape=(n_rows, n_items, n_residues, n_slots, 3)
            Angstrom, 0 in empty slots.
        rows : Tensor, shape=(n_models,)
            Which row of ``noised`` each network is asked about.
        items : Tensor, shape=(n_items,) or (n_models, n_items)
            Numbers of the structures, of all networks or of each.
        sigmas : Tensor, shape=(n_models,)
            Sigma that each network is told, angstrom.
        check : callable
            As of `advance`.

        Yields
        ------
        models : slice
        denoised : Tensor, shape=(n_some, n_items, n_residues, n_slots, 3)
            Angstrom.
        """
        for models, network, _ in self.networks:
            own = items[models] if items.ndim > 1 else items
            slots = self.data.slots.take(own)
            parts = slots.split(noised[rows[models]])
            c_skip, c_out, c_in, c_noise = self.scalings.at(sigmas[models, None], models)
            scaled = slots.join(*by_level(c_in, parts))
            c_noise = c_noise.expand(-1, own.shape[-1], -1)
            found = []
            for some in self._pieces(own.shape[-1]):
                check()
                of_some = self.data.slots.take(own[..., some])
                found.append(network(scaled[:, some], c_noise[:, some], of_some)[0])
            predicted = by_level(c_out, slots.split(torch.cat(found, 1)))
            yield models, slots.join(*(x + f for x, f in zip(by_level(c_skip, parts), predicted)))

    def noise_of(self, drawn: Draw) -> tuple[Tensor, Tensor]:
        """Return noise of unit sigma by the scheme of each network, in slots, and the items, (n_models, n_items).

        Parameters
        ----------
        drawn : Draw
            For the ``seeds`` of the training.
        """
        own = drawn.picked(self._draw_of)
        return own.noise(self._shares, self.data.slots.take(own.items)), own.items

    def _pieces(self, count: int) -> Iterator[slice]:
        """Yield slices of so many structures, each of as many as the networks side by side take at once."""
        size = max(1, self._items // max(models.stop - models.start for models, _, _ in self.networks))
        yield from (slice(first, first + size) for first in range(0, count, size))

    def _task(self, own: Draw, models: slice, slots: Slots) -> Task:
        """Return the task of some networks, of structures that were drawn for each and whose slots are given."""
        law = self.settings.law
        sigma = law.sigma_data * (law.p_mean + law.p_std * own.z).exp()
        noised = own.truth + sigma[..., None, None, None] * own.noise(self._shares[models], slots)
        return Task.of(noised, own.truth, slots, self.scalings.at(sigma, models))

    def _losses(self, drawn: Draw, models: slice, network: HierarchicalNetwork, items: slice) -> tuple[Tensor, Tensor]:
        """Return the losses of some networks on some items: of atoms and of both heads, each (n_models, n_items)."""
        own = drawn.picked(self._draw_of[models], items)
        slots = self.data.slots.take(own.items)
        with torch.no_grad():
            task = self._task(own, models, slots)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            atoms, residues, chains = network(task.scaled, task.c_noise, slots)
        of_atoms = (atoms.float() - task.target).square().sum((-1, -2, -3)) / (3 * slots.n_atoms)
        of_heads = (residues.float() - task.residues).square().mean((-1, -2))
        return of_atoms, of_heads + (chains.float() - task.chains).square().mean((-1, -2))
