"""Training on files: on the models of one, or on fragments of many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import PomodoroError
from ..io.read import read_ensemble
from ..parameters.catalogue import TrainParameters
from ..utils.text import counted
from . import outputs
from .ensemble_training import run_train
from .fragment_training import run_fragment_train
from .fragments import read_fragments
from .training import TrainResult, check_run
from .training_run import Tell


def train_files(
    paths: Sequence[str],
    residues: int | None,
    parameters: TrainParameters,
    tell: Tell,
    reading: Callable[[int, int], None],
    *,
    solvent: bool = False,
) -> TrainResult:
    """Train networks on files.

    Parameters
    ----------
    paths : sequence of str
        PDB or mmCIF files.
    residues : int, optional
        Length of the fragments that the files are cut into; None trains on the models of the one file.
    parameters : TrainParameters
    tell : callable
        See `training_run.Tell`.
    reading : callable
        Called with the number of files that are read, and of all, while fragments are cut.
    solvent : bool
        Whether waters of the models of one file are kept.

    Raises
    ------
    PomodoroError
        If there are several files and no ``residues``, a file cannot be read or written, or as of `run_train`
        and `run_fragment_train`.
    """
    if residues is None and len(paths) > 1:
        raise PomodoroError(f"{counted(len(paths), 'file')} are trained on as fragments: give --residues, as in 32")
    source = paths[0] if residues is None else "fragments"
    path = check_run(parameters, _stem(source))
    outputs.check_apart([str(path), parameters.csv, parameters.figure, parameters.export], paths)
    parameters = replace(parameters, network=str(path))
    if residues is not None:
        if parameters.export:
            raise PomodoroError("networks of fragments take no atoms of their own, and cannot be exported")
        return run_fragment_train(
            read_fragments(paths, residues, hold=parameters.hold, progress=reading), parameters, tell
        )
    structure, states = read_ensemble(paths[0], solvent=solvent)
    return run_train(structure, states, parameters, tell)


def _stem(path: str) -> str:
    """Return the name of a file without its folder and endings."""
    name = Path(path).name
    return name.partition(".")[0] or "networks"
