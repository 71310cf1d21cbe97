"""Frames of any origin against a truth: levels and scores, by the rules that noise is measured by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..errors import PomodoroError
from ..io.read import read_ensemble, read_structure
from ..noise.statistics import LevelStatistics, residue_sums
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy
from ..structure.input_notes import input_notes
from ..structure.matching import match_atoms, take_atoms
from ..structure.quality import Quality, QualityReference
from ..structure.superposition import superpose
from ..utils.text import counted
from . import measure_table


@dataclass(frozen=True, eq=False)
class FrameMeasurement:
    """What was measured of frames.

    Attributes
    ----------
    structure : Structure
        The truth: those of its atoms that the frames have, in its order.
    hierarchy : Hierarchy
        Of the truth.
    before, after : LevelStatistics
        Displacements of the frames as they lie, and superposed on the truth; in angstrom.
    quality : Quality
        Scores of each frame, which do not depend on where it lies.
    frames : ndarray, shape=(n_frames, n_atoms, 3), dtype=float32
        Angstrom; superposed where ``fit``.
    fit : bool
    rows : ndarray, shape=(n_atoms,), dtype=int64
        Place of each atom among those of the frames as they were given.
    notes : tuple of str
        Which atoms were left out, and which frames are the truth, in words.
    source : str
        What the frames are of.
    numbers : tuple of int
        What each frame is called: its state, or its model.
    """

    structure: Structure
    hierarchy: Hierarchy
    before: LevelStatistics
    after: LevelStatistics
    quality: Quality
    frames: np.ndarray
    fit: bool
    rows: np.ndarray
    notes: tuple[str, ...]
    source: str
    numbers: tuple[int, ...]

    @property
    def statistics(self) -> LevelStatistics:
        """Of ``frames``."""
        return self.after if self.fit else self.before

    def told(self) -> list[str]:
        """Return what is to be told of truth and frames beside the numbers, a line each."""
        return [*dict.fromkeys((*self.notes, *input_notes(self.structure, self.hierarchy)))]

    def report(self) -> str:
        """Return levels, scores, and the noise that displaces as much, as ASCII text."""
        return measure_table.measure_text(self)

    def csv(self) -> str:
        """Return a row per frame."""
        return measure_table.measure_csv(self, self.numbers)


def measure_frames(
    truth: Structure,
    structure: Structure,
    states: np.ndarray,
    *,
    fit: bool = True,
    numbers: Sequence[int] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> FrameMeasurement:
    """Measure how far frames of any origin are off a truth, per structural level, and how much of it they keep.

    Residues and chains are those of the truth. Atoms are matched by their labels, see
    `matching.match_atoms`, but where ``structure`` is the ``truth`` itself.

    Parameters
    ----------
    truth : Structure
    structure : Structure
        Labels of the atoms of the frames; its own coordinates do not count.
    states : ndarray, shape=(n_frames, n_atoms, 3)
        The frames, angstrom, of the atoms of ``structure`` in its order.
    fit : bool
        Whether ``frames`` of the result are superposed on the truth by least squares over all
        atoms; levels are measured before and after in any case.
    numbers : sequence of int
        What the frames are called; from 1 on where none are given.
    progress : callable
        Called with the number of frames measured and that of all.

    Raises
    ------
    PomodoroError
        If there is no frame, the shapes disagree, a coordinate is not finite, no atom is in both, or
        labels do not tell atoms apart.
    """
    if states.ndim != 3 or states.shape[1:] != (len(structure), 3) or not len(states):
        raise PomodoroError(f"frames must have shape (n_frames, {len(structure)}, 3), not {tuple(states.shape)}")
    truth, rows, notes = _matched(truth, structure)
    hierarchy = Hierarchy.from_structure(truth)
    reference = QualityReference.from_structure(truth, hierarchy)
    target = torch.from_numpy(truth.coords)
    before, after = LevelStatistics(hierarchy), LevelStatistics(hierarchy)
    frames = np.empty((len(states), len(truth), 3), np.float32)
    scores, n_same = [], 0
    for number, state in enumerate(states):
        frame = torch.tensor(state[rows], dtype=torch.float32)[None]
        fitted = superpose(frame.double(), target).coords.float()  # a model's outputs can lie far away
        for statistics, laid in ((before, frame), (after, fitted)):
            statistics.add(residue_sums(laid - target, hierarchy))
        scores.append([*vars(reference.measure(frame)).values()])
        frames[number] = (fitted if fit else frame)[0].numpy()
        n_same += torch.equal(frame[0], target)
        progress(number + 1, len(states))
    if n_same:
        are = "is" if n_same == 1 else "are"
        notes += (f"{n_same} of {counted(len(states), 'frame')} {are} the truth itself, atom by atom, and counted",)
    quality = Quality(*np.concatenate(scores, axis=1))
    called = tuple(numbers or range(1, len(states) + 1))
    return FrameMeasurement(truth, hierarchy, before, after, quality, frames, fit, rows, notes, structure.name, called)


def _matched(truth: Structure, structure: Structure) -> tuple[Structure, np.ndarray, tuple[str, ...]]:
    """Return those atoms of the truth that the frames have, their rows among those of the frames, and what was left."""
    if structure is truth:
        return truth, np.arange(len(truth)), ()
    matching = match_atoms(truth, structure, (f"the truth {truth.name}", f"the frames of {structure.name}"))
    return take_atoms(truth, matching.first), matching.second, (*filter(None, [structure.note]), *matching.notes)


def measure_file(
    path: str,
    truth_path: str = "",
    *,
    model: int = 1,
    solvent: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> FrameMeasurement:
    """Measure the models of a file against a truth, as `measure_frames` does.

    Parameters
    ----------
    path, truth_path : str
        PDB or mmCIF files: of the frames, and of the truth; without the latter a model of the first file is the truth,
        and no frame.
    model : int
        That is the truth, in its file.
    solvent : bool
        Whether waters are kept.
    progress : callable

    Raises
    ------
    PomodoroError
        If a file cannot be read, or no frame is left.
    """
    if truth_path:
        truth = read_structure(truth_path, model=model, solvent=solvent)
        structure, states = read_ensemble(path, solvent=solvent)
        return measure_frames(truth, structure, states, progress=progress)
    structure, states = read_ensemble(path, model=model, solvent=solvent)
    numbers = [number for number in range(1, len(states) + 1) if number != model]
    if not numbers:
        raise PomodoroError(f"{path} has one model, which would be its own truth: give --truth")
    frames = states[[number - 1 for number in numbers]]
    return measure_frames(structure, structure, frames, numbers=numbers, progress=progress)
