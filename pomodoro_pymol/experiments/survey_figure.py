"""The figure of a survey, by matplotlib (extra ``[plot]``)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..color.palettes import LEVEL_COLORS, OKABE_ITO
from ..diffusion.precondition import LEVELS
from ..errors import one_line
from ..noise.sigma import SIGMA_DATA, law_note
from ..survey.rows import DATA
from ..survey.summary import Group, Summary
from ..survey.survey_file import Survey

_BLACK, _ORANGE, _SKY, _GREEN, _BLUE, _RED, _PINK = (f"#{color}" for color in OKABE_ITO)
_COLORS = {level: f"#{color}" for level, color in LEVEL_COLORS.items()}
_GAUGE = {"translation": _BLUE, "rotation": _SKY, "between": _GREEN, "within": _ORANGE}
# The most points of a panel, and letters of a name.
_MOST, _LONGEST = 20_000, 24
_STARS = ("*", "X", "P", "D")

#: A structure to mark: a label, and what numbers there are of it, by column.
Mark = tuple[str, Mapping[str, float]]


def survey_figure(survey: Survey, summary: Summary, marks: Sequence[Mark] = ()) -> Any:
    """Draw how structures or crops of a survey vary: their spread, ratios, shares of the loss and of the noise.

    Parameters
    ----------
    survey : Survey
    summary : Summary
        Of the survey.
    marks : sequence of tuple
        Structures to mark, see `Mark`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    what, n_schemes = f"{survey.row_word}s", len(summary.schemes)
    figure = Figure(figsize=(13, 7.4 + 0.5 * max(n_schemes - 5, 0)), layout="constrained")
    axes = figure.subplots(2, 3)
    _draw_lengths(axes[0, 0], survey, summary, marks)
    _draw_levels(axes[0, 1], survey, marks)
    start, aligned = (
        {f"{part}_{level}": (f"{level}s", _COLORS[level]) for level in LEVELS} for part in ("start", "aligned")
    )
    panels = (
        (axes[0, 2], "rms ratio: expected",
         {"ratio": ("residues / atoms", _BLUE), "relative": ("about the chain's mean", _RED)}),
        (axes[1, 0], "part of the loss at the start: expected", start),
        (axes[1, 1], "part of the loss, aligned: expected", aligned),
        (axes[1, 2], "part of the variance of noise: expected", {
            part: (f"{part}{' chains' if part in ('between', 'within') else ' of the whole'}", color)
            for part, color in _GAUGE.items()
        }),
    )  # fmt: skip
    for axis, label, parts in panels:
        _draw_schemes(axis, summary, parts, marks)
        axis.set_xlabel(f"{label} (no unit)")
    handles = [
        Line2D([], [], color="0.3", marker="o", linewidth=4, markersize=5, label=f"half of all {what}, and the median"),
        Line2D([], [], color="0.3", linewidth=1, label=f"90 % of all {what}"),
        *(
            Line2D(
                [], [], marker=star, color="white", markeredgecolor=_BLACK, markersize=10, ls="", label=_short(label)
            )
            for (label, _), star in zip(marks, _stars(marks))
        ),
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles), fontsize=9)
    total, law = summary.all, law_note(summary.law).replace(" A ", " Å ")
    figure.suptitle(
        f"{_short(survey.name)}: {total.n_rows} {what} of {total.n_files} files{', ' if law else ''}{law}",
        x=0.01,
        ha="left",
        fontsize=10,
    )
    return figure


def _draw_lengths(axis: Any, survey: Survey, summary: Summary, marks: Sequence[Mark]) -> None:
    """Draw sigma_data over the number of residues: of single structures, and of groups with intervals."""
    every = math.ceil(len(survey.read) / _MOST)
    lengths, spread = survey.of("n_residues"), np.sqrt(survey.of("s_total"))
    axis.plot(
        lengths[::every], spread[::every], ".", color=_SKY, markersize=3, alpha=0.5, rasterized=True,
        label=f"one {survey.row_word}", zorder=1,
    )  # fmt: skip
    groups = [(np.sort(lengths[chosen]), group) for chosen, group in _members(lengths, summary)]
    middle = [float(np.median(members)) for members, _ in groups]
    values = [group.total.value for _, group in groups]
    ends = [[group.total.value - group.total.low for _, group in groups],
            [group.total.high - group.total.value for _, group in groups]]  # fmt: skip
    label = "by length, with 95 %"
    axis.errorbar(middle, values, np.nan_to_num(ends), fmt="o", color=_BLACK, capsize=3, markersize=5, label=label)
    total = summary.all.total
    axis.axhline(SIGMA_DATA, color=_RED, linewidth=1.2, linestyle="--", label=f"AF3: {SIGMA_DATA:g}")
    if not math.isnan(total.low):
        axis.axhspan(total.low, total.high, color=_BLUE, alpha=0.25, linewidth=0)
    axis.axhline(total.value, color=_BLUE, linewidth=1.2, label=f"all {survey.row_word}s: {total.value:.2f}")
    for (_, numbers), star in zip(marks, _stars(marks)):
        if {"n_residues", "s_total"} <= set(numbers):
            _star(axis, numbers["n_residues"], math.sqrt(numbers["s_total"]), star)
    axis.set(xscale="log", yscale="log", xlabel="number of residues", ylabel="sigma_data, measured (Å per coordinate)")
    _plain_ticks(axis.xaxis, lengths)
    _plain_ticks(axis.yaxis, np.append(spread, SIGMA_DATA))
    _legend(axis, 2)
    axis.grid(alpha=0.25)


