"""Frames as tensors for training code: one ``.npz`` of plain arrays, which needs no pickle.

========================= ====================== ===========================================
array                     shape, dtype           what it is
========================= ====================== ===========================================
``coords``                (n_frames, n_atoms, 3) frames, float32, angstrom
``truth``                 (n_atoms, 3)           the true structure, float32, angstrom; absent
                                                 where the frames have none
``sigma``                 (n_frames,)            noise level of each frame, float32, angstrom
                                                 per coordinate; nan where it is not known
``atom_to_residue``       (n_atoms,)             int64
``residue_to_chain``      (n_residues,)          int64
``polymer_mask``          (n_residues,)          bool: part of a polymer, not ligand, ion, water
``calpha_mask``           (n_atoms,)             bool: the Calpha of its residue, in a polymer; of
                                                 alternate locations the first
``heavy_mask``            (n_atoms,)             bool: no hydrogen; of atoms of one name in a
                                                 residue, as of alternate locations, the first
``fixed_mask``            (n_atoms,)             bool: fixed, not noised; absent where no atom is
``atom_name`` ``element`` (n_atoms,)             text
``residue_name``          (n_residues,)          text, as the residue's first atom has it
``residue_number``        (n_residues,)          text, with the insertion code
``chain``                 (n_residues,)          text
``titles``                (n_frames,)            text, "" where a frame has none
``header``                (n_lines,)             text: how the frames were made
========================= ====================== ===========================================
"""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor

from ..errors import PomodoroError, first_line
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy
from ..structure.quality import calphas, heavy_atoms
from .disk import atomic_write
from .frames import Frames, Progress, check_hierarchy, count_frames, each_counted
from .stored_arrays import undated

#: Kind and shape of each array; letters are sizes that agree among all.
_ARRAYS = {
    "coords": ("<f4", ("frames", "atoms", 3)),
    "truth": ("<f4", ("atoms", 3)),
    "sigma": ("<f4", ("frames",)),
    "atom_to_residue": ("<i8", ("atoms",)),
    "residue_to_chain": ("<i8", ("residues",)),
    "polymer_mask": ("|b1", ("residues",)),
    "calpha_mask": ("|b1", ("atoms",)),
    "heavy_mask": ("|b1", ("atoms",)),
    "fixed_mask": ("|b1", ("atoms",)),
    "atom_name": ("U", ("atoms",)),
    "element": ("U", ("atoms",)),
    "residue_name": ("U", ("residues",)),
    "residue_number": ("U", ("residues",)),
    "chain": ("U", ("residues",)),
    "titles": ("U", ("frames",)),
    "header": ("U", ("lines",)),
}
_OPTIONAL = {"truth", "fixed_mask"}
#: What NumPy and zipfile raise where an archive is damaged, encrypted, or claims to be larger than memory.
_DAMAGED = (
    *(ValueError, TypeError, KeyError, EOFError, OverflowError, RuntimeError, NotImplementedError),
    *(MemoryError, AttributeError, SyntaxError, zipfile.BadZipFile, zlib.error),
)


