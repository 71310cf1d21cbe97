"""What a plain script makes of the same files: size, radius of gyration and spread per level, with Biopython and loops.

Needs ``pip install biopython numpy``, and nothing of this project. bench_survey.py runs it.

Run: python tests/benchmarks/plain_biopython.py LIST   (a file with a path in each line)
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
from Bio.PDB import PDBParser


def numbers(path: str) -> list[float]:
    """Return rg and the data variances of chain, residue and atom level, as a survey has them."""
    model = next(PDBParser(QUIET=True).get_structure("", path).get_models())
    chains = [[np.array([atom.coord for atom in residue]) for residue in chain] for chain in model]
    atoms = np.concatenate([residue for chain in chains for residue in chain]).astype(float)
    centre = atoms.mean(0)
    of_chains = of_residues = of_atoms = 0.0
    for chain in chains:
        middle = np.concatenate(chain).mean(0)
        for residue in chain:
            mean = residue.mean(0)
            of_chains += len(residue) * ((middle - centre) ** 2).sum()
            of_residues += len(residue) * ((mean - middle) ** 2).sum()
            of_atoms += ((residue - mean) ** 2).sum()
    n, r, c = len(atoms), sum(map(len, chains)), len(chains)
    rg = np.sqrt(((atoms - centre) ** 2).sum(1).mean())
    chain = 1 + of_chains / n / 3
    return [
        float(rg),
        float(chain),
        float(of_residues / n / 3 / ((r - c) / r)),
        float(of_atoms / n / 3 / ((n - r) / n)),
    ]


def main() -> None:
    paths = Path(sys.argv[1]).read_text().splitlines()
    start = perf_counter()
    found = [numbers(path) for path in paths]
    print(json.dumps({"seconds": perf_counter() - start, "numbers": found}))


if __name__ == "__main__":
    main()
