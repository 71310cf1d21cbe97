"""pomsurvey in real PyMOL: its numbers are those of the other commands, its places those of a plain loop."""

import csv
import json
import math
import re
import shutil
import sys

import numpy as np
import pytest
import small_survey

from pomodoro_pymol import health

pytest.importorskip("pyarrow")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def cropped(tmp_path_factory):
    """A survey of 24 crops of 20 residues of the fragment."""
    path = tmp_path_factory.mktemp("survey") / "crops.parquet"
    return small_survey.write(path, presets="flat+ms+rb", z=(0.0, 1.0), tokens=20, crops=12)


@pytest.fixture
def crops(here, cropped):
    """A copy of it, in an empty folder to work in."""
    return shutil.copy(cropped, here)


def placed(cmd, *words, **more):
    from pomodoro_pymol.commands import pomsurvey

    return {place.column.name: place for place in pomsurvey(*words, **more, _self=cmd)}


def test_the_row_is_what_the_other_commands_say(hpv, crops, typed, here):
    from pomodoro_pymol.commands import pomprecond, pomsignal, pomtable

    values = {name: place.value for name, place in placed(hpv, "crops.parquet").items()}
    hierarchy = re.search(r"(\d+) atoms, (\d+) residues, (\d+) chains", typed(hpv, "pomsurvey crops.parquet")).groups()
    assert [str(round(values[name])) for name in ("n_atoms", "n_residues", "n_chains")] == list(hierarchy)
    assert hierarchy == ("1551", "199", "3")
    coords = hpv.get_coords("1hpv and not solvent").astype(float)
    assert values["rg"] == pytest.approx(np.sqrt(3 * coords.var(0).mean()), rel=1e-6)

    signal = {own.scheme.name: own for own in pomsignal(presets="flat+ms+rb", _self=hpv).signal.schemes[:3]}
    table = {row.scheme.name: row for row in pomtable(presets="flat+ms+rb", frames=1, z=0, _self=hpv)}
    assert "Error" not in typed(hpv, "pomsweep z=0:1:1, presets=flat+ms+rb, csv=sweep.csv")
    swept = {(row["scheme"], float(row["z"])): row for row in csv.DictReader((here / "sweep.csv").open())}
    weights = typed(hpv, "pomweights")
    for name in ("flat", "ms", "rb"):
        rows = pomprecond(preset=name, z=0, _self=hpv)
        levels = {row.level: row for row in rows if row.variant == "levels"}
        (own_sd,) = {row.scalings.sigma_data for row in rows if row.variant == "global own" and row.level in levels}
        assert values["s_total"] == pytest.approx(own_sd**2, rel=1e-12)
        of = signal[name]
        for place, level in enumerate(("chain", "residue", "atom")):
            assert values[f"s_{level}"] == levels[level].data
            assert values[f"{name}_noise_{level}"] == pytest.approx(levels[level].noise / rows[0].sigma ** 2, rel=1e-12)
            assert values[f"{name}_start_{level}"] == pytest.approx(of.of_levels("share")[place], rel=1e-12)
            aligned = of.of_levels("aligned_share")[place]
            assert values[f"{name}_aligned_{level}"] == pytest.approx(aligned, rel=1e-12, abs=1e-14)
        assert values[f"{name}_ratio"] == table[name].expected.ratio
        assert values[f"{name}_relative"] == table[name].expected.ratio_relative
        ratios, gauge = (line.split() for line in weights.splitlines() if re.match(rf" {name} ", line))
        assert ratios[6:8] == [f"{values[f'{name}_{part}']:.4f}" for part in ("ratio", "relative")]
        parts = (values[f"{name}_{part}"] for part in ("translation", "rotation", "between", "within"))
        assert gauge[1] == ":".join(f"{part:.3f}" for part in parts)
        for z in (0, 1):
            for score, printed in (
                ("ca_lddt", "ca_lddt_residue_mean"),
                ("within_residues", "lddt_within_residues"),
                ("between_residues", "lddt_between_residues"),
            ):
                wanted = float(swept[name, z][f"{printed}_expected"])
                assert values[f"{name}_{score}_z{z}"] == pytest.approx(wanted, rel=1e-5)


