"""The core runs where PyMOL and Qt do not exist, and importing the package costs nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import pomodoro_pymol

HEAVY = ("torch", "numpy", "scipy")
HOSTS = ("pymol", "pymol2", "chempy", "PyQt5", "PyQt6", "PySide2", "PySide6", "qtpy", "pyqtgraph")

CORE_RUN = """
import sys
sys.modules.update(dict.fromkeys({hosts}))

import numpy as np
from pomodoro_pymol import Hierarchy, NoiseParameters, Structure, add_noise, level_sigmas, run_noise
from pomodoro_pymol.structure import ATOM_LABELS, RESIDUE_LABELS

residues = np.array([("", "A", "1", "GLY", False), ("", "B", "1", "ALA", False)], RESIDUE_LABELS)
atoms = np.zeros(6, ATOM_LABELS)
structure = Structure(np.zeros((6, 3), np.float32), atoms, residues, np.array([0, 0, 0, 0, 1, 1]))
hierarchy = Hierarchy.from_structure(structure)
frames = add_noise(structure.coords, hierarchy, 4.82, n_frames=3)
level_sigmas(frames, hierarchy)
written = []
result = run_noise(structure, NoiseParameters(frames=5, device="cpu"), lambda block: written.append(len(block)))
assert sum(written) == 5
print(result.report())
"""


def python(code):
    environment = os.environ | {"PYTHONPATH": str(Path(pomodoro_pymol.__file__).parents[1])}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)


def test_the_core_runs_without_pymol_and_qt():
    done = python(CORE_RUN.format(hosts=HOSTS))
    assert done.returncode == 0, done.stderr
    assert "variance share: chain" in done.stdout


@pytest.mark.parametrize(
    "statement",
    [
        "import pomodoro_pymol",
        "import pomodoro_pymol.catalogue",
        "import pomodoro_pymol.errors, pomodoro_pymol.schedule, pomodoro_pymol.weights, pomodoro_pymol.metrics",
        "import pomodoro_pymol.palettes, pomodoro_pymol.health, pomodoro_pymol.memory",
        "from pomodoro_pymol import PRESETS, NoiseParameters, sigma_from_z; dir(__import__('pomodoro_pymol'))",
    ],
)
def test_these_imports_load_nothing_heavy(statement):
    done = python(f"{statement}\nimport sys\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))")
    assert done.returncode == 0, done.stderr
    assert not set(done.stdout.split()) & {*HEAVY, *HOSTS}


@pytest.mark.parametrize("name", pomodoro_pymol.__all__)
def test_every_public_name_exists(name):
    assert getattr(pomodoro_pymol, name) is not None
    assert name in dir(pomodoro_pymol)


def test_other_names_do_not():
    with pytest.raises(AttributeError, match="no attribute 'add_nose'"):
        _ = pomodoro_pymol.add_nose
