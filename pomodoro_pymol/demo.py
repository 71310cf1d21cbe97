"""The main job from start to end, without a window: a structure in, four files out."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

from . import commands
from .errors import PomodoroError
from .experiments.frame_files import save_frames
from .experiments.noise import NoiseResult
from .experiments.outputs import write
from .parameters.catalogue import NoiseParameters
from .viewer import host, scenes

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
    with host.headless() as _self:
        commands.register(_self)
        _step(1, "load 1hpv, HIV-1 protease with its inhibitor")
        scenes.load_example(_self=_self)
        _step(2, parameters.to_text())
        given = {name: value for name, value in asdict(parameters).items() if value != getattr(NoiseParameters, name)}
        try:
            result = commands.pomnoise(**given, quiet=0, _self=_self)
        except host.CmdException as error:
            raise PomodoroError(str(error).strip().removeprefix("Error:").strip()) from None
        stem = folder / result.name
        _step(3, "write the residues' numbers")
        write(result, str(stem.with_suffix(".csv")))
        _step(4, "save the session and the frames")
        scenes.save(stem.with_suffix(".pse"), "", _self=_self)
        _save_frames(stem, result)
        _step(5, "ray-trace the picture")
        scenes.save_picture(result.name, stem.with_suffix(".png"), _self=_self)
    print(f"wrote to {folder.resolve()}:", *sorted(path.name for path in folder.glob(f"{result.name}.*")))


def _save_frames(stem: Path, result: NoiseResult) -> None:
    """Write a multi-MODEL PDB, or as mmCIF what PDB cannot hold."""
    try:
        save_frames(stem.with_suffix(".pdb"), result)
    except PomodoroError as error:
        print(f"      {error}", file=sys.stderr, flush=True)
        save_frames(stem.with_suffix(".cif"), result)


def _step(number: int, text: str) -> None:
    print(f"[{number}/{_STEPS}] {text}", file=sys.stderr, flush=True)
