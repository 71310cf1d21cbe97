"""Superposition against SciPy's, on generic and degenerate point sets."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.structure import singular
from pomodoro_pymol.structure.superposition import superpose

RNG = np.random.default_rng(7)
LINE = np.outer(RNG.normal(size=9), [1.0, 2.0, -0.5])
PLANE = np.pad(RNG.normal(size=(12, 2)), ((0, 0), (0, 1))) @ Rotation.random(random_state=3).as_matrix()
CLOUD = 10 * RNG.normal(size=(40, 3))
#: Points and whether the best rotation is unique.
SETS = {
    "cloud": (CLOUD, True),
    "three points": (CLOUD[:3], True),
    "plane": (PLANE, True),
    "line": (LINE, False),
    "one place": (np.ones((5, 3)), False),
}


@pytest.fixture(params=[0, 10**9], ids=["closed form", "one by one"], autouse=True)
def route(request, monkeypatch):
    """Both ways to the singular values, for any number of frames."""
    monkeypatch.setattr(singular, "_FEW", request.param)


def moved(points, noise, mirrored=False, seed=1):
    """Return the points turned, shifted and noised."""
    rng = np.random.default_rng(seed)
    turned = Rotation.random(random_state=seed).apply(points * [1, 1, -1 if mirrored else 1])
    return turned + 30 * rng.normal(size=3) + noise * rng.normal(size=points.shape)


def reference(mobile, target, weights):
    """Return SciPy's superposed coordinates and rotation."""
    means = [np.average(points, axis=0, weights=weights) for points in (mobile, target)]
    rotation, _ = Rotation.align_vectors(target - means[1], mobile - means[0], weights=weights)
    return rotation.apply(mobile - means[0]) + means[1], rotation.as_matrix()


def residual(coords, target, weights):
    return np.average(np.square(np.asarray(coords) - target).sum(-1), weights=weights)


@pytest.mark.filterwarnings("ignore:Optimal rotation is not uniquely")
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("noise", [0.0, 0.5])
@pytest.mark.parametrize("name", SETS)
def test_agrees_with_scipy(name, noise, mirrored, weighted):
    target, unique = SETS[name]
    mobile = moved(target, noise, mirrored)
    weights = np.random.default_rng(5).uniform(0.1, 2, len(target)) if weighted else None
    found = superpose(mobile, target, weights)
    coords, rotation = reference(mobile, target, weights)
    assert residual(found.coords, target, weights) == pytest.approx(residual(coords, target, weights), abs=1e-10)
    assert torch.linalg.det(found.rotation).item() == pytest.approx(1, abs=1e-12)
    assert np.allclose(found.rotation @ found.rotation.mT, np.eye(3), atol=1e-12)
    if unique:
        assert np.allclose(found.rotation, rotation, atol=1e-10)
        assert np.allclose(found.coords, coords, atol=1e-10)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rigid_motion_is_undone(dtype, mirrored):
    target = torch.as_tensor(CLOUD, dtype=dtype)
    mobile = torch.as_tensor(moved(CLOUD, 0, mirrored), dtype=dtype)
    found = superpose(mobile, target)
    assert found.coords.dtype == found.rotation.dtype == found.translation.dtype == dtype
    there = torch.allclose(found.coords, target, atol=1e-4 if dtype == torch.float32 else 1e-12)
    assert there is not mirrored  # a mirror image is not a motion
    assert torch.linalg.det(found.rotation).item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("n_atoms", [1, 2])
