"""Structures to train on, and what each step draws: structures, poses, sigmas and unit normals.

What is drawn depends on the seed and the step alone, not on the scheme of the noise, so that networks
of different schemes see the same.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from hashlib import sha256

import numpy as np
import torch
from torch import Tensor

from ..noise.draw import frame_generator
from ..noise.weights import Scheme
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy
from .precondition import SHIFT, PerLevel
from .slots import Slots

#: Poses of structures in training: as they lie, or turned and shifted at random in every step.
POSES = ("fixed", "random")
#: Numbers of steps that are none of training, so that what is drawn for other ends has random numbers of its own:
#: structures that are tested during the training, that are rated on one noise and over the law, and samples.
TESTED, RATED, RATED_OVER_LAW, SAMPLED, SAMPLED_FRAGMENTS = range(1 << 30, (1 << 30) + 5)


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Structures to train on.

    Attributes
    ----------
    coords : Tensor, shape=(n_items, n_residues, n_slots, 3)
        Angstrom, each about the centroid of its atoms; 0 in empty slots.
    slots : Slots
    held : Tensor, shape=(n_items,), dtype=bool
        Which items are held out of training.
    pose : {"fixed", "random"}
    groups : Tensor, shape=(n_items,), dtype=int64
        Items of one group are not independent, as fragments of similar structures: intervals are over groups.
    levels : tuple of float
        Variance of the data at each level, square angstrom per coordinate and degree of freedom,
        as of `precondition.data_variances`.
    noise : dict
        For each `Scheme` the variance of its noise at each level, as of `precondition.noise_variances`,
        of unit sigma.
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
        """Numbers of the items that are trained on, shape=(n_trained,), dtype=int64."""
        return torch.nonzero(~self.held)[:, 0]

    @cached_property
    def tested(self) -> Tensor:
        """Numbers of the items that are held out, shape=(n_tested,), dtype=int64."""
        return torch.nonzero(self.held)[:, 0]

    def spread(self, freedom: PerLevel) -> float:
        """Return the standard deviation per coordinate, angstrom, by the degrees of freedom of each level."""
        return sum(free * variance for free, variance in zip(freedom, self.levels)) ** 0.5

    def to(self, device: torch.device | str) -> TrainingData:
        """Return the same on a device."""
        coords, held = self.coords.to(device), self.held.to(device)
        return replace(self, coords=coords, slots=self.slots.to(device), held=held)


@dataclass(frozen=True)
class DataAbout:
    """What data networks were trained on, as their file keeps it.

    Attributes
    ----------
    source : str
        Name of the structure, or of fragments the number of files, in words.
    atoms : str
        The `atoms_digest`; "" of fragments, whose atoms differ.
    n_atoms, n_residues : int
        Of the structure; of fragments 0, and their length.
    states : str
        The `coords_digest` of what was trained on and what was held out.
    pose : {"fixed", "random"}
    hold : int
        One in so many structures was held out.
    levels : tuple of float
        Variance of the data at each level, square angstrom per coordinate.
    """

    source: str
    atoms: str
    n_atoms: int
    n_residues: int
    states: str
    pose: str
    hold: int
    levels: PerLevel


def atoms_digest(structure: Structure, hierarchy: Hierarchy) -> str:
    """Return a digest of the names, residues and chains of the atoms, in their order."""
    names = structure.atoms["name"].tolist()
    resn = structure.residues["resn"][structure.residue_of_atom].tolist()
    groups = hierarchy.atom_to_residue.tolist(), hierarchy.residue_to_chain.tolist()
    return sha256(json.dumps([names, resn, *groups]).encode()).hexdigest()


def coords_digest(coords: Tensor) -> str:
    """Return a digest of coordinates, as float32."""
    return sha256(np.ascontiguousarray(coords.cpu().numpy(), "<f4").tobytes()).hexdigest()


@dataclass(frozen=True, eq=False)
class Draw:
    """Structures in their poses, and the unit normals that noise is mixed from.

    Attributes
    ----------
    items : Tensor, shape=(n_seeds, n_batch), dtype=int64
        Their numbers in `TrainingData`.
    truth : Tensor, shape=(n_seeds, n_batch, n_residues, n_slots, 3)
        Angstrom, turned and shifted where the pose is random.
    z : Tensor, shape=(n_seeds, n_batch)
        Standard normals of the law of sigma, one from each of n_batch equally likely intervals.
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
        """Return the draws of some seeds, by their places, and of some items of each."""
        return Draw(*(getattr(self, part.name)[:, items][seeds] for part in fields(self)))

    def noise(self, shares: Tensor, slots: Slots) -> Tensor:
        """Return noise of unit sigma, shape=(n, n_batch, n_residues, n_slots, 3).

        Parameters
        ----------
        shares : Tensor, shape=(n, 3)
            Shares of chain, residue and atom weight in their sum, a row for each of the n draws.
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
    """Draw structures and random numbers for a step, independently for each seed.

    Parameters
    ----------
    data : TrainingData
        Random numbers are drawn on its device, and differ from device to device.
    items : Tensor, shape=(n,)
        Numbers of the structures to choose from; how often any two are chosen differs by one at most.
    seeds : sequence of int
    step : int
        From 1; or one of those that are none of training, such as `TESTED`.
    size : int
        How many structures, for each seed.
    cycle : bool
        Take the items in turn instead of in a random order.
    """
    device, slots = data.coords.device, data.slots
    parts = []
    for seed in seeds:
        generator = frame_generator(seed, step, device)

        def normals(*shape: int, generator: torch.Generator = generator) -> Tensor:
            """Return standard normals of this seed and step."""
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
        chain, residue = normals(size, slots.n_chains, 3), normals(size, slots.n_residues, 3)
        parts.append((chosen, truth, z, chain, residue, normals(*truth.shape)))
    return Draw(*(torch.stack(part) for part in zip(*parts)))


def rotations(quaternions: Tensor) -> Tensor:
    """Return the rotation matrices, (n, 3, 3), of quaternions, (n, 4), of any length but 0."""
    w, x, y, z = (quaternions / quaternions.norm(dim=-1, keepdim=True)).unbind(-1)
    rows = (
        *(1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        *(2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        *(2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return torch.stack(rows, -1).unflatten(-1, (3, 3))
