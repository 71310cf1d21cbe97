"""Hierarchical noise: its covariance, and what one frame may depend on."""

import warnings

import numpy as np
import pytest
import torch
from scipy import stats

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.noise.draw import Normals, add_noise, draw_unit_noise, frame_generator
from pomodoro_pymol.noise.sigma import sigma_from_z
from pomodoro_pymol.noise.weights import FLAT, PRESETS, LevelWeights
from pomodoro_pymol.structure.hierarchy import Hierarchy
from pomodoro_pymol.utils.devices import resolve_device

PURE = {"chain": LevelWeights(1, 0, 0), "residue": LevelWeights(0, 1, 0), "atom": LevelWeights(0, 0, 1)}
both_precisions = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


def coords_of(hierarchy, dtype=torch.float64):
    return torch.from_numpy(np.random.default_rng(3).normal(0, 20, (hierarchy.n_atoms, 3))).to(dtype)


def unit_noise(hierarchy, weights=None, **options):
    return add_noise(torch.zeros(hierarchy.n_atoms, 3), hierarchy, 1.0, weights, **options)


@pytest.fixture
def restore_threads():
    count = torch.get_num_threads()
    yield
    torch.set_num_threads(count)


@pytest.mark.parametrize(
    ("weights", "dtype"),
    [
        (None, torch.float64),
        (PRESETS["ms"], torch.float64),
        (PRESETS["3-8-1"], torch.float32),
    ],
)
def test_covariance_is_the_dense_one(oracle, peptide, weights, dtype):
    n_frames, sigma = 20_000, 2.5
    coords = coords_of(peptide, dtype)
    frames = add_noise(coords, peptide, sigma, weights, n_frames=n_frames, seed=1, dtype=dtype)
    assert frames.dtype == dtype
    noise = (frames - coords).double().reshape(n_frames, -1).numpy()
    exact = sigma**2 * np.kron(oracle.covariance(peptide, weights or FLAT), np.eye(3))
    variance = np.diag(exact)
    # About a known mean, an entry of the sample covariance of a Gaussian has variance
    # (S_ii S_jj + S_ij**2) / n. Five of these errors: one false alarm in 2,600 runs of 666 entries.
    error = np.sqrt((np.outer(variance, variance) + exact**2) / n_frames)
    assert (np.abs(noise.T @ noise / n_frames - exact) / error).max() < 5
    assert (np.abs(noise.mean(0)) / np.sqrt(variance / n_frames)).max() < 5


@pytest.mark.parametrize("weights", [*PRESETS.values(), *PURE.values()])
def test_an_atom_moves_by_sigma_whatever_the_weights(complex_, weights):
    n_frames = 2000
    variance = 4 * unit_noise(complex_, weights, n_frames=n_frames).double().square().mean((0, 2))
    # The variance estimate of 3 n numbers has a relative standard error of sqrt(2 / 3n).
    np.testing.assert_allclose(variance.numpy(), 4, rtol=5 * np.sqrt(2 / (3 * n_frames)))


@pytest.mark.parametrize("weights", PURE.values(), ids=PURE)
def test_the_parts_are_normal(peptide, weights):
    one_atom = unit_noise(peptide, weights, n_frames=4000, seed=5)[:, 4]
    # Of a right sampler and a fixed seed, one test in 1000 would fail.
    assert stats.kstest(one_atom.flatten(), "norm").pvalue > 1e-3


@both_precisions
@pytest.mark.parametrize("weights", [None, PRESETS["rb"]])
def test_a_frame_does_not_depend_on_how_many_are_asked_for(complex_, weights, dtype):
    few, many = (
        add_noise(coords_of(complex_), complex_, 3.0, weights, n_frames=n_frames, seed=4, dtype=dtype)
        for n_frames in (10, 100)
    )
    assert torch.equal(few, many[:10])