def test_fewer_than_three_points_are_shifted(n_atoms):
    mobile, target, weights = CLOUD[:n_atoms], CLOUD[5 : 5 + n_atoms], [1.0, 3.0][:n_atoms]
    found = superpose(mobile, target, np.array(weights))
    shift = np.average(target, axis=0, weights=weights) - np.average(mobile, axis=0, weights=weights)
    assert torch.equal(found.rotation, torch.eye(3, dtype=torch.float64))
    assert np.allclose(found.coords, mobile + shift, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("lead", [(6,), (2, 3), (0,)])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("targets", ["one", "each", "last axis"])
def test_batch_equals_loop(dtype, lead, transposed, targets):
    generator = torch.Generator().manual_seed(2)
    mobile = 10 * torch.randn(*lead, 20, 3, generator=generator, dtype=dtype)
    if transposed:
        mobile = mobile.mT.contiguous().mT
    shape = {"one": (), "each": lead, "last axis": lead[-1:]}[targets]
    target = 10 * torch.randn(*shape, 20, 3, generator=generator, dtype=dtype)
    weights = torch.rand(20, generator=generator, dtype=dtype)
    found = superpose(mobile, target, weights)
    assert found.coords.shape == (*lead, 20, 3)
    assert found.rotation.shape == (*lead, 3, 3)
    assert found.translation.shape == (*lead, 1, 3)
    each = target.expand(*lead, 20, 3).reshape(-1, 20, 3)
    for i, (frame, goal) in enumerate(zip(mobile.reshape(-1, 20, 3), each)):
        alone = superpose(frame, goal, weights)
        close = {"rtol": 0, "atol": 1e-4 if dtype == torch.float32 else 1e-11}
        assert torch.allclose(alone.coords, found.coords.reshape(-1, 20, 3)[i], **close)
        assert torch.allclose(alone.rotation, found.rotation.reshape(-1, 3, 3)[i], **close)


def test_one_frame_onto_many_targets():
    targets = torch.as_tensor(np.stack([moved(CLOUD, 0, seed=seed) for seed in range(4)]))
    assert torch.allclose(superpose(CLOUD, targets).coords, targets, atol=1e-11)


def test_coords_are_the_motion_applied():
    mobile = torch.as_tensor(np.stack([moved(CLOUD, 1, seed=seed) for seed in range(3)]))
    found = superpose(mobile, CLOUD)
    assert torch.allclose(found.coords, mobile @ found.rotation.mT + found.translation, atol=1e-11)


def test_weight_zero_is_absence():
    mobile = moved(CLOUD, 1)
    weights = np.r_[np.ones(30), np.zeros(10)]
    assert torch.allclose(superpose(mobile, CLOUD, weights).rotation, superpose(mobile[:30], CLOUD[:30]).rotation)
    assert torch.allclose(superpose(mobile, CLOUD, 7 * weights).coords, superpose(mobile, CLOUD, weights).coords)


@pytest.mark.parametrize("weights", [None, np.ones(40_000)])
def test_float32_holds_far_from_the_origin(weights):
    """Sampling starts with displacements of 2,560 A."""
    target = 15 * np.random.default_rng(3).normal(size=(40_000, 3))
    mobile = moved(target, 1.0) + 2560
    exact = superpose(mobile.astype(np.float32).astype(np.float64), target)
    found = superpose(mobile.astype(np.float32), target, weights)
    assert (found.coords.double() - exact.coords).abs().max() < 2e-6 * np.linalg.norm(mobile.mean(0))


def test_gradients_do_not_pass_and_input_stays():
    mobile = torch.as_tensor(moved(CLOUD, 1)).requires_grad_()
    before = mobile.detach().clone()
    assert not superpose(mobile, CLOUD).coords.requires_grad
    assert torch.equal(mobile, before)


@pytest.mark.parametrize("place", ["mobile", "target"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_coords_that_are_not_finite_are_refused(place, value):
    points = {"mobile": np.stack([CLOUD, CLOUD]), "target": CLOUD.copy()}
    points[place][..., 3, 1] = value
    weights = np.r_[np.ones(3), 0, np.ones(36)]
    with pytest.raises(PomodoroError, match=f"{place} coordinates are not all finite"):
        superpose(points["mobile"], points["target"], weights)


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_bad_weights_are_refused(bad):
    with pytest.raises(PomodoroError, match="finite, not negative, and not all zero"):
        superpose(CLOUD, CLOUD, np.r_[bad, np.ones(39)])
    with pytest.raises(PomodoroError, match="not all zero"):
        superpose(CLOUD, CLOUD, np.zeros(40))
    with pytest.raises(PomodoroError, match=r"\(40,\), not \(3,\)"):
        superpose(CLOUD, CLOUD, np.ones(3))


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(PomodoroError, match="of the same atoms"):
        superpose(CLOUD, CLOUD[:5])
    with pytest.raises(PomodoroError, match="of the same atoms"):
        superpose(CLOUD[:, :2], CLOUD[:, :2])
    with pytest.raises(PomodoroError, match="do not broadcast"):
        superpose(np.stack([CLOUD] * 3), np.stack([CLOUD] * 2))
    with pytest.raises(PomodoroError, match="at least one atom"):
        superpose(np.empty((2, 0, 3)), np.empty((0, 3)))
