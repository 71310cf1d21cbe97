"""The sweep over z: one unit draw for all of it, and the z at which structure is lost."""

import csv
import io
import math

import numpy as np
import pytest
import torch

from pomodoro_pymol.experiments.noise import measure
from pomodoro_pymol.experiments.sweep import Compared, Scores, Sweep, SweepPoint, losses, run_sweep, sweep_frames
from pomodoro_pymol.experiments.sweep_table import sweep_csv, sweep_text
from pomodoro_pymol.noise.draw import add_noise
from pomodoro_pymol.noise.expected import expected_levels
from pomodoro_pymol.noise.levels import Levels, level_names
from pomodoro_pymol.noise.scores import expected_scores
from pomodoro_pymol.noise.sigma import AF3_LAW, LawOfSigma, sigma_from_z
from pomodoro_pymol.noise.weights import PRESETS, LevelWeights, Scheme
from pomodoro_pymol.structure.atoms import ATOM_LABELS, RESIDUE_LABELS, Structure
from pomodoro_pymol.structure.distances import LocalDistances
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
def sweep(helices, hierarchy):
    return run_sweep(helices, hierarchy, SCHEMES, Z, frames=FRAMES, seed=SEED)


@pytest.fixture(scope="module")
def points(sweep):
    return sweep.points


def point(z, lddt, relative=1.0, measured=None, scheme=SCHEMES[0], law=AF3_LAW):
    """A point made by hand; displacements in space are per sigma, lDDT is one number or that of each frame."""
    sigma = law.sigma(z)
    frames = tuple(np.atleast_1d(lddt))
    levels = (Levels(**dict.fromkeys(level_names(), value)) for value in (0.5, 0.25))
    measured = relative if measured is None else measured
    displacement = Compared(*(value * sigma for value in (relative, measured, 0.5 * measured, 2 * measured)))
    one, other = Scores(np.mean(frames), 0.7, np.mean(frames) / 2, math.nan), Scores(0.1, 0.2, 0.3, 0.4)
    return SweepPoint(z, sigma, scheme, *levels, displacement, displacement, one, other, 0.5, 0.25, frames)


def curve(z, lddt, **more):
    return [point(*pair, **more) for pair in zip(z, lddt)]


HALF = (-1.0, -1.2, math.nan)


def lost(points, law=AF3_LAW):
    return losses(points, {one.scheme: HALF for one in points}, law)


def by_hand(points):
    return Sweep(points, lost(points))


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
        assert one.scores.ca_lddt == pytest.approx(quality.ca_lddt.mean(), rel=0, abs=ca / FRAMES)
        assert one.lddt_of_frames == pytest.approx(quality.ca_lddt, rel=0, abs=ca)
        mean, within = quality.ca_lddt_residue_mean.mean(), quality.within_residues.mean()
        assert one.scores.ca_lddt_residue_mean == pytest.approx(mean, rel=0, abs=ca / FRAMES)
        assert one.scores.within_residues == pytest.approx(within, rel=0, abs=ca / FRAMES)
        assert math.isnan(one.scores.between_residues)
        assert one.contacts == pytest.approx(quality.native_contacts.mean(), rel=0, abs=1e-5)
        assert one.outliers == pytest.approx(quality.bond_outliers.mean(), rel=0, abs=bonds / FRAMES)


def test_the_structure_is_whole_at_the_start_and_gone_at_the_end(points):
    for scheme in SCHEMES:
        first, *_, last = (one for one in points if one.scheme == scheme)
        # Sigma 0.0006 A: no distance moves by 0.1 A. The truth has 1 - 1e-6 of its contacts.
        assert (first.scores.ca_lddt, first.scores.within_residues, first.outliers) == (1, 1, 0)
        assert first.contacts == pytest.approx(1, abs=1e-5)
        # Sigma 434 A: little is within 4 A of where it was.
        assert last.scores.ca_lddt < 0.1
        assert last.contacts < 0.1
        assert last.outliers > 0.9


