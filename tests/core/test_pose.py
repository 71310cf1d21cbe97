"""The posterior over poses against quadrature without Bessel functions, uniform draws, and finite differences."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from pomodoro_pymol.diffusion.analytic import IdealDenoiser, WienerDenoiser
from pomodoro_pymol.diffusion.estimate import broadcast_heads
from pomodoro_pymol.diffusion.pose import rotation_posterior
from pomodoro_pymol.noise.covariance import NestedCovariance
from pomodoro_pymol.noise.draw import add_noise
from pomodoro_pymol.noise.weights import PRESETS, LevelWeights
from pomodoro_pymol.structure import singular
from pomodoro_pymol.structure.hierarchy import Hierarchy

WEIGHTS = LevelWeights(3, 8, 1)
#: Errors and sizes that the page on sampling prints, of the exact pose and the best, by sigma.
PAGE = {
    float(sigma): tuple(float(cell.partition(" ")[0]) for cell in cells.split(" | "))
    for sigma, cells in re.findall(
        r"^\| ([\d.]+) \| ([\d.]+ ± .*) \|$",
        (Path(__file__).parents[2] / "docs" / "sampling.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
}
PRIOR = (1.0, 4.0, 0.25)
SINGULAR = [
    (1e-5, 5e-6, -1e-6),
    (0.5, 0.2, -0.1),
    (2, 2, -2),
    (5, 5, 5),
    (30, 10, -9),
    (60, 59, -58.5),
    (200, 3, 1),
    (300, 299, -290),
    (400, 300, 200),
]


@pytest.fixture(params=[0, 10**9], ids=["closed form", "one by one"], autouse=True)
def route(request, monkeypatch):
    """Both ways to the singular values, for any number of frames."""
    monkeypatch.setattr(singular, "_FEW", request.param)


def of_singular(values, seed=0):
    """A matrix of these singular values, the last with its sign, and its factors."""
    u, v = Rotation.random(2, random_state=seed).as_matrix()
    return torch.from_numpy(u @ np.diag(values) @ v.T), u, v


def by_angles(s):
    """log c and its gradient by two-dimensional quadrature over Euler angles, no Bessel function.

    With R11 + R22 = (1 + cos b) cos p, R11 - R22 = (cos b - 1) cos m and R33 = cos b, b the polar angle and
    p, m the sum and difference of the others, all three uniform: Haar's measure is d cos b dp dm / (8 pi^2).
    """
    x, weight = np.polynomial.legendre.leggauss(500)
    p = 2 * np.pi * np.arange(700) / 700
    half, other = (s[0] + s[1]) / 2, (s[0] - s[1]) / 2
    # Of each polar angle, mean and first moment of the exponential over a period, relative to its largest value.
    sums = np.exp(half * (1 + x[:, None]) * (np.cos(p) - 1))
    differences = np.exp(-other * (1 - x[:, None]) * (1 + np.cos(p)))
    log = half * (1 + x) + other * (1 - x) + s[2] * x
    density = weight / 2 * np.exp(log - sum(s)) * sums.mean(1) * differences.mean(1)
    total = density.sum()
    plus = (1 + x) * (sums * np.cos(p)).mean(1) / sums.mean(1)
    minus = (x - 1) * (differences * np.cos(p)).mean(1) / differences.mean(1)
    mean = [(density * part).sum() / total for part in ((plus + minus) / 2, (plus - minus) / 2, x)]
    return np.log(total), np.array(mean)


@pytest.mark.parametrize("values", SINGULAR)
def test_the_normaliser_is_that_of_quadrature_over_angles(values):
    log, mean = by_angles(values)
    matrix, u, v = of_singular(values)
    found = rotation_posterior(matrix[None])
    assert float(found.peak[0]) == pytest.approx(sum(values), rel=1e-12)
    assert float(found.spread[0]) == pytest.approx(log, abs=1e-10)
    np.testing.assert_allclose(found.mean[0], u @ np.diag(mean) @ v.T, rtol=0, atol=1e-10)


@pytest.mark.parametrize("values", [(0.5, 0.2, -0.1), (3, 2, 1), (6, 5, -4), (12, 6, 3)])
def test_the_normaliser_is_that_of_uniform_rotations(values):
    matrix, _, _ = of_singular(values, seed=1)
    turns = Rotation.random(400_000, random_state=2).as_matrix()
    weights = np.exp(np.einsum("nij,ij->n", turns, matrix) - sum(values))
    found = rotation_posterior(matrix)
    error = weights.std() / len(weights) ** 0.5
    assert abs(weights.mean() - float(found.spread.exp())) < 4.5 * error
    mean = np.einsum("n,nij->ij", weights, turns) / weights.sum()
    errors = (weights[:, None, None] * (turns - mean)).std(0) / len(weights) ** 0.5 / weights.mean()
    assert (np.abs(found.mean.numpy() - mean) < 4.5 * errors).all()


@pytest.mark.parametrize("values", [*SINGULAR, (1e4, 9e3, -8.9e3), (1e6, 10, 1)])
def test_the_mean_is_the_gradient(values):
    matrix, _, _ = of_singular(values, seed=3)
    step = 1e-4 * max(1.0, values[0]) ** 0.5

    def log(moments):
        # About the same peak, else small differences of large numbers drown.
        found = rotation_posterior(moments)
        return found.spread + (found.peak - rotation_posterior(matrix).peak)

    mean = rotation_posterior(matrix).mean
    for row in range(3):
        for column in range(3):
            moved = torch.zeros(3, 3, dtype=torch.float64)
            moved[row, column] = step
            slope = (log(matrix + moved) - log(matrix - moved)) / (2 * step)
            # The difference errs by step^2 / 6 times a third cumulant of numbers within 1, and by rounding.
            assert float(slope) == pytest.approx(
                float(mean[row, column]), abs=step**2 + 1e-14 * values[0] / step + 1e-9
            )


@pytest.mark.parametrize("scale", [1e4, 1e8, 1e13])
def test_what_is_nearly_sure_is_as_laplace_has_it(scale):
    values = scale * np.array([1.0, 0.6, -0.2])
    s1, s2, s3 = values
    matrix, u, v = of_singular(values, seed=4)
    found = rotation_posterior(matrix)
    pairs = np.array([s1 + s2, s1 + s3, s2 + s3])
    # The next term of the series is of order 1 / s.
    assert float(found.spread) == pytest.approx(-0.5 * np.log(8 * np.pi * pairs.prod()), abs=2 / pairs.min())
    turned = u @ v.T
    assert float(((found.mean.numpy() - turned) ** 2).sum()) ** 0.5 < 2 / pairs.min() + 1e-12


def test_what_is_nearly_unknown_is_as_its_series_has_it():
    matrix = 1e-3 * torch.randn(50, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = rotation_posterior(matrix)
    # <(tr R^T M)^2> = |M|^2 / 3 and <tr(R^T M) R> = M / 3.
    torch.testing.assert_close(found.peak + found.spread, matrix.square().sum((1, 2)) / 6, rtol=1e-2, atol=1e-12)
    torch.testing.assert_close(found.mean, matrix / 3, rtol=0, atol=1e-5)


def test_no_moments_know_nothing():
    found = rotation_posterior(torch.zeros(2, 3, 3, dtype=torch.float64))
    assert max(part.abs().max() for part in (found.spread, found.mean, found.peak)) < 1e-14


def noised(hierarchy, members, sigma, seed=6):
    """The second member, turned, shifted and noised."""
    turn = Rotation.random(random_state=seed).as_matrix()
    noise = add_noise(np.zeros((hierarchy.n_atoms, 3)), hierarchy, sigma, WEIGHTS, seed=seed, dtype=torch.float64)[0]
    return members[1] @ turn.T + noise.numpy() + [1.2, -0.4, 0.3]


def over_poses(x, centred, covariance, batches=50):
    """Mean posed member and probabilities given x, and their standard errors, by uniform rotations.

    Members are about the centroid of their atoms. The shift of 1 A is shared by all points: a normal, whose
    variance the covariance takes.
    """
    precision = np.linalg.inv(covariance + 1)
    halves = np.einsum("kia,ij,kja->k", centred, precision, centred) / 2
    turns = Rotation.random(400_000, random_state=7).as_matrix()
    overlap = np.einsum("ia,ij,kjb->kab", x, precision, centred)
    logs = turns.reshape(-1, 9) @ overlap.reshape(-1, 9).T - halves
    weights = np.exp(logs - logs.max())

    def estimate(w, t):
        turned = (w.T @ t.reshape(-1, 9) / w.sum()).reshape(-1, 3, 3)
        posed = np.einsum("kab,kib->ia", turned, centred)
        # The mean shift given a turned member is linear in it.
        return posed + precision.sum(0) @ (x - posed), w.sum(0) / w.sum()

    parts = [estimate(*part) for part in zip(np.array_split(weights, batches), np.array_split(turns, batches))]
    errors = [np.std(part, 0, ddof=1) / batches**0.5 for part in zip(*parts)]
    return *estimate(weights, turns), *errors


def ensemble(hierarchy, n_members=3, seed=5):
    rng = np.random.default_rng(seed)
    members = rng.normal(0, 4, (hierarchy.n_atoms, 3)) + rng.normal(0, 1.5, (n_members, hierarchy.n_atoms, 3))
    return members - members.mean(1, keepdims=True)


@pytest.mark.parametrize("sigma", [8.0, 20.0, 80.0])
def test_ideal_is_the_mean_over_uniform_poses(oracle, peptide, sigma):
    members = ensemble(peptide)
    x = noised(peptide, members, sigma)
    found = IdealDenoiser(torch.from_numpy(members), peptide, WEIGHTS, pose="exact")(torch.from_numpy(x)[None], sigma)
    mean, chosen, *errors = over_poses(x, members, sigma**2 * oracle.covariance(peptide, WEIGHTS))
    assert (np.abs(found.atoms[0].numpy() - mean) < 5 * errors[0]).all()
    assert (np.abs(found.probabilities[0].numpy() - chosen) < 5 * errors[1]).all()
    assert max(errors[0].max() / 10, errors[1].max()) < 0.02  # so that it can fail


@pytest.mark.parametrize("sigma", [8.0, 20.0, 80.0])
def test_wiener_is_the_mean_over_uniform_poses(oracle, peptide, sigma):
    members = ensemble(peptide)
    x = noised(peptide, members, sigma)
    spread = sum(PRIOR) * oracle.covariance(peptide, LevelWeights(*PRIOR))
    whole = spread + sigma**2 * oracle.covariance(peptide, WEIGHTS)
    denoise = WienerDenoiser(torch.from_numpy(members[1]), NestedCovariance(peptide, *PRIOR), WEIGHTS, pose="exact")
    posed, _, error, _ = over_poses(x, members[1:2], whole)
    gain = spread @ np.linalg.inv(whole)
    expected = posed + gain @ (x - posed)
    errors = np.abs(np.eye(len(gain)) - gain) @ error  # as if all atoms erred together, which is too much
    found = denoise(torch.from_numpy(x)[None], sigma).atoms[0].numpy()
    assert (np.abs(found - expected) < 5 * errors).all()
    assert errors.max() < 0.3


def test_a_head_has_probabilities_of_its_own_and_the_pose_of_all_atoms(oracle, complex_):
    members, sigma = ensemble(complex_), 6.0
    x = noised(complex_, members, sigma)
    found = IdealDenoiser(torch.from_numpy(members), complex_, WEIGHTS, pose="exact", heads=True)(
        torch.from_numpy(x)[None], sigma
    )
    maps, covariance = oracle.maps(complex_), sigma**2 * oracle.covariance(complex_, WEIGHTS)
    precision = np.linalg.inv(covariance + 1)
    poses = rotation_posterior(torch.from_numpy(np.einsum("ia,ij,kjb->kab", x, precision, members))).mean.numpy()
    turned = np.einsum("kab,kib->kia", poses, members)
    shifts = np.einsum("i,kia->ka", precision.sum(0), x - turned)[:, None]
    for level, estimate in (("residue", found.residues), ("chain", found.chains)):
        to = getattr(maps, level)
        _, chosen, _, error = over_poses(to @ x, to @ members, to @ covariance @ to.T)
        means = to @ (turned + shifts)
        expected = np.einsum("k,kia->ia", chosen, means)
        errors = np.einsum("k,kia->ia", error, np.abs(means - expected))
        assert (np.abs(estimate[0].numpy() - expected) < 5 * errors + 1e-9).all()
        assert np.abs(chosen - found.probabilities[0].numpy()).max() > 10 * error.max()


@pytest.mark.parametrize("pose", ["exact", "best"])
@pytest.mark.parametrize("sigma", [0.5, 5.0, 50.0])
def test_heads_that_share_their_probabilities_change_nothing(complex_, pose, sigma):
    members = torch.from_numpy(ensemble(complex_))
    x = torch.from_numpy(np.stack([noised(complex_, members.numpy(), sigma, seed) for seed in range(3)]))
    turned = (
        members[:1] @ torch.from_numpy(Rotation.random(4, random_state=8).as_matrix()).mT + 5.0
    )  # which is not its place
    prior = NestedCovariance(complex_, *PRIOR)
    for denoise in (
        IdealDenoiser(members[:1], complex_, WEIGHTS, pose=pose, heads=True),
        # Members that a pose makes one another are equally likely to every head.
        IdealDenoiser(turned, complex_, WEIGHTS, pose="exact", heads=True),
        IdealDenoiser(members[:1], complex_, WEIGHTS, covariance="flat", pose=pose, heads=True),
    ):
        found = denoise(x, sigma)
        torch.testing.assert_close(broadcast_heads(found, complex_), found.atoms, rtol=0, atol=1e-9)
    # The filter's heads see less than its atoms where groups differ in size, in the same pose.
    posed = WienerDenoiser(members[0], prior, WEIGHTS, pose=pose, heads=True)(x, sigma)
    parts = posed.residues - complex_.pool(posed.atoms), posed.chains - complex_.pool(posed.atoms, "chain")
    assert max(float(part.abs().max()) for part in parts) < 6 * sum(PRIOR) ** 0.5


@pytest.mark.parametrize("sigma", [4e-4, 1e-2])
def test_low_noise_in_float32_tells_members_apart(peptide, sigma):
    members = torch.from_numpy(ensemble(peptide, 1)).float()
    rng = np.random.default_rng(9)
    # So near to each other that float32 products of coordinates would not tell.
    members = members + torch.from_numpy(rng.normal(0, 5 * sigma, (4, peptide.n_atoms, 3))).float()
    turn = torch.from_numpy(Rotation.random(4, random_state=10).as_matrix())
    noise = add_noise(np.zeros((peptide.n_atoms, 3)), peptide, sigma, WEIGHTS, n_frames=4, dtype=torch.float64)
    clean = members.double() @ turn.mT
    x = (clean + noise).float()
    found = IdealDenoiser(members, peptide, WEIGHTS, pose="exact")(x, sigma)
    assert float(found.probabilities.diagonal().min()) > 0.99
    # What is left is the error of place and pose, which is less than the noise.
    assert float((found.atoms - clean).square().mean().sqrt()) < sigma
    prior = NestedCovariance(peptide, *PRIOR)
    wiener = WienerDenoiser(members[0], prior, WEIGHTS, pose="exact")(x[:1], sigma).atoms
    assert float((wiener - clean[:1]).square().mean().sqrt()) < 1.5 * sigma


def test_far_noise_knows_no_pose(peptide):
    members = torch.from_numpy(ensemble(peptide))
    x = torch.from_numpy(noised(peptide, members.numpy(), 2560.0))[None]
    found = IdealDenoiser(members, peptide, WEIGHTS, pose="exact")(x, 2560.0)
    assert float(found.atoms.square().mean().sqrt()) < 0.05
    torch.testing.assert_close(found.probabilities, torch.full_like(found.probabilities, 1 / 3), rtol=0, atol=1e-2)
    # The filter keeps its shape's place at the origin, and takes of x no more than its prior allows.
    wiener = WienerDenoiser(members[0], NestedCovariance(peptide, *PRIOR), WEIGHTS, pose="exact")(x, 2560.0).atoms
    assert float(wiener.square().mean().sqrt()) < 0.05


@pytest.mark.parametrize(
    ("sigma", "pose", "error", "size"),
    [
        (21.6, "exact", 1.24, 4.8),
        (21.6, "best", 1.25, 4.9),
        (80.0, "exact", 4.05, 2.83),
        (80.0, "best", 4.36, 4.31),
        (400.0, "exact", 4.901, 0.589),
        (400.0, "best", 5.95, 3.89),
    ],
)
def test_what_the_best_pose_costs(nmr_states, sigma, pose, error, size):
    states, hierarchy = nmr_states
    denoise = IdealDenoiser(states, hierarchy, PRESETS["3-8-1"], pose=pose)
    n_frames = 960
    turns = torch.from_numpy(Rotation.random(n_frames, random_state=11).as_matrix()).float()
    truth = states.repeat(n_frames // len(states), 1, 1) @ turns.mT
    noise = add_noise(torch.zeros_like(states[0]), hierarchy, sigma, PRESETS["3-8-1"], n_frames=n_frames)
    squares = []
    for one, of in zip(truth.split(240), noise.split(240)):
        found = denoise(one + of, sigma).atoms
        squares.append(torch.stack([(found - one).square().mean((1, 2)), found.square().mean((1, 2))]))
    # Root mean squares, with standard errors; the figures given have errors of their own, of 3,000 draws, and digits.
    # Those of the page are of 1,200 other draws.
    told = PAGE[sigma][:2] if pose == "exact" else PAGE[sigma][2:]
    for values, given, printed, digit in zip(torch.cat(squares, 1).double(), (error, size), told, (0.005, 0.05)):
        rms = float(values.mean()) ** 0.5
        own = float(values.std()) / len(values) ** 0.5 / (2 * rms)
        assert abs(rms - given) < 4.5 * own * (1 + n_frames / 3000) ** 0.5 + digit
        assert abs(rms - printed) < 4.5 * own * (1 + n_frames / 1200) ** 0.5 + 0.005


@pytest.fixture(scope="module")
def nmr_states(nmr_models):
    structure, states = nmr_models
    states = torch.from_numpy(states)
    return states - states.mean(1, keepdim=True), Hierarchy.from_structure(structure)
