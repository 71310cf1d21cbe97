"""Random crops against plain loops over residues, on toys and real structures."""

import gzip
import math
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.io.read import read_structure
from pomodoro_pymol.structure.crops import CROPPINGS, crops, without_hydrogens
from pomodoro_pymol.structure.hierarchy import Hierarchy

FRAGMENT = Path(__file__).parents[2] / "docs" / "data" / "1hpv_fragment.pdb"
NMR = Path(__file__).parents[1] / "data" / "2juy.pdb.gz"


def residues(structure):
    """Label of each residue, in the order of its first atom, with the places of its atoms as tuples."""
    rows = structure.residues.tolist()
    found = {}
    for atom, row in enumerate(structure.residue_of_atom.tolist()):
        segi, chain, resi, _, hetero = rows[row]
        found.setdefault((segi, chain, resi, hetero), []).append(tuple(structure.coords[atom].tolist()))
    return found


def chains(structure):
    """Labels of the residues of each chain, in order; what is no polymer is a chain of its own."""
    found = {}
    for label in residues(structure):
        found.setdefault(label if label[3] else label[:2], []).append(label)
    return list(found.values())


def centre(places):
    return [sum(place[axis] for place in places) / len(places) for axis in range(3)]


def nearest(structure, middle, count):
    """Labels of the residues whose centres are nearest to that of one of them, which is always the first."""
    centres = {label: centre(places) for label, places in residues(structure).items()}
    order = sorted(centres, key=lambda label: (label != middle, math.dist(centres[label], centres[middle])))
    return set(order[:count])


def windows(structure, count):
    """Probability of each window of polymer residues that follow each other: a tuple of labels."""
    polymers = [chain for chain in chains(structure) if not chain[0][3]] or chains(structure)
    total = sum(map(len, polymers))
    found = {}
    for chain in polymers:
        starts = range(max(len(chain) - count, 0) + 1)
        for start in starts:
            found[tuple(chain[start : start + count])] = len(chain) / total / len(starts)
    return found


def agree(seen, expected, count):
    """The counts seen are of these probabilities, by chi-square, and nothing else was seen."""
    assert set(seen) <= set(expected)
    observed = [seen[key] for key in expected]
    if len(expected) > 1:
        assert stats.chisquare(observed, [count * p for p in expected.values()]).pvalue > 1e-3


def same(one, other):
    assert one.kind == other.kind
    assert one.number == other.number
    np.testing.assert_array_equal(one.structure.coords, other.structure.coords)
    assert one.structure.atoms.tolist() == other.structure.atoms.tolist()


def residue_list(*parts):
    """Atoms of ``(chain, numbers, hetero, atoms of each)``."""
    return [
        ("", chain, str(number), "GLY", hetero)
        for chain, numbers, hetero, atoms in parts
        for number in numbers
        for _ in range(atoms)
    ]


def shuffled(rows, seed):
    order = np.random.default_rng(seed).permutation(len(rows))
    return [rows[place] for place in order]


@pytest.fixture(
    params=["chains", "interleaved", "ligands", "one residue", "one ligand", "many ligands", "fragment", "nmr"]
)
def structure(request, make_structure):
    if request.param in ("fragment", "nmr"):
        return request.getfixturevalue(request.param)
    mixed = residue_list(("A", range(9), False, 3), ("B", range(2), False, 4), ("C", range(6), False, 1))
    return make_structure(
        {
            "chains": mixed,
            "interleaved": shuffled(mixed, 1),
            "ligands": residue_list(("A", (50, 51), True, 5), ("A", range(7), False, 4), ("B", (9,), True, 1)),
            "one residue": residue_list(("A", (1,), False, 5)),
            "one ligand": residue_list(("A", (1,), True, 5)),
            "many ligands": shuffled(residue_list(("A", range(8), True, 3)), 2),
        }[request.param]
    )


@pytest.mark.parametrize("n_residues", [1, 6, 1000])
def test_contiguous_crops_are_windows_of_one_chain(structure, n_residues):
    seen, expected = Counter(), windows(structure, n_residues)
    for crop in crops(structure, n_residues, kinds=["contiguous"], count=150, seed=5):
        assert crop.kind == "contiguous"
        assert len(Hierarchy.from_structure(crop.structure).residues_per_chain) == 1
        found = residues(crop.structure)
        assert {label: residues(structure)[label] for label in found} == found
        seen[tuple(found)] += 1
    agree(seen, expected, 150)


@pytest.mark.parametrize("n_residues", [1, 6, 1000])
def test_spatial_crops_are_the_nearest_residues(structure, n_residues):
    expected = {}
    whole = residues(structure)
    for middle in whole:
        taken = frozenset(nearest(structure, middle, n_residues))
        expected[taken] = expected.get(taken, 0) + 1 / len(whole)
    seen = Counter()
    for crop in crops(structure, n_residues, kinds=["spatial"], count=150, seed=6):
        found = residues(crop.structure)
        assert {label: whole[label] for label in found} == found
        assert len(found) == min(n_residues, len(whole))
        seen[frozenset(found)] += 1
    agree(seen, expected, 150)


def test_of_equally_far_residues_the_first_are_taken(make_structure):
    structure = make_structure(residue_list(("A", range(5), False, 1)))
    structure.coords[:] = [(3, 4, 0), (0, 5, 0), (0, 0, 0), (5, 0, 0), (0, -5, 0)]
    expected = Counter()
    for middle in residues(structure):
        expected[frozenset(nearest(structure, middle, 3))] += 1 / 5
    assert frozenset(("", "A", number, False) for number in "012") in expected
    crop_of = crops(structure, 3, kinds=["spatial"], count=200)
    agree(Counter(frozenset(residues(crop.structure)) for crop in crop_of), expected, 200)


