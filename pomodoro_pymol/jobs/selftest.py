"""The self-test: what may differ between builds of PyMOL, tried once in the user's own session."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..errors import PomodoroError
from ..io.disk import temporary_folder
from ..utils.problems import problem_text
from ..viewer import about, stage
from .trials import STEPS, NotTried, Trial


@dataclass(frozen=True)
class Finding:
    """What a step of the self-test found.

    Attributes
    ----------
    step : str
    outcome : {"ok", "failed", "not tried"}
    text : str
        Figures, or the reason.
    seconds : float
    """

    step: str
    outcome: str
    text: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.outcome}: {self.text} ({1000 * self.seconds:.0f} ms)".encode("ascii", "replace").decode()


def self_test(tell: Callable[[Finding], None], panel: Callable[[], str], *, _self: Any) -> tuple[list[Finding], str]:
    """Try all steps; return what they found, and the line that sums it up.

    The session is afterwards as it was, also where a step fails, and the last step says whether it is.

    Parameters
    ----------
    tell : callable
        Called with each finding as soon as it is there.
    panel : callable
        Tries whether the panel can be opened; returns in words what it is made of.
    """
    findings: list[Finding] = []
    bad: set[str] = set()

    def take(step: str, work: Callable[[], str], needs: str = "") -> None:
        """Try a step, unless the one that it needs failed, and tell of what was found."""
        start = time.perf_counter()
        outcome = "ok"
        try:
            if needs in bad:
                raise NotTried(f"{needs} failed")
            text = work()
        except NotTried as reason:
            outcome, text = "not tried", str(reason)
        except Exception as error:
            outcome, text = "failed", problem_text(error).replace(str(trial.folder), "TEMPORARY")
        if outcome == "failed" or needs in bad:
            bad.add(step)
        findings.append(Finding(step, outcome, text, time.perf_counter() - start))
        tell(findings[-1])

    before = stage.look_of(_self=_self)
    start = time.perf_counter()
    with temporary_folder("pomodoro-") as folder:
        trial = Trial(_self, folder)
        with stage.stage(_self=_self):
            for step, (work, needs) in STEPS.items():
                take(step, partial(work, trial), needs)
        take("panel", lambda: _panel(panel, _self))
        take("as before", lambda: _unchanged(before, _self))
    passed = sum(finding.outcome == "ok" for finding in findings)
    tried = sum(finding.outcome != "not tried" for finding in findings)
    rest = f", {len(findings) - tried} not tried" if tried < len(findings) else ""
    return findings, f"{passed} of {tried} passed{rest} in {time.perf_counter() - start:.1f} s"


def _panel(panel: Callable[[], str], _self: Any) -> str:
    if about.own_window(_self=_self) is None:
        raise NotTried("no window")
    return panel()


def _unchanged(before: dict[str, Any], _self: Any) -> str:
    after = stage.look_of(_self=_self)
    other = [what for what, value in before.items() if after[what] != value]
    if other:
        raise PomodoroError(f"not as before: {', '.join(other)}")
    return f"names, view, frame, and {sum(what.startswith('setting') for what in before)} settings"
