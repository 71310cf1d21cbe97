"""Crops of a structure, as models are trained on: so many residues of it, chosen at random.

contiguous
    Residues that follow each other in one chain, in the order of the file: a random window of the chain
    that a random residue of the polymers is in, all of the chain where that is shorter. Where nothing is a
    polymer, any residue.
spatial
    The residues whose centres are nearest to that of a random residue, itself among them; ligands and ions,
    too. All of the structure where it has no more. Of equally far ones the first of the file.

A token is a residue here, whatever it is. AF3 gives each atom of a ligand a token of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import PomodoroError
from .atoms import Structure
from .input_notes import are_hydrogens
from .matching import take_atoms

CROPPINGS = ("contiguous", "spatial")


@dataclass(frozen=True, eq=False)
class Crop:
    """A part of a structure.

    Attributes
    ----------
    structure : Structure
        Residues and chains are as in the whole, parts of which may be missing.
    kind : str
        One of `CROPPINGS`.
    number : int
        From 1 for each kind.
    """

    structure: Structure
    kind: str
    number: int


def crops(
    structure: Structure, n_residues: int, *, kinds: Sequence[str] = CROPPINGS, count: int = 1, seed: int = 0
) -> Iterator[Crop]:
    """Yield random crops of a structure.

    The same coordinates and seed give the same crops, whatever the file is called, where it lies and
    which format it has; and the first of them do not depend on ``count``.

    Parameters
    ----------
    structure : Structure
    n_residues : int
        Residues of each, at most.
    kinds : sequence of str
        Of `CROPPINGS`.
    count : int
        Crops of each kind.
    seed : int
    """
    residue, chain_of = structure.grouping[0][structure.residue_of_atom], structure.grouping[1]
    n_all = len(chain_of)
    n_atoms = np.bincount(residue, minlength=n_all)
    sums = np.stack([np.bincount(residue, axis, n_all) for axis in structure.coords.T.astype(float)], 1)
    centres = sums / n_atoms[:, None]
    polymer = np.unique(residue[~structure.residues["hetero"][structure.residue_of_atom]])
    draws = {"contiguous": polymer if len(polymer) else np.arange(n_all), "spatial": np.arange(n_all)}
    without_sign = structure.coords + np.float32(0)  # of zero, which some writers of files give one
    bits = hashlib.sha256(np.ascontiguousarray(without_sign, "<f4").tobytes()).digest()
    digest = int.from_bytes(bits[:16], "big")
    for kind in kinds:
        random = np.random.default_rng([seed, digest, CROPPINGS.index(kind)])
        for number in range(1, count + 1):
            middle = random.choice(draws[kind])
            if kind == "contiguous":
                chain = np.flatnonzero(chain_of == chain_of[middle])
                start = random.integers(max(len(chain) - n_residues, 0) + 1)
                taken = chain[start : start + n_residues]
            else:
                distance = np.linalg.norm(centres - centres[middle], axis=1)
                distance[middle] = -1  # also where others lie on it
                taken = np.argsort(distance, kind="stable")[:n_residues]
            yield Crop(take_atoms(structure, np.flatnonzero(np.isin(residue, taken))), kind, number)


def without_hydrogens(structure: Structure) -> Structure:
    """Return a structure without hydrogen and deuterium.

    Raises
    ------
    PomodoroError
        If it has nothing else.
    """
    heavy = ~are_hydrogens(structure.atoms)
    if not heavy.any():
        raise PomodoroError("no atoms but hydrogen")
    return structure if heavy.all() else take_atoms(structure, np.flatnonzero(heavy))
