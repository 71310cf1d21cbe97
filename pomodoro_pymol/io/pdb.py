"""Multi-MODEL PDB files: MODEL 0 is the true structure, MODEL 1 .. n are the noised frames.

Records are those of the wwPDB's PDB format 3.3, 80 columns each. All models share one
buffer of text in which only the columns of the coordinates change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ..errors import PomodoroError
from ..structure.atoms import ATOM_LABELS, Structure
from ..structure.hierarchy import Hierarchy
from .fixed_point import fixed_point, text_width
from .frames import Frames, Progress, check_hierarchy, check_values, count_frames, each_frame, each_model
from .header import pdb_header, pdb_titles
from .packed import open_packed

_MAX_SERIAL = 99_999
_MAX_MODEL = 9_999
_X, _Y, _Z, _OCCUPANCY, _B, _CHARGE, _END = 30, 38, 46, 54, 60, 78, 80
#: Coordinates, in angstrom, between which all fit the columns.
COORDINATES = (-999.9995, 9999.9995)
_RESI = re.compile(r"(-?\d+)(\D?)", re.ASCII)
_BLANK = np.uint8(ord(" "))
_ELSE = "save as mmCIF (.cif)"
_ELSE_FRAMES = "save as mmCIF (.cif) or DCD (.dcd)"


def save_pdb(
    path: str | Path,
    structure: Structure,
    frames: Frames,
    *,
    values: np.ndarray | None = None,
    header: Iterable[str] = (),
    titles: Sequence[str] | None = None,
    truth: bool = True,
    progress: Progress | None = None,
) -> None:
    """Write a structure and frames of it as a multi-MODEL PDB file, whole or not at all.

    Parameters
    ----------
    path : str or Path
        Packed where it ends in ``.gz``.
    structure : Structure
        MODEL 0; its occupancies, formal charges and unit cell are those of the file.
    frames : Tensor, ndarray, or iterable of them
        MODEL 1 .. n, in angstrom: one array, shape=(n_frames, n_atoms, 3), or blocks of
        it, shape=(n_block, n_atoms, 3), which are not kept.
    values : ndarray, shape=(n_atoms,), optional
        The B column; by default the structure's b.
    header : iterable of str
        Lines of text, kept as REMARK 99: see `read_header`.
    titles : sequence of str, optional
        One per model, kept as REMARK 99: see `read_titles`.
    truth : bool
        Whether the structure is written, as MODEL 0.
    progress : callable, optional
        Called with the number of frames written and that of all, None for blocks.

    Raises
    ------
    PomodoroError
        If the file cannot be written, the shapes disagree, a number is not finite, or
        something does not fit the columns of PDB: more than 99,999 atoms and chain ends,
        or 9,999 frames; a coordinate below -999.999 or above 9999.999; a label, charge,
        occupancy or unit cell too long.
    """
    n_frames = count_frames(frames, len(structure))
    _check_model(n_frames or 0)
    text = _Text(structure, structure.b if values is None else values)
    head = pdb_header(header) + pdb_titles(titles or (), 0 if truth else 1) + _cell_record(structure)
    with open_packed(path) as file:
        file.write(head.encode())
        for model, frame in each_model(structure.coords, frames, titles, truth):
            _check_model(model)
            text.place(frame, model)
            file.write(f"{f'MODEL     {model:4d}':80}\n".encode())
            file.write(text.lines.data)
            file.write(b"%-80s\n" % b"ENDMDL")
            if model and progress:
                progress(model, n_frames)
        file.write(b"%-80s\n" % b"END")


def check_pdb(structure: Structure, n_frames: int, *, values: np.ndarray | None = None, truth: bool = True) -> None:
    """Refuse what `save_pdb` could not write whatever the coordinates of the frames are, before they are drawn.

    ``values`` are checked where they are known.

    Raises
    ------
    PomodoroError
        If a label, a charge, the unit cell, a coordinate of the truth that is to be written,
        or the number of atoms or frames does not fit the columns of PDB.
    """
    _check_model(n_frames)
    _cell_record(structure)
    text = _Text(structure, np.zeros(len(structure)) if values is None else values)
    if truth:
        text.place(structure.coords, 0)


def save_pdb_residue(
    path: str | Path,
    structure: Structure,
    hierarchy: Hierarchy,
    frames: Frames,
    *,
    values: np.ndarray | None = None,
    header: Iterable[str] = (),
    titles: Sequence[str] | None = None,
    truth: bool = True,
    progress: Progress | None = None,
) -> None:
    """Write one point per residue, the mean over its atoms, as a multi-MODEL PDB file.

    The points are CA records with the residue's labels. Everything else is as in
    `save_pdb`; frames are of the atoms, shape=(n_frames, n_atoms, 3) or blocks of it.

    Parameters
    ----------
    path, structure, frames, header, titles, truth, progress
        As for `save_pdb`.
    hierarchy : Hierarchy
        Of the same atoms.
    values : ndarray, shape=(n_residues,), optional
        The B column; by default the mean of the structure's b over the atoms.

    Raises
    ------
    PomodoroError
        As for `save_pdb`, or if the hierarchy is of other atoms.
    """
    check_hierarchy(hierarchy, structure)
    hierarchy = hierarchy.to("cpu")
    n_frames = count_frames(frames, len(structure))
    points = residue_points(structure, hierarchy)
    save_pdb(
        path,
        points,
        (_means(frame, hierarchy)[None] for frame in each_frame(frames, len(structure))),
        values=None if values is None else check_values(values, hierarchy.n_residues, "residue"),
        header=header,
        titles=titles,
        truth=truth,
        progress=progress and (lambda done, _: progress(done, n_frames)),
    )


def residue_points(structure: Structure, hierarchy: Hierarchy) -> Structure:
    """Return one CA per residue, at the mean of its atoms, with the residue's labels and its mean b."""
    return replace(
        structure,
        coords=_means(structure.coords, hierarchy),
        atoms=np.full(hierarchy.n_residues, np.array(("CA", "C", ""), ATOM_LABELS)),
        residue_of_atom=structure.residue_of_atom[hierarchy.first_atoms.numpy()],
        b=_means(np.repeat(structure.b[:, None], 3, axis=1), hierarchy)[:, 0],
        places=np.arange(hierarchy.n_residues),
        occupancy=np.ones(hierarchy.n_residues, np.float32),
        charge=np.zeros(hierarchy.n_residues, np.int8),
    )


