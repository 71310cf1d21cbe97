"""The sampler against transcriptions of the published algorithms, closed-form variances, and Haar's measure."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.spatial.transform import Rotation

from pomodoro_pymol.diffusion.analytic import IdealDenoiser, WienerDenoiser
from pomodoro_pymol.diffusion.estimate import Estimate, broadcast_heads
from pomodoro_pymol.diffusion.network import NetworkDenoiser
from pomodoro_pymol.diffusion.samplers import SAMPLERS, Sampler
from pomodoro_pymol.diffusion.sampling import Draws, edm_sample
from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.noise.covariance import NestedCovariance
from pomodoro_pymol.noise.weights import FLAT, PRESETS, LevelWeights
from pomodoro_pymol.structure.hierarchy import split_levels
from pomodoro_pymol.structure.superposition import superpose

WEIGHTS = PRESETS["3-8-1"]
PRIOR = (1.0, 4.0, 0.25)
QUIET = {"center": False, "augment": False}


def members_of(hierarchy, n_members=6, seed=0, spread=2.0):
    rng = np.random.default_rng(seed)
    members = rng.normal(0, 8, (hierarchy.n_atoms, 3)) + rng.normal(0, spread, (n_members, hierarchy.n_atoms, 3))
    return torch.from_numpy(members - members.mean((0, 1)))


# Transcriptions. They share the random numbers with the library, and nothing else.


def softmax_denoiser(members):
    """The posterior mean under flat noise, sample by sample."""

    def denoise(x, sigma):
        energy = ((x[:, None] - members) ** 2).sum((2, 3)) / (2 * sigma**2)
        p = np.exp(energy.min(1, keepdims=True) - energy)
        return np.einsum("sk,kia->sia", p / p.sum(1, keepdims=True), members)

    return denoise


def kabsch(mobile, target):
    """Each mobile frame laid on its target."""
    moved = []
    for x, y in zip(mobile, target):
        fit, _ = Rotation.align_vectors(y - y.mean(0), x - x.mean(0))
        moved.append(fit.apply(x - x.mean(0)) + y.mean(0))
    return np.array(moved)


def karras_2(denoise, draws, n, s_churn, s_tmin, s_tmax, s_noise, sigma_min, sigma_max, rho):
    """Algorithm 2 of Karras et al. 2022 with the schedule of their equation 5, line by line."""
    t = [
        (sigma_max ** (1 / rho) + i / (n - 1) * (sigma_min ** (1 / rho) - sigma_max ** (1 / rho))) ** rho
        for i in range(n)
    ] + [0]
    x = t[0] * draws.noise(FLAT).numpy()
    path = []
    for i in range(n):
        gamma = min(s_churn / n, math.sqrt(2) - 1) if s_tmin <= t[i] <= s_tmax else 0
        t_hat = t[i] + gamma * t[i]
        epsilon = s_noise * draws.noise(FLAT).numpy() if gamma else 0
        x_hat = x + math.sqrt(t_hat**2 - t[i] ** 2) * epsilon
        d = (x_hat - denoise(x_hat, t_hat)) / t_hat
        x = x_hat + (t[i + 1] - t_hat) * d
        if t[i + 1] != 0:
            d_prime = (x - denoise(x, t[i + 1])) / t[i + 1]
            x = x_hat + (t[i + 1] - t_hat) * (d / 2 + d_prime / 2)
        path.append(x)
    return path


def af3_18(denoise, draws, n, s_max, s_min, p, gamma_0, gamma_min, noise_scale, step_scale, align, sigma_data=16):
    """Algorithm 18 of AF3's SI (with the noised x in its last line), and Boltz's alignment."""
    c = [
        sigma_data * (s_max ** (1 / p) + i / (n - 1) * (s_min ** (1 / p) - s_max ** (1 / p))) ** p for i in range(n)
    ] + [0]
    x = c[0] * draws.noise(FLAT).numpy()
    path = []
    for before, after in zip(c[:-1], c[1:]):
        x = x - x.mean(1, keepdims=True)
        x = np.einsum("sab,sib->sia", draws.rotations().numpy(), x) + draws.shifts().numpy()
        gamma = gamma_0 if after > gamma_min else 0
        t_hat = before * (gamma + 1)
        xi = noise_scale * math.sqrt(t_hat**2 - before**2) * draws.noise(FLAT).numpy() if gamma else 0
        x_noisy = x + xi
        x_denoised = denoise(x_noisy, t_hat)
        if align:
            x_noisy = kabsch(x_noisy, x_denoised)
        delta = (x_noisy - x_denoised) / t_hat
        x = x_noisy + step_scale * (after - t_hat) * delta
        path.append(x)
    return path


def run(denoise, hierarchy, sampler, **options):
    steps = []
    options = {"samples": 3, "seed": 4, "dtype": torch.float64, "weights": FLAT, **options}
    edm_sample(denoise, hierarchy, options.pop("weights"), sampler, callback=steps.append, **options)
    return steps


@pytest.mark.parametrize(
    ("s_churn", "s_tmin", "s_tmax", "s_noise"), [(0, 0, math.inf, 1), (40, 0.05, 50, 1.003), (5, 0.01, 1, 1.007)]
)
def test_karras_algorithm_2(complex_, s_churn, s_tmin, s_tmax, s_noise):
    members, n = members_of(complex_), 18
    sampler = dataclasses.replace(
        SAMPLERS["edm"], gamma=min(s_churn / n, math.sqrt(2) - 1), gamma_min=s_tmin, gamma_max=s_tmax,
        noise_scale=s_noise,
    )  # fmt: skip
    steps = run(IdealDenoiser(members, complex_, FLAT), complex_, sampler)
    draws = Draws(complex_, range(3), 4, dtype=torch.float64)
    path = karras_2(softmax_denoiser(members.numpy()), draws, n, s_churn, s_tmin, s_tmax, s_noise, 0.002, 80, 7)
    assert len(steps) == len(path) == n
    for step, expected in zip(steps, path):
        np.testing.assert_allclose(step.coords, expected, rtol=0, atol=1e-6)


PUBLISHED = {
    "af3": (160, 4e-4, 7, 0.8, 1.0, 1.003, 1.5, False),
    "boltz1": (160, 4e-4, 8, 0.605, 1.107, 0.901, 1.638, True),
    "boltz2": (160, 1e-4, 7, 0.8, 1.0, 1.003, 1.5, True),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_af3_algorithm_18_with_each_preset(complex_, name):
    members = members_of(complex_)
    steps = run(IdealDenoiser(members, complex_, FLAT), complex_, SAMPLERS[name])
    draws = Draws(complex_, range(3), 4, dtype=torch.float64)
    path = af3_18(softmax_denoiser(members.numpy()), draws, 200, *PUBLISHED[name])
    assert len(steps) == len(path) == 200
    for step, expected in zip(steps, path):
        np.testing.assert_allclose(step.coords, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", SAMPLERS)
def test_schedules_run_from_the_largest_to_the_smallest_to_zero(name):
    sampler = SAMPLERS[name]
    sigmas = sampler.sigmas()
    assert len(sigmas) == sampler.steps + 1
    assert sigmas[0] == pytest.approx(sampler.sigma_max, rel=1e-12)
    assert sigmas[-2] == pytest.approx(sampler.sigma_min, rel=1e-9)
    assert sigmas[-1] == 0
    assert sigmas == sorted(sigmas, reverse=True)
    assert dataclasses.replace(sampler, steps=1).sigmas() == [pytest.approx(sampler.sigma_max), 0]


# Variances: for a Gaussian prior every mode of a level is one number, so they follow exactly.

RESIDUES, SIZE = 32, 8


def modes(variances):
    """Variance of a chain mean, of a residue mean about it and of an atom about that, per degree of freedom."""
    chain, residue, atom = variances
    return np.array([chain + residue / RESIDUES + atom / RESIDUES / SIZE, residue + atom / SIZE, atom])


def variance_ratios(sampler, skip, weights, churn_weights):
    """Variance of samples over that of the prior, by the recursion of each mode's amplitude."""
    law, churn = (modes(each.shares) for each in (weights, churn_weights))
    sigmas = sampler.sigmas()
    variance = sigmas[0] ** 2 * law
    for sigma, after in zip(sigmas, sigmas[1:]):
        t = sigma * (1 + sampler.gamma) if after > sampler.gamma_min else sigma
        variance = variance + sampler.noise_scale**2 * (t**2 - sigma**2) * churn
        slope = (1 - skip(t)) / t
        factor = 1 + sampler.step_scale * (after - t) * slope
        if sampler.solver == "heun" and after:
            factor = 1 + sampler.step_scale * (after - t) * (slope + (1 - skip(after)) / after * factor) / 2
        variance = variance * factor**2
    return variance / modes(PRIOR)


