"""Where torch computes: what ``auto`` means at which size, names of devices, and memory of a card, which is a fake."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pomodoro_pymol import health
from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.experiments import denoising, drawing, noise, outputs, sweep
from pomodoro_pymol.experiments.live import LiveDraw
from pomodoro_pymol.experiments.noise import measure, run_noise
from pomodoro_pymol.experiments.record import Record
from pomodoro_pymol.experiments.sampling import run_sample
from pomodoro_pymol.experiments.table import noise_table
from pomodoro_pymol.noise.weights import PRESETS, Scheme
from pomodoro_pymol.parameters.catalogue import DenoiseParameters, NoiseParameters, SampleParameters
from pomodoro_pymol.structure.hierarchy import Hierarchy
from pomodoro_pymol.utils import devices, memory
from pomodoro_pymol.utils.devices import (
    AUTO_ATOMS,
    AUTO_MEMBER_ATOMS,
    compute_device,
    device_name,
    device_notes,
    recorded_device,
    resolve_device,
    with_room,
)

H100 = "cuda (NVIDIA H100 80GB HBM3)"
GIB = 2**30


@pytest.fixture
def card(monkeypatch):
    """A card that torch says is there; numbers of its memory are what a test makes them."""
    card = SimpleNamespace(
        name="NVIDIA H100 80GB HBM3", free=70 * GIB, total_memory=80 * GIB, held=0, used=0, fraction=1.0
    )
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: card.name)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: card)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (card.free, card.total_memory))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: card.held)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: card.used)
    fraction = lambda device: card.fraction  # noqa: E731
    monkeypatch.setattr(torch.cuda, "get_per_process_memory_fraction", fraction, raising=False)
    return card


@pytest.fixture
def untouchable(monkeypatch):
    """A card whose every use is an error: torch may only be asked whether it is there."""

    def touched(*words, **options):
        raise AssertionError("CUDA was touched")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "_lazy_init", touched)
    for name in ("get_device_name", "get_device_properties", "mem_get_info", "memory_reserved", "current_device"):
        monkeypatch.setattr(torch.cuda, name, touched)


@pytest.fixture
def apple(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "get_name", lambda: "Apple M2 Max", raising=False)


# What auto means.


@pytest.mark.parametrize(
    ("n_atoms", "kind"), [(1, "cpu"), (AUTO_ATOMS - 1, "cpu"), (AUTO_ATOMS, "cuda"), (10**7, "cuda"), (None, "cuda")]
)
def test_auto_is_a_matter_of_the_number_of_atoms(card, n_atoms, kind):
    assert resolve_device("auto", n_atoms) == torch.device(kind)
    assert compute_device("auto", n_atoms) == torch.device(kind)


@pytest.mark.parametrize("name", ["cuda", "cpu"])
@pytest.mark.parametrize("n_atoms", [1, 10**7])
def test_a_device_that_is_typed_is_taken_at_any_size(card, name, n_atoms):
    assert resolve_device(name, n_atoms) == compute_device(name, n_atoms) == torch.device(name)


def test_many_states_make_up_for_few_atoms(card):
    n_atoms = AUTO_ATOMS // 4
    enough = -(-AUTO_MEMBER_ATOMS // n_atoms)
    assert compute_device("auto", n_atoms, enough - 1) == torch.device("cpu")
    assert compute_device("auto", n_atoms, enough) == torch.device("cuda")
    assert compute_device("auto", AUTO_ATOMS, 1) == torch.device("cuda")
    assert compute_device("cpu", n_atoms, enough) == torch.device("cpu")


def test_without_a_gpu_auto_is_the_cpu_at_any_size(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for n_atoms in (None, 1, 10**7):
        assert resolve_device("auto", n_atoms) == compute_device("auto", n_atoms, 100) == torch.device("cpu")


def test_auto_draws_on_apples_gpu_and_denoises_on_the_cpu(apple):
    assert resolve_device("auto", AUTO_ATOMS) == torch.device("mps")
    assert resolve_device("auto", AUTO_ATOMS - 1) == torch.device("cpu")
    assert compute_device("auto", AUTO_ATOMS, 100) == torch.device("cpu")


def test_small_structures_never_touch_a_card(dimer, untouchable):
    """No context is made, by nothing that draws, measures, denoises or samples with device=auto."""
    hierarchy = Hierarchy.from_structure(dimer)
    result = run_noise(dimer, NoiseParameters(frames=2), lambda block: None)
    assert result.device == "cpu"
    assert sum(len(block) for block in result.frames()) == 2
    LiveDraw(dimer, result.parameters, result.record().device)
    measure(hierarchy, PRESETS["ms"], 2)
    swept = sweep.run_sweep(dimer, hierarchy, [Scheme("ms", PRESETS["ms"])], [0.0], device="auto")
    assert swept.device == "cpu"
    list(sweep.sweep_frames(dimer, hierarchy, PRESETS["ms"], [0.0], device=swept.device))
    assert noise_table(hierarchy, [Scheme("ms", PRESETS["ms"])], [0.0], device="auto")[0].device == "cpu"
    states = dimer.coords + np.arange(3, dtype="f4")[:, None, None]
    denoising.prepare_denoiser(states, hierarchy, PRESETS["ms"], DenoiseParameters())
    sampled = run_sample(dimer, states, SampleParameters(steps=2, state=1))
    assert sampled.device == "cpu"


@pytest.mark.parametrize("frames", [1, 2, 100])
def test_the_device_of_noise_goes_by_atoms_and_not_by_frames(dimer, monkeypatch, frames):
    asked = []
    monkeypatch.setattr(drawing, "resolve_device", lambda *words: asked.append(words) or torch.device("cpu"))
    run_noise(dimer, NoiseParameters(frames=frames), lambda block: None)
    measure(Hierarchy.from_structure(dimer), PRESETS["ms"], frames)
    assert asked == 2 * [("auto", len(dimer))]


@pytest.mark.parametrize("samples", [1, 50])
def test_the_device_of_samples_goes_by_atoms_and_states_and_not_by_samples(dimer, monkeypatch, samples):
    asked = []
    monkeypatch.setattr(denoising, "compute_device", lambda *words: asked.append(words) or torch.device("cpu"))
    states = dimer.coords + np.arange(3, dtype="f4")[:, None, None]
    run_sample(dimer, states, SampleParameters(steps=1, samples=samples, state=1, show="final"))
    assert asked == [("auto", len(dimer), 3)]


# Names.


def test_devices_are_named(card, apple, monkeypatch):
    assert device_name("cuda") == H100
    assert device_name(torch.device("cpu")) == "cpu"
    assert device_name("mps") == "mps (Apple M2 Max)"
    monkeypatch.delattr(torch.backends.mps, "get_name")  # as in older versions of torch
    assert device_name("mps") == "mps"


def test_what_a_record_says_is_a_device_again(card):
    assert recorded_device(H100) == torch.device("cuda")
    assert recorded_device("cpu") == torch.device("cpu")


def test_a_card_without_a_name_is_of_a_former_version_which_drew_otherwise(card):
    with pytest.raises(
        PomodoroError, match=r"^the noise is of cuda, and here is cuda \(NVIDIA H100 80GB HBM3\), which"
    ):
        recorded_device("cuda")


def test_another_card_is_no_substitute(card):
    card.name = "NVIDIA A100-SXM4-40GB"
    with pytest.raises(PomodoroError) as caught:
        recorded_device(H100)
    assert str(caught.value) == (
        "the noise is of cuda (NVIDIA H100 80GB HBM3), and here is cuda (NVIDIA A100-SXM4-40GB), which draws others: "
        "run pomnoise again"
    )


@pytest.mark.parametrize("recorded", ["cuda", H100, "auto", "toaster", "cuda:7", "mps", ""])
def test_a_recorded_device_that_is_absent_is_one_clear_line(dimer, monkeypatch, recorded):
    """Never another one in its place, which would draw other numbers."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    result = run_noise(dimer, NoiseParameters(frames=1, device="cpu"), lambda block: None)
    for draw in (
        lambda: recorded_device(recorded),
        lambda: LiveDraw(dimer, NoiseParameters(frames=1), recorded),
        lambda: next(dataclasses.replace(result, device=recorded).frames()),
    ):
        with pytest.raises(PomodoroError, match=f"device {recorded.split(' ')[0]}.* is not available here: "):
            draw()


