"""Preconditioning: closed forms against dense linear algebra and draws, the reference table, networks."""

import csv
import math
from dataclasses import astuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pomodoro_pymol.diffusion.choices import VARIANTS
from pomodoro_pymol.diffusion.estimate import Estimate, broadcast_heads
from pomodoro_pymol.diffusion.network import denoise_scaled, edm_denoise
from pomodoro_pymol.diffusion.precondition import (
    LEVELS,
    centred_data,
    data_variances,
    degrees_of_freedom,
    edm_scalings,
    level_scalings,
    linear_skip_error,
    noise_variances,
    own_sigma_data,
    residue_noises,
    residue_spreads,
    target_variance,
)
from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.experiments.scaling_report import scaling_csv, scaling_text
from pomodoro_pymol.experiments.scalings import (
    CENTRED,
    HEAD_COLUMNS,
    HEADS,
    KEPT,
    head_table,
    measure_heads,
    scaling_table,
    total_errors,
)
from pomodoro_pymol.io.read import read_structure
from pomodoro_pymol.noise.draw import add_noise
from pomodoro_pymol.noise.sigma import sigma_from_z
from pomodoro_pymol.noise.weights import FLAT, PRESETS, LevelWeights
from pomodoro_pymol.structure.hierarchy import Hierarchy, join_levels, split_levels

# A centred 32-residue helix: shift of 1 A, Rg**2 / 3, spread of atoms about their residue's mean.
HELIX = (1.0, 71.0, 2.2)

# Linear-skip error on 2JUY, square angstrom per coordinate. SCIENCE.md, section 4: one sigma with sigma_data 16 and
# with the object's own, per level, the note's with both, and centred one sigma and per level. Its 4.82 is that of
# z = 0, 4.8191.
COLUMNS = ("global", "global own", "levels", "note", "note own", "centred global", "centred levels")
REFERENCE = {
    ("ms", 4.8191): (19.70, 12.13, 4.91, 20.65, 10.35, 4.77, 3.96),
    ("ms", 21.6): (69.15, 24.07, 19.66, 114.3, 21.24, 20.24, 18.66),
    ("rb", 4.8191): (19.70, 12.13, 9.41, 20.87, 12.76, 11.05, 8.66),
    ("3-8-1", 4.8191): (19.70, 12.13, 10.76, 21.08, 14.21, 9.94, 9.90),
    ("3-8-1", 21.6): (69.15, 24.07, 23.71, 134.6, 27.53, 22.74, 22.72),
}
SIZES = {
    "one chain": [[4, 8, 6, 1, 7]],
    "two chains": [[4, 7, 3], [8, 5, 1]],
    "seven chains, ions and a ligand": [[5, 8], [7, 4], [1], [1], [22], [9, 3], [4, 1, 4]],
    "residues of one atom": [[1, 1, 1], [1, 1]],
    "chains of one residue": [[3], [1], [7]],
    "one atom": [[1]],
}
WEIGHTS = [*PRESETS.values(), LevelWeights(1, 2, 0), LevelWeights(3, 0, 1), LevelWeights(0, 1, 0)]


@pytest.fixture(scope="module")
def nmr(nmr_models):
    """The states of 2JUY, their hierarchy and level variances."""
    structure, states = nmr_models
    hierarchy = Hierarchy.from_structure(structure)
    return torch.from_numpy(states), hierarchy, data_variances(torch.from_numpy(states), hierarchy)


def projectors(hierarchy, oracle, centred=False):
    """Dense projectors of one coordinate of the atoms onto the three levels, and the levels' freedom.

    Centred, without the translation of the whole.
    """
    atom_residue, residue_chain = oracle.membership(hierarchy)
    atom_chain = atom_residue @ residue_chain
    residue = atom_residue @ np.diag(1 / atom_residue.sum(0)) @ atom_residue.T
    chain = atom_chain @ np.diag(1 / atom_chain.sum(0)) @ atom_chain.T
    n, r, c = len(chain), residue_chain.shape[0], residue_chain.shape[1]
    whole = np.full((n, n), 1 / n) if centred else 0
    freedom = ((c - 1) / c if centred else 1.0, (r - c) / r, (n - r) / n)
    return (chain - whole, residue - chain, np.eye(n) - residue), freedom


def random(hierarchy, seed=0, lead=(3,)):
    return torch.from_numpy(np.random.default_rng(seed).normal(2, 5, (*lead, hierarchy.n_atoms, 3)))


@pytest.mark.parametrize("convention", ["af3", "edm"])
@given(sigma=st.floats(1e-3, 1e4), sigma_data=st.floats(0.1, 100))
def test_scalings_are_those_of_karras(convention, sigma, sigma_data):
    found = edm_scalings(sigma, sigma_data, convention)
    assert found.c_skip == pytest.approx(sigma_data**2 / (sigma**2 + sigma_data**2), rel=1e-12)
    assert found.c_out == pytest.approx(sigma * sigma_data / (sigma**2 + sigma_data**2) ** 0.5, rel=1e-12)
    assert found.c_in == pytest.approx(1 / (sigma**2 + sigma_data**2) ** 0.5, rel=1e-12)
    reference = math.log(sigma) if convention == "edm" else math.log(sigma / sigma_data)
    assert found.c_noise == pytest.approx(reference / 4, rel=1e-12)


