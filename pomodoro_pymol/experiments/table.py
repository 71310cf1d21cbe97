"""The z-table: noise per level over z, for several weight schemes, measured and expected."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from ..errors import PomodoroError
from ..noise.expected import expected_levels, expected_sigmas
from ..noise.levels import Levels, column_name, level_names
from ..noise.sigma import AF3_LAW, LawOfSigma
from ..noise.statistics import LevelStatistics
from ..noise.weights import Scheme
from ..structure.hierarchy import Hierarchy
from ..utils.devices import device_name
from ..utils.text import counted
from .drawing import choose_device, draw_units, take


@dataclass(frozen=True)
class TableRow:
    """One scheme at one z.

    Attributes
    ----------
    z, sigma : float
        Noise level; sigma in angstrom.
    scheme : Scheme
    measured, low, high : Levels
        Over all draws, with the ends of the 95 % interval; nan ends for one draw.
    draw_low, draw_high : Levels
        Ends of the interval that holds 95 % of next draws; nan for one draw.
    expected : Levels
        Closed form.
    sigmas, expected_sigmas : tuple of float
        Atom, residue and chain by the estimator asked for; nan where it needs more points.
    device : str
        Where the noise was drawn.
    note : str
        What did not go as asked for, if anything.
    """

    z: float
    sigma: float
    scheme: Scheme
    measured: Levels
    low: Levels
    high: Levels
    draw_low: Levels
    draw_high: Levels
    expected: Levels
    sigmas: tuple[float, float, float]
    expected_sigmas: tuple[float, float, float]
    device: str = "cpu"
    note: str = ""

    @property
    def ratio(self) -> float:
        """Residue / atom by the estimator asked for."""
        return _ratio(self.sigmas)

    @property
    def expected_ratio(self) -> float:
        """Closed form of `ratio`."""
        return _ratio(self.expected_sigmas)


def noise_table(
    hierarchy: Hierarchy,
    schemes: Sequence[Scheme],
    z_values: Sequence[float],
    *,
    frames: int = 1,
    seed: int = 0,
    estimator: str = "rms",
    device: str = "cpu",
    law: LawOfSigma = AF3_LAW,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[TableRow]:
    """Measure each scheme at each z, with the same random numbers throughout.

    Parameters
    ----------
    hierarchy : Hierarchy
    schemes : sequence of Scheme
    z_values : sequence of float
    frames : int
        Draws to measure over; 1 is the researcher's note.
    seed : int
    estimator : {"rms", "std"}
        Of ``sigmas``: see `level_sigmas`.
    law : LawOfSigma
        Gives the sigma of each z.

    Returns
    -------
    list of TableRow
        z by z, scheme by scheme. z only rescales a draw, so ratios and shares repeat.
    """
    statistics: list[LevelStatistics] = []
    on, note = choose_device(device, hierarchy.n_atoms)
    for number, scheme in enumerate(schemes):

        def show(done: int, total: int, before: int = number * frames) -> None:
            progress(before + done, total * len(schemes))

        statistics.append(LevelStatistics(hierarchy))
        drawing = draw_units(hierarchy, scheme.weights, frames, seed=seed, device=on, fetch=False)
        take(drawing, statistics[-1], show)
        if number and drawing.device != on:
            raise PomodoroError(f"the GPU ran out of memory after {counted(number, 'scheme')}: use device=cpu")
        on, note = drawing.device, drawing.note or note
    return [
        _row(z, law.sigma(z), scheme, drawn, estimator, device_name(on), note)
        for z in z_values
        for scheme, drawn in zip(schemes, statistics, strict=True)
    ]


def _row(
    z: float, sigma: float, scheme: Scheme, drawn: LevelStatistics, estimator: str, device: str, note: str
) -> TableRow:
    drawn = drawn.scaled(sigma)
    low, high = drawn.interval()
    draw_low, draw_high = drawn.prediction_interval()
    return TableRow(
        z=z,
        sigma=sigma,
        scheme=scheme,
        measured=drawn.levels(),
        low=low,
        high=high,
        draw_low=draw_low,
        draw_high=draw_high,
        expected=expected_levels(drawn.hierarchy, scheme.weights, sigma),
        sigmas=drawn.sigmas(estimator),
        expected_sigmas=expected_sigmas(drawn.hierarchy, scheme.weights, sigma, estimator),
        device=device,
        note=note,
    )


def table_text(rows: Sequence[TableRow], n_chains: int) -> str:
    """Return the table as aligned ASCII text: the note's columns, then shares and intervals."""
    schemes = list(dict.fromkeys(row.scheme for row in rows))
    by_z: dict[float, list[TableRow]] = {}
    for row in rows:
        by_z.setdefault(row.z, []).append(row)
    titles = ["z", "sigma"]
    for scheme in schemes:
        titles += [f"{scheme.name}_a", f"{scheme.name}_r", f"{scheme.name} r/a"]
    lines = []
    for heading, sigmas in (("measured", "sigmas"), ("expected", "expected_sigmas")):
        body = []
        for z, group in by_z.items():
            cells = [f"{z:g}", f"{group[0].sigma:.2f}"]
            for row in group:
                values = getattr(row, sigmas)
                cells += [_number(value, ".2f") for value in values[:2]] + [_number(_ratio(values), ".4f")]
            body.append(cells)
        lines += [
            f" {heading}, A per coordinate; _a atom, _r residue mean, r/a their ratio",
            *_aligned([titles, *body]),
        ]
    titles = [
        "",
        "r/a",
        "95 % interval",
        "next draw (95 %)",
        "expected",
        "relative r/a",
        "expected",
        "shares c:r:a",
        "expected",
    ]
    body = []
    for row in next(iter(by_z.values())):
        body.append(
            [
                row.scheme.name,
                f"{row.measured.ratio:.4f}",
                _span(row, row.low, row.high),
                _span(row, row.draw_low, row.draw_high),
                f"{row.expected.ratio:.4f}",
                _number(row.measured.ratio_relative, ".4f"),
                _number(row.expected.ratio_relative, ".4f"),
                _shares(row.measured),
                _shares(row.expected),
            ]
        )
    lines += [" rms ratios and variance shares, the same at every z", *_aligned([titles, *body])]
    titles = ["z", *(f"{scheme.name} rel" for scheme in schemes for _ in (0, 1))]
    titles[2::2] = ["expected"] * len(schemes)
    titles += [f"{scheme.name} chain" for scheme in schemes]
    body = []
    for z, group in by_z.items():
        cells = [f"{z:g}"]
        for row in group:
            cells += [_number(sqrt(3) * levels.residue_relative, ".2f") for levels in (row.measured, row.expected)]
        chains = [_number(row.sigmas[2], ".2f", f"n/a ({n_chains} chain)") for row in group]
        body.append(cells + chains)
    lines += [
        " rel: residue rms relative to its chain, A in space; chain: chain rms, A per coordinate",
        *_aligned([titles, *body]),
    ]
    return "\n".join(lines)


