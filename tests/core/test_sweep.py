"""The sweep over z: one unit draw for all of it, and the z at which structure is lost."""

import csv
import io
import math

import numpy as np
import pytest
import torch

from pomodoro_pymol.experiments.noise import measure
from pomodoro_pymol.experiments.sweep import SweepPoint, losses, run_sweep, sweep_csv, sweep_frames, sweep_text
from pomodoro_pymol.noise.draw import add_noise
from pomodoro_pymol.noise.expected import expected_levels
from pomodoro_pymol.noise.levels import Levels, level_names
from pomodoro_pymol.noise.sigma import sigma_from_z
from pomodoro_pymol.noise.weights import PRESETS, LevelWeights, Scheme
from pomodoro_pymol.structure.atoms import ATOM_LABELS, RESIDUE_LABELS, Structure
from pomodoro_pymol.structure.hierarchy import Hierarchy
from pomodoro_pymol.structure.quality import QualityReference

Z = [-6.0, -2.0, -1.0, 0.0, 1.0, 3.0]
SCHEMES = [Scheme(name, PRESETS[name]) for name in ("3-8-1", "flat", "ms")]
CHAIN = Scheme("chain", LevelWeights(1, 0, 0))
FRAMES, SEED = 3, 5

# Backbone of an alpha helix on cylinders: name, radius, turn in degrees, rise in angstrom.
BACKBONE = (("N", 1.55, -28, -0.9), ("CA", 2.28, 0, 0), ("C", 1.66, 26, 1.1), ("O", 2.0, 24, 2.3))


@pytest.fixture(scope="module")
def helices():
    """Two helices of 20 and 12 alanines without side chains, 9 A apart."""
    atoms, residues, owner, coords = [], [], [], []
    for chain, n, shift in (("A", 20, 0.0), ("B", 12, 9.0)):
        for i in range(n):
            residues.append(("", chain, str(i + 1), "ALA", False))
            for name, radius, turn, rise in BACKBONE:
                angle = math.radians(100 * i + turn)
                coords.append((shift + radius * math.cos(angle), radius * math.sin(angle), 1.5 * i + rise))
                atoms.append((name, name[0], ""))
                owner.append(len(residues) - 1)
    return Structure(
        np.array(coords, np.float32),
        np.array(atoms, ATOM_LABELS),
        np.array(residues, RESIDUE_LABELS),
        np.array(owner),
        "helices",
    )


@pytest.fixture(scope="module")
def hierarchy(helices):
    return Hierarchy.from_structure(helices)


@pytest.fixture(scope="module")
def points(helices, hierarchy):
    return run_sweep(helices, hierarchy, SCHEMES, Z, frames=FRAMES, seed=SEED)


def point(z, lddt, relative=1.0, measured=None, scheme=SCHEMES[0]):
    """A point made by hand; relative displacements are per sigma."""
    sigma = sigma_from_z(z)
    sides = []
    for value in (relative if measured is None else measured, relative):
        values = dict.fromkeys(level_names(), 0.5)
        sides.append(Levels(**{**values, "residue_relative": value * sigma}))
    return SweepPoint(z, sigma, scheme, *sides, lddt, 0.5, 0.25)


def curve(z, lddt, **more):
    return [point(*pair, **more) for pair in zip(z, lddt)]


def test_scheme_by_scheme_z_by_z(points):
    assert [(one.scheme, one.z) for one in points] == [(scheme, z) for scheme in SCHEMES for z in Z]
    assert [one.sigma for one in points] == [sigma_from_z(z) for z in Z] * len(SCHEMES)


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.name)
def test_every_z_scales_the_same_draws(points, hierarchy, scheme):
    unit = measure(hierarchy, scheme.weights, FRAMES, seed=SEED, device="cpu").levels()
    for one in (one for one in points if one.scheme == scheme):
        for name in level_names():
            of_sigma = 1 if name.endswith("share") or name.startswith("ratio") else one.sigma
            assert getattr(one.measured, name) == pytest.approx(of_sigma * getattr(unit, name), rel=1e-12), name


def test_expected_is_the_closed_form(points, hierarchy):
    for one in points:
        assert one.expected == expected_levels(hierarchy, one.scheme.weights, one.sigma)


