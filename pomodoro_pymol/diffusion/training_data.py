"""Structures to train on, and what each step draws: structures, poses, sigmas and unit normals.

What is drawn hangs on the seed and the step alone, not on the scheme of the noise: networks of
different schemes see the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

import torch
from torch import Tensor

from ..noise.draw import frame_generator
from ..noise.weights import Scheme
from .precondition import SHIFT, PerLevel
from .slots import Slots

#: Poses that training gives structures: known, or turned and shifted at random in every step.
POSES = ("fixed", "random")


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Structures to train on.

    Attributes
    ----------
    coords : Tensor, shape=(n_items, n_residues, n_slots, 3)
        Angstrom, each about the centroid of its atoms; 0 in empty slots.
    slots : Slots
    held : Tensor, shape=(n_items,), dtype=bool
        Held out of training.
    pose : {"fixed", "random"}
    groups : Tensor, shape=(n_items,), dtype=int64
        What belongs together, as fragments of similar structures do: told apart where an interval is over structures.
    levels : tuple of float
        Variance of the data at each level, square angstrom per coordinate and degree of freedom,
        as of `precondition.data_variances`.
    noise : dict
        For each `Scheme` the variance of its noise at each level, as of `precondition.noise_variances`,
        under unit sigma.
    """

    coords: Tensor
    slots: Slots
    held: Tensor
    groups: Tensor
    pose: str
    levels: PerLevel
    noise: dict[Scheme, PerLevel]

    @cached_property
    def trained(self) -> Tensor:
        """Numbers of the items that are trained on."""
        return torch.nonzero(~self.held)[:, 0]

    @cached_property
    def tested(self) -> Tensor:
        """Numbers of the items that are held out."""
        return torch.nonzero(self.held)[:, 0]

    def to(self, device: torch.device | str) -> TrainingData:
        """Return the same on a device."""
        coords, held = self.coords.to(device), self.held.to(device)
        return replace(self, coords=coords, slots=self.slots.to(device), held=held)


@dataclass(frozen=True, eq=False)
class Draw:
    """Structures in their poses, and what noise is mixed from.

    Attributes
    ----------
    items : Tensor, shape=(n_seeds, n_batch)
    truth : Tensor, shape=(n_seeds, n_batch, n_residues, n_slots, 3)
        Angstrom, turned and shifted where the pose is random.
    z : Tensor, shape=(n_seeds, n_batch)
        Of the law of sigma.
    chain, residue, atom : Tensor
        Unit normals, shapes (n_seeds, n_batch, n_chains, 3), (..., n_residues, 3) and of ``truth``.
    """

    items: Tensor
    truth: Tensor
    z: Tensor
    chain: Tensor
    residue: Tensor
    atom: Tensor

    def picked(self, seeds: Tensor, items: slice = slice(None)) -> Draw:
        """Return the draws of some seeds, by their places, and of those some items."""
        return Draw(*(getattr(self, part.name)[:, items][seeds] for part in fields(self)))

    def noise(self, shares: Tensor, slots: Slots) -> Tensor:
        """Return noise of unit sigma, shape=(n, n_batch, n_residues, n_slots, 3).

        Parameters
        ----------
        shares : Tensor, shape=(n, 3)
            Of chain, residue and atom weight, one for each of the draws.
        slots : Slots
            Of the items.
        """
        c, r, a = shares.to(self.truth).sqrt()[..., None, None, None].unbind(1)
        shared = r * self.residue + c * self.chain.index_select(-2, slots.chain_of)
        return (a[..., None] * self.atom + shared[..., None, :]) * slots.present[..., None]


def draw(
    data: TrainingData,
    items: Tensor,
    seeds: Sequence[int],
    step: int,
    size: int,
    *,
    cycle: bool = False,
) -> Draw:
    """Draw structures and random numbers for a step, for each seed its own.

    Parameters
    ----------
    data : TrainingData
        On its device, whose random numbers are drawn.
    items : Tensor, shape=(n,)
        Numbers of the structures to choose from, each as often as the others, as far as that goes.
    seeds : sequence of int
    step : int
    size : int
        Structures for each seed.
    cycle : bool
        Take the items in turn instead of in a random order.
    """
    device, slots = data.coords.device, data.slots
    parts = []
    for seed in seeds:
        generator = frame_generator(seed, step, device)

        def normals(*shape: int, generator: torch.Generator = generator) -> Tensor:
            return torch.randn(shape, generator=generator, device=device)

        order = torch.arange(size, device=device)
        if not cycle:
            order = torch.randperm(max(size, len(items)), generator=generator, device=device)[:size]
        chosen = items[order % len(items)]
        truth = data.coords[chosen]
        if data.pose == "random":
            truth = truth @ rotations(normals(size, 4))[:, None].mT + SHIFT * normals(size, 1, 1, 3)
            truth = truth * slots.take(chosen).present[..., None]
        part = torch.randperm(size, generator=generator, device=device)
        within = torch.rand(size, generator=generator, device=device)
        z = torch.special.ndtri(((part + within) / size).double().clamp(1e-9, 1 - 1e-9)).float()
        parts.append(
            (
                chosen,
                truth,
                z,
                normals(size, slots.n_chains, 3),
                normals(size, slots.n_residues, 3),
                normals(*truth.shape),
            )
        )
    return Draw(*(torch.stack(part) for part in zip(*parts)))


def rotations(quaternions: Tensor) -> Tensor:
    """Return the rotations of quaternions, which need no unit length: (n, 4) to (n, 3, 3)."""
    w, x, y, z = (quaternions / quaternions.norm(dim=-1, keepdim=True)).unbind(-1)
    rows = (
        *(1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        *(2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        *(2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return torch.stack(rows, -1).unflatten(-1, (3, 3))
