"""The main job from start to end, without a window: a structure in, four files out."""

from __future__ import annotations

import csv
import sys
from dataclasses import asdict
from pathlib import Path

from . import commands, viewer
from .catalogue import NoiseParameters
from .errors import PomodoroError
from .lab import NoiseResult
from .metrics import METRICS

_STEPS = 5


def run_demo(folder: Path, parameters: NoiseParameters) -> None:
    """Noise a structure that ships with PyMOL and write what came of it.

    Parameters
    ----------
    folder : Path
        Made if absent; gets ``1hpv_noise.pse``, ``.png``, ``.pdb`` and ``.csv``.
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
        viewer.save(stem.with_suffix(".pdb"), result.name, _self=_self)
        _step(5, "ray-trace the picture")
        viewer.save_picture(result.name, stem.with_suffix(".png"), _self=_self)
    print(f"wrote to {folder.resolve()}:", *sorted(path.name for path in folder.glob(f"{result.name}.*")))


def write_residues(path: Path, result: NoiseResult) -> None:
    """Write one row per residue: its labels, its atoms, and every metric."""
    structure, hierarchy = result.structure, result.hierarchy
    labels = structure.residues[structure.residue_of_atom[hierarchy.first_atoms.numpy()]]
    with open(path, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["segi", "chain", "resi", "resn", "n_atoms", *METRICS])
        values = [result.metric(name) for name in METRICS]
        for label, n_atoms, *numbers in zip(labels.tolist(), hierarchy.atoms_per_residue.tolist(), *values):
            rows.writerow([*label[:4], n_atoms, *(f"{number:.6g}" for number in numbers)])


def _step(number: int, text: str) -> None:
    print(f"[{number}/{_STEPS}] {text}", file=sys.stderr, flush=True)
