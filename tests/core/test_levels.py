"""Level statistics: measured against loops, expected against dense quadratic forms."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.noise.draw import add_noise
from pomodoro_pymol.noise.expected import expected_levels, expected_residues
from pomodoro_pymol.noise.levels import Levels, level_names
from pomodoro_pymol.noise.statistics import LevelStatistics, level_sigmas, residue_sums
from pomodoro_pymol.noise.weights import PRESETS, LevelWeights
from pomodoro_pymol.structure.hierarchy import Hierarchy

hierarchies = st.from_type(Hierarchy)
schemes = st.from_type(LevelWeights)
both_precisions = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


def measure(displacements, hierarchy, scale=1.0):
    statistics = LevelStatistics(hierarchy, scale)
    statistics.add(residue_sums(displacements, hierarchy))
    return statistics


def unit_noise(hierarchy, weights, n_frames, seed=0, dtype=torch.float64):
    zero = torch.zeros(hierarchy.n_atoms, 3)
    return add_noise(zero, hierarchy, 1.0, weights, n_frames=n_frames, seed=seed, dtype=dtype)


def random_frames(hierarchy, seed, dtype=torch.float64):
    return torch.from_numpy(np.random.default_rng(seed).normal(1, 2, (3, hierarchy.n_atoms, 3))).to(dtype)


def assert_levels(levels, reference, tolerance):
    """Compare squares: absolute in units of the atoms' mean square, where rounding errors live."""
    total, inside = reference["atom"] ** 2, reference["atom_relative"] ** 2
    for name, value in reference.items():
        found = getattr(levels, name)
        if name in ("chain_share", "residue_share", "atom_share"):
            assert found == pytest.approx(value, rel=0, abs=tolerance), name
        elif name == "ratio_relative":
            scale = total / inside * (1 + value**2) if inside > 0 else 1
            assert found**2 == pytest.approx(value**2, rel=0, abs=tolerance * scale, nan_ok=True), name
        else:
            unit = 1 if name == "ratio" else total
            assert found**2 == pytest.approx(value**2, rel=0, abs=tolerance * unit, nan_ok=True), name


def assert_residues(residues, squares, tolerance):
    for name, square in squares.items():
        np.testing.assert_allclose(getattr(residues, name) ** 2, square, rtol=0, atol=tolerance, err_msg=name)


def test_the_oracles_know_every_field(oracle, peptide):
    names = set(level_names())
    assert names == {field.name for field in dataclasses.fields(Levels)}
    assert set(oracle.quadratic_levels(peptide, PRESETS["ms"])) == names
    assert set(oracle.nested_anova(np.ones((1, 12, 3)), peptide)[0]) == names


@both_precisions
@given(hierarchy=hierarchies, seed=st.integers(0, 99))
def test_measured_levels_are_those_of_a_nested_anova(oracle, dtype, hierarchy, seed):
    frames = random_frames(hierarchy, seed, dtype)
    statistics = measure(frames, hierarchy)
    levels, residues = oracle.nested_anova(frames.numpy(), hierarchy)
    # Sums over at most 6 atoms of a residue, in the precision of the frames.
    tolerance = 16 * torch.finfo(dtype).eps
    assert_levels(statistics.levels(), levels, tolerance)
    largest = float(frames.square().sum(-1).max())
    assert_residues(statistics.residues(), residues, tolerance * largest)


@given(hierarchy=hierarchies, seed=st.integers(0, 99))
def test_shares_sum_to_one(hierarchy, seed):
    levels = measure(random_frames(hierarchy, seed), hierarchy).levels()
    assert levels.chain_share + levels.residue_share + levels.atom_share == pytest.approx(1, rel=1e-14)


@given(hierarchy=hierarchies, weights=schemes)
def test_expected_levels_are_the_dense_quadratic_forms(oracle, hierarchy, weights):
    assert_levels(expected_levels(hierarchy, weights), oracle.quadratic_levels(hierarchy, weights), 1e-12)
    assert_residues(expected_residues(hierarchy, weights), oracle.quadratic_residues(hierarchy, weights), 1e-12)


@given(hierarchy=hierarchies, weights=schemes)
def test_expected_shares_sum_to_one(hierarchy, weights):
    levels = expected_levels(hierarchy, weights)
    assert levels.chain_share + levels.residue_share + levels.atom_share == pytest.approx(1, rel=1e-14)


@given(sizes=st.lists(st.integers(1, 20), min_size=1, max_size=12), weights=schemes)
def test_the_ratio_of_one_chain_depends_on_the_atom_share_alone(nest, sizes, weights):
    h = sum(1 / size for size in sizes) / len(sizes)
    ratio = math.sqrt(1 - weights.shares[2] * (1 - h))
    assert expected_levels(nest([sizes]), weights).ratio == pytest.approx(ratio, rel=1e-12)


