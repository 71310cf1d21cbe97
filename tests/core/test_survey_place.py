"""Where a structure stands in a survey: places by a plain loop, words that are true, notes, and the CSV."""

import csv
import io
import math
import re
from dataclasses import replace

import numpy as np
import pytest

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.experiments.survey_place import (
    FEW_ROWS,
    SurveyPlaces,
    comparable,
    survey_line,
    survey_places,
)
from pomodoro_pymol.noise.presets import parse_schemes
from pomodoro_pymol.structure.crops import crops
from pomodoro_pymol.structure.matching import take_atoms
from pomodoro_pymol.survey.rows import columns, structure_numbers, structure_rows
from pomodoro_pymol.survey.settings import SurveySettings
from pomodoro_pymol.survey.survey_file import Survey

N_ROWS = 30
SETTINGS = SurveySettings(tuple(parse_schemes("flat+3-8-1")), z=(0.0,))


@pytest.fixture(scope="module")
def survey(fragment):
    """Rows of crops of the fragment, as if each were a structure, one of them twice, and a file that was not read."""
    cropped = replace(SETTINGS, tokens=12, crops=N_ROWS - 1, croppings=("contiguous",))
    numbers = [row.numbers for row in structure_rows(fragment, cropped)]
    return made([*numbers, numbers[0]])


def made(numbers, settings=SETTINGS):
    """A survey of rows that were read, after one that was not."""
    table = np.array([[math.nan] * len(columns(settings)), *numbers])
    n_rows = len(table)
    text = np.full(n_rows, "", object)
    error = np.array(["no atoms", *[""] * (n_rows - 1)], object)
    named = {column.name: table[:, place] for place, column in enumerate(columns(settings))}
    return Survey("survey.parquet", settings, text, text, np.zeros(n_rows, int), error, named)


def by_name(found):
    return {place.column.name: place for place in found}


def residues(structure, first, last):
    return take_atoms(
        structure, np.flatnonzero((structure.residue_of_atom >= first) & (structure.residue_of_atom < last))
    )


def test_places_by_a_plain_loop(fragment, survey):
    part = residues(fragment, 3, 16)
    found = survey_places(part, survey)
    numbers = structure_numbers(part, SETTINGS)
    assert [place.column for place in found] == columns(SETTINGS)
    for place, value in zip(found, numbers):
        others = [other for other, error in zip(survey.numbers[place.column.name], survey.error) if not error]
        assert place.value == value or math.isnan(value)
        rank = 0.0
        for other in others:
            alike = math.isclose(other, value, rel_tol=1e-9, abs_tol=1e-9)
            rank += 0.5 if alike else 1 if other < value else 0
        assert len(others) == place.rows == N_ROWS
        assert place.percentile == pytest.approx(100 * rank / N_ROWS)
        others.sort()
        for quantile, part_below in ((place.low, 0.05), (place.median, 0.5), (place.high, 0.95)):
            step = part_below * (N_ROWS - 1)
            lower, upper = others[math.floor(step)], others[math.ceil(step)]
            assert quantile == pytest.approx(lower + (step % 1) * (upper - lower))
    assert len({place.percentile for place in found}) > 5


def test_a_structure_among_its_like(fragment):
    (crop,) = crops(fragment, 12, kinds=("contiguous",))
    numbers = structure_numbers(crop.structure, SETTINGS)
    (row,) = structure_rows(fragment, replace(SETTINGS, tokens=12, croppings=("contiguous",)))
    assert row.numbers == numbers
    alone = made([numbers] * 4)
    again = survey_places(crop.structure, alone)
    assert {(place.percentile, place.equal, place.outside) for place in again} == {(50, 4, False)}
    assert SurveyPlaces("x", alone, again).told() == ["percentiles are coarse: of 4 rows each is 25 %"]
    assert " x is as large as all of 4 structures, by residues." in SurveyPlaces("x", alone, again).sentence()
    whole = by_name(survey_places(fragment, alone))
    assert {(whole[name].percentile, whole[name].outside) for name in ("n_atoms", "n_residues", "rg")} == {(100, True)}


