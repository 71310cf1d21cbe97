"""The budgets of `pomnoise`, each a ratio measured in one process.

    python tests/benchmarks/bench_noise.py [--quick]

Ours and the reference take turns (A B A B) and the median over rounds counts, because the
machine is shared and noisy. Cost per frame is the slope between a short and a long run, so
that what a run costs once falls out. ``--quick`` shrinks everything: it shows that the
benchmark works, and its numbers mean nothing. Memory is read from Linux's ``/proc``.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pomodoro_pymol.commands import pomcolor, pommeasure, pomnoise, pomsave
from pomodoro_pymol.experiments import noise
from pomodoro_pymol.noise import draw, stream
from pomodoro_pymol.parameters.catalogue import NoiseParameters
from pomodoro_pymol.structure.hierarchy import Hierarchy
from pomodoro_pymol.viewer import reading, sources, states
from pomodoro_pymol.viewer.host import cmd

ROOT = Path(__file__).resolve().parents[2]
RANDN_FRAMES = 20
STATE_BYTES, BLOCK_BYTES = 20, 16 << 20  # per atom and state in PyMOL; of one block of frames
WEIGHTS = NoiseParameters(wc=3, wr=8, wa=1)


@dataclass(frozen=True)
class Case:
    """A structure of so many copies of 1tii, runs of so many frames, and how often."""

    copies: int
    frames: tuple[int, ...]
    rounds: int
    memory_frames: int = 0


@dataclass(frozen=True)
class Plan:
    small: Case
    large: Case
    note_frames: tuple[int, int]
    by_frames: Case
    by_atoms: tuple[Case, ...]
    beside: Case
    starts: int


FULL = Plan(
    small=Case(1, (500, 2000), 5),
    large=Case(23, (20, 220), 3),
    note_frames=(1, 3),
    by_frames=Case(9, (10, 100, 250, 500), 3),
    by_atoms=(
        Case(1, (500, 3500), 9),
        Case(23, (20, 140), 5, memory_frames=200),
        Case(423, (2, 10), 2, memory_frames=10),
    ),
    beside=Case(23, (20,), 15),
    starts=9,
)
QUICK = Plan(
    small=Case(1, (2, 12), 1),
    large=Case(2, (2, 12), 1),
    note_frames=(1, 2),
    by_frames=Case(1, (2, 12, 22), 1),
    by_atoms=(Case(1, (2, 12), 1), Case(2, (2, 12), 1, memory_frames=12)),
    beside=Case(1, (2,), 1),
    starts=1,
)


@dataclass(frozen=True)
class Row:
    """One line of the table; ``budget`` None is for information, ``value`` None was not run."""

    what: str
    value: float | None
    budget: float | None = None
    at_least: bool = False
    unit: str = "x"

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.what:<74}{'-':>9}    not run: no GPU"
        line = f"{self.what:<74}{self.value:>9.3g} {self.unit:<3}"
        if self.budget is None:
            return f"{line}{'':14}for information"
        met = self.value >= self.budget if self.at_least else self.value <= self.budget
        return f"{line}{'>=' if self.at_least else '<='}{self.budget:>8.3g} {self.unit:<3}{'met' if met else 'MISSED'}"


def timed(job: Callable, *args, **kwargs) -> float:
    start = time.perf_counter()
    job(*args, **kwargs)
    return time.perf_counter() - start


def interleave(rounds: int, jobs: dict[str, Callable[[], float]]) -> dict[str, np.ndarray]:
    """Let the jobs take turns; return the seconds that each says it took, one per round."""
    for job in jobs.values():
        job()
    seconds = [[job() for job in jobs.values()] for _ in range(rounds)]
    return dict(zip(jobs, np.array(seconds).T))


def slope(seconds: dict[str, np.ndarray], key: str, short: int, long: int) -> np.ndarray:
    """Seconds per frame beyond the fixed cost, one per round."""
    return (seconds[f"{key} {long}"] - seconds[f"{key} {short}"]) / (long - short)


def build(copies: int) -> str:
    """Load 1tii and double it, each copy with its own segi, up to so many copies."""
    cmd.reinitialize()
    cmd.feedback("disable", "all", "everything")
    cmd.set("retain_order", 1)  # sorting is most of what create costs
    cmd.load("$PYMOL_DATA/demo/1tii.pdb", "big")
    cmd.alter("big", "segi = '0'")
    have = 1
    while have < copies:
        more = min(have, copies - have)
        cmd.create("more", "big" if more == have else f"big and segi {'+'.join(map(str, range(more)))}")
        cmd.alter("more", f"segi = str(int(segi) + {have})")
        cmd.create("both", "big or more")
        cmd.delete("big or more")
        cmd.set_name("both", "big")
        have += more
    cmd.set("retain_order", 0)
    cmd.sort("big")
    return "big"


def randn(n_atoms: int) -> float:
    """Seconds per frame of torch's own normal draw."""
    return timed(torch.randn, RANDN_FRAMES, n_atoms, 3) / RANDN_FRAMES


