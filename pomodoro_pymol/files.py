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
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .errors import PomodoroError
from .structure import ATOM_LABELS, RESIDUE_LABELS, Structure

# A data block after blank lines and comments.
_CIF = re.compile(rb"(\s|#.*\n)*data_", re.IGNORECASE)
# Without the charge: entries of the 1990s have a line number there.
_PDB_COLUMNS = 78
#: Water by other names than those of the PDB, as simulation programs write it.
_WATERS = {"SOL", "SPC", "TIP", "TIP2", "TIP3", "TIP4", "TP3", "T3P", "T4P"}


def read_structure(path: str | Path, *, model: int = 1, solvent: bool = False) -> Structure:
    """Read one model of a PDB or mmCIF file, gzipped or not, in the order of the file.

    All alternate locations are kept. ``hetero`` marks waters and what the file has as
    HETATM outside its polymers: a modified residue of a polymer, such as MSE, is not.

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
    parsed, segment = _read(Path(path))
    if not 1 <= model <= len(parsed):
        raise PomodoroError(f"model {model} is not in {path}: it has models 1 to {len(parsed)}")
    return _structure(Path(path), parsed, model, segment, solvent)


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
        Angstrom.

    Raises
    ------
    PomodoroError
        As for `read_structure`, and if the models are not of the same atoms.
    """
    parsed, segment = _read(Path(path))
    if not 1 <= model <= len(parsed):
        raise PomodoroError(f"model {model} is not in {path}: it has models 1 to {len(parsed)}")
    models = [_structure(Path(path), parsed, number, segment, solvent) for number in range(1, len(parsed) + 1)]
    labels = [(each.atoms.tolist(), each.residues[each.residue_of_atom].tolist()) for each in models]
    other = next((number for number, label in enumerate(labels, 1) if label != labels[model - 1]), None)
    if other:
        raise PomodoroError(f"model {other} of {path} has not the atoms of model {model}: all models need the same")
    return models[model - 1], np.stack([each.coords for each in models])


def _read(path: Path) -> tuple[Any, str]:
    """Parse a file; return it, and where gemmi keeps the segment."""
    import gemmi

    parsed = _parse(path, gemmi)
    if not any(len(chain) for part in parsed for chain in part):
        raise PomodoroError(f"no atoms in {path}: is it a PDB or mmCIF file?")
    parsed.add_entity_types()
    return parsed, "segment" if parsed.input_format == gemmi.CoorFormat.Pdb else "subchain"


def _structure(path: Path, parsed: Any, model: int, segment: str, solvent: bool) -> Structure:
    """One model of a parsed file."""
    import gemmi

    coords: list[list[float]] = []
    kind_of_atom: list[int] = []
    residue_of_atom: list[int] = []
    kinds, residues = _numbering(), _numbering()
    for chain, residue, water in _residues(parsed[model - 1]):
        if water and not solvent:
            continue
        hetero = water or (residue.het_flag == "H" and residue.entity_type != gemmi.EntityType.Polymer)
        label = (getattr(residue, segment).strip(), chain.name, str(residue.seqid), residue.name, hetero)
        for atom in residue:
            coords.append(atom.pos.tolist())
            kind_of_atom.append(kinds[atom.name, _element(atom), atom.altloc.strip("\0")])
            residue_of_atom.append(residues[label])
    if not coords:
        raise PomodoroError(f"model {model} of {path} has no atoms but water: solvent=True keeps it")
    return Structure(
        coords=np.array(coords, dtype=np.float32),
        atoms=np.array(list(kinds), dtype=ATOM_LABELS)[kind_of_atom],
        residues=np.array(list(residues), dtype=RESIDUE_LABELS),
        residue_of_atom=np.array(residue_of_atom, dtype=np.int64),
        name=path.name.removesuffix(".gz").rsplit(".", 1)[0],
    )


def _parse(path: Path, gemmi: Any) -> Any:
    if not os.path.isfile(path):
        raise PomodoroError(f"{path} is {'not a file' if os.path.exists(path) else 'missing'}")
    try:
        data = path.read_bytes()
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
        if _CIF.match(data):
            return gemmi.read_structure_string(data, merge_chain_parts=False, format=gemmi.CoorFormat.Mmcif)
        parsed = gemmi.read_pdb_string(data, max_line_length=_PDB_COLUMNS)
    except (OSError, EOFError, zlib.error, RuntimeError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise PomodoroError(f"{path} cannot be read as PDB or mmCIF: {reason}") from None
    _check_coords(path, data)
    return parsed


def _check_coords(path: Path, data: bytes) -> None:
    """Refuse coordinates that are no numbers, which gemmi takes for zero."""
    for number, line in enumerate(data.splitlines(), 1):
        if line.rstrip() == b"END":
            return
        if line[:4] in (b"ATOM", b"HETA"):
            try:
                good = all(math.isfinite(float(line[start : start + 8])) for start in (30, 38, 46))
            except ValueError:
                good = False
            if not good:
                found = line[30:54].decode("ascii", "replace")
                raise PomodoroError(f"line {number} of {path} has coordinates that are no numbers: {found!r}")


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