def test_reports_headers_and_records_say_the_card(dimer, monkeypatch):
    monkeypatch.setattr(noise, "device_name", lambda device: H100)
    result = run_noise(dimer, NoiseParameters(frames=1, device="cpu"), lambda block: None)
    assert f", seed 0, {H100}\n" in result.report()
    assert f"device: {H100}" in result.header()
    assert Record.from_plain(result.record().to_plain()).device == H100


def test_a_sampling_run_says_the_card(dimer, monkeypatch):
    monkeypatch.setattr("pomodoro_pymol.experiments.sampling.device_name", lambda device: H100)
    result = run_sample(dimer, dimer.coords[None], SampleParameters(steps=2, state=1, device="cpu"))
    assert result.report().endswith(f" s per step on {H100}, curves included")


def test_other_reports_name_a_device_that_is_not_the_cpu(dimer, card, capsys):
    hierarchy = Hierarchy.from_structure(dimer)
    outputs.print_notes(dimer, hierarchy, device_notes(device_name("cuda"), "its memory was short"))
    told = [f" note: computed on {H100}", " note: its memory was short"]
    assert capsys.readouterr().out.splitlines()[-2:] == told
    outputs.print_notes(dimer, hierarchy, device_notes(device_name("cpu")))
    assert "computed on" not in capsys.readouterr().out


