"""The curves of a sampler against their definitions, and what they are to show."""

import csv
import dataclasses
import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from pomodoro_pymol.diffusion.analytic import IdealDenoiser, WienerDenoiser
from pomodoro_pymol.diffusion.curves import StepCurves, curves_csv, curves_text
from pomodoro_pymol.diffusion.estimate import Estimate
from pomodoro_pymol.diffusion.precondition import noise_variances
from pomodoro_pymol.diffusion.samplers import SAMPLERS, Sampler
from pomodoro_pymol.diffusion.sampling import edm_sample
from pomodoro_pymol.noise.covariance import NestedCovariance
from pomodoro_pymol.noise.weights import PRESETS
from pomodoro_pymol.structure.superposition import superpose

WEIGHTS = PRESETS["3-8-1"]
QUIET = {"center": False, "augment": False}


def structure(hierarchy, seed=0):
    coords = torch.from_numpy(np.random.default_rng(seed).normal(0, 8, (hierarchy.n_atoms, 3)))
    return coords - coords.mean(0)


def ensemble(hierarchy, n_members=5):
    moves = np.random.default_rng(1).normal(0, 1.5, (n_members, hierarchy.n_atoms, 3))
    return structure(hierarchy) + torch.from_numpy(moves)


def follow(denoise, hierarchy, sampler, truth=None, **options):
    curves = StepCurves(hierarchy, truth, any_pose=sampler.center or sampler.augment)
    steps = []
    options = {"samples": 4, "seed": 2, "dtype": torch.float64, **options}
    edm_sample(
        denoise, hierarchy, WEIGHTS, sampler, callback=lambda step: steps.append((step, curves(step))), **options
    )
    assert [record for _, record in steps] == curves.records
    return steps


def test_records_are_their_definitions(complex_):
    members = ensemble(complex_)
    sampler = dataclasses.replace(SAMPLERS["edm"], steps=10)
    for step, record in follow(IdealDenoiser(members, complex_, WEIGHTS), complex_, sampler, members[0]):
        off = (step.denoised - members[0]).numpy()
        residues, chains = complex_.atom_to_residue.numpy(), complex_.atom_to_chain.numpy()
        for index, value in ((chains, record.error[0]), (residues, record.error[1]), (np.arange(41), record.error[2])):
            means = np.stack([off[:, index == group].mean(1) for group in range(index.max() + 1)])
            assert value == pytest.approx(np.sqrt((means**2).mean()), rel=1e-9, abs=1e-12)
        left = (step.noised - step.denoised).numpy()
        of_chain = np.stack([left[:, chains == chain].mean(1) for chain in chains], 1)
        of_residue = np.stack([left[:, residues == residue].mean(1) for residue in residues], 1)
        parts = (of_chain, of_residue - of_chain, left - of_residue)
        assert record.left == pytest.approx([(part**2).mean() for part in parts], rel=1e-9)
        assert sum(record.left) == pytest.approx((left**2).mean(), rel=1e-9)
        p = step.estimate.probabilities.numpy()
        plogp = np.where(p > 0, p * np.log(np.maximum(p, 1e-300)), 0)
        assert record.entropy == pytest.approx(-plogp.sum(1).mean(), abs=1e-12)
        assert record.centroid == pytest.approx(np.sqrt((step.centroid.numpy() ** 2).sum(1).mean()))
        assert (record.step, record.sigma, record.sigma_hat) == (step.number, step.sigma, step.sigma_hat)


def test_what_is_not_there_is_nan(complex_):
    prior = NestedCovariance(complex_, 1.0, 4.0, 0.25)
    (_, record), *_ = follow(WienerDenoiser(structure(complex_), prior, WEIGHTS), complex_, SAMPLERS["edm"])
    assert math.isnan(record.entropy)
    assert all(map(math.isnan, record.error))


