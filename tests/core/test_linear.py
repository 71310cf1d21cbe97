"""The linear floor: against dense matrices, and against draws."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from pomodoro_pymol.diffusion.analytic import WienerDenoiser
from pomodoro_pymol.diffusion.linear import LinearDenoiser
from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.noise.covariance import NestedCovariance
from pomodoro_pymol.noise.weights import FLAT, LevelWeights
from pomodoro_pymol.structure.hierarchy import Hierarchy

WEIGHTS = LevelWeights(3, 8, 1)
CHAINS = [[3, 4, 1], [5, 2]]


def noise_covariance(hierarchy, weights):
    """Of one coordinate at sigma 1, from its definition."""
    of_residue = hierarchy.atom_to_residue.numpy()
    of_chain = hierarchy.residue_to_chain.numpy()[of_residue]
    parts = (
        weights.atom * np.eye(len(of_residue))
        + weights.residue * (of_residue[:, None] == of_residue)
        + weights.chain * (of_chain[:, None] == of_chain)
    )
    return parts / (weights.chain + weights.residue + weights.atom)


def moments(states, pose):
    """Mean and covariance of all 3 n_atoms coordinates, entry by entry."""
    n_states, n_atoms, _ = states.shape
    if pose == "fixed":
        flat = (states - states.mean(0)).reshape(n_states, -1)
        return states.mean(0).ravel(), flat.T @ flat / n_states
    centred = states - states.mean(1, keepdims=True)
    one = np.zeros((n_atoms, n_atoms))
    for state in centred:
        for axis in range(3):
            one += np.outer(state[:, axis], state[:, axis]) / (3 * n_states)
    return np.zeros(3 * n_atoms), np.kron(one + 1.0, np.eye(3))


def projectors(hierarchy):
    """Onto chain means, residue means about them, atoms about those; (n_atoms, n_atoms) each."""
    of_residue = hierarchy.atom_to_residue.numpy()
    of_chain = hierarchy.residue_to_chain.numpy()[of_residue]
    chain, residue = ((of[:, None] == of) / (of[:, None] == of).sum(1, keepdims=True) for of in (of_chain, of_residue))
    return chain, residue - chain, np.eye(len(of_residue)) - residue


def ensemble(hierarchy, n_states, seed=0, spread=1.5):
    """States about one structure, in numpy float64."""
    rng = np.random.default_rng(seed)
    shape = hierarchy.n_atoms, 3
    return rng.normal(0, 6, shape) + rng.normal(0, spread, (n_states, *shape))


@pytest.mark.parametrize("pose", ["fixed", "random"])
@given(
    hierarchy=st.from_type(Hierarchy),
    weights=st.tuples(st.floats(0, 10), st.floats(0, 10), st.floats(0.1, 10)),
    n_states=st.integers(1, 30),
    sigma=st.floats(0.3, 50),
)
def test_it_is_the_dense_estimate_and_error(pose, hierarchy, weights, n_states, sigma):
    weights, states = LevelWeights(*weights), ensemble(hierarchy, n_states)
    denoise = LinearDenoiser(torch.from_numpy(states), hierarchy, weights, pose=pose)
    mean, data = moments(states, pose)
    noise = sigma**2 * np.kron(noise_covariance(hierarchy, weights), np.eye(3))
    x = 9 * np.random.default_rng(1).normal(size=(4, hierarchy.n_atoms, 3))
    gain = np.linalg.solve(data + noise, data).T
    expected = (mean + (x.reshape(4, -1) - mean) @ gain.T).reshape(x.shape)
    found = denoise(torch.from_numpy(x), sigma)
    assert (found.residues, found.chains, found.probabilities) == (None, None, None)
    rounding = np.finfo(float).eps * np.linalg.cond(data + noise) * np.abs(x).max()  # of the dense solution
    np.testing.assert_allclose(found.atoms, expected, rtol=0, atol=max(1e-10, rounding))
    left = data - gain @ data
    traces = [np.trace(np.kron(one, np.eye(3)) @ left) / len(left) for one in projectors(hierarchy)]
    np.testing.assert_allclose(denoise.error(sigma), traces, rtol=0, atol=max(1e-10, rounding))


def draws(states, pose, law, n, rng):
    """Data of the ensemble's mean and covariance: its own, or Gaussian."""
    if law == "gaussian":
        mean, data = moments(states, pose)
        size, axes = np.linalg.eigh(data)
        root = axes * np.sqrt(np.maximum(size, 0))
        return (mean + rng.normal(size=(n, len(mean))) @ root.T).reshape(n, -1, 3)
    chosen = states[rng.integers(len(states), size=n)]
    if pose == "random":
        turns = Rotation.random(n, random_state=5).as_matrix()
        chosen = (chosen - chosen.mean(1, keepdims=True)) @ turns + rng.normal(size=(n, 1, 3))
    return chosen


