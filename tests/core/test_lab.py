"""A whole run: the frames it writes, the numbers it hands back."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.experiments import drawing, noise
from pomodoro_pymol.experiments.level_table import gauge_text, level_table
from pomodoro_pymol.experiments.noise import measure, run_noise
from pomodoro_pymol.experiments.record import digest
from pomodoro_pymol.noise import stream
from pomodoro_pymol.noise.draw import add_noise
from pomodoro_pymol.noise.expected import expected_levels, expected_residues
from pomodoro_pymol.noise.gauge import gauge_split
from pomodoro_pymol.noise.sigma import AF3_LAW
from pomodoro_pymol.parameters.catalogue import NoiseParameters
from pomodoro_pymol.structure.hierarchy import Hierarchy

PARAMETERS = NoiseParameters(preset="ms", sigma=2.0, frames=23, seed=9, device="cpu")


def run(structure, parameters=PARAMETERS):
    frames = []
    result = run_noise(structure, parameters, lambda block: frames.append(block.clone()))
    return result, torch.cat(frames)


def direct(structure, parameters=PARAMETERS):
    return add_noise(
        structure.coords,
        Hierarchy.from_structure(structure),
        parameters.noise_sigma,
        parameters.weights,
        n_frames=parameters.frames,
        seed=parameters.seed,
    )


@pytest.mark.parametrize("block", [1, 2, 7, 22, 23, 1000])
def test_frames_do_not_depend_on_the_block_size(dimer, monkeypatch, block):
    monkeypatch.setattr(stream, "_BLOCK_BYTES", 12 * len(dimer) * block)
    result, frames = run(dimer)
    assert torch.equal(frames, direct(dimer))
    assert torch.equal(torch.cat([frame.clone() for frame in result.frames()]), frames)


@pytest.mark.parametrize("block", [1, 3])
def test_frames_of_a_large_structure_are_those_of_add_noise(make_structure, monkeypatch, block):
    large = make_structure([("", "A", str(i), "LYS", False) for i in range(120) for _ in range(9)] * 31)
    monkeypatch.setattr(stream, "_BLOCK_BYTES", 12 * len(large) * block)
    parameters = NoiseParameters(frames=4, device="cpu")
    assert torch.equal(run(large, parameters)[1], direct(large, parameters))


@pytest.mark.parametrize("threads", [1, 3])
def test_frames_do_not_depend_on_the_thread_count(dimer, monkeypatch, threads):
    monkeypatch.setattr(stream, "_BLOCK_BYTES", 12 * len(dimer) * 4)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    assert torch.equal(run(dimer)[1], direct(dimer))


@pytest.mark.parametrize("block", [3, 1000])
def test_statistics_are_those_of_the_written_frames(oracle, dimer, monkeypatch, block):
    monkeypatch.setattr(stream, "_BLOCK_BYTES", 12 * len(dimer) * block)
    result, frames = run(dimer)
    displacements = frames.double().numpy() - dimer.coords
    levels, residues = oracle.nested_anova(displacements, result.hierarchy)
    # Displacements come out of the frames rounded at the size of the coordinates. An rms moves by at
    # most the rms of that; shares and ratios of rms near 1 A or more by at most four times as much.
    rounding = np.finfo("f4").eps.item() * frames.abs().max().item()
    for name, value in levels.items():
        assert getattr(result.statistics.levels(), name) == pytest.approx(value, rel=0, abs=4 * rounding), name
    for name, square in residues.items():
        measured = getattr(result.statistics.residues(), name)
        np.testing.assert_allclose(measured, np.sqrt(square), rtol=0, atol=4 * rounding, err_msg=name)


def test_the_same_seed_scales_the_same_noise(dimer):
    coords = torch.from_numpy(dimer.coords)
    small, large = (run(dimer, NoiseParameters(z=z, frames=3, device="cpu"))[1] - coords for z in (0, 1))
    # Coordinates near 100 A are rounded to 8e-6, a few times, and once scaled by 4.5.
    assert (large - np.exp(1.5) * small).abs().max() < 1e-4


def test_progress_counts_to_the_number_of_frames(dimer, monkeypatch):
    monkeypatch.setattr(stream, "_BLOCK_BYTES", 12 * len(dimer) * 10)
    calls = []
    run_noise(dimer, PARAMETERS, lambda block: None, lambda done, total: calls.append((done, total)))
    assert calls == [(0, 23), (10, 23), (20, 23), (23, 23)]


def test_what_write_raises_passes_through(dimer):
    def write(block):
        raise KeyError("full")

    with pytest.raises(KeyError, match="full"):
        run_noise(dimer, PARAMETERS, write)


def test_an_absent_device_is_an_error(dimer, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(PomodoroError, match="device cuda is not available here"):
        run(dimer, NoiseParameters(device="cuda"))


def test_metrics_of_a_run(dimer):
    result, _ = run(dimer)
    measured, expected = result.residues()
    np.testing.assert_array_equal(result.metric(), measured.residue / measured.atom)
    np.testing.assert_array_equal(result.metric("displacement"), measured.residue)
    closed = expected_residues(result.hierarchy, PARAMETERS.weights, 2.0)
    np.testing.assert_array_equal(expected.atom_relative, closed.atom_relative)


def test_motion_within_a_chain_that_moves_as_one_is_undefined(dimer):
    result, _ = run(dimer, NoiseParameters(wc=1, wr=0, wa=0, metric="relative", device="cpu"))
    assert np.isnan(result.metric()).all()


def test_the_record_repeats_the_run(dimer):
    result, frames = run(dimer)
    record = result.record()
    assert torch.equal(run(dimer, record.parameters)[1], frames)
    assert (record.source, record.device) == ("toy", "cpu")
    assert record.digest == digest(dimer, result.hierarchy)
    for name, values in vars(result.statistics.residues()).items():
        np.testing.assert_array_equal(getattr(record.residues, name), values)


def test_there_is_a_title_per_state(dimer):
    titles = run(dimer)[0].titles()
    assert len(titles) == 24
    assert titles[0].startswith("truth (toy")
    assert titles[1].endswith("frame 1/23")
    assert all("sigma=2 A per coordinate seed=9" in title for title in titles[1:])


@pytest.mark.parametrize("n_frames", [1, 23])
def test_the_report_puts_measured_beside_expected(dimer, n_frames):
    parameters = NoiseParameters(preset="ms", z=1, frames=n_frames, device="cpu")
    result, _ = run(dimer, parameters)
    report = result.report()
    assert "z 1 (84.1 % quantile of training), sigma 21.6 A" in report
    assert "chain 0.739, residue 0.144, atom 0.117" in report
    measured, expected = result.statistics.levels(), expected_levels(result.hierarchy, parameters.weights, 21.597)
    for label, name in {
        "residue, per coordinate": "residue",
        "residue / atom": "ratio",
        "variance share: chain": "chain_share",
    }.items():
        (line,) = (line for line in report.splitlines() if re.match(f" {label}  ", line))
        numbers = [float(text) for text in re.findall(r"\d+\.\d+", line)]
        assert numbers[0] == pytest.approx(getattr(measured, name), rel=1e-3)
        assert numbers[-1] == pytest.approx(getattr(expected, name), rel=1e-3)
        assert ("n/a (1 frame)" in line) == (n_frames == 1)
        assert line.isascii()


def test_what_ions_alone_do_not_have_is_not_available():
    """Each is a chain of its own: none moves relative to its chain, none follows another."""
    ions = Hierarchy.from_labels("abc", "ABC")
    table = level_table(measure(ions, PARAMETERS.weights, 2, device="cpu"), PARAMETERS)
    for label in ("residue relative to chain, in space", "neighbours relative to each other, in space"):
        (line,) = (line for line in table.splitlines() if label in line)
        assert line.split(label)[1].split() == ["n/a"] * 3
    assert "nan" not in table


def test_the_report_tells_the_gauge(dimer):
    """That of the closed forms, whose own tests stand elsewhere; and the z of what is left."""
    parameters = NoiseParameters(preset="ms", z=1, frames=2, device="cpu", p_std=2)
    result, _ = run(dimer, parameters)
    split = gauge_split(dimer.coords, result.hierarchy, parameters.weights)
    z = 1 + math.log(1 - split.translation - split.rotation) / (2 * 2)
    for line in (
        f" gauge, expected shares of the variance: translation {split.translation:.3f}, rotation {split.rotation:.3f}",
        f" what centring and alignment leave: between chains {split.between:.3f}, within {split.within:.3f}; "
        f"noise as of z {z:.2f}",
    ):
        assert line in result.report().splitlines()
    assert " law of training: sigma = 16 exp(-1.2 + 2 z) A per coordinate" in result.report().splitlines()
    assert result.titles()[1].endswith("frame 1/2, sigma = 16 exp(-1.2 + 2 z) A per coordinate")
    whole = replace(parameters, preset="", wc=1, wr=0, wa=0)
    alone = Hierarchy.from_labels(range(len(dimer)), [0] * len(dimer))
    assert gauge_split(dimer.coords, alone, whole.weights).internal == 0
    assert gauge_text(gauge_split(dimer.coords, alone, whole.weights), 0, AF3_LAW).endswith("within 0.000; nothing")


class Memory:
    """Takes the place of `stream_frames`, with a device whose memory fails when it is told to."""

    def __init__(self, monkeypatch, fails):
        self.calls = []
        self.real, self.fails = noise.stream_frames, fails
        monkeypatch.setattr(noise, "stream_frames", self.stream)

    def stream(self, make, n_frames, n_atoms, device, *, start=0, block_bytes=None):
        self.calls.append((str(device), start, block_bytes))
        blocks = self.real(make, n_frames, n_atoms, "cpu", start=start, block_bytes=block_bytes)
        for number in range(n_frames):
            if self.fails(str(device), number, block_bytes):
                raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            block = next(blocks, None)
            if block is None:
                return
            yield block


@pytest.fixture
def on_device(monkeypatch):
    """Let `run_noise` think that it draws on a GPU; the meta device has no memory to fail, nor numbers."""
    card = torch.device("meta")
    monkeypatch.setattr(drawing, "resolve_device", lambda name, n_atoms: torch.device("cpu") if name == "cpu" else card)
    monkeypatch.setattr(Hierarchy, "to", lambda hierarchy, device: hierarchy)


def test_a_full_gpu_draws_frame_by_frame(dimer, monkeypatch):
    memory = Memory(monkeypatch, lambda device, number, block_bytes: block_bytes is None)
    result, frames = run(dimer)
    assert memory.calls == [("cpu", 0, None), ("cpu", 0, 0)]
    assert torch.equal(frames, direct(dimer))
    assert result.note == "the GPU's memory was short: drawn frame by frame"
    assert f"\n note: {result.note}\n" in result.report()
    assert result.statistics.n_frames == 23


def test_a_gpu_that_is_full_after_some_frames_goes_on_frame_by_frame(dimer, monkeypatch):
    monkeypatch.setattr(stream, "_BLOCK_BYTES", 12 * len(dimer) * 7)
    memory = Memory(monkeypatch, lambda device, number, block_bytes: block_bytes is None and number == 2)
    result, frames = run(dimer)
    assert memory.calls == [("cpu", 0, None), ("cpu", 14, 0)]
    assert torch.equal(frames, direct(dimer))
    assert result.statistics.levels() == run(dimer)[0].statistics.levels()


def test_a_gpu_without_memory_leaves_it_to_the_cpu(dimer, monkeypatch, on_device):
    memory = Memory(monkeypatch, lambda device, number, block_bytes: device != "cpu")
    parameters = NoiseParameters(preset="ms", sigma=2.0, frames=23, seed=9)
    result, frames = run(dimer, parameters)
    assert memory.calls == [("meta", 0, None), ("meta", 0, 0), ("cpu", 0, None)]
    assert torch.equal(frames, direct(dimer))
    assert result.device == "cpu"
    assert result.note == "the GPU's memory did not suffice: drawn on the CPU"
    assert "\n note: the GPU's memory did not suffice" in result.report()


def test_a_gpu_that_fails_after_the_first_frames_is_an_error(dimer, monkeypatch):
    monkeypatch.setattr(stream, "_BLOCK_BYTES", 12 * len(dimer) * 7)
    Memory(monkeypatch, lambda device, number, block_bytes: number == 1)
    with pytest.raises(PomodoroError) as caught:
        run(dimer)
    assert str(caught.value) == "the GPU ran out of memory after 8 frames: use device=cpu"


def test_a_run_that_went_as_asked_has_no_note(dimer):
    result, _ = run(dimer)
    assert result.note == ""
    assert "note" not in result.report()
