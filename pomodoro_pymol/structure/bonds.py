"""Which atoms are bonded, by how far apart they are.

A bond joins two atoms between 0.4 A and the sum of their covalent radii (Cordero et al.,
Dalton Trans. 2008, 2832) + 0.45 A apart, as in Jmol and Open Babel, of the same alternate
location or one of them of none.
"""

from __future__ import annotations

import numpy as np

#: Covalent radii in angstrom; elements that are not here, metals among them, form no bonds.
COVALENT_RADII = {
    **{"H": 0.31, "D": 0.31, "B": 0.84, "C": 0.76, "N": 0.71, "O": 0.66, "F": 0.57, "SI": 1.11, "P": 1.07},
    **{"S": 1.05, "CL": 1.02, "AS": 1.19, "SE": 1.20, "BR": 1.20, "I": 1.39},
}
BOND_SLACK = 0.45
BOND_MINIMUM = 0.4


def covalent_radii(elements: np.ndarray) -> np.ndarray:
    """Return the covalent radius of each element symbol, in whatever case, angstrom; nan where it forms no bonds."""
    kinds, of_atom = np.unique(elements.astype(str), return_inverse=True)
    return np.array([COVALENT_RADII.get(kind.upper(), np.nan) for kind in kinds.tolist()])[of_atom]


def longest_bond(first: np.ndarray, second: np.ndarray) -> float:
    """Return how long a bond between atoms of some covalent radii and of others can be, angstrom."""
    return float(first.max() + second.max() + BOND_SLACK)


def are_bonded(atoms: np.ndarray, radii: np.ndarray, pairs: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Tell which pairs of atoms are bonded, shape=(n_pairs,).

    Parameters
    ----------
    atoms : ndarray, shape=(n_atoms,), dtype=ATOM_LABELS
    radii : ndarray, shape=(n_atoms,)
        See `covalent_radii`.
    pairs : ndarray, shape=(n_pairs, 2)
    lengths : ndarray, shape=(n_pairs,)
        Distances, angstrom.
    """
    alt = atoms["alt"][pairs]
    together = (alt[:, 0] == alt[:, 1]) | (alt == "").any(1)
    return together & (lengths > BOND_MINIMUM) & (lengths <= radii[pairs].sum(1) + BOND_SLACK)
