"""Files of frames, read back by gemmi and biotite, which share no code with us."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from read_back import model_number

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.io.dcd import save_dcd, write_dcd
from pomodoro_pymol.io.header import cif_header, pdb_header, read_header
from pomodoro_pymol.io.mmcif import quote, save_mmcif
from pomodoro_pymol.io.pdb import save_pdb, save_pdb_residue
from pomodoro_pymol.structure.atoms import ATOM_LABELS, RESIDUE_LABELS, Structure
from pomodoro_pymol.structure.hierarchy import Hierarchy

N_FRAMES = 5

# Residue (segi, chain, resi, resn, hetero) and its atoms (name, elem, alt).
RESIDUES = [
    (("", "A", "-3", "MET", False), [("N", "N", ""), ("CA", "C", "A"), ("CA", "C", "B"), ("HG11", "H", "")]),
    (("", "A", "10", "GLY", False), [("N", "N", ""), ("CA", "C", "")]),
    (("", "A", "10A", "ALA", False), [("N", "N", ""), ("CA", "C", ""), ("H", "H", "")]),
    (("", "B", "9999", "DA", False), [("O5'", "O", ""), ("C1'", "C", ""), ("HO5'", "H", "")]),
    (("", "A", "200", "CA", True), [("CA", "Ca", "")]),
    (("", "A", "201", "HEM", True), [("FE", "Fe", ""), ("NA", "N", "")]),
    (("", "B", "301", "HOH", True), [("O", "O", "")]),
    (("", "B", "302", "HOH", True), [("O", "O", "")]),
]
VALUES_RANGE = (-99.99, 999.99)


def build(residues, seed=0):
    atoms = [atom for _, members in residues for atom in members]
    return Structure(
        np.random.default_rng(seed).normal(0, 60, (len(atoms), 3)).astype(np.float32),
        np.array(atoms, ATOM_LABELS),
        np.array([label for label, _ in residues], RESIDUE_LABELS),
        np.repeat(np.arange(len(residues)), [len(members) for _, members in residues]),
        "toy",
    )


@pytest.fixture(scope="module")
def structure():
    return build(RESIDUES)


@pytest.fixture(scope="module")
def frames(structure):
    noise = np.random.default_rng(1).normal(0, 150, (N_FRAMES, len(structure), 3))
    return np.clip(structure.coords + noise, -999, 9999).astype(np.float32)


@pytest.fixture(scope="module")
def values(structure):
    return np.linspace(*VALUES_RANGE, len(structure))


SAVE = {"pdb": save_pdb, "cif": save_mmcif}
# Half of the last decimal, and the spacing of float32 below 1024 A.
PRECISION = {"pdb": 5e-4 + 6.2e-5, "cif": 5e-5 + 6.2e-5}


def labels_of(structure):
    rows = structure.residues[structure.residue_of_atom].tolist()
    return [(row[1:], atom) for row, atom in zip(rows, structure.atoms.tolist())]


def read_gemmi(path):
    """Labels of each model's atoms in file order, coordinates, b, and model numbers."""
    gemmi = pytest.importorskip("gemmi")
    read = gemmi.read_structure(str(path), merge_chain_parts=False)
    models = []
    for model in read:
        sites = [site for chain in model for residue in chain for site in _sites(chain, residue)]
        sites.sort(key=lambda site: site[0])
        models.append(sites)
    labels = [[site[1] for site in sites] for sites in models]
    assert all(other == labels[0] for other in labels)
    coords = np.array([[site[2] for site in sites] for sites in models])
    return labels[0], coords, np.array([site[3] for site in models[-1]]), [model_number(model) for model in read]


def _sites(chain, residue):
    for atom in residue:
        resi = f"{residue.seqid.num}{residue.seqid.icode}".strip()
        label = (chain.name, resi, residue.name, residue.het_flag == "H")
        alt = atom.altloc.replace("\0", "")
        yield atom.serial, (label, (atom.name, atom.element.name, alt)), atom.pos.tolist(), atom.b_iso


