"""What holds on a GPU, and the budgets of the work there, each a ratio measured in one process.

    python tests/benchmarks/bench_gpu.py [--quick] [--device cuda] [--parts checks memory table large]
    python tests/benchmarks/bench_gpu.py --profile measure [--atoms 18000]

From the root of the repository; nothing of ours needs to be installed. Every command that takes a device is checked
against closed forms, with all memory and with too little of it, and prints ``ok`` or ``WRONG``: one of these makes the
exit status 1. The table is of what the budgets are for. ``--quick`` takes fewer rounds and sizes, and less than four
minutes. ``--device cpu`` runs the same code with the CPU in the GPU's place, on small sizes: it shows that the
benchmark works, and its times mean nothing.

Ours and the reference take turns (A B A B), the device has done its work before a clock is read, and the median over
rounds counts. ``--profile`` prints where the time of a row goes: all of the device's, and the CPU's of one thread.
"""

from __future__ import annotations

import argparse
import importlib
import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "gpu")]
checks, checks_of_commands, checks_of_memory, bench_diffusion, bench_training, draw, noise, sampling = map(
    importlib.import_module,
    (
        "checks",
        "checks_of_commands",
        "checks_of_memory",
        "bench_diffusion",
        "bench_training",
        "pomodoro_pymol.noise.draw",
        "pomodoro_pymol.experiments.noise",
        "pomodoro_pymol.experiments.sampling",
    ),
)
Hierarchy, SampleParameters = checks.Hierarchy, checks.SampleParameters
WEIGHTS, SIGMA = checks.WEIGHTS, checks.SIGMA
PARTS = ("checks", "memory", "table", "large")
WIDTH = 88


@dataclass(frozen=True)
class Plan:
    """Sizes, and how often.

    Attributes
    ----------
    atoms : tuple of int
        Of the rows of noise, each with as many frames as have so many ``normals``.
    step : tuple of int
        Members, atoms and samples of a sampling step.
    samples : int
        Of 2juy, in so many ``sample_steps``: a short and a long run.
    copies, frames : int
        Of 1tii, noised into PyMOL.
    crossing, step_crossing : tuple of int
        Numbers of atoms at which device and CPU are compared.
    large : tuple of int
        Atoms and frames.
    """

    rounds: int
    atoms: tuple[int, ...]
    normals: int
    step: tuple[int, int, int]
    samples: int
    sample_steps: tuple[int, int]
    copies: int
    frames: int
    crossing: tuple[int, ...]
    step_crossing: tuple[int, ...]
    large: tuple[int, int]


FULL = Plan(
    rounds=15,
    atoms=(1800, 18_000, 130_000, 1_100_000),
    normals=40_000_000,
    step=(100, 5000, 16),
    samples=100,
    sample_steps=(20, 120),
    copies=23,
    frames=200,
    crossing=(250, 500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000),
    step_crossing=(25, 50, 100, 200, 400, 800, 1600, 3200, 6400),
    large=(2_400_000, 200),
)
QUICK = replace(
    FULL,
    rounds=5,
    sample_steps=(20, 60),
    crossing=(500, 2000, 8000, 32_000, 128_000),
    step_crossing=(50, 200, 800, 3200),
    large=(2_400_000, 40),
)
SMALL = Plan(
    rounds=1,
    atoms=(1800, 18_000),
    normals=800_000,
    step=(10, 200, 4),
    samples=4,
    sample_steps=(2, 6),
    copies=1,
    frames=10,
    crossing=(500, 5000),
    step_crossing=(50, 200),
    large=(20_000, 13),
)


@dataclass(frozen=True)
class Row:
    """One line of the table; ``budget`` None, and all that is measured on a CPU, is for information."""

    what: str
    value: float
    budget: float | None = None
    unit: str = "x"

    def text(self, device: str) -> str:
        value = f"{self.value:,.0f}" if self.unit == "atoms" else f"{self.value:.3g}"
        line = f"{self.what:<{WIDTH}}{value:>9} {self.unit:<5}"
        if self.budget is None or device == "cpu":
            return f"{line}{'':17}for information"
        return f"{line}<= {self.budget:>8.3g} {self.unit:<5}{'met' if self.value <= self.budget else 'MISSED'}"


