"""Where the memory of a device does not suffice: fewer samples at a time, then the CPU, which is said.

The device is the CPU, and its memory fails where a test has it fail: torch's error of a full GPU is raised.
"""

import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch

from pomodoro_pymol.diffusion.estimate import Estimate
from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.experiments import denoising, sampling
from pomodoro_pymol.experiments.denoising import InPieces, prepare_denoiser
from pomodoro_pymol.experiments.denoising_run import denoise_frames
from pomodoro_pymol.experiments.sampling import run_sample
from pomodoro_pymol.noise.draw import add_noise
from pomodoro_pymol.noise.weights import PRESETS
from pomodoro_pymol.parameters.catalogue import DenoiseParameters, SampleParameters
from pomodoro_pymol.structure.hierarchy import Hierarchy

WEIGHTS = PRESETS["3-8-1"]
SAMPLES = SampleParameters(steps=12, state=1, samples=6, device="cpu", keep="denoised", every=3)
FULL = torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
CPU_TAKES_OVER = "the memory of cpu does not suffice: left to the CPU, whose random numbers are other ones"


@pytest.fixture(scope="module")
def nmr(nmr_models):
    structure, states = nmr_models
    return structure, states[:5]


class Full:
    """A denoiser that has memory for so many samples, and after so many evaluations for none."""

    def __init__(self, denoise, room, evaluations=10**9):
        self.denoise, self.room, self.left = denoise, room, evaluations
        self.sizes = []

    def __call__(self, x, sigma):
        self.left -= 1
        if len(x) > self.room or self.left < 0:
            raise FULL
        self.sizes.append(len(x))
        return self.denoise(x, sigma)


def rows(n_samples):
    return torch.arange(n_samples * 4 * 3.0).view(n_samples, 4, 3)


def estimate(x, sigma):
    return Estimate(x + sigma, x[:, :2] * 2, x[:, :1] * 3, x[:, 0, :2])


@pytest.mark.parametrize(("room", "sizes"), [(16, [13]), (6, [6, 6, 1]), (5, [3, 3, 3, 3, 1]), (1, [1] * 13)])
def test_half_as_many_until_they_fit(room, sizes):
    full = Full(estimate, room)
    pieces = InPieces(full)
    for _ in range(2):
        full.sizes = []
        found, whole = pieces(rows(13), 2.0), estimate(rows(13), 2.0)
        for part in ("atoms", "residues", "chains", "probabilities"):
            assert torch.equal(getattr(found, part), getattr(whole, part))
        assert full.sizes == sizes
    told = pieces.note("samples", torch.device("meta"))
    assert bool(told) is (len(sizes) > 1)
    assert not told or told.endswith(f"for all samples at once: denoised {sizes[0]} at a time")
    assert told.startswith("the memory of meta does not suffice") or not told


def test_what_a_denoiser_leaves_out_is_left_out():
    found = InPieces(Full(lambda x, sigma: Estimate(x), 2))(rows(5), 1.0)
    assert torch.equal(found.atoms, rows(5))
    assert found.residues is found.chains is found.probabilities is None


def test_what_does_not_fit_one_by_one_is_full():
    full = Full(estimate, 0)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        InPieces(full)(rows(8), 1.0)


def test_other_errors_pass_through_at_once():
    asked = []

    def denoise(x, sigma):
        asked.append(len(x))
        raise PomodoroError("no")

    with pytest.raises(PomodoroError, match="no"):
        InPieces(denoise)(rows(8), 1.0)
    assert asked == [8]


def test_what_was_computed_is_gone_before_it_is_tried_again():
    """An error holds the frames where it was raised, and they their tensors."""
    made, alive = [], []

    def denoise(x, sigma):
        alive.append([ref() is not None for ref in made])
        large = torch.zeros(1000)
        made.append(weakref.ref(large))
        if len(x) > 1:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return Estimate(x)

    InPieces(denoise)(rows(4), 1.0)
    assert alive[:3] == [[], [False], [False, False]]


@pytest.fixture
def full(monkeypatch):
    """Make the memory fail in models that are built for the device, not in those that are built to take over."""

    def arrange(room, evaluations=10**9, building=False):
        made = []

        def build(*args, **options):
            made.append(args[3].device)
            if len(made) > 1:
                return plain(*args, **options)
            if building:
                raise torch.cuda.OutOfMemoryError("CUDA out of memory")
            prepared = plain(*args, **options)
            return replace(prepared, denoise=Full(prepared.denoise, room, evaluations))

        plain = denoising._build
        monkeypatch.setattr(denoising, "_build", build)
        return made

    return arrange


def told_by(structure, states, parameters):
    """Run, and return the result and the steps that were told."""
    told = []
    result = run_sample(structure, states, parameters, lambda record, step: told.append((step.number, record)))
    return result, told


def same(one, other, **close):
    for name in ("frames", "denoised"):
        torch.testing.assert_close(getattr(one, name), getattr(other, name), **close)
    assert one.kept == other.kept
    assert one.nearest == other.nearest
    assert [record.step for record in one.records] == [record.step for record in other.records]


