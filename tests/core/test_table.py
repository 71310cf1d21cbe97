"""The z-table: the note's numbers, both estimators against their definitions, text and CSV."""

import csv
import io
import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pomodoro_pymol.experiments.noise import measure
from pomodoro_pymol.experiments.table import NoiseTable, noise_table, table_text
from pomodoro_pymol.noise.draw import add_noise
from pomodoro_pymol.noise.expected import expected_levels, expected_sigmas
from pomodoro_pymol.noise.levels import level_names
from pomodoro_pymol.noise.statistics import LevelStatistics, residue_sums
from pomodoro_pymol.noise.weights import PRESETS, LevelWeights, Scheme
from pomodoro_pymol.structure.hierarchy import Hierarchy

Z = list(range(-3, 4))
SCHEMES = [Scheme(name, PRESETS[name]) for name in ("flat", "ms", "rb")]
LENGTHS = ("atom", "residue", "chain", "atom_relative", "residue_relative", "neighbor")
PARTS = ("measured", "low", "high", "draw_low", "draw_high", "expected")

# Printed in the researcher's note, of one draw: SCIENCE.md, section 1.
NOTE = """
z   sigma  flat_r ms_a   ms_r   ms_r/a rb_a   rb_r   rb_r/a
-3  0.05   0.02   0.05   0.04   0.93   0.05   0.04   0.76
-2  0.24   0.09   0.20   0.19   0.93   0.21   0.16   0.76
-1  1.08   0.41   0.91   0.84   0.93   0.96   0.73   0.76
0   4.82   1.83   4.07   3.77   0.93   4.30   3.28   0.76
1   21.60  8.21   18.22  16.88  0.93   19.28  14.70  0.76
2   96.79  36.78  81.67  75.67  0.93   86.41  65.89  0.76
3   433.80 164.82 366.03 339.13 0.93   387.24 295.32 0.76
"""
TITLES, *PRINTED = [line.split() for line in NOTE.strip().splitlines()]
COLUMNS = {"a": "atom", "r": "residue", "r/a": "ratio"}


@pytest.fixture(scope="module")
def table(natural):
    return noise_table(natural, SCHEMES, Z, frames=1000, seed=0)


@pytest.fixture(scope="module")
def noise(natural):
    """Fifty draws of unit noise per scheme, shape=(50, n_atoms, 3), by `add_noise`."""
    coords = torch.zeros(natural.n_atoms, 3)
    return {
        scheme: add_noise(coords, natural, 1.0, scheme.weights, n_frames=50, seed=7, dtype=torch.float32)
        for scheme in SCHEMES
    }


def same(one, other, rel=0.0):
    np.testing.assert_allclose([*vars(one).values()], [*vars(other).values()], rtol=rel, atol=0)


def cells(text):
    """Lines of a text table, cut where columns stand apart."""
    return [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()]


def numpy_std(frames, hierarchy):
    """Variance with ddof=1 of atoms, residue means and chain means of each frame, shape=(3, n_frames)."""
    values = frames.double().numpy()
    labels = (np.arange(hierarchy.n_atoms), hierarchy.atom_to_residue.numpy(), hierarchy.atom_to_chain.numpy())
    means = (np.stack([values[:, of == one].mean(1) for one in range(of.max() + 1)], 1) for of in labels)
    nothing = np.full(len(values), np.nan)
    return np.array([level.var(axis=1, ddof=1).mean(-1) if level.shape[1] > 1 else nothing for level in means])


def test_one_row_per_z_and_scheme(table):
    assert [(row.z, row.scheme) for row in table] == [(z, scheme) for z in Z for scheme in SCHEMES]


@pytest.mark.parametrize("line", PRINTED, ids=lambda line: f"z={line[0]}")
def test_sigmas_of_the_note(table, line):
    assert {f"{row.sigma:.2f}" for row in table if row.z == float(line[0])} == {line[1]}


