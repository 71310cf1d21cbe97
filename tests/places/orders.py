"""Sources whose atoms stand in another order than PyMOL's sorted one, and frames worked out without our code.

``q`` of each atom of a source is a number of its own, which every copy keeps: it tells the atoms apart
where labels repeat.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

CASES = Path(__file__).parents[1] / "data" / "cases"

# Three residues in two chains, no atom where another is.
ATOMS = [
    (name, resn, chain, resi, 1.5 * i, 0.7 * (i % 3) + 0.11 * i, -0.9 * (i % 5))
    for i, (name, resn, chain, resi) in enumerate(
        (name, resn, chain, resi)
        for chain, resi, resn in (("A", 1, "GLY"), ("A", 2, "ALA"), ("B", 1, "GLY"))
        for name in ("H", "CA", "N", "O", "C")
    )
]


def pdb(atoms: list[tuple], form: str = "pdb") -> str:
    """Return a PDB file, or as PQR, with charge and radius behind the coordinates."""
    lines = []
    for i, (name, resn, chain, resi, x, y, z) in enumerate(atoms, 1):
        head = f"ATOM  {i:>5}  {name:<3} {resn} {chain}{resi:>4}    {x:8.3f}{y:8.3f}{z:8.3f}"
        lines.append(head + (f"{-0.1:8.4f}{1.7:7.4f}" if form == "pqr" else f"{1:6.2f}{0:6.2f}          {name[0]:>2}"))
    return "\n".join([*lines, "END", ""])


def mol2() -> str:
    """Return a MOL2 file."""
    rows = [
        f"{i} {name} {x:.3f} {y:.3f} {z:.3f} {name[0]} {resi} {resn}{resi} 0.0"
        for i, (name, resn, _, resi, x, y, z) in enumerate(ATOMS[5:10] + ATOMS[:5], 1)
    ]
    head = ["@<TRIPOS>MOLECULE", "two", "10 0 2", "PROTEIN", "NO_CHARGES", "", "@<TRIPOS>ATOM"]
    return "\n".join([*head, *rows, "@<TRIPOS>BOND", ""])


def component() -> str:
    """Return the mmCIF of a component, as of a ligand."""
    columns = ("comp_id", "atom_id", "type_symbol", "charge", "model_Cartn_x", "model_Cartn_y", "model_Cartn_z")
    rows = [f"LIG {name}{i} {name[0]} 0 {x} {y} {z}" for i, (name, _, _, _, x, y, z) in enumerate(ATOMS)]
    return "\n".join(["data_LIG", "loop_", *(f"_chem_comp_atom.{name}" for name in columns), *rows, ""])


def _pdb(cmd: Any, atoms: list[tuple] = ATOMS) -> None:
    cmd.read_pdbstr(pdb(atoms), "m", quiet=1)


def _file(text: Callable[[], str], suffix: str) -> Callable[[Any, Path], None]:
    def load(cmd: Any, folder: Path) -> None:
        path = folder / f"m.{suffix}"
        path.write_text(text())
        cmd.load(str(path), "m", quiet=1)

    return load


def _altered(change: str, selection: str = "chain A") -> Callable[[Any, Path], None]:
    def load(cmd: Any, _: Path) -> None:
        _pdb(cmd)
        cmd.alter(f"m and {selection}", change)

    return load


#: Where x parts the two copies of "merged copies", angstrom.
APART = 25


def _merged(cmd: Any, _: Path) -> None:
    _pdb(cmd)
    cmd.create("other", "m")
    cmd.translate([40, 5, 3], "other", camera=0)
    cmd.create("both", "m or other")
    cmd.delete("m other")
    cmd.set_name("both", "m")


def _retained(cmd: Any, _: Path) -> None:
    cmd.set("retain_order", 1)
    _pdb(cmd, shuffled())


def shuffled() -> list[tuple]:
    """Return the atoms of all residues in a muddle."""
    return random.Random(3).sample(ATOMS, len(ATOMS))


SOURCES: dict[str, Callable[[Any, Path], None]] = {
    "GRO": lambda cmd, _: cmd.load(str(CASES / "f1_gro.gro"), "m", quiet=1),
    "PQR": _file(lambda: pdb(shuffled(), "pqr"), "pqr"),
    "MOL2": _file(mol2, "mol2"),
    "component CIF": _file(component, "cif"),
    "altered chain": _altered("chain = 'C'"),
    "altered resi": _altered("resi = str(9 - int(resi))"),
    "altered name": _altered("name = 'X' + name[::-1]", "resi 1"),
    "altered segi": _altered("segi = 'ZZ'", "resi 1"),
    "merged copies": _merged,
    "retain_order": _retained,
    "fab": lambda cmd, _: cmd.fab("ACD", "m"),
    "shuffled PDB": lambda cmd, _: _pdb(cmd, shuffled()),
}


def load(cmd: Any, kind: str, folder: Path) -> None:
    """Load a source as m, and number its atoms by q."""
    SOURCES[kind](cmd, folder)
    numbers = iter(range(1, 1000))
    cmd.alter("m", "q = next(numbers) / 1024", space={"numbers": numbers})


def by_number(cmd: Any, name: str, state: int) -> dict[float, tuple[float, float, float]]:
    """Return where PyMOL shows each atom of a state, by its number."""
    found: dict[float, tuple[float, float, float]] = {}
    cmd.iterate_state(state, f"%{name}", "found[q] = (x, y, z)", space={"found": found})
    return found


class Oracle:
    """The draws of a source: from its labels as they stand, and the formula of the noise."""

    def __init__(self, cmd: Any) -> None:
        rows: list[tuple] = []
        # A fresh copy stands in PyMOL's order of a copy, which draws follow where the file's is not known.
        cmd.create("oracle", "m")
        cmd.iterate_state(1, "oracle", "put((rank, q, (segi, chain, resi), x, y, z))", space={"put": rows.append})
        cmd.delete("oracle")
        ranks = [row[0] for row in rows]
        self.by_file = len(set(ranks)) == len(ranks) and min(ranks) >= 0
        if self.by_file:
            rows.sort(key=lambda row: row[0])
        hetero = set()
        cmd.iterate("m and hetatm and not polymer", "hetero.add(q)", space={"hetero": hetero})
        self.numbers = [row[1] for row in rows]
        self.truth = np.array([row[3:] for row in rows])
        # Copies that were merged have the same labels, and lie apart.
        copy = [len(set(ranks)) < len(ranks) and row[3] > APART for row in rows]
        self.residue = _number([(*row[2], row[1] in hetero, which) for row, which in zip(rows, copy)])
        chain = [row[2] if row[1] in hetero else row[2][:2] for row in rows]
        self.chain = _number(list(zip(chain, copy)))

    def unit(self, frame: int, weights: tuple[float, float, float], seed: int = 0) -> np.ndarray:
        """Return one draw of unit sigma, shape=(n_atoms, 3): chains, residues, atoms, one generator a frame."""
        start = int(np.random.SeedSequence(seed).generate_state(1)[0])
        generator = torch.Generator().manual_seed((start + 0x9E3779B9 * frame) & 0xFFFFFFFF)
        total = np.zeros((3, len(self.numbers)))
        for weight, group in zip(weights, (self.chain, self.residue, np.arange(len(self.numbers)))):
            draw = torch.empty(3, group.max() + 1).normal_(generator=generator).numpy().astype(float)
            total += np.sqrt(weight / sum(weights)) * draw[:, group]
        return total.T

    def covariance(self, chain: float, residue: float, atom: float) -> np.ndarray:
        """Return the dense covariance of one coordinate under such variances."""
        same = [group[:, None] == group for group in (self.chain, self.residue)]
        return chain * same[0] + residue * same[1] + atom * np.eye(len(self.numbers))

    def check(self, cmd: Any, name: str, state: int, wanted: np.ndarray, atol: float = 2e-5) -> None:
        """Assert that each atom is shown where it is wanted, shape=(n_atoms, 3)."""
        found = by_number(cmd, name, state)
        assert sorted(found) == sorted(self.numbers)
        np.testing.assert_allclose([found[number] for number in self.numbers], wanted, rtol=0, atol=atol)


def _number(labels: list) -> np.ndarray:
    return np.array([list(dict.fromkeys(labels)).index(label) for label in labels])
