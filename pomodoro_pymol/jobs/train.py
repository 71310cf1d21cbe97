"""Runs of pomtrain in PyMOL, in steps like those of `noise`."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import PomodoroError
from ..experiments import outputs
from ..experiments.ensemble_training import run_train
from ..experiments.training import TrainResult, check_run, recipes_of
from ..parameters.catalogue import TrainParameters
from ..structure.hierarchy import Hierarchy
from ..structure.input_notes import input_notes
from ..viewer import grid, reading, sources
from .compare import check_names
from .data import SourceData, data_steps
from .side_by_side import show_samples


class TrainRun:
    """A run of pomtrain: `prepare`, `work`, which alone may run in another thread, `finish`.

    A context manager like `noise.NoiseRun`, which leaves nothing in PyMOL until `finish`.

    Attributes
    ----------
    line : str
        The command that repeats it.
    total : int
        How many steps `work` tells of.
    hidden : str
        Empty: nothing is hidden.
    names : list of str
        Objects to make of samples, if any.
    path : Path
        File of the networks, which holds what is trained also where the run is stopped.
    step : int
        Steps that were taken when `work` last told, those of the run that is resumed among them.

    Raises
    ------
    PomodoroError
        If there is no such structure or scheme, a file cannot be written or resumed, or memory is short.
    """

    def __init__(self, parameters: TrainParameters, *, _self: Any) -> None:
        self._self = _self
        self._open = ExitStack()
        self.source = sources.resolve_source(
            parameters.selection, parameters.state, parameters.residues, parameters.chains, _self=_self
        )
        self.path = check_run(parameters, self.source.object)
        self.parameters = replace(parameters, network=parameters.network or str(self.path))
        self.line = parameters.to_text()
        self.total, self.hidden = parameters.steps, ""
        self.step = 0
        self.names: list[str] = []
        if parameters.show:
            if not parameters.samples:
                raise PomodoroError("show=1 shows samples: give samples=32, or show=0")
            former = grid.members(_self=_self)
            if self.source.object in former:
                raise PomodoroError(f"{self.source.object} is of the comparison that show=1 replaces: name its source")
            labels = dict.fromkeys(recipe.name for recipe in recipes_of(parameters))
            name = self.source.object
            self.names = [_self.get_legal_name(f"{name}_{label.replace(' ', '_')}") for label in labels]
            check_names(self.names, former, _self)

    def __enter__(self) -> TrainRun:
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
        data = yield from data_steps(self.source, False, piece=piece, _self=self._self)
        if self.names:
            draft = sources.draft(self.source, self.names[0], _self=self._self)
            self._draft = self._open.enter_context(draft)
            yield
            self._shown = yield from reading.draft_steps(
                self.source, self._draft, piece=piece, order=data.structure.order, _self=self._self
            )
            if not np.array_equal(self._shown.coords, data.structure.coords):
                raise PomodoroError(f"{self.source.object} was changed while it was read")
        return data

    def work(self, data: SourceData, write: Callable[[Any], None], tell: Callable[..., None]) -> TrainResult:
        """Train; ``tell(step, steps, record)`` may end the run by raising, and the file has what is trained by then."""

        def told(step: int, steps: int, record: Any = None) -> None:
            self.step = step
            tell(step, steps, record)

        return run_train(data.structure, data.states, self.parameters, told)

    def write(self, frames: Any) -> None:
        """Nothing is written into PyMOL."""

    def check(self) -> None:
        """Nothing of PyMOL's is needed any more."""

    def finish(self, result: TrainResult, piece: int = 0) -> Generator[None, None, None]:
        """Write table and figure where asked to, and show samples; the networks are written by then."""
        outputs.write_csv(self.parameters.csv, result.csv())
        yield
        if self.parameters.figure:
            from ..experiments.figures import training_figure

            outputs.write_figure(self.parameters.figure, training_figure(result))
            yield
        if self.names:
            yield from show_samples(
                result, self.names, self._draft, self._shown, self.source.object, piece, _self=self._self
            )

    def report(self, result: TrainResult, made: None = None) -> str:
        """Return what the command prints."""
        notes = ""
        if result.structure is not None:
            found = input_notes(result.structure, Hierarchy.from_structure(result.structure))
            notes = "".join(f" note: {note}\n" for note in found)
        shown = f"\n samples: {', '.join(self.names)}; pomcompare off ends it" if self.names else ""
        return f" pomtrain: {self.source.object} -> {self.path}{shown}\n{notes}{result.report()}"
