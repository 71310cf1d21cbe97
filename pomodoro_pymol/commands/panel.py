"""pompanel."""

from __future__ import annotations

from typing import Any

from ..catalogue import PanelParameters
from .declare import command


@command(PanelParameters)
def pompanel(parameters: PanelParameters, quiet: bool, _self: Any) -> Any:
    """
    DESCRIPTION

        "pompanel" opens the panel, docked at the right of PyMOL's window:
        sliders for the noise level and the weights, Run and Live, numbers
        measured beside expected, plots, and the command that repeats what
        it shows. It returns the dock.

    EXAMPLES

        pompanel

    NOTES

        It needs PyMOL's window; the entry of the Plugin menu does the same.

    SEE ALSO

        pomnoise, pomcolor
    """
    from ..panel import open_panel

    return open_panel(_self=_self)