def test_a_chain_that_moves_as_one_keeps_what_is_within_it(helices):
    alone = Structure(
        helices.coords[:80], helices.atoms[:80], helices.residues[:20], helices.residue_of_atom[:80], "one"
    )
    found = run_sweep(alone, Hierarchy.from_structure(alone), [CHAIN], [-2.0, 0.0, 2.0], seed=1, frames=2)
    for one in found.points:
        assert [one.scores.ca_lddt, one.measured.residue_relative] == [1, 0]
        assert one.expected_scores.ca_lddt == pytest.approx(1, abs=1e-14)  # a mean of ones
        assert [*vars(one.relative).values(), *vars(one.neighbors).values()] == [0] * 8
    (loss,) = found.losses
    numbers = [
        value for part in (loss.relative, loss.neighbors, loss.lddt, loss.within) for value in vars(part).values()
    ]
    assert np.isnan([*numbers, loss.between]).all()


def test_the_first_frame_is_the_same_however_many(helices, hierarchy):
    one, many = (run_sweep(helices, hierarchy, SCHEMES[:1], [0.0], frames=n, seed=2).points[0] for n in (1, 4))
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
    found = run_sweep(far, Hierarchy.from_structure(far), [SCHEMES[1]], [0.0])
    (one,), (loss,) = found.points, found.losses
    assert np.isnan([*vars(one.scores).values(), *vars(one.expected_scores).values()]).all()
    assert np.isnan([one.contacts, one.outliers, *vars(one.neighbors).values()]).all()
    assert np.isnan([*vars(loss.lddt).values(), *vars(loss.neighbors).values(), loss.between]).all()
    assert "n/a" in sweep_text(found)


def test_displacements_are_in_space_and_have_the_interval_of_the_levels(points, hierarchy):
    for one in points:
        drawn = measure(hierarchy, one.scheme.weights, FRAMES, seed=SEED, device="cpu").scaled(one.sigma)
        sides = (expected_levels(hierarchy, one.scheme.weights, one.sigma), drawn.levels(), *drawn.interval())
        expected = [math.sqrt(3) * side.residue_relative for side in sides]
        assert [*vars(one.relative).values()] == pytest.approx(expected, rel=1e-12)


def test_residues_are_lost_where_they_reach_the_calpha_distance_in_space(sweep, hierarchy):
    assert [loss.scheme for loss in sweep.losses] == SCHEMES
    for loss in sweep.losses:
        there = expected_levels(hierarchy, loss.scheme.weights, sigma_from_z(loss.relative.expected))
        assert math.sqrt(3) * there.residue_relative == pytest.approx(3.8, rel=1e-12)
        drawn = measure(hierarchy, loss.scheme.weights, FRAMES, seed=SEED, device="cpu")
        for z, level in (
            (loss.relative.measured, drawn.levels()),
            (loss.relative.low, drawn.interval()[1]),
            (loss.relative.high, drawn.interval()[0]),
        ):
            if level.residue_relative > 0:
                assert math.sqrt(3) * level.residue_relative * sigma_from_z(z) == pytest.approx(3.8)
            else:
                assert math.isnan(z)


def test_neighbours_move_as_drawn(sweep, helices, hierarchy):
    """Residue means of the frames themselves, by a loop over the residues of each chain."""
    for loss in sweep.losses:
        frames = add_noise(helices.coords, hierarchy, 100.0, loss.scheme.weights, n_frames=FRAMES, seed=SEED)
        moved = frames.numpy().astype(float) - helices.coords
        means = np.stack([moved[:, helices.residue_of_atom == row].mean(1) for row in range(32)], 1)
        pairs = [(i, i + 1) for i in range(31) if i != 19]
        squares = np.array([[((frame[i] - frame[j]) ** 2).sum() for i, j in pairs] for frame in means])
        measured = math.sqrt(squares.mean())
        assert sigma_from_z(loss.neighbors.measured) == pytest.approx(3.8 * 100 / measured, rel=1e-5)
        assert loss.neighbors.low < loss.neighbors.measured < loss.neighbors.high


def test_the_interval_of_neighbours_holds_the_expected_z(make_structure):
    """Of 95 % intervals, 200 that share nothing: within 4 standard errors of 95 %."""
    chain = make_structure([("", "A", str(i), "ALA", False) for i in range(30)])
    chain.coords[:] = 100 * np.arange(30)[:, None]  # no pairs, so that it is quick
    hierarchy, inside = Hierarchy.from_structure(chain), []
    for seed in range(200):
        (loss,) = run_sweep(chain, hierarchy, SCHEMES[:1], [0.0], frames=4, seed=1000 + seed).losses
        inside.append(loss.neighbors.low < loss.neighbors.expected < loss.neighbors.high)
    assert abs(np.mean(inside) - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 200)


