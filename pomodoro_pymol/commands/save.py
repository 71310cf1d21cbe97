"""pomsave: frames into files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..parameters.catalogue import SaveParameters
from ..utils.text import counted
from .declare import command, progress


@command(SaveParameters)
def pomsave(parameters: SaveParameters, quiet: bool, _self: Any) -> Path:
    """
    DESCRIPTION

        "pomsave" writes the frames of an object that one of our commands
        made to a file, whole or not at all. MODEL 0 is the true structure,
        the others are the frames; objects of pomsweep and pomsample have no
        true structure, and no MODEL 0. The header carries the command that
        makes them again, and the title of each model. It returns the path.

    EXAMPLES

        pomsave noised.pdb
        pomsave noised.cif.gz, 1hpv_noise
        pomsave residues.pdb, level=residue
        pomsave noised.pdb, b=source
        pomsave frames.dcd
        pomsave frames.npz

    NOTES

        Atoms stand in the order of the draws, which is that of their file
        where PyMOL knows it: load a .dcd on top of the .pdb of pomsave.

        The B column is the metric, or b of the source, such as pLDDT; .cif
        has the latter beside it, as _atom_site.pomodoro_source_b.
        Occupancies, formal charges and the unit cell are the source's.

        PDB holds 99,999 atoms, and less than 10,000 A per coordinate; mmCIF
        (.cif) and DCD (.dcd, the frames alone) hold more. A .npz holds the
        frames as arrays, with the hierarchy, masks, labels and noise levels:
        load_frames reads it into tensors.

    SEE ALSO

        pomnoise, pomalign, pomdenoise, pomsweep, pomsample
    """
    from ..experiments.fits import check_labels
    from ..experiments.frame_files import check_frame_path
    from ..io.disk import user_path
    from ..jobs.ours import check_frames, find_ours
    from ..jobs.saving import MAKERS, read_object

    path = user_path(parameters.filename)
    check_frame_path(path, parameters.level)
    name, plain = find_ours(parameters.object, MAKERS, _self=_self)
    check_frames(name, plain, _self=_self)
    file, frames = read_object(name, plain, parameters, _self=_self)
    values = file.structure.b if file.values is None else file.values
    check_labels(path, file.structure, file.hierarchy, file.n_frames, parameters.level, values=values, truth=file.truth)
    show = progress("pomsave", quiet)
    file.write(path, frames, parameters.level, lambda done, _: show(done, file.n_frames))
    if not quiet:
        print(f" pomsave: {name}, {counted(file.n_frames, 'frame')} -> {path.resolve()}")
    return path