def test_samples_in_pieces_are_the_same(nmr, full):
    plain, _ = told_by(*nmr, SAMPLES)
    assert plain.notes == ()
    made = full(room=2)
    found, told = told_by(*nmr, SAMPLES)
    assert made == ["cpu"]
    assert found.notes == ("the memory of cpu does not suffice for all samples at once: denoised 1 at a time",)
    assert f" note: {found.notes[0]}\n" in found.report()
    assert [number for number, _ in told] == list(range(1, 13))
    same(found, plain, rtol=1e-5, atol=1e-2)


@pytest.mark.parametrize("evaluations", [0, 1, 7])
def test_the_cpu_takes_over_from_the_start(nmr, full, evaluations):
    plain, _ = told_by(*nmr, SAMPLES)
    made = full(room=6, evaluations=evaluations)
    found, told = told_by(*nmr, SAMPLES)
    assert made == ["cpu", "cpu"]
    assert found.notes == (CPU_TAKES_OVER,)
    # What is reported begins again with the first step; nothing of the first try is in the result.
    assert [number for number, _ in told] == [*range(1, evaluations + 1), *range(1, 13)]
    assert [record for _, record in told[evaluations:]] == found.records
    same(found, plain, rtol=0, atol=0)


def test_the_cpu_takes_over_where_the_data_do_not_fit(nmr, full):
    made = full(room=6, building=True)
    found, told = told_by(*nmr, SAMPLES)
    assert made == ["cpu", "cpu"]
    assert found.notes == (CPU_TAKES_OVER,)
    assert [number for number, _ in told] == list(range(1, 13))


def test_what_takes_over_is_asked_for_the_cpu(nmr, monkeypatch):
    asked = []

    def build(states, hierarchy, weights, parameters, device, **options):
        asked.append((parameters.device, str(device)))
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(denoising, "_build", build)
    monkeypatch.setattr(denoising, "compute_device", lambda *_: torch.device("meta"))
    with pytest.raises(torch.cuda.OutOfMemoryError):  # there is nothing left to turn to
        run_sample(*nmr, replace(SAMPLES, device="auto"))
    assert asked == [("auto", "meta"), ("cpu", "cpu")]


def test_a_step_that_does_not_fit_beside_the_denoiser_goes_to_the_cpu(nmr, monkeypatch):
    curves, made = sampling.StepCurves, []

    class Short(curves):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            made.append(self)

        def __call__(self, step):
            if len(made) == 1 and step.number == 3:
                raise torch.cuda.OutOfMemoryError("CUDA out of memory")
            return super().__call__(step)

    plain, _ = told_by(*nmr, SAMPLES)
    monkeypatch.setattr(sampling, "StepCurves", Short)
    found, told = told_by(*nmr, SAMPLES)
    assert found.notes == (CPU_TAKES_OVER,)
    assert [number for number, _ in told] == [1, 2, *range(1, 13)]
    same(found, plain, rtol=0, atol=0)


def frames_denoised(nmr, pose):
    structure, states = nmr
    hierarchy = Hierarchy.from_structure(structure)
    parameters = DenoiseParameters(device="cpu", pose=pose)
    noised = add_noise(states[2], hierarchy, 3.0, WEIGHTS, n_frames=40)
    notes = []
    prepared = prepare_denoiser(states, hierarchy, WEIGHTS, parameters)
    blocks = list(denoise_frames(noised.numpy(), prepared, hierarchy, 3.0, parameters, seed=4, note=notes.append))
    torch.testing.assert_close(torch.cat([block for block, _ in blocks]), noised, rtol=0, atol=0)
    return torch.cat([found for _, found in blocks]), notes, prepared


@pytest.mark.parametrize("pose", ["fixed", "exact"])
@pytest.mark.parametrize(
    ("room", "evaluations", "note"),
    [
        (4, 10**9, "the memory of cpu does not suffice for all frames at once: denoised 4 at a time"),
        (16, 2, f"from frame 33 on, {CPU_TAKES_OVER}"),
        (16, 0, CPU_TAKES_OVER),
    ],
)
def test_frames_in_pieces_and_on_the_cpu(nmr, full, pose, room, evaluations, note):
    plain, notes, _ = frames_denoised(nmr, pose)
    assert notes == []
    full(room, evaluations)
    found, notes, _ = frames_denoised(nmr, pose)
    assert notes == [note]
    torch.testing.assert_close(found, plain, rtol=0, atol=1e-4)
    assert len(np.unique(found.flatten(1).numpy().round(3), axis=0)) == (1 if pose == "fixed" else 40)


def test_a_model_whose_data_do_not_fit_is_made_on_the_cpu(nmr, full):
    full(room=16, building=True)
    _, notes, prepared = frames_denoised(nmr, "fixed")
    assert prepared.notes == (CPU_TAKES_OVER,)
    assert notes == []