def finish(device: str) -> None:
    """Wait until a device has done its work."""
    if device != "cpu":
        getattr(torch, device).synchronize()


def timed(job: Callable[[], object], device: str) -> float:
    finish(device)
    start = perf_counter()
    job()
    finish(device)
    return perf_counter() - start


def in_turns(jobs: dict[str, Callable[[], object]], rounds: int, device: str) -> dict[str, np.ndarray]:
    """Let the jobs take turns; return the seconds of each, one per round, after a round that warms up."""
    seconds = [[timed(job, device) for job in jobs.values()] for _ in range(rounds + 1)]
    return dict(zip(jobs, np.array(seconds[1:]).T))


def ratio(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.median(ours / theirs))


# Checks.


def line_of(name: str, check: Callable[[], str]) -> tuple[str, bool]:
    """Try a check; return its line, and whether it is wrong."""
    start = perf_counter()
    try:
        with redirect_stdout(io.StringIO()):
            found = check()
    except Exception as error:
        words = " ".join(str(error).split())[:400]
        kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
        return f"WRONG  {name}: {kind}{words}", True
    return f"ok     {name}: {found} ({perf_counter() - start:.1f} s)", False


def checks_here(parts: list[str], device: str, cmd: Any) -> Iterator[tuple[str, Callable[[], str]]]:
    """Yield the checks by name; those in PyMOL where there is one."""
    if "checks" in parts:
        for name, check in checks.CHECKS.items():
            yield name, partial(check, device)
        for name in checks_of_commands.ON_THE_COMMAND_LINE:
            yield (
                f"python -m pomodoro_pymol {name}",
                lambda name=name: checks_of_commands.on_the_command_line(name, device)[0],
            )
        for name in checks_of_commands.IN_PYMOL if cmd else ():
            yield f"{name}, in PyMOL", lambda name=name: checks_of_commands.in_pymol(name, device, cmd)[0]
        yield "every command that takes a device is among these", all_are_tried
    if "memory" in parts:
        for name, check in checks_of_memory.CHECKS.items():
            yield f"memory full, {name}", partial(check, device)
        for name, check in checks_of_memory.IN_PYMOL_TOO.items() if cmd else ():
            yield f"memory full, {name} in PyMOL", partial(check, device, cmd)


def all_are_tried() -> str:
    names = checks_of_commands.with_a_device()
    assert names == set(checks_of_commands.IN_PYMOL), f"{sorted(names)} take one"
    return ", ".join(sorted(names))


# The table.


