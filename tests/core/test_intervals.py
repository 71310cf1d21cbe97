"""Intervals: coverage by simulation, variances against dense matrices, and what has no spread."""

import functools
import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pomodoro_pymol.noise.draw import add_noise
from pomodoro_pymol.noise.expected import expected_levels
from pomodoro_pymol.noise.intervals import confidence, prediction
from pomodoro_pymol.noise.levels import MeanSquares, level_names, levels_of_squares
from pomodoro_pymol.noise.spread import Layout, variances
from pomodoro_pymol.noise.squares import level_squares
from pomodoro_pymol.noise.statistics import LevelStatistics, residue_sums
from pomodoro_pymol.noise.weights import PRESETS, LevelWeights
from pomodoro_pymol.structure.hierarchy import Hierarchy

LENGTHS = ("atom", "residue", "chain", "atom_relative", "residue_relative", "neighbor")
POOL, GROUPS = 20000, 2000
SIZES = np.array([4, 5, 6, 6, 7, 7, 7, 8, 8, 8, 8, 8, 9, 9, 9, 10, 11, 11, 12, 14])


def protein(length, seed):
    return np.random.default_rng(seed).choice(SIZES, length).tolist()


#: 1hpv has two chains of 99 residues and a ligand.
CHAINS = {
    "three": [protein(99, 1), protein(99, 2), [35]],
    "seven": [protein(length, length) for length in (30, 12, 25, 40, 8, 20, 33)],
    "hydrated": [protein(50, 3), *[[1]] * 40],
}


@pytest.fixture(scope="module")
def hierarchies(nest, natural, complex_, peptide):
    named = {name: nest(chains) for name, chains in CHAINS.items()}
    return {**named, "fragment": natural, "complex": complex_, "peptide": peptide}