@pytest.mark.parametrize("sigma", [0.4, 3.0, 30.0])
@pytest.mark.parametrize("law", ["gaussian", "states"])
@pytest.mark.parametrize("pose", ["fixed", "random"])
def test_its_error_is_that_of_draws(nest, pose, law, sigma):
    hierarchy, n = nest(CHAINS, seed=4), 20_000
    states, rng = ensemble(hierarchy, 5), np.random.default_rng(6)
    truth = draws(states, pose, law, n, rng)
    root = np.linalg.cholesky(noise_covariance(hierarchy, WEIGHTS))
    x = truth + sigma * (root @ rng.normal(size=truth.shape))
    denoise = LinearDenoiser(torch.from_numpy(states), hierarchy, WEIGHTS, pose=pose)
    off = denoise(torch.from_numpy(x), sigma).atoms.numpy() - truth
    for projector, said in zip(projectors(hierarchy), denoise.error(sigma)):
        squares = ((projector @ off) ** 2).mean((1, 2))
        assert said == pytest.approx(squares.mean(), rel=0, abs=4 * squares.std() / n**0.5)
        assert said > 10 * squares.std() / n**0.5


def test_no_nested_covariance_is_as_good(nest):
    """Residues that follow each other move alike: a walk along one chain."""
    hierarchy, rng = nest([[4] * 20]), np.random.default_rng(2)
    steps = rng.normal(size=(400, 20, 3)).cumsum(1)
    states = torch.from_numpy(np.repeat(steps, 4, 1) + rng.normal(0, 0.3, (400, 80, 3)))
    x = states + 3 * NestedCovariance.of_noise(hierarchy, WEIGHTS).root(torch.from_numpy(rng.normal(size=(400, 80, 3))))
    linear = LinearDenoiser(states, hierarchy, WEIGHTS)
    error = float((linear(x, 3.0).atoms - states).square().mean())
    nested = [
        WienerDenoiser(states.mean(0), NestedCovariance(hierarchy, chain, residue, 0.09), WEIGHTS)(x, 3.0).atoms
        for chain in (2.0, 5.0, 10.0)
        for residue in (1.0, 3.0, 10.0)
    ]
    assert error < 0.8 * min(float((atoms - states).square().mean()) for atoms in nested)


def test_one_state_is_what_it_returns(nest):
    hierarchy = nest(CHAINS, seed=1)
    state = ensemble(hierarchy, 1)
    for copies in (1, 7):
        denoise = LinearDenoiser(torch.from_numpy(state).expand(copies, -1, -1), hierarchy, WEIGHTS)
        x = torch.from_numpy(ensemble(hierarchy, 3, seed=8))
        np.testing.assert_allclose(denoise(x, 4.0).atoms, np.repeat(state, 3, 0), rtol=0, atol=1e-12)
        assert max(denoise.error(4.0)) < 1e-24


def test_at_the_ends_of_sigma(nest):
    hierarchy = nest(CHAINS)
    states = torch.from_numpy(ensemble(hierarchy, 4))
    denoise = LinearDenoiser(states, hierarchy, WEIGHTS)
    np.testing.assert_allclose(denoise(states, 1e-6).atoms, states, rtol=0, atol=1e-9)
    np.testing.assert_allclose(denoise(states, 1e8).atoms, states.mean(0).expand(4, -1, -1), rtol=0, atol=1e-9)
    assert max(denoise.error(1e-6)) < 1e-10
    assert sum(denoise.error(1e8)) == pytest.approx(float((states - states.mean(0)).square().mean()), rel=1e-9)


@pytest.mark.parametrize("pose", ["fixed", "random"])
def test_dtypes_are_kept(nest, pose):
    hierarchy = nest(CHAINS, seed=1)
    states = torch.from_numpy(ensemble(hierarchy, 6)).float()
    x = torch.from_numpy(ensemble(hierarchy, 3, seed=8))
    single = LinearDenoiser(states, hierarchy, WEIGHTS, pose=pose)(x.float(), 2.0).atoms
    double = LinearDenoiser(states.double(), hierarchy, WEIGHTS, pose=pose)(x, 2.0).atoms
    assert (single.dtype, double.dtype) == (torch.float32, torch.float64)
    np.testing.assert_allclose(single, double, rtol=0, atol=1e-4)


def test_what_is_wrong_is_refused(nest):
    hierarchy = nest(CHAINS)
    states = torch.from_numpy(ensemble(hierarchy, 3))
    for bad in (states[0], states[:0], states[:, 1:], states[..., :2]):
        with pytest.raises(PomodoroError, match=r"states must have shape \(n_states, 15, 3\), not"):
            LinearDenoiser(bad, hierarchy, FLAT)
    with pytest.raises(PomodoroError, match="not finite"):
        LinearDenoiser(states / 0, hierarchy, FLAT)
    with pytest.raises(PomodoroError, match="pose must be one of fixed, random, not 'exact'"):
        LinearDenoiser(states, hierarchy, FLAT, pose="exact")
    for pose in ("fixed", "random"):
        with pytest.raises(PomodoroError, match="give wa a positive value"):
            LinearDenoiser(states, hierarchy, LevelWeights(1, 1, 0), pose=pose)
    denoise = LinearDenoiser(states, hierarchy, FLAT)
    with pytest.raises(PomodoroError, match=r"x must have shape \(n_samples, 15, 3\), not \(15, 3\)"):
        denoise(states[0], 1.0)
    for sigma in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(PomodoroError, match="sigma must be positive and finite"):
            denoise.error(sigma)
