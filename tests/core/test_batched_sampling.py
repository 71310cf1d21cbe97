"""Sampling as on a GPU, tried on the CPU: nothing waits for the device within a step; a sample does not hang on others.

What waits is found by watching every call of torch, in Python and below: numbers that go to the host, shapes that hang
on numbers, factorisations that look at their outcome, and what is made of the host's numbers.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from pomodoro_pymol.diffusion import network as networks
from pomodoro_pymol.diffusion import sampling
from pomodoro_pymol.diffusion.analytic import IdealDenoiser, WienerDenoiser
from pomodoro_pymol.diffusion.curves import StepCurves
from pomodoro_pymol.diffusion.estimate import Estimate
from pomodoro_pymol.diffusion.network import NetworkDenoiser
from pomodoro_pymol.diffusion.samplers import SAMPLERS
from pomodoro_pymol.diffusion.sampling import Draws, edm_sample
from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.noise import draw
from pomodoro_pymol.noise.covariance import NestedCovariance
from pomodoro_pymol.noise.weights import LevelWeights
from pomodoro_pymol.structure import singular, superposition
from pomodoro_pymol.structure.superposition import superpose

WEIGHTS = LevelWeights(3, 8, 1)
STEPS = 6

#: Below: what hands numbers to the host, or makes shapes of them, or looks at the outcome of a factorisation.
WAITS_BELOW = {
    *("_local_scalar_dense", "item", "is_nonzero", "equal", "nonzero", "masked_select", "_unique2", "unique_dim"),
    *("_linalg_svd", "_linalg_eigh", "_linalg_check_errors", "linalg_cholesky", "linalg_inv", "bincount"),
    *("repeat_interleave", "lift_fresh"),
}
#: In Python: the same by the names that it has there, and tensors that are made of the host's numbers.
WAITS_ABOVE = {
    *("__bool__", "__float__", "__int__", "__index__", "item", "tolist", "cpu", "numpy", "__array__", "allclose"),
    *("tensor", "as_tensor", "new_tensor", "asarray", "svd", "eigh", "multinomial"),
}


class _Below(TorchDispatchMode):
    def __init__(self, seen):
        super().__init__()
        self.seen = seen

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func._schema.name.split("::")[1]
        by_mask = name in ("index", "index_put_") and any(
            index is not None and index.dtype in (torch.bool, torch.uint8) for index in args[1]
        )
        if name in WAITS_BELOW or by_mask:
            self.seen.append(name)
        return func(*args, **(kwargs or {}))


class _Above(TorchFunctionMode):
    def __init__(self, seen):
        super().__init__()
        self.seen = seen

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "")
        if name in WAITS_ABOVE:
            self.seen.append(name)
        return func(*args, **(kwargs or {}))


class Watch:
    """What waited for the device while it was on."""

    def __init__(self):
        self.seen = []

    def __enter__(self):
        self._modes = _Above(self.seen), _Below(self.seen)
        for mode in self._modes:
            mode.__enter__()
        return self

    def __exit__(self, *error):
        for mode in reversed(self._modes):
            mode.__exit__(*error)


@pytest.fixture(autouse=True)
def batched(monkeypatch):
    """Draw, look and decompose on the CPU as on a GPU, in groups of three samples of `complex_`."""
    for module in (draw, sampling, networks):
        monkeypatch.setattr(module, "is_batched", lambda device: True)
    monkeypatch.setattr(draw, "GROUP_NORMALS", 3 * 3 * 41)
    monkeypatch.setattr(singular, "_FEW", 0)
    monkeypatch.setattr(superposition, "_empty", torch.empty_like)  # on the CPU NumPy's, for its pages


def ensemble(hierarchy, n_members=4):
    rng = np.random.default_rng(3)
    members = rng.normal(0, 8, (hierarchy.n_atoms, 3)) + rng.normal(0, 1.5, (n_members, hierarchy.n_atoms, 3))
    return torch.from_numpy(members - members.mean(1, keepdims=True)).float()


def denoisers(hierarchy):
    members, prior = ensemble(hierarchy), NestedCovariance(hierarchy, 1.0, 4.0, 0.25)
    made = {}
    for pose in ("fixed", "exact", "best"):
        made[f"ideal {pose}"] = IdealDenoiser(members, hierarchy, WEIGHTS, pose=pose)
        made[f"ideal {pose} flat heads"] = IdealDenoiser(
            members, hierarchy, WEIGHTS, pose=pose, covariance="flat", heads=True
        )
        made[f"wiener {pose}"] = WienerDenoiser(members[0], prior, WEIGHTS, pose=pose)
        made[f"wiener {pose} heads"] = WienerDenoiser(members[0], prior, WEIGHTS, pose=pose, heads=True)
    made["network"] = NetworkDenoiser(lambda coords, c_noise: 0.1 * coords + c_noise[:, :1, None], hierarchy, WEIGHTS)
    made["network of one c_noise"] = NetworkDenoiser(
        lambda coords, c_noise: 0.1 * coords + c_noise.view(-1, 1, 1) * torch.ones(3), hierarchy, WEIGHTS
    )
    return made


NAMES = [
    *(
        f"{kind} {pose}{heads}"
        for pose in ("fixed", "exact", "best")
        for kind, heads in (("ideal", ""), ("wiener", ""))
    ),
    *(f"ideal {pose} flat heads" for pose in ("fixed", "exact", "best")),
    *(f"wiener {pose} heads" for pose in ("fixed", "exact", "best")),
    *("network", "network of one c_noise"),
]


def waited(denoise, hierarchy, sampler, callback=lambda step: None, samples=5, s_churn=0.0, **options):
    """What waited in all steps but the first, the callback included."""
    watch = Watch()

    def follow(step):
        callback(step)
        if step.number == 1:
            watch.__enter__()
        elif step.number == step.steps:
            watch.__exit__(None, None, None)

    settings = replace(SAMPLERS[sampler], steps=STEPS, s_churn=s_churn)
    edm_sample(denoise, hierarchy, WEIGHTS, settings, samples=samples, callback=follow, **options)
    return watch.seen


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sampler", ["af3", "boltz2", "edm"])
def test_no_step_waits_for_the_device(complex_, sampler, name):
    denoise = denoisers(complex_)[name]
    assert waited(denoise, complex_, sampler, multiscale="heads" in name, gate=0.9) == []


def test_nor_do_the_numbers_of_some_of_a_group(complex_):
    denoise = denoisers(complex_)["ideal fixed"]
    assert waited(denoise, complex_, "edm", samples=[0, 2, 5], s_churn=40.0) == []


@pytest.mark.parametrize("name", ["ideal exact", "ideal fixed", "wiener exact"])
@pytest.mark.parametrize("sampler", ["af3", "edm"])
@pytest.mark.parametrize("truth", [True, False])
def test_a_record_takes_one_transfer(complex_, sampler, name, truth):
    coords = ensemble(complex_)[0] if truth else None
    curves = StepCurves(complex_, coords, any_pose=sampler == "af3")
    seen = waited(denoisers(complex_)[name], complex_, sampler, curves)
    assert seen == ["tolist"] * (STEPS - 1)
    assert len(curves.records) == STEPS


@pytest.mark.parametrize(
    "act",
    [
        lambda x: bool(x.sum() > 0),
        lambda x: float(x[0, 0, 0]),
        lambda x: x.sum().item(),
        lambda x: x[x > 0],
        lambda x: torch.nonzero(x),
        lambda x: torch.linalg.svd(x[:, :3]),
        lambda x: x.cpu(),
        lambda x: x.new_tensor([1.0]),
        lambda x: torch.as_tensor(2.0, device=x.device),
        lambda x: superpose(x, x),
        lambda x: x.sum() and x,
        lambda x: torch.equal(x, x),
    ],
)
def test_what_waits_is_seen(complex_, act):
    def denoise(x, sigma):
        act(x)
        return Estimate(x / 2)

    assert len(waited(denoise, complex_, "edm")) >= STEPS - 1


class _Calls(TorchDispatchMode):
    """Counts calls that do work: what only looks at a tensor otherwise costs a device nothing."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        returned = func._schema.returns
        looks = returned and returned[0].alias_info is not None and not returned[0].alias_info.is_write
        self.count += not looks and not any(word in func._schema.name for word in ("empty", "_unsafe_view"))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(("sampler", "name", "most"), [("af3", "ideal exact", 300), ("edm", "ideal fixed", 160)])
