"""What is told of input that would mislead, and that nothing is told of other input."""

import gzip
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pomodoro_pymol.noise.weights import LevelWeights
from pomodoro_pymol.structure.atoms import ATOM_LABELS, RESIDUE_LABELS, Structure
from pomodoro_pymol.structure.hierarchy import Hierarchy
from pomodoro_pymol.structure.input_notes import input_notes

ROOT = Path(__file__).parents[2]


def told(structure):
    return input_notes(structure, Hierarchy.from_structure(structure))


def taken(structure, rows):
    """Some atoms of a structure, in some order."""
    labels, residue_of_atom = np.unique(structure.residue_of_atom[rows], return_inverse=True)
    return replace(
        structure,
        coords=structure.coords[rows],
        atoms=structure.atoms[rows],
        residues=structure.residues[labels],
        residue_of_atom=residue_of_atom,
        places=None,
        groups=None,
        occupancy=None,
        b=None,
        charge=None,
    )


def labelled(structure, field, rows, value):
    atoms = structure.atoms.copy()
    atoms[field][rows] = value
    return replace(structure, atoms=atoms)


def at_origin(structure, rows):
    coords = structure.coords.copy()
    coords[rows] = 0
    return replace(structure, coords=coords)


def mirrored(structure, rows=slice(None), axis=0):
    coords = structure.coords.copy()
    coords[rows, axis] *= -1
    return replace(structure, coords=coords)


def names(structure, *wanted):
    return np.flatnonzero(np.isin(structure.atoms["name"].astype(str), wanted))


def test_an_ordinary_structure_has_no_notes(fragment):
    assert told(fragment) == []
    assert told(replace(fragment, note="left out: something")) == ["left out: something"]


# Hydrogens.


def test_hydrogens_are_counted_and_so_is_what_they_do(nmr, oracle):
    with gzip.open(ROOT / "tests" / "data" / "2juy.pdb.gz", "rt") as file:
        model = file.read().partition("ENDMDL")[0]
    lines = [line for line in model.splitlines() if line.startswith(("ATOM", "HETATM"))]
    hydrogen = [line[76:78].strip() == "H" for line in lines]
    ratios = []
    for kept in (lines, [line for line, light in zip(lines, hydrogen) if not light]):
        sizes = Counter(line[21:27] for line in kept)
        ratios.append(np.mean([1 / size for size in sizes.values()]) ** 0.5)
    (note,) = told(nmr)
    assert note.startswith(f"{sum(hydrogen)} of {len(lines)} atoms are hydrogen, which models such as AF3 do not have")
    assert f"flat noise has residue / atom {ratios[0]:.3f} with them, {ratios[1]:.3f} without" in note
    # That is the ratio of flat noise, by dense matrices.
    heavy = taken(nmr, np.flatnonzero(nmr.atoms["elem"] != "H"))
    flat = LevelWeights(0, 0, 1)
    for structure, ratio in zip((nmr, heavy), ratios):
        assert oracle.quadratic_levels(Hierarchy.from_structure(structure), flat)["ratio"] == pytest.approx(ratio)
    assert told(heavy) == []


@pytest.mark.parametrize(
    ("element", "name", "is_one"),
    [
        ("H", "HA", True),
        ("h", "HA", True),
        ("D", "D1", True),
        ("", "HB1", True),
        ("", "2HB", True),
        ("", "CB", False),
        ("", "DUM", False),
        ("HG", "HG", False),
        ("He", "HE", False),
        ("C", "HX", False),
    ],
)
def test_what_is_hydrogen(fragment, element, name, is_one):
    changed = labelled(labelled(fragment, "elem", [7], element), "name", [7], name)
    assert [note[:27] for note in told(changed)] == ["1 of 245 atoms is hydrogen,"] * is_one


def test_residues_of_hydrogens_alone(fragment):
    """Where nothing else is left, there is no ratio without them; a residue that goes with them does not count."""
    (note,) = told(labelled(fragment, "elem", slice(None), "H"))
    assert "with them (" in note
    residue = fragment.residue_of_atom == 0
    (note,) = told(labelled(fragment, "elem", residue, "H"))
    sizes = Counter(fragment.residue_of_atom[~residue].tolist())
    assert f"{np.mean([1 / size for size in sizes.values()]) ** 0.5:.3f} without" in note


# Atoms without a place.


def test_one_atom_may_lie_at_the_origin(fragment):
    assert told(at_origin(fragment, [4])) == []
    near = at_origin(fragment, [4, 5])
    near.coords[5] = [0, 0, 0.001]
    assert told(near) == []


def test_two_atoms_may_not(fragment):
    (note,) = told(at_origin(fragment, [0, 8]))
    assert note.startswith("2 atoms lie at exactly 0, 0, 0 (A/PRO`1/N, A/GLN`2/CA), where files put atoms")
    (note,) = told(at_origin(fragment, np.arange(100, 120)))
    assert note.startswith("20 atoms lie at exactly 0, 0, 0 (")
    assert "and 12 more)" in note


def test_alternate_locations_may_share_the_origin(fragment):
    there = at_origin(fragment, [4, 5, 6])
    assert told(labelled(there, "alt", [4, 5, 6], ["A", "B", "C"])) == []
    assert told(labelled(there, "alt", [4, 5], "A")) == []
    (note,) = told(labelled(there, "alt", [4], "A"))
    assert note.startswith("3 atoms lie at exactly 0, 0, 0")


