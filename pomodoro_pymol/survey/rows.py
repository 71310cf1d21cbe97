"""The rows of one file: what is measured of a structure or its crops, and what noise does to it, in closed form.

No number has a formula of its own here: each comes from the function that a command prints it from. A file with
its rows is a `Reading`, which goes from process to process, and into the journal, as a line of JSON.
"""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from ..diffusion.budget import LevelVariances, shares_of, start_losses
from ..diffusion.precondition import LEVELS, data_variances, noise_variances, own_sigma_data
from ..io.read import read_structure
from ..noise.expected import expected_levels
from ..noise.gauge import GaugeMoments, level_gauge
from ..noise.scores import TOLD_SCORES, expected_score
from ..structure.atoms import Structure
from ..structure.crops import crops, without_hydrogens
from ..structure.hierarchy import Hierarchy
from .settings import SurveySettings

#: Whole numbers, which come first.
COUNTS = ("n_atoms", "n_residues", "n_chains")
#: What is measured of the coordinates, after the counts; see `columns`.
DATA = ("rg", "s_chain", "s_residue", "s_atom", "s_total")
_GAUGE = ("translation", "rotation", "between", "within")
# By name, in the order of `TOLD_SCORES`.
_SCORES = {
    "ca_lddt": "Calpha lDDT, mean over residues",
    "within_residues": "lDDT of pairs of heavy atoms of one residue",
    "between_residues": "lDDT of pairs of heavy atoms of different residues",
}

_VARIANCE = "square angstrom per coordinate"
_SHARE = "share of 1"
_LOSS = "expected part of the loss at the start of training"


@dataclass(frozen=True)
class Column:
    """A column of numbers.

    Attributes
    ----------
    name, unit, meaning : str
    """

    name: str
    unit: str
    meaning: str


@dataclass(frozen=True)
class Row:
    """A structure or crop, or a file that could not be read.

    Attributes
    ----------
    cropping : str
        "whole", or of `crops.CROPPINGS`; "" where the file was not read.
    crop : int
        From 1 for each kind; 0 where there are no crops.
    error : str
        Why the file was not read; "" where it was.
    numbers : sequence of float
        In the order of `columns`; none where the file was not read.
    """

    cropping: str
    crop: int
    error: str
    numbers: Sequence[float] = ()


@dataclass(frozen=True)
class Reading:
    """A file with its rows, and what reading it cost.

    Attributes
    ----------
    path : str
    size : int
        Bytes on disk; 0 where it could not be found out.
    seconds : float
        Wall-clock time from opening the file to its last row.
    peak : int
        Peak memory of the process that read it, bytes; 0 where it could not be found out.
    rows : sequence of Row
        One or more.
    line : str
        The line that it was read from, kept so that `to_line` need not make it anew; "" where it was not.
    """

    path: str
    size: int
    seconds: float
    peak: int
    rows: Sequence[Row]
    line: str = field(default="", compare=False, repr=False)

    @property
    def failed(self) -> bool:
        """Whether it was not read."""
        return bool(self.rows[0].error)

    def to_line(self) -> str:
        """Return a line of ASCII text; numbers come back bit for bit."""
        if self.line:
            return self.line
        rows = [[row.cropping, row.crop, row.error, *row.numbers] for row in self.rows]
        return json.dumps([self.path, self.size, self.seconds, self.peak, rows])

    @classmethod
    def from_line(cls, line: str) -> Reading:
        """Return what `to_line` made.

        Raises
        ------
        ValueError
            If it is anything else.
        """
        try:
            path, size, seconds, peak, rows = json.loads(line)
            found = [Row(cropping, crop, error, array("d", numbers)) for cropping, crop, error, *numbers in rows]
            return cls(path, size, seconds, peak, tuple(found), line.rstrip("\n"))
        except (TypeError, RecursionError):
            raise ValueError("it is no reading of a file") from None


def unread(path: str, size: int, seconds: float, peak: int, reason: str) -> Reading:
    """Return the reading of a file that could not be read."""
    return Reading(path, size, seconds, peak, (Row("", 0, reason),))


