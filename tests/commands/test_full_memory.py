"""pomsample and pomdenoise where the memory of a device does not suffice: the CPU plays the device."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pomodoro_pymol.experiments import denoising

CPU_TAKES_OVER = "note: the memory of cpu does not suffice: left to the CPU, whose random numbers are other ones"


@pytest.fixture
def full(monkeypatch):
    """Give the first denoiser memory for so many samples, and for so many evaluations."""

    def arrange(room, evaluations):
        asked, made = [], []

        def build(*args, **options):
            prepared = plain(*args, **options)
            made.append(prepared)
            if len(made) > 1:
                return prepared

            def denoise(x, sigma):
                asked.append(len(x))
                if len(x) > room or len(asked) > evaluations:
                    raise torch.cuda.OutOfMemoryError("CUDA out of memory")
                return prepared.denoise(x, sigma)

            return replace(prepared, denoise=denoise)

        monkeypatch.setattr(denoising, "_build", build)
        return made

    plain = denoising._build
    return arrange


LINE = "pomsample steps=8 samples=4 show=final"


@pytest.mark.parametrize(
    ("room", "evaluations", "n_models", "note"),
    [
        (2, 10**9, 1, "note: the memory of cpu does not suffice for all samples at once: denoised 2 at a time"),
        (4, 3, 2, CPU_TAKES_OVER),
        (0, 10**9, 2, CPU_TAKES_OVER),
    ],
)
def test_samples_are_the_same_and_a_note_says_how(nmr, typed, frames_of, full, room, evaluations, n_models, note):
    typed(nmr, f"{LINE} name=plain")
    made = full(room, evaluations)
    printed = typed(nmr, f"{LINE} name=short")
    assert "Error" not in printed
    assert printed.count(note) == 1
    assert len(made) == n_models
    assert sorted(nmr.get_names()) == ["2juy", "plain", "short"]
    assert np.abs(frames_of(nmr, "short") - frames_of(nmr, "plain")).max() < 2e-3
    assert [printed.count(f"\n {step:>5} ") for step in range(1, 9)] == [1] * 8


@pytest.mark.parametrize(
    ("room", "evaluations", "note"),
    [
        (3, 10**9, "note: the memory of cpu does not suffice for all frames at once: denoised 2 at a time"),
        (16, 1, CPU_TAKES_OVER.replace("note: ", "note: from frame 17 on, ")),
        (0, 10**9, CPU_TAKES_OVER),
    ],
)
def test_frames_are_the_same_and_a_note_says_how(nmr, typed, frames_of, full, room, evaluations, note):
    typed(nmr, "pomnoise 2juy, z=0 frames=20 state=3")
    typed(nmr, "pomdenoise pose=exact name=plain")
    full(room, evaluations)
    printed = typed(nmr, "pomdenoise pose=exact name=short")
    assert "Error" not in printed
    assert printed.count(note) == 1
    assert nmr.count_states("short") == 21
    assert np.abs(frames_of(nmr, "short") - frames_of(nmr, "plain")).max() < 2e-3