# A mirror image.


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_mirror_image_is_told(fragment, nmr, axis):
    for structure in (fragment, nmr):
        n_centres = np.count_nonzero(structure.residues["resn"] != "GLY")
        *_, note = told(mirrored(structure, axis=axis))
        assert note.startswith(
            f"{n_centres} of {n_centres} alpha carbons are D, as all are in a mirror image of a protein"
        )
        assert len(told(mirrored(structure, axis=axis))) == len(told(structure)) + 1


def test_no_rotation_makes_one(fragment):
    rng = np.random.default_rng(5)
    for _ in range(10):
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        moved = replace(fragment, coords=(fragment.coords @ turn + rng.normal(0, 50, 3)).astype(np.float32))
        assert len(told(moved)) == (np.linalg.det(turn) < 0)


def test_the_order_of_the_atoms_does_not_matter(fragment):
    order = np.random.default_rng(6).permutation(len(fragment))
    assert told(taken(fragment, order)) == []
    assert told(mirrored(taken(fragment, order))) == told(mirrored(fragment))


def test_more_than_half_must_be_mirrored(fragment):
    """As in gramicidin, D and L residues may stand side by side."""
    centres = np.flatnonzero(fragment.residues["resn"] != "GLY")
    half = len(centres) // 2
    for n_mirrored, n_notes in ((1, 0), (half, 0), (half + 1, 1), (len(centres), 1)):
        rows = np.isin(fragment.residue_of_atom, centres[:n_mirrored])
        notes = told(mirrored(fragment, rows))
        assert [note.split(" alpha")[0] for note in notes] == [f"{n_mirrored} of {len(centres)}"] * n_notes


def test_few_residues_are_not_judged(fragment):
    centres = np.flatnonzero(fragment.residues["resn"] != "GLY")
    for number, n_notes in ((3, 0), (4, 1)):
        rows = np.flatnonzero(np.isin(fragment.residue_of_atom, centres[:number]))
        assert len(told(mirrored(taken(fragment, rows)))) == n_notes


@pytest.mark.parametrize("gone", ["N", "CA", "C", "CB"])
def test_all_four_atoms_are_needed(fragment, gone):
    kept = np.setdiff1d(np.arange(len(fragment)), names(fragment, gone))
    assert told(mirrored(taken(fragment, kept))) == []


def test_alpha_carbons_alone_and_nucleic_acids_have_no_hand(fragment):
    assert told(mirrored(taken(fragment, names(fragment, "CA")))) == []
    rows = ["P", "O5'", "C5'", "C4'", "C3'", "O3'", "C1'", "N9", "C8", "N1"]
    atoms = np.array([(name, name[0], "") for _ in range(6) for name in rows], ATOM_LABELS)
    residues = np.array([("", "A", str(resi), "DA", False) for resi in range(6)], RESIDUE_LABELS)
    coords = np.random.default_rng(0).normal(0, 5, (len(atoms), 3)).astype(np.float32)
    assert told(Structure(coords, atoms, residues, np.repeat(np.arange(6), len(rows)))) == []


def test_ligands_are_not_judged(fragment):
    residues = fragment.residues.copy()
    residues["hetero"] = True
    assert told(replace(mirrored(fragment), residues=residues)) == []


@pytest.mark.parametrize("first", [False, True])
def test_the_first_location_counts(fragment, first):
    twice = taken(fragment, np.repeat(np.arange(len(fragment)), 2))
    twice = labelled(twice, "alt", slice(None), ["A", "B"] * len(fragment))
    other = mirrored(twice, slice(0 if first else 1, None, 2))
    assert len(told(other)) == first


def test_scattered_atoms_are_no_mirror_image(fragment):
    """Noise turns centres over, but no noise makes a mirror image."""
    rng = np.random.default_rng(2)
    for sigma in (0.3, 0.5, 0.7, 1, 2, 5, 20, 500):
        for _ in range(20):
            noise = rng.normal(0, sigma, fragment.coords.shape)
            assert told(replace(fragment, coords=(fragment.coords + noise).astype(np.float32))) == []


def test_the_hand_is_that_of_the_triple_product(nmr):
    """Residue by residue, by determinants."""
    rng = np.random.default_rng(4)
    turned = mirrored(nmr, np.isin(nmr.residue_of_atom, rng.permutation(len(nmr.residues))[:20]))
    places = defaultdict(dict)
    for name, residue, place in zip(nmr.atoms["name"], nmr.residue_of_atom.tolist(), turned.coords.astype(float)):
        places[residue][name] = place
    hands = [
        np.linalg.det([atoms[name] - atoms["CA"] for name in ("N", "C", "CB")]) < 0
        for atoms in places.values()
        if "CB" in atoms
    ]
    assert f"{sum(hands)} of {len(hands)} alpha carbons are D" in told(turned)[-1]


def test_atoms_without_a_place_have_no_hand(fragment):
    """Half of a mirror image that is filled in with zeros does not hide the other half."""
    gone = fragment.residue_of_atom >= 10
    n_left = np.count_nonzero(fragment.residues["resn"][:10] != "GLY")
    zeros, note = told(at_origin(mirrored(fragment), gone))
    assert zeros.startswith(f"{np.count_nonzero(gone)} atoms")
    assert note.startswith(f"{n_left} of {n_left} alpha carbons are D")
