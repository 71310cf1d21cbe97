"""Residues and chains are the same ones in PyMOL and from the file, and are the right ones.

What is right is written out here by hand for each structure: a set of atoms for each residue and chain.
"""

import numpy as np
import pytest
from orders import CASES

_ROW = "{:6}{:>5} {:<4}{:1}{:>3} {:1}{:>4}{:1}   {:8.3f}{:8.3f}{:8.3f}  1.00  0.00          {:>2}\n"


def pdb(rows):
    """A PDB file of (record, name, resn, chain, resi, x, y, z, element) rows."""
    lines = []
    for number, (record, name, resn, chain, resi, x, y, z, element) in enumerate(rows, 1):
        padded = name if len(name) > 3 or len(element) > 1 else f" {name}"
        lines.append(_ROW.format(record, number, padded, "", resn, chain, resi, "", x, y, z, element))
    return "".join(lines) + "END\n"


def peptide(names, chain="A", first=1, at=(0.0, 0.0, 0.0), record="ATOM", step=3.3):
    """Rows of a chain whose residues have N, CA, C and O, bonded C to N."""
    rows = []
    for place, resn in enumerate(names):
        x, y, z = at[0] + step * place, at[1], at[2]
        kind = "HETATM" if resn == "MSE" else record
        for name, dx, dy in (("N", 0.0, 0.0), ("CA", 1.2, 0.8), ("C", 2.1, -0.4), ("O", 2.2, -1.6)):
            rows.append((kind, name, resn, chain, first + place, x + dx, y + dy, z, name[0]))
    return rows


def sugars(count, chain="B", first=1, at=(0.0, 20.0, 0.0), apart=0.0):
    """Rows of rings with C1 to C5, O4 and O5, C1 of each bonded to O4 of the one before."""
    rows = []
    for place in range(count):
        x, y, z = at[0] + (5.2 + apart) * place, at[1], at[2]
        atoms = [("C1", 0.0, 0.0), ("C2", 0.7, 1.3), ("C3", 2.1, 1.3), ("C4", 2.8, 0.0), ("C5", 2.1, -1.3)]
        atoms += [("O5", 0.7, -1.3), ("O4", 4.0, 0.0)]
        rows += [("HETATM", name, "NAG", chain, first + place, x + dx, y + dy, z, name[0]) for name, dx, dy in atoms]
    return rows


def groups(structure, level):
    """The groups of a structure: sets of (chain, resi, name, place)."""
    from pomodoro_pymol.structure.hierarchy import Hierarchy

    hierarchy = Hierarchy.from_structure(structure)
    number = (hierarchy.atom_to_residue if level == "residue" else hierarchy.atom_to_chain).numpy()
    labels = structure.residues[structure.residue_of_atom]
    found = {}
    for place, label, atom, xyz in zip(number.tolist(), labels, structure.atoms, structure.coords.round(2).tolist()):
        found.setdefault(place, set()).add((label["chain"], label["resi"], atom["name"], *xyz))
    return {frozenset(group) for group in found.values()}


@pytest.fixture
def both(cmd, tmp_path):
    """A function that reads text, or a file, on both routes, and returns what it is in PyMOL."""
    pytest.importorskip("gemmi")

    def read(text="", path=None, suffix="pdb"):
        from pomodoro_pymol.io.read import read_structure
        from pomodoro_pymol.viewer import reading, sources

        if path is None:
            path = tmp_path / f"m.{suffix}"
            path.write_text(text)
        cmd.delete("m")
        cmd.load(str(path), "m", quiet=1)
        shown = reading.read_source(sources.resolve_source("", 1, _self=cmd), _self=cmd)
        from_file = read_structure(path)
        np.testing.assert_array_equal(shown.coords, from_file.coords)
        assert shown.residues[shown.residue_of_atom].tolist() == from_file.residues[from_file.residue_of_atom].tolist()
        assert shown.atoms[["name", "alt"]].tolist() == from_file.atoms[["name", "alt"]].tolist()
        for level in ("residue", "chain"):
            assert groups(shown, level) == groups(from_file, level)
        assert shown.note == from_file.note
        return shown

    return read


def sizes(structure):
    """How many residues, and the number of residues of each chain, ascending."""
    from pomodoro_pymol.structure.hierarchy import Hierarchy

    hierarchy = Hierarchy.from_structure(structure)
    return hierarchy.n_residues, sorted(hierarchy.residues_per_chain.tolist())


