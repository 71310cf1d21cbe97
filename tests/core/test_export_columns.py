"""Occupancy, charge, cell, the source's b, titles and blank chains, read back by gemmi and biotite."""

import dataclasses
import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from read_back import model_number

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.io.header import cif_titles, pdb_titles, read_header, read_titles
from pomodoro_pymol.io.mmcif import save_mmcif
from pomodoro_pymol.io.pdb import check_pdb, save_pdb, save_pdb_residue
from pomodoro_pymol.structure.atoms import ATOM_LABELS, RESIDUE_LABELS, Structure, UnitCell
from pomodoro_pymol.structure.hierarchy import Hierarchy

SAVE = {"pdb": save_pdb, "cif": save_mmcif}
N_FRAMES = 3
CELL = UnitCell((51.5, 161.777, 70.125), (90.0, 98.51, 120.0), "P 1 21 1")
LABELS = [
    ("", "", "1", "ASP", False),
    ("", "B", "1", "LYS", False),
    ("", "", "2", "ZN", True),
    ("", "", "3", "CL", True),
]
ATOMS = [
    *(("N", "N", ""), ("CA", "C", "A"), ("CA", "C", "B"), ("OD2", "O", "")),
    *(("CA", "C", ""), ("NZ", "N", ""), ("ZN", "Zn", ""), ("CL", "Cl", "")),
]
OCCUPANCY = [1.0, 0.35, 0.65, 0.5, 1.0, 0.0, 0.25, 1.0]
B = [12.5, 44.1, 3.75, 90.03, 100.0, 0.0, 55.5, -2.5]
CHARGE = [0, 0, 0, -1, 0, 1, 2, -1]
TITLES = ["truth (2juy state 1)", "z=1 sigma=2.25 A", 'it\'s "both"', 'naïve "Å"' + " long" * 30]


@pytest.fixture(scope="module")
def structure():
    return Structure(
        np.random.default_rng(0).normal(0, 60, (len(ATOMS), 3)).astype(np.float32),
        np.array(ATOMS, ATOM_LABELS),
        np.array(LABELS, RESIDUE_LABELS),
        np.array([0, 0, 0, 0, 1, 1, 2, 3]),
        "toy",
        occupancy=np.array(OCCUPANCY, np.float32),
        b=np.array(B, np.float32),
        charge=np.array(CHARGE, np.int8),
        cell=CELL,
    )


@pytest.fixture(scope="module")
def frames(structure):
    noise = np.random.default_rng(1).normal(0, 50, (N_FRAMES, len(structure), 3))
    return (structure.coords + noise).astype(np.float32)


@pytest.fixture(params=["pdb", "cif", "pdb.gz", "cif.gz"])
def written(request, tmp_path, structure, frames):
    path = tmp_path / f"frames.{request.param}"
    values = np.arange(len(structure)) / 4
    SAVE[request.param[:3]](path, structure, frames, values=values, header=["a line"], titles=TITLES)
    return path


def unpacked(path):
    """The same file without .gz, unpacked by Python's own reader."""
    if path.suffix != ".gz":
        return path
    plain = path.with_suffix("")
    plain.write_bytes(gzip.decompress(path.read_bytes()))
    return plain


def test_gemmi_reads_them_back(written, frames):
    gemmi = pytest.importorskip("gemmi")
    read = gemmi.read_structure(str(written), merge_chain_parts=False)
    assert len(read) == 1 + N_FRAMES
    for number, model in enumerate(read):
        sites = sorted(
            (atom.serial, chain.name, atom.occ, atom.charge, atom.b_iso)
            for chain in model
            for residue in chain
            for atom in residue
        )
        _, chains, occupancy, charge, b = zip(*sites)
        assert chains == ("", "", "", "", "B", "B", "", "")
        np.testing.assert_allclose(occupancy, OCCUPANCY, atol=1e-6)
        assert list(charge) == CHARGE
        np.testing.assert_allclose(b, np.arange(len(ATOMS)) / 4, atol=1e-6)
        assert model_number(model) == number
    np.testing.assert_allclose(read.cell.parameters, (*CELL.lengths, *CELL.angles), atol=1e-9)
    assert read.spacegroup_hm == CELL.space_group


def test_biotite_reads_them_back(written):
    path = unpacked(written)
    fields = ["occupancy", "charge", "b_factor"]
    if path.suffix == ".pdb":
        pdb = pytest.importorskip("biotite.structure.io.pdb")
        stack = pdb.PDBFile.read(path).get_structure(altloc="all", extra_fields=fields)
    else:
        pdbx = pytest.importorskip("biotite.structure.io.pdbx")
        stack = pdbx.get_structure(pdbx.CIFFile.read(path), altloc="all", extra_fields=fields)
    assert stack.stack_depth() == 1 + N_FRAMES
    assert stack.chain_id.tolist() == ["", "", "", "", "B", "B", "", ""]
    np.testing.assert_allclose(stack.occupancy, OCCUPANCY, atol=1e-6)
    assert stack.charge.tolist() == CHARGE
    np.testing.assert_allclose(stack.b_factor, np.arange(len(ATOMS)) / 4, atol=1e-6)
    box = pytest.importorskip("biotite.structure.box")
    for vectors in stack.box:
        *lengths, alpha, beta, gamma = box.unitcell_from_vectors(vectors)
        np.testing.assert_allclose(lengths, CELL.lengths, rtol=1e-6)
        np.testing.assert_allclose(np.rad2deg([alpha, beta, gamma]), CELL.angles, rtol=1e-6)