def read_biotite(path):
    if path.suffix == ".pdb":
        pdb = pytest.importorskip("biotite.structure.io.pdb")
        stack = pdb.PDBFile.read(path).get_structure(altloc="all", extra_fields=["b_factor", "atom_id"])
    else:
        pdbx = pytest.importorskip("biotite.structure.io.pdbx")
        stack = pdbx.get_structure(pdbx.CIFFile.read(path), altloc="all", extra_fields=["b_factor", "atom_id"])
    labels = [
        ((chain, f"{resi}{code}", resn, bool(hetero)), (name, elem, alt.strip(" .")))
        for chain, resi, code, resn, hetero, name, elem, alt in zip(
            stack.chain_id, stack.res_id, stack.ins_code, stack.res_name, stack.hetero, stack.atom_name,
            stack.element, stack.altloc_id,
        )
    ]  # fmt: skip
    return labels, stack.coord, stack.b_factor, stack.atom_id


@pytest.fixture(scope="module", params=["pdb", "cif"])
def written(request, tmp_path_factory, structure, frames, values):
    path = tmp_path_factory.mktemp("written") / f"frames.{request.param}"
    SAVE[request.param](path, structure, frames, values=values)
    return path


def test_gemmi_reads_it_back(written, structure, frames, values):
    labels, coords, b, numbers = read_gemmi(written)
    assert labels == [(row, (name, elem, alt)) for row, (name, elem, alt) in labels_of(structure)]
    assert numbers == list(range(N_FRAMES + 1))
    np.testing.assert_allclose(coords[0], structure.coords, rtol=0, atol=PRECISION[written.suffix[1:]])
    np.testing.assert_allclose(coords[1:], frames, rtol=0, atol=PRECISION[written.suffix[1:]])
    np.testing.assert_allclose(b, values, rtol=1e-5, atol=5.1e-3)


def test_biotite_reads_it_back(written, structure, frames, values):
    labels, coords, b, _ = read_biotite(written)
    assert labels == [
        (row, (name, elem.upper(), alt)) for row, (name, elem, alt) in labels_of(structure)
    ] or labels == [(row, (name, elem, alt)) for row, (name, elem, alt) in labels_of(structure)]
    assert len(coords) == N_FRAMES + 1
    np.testing.assert_allclose(coords[0], structure.coords, rtol=0, atol=PRECISION[written.suffix[1:]])
    np.testing.assert_allclose(coords[1:], frames, rtol=0, atol=PRECISION[written.suffix[1:]])
    np.testing.assert_allclose(b, values, rtol=1e-5, atol=5.1e-3)


def test_pdb_lines(tmp_path, structure, frames):
    save_pdb(tmp_path / "a.pdb", structure, frames[:1])
    text = (tmp_path / "a.pdb").read_bytes().decode("ascii")
    lines = text.splitlines()
    assert {len(line) for line in lines} == {80}
    assert [line.strip() for line in lines if line[:5] in ("MODEL", "ENDMD", "END  ")] == [
        "MODEL        0", "ENDMDL", "MODEL        1", "ENDMDL", "END"
    ]  # fmt: skip
    x, y, z = structure.coords[1]
    assert lines[2] == f"ATOM      2  CA AMET A  -3    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00           C  "
    assert [line.rstrip() for line in lines if line.startswith("TER")] == [
        "TER      10      ALA A  10A",
        "TER      14       DA B9999",
    ] * 2
    names = [line[12:16] for line in lines if line.startswith(("ATOM", "HETATM"))]
    assert names[:17] == [
        *(" N  ", " CA ", " CA ", "HG11", " N  ", " CA ", " N  ", " CA ", " H  "),
        *(" O5'", " C1'", "HO5'", "CA  ", "FE  ", " NA ", " O  ", " O  "),
    ]


