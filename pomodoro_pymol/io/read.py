"""Read a structure from a PDB or mmCIF file, without a viewer.

Labels are those that PyMOL gives to the same file: chain and residue number as the
author chose them, the segment from columns 73-76 of PDB and ``label_asym_id`` of mmCIF.
"""

from __future__ import annotations

import gzip
import math
import os
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress, product
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import PomodoroError
from ..structure.atoms import ATOM_LABELS, RESIDUE_LABELS, Structure, left_out

# A data block after blank lines and comments.
_CIF = re.compile(rb"(\s|#.*\n)*data_", re.IGNORECASE)
# Without the charge: entries of the 1990s have a line number there.
_PDB_COLUMNS = 78
#: Water by other names than those of the PDB, as simulation programs write it.
_WATERS = {"SOL", "SPC", "TIP", "TIP2", "TIP3", "TIP4", "TP3", "T3P", "T4P"}


def read_structure(path: str | Path, *, model: int = 1, solvent: bool = False) -> Structure:
    """Read one model of a PDB or mmCIF file, gzipped or not, in the order of its records.

    All alternate locations are kept. ``hetero`` marks waters and what the file has as
    HETATM outside its polymers: a modified residue of a polymer, such as MSE, is not.
    Atoms without coordinates are left out, and ``note`` says which.

    Parameters
    ----------
    path : str or Path
        The format is told by the content, not by the name; ``.gz`` is unpacked.
    model : int
        Counted from 1 in the order of the file, whatever number MODEL bears.
    solvent : bool
        Whether to keep waters.

    Returns
    -------
    Structure
        Named after the file, without its endings.

    Raises
    ------
    PomodoroError
        If there is no such file or model, the file cannot be read as PDB or mmCIF, or no
        atom is left.
    ModuleNotFoundError
        If gemmi is not installed: ``pip install 'pomodoro-pymol[files]'``.
    """
    file = _read(Path(path), model)
    return _structure(_model(file, model, solvent), file, model, solvent)


def read_ensemble(path: str | Path, *, model: int = 1, solvent: bool = False) -> tuple[Structure, np.ndarray]:
    """Read every model of a file.

    Parameters
    ----------
    path, model, solvent
        As for `read_structure`.

    Returns
    -------
    structure : Structure
        Of ``model``.
    states : ndarray, shape=(n_models, n_atoms, 3), dtype=float32
        Angstrom, of the atoms of ``structure``. A model that has them in another order is
        matched by their labels.

    Raises
    ------
    PomodoroError
        As for `read_structure`, and if the models are not of the same atoms.
    """
    file = _read(Path(path), model)
    truth = _model(file, model, solvent)
    structure = _structure(truth, file, model, solvent)
    states = [
        _matched(truth, _model(file, number, solvent), f"model {number} of {path}", f"model {model}")
        for number in range(1, len(file.parsed) + 1)
    ]
    return structure, np.stack(states)


@dataclass(frozen=True, eq=False)
class _File:
    """A parsed file; the serial of each atom is the place of its record, from 0."""

    path: Path
    parsed: Any
    segment: str  # where gemmi keeps it
    lost: Sequence[int] = ()  # places of PDB records without coordinates, which gemmi takes for zero
    document: Any = None  # of mmCIF


@dataclass(frozen=True, eq=False)
class _Model:
    """The atoms of a model in the order of their records; of those without coordinates one is not finite."""

    coords: np.ndarray
    atoms: np.ndarray
    residues: np.ndarray
    residue_of_atom: np.ndarray

    @cached_property
    def placed(self) -> np.ndarray:
        """Which atoms have coordinates."""
        return np.isfinite(self.coords).all(1)

    @cached_property
    def labels(self) -> list[tuple[tuple, tuple]]:
        """Labels of the residue and of the atom itself, of each atom."""
        return list(zip(self.residues[self.residue_of_atom].tolist(), self.atoms.tolist()))


def _read(path: Path, model: int) -> _File:
    """Parse a file that has a certain model."""
    import gemmi

    file = _parse(path, gemmi)
    parsed = file.parsed
    if not any(len(chain) for part in parsed for chain in part):
        raise PomodoroError(f"no atoms in {path}: is it a PDB or mmCIF file?")
    if not 1 <= model <= len(parsed):
        raise PomodoroError(f"model {model} is not in {path}: it has models 1 to {len(parsed)}")
    parsed.add_entity_types()
    return file


