"""pomcolor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..noise.metrics import METRICS
from ..parameters.catalogue import ColorParameters
from .declare import command

if TYPE_CHECKING:
    from ..color.scale import ColorScale


@command(
    ColorParameters,
    metrics=[f"{name:14}" + ", ".join(filter(None, (metric.label, metric.unit))) for name, metric in METRICS.items()],
)
def pomcolor(parameters: ColorParameters, quiet: bool, _self: Any) -> ColorScale:
    """
    DESCRIPTION

        "pomcolor" recolours an object that pomnoise made, with another
        metric, palette or range. It sets b of the object to the metric,
        redraws the colour key, and returns the colour scale.

        {metrics}

    EXAMPLES

        pomcolor metric=relative
        pomcolor 1hpv_noise, scramble, cividis, 0:1.5

    SEE ALSO

        pomnoise
    """
    from ..jobs.coloring import color

    name, coloring = color(parameters, _self=_self)
    if not quiet:
        print(f" pomcolor: {name}\n{coloring.report()}")
    return coloring.scale