def _means(coords: np.ndarray, hierarchy: Hierarchy) -> np.ndarray:
    """Return the means over the atoms of each residue, shape=(n_residues, 3)."""
    # A copy: torch warns of arrays that cannot be written to.
    return hierarchy.pool(torch.from_numpy(coords.copy("K"))).numpy()


class _Text:
    """The lines of one model, shape=(n_lines, 81), dtype=uint8."""

    def __init__(self, structure: Structure, values: np.ndarray) -> None:
        ends = _chain_ends(structure)
        self._atoms = np.sort(np.concatenate([np.arange(len(structure)), ends]))
        self._ters = np.flatnonzero(np.diff(self._atoms, prepend=-1) == 0)
        n_lines = len(self._atoms)
        if n_lines > _MAX_SERIAL:
            raise PomodoroError(
                f"{len(structure)} atoms and {len(ends)} chain ends are more than the {_MAX_SERIAL} serial numbers "
                f"of PDB: {_ELSE_FRAMES}"
            )
        values = check_values(values, len(structure), "atom")
        if text_width(values, 2) > 6:
            raise PomodoroError(
                f"values of {values.min():.6g} to {values.max():.6g} do not fit the B column of PDB, "
                f"-99.99 to 999.99: {_ELSE}"
            )
        lines = np.full((n_lines, _END + 1), _BLANK)
        lines[:, _END] = ord("\n")
        lines[:, 6:11] = fixed_point(np.arange(1, n_lines + 1), 5, 0)
        lines[:, _OCCUPANCY:_B] = _occupancy_columns(structure)[self._atoms]
        lines[:, _B : _B + 6] = fixed_point(values[self._atoms], 6, 2)
        residues = _residue_columns(structure)[structure.residue_of_atom[self._atoms]]
        lines[:, 0:6], lines[:, 17:27], lines[:, 72:76] = np.split(residues, [6, 16], axis=1)
        lines[:, 12:17], lines[:, 76:78] = np.split(_atom_columns(structure)[self._atoms], [5], axis=1)
        lines[:, _CHARGE:_END] = _charge_columns(structure)[self._atoms]
        lines[self._ters, 0:6] = np.frombuffer(b"TER   ", np.uint8)
        lines[self._ters, 12:17] = _BLANK
        lines[self._ters, _X:_END] = _BLANK
        self.lines = lines

    def place(self, coords: np.ndarray, model: int) -> None:
        """Put in the coordinates of a model, shape=(n_atoms, 3), angstrom."""
        if text_width(coords, 3) > 8:
            raise PomodoroError(
                f"coordinates of MODEL {model} from {coords.min():.6g} to {coords.max():.6g} A do not fit the columns "
                f"of PDB, -999.999 to 9999.999: {_ELSE_FRAMES}"
            )
        text = fixed_point(coords.T.take(self._atoms, axis=1), 8, 3)
        for start, column in zip((_X, _Y, _Z), text):
            self.lines[:, start : start + 8] = column
        self.lines[self._ters, _X:_OCCUPANCY] = _BLANK


def _chain_ends(structure: Structure) -> np.ndarray:
    """Return the last atom of each polymer chain, what is hetero not counted."""
    row_to_residue, residue_to_chain = structure.grouping
    chain_of_row = np.where(structure.residues["hetero"], -1, residue_to_chain[row_to_residue])
    chain_of_atom = chain_of_row[structure.residue_of_atom]
    ends = np.full(len(structure.residues) + 1, -1)
    np.maximum.at(ends, chain_of_atom, np.arange(len(structure)))
    return np.sort(ends[:-1][ends[:-1] >= 0])


def _check_model(model: int) -> None:
    """Refuse a number of a model that has more than four digits."""
    if model > _MAX_MODEL:
        raise PomodoroError(f"{model} or more frames are more than the {_MAX_MODEL} models of PDB: {_ELSE_FRAMES}")


