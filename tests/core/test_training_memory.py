"""What a training says that it needs of memory, against what it takes."""

import subprocess
import sys
from pathlib import Path

import pytest

# Residues, width, layers, seeds (of two schemes, two scalings), samples; prints what was asked for over what was used.
TAKEN = """
import ctypes, gc, sys
from pathlib import Path
import numpy as np
import torch
from pomodoro_pymol import Structure, TrainParameters, run_train
from pomodoro_pymol.structure.atoms import ATOM_LABELS, RESIDUE_LABELS
from pomodoro_pymol.utils import memory

torch.set_num_threads(1)

def status(key):
    return int(Path("/proc/self/status").read_text().split(f"{key}:")[1].split()[0]) * 1024

def train(residues, **given):
    names = ["N", "CA", "C", "O", "CB", "CG", "CD", "CE"] * residues
    atoms = np.array([(name, name[0], "") for name in names], ATOM_LABELS)
    labels = np.array([("", "A", str(number), "LEU", False) for number in range(residues)], RESIDUE_LABELS)
    random = np.random.default_rng(0)
    states = random.normal(size=(7, len(names), 3)).astype("f4") * 4
    structure = Structure(states[0], atoms, labels, np.repeat(np.arange(residues), 8), "m")
    words = {"steps": 2, "presets": "flat+rb", "z": 0, "network": "m.npz", **given}
    run_train(structure, states, TrainParameters(**words))

asked = []
memory.require = lambda needed, *_: asked.append(needed)
train(3, width=8, layers=1, seeds=1, samples=2, batch=2)
residues, width, layers, seeds, samples = map(int, sys.argv[1:])
gc.collect()
ctypes.CDLL(None).malloc_trim(0)
Path("/proc/self/clear_refs").write_text("5")
before = status("VmRSS")
train(residues, width=width, layers=layers, seeds=seeds, samples=samples, batch=4)
print(asked[-1] / (status("VmHWM") - before))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from Linux's /proc")
@pytest.mark.parametrize("sizes", [(60, 32, 1, 2, 2)], ids=str)
def test_the_estimate_is_above_what_is_taken_and_not_far(tmp_path, sizes):
    arguments = [sys.executable, "-c", TAKEN, *map(str, sizes)]
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(arguments, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 0.95 < float(done.stdout) < 1.7