def close(reference):
    """To half of the last place in which the sheet gives it."""
    return pytest.approx(reference, abs=0.0501 if reference > 100 else 0.00501)


@pytest.mark.parametrize(("name", "sigma"), REFERENCE)
def test_the_reference_table_is_made_again(nmr, name, sigma):
    _, hierarchy, data = nmr
    assert data == pytest.approx((1, 23.55, 1.80), abs=5e-3)
    assert own_sigma_data(hierarchy, data) == pytest.approx(5.038, abs=5e-4)
    totals = total_errors(scaling_table(hierarchy, PRESETS[name], [sigma], data))
    assert (*KEPT, *CENTRED) == COLUMNS
    assert list(totals) == [(sigma, column) for column in COLUMNS]
    for column, reference in zip(COLUMNS, REFERENCE[name, sigma]):
        assert totals[sigma, column] == close(reference), column


@pytest.mark.parametrize("name", ["ms", "rb", "3-8-1"])
def test_columns_with_the_own_sigma_data_are_those_of_giving_it(nmr, name):
    _, hierarchy, data = nmr
    own = own_sigma_data(hierarchy, data)
    here = total_errors(scaling_table(hierarchy, PRESETS[name], [4.82], data))
    given = total_errors(scaling_table(hierarchy, PRESETS[name], [4.82], data, sigma_data=own))
    for variant in ("global", "note"):
        assert given[4.82, variant] == given[4.82, f"{variant} own"] == here[4.82, f"{variant} own"]
    for column in ("levels", *CENTRED):
        assert given[4.82, column] == here[4.82, column]


def draw(hierarchy, oracle, weights, sigma, n_frames, seed):
    """Noise by the definition, shape=(n_frames, n_atoms, 3)."""
    atom_residue, residue_chain = oracle.membership(hierarchy)
    rng = np.random.default_rng(seed)
    maps = (atom_residue @ residue_chain, atom_residue, np.eye(len(atom_residue)))
    parts = (onto @ rng.normal(size=(n_frames, onto.shape[1], 3)) for onto in maps)
    return sigma * sum(share**0.5 * part for share, part in zip(weights.shares, parts))


@pytest.mark.parametrize(("name", "sigma"), [("ms", 4.8191), ("3-8-1", 21.6)])
def test_the_reference_table_is_that_of_draws(nmr, oracle, name, sigma):
    """All seven columns, of noised states: shifted, as in training, or centred."""
    states, hierarchy, data = nmr
    states = states.double().numpy()
    truth = np.tile(states - states.mean(1, keepdims=True), (40, 1, 1))
    noise = draw(hierarchy, oracle, PRESETS[name], sigma, len(truth), 5)
    shifted = truth + np.random.default_rng(3).normal(size=(len(truth), 1, 3))
    levels, _ = projectors(hierarchy, oracle)
    rows = scaling_table(hierarchy, PRESETS[name], [sigma], data)
    for column, reference in zip(COLUMNS, REFERENCE[name, sigma]):
        y, n = (truth, noise - noise.mean(1, keepdims=True)) if column in CENTRED else (shifted, noise)
        skips = {row.level: row.scalings.c_skip for row in rows if row.variant == column}
        skip = sum(skips[level] * onto for level, onto in zip(LEVELS, levels) if level in skips)
        squares = ((y - skip @ (y + n)) ** 2).mean((1, 2))
        error = squares.std() / len(squares) ** 0.5
        assert error < 0.03 * reference
        assert squares.mean() == pytest.approx(reference, abs=4 * error + 0.05 * (reference > 100)), column


@pytest.mark.parametrize(("name", "wide", "narrow"), [("ms", 0.15, 0.52), ("3-8-1", 0.62, 0.79)])
def test_variants_per_level_normalise_the_target(nmr, name, wide, narrow):
    """SCIENCE.md, section 4: of the residue level at sigma 4.82."""
    _, hierarchy, data = nmr
    rows = scaling_table(hierarchy, PRESETS[name], [4.82], data)
    target = {row.variant: row.target for row in rows if row.level == "residue"}
    assert target["global"] == pytest.approx(wide, abs=0.005)
    assert target["global own"] == pytest.approx(narrow, abs=0.005)
    for variant in ("note", "note own"):
        assert target[variant] == pytest.approx(1, abs=0.1)
    for variant in ("levels", "centred levels"):
        assert target[variant] == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("name", ["ms", "rb", "3-8-1"])