@pytest.mark.parametrize("name", PRESETS)
def test_noise_measures_as_expected(complex_, name):
    n_frames = 500
    statistics = measure(unit_noise(complex_, PRESETS[name], n_frames, seed=3), complex_)
    measured, expected = statistics.levels(), expected_levels(complex_, PRESETS[name])
    error = statistics.standard_error()
    for field in level_names():
        # The slack is rounding: flat noise of single atoms has no error at some levels.
        distance = abs(getattr(measured, field) - getattr(expected, field))
        assert distance <= 4 * getattr(error, field) + 1e-12, field
    closed = expected_residues(complex_, PRESETS[name])
    for field in dataclasses.fields(closed):
        # A mean square of 3 n numbers, more where atoms add some, has a relative standard error of at
        # most sqrt(2 / 3n); the rms half of it. The single atom of its chain does not move within it.
        np.testing.assert_allclose(
            getattr(statistics.residues(), field.name),
            getattr(closed, field.name),
            rtol=5 / 2 * math.sqrt(2 / (3 * n_frames)),
            atol=1e-7,
        )


@pytest.mark.parametrize("weights", [(1e6, 1, 1), (1e5, 1, 1), (1, 1, 1e-6), (1, 1e6, 1)], ids=str)
def test_small_parts_of_single_precision_noise_measure_as_expected(complex_, weights):
    statistics = measure(unit_noise(complex_, LevelWeights(*weights), 500, seed=3, dtype=torch.float32), complex_)
    measured, expected = statistics.levels(), expected_levels(complex_, LevelWeights(*weights))
    error = statistics.standard_error()
    for field in level_names():
        # Rounding of single precision is 1e-7 of the whole, averaged over atoms and frames.
        distance = abs(getattr(measured, field) - getattr(expected, field))
        assert distance <= 4 * getattr(error, field) + 2e-8, field


def test_the_standard_error_is_the_jackknife(complex_):
    frames = unit_noise(complex_, PRESETS["rb"], 9, seed=6)
    error = measure(frames, complex_).standard_error()
    left_out = [measure(torch.cat([frames[:k], frames[k + 1 :]]), complex_).levels() for k in range(9)]
    for name in level_names():
        values = [getattr(levels, name) for levels in left_out]
        mean = sum(values) / 9
        jackknife = math.sqrt(8 / 9 * sum((value - mean) ** 2 for value in values))
        assert getattr(error, name) == pytest.approx(jackknife, rel=1e-7)


def test_one_frame_has_no_interval(complex_):
    statistics = measure(unit_noise(complex_, PRESETS["ms"], 1), complex_)
    for levels in (statistics.standard_error(), *statistics.interval(), *statistics.prediction_interval()):
        assert all(math.isnan(getattr(levels, name)) for name in level_names())
    assert all(math.isfinite(getattr(statistics.levels(), name)) for name in level_names())


@pytest.mark.parametrize("ask", ["levels", "standard_error", "interval", "prediction_interval", "residues"])
def test_no_frame_is_an_error(complex_, ask):
    with pytest.raises(PomodoroError, match="at least one frame"):
        getattr(LevelStatistics(complex_), ask)()


@pytest.mark.parametrize("cuts", [[1] * 12, [5, 7], [11, 1]])
def test_adding_at_once_or_in_pieces_is_the_same(complex_, cuts):
    frames = unit_noise(complex_, PRESETS["ms"], 12)
    once, pieces = measure(frames, complex_), LevelStatistics(complex_)
    for part in frames.split(cuts):
        pieces.add(residue_sums(part, complex_))
    assert pieces.n_frames == once.n_frames == 12
    for found, wanted in ((pieces.levels(), once.levels()), (pieces.standard_error(), once.standard_error())):
        assert vars(found) == pytest.approx(vars(wanted), rel=1e-12)
    for name, values in vars(once.residues()).items():
        np.testing.assert_allclose(getattr(pieces.residues(), name), values, rtol=1e-13, atol=1e-15)


def test_scale_multiplies_lengths_and_leaves_ratios(complex_):
    frames = unit_noise(complex_, PRESETS["ms"], 5)
    unit, scaled = measure(frames, complex_), measure(frames, complex_, scale=4.82)
    pairs = (
        (unit.levels(), scaled.levels()),
        (unit.standard_error(), scaled.standard_error()),
        (expected_levels(complex_, PRESETS["ms"]), expected_levels(complex_, PRESETS["ms"], 4.82)),
    )
    for one, other in pairs:
        for name in level_names():
            factor = 1 if "ratio" in name or "share" in name else 4.82
            assert getattr(other, name) == pytest.approx(factor * getattr(one, name), rel=1e-12)
    for one, other in (
        (unit.residues(), scaled.residues()),
        (expected_residues(complex_, PRESETS["ms"]), expected_residues(complex_, PRESETS["ms"], 4.82)),
    ):
        for name, values in vars(one).items():
            np.testing.assert_allclose(getattr(other, name), 4.82 * values, rtol=1e-12)


@pytest.mark.parametrize(
    ("chains", "weights"),
    [([[1], [1]], PRESETS["ms"]), ([[3, 4], [2]], LevelWeights(1, 0, 0)), ([[5]], LevelWeights(1, 2, 0))],
    ids=["single atoms", "rigid chains", "one rigid residue"],
)
def test_the_relative_ratio_of_what_does_not_move_is_nan(nest, chains, weights):
    hierarchy = nest(chains)
    assert math.isnan(expected_levels(hierarchy, weights).ratio_relative)
    assert math.isnan(measure(unit_noise(hierarchy, weights, 20), hierarchy).levels().ratio_relative)


