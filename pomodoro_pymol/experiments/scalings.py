"""The table of preconditioning: seven columns, level by level, over sigma, and heads that give residue means."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..diffusion.precondition import (
    LEVELS,
    PerLevel,
    Scalings,
    centred_data,
    data_variances,
    degrees_of_freedom,
    edm_scalings,
    level_scalings,
    linear_skip_error,
    noise_variances,
    own_sigma_data,
    residue_noises,
    residue_spreads,
    target_variance,
)
from ..errors import PomodoroError
from ..noise.sigma import SIGMA_DATA
from ..noise.weights import LevelWeights
from ..structure.hierarchy import Hierarchy
from ..survey.rows import COUNTS, DATA
from ..survey.survey_file import is_survey, read_survey
from ..utils.text import counted
from . import outputs
from .denoising import per_level

#: Columns with the translation of the whole in noise and data: a variant, with the sigma_data given or the data's own.
KEPT = ("global", "global own", "levels", "note", "note own")
#: Without it: one sigma and one sigma_data, those of all that is left, and each level its own.
CENTRED = ("centred global", "centred levels")
#: Residue means about their chain's mean, and as they are.
HEADS = ("relative", "absolute")
#: Scalings of a head; the best are those of its own noise and data.
HEAD_COLUMNS = ("global", "global own", "note", "note own", "best")


@dataclass(frozen=True)
class ScalingRow:
    """One column of the table at one sigma, for one level or head.

    Attributes
    ----------
    sigma : float
        Angstrom.
    variant : str
        One of `KEPT` and `CENTRED`; for a head of `HEAD_COLUMNS`.
    level : str
        One of `LEVELS`, or of `HEADS`.
    scalings : Scalings
    noise, data : float
        Variances of the level or head, square angstrom per coordinate.
    target : float
        Variance of what the network is to predict; 1 is ideal.
    error : float
        Mean squared error of ``c_skip x`` alone, square angstrom per coordinate: the level's
        part of the mean over atoms, or a head's mean over residues.
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
        As of `given_data`.

    Raises
    ------
    PomodoroError
        As of `given_data`.
    """
    if not given:
        return data_variances(torch.from_numpy(states), hierarchy), f"measured over {counted(len(states), 'state')}"
    return given_data(given)


def given_data(given: str) -> tuple[PerLevel, str]:
    """Return the variance of the data at each level, square angstrom per coordinate, and where it is from.

    Parameters
    ----------
    given : str
        Standard deviations ``chain:residue:atom``, angstrom, or the file of a survey.

    Raises
    ------
    PomodoroError
        If it is neither three positive numbers nor such a file, or the file cannot be read.
    """
    origin = "given"
    if is_survey(given):
        survey = read_survey(given, (*COUNTS, *DATA))
        deviations = [math.sqrt(level) for level in survey.data_levels()]
        origin = f"of {counted(len(survey.read), survey.row_word)} in {survey.name}"
    else:
        deviations = list(per_level("data", given))
    # Squares of the same numbers, so that a survey and what is printed of it, typed, give the same to the last bit.
    chain, residue, atom = (deviation * deviation for deviation in deviations)
    if not all(0 < level < math.inf for level in (chain, residue, atom)):
        raise PomodoroError(f"data must be positive at each level, not {given}")
    return (chain, residue, atom), origin


def check_data(given: str, *written: str) -> None:
    """Refuse data that are none, and files to write that are the survey they are read from, before any work is done.

    Raises
    ------
    PomodoroError
        As of `given_data`.
    """
    if given:
        given_data(given)
    if is_survey(given):
        outputs.check_apart(written, [given])


def measure_heads(states: np.ndarray, hierarchy: Hierarchy, data: PerLevel, given: str = "") -> tuple[float, float]:
    """Return the data variance of residue means about their chain's and as they are, square angstrom per coordinate.

    Measured as of `residue_spreads`, or where ``data`` are given, as it is for residues of equal size.
    """
    if not given:
        return residue_spreads(torch.from_numpy(states), hierarchy)
    of_chain, of_residue, _ = degrees_of_freedom(hierarchy)
    return of_residue * data[1], of_chain * data[0] + of_residue * data[1]


def scaling_table(
    hierarchy: Hierarchy,
    weights: LevelWeights,
    sigmas: Sequence[float],
    data: PerLevel,
    *,
    sigma_data: float = SIGMA_DATA,
    convention: str = "af3",
) -> list[ScalingRow]:
    """Return the rows sigma by sigma, column by column, level by level; see `level_scalings`.

    A column that needs noise or data where there are none is left out, and of the centred ones
    the chain level of one chain.

    Parameters
    ----------
    hierarchy : Hierarchy
    weights : LevelWeights
    sigmas : sequence of float
        Angstrom.
    data : tuple of float
        As of `data_variances`; the centred columns take `centred_data` of it.
    sigma_data : float
        Angstrom, beside which the data's own stands.
    convention : {"af3", "edm"}
    """
    c, r, _ = weights.shares
    own = own_sigma_data(hierarchy, data)
    rows: list[ScalingRow] = []
    for sigma in sigmas:
        noise = noise_variances(hierarchy, weights, sigma)
        usable = {"levels": all(noise), "note": bool(c and r), "global": True}
        for column in KEPT:
            variant, _, whose = column.partition(" ")
            if usable[variant]:
                scalings = level_scalings(
                    variant,
                    hierarchy,
                    weights,
                    sigma,
                    data=data,
                    sigma_data=own if whose else sigma_data,
                    convention=convention,
                )
                rows += _rows(sigma, column, scalings, noise, data, degrees_of_freedom(hierarchy))
        rows += _centred_rows(hierarchy, weights, sigma, data, convention)
    return rows


def _centred_rows(
    hierarchy: Hierarchy, weights: LevelWeights, sigma: float, data: PerLevel, convention: str
) -> Iterator[ScalingRow]:
    noise, data = noise_variances(hierarchy, weights, sigma, centred=True), centred_data(hierarchy, data)
    freedom = degrees_of_freedom(hierarchy, centred=True)
    v, s = (sum(free * own for free, own in zip(freedom, values)) for values in (noise, data))
    if not (v and s):
        return
    one = edm_scalings(math.sqrt(v), math.sqrt(s), convention)
    yield from _rows(sigma, "centred global", (one,) * 3, noise, data, freedom)
    if all(bool(v) == bool(s) for v, s in zip(noise, data)):
        each = [edm_scalings(math.sqrt(v), math.sqrt(s), convention) if v else one for v, s in zip(noise, data)]
        yield from _rows(sigma, "centred levels", each, noise, data, freedom)


def _rows(
    sigma: float, column: str, scalings: Sequence[Scalings], noise: PerLevel, data: PerLevel, freedom: PerLevel
) -> Iterator[ScalingRow]:
    for level, own, v, s, free in zip(LEVELS, scalings, noise, data, freedom):
        if v or s:
            error = free * linear_skip_error(own, v, s)
            yield ScalingRow(sigma, column, level, own, v, s, target_variance(own, v, s), error)


def head_table(
    hierarchy: Hierarchy,
    weights: LevelWeights,
    sigmas: Sequence[float],
    spreads: tuple[float, float],
    own: float,
    *,
    sigma_data: float = SIGMA_DATA,
    convention: str = "af3",
) -> list[ScalingRow]:
    """Return the rows of heads that give one vector for each residue: its mean about its chain's, and as it is.

    Errors are means over residues, each counting once, not over atoms as in `scaling_table`. A
    head of which nothing moves is left out, and the note's scalings where residues have no weight.

    Parameters
    ----------
    hierarchy, weights, sigmas, sigma_data, convention
        As for `scaling_table`.
    spreads : tuple of float
        Data variance of both: `measure_heads`.
    own : float
        The data's own sigma_data, of all levels: `own_sigma_data`.
    """
    note = math.sqrt(weights.shares[1])
    rows = []
    for sigma in sigmas:
        for head, v, s in zip(HEADS, residue_noises(hierarchy, weights, sigma), spreads):
            if not (v and s):
                continue
            pairs = ((sigma, sigma_data), (sigma, own), (note * sigma, sigma_data), (note * sigma, own),
                     (math.sqrt(v), math.sqrt(s)))  # fmt: skip
            for column, pair in zip(HEAD_COLUMNS, pairs):
                if all(pair):
                    scalings = edm_scalings(*pair, convention)
                    target, error = target_variance(scalings, v, s), linear_skip_error(scalings, v, s)
                    rows.append(ScalingRow(sigma, column, head, scalings, v, s, target, error))
    return rows


def total_errors(rows: Sequence[ScalingRow]) -> dict[tuple[float, str], float]:
    """Return the linear-skip error of all levels together by sigma and column; heads are passed over."""
    totals: dict[tuple[float, str], float] = {}
    for row in rows:
        if row.level in LEVELS:
            totals[row.sigma, row.variant] = totals.get((row.sigma, row.variant), 0.0) + row.error
    return totals
