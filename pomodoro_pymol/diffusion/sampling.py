"""Reverse diffusion from noise to structure, with the options of EDM, AF3 and Boltz.

One step from sigma_i to sigma_{i+1}, after Karras et al. 2022, algorithm 2, and Abramson
et al. 2024, SI algorithm 18, whose printed last line uses x where its code, and this,
use the noised x:

    centre x, rotate it at random, shift it by 1 A N(0, 1)^3 (SI algorithm 19)
    t = sigma_i (1 + gamma), gamma > 0 where sigma_{i+1} (AF3, Boltz) or sigma_i (EDM) is in range
    x += noise_scale sqrt(t^2 - sigma_i^2) noise, noise_scale being S_noise in EDM
    D = denoise(x, t)
    lay x on D as a rigid body (Boltz)
    x += step_scale (sigma_{i+1} - t) (x - D) / t

It starts from noise of sigma_0, or from a structure with this noise added (partial diffusion).
Heun's second evaluation averages the slope with that at the end point (EDM), unless sigma is
0 there: such a step, with which all grids but AF3's own end, is one of Euler. Hierarchical
noise leaves the equation as it is; start noise and churn must then both be of its law.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from ..errors import PomodoroError
from ..noise.draw import Normals, draw_unit_noise, is_batched
from ..noise.weights import LevelWeights
from ..structure.hierarchy import Hierarchy
from ..structure.superposition import superpose
from .estimate import Denoiser, Estimate, broadcast_heads
from .precondition import SHIFT
from .samplers import Sampler


@dataclass(frozen=True, eq=False)
class Step:
    """One step of `edm_sample`, after it was taken.

    Attributes
    ----------
    number, steps : int
        From 1.
    sigma, sigma_hat : float
        Sigma after the step, and that to which churn raised it before, at which was denoised; angstrom.
    coords : Tensor, shape=(n_samples, n_atoms, 3)
        After the step, angstrom.
    noised : Tensor, shape=(n_samples, n_atoms, 3)
        What was denoised.
    denoised : Tensor, shape=(n_samples, n_atoms, 3)
        With the heads broadcast where asked for.
    estimate : Estimate
        As the denoiser gave it.
    centroid : Tensor, shape=(n_samples, 3)
        Before centring.
    rotation : Tensor, shape=(n_samples, 3, 3)
    shift : Tensor, shape=(n_samples, 1, 3)
        What the augmentation did: ``x @ rotation.mT + shift``.
    turned : Tensor, shape=(n_samples, 3, 3)
    moved : Tensor, shape=(n_samples, 1, 3)
        What it did since the start, this step included, or to place since x was last centred.
    evaluated : tuple of float
        Sigma of each evaluation of the denoiser, angstrom.
    sums : Tensor, shape=(n_evaluations,)
        Of all numbers that each gave: finite only where they are. See `check_sums`.
    """

    number: int
    steps: int
    sigma: float
    sigma_hat: float
    coords: Tensor
    noised: Tensor
    denoised: Tensor
    estimate: Estimate
    centroid: Tensor
    rotation: Tensor
    shift: Tensor
    turned: Tensor
    moved: Tensor
    evaluated: tuple[float, ...]
    sums: Tensor

    def taken_back(self, coords: Tensor) -> Tensor:
        """Return coordinates of this step in the frame of the start, without what the augmentation did."""
        return (coords - self.moved) @ self.turned


def check_sums(sigmas: Sequence[float], sums: Sequence[float]) -> None:
    """Refuse what a denoiser gave at these sigmas, where a sum of it is not finite.

    Raises
    ------
    PomodoroError
    """
    for sigma, total in zip(sigmas, sums):
        if not math.isfinite(total):
            raise PomodoroError(f"the denoiser returned numbers that are not finite at sigma {sigma:.4g}")


class Draws:
    """Random numbers of some samples: `noise.draw.Normals`.

    Those of sample k are the same alone and among others. First is its start noise, then for each
    step its rotation, its shift and its churn, as far as the sampler asks for them.

    Parameters
    ----------
    hierarchy : Hierarchy
    samples : sequence of int
        Numbers of the samples.
    seed : int
    dtype, device
    """

    def __init__(
        self,
        hierarchy: Hierarchy,
        samples: Sequence[int],
        seed: int = 0,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.hierarchy = hierarchy
        self._normals = Normals(seed, samples, hierarchy.n_atoms, device, dtype)

    def noise(self, weights: LevelWeights) -> Tensor:
        """Return noise of unit sigma, shape=(n_samples, n_atoms, 3)."""
        normals = self._normals
        rows = torch.empty(normals.n_frames, 3, self.hierarchy.n_atoms, dtype=normals.dtype, device=normals.device)
        return draw_unit_noise(rows, self.hierarchy, weights, normals).mT

    def rotations(self) -> Tensor:
        """Return uniform rotations, shape=(n_samples, 3, 3): from normal quaternions, Shoemake 1992."""
        q = self._normals.draw(4)
        q = q / q.norm(dim=1, keepdim=True)
        products = (q[:, :, None] * q[:, None]).view(-1, 16)
        identity, factors = _quaternion_map(q.dtype, q.device)
        return (products @ factors).add_(identity).view(-1, 3, 3)

    def shifts(self) -> Tensor:
        """Return random shifts in angstrom, shape=(n_samples, 1, 3)."""
        return SHIFT * self._normals.draw(3)[:, None]


# What products of the parts w, x, y, z of a quaternion stand twice in each entry of its rotation, with their signs.
_PRODUCTS = ("-yy -zz", "+xy -wz", "+xz +wy", "+xy +wz", "-xx -zz", "+yz -wx", "+xz -wy", "+yz +wx", "-xx -yy")


@lru_cache(maxsize=4)
def _quaternion_map(dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the entries of the identity, shape=(9,), and the factors of all products, shape=(16, 9)."""
    factors = torch.zeros(4, 4, 9, dtype=dtype)
    for entry, terms in enumerate(_PRODUCTS):
        for term in terms.split():
            one, other = map("wxyz".index, term[1:])
            factors[one, other, entry] = float(f"{term[0]}2")
    return torch.eye(3, dtype=dtype).flatten().to(device), factors.view(16, 9).to(device)