def noise_jobs(n_atoms: int, normals: int, device: str) -> dict[str, Callable[[], object]]:
    """What noises so many atoms, and what it is measured by, in frames that have so many normals."""
    structure = checks.protein(n_atoms)
    hierarchy = Hierarchy.from_structure(structure)
    coords, on_device = torch.from_numpy(structure.coords).to(device), hierarchy.to(device)
    n_frames = max(2, normals // (3 * n_atoms))
    size = draw.frames_per_group(n_atoms, device)
    there = torch.empty(min(size, n_frames), 3, n_atoms, device=device)
    here = torch.empty(there.shape, pin_memory=device == "cuda")

    def copies() -> None:
        for start in range(0, n_frames, size):
            count = min(size, n_frames - start)
            here[:count].copy_(there[:count], non_blocking=True)

    def run(times: int) -> None:
        parameters = replace(checks.NOISE, frames=times * n_frames, device=device)
        noise.run_noise(structure, parameters, lambda block: None)

    return {
        "randn": lambda: torch.randn(n_frames, 3, n_atoms, device=device),
        "add_noise": lambda: draw.add_noise(coords, on_device, SIGMA, WEIGHTS, n_frames=n_frames, device=device),
        "measure": lambda: noise.measure(hierarchy, WEIGHTS, n_frames, device=device),
        "measure of three times as many": lambda: noise.measure(hierarchy, WEIGHTS, 3 * n_frames, device=device),
        "copies": copies,
        "run_noise": lambda: run(1),
        "run_noise of three times as many": lambda: run(3),
    }


def noise_rows(plan: Plan, device: str) -> Iterator[Row]:
    """Each size with about as many normals; of frames to the host what further frames of a run take, without setup."""
    for n_atoms in plan.atoms:
        seconds = in_turns(noise_jobs(n_atoms, plan.normals, device), plan.rounds, device)
        at = f"at {n_atoms:,} atoms"
        yield Row(f"add_noise {at} / randn", ratio(seconds["add_noise"], seconds["randn"]), 8)
        yield Row(f"measure, noise with statistics, {at} / randn", ratio(seconds["measure"], seconds["randn"]), 16)
        further = (seconds["measure of three times as many"] - seconds["measure"]) / 2
        yield Row(f"measure, further frames {at} / randn", ratio(further, seconds["randn"]))
        frames = (seconds["run_noise of three times as many"] - seconds["run_noise"]) / 2
        yield Row(f"frames to the host {at} / pinned copies", ratio(frames, seconds["copies"]), 1.3)
        gigabytes = 12 * n_atoms * max(2, plan.normals // (3 * n_atoms)) / 1e9
        yield Row(f"frames to the host {at}", gigabytes / float(np.median(frames)), unit="GB/s")


def step_rows(plan: Plan, device: str) -> Iterator[Row]:
    """Sampling steps over their own products, by `bench_diffusion`."""
    n_members, n_atoms, n_samples = plan.step
    bench_diffusion.ROUNDS = plan.rounds
    times = bench_diffusion.step_times(device, *plan.step)
    of = f"{n_members} members x {n_atoms:,} atoms x {n_samples} samples"
    for name, other, budget in (
        ("step of af3, exact pose", "products in any pose", 8),
        ("step with churn", "products", 5),
        ("denoiser", "products", 2),
    ):
        what = {"step with churn": "step of edm's kind, with churn"}.get(name, name)
        yield Row(f"{what}, {of} / its products", bench_diffusion.ratio(times[name], times[other]), budget)
        yield Row(f"{what}, {of}", 1000 * median(times[name]), unit="ms")


def training_rows(plan: Plan, device: str) -> Iterator[Row]:
    """Training steps over their own products, by `bench_training`."""
    bench_diffusion.ROUNDS = plan.rounds
    for name, times, each in bench_training.step_ratios(device, quick=device == "cpu"):
        yield Row(f"training step, {name} / its products", times, 3)
        yield Row(f"training step of one network, {name}", each, unit="ms")


def sample(plan: Plan, device: str, steps: int) -> None:
    structure, states = checks.nmr()
    parameters = SampleParameters(samples=plan.samples, steps=steps, state=1, show="final", device=device)
    sampling.run_sample(structure, states, parameters)


def sample_rows(plan: Plan, device: str) -> Iterator[Row]:
    """A step of the whole command but PyMOL, from a short and a long run."""
    short, long = plan.sample_steps
    jobs = {str(steps): partial(sample, plan, device, steps) for steps in plan.sample_steps}
    seconds = in_turns(jobs, min(plan.rounds, 3), device)
    step = float(np.median(seconds[str(long)] - seconds[str(short)])) / (long - short)
    yield Row(f"pomsample 2juy, {plan.samples} samples, a step with curves", 1000 * step, 5, "ms")


def pymol_rows(plan: Plan, device: str) -> Iterator[Row]:
    """The frames of a run into PyMOL, over the same frames from memory; each time into an object of its own."""
    bench_noise = importlib.import_module("bench_noise")
    commands = importlib.import_module("pomodoro_pymol.commands")
    cmd, reading, sources, states = bench_noise.cmd, bench_noise.reading, bench_noise.sources, bench_noise.states
    name = bench_noise.build(plan.copies)
    source, structure = sources.resolve_source(name, 1, _self=cmd), reading.read_structure(name, _self=cmd)
    parameters = replace(checks.NOISE, frames=plan.frames, device=device)
    blocks: list[torch.Tensor] = []
    # As they come, coordinate by coordinate, and kept.
    noise.run_noise(structure, parameters, lambda block: blocks.append(block.mT.clone().mT))

    def into_pymol(job: Callable[[Any], object]) -> float:
        with (
            sources.draft(source, "out", _self=cmd) as draft,
            states.StateWriter(draft, structure.atom_at_place, _self=cmd) as writer,
        ):
            return timed(lambda: job(writer.write), device)

    def write(into: Callable[[torch.Tensor], None]) -> None:
        for block in blocks:
            into(block)

    def command() -> None:
        commands.pomnoise(name, frames=plan.frames, sigma=SIGMA, seed=3, device=device)
        cmd.delete(f"{name}_noise")

    seconds = np.array(
        [
            (
                into_pymol(lambda into: noise.run_noise(structure, parameters, into)),
                into_pymol(write),
                timed(command, device),
            )
            for _ in range(max(1, min(plan.rounds // 2, 3)) + 1)
        ][1:]
    ).T
    at = f"{len(structure):,} atoms x {plan.frames} frames"
    yield Row(f"pomnoise, its frames, {at} / writing them into PyMOL", ratio(seconds[0], seconds[1]), 1.2)
    yield Row(f"pomnoise, the whole command, {at} / writing them into PyMOL", ratio(seconds[2], seconds[1]))


def crossing_jobs(n_atoms: int, on: str) -> Callable[[], object]:
    hierarchy = Hierarchy.from_structure(checks.protein(n_atoms))
    return lambda: noise.measure(hierarchy, WEIGHTS, 20, device=on)


def step_crossing_jobs(n_atoms: int, on: str) -> Callable[[], object]:
    """Five steps of AF3's sampler, 16 samples, 24 members in any pose."""
    hierarchy = Hierarchy.from_structure(checks.protein(n_atoms)).to(on)
    members = torch.from_numpy(np.random.default_rng(0).normal(0, 8, (24, n_atoms, 3)).astype(np.float32)).to(on)
    denoise = checks.IdealDenoiser(members, hierarchy, WEIGHTS, pose="exact")
    sampler = replace(checks.SAMPLERS["af3"], steps=5)
    return lambda: checks.edm_sample(denoise, hierarchy, WEIGHTS, sampler, samples=16, device=on)


def crossing_rows(plan: Plan, device: str) -> Iterator[Row]:
    """From how many atoms on the device is faster: there, and at each larger number that was tried."""
    for what, sizes, make in (
        ("noise and statistics of 20 frames", plan.crossing, crossing_jobs),
        ("a step of af3, 24 members, 16 samples", plan.step_crossing, step_crossing_jobs),
    ):
        first = float("inf")
        for n_atoms in sizes:
            jobs = {"device": make(n_atoms, device), "cpu": make(n_atoms, "cpu")}
            seconds = in_turns(jobs, plan.rounds, device)
            faster = ratio(seconds["cpu"], seconds["device"])
            yield Row(f"{what}, {n_atoms:,} atoms, CPU / device", faster)
            first = min(first, n_atoms) if faster > 1 else float("inf")
        yield Row(f"{what}: faster on the device from", first, unit="atoms")


TABLE = (noise_rows, step_rows, training_rows, sample_rows, pymol_rows, crossing_rows)


def print_table(plan: Plan, device: str, pymol: bool) -> bool:
    """Print the rows; return whether some could not be measured."""
    wrong = False
    for rows in TABLE if pymol else (rows for rows in TABLE if rows is not pymol_rows):
        try:
            for row in rows(plan, device):
                print(row.text(device), flush=True)
        except Exception as error:
            wrong = True
            print(f"WRONG  {rows.__name__}: {type(error).__name__}: {error}", flush=True)
    return wrong


def large(plan: Plan, device: str) -> str:
    """Noise a large structure; return what it took."""
    n_atoms, n_frames = plan.large
    structure, count = checks.protein(n_atoms), [0]
    parameters = replace(checks.NOISE, frames=n_frames, device=device)

    def write(block: torch.Tensor) -> None:
        count[0] += len(block)

    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    start = perf_counter()
    result = noise.run_noise(structure, parameters, write)
    seconds = perf_counter() - start
    assert count[0] == n_frames, f"{count[0]} frames"
    found = checks.in_words(checks.is_expected(result.statistics))
    peak = f"{torch.cuda.max_memory_allocated() / 2**30:.2f} GiB" if device == "cuda" else "not told"
    note = f"; {result.note}" if result.note else ""
    return f"{found}; {1000 * seconds / n_frames:.1f} ms a frame, peak memory of {result.device}: {peak}{note}"


# Where the time goes.


def profiled(plan: Plan, device: str, n_atoms: int) -> dict[str, Callable[[], Callable[[], object]]]:
    """Return what makes the job of each row that can be profiled."""
    of_noise = ("randn", "add_noise", "measure", "copies", "run_noise")
    of_steps = ("denoiser", "products", "step with churn", "step of af3, exact pose", "products in any pose")
    return {
        **{name: lambda name=name: noise_jobs(n_atoms, plan.normals, device)[name] for name in of_noise},
        **{name: lambda name=name: bench_diffusion.step_jobs(device, *plan.step)[name] for name in of_steps},
        "pomsample": lambda: partial(sample, plan, device, plan.sample_steps[0]),
    }


def profile(job: Callable[[], object], device: str) -> None:
    """Print the operations that take most of a job's time, once it is warm."""
    for _ in range(2):
        timed(job, device)
    activities = [torch.profiler.ProfilerActivity.CPU]
    if device == "cuda":
        activities.append(torch.profiler.ProfilerActivity.CUDA)
    with torch.no_grad(), torch.profiler.profile(activities=activities) as found:
        seconds = timed(job, device)
    print(f"{1000 * seconds:.2f} ms under the profiler, {1000 * timed(job, device):.2f} ms without")
    for by in ("self_device_time_total", "self_cpu_time_total") if device == "cuda" else ("self_cpu_time_total",):
        print(found.key_averages().table(sort_by=by, row_limit=20, max_name_column_width=60))


# The whole.


def hardware(device: str) -> str:
    """Return what it runs on."""
    versions = f"torch {torch.__version__}, NumPy {np.__version__}, {torch.get_num_threads()} threads of the CPU"
    if device == "cpu":
        return f"the CPU in the GPU's place: the same code, times mean nothing; {versions}"
    if device == "mps":
        return f"mps, on which this was never tried before; {versions}"
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        driver = subprocess.run(query, capture_output=True, text=True, check=True).stdout.split()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        driver = "unknown"
    card = torch.cuda.get_device_properties("cuda")
    memory = f"{card.total_memory / 2**30:.0f} GiB"
    return f"{card.name}, {memory}, driver {driver}, CUDA {torch.version.cuda}; {versions}"


def run(parts: list[str], plan: Plan, device: str) -> bool:
    """Print everything; return whether something is wrong."""
    start, wrong, cmd = perf_counter(), False, None
    try:
        cmd = importlib.import_module("pomodoro_pymol.viewer.host").cmd
        checks_of_commands.load(cmd)
    except ModuleNotFoundError as error:
        print(f"not run: what is in PyMOL, which is not here ({error}); the commands' functions and command line are")
    tried = list(checks_here(parts, device, cmd))
    if "large" in parts:
        n_atoms, n_frames = plan.large
        tried.append((f"run_noise of {n_atoms:,} atoms x {n_frames} frames", partial(large, plan, device)))
    for name, check in tried:
        line, failed = line_of(name, check)
        wrong |= failed
        print(line, flush=True)
    if "table" in parts:
        wrong |= print_table(plan, device, cmd is not None)
    print(f"{perf_counter() - start:.0f} s, {'something is WRONG' if wrong else 'nothing is wrong'}")
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds and sizes")
    parser.add_argument("--device", choices=("cuda", "mps", "cpu"), help="by default cuda where there is one, else cpu")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="by default all")
    parser.add_argument("--profile", metavar="ROW", help="print where the time of a row goes")
    parser.add_argument("--atoms", type=int, default=130_000, help="of the row of noise that is profiled")
    arguments = parser.parse_args()
    device = arguments.device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        importlib.import_module("pomodoro_pymol.utils.devices").resolve_device(device)
    except importlib.import_module("pomodoro_pymol.errors").PomodoroError as error:
        parser.error(str(error))
    plan = SMALL if device == "cpu" else QUICK if arguments.quick else FULL
    print(hardware(device), flush=True)
    with checks.in_the_gpus_place(device):
        if arguments.profile is None:
            sys.exit(run(list(arguments.parts), plan, device))
        jobs = profiled(plan, device, arguments.atoms)
        if arguments.profile not in jobs:
            parser.error(f"rows that can be profiled: {', '.join(jobs)}")
        profile(jobs[arguments.profile](), device)


if __name__ == "__main__":
    main()
