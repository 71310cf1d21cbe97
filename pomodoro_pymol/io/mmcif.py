"""Multi-model mmCIF files: model 0 is the true structure, models 1 .. n are the noised frames.

One ``atom_site`` loop, as in the wwPDB's PDBx/mmCIF dictionary. Nothing is too large for
it. We write it ourselves: gemmi, which is optional here, would need all models in memory
as objects, one per atom.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, count, product
from pathlib import Path
from string import ascii_uppercase

import numpy as np

from ..errors import PomodoroError
from ..structure.atoms import Structure
from .disk import atomic_write
from .fixed_point import fixed_point, text_width
from .frames import Frames, Progress, check_values, count_frames, each_frame
from .header import cif_header

_ITEMS = [
    *("group_PDB", "id", "type_symbol", "label_atom_id", "label_alt_id", "auth_atom_id"),
    *("label_comp_id", "label_asym_id", "label_entity_id", "label_seq_id", "pdbx_PDB_ins_code"),
    *("auth_seq_id", "auth_comp_id", "auth_asym_id", "B_iso_or_equiv", "occupancy"),
    *("Cartn_x", "Cartn_y", "Cartn_z", "pdbx_PDB_model_num"),
]
_DECIMALS = 4
_MAX_WIDTH = 17
_CHUNK = 1 << 15
_PLAIN = re.compile(r"(?!(?:data_|save_|loop_$|stop_$|global_$|[_#$;\[\]]|[.?]$))[!#-&(-~]+", re.IGNORECASE)
_WATERS = {"HOH", "DOD", "WAT"}


def save_mmcif(
    path: str | Path,
    structure: Structure,
    frames: Frames,
    *,
    values: np.ndarray | None = None,
    header: Iterable[str] = (),
    progress: Progress | None = None,
) -> None:
    """Write a structure and frames of it as a multi-model mmCIF file, whole or not at all.

    The labels are the structure's own: ``auth_asym_id`` the chain, ``auth_seq_id`` and
    ``pdbx_PDB_ins_code`` the residue number, ``label_asym_id`` the segment, or where
    there is none a letter for each chain, its water and each other ligand or ion.
    Coordinates have four decimals.

    Parameters
    ----------
    path : str or Path
    structure : Structure
        Model 0.
    frames : Tensor, ndarray, or iterable of them
        Models 1 .. n, in angstrom: one array, shape=(n_frames, n_atoms, 3), or blocks of
        it, shape=(n_block, n_atoms, 3), which are not kept.
    values : ndarray, shape=(n_atoms,), optional
        ``B_iso_or_equiv``, to six digits.
    header : iterable of str
        Lines of text, kept as ``_pomodoro.header``: see `read_header`.
    progress : callable, optional
        Called with the number of frames written and that of all, None for blocks.

    Raises
    ------
    PomodoroError
        If the file cannot be written, the shapes disagree, a number is not finite, a
        coordinate is beyond 1e11 angstrom, or a label has characters that are not printed.
    """
    n_atoms = len(structure)
    n_frames = count_frames(frames, n_atoms)
    lines = _atom_lines(structure, check_values(values, n_atoms, "atom"))
    name = re.sub(r"[^!-~]", "_", structure.name) or "structure"
    head = [f"data_{name}", "#", "_entry.id", quote(name), "#", cif_header(header) + "loop_"]
    with atomic_write(path) as file:
        file.write("\n".join([*head, *(f"_atom_site.{item}" for item in _ITEMS), ""]).encode())
        for model, frame in enumerate(chain([structure.coords], each_frame(frames, n_atoms))):
            for text in lines(frame, model):
                file.write(text.data)
            if model and progress:
                progress(model, n_frames)
        file.write(b"#\n")


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


def _atom_lines(structure: Structure, values: np.ndarray) -> Callable[[np.ndarray, int], Iterator[np.ndarray]]:
    """Return a function that gives the lines of a model, some thousand atoms at a time."""
    kinds: dict[tuple[str, str, str], int] = {}
    kind_of_atom = np.array([kinds.setdefault(kind, len(kinds)) for kind in structure.atoms.tolist()])
    kind_text = _table(
        f"{_label(elem, '?')} {_label(name, '?')} {_label(alt, '.')} {_label(name, '?')} " for name, elem, alt in kinds
    )
    residue_text = _table(_residue_labels(structure))
    group_text = _table(["HETATM " if hetero else "ATOM   " for hetero in structure.residues["hetero"].tolist()])
    distinct, value_of_atom = np.unique(values, return_inverse=True)
    value_text = _table(f"{value:.6g} 1.0 " for value in distinct.tolist())

    def lines(coords: np.ndarray, model: int) -> Iterator[np.ndarray]:
        first = model * len(coords) + 1
        id_width = len(str(first + len(coords)))
        width = text_width(coords, _DECIMALS)
        if width > _MAX_WIDTH:
            raise PomodoroError(f"model {model} has coordinates beyond 1e11 A, which only DCD (.dcd) can hold")
        end = np.frombuffer(f" {model}\n".encode(), np.uint8)
        for start in range(0, len(coords), _CHUNK):
            part = slice(start, start + _CHUNK)
            rows = structure.residue_of_atom[part]
            xyz = fixed_point(np.ascontiguousarray(coords[part].T), width + 1, _DECIMALS)
            pieces = [
                group_text[rows],
                fixed_point(np.arange(first + start, first + start + len(rows)), id_width, 0),
                np.full((len(rows), 1), ord(" "), np.uint8),
                kind_text[kind_of_atom[part]],
                residue_text[rows],
                value_text[value_of_atom[part]],
                *xyz,
                np.broadcast_to(end, (len(rows), len(end))),
            ]
            yield np.concatenate(pieces, axis=1)

    return lines


def _residue_labels(structure: Structure) -> Iterator[str]:
    """Yield the items from ``label_comp_id`` to ``auth_asym_id`` of each row of residues."""
    taken = set(structure.residues["segi"].tolist())
    letters = ("".join(word) for length in count(1) for word in product(ascii_uppercase, repeat=length))
    free = (word for word in letters if word not in taken)
    asyms: dict[tuple, str] = {}
    entities: dict[str, int] = {}
    places: dict[tuple[str, str], dict[str, int]] = {}
    for segi, chain_, resi, resn, hetero in structure.residues.tolist():
        seq = "."
        if not hetero:
            residues = places.setdefault((segi, chain_), {})
            seq = str(residues.setdefault(resi, len(residues) + 1))
        one = (chain_, "water" if resn in _WATERS else resi) if hetero else (chain_,)
        asym = segi or asyms.get(one) or asyms.setdefault(one, next(free))
        entity = entities.setdefault(asym, len(entities) + 1)
        number = re.fullmatch(r"([+-]?\d+)(.*)", resi, re.ASCII)
        auth_seq, code = number.groups() if number else (resi, "")
        comp = _label(resn, "?")
        yield (
            f"{comp} {quote(asym)} {entity} {seq} {_label(code, '?')} {_label(auth_seq, '?')} {comp} "
            f"{_label(chain_, '.')} "
        )


def _label(text: str, empty: str) -> str:
    return quote(text) if text else empty


def _table(rows: Iterable[str]) -> np.ndarray:
    """Return texts as rows of bytes, each padded with blanks to the length of the longest."""
    texts = [row.encode() for row in rows]
    width = max(map(len, texts))
    return np.frombuffer(b"".join(text.ljust(width) for text in texts), np.uint8).reshape(-1, width)