def test_segments(tmp_path):
    rows = [(("ONE", "", "1", "GLY", False), [("CA", "C", "")]), (("TWO", "", "1", "GLY", False), [("CA", "C", "")])]
    structure = build(rows)
    save_pdb(tmp_path / "a.pdb", structure, structure.coords[None])
    lines = [line for line in (tmp_path / "a.pdb").read_text().splitlines() if line.startswith("ATOM")]
    assert [line[72:76] for line in lines] == ["ONE ", "TWO "] * 2
    save_mmcif(tmp_path / "a.cif", structure, structure.coords[None])
    gemmi = pytest.importorskip("gemmi")
    table = gemmi.cif.read(str(tmp_path / "a.cif")).sole_block().find("_atom_site.", ["label_asym_id", "auth_asym_id"])
    assert [list(row) for row in table] == [["ONE", "''"], ["TWO", "''"]] * 2


def test_mmcif_labels(tmp_path, structure, frames):
    gemmi = pytest.importorskip("gemmi")
    save_mmcif(tmp_path / "a.cif", structure, frames[:1])
    block = gemmi.cif.read(str(tmp_path / "a.cif")).sole_block()
    table = block.find("_atom_site.", ["id", "label_asym_id", "label_entity_id", "label_seq_id", "pdbx_PDB_model_num"])
    rows = [list(row) for row in table]
    assert [row[0] for row in rows] == [str(i + 1) for i in range(2 * len(structure))]
    assert [row[4] for row in rows] == ["0"] * len(structure) + ["1"] * len(structure)
    first = [tuple(row[1:4]) for row in rows[: len(structure)]]
    assert list(dict.fromkeys(first)) == [
        *(("A", "1", "1"), ("A", "1", "2"), ("A", "1", "3"), ("B", "2", "1")),
        *(("C", "3", "."), ("D", "4", "."), ("E", "5", ".")),
    ]


AWKWARD = ["", ".", "?", "data_1", "loop_", "_x", "#", "$", ";", "[a]", "a b", "O5'", "O5''", '"', "'", "a' b", 'a" b']
AWKWARD += ["""a' b" c""", ";x", "stop_", "Cå", "'a'", "global_", "save_", "a#b", "a;b"]


@pytest.mark.parametrize("text", AWKWARD)
def test_quoted_values(text):
    gemmi = pytest.importorskip("gemmi")
    document = gemmi.cif.read_string(f"data_x\nloop_\n_a.b\n_a.c\n1 {quote(text)} 2 x\n")
    column = document.sole_block().find_values("_a.c")
    assert [gemmi.cif.as_string(value) for value in column] == [text, "x"]


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=8))
def test_any_quoted_value(text):
    test_quoted_values(text)


def test_awkward_labels_in_mmcif(tmp_path):
    words = ["O5'", "A B", '"q"', "loop_", "?", ".", "#1"]
    rows = [(("", word[:8], str(i), word, i % 2 == 0), [(word, "C", "")]) for i, word in enumerate(words, 1)]
    structure = build(rows)
    save_mmcif(tmp_path / "a.cif", structure, structure.coords[None])
    gemmi = pytest.importorskip("gemmi")
    table = gemmi.cif.read(str(tmp_path / "a.cif")).sole_block()
    for item in ("label_atom_id", "auth_comp_id", "auth_asym_id"):
        column = table.find_values(f"_atom_site.{item}")
        assert [gemmi.cif.as_string(value) for value in column] == words * 2


def test_mmcif_has_no_limits(tmp_path):
    residues = np.array([("", "CHAIN99", str(i), "ABCDE", False) for i in range(99_990, 100_010)], RESIDUE_LABELS)
    atoms = np.full(100_400, np.array(("LONGNAME", "C", ""), ATOM_LABELS))
    coords = np.random.default_rng(0).normal(0, 5000, (len(atoms), 3)).astype(np.float32)
    coords[0] = -1e10, 1e10, 123456.789
    structure = Structure(coords, atoms, residues, np.arange(len(atoms)) % 20)
    save_mmcif(tmp_path / "a.cif", structure, coords[None] / 2, values=np.linspace(-1e9, 1e9, len(atoms)))
    gemmi = pytest.importorskip("gemmi")
    table = gemmi.cif.read(str(tmp_path / "a.cif")).sole_block()
    items = {name: table.find_values(f"_atom_site.{name}") for name in ("id", "Cartn_x", "Cartn_z", "auth_seq_id")}
    assert list(items["id"]) == [str(i + 1) for i in range(2 * len(atoms))]
    for axis, name in ((0, "Cartn_x"), (2, "Cartn_z")):
        read = np.array([float(value) for value in items[name]])
        np.testing.assert_allclose(read, np.concatenate([coords, coords / 2])[:, axis], rtol=0, atol=5.2e-5)
    assert items["auth_seq_id"][19] == "100009"


