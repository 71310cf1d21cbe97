"""Memory is asked for before it is used."""

import subprocess
import sys

import pytest

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.noise import stream
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


@pytest.mark.parametrize(("n_atoms", "n_frames"), [(1000, 7), (1000, 5000), (3_000_000, 1), (3_000_000, 2)])
def test_the_blocks_of_noise_take_what_is_asked_for(n_atoms, n_frames):
    frames = stream.stream_frames(lambda frame, out: None, n_frames, n_atoms)
    first, _ = next(frames)
    frames.close()
    held = min(2, -(-n_frames // len(first)))
    assert stream.block_bytes(n_atoms, n_frames) == held * 12 * n_atoms * len(first)
