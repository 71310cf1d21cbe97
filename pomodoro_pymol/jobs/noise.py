"""Runs of pomnoise in PyMOL: structure, hierarchy, noise, frames and statistics, then states and colours."""

from __future__ import annotations

import secrets
from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace
from typing import Any

from ..experiments.coloring import Coloring, choose_colors
from ..experiments.noise import NoiseResult, run_noise
from ..noise.stream import block_bytes
from ..parameters.catalogue import NoiseParameters
from ..structure.atoms import Structure
from ..utils import memory
from ..utils.devices import resolve_device
from ..viewer import dressing, publishing, sources
from ..viewer.states import StateWriter
from .coloring import color_steps, key_steps
from .run import Run, Tell


class NoiseRun(Run):
    """A run of pomnoise, a step of whose work is a frame.

    Attributes
    ----------
    run : str
        Which run it is: no two have the same.
    name : str
        The object to make.

    Raises
    ------
    PomodoroError
        If the device is absent, the selection does not mean atoms of one object, the output
        would take the place of something else, or memory does not suffice.
    """

    def __init__(self, parameters: NoiseParameters, *, _self: Any) -> None:
        resolve_device(parameters.device)
        super().__init__(parameters, _self=_self)
        self.run = secrets.token_hex(8)
        self.total = parameters.frames
        self.name = parameters.name or f"{self.source.object}_noise"
        sources.check_output(self.name, self.source, _self=_self)
        publishing.check_truth(self.name, self.source.object, bool(parameters.truth), _self=_self)
        self.parameters = replace(parameters.spelt_out(), selection=self.source.selection, state=self.source.state)
        n_atoms, n_frames = self.source.n_atoms, parameters.frames
        on = resolve_device(parameters.device, n_atoms)
        needed = memory.noise_bytes(n_atoms, n_frames + 1) + block_bytes(n_atoms, n_frames, on)
        memory.require(needed, f"{n_frames} frames of {n_atoms} atoms")

    def prepare(self, piece: int = 0) -> Generator[None, None, Structure]:
        """Copy the source, and read its structure."""
        structure = yield from self._read_copy(self.name, piece)
        self._writer = self._open.enter_context(StateWriter(self._draft, structure.atom_at_place, _self=self._self))
        return structure

    def work(self, structure: Structure, tell: Tell) -> NoiseResult:
        """Draw the noise, and hand it to `write` block by block."""
        result = run_noise(structure, self.parameters, lambda frames: self.hand_over(self.write, frames), tell)
        return replace(result, name=self.name, run=self.run)

    def write(self, frames: Any) -> None:
        """Append frames, shape=(n_frames, n_atoms, 3), angstrom, as states."""
        self._writer.write(frames)

    def finish(self, result: NoiseResult, piece: int = 0) -> Generator[None, None, Coloring]:
        """Title, colour and dress, so many atoms at a time, and publish the object; return how it was coloured."""
        self._writer.check()
        publishing.set_titles(self._draft, result.titles(), _self=self._self)
        record = result.record()
        yield
        coloring = choose_colors(result.structure, result.hierarchy, record, self.parameters)
        painting = color_steps(self._draft, result.structure, result.hierarchy, coloring, piece, self._self)
        yield from self._checked(painting)
        yield
        yield from self._checked(self._writer.dress(self.name, self.source.object, self.parameters.rep, piece))
        truth = ""
        if self.parameters.truth:
            title = f"truth of {self.name}"
            truth = self._open.enter_context(dressing.trace(self._draft, title, _self=self._self))
        self.hidden = self._writer.publish(self.name, record.to_plain(), self.source.object)
        publishing.publish_truth(truth, self.name, _self=self._self)
        metric, rep = self.parameters.metric, self.parameters.rep
        keyed = key_steps(self.name, result.structure, result.hierarchy, coloring, metric, rep, piece, self._self)
        return (yield from keyed)

    def _checked(self, steps: Iterable[None]) -> Iterator[None]:
        """Take steps, and check before each that the draft is whole: between them a person can change it."""
        self._writer.check()
        for _ in steps:
            yield
            self._writer.check()

    def report(self, result: NoiseResult, coloring: Coloring) -> str:
        """Return what the command prints."""
        return (
            f" pomnoise: {self.source.object} -> {self.name}: {result.hierarchy}, {self.parameters.frames + 1} states\n"
            f"{result.report()}\n{coloring.report()}{publishing.hidden_text(self.hidden)}"
        )
