"""From what PyMOL says of atoms to a `Structure`."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from .host import CmdException, muted


@dataclass(frozen=True, eq=False)
class ReadAtoms:
    """Atoms as they were read, in PyMOL's order.

    Attributes
    ----------
    coords : ndarray, shape=(n_atoms, 3), dtype=float32
        Angstrom; not finite where PyMOL has no number.
    columns : ndarray, shape=(n_atoms, 4), dtype=int64
        Which of the labels, which of the kinds, the rank, and which of the values each atom has.
    labels : list of tuple
        Segment, chain, residue number, residue name, and ATOM or HETATM, each once.
    kinds : list of tuple
        Name, element, alternate location, formal charge and occupancy, each once.
    values : list of float
        b, each once.
    """

    coords: Any
    columns: Any
    labels: list[tuple[str, str, str, str, str]]
    kinds: list[tuple[str, str, str, int, float]]
    values: list[float]


def assembled(found: ReadAtoms, title: str, order: str, lost: Iterable[tuple[str, str, str, str]], cell: Any) -> Any:
    """Return atoms that were read as a `Structure`; see `reading.structure_steps` for what else is given."""
    import numpy as np

    from ..structure.atoms import ATOM_LABELS, RESIDUE_LABELS, left_out
    from ..structure.grouping import structure_of
    from ..structure.residues import Atoms, by_appearance, first_of_each

    labels, kinds = found.labels, found.kinds
    label_of, kind_of, ranks, value_of = found.columns.T
    places, order = _file_order(ranks, order)
    finite = np.isfinite(found.coords).all(1)[places]
    nowhere = [(*labels[label_of[place]][1:4], kinds[kind_of[place]][0]) for place in places[~finite]]
    places = places[finite]
    label_of_atom = by_appearance(label_of[places])
    used = label_of[places][first_of_each(label_of_atom)].tolist()
    atoms = Atoms(
        coords=found.coords[places],
        kinds=np.array([kind[:3] for kind in kinds], dtype=ATOM_LABELS),
        kind_of_atom=kind_of[places],
        labels=np.array([(*labels[row][:4], labels[row][4] == "HETATM") for row in used], dtype=RESIDUE_LABELS),
        label_of_atom=label_of_atom,
    )
    return structure_of(
        atoms,
        name=title,
        order=order,
        note=left_out([*lost, *nowhere], {labels[row][1:4] for row in used}),
        places=places,
        occupancy=np.array([kind[4] for kind in kinds], np.float32)[kind_of[places]],
        b=np.array(found.values, np.float32)[value_of[places]],
        charge=np.array([kind[3] for kind in kinds], np.int8)[kind_of[places]],
        cell=cell,
    )


def unit_cell(name: str, _self: Any) -> Any:
    """Return the unit cell of an object, None where it has none."""
    from ..structure.atoms import UnitCell

    with muted(_self), suppress(CmdException):
        found = _self.get_symmetry(f"%{name}")
        if found and min(found[:3]) > 1:  # 1 x 1 x 1 stands for none
            numbers = [round(float(number), 4) for number in found[:6]]
            a, b, c, alpha, beta, gamma = numbers
            return UnitCell((a, b, c), (alpha, beta, gamma), str(found[6]))
    return None


def _file_order(ranks: Any, order: str) -> tuple[Any, str]:
    """Return at which places of PyMOL's order the atoms stand that come one after another, and whose order that is."""
    import numpy as np

    places = np.argsort(ranks, kind="stable")
    known = not len(ranks) or (ranks[places[0]] >= 0 and (np.diff(ranks[places]) > 0).all())
    order = order or ("file" if known else "copy")
    return (places if order == "file" else np.arange(len(ranks))), order
