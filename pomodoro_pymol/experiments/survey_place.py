"""Where a structure stands in a surveyed data set: number by number, as text, and as CSV."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..diffusion.precondition import LEVELS
from ..structure.atoms import Structure
from ..structure.crops import without_hydrogens
from ..survey.rows import Column, columns, structure_numbers
from ..survey.settings import SurveySettings
from ..survey.summary import summarise
from ..survey.survey_file import Survey
from ..utils.text import aligned, counted, csv_text, formatted

#: Of fewer rows percentiles are told to be coarse.
FEW_ROWS = 20
# Numbers that differ by less are equal, but for rounding: the chain level of one chain is 1 whatever the atoms.
_ALIKE = 1e-9
_QUANTILES = (0.05, 0.5, 0.95)
_WIDTH = 98

# What is printed: in words, of which column, in which form, and to which power of what stands there.
_MEASURED = (
    ("atoms", "n_atoms", ".0f", 1.0),
    ("residues", "n_residues", ".0f", 1.0),
    ("chains", "n_chains", ".0f", 1.0),
    ("radius of gyration, A in space", "rg", "#.4g", 1.0),
    *((f"sd of the {level} level, A per coordinate", f"s_{level}", "#.4g", 0.5) for level in LEVELS),
    ("sd of all levels, A per coordinate", "s_total", "#.4g", 0.5),
)
_EXPECTED = (
    ("residue / atom", "ratio"),
    ("residue / atom, relative", "relative"),
    *((f"start, {level}", f"start_{level}") for level in LEVELS),
)


@dataclass(frozen=True)
class SurveyPlace:
    """A number of a structure among those of a data set.

    Attributes
    ----------
    column : Column
        What it is, and in which unit.
    value : float
        The structure's; nan where it has none, as a score of nothing.
    rows : int
        How many rows have such a number.
    below, equal : int
        How many of them have a lower one, and the same but for rounding.
    low, median, high : float
        5, 50 and 95 % quantiles of theirs; nan of none.
    """

    column: Column
    value: float
    rows: int
    below: int
    equal: int
    low: float
    median: float
    high: float

    @property
    def percentile(self) -> float:
        """Part of the rows below, and half of those that are equal, in percent; nan where there is no number."""
        known = self.rows and math.isfinite(self.value)
        return 100 * (self.below + self.equal / 2) / self.rows if known else math.nan

    @property
    def outside(self) -> bool:
        """Whether the structure's is lower than all or higher than all."""
        return self.percentile in (0, 100)


def comparable(structure: Structure, settings: SurveySettings) -> tuple[Structure, list[str]]:
    """Return the atoms that a survey would have counted, and what is to be told of that.

    Raises
    ------
    PomodoroError
        If there are none but hydrogens, which do not count.
    """
    kept = structure if settings.hydrogens else without_hydrogens(structure)
    n_gone = len(structure) - len(kept)
    told = f"left out: {n_gone} of {counted(len(structure), 'atom')}, hydrogens, as the survey has none"
    return kept, [told] if n_gone else []


def survey_places(structure: Structure, survey: Survey) -> list[SurveyPlace]:
    """Return where a structure stands, a place for each column of a survey that was read whole.

    Parameters
    ----------
    structure : Structure
        Of `comparable`.
    survey : Survey
    """
    numbers = structure_numbers(structure, survey.settings)
    return [_place(column, value, survey.of(column.name)) for column, value in zip(columns(survey.settings), numbers)]


def _place(column: Column, value: float, others: np.ndarray) -> SurveyPlace:
    others = others[np.isfinite(others)]
    low, median, high = np.quantile(others, _QUANTILES).tolist() if len(others) else (math.nan,) * 3
    alike = np.isclose(others, value, rtol=_ALIKE, atol=_ALIKE)
    below = np.count_nonzero((others < value) & ~alike)
    return SurveyPlace(column, float(value), len(others), below, np.count_nonzero(alike), low, median, high)


