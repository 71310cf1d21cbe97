"""Multi-model mmCIF files: model 0 is the true structure, models 1 .. n are the noised frames.

One ``atom_site`` loop, as in the wwPDB's PDBx/mmCIF dictionary. Nothing is too large for
it. We write it ourselves: gemmi, which is optional here, would need all models in memory
as objects, one per atom.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, product
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import numpy as np

from ..errors import PomodoroError
from ..structure.atoms import Structure, numbered
from ..structure.residue_names import is_water
from .fixed_point import fixed_point, text_width
from .frames import Frames, Progress, check_values, count_frames, each_model
from .header import cif_header, cif_titles
from .packed import open_packed

_ITEMS = [
    *("group_PDB", "id", "type_symbol", "label_atom_id", "label_alt_id", "auth_atom_id"),
    *("label_comp_id", "label_asym_id", "label_entity_id", "label_seq_id", "pdbx_PDB_ins_code"),
    *("auth_seq_id", "auth_comp_id", "auth_asym_id", "B_iso_or_equiv", "occupancy", "pdbx_formal_charge"),
    *("Cartn_x", "Cartn_y", "Cartn_z", "pdbx_PDB_model_num"),
]
#: The source's own b, where another value stands in ``B_iso_or_equiv``.
_SOURCE_B = "pomodoro_source_b"
_DECIMALS = 4
_MAX_WIDTH = 17
_CHUNK = 1 << 15
_PLAIN = re.compile(r"(?!(?:data_|save_|loop_$|stop_$|global_$|[_#$;\[\]]|[.?]$))[!#-&(-~]+", re.IGNORECASE)


def save_mmcif(
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
    """Write a structure and frames of it as a multi-model mmCIF file, whole or not at all.

    The labels are the structure's own: ``auth_asym_id`` the chain, ``auth_seq_id`` and
    ``pdbx_PDB_ins_code`` the residue number, ``label_asym_id`` the segment, or where
    there is none a letter for each chain, its water and each other ligand or ion. A
    blank chain is an empty value in quotes. Coordinates have four decimals.

    Parameters
    ----------
    path : str or Path
        Packed where it ends in ``.gz``.
    structure : Structure
        Model 0.
    frames : Tensor, ndarray, or iterable of them
        Models 1 .. n, in angstrom: one array, shape=(n_frames, n_atoms, 3), or blocks of
        it, shape=(n_block, n_atoms, 3), which are not kept.
    values : ndarray, shape=(n_atoms,), optional
        ``B_iso_or_equiv``, to six digits; then the structure's own b is kept beside it, as
        ``_atom_site.pomodoro_source_b``, with ? where it is not finite. By default the
        structure's b.
    header : iterable of str
        Lines of text, kept as ``_pomodoro.header``: see `read_header`.
    titles : sequence of str, optional
        One per model, kept as ``_pomodoro_model.title``: see `read_titles`.
    truth : bool
        Whether the structure is written, as model 0.
    progress : callable, optional
        Called with the number of frames written and that of all, None for blocks.

    Raises
    ------
    PomodoroError
        If the file cannot be written, the shapes disagree, a number is not finite, a
        coordinate is beyond 1e11 angstrom, or a label has characters that are not printed.
    """
    n_frames = count_frames(frames, len(structure))
    text = _Text(structure, values)
    items = _ITEMS if values is None else [*_ITEMS, _SOURCE_B]
    name = re.sub(r"[^!-~]", "_", structure.name) or "structure"
    head = [f"data_{name}", "#", "_entry.id", quote(name), "#"]
    told = cif_header(header) + _cell_items(structure) + cif_titles(titles or (), 0 if truth else 1)
    with open_packed(path) as file:
        file.write("\n".join([*head, f"{told}loop_", *(f"_atom_site.{item}" for item in items), ""]).encode())
        for model, frame in each_model(structure.coords, frames, titles, truth):
            for lines in text.of_model(frame, model):
                file.write(lines.data)
            if model and progress:
                progress(model, n_frames)
        file.write(b"#\n")


def check_mmcif(structure: Structure) -> None:
    """Refuse what `save_mmcif` could not write whatever the frames and values are, before they are drawn.

    Raises
    ------
    PomodoroError
        If a label has characters that are not printed, or an occupancy or the unit cell is not finite.
    """
    _cell_items(structure)
    _Text(structure, np.zeros(len(structure)))


def quote(text: str) -> str:
    """Return a value as CIF writes it: plain, in quotes, or as a text field.

    Source: the CIF 1.1 syntax of the IUCr, paragraphs 15 to 17.

    Raises
    ------
    PomodoroError
        If it has characters that are not printed, such as ends of lines, which readers do not keep.
    """
    if not text.isprintable():
        raise PomodoroError(f"label {text!r} does not fit mmCIF, which holds printed characters alone")
    if _PLAIN.fullmatch(text):
        return text
    for mark in "'\"":
        if mark not in text:
            return f"{mark}{text}{mark}"
    return f"\n;{text}\n;\n"


def _cell_items(structure: Structure) -> str:
    """Return the unit cell and its space group, "" where there is no cell."""
    cell = structure.cell
    if cell is None:
        return ""
    names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    numbers = zip(names, check_values(np.array([*cell.lengths, *cell.angles]), 6, "edge and angle", "the unit cell"))
    items = [f"_cell.{name} {round(number, 4):.12g}" for name, number in numbers]
    return "\n".join([*items, f"_symmetry.space_group_name_H-M {_label(cell.space_group, '?')}", "#", ""])


class _Text:
    """The atoms as lines of text, of which all but numbers of atoms, coordinates and model is the same in each model.

    Raises
    ------
    PomodoroError
        If a label has characters that are not printed, or a value or an occupancy is not finite.
    """

    def __init__(self, structure: Structure, values: np.ndarray | None) -> None:
        self._kind_of_atom, kinds = numbered(structure.atoms.tolist())
        self._kinds = _table(
            f"{_label(elem, '?')} {_label(name, '?')} {_label(alt, '.')} {_label(name, '?')} "
            for name, elem, alt in kinds
        )
        self._row_of_atom = structure.residue_of_atom
        self._residues = _table(_residue_labels(structure))
        self._groups = _table(["HETATM " if hetero else "ATOM   " for hetero in structure.residues["hetero"].tolist()])
        n_atoms = len(structure)
        shown = check_values(structure.b if values is None else values, n_atoms, "atom")
        occupancy = check_values(structure.occupancy, n_atoms, "atom", "occupancies")
        columns = [_numbers(shown), _numbers(occupancy), _numbers(structure.charge, "d")]
        self._values = np.concatenate(columns, axis=1)
        self._source_b = np.empty((n_atoms, 0), np.uint8) if values is None else _numbers(structure.b)

    def of_model(self, coords: np.ndarray, model: int) -> Iterator[np.ndarray]:
        """Yield the lines of a model, shape=(n_lines, width), dtype=uint8, some thousand atoms at a time.

        Raises
        ------
        PomodoroError
            If a coordinate is beyond 1e11 angstrom.
        """
        first = model * len(coords) + 1
        id_width = len(str(first + len(coords)))
        width = text_width(coords, _DECIMALS)
        if width > _MAX_WIDTH:
            raise PomodoroError(f"model {model} has coordinates beyond 1e11 A, which only DCD (.dcd) can hold")
        end = np.frombuffer(f" {model} ".encode(), np.uint8)
        for start in range(0, len(coords), _CHUNK):
            part = slice(start, start + _CHUNK)
            rows = self._row_of_atom[part]
            xyz = fixed_point(np.ascontiguousarray(coords[part].T), width + 1, _DECIMALS)
            pieces = [
                self._groups[rows],
                fixed_point(np.arange(first + start, first + start + len(rows)), id_width, 0),
                np.full((len(rows), 1), ord(" "), np.uint8),
                self._kinds[self._kind_of_atom[part]],
                self._residues[rows],
                self._values[part],
                *xyz,
                np.broadcast_to(end, (len(rows), len(end))),
                self._source_b[part],
                np.full((len(rows), 1), ord("\n"), np.uint8),
            ]
            yield np.concatenate(pieces, axis=1)


def _residue_labels(structure: Structure) -> Iterator[str]:
    """Yield the items from ``label_comp_id`` to ``auth_asym_id`` of each row of residues."""
    taken = set(structure.residues["segi"].tolist())
    letters = ("".join(word) for length in count(1) for word in product(ascii_uppercase, repeat=length))
    free = (word for word in letters if word not in taken)
    asyms: dict[Any, str] = {}
    entities: dict[str, int] = {}
    places: dict[str, dict[int, int]] = {}
    row_to_residue, residue_to_chain = structure.grouping
    for residue, label in zip(row_to_residue.tolist(), structure.residues.tolist()):
        segi, chain_, resi, resn, hetero = label
        one = ("water", chain_) if hetero and is_water(resn) else residue_to_chain[residue]
        asym = segi or asyms.get(one) or asyms.setdefault(one, next(free))
        seq = "."
        if not hetero:
            residues = places.setdefault(asym, {})
            seq = str(residues.setdefault(residue, len(residues) + 1))
        entity = entities.setdefault(asym, len(entities) + 1)
        number = re.fullmatch(r"([+-]?\d+)(.*)", resi, re.ASCII)
        auth_seq, code = number.groups() if number else (resi, "")
        comp = _label(resn, "?")
        yield (
            f"{comp} {quote(asym)} {entity} {seq} {_label(code, '?')} {_label(auth_seq, '?')} {comp} {quote(chain_)} "
        )


def _numbers(values: np.ndarray, form: str = ".6g") -> np.ndarray:
    """Return a number of each atom as text, shape=(n_atoms, width), dtype=uint8; ? for what is not finite."""
    distinct, of_atom = np.unique(values, return_inverse=True)
    return _table(f"{value:{form}} " if math.isfinite(value) else "? " for value in distinct.tolist())[of_atom]


def _label(text: str, empty: str) -> str:
    """Return a label as CIF writes it, ``empty`` where there is none."""
    return quote(text) if text else empty


def _table(rows: Iterable[str]) -> np.ndarray:
    """Return texts as rows of bytes, each padded with blanks to the length of the longest."""
    texts = [row.encode() for row in rows]
    width = max(map(len, texts))
    return np.frombuffer(b"".join(text.ljust(width) for text in texts), np.uint8).reshape(-1, width)
