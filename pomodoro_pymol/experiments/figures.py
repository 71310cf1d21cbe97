"""Figures of the laboratory, by matplotlib (extra ``[plot]``)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..color.palettes import DASHES, LEVEL_COLORS, OKABE_ITO
from ..diffusion.curves import StepRecord
from ..diffusion.precondition import LEVELS
from ..diffusion.training_task import by_name
from ..noise.metrics import CA_CA_DISTANCE
from ..noise.scores import SCORE_LOST
from ..noise.sigma import law_note
from .scalings import CENTRED, HEAD_COLUMNS, HEADS, KEPT, ScalingRow, total_errors
from .sweep import Sweep
from .table import TableRow
from .teaching import TrainingSignal

if TYPE_CHECKING:
    from .training import TrainResult

_COLORS = tuple(f"#{color}" for color in OKABE_ITO)
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
# Of a row of the table, in the order that they are drawn in.
_PARTS = ("measured", "low", "high", "expected")
_STYLES = tuple((0, dashes) if dashes else "-" for dashes in DASHES)


def sweep_figure(sweep: Sweep) -> Any:
    """Draw a sweep against z, one colour per scheme: lines are expected, marks are measured.

    Displacement in space, three local scores, contacts and bonds; for the last two there is
    no closed form, and between residues nothing is measured.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = _figure(2, 3, (11, 6))
    panels = (
        ("residue relative to chain,\nrms (Å in space)", lambda p: p.relative.expected, lambda p: p.relative.measured),
        ("Cα lDDT,\nall pairs", lambda p: p.expected_scores.ca_lddt, lambda p: p.scores.ca_lddt),
        (
            "lDDT within residues,\nall heavy atoms",
            lambda p: p.expected_scores.within_residues,
            lambda p: p.scores.within_residues,
        ),
        ("lDDT between residues,\nall heavy atoms", lambda p: p.expected_scores.between_residues, None),
        ("fraction of\nnative contacts", None, lambda p: p.contacts),
        ("fraction of bonds\noff their length", None, lambda p: p.outliers),
    )
    curves = {loss.scheme: [p for p in sweep.points if p.scheme == loss.scheme] for loss in sweep.losses}
    for axis, (label, expected, measured) in zip(axes.flat, panels):
        for number, (scheme, curve) in enumerate(curves.items()):
            z, color = [p.z for p in curve], _COLORS[number % len(_COLORS)]
            if expected:
                line = {"linestyle": _STYLES[number % len(_STYLES)], "linewidth": 1}
                axis.plot(z, [expected(p) for p in curve], color=color, **line, label=f"{scheme.name}: expected")
            if measured:
                marks = {"marker": _MARKERS[number % len(_MARKERS)], "markersize": 3.5, "linestyle": ""}
                axis.plot(z, [measured(p) for p in curve], color=color, **marks, label=f"{scheme.name}: measured")
        axis.set(ylabel=label, xlabel="z")
        axis.grid(alpha=0.25)
    first = axes[0, 0]
    first.set_yscale("log")
    first.axhline(CA_CA_DISTANCE, color="0.4", linewidth=1)
    text = f"{CA_CA_DISTANCE} Å in space,\nconsecutive Cα"
    first.text(sweep.points[0].z, CA_CA_DISTANCE * 1.15, text, fontsize=8, color="0.3")
    for axis in axes.flat[1:4]:
        axis.axhline(SCORE_LOST, color="0.4", linewidth=1)
    for axis in axes.flat[1:]:
        axis.set_ylim(-0.03, 1.03)
    figure.legend(*first.get_legend_handles_labels(), fontsize=8, loc="outside upper center", ncols=len(curves))
    figure.supxlabel(law_note(sweep.law).replace(" A ", " Å "), fontsize=9)
    return figure