@pytest.mark.parametrize("column", TITLES[2:])
@pytest.mark.parametrize("line", PRINTED, ids=lambda line: f"z={line[0]}")
def test_the_note_is_an_ordinary_draw(table, line, column):
    scheme, _, kind = column.partition("_")
    (row,) = (row for row in table if row.z == float(line[0]) and row.scheme.name == scheme)
    printed = float(line[TITLES.index(column)])
    low, high = (getattr(end, COLUMNS[kind]) for end in (row.draw_low, row.draw_high))
    # Four standard errors of a 2.5 % quantile of 1000 normal draws, sqrt(.025 * .975 / 1000) over the density there
    # = .0845 standard deviations, of which the range holds 3.92: the note's rb_a lies on that quantile (of 20000
    # draws 2.5 % are lower). And half a unit of the last printed digit.
    slack = 4 * 0.0845 * (high - low) / 3.92 + 0.005
    assert low - slack <= printed <= high + slack


def test_z_only_rescales(table):
    for row in table:
        first = table[[scheme.name for scheme in SCHEMES].index(row.scheme.name)]
        assert f"{row.ratio:.4f}" == f"{first.ratio:.4f}"
        assert f"{row.expected_ratio:.4f}" == f"{first.expected_ratio:.4f}"
        for part in PARTS:
            for name in level_names():
                scale = row.sigma / first.sigma if name in LENGTHS else 1
                expected = scale * getattr(getattr(first, part), name)
                assert getattr(getattr(row, part), name) == pytest.approx(expected, rel=1e-12), (part, name)


def test_measured_agrees_with_expected(table):
    for row in table[: len(SCHEMES)]:
        for name in level_names():
            value, low, high, *_, expected = (getattr(getattr(row, part), name) for part in PARTS)
            # Of 1000 draws the interval is about +- 1.96 standard errors; four of them.
            assert low <= value <= high
            assert abs(value - expected) <= (high - low) / 2 * 4 / 1.96, name
        assert row.sigmas == (row.measured.atom, row.measured.residue, row.measured.chain)


@pytest.mark.parametrize("estimator", ["rms", "std"])
@pytest.mark.parametrize("frames", [1, 50])
def test_rows_are_those_of_the_frames_of_add_noise(natural, noise, estimator, frames):
    rows = noise_table(natural, SCHEMES, [0.5], frames=frames, seed=7, estimator=estimator)
    for row in rows:
        drawn = noise[row.scheme][:frames]
        statistics = LevelStatistics(natural, row.sigma)
        statistics.add(residue_sums(drawn, natural))
        # Float32 draws; the sums are added up in another order.
        same(row.measured, statistics.levels(), rel=1e-5)
        if estimator == "std":
            sigmas = row.sigma * np.sqrt(numpy_std(drawn, natural)[:2].mean(1))
            assert row.sigmas[:2] == pytest.approx(sigmas, rel=1e-5)
            assert row.ratio == pytest.approx(sigmas[1] / sigmas[0], rel=1e-5)


@pytest.mark.parametrize("frames", [1, 20])
def test_the_std_of_one_chain(natural, frames):
    rows = noise_table(natural, SCHEMES, [0, 1], frames=frames, estimator="std")
    for row in rows:
        assert [math.isnan(value) for value in row.sigmas] == [False, False, True]
        assert [math.isnan(value) for value in row.expected_sigmas] == [False, False, True]
    assert table_text(rows, 1).count("n/a (1 chain)") == len(rows)
    assert "nan" not in table_text(rows, 1)
    for line in csv.DictReader(io.StringIO(NoiseTable(rows, 1).csv())):
        assert line["sigma_chain_per_coordinate"] == line["expected_sigma_chain_per_coordinate"] == "nan"
        assert float(line["chain_rms_per_coordinate_measured"]) > 0
    assert "n/a (1 chain)" not in table_text(noise_table(natural, SCHEMES, [0], frames=frames), 1)


