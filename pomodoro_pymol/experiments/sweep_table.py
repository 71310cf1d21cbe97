"""A sweep as text and as CSV."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..noise.metrics import CA_CA_DISTANCE
from ..noise.scores import SCORE_LOST
from ..noise.sigma import law_line
from ..utils.text import csv_text, formatted

if TYPE_CHECKING:
    from .sweep import Compared, Sweep, SweepPoint


def sweep_text(sweep: Sweep) -> str:
    """Return the comparison of the schemes as aligned ASCII text."""
    width = max(12, *(len(loss.scheme.name) + 2 for loss in sweep.losses))
    one_frame = len(sweep.points[0].lddt_of_frames) == 1

    def row(name: str, *cells: str) -> str:
        return f" {name:{width}}{''.join(cells)}".rstrip()

    def numbers(value: Compared) -> str:
        interval = "n/a (1 frame)" if one_frame else _interval(value)
        return f"{_number(value.expected)}{_number(value.measured)}  {interval:^16}"

    titles = f"{'expected':>10}{'measured':>10}  {'95 % interval':^16}"
    lines = [
        " z at which structure is lost: expected in closed form, and measured",
        f" residue: displaced {CA_CA_DISTANCE} A in space (rms) relative to its chain, as consecutive CA are apart",
        f" neighbour: residues that follow each other displaced {CA_CA_DISTANCE} A in space relative to each other",
        row("", f"{'residue':^38}", f"{'neighbour':^38}"),
        row("scheme", titles, titles),
        *(row(loss.scheme.name, numbers(loss.relative), numbers(loss.neighbors)) for loss in sweep.losses),
        f" z at which local distances are lost: score {SCORE_LOST}, lDDT over all pairs closer than 15 A in space",
        " CA: of alpha carbons; within, between: of all heavy atoms of one residue, of different residues",
        row("", f"{'CA':^38}", f"{'within':^20}", f"{'between':>10}"),
        row("scheme", titles, f"{'expected':>10}{'measured':>10}", f"{'expected':>10}"),
        *(
            row(
                loss.scheme.name,
                numbers(loss.lddt),
                *(_number(value) for value in (loss.within.expected, loss.within.measured, loss.between)),
            )
            for loss in sweep.losses
        ),
    ]
    return "\n".join(lines) + law_line(sweep.law)


def sweep_csv(points: Sequence[SweepPoint]) -> str:
    """Return the sweep as CSV, one row per scheme and z; lengths in angstrom."""
    levels = {
        "atom_rms_per_coordinate": "atom",
        "residue_rms_per_coordinate": "residue",
        "chain_rms_per_coordinate": "chain",
        "residue_relative_rms_per_coordinate": "residue_relative",
        "residue_over_atom": "ratio",
    }
    compared = {"residue_relative_rms_in_space": "relative", "neighbor_rms_in_space": "neighbors"}
    scores = {
        "ca_lddt": "ca_lddt",
        "ca_lddt_residue_mean": "ca_lddt_residue_mean",
        "lddt_within_residues": "within_residues",
        "lddt_between_residues": "between_residues",
    }
    rows = []
    for point in points:
        row: dict[str, str | float] = {"z": point.z, "sigma_per_coordinate": point.sigma, "scheme": point.scheme.name}
        for suffix, side in (("", point.measured), ("_expected", point.expected)):
            row |= {f"{name}{suffix}": getattr(side, field) for name, field in levels.items()}
        for name, field in compared.items():
            value = getattr(point, field)
            row |= {name: value.measured, f"{name}_low": value.low, f"{name}_high": value.high}
            row[f"{name}_expected"] = value.expected
        for name, field in scores.items():
            if field != "between_residues":  # which is not measured
                row[name] = getattr(point.scores, field)
            row[f"{name}_expected"] = getattr(point.expected_scores, field)
        row |= {"native_contacts": point.contacts, "bond_outliers": point.outliers}
        rows.append(row)
    cells = ([cell if isinstance(cell, str) else f"{cell:.6g}" for cell in row.values()] for row in rows)
    return csv_text(rows[0], cells)


def _number(value: float) -> str:
    return f"{formatted(value, '.2f'):>10}"


def _interval(value: Compared) -> str:
    if math.isnan(value.low) or math.isnan(value.high):
        return "n/a"
    return f"{value.low:.2f} .. {value.high:.2f}"