def _residue_columns(structure: Structure) -> np.ndarray:
    """Return columns 1-6, 18-27 and 73-76 of the atoms of each row of residues."""
    rows = structure.residues
    numbers = [_RESI.fullmatch(resi) for resi in rows["resi"].tolist()]
    for row, number in zip(rows, numbers):
        if not number or not -999 <= int(number[1]) <= 9999:
            raise PomodoroError(
                f"residue number {str(row['resi'])!r} of chain {str(row['chain'])!r} does not fit the columns of PDB, "
                f"-999 to 9999 and one letter: {_ELSE}"
            )
    parts = [
        _codes(np.where(rows["hetero"], "HETATM", "ATOM"), 6, "record"),
        _right(_codes(rows["resn"], 3, "residue name")),
        np.full((len(rows), 1), _BLANK),
        _codes(rows["chain"], 1, "chain"),
        _codes(np.array([f"{int(number[1]):>4}" for number in numbers if number]), 4, "residue number"),
        _codes(np.array([number[2] for number in numbers if number]), 1, "insertion code"),
        _codes(rows["segi"], 4, "segment"),
    ]
    return np.concatenate(parts, axis=1)


def _atom_columns(structure: Structure) -> np.ndarray:
    """Return columns 13-17 and 77-78 of each atom."""
    name = _codes(structure.atoms["name"], 4, "atom name")
    alt = _codes(structure.atoms["alt"], 1, "alternate location")
    elem = _codes(structure.atoms["elem"], 2, "element")
    elem = _right(np.where((elem >= ord("a")) & (elem <= ord("z")), elem - 32, elem))
    # The symbol of the element ends in column 14, unless the name needs all four.
    wide = (name[:, 3] != _BLANK) | ((elem[:, 0] != _BLANK) & (name[:, :2] == elem).all(1))
    narrow = np.concatenate([np.full_like(alt, _BLANK), name[:, :3]], axis=1)
    return np.concatenate([np.where(wide[:, None], name, narrow), alt, elem], axis=1)


def _occupancy_columns(structure: Structure) -> np.ndarray:
    """Return columns 55-60 of each atom."""
    occupancy = check_values(structure.occupancy, len(structure), "atom", "occupancies")
    if text_width(occupancy, 2) > 6:
        raise PomodoroError(f"an occupancy of {np.abs(occupancy).max():.6g} does not fit PDB: {_ELSE}")
    return fixed_point(occupancy, 6, 2)


def _charge_columns(structure: Structure) -> np.ndarray:
    """Return columns 79-80 of each atom: a digit and a sign, blank for no charge."""
    charges = structure.charge.astype(np.int64)
    most = charges[np.abs(charges).argmax()]
    if abs(most) > 9:
        raise PomodoroError(f"a formal charge of {most} does not fit PDB, -9 to 9: {_ELSE}")
    digits = np.where(charges, np.abs(charges) + ord("0"), _BLANK)
    signs = np.where(charges, np.where(charges > 0, ord("+"), ord("-")), _BLANK)
    return np.stack([digits, signs], axis=1).astype(np.uint8)


def _cell_record(structure: Structure) -> str:
    """Return the record CRYST1, "" where there is no unit cell; how many chains it has, Z, is not known."""
    cell = structure.cell
    if cell is None:
        return ""
    numbers = check_values(np.array([*cell.lengths, *cell.angles]), 6, "edge and angle", "the unit cell")
    text = "".join(f"{length:9.3f}" for length in numbers[:3]) + "".join(f"{angle:7.2f}" for angle in numbers[3:])
    if len(text) > 48:
        raise PomodoroError(f"a unit cell of {max(numbers):.6g} does not fit the columns of PDB: {_ELSE}")
    group = _codes(np.array([cell.space_group]), 11, "space group").tobytes().decode("ascii")
    return f"{f'CRYST1{text} {group}':80}\n"


def _codes(labels: np.ndarray, width: int, what: str) -> np.ndarray:
    """Return labels as ASCII codes padded with blanks, shape=(n, width), dtype=uint8.

    Raises
    ------
    PomodoroError
        If one is longer, or is not printable ASCII.
    """
    labels = labels.astype(str)
    length = max(width, labels.dtype.itemsize // 4)
    codes = np.ascontiguousarray(labels, dtype=f"U{length}").view(np.uint32).reshape(-1, length)
    strange = codes[:, width:].any(1) | ((codes != 0) & ((codes < _BLANK) | (codes > ord("~")))).any(1)
    if strange.any():
        label = str(labels[strange.argmax()])
        raise PomodoroError(f"{what} {label!r} does not fit PDB, {width} characters of plain ASCII: {_ELSE}")
    codes = codes[:, :width].astype(np.uint8)
    codes[codes == 0] = _BLANK
    return codes


def _right(codes: np.ndarray) -> np.ndarray:
    """Move the blanks at the end of each row to its start."""
    n_rows, width = codes.shape
    last = width - 1 - (codes[:, ::-1] != _BLANK).argmax(1)
    return codes[np.arange(n_rows)[:, None], (np.arange(width) + last[:, None] + 1) % width]