def test_the_weight_of_the_loss_goes_with_the_scalings(nmr, name):
    """Of one sigma it is that of Karras; of each level its own, under which every level's target weighs the same."""
    _, hierarchy, data = nmr
    own = own_sigma_data(hierarchy, data)
    for row in scaling_table(hierarchy, PRESETS[name], [4.82], data):
        weight = row.scalings.loss_weight
        if row.variant.startswith("global"):
            sd = own if row.variant.endswith("own") else 16
            assert weight == pytest.approx((4.82**2 + sd**2) / (4.82 * sd) ** 2, rel=1e-12)
        if row.variant.endswith("levels"):
            assert weight == pytest.approx((row.noise + row.data) / (row.noise * row.data), rel=1e-12)
        free = degrees_of_freedom(hierarchy, centred=row.variant in CENTRED)[LEVELS.index(row.level)]
        assert weight * row.error == pytest.approx(free * row.target, rel=1e-12)
        again = edm_scalings(row.scalings.sigma, row.scalings.sigma_data)
        assert astuple(again) == pytest.approx(astuple(row.scalings), rel=1e-9)


@pytest.mark.parametrize(("name", "low", "high"), [("ms", -0.22, 0), ("rb", 0, 0.26), ("3-8-1", 0, 0.26)])
def test_the_note_against_one_sigma_of_the_same_sigma_data(nmr, name, low, high):
    """What docs/sampling.md says of all sigmas: with the own sigma_data better under ms, with 16 worse everywhere."""
    _, hierarchy, data = nmr
    totals = total_errors(scaling_table(hierarchy, PRESETS[name], np.geomspace(0.5, 400, 60), data))
    sigmas = {sigma for sigma, _ in totals}
    own = [totals[sigma, "note own"] / totals[sigma, "global own"] - 1 for sigma in sigmas]
    assert [min(own), max(own)] == pytest.approx([low, high], abs=0.005)
    assert all(totals[sigma, "note"] > totals[sigma, "global"] for sigma in sigmas)


#: Of a residue head on 2JUY, sigma_data 16 and 5.038, under one sigma, the note's, and best: SCIENCE.md, section 4.
ABSOLUTE = {"global own": 20.71, "note own": 42.7, "best": 20.71}


def test_where_residues_are_has_a_head_of_its_own(nmr, oracle):
    """Under ms at sigma 21.6 the note takes .144 of the variance where residue means have .892."""
    states, hierarchy, data = nmr
    sigma, weights, own = 21.6, PRESETS["ms"], own_sigma_data(hierarchy, data)
    sizes = np.bincount(hierarchy.atom_to_residue.numpy())
    c, r, a = weights.shares
    assert residue_noises(hierarchy, weights, 1.0)[1] == pytest.approx(c + r + a * (1 / sizes).mean(), rel=1e-12)
    spreads = measure_heads(states.numpy(), hierarchy, data)
    rows = head_table(hierarchy, weights, [sigma], spreads, own)
    assert [(row.level, row.variant) for row in rows] == [(head, column) for head in HEADS for column in HEAD_COLUMNS]
    absolute = {row.variant: row for row in rows if row.level == "absolute"}
    assert absolute["best"].noise / sigma**2 == pytest.approx(0.892, abs=5e-4)
    assert (absolute["note"].scalings.sigma / sigma) ** 2 == pytest.approx(0.144, abs=5e-4)
    for column, reference in ABSOLUTE.items():
        assert absolute[column].error == pytest.approx(reference, abs=0.051 if reference == 42.7 else 0.0051)
    assert absolute["best"].target == pytest.approx(1, rel=1e-12)

    truth = np.tile(states.double().numpy(), (20, 1, 1))
    truth = truth - truth.mean(1, keepdims=True) + np.random.default_rng(3).normal(size=(len(truth), 1, 3))
    atom_residue, residue_chain = oracle.membership(hierarchy)
    absolute_means = (atom_residue / sizes).T
    in_chain = (atom_residue @ residue_chain / (atom_residue @ residue_chain).sum(0)).T
    about = {"absolute": absolute_means, "relative": absolute_means - residue_chain @ in_chain}
    noise = draw(hierarchy, oracle, weights, sigma, len(truth), 7)
    for row in rows:
        y, n = about[row.level] @ truth, about[row.level] @ noise
        squares = ((y - row.scalings.c_skip * (y + n)) ** 2).mean((1, 2))
        assert squares.mean() == pytest.approx(row.error, abs=4 * squares.std() / len(squares) ** 0.5), row


@pytest.mark.parametrize("sizes", SIZES)
def test_variances_of_heads_are_those_of_dense_projections(nest, oracle, sizes):
    hierarchy = nest(SIZES[sizes], seed=2)
    atom_residue, residue_chain = oracle.membership(hierarchy)
    atom_chain = atom_residue @ residue_chain
    means = (atom_residue / atom_residue.sum(0)).T
    about = means - residue_chain @ (atom_chain / atom_chain.sum(0)).T
    for weights in WEIGHTS:
        covariance = 9 * oracle.covariance(hierarchy, weights)
        expected = [np.trace(onto @ covariance @ onto.T) / len(onto) for onto in (about, means)]
        assert residue_noises(hierarchy, weights, 3.0) == pytest.approx(expected, rel=1e-12, abs=1e-12)
    states = random(hierarchy).numpy()
    centred = states - states.mean(1, keepdims=True)
    expected = [((onto @ centred) ** 2).mean() for onto in (about, means)]
    found = residue_spreads(torch.from_numpy(states), hierarchy, shift=2)
    assert found == pytest.approx((expected[0], expected[1] + 4), rel=1e-12, abs=1e-12)