def test_one_draw_has_no_interval(natural):
    rows = noise_table(natural, SCHEMES, [0], frames=1)
    for row in rows:
        assert np.isnan([*vars(row.low).values(), *vars(row.high).values()]).all()
        assert np.isnan([*vars(row.draw_low).values(), *vars(row.draw_high).values()]).all()
    body = cells(table_text(rows, 1))
    assert [line[2:4] for line in body if line[0] in PRESETS] == [["n/a (1 draw)"] * 2] * len(SCHEMES)


@pytest.mark.parametrize("weights", [LevelWeights(1, 0, 0), LevelWeights(0, 1, 0), LevelWeights(3, 8, 0)], ids=str)
def test_many_draws_without_spread_are_not_one_draw(natural, weights):
    # Without atom weight the ratio is 1, but for residues weighing as their atoms or alike.
    rows = noise_table(natural, [Scheme("rigid", weights)], [0], frames=20)
    assert rows[0].expected.ratio == pytest.approx(1, rel=1e-12)
    assert "1 draw" not in table_text(rows, 1)


@pytest.mark.parametrize(
    ("chains", "weights"),
    [
        ([[3, 2, 4]], LevelWeights(1, 0, 0)),
        ([[3, 2, 4]], LevelWeights(0, 1, 0)),
        ([[5]], LevelWeights(0, 1, 0)),
        ([[5]], LevelWeights(1, 4, 4)),
        ([[1]], LevelWeights(1, 4, 4)),
        ([[1], [1]], LevelWeights(1, 4, 4)),
    ],
    ids=str,
)
@pytest.mark.parametrize("estimator", ["rms", "std"])
@pytest.mark.parametrize("frames", [1, 5])
def test_nothing_moves_about_its_mean(nest, chains, weights, estimator, frames):
    # Chains as one, a single residue, a single atom: what is not defined is nan, and n/a in the text.
    hierarchy = nest(chains)
    rows = noise_table(hierarchy, [Scheme("odd", weights)], [0, 1], frames=frames, estimator=estimator)
    text = table_text(rows, hierarchy.n_chains)
    assert "nan" not in text
    assert "inf" not in text
    for row in rows:
        ratios = (row.ratio, row.expected_ratio)
        assert np.isnan(ratios).all() or ratios[0] == pytest.approx(ratios[1], rel=1)
    assert len(list(csv.reader(io.StringIO(NoiseTable(rows, 1).csv())))) == 3


def test_text_columns_are_those_of_the_note(table):
    text = table_text(table, 1)
    assert text.isascii()
    body = cells(text)
    assert body[1] == ["z", "sigma", *(f"{scheme.name}{kind}" for scheme in SCHEMES for kind in ("_a", "_r", " r/a"))]
    assert body[1] == body[10]
    for printed, measured, expected in zip(PRINTED, body[2:9], body[11:18]):
        assert measured[:2] == expected[:2] == printed[:2]
    for part, lines in (("measured", body[2:9]), ("expected", body[11:18])):
        for i, line in enumerate(lines):
            values = [getattr(row, part) for row in table[3 * i : 3 * i + 3]]
            expected = [(f"{v.atom:.2f}", f"{v.residue:.2f}", f"{v.ratio:.4f}") for v in values]
            assert line[2:] == [cell for group in expected for cell in group]


def test_text_shows_both_ratios_and_the_shares_with_intervals(table):
    lines = {line[0]: line for line in cells(table_text(table, 1)) if line[0] in PRESETS}
    for row in table[:3]:
        measured, expected = row.measured, row.expected
        assert lines[row.scheme.name][1:] == [
            f"{measured.ratio:.4f}",
            f"{row.low.ratio:.3f} .. {row.high.ratio:.3f}",
            f"{row.draw_low.ratio:.3f} .. {row.draw_high.ratio:.3f}",
            f"{expected.ratio:.4f}",
            f"{measured.ratio_relative:.4f}",
            f"{expected.ratio_relative:.4f}",
            *(f"{v.chain_share:.3f}:{v.residue_share:.3f}:{v.atom_share:.3f}" for v in (measured, expected)),
        ]


