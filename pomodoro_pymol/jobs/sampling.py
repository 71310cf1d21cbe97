"""Runs of pomsample in PyMOL."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any

from ..errors import PomodoroError
from ..experiments import outputs
from ..experiments.sampling import SampleResult, run_sample
from ..parameters.catalogue import SampleParameters
from ..structure.hierarchy import Hierarchy
from ..utils import memory
from ..utils.text import counted
from ..viewer import publishing, reading, sources
from ..viewer.states import twin_writers
from .run import Run, SourceData, Tell, note_lines
from .saving import record_of

# What is left free around a sample, as a part of its extent.
_ROOM = 0.1


class SampleRun(Run):
    """A run of pomsample, a step of whose work is one of the sampler.

    Attributes
    ----------
    names : list of str
        Objects to make of the samples.
    denoised : list of str
        Objects to make of their denoised estimates, one for each of ``names``, or none.

    Raises
    ------
    PomodoroError
        If there is no such structure, a name is not free to take, or memory is short.
    """

    def __init__(self, parameters: SampleParameters, *, _self: Any) -> None:
        outputs.check_paths(parameters.csv, parameters.figure)
        super().__init__(parameters, _self=_self)
        self.total = parameters.settings.steps
        self.parameters = replace(parameters, selection=self.source.selection, state=self.source.state)
        self._final = parameters.show == "final"
        name = parameters.name or f"{self.source.object}_sample"
        one = self._final or parameters.samples == 1
        self.names = [name] if one else [f"{name}_{number}" for number in range(1, parameters.samples + 1)]
        self.denoised = [f"{each}_denoised" for each in self.names] if parameters.keep else []
        for each in (*self.names, *self.denoised):
            sources.check_output(each, self.source, _self=_self)
        n_members = _self.count_states(f"%{self.source.object}")
        n_kept = len(parameters.kept_steps()) * (2 if parameters.keep else 1)
        n_objects = len(self.names) + len(self.denoised)
        memory.require(
            memory.sample_bytes(self.source.n_atoms, n_members, parameters.samples, n_kept, n_objects),
            f"{parameters.samples * n_kept} states of {self.source.n_atoms} atoms",
        )

    def prepare(self, piece: int = 0) -> Generator[None, None, SourceData]:
        """Read the source, and copy it.

        Raises
        ------
        PomodoroError
            If its states differ in their atoms.
        """
        structure, states = yield from reading.ensemble_steps(self.source, piece=piece, _self=self._self)
        self._structure = yield from self._read_copy(self.names[0], piece, like=structure)
        return SourceData(structure, states)

    def work(self, data: SourceData, tell: Tell) -> SampleResult:
        """Sample; ``tell(step, steps, record)`` after each step, which may end the run by raising."""
        return run_sample(
            data.structure,
            data.states,
            self.parameters,
            lambda record, step: tell(step.number, step.steps, record),
        )

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
        outputs.write(result, self.parameters.csv, self.parameters.figure)
        yield
        cmd = self._self
        self.check()
        record = record_of(self.parameters, self.source.object, self._structure)
        names = [*self.names, *self.denoised]
        with twin_writers(self._draft, self._structure, len(names), _self=cmd) as writers:
            for writer, (frames, titles) in zip(writers, self._contents(result)):
                writer.write(frames)
                publishing.set_titles(writer.name, titles, _self=cmd)
                yield
            for name, writer in zip(names, writers):
                yield from writer.dress(name, self.source.object, piece=piece)
            for writer in writers:
                writer.verify()
            for name, writer in zip(names, writers):
                self.hidden = writer.publish(name, record, self.source.object) or self.hidden

    def _contents(self, result: SampleResult) -> Iterator[tuple[Any, list[str]]]:
        """Yield the frames and titles of each object: of the samples, then of their denoised estimates."""
        samples = range(self.parameters.samples)
        if self._final:
            yield result.frames[:, -1], result.final_titles()
        else:
            for sample in samples:
                yield result.frames[sample], result.titles(sample)
        if result.denoised is None:
            return
        if self._final:
            yield result.denoised[:, -1], [result.denoised_titles(sample)[-1] for sample in samples]
        else:
            for sample in samples:
                yield result.denoised[sample], result.denoised_titles(sample)

    def report(self, result: SampleResult, made: None = None) -> str:
        """Return what the command prints."""
        names = _spanned(self.names)
        n_states = self.parameters.samples if self._final else len(result.kept)
        states = counted(n_states, "state") + (" each" if len(self.names) > 1 else "")
        notes = note_lines(self._structure, Hierarchy.from_structure(self._structure))
        also = f"; denoised estimates: {_spanned(self.denoised)}" if self.denoised else ""
        told = f" pomsample: {self.source.object} -> {names}: {states}{also}\n{notes}{result.report()}"
        return told + publishing.hidden_text(self.hidden)


def _spanned(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} .. {names[-1]}"


def show_sample(name: str, denoised: str, *, _self: Any) -> list[str]:
    """Look at the end of a sample, its last state, from near; beside it, in PyMOL's grid, its denoised estimate.

    The states before may lie some thousand angstrom away. What else is shown would take cells of
    the grid and is hidden; ``set grid_mode, 0`` ends it.

    Parameters
    ----------
    name : str
    denoised : str
        The object of its estimates, "" where there is none: then only the state and the view change.

    Returns
    -------
    list of str
        The commands that do the same.
    """
    lines = []
    state = _self.count_states(f"%{name}")
    low, high = _self.get_extent(f"%{name}", state=state)
    size = max(end - start for start, end in zip(low, high))
    words, room = sources.object_words(name, _self=_self), _ROOM * size
    if denoised:
        for other in _self.get_names("public_objects", enabled_only=1):
            if other not in (name, denoised):
                _self.disable(other)
                lines.append(f"disable {other}")
        for slot, each in enumerate((name, denoised), 1):
            _self.set("grid_slot", slot, each, quiet=1)
            lines.append(f"set grid_slot, {slot}, {each}")
        _self.set("grid_mode", 1, quiet=1)
        lines.append("set grid_mode, 1")
        words += f" or {sources.object_words(denoised, _self=_self)}"
        # PyMOL zooms as if there were no grid. Cells side by side show as much from top to bottom as the whole
        # picture, but half from left to right; cells above one another, in a picture that is not wide, show more.
        width, height = _self.get_viewport()
        if width > height:
            room += size * max(0, 2 * height / width - 1) / 2
    _self.frame(state)
    _self.zoom(words, round(room, 1), state=state)
    return [*lines, f"frame {state}", f"zoom {words}, {room:.1f}, state={state}"]