def numpy_noise(hierarchy: Hierarchy, coords: np.ndarray, n_frames: int) -> Iterator[np.ndarray]:
    """What a script would do: three draws, broadcast, and added up."""
    rng = np.random.default_rng(0)
    residue, chain = hierarchy.atom_to_residue.numpy(), hierarchy.atom_to_chain.numpy()
    for _ in range(n_frames):
        eps = rng.normal(size=(hierarchy.n_chains, 3))[chain] * 0.5
        eps += rng.normal(size=(hierarchy.n_residues, 3))[residue] * 0.8
        yield coords + 4.8 * (eps + rng.normal(size=coords.shape) * 0.3)


def models_job(source: str, frames: Callable[[int], Iterator[np.ndarray]], n_frames: int) -> float:
    """The note's route: write a multi-MODEL PDB in plain Python, load it."""
    lines = [line for line in cmd.get_pdbstr(source).splitlines() if line.startswith(("ATOM", "HETATM"))]
    atoms = [(line[:30], line[54:]) for line in lines]

    def run(path: Path) -> None:
        with open(path, "w") as file:
            for model, frame in enumerate(frames(n_frames), 1):
                file.write(f"MODEL {model}\n")
                for (head, tail), (x, y, z) in zip(atoms, frame.tolist()):
                    file.write(f"{head}{x:8.3f}{y:8.3f}{z:8.3f}{tail}\n")
                file.write("ENDMDL\n")
        cmd.load(str(path), "note")

    cmd.set("connect_mode", 1)  # spares it the search for bonds
    with tempfile.TemporaryDirectory() as folder:
        seconds = timed(run, Path(folder) / "note.pdb")
    if cmd.count_states("note") != n_frames:
        raise SystemExit("the note's route did not give its states")
    cmd.set("connect_mode", 0)
    cmd.delete("note")
    return seconds


def coordsets_job(source: str, frames: Callable[[int], Iterator[np.ndarray]], n_frames: int, lists: bool) -> float:
    """The naive route: one load_coordset per state; seconds per frame."""
    cmd.create("naive", source)

    def run() -> None:
        for state, frame in enumerate(frames(n_frames), 2):
            cmd.load_coordset(frame.tolist() if lists else frame, "naive", state)

    seconds = timed(run)
    cmd.delete("naive")
    return seconds / n_frames


def create_job(source: str) -> float:
    seconds = timed(cmd.create, "copy", source, zoom=0)
    cmd.delete("copy")
    return seconds


def command_rows(case: Case, note_frames: tuple[int, int], fixed: bool) -> Iterator[Row]:
    """The whole command against torch, against PyMOL's own copy, and against scripts."""
    name = build(case.copies)
    structure = reading.read_structure(name, _self=cmd)
    hierarchy, n_atoms = Hierarchy.from_structure(structure), len(structure)

    def frames(n_frames: int) -> Iterator[np.ndarray]:
        return numpy_noise(hierarchy, structure.coords, n_frames)

    jobs: dict[str, Callable[[], float]] = {"randn": lambda: randn(n_atoms), "create": lambda: create_job(name)}
    for n in case.frames:
        jobs[f"ours {n}"] = lambda n=n: timed(pomnoise, name, frames=n)
    for n in note_frames:
        jobs[f"note {n}"] = lambda n=n: models_job(name, frames, n)
    jobs["rows"] = lambda: coordsets_job(name, frames, 10, lists=False)
    jobs["lists"] = lambda: coordsets_job(name, frames, 2, lists=True)
    seconds = interleave(case.rounds, jobs)

    short, long = case.frames
    per_frame = slope(seconds, "ours", short, long)
    at = f"at {n_atoms:,} atoms"
    if fixed:
        once = seconds[f"ours {short}"] - short * per_frame
        yield Row(f"pomnoise, extra cost per frame {at} / randn", np.median(per_frame / seconds["randn"]), 1.5)
        yield Row(f"pomnoise, fixed cost {at} / cmd.create", np.median(once / seconds["create"]), 4)
    else:
        yield Row(f"pomnoise, extra cost per frame {at} / randn", np.median(per_frame / seconds["randn"]))
    note = slope(seconds, "note", *note_frames)
    yield Row(f"multi-MODEL PDB written and loaded {at} / pomnoise, per frame", np.median(note / per_frame), 50, True)
    yield Row(f"load_coordset, numpy rows {at} / pomnoise, per frame", np.median(seconds["rows"] / per_frame))
    yield Row(f"load_coordset, nested lists {at} / pomnoise, per frame", np.median(seconds["lists"] / per_frame))


