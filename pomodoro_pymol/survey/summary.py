"""What the rows of a survey say together: spreads, how they depend on length, and the scalings that follow.

Means are over structures or crops, each counting once, in the order of the rows. No sum depends on the
number of threads, so that the same rows give the same numbers to the last bit.

Intervals are those of the percentile bootstrap (Efron and Tibshirani 1993, chapter 13). Files are drawn,
not rows, since crops of one file are not independent. An interval says how well so many files tell the
spread of the population that they are a sample of; it knows nothing of how they were chosen. Where spreads
are skewed, as those of structures are, intervals of few files are too narrow: of a log-normal population
they held the truth in 91 % of cases with 30 files, 94 % with 100 and 95 % with 400.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..diffusion.budget import level_law
from ..diffusion.precondition import LEVELS, PerLevel, Scalings, edm_scalings
from ..errors import PomodoroError
from ..noise.sigma import LawOfSigma
from ..noise.weights import Scheme
from .rows import COUNTS, DATA, Column, columns
from .survey_file import Survey

#: Numbers of residues at which a new group by length begins; the first group begins at 1.
LENGTHS = (64, 128, 256, 384, 512, 768)
#: Of the quantiles of each number.
PROBABILITIES = (0.05, 0.25, 0.5, 0.75, 0.95)
#: Where scalings are told, if the survey has no z.
Z = (-1.0, 0.0, 1.0)
RESAMPLES = 1000
_SEED = 0
_BLOCK = 1 << 20  # numbers drawn at a time, at most; a single draw of more files is not divided


@dataclass(frozen=True)
class Bounded:
    """A number and its 95 % interval, whose ends are nan where there are fewer than two files."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Group:
    """The spread of some rows, taken together.

    Attributes
    ----------
    name : str
        Such as ``64-127``, numbers of residues, or the kind of the crops.
    n_rows, n_files : int
    total : Bounded
        sigma_data, angstrom per coordinate: the root of the mean of s_total.
    levels : tuple of Bounded
        The same of chain, residue and atom level, per degree of freedom: roots of `Survey.data_levels`.
    """

    name: str
    n_rows: int
    n_files: int
    total: Bounded
    levels: tuple[Bounded, Bounded, Bounded]


@dataclass(frozen=True)
class Quantiles:
    """How a number varies over rows.

    Attributes
    ----------
    column : Column
    count : int
        Rows that have it.
    values : tuple of float
        At `PROBABILITIES`; nan where no row has it.
    """

    column: Column
    count: int
    values: tuple[float, ...]


@dataclass(frozen=True)
class SchemeSummary:
    """A scheme's noise on the data set.

    Attributes
    ----------
    scheme : Scheme
    noise : tuple of float
        Variance of chain, residue and atom level over sigma^2, mean over rows; 0 where there is none.
    p_mean : tuple of float
        Of the law of each level's noise; nan without noise.
    scalings : tuple
        At each of `Summary.sigmas` those of chain, residue and atom level, by the level's own noise and data;
        None without noise.
    """

    scheme: Scheme
    noise: PerLevel
    p_mean: PerLevel
    scalings: tuple[tuple[Scalings | None, ...], ...]


@dataclass(frozen=True)
class Failure:
    """Files that were not read, for the same reason.

    Attributes
    ----------
    reason : str
        Of the first file, FILE in place of its name.
    count : int
    example : str
        Path of the first file.
    """

    reason: str
    count: int
    example: str


@dataclass(frozen=True)
class Summary:
    """What a survey says.

    Attributes
    ----------
    name : str
        Of the file.
    n_files, n_read : int
        Files in all, and those that were read.
    all : Group
        All rows.
    by_length, by_cropping : tuple of Group
        By number of residues; by kind of crop, where there are two.
    slope : Bounded
        Of ln(sigma_data) of single rows over ln(number of residues); nan where all are of one length.
    quantiles : tuple of Quantiles
    law : LawOfSigma
    z, sigmas : tuple of float
        At which scalings are given; sigma in angstrom per coordinate.
    one : tuple of Scalings or None
        At each of ``sigmas``, of one sigma and the data set's own sigma_data.
    schemes : tuple of SchemeSummary
    failures : tuple of Failure
        The most frequent reason first.
    """

    name: str
    n_files: int
    n_read: int
    all: Group
    by_length: tuple[Group, ...]
    by_cropping: tuple[Group, ...]
    slope: Bounded
    quantiles: tuple[Quantiles, ...]
    law: LawOfSigma
    z: tuple[float, ...]
    sigmas: tuple[float, ...]
    one: tuple[Scalings | None, ...]
    schemes: tuple[SchemeSummary, ...]
    failures: tuple[Failure, ...]

    @property
    def typed(self) -> str:
        """Standard deviations of the levels, angstrom, as ``data=chain:residue:atom`` takes them, with all digits."""
        return ":".join(repr(level.value) for level in self.all.levels)