def test_the_first_step_leaves_noise_of_its_law(nest):
    hierarchy = nest([[8] * 8, [8] * 8])
    members = ensemble(hierarchy) - structure(hierarchy)
    (_, record), *_ = follow(IdealDenoiser(members, hierarchy, WEIGHTS), hierarchy, SAMPLERS["edm"], samples=400)
    chain, residue, atom = noise_variances(hierarchy, WEIGHTS, 80.0)
    for value, expected, numbers in zip(
        record.left, (chain, residue * 14 / 16, atom * 112 / 128), (400 * 2 * 3, 400 * 14 * 3, 400 * 112 * 3)
    ):
        # Relative standard error of a variance, four of them; the mean member, of 0.7 A,
        # adds 0.5 square angstrom.
        assert value == pytest.approx(expected, rel=4 * math.sqrt(2 / numbers), abs=0.5)


def test_centring_keeps_the_centroid_home(complex_, of_any_place):
    members = ensemble(complex_)
    free = dataclasses.replace(SAMPLERS["af3"], center=False, augment=False, steps=30)
    knows = IdealDenoiser(members, complex_, WEIGHTS, pose="exact")
    denoise = of_any_place(knows)
    far = [record.centroid for _, record in follow(denoise, complex_, free)]
    near = [
        record.centroid for _, record in follow(denoise, complex_, dataclasses.replace(free, center=True, augment=True))
    ]
    # The chain share alone moves the centre by sigma sqrt(3 * .25 / 4 chains) and more.
    assert far[-1] > 500
    assert near[-1] < 5
    # A posterior that knows of places comes home by itself, to within its own shift of 1 A.
    assert follow(knows, complex_, free)[-1][1].centroid < 5


def test_rotation_leaves_the_augmentation_out(complex_):
    """A denoiser that follows x exactly does not turn, however much x is turned."""
    sampler = Sampler(sigma_max=0.5, sigma_min=1e-3, steps=20, gamma=0.0, step_scale=1.0)
    steps = follow(biased(complex_, 0.0), complex_, sampler)
    turned = [torch.eye(3, dtype=torch.float64), *(step.pose.rotation for step, _ in steps)]
    assert min(float((after - before).abs().max()) for before, after in zip(turned, turned[1:])) > 0.1
    assert max(record.rotation for _, record in steps) < 1e-5


def test_what_lies_elsewhere_is_that_far_off(complex_):
    """Turned onto the truth, but not moved: superposed, a displaced structure would have no error."""
    truth = structure(complex_) + 7.0
    turn = torch.from_numpy(Rotation.random(3, random_state=4).as_matrix())
    away = torch.tensor([[[2.0, -1.0, 2.0]]], dtype=torch.float64)
    curves = StepCurves(complex_, truth, any_pose=True)

    def denoise(x, sigma):
        return Estimate((truth - truth.mean(0)).expand_as(x) @ turn.mT + away)

    sampler = dataclasses.replace(SAMPLERS["edm"], steps=3)
    edm_sample(denoise, complex_, WEIGHTS, sampler, samples=3, dtype=torch.float64, callback=curves)
    for record in curves.records:
        assert record.error == pytest.approx((3 / 3**0.5,) * 3, rel=1e-9)


def test_sigma_is_the_samplers_and_sigma_hat_what_churn_makes_of_it(complex_):
    denoise = IdealDenoiser(ensemble(complex_), complex_, WEIGHTS, pose="exact")
    sampler = dataclasses.replace(SAMPLERS["af3"], steps=12)
    records = [record for _, record in follow(denoise, complex_, sampler)]
    sigmas = sampler.sigmas()
    assert [record.sigma for record in records] == sigmas[1:]
    raised = [1.8 * sigma if after > 1 else sigma for sigma, after in zip(sigmas, sigmas[1:])]
    assert [record.sigma_hat for record in records] == pytest.approx(raised, rel=1e-12)
    rows = list(csv.DictReader(curves_csv(records).splitlines()))
    for name, values in (("sigma", sigmas[1:]), ("sigma_hat", raised)):
        assert [float(row[f"{name}_per_coordinate"]) for row in rows] == pytest.approx(values, rel=1e-5)
    cells = curves_text(records).splitlines()[2].split()
    assert [float(cell) for cell in cells[:3]] == pytest.approx([1, sigmas[1], raised[0]], rel=5e-3)