@pytest.mark.parametrize(
    ("case", "n_residues", "chains"),
    [
        ("f3_index.cif", 1, [1]),
        ("f4_cap.pdb", 3, [3]),
        ("f5_resn4.pdb", 3, [3]),
        ("f6_no_element.pdb", 2, [2]),
        ("f7_ions_first.pdb", 3, [1, 1, 1]),
        ("f8_blank_resi.pdb", 1, [1]),
        ("f10_cr.pdb", 2, [1, 1]),
        ("info_hybrid36_resi.pdb", 3, [3]),
    ],
)
def test_cases(both, case, n_residues, chains):
    structure = both(path=CASES / case)
    assert sizes(structure) == (n_residues, chains)
    assert ("told apart: 2 residues whose labels repeat (A/ALA`0)" in structure.note) == case.startswith("info")
    if case.startswith("f6"):
        assert structure.atoms["elem"].tolist() == ["N", "C", "C"] * 2
    if case.startswith("f5"):
        assert set(structure.residues["resn"]) == {"ALA", "LYSH"}
    if case.startswith("f8"):
        assert structure.residues["resi"].tolist() == ["0"]


@pytest.mark.parametrize("displaced", [0.0, 9.0])
@pytest.mark.parametrize("trace", [False, True])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_selenomethionine_is_of_its_chain(both, displaced, trace, place):
    names = ["GLY", "ALA", "SER"]
    names[place] = "MSE"
    rows = [row for row in peptide(names) if not trace or row[1] == "CA"]
    rows = [(*row[:6], row[6] + displaced * (row[2] == "MSE"), *row[7:]) for row in rows]
    structure = both(pdb(rows))
    assert sizes(structure) == (3, [3])
    assert not structure.residues["hetero"].any()


def test_caps_are_of_their_chain_bonded_or_not(both):
    for away in (0.0, 7.0):
        ace = [
            ("HETATM", name, "ACE", "A", 1, x, y + away, 0.0, name[0])
            for name, x, y in (("C", -1.3, 0.0), ("O", -1.9, 1.0))
        ]
        nme = [
            ("HETATM", name, "NME", "A", 4, x, -0.9 - away, 0.0, name[0])
            for name, x in (
                (
                    "N",
                    6.6,
                ),
                ("C", 7.9),
            )
        ]
        assert sizes(both(pdb([*ace, *peptide(["ALA", "SER"], first=2), *nme]))) == (4, [4])


def test_a_chromophore_without_a_backbone_is_of_the_chain_that_it_joins(both):
    rows = peptide(["GLY", "ALA", "SER"])
    renamed = {"N": "N1", "CA": "CA1", "C": "C3", "O": "O3"}
    rows = [("HETATM", renamed[row[1]], "CRO", *row[3:]) if row[2] == "ALA" else row for row in rows]
    assert sizes(both(pdb(rows))) == (3, [3])


def test_an_amino_acid_as_ligand_is_none_of_the_chain(both):
    """Free glycine, as HETATM, whose number goes on after the chain's; and what has a backbone by chance."""
    for resn in ("GLY", "SAM"):
        ligand = [("HETATM", *row[1:]) for row in peptide([resn], first=4, at=(0.0, 12.0, 0.0))]
        structure = both(pdb([*peptide(["ALA", "SER", "GLY"]), *ligand]))
        assert sizes(structure) == (4, [1, 3])
        assert structure.residues["hetero"].tolist() == [False] * 3 + [True]


def test_everything_is_atom_in_files_of_simulations(both):
    """A protein, a ligand of two atoms names that a protein has, and ions, one blank chain."""
    ligand = [("ATOM", name, "LIG", "", 4, x, 15.0, 0.0, name[0]) for name, x in (("C1", 0.0), ("N", 1.4), ("CA", 2.8))]
    ions = [
        ("ATOM", name, resn, "", 5 + i, 20.0 + 5 * i, 15.0, 0.0, element)
        for i, (name, resn, element) in enumerate(
            [("NA", "NA", "NA"), ("NA", "NA", "NA"), ("CL", "CL", "CL"), ("CA", "CA", "CA")]
        )
    ]
    structure = both(pdb([*peptide(["ALA", "HSE", "CYX"], chain=""), *ligand, *ions]))
    assert sizes(structure) == (8, [1, 1, 1, 1, 1, 3])
    assert structure.residues["hetero"].tolist() == [False] * 3 + [True] * 5


