"""Time superpose against the covariance product that it cannot do without.

Run: python tests/benchmarks/bench_superpose.py [n_frames] [n_atoms]
"""

from __future__ import annotations

import sys
from statistics import median
from time import perf_counter

import torch

from pomodoro_pymol.structure.superposition import superpose

BUDGET = 2.0
ROUNDS = 31


def main() -> None:
    n_frames, n_atoms = (int(word) for word in sys.argv[1:] or ("1000", "5000"))
    generator = torch.Generator().manual_seed(0)
    mobile = torch.randn(n_frames, 3, n_atoms, generator=generator).mul_(20).transpose(1, 2)
    target = 15 * torch.randn(n_atoms, 3, generator=generator)
    centred = mobile - mobile.mean(1, keepdim=True)
    centred_target = target - target.mean(0)
    columns = centred_target.T.contiguous()
    jobs = {
        "matmul": lambda: torch.matmul(centred.transpose(1, 2), centred_target),
        "einsum": lambda: torch.einsum("fni,nj->fij", centred, centred_target),
        "matmul, target by column": lambda: torch.matmul(centred.transpose(1, 2), columns.T),
        "superpose": lambda: superpose(mobile, target),
    }
    for job in jobs.values():
        job()
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(ROUNDS):
        for name, job in jobs.items():
            start = perf_counter()
            job()
            times[name].append(perf_counter() - start)
    print(f"{n_frames} frames of {n_atoms} atoms, {torch.get_num_threads()} threads, {ROUNDS} rounds in turns, medians")
    ratios = {}
    for name, seconds in times.items():
        ratios[name] = median(ours / theirs for ours, theirs in zip(times["superpose"], seconds))
        print(f"  {name:26}{1e3 * median(seconds):8.1f} ms   superpose is {ratios[name]:.2f} x")
    ratio = max(ratios["matmul"], ratios["einsum"])
    sys.exit(f"over budget: {ratio:.2f} x > {BUDGET} x" if ratio > BUDGET else 0)


if __name__ == "__main__":
    main()
