"""Levels as text: measured beside expected, before beside after."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

from ..noise.expected import expected_levels
from ..noise.gauge import Gauge
from ..noise.levels import Levels
from ..noise.sigma import LawOfSigma
from ..noise.statistics import LevelStatistics
from ..parameters.catalogue import NoiseParameters

_PER_COORDINATE, _IN_SPACE, _PURE = (
    "rms, \N{LATIN CAPITAL LETTER A WITH RING ABOVE} per coordinate",
    "rms, \N{LATIN CAPITAL LETTER A WITH RING ABOVE} in space",
    "ratios, and shares of the variance",
)


class LevelRow(NamedTuple):
    """A number of `Levels` as it is shown.

    Attributes
    ----------
    name : str
        In `Levels`.
    label : str
        What it is, for a length whether in space or per coordinate.
    unit : str
        Empty for a pure number.
    heading, short : str
        The same in two parts, under a common heading; ``short`` is empty where the number is left out there.
    factor : float
        What the number in `Levels`, which is per coordinate, is multiplied by.
    """

    name: str
    label: str
    unit: str
    heading: str
    short: str
    factor: float = 1.0

    def value(self, levels: Levels) -> float:
        """Return the number that is shown."""
        return self.factor * getattr(levels, self.name)


#: The numbers that are shown, in order.
LEVEL_ROWS = (
    LevelRow("atom", "atom, per coordinate", "A", _PER_COORDINATE, "atom"),
    LevelRow("residue", "residue, per coordinate", "A", _PER_COORDINATE, "residue"),
    LevelRow("chain", "chain, per coordinate", "A", _PER_COORDINATE, "chain"),
    LevelRow("residue_relative", "residue relative to chain, per coordinate", "A", _PER_COORDINATE, ""),
    LevelRow("residue_relative", "residue relative to chain, in space", "A", _IN_SPACE, "relative", sqrt(3)),
    LevelRow("neighbor", "neighbours relative to each other, in space", "A", _IN_SPACE, "neighbours", sqrt(3)),
    LevelRow("ratio", "residue / atom", "", _PURE, "r/a"),
    LevelRow("ratio_relative", "residue / atom, relative to chain", "", _PURE, "r/a relative"),
    LevelRow("chain_share", "variance share: chain", "", _PURE, "chain share"),
    LevelRow("residue_share", "variance share: residue in chain", "", _PURE, "residue share"),
    LevelRow("atom_share", "variance share: atom in residue", "", _PURE, "atom share"),
)
_TITLE = "rms displacement, ratios and shares"
_WIDTH = 44
_NONE = "n/a"
# A length below this part of the atoms' is what rounding leaves.
_ROUNDING = 1e-5


def level_table(statistics: LevelStatistics, parameters: NoiseParameters) -> str:
    """Return measured levels beside their closed forms as aligned ASCII text."""
    low, high = statistics.interval()
    expected = expected_levels(statistics.hierarchy, parameters.weights, parameters.noise_sigma)
    lines = [f" {_TITLE:{_WIDTH}}{'measured':>10}  {'95 % interval':^20}  {'expected':>8}"]
    for row in LEVEL_ROWS:
        value, start, end, closed = (_text(row, levels) for levels in (statistics.levels(), low, high, expected))
        interval = "n/a (1 frame)" if statistics.n_frames == 1 else f"{start:>8} .. {end:<8}"
        unit = row.unit
        if closed == _NONE:  # of no weights a number here
            interval, unit = _NONE, ""
        lines.append(f" {row.label:{_WIDTH}}{value:>8} {unit:1}  {interval:^20}  {closed:>8} {unit}".rstrip())
    return "\n".join(lines)


def gauge_text(gauge: Gauge, z: float, law: LawOfSigma) -> str:
    """Return the gauge split of noise at ``z`` as lines of a report."""
    internal = f"noise as of z {z + gauge.z_shift(law):.2f}" if gauge.internal else "nothing"
    return (
        f" gauge, expected shares of the variance: translation {gauge.translation:.3f}, rotation {gauge.rotation:.3f}\n"
        f" what centring and alignment leave: between chains {gauge.between:.3f}, within {gauge.within:.3f}; {internal}"
    )


def compare_levels(before: LevelStatistics, after: LevelStatistics) -> str:
    """Return two measurements side by side as aligned ASCII text."""
    lines = [f" {_TITLE:{_WIDTH}}{'before':>10}{'after':>10}"]
    for row in LEVEL_ROWS:
        cells = (_text(row, statistics.levels()) for statistics in (before, after))
        lines.append(f" {row.label:{_WIDTH}}" + "".join(f"{cell:>10}" for cell in cells) + f" {row.unit}".rstrip())
    return "\n".join(lines)


def levels_beside(columns: Sequence[tuple[str, LevelStatistics]]) -> str:
    """Return measurements side by side, each under its title and with its interval, as aligned ASCII text."""
    titles = (f"{title:>12}  {'95 % interval':^18}" for title, _ in columns)
    lines = [f" {_TITLE:{_WIDTH}}{''.join(titles)}".rstrip()]
    for row in LEVEL_ROWS:
        cells = []
        for _, statistics in columns:
            value, low, high = (_text(row, levels) for levels in (statistics.levels(), *statistics.interval()))
            interval = f"{low} .. {high}" if low != _NONE else "n/a (1 frame)" if statistics.n_frames == 1 else _NONE
            cells.append(f"{value:>12}  {interval:^18}")
        lines.append(f" {row.label:{_WIDTH}}{''.join(cells)} {row.unit}".rstrip())
    return "\n".join(lines)


def shares_text(levels: Levels) -> str:
    """Return the shares of the variance, chain:residue:atom, as in ``0.250:0.667:0.083``."""
    return f"{levels.chain_share:.3f}:{levels.residue_share:.3f}:{levels.atom_share:.3f}"


def _text(row: LevelRow, levels: Levels) -> str:
    value = row.value(levels)
    if value != value:
        return _NONE
    if row.unit and value < _ROUNDING * levels.atom:  # as of a chain that is all that was superposed
        value = 0.0
    return f"{value:#.4g}" if row.unit else f"{value:.4f}"
