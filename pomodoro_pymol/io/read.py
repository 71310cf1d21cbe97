"""Read a structure from a PDB or mmCIF file, without a viewer.

Labels are those that PyMOL gives to the same file: chain and residue number as the
author chose them, the segment from columns 73-76 of PDB and ``label_asym_id`` of mmCIF.
Residues and chains are found by the rule of `grouping`, as they are in PyMOL.
"""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections import Counter
from itertools import compress
from pathlib import Path

import numpy as np

from ..errors import PomodoroError, first_line
from ..structure.atoms import Structure, atom_words, left_out
from ..structure.grouping import structure_of
from ..structure.residues import Atoms
from .model import File, Model, models_note
from .read_cif import parse_cif
from .read_pdb import parse_pdb

# A data block after blank lines and comments.
_CIF = re.compile(rb"(\s|#.*\n)*data_", re.IGNORECASE)
_MARK = b"\xef\xbb\xbf"


def read_structure(path: str | Path, *, model: int = 1, solvent: bool = False) -> Structure:
    """Read one model of a PDB or mmCIF file, gzipped or not, in the order of its records.

    All alternate locations are kept. ``hetero`` marks what is outside the polymers, whatever
    the file calls it. Atoms without coordinates are left out, and ``note`` says which; it also
    says what was told apart or left merged, and where PyMOL has other coordinates.

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
        If the file is mmCIF and gemmi is not installed: ``pip install 'pomodoro-pymol[files]'``.
    """
    path = Path(path)
    file = _read(path, model)
    return _structure(_model(file, path, model, solvent), file, path, model, solvent)


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
    path = Path(path)
    file = _read(path, model)
    truth = _model(file, path, model, solvent)
    structure = _structure(truth, file, path, model, solvent)
    states = [
        _matched(truth, _model(file, path, number, solvent), f"model {number} of {path}", f"model {model}")
        for number in range(1, len(file.models) + 1)
    ]
    return structure, np.stack(states)


def _read(path: Path, model: int) -> File:
    """Parse a file that has a certain model."""
    file = _parse(path)
    if not file.models:
        raise PomodoroError(f"no atoms in {path}: is it a PDB or mmCIF file?")
    if not 1 <= model <= len(file.models):
        raise PomodoroError(f"model {model} is not in {path}: it has models 1 to {len(file.models)}")
    return file


def _model(file: File, path: Path, model: int, solvent: bool) -> Model:
    """Return the atoms of one model of a parsed file."""
    found = file.models[model - 1] if solvent else file.models[model - 1].without_water()
    if not len(found.coords):
        raise PomodoroError(f"model {model} of {path} has no atoms but water: solvent=True, or --solvent, keeps it")
    return found


def _structure(found: Model, file: File, path: Path, model: int, solvent: bool) -> Structure:
    """Return the atoms that have coordinates, grouped."""
    placed = found.placed
    if not placed.any():
        aside = "" if solvent else ", waters left aside,"
        raise PomodoroError(f"no atom of model {model} of {path}{aside} has coordinates")
    kept = found.chosen(placed)
    names = [label[1:4] for label in found.labels]
    lost = [(*names[label], found.kinds[kind][0]) for label, kind in _pairs(found.chosen(~placed))]
    note = left_out(lost, {names[label] for label in np.unique(kept.label_of_atom).tolist()})
    atoms = Atoms(kept.coords, kept.atom_labels(), kept.kind_of_atom, kept.residue_labels(), kept.label_of_atom)
    return structure_of(
        atoms,
        name=path.name.removesuffix(".gz").rsplit(".", 1)[0],
        note="; ".join(part for part in (note, file.note, models_note(file.models)) if part),
        occupancy=kept.occupancy,
        b=kept.b,
        charge=np.array([kind[3] for kind in kept.kinds], np.int8)[kept.kind_of_atom],
        cell=file.cell,
    )


def _pairs(model: Model) -> list[tuple[int, int]]:
    """Return which of the labels and which of the kinds each atom has."""
    return list(zip(model.label_of_atom.tolist(), model.kind_of_atom.tolist()))


def _matched(truth: Model, other: Model, name: str, of: str) -> np.ndarray:
    """Return the coordinates that the atoms of one model have in another, which is called ``name``."""
    same = other.words == truth.words
    coords = other.coords[truth.placed if same else _rows(truth, other, name, of)]
    absent = np.flatnonzero(~np.isfinite(coords).all(1))
    if len(absent):
        label = _words(truth.words[np.flatnonzero(truth.placed)[absent[0]]])
        raise PomodoroError(f"{name} has no coordinates of {label}, which {of} has: all models need the same atoms")
    return coords


def _rows(truth: Model, other: Model, name: str, of: str) -> list[int]:
    """Return where another model has the atoms of ``truth`` that have coordinates."""
    wanted = list(compress(truth.words, truth.placed))
    lost = set(truth.words).difference(wanted)
    needed = set(wanted)
    found = [
        row
        for row, (label, placed) in enumerate(zip(other.words, other.placed))
        if label in needed or (placed and label not in lost)
    ]
    labels = [other.words[row] for row in found]
    if Counter(labels) != Counter(wanted):
        counts = f"{len(labels)} atoms, not the {len(wanted)}" if len(labels) != len(wanted) else "not the atoms"
        raise PomodoroError(f"{name} has {counts} of {of}: all models need the same")
    row_of = dict(zip(labels, found))
    if len(row_of) < len(labels):
        label = _words(Counter(labels).most_common(1)[0][0])
        raise PomodoroError(f"{name} has the atoms of {of} in another order, and more than one of them is {label}")
    return [row_of[label] for label in wanted]


def _words(label: tuple[tuple, tuple]) -> str:
    """Return the labels of an atom as they are written."""
    (_, chain, resi, resn, _), (name, _, alt) = label
    return atom_words(chain, resi, resn, name, alt)


def _parse(path: Path) -> File:
    """Read and unpack a file, and parse it as what its content is: mmCIF or PDB."""
    if not os.path.isfile(path):
        raise PomodoroError(f"{path} is {'not a file' if os.path.exists(path) else 'missing'}")
    try:
        data = path.read_bytes()
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
        data = data.removeprefix(_MARK)
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return (parse_cif if _CIF.match(data) else parse_pdb)(path, data)
    except PomodoroError:
        raise
    except (OSError, EOFError, zlib.error, RuntimeError, ValueError) as error:
        reason = first_line(error) or type(error).__name__
        raise PomodoroError(f"{path} cannot be read as PDB or mmCIF: {reason}") from None
