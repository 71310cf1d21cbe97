"""What commands and command line write: tables, figures, frames."""

from __future__ import annotations

import csv
import io
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import PomodoroError
from ..io.dcd import save_dcd
from ..io.disk import atomic_write, check_target, user_path
from ..io.frames import Progress
from ..io.mmcif import save_mmcif
from ..io.pdb import save_pdb, save_pdb_residue
from ..noise.metrics import METRICS
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy
from ..structure.input_notes import input_notes
from .noise import NoiseResult
from .sampling import SampleResult

FIGURE_SUFFIXES = (".png", ".svg", ".pdf")
FRAME_SUFFIXES = (".pdb", ".cif", ".dcd")


def residues_csv(result: NoiseResult) -> str:
    """Return one row per residue: its labels, its atoms, and every metric."""
    structure, hierarchy = result.structure, result.hierarchy
    labels = structure.residues[structure.residue_of_atom[hierarchy.first_atoms.numpy()]]
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    units = (metric.unit.removeprefix("A").replace(" ", "_") for metric in METRICS.values())
    rows.writerow(["segi", "chain", "resi", "resn", "n_atoms", *map("".join, zip(METRICS, units))])
    values = [result.metric(name) for name in METRICS]
    for label, n_atoms, *numbers in zip(labels.tolist(), hierarchy.atoms_per_residue.tolist(), *values):
        rows.writerow([*label[:4], n_atoms, *(f"{number:.6g}" for number in numbers)])
    return file.getvalue()


def save_frames(path: str | Path, result: NoiseResult, level: str = "atom", progress: Progress | None = None) -> None:
    """Write the truth and the frames of a run; the suffix tells the format.

    Parameters
    ----------
    path : str or Path
        ``.pdb``, ``.cif`` or ``.dcd``; the last holds the noised frames alone.
    result : NoiseResult
        Its metric goes into the B column.
    level : {"atom", "residue"}
        One point per atom, or per residue (PDB only).
    progress : callable, optional
        Called with the number of frames written, and how many there are where known.

    Raises
    ------
    PomodoroError
        If the format is unknown or cannot hold the frames, or the file cannot be written.
    """
    path = user_path(path)
    values = np.nan_to_num(result.metric())
    header = [*result.header(), f"B column: {result.parameters.metric}"]
    check_frame_path(path, level)
    structure, hierarchy, frames = result.structure, result.hierarchy, result.frames()
    if path.suffix.lower() == ".dcd":
        save_dcd(path, frames, result.parameters.frames, progress=progress)
    elif level == "residue":
        save_pdb_residue(path, structure, hierarchy, frames, values=values, header=header, progress=progress)
    else:
        save = save_pdb if path.suffix.lower() == ".pdb" else save_mmcif
        of_atom = hierarchy.atom_to_residue.numpy()
        save(path, structure, frames, values=values[of_atom], header=header, progress=progress)


def save_samples(path: str | Path, structure: Structure, result: SampleResult) -> None:
    """Write the truth and the states of a sampling run; the suffix tells the format.

    Parameters
    ----------
    path : str or Path
        ``.pdb``, ``.cif`` or ``.dcd``; the last holds the states alone.
    structure : Structure
        The truth.
    result : SampleResult
        All states of all samples, or with ``show=final`` their ends.

    Raises
    ------
    PomodoroError
        If the format is unknown or cannot hold the states, or the file cannot be written.
    """
    path = user_path(path)
    check_frame_path(path, "atom")
    final = result.parameters.show == "final"
    frames = result.frames[:, -1] if final else result.frames.flatten(0, 1)
    header = [
        "MODEL 0 is a true structure, the others are states of reverse diffusion",
        f"command: {result.parameters.to_text()}",
        f"structure: {structure.name}",
        f"denoiser: {result.model}",
        f"device: {result.device}",
    ]
    if path.suffix.lower() == ".dcd":
        save_dcd(path, frames)
    else:
        save = save_pdb if path.suffix.lower() == ".pdb" else save_mmcif
        save(path, structure, frames, header=header)


def check_frame_path(path: Path, level: str) -> None:
    """Refuse a file that no writer of frames writes, before any work is done.

    Raises
    ------
    PomodoroError
    """
    if path.suffix.lower() not in FRAME_SUFFIXES:
        raise PomodoroError(f"the file must end in {', '.join(FRAME_SUFFIXES)}, not {str(path)!r}")
    if level == "residue" and path.suffix.lower() != ".pdb":
        raise PomodoroError("level=residue is written as .pdb")
    check_target(path)


def print_notes(structure: Structure, hierarchy: Hierarchy) -> None:
    """Print what is to be told of a structure, if anything."""
    for note in input_notes(structure, hierarchy):
        print(f" note: {note}")


def check_paths(table: str, figure: str) -> None:
    """Refuse files that could not be written, and a figure of a kind that is not drawn, before any work is done.

    Raises
    ------
    PomodoroError
    """
    if figure and Path(figure).suffix.lower() not in FIGURE_SUFFIXES:
        raise PomodoroError(f"figure must end in {', '.join(FIGURE_SUFFIXES)}, not {figure!r}")
    for path in (table, figure):
        if path:
            check_target(user_path(path))


def check_figures(path: str) -> None:
    """Let a figure that is wanted be refused before any work where matplotlib is not installed.

    Raises
    ------
    ImportError
    """
    if path:
        import_module("matplotlib.figure")


def write_csv(path: str, text: str) -> None:
    """Write CSV text whole or not at all; nothing where the path is empty."""
    if path:
        with atomic_write(user_path(path), "w", newline="", encoding="utf-8") as file:
            file.write(text)


def write_figure(path: str, figure: Any) -> None:
    """Draw a figure into a file, whole or not at all."""
    with atomic_write(user_path(path)) as file:
        figure.savefig(file, format=Path(path).suffix.lower()[1:], dpi=150)
