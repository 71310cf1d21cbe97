"""Scale and soak: large structures, many frames, many runs, and the memory that was estimated for them.

    python tests/benchmarks/bench_scale.py [--quick]

Every case runs in a process of its own; memory is read from Linux's ``/proc``. ``--quick``
shrinks everything: it shows that the benchmark works, and its numbers mean nothing.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench_noise import ROOT, Row, build

from pomodoro_pymol import memory
from pomodoro_pymol.viewer import cmd


@dataclass(frozen=True)
class Plan:
    """Copies of 1tii and lines to type for the estimates, sizes and frames for the times, runs to repeat."""

    estimates: tuple[tuple[int, str], ...]
    copies: tuple[int, ...]
    frames: tuple[int, ...]
    runs: int


FULL = Plan(
    estimates=(
        (1, "pomnoise big, frames=2000"),
        (9, "pomnoise big, frames=500"),
        (23, "pomnoise big, frames=20"),
        (423, "pomnoise big, frames=3"),
        (423, "pomnoise big, frames=10"),
        (23, "pomsample big, steps=20"),
        (23, "pomsample big, steps=20 samples=4 show=final"),
        (9, "pomsample big, steps=50 samples=2"),
    ),
    copies=(1, 23, 423),
    frames=(50, 500),
    runs=1000,
)
QUICK = Plan(
    estimates=((9, "pomnoise big, frames=100"), (9, "pomsample big, steps=10 samples=2")),
    copies=(1, 2),
    frames=(2, 4),
    runs=4,
)


def status(key: str) -> int:
    """Return a size from the process's status, in bytes."""
    return int(Path("/proc/self/status").read_text().split(f"{key}:")[1].split()[0]) * 1024


def estimate(copies: int, line: str) -> dict:
    """Type a line on so many copies; return the bytes that were asked for, and those it took at most."""
    asked: list[int] = []
    require = memory.require
    memory.require = lambda needed, purpose: (asked.append(needed), require(needed, purpose))[1]
    build(1)
    cmd.do(line)  # what is loaded and set up once is not counted
    build(copies)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before = status("VmRSS")
    asked.clear()
    cmd.do(line)
    return {"n_atoms": cmd.count_atoms("big"), "asked": asked[0], "used": status("VmHWM") - before}


def seconds(copies: int, line: str) -> dict:
    """Type a line on so many copies, and again; return the second time."""
    build(copies)
    cmd.do(line)
    start = time.perf_counter()
    cmd.do(line)
    return {"n_atoms": cmd.count_atoms("big"), "seconds": time.perf_counter() - start}


def soak(runs: int, _: str) -> dict:
    """Run pomnoise again and again; return memory after each tenth, times, and what has piled up."""
    cmd.load("$PYMOL_DATA/tut/1hpv.pdb", "1hpv")
    found: dict = {"memory": [], "seconds": []}
    for number in range(runs):
        start = time.perf_counter()
        cmd.do(f"pomnoise seed={number}, frames=20")
        found["seconds"].append(time.perf_counter() - start)
        if (number + 1) % max(1, runs // 10) == 0:
            found["memory"].append(status("VmRSS"))
    found["objects"] = cmd.get_names("all")
    found["threads"] = threading.active_count()
    found["files"] = len(os.listdir("/proc/self/fd"))
    found["left"] = os.listdir(tempfile.gettempdir())
    return found


def measure(job: str, copies: int, line: str = "") -> dict:
    """Do a job in a process of its own, with an empty temporary folder."""
    with tempfile.TemporaryDirectory(prefix="pomodoro-") as folder:
        done = subprocess.run(
            [sys.executable, __file__, "--job", json.dumps([job, copies, line])],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": folder},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    return json.loads(done.stdout.splitlines()[-1])


def rows(plan: Plan) -> Iterator[Row]:
    for copies, line in plan.estimates:
        found = measure("estimate", copies, line)
        ratio = found["asked"] / found["used"]
        what = f"{line}: {found['n_atoms']:,} atoms, estimate / use"
        yield Row(f"{what} of {found['used'] / 2**20:,.0f} MiB, off by", 100 * abs(ratio - 1), 20, unit="%")

    found = [measure("seconds", copies, "pomnoise big, frames=2") for copies in plan.copies]
    costs = [1e6 * one["seconds"] / one["n_atoms"] for one in found]
    for one, cost in zip(found, costs):
        yield Row(f"pomnoise, {one['n_atoms']:,} atoms, 2 frames: microseconds per atom", cost, unit="us")
    yield Row("most / least time per atom", max(costs) / min(costs))
    few, many = plan.frames
    found = [measure("seconds", 9, f"pomnoise big, frames={frames}") for frames in (1, few, many)]
    first, second = (one["seconds"] - found[0]["seconds"] for one in found[1:])
    what = f"pomnoise, {found[0]['n_atoms']:,} atoms: time per frame of {many} frames / of {few}"
    yield Row(what, second / (many - 1) * (few - 1) / first, 1.15)

    found = measure("soak", plan.runs)
    tenth = max(1, plan.runs // 10)
    use, times = found["memory"], found["seconds"]
    what = f"{plan.runs} runs"
    # The first tenth fills caches and pools.
    yield Row(f"{what}: growth of memory after the first tenth", (use[-1] - use[0]) / 2**20, 8, unit="MiB")
    yield Row(f"{what}: time of the last tenth / of the first", median(times[-tenth:]) / median(times[:tenth]))
    piled = len(found["objects"]) - 3 + len(found["left"])
    yield Row(f"{what}: objects and temporary files left over", piled, 0, unit="")
    yield Row(f"{what}: Python threads", found["threads"], unit="")
    yield Row(f"{what}: open files", found["files"], unit="")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="show that it works; the numbers mean nothing")
    parser.add_argument("--job", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.job:
        import pomodoro_pymol.commands  # noqa: F401

        job, copies, line = arguments.job
        print(json.dumps({"estimate": estimate, "seconds": seconds, "soak": soak}[job](copies, line)))
        return
    for row in rows(QUICK if arguments.quick else FULL):
        print(row, flush=True)


if __name__ == "__main__":
    main()