def test_a_residue_that_others_lie_on_is_in_its_own_crop(make_structure):
    """Copies at one place, as merged entries have them."""
    structure = make_structure(residue_list(("A", range(6), False, 2)))
    structure.coords[:] = 1.0
    seen = Counter(
        label for crop in crops(structure, 1, kinds=["spatial"], count=300) for label in residues(crop.structure)
    )
    agree(seen, dict.fromkeys(residues(structure), 1 / 6), 300)


def test_kinds_and_counts_do_not_change_each_other(structure):
    both = {(crop.kind, crop.number): crop for crop in crops(structure, 4, count=5, seed=3)}
    assert list(both) == [(kind, number) for kind in CROPPINGS for number in range(1, 6)]
    for kind in CROPPINGS:
        for count in (1, 3):
            alone = list(crops(structure, 4, kinds=[kind], count=count, seed=3))
            assert [crop.number for crop in alone] == list(range(1, count + 1))
            for crop in alone:
                same(crop, both[kind, crop.number])


def test_other_seeds_and_other_coordinates_give_other_crops(make_structure):
    rows = residue_list(("A", range(400), False, 1))

    def starts(seed, toy):
        return [
            tuple(residues(crop.structure)) for crop in crops(make_structure(rows, seed=toy), 7, count=3, seed=seed)
        ]

    found = [starts(seed, toy) for seed, toy in ((0, 0), (1, 0), (2**70, 0), (0, 1))]
    assert all(one != other for place, one in enumerate(found) for other in found[:place])
    assert starts(1, 0) == found[1]


def test_names_packing_and_format_do_not_matter(tmp_path):
    gemmi = pytest.importorskip("gemmi")
    text = FRAGMENT.read_text()
    lines = [line for line in text.splitlines() if line.startswith("ATOM")]
    # Zero has a sign in PDB files.
    lines[3] = f"{lines[3][:30]}  -0.000   0.000  -0.000{lines[3][54:]}"
    (tmp_path / "a.pdb").write_text("\n".join([*lines, "END", ""]))
    document = gemmi.read_structure(str(tmp_path / "a.pdb"))
    document.setup_entities()
    document.make_mmcif_document().write_file(str(tmp_path / "b.cif"))
    cif = (tmp_path / "b.cif").read_text()
    assert cif.count(" -0 ") == 2
    (tmp_path / "b.cif").write_text(cif.replace(" -0 ", " 0 "))
    other = tmp_path / "other place" / "ä'.ent"
    other.parent.mkdir()
    shutil.copy(tmp_path / "a.pdb", other)
    packed = tmp_path / "c.pdb.gz"
    packed.write_bytes(gzip.compress((tmp_path / "a.pdb").read_bytes()))
    first = list(crops(read_structure(tmp_path / "a.pdb"), 6, count=4, seed=1))
    for path in (tmp_path / "b.cif", other, packed):
        for one, two in zip(first, crops(read_structure(path), 6, count=4, seed=1), strict=True):
            same(one, two)


def test_hydrogens_go_and_crops_are_then_those_of_the_file_without(nmr, tmp_path):
    bare = without_hydrogens(nmr)
    heavy = [place for place, element in enumerate(nmr.atoms["elem"]) if element.upper() not in ("H", "D")]
    np.testing.assert_array_equal(bare.coords, nmr.coords[heavy])
    assert bare.atoms.tolist() == nmr.atoms[heavy].tolist()
    assert list(residues(bare)) == list(residues(nmr))
    lines = gzip.decompress(NMR.read_bytes()).decode().splitlines()
    kept = [line for line in lines if not (line.startswith(("ATOM", "HETATM")) and line[76:78].strip() == "H")]
    (tmp_path / "bare.pdb").write_text("\n".join(kept))
    for one, two in zip(crops(bare, 5, count=3), crops(read_structure(tmp_path / "bare.pdb"), 5, count=3), strict=True):
        same(one, two)


def test_deuterium_goes_and_nothing_else(make_structure):
    structure = make_structure(residue_list(("A", range(6), False, 1), ("A", (9,), True, 1)))
    structure.atoms["elem"] = ["C", "D", "h", "HG", "He", "H", "Dy"]
    bare = without_hydrogens(structure)
    assert bare.atoms["elem"].tolist() == ["C", "HG", "He", "Dy"]
    assert [label[2] for label in residues(bare)] == ["0", "3", "4", "9"]
    assert without_hydrogens(bare) is bare
    structure.atoms["elem"] = "H"
    with pytest.raises(PomodoroError, match=r"^no atoms but hydrogen$"):
        without_hydrogens(structure)


def test_crops_keep_the_residues_and_chains_of_the_whole(nmr):
    """Of a file: grouped by the rule, not by labels, and not anew."""
    whole = Hierarchy.from_structure(nmr)
    place = {tuple(coords): atom for atom, coords in enumerate(nmr.coords.tolist())}
    for crop in crops(nmr, 9, count=10):
        own = Hierarchy.from_structure(crop.structure)
        atoms = [place[tuple(coords)] for coords in crop.structure.coords.tolist()]
        assert atoms == sorted(atoms)
        owner = whole.atom_to_residue[atoms].tolist()
        assert [sorted(set(owner)).index(residue) for residue in owner] == own.atom_to_residue.tolist()
        assert own.n_residues == 9
        assert own.n_chains == 1