def _members(lengths: np.ndarray, summary: Summary) -> Iterator[tuple[np.ndarray, Group]]:
    """Yield which structures are in each group by length, and the group."""
    for group in summary.by_length:
        low, _, high = group.name.partition(" ")[0].partition("-")
        yield (lengths >= int(low)) & (lengths <= (int(high) if high else math.inf)), group


def _draw_levels(axis: Any, survey: Survey, marks: Sequence[Mark]) -> None:
    """Draw the cumulative distribution of the standard deviations of structures, level by level."""
    shares = np.linspace(0, 1, 401)
    names = ("chain means", "residue means in chains", "atoms in residues", "all levels")
    colors = (*_COLORS.values(), _BLACK)
    for column, name, color in zip(DATA[1:], names, colors):
        values = np.sort(np.sqrt(survey.of(column)))
        style = "--" if column == "s_total" else "-"
        axis.plot(np.quantile(values, shares), shares, color=color, linestyle=style, linewidth=1.6, label=name)
        for (_, numbers), star in zip(marks, _stars(marks)):
            if column in numbers:
                own = math.sqrt(numbers[column])
                # In the middle of those that have the same, as all structures of one chain have at that level.
                below, not_above = values < own * (1 - 1e-6), values <= own * (1 + 1e-6)
                _star(axis, own, (below.mean() + not_above.mean()) / 2, star, color)
    axis.set(xscale="log", xlabel="standard deviation of the data (Å per coordinate)", ylim=(-0.03, 1.03))
    axis.set_ylabel(f"part of {survey.row_word}s with less, measured")
    _plain_ticks(axis.xaxis, np.sqrt(np.concatenate([survey.of(column) for column in DATA[1:]])))
    _legend(axis, 2)
    axis.grid(alpha=0.25)


def _draw_schemes(axis: Any, summary: Summary, parts: Mapping[str, tuple[str, str]], marks: Sequence[Mark]) -> None:
    """Draw quantiles of some columns of each scheme, as bars below each other."""
    found = {quantiles.column.name: quantiles for quantiles in summary.quantiles}
    names = [entry.scheme.name for entry in summary.schemes]
    if not names:
        axis.set_axis_off()
        return
    step = 0.72 / len(parts)
    for place, name in enumerate(names):
        for number, (part, (label, color)) in enumerate(parts.items()):
            low, first, middle, third, high = found[f"{name}_{part}"].values
            y = place + (number - (len(parts) - 1) / 2) * step
            axis.plot([low, high], [y, y], color=color, linewidth=1)
            axis.plot([first, third], [y, y], color=color, linewidth=5, solid_capstyle="butt")
            axis.plot(middle, y, "o", color=color, markersize=5, label=label if not place else None)
            for (_, numbers), star in zip(marks, _stars(marks)):
                if f"{name}_{part}" in numbers:
                    _star(axis, numbers[f"{name}_{part}"], y, star, color)
    axis.set_yticks(range(len(names)), [_short(name) for name in names])
    axis.set(ylabel="scheme of noise", ylim=(len(names) - 0.5, -0.5))
    for place in range(1, len(names)):
        axis.axhline(place - 0.5, color="0.85", linewidth=0.8)
    axis.set_xlim(-0.03, 1.03)
    axis.grid(axis="x", alpha=0.25)
    _legend(axis, 2 if len(parts) == 4 else len(parts))


def _legend(axis: Any, columns: int) -> None:
    """Put the legend of a panel above it."""
    axis.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=columns)


def _plain_ticks(axis: Any, values: np.ndarray) -> None:
    """Put round numbers on a logarithmic axis of these values, written out."""
    low, high = float(values.min()), float(values.max())
    for bases in ((1,), (1, 2, 5), (1, 1.5, 2, 3, 5, 7)):
        places = [base * 10.0**power for power in range(-3, 9) for base in bases]
        within = [place for place in places if low / 1.1 <= place <= 1.1 * high]
        if 3 < len(within) < 12:
            axis.set_ticks(within, [f"{place:g}" for place in within])
            axis.set_ticks([], minor=True)
            return


def _star(axis: Any, x: float, y: float, marker: str, color: str = "white") -> None:
    """Mark a structure in a panel."""
    look = {"markersize": 9, "markeredgecolor": _BLACK, "markerfacecolor": color, "zorder": 5, "clip_on": False}
    axis.plot([x], [y], marker, **look)


def _stars(marks: Sequence[Mark]) -> list[str]:
    """Return the marker of each structure that is marked."""
    return [_STARS[number % len(_STARS)] for number in range(len(marks))]


def _short(text: str) -> str:
    """Return text that anyone may have written as one short line, in which matplotlib finds no formula."""
    line = one_line(text)
    line = line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."
    # matplotlib leaves a label out that begins with _.
    return f"{' ' if line.startswith('_') else ''}{line}".replace("$", r"\$")
