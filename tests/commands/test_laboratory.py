"""pomtable, pomsweep, pomweights, pomalign and pomsave in real PyMOL."""

import csv
import re

import numpy as np
import pytest

FRAGMENT = "1hpv and chain A and resi 1-32 and polymer"


def states(cmd, name):
    found = []
    for state in range(1, cmd.count_states(name) + 1):
        rows = []
        cmd.iterate_state(state, name, "put((x, y, z))", space={"put": rows.append})
        found.append(rows)
    return np.array(found, dtype=np.float32)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return tmp_path


def test_pomtable_makes_the_notes_table(hpv, typed, tmp_path):
    printed = typed(hpv, f"pomtable {FRAGMENT}, frames=1 csv={tmp_path}/t.csv")
    sigmas = [line.split()[1] for line in printed.splitlines() if re.match(r" +-?[0-3] +\d+\.\d\d +\d", line)][:7]
    assert sigmas == ["0.05", "0.24", "1.08", "4.82", "21.60", "96.79", "433.80"]
    rows = list(csv.DictReader((tmp_path / "t.csv").read_text().splitlines()))
    assert len(rows) == 21
    for scheme in ("flat", "ms", "rb"):
        ratios = {f"{float(row['ratio_measured']):.4f}" for row in rows if row["scheme"] == scheme}
        assert len(ratios) == 1


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_pomtable_draws(hpv, typed, tmp_path, suffix):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"table.{suffix}"
    assert "Error" not in typed(hpv, f"pomtable {FRAGMENT}, z=-1:1 frames=3 figure={path}")
    assert path.read_bytes().startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix])
    assert [other.name for other in tmp_path.iterdir()] == [path.name]


def test_pomtable_says_one_chain(hpv, typed):
    from pomodoro_pymol.commands import pomtable

    assert "n/a (1 chain)" in typed(hpv, f"pomtable {FRAGMENT}, estimator=std z=0 frames=3")
    (row,) = pomtable(FRAGMENT, presets="flat", z=0, estimator="std", frames=3, _self=hpv)
    assert np.isnan(row.sigmas[2])


def test_the_proposals_raise_the_ratio_and_reach_the_distance_of_alpha_carbons(hpv):
    from pomodoro_pymol.commands import pomtable

    rows = pomtable(FRAGMENT, presets="ms+rb+3-8-1+2-6-2", z=0, frames=400, _self=hpv)
    ms, rb, first, second = rows
    for row in rows:
        # Standard errors from the interval: its half width is about two of them.
        for name in ("ratio", "residue_relative"):
            error = (getattr(row.high, name) - getattr(row.low, name)) / 3.9
            assert abs(getattr(row.measured, name) - getattr(row.expected, name)) < 4 * error
    assert first.expected.ratio > ms.expected.ratio > second.expected.ratio > rb.expected.ratio
    assert first.expected.residue_relative == pytest.approx(3.9, abs=0.1)
    assert second.expected.residue_relative == pytest.approx(3.76, abs=0.1)
    assert ms.expected.residue_relative < 2


@pytest.mark.parametrize("path", ["tut/1hpv.pdb", "demo/1tii.pdb", "demo/il2.pdb"])
def test_weights_for_a_ratio_measure_as_wanted(cmd, path):
    from pomodoro_pymol.commands import pomweights
    from pomodoro_pymol.experiments.noise import measure
    from pomodoro_pymol.structure.hierarchy import Hierarchy
    from pomodoro_pymol.viewer import reading, sources

    cmd.load(f"$PYMOL_DATA/{path}", "it")
    weights = pomweights("polymer", ratio=0.5, _self=cmd)
    with sources.draft(sources.resolve_source("polymer", 1, _self=cmd), _self=cmd) as draft:
        hierarchy = Hierarchy.from_structure(reading.read_structure(draft, _self=cmd))
    statistics = measure(hierarchy, weights, 500, seed=1)
    assert abs(statistics.levels().ratio - 0.5) < 4 * statistics.standard_error().ratio