@dataclass(frozen=True, eq=False)
class SurveyPlaces:
    """A structure in a survey.

    Attributes
    ----------
    name : str
        What the structure is called.
    survey : Survey
        Read whole.
    places : list of SurveyPlace
        As of `survey_places`.
    """

    name: str
    survey: Survey
    places: list[SurveyPlace]

    @cached_property
    def _of(self) -> dict[str, SurveyPlace]:
        """The places by the name of their column."""
        return {place.column.name: place for place in self.places}

    def told(self) -> list[str]:
        """Return what must be told lest the places mislead, a line each."""
        settings, notes, n_rows = self.survey.settings, [], len(self.survey.read)
        if settings.tokens is not None:
            notes.append(
                f"the survey is of crops of at most {counted(settings.tokens, 'residue')}: a whole structure of "
                f"{self._of['n_residues'].value:.0f} is compared with crops"
            )
        if n_rows < FEW_ROWS:
            notes.append(f"percentiles are coarse: of {counted(n_rows, 'row')} each is {100 / n_rows:.0f} %")
        for side, percent in (("below", 0), ("above", 100)):
            words = [words.partition(",")[0] for words, key, *_ in _MEASURED if self._of[key].percentile == percent]
            if words:
                notes.append(f"outside the range of the data set, {side} all of it: {', '.join(words)}")
        return notes

    def sentence(self) -> str:
        """Return in plain words where the structure stands."""
        of = self._of
        parts = [f"residues within their chain than in {_part(of['s_residue'])}"]
        parts.append(f"atoms within their residue than in {_part(of['s_atom'])}")
        if of["n_chains"].value > 1:
            parts.insert(0, f"chains from each other than in {_part(of['s_chain'])}")
        size = of["n_residues"]
        larger = "as large as all" if size.equal == size.rows else f"larger than {_part(size)}"
        text = (
            f"{self.name} is {larger} of {counted(len(self.survey.read), self.survey.row_word)}, by residues. "
            f"Its atoms lie further apart than in {_part(of['s_total'])} of them: {', '.join(parts)}."
        )
        return _filled(text)

    def report(self) -> str:
        """Return a sentence in plain words and a table as ASCII text; not all that was found, which `csv` has."""
        expected = [
            (f"{scheme.name}: {words}", f"{scheme.name}_{part}", ".4f", 1.0)
            for scheme in self.survey.settings.schemes
            for words, part in _EXPECTED
        ]
        cells = [[words, *_cells(self._of[key], form, power)] for words, key, form, power in (*_MEASURED, *expected)]
        lines = aligned([["", "value", "percentile", "5 %", "50 %", "95 %"], *cells])
        n_measured = 1 + len(_MEASURED)
        return "\n".join(
            [
                self.sentence(),
                " percentile: rows below, and half of the equal ones, in percent; 5, 50, 95 %: quantiles of the rows",
                " measured; sd: standard deviation of the data",
                *lines[:n_measured],
                " expected, closed forms; residue / atom: rms of residue means over that of atoms; relative: about",
                " the mean of the chain; start: shares of the loss at the start of training",
                *lines[n_measured:],
            ]
        )

    def csv(self) -> str:
        """Return a row for each column of the survey, in its unit."""
        header = ("column", "unit", "value", "percentile", "quantile_5", "quantile_50", "quantile_95")
        rows = []
        for place in self.places:
            column = place.column
            numbers = (place.value, place.percentile, place.low, place.median, place.high)
            written = (f"{number:.8g}" for number in numbers)
            rows.append([column.name, column.unit, *written, place.rows, column.meaning])
        return csv_text((*header, "rows", "meaning"), rows)

    def figure(self) -> Any:
        """Draw the survey, the structure marked in it; return a ``matplotlib.figure.Figure``."""
        from .survey_figure import survey_figure

        values = {name: place.value for name, place in self._of.items()}
        return survey_figure(self.survey, summarise(self.survey), marks=[(self.name, values)])


def survey_line(survey: Survey) -> str:
    """Return what the rows of a survey are, and how many of its files have none."""
    n_failed = len(survey.path) - len(survey.read)
    failed = f", and {counted(n_failed, 'file')} not read" if n_failed else ""
    return _filled(f"{counted(len(survey.read), 'row')}{failed}: {survey.settings}")


def _filled(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent=" ", subsequent_indent=" ")


def _part(place: SurveyPlace) -> str:
    """Return how much of the data set is below, in words that are true."""
    if place.below in (0, place.rows):
        return "all" if place.below else "none"
    return f"{min(max(round(100 * place.below / place.rows), 1), 99)} %"


def _cells(place: SurveyPlace, form: str, power: float) -> list[str]:
    value, low, median, high = (
        formatted(number**power, form) for number in (place.value, place.low, place.median, place.high)
    )
    return [value, formatted(place.percentile, ".1f"), low, median, high]
