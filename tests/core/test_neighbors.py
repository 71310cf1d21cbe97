"""Neighbours and places under noise: closed forms against draws and brute force that share no code with them."""

import math

import numpy as np
import pytest
import torch

from pomodoro_pymol.noise import neighbors
from pomodoro_pymol.noise.neighbors import expected_neighbor_displacement, order_kept, own_place_nearest
from pomodoro_pymol.noise.sigma import sigma_from_z
from pomodoro_pymol.noise.weights import FLAT, PRESETS, LevelWeights
from pomodoro_pymol.structure.hierarchy import Hierarchy

CHAINS = {
    "one chain": [[4, 8, 6, 11, 7, 5, 9, 6]],
    "two chains": [[4, 7, 9], [8, 5, 6, 1]],
    "seven chains, ions and a ligand": [[5, 8], [7, 4, 6], [1], [1], [22], [9, 3], [4, 4, 4]],
    "residues of one atom": [[1, 1, 1, 1], [1, 5]],
}
WEIGHTS = [FLAT, PRESETS["ms"], PRESETS["3-8-1"], LevelWeights(1, 2, 0), LevelWeights(3, 0, 1)]


def scattered(hierarchy, seed=3):
    """A walk of 4 A steps for the residues, atoms 2 A about them, chains where they come."""
    rng = np.random.default_rng(seed)
    walk = rng.normal(0, 2.3, (hierarchy.n_residues, 3)).cumsum(0)
    return walk[hierarchy.atom_to_residue] + rng.normal(0, 1.2, (hierarchy.n_atoms, 3))


def draws(hierarchy, weights, sigma, n_draws, seed=8):
    """Noise of atoms, shape=(n_draws, n_atoms, 3), straight from its definition."""
    rng = np.random.default_rng(seed)
    of_residue, chain_of = hierarchy.atom_to_residue.numpy(), hierarchy.residue_to_chain.numpy()
    total = weights.chain + weights.residue + weights.atom
    chains = rng.normal(0, (weights.chain / total) ** 0.5, (n_draws, chain_of.max() + 1, 3))
    residues = rng.normal(0, (weights.residue / total) ** 0.5, (n_draws, len(chain_of), 3))
    atoms = rng.normal(0, (weights.atom / total) ** 0.5, (n_draws, len(of_residue), 3))
    return sigma * (chains[:, chain_of[of_residue]] + residues[:, of_residue] + atoms)


def means(values, index):
    return np.stack([values[..., index == group, :].mean(-2) for group in range(index.max() + 1)], axis=-2)


def measured(coords, hierarchy, noise):
    """Per draw: mean square displacement in space of neighbours, share of order kept, share of own place nearest."""
    of_residue, chain_of = hierarchy.atom_to_residue.numpy(), hierarchy.residue_to_chain.numpy()
    true, moved = means(coords, of_residue), means(noise, of_residue)
    relative = moved - means(noise, chain_of[of_residue])[:, chain_of]
    squares, order, own = [], [], []
    for chain in range(chain_of.max() + 1):
        members = np.flatnonzero(chain_of == chain)
        for one, other in zip(members[:-1], members[1:]):
            apart, change = true[other] - true[one], moved[:, other] - moved[:, one]
            squares.append((change**2).sum(-1))
            order.append(((apart + change) * apart).sum(-1) > 0)
        for member in members if len(members) > 1 else []:
            off = true[member] + relative[:, member] - true[members][:, None]  # shape=(n_members, n_draws, 3)
            own.append(members[(off**2).sum(-1).argmin(0)] == member)
    return [np.mean(values, axis=0) for values in (squares, order, own)]


@pytest.mark.parametrize("sigma", [1.0, 4.0, 30.0])
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("chains", CHAINS)
def test_closed_forms_are_those_of_draws(nest, chains, weights, sigma):
    hierarchy = nest(CHAINS[chains], seed=5)
    coords = scattered(hierarchy)
    squares, order, own = measured(coords, hierarchy, draws(hierarchy, weights, sigma, 2000))
    found = (
        expected_neighbor_displacement(hierarchy, weights, sigma) ** 2,
        order_kept(coords, hierarchy, weights, sigma),
        own_place_nearest(coords, hierarchy, weights, sigma),
    )
    # Four standard errors; where no draw differs from the rest, one draw in 2,000 that might.
    for value, sample, of_directions in zip(found, (squares, order, own), (0, 0, 0.001)):
        error = max(sample.std() / len(sample) ** 0.5, (np.ptp(sample) == 0) / len(sample))
        assert value == pytest.approx(sample.mean(), rel=0, abs=4 * error + of_directions)