def _model(file: _File, model: int, solvent: bool) -> _Model:
    """Return the atoms of one model of a parsed file."""
    import gemmi

    coords: list[list[float]] = []
    kind_of_atom: list[int] = []
    residue_of_atom: list[int] = []
    places: list[int] = []
    kinds, residues = _numbering(), _numbering()
    for chain, residue, water in _residues(file.parsed[model - 1]):
        if water and not solvent:
            continue
        hetero = water or (residue.het_flag == "H" and residue.entity_type != gemmi.EntityType.Polymer)
        label = (getattr(residue, file.segment).strip(), chain.name, str(residue.seqid), residue.name, hetero)
        for atom in residue:
            coords.append(atom.pos.tolist())
            kind_of_atom.append(kinds[atom.name, _element(atom), atom.altloc.strip("\0")])
            residue_of_atom.append(residues[label])
            places.append(atom.serial)
    if not coords:
        raise PomodoroError(f"model {model} of {file.path} has no atoms but water: solvent=True keeps it")
    with np.errstate(over="ignore"):
        xyz = np.array(coords, dtype=np.float32)
    xyz[np.isin(places, file.lost)] = np.nan
    if file.document:
        _check_cif(file.path, file.document[0], np.array(places)[~np.isfinite(xyz).all(1)].tolist(), gemmi)
    order = np.argsort(places)  # gemmi puts the atoms of a residue, and the residues of a chain, together
    return _Model(
        coords=xyz[order],
        atoms=np.array(list(kinds), dtype=ATOM_LABELS)[kind_of_atom][order],
        residues=np.array(list(residues), dtype=RESIDUE_LABELS),
        residue_of_atom=np.array(residue_of_atom, dtype=np.int64)[order],
    )


def _structure(found: _Model, file: _File, model: int, solvent: bool) -> Structure:
    """Return the atoms that have coordinates, their residues in the order of their first atoms."""
    placed = found.placed
    if not placed.any():
        aside = "" if solvent else ", waters left aside,"
        raise PomodoroError(f"no atom of model {model} of {file.path}{aside} has coordinates")
    rows, first, of_atom = np.unique(found.residue_of_atom[placed], return_index=True, return_inverse=True)
    order = np.argsort(first)
    residues = found.residues[rows[order]]
    names = ["chain", "resi", "resn"]
    lost = zip(found.residues[found.residue_of_atom[~placed]][names].tolist(), found.atoms["name"][~placed])
    return Structure(
        coords=found.coords[placed],
        atoms=found.atoms[placed],
        residues=residues,
        residue_of_atom=np.argsort(order)[of_atom],
        name=file.path.name.removesuffix(".gz").rsplit(".", 1)[0],
        note=left_out(((*residue, name) for residue, name in lost), set(residues[names].tolist())),
    )


def _matched(truth: _Model, other: _Model, name: str, of: str) -> np.ndarray:
    """Return the coordinates that the atoms of one model have in another, which is called ``name``."""
    same = other.labels == truth.labels
    coords = other.coords[truth.placed if same else _rows(truth, other, name, of)]
    absent = np.flatnonzero(~np.isfinite(coords).all(1))
    if len(absent):
        label = _words(truth.labels[np.flatnonzero(truth.placed)[absent[0]]])
        raise PomodoroError(f"{name} has no coordinates of {label}, which {of} has: all models need the same atoms")
    return coords


def _rows(truth: _Model, other: _Model, name: str, of: str) -> list[int]:
    """Return where another model has the atoms of ``truth`` that have coordinates."""
    wanted = list(compress(truth.labels, truth.placed))
    lost = set(truth.labels).difference(wanted)
    needed = set(wanted)
    found = [
        row
        for row, (label, placed) in enumerate(zip(other.labels, other.placed))
        if label in needed or (placed and label not in lost)
    ]
    labels = [other.labels[row] for row in found]
    if Counter(labels) != Counter(wanted):
        raise PomodoroError(f"{name} has not the atoms of {of}: all models need the same")
    row_of = dict(zip(labels, found))
    if len(row_of) < len(labels):
        label = _words(Counter(labels).most_common(1)[0][0])
        raise PomodoroError(f"{name} has the atoms of {of} in another order, and more than one of them is {label}")
    return [row_of[label] for label in wanted]


def _words(label: tuple[tuple, tuple]) -> str:
    """Return the labels of an atom as they are written."""
    (_, chain, resi, resn, _), (name, _, alt) = label
    return f"{chain}/{resn}`{resi}/{name}{'`' if alt else ''}{alt}"


