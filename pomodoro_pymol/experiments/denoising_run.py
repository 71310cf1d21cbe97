"""The frames of a noise run denoised in one shot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from ..diffusion.estimate import broadcast_heads
from ..diffusion.pose import Pose
from ..diffusion.sampling import Draws
from ..errors import PomodoroError
from ..noise.statistics import LevelStatistics, residue_sums
from ..parameters.catalogue import DenoiseParameters, NoiseParameters
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy
from ..structure.input_notes import input_notes
from ..utils.devices import device_name, device_notes, is_full
from .denoising import InPieces, PreparedDenoiser, frames_at_once, left_to_cpu, prepare_denoiser
from .level_table import compare_levels


@dataclass(frozen=True, eq=False)
class DenoiseResult:
    """What denoising the frames of a noise run in one shot gave.

    Attributes
    ----------
    parameters : DenoiseParameters
    structure : Structure
        The truth.
    hierarchy : Hierarchy
    denoiser : str
        What denoised.
    device : str
        Where it began to, by name.
    notes : tuple of str
        What to know of the denoiser, and of its memory.
    before, after : LevelStatistics
        Of the frames less the truth, noised and denoised, angstrom.
    """

    parameters: DenoiseParameters
    structure: Structure
    hierarchy: Hierarchy
    denoiser: str
    device: str
    notes: tuple[str, ...]
    before: LevelStatistics
    after: LevelStatistics

    def report(self) -> str:
        """Return what denoised, notes, and the levels before and after."""
        lines = [f" denoiser: {self.denoiser}", *(f" note: {note}" for note in self.notes)]
        if self.parameters.known_pose != "fixed":
            lines.append(
                " pose: each frame turned at random and shifted by 1 A per coordinate before, and laid back after"
            )
        notes = [*input_notes(self.structure, self.hierarchy), *device_notes(self.device)]
        lines += [f" note: {note}" for note in notes]
        return "\n".join([*lines, compare_levels(self.before, self.after)])


def run_denoise(
    structure: Structure,
    states: np.ndarray,
    frames: Iterable[np.ndarray],
    noise: NoiseParameters,
    parameters: DenoiseParameters,
    write: Callable[[Tensor], object],
    progress: Callable[[int], object] = lambda done: None,
    *,
    state: int = 1,
) -> DenoiseResult:
    """Denoise the frames of a noise run in one shot, and hand them to ``write``, block by block, in order.

    Parameters
    ----------
    structure : Structure
        The truth.
    states : ndarray, shape=(n_states, n_atoms, 3)
        The data of the denoiser, angstrom.
    frames : iterable of ndarray, shape=(n_atoms, 3)
        Noised, angstrom.
    noise : NoiseParameters
        Of the frames.
    parameters : DenoiseParameters
    write : callable
        Takes denoised frames, shape=(n_block, n_atoms, 3), float32 on the CPU, angstrom.
    progress : callable
        Called with the number of frames written.
    state : int
        Which of the states is the truth, from 1.

    Raises
    ------
    PomodoroError
        As `prepare_denoiser` and `denoise_frames`.
    """
    hierarchy, law = Hierarchy.from_structure(structure), noise.law_of_sigma
    truth = torch.from_numpy(structure.coords)
    prepared = prepare_denoiser(
        states, hierarchy, noise.weights, parameters, state=state, noise_sigma_data=law.sigma_data, structure=structure
    )
    denoiser, device, notes = prepared.label, device_name(prepared.members.device), [*prepared.notes]
    before, after = LevelStatistics(hierarchy), LevelStatistics(hierarchy)
    seed = (noise.seed + 1) % 2**32
    blocks = denoise_frames(frames, prepared, hierarchy, noise.noise_sigma, parameters, seed=seed, note=notes.append)
    del prepared  # held on to, it would keep its device's memory where `denoise_frames` leaves it for the CPU
    for noised, denoised in blocks:
        for statistics, block in ((before, noised), (after, denoised)):
            statistics.add(residue_sums(block - truth, hierarchy))
        write(denoised)
        progress(before.n_frames)
    return DenoiseResult(parameters, structure, hierarchy, denoiser, device, tuple(notes), before, after)


@torch.no_grad()
def denoise_frames(
    frames: Iterable[np.ndarray],
    prepared: PreparedDenoiser,
    hierarchy: Hierarchy,
    sigma: float,
    parameters: DenoiseParameters,
    *,
    seed: int = 0,
    note: Callable[[str], object] = lambda text: None,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Denoise frames in one shot; where the pose is unknown, each turned and shifted as in training, and back.

    Where the memory of a device does not suffice, fewer frames are denoised together, and then, from
    the frame on where it failed, on the CPU.

    Parameters
    ----------
    frames : iterable of ndarray, shape=(n_atoms, 3)
        Noised, angstrom.
    prepared : PreparedDenoiser
    hierarchy : Hierarchy
    sigma : float
        Of their noise, angstrom.
    parameters : DenoiseParameters
    seed : int
        Of turns and shifts: another than that of the noise, whose random numbers it would repeat. Those of the
        CPU are other ones.
    note : callable
        Told what memory made necessary.

    Yields
    ------
    noised, denoised : Tensor, shape=(n_block, n_atoms, 3)
        float32 on the CPU, angstrom.

    Raises
    ------
    PomodoroError
        If the denoiser returns numbers that are not finite.
    """
    pieces, there = InPieces(prepared.denoise), hierarchy.to(prepared.members.device)
    done = 0
    for noised in _blocks(frames, frames_at_once(hierarchy.n_atoms)):
        numbers = range(done, done + len(noised))
        on_cpu, device = prepared.on_cpu, prepared.members.device
        try:
            found = _denoised(noised, numbers, replace(prepared, denoise=pieces), there, sigma, parameters, seed)
            on_cpu = None
        except Exception as error:
            if not is_full(error) or on_cpu is None:
                raise
        if on_cpu is not None:
            del prepared, pieces, there
            prepared, there = left_to_cpu(on_cpu, device), hierarchy.to("cpu")
            pieces = InPieces(prepared.denoise)
            note(f"from frame {done + 1} on, {prepared.notes[-1]}" if done else prepared.notes[-1])
            found = _denoised(noised, numbers, prepared, there, sigma, parameters, seed)
        done += len(noised)
        yield noised, found
    if pieces.size:
        note(pieces.note("frames", prepared.members.device))


