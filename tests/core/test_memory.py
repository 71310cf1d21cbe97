"""Memory is asked for before it is used."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from pomodoro_pymol.diffusion.curves import StepCurves
from pomodoro_pymol.diffusion.sampling import edm_sample
from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.experiments.denoising import prepare_denoiser
from pomodoro_pymol.noise import draw, stream
from pomodoro_pymol.noise.squares import level_squares
from pomodoro_pymol.noise.statistics import residue_sums
from pomodoro_pymol.noise.weights import PRESETS
from pomodoro_pymol.parameters.catalogue import SampleParameters
from pomodoro_pymol.structure.hierarchy import Hierarchy
from pomodoro_pymol.utils import memory


def test_available_memory_is_a_number_of_bytes_if_any():
    free = memory.available()
    assert free is None or 2**20 < free < 2**50


@pytest.mark.parametrize("needed", [0, 1, 2**16])
def test_small_needs_pass(needed):
    memory.require(needed, "a small run")


def test_absurd_needs_are_refused(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 3 * 2**30)
    with pytest.raises(PomodoroError, match=r"10\^6 frames needs about 1024\.0 GiB of memory and 3\.0 GiB are free"):
        memory.require(2**40, "10^6 frames")


def test_this_machine_refuses_an_exbibyte():
    with pytest.raises(PomodoroError, match="fewer frames or atoms"):
        memory.require(2**60, "everything")


def test_the_limit_is_what_is_free(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 5 * 2**20)
    memory.require(5 * 2**20, "all of it")
    with pytest.raises(PomodoroError, match="5 MiB are free"):
        memory.require(5 * 2**20 + 1, "one byte more")


def test_where_no_one_tells_nothing_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: None)
    memory.require(2**60, "everything")


def test_a_limit_of_address_space_counts():
    """As of ``ulimit -v``: what is left of it, less what threads take."""
    program = """
import resource
from pomodoro_pymol.utils import memory

free = memory.available()
for room in (4096, 512, 128):
    mapped = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + (room << 20), resource.RLIM_INFINITY))
    print(memory.available() >> 20 if memory.available() < free else "more")
"""
    if sys.platform != "linux":
        pytest.skip("address space is limited on Linux")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    found = [int(line) for line in done.stdout.splitlines() if line != "more"]
    assert found[-2:] == [pytest.approx(512 - 256, abs=2), 0], done.stderr


def group(folder, limit, used, cached, names):
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in zip(names, (limit, used)):
        (folder / name).write_text(f"{value}\n")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {cached}\ntotal_inactive_file {cached}\n")


@pytest.mark.parametrize(
    ("line", "top", "names"),
    [
        ("0::/user/job", "sys/fs/cgroup", ("memory.max", "memory.current")),
        ("4:cpu,memory:/user/job", "sys/fs/cgroup/memory", ("memory.limit_in_bytes", "memory.usage_in_bytes")),
    ],
)
def test_control_groups_count(tmp_path, line, top, names):
    """The group of the process and those around it, each with what it has cached; as the kernel lays them out."""
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(f"9:pids:/elsewhere\n{line}\n")
    assert memory._cgroups_available(tmp_path) == []
    group(tmp_path / top / "user/job", "max", 700, 100, names)
    group(tmp_path / top / "user", 1000, 700, 100, names)
    group(tmp_path / top, 5000, 4900, 0, names)
    assert memory._cgroups_available(tmp_path) == [400, 100]
    (tmp_path / "proc/self/cgroup").write_text(line.replace("/user/job", "/not/mounted/here") + "\n")
    assert memory._cgroups_available(tmp_path) == [100]


def test_where_there_are_no_groups(tmp_path):
    assert memory._cgroups_available(tmp_path) == []


NEEDS = {
    "noise": (memory.noise_bytes, (1000, 10)),
    "sweep": (memory.sweep_bytes, (1000, 10)),
    "ensemble": (memory.ensemble_bytes, (1000, 100)),
    "measure": (memory.measure_bytes, (1000, 100)),
    "denoise": (memory.denoise_bytes, (1000, 10, 100, 5)),
    "sample": (memory.sample_bytes, (1000, 100, 10, 5, 10)),
    "noise on a device": (memory.noise_device_bytes, (1000, 100)),
}


@pytest.mark.parametrize("name", NEEDS)
def test_needs_grow_with_all_that_is_asked_for(name):
    need, numbers = NEEDS[name]
    base = need(*numbers)
    assert need(2 * numbers[0], *numbers[1:]) == 2 * base  # in proportion to the atoms
    for place in range(1, len(numbers)):
        more = list(numbers)
        more[place] *= 100
        assert need(*more) > base
    # Coordinates alone, in single precision: no less can be needed.
    assert base > 12 * numbers[0] * numbers[1]


@pytest.mark.parametrize("on_a_device", [False, True])
@pytest.mark.parametrize(("n_atoms", "n_frames"), [(1000, 7), (1000, 5400), (3_000_000, 1), (3_000_000, 2)])
def test_the_blocks_of_noise_take_what_is_asked_for(n_atoms, n_frames, on_a_device, monkeypatch):
    monkeypatch.setattr(draw, "is_batched", lambda device: on_a_device)
    frames = stream.stream_frames(lambda frame, out: None, n_frames, n_atoms)
    first, _ = next(frames)
    frames.close()
    held = min(2, -(-n_frames // len(first)))
    assert stream.block_bytes(n_atoms, n_frames) == held * 12 * n_atoms * len(first)


def peak(work):
    """Return the most bytes of tensors that are held at a time while ``work`` runs, as torch's profiler counts them."""
    only = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=only, profile_memory=True) as profile:
        work()
    events = [event for event in profile.profiler.kineto_results.events() if event.name() == "[memory]"]
    changes = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
    return int(np.cumsum(changes).max())


