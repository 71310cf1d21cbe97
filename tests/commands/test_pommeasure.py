"""pommeasure in real PyMOL: levels and scores of frames of any origin, held against numbers found without it."""

import csv
import gzip
import math
import random
import re
from pathlib import Path

import numpy as np
import pytest

ENSEMBLE = Path(__file__).parents[1] / "data" / "2juy.pdb.gz"
LEVELS = ("atom", "residue", "chain", "residue_relative", "ratio", "chain_share", "residue_share", "atom_share")


@pytest.fixture
def outputs(hpv, typed):
    """1hpv, its frames by pomnoise, and the same frames as an object of somebody else's."""
    typed(hpv, "pomnoise polymer, z=-0.5, frames=5, seed=4")
    for state in range(2, 7):
        hpv.create("outputs", "1hpv_noise", state, state - 1)
    for state in range(1, 6):
        hpv.set_title("outputs", state, "")
    hpv.alter("outputs", "b, segi = 50, 'X'")
    hpv.sort("outputs")
    return hpv


def by_label(cmd, name, state):
    found = {}
    cmd.iterate_state(state, f"%{name}", "found[chain, resi, resn, name, alt] = (x, y, z)", space={"found": found})
    return found


def laid(points, target):
    """Superpose points on a target, shape=(n, 3), by Kabsch's algorithm in float64."""
    mean, to = points.mean(0), target.mean(0)
    u, _, vt = np.linalg.svd((points - mean).T @ (target - to))
    u[:, 2] *= np.sign(np.linalg.det(u @ vt))
    return (points - mean) @ (u @ vt) + to


def lddt(truth, points):
    """Pooled lDDT of all points, shape=(n, 3)."""
    apart = [np.linalg.norm(x[:, None] - x[None], axis=-1) for x in (truth, points)]
    near = (apart[0] < 15) & ~np.eye(len(truth), dtype=bool)
    return np.mean([(np.abs(apart[1] - apart[0]) < threshold)[near] for threshold in (0.5, 1, 2, 4)])


def test_frames_of_pomnoise_have_the_levels_that_it_measured(outputs):
    from pomodoro_pymol.commands import pommeasure, pomnoise

    of_noise = pomnoise("1hpv and polymer", z=-0.5, frames=5, seed=4, name="again", _self=outputs)
    measured = pommeasure("outputs", truth="1hpv and polymer", fit=0, _self=outputs)
    one, other = of_noise.statistics, measured.statistics
    assert (measured.hierarchy.n_residues, measured.hierarchy.n_chains) == (198, 2)
    # Coordinates are rounded to 4e-6 A.
    for name in LEVELS:
        assert getattr(other.levels(), name) == pytest.approx(getattr(one.levels(), name), rel=1e-5), name
        for low, high in zip(one.interval(), other.interval()):
            assert getattr(high, name) == pytest.approx(getattr(low, name), rel=1e-4), name
    np.testing.assert_allclose(measured.statistics.residues().residue, one.residues().residue, rtol=1e-4)


def test_its_line_of_noise_is_the_noise(outputs, typed):
    printed = typed(outputs, "pommeasure outputs, truth=1hpv and polymer, fit=0")
    line = re.search(r"as they lie +([\d.:]+)  sigma (\S+) A per coordinate, z (\S+) \(law of AF3\)", printed)
    said = re.findall(r"variance share: .*?  (0\.\d+) ", printed)
    assert [f"{float(share):.3f}" for share in said] == line[1].split(":")
    assert float(line[2]) == pytest.approx(16 * math.exp(-1.2 + 1.5 * float(line[3])), rel=0.01)
    assert float(line[3]) == pytest.approx(-0.5, abs=0.1)


def test_pomnoise_object_is_measured_against_its_first_state(outputs):
    from pomodoro_pymol.commands import pommeasure

    alone = pommeasure("1hpv_noise", fit=0, _self=outputs)
    beside = pommeasure("outputs", truth="1hpv and polymer", fit=0, _self=outputs)
    assert alone.before.n_frames == beside.before.n_frames == 5
    assert vars(alone.before.levels()) == pytest.approx(vars(beside.before.levels()), rel=1e-6)


def test_the_truth_among_the_frames_is_told(outputs, typed):
    printed = typed(outputs, "pommeasure 1hpv_noise, truth=1hpv and polymer")
    assert " note: 1 of 6 frames is the truth itself, atom by atom, and counted\n" in printed


