"""Runs of pomtrain in PyMOL."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

from ..errors import PomodoroError
from ..experiments import outputs
from ..experiments.ensemble_training import run_train
from ..experiments.training import TrainResult, check_run, recipes_of
from ..parameters.catalogue import TrainParameters
from ..structure.hierarchy import Hierarchy
from ..viewer import grid
from .compare import check_names
from .run import Run, SourceData, Tell, data_steps, note_lines
from .side_by_side import show_samples


class TrainRun(Run):
    """A run of pomtrain, a step of whose work is one of training.

    Attributes
    ----------
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
        super().__init__(parameters, _self=_self)
        self.path = check_run(parameters, self.source.object)
        self.parameters = replace(parameters, network=parameters.network or str(self.path))
        self.total = parameters.steps
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

    def prepare(self, piece: int = 0) -> Generator[None, None, SourceData]:
        """Read the source; copy it where samples of it are to be shown.

        Raises
        ------
        PomodoroError
            If its states differ in their atoms.
        """
        data = yield from data_steps(self.source, False, piece=piece, _self=self._self)
        if self.names:
            self._shown = yield from self._read_copy(self.names[0], piece, like=data.structure)
        return data

    def work(self, data: SourceData, tell: Tell) -> TrainResult:
        """Train; ``tell(step, steps, record)`` may end the run by raising, and the file has what is trained by then."""

        def told(step: int, steps: int, record: Any = None) -> None:
            """Keep how far the training is, and hand on what is told of the step."""
            self.step = step
            tell(step, steps, record)

        return run_train(data.structure, data.states, self.parameters, told)

    def finish(self, result: TrainResult, piece: int = 0) -> Generator[None, None, None]:
        """Write table and figure where asked to, and show samples; the networks are written by then."""
        outputs.write(result, self.parameters.csv, self.parameters.figure)
        yield
        if self.names:
            yield from show_samples(
                result, self.names, self._draft, self._shown, self.source.object, piece, _self=self._self
            )

    def report(self, result: TrainResult, made: None = None) -> str:
        """Return what the command prints."""
        notes = ""
        if result.structure is not None:
            notes = note_lines(result.structure, Hierarchy.from_structure(result.structure))
        shown = f"\n samples: {', '.join(self.names)}; pomcompare off ends it" if self.names else ""
        return f" pomtrain: {self.source.object} -> {self.path}{shown}\n{notes}{result.report()}"
