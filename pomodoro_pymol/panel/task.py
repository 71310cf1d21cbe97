"""What a page of the panel wants run: one command, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..jobs.run import Run


@dataclass(frozen=True)
class Task:
    """A command to run beside the event loop; the panel has one button, one progress and one status for all.

    Attributes
    ----------
    stage : str
        What goes on meanwhile, shown with the progress, as in "noise".
    unit : str
        What `Run.total` counts, in the plural, as in "frames".
    make : callable
        Makes the run, on PyMOL's thread; its errors are told.
    ended : callable
        Takes the result, and returns what the status says of it.
    told : callable
        Takes what the run tells of a step, if it tells any.
    left : callable
        Returns what the progress says beside the counts, as in "1:40 left".
    stop : str
        What Stop does, in sentences.
    stopped : callable
        Returns what the status says of a run that was stopped.
    """

    stage: str
    unit: str
    make: Callable[[], Run]
    ended: Callable[[Any], str]
    told: Callable[[Any], None] = lambda _: None
    left: Callable[[], str] = lambda: ""
    stop: str = "Give the run up. Everything stays as it was."
    stopped: Callable[[], str] = lambda: "stopped: everything is as it was before"
