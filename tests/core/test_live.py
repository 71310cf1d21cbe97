"""The same draw under other weights and noise levels, to the bit that of a run."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.experiments import live
from pomodoro_pymol.experiments.live import LiveDraw, live_bytes
from pomodoro_pymol.experiments.noise import run_noise
from pomodoro_pymol.parameters.catalogue import NoiseParameters

BASE = NoiseParameters(z=-0.5, frames=5, seed=3, device="cpu")

CHOICES = [
    {},
    {"z": 1.75},
    {"sigma": 0.001},
    {"wc": 0, "wr": 1, "wa": 0},
    {"wc": 2.5, "wr": 4, "wa": 0},
    {"wc": 0, "wr": 0, "wa": 7},
    {"wc": 1, "wr": 0, "wa": 0},
    {"preset": "ms", "z": 0.3},
    {"preset": "flat", "z": -4},
    {"wc": 1e6, "wr": 1e-3, "wa": 1, "sigma": 40},
]


@pytest.fixture(scope="module")
def large(make_structure):
    return make_structure([("", "A", str(i), "LYS", False) for i in range(120) for _ in range(9)] * 3)


@pytest.fixture(scope="module")
def held(large):
    """The same with fixed atoms, some of them whole residues, and one at -0, which is not 0 bit by bit."""
    coords = large.coords.copy()
    coords[0] = -0.0
    return replace(large, coords=coords, fixed=np.arange(len(large)) % 17 < 11)


@pytest.fixture(scope="module", params=["dimer", "large", "held"])
def structure(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def draw(structure):
    return LiveDraw(structure, BASE)


def rerun(structure, parameters):
    frames = []
    result = run_noise(structure, parameters, lambda block: frames.append(block.clone()))
    return result.statistics, torch.cat(frames).numpy()


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_frames_and_statistics_are_those_of_a_run(structure, draw, choice):
    level = {} if "sigma" in choice else {"z": -0.5}
    parameters = NoiseParameters(**{**level, "frames": 5, "seed": 3, "device": "cpu", **choice})
    statistics, frames = rerun(structure, parameters)
    unit = draw.mix(parameters.weights)
    out = np.full((len(structure), 3), np.nan, dtype=np.float32)
    for frame, wanted in enumerate(frames):
        draw.fill(unit, frame, parameters.noise_sigma, out)
        np.testing.assert_array_equal(out, wanted)
    here = unit.statistics.scaled(parameters.noise_sigma)
    assert here.n_frames == statistics.n_frames
    # Sums over frames are of as many at a time as come together, which is another number.
    np.testing.assert_allclose(numbers(here), numbers(statistics), rtol=1e-12)


@pytest.mark.parametrize("choice", CHOICES, ids=str)
@pytest.mark.parametrize("turned", [False, True])
def test_a_frame_mixed_alone_is_that_of_all_to_the_bit(structure, draw, choice, turned):
    rows = np.arange(len(structure))[::-1].copy() if turned else None
    draw = LiveDraw(structure, BASE, atom_in_row=rows) if turned else draw
    level = {} if "sigma" in choice else {"z": -0.5}
    parameters = NoiseParameters(**{**level, "frames": 5, "seed": 3, "device": "cpu", **choice})
    unit = draw.mix(parameters.weights)
    wanted, alone = (np.full((len(structure), 3), np.nan, dtype=np.float32) for _ in range(2))
    for frame in range(5):
        draw.fill(unit, frame, parameters.noise_sigma, wanted)
        draw.fill_alone(parameters.weights, frame, parameters.noise_sigma, alone)
        np.testing.assert_array_equal(alone, wanted)
        assert np.isfinite(alone).all()


def test_mixing_is_given_up_before_the_frame_at_which_it_is_not_wanted(draw, monkeypatch):
    monkeypatch.setattr(live, "frames_together", lambda n_atoms: 1)
    asked = []

    def until(frame):
        asked.clear()
        return lambda: asked.append(frame) or len(asked) <= frame

    for frame in range(5):
        assert draw.mix_while(BASE.weights, until(frame)) is None
        assert len(asked) == frame + 1
    assert torch.equal(draw.mix_while(BASE.weights, until(5)).frames, draw.mix(BASE.weights).frames)


def numbers(statistics):
    parts = [statistics.levels(), *statistics.interval()]
    levels = np.array([list(vars(part).values()) for part in parts], float).ravel()
    return np.concatenate([levels, *vars(statistics.residues()).values()])


def test_frames_mixed_before_outlive_the_next_mix(draw):
    first = draw.mix(BASE.weights)
    kept = first.frames.clone()
    second = draw.mix(NoiseParameters(preset="rb").weights)
    assert torch.equal(first.frames, kept)
    assert not torch.equal(first.frames, second.frames)
    assert (first.weights, second.weights) == (BASE.weights, NoiseParameters(preset="rb").weights)


def test_memory_is_that_of_the_normals_and_two_sets_of_frames(structure, draw):
    held = sum(part.numel() * part.element_size() for part in draw._levels)
    frames = draw.mix(BASE.weights).frames
    size = frames.numel() * frames.element_size()
    assert size + size <= live_bytes(len(structure), BASE.frames) == 3 * size
    assert held <= 2 * size  # never more than one normal per atom of each level


def test_an_absent_device_is_an_error(dimer, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(PomodoroError, match="device cuda is not available here"):
        LiveDraw(dimer, BASE, "cuda")