def test_an_unreachable_ratio_says_what_it_would_need(hpv, typed, session, differences):
    before = session(hpv)
    printed = typed(hpv, "pomweights ratio=0.2")
    assert printed.count("Error:") == 1
    assert "atom share of 1." in printed
    assert differences(before, session(hpv)) == []


def test_the_lower_z_that_is_offered_moves_residues_as_far(hpv, typed):
    printed = typed(hpv, "pomweights relative=3.8")
    assert "it moves whole chains, and no residue relative to its chain" in printed
    (line,) = re.findall(r"the same inside, without it: (pomnoise .*)$", printed, re.M)
    run = typed(hpv, f"{line}, frames=2")
    assert re.search(r"residue relative to chain, in space .* 3\.800 A$", run, re.M)
    assert "chain 0.000, residue 0.889, atom 0.111" in run


def test_the_line_that_uses_the_weights_has_the_noise_level_and_the_law(hpv, typed):
    printed = typed(hpv, "pomweights relative=7 z=0.9, sigma_data=12, p_std=1.2")
    (line,) = re.findall(r"to use them: (pomnoise .*)$", printed, re.M)
    assert re.search(r"residue relative to chain, in space .* 7\.000 A$", typed(hpv, f"{line}, frames=2"), re.M)


def test_a_preset_is_kept_used_and_forgotten(hpv, typed, home):
    typed(hpv, "pomweights relative=3.8 z=0 save=mine")
    printed = typed(hpv, "pomnoise preset=mine frames=3")
    assert re.search(r"residue relative to chain, in space .* 3\.800 A$", printed, re.M)
    typed(hpv, "pomweights delete=mine")
    assert "did you mean" in typed(hpv, "pomnoise preset=minx") or "must be one of" in typed(
        hpv, "pomnoise preset=mine"
    )
    # What was made with it is still known.
    assert "Error" not in typed(hpv, "pomcolor metric=scramble")


def test_pomsweep_scales_one_draw(hpv, typed):
    from pomodoro_pymol.noise.sigma import sigma_from_z

    printed = typed(hpv, "pomsweep polymer, z=-2:1, presets=3-8-1+flat")
    assert "z at which structure is lost" in printed
    assert hpv.count_states("1hpv_sweep") == 4
    frames = states(hpv, "1hpv_sweep").astype(float)
    hpv.create("truth", "1hpv and polymer")
    truth = states(hpv, "truth")[0].astype(float)
    unit = (frames[3] - truth) / sigma_from_z(1)
    for state, z in enumerate((-2, -1, 0, 1)):
        # Coordinates of up to 100 A are rounded to 4e-6 A.
        np.testing.assert_allclose(frames[state], truth + sigma_from_z(z) * unit, atol=2e-5)
        assert hpv.get_title("1hpv_sweep", state + 1).startswith(f"z={z} sigma=")
    assert "was made by pomsweep, not by pomnoise" in typed(hpv, "pomcolor 1hpv_sweep")
    typed(hpv, "pomsweep 1hpv and polymer, z=0")
    assert hpv.count_states("1hpv_sweep") == 1
    typed(hpv, "pomsweep 1hpv and polymer, z=0:1")
    assert hpv.count_states("1hpv_sweep") == 2


def test_pomalign_lays_frames_on_the_truth(hpv, typed):
    from scipy.spatial.transform import Rotation

    from pomodoro_pymol.commands import pomalign

    typed(hpv, "pomnoise polymer, frames=3")
    before, after = pomalign(_self=hpv)
    assert after.levels().atom < before.levels().atom
    noised, aligned = states(hpv, "1hpv_noise").astype(float), states(hpv, "1hpv_noise_aligned").astype(float)
    np.testing.assert_array_equal(aligned[0], noised[0])
    truth = noised[0] - noised[0].mean(0)
    for there, here in zip(noised[1:], aligned[1:]):
        rotation, _ = Rotation.align_vectors(truth, there - there.mean(0))
        np.testing.assert_allclose(here, rotation.apply(there - there.mean(0)) + noised[0].mean(0), atol=1e-4)
    assert hpv.get_title("1hpv_noise_aligned", 2).endswith("aligned")
    assert "Error" not in typed(hpv, "pomcolor 1hpv_noise_aligned, relative")