@dataclass(frozen=True, eq=False)
class FrameSet:
    """Frames of one structure, as `load_frames` reads them.

    Attributes
    ----------
    coords : Tensor, shape=(n_frames, n_atoms, 3), dtype=float32
        Angstrom.
    truth : Tensor, shape=(n_atoms, 3), dtype=float32, or None
        The true structure, angstrom; None where the frames have none.
    sigma : Tensor, shape=(n_frames,), dtype=float32
        Noise level, angstrom per coordinate; nan where it is not known.
    atom_to_residue : Tensor, shape=(n_atoms,), dtype=int64
    residue_to_chain : Tensor, shape=(n_residues,), dtype=int64
    polymer_mask : Tensor, shape=(n_residues,), dtype=bool
        Whether a residue is part of a polymer: no ligand, ion or water.
    calpha_mask : Tensor, shape=(n_atoms,), dtype=bool
        The Calpha of each residue of a polymer; of alternate locations the first.
    heavy_mask : Tensor, shape=(n_atoms,), dtype=bool
        No hydrogen; of atoms of one name in a residue, as of alternate locations, the first.
    atom_name, element : ndarray of str, shape=(n_atoms,)
    residue_name, residue_number, chain : ndarray of str, shape=(n_residues,)
        The number includes the insertion code.
    titles : ndarray of str, shape=(n_frames,)
    header : ndarray of str, shape=(n_lines,)
        How the frames were made.
    fixed_mask : Tensor, shape=(n_atoms,), dtype=bool, or None
        Whether an atom was fixed, not noised; None where no atom was.
    """

    coords: Tensor
    truth: Tensor | None
    sigma: Tensor
    atom_to_residue: Tensor
    residue_to_chain: Tensor
    polymer_mask: Tensor
    calpha_mask: Tensor
    heavy_mask: Tensor
    atom_name: np.ndarray
    element: np.ndarray
    residue_name: np.ndarray
    residue_number: np.ndarray
    chain: np.ndarray
    titles: np.ndarray
    header: np.ndarray
    fixed_mask: Tensor | None = None

    @cached_property
    def hierarchy(self) -> Hierarchy:
        """The two maps as a `Hierarchy`."""
        return Hierarchy(self.atom_to_residue, self.residue_to_chain)


def save_npz(
    path: str | Path,
    structure: Structure,
    hierarchy: Hierarchy,
    frames: Frames,
    n_frames: int,
    *,
    sigma: np.ndarray | float = math.nan,
    header: Iterable[str] = (),
    titles: Sequence[str] | None = None,
    truth: bool = True,
    progress: Progress | None = None,
) -> None:
    """Write frames as the arrays above, whole or not at all; `load_frames` reads them.

    Parameters
    ----------
    path : str or Path
    structure : Structure
        The truth, and the labels.
    hierarchy : Hierarchy
        Of the same atoms.
    frames : Tensor, ndarray, or iterable of them
        Angstrom: one array, shape=(n_frames, n_atoms, 3), or blocks of it,
        shape=(n_block, n_atoms, 3), which are not kept.
    n_frames : int
        How many frames there are together, since the file says so at its start.
    sigma : ndarray, shape=(n_frames,), or float
        Noise level of each frame or of all, angstrom per coordinate; nan where it is not known.
    header : iterable of str
        Lines of text.
    titles : sequence of str, optional
        One per model, as for `save_pdb`: the truth's, if it is written, is left out.
    truth : bool
        Whether the structure is the truth, which is written.
    progress : callable, optional
        Called with the number of frames written and ``n_frames``.

    Raises
    ------
    PomodoroError
        If the file cannot be written, the shapes disagree, there are not ``n_frames`` frames,
        or a coordinate is not finite.
    """
    check_hierarchy(hierarchy, structure)
    if n_frames < 1 or count_frames(frames, len(structure)) not in (None, n_frames):
        raise PomodoroError(f"n_frames is {n_frames}, which is not how many there are")
    arrays = {**_labels(structure, hierarchy.to("cpu")), "header": _text(header)}
    arrays["sigma"] = np.broadcast_to(np.asarray(sigma, "<f4"), (n_frames,))
    if truth:
        arrays["truth"] = structure.coords.astype("<f4")
    if structure.fixed is not None:
        arrays["fixed_mask"] = structure.fixed
    arrays["titles"] = _text(_frame_titles(titles, n_frames, truth))
    with atomic_write(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(undated(name), "w") as member:
                np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)
        with archive.open(undated("coords"), "w", force_zip64=True) as member:
            _write_frames(member, each_counted(frames, n_frames, len(structure), progress), n_frames, len(structure))