def test_quality_is_that_of_the_frames_of_add_noise(points, helices, hierarchy):
    reference = QualityReference.from_structure(helices, hierarchy)
    # The frames are rounded otherwise in the last bit: one distance may pass a threshold of four.
    ca, bonds = 0.5 / len(reference.ca_atoms), 1.0 / len(reference.bonds)
    for one in points:
        frames = add_noise(helices.coords, hierarchy, one.sigma, one.scheme.weights, n_frames=FRAMES, seed=SEED)
        quality = reference.measure(frames)
        assert one.lddt == pytest.approx(quality.ca_lddt.mean(), rel=0, abs=ca / FRAMES)
        assert one.contacts == pytest.approx(quality.native_contacts.mean(), rel=0, abs=1e-5)
        assert one.outliers == pytest.approx(quality.bond_outliers.mean(), rel=0, abs=bonds / FRAMES)


def test_the_structure_is_whole_at_the_start_and_gone_at_the_end(points):
    for scheme in SCHEMES:
        first, *_, last = (one for one in points if one.scheme == scheme)
        # Sigma 0.0006 A: no distance moves by 0.1 A. The truth has 1 - 1e-6 of its contacts.
        assert (first.lddt, first.outliers) == (1, 0)
        assert first.contacts == pytest.approx(1, abs=1e-5)
        # Sigma 434 A: little is within 4 A of where it was.
        assert last.lddt < 0.1
        assert last.contacts < 0.1
        assert last.outliers > 0.9


def test_a_chain_that_moves_as_one_keeps_what_is_within_it(helices):
    alone = Structure(
        helices.coords[:80], helices.atoms[:80], helices.residues[:20], helices.residue_of_atom[:80], "one"
    )
    found = run_sweep(alone, Hierarchy.from_structure(alone), [CHAIN], [-2.0, 0.0, 2.0], seed=1)
    assert [one.lddt for one in found] == [1, 1, 1]
    assert [one.measured.residue_relative for one in found] == [0, 0, 0]
    (loss,) = losses(found)
    assert np.isnan([loss.residue, loss.residue_measured, loss.lddt]).all()


def test_the_first_frame_is_the_same_however_many(helices, hierarchy):
    one, many = (run_sweep(helices, hierarchy, SCHEMES[:1], [0.0], frames=n, seed=2)[0] for n in (1, 4))
    frames = add_noise(helices.coords, hierarchy, one.sigma, SCHEMES[0].weights, n_frames=4, seed=2)
    contacts = QualityReference.from_structure(helices, hierarchy).measure(frames).native_contacts
    assert (one.contacts, many.contacts) == pytest.approx((contacts[0], contacts.mean()), abs=1e-5)


def test_the_frames_are_the_first_draw_at_each_z(helices, hierarchy):
    for z, frame in zip(Z, sweep_frames(helices, hierarchy, SCHEMES[0].weights, Z, seed=2), strict=True):
        (noised,) = add_noise(helices.coords, hierarchy, sigma_from_z(z), SCHEMES[0].weights, seed=2)
        # Rounded otherwise in the last bit, at the size of the largest coordinate or displacement.
        assert frame.shape == noised.shape
        assert (frame - noised).abs().max() <= 4 * np.finfo("f4").eps * noised.abs().max().clamp_min(30)


def test_progress_counts_each_draw_at_each_z_of_all_schemes(helices, hierarchy):
    calls = []
    run_sweep(helices, hierarchy, SCHEMES, Z, frames=2, progress=lambda *call: calls.append(call))
    total = 6 * len(Z)
    assert calls == [(done, total) for done in range(1, total + 1)]


def test_what_is_not_in_the_structure_is_nan(make_structure):
    # Two Calphas far apart: no lDDT, no contacts, no bonds.
    far = make_structure([("", "A", "1", "ALA", False), ("", "B", "1", "ALA", False)], seed=3)
    (one,) = run_sweep(far, Hierarchy.from_structure(far), [SCHEMES[1]], [0.0])
    assert np.isnan([one.lddt, one.contacts, one.outliers]).all()
    assert math.isnan(losses([one])[0].lddt)
    assert "n/a" in sweep_text([one])


def test_residues_are_lost_where_the_closed_form_reaches_the_calpha_distance(points, hierarchy):
    found = losses(points)
    assert [loss.scheme for loss in found] == SCHEMES
    for loss in found:
        there = expected_levels(hierarchy, loss.scheme.weights, sigma_from_z(loss.residue))
        assert there.residue_relative == pytest.approx(3.8, rel=1e-12)
        drawn = measure(hierarchy, loss.scheme.weights, FRAMES, seed=SEED, device="cpu")
        assert drawn.scaled(sigma_from_z(loss.residue_measured)).levels().residue_relative == pytest.approx(3.8)