@pytest.mark.parametrize("kind", ["pdb", "cif", "dcd", "residue"])
def test_blocks_and_arrays_are_the_same_file(tmp_path, structure, frames, kind):
    def save(name, given, count=None):
        path = tmp_path / name
        if kind == "dcd":
            save_dcd(path, given, count)
        elif kind == "residue":
            save_pdb_residue(path, structure, Hierarchy.from_structure(structure), given)
        else:
            SAVE[kind](path, structure, given)
        return path.read_bytes()

    whole = save("whole", frames)
    assert save("tensor", torch.from_numpy(frames)) == whole
    assert save("double", frames.astype(np.float64)) == whole
    rows = torch.from_numpy(np.ascontiguousarray(frames.swapaxes(1, 2))).requires_grad_()
    assert save("transposed", rows.transpose(1, 2)) == whole
    one = np.empty((1, *frames.shape[1:]), np.float32)

    def blocks():
        # The memory of a block is used again.
        for frame in frames:
            one[0] = frame
            yield one

    assert save("blocks", blocks(), N_FRAMES) == whole
    assert save("list", [frames[:2], torch.from_numpy(frames[2:])], N_FRAMES) == whole


@pytest.mark.parametrize("kind", ["pdb", "cif", "dcd", "residue"])
def test_frames_are_streamed_and_counted(tmp_path, structure, frames, kind):
    alive, seen = [], []

    def blocks():
        for start in range(0, N_FRAMES, 2):
            assert len(seen) == start
            alive.append(start)
            yield frames[start : start + 2]

    total = N_FRAMES if kind == "dcd" else None
    progress = lambda *call: seen.append(call)  # noqa: E731
    if kind == "dcd":
        save_dcd(tmp_path / "a", blocks(), N_FRAMES, progress=progress)
    elif kind == "residue":
        hierarchy = Hierarchy.from_structure(structure)
        save_pdb_residue(tmp_path / "a", structure, hierarchy, blocks(), progress=progress)
        save_pdb_residue(tmp_path / "b", structure, hierarchy, frames, progress=lambda *call: alive.append(call))
        assert alive[-1] == (N_FRAMES, N_FRAMES)
    else:
        SAVE[kind](tmp_path / "a", structure, blocks(), progress=progress)
        SAVE[kind](tmp_path / "b", structure, frames, progress=lambda *call: alive.append(call))
        assert alive[-1] == (N_FRAMES, N_FRAMES)
    assert seen == [(done, total) for done in range(1, N_FRAMES + 1)]


def test_residue_means(tmp_path, structure, frames):
    hierarchy = Hierarchy.from_structure(structure)
    values = np.arange(hierarchy.n_residues) / 2
    save_pdb_residue(tmp_path / "a.pdb", structure, hierarchy, frames, values=values, header=["means"])
    labels, coords, b, numbers = read_gemmi(tmp_path / "a.pdb")
    assert labels == [(label[1:], ("CA", "C", "")) for label, _ in RESIDUES]
    assert numbers == list(range(N_FRAMES + 1))
    for model, whole in zip(coords, [structure.coords, *frames]):
        for i, point in enumerate(model):
            mean = whole[structure.residue_of_atom == i].astype(float).mean(0)
            np.testing.assert_allclose(point, mean, rtol=0, atol=5.3e-4)
    np.testing.assert_allclose(b, values)
    assert read_header(tmp_path / "a.pdb") == ["means"]


def test_residue_means_need_the_right_hierarchy(tmp_path, structure, frames):
    hierarchy = Hierarchy.from_labels([0, 1], [0, 0])
    with pytest.raises(PomodoroError, match="hierarchy of 2 atoms does not fit"):
        save_pdb_residue(tmp_path / "a.pdb", structure, hierarchy, frames)


