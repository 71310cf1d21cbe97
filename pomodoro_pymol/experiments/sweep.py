"""One unit draw over z: where each scheme loses the structure."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..noise.draw import draw_unit_noise, frame_generator
from ..noise.expected import expected_levels
from ..noise.levels import Levels
from ..noise.metrics import CA_CA_DISTANCE
from ..noise.sigma import sigma_from_z, z_from_sigma
from ..noise.statistics import LevelStatistics, residue_sums
from ..noise.weights import LevelWeights, Scheme
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy
from ..structure.quality import QualityReference
from ..utils.devices import resolve_device

#: Calpha lDDT under which the fold is called lost.
LDDT_LOST = 0.5


@dataclass(frozen=True)
class SweepPoint:
    """One scheme at one z, over all frames.

    Attributes
    ----------
    z, sigma : float
        Sigma in angstrom.
    scheme : Scheme
    measured, expected : Levels
        Angstrom per coordinate.
    lddt, contacts, outliers : float
        Calpha lDDT, fraction of native contacts, fraction of bonds off their length.
    """

    z: float
    sigma: float
    scheme: Scheme
    measured: Levels
    expected: Levels
    lddt: float
    contacts: float
    outliers: float


@dataclass(frozen=True)
class Loss:
    """The z at which a scheme loses structure.

    Attributes
    ----------
    scheme : Scheme
    residue : float
        Residues reach 3.8 angstrom relative to their chain, closed form; nan where they do
        not move.
    residue_measured : float
        The same as drawn.
    lddt : float
        Calpha lDDT falls under 0.5, interpolated between the z of the sweep; nan where it
        does not in between.
    """

    scheme: Scheme
    residue: float
    residue_measured: float
    lddt: float


def run_sweep(
    structure: Structure,
    hierarchy: Hierarchy,
    schemes: Sequence[Scheme],
    z_values: Sequence[float],
    *,
    frames: int = 1,
    seed: int = 0,
    device: str = "cpu",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[SweepPoint]:
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
    progress : callable
        Called with the number of measurements done and to do: one for each draw, z and scheme.

    Returns
    -------
    list of SweepPoint
        Scheme by scheme, z by z.
    """
    on = resolve_device(device)
    reference = QualityReference.from_structure(structure, hierarchy)
    coords = torch.from_numpy(structure.coords)
    there = hierarchy.to(on)
    points = []
    for number, scheme in enumerate(schemes):
        statistics = LevelStatistics(hierarchy)
        quality = np.zeros((len(z_values), 3))
        for frame in range(frames):
            unit = torch.empty(3, hierarchy.n_atoms, device=on)
            draw_unit_noise(unit, there, scheme.weights, frame_generator(seed, frame, on))
            statistics.add(residue_sums(unit.T, there)[None])
            unit = unit.cpu().T
            for place, z in enumerate(z_values, 1):
                found = reference.measure((coords + sigma_from_z(z) * unit)[None])
                quality[place - 1] += (found.ca_lddt.item(), found.native_contacts.item(), found.bond_outliers.item())
                done = (number * frames + frame) * len(z_values) + place
                progress(done, len(schemes) * frames * len(z_values))
        for z, (lddt, contacts, outliers) in zip(z_values, (quality / frames).tolist()):
            sigma = sigma_from_z(z)
            measured = statistics.scaled(sigma).levels()
            expected = expected_levels(hierarchy, scheme.weights, sigma)
            points.append(SweepPoint(z, sigma, scheme, measured, expected, lddt, contacts, outliers))
    return points


def sweep_frames(
    structure: Structure, hierarchy: Hierarchy, weights: LevelWeights, z_values: Sequence[float], seed: int = 0
) -> Iterator[torch.Tensor]:
    """Yield the structure at each z, shape=(n_atoms, 3), angstrom: the first draw of a sweep."""
    unit = torch.empty(3, hierarchy.n_atoms)
    draw_unit_noise(unit, hierarchy, weights, frame_generator(seed, 0))
    coords = torch.from_numpy(structure.coords)
    for z in z_values:
        yield coords + sigma_from_z(z) * unit.T


def losses(points: Sequence[SweepPoint]) -> list[Loss]:
    """Return where each scheme of a sweep loses the structure."""
    found = []
    for scheme in dict.fromkeys(point.scheme for point in points):
        curve = [point for point in points if point.scheme == scheme]
        z = np.array([point.z for point in curve])
        lddt = np.array([point.lddt for point in curve])
        found.append(
            Loss(
                scheme,
                _z_of_displacement(curve[0].expected.residue_relative / curve[0].sigma),
                _z_of_displacement(curve[0].measured.residue_relative / curve[0].sigma),
                _first_crossing(z, lddt, LDDT_LOST),
            )
        )
    return found


def sweep_text(points: Sequence[SweepPoint]) -> str:
    """Return the comparison of the schemes as aligned ASCII text."""
    width = max(12, *(len(point.scheme.name) + 2 for point in points))
    lines = [
        " z at which structure is lost",
        f" {'scheme':{width}}{'residues at 3.8 A':>19}{'as drawn':>10}{'CA lDDT < 0.5':>15}",
    ]
    for loss in losses(points):
        numbers = (loss.residue, loss.residue_measured, loss.lddt)
        cells = ["n/a" if np.isnan(number) else f"{number:.2f}" for number in numbers]
        lines.append(f" {loss.scheme.name:{width}}{cells[0]:>19}{cells[1]:>10}{cells[2]:>15}")
    return "\n".join(lines)


def sweep_csv(points: Sequence[SweepPoint]) -> str:
    """Return the sweep as CSV, one row per scheme and z."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    levels = ("atom", "residue", "chain", "residue_relative", "ratio")
    writer.writerow(
        [
            *("z", "sigma", "scheme"),
            *(f"{name}{suffix}" for suffix in ("", "_expected") for name in levels),
            *("ca_lddt", "native_contacts", "bond_outliers"),
        ]
    )
    for point in points:
        numbers = [getattr(side, name) for side in (point.measured, point.expected) for name in levels]
        numbers += [point.lddt, point.contacts, point.outliers]
        labels = [f"{point.z:.6g}", f"{point.sigma:.6g}", point.scheme.name]
        writer.writerow(labels + [f"{number:.6g}" for number in numbers])
    return file.getvalue()


def _z_of_displacement(per_sigma: float) -> float:
    return z_from_sigma(CA_CA_DISTANCE / per_sigma) if per_sigma > 0 else float("nan")


def _first_crossing(z: np.ndarray, values: np.ndarray, level: float) -> float:
    """The first z at which ``values`` falls under ``level``, by linear interpolation."""
    below = np.flatnonzero(values < level)
    if not len(below) or below[0] == 0:
        return float("nan")
    after = below[0]
    fraction = (values[after - 1] - level) / (values[after - 1] - values[after])
    return float(z[after - 1] + fraction * (z[after] - z[after - 1]))
