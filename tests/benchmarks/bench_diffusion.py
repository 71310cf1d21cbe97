"""Time nested covariances over the number of atoms, and a sampling step against its own matrix products.

Run: python tests/benchmarks/bench_diffusion.py [--quick]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter

import torch

from pomodoro_pymol.diffusion.analytic import IdealDenoiser
from pomodoro_pymol.diffusion.curves import StepCurves
from pomodoro_pymol.diffusion.samplers import Sampler
from pomodoro_pymol.diffusion.sampling import Draws, edm_sample
from pomodoro_pymol.noise.covariance import NestedCovariance
from pomodoro_pymol.noise.weights import PRESETS
from pomodoro_pymol.structure.hierarchy import Hierarchy

QUICK = "--quick" in sys.argv
ROUNDS = 3 if QUICK else 15
WEIGHTS = PRESETS["3-8-1"]
STEPS = 10
STEP_BUDGET = 1.5
#: Of the exact pose over the best one, and of a step of AF3's sampler over the products in any pose.
POSE_BUDGET, AF3_BUDGET = 3, 8


def protein(n_atoms: int) -> Hierarchy:
    """Residues of 8 atoms in chains of 250 residues."""
    residues = torch.arange(n_atoms) // 8
    return Hierarchy(residues, torch.arange(int(residues[-1]) + 1) // 250)


def in_turns(jobs: dict[str, Callable[[], object]], device: str = "cpu") -> dict[str, list[float]]:
    """Seconds of each job, the jobs one after the other in each round."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(ROUNDS + 1):
        for name, job in jobs.items():
            if device == "cuda":
                torch.cuda.synchronize()
            start = perf_counter()
            job()
            if device == "cuda":
                torch.cuda.synchronize()
            times[name].append(perf_counter() - start)
    return {name: seconds[1:] for name, seconds in times.items()}


def ratio(ours: list[float], theirs: list[float]) -> float:
    return median(one / other for one, other in zip(ours, theirs))


def row(what: str, value: str, verdict: str) -> None:
    print(f"{what:62}{value:>26}  {verdict}", flush=True)


def nested() -> None:
    """Time per atom of product, solve and root."""
    for n_atoms in (1000, 100_000) if QUICK else (1000, 10_000, 100_000, 1_000_000):
        covariance = NestedCovariance.of_noise(protein(n_atoms), WEIGHTS)
        x = torch.randn(3, n_atoms).mT
        functions = {"product": covariance.product, "solve": covariance.solve, "root": covariance.root}
        jobs: dict[str, Callable[[], object]] = {name: lambda f=f, x=x: f(x) for name, f in functions.items()}
        times = in_turns(jobs)
        cells = ", ".join(f"{name} {1e9 * median(times[name]) / n_atoms:.0f}" for name in ("product", "solve", "root"))
        row(f"nested covariance, {n_atoms} atoms, ns per atom", cells, "for information")


def step_jobs(device: str, n_members: int, n_atoms: int, n_samples: int) -> dict[str, Callable[[], object]]:
    """Denoisings, `STEPS` steps of samplers, and the matrix products that one of them cannot be done without."""
    hierarchy = protein(n_atoms).to(device)
    members = torch.randn(n_members, n_atoms, 3, device=device)
    x = 10 * torch.randn(n_samples, 3, n_atoms, device=device).mT
    rows, data, chosen = (
        torch.randn(n_samples, 3 * n_atoms, device=device),
        torch.randn(n_members, 3 * n_atoms, device=device),
        torch.rand(n_samples, n_members, device=device),
    )
    precise, posed64 = data.clone(), data.view(-1, n_atoms).double()
    denoise = {
        "denoiser": IdealDenoiser(members, hierarchy, WEIGHTS),
        "denoiser with heads": IdealDenoiser(members, hierarchy, WEIGHTS, heads=True),
        "denoiser, best pose": IdealDenoiser(members, hierarchy, WEIGHTS, pose="best"),
        "denoiser, exact pose": IdealDenoiser(members, hierarchy, WEIGHTS, pose="exact"),
    }
    draws = Draws(hierarchy, range(n_samples), device=device)
    sampler = Sampler(steps=STEPS, gamma_min=0.0, center=False, augment=False, step_scale=1.0)

    def sample(callback: Callable = lambda step: None, churn: float = 0.8) -> None:
        settings = Sampler(**{**vars(sampler), "gamma": churn})
        edm_sample(
            denoise["denoiser"], hierarchy, WEIGHTS, settings, samples=n_samples, device=device, callback=callback
        )

    def sample_af3() -> None:
        settings = Sampler(steps=STEPS)
        exact = denoise["denoiser, exact pose"]
        edm_sample(exact, hierarchy, WEIGHTS, settings, samples=n_samples, device=device)

    # In any pose each coordinate of x meets each of the members, in float64, and turns are mixed in float32.
    turned, posed = rows.view(-1, n_atoms), data.view(-1, n_atoms)
    turns = torch.rand(3 * n_samples, 3 * n_members, device=device)
    jobs: dict[str, Callable[[], object]] = {
        "products": lambda: (rows @ precise.T, chosen @ data),
        "products in any pose": lambda: (turned.double() @ posed64.T, turns @ posed),
    }
    jobs |= {name: lambda f=f: f(x, 10.0) for name, f in denoise.items()}
    jobs["noise"] = lambda: draws.noise(WEIGHTS)
    jobs["step"] = lambda: sample(churn=0.0)
    jobs["step with churn"] = sample
    jobs["step with churn and curves"] = lambda: sample(StepCurves(hierarchy))
    jobs["step of af3, exact pose"] = sample_af3
    return jobs


def step_times(device: str, n_members: int, n_atoms: int, n_samples: int) -> dict[str, list[float]]:
    """Seconds of each denoising, of one step of each sampler, and of the products, one per round."""
    with torch.no_grad():
        times = in_turns(step_jobs(device, n_members, n_atoms, n_samples), device)
    for name in ("step", "step with churn", "step with churn and curves", "step of af3, exact pose"):
        # Start noise included: a tenth of a draw in each step.
        times[name] = [seconds / STEPS for seconds in times[name]]
    return times


def step(device: str) -> None:
    """A denoising and a whole step against the two matrix products that cannot be done without."""
    n_members, n_atoms, n_samples = (20, 500, 4) if QUICK else (100, 5000, 16)
    times = step_times(device, n_members, n_atoms, n_samples)
    of = f"{n_members} members, {n_atoms} atoms, {n_samples} samples, {device}"
    for name, seconds in times.items():
        found = ratio(seconds, times["products"])
        verdict = "for information"
        if name in ("denoiser", "step", "step with churn"):
            verdict = "met" if found <= STEP_BUDGET else "MISSED"
        row(f"{name}, {of}", f"{1e3 * median(seconds):.2f} ms, {found:.2f} x products", verdict)
    for name, other, budget in (
        ("denoiser, exact pose", "denoiser, best pose", POSE_BUDGET),
        ("step of af3, exact pose", "products in any pose", AF3_BUDGET),
    ):
        found = ratio(times[name], times[other])
        row(f"{name}, over {other}", f"{found:.2f} x", "met" if found <= budget else "MISSED")


def main() -> None:
    print(f"{torch.get_num_threads()} threads, medians of {ROUNDS} rounds in turns, torch {torch.__version__}")
    nested()
    step("cpu")
    if torch.cuda.is_available():
        step("cuda")
    else:
        row("step on cuda", "", "not run: no GPU")


if __name__ == "__main__":
    main()