def test_given_data_have_the_spread_of_residues_of_equal_size(nest):
    hierarchy = nest([[5] * 7, [5] * 7, [5] * 7], seed=4)
    states = random(hierarchy)
    data = data_variances(states, hierarchy)
    given = ":".join(str(value**0.5) for value in data)
    assert measure_heads(states.numpy(), hierarchy, data, given) == pytest.approx(
        measure_heads(states.numpy(), hierarchy, data), rel=1e-9
    )


def test_heads_of_which_nothing_moves_are_left_out(nest):
    def found(chains, weights):
        hierarchy = nest(chains)
        spreads = residue_spreads(random(hierarchy), hierarchy)
        return {(row.level, row.variant) for row in head_table(hierarchy, weights, [1.0], spreads, 5.0)}

    assert {head for head, _ in found([[3], [4]], PRESETS["ms"])} == {"absolute"}
    assert {column for _, column in found([[3, 2], [4, 1]], FLAT)} == {"global", "global own", "best"}


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("centred", [False, True])
def test_level_variances_are_those_of_dense_projections(nest, oracle, sizes, centred):
    hierarchy = nest(SIZES[sizes], seed=2)
    levels, freedom = projectors(hierarchy, oracle, centred)
    assert degrees_of_freedom(hierarchy, centred=centred) == pytest.approx(freedom, rel=1e-12)
    for weights in WEIGHTS:
        covariance = 9 * oracle.covariance(hierarchy, weights)
        found = noise_variances(hierarchy, weights, 3.0, centred=centred)
        for variance, level, free in zip(found, levels, freedom):
            if free:
                expected = np.trace(level @ covariance) / len(covariance) / free
                assert variance == pytest.approx(expected, rel=1e-12, abs=1e-12)
        assert found[0] == 0 or not (centred and hierarchy.n_chains == 1)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_levels_without_freedom_have_the_variance_of_equal_groups(nest, oracle, weights):
    for sizes, larger in (([[3], [3]], [[3, 3], [3, 3]]), ([[1, 1]], [[1, 1]]), ([[1]], [[1, 1]])):
        levels, freedom = projectors(nest(larger), oracle)
        covariance = oracle.covariance(nest(larger), weights)
        found = noise_variances(nest(sizes), weights, 1.0)
        assert found[1] == pytest.approx(np.trace(levels[1] @ covariance) / len(covariance) / freedom[1], rel=1e-12)
        assert found[2] == pytest.approx(weights.shares[2], rel=1e-15)


@pytest.mark.parametrize("sizes", SIZES)
def test_the_error_of_c_skip_is_that_of_dense_matrices(nest, oracle, sizes):
    """Of any c_skip per level, for groups of any size, with the shift of training and centred."""
    hierarchy, weights = nest(SIZES[sizes], seed=2), PRESETS["rb"]
    levels, freedom = projectors(hierarchy, oracle)
    n = hierarchy.n_atoms
    centre = np.eye(n) - 1 / n
    of_noise = 25 * oracle.covariance(hierarchy, weights)
    # Centred states of a nested law, under a random shift of 1 A.
    of_data = 60 * centre @ oracle.covariance(hierarchy, LevelWeights(1, 20, 2)) @ centre + 1
    data = tuple(np.trace(level @ of_data) / n / free if free else 1.0 for level, free in zip(levels, freedom))
    rows = scaling_table(hierarchy, weights, [5.0], data, sigma_data=6.0)
    totals = total_errors(rows)
    assert {column for _, column in totals} == ({*KEPT} if n == 1 else {*COLUMNS})
    for (_, column), total in totals.items():
        frame = centre if column in CENTRED else np.eye(n)
        skips = {row.level: row.scalings.c_skip for row in rows if row.variant == column}
        skip = sum(skips.get(level, 0) * onto @ frame for level, onto in zip(LEVELS, levels))
        off = frame - skip
        error = np.trace(skip @ of_noise @ skip.T + off @ of_data @ off.T) / n
        assert total == pytest.approx(error, rel=1e-12)
        if column.endswith("levels"):  # no c_skip of any level does better
            v, s = (np.array([np.trace(onto @ frame @ of) for onto in levels]) / n for of in (of_noise, of_data))
            some = v + s > 1e-12
            assert total == pytest.approx((v * s)[some] @ (1 / (v + s)[some]), rel=1e-10)
        if column == "centred global":
            v, s = (np.trace(centre @ of) / n for of in (of_noise, of_data))
            assert total == pytest.approx(v * s / (v + s), rel=1e-10)