@pytest.mark.parametrize("suffix", ["pdb", "cif"])
def test_pomsave_reads_back(hpv, typed, tmp_path, suffix):
    from pomodoro_pymol import read_header

    typed(hpv, "pomnoise 1hpv and not solvent, frames=3 seed=5")
    path = tmp_path / f"out.{suffix}"
    printed = typed(hpv, f"pomsave {path}, 1hpv_noise")
    assert "3 frames" in printed
    assert any("seed=5" in line for line in read_header(path))
    assert [other.name for other in tmp_path.iterdir()] == [path.name]
    hpv.load(str(path), "back")
    hpv.create("ordered", "back", 0, 0)
    original, back = states(hpv, "1hpv_noise"), states(hpv, "ordered")
    assert back.shape == original.shape
    key = []
    for name in ("1hpv_noise", "ordered"):
        labels = []
        hpv.iterate(name, "put((chain, resi, resn, name, round(b, 2)))", space={"put": labels.append})
        key.append(labels)
    assert key[0] == key[1]
    np.testing.assert_allclose(back, original, atol=5.1e-4)


def test_pomsave_per_residue_and_dcd(hpv, typed, tmp_path):
    typed(hpv, "pomnoise polymer, frames=2")
    typed(hpv, f"pomsave {tmp_path}/r.pdb, level=residue")
    hpv.load(f"{tmp_path}/r.pdb", "points")
    assert (hpv.count_atoms("points"), hpv.count_states("points")) == (198, 3)
    typed(hpv, f"pomsave {tmp_path}/f.dcd")
    typed(hpv, f"pomsave {tmp_path}/f.pdb")
    hpv.load(f"{tmp_path}/f.pdb", "saved")
    hpv.load_traj(f"{tmp_path}/f.dcd", "saved", 2)
    np.testing.assert_array_equal(states(hpv, "saved")[1:], states(hpv, "1hpv_noise")[1:])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("pomtable presets=flat+nope", "'nope' is no weight scheme"),
        ("pomtable z=-9:0", "z must be between"),
        ("pomtable z=1:0", "low <= high"),
        ("pomtable figure=table.doc", "figure must end in"),
        ("pomtable csv=/nowhere/at/all/t.csv", "does not exist"),
        ("pomsweep name=1hpv", "is the source itself"),
        ("pomsweep z=-3:3:0", "step > 0"),
        ("pomsweep z=-3:3:0.00001", "more than 1000"),
        ("pomweights ratio=0.5 relative=3", "give ratio or relative"),
        ("pomweights shares=1:2", "shares must be"),
        ("pomweights save=flat", "is built in"),
        ("pomweights delete=nope", "is not one of your presets"),
        ("pomalign", "run pomnoise first"),
        ("pomsave out.pdb", "run pomnoise first"),
        ("pomsave out.xyz", "must end in"),
        ("pomsave", "must end in"),
        ("pomsave out.cif, level=residue", "level=residue"),
    ],
)
def test_bad_input_is_one_line_and_changes_nothing(hpv, typed, session, differences, home, line, message):
    before = session(hpv)
    printed = typed(hpv, line)
    assert printed.count("Error:") == 1
    assert message in printed
    assert "Traceback" not in printed
    assert differences(before, session(hpv)) == []
    assert [path.name for path in home.rglob("*") if path.is_file()] == []


def test_what_pdb_cannot_hold_is_refused_with_what_can(hpv, typed, tmp_path):
    typed(hpv, "pomnoise z=5 frames=2")
    printed = typed(hpv, f"pomsave {tmp_path}/far.pdb")
    assert printed.count("Error:") == 1
    assert ".cif" in printed
    assert list(tmp_path.iterdir()) == []
    assert "Error" not in typed(hpv, f"pomsave {tmp_path}/far.cif")
