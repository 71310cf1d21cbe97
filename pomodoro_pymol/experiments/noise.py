"""One run of hierarchical noise on a structure: frames out, numbers back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import PomodoroError
from ..noise.draw import Normals, draw_unit_noise
from ..noise.expected import expected_residues
from ..noise.gauge import Gauge, gauge_split
from ..noise.levels import ResidueLevels
from ..noise.metrics import METRICS, metric_values
from ..noise.sigma import law_line, law_note, quantile
from ..noise.squares import LevelSquares, level_squares
from ..noise.statistics import LevelStatistics, residue_sums
from ..noise.stream import stream_frames
from ..noise.weights import LevelWeights
from ..parameters.catalogue import NoiseParameters
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy
from ..structure.input_notes import input_notes
from ..structure.moving import Moving, moving_part
from ..utils.devices import device_name, recorded_device
from ..utils.text import counted, csv_text
from .drawing import Drawing, choose_device, draw_units, take
from .level_table import gauge_text, level_table
from .record import MeasuredLevels, Record, digest


def frame_title(parameters: NoiseParameters, frame: int) -> str:
    """Return the title of a noised frame, which are counted from 1."""
    level = f"z={parameters.noise_z:.4g} sigma={parameters.noise_sigma:.4g} A per coordinate seed={parameters.seed}"
    law = law_note(parameters.law_of_sigma)
    return f"{level} frame {frame}/{parameters.frames}" + (f", {law}" if law else "")


@dataclass(frozen=True, eq=False)
class NoiseResult:
    """What a noise run measured, beside what was to be expected.

    Attributes
    ----------
    parameters : NoiseParameters
        That repeat the run.
    structure : Structure
        The true structure.
    hierarchy : Hierarchy
    statistics : LevelStatistics
        Of all frames, in angstrom, and of the atoms that move.
    device : str
        Where the noise was drawn, by name.
    name : str
        Object that holds the frames in PyMOL, if any.
    run : str
        Which run of PyMOL it was; see `Record`.
    note : str
        What did not go as asked for, if anything.
    """

    parameters: NoiseParameters
    structure: Structure
    hierarchy: Hierarchy
    statistics: LevelStatistics
    device: str
    name: str = ""
    run: str = ""
    note: str = ""

    @property
    def moving(self) -> Moving:
        """The part of the structure that moves, all of it where no atom is fixed."""
        return moving_part(self.structure, self.hierarchy)

    def frames(self) -> Iterator[Tensor]:
        """Draw the run's frames again, in blocks of shape=(n_block, n_atoms, 3), angstrom.

        A block's memory is used again two blocks later: copy what is to be kept.
        """
        for block, _ in _stream(self.parameters, self.structure, self.hierarchy, recorded_device(self.device)):
            yield block

    def residues(self) -> tuple[ResidueLevels, ResidueLevels]:
        """Return the measured and the expected displacement of each residue that moves."""
        weights, sigma = self.parameters.weights, self.parameters.noise_sigma
        return self.statistics.residues(), expected_residues(self.statistics.hierarchy, weights, sigma)

    def metric(self, name: str | None = None) -> np.ndarray:
        """Return a metric of each residue, shape=(n_residues,); by default the one that colours."""
        parameters = self.parameters
        return metric_values(
            name or parameters.metric,
            self.structure,
            self.hierarchy,
            parameters.weights,
            parameters.noise_sigma,
            self.statistics.residues(),
        )

    def gauge(self) -> Gauge:
        """Return how much of the noise, as expected, moves or turns the whole, and what is left."""
        part = self.moving
        return gauge_split(part.structure.coords, part.hierarchy, self.parameters.weights)

    def titles(self) -> list[str]:
        """Return one title per state: the truth, then each noised frame."""
        parameters = self.parameters
        noised = (frame_title(parameters, frame) for frame in range(1, parameters.frames + 1))
        return [f"truth ({self.structure.name} state {parameters.state})", *noised]

    def record(self) -> Record:
        """Return what a saved session keeps of the run."""
        given = self.parameters.residues or self.parameters.chains
        return Record(
            parameters=self.parameters,
            source=self.structure.name,
            device=self.device,
            digest=digest(self.structure, self.hierarchy),
            residues=self.statistics.residues(),
            levels=MeasuredLevels(self.statistics.levels(), *self.statistics.interval()),
            order=self.structure.order,
            run=self.run,
            groups=(self.hierarchy.atom_to_residue.numpy(), self.hierarchy.atom_to_chain.numpy()) if given else None,
            b=self.structure.b if np.isfinite(self.structure.b).all() else None,
            fixed=self.structure.fixed,
        )

    def header(self) -> list[str]:
        """Return the lines for an exported file from which it can be made again."""
        return self.record().header()

    def report(self) -> str:
        """Return the table that the command prints: measured, 95 % interval, expected."""
        parameters = self.parameters
        z = parameters.noise_z
        chain, residue, atom = parameters.weights.shares
        head = (
            f" z {z:.4g} ({100 * quantile(z):.3g} % quantile of training), "
            f"sigma {parameters.noise_sigma:.4g} A per coordinate, {counted(parameters.frames, 'frame')}, "
            f"seed {parameters.seed}, {self.device}{law_line(parameters.law_of_sigma)}\n"
            f" weights as shares: chain {chain:.3f}, residue {residue:.3f}, atom {atom:.3f}"
        )
        told = [*input_notes(self.structure, self.hierarchy), self.note]
        notes = "".join(f"\n note: {note}" for note in told if note)
        gauge = gauge_text(self.gauge(), z, parameters.law_of_sigma)
        return f"{head}{notes}\n{level_table(self.statistics, parameters)}\n{gauge}"

    def csv(self) -> str:
        """Return one row per residue: its labels, its atoms, and every metric."""
        structure, hierarchy = self.structure, self.hierarchy
        labels = structure.residues[structure.residue_of_atom[hierarchy.first_atoms.numpy()]]
        units = (metric.unit.removeprefix("A").replace(" ", "_") for metric in METRICS.values())
        header = ["segi", "chain", "resi", "resn", "n_atoms", *map("".join, zip(METRICS, units))]
        values = [self.metric(name) for name in METRICS]
        residues = zip(labels.tolist(), hierarchy.atoms_per_residue.tolist(), *values)
        rows = (
            [*label[:4], n_atoms, *(f"{number:.6g}" for number in numbers)] for label, n_atoms, *numbers in residues
        )
        return csv_text(header, rows)


def run_noise(
    structure: Structure,
    parameters: NoiseParameters,
    write: Callable[[Tensor], None],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> NoiseResult:
    """Noise ``structure`` and hand the frames to ``write``, block by block, in order.

    Parameters
    ----------
    structure : Structure
    parameters : NoiseParameters
    write : callable
        Takes frames, shape=(n_block, n_atoms, 3), float32 on the CPU, angstrom; it must
        not keep them.
    progress : callable
        Called with the number of frames written and the number asked for, before the first
        and after each block; what it raises ends the run.

    Raises
    ------
    PomodoroError
        If the device is absent, atoms are to be fixed that ``structure.fixed`` does not mark, or all are,
        or the device's memory fails after the first frames. What ``write`` raises passes through.

    Notes
    -----
    Fixed atoms are at the truth in every frame, all others where they would be if none were fixed.

    Where a GPU's memory does not suffice, frames are drawn one by one, then on the CPU, whose
    numbers are other ones; ``NoiseResult.note`` says so.
    """
    device, note = choose_device(parameters.device, len(structure))
    if parameters.fixed and structure.fixed is None:
        raise PomodoroError(f"fixed={parameters.fixed} is a selection of PyMOL's: mark its atoms in Structure.fixed")
    hierarchy = Hierarchy.from_structure(structure)
    statistics = LevelStatistics(moving_part(structure, hierarchy).hierarchy, scale=parameters.noise_sigma)
    progress(0, parameters.frames)  # which may end the run
    drawing = Drawing(
        lambda on, start, block_bytes: _stream(parameters, structure, hierarchy, on, start, block_bytes),
        parameters.frames,
        device,
        note,
    )
    for block, squares in drawing:
        write(block)
        for part in squares:
            statistics.add_squares(part)
        progress(statistics.n_frames, parameters.frames)
    return NoiseResult(parameters, structure, hierarchy, statistics, device_name(drawing.device), note=drawing.note)


def measure(
    hierarchy: Hierarchy,
    weights: LevelWeights,
    frames: int,
    *,
    seed: int = 0,
    device: str = "auto",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> LevelStatistics:
    """Return the statistics of ``frames`` draws of unit sigma; no structure is needed.

    The draws are those of `run_noise` with the same seed.
    """
    statistics = LevelStatistics(hierarchy)
    on, _ = choose_device(device, hierarchy.n_atoms)
    return take(draw_units(hierarchy, weights, frames, seed=seed, device=on, fetch=False), statistics, progress)


def _stream(
    parameters: NoiseParameters,
    structure: Structure,
    hierarchy: Hierarchy,
    device: torch.device,
    start: int = 0,
    block_bytes: int | None = None,
) -> Iterator[tuple[Tensor, list[LevelSquares]]]:
    """Frames in blocks, each with the mean squares of the unit noise of what moves."""
    there, part = hierarchy.to(device), moving_part(structure, hierarchy)
    of_part, fixed = there, None
    if structure.fixed is not None:
        of_part, fixed = part.hierarchy.to(device), torch.from_numpy(np.flatnonzero(structure.fixed)).to(device)
    rows = torch.tensor(structure.coords.T, dtype=torch.float32, device=device).contiguous()
    weights, sigma = parameters.weights, parameters.noise_sigma

    def make(some: range, out: Tensor) -> LevelSquares:
        """Draw the noise of these frames into ``out``, measure it, and put the structure under it."""
        draw_unit_noise(out, there, weights, Normals(parameters.seed, some, hierarchy.n_atoms, device))
        squares = level_squares(residue_sums(part.take(out.mT), of_part), of_part)
        torch.add(rows, out, alpha=sigma, out=out)
        if fixed is not None:
            out.index_copy_(2, fixed, rows.index_select(1, fixed).expand(len(out), -1, -1))
        return squares

    return stream_frames(make, parameters.frames, hierarchy.n_atoms, device, start=start, block_bytes=block_bytes)