def test_centred_data_are_without_the_shift(nest, oracle):
    """The chains' places about the centroid are left; one chain has none, whatever its level is given."""
    for chains in SIZES.values():
        hierarchy = nest(chains, seed=2)
        states = random(hierarchy)
        centred = (states - states.mean(1, keepdim=True)).numpy()
        levels, freedom = projectors(hierarchy, oracle, centred=True)
        found = centred_data(hierarchy, data_variances(states, hierarchy))
        for variance, level, free in zip(found, levels, freedom):
            if free:
                assert variance == pytest.approx(((level @ centred) ** 2).mean() / free, rel=1e-9)
        if hierarchy.n_chains == 1:
            assert centred_data(hierarchy, (9.0, 4.0, 1.0)) == (0, 4, 1)


def test_data_of_a_nested_law_have_the_variances_of_its_noise(nest, oracle):
    """`data_variances` expects of such states what `noise_variances` says of the law, whatever the sizes."""
    hierarchy, law = nest(SIZES["seven chains, ions and a ligand"], seed=2), LevelWeights(2, 9, 3)
    covariance = 14 * oracle.covariance(hierarchy, law)
    root = np.linalg.cholesky(covariance)
    draws = np.random.default_rng(1).normal(size=(1500, len(root), 3))
    each = np.array([data_variances(torch.from_numpy(root @ draw)[None], hierarchy, shift=0) for draw in draws])
    error = each.std(0) / len(each) ** 0.5
    _, residue, atom = noise_variances(hierarchy, law, 14**0.5)
    # Centring takes the whole structure's translation out of the chains.
    levels, _ = projectors(hierarchy, oracle)
    chain = np.trace(levels[0] @ covariance) / len(covariance) - covariance.mean()
    assert (np.abs(each.mean(0) - (chain, residue, atom)) < 4 * error).all()


@pytest.mark.parametrize(
    ("name", "off"),
    [("flat", 1.27), ("ms", -0.09), ("3-8-1", -0.21)],
)
def test_a_mean_over_residues_is_no_level_variance(cmd, name, off):
    """SCIENCE.md, section 4: w_r + w_a mean(1 / n) over the exact variance, 1hpv with each water a chain."""
    structure = read_structure(cmd.exp_path("$PYMOL_DATA/tut/1hpv.pdb"), solvent=True)
    hierarchy = Hierarchy.from_structure(structure)
    sizes = np.bincount(hierarchy.atom_to_residue.numpy())
    _, residue, atom = PRESETS[name].shares
    rough = residue + atom * (1 / sizes).mean()
    assert rough / noise_variances(hierarchy, PRESETS[name], 1.0)[1] - 1 == pytest.approx(off, abs=0.005)


def test_flat_noise_on_natural_chains(nmr, natural):
    """SCIENCE.md, section 4: off by mean(n) mean(1 / n) - 1, 6 to 13 %."""
    for hierarchy in (nmr[1], natural):
        sizes = np.bincount(hierarchy.atom_to_residue.numpy())
        off = sizes.mean() * (1 / sizes).mean() - 1
        assert (1 / sizes).mean() / noise_variances(hierarchy, FLAT, 1.0)[1] - 1 == pytest.approx(off, rel=1e-9)
        assert 0.055 < off < 0.135


def dense_error(hierarchy, weights, sigma, data, oracle):
    """The least error of any linear denoiser, from dense covariances; for residues of equal size."""
    noise = sigma**2 * oracle.covariance(hierarchy, weights)
    size = hierarchy.n_atoms / hierarchy.n_residues
    prior_weights = LevelWeights(data[0] - data[1] / hierarchy.n_residues, data[1] - data[2] / size, data[2])
    total = prior_weights.chain + prior_weights.residue + prior_weights.atom
    prior = total * oracle.covariance(hierarchy, prior_weights)
    return np.trace(prior @ np.linalg.solve(prior + noise, noise)) / hierarchy.n_atoms


@pytest.mark.parametrize("name", ["ms", "rb", "3-8-1"])
@pytest.mark.parametrize("sigma", [4.82, 21.6])
def test_the_optimum_per_level_is_that_of_the_dense_gaussian(nest, oracle, name, sigma):
    hierarchy, data = nest([[8] * 32]), (9.0, 71.0, 2.2)
    total = total_errors(scaling_table(hierarchy, PRESETS[name], [sigma], data))[sigma, "levels"]
    assert total == pytest.approx(dense_error(hierarchy, PRESETS[name], sigma, data, oracle), rel=1e-9)


def test_noise_variances_are_those_of_draws(nest):
    hierarchy = nest([[8] * 12, [8] * 12])
    frames = add_noise(torch.zeros(192, 3), hierarchy, 3.0, PRESETS["rb"], n_frames=2000, dtype=torch.float64)
    chain, residue, atom = split_levels(frames, hierarchy)
    for part, expected, free in zip(
        (chain, residue, atom), noise_variances(hierarchy, PRESETS["rb"], 3.0), (1, 22 / 24, 168 / 192)
    ):
        # Relative standard error of a variance over n numbers: sqrt(2 / n); five of them, at a fixed seed.
        n = 2000 * part.shape[1] * free * 3
        assert float(part.square().mean()) / free == pytest.approx(expected, rel=5 * (2 / n) ** 0.5)


