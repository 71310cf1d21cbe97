"""Names of residues that tell what they are: of polymers, of their ends, and of water."""

from __future__ import annotations

_AMINO_ACIDS = """
    ALA ARG ASN ASP ASX CYS GLN GLU GLX GLY HIS ILE LEU LYS MET PHE PRO SER THR TRP TYR VAL SEC PYL
    HID HIE HIP HSD HSE HSP HISA HISB HISD HISE HISH HIS1 HIS2 CYX CYM CYSH CYS1 CYS2 ASH ASPH ASPP GLH GLUH GLUP
    LYN LYSH LYP LSN ARGN TYM
"""
_MODIFIED_AMINO_ACIDS = """
    MSE SEP TPO PTR TYS CSO CSD CSX CME CMT OCS SMC CAS CSS CCS HYP KCX MLY M3L MLZ ALY LLP PCA SAC HIC CGU AIB NLE
    NVA ORN NEP MHO SNC YCM SCY TRQ TYI FME MVA DAL DAR DAS DCY DGL DGN DHI DIL DLE DLY DPN DPR DSG DSN DTH DTR DTY DVA
"""
_NUCLEOTIDES = """
    A C G T U I DA DC DG DT DU DI ADE CYT GUA THY URA A3 A5 C3 C5 G3 G5 U3 U5 RA RC RG RU RA3 RA5 RC3 RC5 RG3 RG5 RU3
    RU5 DA3 DA5 DC3 DC5 DG3 DG5 DT3 DT5
"""
_MODIFIED_NUCLEOTIDES = "PSU 5MU 5MC H2U 1MA 1MG 2MG 7MG M2G OMC OMG OMU YYG 4SU 5BU 5IU BRU 5CM 6MA 8OG QUO"

#: Amino acids, and with them what AMBER calls those at either end of a chain.
AMINO_ACIDS = frozenset(
    [*_AMINO_ACIDS.split(), *(end + name for name in _AMINO_ACIDS.split() if len(name) == 3 for end in "NC")]
)
NUCLEOTIDES = frozenset(_NUCLEOTIDES.split())
#: Residues of polymers that files have as HETATM, too.
MODIFIED_AMINO_ACIDS = frozenset(_MODIFIED_AMINO_ACIDS.split())
MODIFIED_NUCLEOTIDES = frozenset(_MODIFIED_NUCLEOTIDES.split())
#: What closes a peptide at either end.
CAPS = frozenset(["ACE", "FOR", "NME", "NMA", "NH2", "NHE"])

# What the names of waters begin with in PyMOL, in three characters.
_WATER_STARTS = frozenset(["HOH", "H2O", "HOD", "DOD", "TIP", "T3P", "T4P", "WAT", "SOL", "SPC"])
#: Names of water by its model, which PyMOL does not know: some are ligands, too, which have carbon.
MODEL_WATERS = frozenset(["TP3", "TP4", "TP5", "TPM", "T5P", "OPC", "OPC3", "OP3"])


def is_water(resn: str) -> bool:
    """Tell water by the name of its residue, as PyMOL does."""
    return resn[:3] in _WATER_STARTS
