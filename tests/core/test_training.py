"""Training is right: against closed forms, finite differences, itself alone and itself uninterrupted."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from pomodoro_pymol import (
    PRESETS,
    Hierarchy,
    LawOfSigma,
    LevelWeights,
    PomodoroError,
    Scheme,
    level_scalings,
    noise_variances,
    split_levels,
)
from pomodoro_pymol.diffusion import training as module
from pomodoro_pymol.diffusion.budget import LevelVariances, start_losses
from pomodoro_pymol.diffusion.hierarchical import Architecture, HierarchicalNetwork
from pomodoro_pymol.diffusion.slots import Seating
from pomodoro_pymol.diffusion.training import Training
from pomodoro_pymol.diffusion.training_data import draw, rotations
from pomodoro_pymol.diffusion.training_task import SCALINGS, LevelScalings, Recipe, Task, TrainingSettings
from pomodoro_pymol.experiments.ensemble_training import ensemble_data, ensemble_floors, own_spread
from pomodoro_pymol.experiments.rating import rate_networks

FLAT, MS, RB = (Scheme(name, PRESETS[name]) for name in ("flat", "ms", "rb"))
CORE = Scheme("1:3:2", LevelWeights(1, 3, 2))
SIZES = (4, 1, 6, 3, 5, 5)
SMALL = Architecture(len(SIZES), max(SIZES), width=16, layers=2, heads=2, channels=8)
LAW = LawOfSigma(3.0)


def hierarchy(*sizes: int) -> Hierarchy:
    """Return one chain of residues of these sizes."""
    rows = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    return Hierarchy(rows, torch.zeros(len(sizes), dtype=torch.int64))


def gaussian(count: int, of: Hierarchy, residue: float, atom: float, seed: int = 0) -> torch.Tensor:
    """Return structures of normal residue places and atoms about them, shape=(count, n_atoms, 3), angstrom."""
    generator = torch.Generator().manual_seed(seed)
    places = residue * torch.randn(count, of.n_residues, 3, generator=generator)
    return of.broadcast(places) + atom * torch.randn(count, of.n_atoms, 3, generator=generator)


def small_data(count=8, schemes=(FLAT, MS, RB), **options):
    of = hierarchy(*SIZES)
    return ensemble_data(gaussian(count, of, 3.0, 1.0), of, schemes, **options)


def make(data, recipes, steps=6, architecture=SMALL, law=LAW, batch=4, rate=1e-2):
    return Training(data, recipes, architecture, TrainingSettings(steps, batch, rate, law))


def trained(training):
    while training.step < training.settings.steps:
        training.advance()
    return training


def same(one, other):
    return all(torch.equal(a, b) for kind in one for a, b in zip(one[kind].values(), other[kind].values()))


# Atoms in slots.


@pytest.fixture
def two_chains():
    of = hierarchy(*SIZES)
    return replace(of, residue_to_chain=torch.tensor([0, 0, 1, 1, 1, 0]))


def test_slots_take_levels_apart_as_the_hierarchy_does(two_chains):
    seating = Seating(two_chains)
    coords = torch.randn(5, two_chains.n_atoms, 3, dtype=torch.float64)
    laid = seating.spread(coords)
    assert torch.equal(seating.gather(laid), coords)
    assert int((laid != 0).any(-1).sum()) == 5 * two_chains.n_atoms
    parts, wanted = seating.slots.split(laid), split_levels(coords, two_chains)
    torch.testing.assert_close(parts[0], wanted[0])
    torch.testing.assert_close(parts[1], wanted[1])
    torch.testing.assert_close(seating.gather(parts[2]), wanted[2])
    torch.testing.assert_close(seating.slots.join(*parts), laid)
    chain, residue, atom = wanted
    on_atoms = (two_chains.broadcast(chain, "chain"), two_chains.broadcast(residue, "residue"), atom)
    squares = torch.stack([part.square().mean((1, 2)) for part in on_atoms], -1)
    torch.testing.assert_close(seating.slots.level_squares(laid), squares)
    torch.testing.assert_close(squares.sum(-1), coords.square().mean((1, 2)))


def test_atoms_of_a_residue_need_not_stand_together():
    of = replace(hierarchy(2, 2, 1), atom_to_residue=torch.tensor([1, 0, 2, 0, 1]))
    seating = Seating(of)
    coords = torch.arange(15.0).view(1, 5, 3)
    laid = seating.spread(coords)
    assert torch.equal(laid[0, 0, :2], coords[0, [1, 3]])
    assert torch.equal(laid[0, 1, :2], coords[0, [0, 4]])
    assert torch.equal(seating.gather(laid), coords)


# What is drawn.


def test_turns_are_proper_and_uniform():
    turns = rotations(torch.randn(20_000, 4, generator=torch.Generator().manual_seed(1)).double())
    torch.testing.assert_close(turns @ turns.mT, torch.eye(3, dtype=torch.float64).expand(20_000, 3, 3))
    torch.testing.assert_close(torch.linalg.det(turns), torch.ones(20_000, dtype=torch.float64))
    # Each entry has mean 0 and variance 1/3; the squares of entries 1/5 - 1/9 = 4/45.
    assert float(turns.mean(0).abs().max()) < 4.5 * math.sqrt(1 / 3 / 20_000)
    assert float((turns.square().mean(0) - 1 / 3).abs().max()) < 4.5 * math.sqrt(4 / 45 / 20_000)


def test_a_draw_hangs_on_seed_and_step_alone():
    data = small_data()
    one, other = (draw(data, data.trained, seeds, 5, 4) for seeds in ([3, 4], [4]))
    for part in ("items", "truth", "z", "chain", "residue", "atom"):
        assert torch.equal(getattr(one, part)[1], getattr(other, part)[0])
    assert not torch.equal(one.atom[0], one.atom[1])
    assert not torch.equal(one.atom, draw(data, data.trained, [3, 4], 6, 4).atom)


def test_sigmas_are_spread_over_the_law():
    data = small_data()
    z = torch.cat([draw(data, data.trained, [0], step, 16).z for step in range(200)]).double()
    places = torch.special.ndtr(z).sort(1).values * 16
    assert bool((places.floor() == torch.arange(16)).all())
    assert abs(float(z.mean())) < 4.5 * 0.25 / math.sqrt(len(z) * 4)
    assert float(z.var()) == pytest.approx(1, abs=0.05)


def test_noise_has_the_law_of_its_scheme(two_chains):
    data = ensemble_data(gaussian(4, two_chains, 3, 1), two_chains, [CORE])
    drawn = draw(data, data.trained, [0], 1, 4000)
    noise = Seating(two_chains).gather(drawn.noise(torch.tensor([CORE.weights.shares]), data.slots))[0].double()
    c, r, a = CORE.weights.shares
    same_residue = two_chains.atom_to_residue[:, None] == two_chains.atom_to_residue
    same_chain = two_chains.atom_to_chain[:, None] == two_chains.atom_to_chain
    wanted = c * same_chain + r * same_residue + a * torch.eye(two_chains.n_atoms)
    rows = noise.transpose(1, 2).reshape(-1, two_chains.n_atoms)
    found = rows.T @ rows / len(rows)
    error = ((wanted**2 + wanted.diag()[:, None] * wanted.diag()) / len(rows)).sqrt()
    assert float(((found - wanted) / error).abs().max()) < 5


def test_held_out_states_are_never_trained_on():
    data = small_data(13, hold=6)
    assert data.tested.tolist() == [5, 11]
    seen = torch.cat([draw(data, data.trained, [0], step, 4).items.flatten() for step in range(100)])
    assert sorted(seen.unique().tolist()) == data.trained.tolist()
    counts = torch.bincount(seen, minlength=13)[data.trained]
    assert int(counts.max()) < 3 * int(counts.min())


def test_a_random_pose_is_turned_and_shifted():
    data = small_data(pose="random", hold=0)
    drawn = draw(data, data.trained, [0], 1, 4000)
    middle = drawn.truth[0].sum((-2, -3)) / data.slots.n_atoms
    assert float(middle.var(0).mean()) == pytest.approx(1, abs=4.5 * math.sqrt(2 / 12_000))
    assert bool((drawn.truth[0][:, ~data.slots.present] == 0).all())
    centred = drawn.truth[0] - middle[:, None, None] * data.slots.present[..., None]
    sizes, wanted = (value.square().sum((-1, -2, -3)) for value in (centred, data.coords[drawn.items[0]]))
    torch.testing.assert_close(sizes, wanted, rtol=1e-4, atol=0)
    assert data.levels[0] == pytest.approx(1)


# Scalings and losses.


@pytest.mark.parametrize("scaling", SCALINGS)
def test_scalings_are_those_of_one_network(scaling):
    of, data = hierarchy(*SIZES), small_data()
    scalings = LevelScalings([Recipe(scheme, scaling, 0) for scheme in (FLAT, MS, RB)], data, 3.0)
    sigma = torch.tensor([[0.1, 7.0]]).expand(3, 2)
    found = torch.stack(scalings.at(sigma))
    for row, scheme in enumerate((FLAT, MS, RB)):
        for column, value in enumerate((0.1, 7.0)):
            levels = level_scalings(scaling, of, scheme.weights, value, data=data.levels, sigma_data=3.0)
            wanted = [[getattr(level, name) for level in levels] for name in ("c_skip", "c_out", "c_in", "c_noise")]
            np.testing.assert_allclose(found[:, row, column], wanted, rtol=2e-6)


@pytest.mark.parametrize("pose", ["fixed", "random"])
def test_the_loss_of_zero_is_the_start_of_pomsignal(pose):
    """A network that predicts zero, by draws, against the integral over the law."""
    of = hierarchy(*SIZES)
    data = ensemble_data(gaussian(64, of, 3.0, 1.0), of, (FLAT, MS, RB), pose=pose, hold=0)
    law = LawOfSigma(own_spread(data, of))
    recipes = [Recipe(scheme, scaling, 0) for scheme in (FLAT, MS, RB) for scaling in SCALINGS]
    training = make(data, recipes, law=law)
    levels = (0.0 if pose == "fixed" else data.levels[0], *data.levels[1:])
    draws = [training.level_losses(draw(data, data.trained, [0], step, 64))[0] for step in range(60)]
    start, _ = training.level_losses(draw(data, data.trained, [0], 1, 64))
    assert torch.equal(start, draws[1])
    mean, error = torch.stack(draws).mean(0), torch.stack(draws).std(0) / math.sqrt(60)
    for row, recipe in enumerate(recipes):
        known = LevelVariances.of(of, recipe.scheme.weights, data.levels, torch.zeros(3, 3))
        wanted = start_losses(known, law, scaling=recipe.scaling, loss_weight=recipe.scaling)
        if recipe.scaling == "global":
            wanted = start_losses(replace(known, data=levels), law)
            assert sum(wanted) == pytest.approx(1, abs=1e-6)
        levels_told = slice(1, 3) if pose == "fixed" and recipe.scaling == "levels" else slice(0, 3)
        off = (mean[row] - torch.tensor(wanted)) / error[row].clamp(min=1e-4)
        assert float(off[levels_told].abs().max()) < 4.5, (recipe, mean[row], wanted)


def test_a_task_undone_is_the_truth(two_chains):
    """c_skip x + c_out target, level by level, is y."""
    data = ensemble_data(gaussian(4, two_chains, 3, 1), two_chains, [MS])
    scalings = LevelScalings([Recipe(MS, "levels", 0)], data, 3.0).at(torch.full((1, 4), 2.0))
    truth = data.coords[None]
    noised = truth + torch.randn_like(truth) * data.slots.present[..., None]
    task = Task.of(noised, truth, data.slots, scalings)
    c_skip, c_out, c_in, _ = scalings
    x, f, scaled = (data.slots.split(part) for part in (noised, task.target, task.scaled))
    for level in range(3):
        factors = [value[..., level].view(1, 4, *[1] * (x[level].ndim - 2)) for value in (c_skip, c_out, c_in)]
        wanted = data.slots.split(truth)[level]
        torch.testing.assert_close(factors[0] * x[level] + factors[1] * f[level], wanted, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(scaled[level], factors[2] * x[level], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(task.residues, f[1] + f[0].index_select(-2, data.slots.chain_of))


def test_gradients_are_those_of_finite_differences(two_chains):
    seating = Seating(two_chains)
    architecture = Architecture(two_chains.n_residues, seating.slots.n_slots, 8, 2, heads=2, channels=4, reach=2)
    network = HierarchicalNetwork(architecture, [0, 1]).double()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in network.parameters():
            weight += 0.2 * torch.randn(weight.shape, generator=generator, dtype=torch.float64)
    coords = seating.spread(torch.randn(2, 3, two_chains.n_atoms, 3, generator=generator, dtype=torch.float64))
    c_noise = torch.randn(2, 3, 3, generator=generator, dtype=torch.float64)
    goals = [torch.randn_like(part) for part in network(coords, c_noise, seating.slots)]

    def loss():
        parts = network(coords, c_noise, seating.slots)
        return sum((part * goal).sum() for part, goal in zip(parts[:1], goals))

    def of_heads():
        parts = network(coords, c_noise, seating.slots)
        return sum((part * goal).sum() for part, goal in zip(parts[1:], goals[1:]))

    for value in (loss, of_heads):
        network.zero_grad()
        value().backward()
        for name, weight in network.weights.items():
            if weight.grad is None:
                assert name.startswith("head") == (value is loss), name
                continue
            if value is of_heads and not name.startswith("head"):
                assert float(weight.grad.abs().max()) == 0, name  # heads send nothing into the tokens
                continue
            way = torch.randn(weight.shape, generator=generator, dtype=torch.float64)
            with torch.no_grad():
                ends = []
                for step in (1e-5, -2e-5, 1e-5):
                    weight += step * way
                    ends.append(float(value()))
            assert float((weight.grad * way).sum()) == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-6, abs=1e-8), (
                name
            )


# Training.


def test_networks_side_by_side_are_those_alone():
    data = small_data()
    recipes = [Recipe(scheme, scaling, seed) for scheme in (FLAT, MS) for scaling in SCALINGS for seed in (0, 1)]
    together = trained(make(data, recipes))
    for number, recipe in enumerate(recipes):
        alone = trained(make(data, [recipe]))
        for name, value in together.arrays()["weights"].items():
            torch.testing.assert_close(value[number], alone.arrays()["weights"][name][0], rtol=2e-3, atol=2e-4)
        assert together.curve[-1][1][number] == pytest.approx(alone.curve[-1][1][0], rel=1e-3)


@pytest.mark.parametrize("tokens", [6, 12, 24, 60])
def test_what_is_worked_on_together_changes_nothing(monkeypatch, tokens):
    data = small_data()
    recipes = [Recipe(scheme, "global", seed) for scheme in (FLAT, MS) for seed in (0, 1)]
    whole = trained(make(data, recipes))
    monkeypatch.setattr(module, "_TOKENS", tokens)
    pieces = trained(make(data, recipes))
    assert len(pieces.networks) > 1
    for name, value in whole.arrays()["weights"].items():
        torch.testing.assert_close(value, pieces.arrays()["weights"][name], rtol=2e-3, atol=2e-4)
    for one, other in zip(
        whole.level_losses(draw(data, data.trained, [0, 1], 9, 7)),
        pieces.level_losses(draw(data, data.trained, [0, 1], 9, 7)),
    ):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_one_seed_gives_one_network():
    data = small_data()
    recipes = [Recipe(MS, "levels", 3)]
    one, other = (trained(make(data, recipes)) for _ in range(2))
    assert same(one.arrays(), other.arrays())
    assert one.curve == other.curve
    assert not same(one.arrays(), trained(make(data, [Recipe(MS, "levels", 4)])).arrays())


def test_a_step_that_is_broken_off_is_none():
    class Stop(Exception):
        pass

    data = small_data()
    training, whole = (make(data, [Recipe(MS, "levels", 0), Recipe(FLAT, "global", 0)]) for _ in range(2))
    calls = []

    def stop():
        calls.append(0)
        if len(calls) == 3:
            raise Stop

    training.advance(stop)
    training.advance(stop)
    with pytest.raises(Stop):
        training.advance(stop)
    assert training.is_whole
    assert same(trained(training).arrays(), trained(whole).arrays())


@pytest.mark.parametrize("scheme", [FLAT, CORE], ids=lambda scheme: scheme.name)
def test_gaussian_data_reach_the_wiener_floor(scheme):
    """Errors on data held out, of residues and atoms of known variance, against S v / (S + v): within 5 % each."""
    of = hierarchy(4, 4, 4, 4, 4, 4)
    states = gaussian(3000, of, 3.0, 1.0)
    states = states - states.mean(1, keepdim=True)
    data = ensemble_data(states, of, [scheme], hold=4)
    data = replace(data, coords=Seating(of).spread(states))  # as they lie: laid on one, they were of another law
    residue, atom = 9 + 1 / 4, 1.0
    law = LawOfSigma(math.sqrt(5 / 6 * residue + 3 / 4 * atom))
    recipes = [Recipe(scheme, scaling, 0) for scaling in SCALINGS]
    training = trained(make(data, recipes, 400, Architecture(6, 4, 32, 1, channels=8), law, batch=32))
    _, v_residue, v_atom = noise_variances(of, scheme.weights, 1.0)
    rating = rate_networks(training, (-1, 0, 1), lambda scheme: {})
    for condition in rating.of("held out", "own"):
        square = condition.sigma**2
        floors = [
            math.sqrt(free * own * v * square / (own + v * square))
            for free, own, v in ((5 / 6, residue, v_residue), (3 / 4, atom, v_atom))
        ]
        np.testing.assert_allclose(condition.errors()[:, 1:], [floors] * 2, rtol=0.05)


def test_two_states_are_both_sampled():
    from pomodoro_pymol.experiments.trained_samples import Judge, sample_networks

    of = hierarchy(3, 3, 3)
    states = gaussian(2, of, 4.0, 1.5, seed=5)
    data = ensemble_data(states, of, [CORE], hold=0)
    recipes = [Recipe(CORE, "levels", 0)]
    training = trained(
        make(data, recipes, 500, Architecture(3, 3, 32, 1, channels=8), LawOfSigma(own_spread(data, of)), 16)
    )
    structure = _structure(of)
    (quality,) = sample_networks(training, structure, of, 40)
    apart = float((data.coords[0] - data.coords[1]).square().sum() / (3 * of.n_atoms)) ** 0.5
    assert quality.reached == 2
    counts = np.bincount(quality.nearest, minlength=2)
    assert abs(counts[0] - 20) < 4.5 * math.sqrt(10)
    total = np.sqrt((quality.distance**2).sum(1))
    assert np.median(total) < 0.1 * apart
    judged = Judge(structure, of, Seating(of).gather(data.coords), False)("truth", Seating(of).gather(data.coords))
    assert judged.nearest.tolist() == [0, 1]
    assert float(judged.distance.max()) < 1e-6


def _structure(of):
    """Return a structure of carbon atoms with these residues."""
    from pomodoro_pymol.structure.atoms import ATOM_LABELS, RESIDUE_LABELS, Structure

    rows = of.atom_to_residue.numpy()
    atoms = np.array([(f"C{number}", "C", "") for number in range(len(rows))], dtype=ATOM_LABELS)
    residues = np.array(
        [("", "A", str(number + 1), "GLY", False) for number in range(rows.max() + 1)], dtype=RESIDUE_LABELS
    )
    return Structure(np.random.default_rng(0).normal(size=(len(rows), 3)).astype("f4") * 5, atoms, residues, rows)


def test_samples_side_by_side_are_those_of_the_sampler(monkeypatch):
    """Network by network, with the same start noise, by `edm_sample`."""
    from pomodoro_pymol import NetworkDenoiser, edm_sample
    from pomodoro_pymol.diffusion.sampling import Draws
    from pomodoro_pymol.diffusion.slot_sampling import sample_side_by_side
    from pomodoro_pymol.diffusion.trained_file import TrainedNetwork
    from pomodoro_pymol.experiments.trained_samples import sampler_of

    of, data = hierarchy(*SIZES), small_data()
    recipes = [Recipe(scheme, scaling, seed) for scheme in (FLAT, RB) for scaling in SCALINGS for seed in (0, 1)]
    training = trained(make(data, recipes, 40))
    drawn = draw(data, data.trained, training.seeds, 77, 5)
    seating = Seating(of)
    found = seating.gather(sample_side_by_side(training, drawn, sampler_of(training).sigmas()))
    noises = seating.gather(training.noise_of(drawn)[0])
    for number, recipe in enumerate(recipes):
        monkeypatch.setattr(Draws, "noise", lambda self, weights, number=number: noises[number])
        network = TrainedNetwork(training.network_of(number), of)
        weights = recipe.scheme.weights
        options = {"variant": recipe.scaling, "data": data.levels, "sigma_data": LAW.sigma_data}
        denoise = NetworkDenoiser(network, of, weights, **options)
        wanted = edm_sample(denoise, of, weights, sampler_of(training), samples=5)
        torch.testing.assert_close(found[number], wanted, rtol=1e-3, atol=2e-3)


def test_without_noise_a_network_returns_what_it_is_given():
    data = small_data()
    training = trained(make(data, [Recipe(MS, scaling, 0) for scaling in SCALINGS]))
    items = data.trained[:3]
    for sigma in (1e-3, 1e-5):
        noised = data.coords[items][None]
        found = torch.cat(
            [part for _, part in training.denoised(noised, torch.tensor([0, 0]), items, torch.full((2,), sigma))]
        )
        assert float((found - noised).abs().max()) < 30 * sigma


def test_a_random_pose_is_learnt():
    """A rigid triangle in any pose: a network that learnt the shape beats all that are linear."""
    of = hierarchy(1, 1, 1, 1)
    states = gaussian(2, of, 3.0, 0.1, seed=2)
    states = torch.stack([states[0], states[0] * 1.001])
    data = ensemble_data(states, of, [FLAT], pose="random", hold=0)
    law = LawOfSigma(own_spread(data, of))
    training = trained(make(data, [Recipe(FLAT, "global", 0)], 500, Architecture(4, 1, 32, 2, channels=4), law, 32))
    rating = rate_networks(training, (0,), ensemble_floors(training, of))
    (condition,) = rating.own
    exact, linear = (math.hypot(*condition.floor(name)) for name in ("exact", "linear"))
    found = math.hypot(*condition.errors()[0])
    assert exact < found < 0.95 * linear


def test_products_in_bfloat16_train_alike(two_chains):
    """As on a GPU: what autocast makes of the network is near what it is, and its gradients too."""
    seating = Seating(two_chains)
    network = HierarchicalNetwork(Architecture(two_chains.n_residues, seating.slots.n_slots, 16, 2, 2, 8), [0, 1])
    with torch.no_grad():
        for weight in network.parameters():
            weight += 0.05 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1))
    coords = seating.spread(torch.randn(2, 3, two_chains.n_atoms, 3))
    c_noise = torch.randn(2, 3, 3)
    found = []
    for mixed in (False, True):
        network.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            parts = network(coords, c_noise, seating.slots)
        sum(part.float().square().sum() for part in parts).backward()
        found.append([*(part.detach().float() for part in parts), *(weight.grad for weight in network.parameters())])
    for one, other in zip(*found):
        assert float((one - other).norm()) < 0.05 * float(one.norm())


# What is refused.


def test_what_cannot_be_trained_on_is_told():
    of = hierarchy(3, 3)
    states = gaussian(6, of, 3, 1)
    with pytest.raises(PomodoroError, match="needs an ensemble, and there is one state"):
        ensemble_data(states[:1], of, [FLAT])
    with pytest.raises(PomodoroError, match="hold=1 leaves 0 of 6 states"):
        ensemble_data(states, of, [FLAT], hold=1)
    data = ensemble_data(
        states, of, [replace(FLAT, name="1:1:0", weights=replace(FLAT.weights, chain=1, residue=1, atom=0))]
    )
    scheme = next(iter(data.noise))
    with pytest.raises(PomodoroError, match="scaling=levels needs noise at the atom level, where 1:1:0 has none"):
        make(data, [Recipe(scheme, "levels", 0)], architecture=Architecture(2, 3, 8, 1, 2, 4))
    make(data, [Recipe(scheme, "global", 0)], architecture=Architecture(2, 3, 8, 1, 2, 4)).advance()


def test_a_loss_that_is_not_finite_ends_the_training():
    training = make(small_data(), [Recipe(FLAT, "global", 0)], steps=200, rate=1e6)
    with pytest.raises(PomodoroError, match=r"the loss is not finite at step .*: give a smaller rate"):
        trained(training)