def test_data_variances_add_up_to_the_spread(complex_):
    states = random(complex_)
    shares = degrees_of_freedom(complex_)
    found = data_variances(states, complex_, shift=0)
    centred = states - states.mean(1, keepdim=True)
    total = sum(share * value for share, value in zip(shares, found))
    assert total == pytest.approx(float(centred.square().mean()), rel=1e-12)
    shifted = data_variances(states + 30, complex_, shift=2)
    assert shifted[0] == pytest.approx(found[0] + 4, rel=1e-12)
    assert shifted[1:] == pytest.approx(found[1:], rel=1e-12)


def test_levels_without_freedom_have_unit_variance(nest):
    hierarchy = nest([[1, 1, 1]])
    assert data_variances(random(hierarchy), hierarchy)[2] == 1
    assert data_variances(random(nest([[3]])), nest([[3]]), shift=0)[:2] == (1, 1)  # one chain, one residue


@given(st.from_type(Hierarchy))
def test_levels_come_apart_and_together(hierarchy):
    x = random(hierarchy)
    parts = split_levels(x, hierarchy)
    torch.testing.assert_close(join_levels(parts, hierarchy), x, rtol=0, atol=1e-12)
    assert float(hierarchy.pool(parts[2]).abs().max()) < 1e-12
    on_atoms = hierarchy.broadcast(parts[1])
    assert float(hierarchy.pool(on_atoms, "chain").abs().max()) < 1e-12


@settings(max_examples=20)
@given(st.from_type(Hierarchy), st.integers(0, 99))
def test_broadcast_sets_the_means(hierarchy, seed):
    rng = np.random.default_rng(seed)
    atoms = random(hierarchy, seed)
    residues, chains = (
        torch.from_numpy(rng.normal(size=(3, n, 3))) for n in (hierarchy.n_residues, hierarchy.n_chains)
    )
    moved = broadcast_heads(Estimate(atoms, residues, chains), hierarchy)
    # By loops: first every residue, then every chain.
    expected = atoms.clone()
    for wanted, index in ((residues, hierarchy.atom_to_residue), (chains, hierarchy.atom_to_chain)):
        for group in range(wanted.shape[1]):
            members = index == group
            expected[:, members] += (wanted[:, group] - expected[:, members].mean(1))[:, None]
    torch.testing.assert_close(moved, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(hierarchy.pool(moved, "chain"), chains, rtol=0, atol=1e-12)
    sure = torch.tensor([[0.5, 0.5], [0.991, 0.009], [0.99, 0.01]], dtype=torch.float64)
    gated = broadcast_heads(Estimate(atoms, residues, chains, sure), hierarchy, 0.99)
    assert torch.equal(gated, torch.stack([moved[0], atoms[1], moved[2]]))
    assert torch.equal(broadcast_heads(Estimate(atoms, residues, chains, sure), hierarchy), moved)
    assert torch.equal(broadcast_heads(Estimate(atoms), hierarchy), atoms)


def scalings(hierarchy, variant="levels", sigma=4.82):
    return level_scalings(variant, hierarchy, PRESETS["3-8-1"], sigma, data=HELIX)


def watched():
    """A network, and what it was asked."""
    seen = []

    def network(coords, c_noise):
        seen.append((coords, c_noise))
        return torch.tanh(coords)

    return network, seen


def test_one_sigma_is_plain_edm(complex_):
    x, own = random(complex_), edm_scalings(4.82)
    network, seen = watched()
    found = denoise_scaled(network, x, complex_, scalings(complex_, "global"))
    torch.testing.assert_close(seen[0][0], own.c_in * x)
    torch.testing.assert_close(seen[0][1], torch.full((3, 3), own.c_noise, dtype=x.dtype))
    torch.testing.assert_close(found.atoms, own.c_skip * x + own.c_out * torch.tanh(own.c_in * x))
    assert found.residues is None


def test_each_level_has_its_scalings(complex_):
    x, levels = random(complex_), scalings(complex_)
    network, seen = watched()
    found = denoise_scaled(network, x, complex_, levels).atoms
    torch.testing.assert_close(seen[0][1][0].tolist(), [level.c_noise for level in levels])
    predicted = split_levels(torch.tanh(seen[0][0]), complex_)
    for own, level, scaled, before, after in zip(
        levels, predicted, split_levels(seen[0][0], complex_), split_levels(x, complex_), split_levels(found, complex_)
    ):
        torch.testing.assert_close(scaled, own.c_in * before)
        torch.testing.assert_close(after, own.c_skip * before + own.c_out * level)


def test_a_network_that_knows_the_target_restores_the_truth(complex_):
    truth, x = random(complex_, 1), random(complex_, 2)
    levels = scalings(complex_)

    def target(values, noised):
        return [(y - own.c_skip * n) / own.c_out for own, y, n in zip(levels, values, noised)]

    def network(coords, c_noise):
        chain, residue, atom = target(split_levels(truth, complex_), split_levels(x, complex_))
        atoms = join_levels((chain, residue, atom), complex_)
        return atoms, complex_.pool(atoms), complex_.pool(atoms, "chain")

    found = denoise_scaled(network, x, complex_, levels)
    torch.testing.assert_close(found.atoms, truth)
    torch.testing.assert_close(found.residues, complex_.pool(truth))
    torch.testing.assert_close(found.chains, complex_.pool(truth, "chain"))


@pytest.mark.parametrize("variant", VARIANTS)
def test_edm_denoise_takes_the_scalings_of_its_sigma(complex_, variant):
    options = {"data": (1.0, 50.0, 2.0), "sigma_data": 9.0, "convention": "edm"}
    x, weights = random(complex_), PRESETS["ms"]
    found = edm_denoise(torch_sin, x, 3.0, complex_, weights, variant=variant, **options)
    expected = denoise_scaled(torch_sin, x, complex_, level_scalings(variant, complex_, weights, 3.0, **options))
    assert torch.equal(found.atoms, expected.atoms)


def torch_sin(coords, c_noise):
    return coords.sin() * c_noise.sum(1)[:, None, None]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_target_has_the_variance_that_is_told(nest, variant):
    hierarchy, sigma = nest([[8] * 16]), 4.82
    data, noise = (9.0, 71.0, 2.2), noise_variances(hierarchy, PRESETS["3-8-1"], 4.82)
    own = level_scalings(variant, hierarchy, PRESETS["3-8-1"], sigma, data=data)
    rng = np.random.default_rng(0)
    for level, v, s in zip(own, noise, data):
        y, n = rng.normal(0, s**0.5, 200_000), rng.normal(0, v**0.5, 200_000)
        skipped = y - level.c_skip * (y + n)
        # Relative standard error of a variance: sqrt(2 / 200000) = .3 %; five of them.
        assert (skipped**2).mean() == pytest.approx(linear_skip_error(level, v, s), rel=0.016)
        assert ((skipped / level.c_out) ** 2).mean() == pytest.approx(target_variance(level, v, s), rel=0.016)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (lambda x: x[:, :-1], "must return atoms"),
        (lambda x: x[0], "must return atoms"),
        (lambda x: (x, x, x), "must return atoms"),
        (lambda x: (x, x), "must return atoms"),
        (lambda x: None, "not NoneType"),
        (lambda x: (x, None, x), "NoneType"),
        (lambda x: x * float("nan"), "not finite"),
        (lambda x: x / 0, "not finite"),
    ],
)
def test_networks_that_do_not_fit(complex_, output, message):
    with pytest.raises(PomodoroError, match=message):
        denoise_scaled(lambda coords, c_noise: output(coords), random(complex_), complex_, scalings(complex_))


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda h: level_scalings("best", h, FLAT, 1.0, data=HELIX), "variant must be one of levels, global, note"),
        (lambda h: level_scalings("note", h, FLAT, 1.0, data=HELIX), "needs noise at the chain level: give wc"),
        (lambda h: level_scalings("levels", h, LevelWeights(1, 1, 0), 1.0, data=HELIX), "atom level: give wa"),
        (lambda h: edm_scalings(0.0), "must be positive"),
        (lambda h: edm_scalings(1.0, math.nan), "must be positive"),
        (lambda h: edm_scalings(1.0, convention="edm2"), "convention must be one of"),
    ],
)
def test_bad_input(complex_, ask, message):
    with pytest.raises(PomodoroError, match=message):
        ask(complex_)


