"""The z-table: noise per level over z, for several weight schemes, measured and expected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from math import sqrt
from typing import Any

import numpy as np

from ..errors import PomodoroError
from ..noise.expected import expected_levels, expected_sigmas
from ..noise.levels import Levels, column_name, level_names
from ..noise.presets import parse_schemes
from ..noise.sigma import AF3_LAW, LawOfSigma
from ..noise.statistics import LevelStatistics
from ..noise.weights import Scheme
from ..parameters.catalogue import TableParameters
from ..structure.hierarchy import Hierarchy
from ..utils.devices import device_name, device_notes
from ..utils.text import aligned, counted, csv_text, formatted
from .drawing import choose_device, draw_units, take
from .level_table import shares_text


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


@dataclass(frozen=True, eq=False)
class NoiseTable:
    """The table of a structure.

    Attributes
    ----------
    rows : list of TableRow
        As of `noise_table`.
    n_chains : int
        Of the structure.
    """

    rows: list[TableRow]
    n_chains: int

    def told(self) -> list[str]:
        """Return what is to be told beside the numbers, a line each."""
        return device_notes(self.rows[0].device, self.rows[0].note)

    def report(self) -> str:
        """Return the table as ASCII text."""
        return table_text(self.rows, self.n_chains)

    def csv(self) -> str:
        """Return a row per scheme and z, every value with its interval and closed form."""
        parts = ("measured", "low", "high", "draw_low", "draw_high", "expected")
        levels = ("atom", "residue", "chain")
        header = (
            *("z", "sigma_per_coordinate", "scheme", "wc", "wr", "wa"),
            *(f"sigma_{level}_per_coordinate" for level in levels),
            *(f"expected_sigma_{level}_per_coordinate" for level in levels),
            *(f"{column_name(name)}_{part}" for name in level_names() for part in parts),
        )
        lines = []
        for row in self.rows:
            values = (getattr(getattr(row, part), name) for name in level_names() for part in parts)
            numbers = (f"{number:.6g}" for number in (*row.sigmas, *row.expected_sigmas, *values))
            lines.append([row.z, row.sigma, row.scheme.name, *astuple(row.scheme.weights), *numbers])
        return csv_text(header, lines)

    def figure(self) -> Any:
        """Draw ratios and shares; return a ``matplotlib.figure.Figure``."""
        from .figures import table_figure

        return table_figure(self.rows)


def run_table(hierarchy: Hierarchy, parameters: TableParameters, progress: Callable[[int, int], None]) -> NoiseTable:
    """Return the table that the parameters ask for; ``progress`` is that of `noise_table`.

    Raises
    ------
    PomodoroError
        If a scheme is none, or the device is absent or runs out of memory between schemes.
    """
    schemes, law = parse_schemes(parameters.presets), parameters.law_of_sigma
    options = {name: getattr(parameters, name) for name in ("frames", "seed", "estimator", "device")}
    rows = noise_table(hierarchy, schemes, parameters.z.values(), law=law, progress=progress, **options)
    return NoiseTable(rows, hierarchy.n_chains)


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
    by_z: dict[float, list[TableRow]] = {}
    for row in rows:
        by_z.setdefault(row.z, []).append(row)
    return "\n".join(
        [
            *_sigma_lines(by_z, "measured", "sigmas"),
            *_sigma_lines(by_z, "expected", "expected_sigmas"),
            *_share_lines(next(iter(by_z.values()))),
            *_relative_lines(by_z, n_chains),
        ]
    )


def _sigma_lines(by_z: Mapping[float, Sequence[TableRow]], heading: str, field: str) -> list[str]:
    """Return the note's table: atoms, residues and their ratio of each scheme, over z."""
    schemes = [row.scheme.name for row in next(iter(by_z.values()))]
    lines = [["z", "sigma", *(f"{name}{column}" for name in schemes for column in ("_a", "_r", " r/a"))]]
    for z, rows in by_z.items():
        cells = [f"{z:g}", f"{rows[0].sigma:.2f}"]
        for sigmas in (getattr(row, field) for row in rows):
            cells += [*(formatted(value, ".2f") for value in sigmas[:2]), formatted(_ratio(sigmas), ".4f")]
        lines.append(cells)
    return [f" {heading}, A per coordinate; _a atom, _r residue mean, r/a their ratio", *aligned(lines, 0, gap=3)]


def _share_lines(rows: Sequence[TableRow]) -> list[str]:
    """Return what does not depend on z, a line per scheme."""
    titles = ["r/a", "95 % interval", "next draw (95 %)", "expected", "relative r/a", "expected", "shares c:r:a"]
    lines = [["", *titles, "expected"]]
    for row in rows:
        measured, expected = row.measured, row.expected
        lines.append(
            [
                row.scheme.name,
                f"{measured.ratio:.4f}",
                _span(row, row.low, row.high),
                _span(row, row.draw_low, row.draw_high),
                f"{expected.ratio:.4f}",
                formatted(measured.ratio_relative, ".4f"),
                formatted(expected.ratio_relative, ".4f"),
                shares_text(measured),
                shares_text(expected),
            ]
        )
    return [" rms ratios and variance shares, the same at every z", *aligned(lines, 0, gap=3)]


def _relative_lines(by_z: Mapping[float, Sequence[TableRow]], n_chains: int) -> list[str]:
    """Return displacements within chains, and of chains, of each scheme, over z."""
    schemes = [row.scheme.name for row in next(iter(by_z.values()))]
    relative = [title for name in schemes for title in (f"{name} rel", "expected")]
    lines = [["z", *relative, *(f"{name} chain" for name in schemes)]]
    for z, rows in by_z.items():
        levels = [side for row in rows for side in (row.measured, row.expected)]
        chains = [formatted(row.sigmas[2], ".2f", f"n/a ({n_chains} chain)") for row in rows]
        lines.append([f"{z:g}", *(formatted(sqrt(3) * of.residue_relative, ".2f") for of in levels), *chains])
    return [
        " rel: residue rms relative to its chain, A in space; chain: chain rms, A per coordinate",
        *aligned(lines, 0, gap=3),
    ]


def _ratio(sigmas: tuple[float, float, float]) -> float:
    return sigmas[1] / sigmas[0] if sigmas[0] else float("nan")


def _span(row: TableRow, low: Levels, high: Levels) -> str:
    return "n/a (1 draw)" if np.isnan(row.low.atom) else f"{low.ratio:.3f} .. {high.ratio:.3f}"
