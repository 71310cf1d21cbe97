"""What stands in PyMOL, shown: numbers, colour key, residue profile, z-sweep."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qtpy import QtCore

from ..noise.metrics import IN_SPACE
from ..utils.text import counted
from ..viewer import host, window
from .layout import Face
from .plots import DISPLACEMENTS, SCORES, SweepCurves
from .sweeping import schemes_of
from .timers import single_shot
from .watch import Molecule, Output, Watch
from .widgets.level_table import Row

if TYPE_CHECKING:
    from ..noise.levels import Levels
    from ..noise.statistics import LevelStatistics

_REFRESH_MS = 30
# Where curves over z are computed.
_Z = [number / 10 for number in range(-30, 31)]
#: Parameters that only colour.
COLORS = ("metric", "palette", "range")
#: Parameters that change no number.
_LOOKS = (*COLORS, "truth", "rep", "name")

#: Rows of the gauge, and what they are.
_GAUGE_HEADING = "gauge: what centring and alignment take away"
_GAUGE = {
    "translation share": "expected share of the variance that moves the whole: centring takes it away",
    "rotation share": "expected share of the variance that turns the whole: alignment takes it away",
    "z internal": "z of the noise that is left, once centred and aligned",
}


class Display(QtCore.QObject):
    """Fills the widgets of a face from what a watch found.

    Attributes
    ----------
    live : LevelStatistics or None
        What Live measures, which stands in for the record while it is on.
    moving : bool
        Whether Live moves: what nobody sees is shown once it rests.
    """

    def __init__(self, face: Face, watch: Watch, _self: Any = host.cmd) -> None:
        super().__init__(face)
        self._self = _self
        self._face, self._watch = face, watch
        self.live: LevelStatistics | None = None
        self.moving = False
        self._curves = SweepCurves(self)
        self._labels: tuple[Any, Any] = (None, None)
        self._moments: tuple[Any, Any] = (None, None)
        self._soon = single_shot(self, _REFRESH_MS, self._show_levels)
        self._residues_soon = single_shot(self, _REFRESH_MS, self._show_residues)
        self._curves.ready.connect(self.refresh)
        face.sweep.asked.connect(self.refresh)

    def subject(self) -> Molecule | None:
        """Return the molecule that the numbers are of: the output, before a run the source."""
        return self._watch.noised or self._watch.molecule

    def show_key(self) -> None:
        """Show the colours of the output and what they mean."""
        output = self._watch.output
        if output is None:
            self._face.key.clear()
            return
        from ..noise.metrics import DIRECTION, METRICS

        if output.metric == DIRECTION:
            self._face.key.show_directions()
            return
        metric = METRICS[output.metric]
        self._face.key.show_scale(
            output.scale.stops(), metric.label, _unit(metric.unit), self._expected_range(), self._lookalikes()
        )

    def _lookalikes(self) -> str:
        """Say which schemes the colours of the output hardly tell from its own."""
        output, noised = self._watch.output, self._watch.noised
        if output is None or noised is None:
            return ""
        from ..experiments.coloring import lookalikes

        weights, sigma = output.record.parameters.weights, output.record.parameters.noise_sigma
        return lookalikes(output.metric, output.scale, noised.structure, noised.hierarchy, weights, sigma)

    def _expected_range(self) -> tuple[float, float] | None:
        values = self._residue_values()
        if values is None:
            return None
        import numpy as np

        finite = values[1][np.isfinite(values[1])]
        return (float(finite.min()), float(finite.max())) if len(finite) else None

    def _residue_values(self) -> tuple[Any, Any] | None:
        """Return the metric of each residue, measured and expected; before a run only expected."""
        output, subject = self._watch.output, self.subject()
        if subject is None or (output is not None and self._watch.noised is None):
            return None
        import numpy as np

        from ..noise.metrics import metric_values, residue_metric

        parameters = output.record.parameters if output else self._face.model.parameters
        name = residue_metric(output.metric if output else parameters.metric)
        noise = (subject.structure, subject.hierarchy, parameters.weights, parameters.noise_sigma)
        expected = metric_values(name, *noise)
        if output is None:
            return np.full(len(expected), np.nan), expected
        if len(output.record.residues.atom) != subject.moving.hierarchy.n_residues:
            return None
        return metric_values(name, *noise, output.record.residues), expected

    def refresh(self) -> None:
        """Show the numbers soon: once, however many changes come before."""
        if not self._soon.isActive():
            self._soon.start()

    def refresh_residues(self) -> None:
        """Show the residue profile soon, and once."""
        if not self._residues_soon.isActive():
            self._residues_soon.start()

    def _show_levels(self) -> None:
        """Show what is expected, and beside it what was measured under the same parameters."""
        subject, output = self.subject(), self._watch.output
        parameters = self._face.model.parameters
        if subject is None:
            self._face.levels.clear()
            self._face.sweep.show_curves([], parameters.noise_z, None)
            return
        if output is None:
            self._show_residues()
        table, curves = (not self.moving or widget.isVisible() for widget in (self._face.levels, self._face.sweep))
        if not (table or curves):
            return
        from ..noise.expected import expected_levels

        expected = expected_levels(subject.moving.hierarchy, parameters.weights, parameters.noise_sigma)
        measured = low = high = None
        if self.live is not None:
            measured, (low, high) = self.live.levels(), self.live.interval()
        elif output is not None and self.up_to_date():
            measured, low, high = (getattr(output.record.levels, part) for part in ("measured", "low", "high"))
        if table:
            self._show_table(subject, (measured, low, high, expected))
        if curves:
            self._show_sweep(subject, measured, low, high)

    def rest(self) -> None:
        """Show all, once Live rests."""
        self.moving = False
        self.refresh()

    def _show_table(self, subject: Molecule, sides: tuple[Any, ...]) -> None:
        from ..experiments.level_table import LEVEL_ROWS

        shown = [row for row in LEVEL_ROWS if row.short]
        rows = [Row(row.short, row.heading, *(side and row.value(side) for side in sides)) for row in shown]
        rows += self._gauge_rows(subject)
        self._face.levels.show_levels(rows, [row.label for row in shown] + list(_GAUGE.values()))

    def _gauge_rows(self, subject: Molecule) -> list[Row]:
        """Return what is expected of the whole's motion, and of what is left of the noise without it."""
        from ..noise.gauge import GaugeMoments

        if self._moments[0] is not subject:
            part = subject.moving
            self._moments = (subject, GaugeMoments.of(part.structure.coords, part.hierarchy))
        parameters = self._face.model.parameters
        gauge = self._moments[1].split(parameters.weights)
        shift = gauge.z_shift(parameters.law_of_sigma)
        values = (gauge.translation, gauge.rotation, parameters.noise_z + shift if gauge.internal else math.nan)
        return [Row(label, _GAUGE_HEADING, None, None, None, value) for label, value in zip(_GAUGE, values)]

    def up_to_date(self) -> bool:
        """Whether the output is of the parameters that are shown, but for how it looks and what it is called."""
        resolved, output = self._watch.resolved(), self._watch.output
        if resolved is None or output is None:
            return False
        record = output.record.parameters
        return replace(resolved, **{name: getattr(record, name) for name in _LOOKS}) == record

    def _show_sweep(self, subject: Molecule, *found: Levels | None) -> None:
        """Show expected curves over z and what was measured at one: a value with the ends of its interval."""
        plot, parameters = self._face.sweep, self._face.model.parameters
        quantity = plot.quantity
        if quantity in SCORES and not plot.isVisible():  # they take long: not unseen
            return
        z, schemes = parameters.noise_z, schemes_of(parameters)
        curves = self._curves.curves(quantity, subject, schemes, parameters.law_of_sigma, _Z)
        point: Any = None
        if quantity in DISPLACEMENTS and found[0] is not None:
            name = DISPLACEMENTS[quantity]
            point = (z, *(IN_SPACE * getattr(levels, name) if levels else math.nan for levels in found))
        note = self._curves.problem or "not all found yet"
        plot.show_curves(curves, z, point, note if quantity in SCORES and len(curves) < len(schemes) else "")

    def _show_residues(self) -> None:
        values, subject, output = self._residue_values(), self.subject(), self._watch.output
        if values is None or subject is None:
            self._face.residues.clear()
            return
        from ..noise.metrics import METRICS, residue_metric

        name = residue_metric(output.metric if output else self._face.model.parameters.metric)
        metric = METRICS[name]
        measured, expected = values
        line, interval, note, word = expected, None, "not measured yet", "measured"
        if output is not None and metric.compute is None:  # the values are the expected ones
            line, note, word = None, "closed form, nothing is measured", "expected"
        elif output is not None:
            interval, note = _interval(name, measured, subject, output)
        colors = output.scale.rgb(measured).tolist() if output else []
        if self._labels[0] is not subject:
            self._labels = (subject, _residue_labels(subject))
        labels, starts = self._labels[1]
        unit = _unit(metric.unit)
        what = f"{metric.label} ({unit})" if unit else metric.label
        self._face.residues.show_residues(
            labels, starts, measured, line, colors or [0] * len(labels), what, interval, note, word
        )
        self.mark(window.selected_atoms(subject.object, _self=self._self))

    def mark(self, atoms: tuple[int, ...]) -> None:
        """Mark the residues of atoms of the output, which PyMOL counts from 1."""
        noised = self._watch.noised
        if noised is not None and all(atom <= noised.hierarchy.n_atoms for atom in atoms):
            of_atom, atom_at_place = noised.hierarchy.atom_to_residue, noised.structure.atom_at_place
            self._face.residues.mark(sorted({int(of_atom[atom_at_place[atom - 1]]) for atom in atoms}))


