"""Structures read from small files written here, in both formats."""

import gzip
import sys

import numpy as np
import pytest

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.io.read import read_structure
from pomodoro_pymol.structure.hierarchy import Hierarchy

pytest.importorskip("gemmi")

#: Record, name, altloc, residue, chain, number, insertion code, segment, element; TER as None.
ROWS = [
    ("ATOM", "N", "", "ALA", "A", 1, "", "S1", "N"),
    ("ATOM", "CA", "A", "ALA", "A", 1, "", "S1", "C"),
    ("ATOM", "CA", "B", "ALA", "A", 1, "", "S1", "C"),
    ("ATOM", "C", "", "ALA", "A", 1, "", "S1", "C"),
    ("HETATM", "N", "", "MSE", "A", 1, "A", "S1", "N"),
    ("HETATM", "CA", "", "MSE", "A", 1, "A", "S1", "C"),
    ("HETATM", "SE", "", "MSE", "A", 1, "A", "S1", "SE"),
    ("ATOM", "N", "", "GLY", "A", 2, "", "S1", "N"),
    ("ATOM", "CA", "", "GLY", "A", 2, "", "S1", "C"),
    None,
    ("ATOM", "N", "", "ALA", "", -3, "", "", "N"),
    ("ATOM", "CA", "", "ALA", "", -3, "", "", "C"),
    None,
    ("HETATM", "C1", "", "LIG", "A", 50, "", "", "C"),
    ("HETATM", "ZN", "", "ZN", "A", 51, "", "", "ZN"),
    ("HETATM", "O", "", "HOH", "A", 60, "", "", "O"),
    ("ATOM", "OH2", "", "TIP", "", 61, "", "", "O"),
]
ATOMS = [row for row in ROWS if row]
#: Segment (PDB), label_asym_id (mmCIF), chain, number, residue, hetero.
RESIDUES = [
    ("S1", "A", "A", "1", "ALA", False),
    ("S1", "A", "A", "1A", "MSE", False),
    ("S1", "A", "A", "2", "GLY", False),
    ("", "B", "", "-3", "ALA", False),
    ("", "C", "A", "50", "LIG", True),
    ("", "D", "A", "51", "ZN", True),
    ("", "E", "A", "60", "HOH", True),
    ("", "F", "", "61", "TIP", True),
]
ENTITY = "ABCDEF"
SEQUENCE = {"1": "1", "1A": "2", "2": "3", "-3": "1"}
_PDB = "{:6}{:>5} {:<4}{:1}{:3} {:1}{:>4}{:1}   {:8.3f}{:8.3f}{:8.3f}  1.00 10.00      {:<4}{:>2}"

_CIF = [
    *("group_PDB", "id", "type_symbol", "label_atom_id", "label_alt_id", "label_comp_id", "label_asym_id"),
    *("label_entity_id", "label_seq_id", "pdbx_PDB_ins_code", "Cartn_x", "Cartn_y", "Cartn_z"),
    *("auth_seq_id", "auth_asym_id", "pdbx_PDB_model_num"),
]


def place(i, number):
    return 1.5 * i, 0.25 * (i % 3), 10.0 * number


def pdb(models=None):
    lines = []
    for number in models or [0]:
        lines += [f"MODEL     {number:>4}"] if models else []
        i = 0
        for row in ROWS:
            if row is None:
                lines.append("TER")
                continue
            record, name, alt, resn, chain, resi, code, segi, elem = row
            padded = name if len(elem) == 2 else f" {name}"
            lines.append(
                _PDB.format(record, i + 1, padded, alt, resn, chain, resi, code, *place(i, number), segi, elem)
            )
            i += 1
        lines += ["ENDMDL"] if models else []
    return "\n".join([*lines, "END", ""])


def cif(models=None):
    lines = ["# written by hand", "data_small", "loop_", "_entity.id", "_entity.type"]
    kinds = ["polymer", "polymer", "non-polymer", "non-polymer", "water", "water"]
    lines += [f"{entity} {kind}" for entity, kind in zip(range(1, 7), kinds)]
    lines += ["loop_", *(f"_atom_site.{field}" for field in _CIF)]
    asym = {(chain, resi): label for _, label, chain, resi, *_ in RESIDUES}
    for number in models or [0]:
        for i, (record, name, alt, resn, chain, resi, code, _, elem) in enumerate(ATOMS):
            label = asym[chain, f"{resi}{code}"]
            words = [record, i + 1, elem, name, alt or ".", resn, label, ENTITY.index(label) + 1]
            words += [
                SEQUENCE.get(f"{resi}{code}", "."),
                code or "?",
                *place(i, number),
                resi,
                chain or "''",
                number or 1,
            ]
            lines.append(" ".join(map(str, words)))
    return "\n".join([*lines, ""])


FORMATS = {"pdb": (pdb, 0), "cif": (cif, 1)}