def test_text_ends_with_residues_relative_to_the_chain(table):
    last = cells(table_text(table, 1))[-7:]
    for i, line in enumerate(last):
        rows = table[3 * i : 3 * i + 3]
        relative = [f"{3**0.5 * v.residue_relative:.2f}" for row in rows for v in (row.measured, row.expected)]
        assert line == [f"{rows[0].z:g}", *relative, *(f"{row.measured.chain:.2f}" for row in rows)]


@pytest.mark.parametrize("estimator", ["rms", "std"])
def test_text_lines_are_aligned(complex_, estimator):
    schemes = [*SCHEMES, Scheme("a_preset_with_a_long_name", LevelWeights(1, 1, 15))]
    text = table_text(noise_table(complex_, schemes, [-6, 0, 0.25, 6], frames=3, estimator=estimator), 4)
    blocks = []
    for line in text.splitlines():
        if "," in line:  # a heading
            blocks.append(set())
        else:
            blocks[-1].add(len(line))
    assert [len(widths) for widths in blocks] == [1, 1, 1, 1]


@pytest.mark.parametrize("estimator", ["rms", "std"])
@pytest.mark.parametrize("frames", [1, 5])
def test_csv_reads_back(complex_, estimator, frames):
    schemes = [*SCHEMES, Scheme('odd, "name"', LevelWeights(1, 1, 15))]
    rows = noise_table(complex_, schemes, [-3, 0.1, 3], frames=frames, estimator=estimator)
    lines = list(csv.DictReader(io.StringIO(NoiseTable(rows, 1).csv())))
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows):
        labels = {"z": row.z, "sigma_per_coordinate": row.sigma, "scheme": row.scheme.name}
        labels |= {"wc": row.scheme.weights.chain, "wr": row.scheme.weights.residue, "wa": row.scheme.weights.atom}
        for name, value in labels.items():
            assert line.pop(name) == str(value)
        numbers = {}
        for name in level_names():
            column = name if "ratio" in name or "share" in name else f"{name}_rms_per_coordinate"
            numbers |= {f"{column}_{part}": getattr(getattr(row, part), name) for part in PARTS}
        for i, level in enumerate(("atom", "residue", "chain")):
            column = f"sigma_{level}_per_coordinate"
            numbers |= {column: row.sigmas[i], f"expected_{column}": row.expected_sigmas[i]}
        assert line.keys() == numbers.keys()
        # Six digits are written.
        np.testing.assert_allclose([float(line[name]) for name in numbers], [*numbers.values()], rtol=5.1e-6)


def test_progress_counts_the_draws_of_all_schemes(peptide):
    calls = []
    noise_table(peptide, SCHEMES, Z, frames=4, progress=lambda *call: calls.append(call))
    assert calls[-1] == (12, 12)
    assert calls == sorted(set(calls))


@given(hierarchy=st.from_type(Hierarchy), seed=st.integers(0, 99), n_frames=st.integers(1, 4))
def test_std_is_that_of_numpy(hierarchy, seed, n_frames):
    frames = torch.from_numpy(np.random.default_rng(seed).normal(3, 2, (n_frames, hierarchy.n_atoms, 3)))
    statistics = LevelStatistics(hierarchy)
    statistics.add(residue_sums(frames, hierarchy))
    points = (hierarchy.n_atoms, hierarchy.n_residues, hierarchy.n_chains)
    for found, n, variance in zip(statistics.sigmas("std"), points, numpy_std(frames, hierarchy).mean(1)):
        # Squares are taken about the truth, 3 A off the mean: some cancel, to 1e-14 of 13.
        assert math.isnan(found) if n == 1 else found**2 == pytest.approx(variance, rel=1e-9, abs=1e-12)


def quadratic_std(oracle, hierarchy, weights):
    """Expected unbiased variance over the points of each level: (tr S - mean row sum of S) / (n - 1)."""
    covariance = oracle.covariance(hierarchy, weights)
    atom_residue, residue_chain = oracle.membership(hierarchy)
    atom_chain = atom_residue @ residue_chain
    for level in (np.eye(hierarchy.n_atoms), atom_residue, atom_chain):
        mean = (level / level.sum(0)).T
        points, n = mean @ covariance @ mean.T, len(mean)
        yield (np.trace(points) - points.sum() / n) / (n - 1) if n > 1 else np.nan