def test_dcd_is_that_of_write_dcd(tmp_path, frames):
    save_dcd(tmp_path / "a.dcd", iter([frames]), N_FRAMES)
    write_dcd(tmp_path / "b.dcd", frames)
    assert (tmp_path / "a.dcd").read_bytes() == (tmp_path / "b.dcd").read_bytes()
    biotite = pytest.importorskip("biotite.structure.io.dcd")
    read = biotite.DCDFile.read(str(tmp_path / "a.dcd")).get_coord()
    np.testing.assert_array_equal(read.view(np.uint32), frames.view(np.uint32))


HEADER = [
    "pomnoise 1hpv and polymer, z=0, wc=3, wr=8",
    "",
    "  indented",
    "x" * 66,
    "y" * 67,
    "a " * 200,
    " " * 90 + "end",
]
HEADER += [
    "C:\\noise\\new",
    "naïve Å",
    "two\nlines",
    "> marked",
    "+ marked",
    "MODEL 1",
    "ATOM",
    "loop_",
    ";",
    "_pomodoro",
]


@pytest.mark.parametrize("kind", ["pdb", "cif"])
def test_headers_are_read_back(tmp_path, structure, frames, kind):
    path = tmp_path / f"a.{kind}"
    SAVE[kind](path, structure, frames, header=iter(HEADER))
    assert read_header(path) == [line.rstrip() for line in HEADER]
    text = path.read_bytes().decode("ascii")
    assert max(map(len, text.split("loop_\n_")[0].splitlines())) <= 80
    assert len(read_gemmi(path)[0]) == len(structure)
    # Editors strip blanks at the ends of lines.
    path.write_text("\n".join(line.rstrip() for line in text.splitlines()))
    assert read_header(path) == [line.rstrip() for line in HEADER]


@given(st.lists(st.text(max_size=200), max_size=5))
def test_any_header(tmp_path_factory, header):
    folder = tmp_path_factory.getbasetemp()
    for text in (pdb_header(header), cif_header(header)):
        (folder / "header").write_text(text)
        assert read_header(folder / "header") == [line.rstrip() for line in header]


def test_one_line_for_a_header(tmp_path, structure, frames):
    save_pdb(tmp_path / "a.pdb", structure, frames, header="one line")
    assert read_header(tmp_path / "a.pdb") == ["one line"]


def test_headers_of_others(tmp_path):
    (tmp_path / "a.pdb").write_text("HEADER\nREMARK  99\nREMARK  99 free text\nREMARK   2 > no\nATOM\n")
    assert read_header(tmp_path / "a.pdb") == []
    (tmp_path / "a.pdb").write_text("REMARK  99 > \\x\n")
    with pytest.raises(PomodoroError, match="was damaged"):
        read_header(tmp_path / "a.pdb")
    with pytest.raises(PomodoroError, match=r"cannot read .*No such file"):
        read_header(tmp_path / "none.pdb")


def relabel(**more):
    """The toy structure with one residue or atom label changed."""
    (label, atoms), *rest = RESIDUES
    label = dict(zip(RESIDUE_LABELS.names, label)) | {k: v for k, v in more.items() if k in RESIDUE_LABELS.names}
    atom = dict(zip(ATOM_LABELS.names, atoms[0])) | {k: v for k, v in more.items() if k in ATOM_LABELS.names}
    return build([(tuple(label.values()), [tuple(atom.values()), *atoms[1:]]), *rest])


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ({"chain": "AA"}, "chain 'AA' does not fit PDB"),
        ({"chain": "é"}, "chain 'é' does not fit PDB"),
        ({"segi": "PROTA"}, "segment 'PROTA'"),
        ({"resn": "TIP3"}, "residue name 'TIP3'"),
        ({"resi": "10000"}, "residue number '10000' of chain 'A'"),
        ({"resi": "-1000"}, "residue number '-1000'"),
        ({"resi": "10AB"}, "residue number '10AB'"),
        ({"resi": "1é"}, "insertion code 'é'"),
        ({"resi": ""}, "residue number ''"),
        ({"name": "HG111"}, "atom name 'HG111'"),
        ({"alt": "AB"}, "alternate location 'AB'"),
        ({"elem": "Unk"}, "element 'Unk'"),
    ],
)
def test_labels_that_pdb_cannot_hold(tmp_path, label, message):
    structure = relabel(**label)

    def frames():
        raise AssertionError("nothing may be drawn before the labels are checked")
        yield

    with pytest.raises(PomodoroError, match=message) as caught:
        save_pdb(tmp_path / "missing" / "a.pdb", structure, frames())
    assert str(caught.value).endswith("save as mmCIF (.cif)")
    save_mmcif(tmp_path / "a.cif", structure, structure.coords[None])
    assert [path.name for path in tmp_path.iterdir()] == ["a.cif"]