def test_a_glycan_is_one_chain_apart_from_the_protein_that_it_is_bound_to(both):
    protein = peptide(["ALA", "ASN", "SER"])
    x, y = next((row[5], row[6]) for row in protein if row[2] == "ASN" and row[1] == "CA")
    protein.insert(8, ("ATOM", "ND2", "ASN", "A", 2, x, y + 2.5, 0.0, "N"))
    glycan = sugars(4, chain="A", first=101, at=(x, y + 3.9, 0.0))
    structure = both(pdb([*protein, *glycan]))
    assert sizes(structure) == (7, [3, 4])


def branched(apart):
    """The mmCIF of a protein and of a branched entity of four sugars."""
    items = "group_PDB id type_symbol label_atom_id label_alt_id label_comp_id label_asym_id label_entity_id"
    items += " label_seq_id Cartn_x Cartn_y Cartn_z auth_seq_id auth_asym_id"
    lines = ["data_x", "loop_", *(f"_atom_site.{item}" for item in items.split())]
    for number, row in enumerate([*peptide(["ALA", "SER"]), *sugars(4, apart=apart)], 1):
        record, name, resn, chain, resi, x, y, z, element = row
        seq = resi if chain == "A" else "."
        lines.append(
            f"{record} {number} {element} {name} . {resn} {chain} {1 + (chain == 'B')} {seq} {x} {y} {z} {resi} {chain}"
        )
    return "\n".join([*lines, ""])


@pytest.mark.parametrize("apart", [0.0, 3.0])
def test_the_atoms_of_a_branched_entity_move_as_one_chain(cmd, both, apart):
    from pomodoro_pymol.commands import pomnoise

    structure = both(branched(apart), suffix="cif")
    assert sizes(structure) == (6, [2, 4])
    pomnoise("chain B", wc=1, wr=0, wa=0, frames=2, _self=cmd)
    places = [cmd.get_model("m_noise", state).get_coord_list() for state in (1, 2, 3)]
    for frame in places[1:]:
        moved = np.subtract(frame, places[0])
        assert np.abs(moved).max() > 0.1
        np.testing.assert_allclose(moved, np.broadcast_to(moved[0], moved.shape), atol=1e-4)


def test_ligands_that_are_not_bonded_are_chains_each(both):
    assert sizes(both(pdb([*sugars(2, apart=3.0)]))) == (2, [1, 1])


def test_a_ligand_whose_names_are_elements_is_one_residue(both):
    ring = [
        ("HETATM", "C", "BNZ", "A", 1, 1.39 * np.cos(t), 1.39 * np.sin(t), 0.0, "C") for t in np.arange(6) * np.pi / 3
    ]
    structure = both(pdb(ring))
    assert sizes(structure) == (1, [1])
    assert "left as one residue each, though names of atoms repeat: A/BNZ`1" in structure.note


def test_ions_of_one_label_are_told_apart(both):
    structure = both(pdb([("HETATM", "ZN", "ZN", "A", 1, 5.0 * i, 0.0, 0.0, "ZN") for i in range(4)]))
    assert sizes(structure) == (4, [1, 1, 1, 1])
    assert structure.note == "told apart: 4 residues whose labels repeat (A/ZN`1)"


def test_chains_that_begin_anew(both):
    """After TER with the same name, and with a blank one; a gap within a chain parts nothing."""
    for chain in ("A", ""):
        first, second = peptide(["ALA", "SER", "GLY"], chain), peptide(["ALA"] * 5, chain, at=(0.0, 30.0, 0.0))
        gap = [row for row in second if row[4] not in (3,)]
        structure = both(pdb([*first, *gap]))
        assert sizes(structure) == (7, [3, 4])
        assert f"told apart: 2 chains that are called {chain!r}" in structure.note


def test_numbers_that_begin_anew_within_a_chain(both):
    rows = peptide(["ALA"] * 12)
    rows = [
        (*row[:4], (9994 + row[4]) % 10_000, *row[5:])
        for row in [*rows, *peptide(["GLY"] * 3, at=(40.0, 9.0, 0.0), first=13)]
    ]
    # 9995 .. 9999, 0 .. 9: and again 9995 in another place of the file.
    again = [(*row[:4], 9995 + row[4] - 1, *row[5:]) for row in peptide(["SER"] * 2, at=(3.3 * 12 + 60, 0.0, 0.0))]
    structure = both(pdb([*rows, *again]))
    assert sizes(structure) == (17, [2, 15])