def table_figure(rows: Sequence[TableRow]) -> Any:
    """Draw what does not depend on z: both ratios with intervals, and the variance shares.

    Returns
    -------
    matplotlib.figure.Figure
    """
    rows = [row for row in rows if row.z == rows[0].z]
    names = [row.scheme.name for row in rows]
    places = list(range(len(rows)))
    figure, (left, right) = _figure(1, 2, (9, 3.6))
    for offset, field, label, color, marker in (
        (-0.1, "ratio", "residue / atom", _COLORS[4], "o"),
        (0.1, "ratio_relative", "relative to the chain", _COLORS[5], "s"),
    ):
        value, low, high, expected = ([getattr(getattr(row, part), field) for row in rows] for part in _PARTS)
        at = [place + offset for place in places]
        errors = [[v - e for v, e in zip(value, low)], [e - v for v, e in zip(value, high)]]
        left.errorbar(at, value, errors, fmt=marker, color=color, capsize=3, label=label)
        closed = left.plot(at, expected, "_", color="black", markersize=16)
    closed[0].set_label("expected")
    left.set_xticks(places, names)
    left.set_ylim(0, 1.05)
    left.set_ylabel("rms ratio, 95 % interval")
    left.grid(axis="y", alpha=0.25)
    figure.legend(*left.get_legend_handles_labels(), fontsize=8, loc="outside upper left", ncols=3)
    base = [0.0] * len(rows)
    for field, label, color in (
        ("chain_share", "chain", f"#{LEVEL_COLORS['chain']}"),
        ("residue_share", "residue in chain", f"#{LEVEL_COLORS['residue']}"),
        ("atom_share", "atom in residue", f"#{LEVEL_COLORS['atom']}"),
    ):
        shares = [getattr(row.measured, field) for row in rows]
        right.barh(places, shares, 0.6, left=base, color=color, label=label)
        base = [start + share for start, share in zip(base, shares)]
    right.set_yticks(places, names)
    right.invert_yaxis()
    right.set_xlim(0, 1)
    right.set_xlabel("share of the variance")
    figure.legend(*right.get_legend_handles_labels(), fontsize=8, loc="outside upper right", ncols=3)
    return figure


def precond_figure(rows: Sequence[ScalingRow]) -> Any:
    """Draw preconditioning over sigma, one curve per column of the table.

    By level c_skip, variance of the target and weight of the loss; on the right the error of
    all levels, and those of heads that give residue means, where there are rows of them.

    Parameters
    ----------
    rows : sequence of ScalingRow
        Of `scaling_table` and `head_table`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = _figure(3, 4, (13, 8.4))
    colors = {"global": _COLORS[4], "levels": _COLORS[3], "note": _COLORS[1], "best": _COLORS[3]}
    by_level = {
        "c_skip": lambda row: row.scalings.c_skip,
        "variance of the target": lambda row: row.target,
        "loss weight (1/Å² per coordinate)": lambda row: row.scalings.loss_weight,
    }

    def draw(axis: Any, level: str | None, value: Callable[[ScalingRow], float]) -> None:
        """Draw the columns of the table over sigma, those of a level, of a head, or of all levels together."""
        for column in (*KEPT, *CENTRED) if level in (*LEVELS, None) else HEAD_COLUMNS:
            curve = {row.sigma: value(row) for row in rows if (row.variant, row.level) == (column, level or "atom")}
            if curve:
                variant = column.removeprefix("centred ").removesuffix(" own")
                dash = 1 if column.endswith("own") else 3 if column in CENTRED else 0
                style = {"color": colors[variant], "linestyle": _STYLES[dash], "marker": "D" if dash == 3 else "."}
                axis.plot(list(curve), list(curve.values()), markersize=4, label=column, **style)

    for column, level in enumerate(LEVELS):
        for line, (label, value) in enumerate(by_level.items()):
            draw(axes[line, column], level, value)
            axes[line, column].set(title=level if not line else "", ylabel="" if column else label)
        axes[0, column].set_ylim(-0.03, 1.03)
        axes[1, column].axhline(1, color="0.4", linewidth=1)
    totals = total_errors(rows)
    draw(axes[0, 3], None, lambda row: totals[row.sigma, row.variant])
    axes[0, 3].set_title("error of all levels (Å² per coordinate)", fontsize=10)
    for axis, head, words in zip(axes[1:, 3], HEADS, ("in chains", "as they are")):
        draw(axis, head, lambda row: row.error)
        axis.set_title(f"residue means {words}: error\n(Å² per coordinate)", fontsize=10)
    for axis in axes.flat:
        axis.set(xscale="log", xlabel="sigma (Å per coordinate)")
        axis.grid(alpha=0.25)
    for axis in (*axes[1:, :3].flat, *axes[:, 3]):
        axis.set_yscale("log")
    columns = axes[0, 3].get_legend_handles_labels()
    figure.legend(*columns, fontsize=8, loc="outside upper center", ncols=len(columns[1]))
    for axis in axes[1:, 3]:
        if axis.get_lines():
            axis.legend(fontsize=7, loc="upper left")
        else:
            axis.set_visible(False)
    return figure


def curves_figure(records: Sequence[StepRecord], n_states: int) -> Any:
    """Draw a sampling run over sigma_hat, at which was denoised: error, noise left, centroid, rotation and entropy.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = _figure(2, 2, (8, 6))
    sigma = [record.sigma_hat for record in records]
    for place, (level, color) in enumerate(zip(LEVELS, (_COLORS[4], _COLORS[2], _COLORS[1]))):
        line = {"color": color, "linestyle": _STYLES[place], "label": level}
        axes[0, 0].plot(sigma, [record.error[place] for record in records], **line)
        axes[0, 1].plot(sigma, [record.left[place] for record in records], **line)
    axes[0, 0].set(title="rms of the denoised to the truth", ylabel="Å per coordinate")
    axes[0, 1].set(title="variance of the noise left", ylabel="Å² per coordinate", yscale="log")
    axes[1, 0].plot(sigma, [record.centroid for record in records], color=_COLORS[4], label="centroid (Å in space)")
    axes[1, 0].plot(sigma, [record.rotation for record in records], "--", color=_COLORS[5], label="turned (degrees)")
    axes[1, 0].set_yscale("symlog", linthresh=1e-2)
    axes[1, 1].plot(sigma, [record.entropy for record in records], color=_COLORS[4])
    axes[1, 1].axhline(math.log(n_states), color="0.4", linewidth=1)
    axes[1, 1].set_ylabel(f"entropy over {n_states} states (nats)")
    for axis in axes.flat:
        axis.set(xscale="log", xlabel="sigma_hat (Å per coordinate)")
        axis.invert_xaxis()
        axis.grid(alpha=0.25)
    axes[0, 0].legend(fontsize=8)
    axes[1, 0].legend(fontsize=8)
    return figure