def skips(variant):
    prior, law, shares = modes(PRIOR), modes(WEIGHTS.shares), np.array(WEIGHTS.shares)
    total = sum(PRIOR)
    if variant == "global":
        return lambda t: np.full(3, total / (total + t**2))
    if variant == "note":
        return lambda t: total / (total + t**2 * np.array([shares[0], shares[1], 1]))
    return lambda t: prior / (prior + t**2 * law)


HEUN = Sampler(steps=50, gamma=0.0, noise_scale=1.0, step_scale=1.0, solver="heun", **QUIET)
EULER = dataclasses.replace(HEUN, steps=200, solver="euler")
CHURN = dataclasses.replace(EULER, gamma=0.8)
COLD = dataclasses.replace(CHURN, noise_scale=1.003, step_scale=1.5)
# Sampler, denoiser, churn, and the table of SCIENCE.md, section 6, by level.
TABLE = {
    "heun": (HEUN, "wiener", WEIGHTS, (1.07, 1.02, 1.03)),
    "levels": (HEUN, "levels", WEIGHTS, (1.02, 1.01, 1.03)),
    "global": (HEUN, "global", WEIGHTS, (1.41, 0.91, 1.79)),
    "note": (HEUN, "note", WEIGHTS, (5.13, 1.35, 1.79)),
    "euler": (EULER, "wiener", WEIGHTS, (0.90, 0.97, 0.96)),
    "churn": (CHURN, "wiener", WEIGHTS, (0.78, 0.75, 0.78)),
    "flat churn": (CHURN, "wiener", FLAT, (0.01, 0.14, 9.3)),
    "step scale 1.5": (COLD, "wiener", WEIGHTS, (0.34, 0.36, 0.29)),
}


