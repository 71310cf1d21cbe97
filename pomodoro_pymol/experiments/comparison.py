"""Schemes side by side: what is said of each, in words, a table and a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np

from ..color.palettes import DIRECTION_TITLE, DIRECTIONS
from ..noise.expected import expected_levels
from ..noise.metrics import DIRECTION, METRICS
from ..noise.sigma import law_note
from ..noise.weights import Scheme
from .coloring import Coloring
from .noise import NoiseResult

#: What the colours of directions show, for someone who has read nothing.
_READING = (
    "colour = the direction in which an atom moves, on the true structure.  "
    "One colour over a chain: the chain moves as a whole.  "
    "Blocks of one colour: residues stay rigid and rearrange.  "
    "Speckled: every atom goes its own way."
)


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
    words = ("whole chains", "residues", "atoms alone")
    return [name, ", ".join(f"{100 * share:.0f} % {word}" for share, word in zip(shares, words))]


def comparison_text(cells: Sequence[Cell]) -> str:
    """Return a table, a row per scheme: what is expected of the noise, and what its colours show."""
    directed = cells[0].coloring.directions is not None
    rows = [
        " scheme    expected variance share     residue  residue relative  "
        + ("colour's variance, share within" if directed else "mean of the metric"),
        "           chain residue    atom       / atom   to chain, A in space  "[:66]
        + ("residues  chains  (total)" if directed else "measured   expected"),
    ]
    for cell in cells:
        levels = _expected(cell)
        row = (
            f" {cell.scheme.name:10}{levels.chain_share:5.3f}   {levels.residue_share:5.3f}   {levels.atom_share:5.3f}"
            f"       {levels.ratio:6.3f}        {3**0.5 * levels.residue_relative:7.2f}     "
        )
        if cell.coloring.directions is not None:
            of = cell.coloring.directions
            row += f"   {of.within_residues:8.2f}{of.of_chains:8.2f}  ({of.total:.2f})"
        else:
            values = cell.coloring.values
            mean = float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
            low, high = cell.coloring.expected or (float("nan"),) * 2
            row += f"   {mean:8.3g}   {low:.3g} .. {high:.3g}"
        rows.append(row)
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
    from .figures import new_figure

    columns = min(len(cells), 2 if len(cells) <= 4 else 3)
    rows = -(-len(cells) // columns)
    figure, axes = new_figure(rows, columns, (5 * columns, 4.2 * rows + 0.9))
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, picture, cell in zip(axes.flat, pictures, cells):
        axis.imshow(picture)
        name, words = cell_title(cell)
        axis.set_title(f"{name}\n{words}", fontsize=11)
    first = cells[0]
    parameters = first.result.parameters
    law = law_note(parameters.law_of_sigma)
    level = f"z {parameters.noise_z:.3g}, σ {parameters.noise_sigma:.3g} Å per coordinate, seed {parameters.seed}"
    shown = f"frame {frame}" if frame else "the truth"
    figure.suptitle(f"{first.result.structure.name}: {level}, {shown}{', ' + law if law else ''}", fontsize=12)
    if parameters.metric == DIRECTION:
        _draw_directions(figure)
    else:
        _draw_scale(figure, axes, first.coloring)
    return figure


def _draw_directions(figure: Any) -> None:
    from matplotlib.patches import Patch

    patches = [Patch(color=rgb, label=text) for text, rgb in DIRECTIONS]
    words = _READING.replace(".  ", ".\n", 1)
    figure.legend(
        handles=patches,
        title=f"{DIRECTION_TITLE}: {words.removeprefix('colour = the direction in which an atom moves, ')}",
        loc="outside lower center",
        ncols=len(patches),
        fontsize=9,
        title_fontsize=9,
        frameon=False,
    )


def _draw_scale(figure: Any, axes: Any, coloring: Coloring) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    scale, metric = coloring.scale, METRICS[coloring.metric]
    colors = LinearSegmentedColormap.from_list(scale.palette, [rgb for _, rgb in scale.stops()])
    mappable = ScalarMappable(Normalize(scale.low, scale.high), colors)
    unit = f" ({metric.unit.replace('A ', 'Å ')})" if metric.unit else ""
    figure.colorbar(mappable, ax=axes, location="bottom", shrink=0.6, aspect=40, label=f"{metric.label}{unit}")


def _expected(cell: Cell) -> Any:
    parameters = cell.result.parameters
    return expected_levels(cell.result.hierarchy, parameters.weights, parameters.noise_sigma)
