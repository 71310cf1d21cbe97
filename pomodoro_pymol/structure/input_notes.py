"""What in a structure would mislead whoever reads its numbers: hydrogens, atoms without a place, a mirror image."""

from __future__ import annotations

from itertools import repeat

import numpy as np

from ..utils.text import counted
from .atoms import Structure, atom_words, some_labels
from .hierarchy import Hierarchy
from .moving import moving_part

#: Fewer atoms at the origin are not told of: one may well lie there.
FEWEST_AT_ORIGIN = 2
#: Of fewer alpha carbons nothing is said.
FEWEST_CENTRES = 4
#: Least and greatest size of a chiral volume, cubic angstrom, that tells L from D: it is 2.5 but for strain, and of
#: any size and sign where noise has scattered the atoms.
CHIRAL_VOLUMES = (1.0, 4.0)

_DIGITS = "0123456789"
_CORNERS = {"CA": 0, "N": 1, "C": 2, "CB": 3}


def input_notes(structure: Structure, hierarchy: Hierarchy) -> list[str]:
    """Return what is to be told of a structure that is noised or measured, a line each; often nothing.

    First what was left out of it, ``structure.note``.
    """
    x, y, z = structure.coords.T
    origin = (x == 0) & (y == 0) & (z == 0)
    found = (
        structure.note,
        fixed_note(structure, hierarchy),
        _hydrogens(structure, hierarchy),
        _at_origin(structure, origin),
        _mirrored(structure, hierarchy, ~origin),
    )
    return [note for note in found if note]


def fixed_note(structure: Structure, hierarchy: Hierarchy) -> str:
    """Tell how many atoms are fixed, and of which the numbers are; "" where none is."""
    if structure.fixed is None:
        return ""
    n_fixed = int(structure.fixed.sum())
    return (
        f"{n_fixed} of {counted(len(structure), 'atom')} {'is' if n_fixed == 1 else 'are'} fixed: "
        f"levels, gauge and colours are of what moves, {moving_part(structure, hierarchy).hierarchy}"
    )


def _hydrogens(structure: Structure, hierarchy: Hierarchy) -> str:
    """Tell of hydrogens, and what they make of the ratio under flat noise, sqrt(mean(1/n)) over residues of n atoms."""
    hydrogen = are_hydrogens(structure.atoms)
    n_hydrogens = np.count_nonzero(hydrogen)
    if not n_hydrogens:
        return ""
    of_atom = hierarchy.atom_to_residue.numpy()
    ratios = f"{_flat_ratio(of_atom):.3f} with them"
    if n_hydrogens < len(hydrogen):
        ratios += f", {_flat_ratio(of_atom[~hydrogen]):.3f} without"
    return (
        f"{n_hydrogens} of {counted(len(hydrogen), 'atom')} {'is' if n_hydrogens == 1 else 'are'} hydrogen, "
        f"which models such as AF3 do not have: flat noise has residue / atom {ratios} "
        "(in PyMOL, 'and not hydro' leaves them out)"
    )


def are_hydrogens(atoms: np.ndarray) -> np.ndarray:
    """Mark hydrogen and deuterium, by the name where the element is not known."""
    elements = atoms["elem"]
    found = np.zeros(len(atoms), dtype=bool)
    for element in set(elements.tolist()):
        if str(element).upper() in ("H", "D"):
            found |= elements == element
        elif element == "":
            unknown = np.flatnonzero(elements == "")
            found[unknown] = [name.lstrip(_DIGITS)[:1].upper() == "H" for name in atoms["name"][unknown]]
    return found


def _flat_ratio(residue_of_atom: np.ndarray) -> float:
    """Return the ratio of residue to atom motion under flat noise, of the residues that have atoms."""
    sizes = np.bincount(residue_of_atom)
    return float(np.sqrt((1 / sizes[sizes > 0]).mean()))


def _at_origin(structure: Structure, origin: np.ndarray) -> str:
    """Tell of atoms at exactly 0, 0, 0; alternate locations of one atom may well share a place."""
    atoms = structure.atoms[origin]
    if np.count_nonzero(atoms["alt"] == "") < FEWEST_AT_ORIGIN:
        return ""
    residues = structure.residues[structure.residue_of_atom[origin]][["chain", "resi", "resn"]].tolist()
    labels = [atom_words(chain, resi, resn, name) for (chain, resi, resn), name in zip(residues, atoms["name"])]
    return (
        f"{len(labels)} atoms lie at exactly 0, 0, 0 ({some_labels(labels)}), where files put atoms "
        "whose place is not known: they are noised and counted like the others"
    )


def _mirrored(structure: Structure, hierarchy: Hierarchy, placed: np.ndarray) -> str:
    """Tell where most alpha carbons are D."""
    volumes = _chiral_volumes(structure, hierarchy, placed)
    least, most = CHIRAL_VOLUMES
    n_mirrored = np.count_nonzero((volumes < -least) & (volumes > -most))
    if len(volumes) < FEWEST_CENTRES or 2 * n_mirrored <= len(volumes):
        return ""
    return (
        f"{n_mirrored} of {len(volumes)} alpha carbons are D, as all are in a mirror image of a protein: models learn "
        "from natural proteins, where they are L; scores made of distances, lDDT among them, do not tell the two apart"
    )


def _chiral_volumes(structure: Structure, hierarchy: Hierarchy, placed: np.ndarray) -> np.ndarray:
    """Return (N - CA) . ((C - CA) x (CB - CA)) of each residue of a polymer that has the four, cubic angstrom.

    Positive for L: the chiral volume of Hendrickson, Methods Enzymol. 115 (1985) 252. Of
    alternate locations the first counts; atoms that are not ``placed`` do not.
    """
    of_atom = hierarchy.atom_to_residue.numpy()
    usable = placed & ~structure.residues["hetero"][structure.residue_of_atom]
    names = structure.atoms["name"].tolist()
    row_of_atom = np.fromiter(map(_CORNERS.get, names, repeat(-1)), np.int8, len(names))
    corners = np.full((len(_CORNERS), hierarchy.n_residues), -1)
    places = np.flatnonzero(usable & (row_of_atom >= 0))[::-1]
    corners[row_of_atom[places], of_atom[places]] = places  # the first comes last, and stays
    centre, *others = structure.coords[corners[:, (corners >= 0).all(0)]].astype(float)
    n, c, cb = (other - centre for other in others)
    return (n * np.cross(c, cb)).sum(1)