def test_expected_scores_are_those_of_the_pairs(sweep, helices, hierarchy):
    ca, within, between = (
        make(helices, hierarchy)
        for make in (LocalDistances.of_calphas, LocalDistances.within_residues, LocalDistances.between_residues)
    )
    for one in sweep.points:
        ca_score, *others = (expected_scores(kind, one.scheme.weights, one.sigma) for kind in (ca, within, between))
        expected = [ca_score.structure, ca_score.residue_mean, *(other.structure for other in others)]
        assert [*vars(one.expected_scores).values()] == pytest.approx(expected, abs=1e-12)
    for loss in sweep.losses:
        z = (loss.lddt.expected, loss.within.expected, loss.between)
        for kind, place in zip((ca, within, between), z):
            at = expected_scores(kind, loss.scheme.weights, sigma_from_z(place))
            assert at.structure == pytest.approx(0.5, abs=1e-9)


def test_measured_scores_are_as_expected(helices, hierarchy):
    n_frames = 200
    found = run_sweep(helices, hierarchy, SCHEMES, [-1.0, 0.0], frames=n_frames, seed=3)
    for one in found.points:
        error = np.std(one.lddt_of_frames) / math.sqrt(n_frames)
        assert one.scores.ca_lddt == pytest.approx(one.expected_scores.ca_lddt, abs=4 * error)


def sweep_of(structure, hierarchy, z):
    schemes = [Scheme(name, weights) for name, weights in PRESETS.items()]
    found = run_sweep(structure, hierarchy, schemes, [z])
    return {one.scheme.name: one for one in found.points}, {loss.scheme.name: loss for loss in found.losses}


def test_the_figures_of_natural_residues(natural, make_structure):
    """The sheet's figures are of another 253 atoms in 32 residues: the last digit may be off by one."""
    structure = make_structure([("", "A", str(i), "ALA", False) for i in natural.atom_to_residue.tolist()])
    points, lost_at = sweep_of(structure, natural, 0.0)
    relative = {"flat": 0.15, "ms": 0.09, "rb": -0.29, "2-6-2": -0.36, "3-8-1": -0.39}
    assert {name: lost_at[name].relative.expected for name in relative} == pytest.approx(relative, abs=0.01)
    neighbors = {"ms": -0.14, "3-8-1": -0.62}
    assert {name: lost_at[name].neighbors.expected for name in neighbors} == pytest.approx(neighbors, abs=0.01)
    at_zero = {"flat": 3.0, "ms": 3.3, "rb": 5.8, "2-6-2": 6.5, "3-8-1": 6.8}
    assert {name: round(one.relative.expected, 1) for name, one in points.items()} == at_zero


def test_the_figures_of_the_fragment(fragment, oracle):
    hierarchy = Hierarchy.from_structure(fragment)
    points, lost_at = sweep_of(fragment, hierarchy, -0.02)
    # At 3.8 A per coordinate of 3-8-1, in space: relative to the chain, and neighbours relative to each other.
    there = points["3-8-1"]
    assert round(there.expected.residue_relative, 1) == 3.8
    assert (round(there.relative.expected, 1), round(there.neighbors.expected, 1)) == (6.6, 9.4)
    assert round(there.expected_scores.ca_lddt_residue_mean, 2) == 0.23
    for name, weights in PRESETS.items():
        covariance = oracle.covariance(hierarchy, weights)
        means = (oracle.membership(hierarchy)[0] / hierarchy.atoms_per_residue.numpy()).T
        steps = np.diff(means, axis=0)
        apart = math.sqrt(3 * np.diag(steps @ covariance @ steps.T).mean())
        relative = math.sqrt(3) * oracle.quadratic_levels(hierarchy, weights)["residue_relative"]
        found = lost_at[name]
        for z, per_sigma in ((found.relative.expected, relative), (found.neighbors.expected, apart)):
            assert 16 * math.exp(1.5 * z - 1.2) * per_sigma == pytest.approx(3.8, rel=1e-9)