def test_rounding_is_no_difference(fragment, survey):
    """The chain level of one chain is the shift of 1 A per coordinate alone, whatever the atoms."""
    assert len(set(survey.of("s_chain"))) > 1
    place = by_name(survey_places(fragment, survey))["s_chain"]
    assert (place.equal, place.percentile) == (N_ROWS, 50)


def test_numbers_that_are_not_known_have_no_place(fragment):
    """One residue has no residues relative to its chain; rows without the number do not count."""
    one = structure_numbers(residues(fragment, 0, 1), SETTINGS)
    whole = structure_numbers(fragment, SETTINGS)
    survey = made([one, whole, whole])
    place = by_name(survey_places(residues(fragment, 0, 1), survey))["flat_relative"]
    assert math.isnan(place.value)
    assert math.isnan(place.percentile)
    assert place.rows == 2
    assert place.median == by_name(survey_places(fragment, survey))["flat_relative"].value
    lonely = survey_places(fragment, made([one]))
    place = by_name(lonely)["flat_relative"]
    assert (place.rows, math.isnan(place.median), math.isnan(place.percentile)) == (0, True, True)
    (line,) = [
        row
        for row in SurveyPlaces("x", made([one]), lonely).report().splitlines()
        if row.startswith(" flat: residue / atom, r")
    ]
    assert line.split()[-5:] == [f"{place.value:.4f}", "n/a", "n/a", "n/a", "n/a"]


def test_words_are_true(fragment, survey):
    found = survey_places(residues(fragment, 3, 16), survey)
    of = by_name(found)
    text = " ".join(SurveyPlaces("part", survey, found).sentence().split())
    assert text.startswith(
        f"part is larger than all of {N_ROWS} structures, by residues. Its atoms lie further apart than"
    )
    assert "chains from each other" not in text  # there is one
    for words, name in (("residues within their chain", "s_residue"), ("atoms within their residue", "s_atom")):
        below = sum(survey.of(name) < of[name].value) / N_ROWS
        assert 0.01 < below < 0.99
        assert f"{words} than in {100 * below:.0f} %" in text


@pytest.mark.parametrize(
    ("below", "words"), [(0, "none"), (1, "1 %"), (500, "50 %"), (996, "99 %"), (999, "99 %"), (1000, "all")]
)
def test_parts_are_none_or_all_only_where_they_are(fragment, below, words):
    numbers = structure_numbers(fragment, replace(SETTINGS, z=()))
    rows = np.tile(numbers, (1000, 1))
    rows[:below, 1] -= 1
    rows[below:, 1] += 1
    survey = made(rows, replace(SETTINGS, z=()))
    assert (
        f"larger than {words} of 1000 structures"
        in SurveyPlaces("x", survey, survey_places(fragment, survey)).sentence()
    )


def test_the_table(fragment, survey):
    found = survey_places(fragment, survey)
    of = by_name(found)
    text = SurveyPlaces("fragment", survey, found).report()
    text.encode("ascii")
    assert max(map(len, text.splitlines())) <= 100
    rows = {words[0]: words[1:] for words in (re.split(" {2,}", line.strip()) for line in text.splitlines())}
    assert rows["atoms"][:2] == ["245", "100.0"]
    for words, name in (
        ("sd of the residue level, A per coordinate", "s_residue"),
        ("sd of all levels, A per coordinate", "s_total"),
    ):
        assert float(rows[words][0]) == pytest.approx(of[name].value ** 0.5, rel=5e-4)
        assert float(rows[words][3]) == pytest.approx(of[name].median ** 0.5, rel=5e-4)
    for scheme in ("flat", "3-8-1"):
        for words, name in (("residue / atom", "ratio"), ("start, residue", "start_residue")):
            assert rows[f"{scheme}: {words}"][0] == f"{of[f'{scheme}_{name}'].value:.4f}"
    assert text.index(" measured") < text.index("\n atoms") < text.index(" expected, closed") < text.index(" flat: res")