@given(hierarchy=st.from_type(Hierarchy), weights=st.from_type(LevelWeights), sigma=st.floats(0.01, 1000))
def test_the_closed_form_of_std_is_the_dense_one(oracle, hierarchy, weights, sigma):
    found = np.square(expected_sigmas(hierarchy, weights, sigma, "std"))
    dense = sigma**2 * np.array([*quadratic_std(oracle, hierarchy, weights)])
    np.testing.assert_allclose(found, dense, rtol=1e-9, atol=1e-13 * sigma**2)


@pytest.mark.parametrize("name", PRESETS)
def test_the_closed_form_of_std_is_that_of_draws(complex_, name):
    frames = add_noise(torch.zeros(41, 3), complex_, 1.0, PRESETS[name], n_frames=2000, seed=21)
    variance = numpy_std(frames, complex_)
    error = variance.std(axis=1, ddof=1) / np.sqrt(len(frames))
    expected = np.square(expected_sigmas(complex_, PRESETS[name], 1.0, "std"))
    # Four standard errors over the frames, which are independent.
    assert (abs(variance.mean(1) - expected) < 4 * error).all()
    assert (error < 0.03 * expected).all()


def test_scaled_only_rescales(complex_):
    statistics = measure(complex_, PRESETS["ms"], 30, seed=3, device="cpu")
    before = statistics.levels()
    scaled = statistics.scaled(2.5).scaled(2)
    assert scaled.n_frames == 30
    of_levels = (
        ("levels", lambda one: one.levels()),
        ("low", lambda one: one.interval()[0]),
        ("high", lambda one: one.interval()[1]),
        ("draw low", lambda one: one.prediction_interval()[0]),
        ("draw high", lambda one: one.prediction_interval()[1]),
        ("error", lambda one: one.standard_error()),
    )
    for label, get in of_levels:
        for name in level_names():
            factor = 5 if name in LENGTHS else 1
            assert getattr(get(scaled), name) == pytest.approx(factor * getattr(get(statistics), name), rel=1e-12), (
                label,
                name,
            )
    for estimator in ("rms", "std"):
        assert scaled.sigmas(estimator) == pytest.approx([5 * s for s in statistics.sigmas(estimator)], rel=1e-12)
    for name, values in vars(scaled.residues()).items():
        np.testing.assert_allclose(values, 5 * getattr(statistics.residues(), name), rtol=1e-12)
    same(statistics.levels(), before)


@pytest.mark.parametrize("coverage", [0.5, 0.95])
def test_the_next_draw_of_many_has_the_order_statistics_of_single_draws(complex_, coverage):
    frames = add_noise(torch.zeros(41, 3), complex_, 1.0, PRESETS["rb"], n_frames=200, seed=8)
    together, single = LevelStatistics(complex_, 4.82), []
    together.add(residue_sums(frames, complex_))
    for frame in frames:
        alone = LevelStatistics(complex_, 4.82)
        alone.add(residue_sums(frame[None], complex_))
        single.append(alone.levels())
    low, high = together.prediction_interval(coverage)
    for name in level_names():
        # Of n draws the k-th lies above the next with probability k / (n + 1).
        draws = sorted(getattr(levels, name) for levels in single)
        places = [201 * (1 - coverage) / 2 - 1, 201 * (1 + coverage) / 2 - 1]
        ends = np.interp(places, np.arange(200), draws)
        assert (getattr(low, name), getattr(high, name)) == pytest.approx(tuple(ends), rel=1e-6), name


def test_expected_is_the_closed_form(natural, table):
    for row in table:
        same(row.expected, expected_levels(natural, row.scheme.weights, row.sigma))
        assert row.expected_sigmas == expected_sigmas(natural, row.scheme.weights, row.sigma)
