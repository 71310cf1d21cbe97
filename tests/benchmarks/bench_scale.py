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
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

from bench_noise import ROOT, Row, build

from pomodoro_pymol.utils import memory
from pomodoro_pymol.viewer.host import cmd


@dataclass(frozen=True)
class Need:
    """Memory of a line: on so many copies of 1tii with so many states, after another line."""

    copies: int
    line: str
    states: int = 1
    first: str = ""


@dataclass(frozen=True)
class Plan:
    """What to measure the memory of, copies and frames for the times, lines to repeat and how often."""

    needs: tuple[Need, ...]
    copies: tuple[int, ...]
    frames: tuple[int, ...]
    largest: int
    soaks: tuple[tuple[int, str], ...]


FULL = Plan(
    needs=(
        Need(1, "pomnoise big, frames=5000"),
        Need(9, "pomnoise big, frames=500"),
        Need(60, "pomsweep big, z=-2:2 presets=3-8-1"),
        Need(9, "pomalign", first="pomnoise big, frames=500"),
        Need(23, "pommeasure", states=40),
        Need(60, "pomdenoise", first="pomnoise big, frames=20"),
        Need(23, "pomdenoise", states=40, first="pomnoise big, frames=10"),
        Need(120, "pomtable big, frames=3 presets=3-8-1"),
        Need(60, "pomprecond big", states=40),
        Need(60, "pomsignal big"),
        Need(23, "pomsignal big", states=40),
        Need(60, "pomsample big, steps=20"),
        Need(23, "pomsample big, steps=20 samples=8"),
        Need(60, "pomsample big, steps=10 samples=8 show=final"),
        Need(23, "pomsample big, steps=4 show=final", states=40),
        Need(423, "pomnoise big, frames=10"),
        Need(423, "pomprecond big"),
        Need(423, "pomsample big, steps=4 show=final"),
    ),
    copies=(1, 9, 23, 423),
    frames=(10, 250, 490),
    largest=423,
    soaks=((1000, "pomnoise frames=20"), (100, "pomsweep z=-1:1"), (100, "pomsample steps=10")),
)
QUICK = Plan(
    needs=(Need(1, "pomnoise big, frames=100"),),
    copies=(1, 2),
    frames=(2, 4, 6),
    largest=1,
    soaks=((4, "pomnoise frames=2"),),
)


def status(key: str) -> int:
    """Return a size from the process's status, in bytes."""
    return int(Path("/proc/self/status").read_text().split(f"{key}:")[1].split()[0]) * 1024


def lay(copies: int, states: int = 1, first: str = "") -> None:
    """Lay copies side by side, so that they are as dense as one, with so many states; then type a line."""
    build(copies)
    cmd.alter_state(
        1, "big", "x, y, z = x + 100 * (int(segi) % 8), y + 100 * (int(segi) // 8 % 8), z + int(segi) // 64 * 100"
    )
    for state in range(2, states + 1):
        cmd.create("big", "big", 1, state)
    if first:
        cmd.do(first)


def estimate(copies: int, line: str, states: int, first: str) -> dict:
    """Type a line; return the bytes that were asked for, and those it took at most."""
    asked: list[int] = []
    require = memory.require
    memory.require = lambda needed, purpose: (asked.append(needed), require(needed, purpose))[1]
    lay(1, states, first)
    cmd.do(line)  # what is loaded and set up once is not counted
    lay(copies, states, first)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before = status("VmRSS")
    asked.clear()
    cmd.do(line)
    return {"n_atoms": cmd.count_atoms("big"), "asked": asked[0], "used": status("VmHWM") - before}


def seconds(copies: int, *lines: str) -> dict:
    """Type lines on so many copies, thrice; return the processor time of each, and that of PyMOL's copy."""
    lay(copies)
    taken: list[list[float]] = []
    for _ in range(1 if copies > 100 else 3):
        taken.append([])
        for line in lines:
            cmd.delete("big_*")  # else a line would pay for what the one before it made
            taken[-1].append(processor_time(cmd.do, line))
    return {
        "n_atoms": cmd.count_atoms("big"),
        "seconds": [median(times) for times in zip(*taken)],
        "create": processor_time(cmd.create, "copy", "big", zoom=0),
    }


def processor_time(job: Callable, *arguments: object, **options: object) -> float:
    start = time.process_time()
    job(*arguments, **options)
    return time.process_time() - start


def turns(copies: int) -> dict:
    """Run pomnoise in turns as the panel does; return the longest processor time of one, by its part of the run."""
    from pomodoro_pymol.jobs import noise
    from pomodoro_pymol.parameters.catalogue import NoiseParameters

    lay(copies)
    longest: dict[str, float] = {}
    last = time.process_time()

    def turn(part: str) -> None:
        nonlocal last
        now = time.process_time()
        longest[part] = max(longest.get(part, 0), now - last)
        last = now

    def take(part: str, steps: Generator) -> object:
        while True:
            try:
                next(steps)
            except StopIteration as end:
                turn(part)
                return end.value
            turn(part)

    with noise.NoiseRun(NoiseParameters(selection="big", frames=3), _self=cmd) as run:
        turn("looking for the source")
        steps = run.prepare(5000)
        next(steps)
        turn("PyMOL's copy")
        structure = take("reading it", steps)
        result = run.work(structure, lambda *_: turn("noise"))
        coloring = take("colouring", run.finish(result, 5000))
        assert coloring
    run = noise.NoiseRun(NoiseParameters(selection="big", frames=3), _self=cmd)
    next(run.prepare(5000))
    last = time.process_time()
    run.__exit__(None, None, None)
    turn("giving up")
    return {"n_atoms": cmd.count_atoms("big"), "longest": longest}


