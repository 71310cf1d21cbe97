"""Runs in PyMOL, in steps that are short enough for a window to stay alive between them.

Structure -> hierarchy -> noise -> frames -> statistics -> states and colours: a command
takes all steps at once, the panel one at each turn of its event loop, with the noise drawn
in a thread of its own. Everything else here touches PyMOL and belongs on its thread.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from ..experiments.coloring import Coloring
from ..experiments.noise import NoiseResult, run_noise
from ..noise.stream import block_bytes
from ..parameters.catalogue import NoiseParameters
from ..structure.atoms import Structure
from ..utils import memory
from ..utils.devices import resolve_device
from ..viewer import dressing, publishing, reading, sources
from ..viewer.states import StateWriter
from .coloring import color_steps, finish_steps

#: Told how much is done and how much there is to do.
Tell = Callable[..., None]


class NoiseRun:
    """A run of pomnoise: `prepare`, `work`, which alone may run in another thread, `finish`.

    A context manager; whatever is left undone at its end leaves PyMOL as it was.

    Attributes
    ----------
    line : str
        The command that repeats it.
    run : str
        Which run it is: no two have the same.
    total : int
        How many frames `work` tells of.
    hidden : str
        The source, if the run hid it in the end.

    Parameters
    ----------
    parameters : NoiseParameters

    Raises
    ------
    PomodoroError
        If the device is absent, the selection does not mean atoms of one object, the output
        would take the place of something else, or memory does not suffice.
    """

    def __init__(self, parameters: NoiseParameters, *, _self: Any) -> None:
        resolve_device(parameters.device)
        self.line = parameters.to_text()
        self.run = secrets.token_hex(8)
        self.total = parameters.frames
        self.hidden = ""
        self._self = _self
        self._open = ExitStack()
        self.source = sources.resolve_source(
            parameters.selection,
            parameters.state,
            parameters.residues,
            parameters.chains,
            parameters.fixed,
            _self=_self,
        )
        self.name = parameters.name or f"{self.source.object}_noise"
        sources.check_output(self.name, self.source, _self=_self)
        publishing.check_truth(self.name, self.source.object, bool(parameters.truth), _self=_self)
        self.parameters = replace(parameters.spelt_out(), selection=self.source.selection, state=self.source.state)
        n_atoms, n_frames = self.source.n_atoms, parameters.frames
        on = resolve_device(parameters.device, n_atoms)
        needed = memory.noise_bytes(n_atoms, n_frames + 1) + block_bytes(n_atoms, n_frames, on)
        memory.require(needed, f"{n_frames} frames of {n_atoms} atoms")

    def __enter__(self) -> NoiseRun:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def prepare(self, piece: int = 0) -> Generator[None, None, Structure]:
        """Copy and read the source, ``piece`` atoms at a time; return its structure."""
        cmd = self._self
        self._draft = self._open.enter_context(sources.draft(self.source, self.name, _self=cmd))
        yield
        structure = yield from reading.draft_steps(self.source, self._draft, piece=piece, _self=cmd)
        self._writer = self._open.enter_context(StateWriter(self._draft, structure.atom_at_place, _self=cmd))
        return structure

    def work(self, structure: Structure, write: Callable[[Any], None], tell: Tell) -> NoiseResult:
        """Draw the noise and hand it to ``write``, which must call `write` on PyMOL's thread."""
        return replace(run_noise(structure, self.parameters, write, tell), name=self.name, run=self.run)

    def write(self, frames: Any) -> None:
        """Append frames, shape=(n_frames, n_atoms, 3), angstrom, as states."""
        self._writer.write(frames)

    def check(self) -> None:
        """Nothing to check: `write` does."""

    def finish(self, result: NoiseResult, piece: int = 0) -> Generator[None, None, Coloring]:
        """Title, colour and dress, so many atoms at a time, and publish the object; return how it was coloured."""
        self._writer.check()
        publishing.set_titles(self._draft, result.titles(), _self=self._self)
        record = result.record()
        yield
        coloring = yield from self._checked(
            color_steps(self._draft, result.structure, result.hierarchy, record, self.parameters, piece, self._self)
        )
        yield
        yield from self._checked(self._writer.dress(self.name, self.source.object, self.parameters.rep, piece))
        truth = ""
        if self.parameters.truth:
            title = f"truth of {self.name}"
            truth = self._open.enter_context(dressing.trace(self._draft, title, _self=self._self))
        self.hidden = self._writer.publish(self.name, record.to_plain(), self.source.object)
        publishing.publish_truth(truth, self.name, _self=self._self)
        metric, rep = self.parameters.metric, self.parameters.rep
        painting = finish_steps(self.name, result.structure, result.hierarchy, coloring, metric, rep, piece, self._self)
        return (yield from painting)

    def _checked(self, steps: Generator[None, None, Any]) -> Generator[None, None, Any]:
        """Take steps, before each of which the draft must be whole: the window lives between them."""
        while True:
            self._writer.check()
            try:
                next(steps)
            except StopIteration as end:
                return end.value
            yield

    def report(self, result: NoiseResult, coloring: Coloring) -> str:
        """Return what the command prints."""
        return (
            f" pomnoise: {self.source.object} -> {self.name}: {result.hierarchy}, {self.parameters.frames + 1} states\n"
            f"{result.report()}\n{coloring.report()}{publishing.hidden_text(self.hidden)}"
        )
