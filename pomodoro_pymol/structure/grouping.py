"""What a residue and what a chain is: one rule, whatever the atoms were read from.

A *chain* is what AF3 and its kin noise and predict as one, and what mmCIF calls an instance
of an entity: a polymer with its modified residues and caps; each ligand; each ion; each
glycan; each water. A *residue* is what has one label.

Labels alone do not tell. Files of simulations call everything ATOM, crystal structures call
modified residues HETATM, merged copies share their labels, numbers begin anew after 9,999.
PyMOL does not keep entities, and PDB has none. So the rule goes by what every source has: the
labels, the order, and the places of the atoms, from which the bonds follow (see `bonds`).

Residues
    Atoms of equal segment, chain and residue number (with its insertion code) are one
    residue, two names among them where both are alternate locations; else each name is a
    residue. Where an atom's name repeats, another residue begins: by the order of the atoms,
    or, where they do not stand residue by residue, by the bonds. Atoms that are joined to one
    molecule in spite of it, such as a ligand's whose names are mere elements, stay together.
Polymers
    A residue is of a polymer if (a) it is ATOM and an amino acid or nucleotide by its name or
    its backbone; (b) it has a backbone that is bonded to another one's (C-N, O3'-P); (c) it
    is bonded to the backbone's N, C, P or O3' of one of these, as caps and chromophores are;
    (d) it is a modified residue or a cap by its name, or a mere CA, and stands between two of
    these, or next to one by its number; or it has a backbone, and stands between two. All
    within one label of chain.
Chains
    Of the residues of polymers, those of one segment and chain label are a chain. Another
    begins where a residue number repeats, unless the residue is bonded to the one before, or
    in a trace its CA lies beside (numbers begin anew within a chain); and where nucleic acid
    follows protein. A gap parts nothing: unobserved residues leave one, too.
    Of all else, residues that are bonded to each other are a chain, and so are sugars of one
    segment that has no polymer (``label_asym_id`` of a branched entity). Metals and single
    atoms have no bonds. Bonds between a ligand and a polymer's side chain do not count: the
    glycan or inhibitor stays a chain of its own, as in mmCIF.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..utils.text import counted
from .atoms import Structure, some_labels
from .polymers import find_chains, find_polymers
from .residues import Atoms, Residues, by_appearance, first_of_each, tell_apart

#: Two residues that follow each other by number are a break if their first atoms are farther apart, and their last,
#: angstrom.
BREAK = 15.0


@dataclass(frozen=True, eq=False)
class Grouped:
    """What `group` finds.

    Attributes
    ----------
    residues : ndarray, shape=(n_rows,), dtype=RESIDUE_LABELS
        A row per residue and name of it; ``hetero`` marks what is outside the polymers.
    residue_of_atom : ndarray, shape=(n_atoms,), dtype=int64
        Row of each atom.
    groups : tuple of two ndarrays
        Residue of each row, and chain of each residue, as `Structure` has them.
    note : str
        What was told apart and what was left merged, in words, "" where all labels tell.
    """

    residues: np.ndarray
    residue_of_atom: np.ndarray
    groups: tuple[np.ndarray, np.ndarray]
    note: str


def group(atoms: Atoms) -> Grouped:
    """Find the residues and chains of atoms by the rule that stands at the top of this module."""
    residue_of_atom, apart, merged = tell_apart(atoms)
    residues = Residues(atoms, residue_of_atom)
    polymer = find_polymers(residues)
    chain_of_residue, parted = find_chains(residues, polymer)
    # A row for each residue and label that occur together, in the order of their first atoms.
    label = atoms.label_of_atom
    alike = np.array_equal(residue_of_atom, label)
    rows = label if alike else by_appearance(residue_of_atom * len(atoms.labels) + label)
    first = first_of_each(rows)
    row_to_residue = residue_of_atom[first]
    labels = atoms.labels[label[first]]
    labels["hetero"] = ~polymer[row_to_residue]
    note = "; ".join(_words(residues, apart, parted, merged, chain_of_residue, polymer))
    return Grouped(labels, rows, (row_to_residue, chain_of_residue), note)


def structure_of(atoms: Atoms, *, note: str = "", **rest: Any) -> Structure:
    """Return atoms, grouped, as a `Structure`; ``note`` and what else it has are given."""
    found = group(atoms)
    return Structure(
        coords=atoms.coords,
        atoms=atoms.kinds[atoms.kind_of_atom],
        residues=found.residues,
        residue_of_atom=found.residue_of_atom,
        groups=found.groups,
        note="; ".join(part for part in (note, found.note) if part),
        **rest,
    )


def _words(
    residues: Residues,
    apart: np.ndarray,
    parted: dict[int, int],
    merged: np.ndarray,
    chain: np.ndarray,
    polymer: np.ndarray,
) -> Iterator[str]:
    """Yield notes on labels that do not tell residues or chains apart, and on chains with gaps in space."""
    labels = residues.atoms.labels
    if len(apart):
        yield f"told apart: {counted(len(apart), 'residue')} whose labels repeat ({some_labels(residues.names(apart))})"
    for label, count in parted.items():
        row = labels[residues.label[np.flatnonzero(residues.chain == label)[0]]]
        yield f"told apart: {count} chains that are called {str(row['chain'])!r}"
    if len(merged):
        yield (
            f"left as one residue each, though names of atoms repeat: {some_labels(residues.names(merged))} "
            "(residues= tells them apart)"
        )
    order = np.flatnonzero(polymer)
    order = order[np.argsort(chain[order], kind="stable")]
    one, other = order[:-1], order[1:]
    near = np.abs(residues.integers[one] - residues.integers[other]) <= 1
    ends = (residues.atoms.coords[atoms] for atoms in (residues.first, residues.last))
    gaps = np.min([np.linalg.norm(places[one] - places[other], axis=1) for places in ends], axis=0)
    far = np.flatnonzero((chain[one] == chain[other]) & near & (gaps > BREAK))
    if len(far):
        places = [" to ".join(residues.names(np.array([one[place], other[place]]))) for place in far]
        yield (
            f"left as one chain, though residues that follow each other are more than {BREAK:g} A apart: "
            f"{some_labels(places)} (chains= tells them apart)"
        )