@pytest.mark.parametrize("law", [AF3_LAW, LawOfSigma(5.0, -1.2, 1.2)])
def test_the_law_gives_the_sigma_of_each_z(helices, hierarchy, law):
    """Losses are at the same sigma under each law, wherever the z of the sweep lie."""
    found = run_sweep(helices, hierarchy, SCHEMES[:1], [law.z(sigma) for sigma in (0.5, 2, 3, 9)], law=law, frames=2)
    known = run_sweep(helices, hierarchy, SCHEMES[:1], [sigma_from_z(0)], frames=2)
    (loss,), (other,) = found.losses, known.losses
    for part in ("relative", "neighbors"):
        for one, two in zip(vars(getattr(loss, part)).values(), vars(getattr(other, part)).values()):
            assert law.sigma(one) == pytest.approx(sigma_from_z(two), rel=1e-6, nan_ok=True)
    assert [one.sigma for one in found.points] == pytest.approx([0.5, 2, 3, 9])
    for one, two in ((loss.lddt.expected, other.lddt.expected), (loss.between, other.between)):
        assert law.sigma(one) == pytest.approx(sigma_from_z(two), rel=1e-6)
    for z, frame in zip([0.0, 1.0], sweep_frames(helices, hierarchy, SCHEMES[0].weights, [0.0, 1.0], law=law)):
        (noised,) = add_noise(helices.coords, hierarchy, law.sigma(z), SCHEMES[0].weights)
        assert (frame - noised).abs().max() < 1e-3
    assert (str(law) in sweep_text(found)) == (law != AF3_LAW)


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
    (loss,) = lost(curve(z, lddt))
    assert loss.lddt.measured == pytest.approx(crossing, abs=1e-12)
    assert np.isnan([loss.lddt.low, loss.lddt.high]).all()
    assert loss.lddt.expected == -1


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
    (loss,) = lost(curve(z, lddt))
    assert math.isnan(loss.lddt.measured)
    assert not math.isnan(loss.relative.measured)


def test_the_interval_of_a_crossing_is_that_of_the_jackknife():
    frames = np.array([[0.9, 0.8, 0.7, 0.95], [0.2, 0.4, 0.1, 0.3]])
    (loss,) = lost(curve([0.0, 1.0], frames))

    def crossing(some):
        high, low = some.mean(1)
        return (high - 0.5) / (high - low)

    left_out = [crossing(np.delete(frames, frame, 1)) for frame in range(4)]
    half = 3.182446 * math.sqrt(0.75 * sum((value - np.mean(left_out)) ** 2 for value in left_out))
    middle = crossing(frames)
    values = (loss.lddt.measured, loss.lddt.low, loss.lddt.high)
    assert values == pytest.approx((middle, middle - half, middle + half), abs=1e-6)


def test_the_losses_of_points_made_by_hand():
    other = SCHEMES[1]
    both = curve([0, 1], [0.75, 0.25], relative=0.5, measured=0.25) + curve(
        [0, 1], [0.9, 0.8], relative=0.0, scheme=other
    )
    first, second = lost(both)
    # sigma = 16 exp(1.5 z - 1.2) times 0.5, or 0.25, or half or twice that, is 3.8.
    expected = [(math.log(3.8 / per_sigma / 16) + 1.2) / 1.5 for per_sigma in (0.5, 0.25, 0.5, 0.125)]
    for part in (first.relative, first.neighbors):
        assert [*vars(part).values()] == pytest.approx(expected, rel=1e-12)
    assert second.scheme == other
    assert np.isnan([*vars(second.relative).values(), *vars(second.neighbors).values(), second.lddt.measured]).all()
    assert first.within.measured == second.within.measured or math.isnan(first.within.measured)
    assert (first.within.expected, second.lddt.expected) == (-1.2, -1.0)


def test_text():
    flat = curve([0, 1], [0.9, 0.8], relative=0.0, scheme=SCHEMES[1])
    text = sweep_text(by_hand(curve([0, 1], [0.75, 0.25], relative=0.5, measured=0.25) + flat))
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 100
    one, other = (part.splitlines() for part in text.split(" z at which local distances are lost")[:2])
    assert "z at which structure is lost" in one[0]
    assert all("3.8 A in space" in line for line in one[1:3])
    assert one[3].split() == ["residue", "neighbour"]
    assert one[4].split() == ["scheme", *["expected", "measured", "95", "%", "interval"] * 2]
    assert [line.split() for line in one[5:]] == [
        ["3-8-1", *["0.30", "0.77", "n/a", "(1", "frame)"] * 2],
        ["flat", *["n/a", "n/a", "n/a", "(1", "frame)"] * 2],
    ]
    assert other[2].split() == ["CA", "within", "between"]
    assert [line.split() for line in other[4:]] == [
        ["3-8-1", "-1.00", "0.50", "n/a", "(1", "frame)", "-1.20", "n/a", "n/a"],
        ["flat", "-1.00", "n/a", "n/a", "(1", "frame)", "-1.20", "n/a", "n/a"],
    ]


