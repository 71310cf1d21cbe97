"""What schemes do over z, expected: displacements at once, local scores in a thread, kept for each structure."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from qtpy import QtCore

from ..noise.metrics import IN_SPACE
from ..utils.problems import problem_text
from .watch import Molecule

if TYPE_CHECKING:
    from ..noise.levels import Levels
    from ..noise.sigma import LawOfSigma
    from ..noise.weights import LevelWeights
    from ..structure.distances import LocalDistances

#: Displacements by the name that they have in a point of a sweep: which of `Levels`.
DISPLACEMENTS = {"relative": "residue_relative", "neighbors": "neighbor"}
#: Scores by name: which `LocalDistances` they are of.
SCORES = {"ca_lddt": "of_calphas", "within_residues": "within_residues", "between_residues": "between_residues"}

#: A curve: what is drawn, weights and law.
_Key = tuple[str, "LevelWeights", "LawOfSigma"]


class SweepCurves(QtCore.QObject):
    """Expected curves of a structure over z.

    Attributes
    ----------
    problem : str
        Why scores of the structure cannot be had.
    """

    #: More curves can be had.
    ready = QtCore.Signal()
    _done = QtCore.Signal(object, object, object)

    def __init__(self, parent: QtCore.QObject) -> None:
        super().__init__(parent)
        self.problem = ""
        self._molecule: Molecule | None = None
        self._levels: dict[LevelWeights, Levels] = {}
        self._distances: dict[str, LocalDistances] = {}
        self._scores: dict[_Key, list[float]] = {}
        self._thread: threading.Thread | None = None
        self._done.connect(self._take, QtCore.Qt.ConnectionType.QueuedConnection)

    def curves(
        self,
        quantity: str,
        molecule: Molecule,
        schemes: Mapping[str, LevelWeights],
        law: LawOfSigma,
        z_values: Sequence[float],
    ) -> list[tuple[str, Sequence[float], list[float]]]:
        """Return name, z and heights of each scheme; without those that `ready` will tell of.

        Parameters
        ----------
        quantity : str
            One of `DISPLACEMENTS`, in angstrom in space, or of `SCORES`, 0 .. 1.
        molecule : Molecule
        schemes : mapping of str to LevelWeights
        law : LawOfSigma
        z_values : sequence of float
            Always the same.
        """
        if molecule is not self._molecule:
            self._molecule, self.problem = molecule, ""
            self._levels, self._distances, self._scores = {}, {}, {}
        if quantity in DISPLACEMENTS:
            heights = {name: self._displacement(quantity, weights) for name, weights in schemes.items()}
            sigmas = [law.sigma(z) for z in z_values]
            return [(name, z_values, [unit * sigma for sigma in sigmas]) for name, unit in heights.items() if unit > 0]
        keys = {name: (quantity, weights, law) for name, weights in schemes.items()}
        missing = [key for key in dict.fromkeys(keys.values()) if key not in self._scores]
        if missing and self._thread is None and not self.problem:
            self._start(molecule, missing, z_values)
        return [(name, z_values, self._scores[key]) for name, key in keys.items() if key in self._scores]

    def _displacement(self, quantity: str, weights: LevelWeights) -> float:
        """Return the expected rms displacement, in space, at unit sigma; 0 where there is none."""
        from ..noise.expected import expected_levels

        assert self._molecule is not None
        if weights not in self._levels:
            self._levels[weights] = expected_levels(self._molecule.moving.hierarchy, weights)
        unit = IN_SPACE * float(getattr(self._levels[weights], DISPLACEMENTS[quantity]))
        return 0.0 if math.isnan(unit) else unit

    def _start(self, molecule: Molecule, keys: Sequence[_Key], z_values: Sequence[float]) -> None:
        distances = self._distances.get(keys[0][0])

        def work() -> None:
            """Find the scores in the thread, and tell of them or of why there are none."""
            try:
                outcome: Any = _scores(molecule, distances, keys, z_values)
            except Exception as error:
                outcome = error
            with suppress(RuntimeError):  # the panel is gone
                self._done.emit(molecule, keys[0][0], outcome)

        self._thread = threading.Thread(target=work, name="pomodoro-scores", daemon=True)
        self._thread.start()

    def _take(self, molecule: Molecule, quantity: str, outcome: Any) -> None:
        self._thread = None
        if molecule is self._molecule:
            if isinstance(outcome, Exception):
                self.problem = problem_text(outcome)
            else:
                self._distances[quantity], scores = outcome
                self._scores |= scores
        self.ready.emit()


def _scores(
    molecule: Molecule, distances: LocalDistances | None, keys: Sequence[_Key], z_values: Sequence[float]
) -> tuple[LocalDistances, dict[_Key, list[float]]]:
    """Return the distances of a score, found where they are not known, and the score over z of each key."""
    from ..noise.scores import expected_score

    if distances is None:
        distances = _pooled(molecule, SCORES[keys[0][0]])
    return distances, {
        (quantity, weights, law): [expected_score(distances, weights, law.sigma(z)) for z in z_values]
        for quantity, weights, law in keys
    }


def _pooled(molecule: Molecule, pairs: str) -> LocalDistances:
    """Return the distances of a structure as those of a single residue: a score of all pairs needs no more."""
    import numpy as np

    from ..structure.distances import LocalDistances

    part = molecule.moving
    found = getattr(LocalDistances, pairs)(part.structure, part.hierarchy)
    counts = {name: counts.sum(0, keepdims=True) for name, counts in found.counts.items()}
    return LocalDistances(counts, np.zeros(1, np.int64))