def test_the_sources_b_stands_beside_the_metric(tmp_path, structure, frames):
    gemmi = pytest.importorskip("gemmi")
    pdbx = pytest.importorskip("biotite.structure.io.pdbx")
    unknown = structure.b.copy()
    unknown[2] = np.nan
    path = tmp_path / "a.cif"
    save_mmcif(path, dataclasses.replace(structure, b=unknown), frames, values=np.ones(len(structure)))
    column = gemmi.cif.read(str(path)).sole_block().find_values("_atom_site.pomodoro_source_b")
    found = [gemmi.cif.as_number(value) for value in column]
    np.testing.assert_allclose(found, np.tile(unknown, 1 + N_FRAMES), rtol=1e-6)
    assert column[2] == "?"
    category = pdbx.CIFFile.read(path).block["atom_site"]
    mask = category["pomodoro_source_b"].mask.array
    assert [place for place, value in enumerate(mask[: len(structure)]) if value] == [2]
    assert gemmi.read_structure(str(path))[0][0][0][0].b_iso == 1


@pytest.mark.parametrize("kind", ["pdb", "cif"])
def test_without_values_b_is_the_sources(tmp_path, structure, frames, kind):
    gemmi = pytest.importorskip("gemmi")
    path = tmp_path / f"a.{kind}"
    SAVE[kind](path, structure, frames)
    sites = sorted((cra.atom.serial, cra.atom.b_iso) for cra in gemmi.read_structure(str(path))[2].all())
    np.testing.assert_allclose([b for _, b in sites], B, atol=1e-5)
    assert "pomodoro_source_b" not in path.read_text()
    with pytest.raises(PomodoroError, match="values must be 8 finite numbers"):
        SAVE[kind](path, dataclasses.replace(structure, b=np.full(8, np.nan, np.float32)), frames)


def test_a_residue_has_the_mean_of_its_atoms_b(tmp_path, structure, frames):
    gemmi = pytest.importorskip("gemmi")
    save_pdb_residue(tmp_path / "a.pdb", structure, Hierarchy.from_structure(structure), frames, titles=TITLES)
    read = gemmi.read_structure(str(tmp_path / "a.pdb"), merge_chain_parts=False)
    found = [(cra.atom.b_iso, cra.atom.occ, cra.atom.charge) for cra in read[0].all()]
    means = [np.mean(B[:4]), np.mean(B[4:6]), B[6], B[7]]
    np.testing.assert_allclose(found, [(mean, 1, 0) for mean in means], atol=5.1e-3)
    assert read.cell.a == CELL.lengths[0]
    assert read_titles(tmp_path / "a.pdb") == TITLES


def test_titles_and_header_are_read_back(written):
    assert read_titles(written) == TITLES
    assert read_header(written) == ["a line"]


def test_titles_are_read_back_by_others(written):
    gemmi, path = pytest.importorskip("gemmi"), unpacked(written)
    if path.suffix == ".pdb":
        remarks = gemmi.read_structure(str(path)).raw_remarks
        assert [line.rstrip() for line in remarks][1:3] == [
            "REMARK  99 = MODEL 0: truth (2juy state 1)",
            "REMARK  99 = MODEL 1: z=1 sigma=2.25 A",
        ]
        pdb = pytest.importorskip("biotite.structure.io.pdb")
        assert "= MODEL 1: z=1 sigma=2.25 A" in [line.strip() for line in pdb.PDBFile.read(path).get_remark(99)]
    else:
        table = gemmi.cif.read(str(path)).sole_block().find("_pomodoro_model.", ["id", "title"])
        rows = [(row[0], gemmi.cif.as_string(row[1])) for row in table]
        assert [number for number, _ in rows] == ["0", "1", "2", "3"]
        assert [title for _, title in rows][:2] == TITLES[:2]
        pdbx = pytest.importorskip("biotite.structure.io.pdbx")
        category = pdbx.CIFFile.read(path).block["pomodoro_model"]
        assert category["title"].as_array().tolist()[:2] == TITLES[:2]


@given(st.lists(st.text(max_size=90).map(str.rstrip), max_size=4), st.integers(0, 1))
def test_any_titles_are_read_back(tmp_path_factory, titles, first):
    for write, end in ((pdb_titles, "MODEL"), (cif_titles, "loop_\n_atom_site.id\n1\n")):
        path = tmp_path_factory.mktemp("titles") / "a"
        path.write_text(write(titles, first) + end)
        assert read_titles(path) == titles


