"""Runs of pomsweep in PyMOL."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..experiments import outputs
from ..experiments.sweep import Sweep, run_sweep, sweep_frames
from ..noise.presets import parse_schemes
from ..noise.sigma import law_note
from ..noise.stream import block_bytes
from ..parameters.catalogue import SweepParameters
from ..structure.hierarchy import Hierarchy
from ..utils import memory
from ..utils.text import counted
from ..viewer import publishing, sources
from ..viewer.states import StateWriter
from .run import Run, Tell, note_lines
from .saving import record_of

if TYPE_CHECKING:
    from ..structure.atoms import Structure


class SweepRun(Run):
    """A run of pomsweep, a step of whose work is a measurement.

    Attributes
    ----------
    name : str
        The object to make.

    Raises
    ------
    PomodoroError
        If there is no such structure or scheme, a name is not free to take, or memory is short.
    """

    def __init__(self, parameters: SweepParameters, *, _self: Any) -> None:
        self._schemes = parse_schemes(parameters.presets)
        self._z = parameters.z.values()
        outputs.check_paths(parameters.csv, parameters.figure)
        super().__init__(parameters, _self=_self)
        self.parameters = replace(parameters, selection=self.source.selection, state=self.source.state)
        self.name = parameters.name or f"{self.source.object}_sweep"
        self.total = len(self._schemes) * parameters.frames * len(self._z)
        sources.check_output(self.name, self.source, _self=_self)
        memory.require(
            memory.sweep_bytes(self.source.n_atoms, len(self._z)) + block_bytes(self.source.n_atoms, parameters.frames),
            f"{len(self._z)} states of {self.source.n_atoms} atoms",
        )

    def prepare(self, piece: int = 0) -> Generator[None, None, Structure]:
        """Copy the source, and read its structure."""
        self._structure = yield from self._read_copy(self.name, piece)
        return self._structure

    def work(self, structure: Structure, tell: Tell) -> Sweep:
        """Measure; ``tell(measurement, measurements, measurement)`` after each, which may end the run by raising."""
        self._hierarchy = Hierarchy.from_structure(structure)
        parameters = self.parameters
        return run_sweep(
            structure,
            self._hierarchy,
            self._schemes,
            self._z,
            frames=parameters.frames,
            seed=parameters.seed,
            device=parameters.device,
            law=parameters.law_of_sigma,
            progress=lambda done, total: tell(done, total, done),
        )

    def finish(self, result: Sweep, piece: int = 0) -> Generator[None, None, None]:
        """Make the object, write the files that were asked for, and publish it, all or none."""
        cmd, parameters, weights = self._self, self.parameters, self._schemes[0].weights
        how = (parameters.seed, parameters.law_of_sigma, result.device)
        frames = sweep_frames(self._structure, self._hierarchy, weights, self._z, *how)
        with StateWriter(self._draft, self._structure.atom_at_place, after=0, _self=cmd) as writer:
            for frame in frames:
                writer.write(frame[None])
                yield
            publishing.set_titles(self._draft, self._titles(), _self=cmd)
            yield
            writer.verify()
            outputs.write(result, parameters.csv, parameters.figure)
            yield
            record = record_of(parameters, self.source.object, self._structure)
            yield from writer.dress(self.name, self.source.object, piece=piece)
            self.hidden = writer.publish(self.name, record, self.source.object)

    def _titles(self) -> list[str]:
        law, first, seed = self.parameters.law_of_sigma, self._schemes[0].name, self.parameters.seed
        note = f", {law_note(law)}" if law_note(law) else ""
        return [f"z={z:.4g} sigma={law.sigma(z):.4g} A per coordinate {first} seed={seed}{note}" for z in self._z]

    def report(self, result: Sweep, made: None = None) -> str:
        """Return what the command prints."""
        states = f"{counted(len(self._z), 'state')} of {self._schemes[0].name}"
        notes = note_lines(self._structure, self._hierarchy, result.told())
        told = f" pomsweep: {self.source.object} -> {self.name}: {states}\n{notes}{result.report()}"
        return told + publishing.hidden_text(self.hidden)
