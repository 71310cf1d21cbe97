"""pomcheck."""

from __future__ import annotations

from typing import Any

from ..parameters.catalogue import CheckParameters
from ..viewer import host
from .declare import command


@command(CheckParameters)
def pomcheck(parameters: CheckParameters, quiet: bool, _self: Any) -> dict[str, str]:
    """
    DESCRIPTION

        "pomcheck" prints the versions of what Pomodoro stands on, the devices
        there are, what is missing, and the exact command that installs it.

    EXAMPLES

        pomcheck

    SEE ALSO

        pomnoise
    """
    from .. import health

    findings = {"PyMOL": _self.get_version()[0], **health.check(), "NumPy in PyMOL": host.numpy_health(_self=_self)}
    if not quiet:
        for what, finding in findings.items():
            print(f" {what:16}{finding}")
    return findings
