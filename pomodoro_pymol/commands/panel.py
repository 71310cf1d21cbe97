"""pompanel: the docked panel."""

from __future__ import annotations

from typing import Any

from ..errors import PomodoroError
from ..parameters.catalogue import PanelParameters
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
    from ..viewer import window

    main = window.main_window()
    if main is None:
        raise PomodoroError("the panel needs PyMOL's window: in a script, use pomnoise and the other commands")
    from ..panel.dock import open_dock  # imports Qt

    return open_dock(main, _self=_self)