@pytest.mark.parametrize("row", TABLE)
def test_the_variance_table_is_made_again(row):
    sampler, variant, churn, reference = TABLE[row]
    found = variance_ratios(sampler, skips(variant), WEIGHTS, churn)
    # The reference is of samples: its residue and atom values are good to 2 % or the last
    # figure printed, its chain value, of few numbers, to 10 %.
    for value, printed, tolerance in zip(found, reference, (0.1, 0.02, 0.02)):
        assert value == pytest.approx(printed, rel=tolerance, abs=0.006)


@pytest.mark.parametrize("row", TABLE)
def test_samples_have_the_variance_of_the_closed_form(nest, row):
    sampler, variant, churn, _ = TABLE[row]
    n_samples, hierarchy = 300, nest([[SIZE] * RESIDUES])
    if variant == "wiener":
        mean = torch.zeros(hierarchy.n_atoms, 3)
        denoise = WienerDenoiser(mean, NestedCovariance(hierarchy, *PRIOR), WEIGHTS)
    else:
        data, total = tuple(modes(PRIOR)), math.sqrt(sum(PRIOR))
        denoise = NetworkDenoiser(
            lambda coords, c_noise: torch.zeros_like(coords), hierarchy, WEIGHTS, variant=variant, data=data,
            sigma_data=total,
        )  # fmt: skip
    sampler = dataclasses.replace(sampler, steps=min(sampler.steps, 50))
    expected = variance_ratios(sampler, skips(variant), WEIGHTS, churn)
    x = edm_sample(denoise, hierarchy, WEIGHTS, sampler, samples=n_samples, seed=1, churn_weights=churn)
    free = (1, RESIDUES - 1, RESIDUES * (SIZE - 1))
    for part, of_prior, count, value in zip(split_levels(x.double(), hierarchy), modes(PRIOR), free, expected):
        measured = float(part.square().sum()) / (3 * count * n_samples) / of_prior
        # Relative standard error of a variance over n numbers: sqrt(2 / n); four of them, at a fixed seed.
        assert measured == pytest.approx(value, rel=4 * math.sqrt(2 / (3 * count * n_samples)))