@pytest.mark.parametrize("how", ["file", "labels"])
def test_the_order_of_atoms_does_not_matter(outputs, tmp_path, how):
    from pomodoro_pymol.commands import pommeasure

    wanted = pommeasure("outputs", truth="1hpv and polymer", _self=outputs)
    if how == "file":
        models = outputs.get_pdbstr("outputs", 0).split("ENDMDL")[:-1]
        mixed = []
        for number, model in enumerate(models, 1):
            atoms = [line for line in model.splitlines() if line.startswith("ATOM")]
            random.Random(7).shuffle(atoms)
            mixed += [f"MODEL     {number:>4}", *atoms, "ENDMDL"]
        (tmp_path / "mixed.pdb").write_text("\n".join([*mixed, "END", ""]))
        outputs.load(f"{tmp_path}/mixed.pdb", "mixed")
    else:  # the rows of memory stand in another order than the atoms then
        outputs.create("mixed", "outputs", 0, 0)
        outputs.alter("mixed", "chain = {'A': 'B', 'B': 'A'}[chain]")
        outputs.sort("mixed")
        outputs.alter("mixed", "chain = {'A': 'B', 'B': 'A'}[chain]")
    found = pommeasure("mixed", truth="1hpv and polymer", _self=outputs)
    accuracy = 2e-4 if how == "file" else 1e-6  # files have three decimals
    assert vars(found.after.levels()) == pytest.approx(vars(wanted.after.levels()), rel=accuracy)
    np.testing.assert_allclose(found.quality.ca_lddt, wanted.quality.ca_lddt, atol=1e-3)
    for state in range(1, 7):
        one, other = (by_label(outputs, f"{name}_measured", state) for name in ("outputs", "mixed"))
        assert one.keys() == other.keys()
        assert max(math.dist(place, other[label]) for label, place in one.items()) < 2e-3


def test_an_ensemble_agrees_with_numbers_found_without_it(cmd, typed, tmp_path):
    cmd.load(str(ENSEMBLE), "m", quiet=1)
    printed = typed(cmd, f"pommeasure m, csv={tmp_path}/m.csv")
    rows = list(csv.DictReader((tmp_path / "m.csv").read_text().splitlines()))
    assert [row["frame"] for row in rows] == [str(state) for state in range(2, 25)]
    labels, states = [], []
    for line in gzip.decompress(ENSEMBLE.read_bytes()).decode().splitlines():
        if line.startswith("MODEL"):
            states.append([])
            labels = []
        elif line.startswith(("ATOM", "HETATM")):
            states[-1].append([float(line[start : start + 8]) for start in (30, 38, 46)])
            labels.append((line[12:16].strip(), int(line[22:26])))
    truth, *frames = np.array(states)
    residues = np.array([number for _, number in labels])
    calphas = np.array([name == "CA" for name, _ in labels])
    atoms, means = [], []
    for row, frame in zip(rows, frames, strict=True):
        fitted = laid(frame, truth)
        for suffix, points in (("", frame), ("_superposed", fitted)):
            away = points - truth
            mean = np.array([away[residues == number].mean(0) for number in np.unique(residues)])
            for name, values in (("atom", away), ("residue", mean)):
                column = f"{name}_rms_per_coordinate{suffix}"
                assert float(row[column]) == pytest.approx(np.sqrt(np.square(values).mean()), rel=2e-5)
        atoms.append(np.square(away).mean())
        means.append(np.square(mean).mean())
        assert float(row["ca_lddt"]) == pytest.approx(lddt(truth[calphas], frame[calphas]), abs=2e-3)
        inside = []
        for number in np.unique(residues):
            heavy = (residues == number) & np.array([not name.lstrip("123").startswith("H") for name, _ in labels])
            inside.append((truth[heavy], frame[heavy]))
        kept = np.array(
            [
                abs(math.dist(moved[i], moved[j]) - math.dist(true[i], true[j]))
                for true, moved in inside
                for i in range(len(true))
                for j in range(i)
            ]
        )
        within = np.mean([kept < threshold for threshold in (0.5, 1, 2, 4)])
        assert float(row["lddt_within_residues"]) == pytest.approx(within, abs=1e-3)
    said = re.search(r"^ atom, per coordinate +\S+ +\S+ \.\. \S+ +(\S+)", printed, re.MULTILINE)
    assert float(said[1]) == pytest.approx(np.sqrt(np.mean(atoms)), rel=1e-3)
    said = re.search(r"^ residue / atom +\S+ +\S+ \.\. \S+ +(\S+)", printed, re.MULTILINE)
    assert float(said[1]) == pytest.approx(np.sqrt(np.mean(means) / np.mean(atoms)), abs=1e-4)


