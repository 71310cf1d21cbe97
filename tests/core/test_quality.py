"""Quality measures against their definitions, written as loops over all pairs of atoms."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.noise.draw import add_noise
from pomodoro_pymol.structure import quality
from pomodoro_pymol.structure.atoms import ATOM_LABELS, RESIDUE_LABELS, Structure
from pomodoro_pymol.structure.hierarchy import Hierarchy
from pomodoro_pymol.structure.quality import QualityReference

RADII = {"C": 0.76, "N": 0.71, "O": 0.66, "S": 1.05, "H": 0.31, "P": 1.07}
BACKBONE = (("N", "N"), ("CA", "C"), ("CA", "C"), ("C", "C"), ("O", "O"), ("SG", "S"), ("HA", "H"))


def mixed(seed=0):
    """Two chains with alternate Calphas, a ligand, a calcium ion and a lone Calpha, packed at random."""
    rng = np.random.default_rng(seed)
    residues = [("", "A", str(i), "CYS", False) for i in range(12)] + [
        ("", "B", str(i), "CYS", False) for i in range(9)
    ]
    residues += [("", "B", "50", "LIG", True), ("", "B", "51", "CA", True), ("", "C", "1", "GLY", False)]
    atoms, owner, coords = [], [], []
    for i in range(21):
        center = rng.uniform(0, 14, 3)
        for j, (name, elem) in enumerate(BACKBONE):
            atoms.append((name, elem, {1: "A", 2: "B"}.get(j, "")))
            owner.append(i)
            coords.append(center + rng.normal(size=3))
    atoms += [("CA", "C", ""), ("P1", "P", ""), ("CA", "Ca", ""), ("CA", "C", "")]
    owner += [21, 21, 22, 23]
    coords += [*rng.uniform(0, 14, (3, 3)), np.full(3, 200.0)]
    return Structure(
        np.array(coords, dtype=np.float32),
        np.array(atoms, dtype=ATOM_LABELS),
        np.array(residues, dtype=RESIDUE_LABELS),
        np.array(owner),
    )


@pytest.fixture(params=["mixed", "nmr"])
def structure(request):
    return mixed() if request.param == "mixed" else request.getfixturevalue("nmr")


def distances(coords):
    coords = np.asarray(coords, dtype=np.float64)
    return np.linalg.norm(coords[:, None] - coords[None], axis=-1)


def chosen(structure):
    """First location of each polymer atom: (atom, residue row)."""
    seen, found = set(), []
    for atom, row in enumerate(structure.residue_of_atom.tolist()):
        key = row, structure.atoms["name"][atom]
        if not structure.residues["hetero"][row] and key not in seen:
            seen.add(key)
            found.append((atom, row))
    return found


def brute_lddt(structure, frame):
    """Score of each Calpha, and of all their pairs together."""
    ca = [atom for atom, _ in chosen(structure) if structure.atoms[atom]["name"] == "CA"]
    truth, now = distances(structure.coords[ca]), distances(frame[ca])
    scores, pairs = [], []
    for i in range(len(ca)):
        near = [j for j in range(len(ca)) if j != i and truth[i, j] < 15]
        kept = [np.mean([abs(truth[i, j] - now[i, j]) < limit for limit in (0.5, 1, 2, 4)]) for j in near]
        scores.append(np.mean(kept) if near else np.nan)
        pairs += [score for j, score in zip(near, kept) if j < i]
    return np.array(scores), np.mean(pairs)


def brute_within(structure, frame):
    """Score of the pairs of heavy atoms of a residue, polymer or not, the first of each name."""
    seen, groups = set(), {}
    for atom, row in enumerate(structure.residue_of_atom.tolist()):
        key = row, structure.atoms["name"][atom]
        if key not in seen and structure.atoms["elem"][atom] != "H":
            groups.setdefault(row, []).append(atom)
        seen.add(key)
    truth, now = distances(structure.coords), distances(frame)
    kept = [
        np.mean([abs(truth[i, j] - now[i, j]) < limit for limit in (0.5, 1, 2, 4)])
        for group in groups.values()
        for i in group
        for j in group
        if j < i and truth[i, j] < 15
    ]
    return np.mean(kept)


def brute_contacts(structure, frame):
    truth, now = distances(structure.coords), distances(frame)
    heavy = [(atom, row) for atom, row in chosen(structure) if structure.atoms[atom]["elem"] != "H"]
    place, chain_of, sizes = {}, {}, {}
    for row, label in enumerate(structure.residues.tolist()):
        chain_of[row] = label[:2]
        place[row] = sizes.get(label[:2], 0)
        sizes[label[:2]] = place[row] + 1
    values = []
    for i, a in heavy:
        for j, b in heavy:
            apart = chain_of[a] != chain_of[b] or abs(place[a] - place[b]) > 3
            if i < j and apart and truth[i, j] < 4.5:
                values.append(1 / (1 + np.exp(5.0 * (now[i, j] - 1.8 * truth[i, j]))))
    return np.mean(values)


def brute_outliers(structure, frame, tolerance=0.1):
    truth, now = distances(structure.coords), distances(frame)
    elements, alts = structure.atoms["elem"], structure.atoms["alt"]
    broken = []
    for i in range(len(structure)):
        for j in range(i):
            if elements[i] not in RADII or elements[j] not in RADII or (alts[i] and alts[j] and alts[i] != alts[j]):
                continue
            if 0.4 < truth[i, j] <= RADII[elements[i]] + RADII[elements[j]] + 0.45:
                broken.append(abs(truth[i, j] - now[i, j]) > tolerance)
    return np.mean(broken)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sigma", [0.05, 0.5, 3.0])
def test_agrees_with_the_definitions(structure, sigma, dtype):
    frames = add_noise(structure.coords, Hierarchy.from_structure(structure), sigma, n_frames=2, seed=4, dtype=dtype)
    reference = QualityReference.from_structure(structure)
    found = reference.measure(frames)
    for i, frame in enumerate(frames.numpy()):
        scores, pooled = brute_lddt(structure, frame)
        assert np.allclose(reference.ca_lddt(frames)[i], scores, atol=1e-6, equal_nan=True)
        assert found.ca_lddt[i] == pytest.approx(pooled, abs=1e-6)
        assert found.ca_lddt_residue_mean[i] == pytest.approx(np.nanmean(scores), abs=1e-6)
        assert found.within_residues[i] == pytest.approx(brute_within(structure, frame), abs=1e-6)
        assert found.native_contacts[i] == pytest.approx(brute_contacts(structure, frame), abs=1e-6)
        assert found.bond_outliers[i] == pytest.approx(brute_outliers(structure, frame), abs=1e-6)


def test_blocks_do_not_matter(structure, monkeypatch):
    frames = add_noise(structure.coords, Hierarchy.from_structure(structure), 0.5, n_frames=7, dtype=torch.float64)
    reference = QualityReference.from_structure(structure)
    whole = reference.measure(frames)
    for block in (5, 100, 1000):
        monkeypatch.setattr(quality, "_BLOCK", block)
        parts = reference.measure(frames)
        for name, values in vars(whole).items():
            assert np.allclose(getattr(parts, name), values, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_truth_is_perfect(structure, dtype):
    frames = torch.as_tensor(structure.coords, dtype=dtype).expand(3, -1, -1)
    reference = QualityReference.from_structure(structure)
    found = reference.measure(frames)
    for score in (found.ca_lddt, found.ca_lddt_residue_mean, found.within_residues):
        assert np.array_equal(score, np.ones(3))
    assert np.array_equal(found.bond_outliers, np.zeros(3))
    at_truth = torch.sigmoid(4 * reference.contacts.lengths).mean()  # eq. 1 at r = r0
    assert np.allclose(found.native_contacts, at_truth, atol=1e-6)


def test_little_noise_does_little_harm(nmr):
    hierarchy = Hierarchy.from_structure(nmr)
    reference = QualityReference.from_structure(nmr)
    found = reference.measure(add_noise(nmr.coords, hierarchy, 1e-3, n_frames=10))
    assert (found.ca_lddt == 1).all()
    assert (found.native_contacts > 1 - 1e-5).all()
    assert (found.bond_outliers == 0).all()


def test_quality_falls_with_noise(nmr):
    hierarchy = Hierarchy.from_structure(nmr)
    reference = QualityReference.from_structure(nmr)
    levels = [
        reference.measure(add_noise(nmr.coords, hierarchy, sigma, n_frames=20))
        for sigma in (0.01, 0.05, 0.24, 1.08, 4.82, 21.6, 96.8)
    ]
    *scores, contacts, outliers = (
        np.array([getattr(level, name).mean() for level in levels]) for name in vars(levels[0])
    )
    assert len(scores) == 3
    for score in scores:
        assert (np.diff(score) <= 0).all()
        assert score[-1] < 0.1 < 0.9 < score[2]
    assert (np.diff(contacts) <= 1e-6).all()
    assert contacts[-1] < 0.01
    assert (np.diff(outliers) >= 0).all()
    assert outliers[-1] > 0.99


def test_rigid_motions_change_nothing(structure):
    frames = add_noise(structure.coords, Hierarchy.from_structure(structure), 0.7, n_frames=4, dtype=torch.float64)
    reference = QualityReference.from_structure(structure)
    turned = frames @ torch.as_tensor(Rotation.random(random_state=1).as_matrix()).mT + torch.tensor(
        [40.0, -7.0, 300.0]
    )
    mirrored = frames * torch.tensor([1.0, 1.0, -1.0])  # distances do not see handedness
    for moved in (turned, mirrored):
        for name, values in vars(reference.measure(frames)).items():
            assert np.allclose(getattr(reference.measure(moved), name), values, atol=1e-9)


def test_native_ensemble_is_near_native(nmr, nmr_models):
    """Models of one NMR ensemble keep the fold: the measures must say so."""
    found = QualityReference.from_structure(nmr).measure(torch.tensor(nmr_models[1][1:]))
    assert (found.ca_lddt > 0.8).all()
    assert (found.native_contacts > 0.6).all()
    assert (found.bond_outliers < 0.05).all()


def test_bonds_of_a_protein_are_its_chemistry(nmr):
    """A connected chain has atoms - 1 bonds and one more for each ring: prolines, aromatics, disulfides."""
    bonds = QualityReference.from_structure(nmr).bonds
    names = nmr.atoms["name"]
    pairs = {frozenset(pair) for pair in zip(names[bonds.first], names[bonds.second])}
    assert {frozenset(("C", "N")), frozenset(("CA", "N")), frozenset(("C", "O"))} <= pairs
    rings = {"PRO": 1, "HIS": 1, "PHE": 1, "TYR": 1, "TRP": 2}
    cycles = sum(rings.get(name, 0) for name in nmr.residues["resn"])
    disulfides = sum(names[i] == names[j] == "SG" for i, j in zip(bonds.first, bonds.second))
    assert disulfides == 3
    assert len(bonds) == len(nmr) - 1 + cycles + disulfides


def test_given_bonds_are_used():
    structure = mixed()
    frames = torch.tensor(structure.coords)[None].clone()
    frames[0, 0] += 5
    reference = QualityReference.from_structure(structure, bonds=np.array([[0, 1], [7, 8], [9, 8], [1, 3]]))
    assert reference.measure(frames).bond_outliers.tolist() == [0.25]
    assert reference.measure(frames, bond_tolerance=100).bond_outliers.tolist() == [0]


def test_nothing_to_measure_is_nan():
    structure = Structure(
        np.array([[0, 0, 0], [9, 0, 0]], dtype=np.float32),
        np.array([("P", "P", ""), ("ZN", "Zn", "")], dtype=ATOM_LABELS),
        np.array([("", "A", "1", "DA", False), ("", "A", "2", "ZN", True)], dtype=RESIDUE_LABELS),
        np.array([0, 1]),
    )
    reference = QualityReference.from_structure(structure)
    found = reference.measure(torch.zeros(3, 2, 3))
    assert reference.ca_lddt(torch.zeros(3, 2, 3)).shape == (3, 0)
    for values in vars(found).values():
        assert values.shape == (3,)
        assert np.isnan(values).all()


@pytest.mark.parametrize("bonds", [[[0, 1, 2]], [0, 1], [[0, 0]], [[-1, 3]], [[0, 10**6]], [[0.0, 1.0]]])
def test_bad_bonds_are_refused(bonds):
    with pytest.raises(PomodoroError, match="bond"):
        QualityReference.from_structure(mixed(), bonds=np.array(bonds))


def test_bad_frames_are_refused():
    structure = mixed()
    reference = QualityReference.from_structure(structure)
    with pytest.raises(PomodoroError, match="frames must have shape"):
        reference.measure(torch.zeros(len(structure), 3))
    frames = torch.tensor(structure.coords)[None].clone()
    for bad in (float("nan"), float("inf")):
        frames[0, 5, 1] = bad
        with pytest.raises(PomodoroError, match="not all finite"):
            reference.measure(frames)
    with pytest.raises(PomodoroError, match="the hierarchy has"):
        QualityReference.from_structure(structure, Hierarchy(torch.tensor([0]), torch.tensor([0])))
