"""Levels as text: measured beside expected, before beside after."""

from __future__ import annotations

from ..noise.expected import expected_levels
from ..noise.statistics import LevelStatistics
from ..parameters.catalogue import NoiseParameters

#: Name in `Levels`, label, unit and short label of the numbers that are shown, in order.
LEVEL_ROWS = (
    ("atom", "atom rms", "A", "atom"),
    ("residue", "residue rms", "A", "residue"),
    ("residue_relative", "residue rms relative to chain", "A", "relative"),
    ("chain", "chain rms", "A", "chain"),
    ("ratio", "residue / atom", "", "r/a"),
    ("ratio_relative", "residue / atom relative to chain", "", "r/a relative"),
    ("chain_share", "variance share: chain", "", "chain share"),
    ("residue_share", "variance share: residue in chain", "", "residue share"),
    ("atom_share", "variance share: atom in residue", "", "atom share"),
)


def level_table(statistics: LevelStatistics, parameters: NoiseParameters) -> str:
    """Return measured levels beside their closed forms as aligned ASCII text."""
    measured = statistics.levels()
    low, high = statistics.interval()
    expected = expected_levels(statistics.hierarchy, parameters.weights, parameters.noise_sigma)
    lines = [f" {'':34}{'measured':>10}  {'95 % interval':^20}  {'expected':>8}"]
    for name, label, unit, _ in LEVEL_ROWS:
        form = "{:#.4g}" if unit else "{:.4f}"
        value, start, end, closed = (form.format(getattr(levels, name)) for levels in (measured, low, high, expected))
        interval = "n/a (1 frame)" if statistics.n_frames == 1 else f"{start:>8} .. {end:<8}"
        lines.append(f" {label:34}{value:>8} {unit:1}  {interval:^20}  {closed:>8} {unit}".rstrip())
    return "\n".join(lines)


def compare_levels(before: LevelStatistics, after: LevelStatistics) -> str:
    """Return two measurements side by side as aligned ASCII text."""
    lines = [f" {'':34}{'before':>10}{'after':>10}"]
    for name, label, unit, _ in LEVEL_ROWS:
        form = "{:#.4g}" if unit else "{:.4f}"
        cells = (form.format(getattr(statistics.levels(), name)) for statistics in (before, after))
        lines.append(f" {label:34}" + "".join(f"{cell:>10}" for cell in cells) + f" {unit}".rstrip())
    return "\n".join(lines)