def test_a_step_with_its_record_makes_few_calls(complex_, sampler, name, most):
    """A call costs a GPU 5 to 10 microseconds, however many samples and members there are."""
    counts = []
    for n_samples in (2, 40):
        calls, denoise = _Calls(), denoisers(complex_)[name]
        curves, seen = StepCurves(complex_, ensemble(complex_)[0], any_pose=sampler == "af3"), []

        def follow(step, calls=calls, curves=curves, seen=seen):
            curves(step)
            seen.append(calls.count)

        with calls:
            edm_sample(
                *(denoise, complex_, WEIGHTS, replace(SAMPLERS[sampler], steps=STEPS)),
                samples=range(n_samples),
                callback=follow,
            )
        counts.append(seen[3] - seen[2])
    assert counts[0] <= most
    # One more group of samples adds but its draws: chains, residues and atoms, a rotation and a shift, twice each.
    assert counts[1] - counts[0] <= 10 * (40 // 3)


def test_numbers_of_a_sample_are_its_own_to_the_bit(complex_):
    def numbers(samples):
        draws = Draws(complex_, samples, seed=3)
        return [draws.noise(WEIGHTS), draws.rotations(), draws.shifts(), draws.noise(WEIGHTS)]

    among = numbers([0, 2, 5])
    everyone = numbers(range(7))
    for place, sample in enumerate([0, 2, 5]):
        for alone, some, all_ in zip(numbers([sample]), among, everyone):
            assert torch.equal(alone[0], some[place])
            assert torch.equal(alone[0], all_[sample])
    # Groups are of three: the third and the fourth sample are of two.
    assert not torch.equal(everyone[0][2], everyone[0][3])
    assert all(len(torch.unique(part.flatten(1), dim=0)) == 7 for part in everyone)


@pytest.mark.parametrize("sampler", ["af3", "boltz2", "edm"])
@pytest.mark.parametrize("name", ["ideal exact", "ideal fixed", "ideal best", "wiener exact"])
def test_sample_k_is_the_same_alone_and_among_others(complex_, sampler, name):
    settings = replace(SAMPLERS[sampler], steps=12)
    members, prior = ensemble(complex_).double(), NestedCovariance(complex_, 1.0, 4.0, 0.25)
    kind, pose = name.split()
    if kind == "ideal":
        denoise = IdealDenoiser(members, complex_, WEIGHTS, pose=pose)
    else:
        denoise = WienerDenoiser(members[0], prior, WEIGHTS, pose=pose)

    def ends(samples):
        return edm_sample(denoise, complex_, WEIGHTS, settings, samples=samples, seed=8, dtype=torch.float64)

    among = ends([0, 2, 5])
    assert float((among[0] - among[1]).abs().max()) > 0.1
    for place, sample in enumerate([0, 2, 5]):
        torch.testing.assert_close(ends([sample])[0], among[place], rtol=0, atol=1e-7)


def failing_at(number, fails=lambda atoms: atoms * torch.nan):
    """A denoiser that fails in its evaluation of this number, and the sigmas at which it was asked."""
    asked = []

    def denoise(x, sigma):
        asked.append(sigma)
        return Estimate(fails(x / 2) if len(asked) == number else x / 2)

    return denoise, asked


@pytest.mark.parametrize("sampler", ["af3", "boltz2", "edm"])
@pytest.mark.parametrize("number", [1, 4, 5])
def test_what_is_not_finite_is_refused_in_the_end_by_its_sigma(complex_, sampler, number):
    denoise, asked = failing_at(number)
    with pytest.raises(PomodoroError) as caught:
        edm_sample(denoise, complex_, WEIGHTS, replace(SAMPLERS[sampler], steps=STEPS), samples=2)
    assert str(caught.value) == f"the denoiser returned numbers that are not finite at sigma {asked[number - 1]:.4g}"


@pytest.mark.parametrize("sampler", ["af3", "boltz2", "edm"])
def test_a_record_refuses_what_is_not_finite_at_its_step(complex_, sampler):
    spoil_one = torch.ones(2, 41, 3)
    spoil_one[1, 7, 2] = torch.inf
    denoise, asked = failing_at(4, lambda atoms: atoms * spoil_one)
    curves = StepCurves(complex_, ensemble(complex_)[0], any_pose=True)
    with pytest.raises(PomodoroError) as caught:
        edm_sample(denoise, complex_, WEIGHTS, replace(SAMPLERS[sampler], steps=STEPS), samples=2, callback=curves)
    assert str(caught.value) == f"the denoiser returned numbers that are not finite at sigma {asked[3]:.4g}"
    # Heun's solver asks twice a step.
    assert len(asked) == 4
    assert len(curves.records) == (1 if sampler == "edm" else 3)
