"""What noise teaches: the sheet's figures, and oracles that share no code with the library."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from scipy.special import roots_hermitenorm
from scipy.stats import norm

from pomodoro_pymol.diffusion.budget import (
    LevelVariances,
    information,
    level_law,
    lost_by_one_skip,
    share_in_window,
    start_losses,
    weights_for_loss_share,
    z_at_snr,
)
from pomodoro_pymol.diffusion.precondition import data_variances, degrees_of_freedom, noise_variances, own_sigma_data
from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.noise.draw import add_noise
from pomodoro_pymol.noise.gauge import gauge_split, level_gauge
from pomodoro_pymol.noise.sigma import AF3_LAW, LawOfSigma
from pomodoro_pymol.noise.weights import FLAT, PRESETS, LevelWeights
from pomodoro_pymol.structure.hierarchy import Hierarchy, split_levels

SCHEMES = {**PRESETS, "1:1:15": LevelWeights(1, 1, 15)}
LAWS = [AF3_LAW, LawOfSigma(7.3, -0.4, 1.2)]
CHAINS = {
    "one": [[4, 8, 6, 1, 7]],
    "two": [[4, 7, 3], [8, 5, 1]],
    "seven, with ions and a ligand": [[5, 8], [7, 4], [1], [1], [12], [9, 3], [4, 1, 4]],
    "ions alone": [[1], [1], [1], [1]],
    "alpha carbons": [[1, 1, 1, 1], [1, 1, 1]],
    "a single atom": [[1]],
}
#: Losses with sigma_data 16 on the fragment, shares, shares with its own; then shares of 1hpv: SCIENCE, section 7.
SHEET = {
    "flat": (".004/.135/.658", ".005/.170/.825", ".009/.327/.665", ".047/.178/.775", ".099/.239/.662"),
    "ms": (".563/.156/.078", ".706/.196/.098", ".567/.347/.085", ".705/.203/.092", ".659/.260/.081"),
    "rb": (".097/.406/.293", ".122/.510/.368", ".102/.598/.300", ".157/.497/.345", ".193/.510/.296"),
    "3-8-1": (".207/.534/.056", ".259/.670/.070", ".211/.725/.063", ".287/.647/.066", ".303/.638/.059"),
    "2-6-2": (".168/.497/.133", ".210/.623/.167", ".172/.688/.140", ".240/.603/.156", ".264/.600/.136"),
    "1:1:15": (".050/.167/.581", ".062/.209/.728", ".054/.358/.588", ".100/.215/.684", ".145/.271/.585"),
}


class Case:
    """A structure with what the library says of it, under weights."""

    def __init__(self, coords, hierarchy):
        self.coords, self.hierarchy = np.asarray(coords, dtype=np.float64), hierarchy
        self.data = data_variances(torch.from_numpy(self.coords)[None], hierarchy)
        self.own = replace(AF3_LAW, sigma_data=own_sigma_data(hierarchy, self.data))
        self.gauge = level_gauge(self.coords, hierarchy)

    def levels(self, weights):
        return LevelVariances.of(self.hierarchy, weights, self.data, self.gauge)


@pytest.fixture(scope="module")
def fragment(fragment):
    return Case(fragment.coords, Hierarchy.from_structure(fragment))


@pytest.fixture(scope="module")
def hpv(hpv):
    return Case(hpv.coords, Hierarchy.from_structure(hpv))


@pytest.fixture
def scattered(nest):
    def case(chains, seed=3):
        hierarchy = nest(CHAINS[chains], seed=7)
        return Case(np.random.default_rng(seed).normal(0, 8, (hierarchy.n_atoms, 3)), hierarchy)

    return case


def shares(losses):
    return np.array(losses) / sum(losses)


def printed(values):
    return "/".join(f"{abs(value):.3f}".removeprefix("0") for value in values)


def test_the_data_are_the_sheets(fragment, hpv):
    assert fragment.data == pytest.approx((1, 42.7, 1.75), abs=0.05)
    assert f"{fragment.own.sigma_data:.2f} {hpv.own.sigma_data:.2f}" == "6.63 10.02"
    assert hpv.data == pytest.approx((40.1, 59.7, 1.86), abs=0.05)


@pytest.mark.parametrize("name", SHEET)
def test_losses_are_the_sheets(fragment, hpv, name):
    found = []
    for case in (fragment, hpv):
        levels = case.levels(SCHEMES[name])
        common, own = start_losses(levels, AF3_LAW), start_losses(levels, case.own)
        found += [common] * (case is fragment) + [shares(common), shares(own)]
    assert tuple(map(printed, found)) == SHEET[name]


LAW_SHEET = {
    "flat": (-2.22, 0.88, 0.40),
    "ms": (-2.12, 0.82, 0.42),
    "rb": (-1.55, 0.43, 0.52),
    "3-8-1": (-1.40, 0.33, 0.53),
}


@pytest.mark.parametrize("name", LAW_SHEET)
def test_the_law_of_residues_is_the_sheets(fragment, name):
    noise, data = fragment.levels(PRESETS[name]).noise[1], fragment.data[1]
    found = level_law(AF3_LAW, noise).p_mean, z_at_snr(AF3_LAW, noise, data), share_in_window(AF3_LAW, noise, data)
    assert found == pytest.approx(LAW_SHEET[name], abs=0.0051)


def test_lost_by_one_skip_is_the_sheets(fragment):
    for law, sheet in ((AF3_LAW, (0.002, 0.000, 0.332)), (fragment.own, (0.283, 0.270, 0.117))):
        lost = [shares(lost_by_one_skip(fragment.levels(PRESETS[name]), law))[1] for name in ("flat", "ms", "3-8-1")]
        assert lost == pytest.approx(sheet, abs=0.0006)


def test_information_is_the_sheets_and_that_of_dense_matrices(fragment):
    found = information(fragment.levels(PRESETS["3-8-1"]), fragment.hierarchy, AF3_LAW)
    assert found == pytest.approx((1.0, 90.7, 429.8), abs=0.06)
    assert sum(found) == pytest.approx(521.5, abs=0.1)


def dense_levels(hierarchy):
    """Projectors onto chain means, residue means about them and atoms about those, (3, n_atoms, n_atoms)."""
    of_residue = hierarchy.atom_to_residue.numpy()
    of_chain = hierarchy.residue_to_chain.numpy()[of_residue]

    def means(index):
        same = (index[:, None] == index).astype(float)
        return same / same.sum(1, keepdims=True)

    in_chain, in_residue = means(of_chain), means(of_residue)
    return np.stack([in_chain, in_residue - in_chain, np.eye(len(of_residue)) - in_residue])


@pytest.mark.parametrize("law", LAWS, ids=str)
@pytest.mark.parametrize("chains", ["one", "two", "seven, with ions and a ligand"])
def test_information_is_a_log_determinant(scattered, oracle, chains, law):
    """Where all groups are of one size the covariances commute, and the levels add up."""
    case = scattered(chains)
    sizes = {"one": [[4] * 5], "two": [[3] * 4] * 2, "seven, with ions and a ligand": [[2, 2]] * 7}[chains]
    case.hierarchy = type(case.hierarchy)(
        torch.repeat_interleave(torch.arange(sum(map(len, sizes))), sizes[0][0]),
        torch.repeat_interleave(torch.arange(len(sizes)), len(sizes[0])),
    )
    case.gauge, weights = torch.zeros(3, 3, dtype=torch.float64), LevelWeights(3, 8, 1)
    found = information(case.levels(weights), case.hierarchy, law)
    # A level with n points in N atoms: variance per degree of freedom on each of the points' own directions.
    projectors, n_atoms = dense_levels(case.hierarchy), case.hierarchy.n_atoms
    per_atom = [case.data[0], case.data[1], case.data[2]]
    points = [round(np.trace(projector)) for projector in projectors]
    free = degrees_of_freedom(case.hierarchy)
    signal = sum(p * s * f * n_atoms / n for p, s, f, n in zip(projectors, per_atom, free, points))
    noise = oracle.covariance(case.hierarchy, weights)
    x, w = roots_hermitenorm(120)
    nats = []
    for z in x:
        sigma = law.sigma_data * math.exp(law.p_mean + law.p_std * z)
        matrix = np.eye(n_atoms) + np.linalg.solve(sigma**2 * noise, signal)
        nats.append(1.5 * np.linalg.slogdet(matrix)[1])
    assert sum(found) == pytest.approx(float(np.dot(w, nats) / w.sum()), rel=1e-6)


@pytest.mark.parametrize("law", LAWS, ids=str)
@pytest.mark.parametrize("name", SCHEMES)
def test_the_law_is_that_of_normal_quantiles(fragment, name, law):
    levels = fragment.levels(SCHEMES[name])
    for noise, data in zip(levels.noise, levels.data):
        middle = math.log(law.sigma_data) + law.p_mean + 0.5 * math.log(noise)
        own = level_law(law, noise)
        assert math.log(own.sigma(0)) == pytest.approx(middle, abs=1e-12)
        assert (own.p_std, own.sigma_data) == (law.p_std, law.sigma_data)
        of_log = norm(middle, law.p_std)  # of the logarithm of the level's standard deviation
        assert norm.cdf(z_at_snr(law, noise, data)) == pytest.approx(of_log.cdf(0.5 * math.log(data)), abs=1e-12)
        window = of_log.cdf(0.5 * math.log(10 * data)) - of_log.cdf(0.5 * math.log(data / 10))
        assert share_in_window(law, noise, data) == pytest.approx(window, abs=1e-12)


@pytest.mark.parametrize("aligned", [False, True], ids=["", "aligned"])
@pytest.mark.parametrize("loss_weight", ["global", "levels"])
@pytest.mark.parametrize("scaling", ["global", "levels"])
@pytest.mark.parametrize("law", LAWS, ids=str)
def test_losses_are_those_of_quadrature(hpv, scaling, loss_weight, aligned, law):
    levels = hpv.levels(PRESETS["ms"])
    found = start_losses(levels, law, scaling=scaling, loss_weight=loss_weight, aligned=aligned)
    z, w = roots_hermitenorm(150)
    sigma = law.sigma_data * np.exp(law.p_mean + law.p_std * z)
    for place, loss in enumerate(found):
        s, u, dof = levels.data[place], levels.noise[place], levels.freedom[place]
        pair = {"global": (law.sigma_data**2, sigma**2), "levels": (s, u * sigma**2)}
        skip = pair[scaling][0] / sum(pair[scaling])
        weight = sum(pair[loss_weight]) / np.prod(np.broadcast_arrays(*pair[loss_weight]), axis=0)
        still = dof * s - aligned * levels.rigid_data[place]
        moving = dof * u - aligned * levels.rigid_noise[place]
        values = weight * ((1 - skip) ** 2 * still + skip**2 * moving * sigma**2)
        assert loss == pytest.approx(float(w @ values / w.sum()), rel=2e-5)


def test_each_levels_own_scaling_and_weight_leave_its_freedom(hpv):
    for weights in SCHEMES.values():
        losses = start_losses(hpv.levels(weights), AF3_LAW, scaling="levels", loss_weight="levels")
        assert losses == pytest.approx(degrees_of_freedom(hpv.hierarchy), rel=1e-12)


@given(hierarchy=st.from_type(Hierarchy), weights=st.from_type(LevelWeights), seed=st.integers(0, 9))
def test_all_schemes_have_one_sum(hierarchy, weights, seed):
    case = Case(np.random.default_rng(seed).normal(0, 5, (hierarchy.n_atoms, 3)), hierarchy)
    sums = [sum(start_losses(case.levels(one), AF3_LAW)) for one in (weights, FLAT)]
    assert sums[0] == pytest.approx(sums[1], rel=1e-9)


@pytest.mark.parametrize("chains", CHAINS)
@pytest.mark.parametrize("name", ["flat", "ms", "3-8-1"])
def test_a_zero_network_leaves_it(scattered, chains, name):
    """Draws of training as one would write it: centre, shift, noise, c_skip, weigh, level by level."""
    case, weights = scattered(chains), SCHEMES[name]
    hierarchy, rng, n = case.hierarchy, np.random.default_rng(11), 20_000
    of_residue, of_chain = hierarchy.atom_to_residue.numpy(), hierarchy.residue_to_chain.numpy()
    total = weights.chain + weights.residue + weights.atom
    truth = case.coords - case.coords.mean(0)
    projectors = dense_levels(hierarchy)
    sigma = 16 * np.exp(-1.2 + 1.5 * rng.normal(size=n))[:, None, None]
    noise = (
        (weights.chain / total) ** 0.5 * rng.normal(size=(n, hierarchy.n_chains, 3))[:, of_chain[of_residue]]
        + (weights.residue / total) ** 0.5 * rng.normal(size=(n, hierarchy.n_residues, 3))[:, of_residue]
        + (weights.atom / total) ** 0.5 * rng.normal(size=(n, hierarchy.n_atoms, 3))
    )
    data = truth + rng.normal(size=(n, 1, 3))
    error = 256 / (sigma**2 + 256) * (data + sigma * noise) - data
    weight = ((sigma**2 + 256) / (sigma * 16) ** 2)[:, 0, 0]
    expected = start_losses(case.levels(weights), AF3_LAW)
    for projector, loss in zip(projectors, expected):
        draws = weight * (np.einsum("ij,njx->nix", projector, error) ** 2).mean((1, 2))
        if not draws.any():
            assert loss == 0
        else:
            assert draws.mean() == pytest.approx(loss, rel=0, abs=4 * draws.std() / n**0.5)


@pytest.mark.parametrize("chains", CHAINS)
def test_what_alignment_takes_is_that_of_dense_projections(scattered, oracle, chains):
    case = scattered(chains)
    n, centred = len(case.coords), case.coords - case.coords.mean(0)
    moves = np.concatenate(
        [np.tile(np.eye(3), (n, 1)), np.cross(np.eye(3)[:, None], centred[None]).reshape(3, -1).T], axis=1
    )
    u, s, _ = np.linalg.svd(moves, full_matrices=False)
    basis = u[:, s > 1e-9 * s.max()]
    keep = np.eye(3 * n) - basis @ basis.T
    for row, weights in enumerate((LevelWeights(1, 0, 0), LevelWeights(0, 1, 0), FLAT)):
        full = np.kron(oracle.covariance(case.hierarchy, weights), np.eye(3))
        for column, projector in enumerate(dense_levels(case.hierarchy)):
            level = np.kron(projector, np.eye(3))
            taken = np.trace(level @ full) - np.trace(level @ keep @ full @ keep)
            assert float(case.gauge[row, column]) == pytest.approx(taken / (3 * n), rel=0, abs=1e-11)
        gauge = gauge_split(case.coords, case.hierarchy, weights)
        assert float(case.gauge[row].sum()) == pytest.approx(gauge.translation + gauge.rotation, rel=0, abs=1e-12)


@pytest.mark.parametrize("chains", CHAINS)
def test_alignment_leaves_the_data_without_their_shift(scattered, chains):
    case = scattered(chains)
    projectors, truth = dense_levels(case.hierarchy), case.coords - case.coords.mean(0)
    levels = case.levels(FLAT)
    for place, projector in enumerate(projectors):
        left = levels.freedom[place] * levels.data[place] - levels.rigid_data[place]
        assert left == pytest.approx(((projector @ truth) ** 2).mean(), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", ["flat", "ms", "3-8-1"])
def test_alignment_leaves_what_it_says(hpv, fragment, name):
    """Kabsch instead of a projection, at sigmas where a first order holds, and level by level."""
    weights, sigma, n = SCHEMES[name], 0.05, 300
    total = weights.chain + weights.residue + weights.atom
    for case in (fragment, hpv):
        hierarchy, rng = case.hierarchy, np.random.default_rng(5)
        of_residue, of_chain = hierarchy.atom_to_residue.numpy(), hierarchy.residue_to_chain.numpy()
        truth = case.coords - case.coords.mean(0)
        squares = []
        for _ in range(n):
            x = truth + sigma * (
                (weights.chain / total) ** 0.5 * rng.normal(size=(hierarchy.n_chains, 3))[of_chain[of_residue]]
                + (weights.residue / total) ** 0.5 * rng.normal(size=(hierarchy.n_residues, 3))[of_residue]
                + (weights.atom / total) ** 0.5 * rng.normal(size=(hierarchy.n_atoms, 3))
            )
            x -= x.mean(0)
            left = Rotation.align_vectors(truth, x)[0].apply(x) - truth
            sums = np.zeros((hierarchy.n_residues, 3))
            np.add.at(sums, of_residue, left)
            sizes = np.bincount(of_residue)
            in_chain = np.zeros((hierarchy.n_chains, 3))
            np.add.at(in_chain, of_chain, sums)
            chain = (in_chain / np.bincount(of_chain, sizes)[:, None])[of_chain]
            residue = sums / sizes[:, None]
            squares.append(
                [
                    (part**2).mean()
                    for part in (chain[of_residue], (residue - chain)[of_residue], left - residue[of_residue])
                ]
            )
        levels, squares = case.levels(weights), np.array(squares) / sigma**2
        errors = squares.std(0) / n**0.5
        for place in range(3):
            expected = levels.freedom[place] * levels.noise[place] - levels.rigid_noise[place]
            assert squares[:, place].mean() == pytest.approx(expected, rel=1e-3, abs=4 * errors[place] + 1e-12)


@pytest.mark.parametrize(("name", "shares"), [("ms", (0.35, 0.48, 0.17)), ("3-8-1", (0.125, 0.795, 0.08))])
def test_alignment_at_every_sigma_of_training(hpv, fragment, name, shares):
    """The page on training tells how far a first order goes: the truth laid on what a zero network returns."""
    weights, n = SCHEMES[name], 400
    for case, near, wanted in ((fragment, 0.006, None), (hpv, 0.06, shares)):
        truth = torch.from_numpy(case.coords - case.coords.mean(0))
        losses = []
        for draw, z in enumerate(norm.ppf((np.arange(n) + 0.5) / n)):
            sigma = AF3_LAW.sigma(float(z))
            skip, weight = 256 / (sigma**2 + 256), (sigma**2 + 256) / (16 * sigma) ** 2
            x = skip * add_noise(truth, case.hierarchy, sigma, weights, seed=draw, dtype=torch.float64)[0]
            x = (x - x.mean(0)).numpy()
            error = x - Rotation.align_vectors(x, truth.numpy())[0].apply(truth.numpy())
            chain, residue, atom = split_levels(torch.from_numpy(error), case.hierarchy)
            parts = (case.hierarchy.broadcast(chain, "chain"), case.hierarchy.broadcast(residue, "residue"), atom)
            losses.append([weight * float((part**2).mean()) for part in parts])
        drawn = np.mean(losses, 0)
        closed = np.array(start_losses(case.levels(weights), AF3_LAW, aligned=True))
        errors = np.std(losses, 0) / n**0.5
        assert (np.abs(drawn / drawn.sum() - closed / closed.sum()) < near + 4 * errors).all()
        if wanted:
            assert drawn / drawn.sum() == pytest.approx(wanted, abs=0.02)


def test_nothing_changes_where_the_structure_is_turned_and_moved(fragment):
    moved = Case(
        Rotation.from_euler("xyz", (1, 2, 3)).apply(fragment.coords) + np.array([40, -7, 300]), fragment.hierarchy
    )
    for weights in SCHEMES.values():
        for aligned in (False, True):
            one, other = (start_losses(case.levels(weights), AF3_LAW, aligned=aligned) for case in (fragment, moved))
            assert one == pytest.approx(other, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("target", [0.1, 0.25, 0.5, 2 / 3, 0.9])
@pytest.mark.parametrize(
    "like", [LevelWeights(3, 8, 1), LevelWeights(8.2, 1.6, 1.3), FLAT, LevelWeights(2, 0, 0)], ids=str
)
def test_weights_for_a_share_give_it(fragment, hpv, target, like):
    for case in (fragment, hpv):
        least = shares(start_losses(case.levels(LevelWeights(like.chain, 0, like.atom)), AF3_LAW))[1]
        if target < least:
            with pytest.raises(PomodoroError, match=rf"{least:.4f} is left without wr"):
                weights_for_loss_share(case.hierarchy, target, case.data, AF3_LAW, like)
            continue
        found = weights_for_loss_share(case.hierarchy, target, case.data, AF3_LAW, like)
        assert (found.chain, found.atom) == (like.chain, like.atom)
        assert shares(start_losses(case.levels(found), AF3_LAW))[1] == pytest.approx(target, abs=1e-9)


@given(hierarchy=st.from_type(Hierarchy), seed=st.integers(0, 9), wc=st.floats(0, 9), wa=st.floats(0.1, 9))
def test_the_share_rises_with_the_weight(hierarchy, seed, wc, wa):
    case = Case(np.random.default_rng(seed).normal(0, 5, (hierarchy.n_atoms, 3)), hierarchy)
    weights = [LevelWeights(wc, wr, wa) for wr in (0, 0.1, 1, 3, 10, 1e3)]
    rising = np.diff([shares(start_losses(case.levels(one), AF3_LAW))[1] for one in weights])
    assert (rising > -1e-12).all()


@pytest.mark.parametrize(
    ("chains", "target", "like", "reason"),
    [
        ("one", 0.001, LevelWeights(3, 8, 1), "is left without wr"),
        ("one", 0.9999, LevelWeights(3, 8, 1), "it stays below"),
        ("ions alone", 0.5, LevelWeights(3, 8, 1), "each chain is one residue"),
        ("alpha carbons", 0.5, LevelWeights(0, 8, 1), "wr and wa are the same"),
        ("one", 0.5, LevelWeights(0, 8, 0), "give wc or wa"),
    ],
)
def test_what_cannot_be_reached_is_refused_with_the_reason(scattered, chains, target, like, reason):
    case = scattered(chains)
    with pytest.raises(PomodoroError, match=reason):
        weights_for_loss_share(case.hierarchy, target, case.data, AF3_LAW, like)


def test_the_range_that_is_named_is_reached(fragment):
    import re

    def ends(target):
        with pytest.raises(PomodoroError) as refused:
            weights_for_loss_share(fragment.hierarchy, target, fragment.data, AF3_LAW, LevelWeights(3, 8, 1))
        return [float(number) for number in re.findall(r"0\.\d{4}", str(refused.value))]

    least, most = ends(0)
    for target in (least + 1e-4, most - 1e-4):
        weights_for_loss_share(fragment.hierarchy, target, fragment.data, AF3_LAW, LevelWeights(3, 8, 1))
    assert ends(most + 1e-4) == [float(f"{most + 1e-4:.4f}"), least, most]


def test_a_level_without_noise(fragment):
    levels = fragment.levels(LevelWeights(1, 1, 0))
    assert levels.noise[2] == 0
    assert share_in_window(AF3_LAW, 0, 1) == 0
    assert z_at_snr(AF3_LAW, 0, 1) == math.inf
    assert information(levels, fragment.hierarchy, AF3_LAW)[2] == math.inf
    assert start_losses(levels, AF3_LAW, scaling="levels")[2] == 0
    assert math.isnan(start_losses(levels, AF3_LAW, loss_weight="levels")[2])


def test_variances_are_those_of_the_library_of_noise(fragment):
    levels = fragment.levels(PRESETS["rb"])
    assert levels.noise == noise_variances(fragment.hierarchy, PRESETS["rb"], 1)
    with pytest.raises(PomodoroError, match="scaling must be one of global, levels"):
        start_losses(levels, AF3_LAW, scaling="note")