def test_superposition_and_scores_agree_with_biotite(outputs):
    struc = pytest.importorskip("biotite.structure")
    from pomodoro_pymol.commands import pommeasure

    measured = pommeasure("outputs", truth="1hpv and polymer", _self=outputs)
    truth = measured.structure.coords
    calphas = np.flatnonzero(measured.structure.atoms["name"] == "CA")
    for state, score in zip(range(1, 6), measured.quality.ca_lddt):
        places = by_label(outputs, "outputs", state)
        rows = measured.structure.residues[measured.structure.residue_of_atom]
        keys = zip(rows["chain"], rows["resi"], rows["resn"], measured.structure.atoms["name"])
        frame = np.array([places[(*key, "")] for key in keys], np.float32)
        fitted, _ = struc.superimpose(truth, frame)
        np.testing.assert_allclose(measured.frames[state - 1], fitted, atol=2e-4)
        ones = struc.AtomArray(len(calphas))
        ones.coord, ones.atom_name[:] = truth[calphas], "CA"
        ones.res_id, others = np.arange(len(calphas)), ones.copy()
        others.coord = frame[calphas]
        # Without an aggregation biotite's is pooled over all pairs.
        assert score == pytest.approx(struc.lddt(ones, others), abs=1e-3)


def test_the_new_object(outputs, typed, snapshot):
    seen = {name: snapshot(outputs, name) for name in ("1hpv", "outputs")}
    printed = typed(outputs, "pommeasure outputs, truth=1hpv and polymer, metric=displacement")
    assert {name: snapshot(outputs, name) for name in seen} == seen
    made = snapshot(outputs, "outputs_measured")
    assert made["titles"][:2] == ["truth (1hpv state 1)", "state 1 of outputs, superposed on 1hpv state 1"]
    assert made["labels"] == seen["outputs"]["labels"]
    assert by_label(outputs, "outputs_measured", 1).items() <= by_label(outputs, "1hpv", 1).items()
    truth = by_label(outputs, "outputs_measured", 1)
    places = [by_label(outputs, "outputs_measured", state) for state in range(2, 7)]
    frames = np.array([[place[key] for key in truth] for place in places])
    away = frames - np.array([*truth.values()])
    for key in (("A", "25"), ("B", "71")):
        rows = [row for row, label in enumerate(truth) if label[:2] == key]
        rms = np.sqrt(np.square(away[:, rows].mean(1)).mean())
        values = []
        outputs.iterate(
            f"outputs_measured and chain {key[0]} and resi {key[1]}", "put(b)", space={"put": values.append}
        )
        assert values == pytest.approx([rms] * len(rows), rel=1e-4)
    low, high = re.search(r"colour: displacement = residue rms\n +(\S+) \.\. (\S+) A per coordinate", printed).groups()
    assert (float(low), float(high)) == (0, pytest.approx(np.sqrt(np.square(away).mean()), rel=1e-2))
    assert "key outputs_measured_key" in printed
    shown = outputs.get_names("objects", enabled_only=1)
    assert "outputs_measured" in shown
    assert "outputs" not in shown
    assert "hidden: outputs, whose states these are; enable outputs shows it again" in printed


def test_fit_0_leaves_frames_where_they_are(outputs, typed):
    typed(outputs, "pommeasure outputs, truth=1hpv and polymer, fit=0")
    for state in range(1, 6):
        assert by_label(outputs, "outputs_measured", state + 1) == by_label(outputs, "outputs", state)


