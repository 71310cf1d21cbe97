"""Small files of kinds that once failed, noised on the command line and saved: read back by three other programs."""

import io
from contextlib import redirect_stderr, redirect_stdout

import numpy as np
import pytest
from orders import CASES

NAMES = (
    "f3_index.cif",
    "f4_cap.pdb",
    "f5_resn4.pdb",
    "f6_no_element.pdb",
    "f7_ions_first.pdb",
    "f8_blank_resi.pdb",
    "f10_bom.pdb",
    "f10_bom.cif",
    "f10_cr.pdb",
    "f12_model_noendmdl.pdb",
    "f12_end_only.pdb",
    "info_hybrid36_resi.pdb",
)
#: A residue name of four letters has no place in PDB, which is refused in one line.
NOT_IN_PDB = {"f5_resn4.pdb"}


def run(*words):
    """Run the command line; return its status and what it printed."""
    from pomodoro_pymol.cli import main

    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main([str(word) for word in words])
    return status, out.getvalue(), err.getvalue()


def by_gemmi(path):
    import gemmi

    structure = gemmi.read_structure(str(path))
    return [
        (chain.name, str(residue.seqid), residue.name, atom.name, atom.element.name.upper(), atom.pos.tolist())
        for chain in structure[0]
        for residue in chain
        for atom in residue
    ]


def by_biotite(path):
    if path.suffix == ".pdb":
        from biotite.structure.io.pdb import PDBFile

        atoms = PDBFile.read(str(path)).get_structure(model=1)
    else:
        from biotite.structure.io.pdbx import CIFFile, get_structure

        atoms = get_structure(CIFFile.read(str(path)), model=1)
    return [
        (chain, f"{number}{code.strip()}", resn, name, element.upper(), place.tolist())
        for chain, number, code, resn, name, element, place in zip(
            atoms.chain_id, atoms.res_id, atoms.ins_code, atoms.res_name, atoms.atom_name, atoms.element, atoms.coord
        )
    ]


def by_pymol(cmd, path):
    cmd.delete("all")
    cmd.load(str(path), "back", quiet=1)
    found = []
    cmd.iterate_state(1, "back", "put((chain, resi, resn, name, elem.upper(), [x, y, z]))", space={"put": found.append})
    return found


@pytest.mark.parametrize("suffix", [".pdb", ".cif"])
@pytest.mark.parametrize("case", NAMES)
def test_what_is_saved_comes_back(cmd, tmp_path, case, suffix):
    pytest.importorskip("gemmi")
    pytest.importorskip("biotite")
    from pomodoro_pymol.io.read import read_structure
    from pomodoro_pymol.structure.hierarchy import Hierarchy

    path = tmp_path / f"saved{suffix}"
    status, _, err = run("noise", CASES / case, "--sigma", "0.001", "--frames", 2, "--output", path)
    if suffix == ".pdb" and case in NOT_IN_PDB:
        assert status == 2
        assert "residue name 'LYSH' does not fit PDB" in err
        assert "save as mmCIF" in err
        assert list(tmp_path.iterdir()) == []
        return
    assert (status, err) == (0, "")
    source = read_structure(CASES / case)
    labels = source.residues[source.residue_of_atom]
    wanted = sorted(
        (label["chain"], label["resi"], label["resn"], atom["name"], atom["elem"].upper(), *np.round(place, 3).tolist())
        for label, atom, place in zip(labels, source.atoms, source.coords.astype(float))
    )
    for read in (by_gemmi, by_biotite, lambda path: by_pymol(cmd, path)):
        found = sorted((*row[:5], *np.round(row[5], 3).tolist()) for row in read(path))
        assert [row[:5] for row in found] == [row[:5] for row in wanted]
        np.testing.assert_allclose([row[5:] for row in found], [row[5:] for row in wanted], atol=2e-3)
    # Residues and chains, too, are what they were.
    again = read_structure(path)
    sizes = [Hierarchy.from_structure(structure) for structure in (source, again)]
    assert str(sizes[0]) == str(sizes[1])
    assert "?" not in again.residues["resn"].tolist() + again.residues["resi"].tolist()


def test_alpha_carbons_are_found_without_elements():
    status, out, err = run("sweep", CASES / "f6_no_element.pdb", "--z", 0, "--presets", "flat")
    assert (status, err) == (0, "")
    # The z at which Calpha lDDT is lost, in closed form: n/a without alpha carbons.
    assert -3 < float(out.splitlines()[-1].split()[1]) < 3


@pytest.mark.parametrize("case", ["f12_model_noendmdl.pdb", "f12_end_only.pdb"])
def test_two_states_are_sampled_over(case):
    status, out, err = run("sample", CASES / case, "--steps", 3)
    assert (status, err) == (0, "")
    assert "2 states" in out


def test_the_input_is_not_written_over(tmp_path):
    path = tmp_path / "x.pdb"
    path.write_bytes((CASES / "f4_cap.pdb").read_bytes())
    status, _, err = run("noise", path, "--output", path)
    assert status == 2
    assert len(err.splitlines()) == 1
    assert path.read_bytes() == (CASES / "f4_cap.pdb").read_bytes()


def test_first_levels_that_do_not_fit_pdb_are_refused_before_the_run(tmp_path, monkeypatch):
    from pomodoro_pymol.experiments import sampling

    monkeypatch.setattr(sampling, "run_sample", lambda *_: pytest.fail("it ran"))
    status, _, err = run("sample", CASES.parent / "2juy.pdb.gz", "--output", tmp_path / "a.pdb")
    assert status == 2
    assert len(err.splitlines()) == 1
    assert "PDB" in err
    assert list(tmp_path.iterdir()) == []
