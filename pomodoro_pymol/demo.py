"""The main job from start to end, without a window: a structure in, four files out."""

from __future__ import annotations

import csv
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

from . import commands, viewer
from .atomic import atomic_write
from .catalogue import NoiseParameters
from .errors import PomodoroError
from .lab import NoiseResult
from .metrics import METRICS
from .mmcif import save_mmcif
from .pdb import save_pdb

_STEPS = 5


def run_demo(folder: Path, parameters: NoiseParameters) -> None:
    """Noise a structure that ships with PyMOL and write what came of it.

    Parameters
    ----------
    folder : Path
        Made if absent; gets ``1hpv_noise.pse``, ``.png``, ``.pdb`` and ``.csv``; ``.cif`` where
        the noise is too large for PDB.
    parameters : NoiseParameters

    Raises
    ------
    PomodoroError
        If the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PomodoroError(f"cannot write to {folder}: {error.strerror}") from None
    with viewer.headless() as _self:
        commands.register(_self)
        _step(1, "load 1hpv, HIV-1 protease with its inhibitor")
        viewer.load_example(_self=_self)
        _step(2, parameters.to_text())
        given = {name: value for name, value in asdict(parameters).items() if value != getattr(NoiseParameters, name)}
        result = commands.pomnoise(**given, quiet=0, _self=_self)
        stem = folder / result.name
        _step(3, "write the residues' numbers")
        write_residues(stem.with_suffix(".csv"), result)
        _step(4, "save the session and the frames")
        viewer.save(stem.with_suffix(".pse"), "", _self=_self)
        save_frames(stem, result)
        _step(5, "ray-trace the picture")
        viewer.save_picture(result.name, stem.with_suffix(".png"), _self=_self)
    print(f"wrote to {folder.resolve()}:", *sorted(path.name for path in folder.glob(f"{result.name}.*")))


def write_residues(path: Path, result: NoiseResult) -> None:
    """Write one row per residue: its labels, its atoms, and every metric."""
    structure, hierarchy = result.structure, result.hierarchy
    labels = structure.residues[structure.residue_of_atom[hierarchy.first_atoms.numpy()]]
    with atomic_write(path, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["segi", "chain", "resi", "resn", "n_atoms", *METRICS])
        values = [result.metric(name) for name in METRICS]
        for label, n_atoms, *numbers in zip(labels.tolist(), hierarchy.atoms_per_residue.tolist(), *values):
            rows.writerow([*label[:4], n_atoms, *(f"{number:.6g}" for number in numbers)])


def save_frames(stem: Path, result: NoiseResult) -> None:
    """Write the truth and the frames as a multi-MODEL PDB, or as mmCIF what PDB cannot hold."""
    values = np.nan_to_num(result.metric())[result.hierarchy.atom_to_residue.numpy()]
    header = [*result.header(), f"B column: {result.parameters.metric}"]
    try:
        save_pdb(stem.with_suffix(".pdb"), result.structure, result.frames(), values=values, header=header)
    except PomodoroError as error:
        print(f"      {error}", file=sys.stderr, flush=True)
        save_mmcif(stem.with_suffix(".cif"), result.structure, result.frames(), values=values, header=header)


def _step(number: int, text: str) -> None:
    print(f"[{number}/{_STEPS}] {text}", file=sys.stderr, flush=True)
