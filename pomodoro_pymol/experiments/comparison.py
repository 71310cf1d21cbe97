"""Schemes side by side: what is said of each, in words, a table and a figure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np

from ..color.palettes import DIRECTION_TITLE, DIRECTIONS
from ..noise.expected import expected_levels
from ..noise.levels import Levels
from ..noise.metrics import DIRECTION, METRICS
from ..noise.sigma import law_note
from ..noise.weights import Scheme
from .coloring import Coloring
from .noise import NoiseResult

#: What the colours of directions show, for someone who has read nothing.
_READING = (
    f"{DIRECTION_TITLE}, on the true structure.\n"
    "One colour over a chain: the chain moves as a whole.  "
    "Blocks of one colour: residues stay rigid and rearrange.  "
    "Speckled: every atom goes its own way."
)
# Pixels around what is drawn, and the width of a cell in a figure.
_MARGIN, _INCHES = 12, 5


@dataclass(frozen=True, eq=False)
class Cell:
    """One scheme of a comparison.

    Attributes
    ----------
    scheme : Scheme
    name : str
        Its object in PyMOL.
    result : NoiseResult
    coloring : Coloring
    """

    scheme: Scheme
    name: str
    result: NoiseResult
    coloring: Coloring


def cell_title(cell: Cell) -> list[str]:
    """Return two lines: the scheme with its weights, and what of the motion is of chains, residues and atoms."""
    levels = _expected(cell)
    weights = ":".join(f"{weight:g}" for weight in astuple(cell.scheme.weights))
    name = cell.scheme.name if cell.scheme.name == weights else f"{cell.scheme.name}  {weights}"
    shares = (levels.chain_share, levels.residue_share, levels.atom_share)
    words = ("chains", "residues", "atoms")
    return [name, ", ".join(f"{100 * share:.0f} % {word}" for share, word in zip(shares, words))]


def verdict(levels: Mapping[str, Levels]) -> str:
    """Say which of some schemes keeps residues rigid, and which lets them rearrange, by the shares of the motion.

    Parameters
    ----------
    levels : mapping of str to Levels
        What is expected under the scheme of a name; lengths do not matter.
    """
    moving = {name: of for name, of in levels.items() if math.isfinite(of.atom_share)}
    if not moving:
        return ""
    rigid = min(moving, key=lambda name: moving[name].atom_share)
    loose = max(moving, key=lambda name: moving[name].residue_share)
    whole = max(moving, key=lambda name: moving[name].chain_share)
    return (
        f"{rigid} keeps residues most rigid: {100 * moving[rigid].atom_share:.0f} % of the motion is of atoms alone; "
        f"{loose} lets residues rearrange most: {100 * moving[loose].residue_share:.0f} %; "
        f"{whole} moves whole chains most: {100 * moving[whole].chain_share:.0f} %."
    )


def comparison_text(cells: Sequence[Cell]) -> str:
    """Return a table, a row per scheme: what is expected of the noise, and what its colours show."""
    directed = cells[0].coloring.directions is not None
    shown = ("residues", "chains", "total") if directed else ("mean", "lowest", "highest")
    rows = [
        f" {'':10}{'expected share of the variance':>33}{'residue':>9}{'relative, A':>13}"
        + (f"{'variance of the colours':>26}" if directed else f"{'metric, and as expected':>26}"),
        f" {'scheme':10}{'of chains':>11}{'residues':>11}{'atoms':>11}{'/ atom':>9}{'in space':>13}"
        + "".join(f"{word:>{width}}" for word, width in zip(shown, (10, 8, 8))),
    ]
    for cell in cells:
        levels, coloring = _expected(cell), cell.coloring
        if coloring.directions is not None:
            of = coloring.directions
            numbers = [f"{of.within_residues:10.2f}", f"{of.of_chains:8.2f}", f"{of.total:8.2f}"]
        else:
            finite = coloring.values[np.isfinite(coloring.values)]
            low, high = coloring.expected or (np.nan, np.nan)
            numbers = [f"{finite.mean() if len(finite) else np.nan:10.3g}", f"{low:8.3g}", f"{high:8.3g}"]
        shares = (levels.chain_share, levels.residue_share, levels.atom_share)
        rows.append(
            f" {cell.scheme.name:10}{''.join(f'{share:11.3f}' for share in shares)}"
            f"{levels.ratio:9.3f}{3**0.5 * levels.residue_relative:13.2f}{''.join(numbers)}"
        )
    if directed:
        rows.append(
            " of the colours: within residues, between chains, and all (at most 0.25), over the atoms of a frame"
        )
    return "\n".join(rows)


def comparison_figure(pictures: Sequence[np.ndarray], cells: Sequence[Cell], frame: int) -> Any:
    """Draw pictures of the cells side by side, with a title each and one key.

    Parameters
    ----------
    pictures : sequence of ndarray, shape=(height, width, 3 or 4)
    cells : sequence of Cell
    frame : int
        The frame on the pictures; 0 is the truth.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    columns = min(len(cells), 2 if len(cells) <= 4 else 3)
    rows = -(-len(cells) // columns)
    part = _drawn(pictures)
    height, width = pictures[0][part].shape[:2]
    each = _INCHES * height / width + 0.6
    figure = Figure(figsize=(_INCHES * columns, each * rows + 1.4), layout="constrained")
    grid = figure.add_gridspec(rows + 1, columns, height_ratios=[*[each] * rows, 0.9])
    axes = [figure.add_subplot(grid[place // columns, place % columns]) for place in range(len(cells))]
    below = figure.add_subplot(grid[rows, :])
    for axis in (*axes, below):
        axis.set_axis_off()
    for axis, picture, cell in zip(axes, pictures, cells):
        axis.imshow(picture[part])
        name, words = cell_title(cell)
        axis.set_title(f"{name}\nmotion: {words}", fontsize=11)
    first = cells[0]
    parameters = first.result.parameters
    law = law_note(parameters.law_of_sigma)
    sigma = f"\N{GREEK SMALL LETTER SIGMA} {parameters.noise_sigma:.3g} Å per coordinate"
    level = f"z {parameters.noise_z:.3g}, {sigma}, seed {parameters.seed}"
    shown = f"frame {frame}" if frame else "the truth"
    figure.suptitle(f"{first.result.structure.name}: {level}, {shown}{', ' + law if law else ''}", fontsize=12)
    if parameters.metric == DIRECTION:
        _draw_directions(below)
    else:
        _draw_scale(below, first.coloring)
    return figure


def _drawn(pictures: Sequence[np.ndarray]) -> tuple[slice, slice]:
    """Return the part of the pictures that is not white in all of them, with a margin."""
    ink = np.any([picture[..., :3].min(-1) < 0.98 for picture in pictures], axis=0)
    slices = []
    for axis in (1, 0):
        places = np.flatnonzero(ink.any(axis))
        first, last = (places[0], places[-1]) if len(places) else (0, ink.shape[1 - axis] - 1)
        slices.append(slice(max(0, first - _MARGIN), last + _MARGIN + 1))
    return slices[0], slices[1]


def _draw_directions(axis: Any) -> None:
    from matplotlib.patches import Patch

    patches = [Patch(color=rgb, label=text) for text, rgb in DIRECTIONS]
    legend = axis.legend(
        handles=patches,
        title=f"Colour: {_READING}",
        loc="center",
        ncols=len(patches),
        fontsize=9,
        title_fontsize=9,
        frameon=False,
    )
    legend.set_in_layout(False)  # its long lines would make the cells narrow


def _draw_scale(axis: Any, coloring: Coloring) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    scale, metric = coloring.scale, METRICS[coloring.metric]
    colors = LinearSegmentedColormap.from_list(scale.palette, [rgb for _, rgb in scale.stops()])
    mappable = ScalarMappable(Normalize(scale.low, scale.high), colors)
    unit = f" ({metric.unit.replace('A ', 'Å ')})" if metric.unit else ""
    bar = axis.inset_axes((0.2, 0.5, 0.6, 0.25))
    axis.figure.colorbar(mappable, cax=bar, orientation="horizontal", label=f"{metric.label}{unit}")


def _expected(cell: Cell) -> Levels:
    """Return the levels that the closed form gives for a cell."""
    parameters = cell.result.parameters
    return expected_levels(cell.result.statistics.hierarchy, parameters.weights, parameters.noise_sigma)
