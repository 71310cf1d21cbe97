"""A sampling run as a command asks for it: parameters and arrays in, states and curves out.

Nothing here knows PyMOL, so that a worker thread can run it: what the callback raises
ends a run.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..diffusion.curves import StepCurves, StepRecord, curves_csv, curves_text
from ..diffusion.network import Network
from ..diffusion.sampling import Step, edm_sample
from ..diffusion.start import data_spread, least_sigma
from ..noise.weights import FLAT
from ..parameters.catalogue import SampleParameters
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy
from ..structure.singular import proper_svd
from ..structure.superposition import superpose
from ..utils.devices import device_name, is_full
from ..utils.text import counted
from .denoising import InPieces, PreparedDenoiser, left_to_cpu, prepare_denoiser

# Numbers of samples, and of members, that are compared at once.
_TOGETHER = 1 << 21


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
    sigma_hats : list of float
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
    from_start : list of float
        Rms distance per coordinate of the end of each sample from the structure that it started from, laid on it
        where the pose is free, angstrom; empty where it started from noise.
    spread : float
        Of the data about their centroid, rms per coordinate, angstrom.
    least_sigma : float
        From which on samples may start from noise alone, angstrom per coordinate: `diffusion.start.least_sigma`.
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
    sigma_hats: list[float]
    denoised: Tensor | None
    records: list[StepRecord]
    nearest: list[int]
    distance: list[float]
    from_start: list[float]
    spread: float
    least_sigma: float
    entropy: float
    n_states: int
    seconds: float
    device: str
    notes: tuple[str, ...] = ()

    def titles(self, sample: int) -> list[str]:
        """Return the titles of the states of a sample's object, samples counted from 0."""
        steps, tail = self.parameters.settings.steps, self._which(sample + 1)
        return [f"sigma={sigma:.4g} A per coordinate step {number}/{steps} {tail}" for number, sigma in self.kept]

    def denoised_titles(self, sample: int) -> list[str]:
        """Return the titles of the denoised estimates of a sample, samples counted from 0; sigma is what they saw."""
        steps, tail = self.parameters.settings.steps, self._which(sample + 1)
        return [
            f"denoised estimate at sigma={sigma_hat:.4g} A per coordinate step {number}/{steps} {tail}"
            for (number, _), sigma_hat in zip(self.kept, self.sigma_hats)
        ]

    def final_titles(self) -> list[str]:
        """Return the titles of an object of all samples' ends."""
        return [
            f"{self._which(number)} nearest state {state} at {distance:.3g} A per coordinate"
            for number, (state, distance) in enumerate(zip(self.nearest, self.distance), 1)
        ]

    def _which(self, number: int) -> str:
        """Return which sample it is, and what it started from if not from noise."""
        parameters = self.parameters
        started = f" from state {parameters.state}" if parameters.start == "structure" else ""
        return f"sample {number} seed={parameters.seed}{started}"

    @property
    def note(self) -> str:
        """A note where samples start from noise that is too small, else empty."""
        sigma = self.parameters.settings.sigma_max
        if self.parameters.start == "structure" or sigma >= self.least_sigma:
            return ""
        enough = ""
        if math.isfinite(self.least_sigma):
            enough = f", or a sigma_max of at least {_rounded_up(self.least_sigma):g} A"
        return (
            f"sampling starts at sigma {sigma:.4g} A per coordinate from a cloud at the centroid, which lacks the "
            f"data's own spread of {self.spread:.3g} A per coordinate: give start=structure{enough}"
        )

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
                *self._return_lines(),
                f" entropy over states {self.entropy:.3f} nats, expected {expected:.3f} if all are equally likely",
            ]
        lines = [
            *([f" note: {self.note}"] if self.note else []),
            f" {self.parameters.sampler}: {settings.solver}, {counted(settings.steps, 'step')}, "
            f"{_levels_text(settings.sigmas())}, "
            f"{settings.churn_by} {getattr(settings, settings.churn_by):g}, step scale {settings.step_scale:g}",
            f" weights as shares: chain {chain:.3f}, residue {residue:.3f}, atom {atom:.3f}; churn: "
            f"{self.parameters.churn}",
            *self._start_lines(),
            f" denoiser: {self.model}",
            *(f" note: {note}" for note in self.notes),
            curves_text(self.records),
            *ends,
            f" {self.seconds:.4f} s per step on {self.device}, curves included",
        ]
        return "\n".join(lines)

    def csv(self) -> str:
        """Return the curves as CSV, a row per step."""
        return curves_csv(self.records)

    def figure(self) -> Any:
        """Draw the curves; return a ``matplotlib.figure.Figure``."""
        from .figures import curves_figure

        return curves_figure(self.records, self.n_states)

    def _return_lines(self) -> list[str]:
        """Return how far from the structure that they started from the samples ended, if from any."""
        if not self.from_start:
            return []
        back = self.nearest.count(self.parameters.state)
        return [
            f" back at their start, state {self.parameters.state}: {back} of {counted(len(self.nearest), 'sample')}; "
            f"rms distance to it {np.mean(self.from_start):.3g} A per coordinate on average, "
            f"at most {max(self.from_start):.3g}"
        ]

    def _start_lines(self) -> list[str]:
        """Return what was noised, if anything, and what it is of the variance that the samples start with."""
        if self.parameters.start == "noise":
            return []
        sigma = self.parameters.settings.sigma_max
        share = self.spread**2 / (self.spread**2 + sigma**2)
        return [
            f" start: state {self.parameters.state} with noise of sigma {sigma:.4g} A per coordinate added; "
            f"{100 * share:.3g} % of the variance is the structure's"
        ]