def test_the_table_leaves_out_what_has_no_meaning(natural, complex_):
    def columns(weights, hierarchy=natural, data=HELIX):
        return {row.variant for row in scaling_table(hierarchy, weights, [1.0], data)}

    assert columns(FLAT) == {"levels", "global", "global own", *CENTRED}
    assert columns(LevelWeights(1, 1, 0)) == {"global", "global own", "note", "note own", "centred global"}
    assert columns(LevelWeights(1, 0, 0)) == {"global", "global own"}  # nothing is left of it once it is centred
    assert columns(PRESETS["ms"]) == {*COLUMNS}
    assert columns(PRESETS["ms"], complex_, (70.0, 71.0, 2.2)) == {*COLUMNS}
    # Chains that all stand at the centroid.
    assert columns(PRESETS["ms"], complex_) == {*COLUMNS} - {"centred levels"}


def test_of_one_chain_nothing_is_left_of_its_level(natural, complex_):
    for hierarchy, levels in ((natural, LEVELS[1:]), (complex_, LEVELS)):
        rows = scaling_table(hierarchy, PRESETS["ms"], [1.0], (70.0, 71.0, 2.2))
        for column in CENTRED:
            assert tuple(row.level for row in rows if row.variant == column) == levels


def test_text_and_csv_say_the_same(natural):
    settings = (natural, PRESETS["ms"], [1.0, 4.82])
    rows = scaling_table(*settings, HELIX) + head_table(*settings, (70.0, 71.0), 8.5)
    text, table = scaling_text(rows), list(csv.DictReader(scaling_csv(rows).splitlines()))
    assert len(table) == len(rows) == 2 * (5 * 3 + 2 * 2 + 2 * 5)
    for row, cells in zip(rows, table):
        assert (row.variant, row.level) == (cells["variant"], cells["level"])
        assert float(cells["c_skip"]) == pytest.approx(row.scalings.c_skip, rel=1e-5)
        assert float(cells["squared_error_per_coordinate"]) == pytest.approx(row.error, rel=1e-5)
        weight = float(cells["loss_weight_per_coordinate_per_square_angstrom"])
        assert weight == pytest.approx(row.scalings.c_out**-2, rel=1e-5)
        assert float(cells["scaling_sigma_data_per_coordinate"]) == pytest.approx(row.scalings.sigma_data, rel=1e-5)
        shown = (f"{row.scalings.c_skip:.4f}", f"{row.target:.4g}", f"{weight:.4g}") if row.level in LEVELS else ()
        assert all(number in text for number in (*shown, f"{row.error:.4g}"))
    for total in total_errors(rows).values():
        assert f"{total:.4g}" in text


