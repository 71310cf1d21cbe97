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
from pomodoro_pymol.structure.atoms import ATOM_LABELS, RESIDUE_LABELS

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


def loaded_by(statement):
    """Return the top-level packages that are loaded once a statement has run."""
    done = python(f"{statement}\nimport sys\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))")
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_the_core_runs_without_pymol_and_qt():
    done = python(CORE_RUN.format(hosts=HOSTS))
    assert done.returncode == 0, done.stderr
    assert "variance share: chain" in done.stdout


LIGHT = {
    # what PyMOL loads at its start, and what widgets need: neither NumPy nor torch, PyMOL nor Qt
    "": ["", "cli", "errors", "health"],
    "utils": ["devices", "memory", "problems", "text"],
    "io": ["disk", "header"],
    "color": ["palettes"],
    "noise": ["metrics", "presets", "sigma", "weights"],
    "diffusion": ["choices", "samplers"],
    "parameters": ["base", "catalogue", "kinds", "shared", "syntax"],
}


@pytest.mark.parametrize(
    "statement",
    [
        *(
            "import " + ", ".join(".".join(filter(None, ("pomodoro_pymol", package, name))) for name in names)
            for package, names in LIGHT.items()
        ),
        "from pomodoro_pymol import PRESETS, NoiseParameters, sigma_from_z; dir(__import__('pomodoro_pymol'))",
    ],
)
def test_these_imports_load_nothing_heavy(statement):
    assert not loaded_by(statement) & {*HEAVY, *HOSTS}


PACKAGES = sorted(path.parent.name for path in Path(pomodoro_pymol.__file__).parent.rglob("*/__init__.py"))
KNOWS = {
    # what each package may load of the hosts, beside numpy, torch and scipy; a package on its own loads nothing
    **{package: set() for package in PACKAGES},
    "viewer": {"pymol", "pymol2", "chempy"},
    "jobs": {"pymol", "pymol2", "chempy"},
    "commands": {"pymol", "pymol2", "chempy"},
    "panel": set(HOSTS),
    "widgets": set(HOSTS) - {"pymol", "pymol2", "chempy"},
}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_loads_what_it_may(package):
    root = Path(pomodoro_pymol.__file__).parent
    (folder,) = (path for path in root.rglob(package) if path.is_dir())
    dotted = ".".join(folder.relative_to(root.parent).parts)
    if package != "commands":  # which is there to register them in PyMOL
        assert not loaded_by(f"import {dotted}") & {*HEAVY, *HOSTS}
    modules = [f"{dotted}.{path.stem}" for path in sorted(folder.glob("*.py")) if path.stem != "__init__"]
    assert loaded_by(f"import {', '.join(modules)}") & set(HOSTS) <= KNOWS[package]


def test_the_commands_load_nothing_heavy_of_their_own():
    """PyMOL itself brings NumPy."""
    heavy = {*HEAVY, *HOSTS} - loaded_by("import pymol.cmd")
    assert not loaded_by("import pymol.cmd, pomodoro_pymol.commands") & heavy


@pytest.mark.parametrize("name", pomodoro_pymol.__all__)
def test_every_public_name_exists(name):
    assert getattr(pomodoro_pymol, name) is not None
    assert name in dir(pomodoro_pymol)


def test_other_names_do_not():
    with pytest.raises(AttributeError, match="no attribute 'add_nose'"):
        _ = pomodoro_pymol.add_nose