def _blocks(frames: Iterable[np.ndarray], size: int) -> Iterator[Tensor]:
    """Yield frames in blocks, shape=(n_block, n_atoms, 3)."""
    rest = iter(frames)
    while block := list(islice(rest, size)):
        yield torch.from_numpy(np.stack(block))


def _denoised(
    noised: Tensor,
    numbers: range,
    prepared: PreparedDenoiser,
    hierarchy: Hierarchy,
    sigma: float,
    parameters: DenoiseParameters,
    seed: int,
) -> Tensor:
    """Denoise the frames of these numbers, shape=(n_block, n_atoms, 3), float32 on the CPU."""
    device = prepared.members.device
    origin = torch.from_numpy(prepared.origin).float()
    x = (noised - origin).to(device)
    if parameters.known_pose != "fixed":
        draws = Draws(hierarchy, numbers, seed, device=device)
        pose = Pose(draws.rotations(), draws.shifts())
        x = x @ pose.rotation.mT + pose.shift
    found = prepared.denoise(x, sigma)
    atoms = broadcast_heads(found, hierarchy, parameters.gate) if parameters.multiscale else found.atoms
    if parameters.known_pose != "fixed":
        atoms = pose.taken_back(atoms)
    atoms = atoms.cpu()
    if not bool(atoms.isfinite().all()):
        raise PomodoroError(f"the denoiser returned numbers that are not finite at sigma {sigma:.4g}")
    return atoms + origin
