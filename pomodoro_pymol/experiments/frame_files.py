"""Frames into files of every format; the ending of the name tells which."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import PomodoroError
from ..io.dcd import save_dcd
from ..io.disk import check_target, user_path
from ..io.frames import Frames, Progress
from ..io.mmcif import save_mmcif
from ..io.npz import save_npz
from ..io.packed import format_of, suffix_of
from ..io.pdb import save_pdb, save_pdb_residue
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy
from .noise import NoiseResult
from .sampling import SampleResult

FRAME_SUFFIXES = (".pdb", ".cif", ".pdb.gz", ".cif.gz", ".dcd", ".npz")


@dataclass(frozen=True, eq=False)
class FrameFile:
    """What a file says beside its frames.

    Attributes
    ----------
    structure : Structure
        The truth, or only labels where ``truth`` is False.
    hierarchy : Hierarchy
    n_frames : int
    header : sequence of str
        How the frames were made.
    titles : sequence of str
        One per model: that of the truth, if it is written, and of each frame.
    values : ndarray, shape=(n_atoms,), or None
        The B column; None is the structure's b.
    sigma : ndarray, shape=(n_frames,), or float
        Noise level, angstrom per coordinate; nan where it is not known.
    truth : bool
        Whether the structure is the truth, which is written as MODEL 0.
    """

    structure: Structure
    hierarchy: Hierarchy
    n_frames: int
    header: Sequence[str]
    titles: Sequence[str]
    values: np.ndarray | None = None
    sigma: np.ndarray | float = math.nan
    truth: bool = True

    def write(self, path: Path, frames: Frames, level: str = "atom", progress: Progress | None = None) -> None:
        """Write frames, shape=(n_frames, n_atoms, 3) or blocks of it, whole or not at all.

        A ``.dcd`` holds the frames alone, an ``.npz`` what `io.npz` says.

        Raises
        ------
        PomodoroError
            If the format is unknown or cannot hold the frames, or the file cannot be written.
        """
        check_frame_path(path, level)
        structure, hierarchy, values, form = self.structure, self.hierarchy, self.values, format_of(path)
        if form == ".dcd":
            save_dcd(path, frames, self.n_frames, progress=progress)
            return
        more = {"header": self.header, "titles": self.titles, "truth": self.truth, "progress": progress}
        if form == ".npz":
            save_npz(path, structure, hierarchy, frames, self.n_frames, sigma=self.sigma, **more)  # type: ignore[arg-type]
        elif level == "residue":
            of_residue = None if values is None else values[hierarchy.first_atoms.numpy()]
            save_pdb_residue(path, structure, hierarchy, frames, values=of_residue, **more)  # type: ignore[arg-type]
        else:
            save = save_pdb if form == ".pdb" else save_mmcif
            save(path, structure, frames, values=values, **more)  # type: ignore[arg-type]


def save_frames(
    path: str | Path,
    result: NoiseResult,
    level: str = "atom",
    progress: Progress | None = None,
    *,
    b: str = "metric",
) -> None:
    """Write the truth and the frames of a run; the suffix tells the format.

    Parameters
    ----------
    path : str or Path
        ``.pdb`` or ``.cif``, which ``.gz`` packs, ``.dcd``, which holds the noised frames alone,
        or ``.npz``: see `load_frames`.
    result : NoiseResult
    level : {"atom", "residue"}
        One point per atom, or per residue (PDB only).
    progress : callable, optional
        Called with the number of frames written, and how many there are where known.
    b : {"metric", "source"}
        What stands in the B column.

    Raises
    ------
    PomodoroError
        If the format is unknown or cannot hold the frames, or the file cannot be written.
    """
    of_atom = result.hierarchy.atom_to_residue.numpy()
    FrameFile(
        result.structure,
        result.hierarchy,
        result.parameters.frames,
        [*result.header(), b_line(result.parameters.metric if b == "metric" else "")],
        result.titles(),
        np.nan_to_num(result.metric())[of_atom] if b == "metric" else None,
        result.parameters.noise_sigma,
    ).write(user_path(path), result.frames(), level, progress)


def save_samples(path: str | Path, structure: Structure, result: SampleResult) -> None:
    """Write the truth and the states of a sampling run; the suffix tells the format.

    Parameters
    ----------
    path : str or Path
        As for `save_frames`; ``.dcd`` holds the states alone.
    structure : Structure
        The truth; its b stands in the B column.
    result : SampleResult
        All states of all samples, or with ``show=final`` their ends.

    Raises
    ------
    PomodoroError
        If the format is unknown or cannot hold the states, or the file cannot be written.
    """
    samples = range(len(result.frames))
    levels = [sigma for _, sigma in result.kept]
    if result.parameters.show == "final":
        frames, titles, sigmas = result.frames[:, -1], result.final_titles(), levels[-1:] * len(samples)
    else:
        frames, sigmas = result.frames.flatten(0, 1), levels * len(samples)
        titles = [title for sample in samples for title in result.titles(sample)]
    header = [
        "MODEL 0 is a true structure, the others are states of reverse diffusion",
        f"command: {result.parameters.to_text()}",
        f"structure: {structure.name}",
        f"denoiser: {result.model}",
        f"device: {result.device}",
        b_line(),
    ]
    titles = [f"truth ({structure.name} state {result.parameters.state})", *titles]
    labels = Hierarchy.from_structure(structure)
    FrameFile(structure, labels, len(frames), header, titles, sigma=np.array(sigmas)).write(user_path(path), frames)


def b_line(metric: str = "") -> str:
    """Return the line of a header that says what stands in the B column: a metric, or b of the source."""
    return f"B column: {metric or 'b of the source'}"


def check_frame_path(path: Path, level: str) -> None:
    """Refuse a file that no writer of frames writes, before any work is done.

    Raises
    ------
    PomodoroError
    """
    if suffix_of(path) not in FRAME_SUFFIXES:
        raise PomodoroError(f"the file must end in {', '.join(FRAME_SUFFIXES)}, not {str(path)!r}")
    if level == "residue" and format_of(path) != ".pdb":
        raise PomodoroError("level=residue is written as .pdb or .pdb.gz")
    check_target(path)