@pytest.mark.parametrize("text", ["C\n", "\r", "C\a", "\ud800", "C\u2028"])
@pytest.mark.parametrize(("kind", "message"), [("pdb", "atom name '.*' does not fit PDB"), ("cif", "label '.*' does")])
def test_labels_that_no_line_can_hold(tmp_path, kind, text, message):
    structure = relabel(name=text)
    with pytest.raises(PomodoroError, match=message):
        SAVE[kind](tmp_path / f"a.{kind}", structure, structure.coords[None])
    assert list(tmp_path.iterdir()) == []


def many(n_atoms):
    atoms = np.full(n_atoms, np.array(("CA", "C", ""), ATOM_LABELS))
    residues = np.array([("", "A", "1", "GLY", False)], RESIDUE_LABELS)
    return Structure(np.zeros((n_atoms, 3), np.float32), atoms, residues, np.zeros(n_atoms, np.int64))


def test_atoms_that_pdb_cannot_hold(tmp_path):
    with pytest.raises(PomodoroError, match=r"99999 atoms and 1 chain ends .*mmCIF \(.cif\) or DCD \(.dcd\)$"):
        save_pdb(tmp_path / "a.pdb", many(99_999), iter(()))
    save_pdb(tmp_path / "b.pdb", many(99_998), iter(()))
    assert [path.name for path in tmp_path.iterdir()] == ["b.pdb"]
    assert (tmp_path / "b.pdb").read_text().splitlines()[99_999].startswith("TER   99999      GLY A   1")


def test_models_that_pdb_cannot_hold(tmp_path):
    structure = many(1)
    frames = np.zeros((10_000, 1, 3), np.float32)
    drawn = itertools.repeat(frames[:100])
    for given_ in (frames, drawn):
        with pytest.raises(PomodoroError, match=r"more than the 9999 models .*mmCIF \(.cif\) or DCD \(.dcd\)$"):
            save_pdb(tmp_path / "a.pdb", structure, given_)
    assert list(tmp_path.iterdir()) == []
    save_pdb(tmp_path / "a.pdb", structure, frames[:9999])
    assert "MODEL     9999" in (tmp_path / "a.pdb").read_text()


def bad_frames(frames, value):
    worst = frames.copy()
    worst[3, 2, 1] = value
    return worst


@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-999.9996, r"MODEL 4 from -1000 to .* A do not fit .*mmCIF \(.cif\) or DCD \(.dcd\)$"),
        (9999.9996, r"MODEL 4 from .* to 10000 A do not fit"),
        (np.nan, "frame 4 has coordinates that are not finite"),
        (np.inf, "frame 4 has coordinates that are not finite"),
    ],
)
def test_coordinates_that_pdb_cannot_hold(tmp_path, structure, frames, value, message, existing):
    if existing:
        (tmp_path / "a.pdb").write_text("old")
    worst = bad_frames(frames, value)
    hierarchy = Hierarchy.from_structure(structure)
    for given_ in (worst, iter([worst[:2], worst[2:]])):
        with pytest.raises(PomodoroError, match=message):
            save_pdb(tmp_path / "a.pdb", structure, given_)
    if not np.isfinite(value):
        with pytest.raises(PomodoroError, match=message):
            save_pdb_residue(tmp_path / "a.pdb", structure, hierarchy, worst)
        with pytest.raises(PomodoroError, match=message):
            save_mmcif(tmp_path / "a.pdb", structure, worst)
        with pytest.raises(PomodoroError, match=message):
            save_dcd(tmp_path / "a.pdb", worst)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"] * existing