@pytest.mark.parametrize(
    ("z", "lddt", "crossing"),
    [
        ([0, 1], [0.75, 0.25], 0.5),
        ([-1, 0, 2], [1.0, 0.9, 0.4], 1.6),
        ([-1, -0.5, 0], [0.6, 0.5, 0.3], -0.5),
        ([0, 1, 2, 3], [0.8, 0.4, 0.8, 0.4], 0.75),
        ([0, 1, 2], [0.5, 0.5, 0.0], 1.0),
    ],
)
def test_lddt_is_lost_between_two_points(z, lddt, crossing):
    (loss,) = losses(curve(z, lddt))
    assert loss.lddt == pytest.approx(crossing, abs=1e-12)


@pytest.mark.parametrize(
    ("z", "lddt"),
    [
        ([0, 1, 2], [1.0, 0.9, 0.5]),
        ([0, 1], [0.4, 0.2]),
        ([0], [0.9]),
        ([0], [0.2]),
        ([0, 1], [math.nan, math.nan]),
    ],
)
def test_lddt_that_is_not_lost_within_the_sweep(z, lddt):
    (loss,) = losses(curve(z, lddt))
    assert math.isnan(loss.lddt)
    assert not math.isnan(loss.residue)


def test_the_losses_of_points_made_by_hand():
    other = SCHEMES[1]
    both = curve([0, 1], [0.75, 0.25], relative=0.5, measured=0.25) + curve(
        [0, 1], [0.9, 0.8], relative=0.0, scheme=other
    )
    first, second = losses(both)
    # sigma = 16 exp(1.5 z - 1.2) times 0.5, or 0.25, is 3.8.
    assert first.residue == pytest.approx((math.log(7.6 / 16) + 1.2) / 1.5, rel=1e-12)
    assert first.residue_measured == pytest.approx((math.log(15.2 / 16) + 1.2) / 1.5, rel=1e-12)
    assert (second.scheme, [math.isnan(v) for v in (second.residue, second.residue_measured, second.lddt)]) == (
        other,
        [True] * 3,
    )


def test_text():
    flat = curve([0, 1], [0.9, 0.8], relative=0.0, scheme=SCHEMES[1])
    text = sweep_text(curve([0, 1], [0.75, 0.25], relative=0.5, measured=0.25) + flat)
    assert text.isascii()
    heading, titles, *body = text.splitlines()
    assert "z at which structure is lost" in heading
    assert titles.split("  ")[0].strip() == "scheme"
    assert "3.8 A" in titles
    assert "CA lDDT < 0.5" in titles
    assert [line.split() for line in body] == [["3-8-1", "0.30", "0.77", "0.50"], ["flat", "n/a", "n/a", "n/a"]]
    assert len({len(line) for line in [titles, *body]}) == 1


@pytest.mark.parametrize("name", ["flat", "0.5:1.25:15.125", "a_preset_with_a_name_of_32_chars"])
def test_text_lines_are_aligned(name):
    schemes = (SCHEMES[1], Scheme(name, LevelWeights(1, 2, 3)))
    both = [one for scheme in schemes for one in curve([0, 1], [0.75, 0.25], scheme=scheme)]
    _, *lines = sweep_text(both).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert all(line[1:].startswith(one) for line, one in zip(lines[1:], ("flat", name)))
    # A space stands before each number.
    assert all(len(line.split()) == 4 for line in lines[1:])


def test_csv_reads_back(points):
    odd = curve([0.1, 1.0], [math.nan, 0.25], scheme=Scheme('odd, "name"', LevelWeights(1, 1, 15)))
    lines = list(csv.DictReader(io.StringIO(sweep_csv(points + odd))))
    assert len(lines) == len(points) + 2
    levels = ("atom", "residue", "chain", "residue_relative", "ratio")
    for line, one in zip(lines, points + odd):
        assert line.pop("scheme") == one.scheme.name
        numbers = {"z": one.z, "sigma": one.sigma}
        numbers |= {name: getattr(one.measured, name) for name in levels}
        numbers |= {f"{name}_expected": getattr(one.expected, name) for name in levels}
        numbers |= {"ca_lddt": one.lddt, "native_contacts": one.contacts, "bond_outliers": one.outliers}
        assert line.keys() == numbers.keys()
        # Six digits are written.
        np.testing.assert_allclose([float(line[name]) for name in numbers], [*numbers.values()], rtol=5.1e-6)


def test_the_structure_is_left_alone(helices, hierarchy):
    before = helices.coords.copy()
    state = torch.get_rng_state()
    run_sweep(helices, hierarchy, SCHEMES[:1], [0.0, 6.0])
    np.testing.assert_array_equal(helices.coords, before)
    assert torch.equal(torch.get_rng_state(), state)
