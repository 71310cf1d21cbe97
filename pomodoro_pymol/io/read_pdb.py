"""Atoms of PDB files, column by column as PyMOL reads them.

Columns are those of the wwPDB's PDB format 3.3, and beside it what programs write and PyMOL
takes: residue names of four letters, no elements, names that begin a column early, MODEL
without ENDMDL, models parted by END alone, PDBQT.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..errors import PomodoroError
from ..structure.atoms import UnitCell, numbered
from .model import File, Model, element, scale_note, unit_cell

_WIDTH = 80
_INTEGER = re.compile(r"\s*([+-]?\d+)")
_FLOAT = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_PDBQT = (b"ROOT", b"TORSDOF", b"BRANCH")


def parse_pdb(path: Path, data: bytes) -> File:
    """Return the models of a PDB file.

    Raises
    ------
    PomodoroError
        If a coordinate is no number.
    """
    lines = data.splitlines()
    models = list(_models(lines))
    aligned = any(lines[row][12:13] == b" " and lines[row][13:14] not in (b" ", b"") for rows in models for row in rows)
    pdbqt = any(line.startswith(_PDBQT) for line in lines)
    cell = next((_cell(line) for line in lines if line.startswith(b"CRYST1")), None)
    found = [_model(path, lines, rows, aligned, pdbqt) for rows in models]
    return File(found, cell, scale_note(found, cell, _scale(lines)))


def _models(lines: list[bytes]) -> Iterator[list[int]]:
    """Yield the rows of the atoms of each model."""
    rows: list[int] = []
    inside = False
    for row, line in enumerate(lines):
        start = line[:6].upper()
        if start == b"HETATM" or start[:5] == b"ATOM ":
            rows.append(row)
            continue
        start = start.rstrip()
        if start in (b"MODEL", b"ENDMDL", b"HEADER") or (start == b"END" and not inside):
            inside = start == b"MODEL"
            if rows:
                yield rows
                rows = []
    if rows:
        yield rows


def _model(path: Path, lines: list[bytes], rows: list[int], aligned: bool, pdbqt: bool) -> Model:
    """Return the atoms of some records; ``aligned`` and ``pdbqt`` say how their names and elements are to be read."""
    records = [lines[row].decode("latin-1").ljust(_WIDTH) for row in rows]
    kind_of_atom, kinds = numbered(record[12:21] + record[76:80] for record in records)
    label_of_atom, labels = numbered(record[:1] + record[17:27] + record[72:76] for record in records)
    return Model(
        coords=_coords(path, rows, records),
        kinds=[_kind(text, aligned, pdbqt) for text in kinds],
        kind_of_atom=kind_of_atom,
        labels=[_label(text, pdbqt) for text in labels],
        label_of_atom=label_of_atom,
        occupancy=_numbers((record[54:60] for record in records), 1.0),
        b=_numbers((record[60:66] for record in records), 0.0),
    )


def _coords(path: Path, rows: list[int], records: list[str]) -> np.ndarray:
    """Return the coordinates, those that are not finite as nan."""
    try:
        xyz = np.array([(record[30:38], record[38:46], record[46:54]) for record in records]).astype(np.float64)
    except ValueError:
        for row, record in zip(rows, records):
            try:
                [float(record[start : start + 8]) for start in (30, 38, 46)]
            except ValueError:
                what = f"line {row + 1} of {path} has coordinates that are no numbers: {record[30:54]!r}"
                raise PomodoroError(what) from None
        raise
    with np.errstate(over="ignore"):
        return xyz.astype(np.float32)


def _kind(text: str, aligned: bool, pdbqt: bool) -> tuple[str, str, str, int]:
    """Return name, element, alternate location and formal charge from columns 13-21 and 77-80."""
    name, alt, resn, symbol, charge = text[:4], text[4:5].strip(), text[5:9].strip(), text[9:11], text[11:13]
    if pdbqt:
        symbol = text[10:12].strip()
        symbol = {"A": "C"}.get(symbol, symbol[:1] if symbol[1:2].isupper() else symbol)
    sign = charge[1:2] in ("+", "-") and charge[:1].isdigit() and not pdbqt
    return name.strip(), _element(symbol.strip(), name, resn, aligned), alt, int(charge[1] + charge[0]) if sign else 0


def _element(symbol: str, name: str, resn: str, aligned: bool) -> str:
    """Return the element from its columns, or from where the atom's name stands in its four."""
    if symbol and symbol.isascii() and symbol.isalpha():
        return element(symbol, name, resn)
    if name[:1] in " 0123456789" and name[1:2].isascii() and name[1:2].isupper():
        return element(name[1], name, resn)
    if name[:1].isascii() and name[:1].isupper() and name[1:2].isascii() and name[1:2].isalpha():
        one = name[1].isupper() and (not aligned or name[0] == "H")
        return element(name[0] if one else name[0] + name[1].lower(), name, resn)
    return element("", name.strip(), resn)


def _label(text: str, pdbqt: bool) -> tuple[str, str, str, str, bool]:
    """Return the labels of a residue from columns 1, 18-27 and 73-76."""
    found = _INTEGER.match(text[6:10])
    resi = f"{int(found[1]) if found else 0}{text[10:11].strip()}"
    return ("" if pdbqt else text[11:15].strip()), text[5:6].strip(), resi, text[1:5].strip(), text[0] == "H"


def _numbers(texts: Iterator[str], absent: float) -> np.ndarray:
    """Return numbers; what is none, as where a line is short, is ``absent``."""
    known: dict[str, float] = {}
    found = []
    for text in texts:
        if text not in known:
            match = _FLOAT.match(text)
            known[text] = float(match[0]) if match else absent
        found.append(known[text])
    return np.array(found, np.float32)


def _cell(line: bytes) -> UnitCell | None:
    """Return the unit cell of a record CRYST1."""
    text = line.decode("latin-1").ljust(66)
    places = ((6, 15), (15, 24), (24, 33), (33, 40), (40, 47), (47, 54))
    return unit_cell([text[start:end] for start, end in places], text[55:66].strip())


def _scale(lines: list[bytes]) -> np.ndarray | None:
    """Return the SCALE records, shape=(3, 4)."""
    rows = [line for line in lines if line.startswith((b"SCALE1", b"SCALE2", b"SCALE3"))]
    try:
        found = [[float(row[start:end]) for start, end in ((10, 20), (20, 30), (30, 40), (45, 55))] for row in rows]
    except ValueError:
        return None
    return np.array(found) if len(found) == 3 else None
