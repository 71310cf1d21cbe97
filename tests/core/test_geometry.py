"""Local geometry of frames: against loops over labels, mirror images and closed forms."""

import numpy as np
import pytest
import torch
from scipy.integrate import trapezoid
from scipy.spatial.transform import Rotation
from scipy.stats import norm

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.noise.draw import add_noise
from pomodoro_pymol.structure import geometry
from pomodoro_pymol.structure.atoms import ATOM_LABELS, RESIDUE_LABELS, Structure
from pomodoro_pymol.structure.geometry import GeometryReference
from pomodoro_pymol.structure.hierarchy import Hierarchy

# Of an L-amino acid, and the N of the next residue; angstrom. CB lies on the left of N, CA, C.
PLACES = {"N": (0, 0, 0), "CA": (1.46, 0, 0), "C": (2.0, 1.42, 0), "O": (1.3, 2.4, 0.1), "CB": (2.0, -0.78, -1.2)}
STEP = np.array([3.33, 1.4, 0])


@pytest.fixture(params=["hpv", "nmr"])
def protein(request):
    return request.getfixturevalue(request.param)


def build(residues):
    """Residues of (chain, number, name, hetero, place, atoms), each atom a name, or a name and a location."""
    atoms, owner, coords = [], [], []
    for row, (_, _, _, _, place, names) in enumerate(residues):
        for atom in names:
            name, alt = atom if isinstance(atom, tuple) else (atom, "")
            atoms.append((name, name[0], alt))
            owner.append(row)
            coords.append(place + np.array(PLACES[name]) + (0.6 if alt == "B" else 0))
    labels = [("", chain, str(number), name, hetero) for chain, number, name, hetero, _, _ in residues]
    return Structure(
        np.array(coords, dtype=np.float32),
        np.array(atoms, dtype=ATOM_LABELS),
        np.array(labels, dtype=RESIDUE_LABELS),
        np.array(owner),
    )


def strand(n, chain="A", start=0):
    return [(chain, i + 1, "ALA", False, (start + i) * STEP, tuple(PLACES)) for i in range(n)]


