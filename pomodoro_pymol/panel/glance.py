"""The result at a glance: of what the numbers are, and the three that matter most."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from qtpy import QtCore

from .display import Display
from .layout import Face
from .run_live import RunLive
from .timers import single_shot
from .watch import Watch

if TYPE_CHECKING:
    from ..noise.levels import Levels

_REFRESH_MS = 30
_TIPS = (
    "Rms displacement of residue means over that of atoms: 1 where residues move as rigid bodies.",
    "Rms displacement of residue means relative to their chain, in space, in angstrom: residues meet at 3.8.",
    "Parts of the variance of the noise that chains, residues within chains, and atoms within residues have.",
)


class Glance(QtCore.QObject):
    """Keeps the headline up to date: whether the result is what the sliders say, measured over expected."""

    def __init__(self, face: Face, watch: Watch, display: Display, jobs: RunLive) -> None:
        super().__init__(face)
        self._face, self._watch, self._display, self._jobs = face, watch, display, jobs
        self._soon = single_shot(self, _REFRESH_MS, self._show)
        for signal in (face.model.changed, watch.source_changed, watch.output_changed, watch.polled):
            signal.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what holds soon: once, however many changes come before."""
        if not self._soon.isActive():
            self._soon.start()

    def _show(self) -> None:
        self._show_state()
        subject = self._watch.noised or self._watch.molecule
        if subject is None:
            self._face.headline.show_numbers(_rows(None, None))
            return
        from ..noise.expected import expected_levels

        parameters = self._face.model.parameters
        expected = expected_levels(subject.moving.hierarchy, parameters.weights, parameters.noise_sigma)
        measured = None
        if self._display.live is not None:
            measured = self._display.live.levels()
        elif self._watch.output is not None and self._display.up_to_date():
            measured = self._watch.output.record.levels.measured
        self._face.headline.show_numbers(_rows(measured, expected))

    def _show_state(self) -> None:
        headline, output = self._face.headline, self._watch.output
        if self._jobs.live and self._display.live is not None:
            headline.show_state("Live: the result follows the sliders")
        elif self._jobs.busy:
            headline.show_state("running")
        elif output is None:
            headline.show_state("not run yet: this is expected of a run")
        elif self._display.up_to_date():
            headline.show_state(f"{output.name} is up to date")
        else:
            headline.show_state(f"not run: {output.name} is of other values, as are its bars and colours", warns=True)


def _rows(measured: Levels | None, expected: Levels | None) -> list[tuple[str, str, str, str]]:
    names = ("residue / atom", "relative, in space", "chain : residue : atom")
    columns = zip(names, _texts(measured), _texts(expected), _TIPS)
    return list(columns)


def _texts(levels: Levels | None) -> tuple[str, str, str]:
    if levels is None:
        return "", "", ""
    shares = (levels.chain_share, levels.residue_share, levels.atom_share)
    return (
        _number(levels.ratio, ".3f"),
        _number(math.sqrt(3) * levels.residue_relative, ".3g", " Å"),
        " : ".join(_number(100 * share, ".0f") for share in shares) + " %",
    )


def _number(value: float, form: str, unit: str = "") -> str:
    return "n/a" if math.isnan(value) else f"{value:{form}}{unit}"
