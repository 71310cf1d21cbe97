"""The same file and seed give the same frames in PyMOL and on the command line."""

import importlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pomodoro_pymol.structure.hierarchy import Hierarchy

pytest.importorskip("pymol2")
pytest.importorskip("gemmi")

SCRIPT = Path(__file__).with_name("compare_routes.py")
DATA = Path(__file__).parents[1] / "data"
FRAGMENT = DATA.parents[1] / "docs" / "data" / "1hpv_fragment.pdb"

SAME = {"1hpv.pdb", "1tii.pdb", "il2.pdb", "pept.pdb", "2juy.pdb.gz", "f1_two.pdb", "f2_unobserved.cif"}
REFUSED = {"water.pdb": "no atoms but water", "chem_comp_bond-top100.cif": "no atoms in"}


@pytest.fixture
def routes(monkeypatch):
    """The script as a module."""
    monkeypatch.syspath_prepend(SCRIPT.parent)
    return importlib.import_module(SCRIPT.stem)


def test_files_at_hand_give_the_same_frames(cmd, run_python):
    # Not f9_nan.cif: where a file has nan for coordinates, PyMOL reads beyond its memory, and may crash.
    files = [DATA / "2juy.pdb.gz", *(DATA / "cases" / name for name in ("f1_two.pdb", "f2_unobserved.cif"))]
    expected = dict.fromkeys(SAME, "same")
    done = run_python(SCRIPT, cmd.exp_path("$PYMOL_DATA"), *files)
    rows, summary = done.stdout.split("\n\n")
    found = {}
    for line in rows.splitlines():
        verdict, path, reason = line.split(maxsplit=2)
        name = Path(path.removesuffix(":")).name
        found[name] = verdict
        assert REFUSED.get(name, "") in reason
    assert {name: found[name] for name in expected} == expected
    assert found.keys() - expected.keys() <= REFUSED.keys()
    assert f"{len(expected)} same" in summary
    assert done.returncode == 0


def test_a_difference_is_named(routes):
    route = routes.from_file(FRAGMENT)
    structure, hierarchy = route.structure, route.hierarchy
    places = [1, 0, *range(2, len(structure))]
    moved = structure.coords + np.float32([[0, 0, 0.25]]) * (np.arange(len(structure)) == 5)[:, None]
    apart = Hierarchy(hierarchy.atom_to_residue, torch.arange(hierarchy.n_residues))
    joined = Hierarchy(0 * hierarchy.atom_to_residue, torch.zeros(1, dtype=torch.int64))
    swapped = replace(structure, atoms=structure.atoms[places])
    renamed = structure.atoms.copy()
    renamed["name"][3] = "OX"
    lighter = structure.atoms.copy()
    lighter["elem"][3] = "H"
    changes = {
        ("same", ""): {},
        ("FAULT", "frames"): {"frames": route.frames[:, places]},
        ("FAULT", "order"): {"structure": swapped},
        ("differs", "rank"): {"structure": replace(swapped, order="copy")},
        ("differs", "atoms"): {"structure": replace(structure, atoms=renamed)},
        ("differs", "coordinates"): {"structure": replace(structure, coords=moved.astype(np.float32))},
        ("differs", "chains"): {"hierarchy": apart},
        ("differs", "residues"): {"hierarchy": joined},
        ("differs", "notes"): {"structure": replace(structure, atoms=lighter)},
    }
    for expected, change in changes.items():
        assert routes.difference(replace(route, **change), route)[:2] == expected


def test_another_seed_fails(run_python, tmp_path):
    text, parameters = SCRIPT.read_text(), "NoiseParameters(**NOISE)"
    assert parameters in text
    faulty = tmp_path / "faulty.py"
    faulty.write_text(text.replace(parameters, "NoiseParameters(**{**NOISE, 'seed': 2})"))
    done = run_python(faulty, FRAGMENT)
    assert done.returncode == 1
    assert done.stdout.startswith("FAULT ")
    assert "1 FAULT frames" in done.stdout