def test_text_has_the_intervals_of_several_frames():
    text = sweep_text(by_hand(curve([0, 1], [[0.75, 0.7], [0.25, 0.2]], relative=0.5)))
    relative, lddt = (line.split() for line in text.splitlines() if line.startswith(" 3-8-1"))
    # A displacement of 1 and of .25 per sigma at the ends.
    ends = [f"{(math.log(3.8 / per_sigma / 16) + 1.2) / 1.5:.2f}" for per_sigma in (1, 0.25)]
    assert relative[1:] == ["0.30", "0.30", ends[0], "..", ends[1]] * 2
    assert [float(lddt[place]) for place in (3, 5)] == pytest.approx([0.45 - 0.64, 0.45 + 0.64], abs=0.01)


@pytest.mark.parametrize("name", ["flat", "0.5:1.25:15.125", "a_preset_with_a_name_of_32_chars"])
def test_text_lines_are_aligned(name):
    schemes = (SCHEMES[1], Scheme(name, LevelWeights(1, 2, 3)))
    both = [one for scheme in schemes for one in curve([0, 1], [0.75, 0.25], scheme=scheme)]
    lines = sweep_text(by_hand(both)).splitlines()
    for first in (4, 10):
        titles, *body = lines[first : first + 3]
        assert all(line[1:].startswith(one) for line, one in zip(body, ("flat", name)))
        # Numbers end where their titles do, and a space stands before each.
        ends = [titles.index("expected") + 8, titles.index("measured") + 8]
        assert all(
            line[end - 1].isdigit() and line[end] == " " and line[end - 7] == " " for line in body for end in ends
        )


def test_csv_reads_back(points):
    odd = curve([0.1, 1.0], [math.nan, 0.25], scheme=Scheme('odd, "name"', LevelWeights(1, 1, 15)))
    lines = list(csv.DictReader(io.StringIO(sweep_csv(points + odd))))
    assert len(lines) == len(points) + 2
    rms = {name: f"{name}_rms_per_coordinate" for name in ("atom", "residue", "chain", "residue_relative")}
    levels = rms | {"ratio": "residue_over_atom"}
    spaces = {"relative": "residue_relative_rms_in_space", "neighbors": "neighbor_rms_in_space"}
    scores = {name: name for name in ("ca_lddt", "ca_lddt_residue_mean")}
    scores |= {name: f"lddt_{name}" for name in ("within_residues", "between_residues")}
    for line, one in zip(lines, points + odd):
        assert line.pop("scheme") == one.scheme.name
        numbers = {"z": one.z, "sigma_per_coordinate": one.sigma}
        numbers |= {column: getattr(one.measured, name) for name, column in levels.items()}
        numbers |= {f"{column}_expected": getattr(one.expected, name) for name, column in levels.items()}
        for name, column in spaces.items():
            value = getattr(one, name)
            numbers |= {column: value.measured, f"{column}_expected": value.expected}
            numbers |= {f"{column}_low": value.low, f"{column}_high": value.high}
        numbers |= {column: getattr(one.scores, name) for name, column in scores.items()}
        numbers |= {f"{column}_expected": getattr(one.expected_scores, name) for name, column in scores.items()}
        del numbers["lddt_between_residues"]
        numbers |= {"native_contacts": one.contacts, "bond_outliers": one.outliers}
        assert line.keys() == numbers.keys()
        # Six digits are written.
        np.testing.assert_allclose([float(line[name]) for name in numbers], [*numbers.values()], rtol=5.1e-6)
    # A length says what it compares with.
    assert not [name for name in lines[0] if "rms" in name and "per_coordinate" not in name and "in_space" not in name]


def test_the_structure_is_left_alone(helices, hierarchy):
    before = helices.coords.copy()
    state = torch.get_rng_state()
    run_sweep(helices, hierarchy, SCHEMES[:1], [0.0, 6.0])
    np.testing.assert_array_equal(helices.coords, before)
    assert torch.equal(torch.get_rng_state(), state)
