"""Intervals of what is measured of each residue, held against draws made without the library."""

import numpy as np
import pytest

from pomodoro_pymol.noise.expected import expected_residues
from pomodoro_pymol.noise.levels import ResidueLevels
from pomodoro_pymol.noise.metrics import METRICS
from pomodoro_pymol.noise.residue_intervals import residue_interval
from pomodoro_pymol.noise.weights import LevelWeights

DRAWS = 20_000
CHAINS = [[4, 1, 7, 3, 8], [9, 2, 5], [1], [6]]
NAMES = ("ratio", "relative", "displacement", "scramble", "neighbour", "excess")


def drawn(oracle, hierarchy, weights, frames):
    """`ResidueLevels` of many runs of some frames, each of shape=(n_draws, n_residues), from the definitions."""
    to, sigma = oracle.maps(hierarchy), oracle.covariance(hierarchy, weights)
    values, vectors = np.linalg.eigh(sigma)
    root = vectors * np.sqrt(np.maximum(values, 0))
    noise = root @ np.random.default_rng(frames).standard_normal((hierarchy.n_atoms, DRAWS * frames * 3))

    def mean_square(matrix):
        return ((matrix @ noise) ** 2).reshape(len(matrix), DRAWS, -1).mean(-1)

    steps = mean_square(to.neighbor)
    pairs = hierarchy.neighbors.T.tolist()
    sides = [[step for pair, step in zip(pairs, steps) if residue in pair] for residue in range(hierarchy.n_residues)]
    squares = (
        to.residue @ mean_square(to.atom),
        mean_square(to.residue),
        to.residue @ mean_square(to.atom_relative),
        mean_square(to.residue_relative),
        np.stack([np.mean(side, axis=0) if side else np.zeros(DRAWS) for side in sides]),
    )
    return ResidueLevels(*(np.sqrt(square.T) for square in squares))


@pytest.mark.parametrize("frames", [1, 2, 5])
@pytest.mark.parametrize("weights", [(1, 1, 1), (3, 8, 1), (0, 0, 1), (0, 1, 0), (2, 0, 1)])
def test_intervals_cover_what_is_expected_as_often_as_they_say(oracle, nest, weights, frames):
    hierarchy, weights = nest(CHAINS), LevelWeights(*weights)
    measured, truth = drawn(oracle, hierarchy, weights, frames), expected_residues(hierarchy, weights)
    standard_error = (0.95 * 0.05 / DRAWS) ** 0.5
    one_atom, alone = hierarchy.atoms_per_residue.numpy() == 1, hierarchy.is_alone.numpy()
    for name in NAMES:
        metric = METRICS[name]
        with np.errstate(divide="ignore", invalid="ignore"):
            values, expected = metric.compute(measured, truth), metric.compute(truth, truth)
            low, high = residue_interval(name, values, hierarchy, weights, measured, frames)
            # To rounding, which is all that is left where a ratio is 1 by its nature.
            covered = ((low < expected * (1 + 1e-9)) & (expected < high * (1 + 1e-9))).mean(0)
        certain = one_atom | (weights.atom == 0) if "rms / atom rms" in metric.label else False
        tested = ~(certain | (alone & metric.in_chain))
        assert np.all((low < values) & (values < high), where=tested), name
        # That of the neighbours is no exact one: it covers a little more, of a frame or two.
        excess = 0.015 / frames if name == "neighbour" else 0.0
        assert np.all(covered[tested] > 0.95 - 4.5 * standard_error), name
        assert np.all(covered[tested] < 0.95 + excess + 4.5 * standard_error), name
        assert name == "relative" or np.all(covered[~tested & ~alone] == 1), name


def test_others_have_none(nest):
    hierarchy, weights = nest(CHAINS), LevelWeights(1, 1, 1)
    levels = expected_residues(hierarchy, weights)
    for name in METRICS.keys() - set(NAMES):
        assert residue_interval(name, np.ones(hierarchy.n_residues), hierarchy, weights, levels, 10) is None
