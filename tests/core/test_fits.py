"""The bound of the chance that noise fits PDB, against Monte Carlo; and what is refused before any work."""

import math

import numpy as np
import pytest
from hypothesis import given, settings

from pomodoro_pymol import Hierarchy, LevelWeights, SampleParameters, add_noise, run_sample
from pomodoro_pymol.experiments.fits import log_chance_to_fit, residue_means, state_spread
from pomodoro_pymol.structure.atoms import ATOM_LABELS, RESIDUE_LABELS, Structure


def fraction(coords, hierarchy, weights, sigma, level, frames=4000):
    drawn = add_noise(coords, hierarchy, sigma, weights, n_frames=frames, seed=0).numpy()
    if level == "residue":
        drawn = hierarchy.pool(add_noise(coords, hierarchy, sigma, weights, n_frames=frames, seed=0)).numpy()
    return ((drawn > -999.9995) & (drawn < 9999.9995)).all((1, 2)).mean()


CASES = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (3, 8, 1), (1, 1, 1)]


@pytest.mark.parametrize("weights", CASES)
@pytest.mark.parametrize("sigma", [400, 1500, 20_000])
def test_the_chance_is_exact_for_residues_of_one_atom(weights, sigma):
    """Two chains of 2 and 1 residues: nothing is left out of the bound."""
    hierarchy = Hierarchy.from_labels([0, 1, 2], [0, 0, 1])
    coords = np.array([[-300, 0, 500], [0, 700, 0], [100, 0, -500]], np.float32)
    chance = math.exp(log_chance_to_fit(coords, hierarchy, LevelWeights(*weights), sigma))
    found = fraction(coords, hierarchy, LevelWeights(*weights), sigma, "atom")
    # The nodes of a chain that moves alone are an eighth of its standard deviation apart.
    assert chance == pytest.approx(found, abs=0.03 + 0.05 * (weights == (1, 0, 0)))


@settings(max_examples=10)
@given(...)
def test_the_chance_is_a_bound(hierarchy: Hierarchy, weights: LevelWeights):
    coords = np.random.default_rng(0).normal(0, 100, (hierarchy.n_atoms, 3)).astype(np.float32)
    for sigma in (500, 1500):
        for level in ("atom", "residue"):
            bound = math.exp(log_chance_to_fit(coords, hierarchy, weights, sigma, level))
            assert fraction(coords, hierarchy, weights, sigma, level, frames=500) <= bound + 0.1


def test_small_noise_fits_and_large_does_not():
    hierarchy = Hierarchy.from_labels(range(100), [0] * 100)
    coords = np.zeros((100, 3), np.float32)
    assert log_chance_to_fit(coords, hierarchy, LevelWeights(0, 0, 1), 100) == pytest.approx(0, abs=1e-9)
    # ln(0.65) for each of 300 coordinates: normal numbers above -1000 / 2560.
    assert log_chance_to_fit(coords, hierarchy, LevelWeights(0, 0, 1), 2560) == pytest.approx(-128.7, abs=0.5)
    beyond = coords + 20_000
    assert log_chance_to_fit(beyond, hierarchy, LevelWeights(0, 0, 1), 1) == -np.inf


def test_residue_means():
    hierarchy = Hierarchy.from_labels([0, 1, 0], [0, 0, 0])
    found = residue_means(np.array([[0, 0, 0], [5, 6, 7], [2, 4, 6]], np.float32), hierarchy)
    np.testing.assert_array_equal(found, [[1, 2, 3], [5, 6, 7]])


@pytest.mark.parametrize("sampler", ["af3", "protenix", "boltz1", "boltz2", "edm"])
def test_the_spread_is_that_of_the_states(sampler):
    n_atoms = 300
    residues = np.array([("", "A", str(i), "GLY", False) for i in range(n_atoms)], RESIDUE_LABELS)
    structure = Structure(
        np.random.default_rng(0).normal(0, 1, (n_atoms, 3)).astype(np.float32),
        np.full(n_atoms, np.array(("CA", "C", ""), ATOM_LABELS)),
        residues,
        np.arange(n_atoms),
    )
    parameters = SampleParameters(
        sampler=sampler, sigma_max=1e5, steps=12, samples=4, preset="flat", device="cpu", state=1
    )
    result = run_sample(structure, structure.coords[None], parameters)
    frames = result.frames - result.frames.mean(2, keepdim=True)
    found = frames.square().mean((0, 2, 3)).sqrt().numpy()
    expected = np.array(state_spread(parameters.settings, parameters.kept_steps()))
    large = expected > 1000
    assert large.sum() >= 3
    np.testing.assert_allclose(found[large], expected[large], rtol=0.1)
