"""pomalign and pomsave: what to do with the frames."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import viewer
from ..catalogue import AlignParameters, SaveParameters
from ..words import counted
from .declare import command, progress

if TYPE_CHECKING:
    from ..levels import LevelStatistics


@command(AlignParameters)
def pomalign(parameters: AlignParameters, quiet: bool, _self: Any) -> tuple[LevelStatistics, LevelStatistics]:
    """
    DESCRIPTION

        "pomalign" superposes the noised frames of an object on its true
        structure, by least squares over all atoms, into a new object, and
        prints the noise per level before and after. It returns both
        statistics.

    EXAMPLES

        pomalign
        pomalign 1hpv_noise, name=fitted

    NOTES

        After Kabsch 1976, free of reflections. With fewer than three atoms
        only the centres are laid on each other.

    SEE ALSO

        pomnoise, pomsave
    """
    import torch

    from .. import memory
    from ..hierarchy import Hierarchy
    from ..lab import compare_levels
    from ..levels import LevelStatistics, residue_sums
    from ..records import Record
    from ..runs import find_ours
    from ..superposition import superpose

    name, plain = find_ours(parameters.object, _self=_self)
    record = Record.from_plain(plain)
    source = viewer.resolve_source(f"%{name}", 1, _self=_self)
    output = parameters.name or f"{name}_aligned"
    viewer.check_output(output, source, _self=_self)
    titles = viewer.titles(name, _self=_self)
    memory.require(
        memory.noise_bytes(source.n_atoms, len(titles)), f"{len(titles) - 1} frames of {source.n_atoms} atoms"
    )
    show = progress("pomalign", quiet)
    with viewer.draft(source, output, whole=True, _self=_self) as draft:
        structure = viewer.read_structure(draft, title=name, order=record.order, _self=_self)
        hierarchy = Hierarchy.from_structure(structure)
        truth = torch.from_numpy(structure.coords)
        before, after = LevelStatistics(hierarchy), LevelStatistics(hierarchy)
        states = range(2, len(titles) + 1)
        with viewer.StateWriter(draft, structure.atom_at_place, after=1, _self=_self) as writer:
            # The probe takes the place of the first frame, so that one is read before it is written.
            for done, frame in enumerate(viewer.read_frames(draft, states, structure, _self=_self), 1):
                noised = torch.from_numpy(frame)[None]
                fitted = superpose(noised, truth).coords
                for statistics, frames in ((before, noised), (after, fitted)):
                    statistics.add(residue_sums(frames - truth, hierarchy))
                writer.write(fitted)
                show(done, len(states))
            viewer.set_titles(draft, [titles[0], *(f"{title} aligned" for title in titles[1:])], _self=_self)
            writer.publish(output, {**plain, "aligned": True})
    if not quiet:
        print(f" pomalign: {name} -> {output}: {counted(len(states), 'frame')} laid on state 1")
        print(compare_levels(before, after))
    return before, after


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

        PDB holds 99,999 atoms and coordinates under 10,000 A; mmCIF (.cif)
        and DCD (.dcd, coordinates of the noised frames alone) hold more.

    SEE ALSO

        pomnoise, pomalign
    """
    from ..atomic import user_path
    from ..export import save_dcd
    from ..hierarchy import Hierarchy
    from ..mmcif import save_mmcif
    from ..pdb import save_pdb, save_pdb_residue
    from ..records import Record
    from ..report import check_frame_path
    from ..runs import find_ours

    path = user_path(parameters.filename)
    suffix = path.suffix.lower()
    check_frame_path(path, parameters.level)
    name, plain = find_ours(parameters.object, _self=_self)
    record = Record.from_plain(plain)
    header = record.header()
    if plain.get("aligned"):
        header.append("frames: superposed on the true structure by pomalign")
    structure = viewer.read_structure(name, title=name, order=record.order, _self=_self)
    n_frames = _self.count_states(f"%{name}") - 1
    frames = (frame[None] for frame in viewer.read_frames(name, range(2, n_frames + 2), structure, _self=_self))
    show = progress("pomsave", quiet)

    def tell(done: int, _: int | None) -> None:
        show(done, n_frames)

    if suffix == ".dcd":
        save_dcd(path, frames, n_frames, progress=tell)
    else:
        values = viewer.read_values(name, _self=_self)[structure.places]
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