def simulate(hierarchy, weights, n_frames, seed):
    """Mean squares of frames, from the law of residue means and of the atoms about them."""
    rng = np.random.default_rng(seed)
    c, r, a = np.sqrt(weights.shares)
    n, chain = hierarchy.atoms_per_residue.numpy(), hierarchy.residue_to_chain.numpy()
    parts = []
    for _ in range(n_frames // 2000):
        shared = c * rng.standard_normal((2000, 3, hierarchy.n_chains))[..., chain]
        means = shared + np.sqrt(r**2 + a**2 / n) * rng.standard_normal((2000, 3, len(n)))
        about = a**2 * rng.chisquare(np.maximum(3 * (n - 1), 1e-9), (2000, len(n)))
        squares = about + n * np.square(means).sum(1)
        sums = torch.from_numpy(np.concatenate([n * means, squares[:, None]], axis=1))
        parts.append(level_squares(sums, hierarchy).frames)
    return MeanSquares(*map(np.concatenate, zip(*parts)))


@pytest.fixture(scope="module")
def pools(hierarchies):
    """Frames of a hierarchy under a preset, made once."""
    return functools.cache(lambda name, weights: simulate(hierarchies[name], PRESETS[weights], POOL, seed=4))


def held(ends, values, name):
    """In how many groups the ends hold the value; rounding is not its fault."""
    low, high = (getattr(end, name) for end in ends)
    return ((low <= values * (1 + 1e-9)) & (values <= high * (1 + 1e-9))).mean()


# 12 atoms in 5 residues are the hard case: at 2 frames their intervals are somewhat long.
@pytest.mark.parametrize("n_frames", [2, 5, 20, 200])
@pytest.mark.parametrize(
    ("name", "weights", "most"),
    [
        ("fragment", "flat", 0.97),
        ("fragment", "ms", 0.97),
        ("fragment", "3-8-1", 0.97),
        ("three", "ms", 0.97),
        ("three", "rb", 0.97),
        ("seven", "3-8-1", 0.97),
        ("complex", "rb", 0.97),
        ("hydrated", "ms", 0.97),
        ("peptide", "3-8-1", 0.98),
    ],
)
def test_coverage(hierarchies, pools, name, weights, most, n_frames):
    hierarchy, pool = hierarchies[name], pools(name, weights)
    rng = np.random.default_rng(5)
    places = rng.integers(POOL, size=(GROUPS, n_frames))
    groups = MeanSquares(*(values[places] for values in pool))
    # Groups are drawn from the pool, so what is to be covered is what the pool has.
    true = levels_of_squares(MeanSquares(*(values.mean() for values in pool)), 1.0)
    others = rng.integers(POOL, size=GROUPS)
    drawn = levels_of_squares(MeanSquares(*(values[others] for values in pool)), 1.0)
    known, next_ = confidence(groups, hierarchy), prediction(groups, hierarchy)
    # So many groups tell .93 and .97 from .95 by four standard errors. One is left to chance.
    error = math.sqrt(0.95 * 0.05 / GROUPS)
    assert 4 * error < 0.02
    for level in level_names():
        assert 0.93 - error <= held(known, getattr(true, level), level) <= most + error, level
        assert 0.93 - error <= held(next_, getattr(drawn, level), level) <= most + error, level


@settings(max_examples=15)
@pytest.mark.parametrize("n_frames", [2, 10])
@given(hierarchy=st.from_type(Hierarchy), weights=st.from_type(LevelWeights), seed=st.integers(0, 99))
def test_no_end_leaves_its_range(n_frames, hierarchy, weights, seed):
    frames = add_noise(torch.zeros(hierarchy.n_atoms, 3), hierarchy, 1.0, weights, n_frames=n_frames, seed=seed)
    statistics = LevelStatistics(hierarchy)
    statistics.add(residue_sums(frames, hierarchy))
    measured = statistics.levels()
    for coverage in (0.5, 0.95, 0.999):
        for which in (statistics.interval, statistics.prediction_interval):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                low, high = which(coverage)
            for name in level_names():
                value, ends = getattr(measured, name), (getattr(low, name), getattr(high, name))
                assert math.isnan(ends[0]) == math.isnan(ends[1]) == math.isnan(value)
                if not math.isnan(value):
                    assert 0 <= ends[0] <= ends[1] < math.inf
                if not math.isnan(value) and which == statistics.interval:
                    assert ends[0] * (1 - 1e-12) <= value <= ends[1] * (1 + 1e-12)
                if "share" in name:
                    assert ends[1] <= 1
        # What exceeds 1 was measured, where residues differ in size.
        assert statistics.interval(coverage)[1].ratio <= max(1, measured.ratio)


@pytest.mark.parametrize(
    ("chains", "weights", "values"),
    [
        ([[1, 1, 1], [1, 1]], (3, 8, 1), {"ratio": 1, "ratio_relative": 1, "atom_share": 0}),
        ([[4, 4, 4]], (3, 8, 0), {"ratio": 1, "ratio_relative": 1, "atom_share": 0}),
        ([[4, 2], [3]], (1, 0, 0), {"chain_share": 1, "residue_share": 0, "atom_share": 0, "residue_relative": 0}),
        ([[4], [2]], (1, 4, 4), {"residue_share": 0}),
    ],
)
@pytest.mark.parametrize("n_frames", [2, 20, 50])
def test_what_does_not_vary_is_its_own_interval(nest, chains, weights, values, n_frames):
    hierarchy = nest(chains)
    frames = add_noise(
        torch.zeros(hierarchy.n_atoms, 3),
        hierarchy,
        1.0,
        LevelWeights(*weights),
        n_frames=n_frames,
        dtype=torch.float32,
    )
    statistics = LevelStatistics(hierarchy)
    statistics.add(residue_sums(frames, hierarchy))
    for name, value in values.items():
        for ends in (statistics.interval(), statistics.prediction_interval()):
            # Float32 draws.
            assert [getattr(end, name) for end in ends] == pytest.approx([value, value], abs=2e-6), name


def test_frames_that_spread_more_than_noise_are_believed(natural):
    # Each frame moves by a factor of its own: the frames say so, the number of residues does not.
    pool = simulate(natural, PRESETS["flat"], POOL, seed=8)
    scale = np.exp(np.random.default_rng(1).normal(0, 0.5, POOL))
    pool = MeanSquares(*(values * scale**2 for values in pool))
    places = np.random.default_rng(2).integers(POOL, size=(GROUPS, 20))
    ends = confidence(MeanSquares(*(values[places] for values in pool)), natural)
    true = levels_of_squares(MeanSquares(*(values.mean() for values in pool)), 1.0)
    for name in ("atom", "residue", "residue_relative", "neighbor"):
        assert held(ends, getattr(true, name), name) > 0.85, name


@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_other_coverages(natural, coverage):
    pool = simulate(natural, PRESETS["rb"], POOL, seed=9)
    places = np.random.default_rng(3).integers(POOL, size=(GROUPS, 10))
    groups = MeanSquares(*(values[places] for values in pool))
    true = levels_of_squares(MeanSquares(*(values.mean() for values in pool)), 1.0)
    slack = 0.02 + 4 * math.sqrt(coverage * (1 - coverage) / GROUPS)
    for name in level_names():
        assert held(confidence(groups, natural, 1.0, coverage), getattr(true, name), name) == pytest.approx(
            coverage, abs=slack
        ), name


def test_the_simulation_has_the_closed_forms(hierarchies):
    for name, hierarchy in hierarchies.items():
        pool = simulate(hierarchy, PRESETS["rb"], 4000, seed=11)
        expected = expected_levels(hierarchy, PRESETS["rb"])
        for field in LENGTHS:
            square = {"atom": pool.of_chains + pool.of_residues + pool.of_atoms, "residue": pool.residue}.get(field)
            square = (
                getattr(pool, {"chain": "chain", "neighbor": "neighbor"}.get(field, "relative"))
                if square is None
                else square
            )
            if field == "atom_relative":
                square = pool.residues_inside + pool.atoms_inside
            error = square.std() / math.sqrt(4000)
            assert abs(square.mean() - getattr(expected, field) ** 2) < 4 * error, (name, field)


def relative_variance(form, covariance):
    """Variance over squared mean of x' form x in three coordinates, from dense matrices."""
    product = form @ covariance
    return 2 / 3 * np.trace(product @ product) / np.trace(product) ** 2 if np.trace(product) > 1e-12 else 0.0


@given(hierarchy=st.from_type(Hierarchy), weights=st.from_type(LevelWeights))
def test_variances_are_those_of_dense_quadratic_forms(oracle, hierarchy, weights):
    to, sigma = oracle.maps(hierarchy), oracle.covariance(hierarchy, weights)
    atoms, residues = oracle.in_longer_chains(hierarchy)
    chains = np.array(
        [residues[hierarchy.residue_to_chain.numpy() == chain].all() for chain in range(hierarchy.n_chains)]
    )
    in_chain = hierarchy.atoms_per_chain.numpy()

    def form(matrix, weight=None):
        weight = np.ones(len(matrix)) if weight is None else weight
        return matrix.T @ np.diag(weight) @ matrix

    forms = {
        "residue": form(to.residue) / hierarchy.n_residues,
        "chain": form(to.chain) / hierarchy.n_chains,
        "relative": form(to.residue_relative, residues) / max(residues.sum(), 1),
        "neighbor": form(to.neighbor) / max(len(to.neighbor), 1),
        "of_chains": form(to.chain_on_atoms) / hierarchy.n_atoms,
        "of_residues": form(to.residue_on_atoms) / hierarchy.n_atoms,
        "of_atoms": form(to.atom_in_residue) / hierarchy.n_atoms,
        "means_inside": form(to.residue, residues) / max(residues.sum(), 1),
        "chains_inside": form(to.chain, in_chain * chains) / max(atoms.sum(), 1),
        "residues_inside": form(to.residue_on_atoms, atoms) / max(atoms.sum(), 1),
        "atoms_inside": form(to.atom_in_residue, atoms) / max(atoms.sum(), 1),
    }
    traces = {name: np.trace(matrix @ sigma) for name, matrix in forms.items()}
    squares = MeanSquares(**{name: np.array(trace if trace > 1e-12 else 0.0) for name, trace in traces.items()})
    found = variances(Layout(hierarchy), squares)
    dense = {
        name: forms[form_]
        for name, form_ in (
            ("residue", "residue"),
            ("chain", "chain"),
            ("relative", "relative"),
            ("neighbor", "neighbor"),
            ("chains", "chains_inside"),
            ("residues", "of_residues"),
            ("atoms", "atoms_inside"),
        )
    }
    dense["alone"] = form(to.chain, in_chain * ~chains)
    dense["atoms_alone"] = form(to.atom_in_residue, ~atoms)
    for name, matrix in dense.items():
        wanted = relative_variance(matrix, sigma)
        # Of a part that is nothing there is no variance; that of atoms is known all the same.
        if wanted or "atoms" not in name:
            assert getattr(found, name) == pytest.approx(wanted, rel=1e-7, abs=1e-9), name

    def of_quotient(top, bottom):
        if min(np.trace(top @ sigma), np.trace(bottom @ sigma)) < 1e-12:
            return None
        difference = (top / np.trace(top @ sigma) - bottom / np.trace(bottom @ sigma)) @ sigma
        return 2 / 3 * np.trace(difference @ difference)

    both = ("of_chains", "of_residues", "of_atoms")
    quotients = {
        "ratio": (forms["residue"], sum(forms[name] for name in both)),
        "ratio_relative": (forms["relative"], forms["residues_inside"] + forms["atoms_inside"]),
        "weighting": (forms["means_inside"], forms["chains_inside"] + forms["residues_inside"]),
        "weighting_relative": (forms["relative"], forms["residues_inside"]),
    }
    for name, (top, bottom) in quotients.items():
        wanted = of_quotient(top, bottom)
        if wanted is not None:
            assert getattr(found, name) == pytest.approx(wanted, rel=1e-6, abs=1e-9), name
