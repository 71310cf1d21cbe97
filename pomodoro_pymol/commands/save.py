"""pomsave: frames into files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..parameters.catalogue import SaveParameters
from ..utils.text import counted
from ..viewer import reading
from .declare import command, progress


@command(SaveParameters)
def pomsave(parameters: SaveParameters, quiet: bool, _self: Any) -> Path:
    """
    DESCRIPTION

        "pomsave" writes the frames of an object that pomnoise or pomalign
        made to a file, whole or not at all: MODEL 0 is the true structure,
        the others are the noised frames, the B column is the metric, and
        the header carries the command that makes them again. It returns the
        path.

    EXAMPLES

        pomsave noised.pdb
        pomsave noised.cif, 1hpv_noise
        pomsave residues.pdb, level=residue
        pomsave frames.dcd

    NOTES

        Atoms stand in the order of the draws, which is that of their file
        where PyMOL knows it: load a .dcd on top of the .pdb of pomsave.

        PDB holds 99,999 atoms, and less than 10,000 A per coordinate; mmCIF
        (.cif) and DCD (.dcd, the noised frames alone) hold more.

    SEE ALSO

        pomnoise, pomalign
    """
    from ..experiments.outputs import check_frame_path
    from ..experiments.record import Record
    from ..io.dcd import save_dcd
    from ..io.disk import user_path
    from ..io.mmcif import save_mmcif
    from ..io.pdb import save_pdb, save_pdb_residue
    from ..jobs.ours import check_frames, find_ours, read_ours
    from ..structure.hierarchy import Hierarchy

    path = user_path(parameters.filename)
    suffix = path.suffix.lower()
    check_frame_path(path, parameters.level)
    name, plain = find_ours(parameters.object, _self=_self)
    record = Record.from_plain(plain)
    check_frames(name, plain, _self=_self)
    header = record.header()
    if plain.get("aligned"):
        header.append("frames: superposed on the true structure by pomalign")
    structure = read_ours(name, record, title=name, _self=_self)
    n_frames = _self.count_states(f"%{name}") - 1
    frames = (frame[None] for frame in reading.read_frames(name, range(2, n_frames + 2), structure, _self=_self))
    show = progress("pomsave", quiet)

    def tell(done: int, _: int | None) -> None:
        show(done, n_frames)

    if suffix == ".dcd":
        save_dcd(path, frames, n_frames, progress=tell)
    else:
        values = reading.read_values(name, _self=_self)[structure.places]
        if parameters.level == "residue":
            hierarchy = Hierarchy.from_structure(structure)
            values = values[hierarchy.first_atoms.numpy()]
            save_pdb_residue(path, structure, hierarchy, frames, values=values, header=header, progress=tell)
        else:
            save = save_pdb if suffix == ".pdb" else save_mmcif
            save(path, structure, frames, values=values, header=header, progress=tell)
    if not quiet:
        print(f" pomsave: {name}, {counted(n_frames, 'frame')} -> {path.resolve()}")
    return path