def run_case(case: Case) -> dict:
    """Time the frame loop of the command, and take its peak memory; in a process of its own."""
    name = build(case.copies)
    peaks = [forked(peak_of, name, n) for n in (1, case.memory_frames) if case.memory_frames]
    source = sources.resolve_source(name, 1, _self=cmd)
    structure = reading.read_structure(name, _self=cmd)
    writers: list[states.StateWriter] = []

    def loop(n_frames: int) -> float:
        return timed(noise.run_noise, structure, replace(WEIGHTS, frames=n_frames), writers[-1].write)

    jobs = {f"ours {n}": lambda n=n: loop(n) for n in case.frames}
    seconds: dict[str, list] = {}
    for turn in range(case.rounds + 1):  # a fresh object per round; the first round warms up
        with (
            sources.draft(source, "out", _self=cmd) as draft,
            states.StateWriter(draft, structure.atom_at_place, _self=cmd) as writer,
        ):
            writers.append(writer)
            for key, job in {**jobs, "randn": lambda: randn(len(structure))}.items():
                value = job()
                if turn:
                    seconds.setdefault(key, []).append(value)
    return {"n_atoms": len(structure), "seconds": seconds, "peaks": peaks}


def peak_of(name: str, n_frames: int) -> int:
    pomnoise(name, frames=n_frames)
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def forked(job: Callable, *args):
    """Run a job in a copy of this process, which starts with its own peak of memory."""
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=lambda: send.send(job(*args)))
    process.start()
    send.close()
    result = receive.recv()
    process.join()
    return result


def measure(case: Case, job: str = "loop") -> dict:
    """Run a job on a case in a subprocess."""
    command = [sys.executable, __file__, "--case", json.dumps(vars(case)), "--job", job]
    output = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = json.loads(output.splitlines()[-1])
    found["seconds"] = {key: np.array(values) for key, values in found["seconds"].items()}
    return found


def scaling_rows(plan: Plan) -> Iterator[Row]:
    """Cost per unit of work over sizes, and memory beside what PyMOL itself needs."""
    found = [measure(case) for case in plan.by_atoms]
    costs = [
        np.median(slope(one["seconds"], "ours", *case.frames) / one["seconds"]["randn"])
        for case, one in zip(plan.by_atoms, found)
    ]
    for one, cost in zip(found, costs):
        yield Row(f"frame loop at {one['n_atoms']:,} atoms / randn, per frame", cost)
    sizes = f"{found[0]['n_atoms']:,} to {found[-1]['n_atoms']:,}"
    yield Row(f"cost per atom and frame, {sizes} atoms, max / min", max(costs) / min(costs), 1.15)

    frames = plan.by_frames.frames
    one = measure(plan.by_frames)
    costs = [
        np.median(slope(one["seconds"], "ours", *pair) / one["seconds"]["randn"]) for pair in zip(frames, frames[1:])
    ]
    what = f"cost per frame, {frames[0]} to {frames[-1]} frames at {one['n_atoms']:,} atoms, max / min"
    yield Row(what, max(costs) / min(costs), 1.15)

    for case, one in zip(plan.by_atoms, found):
        if case.memory_frames:
            n_atoms, n = one["n_atoms"], case.memory_frames
            allowed = STATE_BYTES * n_atoms * (n - 1) + 2 * max(BLOCK_BYTES, 12 * n_atoms)
            at = f"{n_atoms:,} atoms x {n} frames"
            yield Row(f"peak memory, {at} over 1 frame / states + 2 blocks", np.diff(one["peaks"])[0] / allowed, 1)
            yield Row(f"peak memory of the whole process, {at}", one["peaks"][1] / 2**30, unit="GiB")


def beside_rows(case: Case) -> Iterator[Row]:
    """A small object alone, and where so many copies of 1tii are loaded beside it, in two PyMOLs that take turns."""
    found = measure(case, "beside")
    seconds, at = found["seconds"], f"1hpv, {case.frames[0]} frames, beside {found['n_atoms']:,} atoms"
    alone, beside = seconds["pomnoise, alone"], seconds["pomnoise, beside"]
    copy_alone, copy_beside = seconds["create, alone"], seconds["create, beside"]
    yield Row(f"pomnoise {at} / alone", np.median(beside / alone), 1.2)
    yield Row(
        f"the same but for PyMOL's create, {at} / alone", np.median((beside - copy_beside) / (alone - copy_alone))
    )
    yield Row(
        f"PyMOL's create, {at}: what it costs more, / pomnoise alone", np.median((copy_beside - copy_alone) / alone)
    )
    for command in ("pomcolor", "pommeasure", "pomsave"):
        ratio = np.median(seconds[f"{command}, beside"] / seconds[f"{command}, alone"])
        yield Row(f"{command} {at} / alone", ratio)


