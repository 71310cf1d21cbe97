"""Runs of pomsample in PyMOL, in steps like those of `noise`."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import numpy as np

from ..diffusion.curves import curves_csv
from ..errors import PomodoroError
from ..experiments import outputs
from ..experiments.sampling import SampleResult, run_sample
from ..parameters.catalogue import SampleParameters
from ..structure.hierarchy import Hierarchy
from ..structure.input_notes import input_notes
from ..utils import memory
from ..utils.text import counted
from ..viewer import publishing, reading, sources
from ..viewer.states import twin_writers
from .data import SourceData
from .saving import record_of


class SampleRun:
    """A run of pomsample: `prepare`, `work`, which alone may run in another thread, `finish`.

    A context manager like `noise.NoiseRun`, which leaves nothing in PyMOL until `finish`.

    Attributes
    ----------
    line : str
        The command that repeats it.
    total : int
        How many steps `work` tells of.
    names : list of str
        Objects to make.
    hidden : str
        The source, if the run hid it in the end.

    Raises
    ------
    PomodoroError
        If there is no such structure, a name is not free to take, or memory is short.
    """

    def __init__(self, parameters: SampleParameters, *, _self: Any) -> None:
        outputs.check_paths(parameters.csv, parameters.figure)
        self._self = _self
        self._open = ExitStack()
        self.line = parameters.to_text()
        self.total = parameters.settings.steps
        self.hidden = ""
        self.source = sources.resolve_source(
            parameters.selection, parameters.state, parameters.residues, parameters.chains, _self=_self
        )
        self.parameters = replace(parameters, selection=self.source.selection, state=self.source.state)
        self._final = parameters.show == "final"
        name = parameters.name or f"{self.source.object}_sample"
        one = self._final or parameters.samples == 1
        self.names = [name] if one else [f"{name}_{number}" for number in range(1, parameters.samples + 1)]
        for each in self.names:
            sources.check_output(each, self.source, _self=_self)
        n_members = _self.count_states(f"%{self.source.object}")
        n_kept = len(parameters.kept_steps())
        memory.require(
            memory.sample_bytes(self.source.n_atoms, n_members, parameters.samples, n_kept, len(self.names)),
            f"{parameters.samples * n_kept} states of {self.source.n_atoms} atoms",
        )

    def __enter__(self) -> SampleRun:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def prepare(self, piece: int = 0) -> Generator[None, None, SourceData]:
        """Read the source, ``piece`` atoms at a time.

        Raises
        ------
        PomodoroError
            If its states differ in their atoms.
        """
        structure, states = yield from reading.ensemble_steps(self.source, piece=piece, _self=self._self)
        self._draft = self._open.enter_context(sources.draft(self.source, self.names[0], _self=self._self))
        yield
        self._structure = yield from reading.draft_steps(
            self.source, self._draft, piece=piece, order=structure.order, _self=self._self
        )
        if not np.array_equal(self._structure.coords, structure.coords):
            raise PomodoroError(f"{self.source.object} was changed while it was read")
        return SourceData(structure, states)

    def work(self, data: SourceData, write: Callable[[Any], None], tell: Callable[..., None]) -> SampleResult:
        """Sample; ``tell(step, steps, record)`` after each step, which may end the run by raising."""
        return run_sample(
            data.structure,
            data.states,
            self.parameters,
            lambda record, step: tell(step.number, step.steps, record),
        )

    def write(self, frames: Any) -> None:
        """Nothing is written before the end."""

    def check(self) -> None:
        """Check, on PyMOL's thread, that the source is there still, of which the objects are made in the end.

        Raises
        ------
        PomodoroError
            If it is gone, or has other atoms than when it was read.
        """
        source = self.source
        if source.object not in self._self.get_names("objects"):
            raise PomodoroError(f"{source.object} was deleted or renamed during the run")
        atoms = f"({source.selection}) and %{source.object} and state {source.state}"
        if reading.count_atoms(atoms, _self=self._self) != source.n_atoms:
            raise PomodoroError(f"{source.object} was changed during the run")

    def finish(self, result: SampleResult, piece: int = 0) -> Generator[None, None, None]:
        """Write the curves where asked to, and make the objects, all or none.

        Raises
        ------
        PomodoroError
            If the source is gone, or has other atoms than when it was read.
        """
        outputs.write_csv(self.parameters.csv, curves_csv(result.records))
        if self.parameters.figure:
            from ..experiments.figures import curves_figure

            outputs.write_figure(self.parameters.figure, curves_figure(result.records, result.n_states))
            yield
        cmd = self._self
        self.check()
        record = record_of(self.parameters, self.source.object, self._structure)
        with twin_writers(self._draft, self._structure, len(self.names), _self=cmd) as writers:
            for sample, writer in enumerate(writers):
                writer.write(result.frames[:, -1] if self._final else result.frames[sample])
                titles = result.final_titles() if self._final else result.titles(sample)
                publishing.set_titles(writer.name, titles, _self=cmd)
                yield
            for name, writer in zip(self.names, writers):
                yield from writer.dress(name, self.source.object, piece=piece)
            for writer in writers:
                writer.verify()
            for name, writer in zip(self.names, writers):
                self.hidden = writer.publish(name, record, self.source.object) or self.hidden

    def report(self, result: SampleResult, made: None = None) -> str:
        """Return what the command prints."""
        names = self.names[0] if len(self.names) == 1 else f"{self.names[0]} .. {self.names[-1]}"
        n_states = self.parameters.samples if self._final else len(result.kept)
        states = counted(n_states, "state") + (" each" if len(self.names) > 1 else "")
        notes = input_notes(self._structure, Hierarchy.from_structure(self._structure))
        noted = "".join(f"\n note: {note}" for note in notes)
        told = f" pomsample: {self.source.object} -> {names}: {states}{noted}\n{result.report()}"
        return told + publishing.hidden_text(self.hidden)