def test_the_extremes_that_pdb_holds(tmp_path, structure, frames):
    for value in (-999.999, 9999.999):
        save_pdb(tmp_path / "a.pdb", structure, bad_frames(frames, value))
        assert f"{value:8.3f}" in (tmp_path / "a.pdb").read_text()


def test_a_truth_that_does_not_fit(tmp_path, frames):
    structure = build(RESIDUES)
    structure.coords[0, 0] = -1000
    with pytest.raises(PomodoroError, match="MODEL 0 from -1000"):
        save_pdb(tmp_path / "a.pdb", structure, frames)
    assert list(tmp_path.iterdir()) == []


def test_mmcif_has_one_limit(tmp_path, structure, frames):
    with pytest.raises(PomodoroError, match=r"model 4 has coordinates beyond 1e11 A, which only DCD"):
        save_mmcif(tmp_path / "a.cif", structure, bad_frames(frames, 1e13))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [1000.0, -100.0, np.nan, np.inf])
def test_values_that_do_not_fit(tmp_path, structure, frames, value):
    values = np.full(len(structure), value)
    with pytest.raises(PomodoroError, match=r"do not fit the B column of PDB|finite numbers, one per atom"):
        save_pdb(tmp_path / "a.pdb", structure, frames, values=values)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["pdb", "cif"])
def test_wrong_shapes(tmp_path, structure, frames, kind):
    n_atoms = len(structure)
    for wrong in (frames[0], frames[:, :-1], frames[:, :, :2], np.float32(3)):
        for given_ in (wrong, [frames, wrong]):
            with pytest.raises(PomodoroError, match=rf"frames must have shape \(n_(frames|block), {n_atoms}, 3\)"):
                SAVE[kind](tmp_path / "a", structure, np.asarray(given_) if given_ is wrong else given_)
    with pytest.raises(PomodoroError, match=f"values must be {n_atoms} finite numbers"):
        SAVE[kind](tmp_path / "a", structure, frames, values=np.zeros(3))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("count", "message"),
    [(None, "needs n_frames"), (4, "is 4, but there are more"), (6, "is 6, but there are 5"), (0, "is 0")],
)
def test_dcd_counts(tmp_path, frames, count, message):
    with pytest.raises(PomodoroError, match=message):
        save_dcd(tmp_path / "a.dcd", iter([frames[:2], frames[2:]]), count)
    with pytest.raises(PomodoroError, match="is 4, but there are 5"):
        save_dcd(tmp_path / "a.dcd", frames, 4)
    with pytest.raises(PomodoroError, match="frames must have shape"):
        save_dcd(tmp_path / "a.dcd", [frames, frames[:, 1:]], 2 * N_FRAMES)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize("kind", ["pdb", "cif", "dcd", "residue"])
def test_an_interrupt_leaves_no_trace(tmp_path, structure, frames, kind, existing):
    path = tmp_path / f"a.{kind}"
    if existing:
        path.write_text("old")

    def blocks():
        yield frames[:2]
        assert any(name.name.startswith(".part-") for name in tmp_path.iterdir())
        raise KeyboardInterrupt

    hierarchy = Hierarchy.from_structure(structure)
    save = {
        **{name: lambda frames, write=write: write(path, structure, frames) for name, write in SAVE.items()},
        "dcd": lambda frames: save_dcd(path, frames, N_FRAMES),
        "residue": lambda frames: save_pdb_residue(path, structure, hierarchy, frames),
    }
    with pytest.raises(KeyboardInterrupt):
        save[kind](blocks())
    assert [name.read_text() for name in tmp_path.iterdir()] == ["old"] * existing


def test_no_frames_leave_the_truth(tmp_path, structure):
    save_pdb(tmp_path / "a.pdb", structure, iter(()))
    assert read_gemmi(tmp_path / "a.pdb")[3] == [0]