def table_csv(rows: Sequence[TableRow]) -> str:
    """Return the table as CSV: one row per scheme and z, every value with its interval and closed form."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    parts = ("measured", "low", "high", "draw_low", "draw_high", "expected")
    levels = ("atom", "residue", "chain")
    writer.writerow(
        [
            *("z", "sigma_per_coordinate", "scheme", "wc", "wr", "wa"),
            *(f"sigma_{level}_per_coordinate" for level in levels),
            *(f"expected_sigma_{level}_per_coordinate" for level in levels),
            *(f"{column_name(name)}_{part}" for name in level_names() for part in parts),
        ]
    )
    for row in rows:
        weights = row.scheme.weights
        numbers = [
            *(*row.sigmas, *row.expected_sigmas),
            *(getattr(getattr(row, part), name) for name in level_names() for part in parts),
        ]
        labels = [row.z, row.sigma, row.scheme.name, weights.chain, weights.residue, weights.atom]
        writer.writerow(labels + [f"{number:.6g}" for number in numbers])
    return file.getvalue()


def _number(value: float, form: str, missing: str = "n/a") -> str:
    return missing if np.isnan(value) else format(value, form)


def _ratio(sigmas: tuple[float, float, float]) -> float:
    return sigmas[1] / sigmas[0] if sigmas[0] else float("nan")


def _span(row: TableRow, low: Levels, high: Levels) -> str:
    return "n/a (1 draw)" if np.isnan(row.low.atom) else f"{low.ratio:.3f} .. {high.ratio:.3f}"


def _shares(levels: Levels) -> str:
    return f"{levels.chain_share:.3f}:{levels.residue_share:.3f}:{levels.atom_share:.3f}"


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["   ".join([""] + [cell.rjust(width) for cell, width in zip(row, widths)])[2:].rstrip() for row in rows]
