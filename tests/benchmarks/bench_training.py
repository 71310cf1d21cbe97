"""Time a training step against the matrix products that it makes, forward and backward, and networks side by side.

The products are recorded while a step runs, and then made again alone, with other numbers of the same shapes.

Run: python tests/benchmarks/bench_training.py [--quick]
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from bench_diffusion import ROUNDS, in_turns, ratio
from torch.utils._python_dispatch import TorchDispatchMode

from pomodoro_pymol.diffusion.hierarchical import Architecture
from pomodoro_pymol.diffusion.training import Training
from pomodoro_pymol.diffusion.training_task import SCALINGS, Recipe, TrainingSettings
from pomodoro_pymol.experiments.ensemble_training import ensemble_data
from pomodoro_pymol.noise.sigma import LawOfSigma
from pomodoro_pymol.noise.weights import PRESETS, Scheme
from pomodoro_pymol.structure.hierarchy import Hierarchy

QUICK = "--quick" in sys.argv
#: Of a step over its own products.
BUDGET = 3.0
_PRODUCTS = {"aten::bmm", "aten::mm", "aten::addmm", "aten::baddbmm"}


def training(n_residues: int, atoms: int, seeds: int, device: str = "cpu", **sizes: int) -> Training:
    """Return networks of three schemes and both scalings on random states."""
    rows = torch.repeat_interleave(torch.arange(n_residues), atoms)
    hierarchy = Hierarchy(rows, torch.zeros(n_residues, dtype=torch.int64))
    schemes = [Scheme(name, PRESETS[name]) for name in ("flat", "ms", "3-8-1")]
    data = ensemble_data(5 * torch.randn(20, len(rows), 3), hierarchy, schemes, hold=0)
    recipes = [Recipe(scheme, scaling, seed) for scheme in schemes for scaling in SCALINGS for seed in range(seeds)]
    architecture = Architecture(n_residues, atoms, **sizes)
    # So many steps that none of them draws a point of the curves.
    return Training(data, recipes, architecture, TrainingSettings(1_000_000, 16, 1e-3, LawOfSigma(5.0)), device)


class _Recorder(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.products: Counter[tuple[Any, ...]] = Counter()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function._schema.name in _PRODUCTS:
            self.products[tuple((tuple(part.shape), part.stride(), part.dtype) for part in args[-2:])] += 1
        return function(*args, **(kwargs or {}))


def products_of(step: Training) -> Callable[[], object]:
    """Return what makes the products of a step alone."""
    with _Recorder() as recorder:
        step.advance()
    made = []
    for shapes, count in recorder.products.items():
        parts = []
        for shape, stride, dtype in shapes:
            length = 1 + sum((size - 1) * step for size, step in zip(shape, stride))
            parts.append(torch.randn(length, device=step.device).to(dtype).as_strided(shape, stride))
        made.append((parts, count))

    def run() -> None:
        for (one, other), count in made:
            for _ in range(count):
                one @ other

    return run


def step_ratios(device: str = "cpu", quick: bool = QUICK) -> list[tuple[str, float, float]]:
    """Return what is timed, a step over its products, and milliseconds of a step of one network."""
    cases = {
        "28 residues of 14 atoms, 6 networks": (28, 14, 1, {}),
        "28 residues of 14 atoms, 18 networks": (28, 14, 3, {}),
        "32 residues of 8 atoms, 6 networks, width 128, 4 layers": (32, 8, 1, {"width": 128, "layers": 4}),
        "300 residues of 8 atoms, 6 networks": (300, 8, 1, {}),
    }
    found = []
    for name, (n_residues, atoms, seeds, sizes) in list(cases.items())[: 1 if quick else None]:
        step = training(n_residues, atoms, seeds, device, **sizes)
        times = in_turns({"step": step.advance, "products": products_of(step)}, device)
        each = 1000 * median(times["step"]) / len(step.recipes)
        found.append((name, ratio(times["step"], times["products"]), each))
    return found


def side_by_side() -> float:
    """Return the time of networks one by one over that of as many side by side."""
    together = training(28, 14, 3)
    alone = training(28, 14, 3)
    alone.networks = [
        (slice(number, number + 1), alone.network_of(number), None) for number in range(len(alone.recipes))
    ]
    for place, (models, network, _) in enumerate(alone.networks):
        alone.networks[place] = (models, network, torch.optim.Adam(network.parameters(), fused=True))
    times = in_turns({"alone": alone.advance, "together": together.advance}, "cpu")
    return ratio(times["alone"], times["together"])


def main() -> None:
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {ROUNDS} rounds")
    for name, times, each in step_ratios():
        what = f"training step / its own products, {name}"
        print(f"{what:92}{times:6.2f} x  budget {BUDGET:g}  {'met' if times <= BUDGET else 'MISSED'}")
        print(f"{'training step of one network':92}{each:6.1f} ms  for information")
    print(f"{'18 networks one by one / side by side':92}{side_by_side():6.2f} x  for information")


if __name__ == "__main__":
    main()