def test_nucleic_acid_and_protein_under_one_blank_label_are_two_chains(both):
    nucleotide = []
    for place in range(3):
        atoms = [("P", 0.0), ("O5'", 1.6), ("C5'", 3.0), ("C4'", 4.4), ("C3'", 5.8), ("O3'", 7.2)]
        nucleotide += [("ATOM", name, "DA", "", 11 + place, 8.8 * place + x, 20.0, 0.0, name[0]) for name, x in atoms]
    assert sizes(both(pdb([*peptide(["ALA", "SER"], chain=""), *nucleotide]))) == (5, [2, 3])


def test_two_residues_of_one_number_that_are_no_alternates(both):
    """A zinc with the number of a residue is none of its atoms; alternates of two names are one residue."""
    zinc = ("HETATM", "ZN", "ZN", "A", 2, 30.0, 0.0, 0.0, "ZN")
    assert sizes(both(pdb([*peptide(["ALA", "SER"]), zinc]))) == (3, [1, 2])
    text = pdb([*peptide(["ALA", "SER"]), *peptide(["THR"], first=2, at=(3.3, 0.4, 0.0))])
    lines = [line[:16] + {"SER": "A", "THR": "B"}.get(line[17:20], " ") + line[17:] for line in text.splitlines(True)]
    assert sizes(both("".join(lines))) == (2, [2])


def test_waters_by_the_names_of_their_models(both):
    rows = peptide(["ALA"])
    for place, resn in enumerate(["HOH", "DOD", "WAT", "SOL", "SPC", "TP3", "OPC", "TIP"]):
        rows += [
            ("ATOM", name, resn, "W", 2 + place, 9.0 * place + x, 30.0, 0.0, name[0])
            for name, x in (("O", 0.0), ("H1", 0.9))
        ]
    # A ligand that is called as a water is.
    rows += [("HETATM", name, "OPC", "L", 1, 1.4 * i, 60.0, 0.0, name[0]) for i, name in enumerate(["C1", "C2", "O1"])]
    structure = both(pdb(rows))
    assert set(structure.residues["resn"]) == {"ALA", "OPC"}
    assert sizes(structure) == (2, [1, 1])


def test_merged_copies_are_told_apart(cmd, hpv):
    """Two copies of a chain, 80 A apart, which PyMOL sorts residue by residue, and atom by atom."""
    from pomodoro_pymol.commands import pomnoise
    from pomodoro_pymol.noise.expected import expected_levels
    from pomodoro_pymol.noise.weights import PRESETS

    hpv.set_name("1hpv", "m1")
    cmd.create("m2", "m1")
    cmd.translate([80, 0, 0], "m2", camera=0)
    cmd.create("c", "(m1 or m2) and chain A and polymer")
    result = pomnoise("c", preset="rb", frames=2, _self=cmd)
    hierarchy, structure = result.hierarchy, result.structure
    assert (hierarchy.n_residues, hierarchy.n_chains) == (198, 2)
    expected = expected_levels(hierarchy, PRESETS["rb"], 1.0)
    assert expected.residue / expected.atom == pytest.approx(0.787, abs=5e-4)
    # Each residue and chain lies in one of the copies.
    far = structure.coords[:, 0] > np.median(structure.coords[:, 0])
    for number in (hierarchy.atom_to_residue.numpy(), hierarchy.atom_to_chain.numpy()):
        for group in np.unique(number):
            assert len(set(far[number == group])) == 1
    assert "told apart: 198 residues whose labels repeat" in structure.note


def test_a_break_without_a_gap_is_told(both):
    far = peptide(["ALA", "SER"], first=3, at=(70.0, 0.0, 0.0))
    structure = both(pdb([*peptide(["ALA", "SER"]), *far]))
    assert sizes(structure) == (4, [4])
    assert (
        "left as one chain, though residues that follow each other are more than 15 A apart: A/SER`2 to A/ALA`3"
        in structure.note
    )


def test_pdbqt(both):
    rows = [("C1", "C ", 0.0), ("O1", "OA", 1.4), ("N1", "NA", 2.8), ("H1", "HD", 3.8), ("C2", "A ", 5.2)]
    lines = ["ROOT"]
    for number, (name, kind, x) in enumerate(rows, 1):
        place = f"{x:8.3f}{0:8.3f}{0:8.3f}"
        lines.append(f"HETATM{number:5d}  {name:3s} LIG L   1    {place}  1.00  0.00    {0.123:6.3f} {kind}")
    structure = both("\n".join([*lines, "ENDROOT", "TORSDOF 1", ""]), suffix="pdbqt")
    assert sizes(structure) == (1, [1])
    assert structure.atoms["elem"].tolist() == ["C", "O", "N", "H", "C"]