@pytest.mark.parametrize("name", PRESETS)
def test_the_text_fits_the_console(nmr, natural, complex_, name):
    for hierarchy, data in ((nmr[1], nmr[2]), (natural, (1.0, 64.0, 1.8)), (complex_, (3e4, 2e5, 2.2))):
        sigmas = [sigma_from_z(z) for z in (-6, -1.2, 0, 3.33, 6)]
        own = own_sigma_data(hierarchy, data)
        rows = scaling_table(hierarchy, PRESETS[name], sigmas, data, sigma_data=123.456)
        rows += head_table(hierarchy, PRESETS[name], sigmas, (data[1], data[0] + data[1]), own, sigma_data=123.456)
        assert [line for line in scaling_text(rows).splitlines() if len(line) > 110] == []


def said(hierarchy, weights, sigma, data, **settings):
    """The sentences on one sigma, in one."""
    lines = scaling_text(scaling_table(hierarchy, weights, [sigma], data, **settings)).splitlines()
    first = next(place for place, line in enumerate(lines) if line.startswith(f" sigma {sigma:.4g} A"))
    return "; ".join(line.strip() for line in lines[first:])


@pytest.mark.parametrize(
    ("name", "sigma", "best", "alone", "note", "centred"),
    [
        ("ms", 4.8191, (75, 60), "51 %, most of it,", "4.8 % worse, 15 % better", "17 % better than"),
        ("ms", 21.6, (72, 18), "91 %, most of it,", "65 % worse, 12 % better", "7.8 % better than"),
        ("rb", 4.8191, (52, 22), "74 %, most of it,", "6.0 % worse, 5.2 % worse", "22 % better than"),
        ("3-8-1", 4.8191, (45, 11), "85 %, most of it,", "7.0 % worse, 17 % worse", "0.5 % better than"),
        ("3-8-1", 21.6, (66, 1.5), "99 %, most of it,", "95 % worse, 14 % worse", "0.1 % better than"),
    ],
)
def test_sentences_say_what_is_best_and_why(nmr, name, sigma, best, alone, note, centred):
    """Percentages of the sheet's table: of ms at 21.6 (69.15 - 19.66) / 69.15 is 72 %, and so on."""
    text = said(nmr[1], PRESETS[name], sigma, nmr[2])
    of_wide, of_own = best
    wide, own = note.split(", ")
    for part in (
        f"levels is best, {of_wide} % below one sigma with 16, {of_own} % below with 5.038",
        f"of the gain on 16, {alone} is sigma_data's alone: one sigma with 5.038",
        f"the note's variant is {wide} than one sigma with 16, {own} than one sigma with 5.038",
        f"centred: levels is {centred} one sigma",
    ):
        assert part in text
    _, hierarchy, data = nmr
    one = 1 / 16**2 + 1 / sigma**2
    ratios = [one / (1 / v + 1 / s) for v, s in zip(noise_variances(hierarchy, PRESETS[name], sigma), data)]
    chain, residue, atom = (f"{ratio:.2g}" for ratio in ratios)
    assert f"one sigma's loss weight (16) weigh chain {chain}, residue {residue}, atom {atom} of their own" in text


def test_sentences_on_what_is_left_out(nmr):
    _, hierarchy, data = nmr
    own = own_sigma_data(hierarchy, data)
    text = said(hierarchy, PRESETS["ms"], 21.6, data, sigma_data=own)
    assert "levels is best, 18 % below one sigma with 5.038; the note's variant is 12 % better than" in text
    assert "of the gain" not in text
    assert "note" not in said(hierarchy, FLAT, 21.6, data)
    assert "of the gain on 16, 46 % is sigma_data's alone" in said(hierarchy, FLAT, 4.8191, data)
    text = said(hierarchy, LevelWeights(0, 1, 0), 21.6, data)
    assert text == (
        "sigma 21.6 A per coordinate: one sigma with 5.038 is best, 65 % below one sigma with 16; "
        "of the gain on 16, 100 %, most of it, is sigma_data's alone: one sigma with 5.038"
    )