@pytest.mark.parametrize("kind", ["pdb", "cif"])
def test_titles_are_one_per_model(tmp_path, structure, frames, kind):
    for titles in (TITLES[:3], [*TITLES, "more"], []):
        for given_ in (frames, iter([frames])):
            with pytest.raises(PomodoroError, match=f"{len(titles)} titles are not one for each"):
                SAVE[kind](tmp_path / "a", structure, given_, titles=titles)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["pdb", "cif"])
def test_a_structure_that_is_no_truth_is_left_out(tmp_path, structure, frames, kind):
    gemmi = pytest.importorskip("gemmi")
    path = tmp_path / f"a.{kind}"
    SAVE[kind](path, structure, frames, titles=TITLES[1:], truth=False)
    read = gemmi.read_structure(str(path), merge_chain_parts=False)
    assert [model_number(model) for model in read] == [1, 2, 3]
    for model, frame in zip(read, frames):
        sites = sorted((cra.atom.serial, cra.atom.pos.tolist()) for cra in model.all())
        np.testing.assert_allclose([place for _, place in sites], frame, atol=6e-4)
    assert read_titles(path) == TITLES[1:]
    text = path.read_text()
    assert "MODEL 1: z=1" in text if kind == "pdb" else "\n1 'z=1" in text


def test_packed_files_are_the_same_bytes_whenever_and_wherever(tmp_path, structure, frames):
    for kind, save in SAVE.items():
        first, second, plain = (tmp_path / name for name in (f"a.{kind}.gz", f"b.{kind.upper()}.GZ", f"a.{kind}"))
        for path in (first, second, plain):
            save(path, structure, frames)
        assert first.read_bytes() == second.read_bytes()
        assert first.read_bytes()[:8] == b"\x1f\x8b\x08\0\0\0\0\0"
        assert gzip.decompress(first.read_bytes()) == plain.read_bytes()


@pytest.mark.parametrize("kind", ["pdb", "cif"])
def test_an_interrupt_leaves_no_packed_file(tmp_path, structure, frames, kind):
    def blocks():
        yield frames
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SAVE[kind](tmp_path / f"a.{kind}.gz", structure, blocks())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"charge": np.array([0, 0, 0, 0, 0, 0, 10, 0], np.int8)}, "formal charge of 10 does not fit PDB"),
        ({"charge": np.full(8, -128, np.int8)}, "formal charge of -128 does not fit PDB"),
        ({"occupancy": np.full(8, 1000, np.float32)}, "occupancy of 1000 does not fit PDB"),
        ({"cell": dataclasses.replace(CELL, lengths=(1e6, 1, 1))}, "unit cell of 1e[+]06 does not fit"),
        (
            {"cell": dataclasses.replace(CELL, space_group="I 1 2/m 1 (x)")},
            "space group 'I 1 2/m 1 .x.' does not fit PDB",
        ),
    ],
)
def test_what_pdb_cannot_hold_of_them(tmp_path, structure, frames, change, message):
    changed = dataclasses.replace(structure, **change)
    with pytest.raises(PomodoroError, match=message + r".* save as mmCIF \(.cif\)$"):
        save_pdb(tmp_path / "a.pdb", changed, frames)
    with pytest.raises(PomodoroError, match=message):
        check_pdb(changed, 1)
    save_mmcif(tmp_path / "a.cif", changed, frames)
    assert [path.name for path in tmp_path.iterdir()] == ["a.cif"]


@pytest.mark.parametrize("kind", ["pdb", "cif"])
def test_what_is_not_finite_is_refused(tmp_path, structure, frames, kind):
    for change, what in (
        ({"occupancy": np.full(8, np.nan, np.float32)}, "occupancies must be 8 finite numbers"),
        ({"cell": dataclasses.replace(CELL, angles=(90, np.inf, 90))}, "the unit cell must be 6 finite numbers"),
    ):
        with pytest.raises(PomodoroError, match=what):
            SAVE[kind](tmp_path / "a", dataclasses.replace(structure, **change), frames)
    assert list(tmp_path.iterdir()) == []


def test_a_cell_without_a_known_group(tmp_path, structure, frames):
    gemmi = pytest.importorskip("gemmi")
    unknown = dataclasses.replace(structure, cell=dataclasses.replace(CELL, space_group=""))
    for kind, save in SAVE.items():
        save(tmp_path / f"a.{kind}", unknown, frames)
        read = gemmi.read_structure(str(tmp_path / f"a.{kind}"))
        assert read.cell.b == CELL.lengths[1]
        assert read.spacegroup_hm == ""


def test_check_pdb_refuses_what_save_pdb_does(structure):
    check_pdb(structure, 9999)
    with pytest.raises(PomodoroError, match="10000 or more frames are more than"):
        check_pdb(structure, 10_000)
    far = dataclasses.replace(structure, coords=structure.coords - 2000)
    with pytest.raises(PomodoroError, match="coordinates of MODEL 0"):
        check_pdb(far, 1)
    check_pdb(far, 1, truth=False)