def run_beside(case: Case) -> dict:
    """Time commands on a small object, alone and beside a large one, in turns; in a process of its own."""
    import pymol2

    opened = {"alone": pymol2.PyMOL(), "beside": pymol2.PyMOL()}
    for instance in opened.values():
        instance.start()
        own = instance.cmd
        own.feedback("disable", "all", "everything")
        own.set("auto_dss", 0)
        own.load(own.exp_path("$PYMOL_DATA/tut/1hpv.pdb"), "small")
    own.load(own.exp_path("$PYMOL_DATA/demo/1tii.pdb"), "large")
    for copy in range(case.copies - 1):
        own.copy(f"large{copy}", "large", zoom=0)
    own.hide("everything", "large*")
    n_atoms = own.count_atoms("large*")
    with tempfile.TemporaryDirectory() as folder:
        commands: dict[str, Callable[..., float]] = {
            "pomnoise": lambda own: timed(pomnoise, "small", frames=case.frames[0], _self=own),
            "create": timed_copy,
            "pomcolor": lambda own: timed(pomcolor, "small_noise", metric="relative", _self=own),
            "pommeasure": lambda own: timed(pommeasure, "small_noise", _self=own),
            "pomsave": lambda own: timed(pomsave, f"{folder}/frames.dcd", "small_noise", _self=own),
        }
        seconds = interleave(
            case.rounds,
            {
                f"{command}, {where}": partial(run, instance.cmd)
                for command, run in commands.items()
                for where, instance in opened.items()
            },
        )
    return {"n_atoms": n_atoms, "seconds": {key: values.tolist() for key, values in seconds.items()}, "peaks": []}


def timed_copy(own: Any) -> float:
    """Seconds of PyMOL's own copy of the small object."""
    seconds = timed(own.create, "copy", "small", 1, 1, zoom=0)
    own.delete("copy")
    return seconds


def start_row(starts: int) -> Row:
    script = (
        "import time; from pymol import cmd; start = time.perf_counter(); import pomodoro_pymol.commands;"
        "print(1000 * (time.perf_counter() - start))"
    )
    # As where it is installed: compiled once, and read from the cache after.
    with tempfile.TemporaryDirectory() as cache:
        env = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [sys.executable, "-c", script]
        outputs = [
            subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True).stdout
            for _ in range(starts + 1)
        ]
    return Row("importing the commands into PyMOL", np.median([float(text) for text in outputs[1:]]), 20, unit="ms")


def core_row(device: str, case: Case) -> Row:
    """The noise alone, without PyMOL."""
    n_atoms, n_frames = 5684 * case.copies, case.frames[-1]
    what = f"core noise on {device} at {n_atoms:,} atoms / randn there"
    budget = 1.5 if device == "cuda" else None
    if device == "cuda" and not torch.cuda.is_available():
        return Row(what, None, budget)
    # Eight atoms per residue and 102 residues per chain are about those of 1tii.
    residue_of_atom = torch.arange(n_atoms) // 8
    hierarchy = Hierarchy(residue_of_atom, torch.arange(int(residue_of_atom[-1]) + 1) // 102).to(device)

    def make(frames: range, out: torch.Tensor) -> None:
        draw.draw_unit_noise(out, hierarchy, WEIGHTS.weights, draw.Normals(0, frames, n_atoms, device))

    def finish() -> None:
        if device == "cuda":
            torch.cuda.synchronize()

    def ours() -> None:
        for _ in stream.stream_frames(make, n_frames, n_atoms, device):
            pass
        finish()

    def reference() -> None:
        for _ in range(n_frames // RANDN_FRAMES + 1):
            torch.randn(RANDN_FRAMES, n_atoms, 3, device=device)
        finish()

    per_frame = n_frames / (RANDN_FRAMES * (n_frames // RANDN_FRAMES + 1))
    seconds = interleave(case.rounds, {"ours": lambda: timed(ours), "randn": lambda: timed(reference)})
    return Row(what, np.median(seconds["ours"] / (seconds["randn"] * per_frame)), budget)


JOBS = {"loop": run_case, "beside": run_beside}


def rows(plan: Plan) -> Iterator[Row]:
    yield from command_rows(plan.large, plan.note_frames, fixed=True)
    yield from command_rows(plan.small, plan.note_frames, fixed=False)
    yield from scaling_rows(plan)
    yield from beside_rows(plan.beside)
    yield start_row(plan.starts)
    yield core_row("cpu", plan.large)
    yield core_row("cuda", plan.large)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="show that it works; the numbers mean nothing")
    parser.add_argument("--case", type=json.loads, help=argparse.SUPPRESS)
    parser.add_argument("--job", choices=JOBS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(JOBS[arguments.job](Case(**arguments.case))))
        return
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    print(f"{os.cpu_count()} cores, load {load}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    for row in rows(QUICK if arguments.quick else FULL):
        print(row, flush=True)


if __name__ == "__main__":
    main()
