"""Where samples end with the residue and chain heads broadcast, on complexes of one to seven chains.

python docs/multiscale_table.py

Prints the table of sampling.md. The complexes are synthetic: chains of eight residues of natural sizes, walks some
10 A apart in space, of which eight states differ by 1 A for chains, 2 A for residues and .5 A for atoms, per
coordinate. Everything is analytic; no trained model is involved.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from pomodoro_pymol import (
    PRESETS,
    SAMPLERS,
    Hierarchy,
    IdealDenoiser,
    NestedCovariance,
    WienerDenoiser,
    edm_sample,
    superpose,
)

WEIGHTS = PRESETS["3-8-1"]
PRIOR = (1.0, 4.0, 0.25)
CHAINS = range(1, 8)
SAMPLES, STEPS = 32, 40
#: Heavy atoms of the twenty residues.
SIZES = (4, 5, 6, 6, 7, 7, 7, 8, 8, 8, 8, 8, 9, 9, 9, 10, 11, 11, 12, 14)
#: What is broadcast, and behind which gate.
HEADS = {"off": {}, "on": {"multiscale": True}, "no gate": {"multiscale": True, "gate": 1.0}}


def complexes(n_chains: int) -> tuple[Hierarchy, Tensor]:
    """Return a complex and its states, shape=(8, n_atoms, 3), angstrom."""
    rng = np.random.default_rng(n_chains)
    of_residue = np.repeat(np.arange(8 * n_chains), rng.choice(SIZES, 8 * n_chains))
    of_chain = np.repeat(np.arange(n_chains), 8)
    hierarchy = Hierarchy(torch.from_numpy(of_residue), torch.from_numpy(of_chain))
    walks = rng.normal(0, 10, (n_chains, 3))[of_chain] + np.cumsum(rng.normal(0, 2.2, (8 * n_chains, 3)), 0)
    atoms = walks[of_residue] + rng.normal(0, 1.3, (len(of_residue), 3))
    states = atoms + sum(
        rng.normal(0, spread, (8, count, 3))[:, of]
        for spread, count, of in (
            (1.0, n_chains, of_chain[of_residue]),
            (2.0, 8 * n_chains, of_residue),
            (0.5, len(atoms), np.arange(len(atoms))),
        )
    )
    return hierarchy, torch.from_numpy(states - states.mean(1, keepdims=True))


def ends(denoise, hierarchy: Hierarchy, data: Tensor, pose: str, options: dict) -> tuple[float, float]:
    """Return the rms distance of samples' ends to the nearest of the data, A per coordinate, and its standard error."""
    moves = pose != "fixed"
    sampler = replace(SAMPLERS["af3"], steps=STEPS, center=moves, augment=moves)
    x = edm_sample(denoise, hierarchy, WEIGHTS, sampler, samples=SAMPLES, seed=1, dtype=torch.float64, **options)
    laid = torch.stack([superpose(data, end).coords if moves else data for end in x])
    rms = (laid - x[:, None]).square().mean((2, 3)).amin(1).sqrt()
    return float(rms.mean()), float(rms.std()) / SAMPLES**0.5


def row(n_chains: int, pose: str) -> list[tuple[float, float]]:
    """Return the cells of the table: of the Wiener filter, then of the ideal denoiser."""
    hierarchy, states = complexes(n_chains)
    wiener = WienerDenoiser(states[0], NestedCovariance(hierarchy, *PRIOR), WEIGHTS, pose=pose, heads=True)
    ideal = IdealDenoiser(states, hierarchy, WEIGHTS, pose=pose, heads=True)
    return [
        ends(denoise, hierarchy, data, pose, options)
        for denoise, data in ((wiener, states[:1]), (ideal, states))
        for options in HEADS.values()
    ]


def main() -> None:
    """Print the table."""
    print("| chains | pose |" + "".join(f" {kind}, {name} |" for kind in ("wiener", "ideal") for name in HEADS))
    print("|" + "---|" * 8)
    for n_chains in CHAINS:
        for pose in ("fixed", "exact"):
            cells = "".join(f" {rms:.2f} ± {error:.2f} |" for rms, error in row(n_chains, pose))
            print(f"| {n_chains} | {pose} |{cells}", flush=True)


if __name__ == "__main__":
    main()