def test_where_objects_were_moved_what_is_seen_counts(outputs, typed):
    def atom_rms(line):
        return re.search(
            r"^ atom, per coordinate +(\S+).*?\.\. \S+ +(\S+)", typed(outputs, line), re.MULTILINE
        ).groups()

    line = "pommeasure outputs, truth=1hpv and polymer, fit=0"
    before = atom_rms(line)
    for name in ("outputs", "1hpv"):
        outputs.rotate("y", 40, object=name, camera=0)
        outputs.translate([5, -7, 11], object=name, camera=0)
    assert atom_rms(line) == before
    outputs.translate([300, 0, 0], object="1hpv", camera=0)
    lies, fitted = atom_rms(line)
    assert fitted == before[1]
    assert float(lies) == pytest.approx(300 / 3**0.5, rel=0.02)


def test_atoms_that_one_side_has_alone_are_left_out_and_told(outputs, typed):
    outputs.remove("outputs and chain B and resi 99")
    outputs.h_add("outputs and chain A and resi 1")
    n_hydrogens, n_atoms = outputs.count_atoms("outputs and hydro"), outputs.count_atoms("outputs and not hydro")
    printed = typed(outputs, "pommeasure outputs, truth=1hpv and polymer")
    assert f" note: left out: {n_hydrogens} atoms of the frames of outputs alone, not of the truth 1hpv (A/PRO`1/H" in (
        printed
    )
    assert "atoms of the truth 1hpv alone, not of the frames of outputs (B/PHE`99/N, B/PHE`99/CA" in printed
    assert f" truth: 1hpv: {n_atoms} atoms, 197 residues, 2 chains; 5 frames" in printed
    assert outputs.count_atoms("outputs_measured") == n_atoms


def test_labels_that_repeat_are_told_apart_by_their_segment_or_refused(cmd, typed, read_pdb, refused):
    for number, name in enumerate(("one", "two")):
        read_pdb(cmd, name)
        cmd.alter(name, f"segi = 'S{number}'")
        cmd.translate([0, 0, 9 * number], name, camera=0)
    cmd.create("both", "one or two")
    cmd.create("moved", "both")
    cmd.translate([3, 0, 0], "moved and segi S1", camera=0)
    printed = typed(cmd, "pommeasure moved, truth=both, fit=0")
    assert " truth: both: 24 atoms" in printed
    assert float(re.search(r"atom, per coordinate +(\S+)", printed)[1]) == pytest.approx((9 / 2 / 3) ** 0.5, rel=1e-3)
    cmd.alter("both or moved", "segi = ''")
    printed = refused(cmd, "pommeasure moved, truth=both, name=other")
    assert printed == " Error: more than one atom of the truth both is A/ALA`1/N: labels must tell atoms apart"


BAD = [
    ("pommeasure nothing_here", "nothing_here"),
    ("pommeasure outputs, truth=nothing_here", "nothing_here"),
    ("pommeasure 1hpv", "1hpv has one state, which would be its own truth: give truth, another object"),
    ("pommeasure 1hpv, truth=1hpv", "1hpv has one state, which would be its own truth"),
    ("pommeasure outputs, state=9", "state 9 is out of range"),
    ("pommeasure outputs, truth=1hpv, state=2", "state 2 is out of range: 1hpv has states 1 to 1"),
    ("pommeasure outputs, truth=1hpv or other", "2 objects match"),
    ("pommeasure outputs, truth=other", "the truth other and the frames of outputs have no atom in common"),
    ("pommeasure outputs, truth=1hpv, metric=excess", "metric must be one of ratio, relative, displacement"),
    ("pommeasure outputs, truth=1hpv, metric=lddt", "metric must be one of ratio, relative, displacement"),
    ("pommeasure outputs, truth=1hpv, fit=2", "fit must be between 0 and 1"),
    ("pommeasure outputs, truth=1hpv, range=1", "range"),
    ("pommeasure outputs, truth=1hpv, name=1hpv", "1hpv exists and was not made by"),
    ("pommeasure outputs, truth=1hpv, name=outputs", "name=outputs is the source itself"),
    ("pommeasure outputs, truth=1hpv, name=other", "other exists and was not made by"),
    ("pommeasure outputs, truth=1hpv, csv=/nowhere/a.csv", "/nowhere"),
    ("pommeasure outputs, truth=1hpv, sigma=2", "unknown parameter 'sigma' of pommeasure"),
    ("pommeasure gaps", "state 2 of gaps has not all 12 atoms with coordinates: all frames need the same atoms"),
]


