"""Measured frames as text and as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..noise.levels import Levels, column_name, level_names
from ..noise.sigma import AF3_LAW
from ..structure.quality import BOND_TOLERANCE
from ..utils.text import counted, csv_text, formatted
from .level_table import levels_beside, shares_text

if TYPE_CHECKING:
    from .measure import FrameMeasurement

#: Scores: their name in `Quality`, that of their column, and what they are.
_SCORES = (
    ("ca_lddt", "ca_lddt", "Calpha lDDT, pooled over pairs"),
    ("ca_lddt_residue_mean", "ca_lddt_residue_mean", "Calpha lDDT, mean over residues"),
    ("within_residues", "lddt_within_residues", "lDDT of heavy atoms within residues"),
    ("native_contacts", "native_contacts", "fraction of native contacts"),
    ("bond_outliers", "bond_outliers", f"fraction of bonds off by > {BOND_TOLERANCE:g} A in space"),
)
_WIDTH = 44


def measure_text(measured: FrameMeasurement) -> str:
    """Return levels before and after superposition, scores, and the noise that displaces as much, as ASCII text."""
    sides = (("as they lie", measured.before), ("superposed", measured.after))
    n_frames = measured.before.n_frames
    lines = [f" truth: {measured.structure.name}: {measured.hierarchy}; {counted(n_frames, 'frame')}"]
    lines += [f" note: {note}" for note in measured.told()]
    lines += [levels_beside(sides), f" {'scores':{_WIDTH}}{'mean':>12}{'std':>10}{'least':>10}{'most':>10}"]
    for name, _, label in _SCORES:
        values = getattr(measured.quality, name)
        spread = values.std(ddof=1) if n_frames > 1 else np.nan
        cells = (values.mean(), spread, values.min(), values.max())
        texts = [formatted(cell, ".4f") for cell in cells]
        lines.append(f" {label:{_WIDTH}}{texts[0]:>12}" + "".join(f"{text:>10}" for text in texts[1:]))
    lines.append(
        " mean square displacement, shares chain:residue:atom, and the noise that displaces atoms as much where added"
    )
    lines += [f" {title:12}  {_as_noise(statistics.levels())}" for title, statistics in sides]
    return "\n".join(lines)


def _as_noise(levels: Levels) -> str:
    if not levels.atom > 0:
        return "n/a, nothing is displaced"
    sigma = f"sigma {levels.atom:.4g} A per coordinate, z {AF3_LAW.z(levels.atom):.2f} (law of AF3)"
    return f"{shares_text(levels)}  {sigma}"


def measure_csv(measured: FrameMeasurement, numbers: Sequence[int]) -> str:
    """Return one row per frame: its levels as it lies and superposed, lengths in angstrom, and its scores.

    Parameters
    ----------
    measured : FrameMeasurement
    numbers : sequence of int
        What each frame is called: its state, or its model.
    """
    columns: dict[str, Sequence[float]] = {}
    for suffix, statistics in (("", measured.before), ("_superposed", measured.after)):
        levels = statistics.frame_levels()
        columns |= {f"{column_name(name)}{suffix}": getattr(levels, name) for name in level_names()}
    columns |= {column: getattr(measured.quality, name) for name, column, _ in _SCORES}
    frames = zip(numbers, *columns.values())
    rows = ([number, *(f"{value:.6g}" for value in values)] for number, *values in frames)
    return csv_text(["frame", *columns], rows)