def _rounded_up(value: float) -> float:
    """Return a positive number with two digits that is not less."""
    place = 1 - math.floor(math.log10(value))
    return math.ceil(value * 10**place) / 10**place


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
        the run. Where the memory of a device does not suffice on the way, the run begins again on the CPU,
        from step 1. ``step.coords`` are about the centroid of the data, in the sampler's frame.
    network : callable, optional
        In the place of the parameters' file: as for `NetworkDenoiser`, a module of torch above all.

    Raises
    ------
    PomodoroError
        If the device is absent, the denoiser refuses, or returns what is not finite.
    """
    labels = Hierarchy.from_structure(structure)
    prepared = prepare_denoiser(
        states, labels, parameters.weights, parameters, state=parameters.state, network=network, structure=structure
    )
    try:
        return _sampled(structure, labels, prepared, parameters, on_step)
    except Exception as error:
        if not is_full(error) or prepared.on_cpu is None:
            raise
        on_cpu, device = prepared.on_cpu, prepared.members.device
    del prepared
    return _sampled(structure, labels, left_to_cpu(on_cpu, device), parameters, on_step)


def _sampled(
    structure: Structure,
    labels: Hierarchy,
    prepared: PreparedDenoiser,
    parameters: SampleParameters,
    on_step: Callable[[StepRecord, Step], object],
) -> SampleResult:
    settings, weights = parameters.settings, parameters.weights
    device = prepared.members.device
    hierarchy = labels.to(device)
    any_pose = parameters.known_pose != "fixed"
    denoise = InPieces(prepared.denoise)
    truth = torch.from_numpy(structure.coords.astype(np.float64) - prepared.origin).float().to(device)
    curves = StepCurves(hierarchy, truth, any_pose=any_pose)
    shape = (parameters.samples, len(structure))
    trajectory = _Trajectory(parameters.kept_steps(), shape, bool(parameters.keep))

    def follow(step: Step) -> None:
        """Measure a step, keep it where it is wanted, and tell of it."""
        record = curves(step)
        trajectory.add(step)
        on_step(record, step)

    start = time.perf_counter()
    ends = edm_sample(
        denoise,
        hierarchy,
        weights,
        settings,
        samples=parameters.samples,
        seed=parameters.seed,
        start=truth if parameters.start == "structure" else None,
        churn_weights=FLAT if parameters.churn == "flat" else weights,
        multiscale=bool(parameters.multiscale),
        gate=parameters.gate,
        device=device,
        callback=follow,
    )
    seconds = (time.perf_counter() - start) / settings.steps
    nearest, distance = _nearest(ends, prepared.members, any_pose)
    if len(prepared.members) == 1:
        nearest = [parameters.state] * len(nearest)
    spread = data_spread(prepared.members, hierarchy)
    from_start = _nearest(ends, truth[None], any_pose)[1] if parameters.start == "structure" else []
    shares = np.unique(nearest, return_counts=True)[1] / len(nearest)
    frames, denoised = trajectory.laid_on(truth if any_pose else None, torch.from_numpy(prepared.origin).float())
    return SampleResult(
        parameters=parameters,
        source=structure.name,
        model=prepared.label,
        frames=frames,
        kept=trajectory.kept,
        sigma_hats=trajectory.sigma_hats,
        denoised=denoised,
        records=curves.records,
        nearest=nearest,
        distance=distance,
        from_start=from_start,
        spread=math.sqrt(sum(spread)),
        least_sigma=least_sigma(spread, hierarchy, weights),
        entropy=float((shares * np.log(1 / shares)).sum()),
        n_states=len(prepared.members),
        seconds=seconds,
        device=device_name(device),
        notes=tuple(note for note in (*prepared.notes, denoise.note("samples", device)) if note),
    )


class _Trajectory:
    """Keeps chosen steps on the CPU, and their denoised estimates where asked to, with the augmentation undone."""

    def __init__(self, wanted: Sequence[int], shape: tuple[int, int], estimates: bool) -> None:
        samples, n_atoms = shape
        self.kept: list[tuple[int, float]] = []
        self.sigma_hats: list[float] = []
        self._wanted = wanted
        self._frames = torch.empty(samples, len(wanted), n_atoms, 3)
        self._denoised = torch.empty_like(self._frames) if estimates else None

    def add(self, step: Step) -> None:
        if step.number in self._wanted:
            self._frames[:, len(self.kept)] = step.taken_back(step.coords)
            if self._denoised is not None:
                self._denoised[:, len(self.kept)] = step.taken_back(step.denoised)
            self.kept.append((step.number, step.sigma))
            self.sigma_hats.append(step.sigma_hat)

    def laid_on(self, truth: Tensor | None, origin: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return frames and estimates, each of shape=(n_samples, n_kept, n_atoms, 3), about ``origin``.

        Each sample's end is laid on ``truth``, and its other frames and its estimates move as it does.
        """
        stacks = [self._frames] if self._denoised is None else [self._frames, self._denoised]
        if truth is not None:
            fit = superpose(self._frames[:, -1], truth.cpu())
            for stack in stacks:
                for frames in stack.unbind(1):
                    frames.copy_(torch.baddbmm(fit.translation, frames, fit.rotation.mT))
        for stack in stacks:
            stack += origin
        return self._frames, self._denoised