def summarise(survey: Survey) -> Summary:
    """Return what the rows of a survey say together.

    Parameters
    ----------
    survey : Survey
        With all its columns.

    Raises
    ------
    PomodoroError
        If its law has no finite sigma at its z.
    """
    settings = survey.settings
    z = settings.z or Z
    try:
        sigmas = tuple(settings.law.sigma(value) for value in z)
    except OverflowError:
        raise PomodoroError(f"{survey.name} has a z at which {settings.law} is beyond all numbers") from None
    whole = group("all", survey)
    kinds = np.unique(survey.cropping[survey.read]).tolist()
    data = whole.total.value**2, *(level.value**2 for level in whole.levels)
    return Summary(
        survey.name,
        len(np.unique(survey.path)),
        whole.n_files,
        whole,
        tuple(_by_length(survey)),
        tuple(group(kind, survey.where(survey.cropping == kind)) for kind in kinds if len(kinds) > 1),
        _slope(survey),
        tuple(_quantiles(survey)),
        settings.law,
        z,
        sigmas,
        tuple(_scalings(sigma**2, data[0]) for sigma in sigmas),
        tuple(_scheme(survey, scheme, data[1:], sigmas) for scheme in settings.schemes),
        _failures(survey),
    )


def group(name: str, survey: Survey, resamples: int = RESAMPLES) -> Group:
    """Return the spread of all rows of a survey that were read."""
    total, squares, freedom = survey.of("s_total"), survey.squares().T, survey.freedom().T
    n_files, draws = bootstrap([np.ones_like(total), total, *squares, *freedom], survey.path[survey.read], resamples)
    deviations = [np.sqrt(draws[1] / draws[0])]
    for square, free in zip(draws[2:5], draws[5:]):
        # As `precondition.per_freedom`: 1 where a level has none.
        deviations.append(np.sqrt(np.divide(square, free, out=np.ones_like(square), where=free > 0)))
    values = math.sqrt(total.mean()), *(math.sqrt(level) for level in survey.data_levels())
    whole, chain, residue, atom = (_bounded(*pair, n_files) for pair in zip(values, deviations))
    return Group(name, len(total), n_files, whole, (chain, residue, atom))


