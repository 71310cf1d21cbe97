"""Time a survey: two workers against one, against a plain loop in one process, and a plain script; and memory.

The files are copies of one structure of five chains, 100 kB each, and smaller ones for the memory. With
``--biopython PYTHON``, a Python that has Biopython, plain_biopython.py runs beside, on the same files.

Run: python tests/benchmarks/bench_survey.py [--quick] [--memory FILES] [--biopython PYTHON]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter, process_time, sleep

import distributed
import psutil
import torch

from pomodoro_pymol.noise.presets import parse_schemes
from pomodoro_pymol.survey.child import Child, Limits
from pomodoro_pymol.survey.cluster import cluster, read_all
from pomodoro_pymol.survey.rows import DATA, Reading, columns, file_rows
from pomodoro_pymol.survey.settings import SurveySettings
from pomodoro_pymol.survey.sources import given_out, size_of

ROOT = Path(__file__).parents[2]
FRAGMENT = ROOT / "docs" / "data" / "1hpv_fragment.pdb"
SCRIPT = Path(__file__).with_name("plain_biopython.py")
#: As the command line has them, and what the plain script does.
FULL = SurveySettings(tuple(parse_schemes("flat+ms+rb")), (-1.0, 0.0, 1.0))
BARE = SurveySettings(())
#: Two workers over one, at least; of the work of 100 kB a file, and growth of memory, at most.
SPEED_UP, OVERHEAD, GROWTH = 1.7, 0.15, 0.05


def structure(n_chains: int) -> str:
    """Return copies of the fragment beside each other, as chains: 20 kB each."""
    lines = []
    for chain in range(n_chains):
        for line in FRAGMENT.read_text().splitlines():
            if line.startswith("ATOM"):
                x, y, z = (float(line[start : start + 8]) for start in (30, 38, 46))
                place = f"{x + 25 * (chain % 3):8.3f}{y + 25 * (chain // 3):8.3f}{z:8.3f}"
                lines.append(f"{line[:21]}{'ABCDE'[chain]}{line[22:30]}{place}{line[54:]}")
        lines.append("TER")
    return "\n".join([*lines, "END", ""])


def sizes_of(paths: list[str]) -> dict[str, int]:
    """Return the bytes of files."""
    return {path: size_of(path) for path in paths}


def copies(folder: Path, n_chains: int, count: int) -> list[str]:
    """Write a structure so many times, and return the paths."""
    folder.mkdir()
    text = structure(n_chains)
    paths = [folder / f"{number:05}.pdb" for number in range(count)]
    for path in paths:
        path.write_text(text)
    return list(map(str, paths))


def row(what: str, value: str, verdict: str) -> None:
    print(f"{what:86}{value:>14}  {verdict}", flush=True)


def judged(what: str, value: float, limit: float, *, least: bool = False, percent: bool = False) -> None:
    """Print a row with a budget."""
    words = [f"{100 * one:.1f} %" if percent else f"{one:.2f} x" for one in (value, limit)]
    met = value >= limit if least else value <= limit
    row(what, words[0], f"budget {words[1]} at {'least' if least else 'most'}, {'met' if met else 'MISSED'}")


def plain_loop(paths: list[str], settings: SurveySettings = FULL) -> float:
    start = perf_counter()
    for path in paths:
        file_rows(path, settings)
    return perf_counter() - start


def processor_time() -> float:
    """Return the seconds of processors that this process and all that it started have taken."""
    me = psutil.Process()
    return sum(sum(process.cpu_times()[:2]) for process in (me, *me.children(recursive=True)))


def speed(paths: list[str], clients: dict[int, distributed.Client], rounds: int) -> None:
    """A plain loop, one child, one worker and two, in turns on the same files."""
    child = Child(FULL, Limits())
    busy: list[float] = []

    def alone() -> None:
        for path in paths:
            child.read(path)

    def workers(count: int) -> None:
        done: list[Reading] = []
        cpu, start = process_time(), perf_counter()
        read_all(clients[count], sizes_of(paths), FULL, Limits(), done.extend)
        if len(done) != len(paths) or any(reading.failed for reading in done):
            raise SystemExit("a file was not read")
        if count == 2:
            busy.append(process_time() - cpu - idle * (perf_counter() - start))

    jobs: dict[str, Callable[[], object]] = {
        "loop": lambda: plain_loop(paths),
        "child": alone,
        "one": lambda: workers(1),
        "two": lambda: workers(2),
    }
    times: dict[str, list[float]] = {name: [] for name in jobs}
    taken: dict[str, list[float]] = {name: [] for name in jobs}
    try:
        # Children start with their first files.
        child.read(paths[0])
        for count, client in clients.items():
            read_all(client, sizes_of(paths[: 32 * count]), FULL, Limits(), lambda readings: None)
        # What all take in a second that wait.
        cpu, idle, start = processor_time(), process_time(), perf_counter()
        sleep(3)
        idle_all, idle = (
            (now - then) / (perf_counter() - start) for now, then in ((processor_time(), cpu), (process_time(), idle))
        )
        for _ in range(rounds):
            for name, job in jobs.items():
                cpu, start = processor_time(), perf_counter()
                job()
                times[name].append(perf_counter() - start)
                taken[name].append(processor_time() - cpu - idle_all * times[name][-1])
    finally:
        child.close()

    def ratio(one: str, other: str, of: dict[str, list[float]] = times) -> float:
        return median(first / second for first, second in zip(of[one], of[other]))

    files, batches = len(paths), len(given_out(sizes_of(paths), 1))
    loop = median(times["loop"])
    row(
        f"plain loop in one process, {files} files of 100 kB, a file",
        f"{1000 * loop / files:.1f} ms",
        "for information",
    )
    judged(f"one worker / two, {files} files", ratio("one", "two"), SPEED_UP, least=True)
    judged("Dask and child / work of a file", ratio("one", "loop") - 1, OVERHEAD, percent=True)
    row("the same in time of processors", f"{100 * (ratio('one', 'loop', taken) - 1):.1f} %", "for information")
    row("the child alone", f"{100 * (ratio('child', 'loop') - 1):.1f} %", "for information")
    row(
        "the child alone, in time of processors",
        f"{100 * (ratio('child', 'loop', taken) - 1):.1f} %",
        "for information",
    )
    beside = [(one - other) / batches for one, other in zip(times["one"], times["loop"])]
    row("worker, beside the work of a batch", f"{1000 * median(beside):.1f} ms", "for information")
    row("scheduler and client, of a batch", f"{1000 * median(busy) / batches:.1f} ms", "for information")


def memory(paths: list[str], client: distributed.Client) -> None:
    """Memory of two workers, their children and the process that asks, over many files."""
    held: dict[str, list[tuple[int, int]]] = {"a worker": [], "a child": [], "scheduler and client": []}
    done = 0
    own = [psutil.Process(pid) for pid in client.run(os.getpid).values()]

    def look(readings: list[Reading]) -> None:
        nonlocal done
        done += len(readings)
        if readings:
            children = [child for process in own for child in process.children(recursive=True)]
            for name, processes in zip(held, (own, children, [psutil.Process()])):
                held[name].append((done, max(process.memory_info().rss for process in processes)))

    read_all(client, sizes_of(paths), FULL, Limits(), look)
    tenth = len(paths) / 10
    for name, values in held.items():
        first = median(size for count, size in values if count <= max(tenth, values[0][0]))
        last = median(size for count, size in values if count >= len(paths) - tenth)
        row(f"memory of {name}, last tenth of {len(paths)} files", f"{last / 2**20:.0f} MiB", "for information")
        judged(f"growth of memory of {name} since the first tenth", last / first - 1, GROWTH, percent=True)


def script(folder: Path, paths: list[str], python: str, rounds: int) -> None:
    """The plain script against a plain loop of ours that does as much, and one that does all."""
    listed = folder / "list"
    listed.write_text("\n".join(paths))
    ratios: dict[str, list[float]] = {"as much": [], "all of its columns": []}
    for _ in range(rounds):
        done = subprocess.run([python, SCRIPT, listed], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stderr)
        theirs = json.loads(done.stdout)
        for what, settings in (("as much", BARE), ("all of its columns", FULL)):
            ratios[what].append(theirs["seconds"] / plain_loop(paths, settings))
    names = [column.name for column in columns(BARE)]
    ours = dict(zip(names, file_rows(paths[0], BARE)[0].numbers))
    apart = max(abs(one / ours[name] - 1) for one, name in zip(theirs["numbers"][0], DATA))
    if apart > 1e-5:
        raise SystemExit(f"the plain script found other numbers: {apart:g} apart")
    for what, values in ratios.items():
        row(f"plain script with Biopython / plain loop of ours, {what}", f"{median(values):.2f} x", "for information")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--memory", type=int, metavar="FILES", help="how many files memory is measured over")
    parser.add_argument("--biopython", metavar="PYTHON", help="a Python that has Biopython")
    given = parser.parse_args()
    rounds, count = (1, 12) if given.quick else (3, 500)
    torch.set_num_threads(1)
    print(f"distributed {distributed.__version__}, torch {torch.__version__}, {rounds} rounds")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = copies(folder / "large", 5, count)
        many = copies(folder / "small", 1, given.memory or (40 if given.quick else 10_000))
        start = perf_counter()
        with cluster(workers=1) as one, cluster(workers=2) as two:
            row("starting clusters of one and of two workers", f"{perf_counter() - start:.1f} s", "for information")
            speed(paths, {1: one, 2: two}, rounds)
            memory(many, two)
        if given.biopython:
            script(folder, paths, given.biopython, rounds)
        else:
            row("plain script with Biopython / plain loop of ours", "", "not run: --biopython was not given")


if __name__ == "__main__":
    main()
