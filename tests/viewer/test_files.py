"""A file read without PyMOL has the atoms and labels that PyMOL gives it."""

from pathlib import Path

import pytest

DATA = Path(__file__).parents[1] / "data"


def rows(structure):
    """Return each atom's labels and place; the case of element symbols is PyMOL's of the file."""
    return sorted(
        (*structure.residues[residue].tolist(), atom["name"], atom["alt"], atom["elem"].title(), *place.tolist())
        for residue, atom, place in zip(structure.residue_of_atom, structure.atoms, structure.coords)
    )


@pytest.mark.parametrize("kind", ["2juy", "1hpv", "1tii", "1hpv as mmCIF"])
def test_files_agree_with_pymol(cmd, kind, tmp_path):
    gemmi = pytest.importorskip("gemmi")
    from pomodoro_pymol.io.read import read_structure
    from pomodoro_pymol.viewer import reading

    if kind == "2juy":
        path = DATA / "2juy.pdb.gz"
    else:
        folder = "demo" if kind == "1tii" else "tut"
        path = Path(cmd.exp_path(f"$PYMOL_DATA/{folder}/{kind[:4]}.pdb"))
    if kind.endswith("mmCIF"):
        parsed = gemmi.read_pdb(str(path), max_line_length=78)
        parsed.setup_entities()
        path = tmp_path / "1hpv.cif"
        parsed.make_mmcif_document().write_file(str(path))
    cmd.load(str(path), "source", quiet=1)
    cmd.create("one", "source", 1, 1)
    assert rows(read_structure(path, solvent=True)) == rows(reading.read_structure("one", _self=cmd))
    dry = read_structure(path)
    assert len(dry) == cmd.count_atoms("one and not solvent")
