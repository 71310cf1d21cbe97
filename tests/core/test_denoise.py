"""Denoisers against brute force: dense precisions, loops over members, autograd, numerical optimisation."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

from pomodoro_pymol.diffusion.analytic import IdealDenoiser, WienerDenoiser, entropy
from pomodoro_pymol.diffusion.choices import POSES
from pomodoro_pymol.diffusion.network import NetworkDenoiser, denoise_scaled
from pomodoro_pymol.diffusion.precondition import level_scalings
from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.noise.covariance import NestedCovariance
from pomodoro_pymol.noise.weights import FLAT, PRESETS, LevelWeights
from pomodoro_pymol.structure.hierarchy import Hierarchy

WEIGHTS = LevelWeights(3, 8, 1)
hierarchies = st.from_type(Hierarchy)


def ensemble(hierarchy, n_members=4, n_samples=3, seed=0, spread=2.0):
    rng = np.random.default_rng(seed)
    base = rng.normal(0, 8, (hierarchy.n_atoms, 3))
    members = base + rng.normal(0, spread, (n_members, hierarchy.n_atoms, 3))
    x = members[rng.integers(n_members, size=n_samples)] + rng.normal(0, spread, (n_samples, hierarchy.n_atoms, 3))
    return torch.from_numpy(members), torch.from_numpy(x)


def posterior(members, x, covariance, sigma):
    """Mean and probabilities for one sample, member by member, from a dense covariance of one coordinate."""
    precision = np.linalg.inv(covariance)
    energies = []
    for member in members:
        d = x - member
        energies.append(sum(d[:, axis] @ precision @ d[:, axis] for axis in range(3)) / (2 * sigma**2))
    p = np.exp(min(energies) - np.array(energies))
    p /= p.sum()
    return sum(weight * member for weight, member in zip(p, members)), p


def means(oracle, hierarchy):
    atom_residue, residue_chain = oracle.membership(hierarchy)
    atom_chain = atom_residue @ residue_chain
    return np.eye(len(atom_residue)), (atom_residue / atom_residue.sum(0)).T, (atom_chain / atom_chain.sum(0)).T


@settings(max_examples=25)
@given(hierarchy=hierarchies, seed=st.integers(0, 99), sigma=st.sampled_from([0.8, 3.0, 20.0]))
def test_ideal_is_the_brute_force_posterior_mean(oracle, hierarchy, seed, sigma):
    members, x = ensemble(hierarchy, seed=seed)
    found = IdealDenoiser(members, hierarchy, WEIGHTS, heads=True)(x, sigma)
    covariance = oracle.covariance(hierarchy, WEIGHTS)
    for to, estimate in zip(means(oracle, hierarchy), (found.atoms, found.residues, found.chains)):
        of_level = to @ covariance @ to.T
        for sample, values in zip(x.numpy(), estimate):
            mean, p = posterior(to @ members.numpy(), to @ sample, of_level, sigma)
            np.testing.assert_allclose(values, mean, rtol=0, atol=1e-9)
            if estimate is found.atoms:
                np.testing.assert_allclose(
                    found.probabilities[(x.numpy() == sample).all((1, 2))][0], p, rtol=0, atol=1e-9
                )


@pytest.mark.parametrize("sigma", [0.5, 3.0, 40.0])
def test_the_flat_metric_takes_atoms_as_independent(complex_, sigma):
    members, x = ensemble(complex_)
    found = IdealDenoiser(members, complex_, WEIGHTS, covariance="flat")(x, sigma)
    for sample, values in zip(x.numpy(), found.atoms):
        np.testing.assert_allclose(values, posterior(members.numpy(), sample, np.eye(41), sigma)[0], atol=1e-9)
    exact = IdealDenoiser(members, complex_, FLAT)(x, sigma)
    torch.testing.assert_close(found.atoms, exact.atoms)


def log_density(x, members, precision, sigma):
    d = x - members
    return torch.logsumexp(-torch.einsum("kia,ij,kja->k", d, precision, d) / (2 * sigma**2), 0)


@pytest.mark.parametrize("sigma", [1.0, 5.0, 20.0])
def test_the_score_is_the_gradient_of_the_log_density(oracle, peptide, sigma):
    members, x = ensemble(peptide)
    covariance = torch.from_numpy(oracle.covariance(peptide, WEIGHTS))
    point = x[0].clone().requires_grad_()
    log_density(point, members, torch.linalg.inv(covariance), sigma).backward()
    denoised = IdealDenoiser(members, peptide, WEIGHTS)(x[:1], sigma).atoms[0]
    # Tweedie: D = x + sigma^2 Sigma grad log p.
    torch.testing.assert_close(denoised, x[0] + sigma**2 * covariance @ point.grad, rtol=0, atol=1e-9)


@settings(max_examples=25)
@given(hierarchy=hierarchies, seed=st.integers(0, 99), sigma=st.sampled_from([0.1, 3.0, 50.0]))
def test_wiener_is_the_dense_gaussian_posterior(oracle, hierarchy, seed, sigma):
    prior = (1.0, 4.0, 0.25)
    members, x = ensemble(hierarchy, seed=seed)
    mean = members[0]
    found = WienerDenoiser(mean, NestedCovariance(hierarchy, *prior), WEIGHTS, heads=True)(x, sigma)
    spread = sum(prior) * oracle.covariance(hierarchy, LevelWeights(*prior))
    noise = sigma**2 * oracle.covariance(hierarchy, WEIGHTS)
    for to, estimate in zip(means(oracle, hierarchy), (found.atoms, found.residues, found.chains)):
        c, n, center = to @ spread @ to.T, to @ noise @ to.T, to @ mean.numpy()
        expected = center + c @ np.linalg.solve(c + n, to @ x.numpy() - center)
        np.testing.assert_allclose(estimate, expected, rtol=0, atol=1e-9)


def test_wiener_takes_rigid_residues_where_the_prior_is_not(peptide):
    members, x = ensemble(peptide)
    prior = NestedCovariance(peptide, 1.0, 1.0, 1.0)
    assert WienerDenoiser(members[0], prior, LevelWeights(1, 1, 0))(x, 3.0).atoms.isfinite().all()
    with pytest.raises(PomodoroError, match="wa=0"):
        WienerDenoiser(members[0], NestedCovariance(peptide, 1.0, 1.0, 0.0), LevelWeights(1, 1, 0))(x, 3.0)


@pytest.mark.parametrize("assumed", ["nested", "flat"])
def test_the_best_pose_is_the_likeliest_rotation(oracle, peptide, assumed):
    members, x = ensemble(peptide, n_samples=2)
    x = x - x.mean(1, keepdim=True) + 0.7
    sigma = 2.0
    found = IdealDenoiser(members, peptide, WEIGHTS, covariance=assumed, pose="best")(x, sigma)
    covariance = oracle.covariance(peptide, WEIGHTS) if assumed == "nested" else np.eye(peptide.n_atoms)
    # With the shift of 1 A, which all atoms share. The pose is that of the noise as it is; a head's probabilities are
    # of what it takes the noise for.
    precise, own = (np.linalg.inv(sigma**2 * each + 1) for each in (oracle.covariance(peptide, WEIGHTS), covariance))

    def energy(turn, member, sample, precision):
        d = sample - Rotation.from_rotvec(turn).apply(member)
        return np.einsum("ia,ij,ja->", d, precision, d) / 2

    starts = Rotation.random(8, random_state=0).as_rotvec()
    for sample, p, denoised in zip(x.numpy(), found.probabilities.numpy(), found.atoms.numpy()):
        energies, posed = [], []
        for member in (members - members.mean(1, keepdim=True)).numpy():
            fits = [minimize(energy, at, (member, sample, precise), tol=1e-12) for at in starts]
            best = min(fits, key=lambda fit: fit.fun).x
            energies.append(energy(best, member, sample, own))
            turned = Rotation.from_rotvec(best).apply(member)
            posed.append(turned + precise.sum(0) @ (sample - turned))
        expected = np.exp(min(energies) - np.array(energies))
        expected /= expected.sum()
        # The numerical minimum is good to about 1e-7 of the energy, the pose to its root.
        np.testing.assert_allclose(p, expected, rtol=0, atol=1e-5)
        np.testing.assert_allclose(denoised, np.einsum("k,kia->ia", expected, posed), rtol=0, atol=2e-3)


@pytest.mark.parametrize("pose", ["exact", "best"])
def test_a_rotation_makes_no_difference(complex_, pose):
    members, x = ensemble(complex_)
    turn = torch.from_numpy(Rotation.random(random_state=3).as_matrix())
    prior = NestedCovariance(complex_, 1.0, 4.0, 0.25)
    for denoise in (
        IdealDenoiser(members, complex_, WEIGHTS, pose=pose, heads=True),
        IdealDenoiser(members, complex_, WEIGHTS, pose=pose, covariance="flat", heads=True),
        WienerDenoiser(members[0], prior, WEIGHTS, pose=pose, heads=True),
    ):
        before, after = denoise(x, 3.0), denoise(x @ turn.T, 3.0)
        for name in ("atoms", "residues", "chains"):
            moved = getattr(before, name) @ turn.T
            torch.testing.assert_close(getattr(after, name), moved, rtol=0, atol=1e-9)


def test_a_posed_wiener_filter_is_the_plain_one_in_pose(complex_):
    members, _ = ensemble(complex_)
    prior = NestedCovariance(complex_, 1.0, 4.0, 0.25)
    x = members[:1] - members[0].mean(0)  # nothing to turn
    plain, posed = (WienerDenoiser(x[0], prior, WEIGHTS, pose=pose)(x, 3.0).atoms for pose in ("fixed", "best"))
    torch.testing.assert_close(posed, plain, rtol=0, atol=1e-9)
    torch.testing.assert_close(posed, x, rtol=0, atol=1e-9)


@pytest.mark.parametrize("pose", POSES)
def test_float32_and_leading_axes(complex_, pose):
    members, x = ensemble(complex_, n_samples=6)
    exact = IdealDenoiser(members, complex_, WEIGHTS, pose=pose, heads=True)(x, 5.0)
    rounded = IdealDenoiser(members.float(), complex_, WEIGHTS, pose=pose, heads=True)(x.float(), 5.0)
    for one, other in zip(vars(exact).values(), vars(rounded).values()):
        assert other.dtype == torch.float32
        # Energies of about 1e3 rounded to 6e-8 of themselves, times members some 10 A apart.
        torch.testing.assert_close(other.double(), one, rtol=0, atol=1e-3)
    folded = IdealDenoiser(members, complex_, WEIGHTS, pose=pose)(x.view(2, 3, -1, 3), 5.0)
    torch.testing.assert_close(folded.atoms.view_as(x), exact.atoms, rtol=0, atol=1e-10)
    assert folded.probabilities.shape == (2, 3, 4)


@pytest.mark.parametrize("pose", POSES)
def test_low_noise_finds_the_member_and_high_noise_knows_nothing(complex_, pose):
    members, _ = ensemble(complex_)
    members -= members.mean(1, keepdim=True)
    denoise = IdealDenoiser(members, complex_, WEIGHTS, pose=pose)
    torch.testing.assert_close(denoise(members, 1e-3).atoms, members, rtol=0, atol=1e-9)
    assert float(entropy(denoise(members, 1e-3).probabilities).max()) < 1e-9
    assert float(entropy(denoise(members, 1e6).probabilities).min()) == pytest.approx(np.log(4), abs=1e-4)


def test_a_network_is_preconditioned(complex_):
    _, x = ensemble(complex_)
    denoise = NetworkDenoiser(
        lambda coords, c_noise: coords.sin(), complex_, WEIGHTS, variant="levels", data=(1, 70, 2)
    )
    scalings = level_scalings("levels", complex_, WEIGHTS, 4.0, data=(1, 70, 2))
    expected = denoise_scaled(lambda coords, c_noise: coords.sin(), x, complex_, scalings)
    assert torch.equal(denoise(x, 4.0).atoms, expected.atoms)


@pytest.mark.parametrize(
    ("members", "options", "message"),
    [
        (torch.zeros(2, 40, 3), {}, r"must have shape \(n_members, 41, 3\)"),
        (torch.zeros(41, 3), {}, "must have shape"),
        (torch.zeros(0, 41, 3), {}, "must have shape"),
        (torch.full((2, 41, 3), torch.nan), {}, "not finite"),
        (torch.zeros(2, 41, 3), {"covariance": "round"}, "covariance must be one of nested, flat"),
        (torch.zeros(2, 41, 3), {"pose": "free"}, "pose must be one of fixed, exact, best"),
        (torch.zeros(2, 41, 3), {"weights": LevelWeights(1, 1, 0)}, "wa=0"),
    ],
)
def test_bad_ensembles(complex_, members, options, message):
    with pytest.raises(PomodoroError, match=message):
        IdealDenoiser(members, complex_, **{"weights": PRESETS["ms"], **options})


def test_bad_means(complex_):
    for mean in (torch.zeros(40, 3), torch.full((41, 3), torch.inf)):
        with pytest.raises(PomodoroError, match="finite numbers"):
            WienerDenoiser(mean, NestedCovariance(complex_, 1.0, 1.0, 1.0), WEIGHTS)
