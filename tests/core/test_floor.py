"""The floor of an ensemble: against the denoiser itself on noised atoms."""

import numpy as np
import pytest
import torch

from pomodoro_pymol.diffusion.floor import StateGram
from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.noise.sigma import AF3_LAW, LawOfSigma
from pomodoro_pymol.noise.weights import FLAT, PRESETS, LevelWeights
from pomodoro_pymol.structure.hierarchy import Hierarchy


def level_squares(error, hierarchy):
    """Mean over atoms of the squares of chain means, residue means about them, atoms about those; (n, 3)."""
    of_residue = hierarchy.atom_to_residue.numpy()
    of_chain = hierarchy.residue_to_chain.numpy()[of_residue]

    def on_atoms(index):
        sums = np.zeros((error.shape[0], index.max() + 1, 3))
        np.add.at(sums, (slice(None), index), error)
        return (sums / np.bincount(index)[:, None])[:, index]

    chain, residue = on_atoms(of_chain), on_atoms(of_residue)
    return np.stack([(part**2).mean((1, 2)) for part in (chain, residue - chain, error - residue)], axis=1)


def drawn_losses(states, hierarchy, weights, law, n, seed=7):
    """Losses of draws: posterior and noise by dense matrices over atoms."""
    rng = np.random.default_rng(seed)
    of_residue = hierarchy.atom_to_residue.numpy()
    of_chain = hierarchy.residue_to_chain.numpy()[of_residue]
    total = weights.chain + weights.residue + weights.atom
    covariance = (
        weights.atom * np.eye(len(of_residue))
        + weights.residue * (of_residue[:, None] == of_residue)
        + weights.chain * (of_chain[:, None] == of_chain)
    ) / total
    root, inverse = np.linalg.cholesky(covariance), np.linalg.inv(covariance)
    states = states - states.mean(1, keepdims=True)
    true = rng.integers(len(states), size=n)
    sigma = law.sigma_data * np.exp(law.p_mean + law.p_std * rng.normal(size=n))
    x = states[true] + sigma[:, None, None] * (root @ rng.normal(size=(n, len(of_residue), 3)))
    # -(x - y)^T inverse (x - y) / 2, but for what all states have in common.
    weighed = np.einsum("ij,kjc->kic", inverse, states, optimize=True)
    own = np.einsum("kic,kic->k", weighed, states)
    logits = (np.einsum("nic,kic->nk", x, weighed, optimize=True) - own / 2) / sigma[:, None] ** 2
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    error = np.einsum("nk,kic->nic", p, states, optimize=True) - states[true]
    weight = (sigma**2 + law.sigma_data**2) / (sigma * law.sigma_data) ** 2
    return weight[:, None] * level_squares(error, hierarchy)


@pytest.fixture(scope="module")
def ensemble(nmr_models):
    structure, states = nmr_models
    return states.astype(float), Hierarchy.from_structure(structure)


@pytest.mark.parametrize(("name", "law"), [("flat", AF3_LAW), ("ms", LawOfSigma(5.04, -0.2, 1.2)), ("3-8-1", AF3_LAW)])
def test_it_is_the_error_of_the_exact_denoiser(ensemble, name, law):
    states, hierarchy = ensemble
    found = StateGram(torch.from_numpy(states), hierarchy).floor(PRESETS[name], law, draws=4000)
    draws = drawn_losses(states, hierarchy, PRESETS[name], law, 3000)
    errors = draws.std(0) / len(draws) ** 0.5
    for level in (1, 2):
        spread = np.hypot(errors[level], found.errors[level])
        assert found.losses[level] == pytest.approx(draws[:, level].mean(), rel=0, abs=4 * spread)
        assert found.losses[level] > 10 * found.errors[level]
    assert max(found.losses[0], draws[:, 0].max()) < 1e-20  # one chain, centred


def test_chains_that_move_apart(nest):
    hierarchy, rng = nest([[3, 4], [5, 2], [1]], seed=2), np.random.default_rng(1)
    states = rng.normal(0, 6, (1, hierarchy.n_atoms, 3)) + rng.normal(0, 1.5, (5, hierarchy.n_atoms, 3))
    found = StateGram(torch.from_numpy(states), hierarchy).floor(LevelWeights(2, 3, 4), AF3_LAW, draws=20_000)
    draws = drawn_losses(states, hierarchy, LevelWeights(2, 3, 4), AF3_LAW, 20_000)
    for level in range(3):
        spread = np.hypot(draws[:, level].std() / len(draws) ** 0.5, found.errors[level])
        assert found.losses[level] == pytest.approx(draws[:, level].mean(), rel=0, abs=4 * spread)


def test_its_errors_are_those_of_repeats(ensemble):
    states, hierarchy = ensemble
    gram = StateGram(torch.from_numpy(states), hierarchy)
    repeats = [gram.floor(PRESETS["rb"], AF3_LAW, draws=480, seed=seed) for seed in range(60)]
    spread = np.std([floor.losses[1:] for floor in repeats], axis=0, ddof=1)
    said = np.mean([floor.errors[1:] for floor in repeats], axis=0)
    # A standard deviation of 60 has a standard error of a part 1 / sqrt(2 * 59) of itself.
    assert (np.abs(spread / said - 1) < 4 / (2 * 59) ** 0.5).all()


def test_states_that_are_one_leave_nothing(nest):
    hierarchy = nest([[3, 4], [5]])
    state = torch.randn(1, hierarchy.n_atoms, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    floor = StateGram(state.expand(4, -1, -1), hierarchy).floor(FLAT, AF3_LAW)
    assert max(floor.losses) < 1e-20


def test_a_denoiser_needs_atom_noise(ensemble):
    states, hierarchy = ensemble
    with pytest.raises(PomodoroError, match="singular"):
        StateGram(torch.from_numpy(states), hierarchy).floor(LevelWeights(1, 1, 0), AF3_LAW)