def bootstrap(values: Sequence[np.ndarray], files: np.ndarray, resamples: int = RESAMPLES) -> tuple[int, np.ndarray]:
    """Return sums over files drawn with replacement, as many as there are.

    The random numbers are the same in every call.

    Parameters
    ----------
    values : sequence of ndarray, shape=(n_rows,)
    files : ndarray, shape=(n_rows,)
        The file of each row; rows of one file are drawn together.
    resamples : int
        How often so many files are drawn.

    Returns
    -------
    n_files : int
    sums : ndarray, shape=(n_values, resamples)
    """
    names, place = np.unique(files, return_inverse=True)
    count = len(names)
    of_file = np.stack([np.bincount(place, value, count) for value in values])
    random, block, sums = np.random.default_rng(_SEED), max(1, _BLOCK // count), []
    for start in range(0, resamples, block):
        n = min(block, resamples - start)
        drawn = random.integers(count, size=(n, count)) + count * np.arange(n)[:, None]
        times = np.bincount(drawn.ravel(), minlength=n * count).reshape(n, count).astype(float)
        # By einsum, since a library of linear algebra would add in an order that depends on its threads.
        sums.append(np.einsum("vf,nf->vn", of_file, times))
    return count, np.concatenate(sums, axis=1)


def _bounded(value: float, draws: np.ndarray, n_files: int) -> Bounded:
    """Return a number with the interval of its draws."""
    low, high = np.quantile(draws, (0.025, 0.975)).tolist() if n_files > 1 else (math.nan, math.nan)
    return Bounded(float(value), low, high)


def _by_length(survey: Survey) -> list[Group]:
    """Return the groups by number of residues that have rows."""
    length, found = survey.numbers["n_residues"], []
    for low, high in zip((1, *LENGTHS), (*LENGTHS, math.inf)):
        chosen = (length >= low) & (length < high)
        if chosen.any():
            name = f"{low}-{high - 1}" if high < math.inf else f"{low} and more"
            found.append(group(name, survey.where(chosen)))
    return found


def _slope(survey: Survey) -> Bounded:
    """Return the slope of the least-squares line of ln(sigma_data) over ln(n_residues), each row counting once."""
    lengths = np.log(survey.of("n_residues"))
    if np.ptp(lengths) == 0 or not survey.of("s_total").all():
        return Bounded(math.nan, math.nan, math.nan)
    x, y = lengths - lengths.mean(), np.log(survey.of("s_total")) / 2
    sums = [np.ones_like(x), x, y - y.mean(), x * (y - y.mean()), x**2]
    n_files, draws = bootstrap(sums, survey.path[survey.read])

    def slope(n: np.ndarray, x: np.ndarray, y: np.ndarray, xy: np.ndarray, xx: np.ndarray) -> np.ndarray:
        """Return the slopes of lines by the sums over their points, nan where all points are of one x."""
        below = n * xx - x**2
        return np.divide(n * xy - x * y, below, out=np.full_like(below, np.nan), where=below > 1e-9 * n**2)

    drawn = slope(*draws)
    (value,) = slope(*(np.array([part.sum()]) for part in sums)).tolist()
    return _bounded(value, drawn[np.isfinite(drawn)], n_files if np.isfinite(drawn).any() else 1)


def _quantiles(survey: Survey) -> list[Quantiles]:
    """Return how each column varies, but for variances of noise; variances of data as standard deviations."""
    settings, found = survey.settings, []
    noises = {f"{scheme.name}_noise_{level}" for scheme in settings.schemes for level in LEVELS}
    for number, column in enumerate(columns(settings)):
        values = survey.of(column.name)
        if len(COUNTS) < number < len(COUNTS) + len(DATA):
            level = column.name.removeprefix("s_")
            column = Column(f"sigma_data_{level}", "angstrom per coordinate", f"sigma_data of one, {level}")
            values = np.sqrt(values)
        elif column.name in noises:
            continue
        values = values[np.isfinite(values)]
        at = np.quantile(values, PROBABILITIES).tolist() if len(values) else [math.nan] * len(PROBABILITIES)
        found.append(Quantiles(column, len(values), tuple(at)))
    return found


def _scheme(survey: Survey, scheme: Scheme, data: Sequence[float], sigmas: Sequence[float]) -> SchemeSummary:
    """Return the noise of a scheme, and scalings by the data variances of the levels, square angstrom."""
    means = (float(survey.of(f"{scheme.name}_noise_{level}").mean()) for level in LEVELS)
    chain, residue, atom = (mean if 0 < mean < math.inf else 0.0 for mean in means)
    noise = (chain, residue, atom)
    of_chain, of_residue, of_atom = (level_law(survey.settings.law, v).p_mean if v else math.nan for v in noise)
    scalings = tuple(tuple(_scalings(v * sigma**2, s) for v, s in zip(noise, data)) for sigma in sigmas)
    return SchemeSummary(scheme, noise, (of_chain, of_residue, of_atom), scalings)


def _scalings(noise: float, data: float) -> Scalings | None:
    """Return the scalings for variances of noise and data, None where either is 0."""
    return edm_scalings(math.sqrt(noise), math.sqrt(data)) if noise and data else None


def _failures(survey: Survey) -> tuple[Failure, ...]:
    """Return the reasons, of which those that differ only in the name of the file or in numbers are one."""
    found: dict[str, Failure] = {}
    for path, error in zip(survey.path, survey.error):
        if error:
            reason = error.replace(path, "FILE").replace(Path(path).name or path, "FILE") if path else error
            key = re.sub(r"\d+", "#", reason)
            first = found.get(key, Failure(reason, 0, path))
            found[key] = Failure(first.reason, first.count + 1, first.example)
    return tuple(sorted(found.values(), key=lambda failure: (-failure.count, failure.reason)))
