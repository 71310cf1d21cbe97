"""What colours residues: values, a range, and what the colours can and cannot tell."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..color.direction import ColorShares
from ..color.scale import ColorScale
from ..errors import PomodoroError
from ..noise.levels import ResidueLevels
from ..noise.metrics import DIRECTION, METRICS, measured_values, metric_values, residue_metric, span_of
from ..noise.presets import all_presets
from ..noise.signal import frames_for_half, signal_share
from ..noise.weights import LevelWeights
from ..parameters.catalogue import ColorParameters, MeasureParameters, NoiseParameters
from ..parameters.kinds import AUTO, Interval
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy
from ..structure.moving import moving_part
from ..utils.text import counted
from .record import Record

#: Mean colours nearer than this part of the range are hardly told apart.
_ALIKE = 0.1


@dataclass(frozen=True, eq=False)
class Coloring:
    """How residues are coloured.

    Attributes
    ----------
    metric : str
        A name in ``METRICS``.
    scale : ColorScale
    values : ndarray, shape=(n_residues,)
        The metric; nan where a residue has none.
    expected : tuple of float or None
        Least and largest expected value.
    alike : str
        What the colours cannot tell apart, in words; see `lookalikes`.
    signal : str
        How much of the variation of colours is no chance, in words, where the range is taken from it.
    fixed : str
        Which residues are grey because none of their atoms moves, in words.
    key : str
        Object that shows the colours in PyMOL's viewport, if any.
    directions : ColorShares, optional
        Where atoms are coloured by direction, frame by frame: what lies at which level.
    instead : str
        What `report` returns then.
    """

    metric: str
    scale: ColorScale
    values: np.ndarray
    expected: tuple[float, float] | None
    alike: str
    signal: str
    fixed: str = ""
    key: str = ""
    directions: ColorShares | None = None
    instead: str = ""

    def report(self) -> str:
        """Return what the colours show, as ASCII text."""
        if self.instead:
            return self.instead
        metric = METRICS[self.metric]
        expected = f"{self.expected[0]:.3g} .. {self.expected[1]:.3g}" if self.expected else "n/a"
        return (
            f" colour: {self.metric} = {metric.label}\n"
            f"         {self.scale.low:.3g} .. {self.scale.high:.3g} {metric.unit}".rstrip()
            + f", expected {expected}, {self.scale.palette}, key {self.key}"
            + "".join(f"\n         {line}" for line in (self.alike, self.signal, self.fixed) if line)
        )


def choose_colors(
    structure: Structure, hierarchy: Hierarchy, record: Record, choice: NoiseParameters | ColorParameters
) -> Coloring:
    """Return how the residues of a run are coloured by the metric, palette and range of ``choice``.

    Raises
    ------
    PomodoroError
        If the record is of a version that did not measure what the metric needs.
    """
    metric, parameters = residue_metric(choice.metric), record.parameters
    weights, sigma = parameters.weights, parameters.noise_sigma
    values, closed = (
        metric_values(metric, structure, hierarchy, weights, sigma, measured) for measured in (record.residues, None)
    )
    if np.isnan(values).all() and not np.isnan(closed).all():
        raise PomodoroError(f"{metric} was not measured by the version that made this: run pomnoise again")
    span = None if choice.metric == DIRECTION else choice.range
    scale = _scale(choice.palette, span, values, span_of(metric, sigma))
    signal = chance_text(signal_share(values, closed), parameters.frames) if span == AUTO else ""
    finite = closed[np.isfinite(closed)]
    expected = (float(finite.min()), float(finite.max())) if len(finite) else None
    n_fixed = moving_part(structure, hierarchy).n_fixed_residues
    fixed = f"grey: {counted(n_fixed, 'residue')} of which no atom moves" if n_fixed else ""
    alike = lookalikes(metric, scale, structure, hierarchy, weights, sigma)
    return Coloring(metric, scale, values, expected, alike, signal, fixed)


def measured_colors(
    hierarchy: Hierarchy, measured: ResidueLevels, atom_rms: float, choice: MeasureParameters
) -> Coloring:
    """Return how residues are coloured by what was measured of them, of whatever law.

    Parameters
    ----------
    hierarchy : Hierarchy
    measured : ResidueLevels
    atom_rms : float
        Of all atoms, angstrom per coordinate, which stands where noise has its sigma.
    choice : MeasureParameters
    """
    values = measured_values(choice.metric, hierarchy, measured)
    usual = span_of(choice.metric, atom_rms or 1.0)  # where nothing moves, all have the first colour
    scale = _scale(choice.palette, choice.range, values, usual)
    return Coloring(choice.metric, scale, values, None, "", "")


def _scale(palette: str, span: Interval | str | None, values: np.ndarray, usual: tuple[float, float]) -> ColorScale:
    """Return the colours of a palette over a range that is given, over what the values span, or over the usual one."""
    if span == AUTO:
        return ColorScale.over(palette, values)
    low, high = (span.low, span.high) if isinstance(span, Interval) else usual
    return ColorScale(palette, low, high)


def lookalikes(
    metric: str, scale: ColorScale, structure: Structure, hierarchy: Hierarchy, weights: LevelWeights, sigma: float
) -> str:
    """Say which schemes' mean colours are hardly told from those of ``weights``, by nature; "" where none's are."""

    def mean(of: LevelWeights) -> float:
        values = metric_values(metric, structure, hierarchy, of, sigma)
        return float(np.nanmean(values)) if np.isfinite(values).any() else math.nan

    def shown(value: float) -> float:
        return min(max(value, scale.low), scale.high)

    own = mean(weights)
    others = {name: mean(of) for name, of in all_presets().items() if of.shares != weights.shares}
    near = [
        f"{name} ({value:.3g})"
        for name, value in others.items()
        if abs(shown(value) - shown(own)) < _ALIKE * (scale.high - scale.low)
    ]
    if not near:
        return ""
    return f"by nature hard to tell from {', '.join(near)}: the mean expected here is {own:.3g}"


def chance_text(share: float, n_frames: int) -> str:
    """Say how much of the variation between residues is signal, and warn where it is not half of it."""
    if math.isnan(share):
        return "signal: n/a, nothing tells the residues apart"
    text = f"signal: {100 * share:.3g} % of the variation between residues; the rest is the chance of the draw"
    if share >= 0.5:
        return text
    half = frames_for_half(share, n_frames)
    remedy = f"it takes {half:,} frames to make half of it signal" if half else "no number of frames mends that"
    return f"{text}\n note: these colours show the chance of the draw: {remedy}"
