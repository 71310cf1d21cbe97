"""Memory: asked for before work, given back after it."""

import json
import subprocess
import sys

import pytest
import small_survey

from pomodoro_pymol.noise import draw
from pomodoro_pymol.utils import memory

# A line, and what its refusal says that it wanted.
LINES = {
    "pomnoise 1hpv, frames=30": "30 frames of 1631 atoms",
    "pomsweep 1hpv, z=-1:1": "3 states of 1631 atoms",
    "pomtable 1hpv, z=0": "100 draws of 1631 atoms",
    "pomweights ratio=0.5": "a copy of",
    "pomsample 1hpv, steps=4 samples=2": "8 states of 1631 atoms",
    "pomsample 1hpv, steps=4 samples=2 keep=denoised": "16 states of 1631 atoms",
    "pomprecond 1hpv": "1 state of 1631 atoms",
    "pomsignal 1hpv": "1 state of 1631 atoms",
    "pomtrain 1hpv": "1 state of 1631 atoms",
    "pomsurvey survey.parquet, 1hpv": "1 state of 1631 atoms",
    "pomalign": "20 frames of",
    "pommeasure 1hpv_noise, truth=1hpv": "21 frames of 1551 atoms",
    "pomdenoise": "20 frames of",
    "pommovie film.gif": "40 pictures of 640 x 480 pixels and 1551 atoms",
    "pommovie film.gif, z=-1:1": "4 pictures of 640 x 480 pixels and 1551 atoms",
}


@pytest.mark.parametrize("line", LINES)
def test_what_does_not_fit_is_refused_before_work(hpv, typed, session, differences, monkeypatch, tmp_path, line):
    monkeypatch.chdir(tmp_path)
    small_survey.write(tmp_path / "survey.parquet")
    typed(hpv, "pomnoise")
    before = session(hpv)
    monkeypatch.setattr(memory, "available", lambda: 2**10)
    printed = typed(hpv, line)
    assert f"{LINES[line]} " in printed
    assert "needs about" in printed
    assert differences(before, session(hpv)) == []


def test_each_frame_is_asked_for(hpv, typed, monkeypatch):
    asked = []
    monkeypatch.setattr(memory, "require", lambda needed, _: asked.append(needed))
    for frames in (10, 20, 40):
        typed(hpv, f"pomnoise frames={frames} name=noised")
        typed(hpv, "pomalign noised, name=laid")
        typed(hpv, "pomdenoise noised, name=clean denoiser=wiener")
    for ten, twenty, forty in (asked[0::3], asked[1::3]):
        # A state in PyMOL has coordinates and an index, and a frame of noise is held on its way.
        n_atoms = hpv.count_atoms("noised")
        assert 10 * 16 * n_atoms <= twenty - ten <= 10 * 36 * n_atoms
        assert forty - twenty == 2 * (twenty - ten)
    ten, twenty, forty = asked[2::3]
    assert ten < twenty < forty


def test_frames_that_come_from_a_gpu_wait_in_pinned_memory(hpv, typed, monkeypatch):
    """Two groups of them, of 50 frames each, in the place of the CPU's blocks."""
    asked = []
    monkeypatch.setattr(memory, "require", lambda needed, _: asked.append(needed))
    typed(hpv, "pomnoise frames=10 device=cpu name=noised")
    monkeypatch.setattr(draw, "is_batched", lambda device: True)
    monkeypatch.setattr(draw, "frames_per_group", lambda n_atoms, device: 1)
    typed(hpv, "pomnoise frames=10 device=cpu name=noised")
    n_atoms = hpv.count_atoms("noised")
    at_once, pinned = asked[0], asked[-1]
    assert at_once - pinned == (10 - 2 * 4) * 12 * n_atoms  # two blocks of four groups


#: Prints what there is after 12 and after 42 runs, and the bytes of the frames that ten of the latter made.
PILE = """
import gc, json, os, sys, tempfile, threading
from pathlib import Path
import pymol2
from pomodoro_pymol.commands import pomnoise, pomsample, pomsweep, register

tempfile.tempdir = sys.argv[1]
with pymol2.PyMOL() as instance:
    cmd = instance.cmd
    register(_self=cmd)
    cmd.load(cmd.exp_path("$PYMOL_DATA/tut/1hpv.pdb"), "1hpv", quiet=1)
    runs = [
        lambda seed: pomnoise(frames=500, seed=seed, _self=cmd),
        lambda seed: pomsweep(z=0, presets="3-8-1", seed=seed, _self=cmd),
        lambda seed: pomsample(steps=4, seed=seed, _self=cmd),
    ]
    status = Path("/proc/self/status")

    def left():
        gc.collect()
        return {
            "objects": cmd.get_names("all"),
            "records": sorted(cmd._pymol.session.pomodoro),
            "session": sorted(vars(cmd._pymol.session)),
            "threads": threading.active_count(),
            "files": len(os.listdir("/proc/self/fd")) if status.exists() else 0,
            "folders": os.listdir(tempfile.gettempdir()),
        }, int(status.read_text().split("VmRSS:")[1].split()[0]) * 1024 if status.exists() else 0

    seen = []
    for number in range(42):
        runs[number % 3](number)
        if number in (11, 41):  # pools and arenas of threads fill, then memory stands still
            seen.append(left())
    print(json.dumps([*seen, 500 * 12 * cmd.count_atoms("1hpv_noise")]))
"""


def test_nothing_piles_up(tmp_path):
    """Thirty runs leave what one leaves, and less memory than one in ten of them takes for its frames.

    In a process of its own: what a thousand tests leave is not ours.
    """
    done = subprocess.run([sys.executable, "-c", PILE, str(tmp_path)], capture_output=True, text=True, check=True)
    (before, held), (after, holding), frames = json.loads(done.stdout.splitlines()[-1])
    assert after == before
    # Ten of the runs were of 500 frames. If each left its frames, or its states, ten times this would be left.
    assert holding - held < frames
