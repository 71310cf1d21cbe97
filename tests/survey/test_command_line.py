"""The command line's survey: what is refused before any work, crops, and Python."""

import csv
import json
import sys
from pathlib import Path

import bad_input
import numpy as np
import pytest

from pomodoro_pymol.cli import main
from pomodoro_pymol.experiments.survey_files import share_left, survey_settings
from pomodoro_pymol.parameters.catalogue import SurveyFilesParameters
from pomodoro_pymol.survey.child import reading_of
from pomodoro_pymol.survey.survey_file import read_survey, write_survey

ROOT = Path(__file__).parents[2]


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    """A function that gives a survey words that are refused, in a folder with a.pdb, and returns the line."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.pdb").write_bytes(bad_input.STRUCTURE.read_bytes())

    def run(*words):
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
        assert main(["survey", *map(str, words)]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
        (line,) = err.splitlines()
        return line

    return run


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["a.pdb"], "the following arguments are required: --output"),
        (["--output", "s.parquet"], "the following arguments are required: source"),
        (["a.pdb", "--output", "s.csv"], "output must end in .parquet, not 's.csv'"),
        (["a.pdb", "--output", "nowhere/s.parquet"], "cannot write nowhere/s.parquet: its folder does not exist"),
        (["b.pdb", "--output", "s.parquet"], "b.pdb is missing"),
        (["*.cif", "--output", "s.parquet"], "no file is called *.cif"),
        (["a.pdb", "--output", "s.parquet", "--json", "nowhere/s.json"], "its folder does not exist"),
        (["a.pdb", "--output", "s.parquet", "--times", "nowhere/t.csv"], "its folder does not exist"),
        (["a.pdb", "--output", "s.parquet", "--figure", "s.txt"], "figure must end in .png, .svg, .pdf"),
        (["a.pdb", "--output", "s.parquet", "--json", "s.parquet"], "another output goes there"),
        (["a.pdb", "--output", "s.parquet", "--json", "s.json", "--times", "./s.json"], "another output goes there"),
        (["a.pdb", "--output", "s.parquet", "--json", "a.pdb"], "it is what is read, and would be lost"),
        (["a.pdb", "--output", "s.parquet", "--crop", "0"], "crop must be between 1 and"),
        (["a.pdb", "--output", "s.parquet", "--crop", "8", "--cropping", "round"], "cropping must be one of"),
        (["a.pdb", "--output", "s.parquet", "--crop", "8", "--crops", "0"], "crops must be between 1 and"),
        (["a.pdb", "--output", "s.parquet", "--crops", "3"], "crops and their kind are of a crop: give --crop"),
        (["a.pdb", "--output", "s.parquet", "--presets", "nope"], "'nope' is no weight scheme"),
        (["a.pdb", "--output", "s.parquet", "--presets", "+"], "give at least one weight scheme"),
        (["a.pdb", "--output", "s.parquet", "--z", "9"], "z must be between -6 and 6"),
        (["a.pdb", "--output", "s.parquet", "--law", "edm"], "law=edm is of normalised data"),
        (["a.pdb", "--output", "s.parquet", "--seconds", "0"], "seconds must be between 0.1 and"),
        (["a.pdb", "--output", "s.parquet", "--memory", "nan"], "memory must be finite"),
        (["a.pdb", "--output", "s.parquet", "--workers", "0"], "workers must be between 1 and"),
        (["a.pdb", "--output", "s.parquet", "--worker", "2"], "unknown argument '--worker' of survey"),
        (["a.pdb", "--output", "s.parquet", "--scheduler", "nowhere"], "no Dask scheduler at nowhere: "),
        (["a.pdb", "--output", "s.parquet", "--scheduler", "x://y:1"], "no Dask scheduler at x://y:1"),
    ],
    ids=lambda value: " ".join(value)[-40:] if isinstance(value, list) else "",
)
def test_what_cannot_be_is_refused_in_one_line(refused, words, says):
    assert says in refused(*words)


def test_without_the_extra_it_says_what_installs_it(refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    line = refused("a.pdb", "--output", "s.parquet")
    assert line.startswith("error: a survey needs distributed, pyarrow; install with: ")
    assert "-m pip install distributed " in line
    assert "pyarrow" in line.rpartition("install")[2]


def test_a_pyarrow_that_numpy_is_too_old_for_is_told_before_the_work(refused, monkeypatch, tmp_path):
    (tmp_path / "pyarrow.py").write_text("raise ImportError('pyarrow requires NumPy 2.0 or newer, found 1.26.4')")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, name)
    assert "pyarrow requires NumPy 2.0 or newer" in refused("a.pdb", "--output", "s.parquet")


def test_crops_without_hydrogens(start, tmp_path):
    files = tmp_path / "files"
    files.mkdir()
    for name in ("a.pdb", "b.ent"):
        (files / name).write_bytes(bad_input.STRUCTURE.read_bytes())
    (files / "c.pdb.gz").write_bytes((ROOT / "tests" / "data" / "2juy.pdb.gz").read_bytes())
    given = {"crop": 6, "crops": 3, "seed": 5, "z": 0}
    words = [word for name, value in given.items() for word in (f"--{name}", value)]
    running = start(
        *words, *("--no-hydrogens", "--json", "s.json", "--times", "t.csv", "--figure", "s.png"), sources=(files,)
    )
    status, out, err = running.end()
    assert status == 0, err
    parameters = SurveyFilesParameters(presets="flat+ms", **given)
    settings = survey_settings(parameters, hydrogens=False)
    paths = sorted(map(str, files.iterdir()))
    rows = [(path, row) for path in paths for row in reading_of(path, settings).rows]
    write_survey(tmp_path / "plain.parquet", rows, settings)
    assert running.output.read_bytes() == (tmp_path / "plain.parquet").read_bytes()
    survey = read_survey(running.output)
    assert survey.cropping.tolist() == 3 * (3 * ["contiguous"] + 3 * ["spatial"])
    assert survey.crop.tolist() == 6 * [1, 2, 3]
    assert (survey.of("n_residues") == 6).all()
    assert "crops of 6 residues, 3 of each kind and structure, without hydrogens" in out
    home = tmp_path / "home"
    assert json.loads((home / "s.json").read_text())
    times = list(csv.DictReader((home / "t.csv").read_text().splitlines()))
    assert [row["path"] for row in times] == paths
    assert all(float(row["seconds"]) > 0 and int(row["peak_bytes"]) > 1 << 20 for row in times)
    assert (home / "s.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("of_file", "of_byte"), [(0.2, 3e-6), (0.2, 0.0), (0.0, 3e-6)])
def test_the_time_left_is_that_of_files_and_of_bytes(of_file, of_byte):
    """The largest come first: by files alone or by bytes alone it would be told far too long or too short."""
    size = np.sort(np.random.default_rng(0).lognormal(11, 1, 300))[::-1]
    took = of_file + of_byte * size
    for done in (2, 20, 299):
        x, y = size[:done], took[:done]
        sums = [done, x.sum(), y.sum(), (x * x).sum(), (x * y).sum()]
        assert share_left(sums, 300 - done, size[done:].sum()) == pytest.approx(took[done:].sum() / y.sum(), rel=1e-6)


def test_the_time_left_of_equal_or_empty_files():
    assert share_left([4, 400, 2.0, 40_000, 200], 8, 800) == pytest.approx(2)
    assert share_left([4, 400, 2.0, 40_000, 200], 100, 200) == pytest.approx(0.5)  # smaller ones
    assert share_left([4, 0, 2.0, 0, 0], 8, 0) == pytest.approx(2)
    assert share_left([2, 300, 3.0, 50_000, 400], 2, 600) >= 0  # the larger took less


def test_where_nothing_is_read_the_reasons_are_kept(start, tmp_path):
    for name in ("a.pdb", "b.pdb"):
        (tmp_path / name).write_text("nothing")
    running = start(sources=(tmp_path / "a.pdb", tmp_path / "b.pdb"))
    status, _, err = running.end()
    assert status == 2
    assert err.splitlines()[-1] == f"error: no structure of {running.output} was read, of 2"
    from pyarrow import parquet

    assert parquet.read_table(running.output)["error"].to_pylist() == 2 * [
        "no atoms in the file: is it a PDB or mmCIF file?"
    ]
