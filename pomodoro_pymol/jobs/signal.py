"""Runs of pomsignal in PyMOL, in steps like those of `noise`, which make no object."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from ..experiments import outputs
from ..experiments.signal_report import SignalResult, check_signal, run_signal, signal_csv
from ..parameters.catalogue import SignalParameters
from ..structure.input_notes import input_notes
from ..utils import memory
from ..viewer import sources
from .data import SourceData, data_steps


class SignalRun:
    """A run of pomsignal: `prepare`, `work`, which alone may run in another thread, `finish`.

    Attributes
    ----------
    line : str
        The command that repeats it.
    total : int
        1: its work is one step.
    hidden : str
        Empty: nothing is hidden.

    Raises
    ------
    PomodoroError
        If there is no such structure or scheme, a file cannot be written, or memory is short.
    """

    def __init__(self, parameters: SignalParameters, *, _self: Any) -> None:
        check_signal(parameters)
        self._self = _self
        self.parameters = parameters
        self.line = parameters.to_text()
        self.total, self.hidden = 1, ""
        self.source = sources.resolve_source(
            parameters.selection, parameters.state, parameters.residues, parameters.chains, _self=_self
        )

    def __enter__(self) -> SignalRun:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing stays open."""

    def prepare(self, piece: int = 0) -> Generator[None, None, SourceData]:
        """Read the source, ``piece`` atoms at a time.

        Raises
        ------
        PomodoroError
            If its states differ in their atoms.
        """
        alone, needs = bool(self.parameters.data), memory.signal_bytes
        return (yield from data_steps(self.source, alone, needs=needs, piece=piece, _self=self._self))

    def work(self, data: SourceData, write: Callable[[Any], None], tell: Callable[..., None]) -> SignalResult:
        """Compute."""
        return run_signal(data.structure, data.states, self.parameters)

    def write(self, frames: Any) -> None:
        """Nothing is written."""

    def check(self) -> None:
        """Nothing of PyMOL's is needed any more."""

    def finish(self, result: SignalResult, piece: int = 0) -> Generator[None, None, None]:
        """Write table and figure where asked to."""
        outputs.write_csv(self.parameters.csv, signal_csv(result.signal))
        yield
        if self.parameters.figure:
            from ..experiments.figures import signal_figure

            outputs.write_figure(self.parameters.figure, signal_figure(result.signal))

    def report(self, result: SignalResult, made: None = None) -> str:
        """Return what the command prints."""
        notes = "".join(f" note: {note}\n" for note in input_notes(result.structure, result.hierarchy))
        return f" pomsignal: {self.source.object}\n{notes}{result.report()}"
