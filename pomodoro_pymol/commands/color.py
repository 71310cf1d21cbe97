"""pomcolor: residues in the colours of another metric."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from ..noise.metrics import DIRECTION, METRICS, span_text
from ..parameters.catalogue import ColorParameters
from .declare import command

if TYPE_CHECKING:
    from ..color.scale import ColorScale


_DIRECTION = "each atom by where it moves, frame by frame: red is x, green y, blue z; on the true structure"


def _line(name: str) -> str:
    metric = METRICS[name]
    text = f"{name:14}{', '.join(filter(None, (metric.label, metric.unit)))}; colours from {span_text(name)}"
    return textwrap.fill(text, 68, subsequent_indent=" " * 14)


@command(
    ColorParameters,
    metrics=[*map(_line, METRICS), textwrap.fill(f"{DIRECTION:14}{_DIRECTION}", 68, subsequent_indent=" " * 14)],
)
def pomcolor(parameters: ColorParameters, quiet: bool, _self: Any) -> ColorScale:
    """
    DESCRIPTION

        "pomcolor" recolours an object that pomnoise made, with another
        metric, palette or range. It sets b of the object to the metric,
        redraws the colour key, and returns the colour scale.

        {metrics}

        Each metric has a range of colours of its own, the same for all
        schemes, so that schemes compare. range=auto spans what this object
        shows instead, and says how much of it is signal: of 20 frames most
        is the chance of the draw. The report names the schemes that these
        colours can hardly tell apart. Scores (lddt, within, between) are
        expected ones, without the chance of a draw: compare residues by
        them, and schemes by the others, which another seed gives to other
        residues unless the noise is flat.

    EXAMPLES

        pomcolor metric=relative
        pomcolor 1hpv_noise, scramble, cividis, 0:1.5
        pomcolor range=auto

    SEE ALSO

        pomnoise
    """
    from ..jobs.coloring import color

    name, coloring = color(parameters, _self=_self)
    if not quiet:
        print(f" pomcolor: {name}\n{coloring.report()}")
    return coloring.scale