def signal_figure(signal: TrainingSignal) -> Any:
    """Draw what noise teaches: the start's shares as bars, and where each level's law lies against its data.

    The bars are under the law's sigma_data, the data's own, and that after alignment. Below is
    the density of training, per unit of the logarithm, over the variance of data by that of noise.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = _figure(2, 3, (11, 6.2))
    first, own = signal.laws()[0], signal.laws()[-1]
    bars = (
        (first, "share", f"sigma_data {first.sigma_data:.4g} Å per coordinate"),
        (own, "share", f"the data's own, {own.sigma_data:.4g} Å per coordinate"),
        (own, "aligned_share", "the data's own, after alignment"),
    )
    for axis, (law, field, title) in zip(axes[0], bars):
        schemes = signal.under(law)
        places, base = range(len(schemes)), [0.0] * len(schemes)
        for number, level in enumerate(LEVELS):
            shares = [s.of_levels(field)[number] for s in schemes]
            label = {"residue": "residues in chains", "atom": "atoms in residues"}.get(level, "chains")
            axis.barh(places, shares, 0.65, left=base, color=f"#{LEVEL_COLORS[level]}", label=label)
            base = [start + share for start, share in zip(base, shares)]
        axis.set_yticks(places, [s.scheme.name for s in schemes])
        axis.invert_yaxis()
        axis.set(xlim=(0, 1), xlabel="share of the loss at the start")
        axis.set_title(title, fontsize=10)
    for number, (axis, level) in enumerate(zip(axes[1], LEVELS)):
        axis.axvspan(0.1, 10, color="0.92")
        for place, s in enumerate(signal.under(first)):
            own_level = s.levels[number]
            if not own_level.noise:
                continue
            # ln(S / v) is normal: its mean is where sigma has its median, its width twice that of ln(sigma).
            middle = math.log(own_level.data / own_level.noise) - 2 * math.log(first.sigma(0))
            width = 2 * first.p_std
            logs = [middle + width * step / 20 for step in range(-80, 81)]
            density = [math.exp(-0.5 * ((x - middle) / width) ** 2) / (width * math.sqrt(2 * math.pi)) for x in logs]
            style = {"color": _COLORS[place % len(_COLORS)], "linestyle": _STYLES[place % len(_STYLES)]}
            axis.plot([math.exp(x) for x in logs], density, label=s.scheme.name, linewidth=1.4, **style)
        axis.set(xscale="log", xlabel=f"variance of data / noise, {level} level", xlim=(1e-4, 1e6), ylim=(0, None))
        axis.set_ylabel("" if number else "density of training")
    axes[1, 1].set_title("grey: data and noise differ by at most ten times in variance", fontsize=10)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), fontsize=9, loc="outside upper center", ncols=3)
    figure.legend(*axes[1, 1].get_legend_handles_labels(), fontsize=9, loc="outside lower center", ncols=6)
    return figure


def training_figure(result: TrainResult) -> Any:
    """Draw what networks learnt: curves, common-noise matrices of residues and atoms, and shares of the loss.

    Returns
    -------
    matplotlib.figure.Figure
    """
    training, rating = result.training, result.rating
    groups = by_name(training.recipes)
    figure, axes = _figure(2, 2, (11, 8.5))
    curves, shares = axes[0, 0], axes[0, 1]
    steps, trained, tested = zip(*training.curve)
    held = "held out" if len(training.data.tested) else "same numbers every time"
    schemes = list(dict.fromkeys(recipe.scheme.name for recipe in training.recipes))
    for name, members in groups.items():
        recipe = training.recipes[members[0]]
        look = {"color": _COLORS[schemes.index(recipe.scheme.name) % len(_COLORS)]}
        style = {"linestyle": "-" if recipe.scaling == "global" else "--"}
        for losses, width, label in ((trained, 0.6, None), (tested, 1.6, name)):
            values = [sum(point[member] for member in members) / len(members) for point in losses]
            curves.plot(steps, values, **look, **style, linewidth=width, label=label)
        start = rating.start[members, 1] / rating.start[members].sum(1)
        gains = rating.gains[members, 1]
        shares.errorbar(
            start.mean(),
            gains.mean(),
            yerr=gains.std(ddof=1) if len(members) > 1 else None,
            marker="o" if recipe.scaling == "global" else "^",
            markerfacecolor=look["color"] if recipe.scaling == "global" else "none",
            linestyle="",
            label=name,
            **look,
        )
    curves.set(xlabel="step", ylabel=f"loss (no unit): thick {held}, thin in training", yscale="log")
    curves.legend(fontsize=7, ncols=2)
    shares.plot([0, 1], [0, 1], color="0.6", linewidth=1, zorder=0)
    shares.set(
        xlabel="residues' share of the loss at the start",
        ylabel="residues' share of what was learnt\n(bars: standard deviation over seeds)",
        xlim=(0, 1),
        ylim=(0, 1),
        aspect="equal",
    )
    shares.legend(fontsize=7, ncols=2, loc="lower right")
    for axis, level in zip(axes[1], (1, 2)):
        _draw_matrix(axis, result, level)
    return figure


def _draw_matrix(axis: Any, result: TrainResult, level: int) -> None:
    """Draw the errors of all networks on all noises at one level, coloured by how far above the best of a noise."""
    if not result.rating.data:  # no scheme gives residues noise
        axis.set_axis_off()
        return
    groups = by_name(result.training.recipes)
    data = result.rating.data[0]
    conditions = result.rating.of(data)
    errors = [[condition.errors()[members, level].mean() for condition in conditions] for members in groups.values()]
    best = [min(column) for column in zip(*errors)]
    above = [[value / least for value, least in zip(row, best)] for row in errors]
    axis.imshow(above, cmap="viridis_r", vmin=1, vmax=2, aspect="auto")
    for row, values in enumerate(errors):
        for column, value in enumerate(values):
            color = "white" if above[row][column] > 1.5 else "black"
            axis.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8, color=color)
    axis.set_xticks(range(len(conditions)), [condition.scheme.name for condition in conditions], fontsize=8)
    axis.set_yticks(range(len(groups)), list(groups), fontsize=8)
    axis.set(
        xlabel=f"noise ({data}); from light to dark: best to twice as much",
        ylabel=f"network: rms error of {LEVELS[level]}s\n(Å per coordinate)",
    )


def _figure(rows: int, columns: int, size: tuple[float, float]) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(rows, columns)
