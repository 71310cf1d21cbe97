"""Runs of pomsignal in PyMOL, which make no object."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from ..experiments import outputs
from ..experiments.signal_report import SignalResult, check_signal, run_signal
from ..parameters.catalogue import SignalParameters
from ..utils import memory
from .run import Run, SourceData, Tell, data_steps, note_lines


class SignalRun(Run):
    """A run of pomsignal.

    Raises
    ------
    PomodoroError
        If there is no such structure or scheme, a file cannot be written, or memory is short.
    """

    def __init__(self, parameters: SignalParameters, *, _self: Any) -> None:
        check_signal(parameters)
        super().__init__(parameters, _self=_self)
        self.parameters = parameters

    def prepare(self, piece: int = 0) -> Generator[None, None, SourceData]:
        """Read the source.

        Raises
        ------
        PomodoroError
            If its states differ in their atoms.
        """
        alone, needs = bool(self.parameters.data), memory.signal_bytes
        return (yield from data_steps(self.source, alone, needs=needs, piece=piece, _self=self._self))

    def work(self, data: SourceData, tell: Tell) -> SignalResult:
        """Compute, in one step, which is not told of."""
        return run_signal(data.structure, data.states, self.parameters)

    def finish(self, result: SignalResult, piece: int = 0) -> Generator[None, None, None]:
        """Write table and figure where asked to."""
        outputs.write(result, self.parameters.csv, self.parameters.figure)
        yield

    def report(self, result: SignalResult, made: None = None) -> str:
        """Return what the command prints."""
        notes = note_lines(result.structure, result.hierarchy)
        return f" pomsignal: {self.source.object}\n{notes}{result.report()}"