def test_places_by_a_plain_loop_and_what_is_printed(hpv, crops, typed, session, differences):
    from pomodoro_pymol import read_survey

    survey = read_survey(crops)
    before = session(hpv)
    words = "1hpv and chain A and resi 40-58 and polymer"
    found = placed(hpv, "crops.parquet", words, csv="place.csv")
    for name, place in found.items():
        others = [value for value, error in zip(survey.numbers[name], survey.error) if not error]
        alike = [math.isclose(value, place.value, rel_tol=1e-9, abs_tol=1e-9) for value in others]
        rank = sum(0.5 if same else 1.0 if value < place.value else 0.0 for value, same in zip(others, alike))
        assert place.percentile == pytest.approx(100 * rank / 24)
    printed = typed(hpv, f"pomsurvey crops.parquet, {words}")
    assert printed.startswith(
        " pomsurvey: 1hpv, 149 atoms, 19 residues, 1 chain, in crops.parquet\n 24 rows, and 1 file not"
    )
    assert max(len(line) for line in printed.splitlines() if not line.startswith(" note:")) <= 100
    row = next(line.split() for line in printed.splitlines() if line.startswith(" sd of the residue level"))
    place = found["s_residue"]
    assert row[-5] == f"{math.sqrt(place.value):#.4g}"
    assert row[-4] == f"{place.percentile:.1f}"
    assert " 1hpv is larger than none of 24 crops, by residues. Its atoms lie further apart than in" in printed
    note = "the survey is of crops of at most 20 residues: a whole structure of 19 is compared with crops"
    assert f" note: {note}" in printed.splitlines()
    assert " note: outside the range of the data set, below all of it: residues" in printed
    assert differences(before, session(hpv)) == []
    with open("place.csv", newline="") as file:
        assert {row["column"]: float(row["percentile"]) for row in csv.DictReader(file)} == pytest.approx(
            {name: place.percentile for name, place in found.items()}, nan_ok=True
        )


def test_a_structure_of_the_data_set_is_its_own_row(cmd, here, typed):
    """Read by PyMOL, the fragment has to the last bit the numbers that the survey has of its file."""
    small_survey.write(here / "whole.parquet", z=(0.0,))
    cmd.load(str(small_survey.FRAGMENT), quiet=1)
    found = placed(cmd, "whole.parquet")
    assert {(place.rows, place.equal) for place in found.values()} == {(1, 1)}
    printed = typed(cmd, "pomsurvey whole.parquet")
    assert " note: percentiles are coarse: of 1 row each is 100 %" in printed.splitlines()
    assert "1 row, and 1 file not read: whole structures, with hydrogens, without waters" in printed
    assert "crops" not in printed


def test_hydrogens_do_not_count_where_the_survey_has_none(cmd, here, typed, load_source):
    load_source("ensemble", cmd)
    small_survey.write(here / "heavy.parquet", hydrogens=False)
    small_survey.write(here / "all.parquet")
    printed = typed(cmd, "pomsurvey heavy.parquet, state=3")
    assert printed.startswith(" pomsurvey: 2juy, state 3 of 24, 210 atoms, 28 residues, 1 chain, in heavy.parquet\n")
    assert " note: left out: 182 of 392 atoms, hydrogens, as the survey has none" in printed.splitlines()
    assert "flat noise has residue / atom" not in printed
    by_hand = placed(cmd, "all.parquet", "not hydro", state=3)
    assert {name: place.value for name, place in placed(cmd, "heavy.parquet", state=3).items()} == {
        name: place.value for name, place in by_hand.items()
    }
    printed = typed(cmd, "pomsurvey all.parquet, state=3")
    assert "392 atoms" in printed
    assert " note: 182 of 392 atoms are hydrogen" in printed
    assert cmd.get_names("all") == ["2juy"]


def test_groups_and_states_are_as_given(cmd, here, typed, load_source):
    load_source("ensemble", cmd)
    small_survey.write(here / "s.parquet")
    first, second = (placed(cmd, "s.parquet", state=state) for state in (1, 2))
    assert first["rg"].value != second["rg"].value
    cmd.frame(2)
    assert placed(cmd, "s.parquet")["rg"].value == second["rg"].value
    printed = typed(cmd, "pomsurvey s.parquet, not hydro, chains=(resi 1-9)(resi 10-28)")
    assert "28 residues, 2 chains" in printed
    assert " note: chains are as given" in printed
    assert "its atoms" not in printed
    assert "chains from each other than in" in " ".join(printed.split())


def test_the_examples_of_the_help_run(hpv, here, typed):
    from pomodoro_pymol.commands import pomsurvey

    small_survey.write(here / "survey.parquet")
    examples = pomsurvey.__doc__.partition("EXAMPLES")[2].partition("NOTES")[0]
    lines = [line.strip() for line in examples.splitlines() if line.strip()]
    assert len(lines) == 3
    for line in lines:
        assert line.startswith("pomsurvey")
        assert " Error:" not in typed(hpv, line)


def parquet(path, **columns):
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.table(columns), path)