def protein(n_atoms):
    residues = torch.arange(n_atoms) // 8
    return Hierarchy(residues, torch.arange(int(residues[-1]) + 1) // 250)


@pytest.fixture
def batched(monkeypatch):
    """Let the CPU draw by groups, as other devices do: what they hold, it holds."""
    monkeypatch.setattr(draw, "is_batched", lambda device: True)


@pytest.mark.parametrize("left_out", [0, 1])
@pytest.mark.parametrize("n_atoms", [3000, 300_000])
def test_a_block_of_noise_takes_no_more_than_is_estimated(batched, n_atoms, left_out):
    """A block with its sums, whole or of which a frame is not wanted, beside the frames of the block before."""
    hierarchy, n_together = protein(n_atoms), stream.frames_per_block(n_atoms)

    def work():
        frames = range(n_together - left_out)
        out = torch.empty(2, len(frames), 3, n_atoms)[1]
        draw.draw_unit_noise(out, hierarchy, PRESETS["ms"], draw.Normals(0, frames, n_atoms))
        level_squares(residue_sums(out.mT, hierarchy), hierarchy)

    taken, estimate = peak(work), memory.noise_device_bytes(n_atoms, n_together)
    assert 24 * n_atoms * (n_together - left_out) < taken <= estimate <= 3 * taken


@pytest.mark.parametrize("options", [{}, {"pose": "best", "covariance": "flat"}, {"multiscale": 1, "pose": "fixed"}])
@pytest.mark.parametrize(("n_atoms", "n_members", "samples"), [(2000, 1, 300), (2000, 300, 1), (20_000, 24, 2)])
def test_a_model_and_its_samples_take_no_more_than_is_estimated(batched, n_atoms, n_members, samples, options):
    hierarchy = protein(n_atoms)
    states = np.random.default_rng(0).normal(size=(n_members, n_atoms, 3)).astype("f4")
    states += 20 * states[:1].copy()
    parameters = SampleParameters(steps=2, samples=samples, state=1, device="cpu", **options)

    def work():
        prepared = prepare_denoiser(states, hierarchy, PRESETS["ms"], parameters)
        curves = StepCurves(hierarchy, prepared.members[0].clone(), any_pose=parameters.known_pose != "fixed")
        edm_sample(
            prepared.denoise, hierarchy, PRESETS["ms"], parameters.settings, samples=samples, callback=curves,
            multiscale=bool(parameters.multiscale),
        )  # fmt: skip

    taken = peak(work) + memory._PRODUCTS  # which the CPU has no need of
    assert taken <= memory.model_device_bytes(n_atoms, n_members, samples, draw.frames_per_group(n_atoms)) <= 4 * taken