def columns(settings: SurveySettings) -> list[Column]:
    """Return the columns of numbers, in the order of `structure_numbers`."""
    found = [
        Column("n_atoms", "", "atoms"),
        Column("n_residues", "", "residues; a ligand or an ion is one"),
        Column("n_chains", "", "chains; a ligand or an ion is one"),
        Column("rg", "angstrom in space", "radius of gyration, each atom counting alike"),
        *(Column(f"s_{level}", _VARIANCE, f"measured variance of the data at the {level} level") for level in LEVELS),
        Column("s_total", _VARIANCE, "measured variance of the data, all levels together"),
    ]
    for scheme in settings.schemes:
        name = scheme.name
        found += [
            Column(f"{name}_ratio", "", "expected rms of residue means over that of atoms"),
            Column(
                f"{name}_relative", "", "expected rms of residue means over that of atoms, about their chain's mean"
            ),
            *(
                Column(f"{name}_noise_{level}", "", f"expected variance of the noise at the {level} level over sigma^2")
                for level in LEVELS
            ),
            *(Column(f"{name}_{part}", _SHARE, f"expected share of the noise, {part}") for part in _GAUGE),
            *(Column(f"{name}_start_{level}", _SHARE, f"{_LOSS}, {level} level") for level in LEVELS),
            *(Column(f"{name}_aligned_{level}", _SHARE, f"{_LOSS}, aligned, {level} level") for level in LEVELS),
            *(
                Column(f"{name}_{score}_z{_word(z)}", "0 .. 1", f"expected {meaning}, at z={_word(z)}")
                for z in settings.z
                for score, meaning in _SCORES.items()
            ),
        ]
    return found


def _word(z: float) -> str:
    """Return a number with all of its digits, so that no two make columns of one name."""
    return repr(float(z)).removesuffix(".0")


def file_rows(path: str | Path, settings: SurveySettings) -> list[Row]:
    """Return the rows of a file, of its first model.

    Raises
    ------
    PomodoroError
        As of `read_structure`.
    """
    structure = read_structure(path)
    if not settings.hydrogens:
        structure = without_hydrogens(structure)
    return list(structure_rows(structure, settings))


def structure_rows(structure: Structure, settings: SurveySettings) -> Iterator[Row]:
    """Yield the row of a structure, or those of its crops, with whatever hydrogens it has."""
    if settings.tokens is None:
        yield Row("whole", 0, "", structure_numbers(structure, settings))
        return
    kinds, count, seed = settings.croppings, settings.crops, settings.seed
    for crop in crops(structure, settings.tokens, kinds=kinds, count=count, seed=seed):
        yield Row(crop.kind, crop.number, "", structure_numbers(crop.structure, settings))


def structure_numbers(structure: Structure, settings: SurveySettings) -> tuple[float, ...]:
    """Return the numbers of a structure in the order of `columns`, with whatever hydrogens it has."""
    hierarchy = Hierarchy.from_structure(structure)
    state = torch.from_numpy(structure.coords)
    data = data_variances(state[None], hierarchy)
    arms = state.double() - state.double().mean(0)
    rg = math.sqrt(float(arms.square().sum(1).mean()))
    numbers: list[float] = [hierarchy.n_atoms, hierarchy.n_residues, hierarchy.n_chains]
    numbers += [rg, *data, own_sigma_data(hierarchy, data) ** 2]
    gauge, moments = level_gauge(structure.coords, hierarchy), GaugeMoments.of(structure.coords, hierarchy)
    scores = list(_scores(structure, hierarchy, settings))
    for place, scheme in enumerate(settings.schemes):
        levels = expected_levels(hierarchy, scheme.weights)
        split = moments.split(scheme.weights)
        variances = LevelVariances.of(hierarchy, scheme.weights, data, gauge)
        start, aligned = (shares_of(start_losses(variances, settings.law, aligned=after)) for after in (False, True))
        numbers += [float(levels.ratio), float(levels.ratio_relative)]
        numbers += noise_variances(hierarchy, scheme.weights, 1.0)
        numbers += [getattr(split, part) for part in _GAUGE]
        numbers += [*start, *aligned]
        numbers += [kind[place][at] for at in range(len(settings.z)) for kind in scores]
    return tuple(numbers)


def _scores(structure: Structure, hierarchy: Hierarchy, settings: SurveySettings) -> Iterator[list[list[float]]]:
    """Yield the scores of each kind, scheme by scheme, at each z."""
    if not settings.z:
        return
    for make, mean in TOLD_SCORES:
        distances = make(structure, hierarchy)
        yield [
            [expected_score(distances, scheme.weights, settings.law.sigma(z), mean) for z in settings.z]
            for scheme in settings.schemes
        ]
        del distances  # before the next kind is counted: they are large
