"""Atoms of mmCIF files, item by item as PyMOL reads them, through gemmi's parser of CIF."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import PomodoroError
from ..structure.atoms import UnitCell, numbered
from .model import File, Model, element, scale_note, unit_cell

_CELL = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
_SPACE_GROUPS = ("_symmetry.space_group_name_H-M", "_space_group.name_H-M_alt")
_COORDS = ("Cartn_x", "Cartn_y", "Cartn_z")
_COMPONENT_COORDS = (
    ("pdbx_model_Cartn_x_ideal", "pdbx_model_Cartn_y_ideal", "pdbx_model_Cartn_z_ideal"),
    ("model_Cartn_x", "model_Cartn_y", "model_Cartn_z"),
    ("x", "y", "z"),
)
_NULL = ("?", ".")
#: A number and its standard uncertainty.
_UNCERTAIN = re.compile(r"([0-9.])\(\d+\)$")


def parse_cif(path: Path, data: bytes) -> File:
    """Return the models of an mmCIF file, or of a component of the dictionary of the PDB.

    Raises
    ------
    PomodoroError
        If it has no atoms, has them in a data block after the first, or a coordinate is no number.
    ModuleNotFoundError
        If gemmi is not installed.
    """
    import gemmi

    document = gemmi.cif.read_string(data)  # its blocks live as long as it does
    block = document[0]
    if any(len(document[i].find_values("_atom_site.Cartn_x")) for i in range(1, len(document))):
        raise PomodoroError(f"{path} has atoms in a data block after the first, which alone is read")
    if not len(block.find_values("_atom_site.Cartn_x")):
        return _component(path, block, gemmi)
    site = _Columns(block, gemmi, "_atom_site.", "Cartn_x")
    cell = _cell(block, gemmi)
    of_model, numbers = numbered(site.values("pdbx_PDB_model_num", default="1"))
    whole = _whole(path, site)
    models = [whole.chosen(np.flatnonzero(of_model == each)) for each in range(len(numbers))]
    return File(models, cell, scale_note(models, cell, _scale(block, gemmi)))


class _Columns:
    """The columns of a category of a block, which are as long as that of the item ``key``."""

    def __init__(self, block: Any, gemmi: Any, category: str, key: str) -> None:
        self._block = block
        self._gemmi = gemmi
        self._category = category
        self.count = len(block.find_values(category + key))

    def raw(self, item: str) -> list[str] | None:
        """Return a column as it is written, None where there is none."""
        column = list(self._block.find_values(self._category + item))
        return column if len(column) == self.count else None

    def values(self, *items: str, default: str = "") -> list[str]:
        """Return the first of some columns that is there, without quotes; what is ? or . is ``default``."""
        for item in items:
            column = self.raw(item)
            if column is not None:
                known = {text: self._text(text, default) for text in set(column)}
                return [known[text] for text in column]
        return [default] * self.count

    def numbers(self, item: str, default: float) -> np.ndarray:
        """Return a column as numbers; what is none is ``default``."""
        column = self.raw(item)
        if column is None:
            return np.full(self.count, default, np.float32)
        known = {text: self._gemmi.cif.as_number(text, default) for text in set(column)}
        return np.array([known[text] for text in column], np.float32)

    def _text(self, text: str, default: str) -> str:
        return default if text in _NULL else self._gemmi.cif.as_string(text)


def _whole(path: Path, site: _Columns) -> Model:
    """Return the atoms of all models."""
    symbols, names = site.values("type_symbol"), site.values("auth_atom_id", "label_atom_id")
    comps = site.values("auth_comp_id", "label_comp_id")
    alts, charges = site.values("label_alt_id"), site.values("pdbx_formal_charge")
    kind_of_atom, kinds = numbered(zip(names, symbols, alts, charges, comps))
    asyms = site.values("label_asym_id")
    chains = site.values("auth_asym_id", "label_asym_id")
    numbers, codes = site.values("auth_seq_id", "label_seq_id"), site.values("pdbx_PDB_ins_code")
    groups = site.values("group_PDB")
    label_of_atom, labels = numbered(zip(asyms, chains, numbers, codes, comps, groups))
    return Model(
        coords=_coords(path, site, _COORDS),
        kinds=[
            (name, element(symbol, name, comp), alt[:1], _integer(charge)) for name, symbol, alt, charge, comp in kinds
        ],
        kind_of_atom=kind_of_atom,
        labels=[
            (asym, chain, f"{_integer(resi)}{code[:1]}", comp, group[:1] == "H")
            for asym, chain, resi, code, comp, group in labels
        ],
        label_of_atom=label_of_atom,
        occupancy=site.numbers("occupancy", 1.0),
        b=site.numbers("B_iso_or_equiv", 0.0),
    )


def _coords(path: Path, site: _Columns, items: tuple[str, ...]) -> np.ndarray:
    """Return the coordinates, as nan where there are none, which ? and a dot stand for."""
    columns = []
    for item in items:
        texts = site.raw(item) or ["?"] * site.count
        try:
            columns.append(np.array(texts).astype(np.float64))
        except ValueError:
            columns.append(np.array([_coordinate(path, item, row, text) for row, text in enumerate(texts)]))
    with np.errstate(over="ignore"):
        return np.array(columns).T.astype(np.float32)


def _coordinate(path: Path, item: str, row: int, text: str) -> float:
    """Return a coordinate, without its uncertainty if it has one; nan where there is none."""
    try:
        return math.nan if text in _NULL else float(_UNCERTAIN.sub(r"\1", text))
    except ValueError:
        raise PomodoroError(f"atom {row + 1} of {path} has a {item} that is no number: {text!r}") from None


def _integer(text: str) -> int:
    """Return a whole number, 0 for what is none."""
    try:
        return int(text)
    except ValueError:
        return 0


def _cell(block: Any, gemmi: Any) -> UnitCell | None:
    """Return the unit cell of a block, None where it has none."""
    texts = [block.find_value(f"_cell.{item}") or "" for item in _CELL]
    groups = [block.find_value(item) for item in _SPACE_GROUPS]
    group = next((gemmi.cif.as_string(text) for text in groups if text and text not in _NULL), "")
    return unit_cell([_UNCERTAIN.sub(r"\1", text) for text in texts], group)


def _scale(block: Any, gemmi: Any) -> np.ndarray | None:
    """Return the matrix and the shift to fractional coordinates, shape=(3, 4)."""
    rows = [[f"matrix[{i}][{j}]" for j in (1, 2, 3)] + [f"vector[{i}]"] for i in (1, 2, 3)]
    texts = [[block.find_value(f"_atom_sites.fract_transf_{item}") for item in row] for row in rows]
    if not all(text for row in texts for text in row):
        return None
    return np.array([[gemmi.cif.as_number(text) for text in row] for row in texts])


def _component(path: Path, block: Any, gemmi: Any) -> File:
    """Return the atoms of a component, in its ideal coordinates where they are there, as PyMOL does."""
    atoms = _Columns(block, gemmi, "_chem_comp_atom.", "atom_id")
    if not atoms.count:
        raise PomodoroError(f"no atoms in {path}: {_why(block)}")
    coords = [_coords(path, atoms, items) for items in _COMPONENT_COORDS]
    xyz = next((found for found in coords if np.isfinite(found).any()), coords[0])
    symbols, names, comps = (atoms.values(item) for item in ("type_symbol", "atom_id", "comp_id"))
    kind_of_atom, kinds = numbered(zip(names, symbols, atoms.values("charge"), comps))
    label_of_atom, labels = numbered(("", "", "0", comp, True) for comp in comps)
    found = Model(
        coords=xyz,
        kinds=[(name, element(symbol, name, comp), "", _integer(charge)) for name, symbol, charge, comp in kinds],
        kind_of_atom=kind_of_atom,
        labels=labels,
        label_of_atom=label_of_atom,
        occupancy=np.ones(atoms.count, np.float32),
        b=np.zeros(atoms.count, np.float32),
    )
    return File([found.chosen(np.isfinite(xyz).all(1))])


def _why(block: Any) -> str:
    """Say why a block has no atoms to be read."""
    if any(len(block.find_values(item)) for item in ("_atom_site_fract_x", "_atom_site.fract_x")):
        return "it has fractional coordinates alone, as of small molecules, which PyMOL alone reads"
    return "is it a PDB or mmCIF file?"
