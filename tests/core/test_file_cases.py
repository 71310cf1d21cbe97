"""Small files of kinds that the reader once took otherwise than PyMOL."""

from pathlib import Path

import numpy as np
import pytest

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.io.read import read_ensemble, read_structure

CASES = Path(__file__).parents[1] / "data" / "cases"
_ATOM = "ATOM      1  CA  ALA A   1    {:8.3f}   0.000   0.000  1.00  0.00           C\n"


def test_a_mark_of_bytes_hides_no_atom():
    pytest.importorskip("gemmi")
    for name in ("f10_bom.pdb", "f10_bom.cif", "f10_cr.pdb"):
        structure = read_structure(CASES / name)
        assert structure.atoms["name"].tolist() == ["N", "CA"] * 2


@pytest.mark.parametrize(
    "text",
    [
        "MODEL        1\n{0}MODEL        2\n{1}",
        "{0}END\n{1}END\n",
        "MODEL        1\n{0}ENDMDL\nMODEL        1\n{1}ENDMDL\n",
        "MODEL\n{0}ENDMDL\nMODEL\n{1}ENDMDL\nEND\n",
        "MODEL        7\n{0}TER\nENDMDL\nEND\nMODEL        9\n{1}ENDMDL\nEND\n",
        "MODEL        1\n{0}END\nENDMDL\nMODEL        2\n{1}ENDMDL\n",
        "HEADER    ONE\n{0}HEADER    TWO\n{1}",
    ],
)
def test_models(tmp_path, text):
    path = tmp_path / "m.pdb"
    path.write_text(text.format(_ATOM.format(1.45), _ATOM.format(1.55)))
    _, states = read_ensemble(path)
    np.testing.assert_allclose(states[:, 0, 0], [1.45, 1.55], atol=1e-6)


@pytest.mark.parametrize("name", ["f12_model_noendmdl.pdb", "f12_end_only.pdb"])
def test_cases_of_two_states(name):
    _, states = read_ensemble(CASES / name)
    np.testing.assert_allclose(states[:, 0, 0], [1.45, 1.55], atol=1e-6)


def test_pdbqt_is_read(tmp_path):
    rows = [("C1", "C ", "A"), ("O1", "OA", "O"), ("N1", "NA", "N"), ("H1", "HD", "H"), ("C2", "A ", "C")]
    lines = ["REMARK  1 active torsions", "ROOT"]
    for i, (name, kind, _) in enumerate(rows, 1):
        lines.append(
            f"HETATM{i:5d}  {name:3s} LIG L   1    {1.4 * i:8.3f}{0:8.3f}{0:8.3f}  1.00  0.00    {0.123:6.3f} {kind}"
        )
    path = tmp_path / "ligand.pdbqt"
    path.write_text("\n".join([*lines, "ENDROOT", "TORSDOF 1", ""]))
    structure = read_structure(path)
    assert structure.atoms["elem"].tolist() == ["C", "O", "N", "H", "C"]
    assert structure.residues[["segi", "chain", "resi", "resn"]].tolist() == [("", "L", "1", "LIG")]


def test_occupancy_b_charge_and_cell_of_a_file(tmp_path):
    pytest.importorskip("gemmi")
    path = tmp_path / "m.pdb"
    line = "HETATM    1 {}   {} A   {}       0.000   0.000   0.000  {}{}          {}{}\n"
    path.write_text(
        "CRYST1   50.000   60.000   70.000  90.00 100.00  90.00 P 1 21 1      2\n"
        + line.format("ZN", " ZN", 1, "0.30", " 12.50", "ZN", "2+")
        + line.format("CL", " CL", 2, "0.70", " 99.99", "CL", "1-")
        + line.format("NA", " NA", 3, "    ", "      ", "NA", "  ")
    )
    structure = read_structure(path)
    np.testing.assert_allclose(structure.occupancy, [0.3, 0.7, 1.0], atol=1e-6)
    np.testing.assert_allclose(structure.b, [12.5, 99.99, 0.0], atol=1e-5)
    assert structure.charge.tolist() == [2, -1, 0]
    assert structure.cell.lengths == (50, 60, 70)
    assert structure.cell.angles == (90, 100, 90)
    assert structure.cell.space_group == "P 1 21 1"


def test_where_pymol_moves_the_atoms_is_told(cmd, tmp_path):
    """SCALE that turns the atoms about; PyMOL's coordinates, and how far they lie from the file's."""
    lines = ["CRYST1   50.000   60.000   70.000  90.00  90.00  90.00 P 1           1"]
    lines += ["SCALE1      0.000000  0.016667  0.000000        0.00000"]
    lines += ["SCALE2     -0.020000  0.000000  0.000000        0.00000"]
    lines += ["SCALE3      0.000000  0.000000  0.014286        0.00000"]
    path = tmp_path / "m.pdb"
    path.write_text("\n".join([*lines, _ATOM.format(10.0).rstrip(), "END", ""]))
    structure = read_structure(path)
    cmd.load(str(path), "m", quiet=1)
    (place,) = cmd.get_model("m").get_coord_list()
    away = np.linalg.norm(np.subtract(place, structure.coords[0]))
    assert away > 1
    assert f"PyMOL moves the atoms of this file by up to {away:.3g} A" in structure.note
    path.write_text("\n".join([lines[0], _ATOM.format(10.0).rstrip(), "END", ""]))
    assert read_structure(path).note == ""


def test_fractional_coordinates_are_refused_with_the_reason(tmp_path):
    pytest.importorskip("gemmi")
    path = tmp_path / "small.cif"
    path.write_text("data_x\nloop_\n_atom_site_label\n_atom_site_fract_x\nC1 0.1\n")
    with pytest.raises(PomodoroError, match="it has fractional coordinates alone"):
        read_structure(path)


def test_models_of_other_atoms_are_told(tmp_path):
    path = tmp_path / "m.pdb"
    two = _ATOM.format(1.0).replace(" CA ", " CB ")
    path.write_text(f"MODEL        1\n{_ATOM.format(1)}ENDMDL\nMODEL        2\n{_ATOM.format(1)}{two}ENDMDL\n")
    note = "1 of 2 models has other atoms than the first: PyMOL makes one object of the atoms of all"
    assert read_structure(path).note.startswith(note)
    path.write_text(f"MODEL        1\n{_ATOM.format(1)}{two}ENDMDL\nMODEL        2\n{two}{_ATOM.format(1)}ENDMDL\n")
    assert read_structure(path).note == ""