# Randomness and frames.


def haar_p_values(rotations):
    """Kolmogorov-Smirnov p values of what Haar's measure makes uniform."""
    turned = Rotation.from_matrix(rotations)
    angle = turned.magnitude()
    twist = np.arctan2(rotations[:, 2, 0], rotations[:, 2, 1])
    uniform = (
        (rotations[:, 2, 2] + 1) / 2,  # height of the turned z axis: Archimedes
        (np.arctan2(rotations[:, 1, 2], rotations[:, 0, 2]) / math.pi + 1) / 2,
        (twist / math.pi + 1) / 2,
        (angle - np.sin(angle)) / math.pi,
        ((rotations @ Rotation.from_rotvec([1, 2, 0.5]).as_matrix())[:, 0, 0] + 1) / 2,
    )
    return [stats.kstest(values, "uniform").pvalue for values in uniform]


def test_rotations_are_uniform(nest):
    rotations = Draws(nest([[1]]), range(20_000), 3, dtype=torch.float64).rotations().numpy()
    np.testing.assert_allclose(rotations @ rotations.transpose(0, 2, 1), np.eye(3)[None].repeat(20_000, 0), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(rotations), 1, atol=1e-12)
    # Five p values of a fixed seed: all under 1e-3 for none.
    assert min(haar_p_values(rotations)) > 1e-3


def test_the_test_of_uniformity_can_fail():
    rng = np.random.default_rng(0)
    euler = Rotation.from_euler("xyz", rng.uniform(-math.pi, math.pi, (20_000, 3))).as_matrix()
    few = Rotation.random(20_000, random_state=0).as_matrix()
    few[:3000] = np.eye(3)
    for rotations in (euler, few):
        assert min(haar_p_values(rotations)) < 1e-6


def test_shifts_are_one_angstrom_normal(nest):
    shifts = Draws(nest([[1]]), range(20_000), 3, dtype=torch.float64).shifts().numpy().ravel()
    assert stats.kstest(shifts, "norm").pvalue > 1e-3