@pytest.fixture(params=FORMATS)
def form(request):
    """The writer of a format and the column of RESIDUES that is its segment."""
    return FORMATS[request.param]


@pytest.fixture
def put(tmp_path):
    """A function that writes a file and returns its path."""

    def write(content, name="small.pdb"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def expected(segment):
    return [(row[segment], *row[2:]) for row in RESIDUES]


def test_labels_are_those_of_the_file(form, put):
    write, segment = form
    structure = read_structure(put(write()), solvent=True)
    assert structure.residues.tolist() == expected(segment)
    assert structure.residues[structure.residue_of_atom]["resn"].tolist() == [row[3] for row in ATOMS]
    assert structure.atoms["name"].tolist() == [row[1] for row in ATOMS]
    assert structure.atoms["alt"].tolist() == [row[2] for row in ATOMS]
    assert structure.atoms["elem"].tolist() == [row[8] for row in ATOMS]
    assert structure.coords.dtype == np.float32
    assert np.allclose(structure.coords, [place(i, 0) for i in range(len(ATOMS))], atol=1e-6)
    assert structure.name == "small"


def test_waters_are_dropped_unless_asked_for(form, put):
    write, segment = form
    structure = read_structure(put(write()))
    assert structure.residues.tolist() == expected(segment)[:-2]
    assert len(structure) == len(ATOMS) - 2


def test_ligands_are_chains_of_their_own(form, put):
    hierarchy = Hierarchy.from_structure(read_structure(put(form[0]())))
    assert hierarchy.residue_to_chain.tolist() == [0, 0, 0, 1, 2, 3]


@pytest.mark.parametrize("model", [1, 2])
def test_models_are_counted_in_file_order(form, put, model):
    path = put(form[0]([3, 7]))
    structure = read_structure(path, model=model)
    assert len(structure) == len(ATOMS) - 2
    assert np.allclose(structure.coords[:, 2], [30, 70][model - 1])


@pytest.mark.parametrize("name", ["small.pdb.gz", "a.b.cif.gz", "no_ending"])
def test_content_tells_format_and_packing(form, put, name):
    plain = read_structure(put(form[0]()))
    packed = read_structure(put(gzip.compress(form[0]().encode()), name))
    assert np.array_equal(packed.coords, plain.coords)
    assert packed.name == {"small.pdb.gz": "small", "a.b.cif.gz": "a.b", "no_ending": "no_ending"}[name]


def test_line_numbers_of_old_entries_are_no_charges(put):
    lines = [f"{line[:72]}1HPV{i:>4}" for i, line in enumerate(pdb().splitlines(), 86) if line.startswith("ATOM")]
    structure = read_structure(put("\n".join(lines)))
    assert set(structure.residues["segi"]) == {"1HPV"}
    assert structure.atoms["elem"][:3].tolist() == ["N", "C", "C"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no atoms in"),
        ("\n\n  once upon a time\n", "is it a PDB or mmCIF file"),
        ("HEADER    nothing\nEND\n", "no atoms in"),
        ("data_empty\n_entry.id empty\n", "no atoms in"),
        ("data_torn\nloop_\n_atom_site.id\n_atom_site.type_symbol\n1 C 2\n", "cannot be read as PDB or mmCIF"),
        (b"\x1f\x8bjunk", "cannot be read as PDB or mmCIF"),
        (gzip.compress(pdb().encode())[:-30], "cannot be read as PDB or mmCIF"),
        (bytes(range(256)) * 9, "is it a PDB or mmCIF file"),
        (pdb()[:30], "coordinates that are no numbers"),
    ],
)
def test_what_is_no_structure_is_refused(put, content, message):
    with pytest.raises(PomodoroError, match=message) as caught:
        read_structure(put(content, "bad.pdb"))
    assert "bad.pdb" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_files_and_models_are_refused(put, tmp_path):
    with pytest.raises(PomodoroError, match=r"gone\.pdb is missing"):
        read_structure(tmp_path / "gone.pdb")
    with pytest.raises(PomodoroError, match="is not a file"):
        read_structure(tmp_path)
    for model in (0, 3):
        with pytest.raises(PomodoroError, match=f"model {model} is not in .* it has models 1 to 2"):
            read_structure(put(pdb([1, 2])), model=model)


def test_water_alone_is_refused_without_solvent(put):
    path = put("\n".join(line for line in pdb().splitlines() if " HOH " in line))
    with pytest.raises(PomodoroError, match="no atoms but water: solvent=True"):
        read_structure(path)
    assert len(read_structure(path, solvent=True)) == 1


def test_without_gemmi_the_import_error_passes_through(put, monkeypatch):
    monkeypatch.setitem(sys.modules, "gemmi", None)
    with pytest.raises(ModuleNotFoundError, match="gemmi"):
        read_structure(put(cif()))
