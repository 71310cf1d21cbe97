"""The 20 standard amino acids within a chain: their heavy atoms, by the names of the wwPDB's chemical components.

OXT, which the last residue of a chain alone has, is left out.
"""

from __future__ import annotations

import numpy as np

_SIDE_CHAINS = {
    "ALA": "CB",
    "ARG": "CB CG CD NE CZ NH1 NH2",
    "ASN": "CB CG OD1 ND2",
    "ASP": "CB CG OD1 OD2",
    "CYS": "CB SG",
    "GLN": "CB CG CD OE1 NE2",
    "GLU": "CB CG CD OE1 OE2",
    "GLY": "",
    "HIS": "CB CG ND1 CD2 CE1 NE2",
    "ILE": "CB CG1 CG2 CD1",
    "LEU": "CB CG CD1 CD2",
    "LYS": "CB CG CD CE NZ",
    "MET": "CB CG SD CE",
    "PHE": "CB CG CD1 CD2 CE1 CE2 CZ",
    "PRO": "CB CG CD",
    "SER": "CB OG",
    "THR": "CB OG1 CG2",
    "TRP": "CB CG CD1 CD2 NE1 CE2 CE3 CZ2 CZ3 CH2",
    "TYR": "CB CG CD1 CD2 CE1 CE2 CZ OH",
    "VAL": "CB CG1 CG2",
}

#: Names of heavy atoms by residue, in the order of their slots; residues in the order of their kinds.
HEAVY_ATOMS: dict[str, tuple[str, ...]] = {
    name: ("N", "CA", "C", "O", *side.split()) for name, side in _SIDE_CHAINS.items()
}
#: One letter for each kind.
LETTERS = "ARNDCQEGHILKMFPSTWYV"
N_SLOTS = max(map(len, HEAVY_ATOMS.values()))
#: Which slots each kind has, shape=(20, N_SLOTS).
PRESENT = np.arange(N_SLOTS) < np.array([[len(names)] for names in HEAVY_ATOMS.values()])
#: Residues that are read as a standard one: as which, and what their atoms are called there.
READ_AS: dict[str, tuple[str, dict[str, str]]] = {"MSE": ("MET", {"SE": "SD"})}