def _parse(path: Path, gemmi: Any) -> _File:
    if not os.path.isfile(path):
        raise PomodoroError(f"{path} is {'not a file' if os.path.exists(path) else 'missing'}")
    try:
        data = path.read_bytes()
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
        return (_parse_cif if _CIF.match(data) else _parse_pdb)(path, data, gemmi)
    except PomodoroError:
        raise
    except (OSError, EOFError, zlib.error, RuntimeError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise PomodoroError(f"{path} cannot be read as PDB or mmCIF: {reason}") from None


def _parse_pdb(path: Path, data: bytes, gemmi: Any) -> _File:
    lines = data.splitlines(keepends=True)
    records = []
    for row, line in enumerate(lines):
        kind = line[:4].upper()
        if kind in (b"ATOM", b"HETA"):
            records.append(row)
        elif kind.rstrip() == b"END":
            break
    for row, serial in zip(records, _serials()):
        lines[row] = lines[row][:6] + serial + lines[row][11:]
    parsed = gemmi.read_pdb_string(b"".join(lines), max_line_length=_PDB_COLUMNS)
    return _File(path, parsed, "segment", _lost_pdb(path, lines, records))


def _serials() -> Iterator[bytes]:
    """Yield the serials of atoms in five columns: hybrid-36, from where it is all letters and digits."""
    digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return map(bytes, product(digits[10:], digits, digits, digits, digits))


def _lost_pdb(path: Path, lines: list[bytes], records: list[int]) -> list[int]:
    """Return the places of records with nan or inf; refuse what is no number. gemmi takes both for zero."""
    lost = []
    for place, row in enumerate(records):
        line = lines[row]
        try:
            total = float(line[30:38]) + float(line[38:46]) + float(line[46:54])
        except ValueError:
            found = line[30:54].decode("ascii", "replace")
            raise PomodoroError(f"line {row + 1} of {path} has coordinates that are no numbers: {found!r}") from None
        if not math.isfinite(total):
            lost.append(place)
    return lost


def _parse_cif(path: Path, data: bytes, gemmi: Any) -> _File:
    document = gemmi.cif.read_string(data)  # its blocks live as long as it does
    block = document[0]
    if any(len(document[i].find_values("_atom_site.id")) for i in range(1, len(document))):
        raise PomodoroError(f"{path} has atoms in a data block after the first, which alone is read")
    loop = block.find_loop("_atom_site.Cartn_x").get_loop()
    if loop and "_atom_site.id" not in loop.tags:
        loop.add_columns(["_atom_site.id"], "?")
    serials = block.find_values("_atom_site.id")
    if not serials:
        return _parse_component(path, data, gemmi)
    for place in range(len(serials)):
        serials[place] = str(place)
    return _File(path, gemmi.make_structure_from_block(block), "subchain", document=document)


def _parse_component(path: Path, data: bytes, gemmi: Any) -> _File:
    """Parse what has no sites, such as a component of the dictionary of the PDB: gemmi keeps its atoms in order."""
    parsed = gemmi.read_structure_string(data, merge_chain_parts=False, format=gemmi.CoorFormat.Mmcif)
    for model in parsed:
        for place, found in enumerate(model.all()):
            found.atom.serial = place
    return _File(path, parsed, "subchain")


def _check_cif(path: Path, block: Any, places: list[int], gemmi: Any) -> None:
    """Refuse coordinates that are no numbers, which gemmi takes for nan as it does ? and a dot."""
    for axis in "xyz":
        values = block.find_values(f"_atom_site.Cartn_{axis}")
        for place in places:
            value = values[place]
            if value in ("?", ".") or not math.isnan(gemmi.cif.as_number(value)):
                continue
            try:
                float(value)
            except ValueError:
                what = f"atom {place + 1} of {path} has a Cartn_{axis} that is no number: {value!r}"
                raise PomodoroError(what) from None


def _residues(model: Any) -> Iterator[tuple[Any, Any, bool]]:
    """Yield chain, residue, and whether it is water."""
    for chain in model:
        for residue in chain:
            yield chain, residue, residue.is_water() or residue.name in _WATERS


def _element(atom: Any) -> str:
    return "" if atom.element.name == "X" else atom.element.name


def _numbering() -> defaultdict[tuple, int]:
    """Return a dict that numbers its keys 0, 1, 2 ... as they are first asked for."""
    numbers: defaultdict[tuple, int] = defaultdict()
    numbers.default_factory = numbers.__len__
    return numbers