@torch.no_grad()
def edm_sample(
    denoise: Denoiser,
    hierarchy: Hierarchy,
    weights: LevelWeights,
    sampler: Sampler,
    *,
    samples: int | Sequence[int] = 1,
    seed: int = 0,
    start: Tensor | None = None,
    churn_weights: LevelWeights | None = None,
    multiscale: bool = False,
    gate: float = 0.99,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
    callback: Callable[[Step], object] = lambda step: None,
) -> Tensor:
    """Sample structures by reverse diffusion.

    Parameters
    ----------
    denoise : callable
        ``denoise(x, sigma)`` returns an `Estimate`; of structures about the origin.
    hierarchy : Hierarchy
        On ``device``.
    weights : LevelWeights
        Of the start noise, and of the churn.
    sampler : Sampler
    samples : int or sequence of int
        How many, or the numbers of the wanted ones: sample k has the same random numbers
        alone and among others.
    seed : int
    start : Tensor, shape=(n_atoms, 3) or (n_samples, n_atoms, 3), optional
        What is noised first, angstrom about the origin; None is the origin itself, a cloud. The
        noise of a sample is the same with and without it.
    churn_weights : LevelWeights, optional
        Of the churn where it is to differ, which is wrong but instructive.
    multiscale : bool
        Broadcast residue and chain heads onto the atoms in each evaluation.
    gate : float
        See `estimate.broadcast_heads`.
    dtype, device
    callback : callable
        Called after each step with a `Step`; what it raises ends the run. On devices other than the CPU
        nothing else of a step waits for the device, so that what is not finite is refused in the end, by name of
        the first sigma where it was.

    Returns
    -------
    Tensor, shape=(n_samples, n_atoms, 3)
        Angstrom.

    Raises
    ------
    PomodoroError
        If the start is of another shape or not finite, or the denoiser returns numbers that are not finite.
    """
    draws = Draws(hierarchy, range(samples) if isinstance(samples, int) else samples, seed, dtype=dtype, device=device)
    churn_weights = churn_weights or weights
    sigmas = sampler.sigmas()
    x = draws.noise(weights).mul_(sigmas[0])
    if start is not None:
        if start.shape not in (x.shape, x.shape[1:]) or not bool(start.isfinite().all()):
            raise PomodoroError(
                f"start must be {tuple(x.shape[1:])} or {tuple(x.shape)} finite numbers, not {tuple(start.shape)}"
            )
        x += start.to(x)
    unmoved = torch.eye(3, dtype=dtype, device=device).expand(len(x), 3, 3)
    home = x.new_zeros(len(x), 1, 3)
    turned, moved = unmoved, home
    waits = not is_batched(device)
    evaluated: list[float] = []
    sums = x.new_zeros(2 * sampler.steps)

    def estimate(x: Tensor, sigma: float) -> tuple[Estimate, Tensor]:
        found = denoise(x, sigma)
        atoms = broadcast_heads(found, hierarchy, gate) if multiscale else found.atoms
        total = torch.sum(atoms, (0, 1, 2), out=sums[len(evaluated)])
        if waits:
            check_sums([sigma], [float(total)])
        evaluated.append(sigma)
        return found, atoms

    for number, (sigma, following) in enumerate(zip(sigmas, sigmas[1:]), 1):
        before = len(evaluated)
        centroid = x.mean(-2)
        rotation, shift = unmoved, home
        if sampler.center:
            x, moved = x - centroid[:, None], home
        if sampler.augment:
            rotation, shift = draws.rotations(), draws.shifts()
            x = torch.baddbmm(shift.mT, rotation, x.mT).mT
            turned = rotation @ turned
            moved = shift if moved is home else torch.baddbmm(shift, moved, rotation.mT)
        sigma_hat = sampler.churned(sigma, following)
        if sigma_hat > sigma:
            noise = draws.noise(churn_weights)
            x = torch.add(x, noise, alpha=sampler.churn_scale * math.sqrt(sigma_hat**2 - sigma**2), out=noise)
        found, denoised = estimate(x, sigma_hat)
        noised = superpose(x, denoised, checked=waits).coords if sampler.align else x
        # lerp(x, D, w) is x + w (D - x).
        fraction = sampler.step_scale * (sigma_hat - following) / sigma_hat
        x = torch.lerp(noised, denoised, fraction)
        if sampler.solver == "heun" and following:
            _, ahead = estimate(x, following)
            beyond = sampler.step_scale * (following - sigma_hat) / following
            x = torch.lerp(noised, denoised, fraction / 2).add_(x - ahead, alpha=beyond / 2)
        callback(
            Step(
                number=number,
                steps=sampler.steps,
                sigma=following,
                sigma_hat=sigma_hat,
                coords=x,
                noised=noised,
                denoised=denoised,
                estimate=found,
                centroid=centroid,
                rotation=rotation,
                shift=shift,
                turned=turned,
                moved=moved,
                evaluated=tuple(evaluated[before:]),
                sums=sums[before : len(evaluated)],
            )
        )
    check_sums(evaluated, sums.tolist())
    return x
