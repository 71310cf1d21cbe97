"""A sampling run as a command asks for it: parameters and arrays in, states and curves out.

Nothing here knows PyMOL, so that a worker thread can run it: what the callback raises
ends a run.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..diffusion.curves import StepCurves, StepRecord, curves_text
from ..diffusion.network import Network
from ..diffusion.sampling import Step, edm_sample
from ..noise.weights import FLAT
from ..parameters.catalogue import SampleParameters
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy
from ..structure.superposition import superpose
from ..utils.devices import compute_device
from ..utils.text import counted
from .denoising import build_model


@dataclass(frozen=True, eq=False)
class SampleResult:
    """What a sampling run made.

    Attributes
    ----------
    parameters : SampleParameters
    source : str
        Name of the structure.
    model : str
        What denoised.
    frames : Tensor, shape=(n_samples, n_kept, n_atoms, 3)
        The kept steps, float32 on the CPU, angstrom, on the source: the augmentation is
        undone, and where the pose is free, each sample is moved as one so that its end
        lies on the truth.
    kept : list of tuple
        Step number and sigma after it of each kept step.
    levels : list of float
        The sigma at which each kept step denoised, angstrom per coordinate.
    denoised : Tensor, shape=(n_samples, n_kept, n_atoms, 3), or None
        What the denoiser returned for the noised state that each kept step began with, moved as its frame is;
        with ``keep=denoised``.
    records : list of StepRecord
        The curves, a record per step.
    nearest : list of int
        State of the data that is nearest to the end of each sample, from 1.
    distance : list of float
        Its rms distance per coordinate, angstrom.
    entropy : float
        Of the numbers of samples per state, nats.
    seconds : float
        Per step, of all samples, curves included.
    device : str
    notes : tuple of str
        What to know of what denoised.
    """

    parameters: SampleParameters
    source: str
    model: str
    frames: Tensor
    kept: list[tuple[int, float]]
    levels: list[float]
    denoised: Tensor | None
    records: list[StepRecord]
    nearest: list[int]
    distance: list[float]
    entropy: float
    n_states: int
    seconds: float
    device: str
    notes: tuple[str, ...] = ()

    def titles(self, sample: int) -> list[str]:
        """Return the titles of the states of a sample's object, samples counted from 0."""
        seed, steps = self.parameters.seed, self.parameters.settings.steps
        tail = f"sample {sample + 1} seed={seed}"
        return [f"sigma={sigma:.4g} A per coordinate step {number}/{steps} {tail}" for number, sigma in self.kept]

    def denoised_titles(self, sample: int) -> list[str]:
        """Return the titles of the denoised estimates of a sample, samples counted from 0; sigma is what they saw."""
        seed, steps = self.parameters.seed, self.parameters.settings.steps
        tail = f"sample {sample + 1} seed={seed}"
        return [
            f"denoised estimate at sigma={level:.4g} A per coordinate step {number}/{steps} {tail}"
            for (number, _), level in zip(self.kept, self.levels)
        ]

    def final_titles(self) -> list[str]:
        """Return the titles of an object of all samples' ends."""
        seed = self.parameters.seed
        return [
            f"sample {number} seed={seed} nearest state {state} at {distance:.3g} A per coordinate"
            for number, (state, distance) in enumerate(zip(self.nearest, self.distance), 1)
        ]

    def report(self) -> str:
        """Return the curves and the ends as aligned ASCII text."""
        settings = self.parameters.settings
        chain, residue, atom = self.parameters.weights.shares
        ends = [f" rms distance to the structure at the end: at most {max(self.distance):.3g} A per coordinate"]
        if self.n_states > 1:
            expected = expected_entropy(self.n_states, len(self.nearest))
            ends = [
                f" states reached: {len(set(self.nearest))} of {self.n_states}, rms distance at the end at most "
                f"{max(self.distance):.3g} A per coordinate",
                f" entropy over states {self.entropy:.3f} nats, expected {expected:.3f} if all are equally likely",
            ]
        lines = [
            f" {self.parameters.sampler}: {settings.solver}, {counted(settings.steps, 'step')}, "
            f"{_levels_text(settings.sigmas())}, "
            f"{settings.churn_by} {getattr(settings, settings.churn_by):g}, step scale {settings.step_scale:g}",
            f" weights as shares: chain {chain:.3f}, residue {residue:.3f}, atom {atom:.3f}; churn: "
            f"{self.parameters.churn}",
            f" denoiser: {self.model}",
            *(f" note: {note}" for note in self.notes),
            curves_text(self.records),
            *ends,
            f" {self.seconds:.4f} s per step on {self.device}, curves included",
        ]
        return "\n".join(lines)


def _levels_text(sigmas: Sequence[float]) -> str:
    """Return where noise levels begin and end."""
    levels = [sigma for sigma in sigmas if sigma]
    ends = " .. ".join(f"{sigma:.4g}" for sigma in dict.fromkeys((levels[0], levels[-1])))
    return f"sigma {ends} A per coordinate" + (", then 0" if len(levels) < len(sigmas) else "")


def expected_entropy(n_states: int, n_samples: int) -> float:
    """Return the expected entropy of the counts of ``n_samples`` draws among equally likely states, nats."""
    log_p, log_q = -math.log(n_states), math.log1p(-1 / n_states) if n_states > 1 else 0.0
    total = 0.0
    for count in range(1, n_samples + 1):
        if n_states == 1 and count < n_samples:
            continue
        ways = math.lgamma(n_samples + 1) - math.lgamma(count + 1) - math.lgamma(n_samples - count + 1)
        share = count / n_samples
        total -= n_states * math.exp(ways + count * log_p + (n_samples - count) * log_q) * share * math.log(share)
    return total


