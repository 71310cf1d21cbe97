"""The gauge split: against dense projections and superposed draws, neither with code of the library."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import pdist
from scipy.spatial.transform import Rotation

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.io.read import read_structure
from pomodoro_pymol.noise.draw import add_noise
from pomodoro_pymol.noise.gauge import gauge_split
from pomodoro_pymol.noise.sigma import AF3_LAW, LawOfSigma
from pomodoro_pymol.noise.weights import FLAT, PRESETS, LevelWeights
from pomodoro_pymol.structure.hierarchy import Hierarchy

CHAINS = {
    "one": [[4, 8, 6, 1, 7]],
    "two": [[4, 7, 3], [8, 5, 1]],
    "three": [[5, 4], [6, 3, 2], [4, 4, 4]],
    "seven, with ions and a ligand": [[5, 8], [7, 4], [1], [1], [12], [9, 3], [4, 1, 4]],
    "ions alone": [[1], [1], [1], [1]],
    "a single atom": [[1]],
    "two atoms": [[2]],
    "two chains of two atoms": [[2], [1, 1]],
}
SHAPES = {
    "in space": lambda x: x,
    "far away": lambda x: x + np.array([1e6, -2e5, 40]),
    "tiny": lambda x: 1e-150 * x,
    "huge": lambda x: 1e150 * x,
    "on a plane": lambda x: x * [1, 1, 0] @ Rotation.from_euler("xyz", (1, 2, 3)).as_matrix(),
    "on a line": lambda x: x[:, :1] * [1, 2, -2],
    "on an axis": lambda x: x * [0, 0, 1],
    "at one place": lambda x: 0 * x + [0.1, 1e5, -3.3],
}
WEIGHTS = [*PRESETS.values(), LevelWeights(1, 2, 0), LevelWeights(3, 0, 1), LevelWeights(1, 0, 0)]


def scattered(hierarchy, seed=3):
    return np.random.default_rng(seed).normal(0, 8, (hierarchy.n_atoms, 3))


def span(vectors):
    """Orthonormal basis of the columns, which may depend on each other."""
    u, s, _ = np.linalg.svd(vectors, full_matrices=False)
    return u[:, s > 1e-7 * max(s.max(initial=0), 1e-300)]


def dense_split(coords, hierarchy, covariance):
    """Shares of translation, rotation, between, within by projectors of all coordinates."""
    chain_of = hierarchy.residue_to_chain[hierarchy.atom_to_residue].numpy()
    n, scale = len(coords), np.ptp(coords, axis=0).max() or 1.0
    x = (coords - coords[0]) / scale
    x = x - x.mean(0)
    x[np.abs(x) < 1e-13] = 0
    shifts = span(np.tile(np.eye(3), (n, 1)))
    turns = span(np.cross(np.eye(3)[:, None], x[None]).reshape(3, -1).T)
    chains = np.concatenate(
        [np.kron((chain_of == chain)[:, None], np.eye(3)) for chain in range(chain_of.max() + 1)], axis=1
    )
    gauge = np.concatenate([shifts, turns], axis=1)
    assert np.allclose(gauge.T @ gauge, np.eye(gauge.shape[1]), atol=1e-8)
    off = chains / np.linalg.norm(chains, axis=0) - gauge @ (gauge.T @ (chains / np.linalg.norm(chains, axis=0)))
    u, s, _ = np.linalg.svd(off, full_matrices=False)
    between = u[:, s > 1e-7]
    full = np.kron(covariance, np.eye(3))
    shares = [np.trace(basis.T @ full @ basis) / np.trace(full) for basis in (shifts, turns, between)]
    return [*shares, 1 - sum(shares)]


def shares_of(gauge):
    return [gauge.translation, gauge.rotation, gauge.between, gauge.within]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("chains", CHAINS)
def test_shares_are_those_of_dense_projections(nest, oracle, chains, shape):
    hierarchy = nest(CHAINS[chains], seed=7)
    coords = SHAPES[shape](scattered(hierarchy))
    for weights in WEIGHTS:
        found = gauge_split(coords, hierarchy, weights)
        expected = dense_split(coords, hierarchy, oracle.covariance(hierarchy, weights))
        assert shares_of(found) == pytest.approx(expected, rel=0, abs=1e-10)
        assert sum(shares_of(found)) == pytest.approx(1, rel=0, abs=1e-12)
        assert min(shares_of(found)) >= 0
        assert found.internal == pytest.approx(1 - found.translation - found.rotation, rel=0, abs=1e-12)


@given(hierarchy=st.from_type(Hierarchy), weights=st.from_type(LevelWeights), seed=st.integers(0, 99))
def test_shares_are_those_of_dense_projections_anywhere(oracle, hierarchy, weights, seed):
    coords = scattered(hierarchy, seed)
    found = gauge_split(torch.from_numpy(coords), hierarchy, weights)
    expected = dense_split(coords, hierarchy, oracle.covariance(hierarchy, weights))
    assert shares_of(found) == pytest.approx(expected, rel=0, abs=1e-9)


@pytest.mark.parametrize("name", ["flat", "ms", "3-8-1"])
@pytest.mark.parametrize("chains", ["one", "two", "seven, with ions and a ligand"])
def test_superposition_removes_what_is_gauge(nest, chains, name):
    hierarchy = nest(CHAINS[chains], seed=7)
    coords = scattered(hierarchy)
    coords -= coords.mean(0)
    of_residue = hierarchy.atom_to_residue.numpy()
    chain_of = hierarchy.residue_to_chain.numpy()
    rng, tiny, weights = np.random.default_rng(4), 1e-5, PRESETS[name]
    total = weights.chain + weights.residue + weights.atom
    centred, left = [], []
    for _ in range(1500):
        parts = [
            (weight / total) ** 0.5 * rng.normal(size=(n, 3))[index]
            for weight, n, index in (
                (weights.chain, hierarchy.n_chains, chain_of[of_residue]),
                (weights.residue, hierarchy.n_residues, of_residue),
                (weights.atom, hierarchy.n_atoms, slice(None)),
            )
        ]
        noise = sum(parts)
        noised = coords + tiny * (noise - noise.mean(0))
        turn, _ = Rotation.align_vectors(coords, noised)
        centred.append(((noise - noise.mean(0)) ** 2).mean())
        left.append(((turn.apply(noised) - coords) ** 2).mean() / tiny**2)
    gauge = gauge_split(coords, hierarchy, weights)
    for expected, draws in (
        (1 - gauge.translation, np.array(centred)),
        (gauge.internal, np.array(left)),
        (gauge.rotation, np.array(centred) - np.array(left)),
    ):
        assert draws.mean() == pytest.approx(expected, rel=0, abs=4 * draws.std() / len(draws) ** 0.5)


@pytest.mark.parametrize(
    ("name", "translation", "rotation", "shift"), [("ms", 0.744, 0.005, -0.46), ("3-8-1", 0.273, 0.022, -0.12)]
)
def test_the_fragment_splits_as_the_sheet_says(fragment_places, name, translation, rotation, shift):
    """SCIENCE.md, section 7."""
    gauge = gauge_split(*fragment_places, PRESETS[name])
    assert gauge.translation == pytest.approx(translation, abs=5e-4)
    assert gauge.rotation == pytest.approx(rotation, abs=5e-4)
    assert gauge.between == 0
    assert gauge.z_shift() == pytest.approx(shift, abs=5e-3)


@pytest.mark.parametrize(
    ("name", "shares"), [("ms", (0.354, 0.118, 0.272, 0.255)), ("3-8-1", (0.123, 0.043, 0.109, 0.724))]
)
def test_three_chains_split_as_the_sheet_says(cmd, name, shares):
    """SCIENCE.md, section 7: 1hpv without its waters."""
    structure = read_structure(cmd.exp_path("$PYMOL_DATA/tut/1hpv.pdb"))
    gauge = gauge_split(structure.coords, Hierarchy.from_structure(structure), PRESETS[name])
    assert shares_of(gauge) == pytest.approx(shares, rel=0, abs=5e-4)


def test_the_shift_of_z_follows_the_law(fragment_places):
    gauge = gauge_split(*fragment_places, PRESETS["ms"])
    law = LawOfSigma(7, -0.5, 0.9)
    for own in (AF3_LAW, law):
        sigma = own.sigma(0.4)
        assert own.sigma(0.4 + gauge.z_shift(own)) == pytest.approx(sigma * gauge.internal**0.5, rel=1e-12)


def test_nothing_is_internal_where_one_chain_moves_as_a_whole(fragment_places):
    gauge = gauge_split(*fragment_places, LevelWeights(1, 0, 0))
    assert shares_of(gauge) == pytest.approx([1, 0, 0, 0], abs=1e-12)
    assert gauge.internal == 0
    assert gauge.z_shift() == -math.inf


@pytest.mark.parametrize("sigma", [1.0, 4.82, 100.0])
def test_centred_noise_of_one_chain_is_that_without_the_chain(fragment_places, sigma):
    """SCIENCE.md, section 3: ms at sigma is (0, 1.6, 1.3) at .511 sigma, to 3e-7 A in all distances."""
    coords, hierarchy = fragment_places
    lower = (2.9 / 11.1) ** 0.5
    assert lower == pytest.approx(0.511, abs=5e-4)
    options = {"n_frames": 3, "seed": 5, "dtype": torch.float64}
    frames = add_noise(coords, hierarchy, sigma, PRESETS["ms"], **options)
    others = add_noise(coords, hierarchy, lower * sigma, LevelWeights(0, 1.6, 1.3), **options)
    for frame, other in zip(frames.numpy(), others.numpy()):
        assert np.abs(pdist(frame) - pdist(other)).max() < 3e-7
        assert np.abs((frame - frame.mean(0)) - (other - other.mean(0))).max() < 3e-7
        assert np.abs(frame - other).max() > 0.1


def test_a_million_atoms_take_seconds():
    n = 1_000_000
    hierarchy = Hierarchy(torch.arange(n) // 8, torch.arange(n // 8) // 2500)
    coords = np.random.default_rng(0).normal(0, 100, (n, 3))
    gauge = gauge_split(coords, hierarchy, FLAT)
    # Flat noise has 3 of 3 n degrees of freedom in each of translation and rotation, and for each chain but one.
    assert shares_of(gauge)[:3] == pytest.approx([1 / n, 1 / n, 49 / n], rel=1e-6)


@pytest.mark.parametrize("coords", [np.zeros((4, 3)), np.full((5, 3), np.nan), np.zeros((5, 2))])
def test_coordinates_that_do_not_fit(nest, coords):
    with pytest.raises(PomodoroError, match=r"coords must be finite, of shape \(5, 3\)"):
        gauge_split(coords, nest([[5]]), FLAT)