def broken(device):
    raise RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be reported later")


def test_the_check_lists_the_card_with_its_memory(card, monkeypatch):
    assert health._devices() == "cuda (NVIDIA H100 80GB HBM3, 80.0 GiB), cpu"

    monkeypatch.setattr(torch.cuda, "get_device_properties", broken)
    assert health._devices() == "cuda (does not work: CUDA error: out of memory), cpu"


def test_the_check_lists_apples_gpu(apple):
    assert health._devices() == "mps (Apple M2 Max), cpu"


# Memory.


def drawn(structure, device):
    frames = []
    result = run_noise(structure, NoiseParameters(frames=3, device=device), lambda block: frames.append(block.clone()))
    return result, torch.cat(frames)


@pytest.mark.parametrize(
    ("free", "held", "used", "fraction", "available"),
    [
        (70, 0, 0, 1.0, 70),
        (70, 8, 3, 1.0, 75),  # what torch holds and does not use is had again
        (70, 8, 8, 1.0, 70),
        (70, 8, 3, 0.25, 17),  # 20 may be held: 12 more, and 5 that are not used
        (70, 0, 0, 0.25, 20),
        (2, 8, 3, 0.25, 7),
        (70, 30, 20, 0.25, 10),  # more is held than may be, from before
        (0, 0, 0, 1.0, 0),
    ],
)
def test_what_a_card_has_to_give(card, free, held, used, fraction, available):
    card.free, card.held, card.used, card.fraction = free * GIB, held * GIB, used * GIB, fraction
    assert memory.device_available(torch.device("cuda")) == available * GIB


def test_older_versions_of_torch_do_not_tell_the_fraction(card, monkeypatch):
    card.fraction = 0.25
    monkeypatch.delattr(torch.cuda, "get_per_process_memory_fraction")
    assert memory.device_available(torch.device("cuda")) == 70 * GIB


@pytest.mark.parametrize("kind", ["cpu", "mps", "meta"])
def test_other_devices_do_not_tell(kind):
    assert memory.device_available(torch.device(kind)) is None
    assert with_room("auto", torch.device(kind), 2**60) == (torch.device(kind), "")


def test_auto_takes_a_card_with_room_and_leaves_one_without(card):
    cuda = torch.device("cuda")
    assert with_room("auto", cuda, 70 * GIB) == (cuda, "")
    device, note = with_room("auto", cuda, 70 * GIB + 1)
    assert device == torch.device("cpu")
    assert note == f"{H100} has 70.0 GiB free of the 70.0 GiB needed: left to the CPU, whose numbers are other ones"
    assert with_room("cuda", cuda, 2**60) == (cuda, "")


def test_auto_leaves_a_card_that_does_not_work(card, monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", broken)
    device, note = with_room("auto", torch.device("cuda"), 1)
    assert device == torch.device("cpu")
    assert note == ("cuda does not work, CUDA error: out of memory: left to the CPU, whose numbers are other ones")


def test_a_run_that_a_full_card_cannot_hold_is_drawn_on_the_cpu(dimer, card, monkeypatch):
    monkeypatch.setattr(devices, "AUTO_ATOMS", 1)
    card.free = 1 << 20
    (result, frames), (_, wanted) = (drawn(dimer, device) for device in ("auto", "cpu"))
    assert torch.equal(frames, wanted)
    assert result.device == result.record().device == "cpu"
    assert f"\n note: {H100} has 1 MiB free of the " in result.report()
    assert torch.equal(torch.cat(list(result.frames())), wanted)


def test_samples_that_a_full_card_cannot_hold_are_made_on_the_cpu(dimer, card, monkeypatch):
    monkeypatch.setattr(devices, "AUTO_ATOMS", 1)
    card.free = 1 << 20
    results = [
        run_sample(dimer, dimer.coords[None], SampleParameters(steps=2, state=1, device=device))
        for device in ("auto", "cpu")
    ]
    assert torch.equal(results[0].frames, results[1].frames)
    assert results[0].device == "cpu"
    assert f"\n note: {H100} has 1 MiB free of the " in results[0].report()
    assert results[1].notes == ()


@pytest.mark.parametrize(
    "error",
    [
        torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
    ids=str,
)
def test_a_full_card_is_told_from_other_errors(error):
    assert devices.is_full(error)
    assert not devices.is_full(RuntimeError("CUDA error: device-side assert triggered"))
    assert not devices.is_full(MemoryError(str(error)))
