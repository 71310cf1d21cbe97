"""Residues picked in the profile, selected in PyMOL."""

from __future__ import annotations

from typing import Any

from qtpy import QtCore

from ..viewer import sources, window
from .display import Display, residue_rows
from .layout import Face
from .watch import Watch


class Picking(QtCore.QObject):
    """Selects in PyMOL what is clicked or dragged over in the residue profile."""

    said = QtCore.Signal(str)

    def __init__(self, face: Face, watch: Watch, display: Display, _self: Any) -> None:
        super().__init__(face)
        self._watch, self._display, self._self = watch, display, _self
        face.residues.residue_clicked.connect(self._select_residue)
        face.residues.residues_dragged.connect(self._select_residues)

    def _select_residue(self, number: int) -> None:
        subject = self._display.subject()
        if subject is not None:
            rows = residue_rows(subject)
            if number >= len(rows):
                return  # of the structure before, whose bars are about to go
            row = rows[number]
            self._select(window.residue_words(subject.object, row["segi"], row["chain"], row["resi"], _self=self._self))

    def _select_residues(self, first: int, last: int) -> None:
        """Select a range of residues of the output."""
        noised = self._watch.noised
        if noised is not None:
            residue_at_place = noised.hierarchy.atom_to_residue.numpy()[noised.structure.atom_at_place]
            inside = ((residue_at_place >= first) & (residue_at_place <= last)).nonzero()[0]
            self._select(sources.index_words(noised.object, inside + 1, _self=self._self))

    def _select(self, words: str) -> None:
        window.select(words, _self=self._self)
        self.said.emit(f"selected {words}")
        self._watch.poll()