def run_sample(
    structure: Structure,
    states: np.ndarray,
    parameters: SampleParameters,
    on_step: Callable[[StepRecord, Step], object] = lambda record, step: None,
    *,
    network: Network | None = None,
) -> SampleResult:
    """Sample by reverse diffusion, from an ensemble or one structure as data.

    Parameters
    ----------
    structure : Structure
        The truth of the curves, and the labels.
    states : ndarray, shape=(n_states, n_atoms, 3)
        The data, angstrom, of the same atoms; ``parameters.state`` is the truth.
    parameters : SampleParameters
        With ``state`` resolved, from 1.
    on_step : callable
        Called after each step with its `StepRecord` and its `Step`; what it raises ends
        the run. ``step.coords`` are about the centroid of the data, in the sampler's frame.
    network : callable, optional
        In the place of the parameters' file: as for `NetworkDenoiser`, a module of torch above all.

    Raises
    ------
    PomodoroError
        If the device is absent, the denoiser refuses, or returns what is not finite.
    """
    settings, weights = parameters.settings, parameters.weights
    device = compute_device(parameters.device)
    labels = Hierarchy.from_structure(structure)
    hierarchy = labels.to(device)
    free = parameters.free_pose
    model = build_model(states, labels, weights, parameters, state=parameters.state, free_pose=free, network=network)
    truth = torch.from_numpy(structure.coords.astype(np.float64) - model.origin).float().to(device)
    curves = StepCurves(hierarchy, truth, superposed=free)
    shape = (parameters.samples, len(structure))
    film = _Film(parameters.kept_steps(), shape, bool(settings.center), bool(parameters.keep))

    def follow(step: Step) -> None:
        film.add(step)
        on_step(curves(step), step)

    start = time.perf_counter()
    ends = edm_sample(
        model.denoise,
        hierarchy,
        weights,
        settings,
        samples=parameters.samples,
        seed=parameters.seed,
        churn_weights=FLAT if parameters.churn == "flat" else weights,
        multiscale=bool(parameters.multiscale),
        gate=parameters.gate,
        device=device,
        callback=follow,
    )
    seconds = (time.perf_counter() - start) / settings.steps
    nearest, distance = _nearest(ends, model.members, free)
    if len(model.members) == 1:
        nearest = [parameters.state] * len(nearest)
    shares = np.unique(nearest, return_counts=True)[1] / len(nearest)
    frames, denoised = film.laid_on(truth if free else None, torch.from_numpy(model.origin).float())
    return SampleResult(
        parameters=parameters,
        source=structure.name,
        model=model.label,
        frames=frames,
        kept=film.kept,
        levels=film.levels,
        denoised=denoised,
        records=curves.records,
        nearest=nearest,
        distance=distance,
        entropy=float((shares * np.log(1 / shares)).sum()),
        n_states=len(model.members),
        seconds=seconds,
        device=str(device),
        notes=model.notes,
    )


class _Film:
    """Keeps chosen steps on the CPU, and their denoised estimates where asked to, with the augmentation undone."""

    def __init__(self, wanted: Sequence[int], shape: tuple[int, int], centred: bool, estimates: bool) -> None:
        samples, n_atoms = shape
        self.kept: list[tuple[int, float]] = []
        self.levels: list[float] = []
        self._wanted = wanted
        self._centred = centred
        self._frames = torch.empty(samples, len(wanted), n_atoms, 3)
        self._denoised = torch.empty_like(self._frames) if estimates else None
        self._turned: Tensor | None = None
        self._moved: Tensor | None = None

    def add(self, step: Step) -> None:
        # Undone, x is (x - shift) rotation; centring starts anew, else shifts add up.
        before = self._turned
        self._turned = step.rotation if before is None else step.rotation @ before
        if self._moved is None or self._centred:
            self._moved = step.shift
        else:
            self._moved = self._moved @ step.rotation.mT + step.shift
        if step.number in self._wanted:
            self._frames[:, len(self.kept)] = (step.coords - self._moved) @ self._turned
            if self._denoised is not None:
                self._denoised[:, len(self.kept)] = (step.denoised - self._moved) @ self._turned
            self.kept.append((step.number, step.sigma))
            self.levels.append(step.noise_level)

    def laid_on(self, truth: Tensor | None, origin: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return frames and estimates, each of shape=(n_samples, n_kept, n_atoms, 3), about ``origin``.

        Each sample's end is laid on ``truth``, and its other frames and its estimates move as it does.
        """
        stacks = [self._frames] if self._denoised is None else [self._frames, self._denoised]
        for number, sample in enumerate(self._frames):
            if truth is not None:
                fit = superpose(sample[-1], truth.cpu())
                for stack in stacks:
                    for frame in stack[number]:
                        frame.copy_(frame @ fit.rotation.mT + fit.translation)
            for stack in stacks:
                stack[number] += origin
        return self._frames, self._denoised


def _nearest(ends: Tensor, members: Tensor, free: bool) -> tuple[list[int], list[float]]:
    """Return the nearest member of each sample, from 1, and its rms distance per coordinate."""
    found = []
    for end in ends:
        laid = superpose(members, end).coords if free else members
        square = (laid - end).square().mean((1, 2))
        found.append((int(square.argmin()) + 1, float(square.min().sqrt())))
    return [state for state, _ in found], [distance for _, distance in found]
