"""Commands tell, in PyMOL, of input that would mislead, as the command line does."""

import re
from collections import Counter

import numpy as np
import pytest
import small_survey

from pomodoro_pymol.experiments.survey_place import FEW_ROWS

LINES = (
    "pomnoise {}, frames=2",
    "pomsample {}, steps=3",
    "pomprecond {}, z=0",
    "pomsignal {}, presets=flat",
    "pomtable {}, frames=2",
    "pomsweep {}, z=0",
    "pomweights {}",
    "pommeasure {}_noise",
    "pomdenoise",
    "pomtrain {}, presets=flat, steps=2, width=8, batch=2, seeds=1, samples=0, z=0",
    "pomsurvey survey.parquet, {}",
)


def notes(printed):
    return re.findall(r"^ note: (.*)$", printed, re.MULTILINE)


def flat_ratio(cmd, selection):
    """Square root of the mean of 1/n over residues of n atoms."""
    labels = []
    cmd.iterate(selection, "put((chain, resi))", space={"put": labels.append})
    return np.mean([1 / size for size in Counter(labels).values()]) ** 0.5


def test_hydrogens_lower_the_ratio_of_hiv_protease(hpv, typed):
    """From .377 to .268; what the note says, closed forms, and the residues of PyMOL's own atoms."""

    def of_flat_noise(selection):
        printed = typed(hpv, f"pomweights {selection}, preset=flat")
        return notes(printed), float(re.search(r"^ flat +\S+ : \S+ : \S+ +(\S+)", printed, re.MULTILINE)[1])

    without = flat_ratio(hpv, "1hpv and not solvent")
    assert f"{without:.3f}" == "0.377"
    told, ratio = of_flat_noise("1hpv and not solvent")
    assert told == []
    assert ratio == pytest.approx(without, abs=5e-5)

    hpv.h_add("1hpv")
    with_them = flat_ratio(hpv, "1hpv and not solvent")
    assert f"{with_them:.3f}" == "0.268"
    (note,), ratio = of_flat_noise("1hpv and not solvent")
    assert ratio == pytest.approx(with_them, abs=5e-5)
    n_atoms, n_hydrogens = (hpv.count_atoms(f"1hpv and not solvent{more}") for more in ("", " and hydro"))
    assert note.startswith(f"{n_hydrogens} of {n_atoms} atoms are hydrogen, which models such as AF3 do not have")
    assert "flat noise has residue / atom 0.268 with them, 0.377 without" in note
    assert "'and not hydro' leaves them out" in note

    told, ratio = of_flat_noise("1hpv and not solvent and not hydro")
    assert told == []
    assert ratio == pytest.approx(without, abs=5e-5)


def test_every_command_tells_once_and_the_command_line_the_same(hpv, typed, tmp_path, capfd, monkeypatch):
    from pomodoro_pymol.cli import main

    monkeypatch.chdir(tmp_path)
    hpv.create("m", "1hpv and chain A and resi 1-12 and polymer")
    hpv.h_add("m")
    hpv.alter_state(1, "m", "x = -x")
    hpv.alter_state(1, "m and resi 3 and name CB+CG1", "x, y, z = 0, 0, 0")
    hpv.create("m", "m", 1, 2)
    small_survey.write(tmp_path / "survey.parquet", tokens=8, crops=FEW_ROWS, croppings=("contiguous",))
    found = {}
    for line in LINES:
        printed = typed(hpv, line.format("m"))
        assert "Error" not in printed
        found[line] = [note for note in notes(printed) if "survey" not in note and "data set" not in note]
    told = found["pomtable {}, frames=2"]
    assert [note.split()[:4] for note in told] == [
        [str(hpv.count_atoms("m and hydro")), "of", str(hpv.count_atoms("m")), "atoms"],
        ["2", "atoms", "lie", "at"],
        ["11", "of", "11", "alpha"],  # ILE 3 has lost its CB
    ]
    assert "(A/ILE`3/CB, A/ILE`3/CG1)" in told[1]
    assert found == dict.fromkeys(LINES, told)

    hpv.save(f"{tmp_path}/m.pdb", "m")
    capfd.readouterr()
    assert main(["table", f"{tmp_path}/m.pdb", "--frames", "2", "--z", "0"]) == 0
    assert notes(capfd.readouterr().out) == told


def test_scripts_that_ask_for_quiet_hear_nothing(hpv, capfd, tmp_path):
    from pomodoro_pymol import commands

    hpv.create("m", "1hpv and chain A and resi 1-12 and polymer")
    hpv.alter_state(1, "m", "x = -x")
    hpv.create("m", "m", 1, 2)
    capfd.readouterr()
    for name in ("pomnoise", "pomsample", "pomprecond", "pomsignal", "pomtable", "pomsweep", "pomweights"):
        getattr(commands, name)(selection="m", quiet=1, _self=hpv)
    commands.pomdenoise(quiet=1, _self=hpv)
    commands.pommeasure("m_noise", quiet=1, _self=hpv)
    commands.pommovie(f"{tmp_path}/film.gif", "m_noise", z="-1:0", width=64, quiet=1, _self=hpv)
    words = {"presets": "flat", "steps": 2, "width": 8, "seeds": 1, "samples": 0}
    commands.pomtrain("m", network=f"{tmp_path}/m.npz", **words, quiet=1, _self=hpv)
    small_survey.write(tmp_path / "survey.parquet")
    commands.pomsurvey(f"{tmp_path}/survey.parquet", "m", quiet=1, _self=hpv)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("build", ["fab ACDEFGHIKLMNPQRSTVWY, built, ss=1, hydro=0", "pseudoatom built, pos=[0,0,0]"])
def test_what_pymol_builds_is_not_accused(cmd, typed, build):
    typed(cmd, build)
    printed = typed(cmd, "pomnoise built, frames=2")
    assert "1 chain" in printed
    assert notes(printed) == []