@both_precisions
@given(hierarchy=hierarchies, seed=st.integers(0, 99))
def test_residue_sums_are_sums_over_atoms(dtype, hierarchy, seed):
    frames = random_frames(hierarchy, seed, dtype)
    values = frames.double().numpy()
    sums = np.zeros((3, 4, hierarchy.n_residues))
    for atom, residue in enumerate(hierarchy.atom_to_residue.tolist()):
        sums[:, :3, residue] += values[:, atom]
        sums[:, 3, residue] += (values[:, atom] ** 2).sum(-1)
    found = residue_sums(frames, hierarchy)
    assert found.dtype == dtype
    # Six atoms, three squares each: fewer than 16 roundings of the largest sum.
    np.testing.assert_allclose(found.numpy(), sums, rtol=0, atol=16 * torch.finfo(dtype).eps * np.abs(sums).max())
    assert torch.equal(residue_sums(frames[0], hierarchy), found[0])


@both_precisions
@pytest.mark.parametrize("shuffled", [False, True])
def test_residue_sums_of_many_atoms(dtype, shuffled):
    """Long rows take another way."""
    rng = np.random.default_rng(1)
    residue = np.sort(np.append(rng.integers(0, 3000, 17_000), np.arange(3000)))
    if shuffled:
        rng.shuffle(residue)
    hierarchy = Hierarchy(torch.from_numpy(residue), torch.zeros(3000, dtype=torch.int64))
    values = rng.standard_normal((2, 20_000, 3))
    sums = np.zeros((2, 4, 3000))
    for frame in range(2):
        for axis in range(3):
            sums[frame, axis] = np.bincount(residue, values[frame, :, axis])
        sums[frame, 3] = np.bincount(residue, np.square(values[frame]).sum(-1))
    found = residue_sums(torch.from_numpy(values).to(dtype), hierarchy)
    assert found.dtype == dtype
    np.testing.assert_allclose(found.numpy(), sums, rtol=0, atol=32 * torch.finfo(dtype).eps * np.abs(sums).max())


def numpy_sigmas(frames, hierarchy, spread):
    atom = frames.double().numpy()
    residues, chains = hierarchy.atom_to_residue.numpy(), hierarchy.atom_to_chain.numpy()
    levels = [atom] + [
        np.stack([atom[:, labels == label].mean(1) for label in range(labels.max() + 1)], 1)
        for labels in (residues, chains)
    ]
    return [np.sqrt(np.mean(spread(level))) for level in levels]


@settings(max_examples=25)
@given(hierarchy=hierarchies, seed=st.integers(0, 99))
def test_level_sigmas_rms(hierarchy, seed):
    frames = random_frames(hierarchy, seed)
    reference = numpy_sigmas(frames, hierarchy, lambda level: level**2)
    assert level_sigmas(frames, hierarchy) == pytest.approx(reference, rel=1e-12)


@settings(max_examples=25)
@given(hierarchy=hierarchies.filter(lambda hierarchy: hierarchy.n_chains > 1), seed=st.integers(0, 99))
def test_level_sigmas_std(hierarchy, seed):
    frames = random_frames(hierarchy, seed)
    reference = numpy_sigmas(frames, hierarchy, lambda level: level.var(axis=1, ddof=1))
    assert level_sigmas(frames, hierarchy, "std") == pytest.approx(reference, rel=1e-10)


@pytest.mark.parametrize(
    ("chains", "undefined"),
    [([[2, 3]], (False, False, True)), ([[5]], (False, True, True)), ([[1]], (True, True, True))],
    ids=["one chain", "one residue", "one atom"],
)
def test_the_std_of_one_point_is_nan(nest, chains, undefined):
    hierarchy = nest(chains)
    frames = random_frames(hierarchy, 0)
    assert tuple(map(math.isnan, level_sigmas(frames, hierarchy, "std"))) == undefined
    assert not any(map(math.isnan, level_sigmas(frames, hierarchy, "rms")))


@pytest.mark.parametrize("estimator", ["rms", "std"])
def test_level_sigmas_of_one_frame_without_the_frame_axis(complex_, estimator):
    frame = random_frames(complex_, 1)[0]
    assert level_sigmas(frame, complex_, estimator) == level_sigmas(frame[None], complex_, estimator)


def test_level_sigmas_are_plain_floats_of_the_measured_levels(complex_):
    frames = random_frames(complex_, 2)
    sigmas = level_sigmas(frames, complex_)
    levels = measure(frames, complex_).levels()
    assert all(type(sigma) is float for sigma in sigmas)
    assert sigmas == pytest.approx((levels.atom, levels.residue, levels.chain), rel=1e-12)


def test_unknown_estimator(complex_):
    with pytest.raises(PomodoroError, match="rms, std, not 'mad'"):
        level_sigmas(torch.zeros(41, 3), complex_, "mad")