def biased(hierarchy, degrees):
    """An equivariant denoiser of one structure that turns what it returns about z, in the frame of x."""
    truth = structure(hierarchy)
    turn = torch.from_numpy(Rotation.from_euler("z", degrees, degrees=True).as_matrix())

    def denoise(x, sigma):
        posed = superpose(truth.expand_as(x), x)
        center = posed.coords.mean(-2, keepdim=True)
        return Estimate((posed.coords - center) @ turn.T + center)

    return denoise


def drift(hierarchy, sampler, samples=1):
    return follow(biased(hierarchy, 0.25), hierarchy, sampler, samples=samples)[-1][1].rotation


def turned(sampler, start, truth, degrees=0.25):
    """The angle of what x holds of the structure, as a complex number, when each D is turned from it by a bias."""
    posed = superpose(truth, start).coords
    held = complex((posed * (start - start.mean(0))).sum() / truth.square().sum())  # by chance
    sigmas = sampler.sigmas()
    for sigma, after in zip(sigmas[:-2], sigmas[1:]):
        ahead = np.exp(1j * (np.angle(held) + math.radians(degrees)))
        held += (1 - after / sigma) * (ahead - held)
    return math.degrees(np.angle(held))


def test_drift_does_not_grow_with_the_steps(nest):
    hierarchy = nest([[8] * 8])
    found = []
    for steps in (50, 200, 400):
        sampler = Sampler(sigma_max=0.3, sigma_min=0.003, steps=steps, gamma=0.0, step_scale=1.0, **QUIET)
        path = follow(biased(hierarchy, 0.25), hierarchy, sampler, samples=1)
        found.append(path[-1][1].rotation)
        assert found[-1] == pytest.approx(turned(sampler, path[0][0].noised[0], structure(hierarchy)), rel=0.02)
    assert found[2] - found[1] < 0.1 * found[0]


def test_augmentation_turns_drift_into_a_random_walk(nest):
    hierarchy = nest([[8] * 8])
    still = Sampler(sigma_max=0.3, sigma_min=0.003, gamma=0.0, step_scale=1.0, steps=50, **QUIET)
    moving = dataclasses.replace(still, center=True, augment=True)
    assert drift(hierarchy, moving, samples=40) < 0.5 * drift(hierarchy, still, samples=40)


def test_entropy_falls_from_all_to_one(complex_):
    steps = follow(IdealDenoiser(ensemble(complex_), complex_, WEIGHTS), complex_, SAMPLERS["boltz2"])
    assert steps[0][1].entropy == pytest.approx(math.log(5), abs=0.01)
    assert steps[-1][1].entropy < 1e-6


@pytest.mark.parametrize("any_pose", [True, False])
def test_a_truth_of_another_precision_is_the_same(complex_, any_pose):
    truth = structure(complex_)
    denoise = IdealDenoiser(ensemble(complex_).float(), complex_, WEIGHTS, pose="exact")
    curves = [StepCurves(complex_, it, any_pose=any_pose) for it in (truth, truth.float())]
    for each in curves:
        edm_sample(denoise, complex_, WEIGHTS, dataclasses.replace(SAMPLERS["edm"], steps=4), callback=each)
    for one, other in zip(*(each.records for each in curves)):
        assert one.error == pytest.approx(other.error, rel=1e-5)


@pytest.mark.parametrize("n_atoms", [1, 2, 3])
def test_few_atoms(nest, n_atoms):
    """One and two are not turned."""
    hierarchy = nest([[n_atoms]])
    members = 3 * torch.randn(3, n_atoms, 3, generator=torch.Generator().manual_seed(1))
    curves = StepCurves(hierarchy, members[0], any_pose=True)
    denoise = IdealDenoiser(members, hierarchy, WEIGHTS, pose="exact")
    edm_sample(denoise, hierarchy, WEIGHTS, dataclasses.replace(SAMPLERS["af3"], steps=4), samples=3, callback=curves)
    turned = [record.rotation for record in curves.records]
    assert max(turned) == 0 if n_atoms < 3 else max(turned[1:]) > 1
    assert np.isfinite([(*record.error, *record.left, record.centroid) for record in curves.records]).all()
