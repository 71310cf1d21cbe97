"""The command line on files: noise, table, sweep, weights."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import bad_input
import pytest
from read_back import model_number

FRAGMENT = bad_input.STRUCTURE


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """A function that runs the command line in a temporary folder: status, output, errors."""
    from pomodoro_pymol.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))

    def call(*words):
        try:
            status = main([str(word) for word in words])
        except SystemExit as exit_:
            status = exit_.code
        out, err = capsys.readouterr()
        return status, out, err

    return call


def test_noise_prints_the_numbers_and_writes_the_frames(run, tmp_path):
    import gemmi

    from pomodoro_pymol import read_header

    status, out, _ = run("noise", FRAGMENT, "--frames", 4, "--z", -1, "--output", "n.pdb", "--csv", "n.csv")
    assert status == 0
    assert "residue relative to chain, per coordinate" in out
    models = gemmi.read_structure(str(tmp_path / "n.pdb"))
    assert [model_number(model) for model in models] == [0, 1, 2, 3, 4]
    assert any("z=-1" in line for line in read_header(tmp_path / "n.pdb"))
    assert len(list(csv.DictReader((tmp_path / "n.csv").read_text().splitlines()))) == 32


def test_noise_is_that_of_add_noise(run, tmp_path):
    import gemmi
    import numpy as np

    from pomodoro_pymol import Hierarchy, LevelWeights, add_noise, read_structure, sigma_from_z

    run("noise", FRAGMENT, "--frames", 2, "--seed", 3, "--output", "n.cif")
    structure = read_structure(FRAGMENT)
    hierarchy = Hierarchy.from_structure(structure)
    frames = add_noise(structure.coords, hierarchy, sigma_from_z(0), LevelWeights(3, 8, 1), n_frames=2, seed=3)
    found = gemmi.read_structure(str(tmp_path / "n.cif"))
    for frame, model in zip(frames.numpy(), list(found)[1:]):
        coords = [[*cra.atom.pos] for cra in model.all()]
        np.testing.assert_allclose(coords, frame, atol=1e-4)


def test_noise_writes_residues_and_trajectories(run, tmp_path):
    import gemmi
    import numpy as np

    from pomodoro_pymol import Hierarchy, LevelWeights, add_noise, read_structure, sigma_from_z

    assert run("noise", FRAGMENT, "--frames", 3, "--output", "r.pdb", "--level", "residue")[0] == 0
    assert run("noise", FRAGMENT, "--frames", 3, "--output", "f.dcd")[0] == 0
    structure = read_structure(FRAGMENT)
    hierarchy = Hierarchy.from_structure(structure)
    frames = add_noise(structure.coords, hierarchy, sigma_from_z(0), LevelWeights(3, 8, 1), n_frames=3, seed=0)
    models = gemmi.read_structure(str(tmp_path / "r.pdb"))
    means = hierarchy.pool(frames).numpy()
    for mean, model in zip(means, list(models)[1:]):
        np.testing.assert_allclose([[*cra.atom.pos] for cra in model.all()], mean, atol=6e-4)
    dcd = pytest.importorskip("biotite.structure.io.dcd")
    np.testing.assert_array_equal(dcd.DCDFile.read(tmp_path / "f.dcd").get_coord(), frames.numpy())


def test_noise_as_tensors_and_packed(run, tmp_path):
    import gzip

    import numpy as np

    from pomodoro_pymol import Hierarchy, LevelWeights, add_noise, load_frames, read_header, read_structure, read_titles

    words = ("noise", FRAGMENT, "--frames", 2, "--z", 1, "--seed", 4)
    for name in ("n.npz", "n.pdb", "n.pdb.gz", "n.cif", "n.cif.gz"):
        assert run(*words, "--output", name)[0] == 0
    found = load_frames(tmp_path / "n.npz")
    structure = read_structure(FRAGMENT)
    hierarchy = Hierarchy.from_structure(structure)
    sigma = 16 * np.exp(-1.2 + 1.5)
    frames = add_noise(structure.coords, hierarchy, sigma, LevelWeights(3, 8, 1), n_frames=2, seed=4)
    np.testing.assert_allclose(found.coords, frames, atol=1e-5)
    np.testing.assert_array_equal(found.truth, structure.coords)
    np.testing.assert_allclose(found.sigma, [sigma] * 2, rtol=1e-6)
    assert str(found.hierarchy) == str(hierarchy)
    title = "z=1 sigma=21.6 A per coordinate seed=4 frame"
    wanted = ["truth (1hpv_fragment state 1)", f"{title} 1/2", f"{title} 2/2"]
    assert found.titles.tolist() == wanted[1:]
    for kind in ("pdb", "cif"):
        packed = tmp_path / f"n.{kind}.gz"
        assert gzip.decompress(packed.read_bytes()) == (tmp_path / f"n.{kind}").read_bytes()
        assert read_titles(packed) == wanted
        assert read_header(packed) == found.header.tolist()
        assert read_header(packed)[-1] == "B column: ratio"


def test_what_stands_in_the_b_column(run, tmp_path):
    import dataclasses

    import gemmi
    import numpy as np

    from pomodoro_pymol import NoiseParameters, read_structure, run_noise
    from pomodoro_pymol.experiments.frame_files import save_frames
    from pomodoro_pymol.io.header import read_header

    structure = read_structure(FRAGMENT)
    structure = dataclasses.replace(structure, b=np.linspace(1, 99, len(structure), dtype=np.float32))
    result = run_noise(structure, NoiseParameters(frames=2, device="cpu"), lambda block: None)
    metric = result.metric()[result.hierarchy.atom_to_residue.numpy()]
    for b, wanted, line in (("metric", metric, "ratio"), ("source", structure.b, "b of the source")):
        save_frames(tmp_path / "n.cif", result, b=b)
        sites = gemmi.read_structure(str(tmp_path / "n.cif"), merge_chain_parts=False)[1].all()
        np.testing.assert_allclose([cra.atom.b_iso for cra in sites], wanted, rtol=1e-5)
        assert read_header(tmp_path / "n.cif")[-1] == f"B column: {line}"
    assert run("noise", FRAGMENT, "--frames", 1, "--b", "source", "--output", "s.pdb")[0] == 0
    assert read_header(tmp_path / "s.pdb")[-1] == "B column: b of the source"


@pytest.mark.parametrize("link", [os.symlink, os.link])
@pytest.mark.parametrize(
    "words", [("noise", "--output"), ("noise", "--csv"), ("sample", "--output"), ("sweep", "--csv")]
)
def test_the_input_is_not_written_over_by_another_name(run, tmp_path, link, words):
    (tmp_path / "real.pdb").write_bytes(FRAGMENT.read_bytes())
    link(tmp_path / "real.pdb", tmp_path / "other.pdb")
    command, flag = words
    for one, other in (("real.pdb", "other.pdb"), ("other.pdb", "real.pdb")):
        status, out, err = run(command, one, flag, other)
        assert (status, out) == (2, "")
        assert err == f"error: cannot write {other}: it is what is read, and would be lost\n"
    assert (tmp_path / "real.pdb").read_bytes() == FRAGMENT.read_bytes()


def test_what_cannot_be_written_is_refused_before_the_work(run, tmp_path, monkeypatch):
    from pomodoro_pymol.experiments import noise, sampling

    def no_work(*_, **__):
        raise AssertionError("the work was begun")

    monkeypatch.setattr(noise, "run_noise", no_work)
    monkeypatch.setattr(sampling, "run_sample", no_work)
    for words in (("noise", FRAGMENT, "--z", 4), ("noise", FRAGMENT, "--frames", 10_000), ("sample", NMR)):
        status, out, err = run(*words, "--output", "a.pdb")
        assert (status, out) == (2, "")
        assert err.rstrip().endswith("save as mmCIF (.cif) or DCD (.dcd)")
    # What may fit, and what holds all, is begun.
    for words in (("noise", FRAGMENT, "--z", 2), ("noise", FRAGMENT, "--z", 4, "--output", "a.cif"), ("sample", NMR)):
        with pytest.raises(AssertionError, match="the work was begun"):
            run(*words, "--output" if len(words) < 5 else "--csv", "a.pdb" if words[0] == "noise" else "a.cif")


def test_table_sweep_and_weights(run, tmp_path):
    status, out, _ = run("table", FRAGMENT, "--frames", 5, "--z=-1:1", "--figure", "t.png", "--csv", "t.csv")
    assert status == 0
    assert "95 % interval" in out
    assert (tmp_path / "t.png").read_bytes()[:4] == b"\x89PNG"
    status, out, _ = run("sweep", FRAGMENT, "--z=-2:1:0.5", "--presets", "flat+3-8-1", "--figure", "s.svg")
    assert status == 0
    assert "z at which structure is lost" in out
    assert "<svg" in (tmp_path / "s.svg").read_text()
    status, out, _ = run("weights", FRAGMENT, "--ratio", 0.5, "--save", "half")
    assert status == 0
    assert " 0.5000 " in out
    status, out, _ = run("noise", FRAGMENT, "--preset", "half", "--frames", 2)
    assert status == 0
    assert run("weights", FRAGMENT, "--delete", "half")[0] == 0


@pytest.fixture
def damaged(tmp_path):
    """A folder with the files that bad input names; nothing in it changes."""
    bad_input.write_files(tmp_path)

    def look():
        return {path.name: (path.stat().st_mtime_ns, path.stat().st_size) for path in tmp_path.iterdir()}

    before = look()
    yield tmp_path
    assert look() == before


def filled(arguments):
    return [str(bad_input.STRUCTURE) if word == "FILE" else word for word in arguments]


@pytest.mark.parametrize(("arguments", "says"), bad_input.cases("cli"))
def test_bad_input_is_one_line(damaged, run, arguments, says):
    status, out, err = run(*filled(arguments))
    assert (status, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    assert says in line


@pytest.mark.parametrize(
    "arguments",
    [["noise", "FILE", "--z=high"], ["noise", "FILE", "--frmaes=3"], ["noise", "damaged.pdb"], ["nosie"], []],
)
def test_bad_input_in_a_process(damaged, run_python, arguments):
    says = {tuple(given): says for given, says in bad_input.cases("cli")}[tuple(arguments)]
    (damaged / "home").mkdir()
    done = run_python("-m", "pomodoro_pymol", *filled(arguments))
    (damaged / "home").rmdir()
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert says in line


def test_a_reader_that_stops_early_is_no_error():
    command = f'"{sys.executable}" -m pomodoro_pymol weights "{FRAGMENT}" | head -n 1'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=os.environ)
    assert "wc : wr : wa" in done.stdout
    assert "Traceback" not in done.stderr


NMR = Path(__file__).parents[1] / "data" / "2juy.pdb.gz"
FAST = ("--sampler", "edm", "--sigma_max", 2560, "--steps", 12, "--device", "cpu")


def found_sigma(steps, step, largest=2560, smallest=0.002, rho=7):
    """Noise level after a step of EDM, as Karras et al. 2022 have it: eq. 5."""
    ends = largest ** (1 / rho), smallest ** (1 / rho)
    return (ends[0] + step / (steps - 1) * (ends[1] - ends[0])) ** rho


def test_sample_prints_the_curves_and_writes_the_states(run, tmp_path):
    import gemmi
    import numpy as np

    from pomodoro_pymol import read_header

    words = ("sample", NMR, *FAST, "--every", 6, "--samples", 2, "--model", 3)
    status, out, err = run(*words, "--output", "s.cif", "--csv", "c.csv", "--figure", "c.png")
    assert (status, err) == (0, "")
    assert "ideal for 24 states" in out
    assert "analytic, not a trained model" in out
    assert len(list(csv.DictReader((tmp_path / "c.csv").read_text().splitlines()))) == 12
    assert (tmp_path / "c.png").stat().st_size > 10_000
    models = gemmi.read_structure(str(tmp_path / "s.cif"))
    assert len(models) == 5
    assert any("sampler=edm" in line for line in read_header(tmp_path / "s.cif"))
    from pomodoro_pymol import load_frames, read_titles

    assert read_titles(tmp_path / "s.cif")[:2] == [
        "truth (2juy state 3)",
        f"sigma={found_sigma(12, 6):.4g} A per coordinate step 6/12 sample 1 seed=0",
    ]
    assert run(*words, "--output", "s.npz")[0] == 0
    found = load_frames(tmp_path / "s.npz")
    assert found.titles.tolist() == read_titles(tmp_path / "s.cif")[1:]
    said = [float(title.split("sigma=")[1].split()[0]) for title in found.titles.tolist()]
    np.testing.assert_allclose(found.sigma, said, rtol=1e-3)
    run(*words, "--output", "e.pdb", "--show", "final")
    ends = gemmi.read_structure(str(tmp_path / "e.pdb"))
    members = [[[*cra.atom.pos] for cra in model.all()] for model in gemmi.read_structure(str(NMR))]
    np.testing.assert_allclose([[*cra.atom.pos] for cra in ends[0].all()], members[2], atol=1e-3)
    for end in (ends[1], ends[2]):
        found = np.array([[*cra.atom.pos] for cra in end.all()])
        assert np.abs(found - members).max((1, 2)).min() < 2e-3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((FRAGMENT, "--denoiser", "ideal"), "needs an ensemble and there is one state"),
        ((NMR, "--model", 25), "model 25 is not in"),
        ((NMR, "--steps", 0), "steps must be between"),
        ((NMR, "--sigma_max", 1e-3), "sigma_max must be larger than sigma_min"),
        ((NMR, "--output", "a.xyz"), "the file must end in"),
    ],
)
def test_sample_refuses_in_one_line(run, tmp_path, words, message):
    status, out, err = run("sample", *words)
    assert status == 2
    assert message in err
    assert len(err.splitlines()) == 1
    assert out == ""
    assert list(tmp_path.iterdir()) == []


def test_models_of_other_atoms_are_no_ensemble(tmp_path):
    from pomodoro_pymol.errors import PomodoroError
    from pomodoro_pymol.io.read import read_ensemble

    lines = [line for line in FRAGMENT.read_text().splitlines() if line.startswith("ATOM")]
    models = ["MODEL        1", *lines, "ENDMDL", "MODEL        2", *lines[1:], "ENDMDL", "END", ""]
    (tmp_path / "m.pdb").write_text("\n".join(models))
    with pytest.raises(
        PomodoroError, match=r"model 2 of .* has (not the atoms|[0-9]+ atoms, not the [0-9]+) of model 1"
    ):
        read_ensemble(tmp_path / "m.pdb")


F9 = Path(__file__).parents[1] / "data" / "cases" / "f9_nan.cif"


COMMANDS = (
    ("noise", "--frames", 2),
    ("table", "--frames", 2, "--z", 0),
    ("sweep", "--frames", 2, "--z", 0, "--presets", "flat"),
    ("weights",),
    ("signal", "--presets", "flat"),
    ("sample", *FAST, "--samples", 1),
)


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_what_is_left_out_is_said_once(run, words):
    command, *options = words
    status, out, err = run(command, F9, *options)
    assert (status, err) == (0, "")
    assert out.count("note:") == 1
    assert " note: left out: 1 residue without coordinates (A/GLY`1)" in out.splitlines()
    assert "note:" not in run(command, F9.with_name("f2_unobserved.cif"), *options)[1]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_input_that_would_mislead_is_told_once(run, tmp_path, words):
    """A mirror image with a hydrogen and two atoms without a place."""
    lines = []
    for line in FRAGMENT.read_text().splitlines():
        if line.startswith("ATOM"):
            line = f"{line[:30]}{-float(line[30:38]):8.3f}{line[38:]}"
        lines.append(line)
    first = next(row for row, line in enumerate(lines) if line.startswith("ATOM"))
    for row in (first, first + 1):
        lines[row] = f"{lines[row][:30]}{0:8.3f}{0:8.3f}{0:8.3f}{lines[row][54:]}"
    lines[first + 3] = f"{lines[first + 3][:76]} H{lines[first + 3][78:]}"
    (tmp_path / "odd.pdb").write_text("\n".join(lines) + "\n")
    command, *options = words
    status, out, err = run(command, "odd.pdb", *options)
    assert (status, err) == (0, "")
    notes = [line for line in out.splitlines() if line.startswith(" note: ")]
    assert [note.split(" a")[0].split()[1] for note in notes] == ["1", "2", "28"]
    assert out.count("note:") == 3
    for word, note in zip(("hydrogen", "0, 0, 0 (A/PRO`1/N, A/PRO`1/CA)", "are D"), notes):
        assert word in note
    assert "note:" not in run(command, FRAGMENT, *options)[1]
