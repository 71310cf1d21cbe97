"""Atoms come in the order of their records, however a file counts and mixes them; those without coordinates do not."""

import gzip
import itertools
import random
from pathlib import Path

import numpy as np
import pytest

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.io.read import read_ensemble, read_structure
from pomodoro_pymol.structure.hierarchy import Hierarchy

pytest.importorskip("gemmi")

#: Name, residue, chain, number: residues and chains that are left and come back.
MIXED = [
    ("N", "GLY", "A", 1),
    ("N", "ALA", "A", 2),
    ("CA", "GLY", "A", 1),
    ("N", "GLY", "B", 1),
    ("CA", "ALA", "A", 2),
    ("CA", "GLY", "B", 1),
    ("C", "GLY", "A", 1),
    ("ZN", "ZN", "A", 9),
    ("C", "ALA", "A", 2),
]
_PDB = "{:6}{:>5} {:<4} {:3} {:1}{:>4}    {:8.3f}{:8.3f}{:8.3f}  1.00 10.00          {:>2}"
_CIF = [
    *("group_PDB", "id", "type_symbol", "label_atom_id", "label_alt_id", "label_comp_id", "label_asym_id"),
    *("label_seq_id", "Cartn_x", "Cartn_y", "Cartn_z", "auth_seq_id", "auth_asym_id", "pdbx_PDB_model_num"),
]

SERIALS = {
    "counted": lambda i: i + 1,
    "repeated": lambda i: 7,
    "backwards": lambda i: 99 - i,
    "starting again": lambda i: i % 3 + 1,
    "missing": lambda i: "?",
    "stars": lambda i: "*****",
    "hybrid-36": lambda i: f"A000{i}" if i % 2 else i,
}


CASES = Path(__file__).parents[1] / "data" / "cases"
NOTE = "left out: 1 residue without coordinates (A/ZN`9) and 1 atom without coordinates (A/GLY`1/N)"
KEPT = [*MIXED[1:7], MIXED[8]]


def pdb(models, serial=SERIALS["counted"]):
    """Write models of rows and places along x."""
    lines = []
    for number, rows in enumerate(models, 1):
        lines.append(f"MODEL     {number:>4}")
        for i, ((name, resn, chain, resi), x) in enumerate(rows):
            record, padded = ("HETATM", name) if resn == name else ("ATOM", f" {name}")
            elem = name if resn == name else name[0]
            word = str(serial(i)).replace("?", "")
            lines.append(_PDB.format(record, word, padded, resn, chain, resi, x, 10 * number, 0, elem))
        lines.append("ENDMDL")
    return "\n".join([*lines, "END", ""])


def cif(models, serial=SERIALS["counted"]):
    lines = ["data_mixed", "loop_", *(f"_atom_site.{field}" for field in _CIF)]
    for number, rows in enumerate(models, 1):
        for i, ((name, resn, chain, resi), x) in enumerate(rows):
            record, elem = ("HETATM", name) if resn == name else ("ATOM", name[0])
            place = f"{x} {10 * number} 0"
            lines.append(f"{record} {serial(i)} {elem} {name} . {resn} {chain} {resi} {place} {resi} {chain} {number}")
    return "\n".join([*lines, ""])


@pytest.fixture(params=[pdb, cif])
def form(request):
    """A writer of files in a format."""
    return request.param


@pytest.fixture
def put(tmp_path):
    """A function that writes a file and returns its path."""

    def write(text):
        path = tmp_path / "mixed"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def along(rows, order=None):
    """Give each row its place in the file as x; with ``order`` change the places in the file."""
    placed = [(row, float(x)) for x, row in enumerate(rows)]
    return placed if order is None else [placed[i] for i in order]


def names(structure):
    residues = structure.residues[structure.residue_of_atom]
    return [(atom["name"], row["resn"], row["chain"], int(row["resi"])) for atom, row in zip(structure.atoms, residues)]


@pytest.mark.parametrize("serial", SERIALS)
def test_the_order_is_that_of_the_records(form, put, serial):
    structure = read_structure(put(form([along(MIXED)], SERIALS[serial])))
    assert structure.coords[:, 0].tolist() == list(range(len(MIXED)))
    assert names(structure) == MIXED
    assert structure.order == "file"
    assert structure.note == ""


def test_residues_are_in_the_order_of_their_first_atoms(form, put):
    structure = read_structure(put(form([along(MIXED)])))
    assert structure.residues[["chain", "resi"]].tolist() == [("A", "1"), ("A", "2"), ("B", "1"), ("A", "9")]
    hierarchy = Hierarchy.from_structure(structure)
    assert hierarchy.atom_to_residue.tolist() == [0, 1, 0, 2, 1, 2, 0, 3, 1]


@pytest.mark.parametrize("seed", range(5))
def test_any_order_is_kept(form, put, seed):
    order = random.Random(seed).sample(range(len(MIXED)), len(MIXED))
    text = form([along(MIXED, order)])
    for content in (text, gzip.compress(text.encode())):
        structure = read_structure(put(content))
        assert structure.coords[:, 0].tolist() == order
        assert names(structure) == [MIXED[i] for i in order]