def _nearest(ends: Tensor, members: Tensor, any_pose: bool) -> tuple[list[int], list[float]]:
    """Return the nearest member of each sample, from 1, and its rms distance per coordinate."""
    size = max(1, _TOGETHER // (3 * members.shape[1]))
    rows = [[_square_distances(some, of, any_pose) for of in members.split(size)] for some in ends.split(size)]
    square, place = torch.cat([torch.cat(row, 1) for row in rows]).min(1)
    return (place + 1).tolist(), square.clamp(min=0).sqrt().tolist()


def _square_distances(ends: Tensor, members: Tensor, any_pose: bool) -> Tensor:
    """Return mean square distances per coordinate, the members laid on the ends in any pose, (n_ends, n_members).

    In float64, as differences of squares.
    """
    one, other = ends.double(), members.double()
    if any_pose:
        one, other = (coords - coords.mean(1, keepdim=True) for coords in (one, other))
    n_atoms = one.shape[1]
    if any_pose and n_atoms > 2:
        moments = one.mT.reshape(-1, n_atoms) @ other.mT.reshape(-1, n_atoms).T
        shared = proper_svd(moments.view(len(one), 3, -1, 3).transpose(1, 2))[1].sum(-1)
    else:
        shared = one.flatten(1) @ other.flatten(1).T
    squares = one.square().sum((1, 2))[:, None] + other.square().sum((1, 2))
    return (squares - 2 * shared) / (3 * n_atoms)