@pytest.mark.parametrize("solver", ["heun", "euler"])
def test_augmentation_changes_nothing_but_the_frame(complex_, solver):
    """With an equivariant denoiser, and no churn, whose noise would be another."""
    denoise = IdealDenoiser(members_of(complex_), complex_, WEIGHTS, align=True)
    still = Sampler(steps=30, gamma=0.0, step_scale=1.0, solver=solver, **QUIET)
    moving = dataclasses.replace(still, center=True, augment=True)
    paths = [run(denoise, complex_, sampler, weights=WEIGHTS) for sampler in (still, moving)]
    for one, other in zip(*paths):
        assert float((one.coords - other.coords).abs().max()) > 1
        torch.testing.assert_close(superpose(other.coords, one.coords).coords, one.coords, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_sample_does_not_depend_on_its_batch(complex_, name):
    denoise = IdealDenoiser(members_of(complex_), complex_, WEIGHTS, align=SAMPLERS[name].augment)
    sampler = dataclasses.replace(SAMPLERS[name], steps=20)
    together = edm_sample(denoise, complex_, WEIGHTS, sampler, samples=5, seed=8, dtype=torch.float64)
    for samples in ([3], [4, 3]):
        alone = edm_sample(denoise, complex_, WEIGHTS, sampler, samples=samples, seed=8, dtype=torch.float64)
        # The same random numbers; matrix products of another shape round otherwise.
        torch.testing.assert_close(alone, together[samples], rtol=0, atol=1e-8)


def test_every_step_is_told(complex_):
    sampler = dataclasses.replace(SAMPLERS["af3"], steps=12)
    steps = run(IdealDenoiser(members_of(complex_), complex_, FLAT), complex_, sampler)
    sigmas = sampler.sigmas()
    assert [step.number for step in steps] == list(range(1, 13))
    assert [step.sigma for step in steps] == sigmas[1:]
    for step, sigma, following in zip(steps, sigmas, sigmas[1:]):
        assert step.noise_level == pytest.approx(sigma * (1.8 if following > 1 else 1), rel=1e-12)
    for before, after in zip(steps, steps[1:]):
        torch.testing.assert_close(after.centroid, before.coords.mean(1))
    # The last step has no churn, so that what was denoised is the step before it, moved.
    moved = (steps[-2].coords - steps[-1].centroid[:, None]) @ steps[-1].rotation.mT + steps[-1].shift
    torch.testing.assert_close(steps[-1].noised, moved)


def test_a_callback_stops_the_run(complex_):
    class Stopped(Exception):
        pass

    def stop(step):
        if step.number == 3:
            raise Stopped

    calls = []

    def denoise(x, sigma):
        calls.append(sigma)
        return Estimate(torch.zeros_like(x))

    with pytest.raises(Stopped):
        edm_sample(denoise, complex_, FLAT, SAMPLERS["af3"], callback=stop)
    assert len(calls) == 3


def test_multiscale_broadcasts_in_each_evaluation(complex_):
    members = members_of(complex_)
    denoise = IdealDenoiser(members, complex_, WEIGHTS, covariance="flat", heads=True)
    sampler = dataclasses.replace(SAMPLERS["edm"], steps=8)

    def by_hand(x, sigma):
        return Estimate(broadcast_heads(denoise(x, sigma), complex_, 0.9))

    options = {"weights": WEIGHTS, "multiscale": True, "gate": 0.9}
    built_in, expected = run(denoise, complex_, sampler, **options), run(by_hand, complex_, sampler, weights=WEIGHTS)
    for one, other in zip(built_in, expected):
        torch.testing.assert_close(one.coords, other.coords, rtol=0, atol=1e-10)
        torch.testing.assert_close(one.denoised, other.denoised, rtol=0, atol=1e-10)
    without = run(denoise, complex_, sampler, weights=WEIGHTS)
    assert max(float((one.coords - other.coords).abs().max()) for one, other in zip(built_in, without)) > 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sigma_max": 1.0, "sigma_min": 1.0}, "sigma_max must be larger than sigma_min"),
        ({"sigma_max": 1.0, "sigma_min": 2.0}, "not 1 and 2"),
        ({"sigma_min": 0.0}, "both positive"),
        ({"sigma_max": math.inf}, "both positive"),
        ({"sigma_max": math.nan}, "both positive"),
        ({"steps": 0}, "steps must be at least 1, not 0"),
        ({"rho": 0.0}, "rho must be positive"),
        ({"step_scale": math.nan}, "step_scale must be positive"),
        ({"noise_scale": -1.0}, "noise_scale must be positive"),
        ({"gamma": -0.1}, "gamma must be finite and not negative"),
        ({"solver": "rk4"}, "solver is one of euler, heun"),
        ({"churn_by": "both"}, "churn_by one of next, current"),
    ],
)
def test_bad_samplers(options, message):
    with pytest.raises(PomodoroError, match=message):
        Sampler(**options)


def test_a_denoiser_that_fails_is_named(complex_):
    with pytest.raises(PomodoroError, match="not finite at sigma"):
        edm_sample(lambda x, sigma: Estimate(x * math.nan), complex_, LevelWeights(1, 1, 1), SAMPLERS["edm"])