@pytest.fixture
def prepared(outputs, load_source):
    outputs.fab("GGG", "other")
    load_source("missing atoms", outputs)
    return outputs


@pytest.mark.parametrize(("line", "message"), BAD)
def test_bad_input_is_one_line_and_changes_nothing(prepared, refused, line, message):
    refused(prepared, line, message)


def test_what_fails_on_the_way_leaves_the_session(outputs, typed, session, differences, monkeypatch):
    from pomodoro_pymol.viewer.states import StateWriter

    def fail(self):
        raise MemoryError

    before = session(outputs)
    monkeypatch.setattr(StateWriter, "verify", fail)
    assert typed(outputs, "pommeasure outputs, truth=1hpv").startswith(" Error: ")
    assert differences(before, session(outputs)) == []


@pytest.mark.parametrize("kind", ["missing first", "discrete"])
def test_a_first_frame_that_lacks_atoms_is_refused(cmd, typed, load_source, read_pdb, kind):
    read_pdb(cmd, "plain")
    name = load_source(kind, cmd).object
    printed = typed(cmd, f"pommeasure {name}, truth=plain")
    what = {
        "missing first": "state 1 of gaps lacks atoms that state 2 has",
        "discrete": "state 2 of loose has not all 12 atoms with coordinates",
    }
    assert printed == f" Error: {what[kind]}: all frames need the same atoms"


def test_what_the_truth_has_not_is_left_out_and_told(cmd, typed, load_source):
    load_source("missing first", cmd)
    printed = typed(cmd, "pommeasure gaps")
    assert " note: left out: 1 residue without coordinates (A/ALA`1)\n" in printed
    assert " truth: gaps: 8 atoms" in printed


def test_one_frame_has_no_interval(outputs, typed):
    outputs.create("single", "outputs", 1, 1)
    printed = typed(outputs, "pommeasure single, truth=1hpv and polymer")
    assert "n/a (1 frame)" in printed
    assert "; 1 frame\n" in printed


def test_frames_that_are_the_truth(hpv, typed):
    hpv.create("same", "1hpv and polymer", 1, 1)
    hpv.create("same", "1hpv and polymer", 1, 2)
    printed = typed(hpv, "pommeasure same, metric=displacement")
    assert "n/a, nothing is displaced" in printed
    assert re.search(r"Calpha lDDT, pooled over pairs +1\.0000", printed)
    assert "Error" not in printed


def test_the_command_line_says_the_same(cmd, typed, tmp_path, capfd):
    from pomodoro_pymol.cli import main

    cmd.load(str(ENSEMBLE), "2juy", quiet=1)
    for state, more in ((1, []), (3, ["--model", "3"])):
        printed = typed(cmd, f"pommeasure 2juy, state={state}, csv={tmp_path}/a.csv")
        assert main(["measure", str(ENSEMBLE), *more, "--csv", f"{tmp_path}/b.csv"]) == 0
        said = capfd.readouterr().out.strip("\n").splitlines()
        assert printed.splitlines()[1 : 1 + len(said)] == said
        one, other = ([*csv.reader((tmp_path / name).read_text().splitlines())] for name in ("a.csv", "b.csv"))
        assert one[0] == other[0]
        np.testing.assert_allclose(np.array(one[1:], float), np.array(other[1:], float), rtol=1e-5, atol=1e-6)


def test_the_command_line_takes_the_truth_from_another_file(hpv, typed, tmp_path, capfd):
    from pomodoro_pymol.cli import main

    typed(hpv, "pomnoise polymer, z=-1, frames=3")
    hpv.create("outputs", "1hpv_noise", 2, 1)
    hpv.create("outputs", "1hpv_noise", 3, 2)
    hpv.save(f"{tmp_path}/outputs.pdb", "outputs", 0)
    hpv.delete("outputs")
    hpv.load(f"{tmp_path}/outputs.pdb", "outputs")
    path = hpv.exp_path("$PYMOL_DATA/tut/1hpv.pdb")
    printed = typed(hpv, "pommeasure outputs, truth=1hpv and not solvent")
    assert main(["measure", f"{tmp_path}/outputs.pdb", "--truth", path]) == 0
    said = capfd.readouterr().out.strip("\n").splitlines()
    assert printed.splitlines()[1 : 1 + len(said)] == said
    assert "atoms of the truth 1hpv alone, not of the frames of outputs" in printed
