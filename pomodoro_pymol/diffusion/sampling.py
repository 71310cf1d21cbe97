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
from functools import partial
from operator import attrgetter

import torch
from torch import Tensor

from ..errors import PomodoroError
from ..noise.draw import Normals, draw_unit_noise, is_batched
from ..noise.weights import LevelWeights
from ..structure.hierarchy import Hierarchy
from ..structure.superposition import superpose
from .estimate import Denoiser, Estimate, broadcast_heads
from .pose import Pose, rotations_of
from .precondition import SHIFT
from .samplers import Sampler


@dataclass(frozen=True, eq=False, kw_only=True)
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
    pose : Pose
        What the augmentation did since the start, this step included; to place, since x was last centred.
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
    pose: Pose
    evaluated: tuple[float, ...]
    sums: Tensor

    def taken_back(self, coords: Tensor) -> Tensor:
        """Return coordinates of this step in the frame of the start, without what the augmentation did."""
        return self.pose.taken_back(coords)


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
        """Return uniform rotations, shape=(n_samples, 3, 3)."""
        return rotations_of(self._normals.draw(4))

    def shifts(self) -> Tensor:
        """Return random shifts in angstrom, shape=(n_samples, 1, 3)."""
        return SHIFT * self._normals.draw(3)[:, None]


class _Evaluations:
    """A denoiser as a sampler asks it, and what of each evaluation tells whether all its numbers are finite.

    Parameters
    ----------
    denoise : callable
    to_atoms : callable
        Makes one set of atoms of an `Estimate`.
    sums : Tensor, shape=(n_evaluations,)
        To be filled with the sum of all numbers of each evaluation.
    checked : bool
        Look at each sum at once, which waits for the device.
    """

    def __init__(
        self, denoise: Denoiser, to_atoms: Callable[[Estimate], Tensor], sums: Tensor, *, checked: bool
    ) -> None:
        self.denoise, self.to_atoms, self.sums, self.checked = denoise, to_atoms, sums, checked
        self.sigmas: list[float] = []

    def __call__(self, x: Tensor, sigma: float) -> tuple[Estimate, Tensor]:
        """Return the estimate at ``x``, shape=(n_samples, n_atoms, 3), and the atoms that it makes, of that shape."""
        estimate = self.denoise(x, sigma)
        atoms = self.to_atoms(estimate)
        total = torch.sum(atoms, (0, 1, 2), out=self.sums[len(self.sigmas)])
        if self.checked:
            check_sums([sigma], [float(total)])
        self.sigmas.append(sigma)
        return estimate, atoms


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
    numbers = range(samples) if isinstance(samples, int) else samples
    shape = (len(numbers), hierarchy.n_atoms, 3)
    if start is not None and (start.shape not in (shape, shape[1:]) or not bool(start.isfinite().all())):
        raise PomodoroError(f"start must be {shape[1:]} or {shape} finite numbers, not {tuple(start.shape)}")
    draws = Draws(hierarchy, numbers, seed, dtype=dtype, device=device)
    to_atoms = partial(broadcast_heads, hierarchy=hierarchy, gate=gate) if multiscale else attrgetter("atoms")
    sums = torch.zeros(2 * sampler.steps, dtype=dtype, device=device)
    evaluate = _Evaluations(denoise, to_atoms, sums, checked=not is_batched(device))
    ends = _solve(evaluate, draws, weights, churn_weights or weights, sampler, start, callback)
    check_sums(evaluate.sigmas, sums.tolist())
    return ends


def _solve(
    evaluate: _Evaluations,
    draws: Draws,
    weights: LevelWeights,
    churn_weights: LevelWeights,
    sampler: Sampler,
    start: Tensor | None,
    callback: Callable[[Step], object],
) -> Tensor:
    """Go from noise at the first sigma to the last, step by step as the head of this module writes it."""
    sigmas = sampler.sigmas()
    x = draws.noise(weights).mul_(sigmas[0])
    if start is not None:
        x += start.to(x)
    pose = Pose.of_start(x)
    for number, (sigma, following) in enumerate(zip(sigmas, sigmas[1:]), 1):
        before = len(evaluate.sigmas)
        centroid = x.mean(-2)
        if sampler.center:
            x = x - centroid[:, None]
        if sampler.augment:
            turn = Pose(draws.rotations(), draws.shifts())
            x, pose = turn.applied(x), pose.then(turn, centred=sampler.center)
        sigma_hat = sampler.churned(sigma, following)
        if sigma_hat > sigma:
            noise = draws.noise(churn_weights)
            x = torch.add(x, noise, alpha=sampler.churn_scale * math.sqrt(sigma_hat**2 - sigma**2), out=noise)
        estimate, denoised = evaluate(x, sigma_hat)
        noised = superpose(x, denoised, checked=evaluate.checked).coords if sampler.align else x
        # lerp(x, D, w) is x + w (D - x).
        fraction = sampler.step_scale * (sigma_hat - following) / sigma_hat
        x = torch.lerp(noised, denoised, fraction)
        if sampler.solver == "heun" and following:
            _, ahead = evaluate(x, following)
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
                estimate=estimate,
                centroid=centroid,
                pose=pose,
                evaluated=tuple(evaluate.sigmas[before:]),
                sums=evaluate.sums[before : len(evaluate.sigmas)],
            )
        )
    return x