def brute(structure, frame, truth):
    """Chirality, mean deviation and share kept, residue by residue as the labels of the file have them."""
    residues, order = {}, []
    for atom, row in enumerate(structure.residue_of_atom.tolist()):
        label = structure.residues[row]
        if label["hetero"]:
            continue
        key = label["segi"], label["chain"], label["resi"]
        if key not in residues:
            residues[key] = {}
            order.append(key)
        residues[key].setdefault(structure.atoms["name"][atom], atom)
    true = structure.coords.astype(float)

    def volume(coords, atoms):
        n, ca, c, cb = (coords[atoms[name]] for name in ("N", "CA", "C", "CB"))
        return np.linalg.det([n - ca, c - ca, cb - ca])

    right = [
        (volume(frame, atoms) > 0) == (volume(true, atoms) > 0)
        for atoms in residues.values()
        if {"N", "CA", "C", "CB"} <= atoms.keys()
    ]
    errors = []
    for one, two in zip(order, order[1:]):
        a, b = residues[one], residues[two]
        if one[:2] == two[:2] and "C" in a and "N" in b and np.linalg.norm(true[a["C"]] - true[b["N"]]) < 1.92:
            now, then = (np.linalg.norm(xyz[a["CA"]] - xyz[b["CA"]]) for xyz in (frame, truth))
            errors.append(abs(now - then))
    return np.mean(right), np.mean(errors), np.mean(np.array(errors) < 0.5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sigma", [0.05, 0.5, 4.0])
def test_it_agrees_with_loops(protein, sigma, dtype):
    frames = add_noise(protein.coords, Hierarchy.from_structure(protein), sigma, n_frames=3, seed=1, dtype=dtype)
    found = GeometryReference.from_structure(protein).measure(frames)
    for number, frame in enumerate(frames.double().numpy()):
        chirality, deviation, kept = brute(protein, frame, protein.coords.astype(float))
        assert found.chirality[number] == pytest.approx(chirality, abs=1e-12)
        assert found.ca_deviation[number] == pytest.approx(deviation, abs=1e-5)
        assert found.ca_kept[number] == pytest.approx(kept, abs=1e-12)


def test_what_1hpv_has(hpv):
    """Two chains of 99 residues without a gap, 13 glycines in each, beside a ligand and waters."""
    reference = GeometryReference.from_structure(hpv)
    glycines = np.count_nonzero((hpv.residues["resn"] == "GLY") & ~hpv.residues["hetero"])
    assert (len(reference.centers), len(reference.links)) == (2 * 99 - glycines, 2 * 98)
    assert glycines == 26
    assert reference.hands.unique().tolist() == [1]  # L-amino acids
    assert 3.7 < float(reference.links.lengths.median()) < 3.9


def test_a_mirror_image(protein):
    truth = torch.from_numpy(protein.coords)
    mirrored = truth * torch.tensor([1.0, 1.0, -1.0])
    found = GeometryReference.from_structure(protein).measure(torch.stack([truth, mirrored]))
    assert found.chirality.tolist() == [1, 0]
    assert found.ca_kept.tolist() == [1, 1]
    assert np.abs(found.ca_deviation).max() < 1e-5


def test_motions_change_nothing(nmr):
    frames = add_noise(nmr.coords, Hierarchy.from_structure(nmr), 0.7, n_frames=4, dtype=torch.float64)
    reference = GeometryReference.from_structure(nmr)
    turn = torch.from_numpy(Rotation.random(random_state=1).as_matrix())
    one, other = reference.measure(frames), reference.measure(frames @ turn.mT + 50)
    for name, values in vars(one).items():
        assert np.allclose(getattr(other, name), values, atol=1e-10)


def test_without_handedness_half_is_right(hpv):
    frames = torch.randn(400, len(hpv), 3, generator=torch.Generator().manual_seed(0))
    reference = GeometryReference.from_structure(hpv)
    share = reference.measure(frames).chirality.mean()
    assert share == pytest.approx(0.5, abs=4 * (0.25 / (400 * len(reference.centers))) ** 0.5)


def test_distances_of_noised_calphas_are_the_closed_form():
    """From d, noise of s per coordinate and end leaves a distance r whose square has a noncentral chi-square law."""
    structure, sigma, n = build(strand(40)), 0.4, 2000
    frames = add_noise(structure.coords, Hierarchy.from_structure(structure), sigma, n_frames=n, dtype=torch.float64)
    found = GeometryReference.from_structure(structure).measure(frames)
    d, s = np.linalg.norm(STEP), sigma * 2**0.5
    r = np.linspace(1e-6, d + 12 * s, 200_001)
    density = r / (d * s) * (norm.pdf((r - d) / s) - norm.pdf((r + d) / s))
    assert trapezoid(density, r) == pytest.approx(1, abs=1e-9)
    for values, each in ((found.ca_deviation, np.abs(r - d)), (found.ca_kept, np.abs(r - d) < 0.5)):
        expected = trapezoid(density * each, r)
        assert values.mean() == pytest.approx(expected, abs=4 * values.std() / n**0.5)


def test_glycine_has_no_hand():
    residues = strand(3)
    residues[1] = (*residues[1][:2], "GLY", False, residues[1][4], ("N", "CA", "C", "O"))
    reference = GeometryReference.from_structure(build(residues))
    assert reference.centers.tolist() == [[1, 0, 2, 4], [10, 9, 11, 13]]
    assert reference.hands.unique().tolist() == [reference.hands[0].item()]
    assert (reference.links.first.tolist(), reference.links.second.tolist()) == ([1, 6], [6, 10])


def test_what_lies_in_a_plane_has_no_hand():
    structure = build(strand(3))
    structure.coords[4, 2] = 0  # CB of the first residue into the plane of N, CA and C
    reference = GeometryReference.from_structure(structure)
    assert reference.centers.tolist() == [[6, 5, 7, 9], [11, 10, 12, 14]]
    assert reference.measure(torch.from_numpy(structure.coords)[None]).chirality.tolist() == [1]


def test_a_single_wrong_hand_counts():
    structure = build(strand(4))
    frame = torch.from_numpy(structure.coords).clone()
    frame[4, 2] *= -1  # CB of the first residue to the other side of the plane of N, CA and C
    assert GeometryReference.from_structure(structure).measure(frame[None]).chirality.tolist() == [0.75]


def test_nothing_is_measured_across_a_gap():
    """Neither where numbers follow each other but residues are far apart, nor between chains, nor to a ligand."""
    chain = [*strand(3), ("A", 4, "ALA", False, 9 * STEP, tuple(PLACES))]
    chain += [*strand(2, "B", start=10), ("B", 3, "LIG", True, 12 * STEP, tuple(PLACES))]
    reference = GeometryReference.from_structure(build(chain))
    assert (reference.links.first.tolist(), reference.links.second.tolist()) == ([1, 6, 21], [6, 11, 26])
    assert reference.links.lengths.numpy() == pytest.approx(np.full(3, np.linalg.norm(STEP)), abs=1e-5)
    assert len(reference.centers) == 6


def test_a_jump_in_numbers_is_no_gap():
    residues = [(chain, 10 * number, *more) for chain, number, *more in strand(3)]
    assert len(GeometryReference.from_structure(build(residues)).links) == 2


def test_of_alternate_locations_the_first_counts():
    residues = strand(2)
    twice = ("N", ("CA", "A"), ("CA", "B"), "C", ("CB", "B"), ("CB", "A"))
    residues[1] = (*residues[1][:5], twice)
    reference = GeometryReference.from_structure(build(residues))
    assert reference.centers.tolist() == [[1, 0, 2, 4], [6, 5, 8, 9]]
    assert (reference.links.first.tolist(), reference.links.second.tolist()) == ([1], [6])


def test_each_frame_has_its_own_truth(nmr_models):
    structure, states = nmr_models
    members = torch.from_numpy(states)
    reference = GeometryReference.from_structure(structure)
    frames = members[[3, 8, 0]] + 0.3 * torch.randn(3, *members[0].shape, generator=torch.Generator().manual_seed(4))
    found = reference.measure(frames, members[[3, 8, 0]])
    for number, (frame, truth) in enumerate(zip(frames.double().numpy(), states[[3, 8, 0]].astype(float))):
        _, deviation, kept = brute(structure, frame, truth)
        assert found.ca_deviation[number] == pytest.approx(deviation, abs=1e-5)
        assert found.ca_kept[number] == pytest.approx(kept, abs=1e-12)
    assert np.array_equal(found.chirality, reference.measure(frames).chirality)
    assert reference.measure(members, members).ca_deviation.max() == 0
    assert (reference.measure(members).chirality == 1).all()


def test_blocks_do_not_matter(nmr, monkeypatch):
    frames = add_noise(nmr.coords, Hierarchy.from_structure(nmr), 1.0, n_frames=7, dtype=torch.float64)
    reference = GeometryReference.from_structure(nmr)
    whole = reference.measure(frames, frames.flip(0))
    for block in (1, 1000):
        monkeypatch.setattr(geometry, "_BLOCK", block)
        parts = reference.measure(frames, frames.flip(0))
        for name, values in vars(whole).items():
            assert np.allclose(getattr(parts, name), values, atol=1e-12)


def test_nothing_to_measure_is_nan():
    structure = Structure(
        np.zeros((3, 3), dtype=np.float32),
        np.array([("P", "P", ""), ("CA", "Ca", ""), ("CA", "C", "")], dtype=ATOM_LABELS),
        np.array(
            [("", "A", "1", "DA", False), ("", "B", "2", "CA", True), ("", "C", "1", "GLY", False)], RESIDUE_LABELS
        ),
        np.array([0, 1, 2]),
    )
    reference = GeometryReference.from_structure(structure)
    for truths in (None, torch.zeros(2, 3, 3)):
        for values in vars(reference.measure(torch.zeros(2, 3, 3), truths)).values():
            assert values.shape == (2,)
            assert np.isnan(values).all()
    assert reference.measure(torch.zeros(0, 3, 3)).chirality.shape == (0,)


def test_what_is_wrong_is_refused():
    structure = build(strand(2))
    reference = GeometryReference.from_structure(structure)
    frames = torch.from_numpy(structure.coords).repeat(2, 1, 1)
    with pytest.raises(PomodoroError, match=r"frames must have shape \(n_frames, 10, 3\), not \(10, 3\)"):
        reference.measure(frames[0])
    with pytest.raises(PomodoroError, match=r"truths must have shape \(n_frames, 10, 3\), not \(10, 3\)"):
        reference.measure(frames, frames[0])
    with pytest.raises(PomodoroError, match="2 frames need one truth each, not 1"):
        reference.measure(frames, frames[:1])
    with pytest.raises(PomodoroError, match="truths are not all finite"):
        reference.measure(frames, frames / 0)
    with pytest.raises(PomodoroError, match="the hierarchy has 1 atoms and the structure 10"):
        GeometryReference.from_structure(structure, Hierarchy(torch.tensor([0]), torch.tensor([0])))