def test_notes(fragment, survey):
    found = survey_places(fragment, survey)
    (outside,) = SurveyPlaces("x", survey, found).told()
    side, _, names = outside.partition(": ")
    assert side == "outside the range of the data set, above all of it"
    above = [
        name
        for name in ("n_atoms", "n_residues", "rg", "s_residue", "s_total")
        if by_name(found)[name].percentile == 100
    ]
    assert above == ["n_atoms", "n_residues", "rg", "s_residue", "s_total"]
    assert names.startswith("atoms, residues, radius of gyration, sd of the residue level")
    small = survey_places(residues(fragment, 0, 2), survey)
    assert any(
        note.startswith("outside the range of the data set, below all of it: atoms")
        for note in SurveyPlaces("x", survey, small).told()
    )

    cropped = replace(SETTINGS, tokens=12)
    rows = np.stack(list(survey.numbers.values()), 1)[1:]
    cut = made(rows[: FEW_ROWS - 1], cropped)
    of_crops, coarse, *_ = SurveyPlaces("x", cut, survey_places(fragment, cut)).told()
    assert of_crops == "the survey is of crops of at most 12 residues: a whole structure of 32 is compared with crops"
    assert " ".join(survey_line(cut).split()) == (
        "19 rows, and 1 file not read: contiguous and spatial crops of 12 residues, 1 of each kind and structure, "
        "with hydrogens, without waters"
    )
    assert coarse == "percentiles are coarse: of 19 rows each is 5 %"
    assert "of 19 crops" in SurveyPlaces("x", cut, survey_places(fragment, cut)).sentence()
    assert not any("coarse" in note for note in SurveyPlaces("x", made(rows[:FEW_ROWS]), small).told())


def test_hydrogens_are_left_out_where_the_survey_has_none(nmr):
    kept, told = comparable(nmr, SETTINGS)
    assert kept is nmr
    assert told == []
    kept, told = comparable(nmr, replace(SETTINGS, hydrogens=False))
    assert len(kept) == np.count_nonzero(nmr.atoms["elem"] != "H") == 210
    assert told == ["left out: 182 of 392 atoms, hydrogens, as the survey has none"]
    protons = take_atoms(nmr, np.flatnonzero(nmr.atoms["elem"] == "H"))
    with pytest.raises(PomodoroError, match="no atoms but hydrogen"):
        comparable(protons, replace(SETTINGS, hydrogens=False))


def test_the_csv_has_every_column(fragment, survey):
    found = survey_places(fragment, survey)
    rows = list(csv.DictReader(io.StringIO(SurveyPlaces("x", survey, found).csv())))
    assert [(row["column"], row["unit"], row["meaning"]) for row in rows] == [
        (column.name, column.unit, column.meaning) for column in columns(SETTINGS)
    ]
    for row, place in zip(rows, found):
        for name, value in (
            ("value", place.value),
            ("percentile", place.percentile),
            ("quantile_5", place.low),
            ("quantile_50", place.median),
            ("quantile_95", place.high),
        ):
            assert float(row[name]) == pytest.approx(value, rel=1e-7, nan_ok=True)
        assert row["rows"] == str(N_ROWS)


def test_settings_that_would_print_more_than_a_name_or_cannot_be_computed_are_refused():
    given = SETTINGS.to_dict()
    assert SurveySettings.from_dict(given) == SETTINGS
    name, *weights = given["schemes"][0]
    for changed in (
        {"schemes": [[f"{name}\n Error: none", *weights]]},
        {"schemes": [[f"\x1b[2J{name}", *weights]]},
        {"z": [1e300]},
        {"z": [-1e300]},
        {"z": [math.nan]},
    ):
        with pytest.raises(PomodoroError, match="its settings are not those of a survey"):
            SurveySettings.from_dict({**given, **changed})
