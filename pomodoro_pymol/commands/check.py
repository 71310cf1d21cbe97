"""pomcheck: what is installed and what works."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import PomodoroError
from ..parameters.catalogue import CheckParameters
from .declare import command


@command(CheckParameters)
def pomcheck(parameters: CheckParameters, quiet: bool, _self: Any) -> dict[str, str]:
    """
    DESCRIPTION

        "pomcheck" prints the versions of what Pomodoro stands on, the devices
        there are, what is missing, and the exact command that installs it.

        With test=1 it then tries in this very PyMOL, and in its window where
        it has one, what may differ between builds: it reads, noises, colours
        and draws a small structure of its own, writes and reads files, opens a
        saved session in a second PyMOL without a window, and writes frames in
        place as Live does. What PyMOL then holds is compared bit for bit, and
        what it draws by its pixels. It takes a few seconds.

    EXAMPLES

        pomcheck
        pomcheck test=1

    NOTES

        Where something does not work, paste all that pomcheck test=1 prints
        into the report: it is plain text, and tells of nothing that is loaded.

        Objects, selections, colours, settings, view and frame are afterwards
        as before, also where a step fails; files go to a temporary folder that
        is removed. A step that fails says why, the next ones go on, and an
        error that names those that failed comes last, so that a script stops.
        A step that cannot be tried, as without a window, is no failure.

        It returns what it prints, as a dictionary. On the command line
        "python -m pomodoro_pymol check" has no test: it knows no PyMOL.

    SEE ALSO

        pomnoise
    """
    from .. import health
    from ..viewer.about import about

    findings: dict[str, str] = {}

    def tell(what: str, finding: str) -> None:
        findings[what] = finding
        if not quiet:
            print(f" {what:16}{finding}", flush=True)

    for what, finding in {"PyMOL": _self.get_version()[0], **health.check(), **about(_self=_self)}.items():
        tell(what, finding)
    if parameters.test:
        _test(tell, _self)
    return findings


def _test(tell: Callable[[str, str], None], _self: Any) -> None:
    """Tell what the self-test finds, step by step.

    Raises
    ------
    PomodoroError
        In the end, if a step failed.
    """
    from ..jobs.selftest import self_test

    found, summary = self_test(lambda finding: tell(f"test {finding.step}", str(finding)), _panel, _self=_self)
    tell("self-test", summary)
    failed = [f"{finding.step}: {finding.text}" for finding in found if finding.outcome == "failed"]
    if failed:
        raise PomodoroError(f"self-test: {summary}; {'; '.join(failed)}")


def _panel() -> str:
    """Import all that the panel is made of; return with which Qt."""
    import qtpy

    from ..panel import dock  # noqa: F401  imports all but the plots
    from ..utils.problems import known_text

    try:
        from ..panel.widgets import plot_items  # noqa: F401
    except ModuleNotFoundError as error:
        return f"{qtpy.API_NAME} {qtpy.QT_VERSION}, without plots: {known_text(error)}"
    return f"{qtpy.API_NAME} {qtpy.QT_VERSION}, with plots"