def load_frames(path: str | Path) -> FrameSet:
    """Read frames that `save_npz`, ``pomsave`` or the command line wrote as ``.npz``.

    Raises
    ------
    PomodoroError
        If there is no such file, or it is damaged or not one of ours.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ValueError("it holds one array")
            found = {name: archive[name] for name in _ARRAYS if name in archive.files}
        _check_arrays(found)
        tensors = {name: value if value.dtype.kind == "U" else torch.from_numpy(value) for name, value in found.items()}
        frames = FrameSet(**{"truth": None, **tensors})  # type: ignore[arg-type]
        _ = frames.hierarchy
        return frames
    except OSError as error:
        raise PomodoroError(f"cannot read {path}: {error.strerror or error}") from None
    except _DAMAGED as error:
        reason = first_line(error) or type(error).__name__
        raise PomodoroError(f"{path} cannot be read as frames: {reason}") from None


def _write_frames(file: IO[bytes], frames: Iterable[np.ndarray], n_frames: int, n_atoms: int) -> None:
    """Write frames one by one as an array, shape=(n_frames, n_atoms, 3), dtype=float32."""
    form = {"descr": "<f4", "fortran_order": False, "shape": (n_frames, n_atoms, 3)}
    np.lib.format.write_array_header_1_0(file, form)
    for frame in frames:
        file.write(np.ascontiguousarray(frame, dtype="<f4").data)


def _check_arrays(found: dict[str, Any]) -> None:
    """Refuse arrays that are absent, or whose kinds, shapes or values are not those of `save_npz`.

    Raises
    ------
    ValueError
    """
    sizes: dict[Any, int] = {3: 3}
    for name, (kind, shape) in _ARRAYS.items():
        if name not in found:
            if name in _OPTIONAL:
                continue
            raise ValueError(f"it has no array {name}")
        array = found[name]
        right = array.dtype.kind == "U" if kind == "U" else array.dtype == np.dtype(kind)
        if not right or array.ndim != len(shape):
            raise ValueError(f"{name} is {array.dtype} of shape {array.shape}")
        for size, of in zip(array.shape, shape):
            if sizes.setdefault(of, size) != size:
                raise ValueError(f"{name} has {size} {of} and others {sizes[of]}")
    for name in ("coords", "truth"):
        if name in found and not np.isfinite(found[name]).all():
            raise ValueError(f"{name} has numbers that are not finite")


def _labels(structure: Structure, hierarchy: Hierarchy) -> dict[str, np.ndarray]:
    """Return the maps, masks and labels."""
    rows = structure.residues[structure.residue_of_atom[hierarchy.first_atoms.numpy()]]
    masks = {"calpha_mask": calphas(structure, hierarchy), "heavy_mask": heavy_atoms(structure, hierarchy)}
    return {
        "atom_to_residue": hierarchy.atom_to_residue.numpy(),
        "residue_to_chain": hierarchy.residue_to_chain.numpy(),
        "polymer_mask": ~rows["hetero"],
        **{name: np.isin(np.arange(len(structure)), atoms) for name, atoms in masks.items()},
        "atom_name": _text(structure.atoms["name"]),
        "element": _text(structure.atoms["elem"]),
        "residue_name": _text(rows["resn"]),
        "residue_number": _text(rows["resi"]),
        "chain": _text(rows["chain"]),
    }


def _frame_titles(titles: Sequence[str] | None, n_frames: int, truth: bool) -> Sequence[str]:
    """Return a title for each frame, "" by default; where the truth is a model too, the first title is its own."""
    if titles is None:
        return [""] * n_frames
    first = 1 if truth else 0
    if len(titles) != first + n_frames:
        raise PomodoroError(f"{len(titles)} titles are not one for each of {first + n_frames} models")
    return titles[first:]


def _text(words: Iterable[str]) -> np.ndarray:
    """Return words as an array of text, little-endian."""
    array = np.array(list(words), dtype=np.str_)
    return array.astype(array.dtype.newbyteorder("<"))
