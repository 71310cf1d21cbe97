"""The table of preconditioning as text, with what it says in sentences, and as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..diffusion.precondition import LEVELS, PerLevel, own_sigma_data
from ..noise.sigma import AF3_LAW, LawOfSigma
from ..parameters.catalogue import PrecondParameters
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy
from ..utils.text import aligned, csv_text
from .scalings import (
    CENTRED,
    HEAD_COLUMNS,
    HEADS,
    KEPT,
    ScalingRow,
    head_table,
    measure_data,
    measure_heads,
    scaling_table,
    total_errors,
)

# Of an error: less is no difference.
_ALIKE = 5e-4


@dataclass(frozen=True, eq=False)
class PrecondResult:
    """What was asked for by `PrecondParameters`, found.

    Attributes
    ----------
    parameters : PrecondParameters
    hierarchy : Hierarchy
    rows : list of ScalingRow
        Of levels, then of heads.
    data : tuple of float
        Variances of the data at each level, square angstrom per coordinate.
    own : float
        The sigma_data of these, angstrom per coordinate.
    origin : str
        Where they are from.
    """

    parameters: PrecondParameters
    hierarchy: Hierarchy
    rows: list[ScalingRow]
    data: PerLevel
    own: float
    origin: str

    def data_line(self) -> str:
        """Return what the data spread, as a line."""
        whose = "data" if self.parameters.data else "object"
        levels = ", ".join(f"{level} {value**0.5:.3g} A" for level, value in zip(LEVELS, self.data))
        return f" the {whose}'s own: {self.own:.4g} A per coordinate; {levels} ({self.origin})"

    def report(self) -> str:
        """Return table and sentences as ASCII text."""
        return scaling_text(self.rows)

    def csv(self) -> str:
        """Return a row per level, or head, and column of the table."""
        return scaling_csv(self.rows, self.parameters.law_of_sigma)

    def figure(self) -> Any:
        """Draw the columns over sigma; return a ``matplotlib.figure.Figure``."""
        from .figures import precond_figure

        return precond_figure(self.rows)


def run_precond(structure: Structure, states: np.ndarray, parameters: PrecondParameters) -> PrecondResult:
    """Return how a network would be preconditioned.

    Parameters
    ----------
    structure : Structure
    states : ndarray, shape=(n_states, n_atoms, 3)
        Angstrom, of the same atoms.
    parameters : PrecondParameters

    Raises
    ------
    PomodoroError
        If the data given are none.
    """
    hierarchy, law, weights = Hierarchy.from_structure(structure), parameters.law_of_sigma, parameters.weights
    data, origin = measure_data(states, hierarchy, parameters.data)
    own = own_sigma_data(hierarchy, data)
    sigmas = [law.sigma(z) for z in parameters.z.values()]
    settings: dict[str, Any] = {"sigma_data": law.sigma_data, "convention": parameters.convention}
    spreads = measure_heads(states, hierarchy, data, parameters.data)
    rows = scaling_table(hierarchy, weights, sigmas, data, **settings)
    rows += head_table(hierarchy, weights, sigmas, spreads, own, **settings)
    return PrecondResult(parameters, hierarchy, rows, data, own, origin)


def scaling_text(rows: Sequence[ScalingRow]) -> str:
    """Return the table as aligned ASCII text: levels, heads, totals, and sentences, which a short window shows.

    Parameters
    ----------
    rows : sequence of ScalingRow
        Of `scaling_table`, and of `head_table` where heads are to be shown.
    """
    names = _names(rows)
    titles = ["sigma", "variant", "level", "c_skip", "c_out", "c_in", "c_noise", "target var", "error", "loss weight"]
    cells = [_level_cells(row) for row in rows if row.level in LEVELS]
    lines = [
        " sigma and c_out in A, c_in in 1/A, error over atoms in A^2, loss weight in 1/A^2, all per coordinate",
        *aligned([titles, *cells], words=3),
    ]
    if any(row.level in HEADS for row in rows):
        lines += _head_lines(rows, names)
    totals = total_errors(rows)
    sigmas = list(dict.fromkeys(sigma for sigma, _ in totals))
    lines += [
        " error of all levels, mean over atoms, A^2 per coordinate; global: one sigma, its sigma_data beside it;",
        " centred: noise and data without the translation of the whole",
        *aligned(
            [
                ["sigma", *(names[column] for column in (*KEPT, *CENTRED))],
                *([f"{sigma:.4g}", *_cells(totals, sigma, (*KEPT, *CENTRED))] for sigma in sigmas),
            ]
        ),
    ]
    for sigma in sigmas:
        lines += _sentences(sigma, {column: error for (at, column), error in totals.items() if at == sigma}, names)
        lines += _weight_lines([row for row in rows if row.sigma == sigma and row.level in LEVELS], names)
    return "\n".join(lines)


def _names(rows: Sequence[ScalingRow]) -> dict[str, str]:
    """Return what columns are called over their numbers: with the sigma_data where that is one for all levels."""
    found = {row.variant: f"{row.scalings.sigma_data:.4g}" for row in rows if row.variant in KEPT}
    given, own = found["global"], found["global own"]
    return {
        **{column: column for column in (*KEPT, *CENTRED, *HEAD_COLUMNS)},
        **{variant: f"{variant}, {given}" for variant in ("global", "note")},
        **{f"{variant} own": f"{variant}, {own}" for variant in ("global", "note")},
    }


def _level_cells(row: ScalingRow) -> list[str]:
    own = row.scalings
    numbers = (own.c_out, own.c_in, own.c_noise, row.target, row.error, own.loss_weight)
    forms = (".4g", ".4g", ".4f", ".4g", ".4g", ".4g")
    cells = (f"{number:{form}}" for number, form in zip(numbers, forms))
    return [f"{row.sigma:.4g}", row.variant, row.level, f"{own.c_skip:.4f}", *cells]


def _cells(errors: dict[tuple[float, str], float], sigma: float, columns: Sequence[str]) -> list[str]:
    return [f"{errors[sigma, column]:.4g}" if (sigma, column) in errors else "n/a" for column in columns]


def _head_lines(rows: Sequence[ScalingRow], names: dict[str, str]) -> list[str]:
    lines = [["sigma", "residue means", "noise/sigma^2", *(names[column] for column in HEAD_COLUMNS)]]
    for sigma, head in dict.fromkeys((row.sigma, row.level) for row in rows if row.level in HEADS):
        own = [row for row in rows if (row.sigma, row.level) == (sigma, head)]
        errors = {(sigma, row.variant): row.error for row in own}
        lines.append([f"{sigma:.4g}", head, f"{own[0].noise / sigma**2:.4f}", *_cells(errors, sigma, HEAD_COLUMNS)])
    taken = [(row.scalings.sigma / row.sigma) ** 2 for row in rows if row.level in HEADS and row.variant == "note"]
    return [
        " error of a head with one vector a residue, mean over residues, A^2 per coordinate; relative: about the",
        " chain's mean, absolute: as they are; best: its own noise and data"
        + (f"; the note's sigma_r^2 is {taken[0]:.4f} sigma^2" if taken else ""),
        *aligned(lines, words=2),
    ]


def _sentences(sigma: float, errors: dict[str, float], names: dict[str, str]) -> list[str]:
    """Return which column is best at a sigma and by how much, where the gain is from, and how the note's fares."""
    given, own = (names[one].partition(", ")[2] for one in ("global", "global own"))
    # Columns of one sigma_data, with what that is.
    ones = {"global": given} if given == own else {"global": given, "global own": own}
    best = min((column for column in KEPT if column in errors), key=errors.__getitem__)
    variant, _, _ = best.partition(" ")
    words = {"global": "one sigma", "note": "the note's variant"}.get(variant, variant)
    with_data = f" with {own if best.endswith('own') else given}" if variant in ("global", "note") else ""
    parts = [f" sigma {sigma:.4g} A per coordinate: {words}{with_data} is best"]
    others = [one for one in ones if one != best]
    for place, one in enumerate(others):
        what = f"with {ones[one]}" if place else f"one sigma with {ones[one]}"
        parts.append(f"{_percent(1 - errors[best] / errors[one])} below {what}")
    lines = [", ".join(parts)]
    gain = errors["global"] - errors[best]
    if len(ones) > 1 and gain > _ALIKE * errors["global"]:
        alone = (errors["global"] - errors["global own"]) / gain
        most = ", most of it," if alone > 0.5 else ""
        lines.append(f"   of the gain on {given}, {_percent(alone)}{most} is sigma_data's alone: one sigma with {own}")
    notes = {"note" + one.removeprefix("global"): one for one in ones}
    if "note" in errors:
        told = (f"{_compared(errors[note], errors[one])} one sigma with {ones[one]}" for note, one in notes.items())
        lines.append(f"   the note's variant is {', '.join(told)}")
    if "centred levels" in errors:
        lines.append(f"   centred: levels is {_compared(errors['centred levels'], errors['centred global'])} one sigma")
    return lines


