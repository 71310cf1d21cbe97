"""What networks learnt, and which is best: against closed forms and numbers made up for it."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch

from pomodoro_pymol import PRESETS, Hierarchy, LawOfSigma, LevelWeights, Scheme, noise_variances
from pomodoro_pymol.diffusion.analytic import IdealDenoiser
from pomodoro_pymol.diffusion.hierarchical import Architecture
from pomodoro_pymol.diffusion.precondition import edm_scalings, linear_skip_error
from pomodoro_pymol.diffusion.training import Training
from pomodoro_pymol.diffusion.training_task import Recipe, TrainingSettings
from pomodoro_pymol.experiments.ensemble_training import ensemble_data, ensemble_floors
from pomodoro_pymol.experiments.ranking import difference, log_errors, rankings, scaling_effects
from pomodoro_pymol.experiments.rating import RESIDUE_NOISE, Condition, Rating, rate_networks

FLAT, MS = (Scheme(name, PRESETS[name]) for name in ("flat", "ms"))
BARE = Scheme("1:1:0", LevelWeights(1, 1, 0))
OF = Hierarchy(torch.repeat_interleave(torch.arange(6), 4), torch.zeros(6, dtype=torch.int64))


def states(count):
    generator = torch.Generator().manual_seed(3)
    places = 3 * torch.randn(count, 6, 3, generator=generator)
    return OF.broadcast(places) + torch.randn(count, 24, 3, generator=generator)


def untrained(count=300, schemes=(FLAT, MS), scalings=("global",), **options):
    """Return networks that predict zero, of which all is known."""
    data = ensemble_data(states(count), OF, schemes, hold=3, **options)
    recipes = [Recipe(scheme, scaling, seed) for scheme in schemes for scaling in scalings for seed in (0, 1)]
    return Training(data, recipes, Architecture(6, 4, 8, 1, 2, 4), TrainingSettings(1, 4, 0.01, LawOfSigma(3.0)))


@pytest.fixture(scope="module")
def rated():
    training = untrained()
    return training, rate_networks(training, (-1, 1), lambda scheme: {})


def test_a_network_that_predicts_zero_leaves_what_c_skip_does(rated):
    """On each noise at each sigma, by closed form: (1 - c)^2 of the data and c^2 of the noise."""
    training, rating = rated
    held = {"training": ~training.data.held, "held out": training.data.held}
    assert len(rating.own) == 8
    assert len(rating.common) == 4
    for condition in rating.own + rating.common:
        spread = training.data.slots.level_squares(training.data.coords[held[condition.data]]).double().mean(0)
        noise = noise_variances(OF, condition.scheme.weights, condition.sigma)
        assert condition.squares.shape == (len(condition.recipes), int(held[condition.data].sum()), 3)
        for row, told in enumerate(condition.told):
            scalings = edm_scalings(float(told), 3.0)
            for level, (free, v) in enumerate(zip((1, 5 / 6, 18 / 24), noise)):
                wanted = linear_skip_error(scalings, free * v, float(spread[level]))
                values = condition.squares[row, :, level]
                error = values.std(ddof=1) / math.sqrt(len(values))
                assert abs(values.mean() - wanted) < 4.5 * error + 1e-9
        for level, (free, v) in enumerate(zip((1, 5 / 6, 18 / 24), noise)):
            values = condition.floors["noise"][:, level]
            assert abs(values.mean() - free * v) < 4.5 * values.std(ddof=1) / math.sqrt(len(values))


def test_residues_have_the_same_noise_on_common_noises(rated):
    for condition in rated[1].common:
        _, residue, _ = noise_variances(OF, condition.scheme.weights, condition.sigma)
        assert math.sqrt(3 * residue) == pytest.approx(RESIDUE_NOISE)


def test_on_a_common_noise_the_better_of_two_sigmas_is_told(rated):
    training, rating = rated
    equal = {condition.scheme: condition.sigma for condition in rating.common}
    for condition in rating.common:
        for number, told in zip(condition.recipes, condition.told):
            own = equal[training.recipes[number].scheme]
            assert told in (pytest.approx(own), pytest.approx(condition.sigma))
            errors = {
                sigma: linear_skip_error(edm_scalings(sigma, 3.0), RESIDUE_NOISE**2 / 3, training.data.levels[1])
                for sigma in (own, condition.sigma)
            }
            assert told == pytest.approx(min(errors, key=errors.get))


def test_all_networks_see_the_same_noise(rated):
    for condition in rated[1].common:
        same = condition.squares[np.isclose(condition.told, condition.told[0])]
        np.testing.assert_allclose(same, np.broadcast_to(same[:1], same.shape), rtol=1e-4)


@pytest.mark.parametrize("pose", ["fixed", "random"])
def test_the_exact_denoiser_is_the_floor_of_what_was_trained_on(pose):
    """Its errors are those of the denoiser asked by hand; on held-out states it is no floor."""
    training = untrained(9, pose=pose)
    rating = rate_networks(training, (0,), ensemble_floors(training, OF))
    for condition in rating.of("training", "own"):
        exact, linear, noise = (math.hypot(*condition.floor(name)) for name in ("exact", "linear", "noise"))
        assert exact < noise
        assert (exact < linear) or pose == "fixed"
        zero = condition.errors()
        assert all(exact < math.hypot(*row) for row in zero)
    condition = rating.of("training", "own")[0]
    members = training.data.coords[training.data.trained].flatten(1, 2)
    ideal = IdealDenoiser(members, OF, condition.scheme.weights, pose="fixed" if pose == "fixed" else "exact")
    x = members + condition.sigma * torch.randn(40, *members.shape, generator=torch.Generator().manual_seed(1))[:, :]
    if pose == "fixed" and condition.scheme == FLAT:
        left = (ideal(x.flatten(0, 1), condition.sigma).atoms.view_as(x) - members).square().mean((2, 3)).double()
        found = condition.floors["exact"].sum(1)
        error = math.hypot(left.std() / math.sqrt(left.numel()), found.std(ddof=1) / math.sqrt(len(found)))
        assert abs(float(left.mean()) - found.mean()) < 4.5 * error


def test_noise_without_an_atom_part_has_no_floor():
    training = untrained(9, schemes=(BARE, FLAT))
    rating = rate_networks(training, (0,), ensemble_floors(training, OF))
    for condition in rating.own:
        assert math.isnan(condition.floor("exact")[1]) == (condition.scheme == BARE)


# Ranking.


def made(scores, n_items=40, spread=0.0, seed=0, groups=None):
    """Return a rating in which networks leave exp(score), item by item with some scatter that all share."""
    noise = np.random.default_rng(seed).normal(0, spread, n_items)
    squares = np.exp(2 * (np.array(scores)[:, None] + noise))[..., None].repeat(3, 2)
    groups = np.arange(n_items) if groups is None else groups
    everyone = list(range(len(scores)))
    condition = Condition("held out", MS, None, 1.0, everyone, groups, squares, np.ones(len(scores)), {})
    return Rating([], [condition], np.ones((len(scores), 3)), np.zeros((len(scores), 3)))


RECIPES = [Recipe(scheme, "global", seed) for scheme in (FLAT, MS) for seed in (0, 1, 2)]


def test_what_is_better_in_every_seed_is_told():
    ranking = rankings(made([0.1, 0.12, 0.11, 0.0, 0.01, 0.02]), RECIPES)[1]
    assert (ranking.level, ranking.best, ranking.data) == ("residue", "ms global", "held out")
    (other,) = ranking.others
    assert other.is_told
    assert other.ratio == pytest.approx(math.expm1(0.1))
    sd = np.std([0.1, 0.11, 0.09], ddof=1) / math.sqrt(3)
    assert other.high == pytest.approx(math.expm1(0.1 + 4.302652729749462 * sd))
    assert re.search(r"ms global is best; next is flat global \+10\.5 % \(\+7", str(ranking))


def test_what_differs_from_seed_to_seed_is_not_told():
    ranking = rankings(made([0.1, -0.12, 0.11, 0.0, 0.01, 0.02]), RECIPES)[2]
    (other,) = ranking.others
    assert not other.is_told
    assert "the data cannot tell it from" in str(ranking)


def test_structures_count_by_their_groups():
    """Copies of a structure make no interval narrower."""
    rng = np.random.default_rng(5)
    once = rng.normal(0, 0.3, (2, 12))

    def reach(copies):
        squares = np.exp(2 * np.repeat(once, copies, 1))[..., None].repeat(3, 2)
        condition = Condition(
            "held out", MS, None, 1.0, [0, 1], np.repeat(np.arange(12), copies), squares, np.ones(2), {}
        )
        found = difference("x", [0], [1], *log_errors([condition], 1))
        return found.low, found.high

    np.testing.assert_allclose(reach(1), reach(7))


def test_intervals_cover():
    """Over structures: 95 % of the intervals of a true ratio hold it."""
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(400):
        logs = rng.normal(0, 0.4, (2, 30)) + np.array([[0.2], [0.0]])
        squares = np.exp(2 * logs)[..., None].repeat(3, 2)
        condition = Condition("held out", MS, None, 1.0, [0, 1], np.arange(30), squares, np.ones(2), {})
        found = difference("x", [0], [1], *log_errors([condition], 0))
        inside += found.low < math.expm1(0.2) < found.high
    assert 0.95 - 4.5 * math.sqrt(0.95 * 0.05 / 400) < inside / 400 <= 1


def test_the_effect_of_scalings_is_of_pairs():
    recipes = [Recipe(MS, scaling, seed) for scaling in ("global", "levels") for seed in (0, 1)]
    effects = scaling_effects(made([0.3, 0.5, 0.1, 0.3]), recipes)
    for found in effects.values():
        (only,) = found
        assert (only.name, only.ratio) == ("ms", pytest.approx(math.expm1(-0.2)))
        assert only.is_told


def test_one_scheme_alone_is_no_ranking():
    assert str(rankings(made([0.0]), [Recipe(MS, "global", 0)])[1]).endswith("ms global is alone")