def test_waters_and_ter_records_do_not_shift_the_order(put):
    rows = [("O", "HOH", "A", 100), *MIXED[:4], ("O", "HOH", "B", 101), *MIXED[4:]]
    text = pdb([along(rows)]).replace("\nATOM      5", "\nTER\nATOM      5")
    assert "TER" in text
    assert names(read_structure(put(text), solvent=True)) == rows
    assert names(read_structure(put(text))) == MIXED


def test_records_in_small_letters_are_counted(put):
    assert names(read_structure(put(pdb([along(MIXED)]).replace("ATOM  ", "atom  ")))) == MIXED


def test_more_records_than_serials_have_digits(put):
    rows = [("CA", "GLY", "ABCDEFGHIJKL"[i // 9000], i % 9000) for i in range(100_020)]
    line = [_PDB.format("ATOM", "*****", " CA", resn, chain, i, 1, 2, 3, "C") for _, resn, chain, i in rows]
    line[0], line[-1] = line[-1], line[0]
    found = names(read_structure(put("\n".join(line))))
    assert found[0] == rows[-1]
    assert found[-1] == rows[0]
    assert found[1:-1] == rows[1:-1]


def test_mmcif_without_ids_is_read(put):
    text = cif([along(MIXED)], lambda i: "").replace("_atom_site.id\n", "")
    assert names(read_structure(put(text))) == MIXED


def test_components_are_read_in_the_order_of_their_atoms(put):
    fields = ["comp_id", "atom_id", "type_symbol", "charge", "x", "y", "z"]
    atoms = [f"LIG {name} {name[0]} 0 {x} 0 0" for x, name in enumerate(["S", "O2", "C1", "O1"])]
    lines = ["data_LIG", "_chem_comp.id LIG", "loop_", *(f"_chem_comp_atom.{field}" for field in fields), *atoms, ""]
    structure = read_structure(put("\n".join(lines)))
    assert structure.coords[:, 0].tolist() == [0, 1, 2, 3]
    assert structure.atoms["name"].tolist() == ["S", "O2", "C1", "O1"]


def test_atoms_in_a_second_data_block_are_refused(put):
    text = cif([along(MIXED)])
    for first in (text, "data_cell\n_cell.length_a 1\n"):
        with pytest.raises(PomodoroError, match="has atoms in a data block after the first, which alone is read"):
            read_structure(put(first + text.replace("data_mixed", "data_more")))


@pytest.mark.parametrize("model", [1, 2])
def test_models_in_another_order_are_matched(form, put, model):
    order = random.Random(1).sample(range(len(MIXED)), len(MIXED))
    path = put(form([along(MIXED), along(MIXED, order)]))
    structure, states = read_ensemble(path, model=model)
    expected = [list(range(len(MIXED))), order][model - 1]
    assert structure.coords[:, 0].tolist() == expected
    assert names(structure) == [MIXED[i] for i in expected]
    assert states[..., 0].tolist() == [expected, expected]
    assert states[:, 0, 1].tolist() == [10, 20]


def test_models_whose_labels_repeat_need_the_same_order(form, put):
    rows = [*MIXED, MIXED[0]]
    assert read_ensemble(put(form([along(rows)] * 2)))[1].shape == (2, 10, 3)
    order = [9, *range(1, 9), 0]
    assert np.array_equal(read_ensemble(put(form([along(rows), along(rows, order)])))[1][1, :, 0], order)
    message = "model 2 of .* has the atoms of model 1 in another order, and more than one of them is A/GLY`1/N$"
    with pytest.raises(PomodoroError, match=message):
        read_ensemble(put(form([along(rows), along(rows, [1, 0, *range(2, 10)])])))


@pytest.mark.parametrize("change", [lambda rows: rows[:-1], lambda rows: [*rows, (("O", "GLY", "A", 1), 9.0)]])
def test_models_of_other_atoms_are_refused(form, put, change):
    for models, model in itertools.product(itertools.permutations([along(MIXED), change(along(MIXED))]), (1, 2)):
        with pytest.raises(
            PomodoroError,
            match=f"model {3 - model} of .* has (not the atoms|[0-9]+ atoms, not the [0-9]+) of model {model}",
        ):
            read_ensemble(put(form(models)), model=model)


def without(text, words, chosen=("0.0", "7.0"), y=10):
    """Put words for x, or for x, y and z, at some places along x in a text."""
    x, *others = words.split()
    for place in chosen:
        if text.startswith("data_"):
            after = others or [y, 0]
            text = text.replace(f" {place} {y} 0 ", f" {x} {after[0]} {after[1]} ")
        else:
            old = f"{float(place):8.3f}{y:8.3f}{0:8.3f}"
            assert old in text
            text = text.replace(old, f"{x:>8}" + ("".join(f"{word:>8}" for word in others) or old[8:]))
    return text


@pytest.mark.parametrize("words", ["nan", "NaN", "inf", "-inf", "1e50", "nan nan nan"])
@pytest.mark.parametrize("form", [pdb, cif])
def test_what_is_not_finite_is_left_out(put, form, words):
    structure = read_structure(put(without(form([along(MIXED)]), words)))
    assert structure.note == NOTE
    assert names(structure) == KEPT
    assert structure.coords[:, 0].tolist() == [1, 2, 3, 4, 5, 6, 8]
    assert structure.residues["resi"].tolist() == ["2", "1", "1"]


@pytest.mark.parametrize("words", ["?", ".", "? ? ?", ". . ."])
def test_what_mmcif_does_not_know_is_left_out(put, words):
    structure = read_structure(put(without(cif([along(MIXED)]), words)))
    assert structure.note == NOTE
    assert names(structure) == KEPT


def test_uncertainties_of_mmcif_are_numbers(put):
    structure = read_structure(put(without(cif([along(MIXED)]), "0.5(2)", ["0.0"])))
    assert structure.coords[0, 0] == 0.5
    assert structure.note == ""


@pytest.mark.parametrize("words", ["x.yz", "1.5x", "nan(3)", "'1.5'"])
def test_what_is_no_number_is_refused(put, words):
    message = f"atom 1 of .* has a Cartn_x that is no number: .*{words.strip(chr(39)).split('(')[0]}"
    with pytest.raises(PomodoroError, match=message):
        read_structure(put(without(cif([along(MIXED)]), words)))
    with pytest.raises(PomodoroError, match=r"line 2 of .* has coordinates that are no numbers"):
        read_structure(put(without(pdb([along(MIXED)]), words)))


@pytest.mark.parametrize("form", [pdb, cif])
def test_a_file_without_any_coordinates_is_refused(put, form):
    text = without(form([along(MIXED)]), "nan", [f"{x}.0" for x in range(len(MIXED))])
    with pytest.raises(PomodoroError, match=r"^no atom of model 1 of .*mixed, waters left aside, has coordinates$"):
        read_structure(put(text))
    with pytest.raises(PomodoroError, match=r"^no atom of model 1 of .*mixed has coordinates$"):
        read_structure(put(text), solvent=True)


def test_waters_are_not_told_of_where_they_are_left_out_anyhow(put):
    path = put(without(pdb([along([*MIXED, ("O", "HOH", "A", 10)])]), "nan", ["9.0"]))
    assert read_structure(path).note == ""
    assert read_structure(path, solvent=True).note == "left out: 1 residue without coordinates (A/HOH`10)"


@pytest.mark.parametrize("form", [pdb, cif])
def test_what_the_truth_lacks_is_left_out_of_every_model(put, form):
    both = without(form([along(MIXED), along(MIXED)]), "nan")
    fewer = without(form([along(MIXED), along(MIXED)[1:]]), "nan")
    for text in (both, without(both, "nan", ["0.0"], y=20), fewer):
        structure, states = read_ensemble(put(text))
        note, *others = structure.note.split("; ")
        assert note == NOTE
        assert [other[:33] for other in others] == ["1 of 2 models has other atoms tha"] * (text == fewer)
        assert names(structure) == KEPT
        assert states[..., 0].tolist() == [[1, 2, 3, 4, 5, 6, 8]] * 2
        assert np.array_equal(states[0], structure.coords)


@pytest.mark.parametrize("form", [pdb, cif])
def test_a_model_that_lacks_what_the_truth_has_is_refused(put, form):
    path = put(without(form([along(MIXED), along(MIXED)]), "nan", ["3.0"]))
    with pytest.raises(PomodoroError, match=r"model 1 of .* has no coordinates of B/GLY`1/N, which model 2 has"):
        read_ensemble(path, model=2)
    assert read_ensemble(path, model=1)[1].shape == (2, 8, 3)


@pytest.mark.parametrize("form", [pdb, cif])
def test_an_atom_without_coordinates_is_none_of_another_model(put, form):
    more = [*along(MIXED), (("O", "GLY", "A", 1), 5.5)]
    path = put(without(form([more, along(MIXED)]), "nan", ["5.5"]))
    structure, states = read_ensemble(path, model=2)
    assert names(structure) == MIXED
    assert states[..., 0].tolist() == [list(range(9))] * 2


def test_case_f9():
    structure = read_structure(CASES / "f9_nan.cif")
    assert structure.note == "left out: 1 residue without coordinates (A/GLY`1)"
    assert names(structure) == [("N", "GLY", "A", 2), ("CA", "GLY", "A", 2)]
    np.testing.assert_allclose(structure.coords, [[3, 1, 0], [4.4, 1.2, 0]], atol=1e-6)


def test_case_f2_is_read_as_observed():
    structure = read_structure(CASES / "f2_unobserved.cif")
    assert names(structure) == [(name, "ALA", "A", resi) for resi in (2, 3) for name in ("N", "CA")]