@pytest.mark.usefixtures("restore_threads")
def test_a_frame_does_not_depend_on_the_thread_count(nest):
    hierarchy = nest([[8] * 4000, [11] * 1001])
    coords = coords_of(hierarchy)
    frames = []
    for threads in (1, 2, 4):
        torch.set_num_threads(threads)
        frames.append(add_noise(coords, hierarchy, 4.82, PRESETS["ms"], n_frames=2))
    assert torch.equal(frames[0], frames[1])
    assert torch.equal(frames[0], frames[2])


def test_the_same_seed_gives_the_same_frames(complex_):
    once, again = (unit_noise(complex_, PRESETS["ms"], n_frames=3, seed=8) for _ in range(2))
    assert torch.equal(once, again)


@pytest.mark.parametrize("sigma", [2.0**-14, 0.5, 2.0, 2.0**12])
def test_sigma_rescales_the_unit_draw_exactly(complex_, sigma):
    coords = torch.zeros(complex_.n_atoms, 3)
    assert torch.equal(
        add_noise(coords, complex_, sigma, PRESETS["ms"], n_frames=4),
        sigma * add_noise(coords, complex_, 1.0, PRESETS["ms"], n_frames=4),
    )


@both_precisions
@pytest.mark.parametrize("z", [-3, -1, 0, 2, 3])
def test_z_only_rescales_the_noise(complex_, z, dtype):
    sigma, coords = sigma_from_z(z), coords_of(complex_, dtype)
    frames = add_noise(coords, complex_, sigma, PRESETS["ms"], n_frames=4, dtype=dtype)
    unit = unit_noise(complex_, PRESETS["ms"], n_frames=4, dtype=dtype)
    # Scaling, adding, and taking the difference round once each, in the size of the frame.
    rounding = 2 * torch.finfo(dtype).eps * (frames.abs() + coords.abs()) / sigma
    assert ((frames - coords) / sigma - unit).abs().le(rounding).all()


@both_precisions
@pytest.mark.parametrize("name", PRESETS)
def test_weights_scale_the_same_three_draws(complex_, name, dtype):
    parts = [unit_noise(complex_, pure, n_frames=5, seed=2, dtype=dtype) for pure in PURE.values()]
    mixed = unit_noise(complex_, PRESETS[name], n_frames=5, seed=2, dtype=dtype)
    rebuilt = sum(share**0.5 * part for share, part in zip(PRESETS[name].shares, parts))
    # Three products and two sums of numbers below 6.
    assert (mixed - rebuilt).abs().max() < 6 * 5 * torch.finfo(dtype).eps


def test_no_weights_is_flat_noise(complex_):
    assert torch.equal(unit_noise(complex_, None, n_frames=3), unit_noise(complex_, PRESETS["flat"], n_frames=3))


def test_frames_and_seeds_are_uncorrelated(nest):
    hierarchy = nest([[1] * 3000])
    draws = torch.cat([unit_noise(hierarchy, n_frames=8, seed=seed) for seed in (0, 1, 2, 3, 1000, 2**32 - 1)])
    correlation = np.corrcoef(draws.flatten(1).double()) - np.eye(len(draws))
    # A correlation of n independent normal pairs has standard error 1 / sqrt(n); n = 9000, 1128 pairs.
    assert np.abs(correlation).max() < 5 / np.sqrt(9000)


def test_generator_seeds_of_a_run_are_distinct():
    assert len({frame_generator(7, frame).initial_seed() for frame in range(100_000)}) == 100_000


def test_generator_seeds_of_many_seeds_are_distinct():
    assert len({frame_generator(seed, frame).initial_seed() for seed in range(100) for frame in range(100)}) == 10_000


def test_drawing_fills_and_returns_the_given_memory(peptide):
    out = torch.full((2, 3, 12), torch.nan)
    drawn = draw_unit_noise(out, peptide, PRESETS["ms"], Normals(0, range(2), 12))
    assert drawn.data_ptr() == out.data_ptr()
    assert torch.equal(out.mT, unit_noise(peptide, PRESETS["ms"], n_frames=2))