def soak(runs: int, line: str) -> dict:
    """Type a line again and again; return memory after each tenth, times, and what has piled up."""
    cmd.load("$PYMOL_DATA/tut/1hpv.pdb", "1hpv")
    found: dict = {"memory": [], "seconds": [], "left": []}
    for number in range(runs):
        found["seconds"].append(processor_time(cmd.do, f"{line} seed={number}"))
        if (number + 1) % max(1, runs // 10) == 0:
            gc.collect()
            found["memory"].append(status("VmRSS"))
            session = vars(cmd._pymol.session)
            found["left"].append(
                [
                    cmd.get_names("all"),
                    sorted(session),
                    sorted(session["pomodoro"]),
                    threading.active_count(),
                    len(os.listdir("/proc/self/fd")),
                    os.listdir(tempfile.gettempdir()),
                ]
            )
    return found


def measure(job: str, *arguments: object) -> dict:
    """Do a job in a process of its own, with an empty temporary folder."""
    with tempfile.TemporaryDirectory(prefix="pomodoro-") as folder:
        done = subprocess.run(
            [sys.executable, __file__, "--job", json.dumps([job, *arguments])],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": folder, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    return json.loads(done.stdout.splitlines()[-1])


def rows(plan: Plan) -> Iterator[Row]:
    for need in plan.needs:
        found = measure("estimate", need.copies, need.line, need.states, need.first)
        after = f" of {need.states} states" if need.states > 1 else f" after {need.first}" if need.first else ""
        what = f"{need.line}: {found['n_atoms']:,} atoms{after}, estimate / use of {found['used'] / 2**20:,.0f} MiB"
        yield Row(f"{what}, off by", 100 * abs(found["asked"] / found["used"] - 1), 20, unit="%")

    costs, copying = [], []
    for copies in plan.copies:
        found = measure("seconds", copies, "pomnoise big, frames=2")
        costs.append(1e6 * found["seconds"][0] / found["n_atoms"])
        copying.append(1e6 * found["create"] / found["n_atoms"])
        what = f"pomnoise, {found['n_atoms']:,} atoms, 2 frames: microseconds of processor per atom"
        yield Row(what, costs[-1], unit="us")
        yield Row(f"{what}, PyMOL's own create", copying[-1], unit="us")
    yield Row("most / least time per atom, but for the smallest", max(costs[1:]) / min(costs[1:]), 1.15)
    ours = [cost - copy for cost, copy in zip(costs[1:], copying[1:])]
    yield Row("the same without PyMOL's create", max(ours) / min(ours))
    found = measure("seconds", 9, *(f"pomnoise big, frames={frames}" for frames in plan.frames))
    per_frame = [
        (later - sooner) / (many - few) for (few, sooner), (many, later) in pairwise(zip(plan.frames, found["seconds"]))
    ]
    what = f"pomnoise, {found['n_atoms']:,} atoms: most / least time per frame up to {plan.frames[-1]} frames"
    yield Row(what, max(per_frame) / min(per_frame), 1.15)

    found = measure("turns", plan.largest)
    for part, longest in found["longest"].items():
        what = f"pomnoise, {found['n_atoms']:,} atoms: longest turn, processor time: {part}"
        yield Row(what, longest, None if "PyMOL" in part else 1, unit="s")

    for runs, line in plan.soaks:
        found = measure("soak", runs, line)
        tenth = max(1, runs // 10)
        use, times = found["memory"], found["seconds"]
        # The first tenth fills caches and pools. A state of 1hpv is 20 KiB.
        growth = (use[-1] - use[0]) / (runs - tenth) / 1024
        yield Row(f"{runs} x {line}: growth of memory per run after the first tenth", growth, 10, unit="KiB")
        late, early = median(times[-tenth:]), median(times[tenth : 2 * tenth])
        yield Row(f"{runs} x {line}: processor time of the last tenth / of the second", late / early, 1.15)
        changed = sum(one != found["left"][0] for one in found["left"])
        # Objects, session keys, records, threads, open files, temporary files.
        yield Row(f"{runs} x {line}: tenths that leave other things than the first", changed, 0, unit="")
        yield Row(f"{runs} x {line}: temporary files left", len(found["left"][-1][-1]), 0, unit="")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="show that it works; the numbers mean nothing")
    parser.add_argument("--job", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.job:
        import pomodoro_pymol.commands  # noqa: F401

        job, *values = arguments.job
        print(json.dumps({"estimate": estimate, "seconds": seconds, "turns": turns, "soak": soak}[job](*values)))
        return
    for row in rows(QUICK if arguments.quick else FULL):
        print(row, flush=True)


if __name__ == "__main__":
    main()