def test_the_fragment_keeps_the_order_and_the_places_of_the_sheet(fragment_places):
    """SCIENCE.md, section 7."""
    sigma = sigma_from_z(0)
    assert order_kept(*fragment_places, PRESETS["3-8-1"], sigma) == pytest.approx(0.80, abs=0.005)
    assert own_place_nearest(*fragment_places, PRESETS["3-8-1"], sigma) == pytest.approx(0.34, abs=0.005)


def test_neighbors_move_as_far_as_the_sheet_says(fragment_places):
    """SCIENCE.md, section 3: z where the displacement is 3.8 A in space, and its value at z = -.02."""
    _, hierarchy = fragment_places
    for name, z in (("ms", -0.14), ("3-8-1", -0.62)):
        reached = math.log(3.8 / expected_neighbor_displacement(hierarchy, PRESETS[name], sigma_from_z(0))) / 1.5
        assert math.trunc(100 * reached) / 100 == z  # the sheet cuts -.146 and -.626 to two digits
    found = expected_neighbor_displacement(hierarchy, PRESETS["3-8-1"], sigma_from_z(-0.02))
    assert found == pytest.approx(9.4, abs=0.05)


@pytest.mark.parametrize("sigma", [1.0, 3.0, 10.0, 100.0])
@pytest.mark.parametrize("chains", CHAINS)
def test_more_directions_change_little(nest, monkeypatch, chains, sigma):
    hierarchy = nest(CHAINS[chains], seed=5)
    coords = scattered(hierarchy)
    found = own_place_nearest(coords, hierarchy, PRESETS["rb"], sigma)
    monkeypatch.setattr(neighbors, "_RAYS", 1 << 17)
    assert found == pytest.approx(own_place_nearest(coords, hierarchy, PRESETS["rb"], sigma), abs=0.001)


def test_few_directions_are_enough_for_thousands_of_residues(monkeypatch):
    coords = np.random.default_rng(0).uniform(0, 74, (3000, 3))
    hierarchy = Hierarchy(torch.arange(3000), torch.zeros(3000, dtype=torch.int64))
    shares = []
    for rays in (1, 1 << 18):
        monkeypatch.setattr(neighbors, "_RAYS", rays)
        shares.append(own_place_nearest(coords, hierarchy, FLAT, 4.0))
    assert shares[0] == pytest.approx(shares[1], abs=0.001)


def test_shares_without_noise_and_with_boundless_noise(fragment_places):
    hierarchy, rigid = fragment_places[1], LevelWeights(1, 0, 0)
    for share in (order_kept, own_place_nearest):
        assert share(*fragment_places, PRESETS["rb"], 0.0) == share(*fragment_places, rigid, 5.0) == 1
    assert expected_neighbor_displacement(hierarchy, rigid, 5.0) == 0
    # Far out, the cells share the whole sphere between them; flat order is a coin.
    assert own_place_nearest(*fragment_places, FLAT, 1e6) == pytest.approx(1 / 32, abs=0.001)
    assert order_kept(*fragment_places, FLAT, 1e6) == pytest.approx(0.5, abs=1e-4)


def test_nothing_follows_in_chains_of_one_residue(nest):
    hierarchy = nest([[1], [1], [22]])
    assert math.isnan(expected_neighbor_displacement(hierarchy, FLAT, 1.0))
    assert math.isnan(order_kept(np.zeros((24, 3)), hierarchy, FLAT))
    assert math.isnan(own_place_nearest(np.zeros((24, 3)), hierarchy, FLAT))


def test_places_that_coincide_are_one(nest):
    hierarchy = nest([[2, 2, 2]])
    assert own_place_nearest(np.zeros((6, 3)), hierarchy, FLAT, 2.0) == 1
    assert order_kept(np.zeros((6, 3)), hierarchy, FLAT, 2.0) == 0.5
    line = np.repeat([[0.0, 0, 0], [0, 0, 0], [4, 0, 0]], 2, axis=0)
    # The side of each place is a half space at 2 A; relative variances 1 / 2 - 1 / 6 of one atom's.
    inside = 0.5 * (1 + math.erf(2 / (2 * (1 / 3) ** 0.5) / 2**0.5))
    assert own_place_nearest(line, hierarchy, FLAT, 2.0) == pytest.approx(inside, abs=0.001)


def test_coordinates_may_lie_anywhere_and_in_float32(fragment_places):
    coords, hierarchy = fragment_places
    far = coords + np.array([1e6, -3e5, 20])
    for share in (order_kept, own_place_nearest):
        near = share(coords, hierarchy, PRESETS["rb"], 3.0)
        assert share(torch.from_numpy(far), hierarchy, PRESETS["rb"], 3.0) == pytest.approx(near, abs=1e-9)