def test_frame_shape_and_zero_sigma(complex_):
    coords = coords_of(complex_, torch.float32)
    frames = add_noise(coords, complex_, 0.0, PRESETS["ms"], n_frames=2)
    assert frames.shape == (2, 41, 3)
    assert torch.equal(frames, coords.expand(2, -1, -1))


def test_arrays_and_tensors_are_taken_alike_and_left_alone(complex_):
    coords = coords_of(complex_)
    before = coords.clone()
    frames = add_noise(coords, complex_, 2.0)
    assert torch.equal(coords, before)
    assert torch.equal(add_noise(coords.numpy(), complex_, 2.0), frames)
    assert torch.equal(add_noise(np.asfortranarray(coords), complex_, 2.0), frames)


@pytest.fixture
def every_warning():
    torch.set_warn_always(True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    torch.set_warn_always(False)


@pytest.mark.usefixtures("every_warning")
def test_read_only_coordinates_are_taken_without_a_warning(peptide):
    coords = np.zeros((12, 3), np.float32)
    coords.flags.writeable = False
    assert torch.equal(add_noise(coords, peptide, 1.0), unit_noise(peptide))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"coords": torch.zeros(11, 3)}, r"shape \(12, 3\), not \(11, 3\)"),
        ({"coords": torch.zeros(12)}, r"shape \(12, 3\)"),
        ({"coords": torch.zeros(1, 12, 3)}, r"shape \(12, 3\)"),
        ({"coords": torch.full((12, 3), torch.nan)}, "not all finite"),
        ({"coords": torch.full((12, 3), torch.inf)}, "not all finite"),
        ({"sigma": -1.0}, "sigma must be finite and not negative"),
        ({"sigma": float("nan")}, "sigma must be finite and not negative"),
        ({"sigma": float("inf")}, "sigma must be finite and not negative"),
        ({"n_frames": 0}, "n_frames must be at least 1"),
        ({"n_frames": -1}, "n_frames must be at least 1"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_input(peptide, change, message):
    with pytest.raises(PomodoroError, match=message):
        add_noise(**({"coords": torch.zeros(12, 3), "hierarchy": peptide, "sigma": 1.0} | change))


def test_devices():
    assert resolve_device("cpu") == torch.device("cpu")
    assert resolve_device("auto").type in ("cuda", "mps", "cpu")
    with pytest.raises(PomodoroError, match=r"device tpu is not available here: .*cpu"):
        resolve_device("tpu")


def test_a_batch_has_a_sigma_for_each_frame():
    """As in training, where each structure of a batch has its own level; frame k is that of a single sigma."""
    hierarchy = Hierarchy.from_labels([0, 0, 1, 1], [0, 0, 0, 0])
    coords = torch.zeros(4, 3)
    sigmas = [1.0, 2.0, 0.0]
    for given in (sigmas, torch.tensor(sigmas), np.array(sigmas), torch.tensor(sigmas, dtype=torch.float64)):
        frames = add_noise(coords, hierarchy, given, LevelWeights(3, 8, 1), seed=5)
        for frame, sigma in enumerate(sigmas):
            alone = add_noise(coords, hierarchy, sigma, LevelWeights(3, 8, 1), seed=5, n_frames=3)
            assert torch.equal(frames[frame], alone[frame])
    assert len(add_noise(coords, hierarchy, [2.0], n_frames=1)) == 1
    for wrong, reason in (
        (([1.0, 2.0], 3), r"sigma must be a single number or of shape \(3,\), one per frame, not of shape \(2,\)"),
        (([[1.0]], None), "not of shape"),
        (([1.0, -1.0], None), "finite and not negative"),
        (([1.0, float("nan")], None), "finite and not negative"),
        (("x", None), "sigma must be a number or one per frame"),
        (([], None), "n_frames must be at least 1"),
    ):
        with pytest.raises(PomodoroError, match=reason):
            add_noise(coords, hierarchy, wrong[0], n_frames=wrong[1])