def _interval(name: str, values: Any, noised: Molecule, output: Output) -> tuple[Any, str]:
    """Return the 95 % interval of a metric of each residue, None where it has none, and how values were found."""
    from ..noise.residue_intervals import residue_interval

    parameters, residues, part = output.record.parameters, output.record.residues, noised.moving
    values = values if part.residues is None else values[part.residues]
    interval = residue_interval(name, values, part.hierarchy, parameters.weights, residues, parameters.frames)
    if interval is not None:
        interval = part.spread(interval[0]), part.spread(interval[1])
    over = f"over {counted(parameters.frames, 'frame')}"
    return interval, f"measured {over}" if interval is None else f"measured \N{PLUS-MINUS SIGN} 95 % interval {over}"


def _unit(unit: str) -> str:
    return f"Å{unit[1:]}" if unit.startswith("A") else unit


def residue_rows(molecule: Molecule) -> Any:
    """Return the labels of each residue."""
    structure = molecule.structure
    return structure.residues[structure.residue_of_atom[molecule.hierarchy.first_atoms.numpy()]]


def _residue_labels(molecule: Molecule) -> tuple[list[str], list[int]]:
    """Return a label per residue, and where each chain starts."""
    rows = residue_rows(molecule)
    labels = [f"{row['chain']}/{row['resn']} {row['resi']}" for row in rows]
    chains = molecule.hierarchy.residue_to_chain.tolist()
    starts = [i for i in range(len(rows)) if i == 0 or chains[i] != chains[i - 1]]
    return labels, starts
