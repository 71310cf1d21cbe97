"""A survey as ``data=`` in real PyMOL: the same as its numbers typed."""

import numpy as np
import pytest

from pomodoro_pymol import load_training
from pomodoro_pymol.noise.weights import PRESETS, Scheme
from pomodoro_pymol.structure.atoms import ATOM_LABELS, RESIDUE_LABELS, Structure
from pomodoro_pymol.survey.rows import structure_rows
from pomodoro_pymol.survey.settings import SurveySettings
from pomodoro_pymol.survey.summary import summarise
from pomodoro_pymol.survey.survey_file import read_survey, write_survey


@pytest.fixture
def numbers(six):
    """s.parquet of three structures in the current folder; what is to be typed instead."""
    pytest.importorskip("pyarrow")
    settings, random, rows = SurveySettings((Scheme("ms", PRESETS["ms"]),)), np.random.default_rng(0), []
    for count in (5, 9, 14):
        atoms = np.array([("CA", "C", ""), ("CB", "C", "")] * count, ATOM_LABELS)
        labels = np.array([("", "A", str(number), "ALA", False) for number in range(count)], RESIDUE_LABELS)
        coords = (5 * random.normal(size=(2 * count, 3))).astype("f4")
        structure = Structure(coords, atoms, labels, np.repeat(range(count), 2))
        rows += [(f"{count}.pdb", row) for row in structure_rows(structure, settings)]
    write_survey("s.parquet", rows, settings)
    return summarise(read_survey("s.parquet")).typed


@pytest.mark.parametrize("line", ["pomprecond m, z=0, preset=ms", "pomsignal m, presets=flat+ms"])
def test_what_is_printed_is_that_of_the_numbers(six, typed, numbers, line):
    of_file, given = (typed(six, f"{line}, data={data}") for data in ("s.parquet", numbers))
    assert "(of 3 structures in s.parquet)" in of_file
    assert of_file.replace("of 3 structures in s.parquet", "given") == given
    assert "Error" not in given


def test_networks_are_trained_with_it(six, typed, numbers):
    line = "pomtrain m, presets=ms, steps=3, width=8, batch=2, seeds=1, samples=2, z=0"
    for name, data in (("a", "s.parquet"), ("b", numbers)):
        printed = typed(six, f"{line}, network={name}.npz, data={data}")
        assert " standard deviation of the data, chain:residue:atom: " in printed
        assert f"A per coordinate ({'given' if name == 'b' else 'of 3 structures in s.parquet'})\n" in printed
    one, two = (load_training(f"{name}.npz") for name in "ab")
    assert one.data == two.data
    assert all((one.arrays["weights"][name] == value).all() for name, value in two.arrays["weights"].items())
    assert "data was" in typed(six, f"{line}, network=a.npz, data=1:8:1.5, resume=1")
    assert "Error" not in typed(six, "pomsample m, sampler=edm, preset=ms, steps=3, samples=1, network=a.npz")


@pytest.mark.parametrize("command", ["pomprecond", "pomsignal", "pomtrain"])
def test_what_is_no_survey_is_a_line(six, typed, session, differences, tmp_path, command):
    (tmp_path / "bad.parquet").write_text("1:8:1.5\n")
    before = session(six)
    for name, message in (("none", "cannot read none.parquet: No such file"), ("bad", "bad.parquet is no survey: ")):
        printed = typed(six, f"{command} m, data={name}.parquet")
        assert printed.startswith(f" Error: {message}"), printed
        assert len(printed.splitlines()) == 1
    assert differences(before, session(six)) == []
    assert [path.name for path in tmp_path.iterdir()] == ["bad.parquet"]


@pytest.mark.parametrize("command", ["pomprecond", "pomsignal", "pomtrain"])
def test_the_survey_is_not_written_over(six, typed, numbers, command):
    with open("s.parquet", "rb") as file:
        held = file.read()
    assert "it is what is read, and would be lost" in typed(six, f"{command} m, data=s.parquet, csv=s.parquet")
    with open("s.parquet", "rb") as file:
        assert file.read() == held