def _weight_lines(rows: Sequence[ScalingRow], names: dict[str, str]) -> list[str]:
    """Return what levels with their own scalings weigh under the loss weight of one sigma, of what their own gives."""
    one, each = (
        {row.level: row.scalings.loss_weight for row in rows if row.variant == v} for v in ("global", "levels")
    )
    if not each:
        return []
    given = names["global"].partition(", ")[2]
    parts = ", ".join(f"{level} {one[level] / weight:.2g}" for level, weight in each.items())
    return [f"   levels under one sigma's loss weight ({given}) weigh {parts} of their own"]


def _compared(error: float, other: float) -> str:
    change = error / other - 1
    if abs(change) < _ALIKE:
        return "as good as"
    return f"{_percent(abs(change))} {'better' if change < 0 else 'worse'} than"


def _percent(share: float) -> str:
    return f"{100 * share:.{0 if share >= 0.0995 else 1}f} %"


def scaling_csv(rows: Sequence[ScalingRow], law: LawOfSigma = AF3_LAW) -> str:
    """Return the table as CSV, with the z that ``law`` gives each sigma."""
    scalings = ("c_skip", "c_out", "c_in", "c_noise", "sigma", "sigma_data", "loss_weight")
    numbers = ("noise", "data", "target", "error")
    header = (
        *("z", "sigma_per_coordinate", "variant", "level", "c_skip", "c_out", "c_in", "c_noise"),
        *("scaling_sigma_per_coordinate", "scaling_sigma_data_per_coordinate"),
        "loss_weight_per_coordinate_per_square_angstrom",
        *("noise_variance_per_coordinate", "data_variance_per_coordinate", "target_variance"),
        "squared_error_per_coordinate",
    )
    lines = []
    for row in rows:
        values = [getattr(row.scalings, name) for name in scalings] + [getattr(row, name) for name in numbers]
        level = [f"{law.z(row.sigma):.6g}", f"{row.sigma:.6g}", row.variant, row.level]
        lines.append(level + [f"{value:.6g}" for value in values])
    return csv_text(header, lines)
