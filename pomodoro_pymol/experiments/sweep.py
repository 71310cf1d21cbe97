"""One unit draw over z: where each scheme loses the structure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import torch
from scipy import special
from torch import Tensor

from ..errors import PomodoroError
from ..noise.expected import expected_levels
from ..noise.levels import Levels
from ..noise.metrics import CA_CA_DISTANCE
from ..noise.scores import SCORE_LOST, expected_score, z_at_score
from ..noise.sigma import AF3_LAW, LawOfSigma
from ..noise.statistics import LevelStatistics
from ..noise.weights import LevelWeights, Scheme
from ..structure.atoms import Structure
from ..structure.distances import LocalDistances
from ..structure.hierarchy import Hierarchy
from ..structure.quality import QualityReference
from ..utils.devices import device_name, device_notes, recorded_device
from ..utils.text import counted
from . import sweep_table
from .drawing import Drawing, choose_device, draw_units

# Frames measured at once.
_TOGETHER = 5


@dataclass(frozen=True)
class Compared:
    """One number: its closed form, and as drawn with the 95 % interval of that; nan ends for one frame."""

    expected: float
    measured: float
    low: float
    high: float


@dataclass(frozen=True)
class Scores:
    """Local scores of a structure, 0 .. 1; see `noise.scores`.

    Attributes
    ----------
    ca_lddt : float
        Of Calpha atoms, pooled over their pairs.
    ca_lddt_residue_mean : float
        The mean over residues instead.
    within_residues, between_residues : float
        Of all heavy atoms, pooled over the pairs of one residue, of different residues.
    """

    ca_lddt: float
    ca_lddt_residue_mean: float
    within_residues: float
    between_residues: float


@dataclass(frozen=True)
class SweepPoint:
    """One scheme at one z, over all frames.

    Attributes
    ----------
    z, sigma : float
        Sigma in angstrom per coordinate.
    scheme : Scheme
    measured, expected : Levels
        Angstrom per coordinate.
    relative, neighbors : Compared
        Rms displacement in space, angstrom: of residues relative to their chain, and of
        residues that follow each other in a chain relative to each other.
    scores, expected_scores : Scores
        Means over the frames, of which that between residues is not measured (nan), and
        closed forms.
    contacts, outliers : float
        Fraction of native contacts, fraction of bonds off their length.
    lddt_of_frames : tuple of float
        Calpha lDDT, pooled over pairs, of each frame.
    """

    z: float
    sigma: float
    scheme: Scheme
    measured: Levels
    expected: Levels
    relative: Compared
    neighbors: Compared
    scores: Scores
    expected_scores: Scores
    contacts: float
    outliers: float
    lddt_of_frames: tuple[float, ...]


@dataclass(frozen=True)
class Loss:
    """The z at which a scheme loses structure; nan where it does not.

    Attributes
    ----------
    scheme : Scheme
    relative, neighbors : Compared
        Residues are displaced 3.8 angstrom in space relative to their chain; those that
        follow each other in a chain, relative to each other.
    lddt : Compared
        Calpha lDDT, pooled over pairs, falls to 0.5. As drawn: interpolated between the z
        of the sweep.
    within : Compared
        The same of the heavy atoms within residues; without an interval.
    between : float
        The same between residues, closed form.
    """

    scheme: Scheme
    relative: Compared
    neighbors: Compared
    lddt: Compared
    within: Compared
    between: float


@dataclass(frozen=True)
class Sweep:
    """Schemes over z.

    Attributes
    ----------
    points : list of SweepPoint
        Scheme by scheme, z by z.
    losses : list of Loss
        Scheme by scheme.
    law : LawOfSigma
        From z to sigma.
    device : str
        Where the noise was drawn.
    note : str
        What did not go as asked for, if anything.
    """

    points: list[SweepPoint]
    losses: list[Loss]
    law: LawOfSigma = AF3_LAW
    device: str = "cpu"
    note: str = ""

    def told(self) -> list[str]:
        """Return what is to be told beside the numbers, a line each."""
        return device_notes(self.device, self.note)

    def report(self) -> str:
        """Return the comparison of the schemes as ASCII text."""
        return sweep_table.sweep_text(self)

    def csv(self) -> str:
        """Return a row per scheme and z."""
        return sweep_table.sweep_csv(self.points)

    def figure(self) -> Any:
        """Draw the schemes over z; return a ``matplotlib.figure.Figure``."""
        from .figures import sweep_figure

        return sweep_figure(self)


def run_sweep(
    structure: Structure,
    hierarchy: Hierarchy,
    schemes: Sequence[Scheme],
    z_values: Sequence[float],
    *,
    frames: int = 1,
    seed: int = 0,
    device: str = "cpu",
    law: LawOfSigma = AF3_LAW,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Sweep:
    """Measure each scheme at each z; every z scales the same unit noise.

    Parameters
    ----------
    structure : Structure
    hierarchy : Hierarchy
        Of the same atoms.
    schemes : sequence of Scheme
    z_values : sequence of float
    frames : int
        Draws to average over.
    seed : int
    device : str
    law : LawOfSigma
    progress : callable
        Called with the number of measurements done and to do: one for each draw, z and scheme.
    """
    on, note = choose_device(device, hierarchy.n_atoms)
    sigmas = [law.sigma(z) for z in z_values]
    expected, halves = _expected(structure, hierarchy, schemes, sigmas, law)
    reference = QualityReference.from_structure(structure, hierarchy)
    coords, points = torch.from_numpy(structure.coords), []
    done, total = count(1), len(schemes) * frames * len(sigmas)
    for number, scheme in enumerate(schemes):
        drawing = draw_units(hierarchy, scheme.weights, frames, seed=seed, device=on)
        statistics = LevelStatistics(hierarchy)
        scores = []
        for unit in _one_by_one(drawing, statistics):
            scores.append(_scores(reference, coords, unit, sigmas, lambda: progress(next(done), total)))
        quality = np.stack(scores, axis=1)
        for place, (z, sigma) in enumerate(zip(z_values, sigmas)):
            points.append(_point(z, sigma, scheme, statistics, expected[scheme][place], quality[:, :, place]))
        if number and drawing.device != on:
            raise PomodoroError(f"the GPU ran out of memory after {counted(number, 'scheme')}: use device=cpu")
        on, note = drawing.device, drawing.note or note
    return Sweep(points, losses(points, halves, law), law, device_name(on), note)


def _scores(
    reference: QualityReference, coords: Tensor, unit: Tensor, sigmas: Sequence[float], tell: Callable[[], None]
) -> np.ndarray:
    """Return the numbers of `Quality` of one draw at each sigma, shape=(5, n_sigmas); ``tell`` is called after each."""
    found = []
    for start in range(0, len(sigmas), _TOGETHER):
        some = torch.tensor(sigmas[start : start + _TOGETHER], dtype=unit.dtype)
        found.append([*vars(reference.measure(coords + some[:, None, None] * unit)).values()])
        for _ in some:
            tell()
    return np.concatenate(found, axis=1)


def _point(
    z: float, sigma: float, scheme: Scheme, unit: LevelStatistics, expected_scores: Scores, quality: np.ndarray
) -> SweepPoint:
    """Return a point from the statistics of the unit draws and their scores at this sigma, shape=(5, n_frames)."""
    here = unit.scaled(sigma)
    measured, expected = here.levels(), expected_levels(unit.hierarchy, scheme.weights, sigma)
    sides = (expected, measured, *here.interval())
    lddt, lddt_mean, within, contacts, outliers = quality.mean(1).tolist()
    return SweepPoint(
        z=z,
        sigma=sigma,
        scheme=scheme,
        measured=measured,
        expected=expected,
        relative=Compared(*(math.sqrt(3) * side.residue_relative for side in sides)),
        neighbors=Compared(*(math.sqrt(3) * side.neighbor for side in sides)),
        scores=Scores(lddt, lddt_mean, within, math.nan),
        expected_scores=expected_scores,
        contacts=contacts,
        outliers=outliers,
        lddt_of_frames=tuple(quality[0].tolist()),
    )


def _one_by_one(drawing: Drawing, statistics: LevelStatistics) -> Iterator[Tensor]:
    """Yield each frame, shape=(n_atoms, 3); the statistics take them in."""
    for block, squares in drawing:
        for part in squares:
            statistics.add_squares(part)
        yield from block


def sweep_frames(
    structure: Structure,
    hierarchy: Hierarchy,
    weights: LevelWeights,
    z_values: Sequence[float],
    seed: int = 0,
    law: LawOfSigma = AF3_LAW,
    device: str = "cpu",
) -> Iterator[Tensor]:
    """Yield the structure at each z, shape=(n_atoms, 3), angstrom: the first draw of a sweep on a device."""
    ((block, _),) = draw_units(hierarchy, weights, 1, seed=seed, device=recorded_device(device))
    unit = block[0].clone()
    coords = torch.from_numpy(structure.coords)
    for z in z_values:
        yield coords + law.sigma(z) * unit


def losses(
    points: Sequence[SweepPoint], halves: Mapping[Scheme, Sequence[float]], law: LawOfSigma = AF3_LAW
) -> list[Loss]:
    """Return where each scheme of a sweep loses the structure.

    Parameters
    ----------
    points : sequence of SweepPoint
    halves : mapping of Scheme to (float, float, float)
        The z at which the expected score of Calpha atoms, within residues and between them
        is 0.5, over all pairs.
    law : LawOfSigma
    """
    found = []
    for scheme in dict.fromkeys(point.scheme for point in points):
        curve = [point for point in points if point.scheme == scheme]
        z = np.array([point.z for point in curve])
        first, (half_ca, half_within, half_between) = curve[0], halves[scheme]
        within = np.array([point.scores.within_residues for point in curve])
        found.append(
            Loss(
                scheme,
                _z_of_displacement(first.relative, first.sigma, law),
                _z_of_displacement(first.neighbors, first.sigma, law),
                _z_of_lddt(z, np.array([point.lddt_of_frames for point in curve]), half_ca),
                Compared(half_within, _first_crossing(z, within, SCORE_LOST), math.nan, math.nan),
                half_between,
            )
        )
    return found


def _expected(
    structure: Structure, hierarchy: Hierarchy, schemes: Sequence[Scheme], sigmas: Sequence[float], law: LawOfSigma
) -> tuple[dict[Scheme, list[Scores]], dict[Scheme, list[float]]]:
    """Return the expected scores at each sigma, and the z at which those over all pairs are 0.5."""
    kinds = (
        (LocalDistances.of_calphas, ("structure", "residue_mean")),
        (LocalDistances.within_residues, ("structure",)),
        (LocalDistances.between_residues, ("structure",)),
    )
    curves: dict[Scheme, list[list[float]]] = {scheme: [] for scheme in schemes}
    halves: dict[Scheme, list[float]] = {scheme: [] for scheme in schemes}
    for make, means in kinds:
        distances = make(structure, hierarchy)
        for scheme in curves:
            for mean in means:
                curves[scheme].append([expected_score(distances, scheme.weights, sigma, mean) for sigma in sigmas])
            halves[scheme].append(z_at_score(distances, scheme.weights, SCORE_LOST, law=law))
        del distances  # before the next kind is counted: they are large
    return {scheme: [Scores(*values) for values in zip(*curve)] for scheme, curve in curves.items()}, halves


def _jackknife_interval(value: Callable[[Any], float], frames: np.ndarray) -> np.ndarray:
    """Return the ends of the 95 % interval of a value of the mean over frames, the last axis; nan for one frame."""
    n = frames.shape[-1]
    if n < 2:
        return np.full(2, np.nan)
    left_out = (frames.sum(-1, keepdims=True) - frames) / (n - 1)
    values = [value(left_out[..., frame]) for frame in range(n)]
    width = special.stdtrit(n - 1, 0.975) * np.std(values) * np.sqrt(n - 1)
    return value(frames.mean(-1)) + np.array([-width, width])


def _z_of_displacement(rms: Compared, sigma: float, law: LawOfSigma) -> Compared:
    """Return the z at which a displacement, given at one sigma, is that of consecutive alpha carbons."""
    expected, measured, high, low = (
        law.z(CA_CA_DISTANCE * sigma / value) if value > 0 else math.nan
        for value in (rms.expected, rms.measured, rms.low, rms.high)
    )
    return Compared(expected, measured, low, high)


def _z_of_lddt(z: np.ndarray, frames: np.ndarray, expected: float) -> Compared:
    """Compare the z at which lDDT is lost with that of the frames, shape=(n_z, n_frames)."""

    def crossing(mean: np.ndarray) -> float:
        return _first_crossing(z, mean, SCORE_LOST)

    low, high = _jackknife_interval(crossing, frames)
    return Compared(expected, crossing(frames.mean(-1)), float(low), float(high))


def _first_crossing(z: np.ndarray, values: np.ndarray, level: float) -> float:
    """The first z at which ``values`` falls under ``level``, by linear interpolation."""
    below = np.flatnonzero(values < level)
    if not len(below) or below[0] == 0:
        return float("nan")
    after = below[0]
    fraction = (values[after - 1] - level) / (values[after - 1] - values[after])
    return float(z[after - 1] + fraction * (z[after] - z[after - 1]))
