"""The table of preconditioning: three variants, level by level, over sigma."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..diffusion.choices import VARIANTS
from ..diffusion.precondition import (
    LEVELS,
    PerLevel,
    Scalings,
    data_variances,
    degrees_of_freedom,
    level_scalings,
    linear_skip_error,
    noise_variances,
    target_variance,
)
from ..errors import PomodoroError
from ..noise.sigma import AF3_LAW, SIGMA_DATA, LawOfSigma
from ..noise.weights import LevelWeights
from ..structure.hierarchy import Hierarchy
from ..utils.text import counted
from .denoising import per_level


@dataclass(frozen=True)
class ScalingRow:
    """One variant at one sigma, for one level.

    Attributes
    ----------
    sigma : float
        Angstrom.
    variant, level : str
    scalings : Scalings
    noise, data : float
        Variances of the level, square angstrom per coordinate.
    target : float
        Variance of what the network is to predict; 1 is ideal.
    error : float
        The level's part of the mean squared error of ``c_skip x`` alone, square angstrom.
    """

    sigma: float
    variant: str
    level: str
    scalings: Scalings
    noise: float
    data: float
    target: float
    error: float


def measure_data(states: np.ndarray, hierarchy: Hierarchy, given: str = "") -> tuple[PerLevel, str]:
    """Return the variance of the data at each level, square angstrom per coordinate, and where it is from.

    Parameters
    ----------
    states : ndarray, shape=(n_states, n_atoms, 3)
        Angstrom; measured where nothing is given.
    hierarchy : Hierarchy
    given : str
        Standard deviations ``chain:residue:atom``, angstrom.

    Raises
    ------
    PomodoroError
        If what is given is not three positive numbers.
    """
    if not given:
        return data_variances(torch.from_numpy(states), hierarchy), f"measured over {counted(len(states), 'state')}"
    chain, residue, atom = (value**2 for value in per_level("data", given))
    if not all((chain, residue, atom)):
        raise PomodoroError(f"data must be positive at each level, not {given}")
    return (chain, residue, atom), "given"


def scaling_table(
    hierarchy: Hierarchy,
    weights: LevelWeights,
    sigmas: Sequence[float],
    data: PerLevel,
    *,
    sigma_data: float = SIGMA_DATA,
    convention: str = "af3",
) -> list[ScalingRow]:
    """Return the rows sigma by sigma, variant by variant, level by level; see `level_scalings`.

    A variant that needs noise where the weights have none is left out.
    """
    c, r, _ = weights.shares
    rows = []
    for sigma in sigmas:
        noise = noise_variances(hierarchy, weights, sigma)
        usable = {"levels": all(noise), "note": bool(c and r), "global": True}
        for variant in filter(usable.__getitem__, VARIANTS):
            scalings = level_scalings(
                variant, hierarchy, weights, sigma, data=data, sigma_data=sigma_data, convention=convention
            )
            for level, own, v, s, free in zip(LEVELS, scalings, noise, data, degrees_of_freedom(hierarchy)):
                error = free * linear_skip_error(own, v, s)
                rows.append(ScalingRow(sigma, variant, level, own, v, s, target_variance(own, v, s), error))
    return rows


def total_errors(rows: Sequence[ScalingRow]) -> dict[tuple[float, str], float]:
    """Return the linear-skip error of all levels together by sigma and variant."""
    totals: dict[tuple[float, str], float] = {}
    for row in rows:
        totals[row.sigma, row.variant] = totals.get((row.sigma, row.variant), 0.0) + row.error
    return totals


def scaling_text(rows: Sequence[ScalingRow]) -> str:
    """Return the table as aligned ASCII text."""
    lines = [
        " sigma and c_out in A, c_in in 1/A, error in A^2, all per coordinate",
        f" {'sigma':>8} {'variant':8}{'level':8}{'c_skip':>8}{'c_out':>9}{'c_in':>9}{'c_noise':>9}"
        f"{'target var':>12}{'error':>11}",
    ]
    totals = total_errors(rows)
    for row in rows:
        own = row.scalings
        lines.append(
            f" {row.sigma:>8.4g} {row.variant:8}{row.level:8}{own.c_skip:>8.4f}{own.c_out:>9.4g}{own.c_in:>9.4g}"
            f"{own.c_noise:>9.4f}{row.target:>12.4g}{row.error:>11.4g}"
        )
        if row.level == LEVELS[-1]:
            lines.append(f" {'':8} {row.variant:8}{'all':8}{'':47}{totals[row.sigma, row.variant]:>11.4g}")
    return "\n".join(lines)


def scaling_csv(rows: Sequence[ScalingRow], law: LawOfSigma = AF3_LAW) -> str:
    """Return the table as CSV, with the z that ``law`` gives each sigma."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    scalings = ("c_skip", "c_out", "c_in", "c_noise")
    numbers = ("noise", "data", "target", "error")
    variances = ("noise_variance_per_coordinate", "data_variance_per_coordinate", "target_variance")
    labels = ("z", "sigma_per_coordinate", "variant", "level")
    writer.writerow([*labels, *scalings, *variances, "squared_error_per_coordinate"])
    for row in rows:
        values = [getattr(row.scalings, name) for name in scalings] + [getattr(row, name) for name in numbers]
        level = [f"{law.z(row.sigma):.6g}", f"{row.sigma:.6g}", row.variant, row.level]
        writer.writerow(level + [f"{value:.6g}" for value in values])
    return file.getvalue()
