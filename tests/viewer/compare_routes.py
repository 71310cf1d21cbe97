"""Noise structure files in PyMOL and without it, and compare the frames atom by atom.

Run: python tests/viewer/compare_routes.py FOLDER_OR_FILE...

Prints a row per file: ``same``, or ``differs`` or ``refused`` with the reason, or ``FAULT`` where the frames differ
and nothing says why; then how many files have which. Exits with 1 after a fault.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pymol2
from pymol import CmdException

from pomodoro_pymol import commands
from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.experiments.noise import run_noise
from pomodoro_pymol.io.read import read_structure
from pomodoro_pymol.parameters.catalogue import NoiseParameters
from pomodoro_pymol.structure.atoms import Structure
from pomodoro_pymol.structure.hierarchy import Hierarchy
from pomodoro_pymol.structure.input_notes import input_notes

SUFFIXES = (".pdb", ".ent", ".cif", ".mmcif")
LARGEST = 30_000_000
NOISE: dict[str, Any] = {"sigma": 1.0, "frames": 2, "seed": 1, "device": "cpu"}


@dataclass
class Route:
    """What one way to noise a file made: atoms in the order of the draws, frames in the order of the file."""

    structure: Structure
    hierarchy: Hierarchy
    frames: np.ndarray

    def labels(self) -> list[str]:
        """Return chain, residue, name and alternate location of each atom."""
        residues = self.structure.residues[self.structure.residue_of_atom].tolist()
        return [
            f"{chain}/{resn}`{resi}/{name}{'`' if alt else ''}{alt}"
            for (_, chain, resi, resn, _), (name, _, alt) in zip(residues, self.structure.atoms.tolist())
        ]


def in_pymol(path: Path, cmd: Any) -> Route:
    """Load a file into PyMOL and run pomnoise; frames by the rank of each atom."""
    cmd.reinitialize()
    cmd.feedback("disable", "all", "everything")
    cmd.load(str(path), "source", quiet=1)
    result = commands.pomnoise(name="noised", _self=cmd, **NOISE)
    frames = []
    for state in (2, 3):
        rows: list[tuple] = []
        cmd.iterate_state(state, "%noised", "put((rank, x, y, z))", space={"put": rows.append})
        frames.append([row[1:] for row in sorted(rows)])
    return Route(result.structure, result.hierarchy, np.array(frames, dtype=np.float32))


def from_file(path: Path) -> Route:
    """Read a file and noise it as the command line does."""
    result = run_noise(read_structure(path), NoiseParameters(**NOISE), lambda frames: None)
    frames = np.concatenate([block.numpy().copy() for block in result.frames()])
    return Route(result.structure, result.hierarchy, frames)


def compare(path: Path, cmd: Any) -> tuple[str, str, str]:
    """Return whether a file gives the same on both routes, the kind of reason why not, and the reason."""
    routes: list[Route] = []
    refused: dict[str, str] = {}
    for name, make in (("PyMOL", lambda: in_pymol(path, cmd)), ("file", lambda: from_file(path))):
        try:
            routes.append(make())
        except (PomodoroError, CmdException) as error:
            refused[name] = " ".join(str(error).replace(str(path), path.name).split())
        except Exception as error:
            return "FAULT", f"{name} fails", f"{type(error).__name__}: {error}"
    if refused:
        return "refused", " and ".join(refused), "; ".join(f"{name}: {line}" for name, line in refused.items())
    return difference(*routes)


def difference(ours: Route, theirs: Route) -> tuple[str, str, str]:
    """Compare what PyMOL made with what was made of the file."""
    labels, others = ours.labels(), theirs.labels()
    more, fewer = Counter(labels) - Counter(others), Counter(others) - Counter(labels)
    if more or fewer:
        return "differs", "atoms", "; ".join(_only(*some) for some in ((more, "PyMOL"), (fewer, "the file")) if some[0])
    if ours.structure.order != "file":
        return "differs", "rank", "PyMOL does not know the order of the file: rank is negative or repeats"
    if labels != others:
        row = next(row for row, pair in enumerate(zip(labels, others)) if pair[0] != pair[1])
        return "FAULT", "order", f"atom {row + 1} is {labels[row]} in PyMOL and {others[row]} in the file"
    apart = np.abs(ours.structure.coords - theirs.structure.coords).max(1)
    if apart.any():
        row = int(apart.argmax())
        how = f"{np.count_nonzero(apart)} of {len(apart)} atoms, {labels[row]} by {apart[row]:.3g} A"
        return "differs", "coordinates", f"PyMOL has other coordinates than the file: {how}"
    for level in ("residue", "chain"):
        groups, other_groups = (getattr(route.hierarchy, f"atom_to_{level}").numpy() for route in (ours, theirs))
        if not np.array_equal(groups, other_groups):
            row = int(np.flatnonzero(groups != other_groups)[0])
            how = f"{groups.max() + 1} in PyMOL, {other_groups.max() + 1} in the file, otherwise from {labels[row]} on"
            return "differs", f"{level}s", f"atoms are grouped into other {level}s: {how}"
    # Without what was left out: PyMOL knows of atoms that no file places.
    notes, other_notes = (input_notes(replace(route.structure, note=""), route.hierarchy) for route in (ours, theirs))
    if notes != other_notes:
        return "differs", "notes", f"{notes} in PyMOL, {other_notes} in the file"
    if not np.array_equal(ours.frames, theirs.frames):
        apart = np.abs(ours.frames - theirs.frames).max((0, 2))
        row = int(apart.argmax())
        return (
            "FAULT",
            "frames",
            f"{np.count_nonzero(apart)} of {len(apart)} atoms, {labels[row]} by {apart[row]:.3g} A",
        )
    return "same", "", f"{len(labels)} atoms"


def _only(labels: Counter[str], where: str) -> str:
    return f"{labels.total()} atoms only in {where}, first {next(iter(labels))}"


def structure_files(folders: list[str]) -> Iterator[Path]:
    """Yield the structure files at or under some paths, each once, but for the largest."""
    found: set[Path] = set()
    for folder in map(Path, folders):
        found.update([folder] if folder.is_file() else (path for path in folder.rglob("*") if path.is_file()))
    for path in sorted(found):
        if path.name.lower().removesuffix(".gz").endswith(SUFFIXES) and path.stat().st_size <= LARGEST:
            yield path


def main() -> None:
    found: Counter[tuple[str, str]] = Counter()
    with pymol2.PyMOL() as instance:
        for path in structure_files(sys.argv[1:] or sys.exit(__doc__)):
            verdict, kind, reason = compare(path, instance.cmd)
            found[verdict, kind] += 1
            print(f"{verdict:8} {path}: {reason}", flush=True)
    print(f"\n{found.total()} files")
    for (verdict, kind), count in sorted(found.items()):
        print(f"{count:6} {verdict} {kind}".rstrip())
    sys.exit(any(verdict == "FAULT" for verdict, _ in found))


if __name__ == "__main__":
    main()
