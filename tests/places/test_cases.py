"""Small files of kinds that once failed, with their right values."""

import re
from pathlib import Path

import numpy as np
import pytest
import small_survey
from orders import CASES


@pytest.fixture
def by_label():
    """A function that returns where the atoms of a state are, by chain, number and name."""

    def read(cmd, name, state):
        found = {}
        cmd.iterate_state(state, f"%{name}", "found[chain, resi, name] = (x, y, z)", space={"found": found})
        return found

    return read


@pytest.mark.parametrize("case", ["f1_two.pdb", "f1_gro.gro"])
def test_frames_of_little_noise_lie_on_the_source(cmd, typed, by_label, case):
    cmd.load(str(CASES / case), "m", quiet=1)
    if case == "f1_two.pdb":
        cmd.alter("chain A", 'chain = "C"')
    printed = typed(cmd, "pomnoise m, sigma=0.001, frames=20")
    truth = by_label(cmd, "m", 1)
    moved = [by_label(cmd, "m_noise", state) for state in range(2, 22)]
    assert all(frame.keys() == truth.keys() for frame in moved)
    away = np.array([[np.subtract(frame[label], place) for label, place in truth.items()] for frame in moved])
    # Six standard deviations, and the rounding of float32 at 100 A.
    assert np.abs(away).max() < 0.006 + 8e-6
    said = float(re.search(r"atom, per coordinate +(\S+) A", printed)[1])
    assert said == pytest.approx(np.sqrt((away**2).mean()), rel=0.01)
    for line, name in (("pomsweep m, z=-6:-5.9:0.1", "m_sweep"), ("pomalign", "m_noise_aligned")):
        assert "Error" not in typed(cmd, line)
        for state in range(1, cmd.count_states(f"%{name}") + 1):
            found = by_label(cmd, name, state)
            assert max(np.abs(np.subtract(found[label], place)).max() for label, place in truth.items()) < 0.02
    assert "Error" not in typed(cmd, "pomdenoise m_noise, denoiser=wiener, prior=0:0:1e-12")
    found = by_label(cmd, "m_noise_denoised", 3)
    assert max(np.abs(np.subtract(found[label], place)).max() for label, place in truth.items()) < 1e-4


LINES = (
    "pomnoise m",
    "pomsample m, steps=3",
    "pomsample m, steps=3, start=structure, sigma_max=2",
    "pomprecond m",
    "pomsignal m",
    "pomtable m, frames=2",
    "pomsweep m, z=0",
    "pomweights m",
    "pomtrain m, presets=flat, scaling=global, steps=2, width=8, batch=2, seeds=1, samples=0, z=0",
    "pomsurvey survey.parquet, m",
)


@pytest.fixture
def twice(cmd, monkeypatch, tmp_path):
    """A function that gives an object a second state, for what needs an ensemble, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda name: cmd.create(name, name, 1, 2)


def needed_by(line, twice):
    """Make what a line needs beside the structure."""
    if "train" in line:
        twice("m")
    if "survey" in line:
        pytest.importorskip("pyarrow")
        small_survey.write(Path("survey.parquet"))


@pytest.mark.parametrize("line", LINES)
def test_an_unobserved_residue_is_left_out_and_told(cmd, typed, twice, line):
    cmd.load(str(CASES / "f2_unobserved.cif"), "m", quiet=1)
    needed_by(line, twice)
    assert (cmd.count_atoms("m"), cmd.count_atoms("m and present")) == (5, 4)
    printed = typed(cmd, line)
    assert "Error" not in printed
    assert printed.count(" note: left out: 1 residue without coordinates (A/GLY`1)\n") == 1
    for name in set(cmd.get_object_list()) - {"m", "m_noise_key"}:
        assert cmd.count_atoms(f"%{name}") == 4


def test_frames_are_measured_without_an_unobserved_residue(cmd, typed, by_label):
    for name in ("m", "n"):
        cmd.load(str(CASES / "f2_unobserved.cif"), name, quiet=1)
    cmd.translate([1, 2, 2], "n", camera=0)
    printed = typed(cmd, "pommeasure n, truth=m, fit=0")
    assert printed.count(" note: left out: 1 residue without coordinates (A/GLY`1)\n") == 1
    assert re.search(r"atom, per coordinate +1\.732 ", printed)
    assert by_label(cmd, "n_measured", 1) == by_label(cmd, "m", 1)
    assert by_label(cmd, "n_measured", 2) == by_label(cmd, "n", 1)


@pytest.mark.parametrize("line", LINES)
def test_atoms_that_are_not_numbers_are_left_out_and_told(cmd, typed, twice, line):
    cmd.fab("GG", "m")  # not from f9_nan.cif, on which PyMOL reads beyond its memory
    cmd.alter_state(1, "m and resi 1", "x = float('nan')")
    needed_by(line, twice)
    kept = cmd.count_atoms("m and resi 2")
    printed = typed(cmd, line)
    assert "Error" not in printed
    assert re.search(r"^ note: left out: 1 residue without coordinates \(A?/GLY`1\)$", printed, re.MULTILINE)
    for name in set(cmd.get_object_list()) - {"m", "m_noise_key"}:
        assert cmd.count_atoms(f"%{name}") == kept == cmd.count_atoms(f"%{name} and resi 2")


def test_some_atoms_of_a_residue(cmd, typed):
    cmd.fab("GA", "m")
    cmd.alter_state(1, "m and resi 2 and name CB", "y = float('inf')")
    printed = typed(cmd, "pomnoise m, frames=2")
    assert " note: left out: 1 atom without coordinates (/ALA`2/CB)\n" in printed
    assert cmd.count_atoms("m_noise") == cmd.count_atoms("m") - 1


def test_the_record_says_whose_order_was_drawn(cmd, typed, tmp_path):
    from pomodoro_pymol import read_header

    cmd.fab("GA", "built")
    cmd.load(str(CASES / "f1_two.pdb"), "m", quiet=1)
    for name, order in (("m", "the file"), ("built", "PyMOL's copy")):
        typed(cmd, f"pomnoise {name}, frames=2")
        typed(cmd, f"pomsave {tmp_path}/{name}.pdb, {name}_noise")
        assert f"draws in the order of: {order}" in read_header(tmp_path / f"{name}.pdb")


def test_draws_of_version_0_1_0_are_replayed_in_their_own_order(cmd, typed, shown):
    """Its records do not say that it drew in the order of PyMOL's copy."""
    from pomodoro_pymol.experiments.live import LiveDraw
    from pomodoro_pymol.experiments.record import Record
    from pomodoro_pymol.viewer import reading, store

    cmd.load(str(CASES.parent / "session-0.1.0.pze"))
    record = Record.from_plain(store.get_record("pept_noise", _self=cmd))
    structure = reading.read_structure("pept_noise", order=record.order, _self=cmd)
    assert structure.order == "copy"
    draw = LiveDraw(structure, record.parameters)
    unit = draw.mix(record.parameters.weights)
    out = np.empty_like(structure.coords)
    for frame in range(3):
        draw.fill(unit, frame, record.parameters.noise_sigma, out)
        np.testing.assert_allclose(shown(cmd, "pept_noise", frame + 2), out, rtol=0, atol=2e-5)
    assert " pomcolor: pept_noise\n" in typed(cmd, "pomcolor pept_noise, relative")
    # The same command draws in the order of the file now.
    cmd.do(record.parameters.to_text() + ", name=again")
    assert np.abs(shown(cmd, "again", 2) - shown(cmd, "pept_noise", 2)).max() > 1