def without_rows(path):
    from pomodoro_pymol import Row, SurveySettings, write_survey
    from pomodoro_pymol.noise.presets import parse_schemes

    write_survey(path, [("a.pdb", Row("", 0, "no atoms"))], SurveySettings(tuple(parse_schemes("ms"))))


FILES = {
    "text.parquet": (lambda path: path.write_text("no survey"), "text.parquet is no survey: "),
    "empty.parquet": (lambda path: path.write_bytes(b""), "empty.parquet is no survey: "),
    "cut.parquet": (
        lambda path: path.write_bytes(small_survey.write(path).read_bytes()[:-100]),
        "cut.parquet is no survey: ",
    ),
    "other.parquet": (
        lambda path: parquet(path, n_atoms=[1, 2]),
        "other.parquet is no survey: it has no settings of one",
    ),
    "none.parquet": (without_rows, "no structure of none.parquet was read, of 1"),
    "folder.parquet": (lambda path: path.mkdir(), "folder.parquet: it is not a regular file"),
    "absent.parquet": (lambda path: None, "cannot read absent.parquet: No such file or directory"),
}


@pytest.mark.parametrize("name", FILES)
def test_files_that_are_no_survey(hpv, here, refused, name):
    make, reason = FILES[name]
    make(here / name)
    refused(hpv, f"pomsurvey {name}, csv=a.csv, figure=a.png", reason)
    assert {path.name for path in here.iterdir()} <= {name}


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("", "give the file of a survey, as in pomsurvey survey.parquet"),
        ("crops.parquet, figure=a.doc", "figure must end in .png, .svg, .pdf, not 'a.doc'"),
        ("crops.parquet, csv=nowhere/a.csv", "its folder does not exist"),
        ("crops.parquet, csv=./crops.parquet", "it is what is read, and would be lost"),
        ("crops.parquet, nothing_here", "nothing_here"),
        ("crops.parquet, state=7", "state 7 is out of range"),
        ("crops.parquet, chains=nope", "chains must be"),
        ("crops.parquet, solvent and hydro", "has no atoms"),
    ],
)
def test_bad_input_is_one_line_and_changes_nothing(hpv, crops, refused, words, reason):
    refused(hpv, f"pomsurvey {words}", reason)


def test_without_pyarrow_the_command_that_installs_it_is_told(hpv, crops, refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    wanted = f"pyarrow is missing; install it with: {health.install_command('pyarrow')}"
    refused(hpv, "pomsurvey crops.parquet", wanted)


def test_names_in_a_survey_are_data(hpv, here, typed):
    """Settings that another has written reach neither PyMOL nor the terminal as more than text."""
    from pyarrow import parquet

    path = small_survey.write(here / "s.parquet")
    table = parquet.read_table(path)
    for name in ("ms\n Error: none", "\x1b[2J", "$(touch BANG)", "<b>x</b>", "x;/open('BANG','w')"):
        settings = json.loads(table.schema.metadata[b"pomodoro_survey"])
        settings["schemes"][0][0] = name
        renamed = table.rename_columns([column.replace("flat", name) for column in table.column_names])
        parquet.write_table(renamed.replace_schema_metadata({b"pomodoro_survey": json.dumps(settings)}), path)
        printed = typed(hpv, "pomsurvey s.parquet, csv=s.csv")
        if name.isprintable():
            assert f" {name}: residue / atom " in printed
        else:
            assert printed == " Error: s.parquet is no survey: its settings are not those of a survey"
    assert {path.name for path in here.iterdir()} == {"s.parquet", "s.csv"}


def test_the_figure_marks_the_structure(hpv, crops, monkeypatch):
    """Where it stands in the figure is what was returned; without the mark the picture is another."""
    image = pytest.importorskip("matplotlib.image")
    from pomodoro_pymol.experiments import survey_figure

    seen = []

    def drawn(survey, summary, marks=()):
        seen.append((survey, summary, marks))
        return draw(survey, summary, marks=marks)

    draw = survey_figure.survey_figure
    monkeypatch.setattr(survey_figure, "survey_figure", drawn)
    found = placed(hpv, "crops.parquet", "polymer", figure="marked.png")
    ((survey, summary, marks),) = seen
    assert marks == [("1hpv", {name: place.value for name, place in found.items()})]
    draw(survey, summary).savefig("bare.png", dpi=150)
    marked, bare = (image.imread(name) for name in ("marked.png", "bare.png"))
    assert marked.shape == bare.shape
    assert 0.01 < (marked[..., :3] < 0.99).any(axis=-1).mean() < 0.9
    assert (marked != bare).any()
