"""The command line without a PyMOL script: the demo's four files, the check, bad input."""

import csv

import pytest

N_RESIDUES = 199
FRAMES = 3


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The folder of a short demo, and what it printed."""
    import os
    import subprocess
    import sys
    from pathlib import Path

    import pomodoro_pymol

    folder = tmp_path_factory.mktemp("demo")
    env = {**os.environ, "HOME": str(folder), "PYTHONPATH": str(Path(pomodoro_pymol.__file__).parents[1])}
    command = [sys.executable, "-m", "pomodoro_pymol", "demo", "--output", "out", "--frames", str(FRAMES)]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "out", done


def test_demo_writes_four_files(demo):
    folder, done = demo
    assert sorted(path.name for path in folder.iterdir()) == [
        f"1hpv_noise.{ending}" for ending in ("csv", "pdb", "png", "pse")
    ]
    for word in ("Traceback", "rror", "plugin)"):
        assert word not in done.stderr
    assert "plugin)" not in done.stdout
    assert "variance share: atom in residue" in done.stdout


def test_demo_session(demo, cmd, typed):
    cmd.load(str(demo[0] / "1hpv_noise.pse"))
    assert cmd.get_names() == ["1hpv", "1hpv_noise", "1hpv_noise_key"]
    assert cmd.count_states("1hpv_noise") == FRAMES + 1
    assert "pomcolor: 1hpv_noise" in typed(cmd, "pomcolor")


def test_demo_models_are_the_states(demo, cmd, coords):
    import numpy as np

    lines = (demo[0] / "1hpv_noise.pdb").read_text().splitlines()
    assert [line.split()[1] for line in lines if line.startswith("MODEL")] == ["0", "1", "2", "3"]
    cmd.load(str(demo[0] / "1hpv_noise.pse"))
    cmd.load(str(demo[0] / "1hpv_noise.pdb"), "read")
    for state in range(1, FRAMES + 2):
        # A PDB file has three decimals.
        assert np.abs(coords(cmd, "read", state) - coords(cmd, "1hpv_noise", state)).max() < 6e-4


def test_demo_rows_are_the_residues(demo):
    with open(demo[0] / "1hpv_noise.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == N_RESIDUES
    assert sum(int(row["n_atoms"]) for row in rows) == 1551
    assert {row["chain"] for row in rows} == {"A", "B", ""}  # the ligand has no chain
    assert all(0 < float(row["ratio"]) <= 1.001 for row in rows)


def test_demo_picture(demo):
    data = (demo[0] / "1hpv_noise.png").read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    # 1200 x 600 pixels with something on them: an empty picture of this size packs into some 5 kB.
    assert (int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")) == (1200, 600)
    assert len(data) > 50_000


def test_check(run_python):
    done = run_python("-m", "pomodoro_pymol", "check")
    assert done.returncode == 0
    assert done.stderr == ""
    for word in ("Python", "numpy", "torch", "devices"):
        assert any(line.startswith(word) for line in done.stdout.splitlines())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--z", "high"], "z must be a number"),
        (["--frames", "0"], "frames must be between"),
        (["--preset", "ms", "--wc", "2"], "give wc or preset"),
        (["--palette", "jet"], "palette must be one of"),
        (["--output", "taken"], "taken"),
    ],
)
def test_bad_input(capsys, monkeypatch, tmp_path, arguments, message):
    from pomodoro_pymol.cli import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("a file")
    assert main(["demo", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert err.startswith("error: ")
    assert message in err
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_bad_input_in_a_process(run_python, tmp_path):
    done = run_python("-m", "pomodoro_pymol", "demo", "--z", "high")
    assert done.returncode == 2
    assert done.stderr == "error: z must be a number, not 'high'\n"
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_no_command(run_python):
    done = run_python("-m", "pomodoro_pymol")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
