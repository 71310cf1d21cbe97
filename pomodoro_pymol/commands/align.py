"""pomalign: frames laid on the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ..parameters.catalogue import AlignParameters
from ..utils.text import counted
from ..viewer import publishing, reading, sources
from ..viewer.states import StateWriter
from .declare import command, progress

if TYPE_CHECKING:
    import numpy as np

    from ..noise.statistics import LevelStatistics
    from ..structure.atoms import Structure
    from ..structure.moving import Moving


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
    from ..experiments.level_table import compare_levels
    from ..experiments.record import Record
    from ..jobs.ours import check_frames, find_ours, read_ours
    from ..structure.hierarchy import Hierarchy
    from ..structure.input_notes import fixed_note
    from ..structure.moving import moving_part
    from ..utils import memory

    name, plain = find_ours(parameters.object, _self=_self)
    record = Record.from_plain(plain)
    check_frames(name, plain, _self=_self)
    source = sources.resolve_source(f"%{name}", 1, _self=_self)
    output = parameters.name or f"{name}_aligned"
    sources.check_output(output, source, _self=_self)
    titles = reading.titles(name, _self=_self)
    memory.require(
        memory.noise_bytes(source.n_atoms, len(titles)), f"{len(titles) - 1} frames of {source.n_atoms} atoms"
    )
    show = progress("pomalign", quiet)
    with sources.draft(source, output, whole=True, _self=_self) as draft:
        structure = read_ours(draft, record, title=name, _self=_self)
        hierarchy = Hierarchy.from_structure(structure)
        part = moving_part(structure, hierarchy)
        states = range(2, len(titles) + 1)
        with StateWriter(draft, structure.atom_at_place, after=1, _self=_self) as writer:
            # The probe takes the place of the first frame, so that one is read before it is written.
            frames = reading.read_frames(draft, states, structure, _self=_self)
            before, after = _lay(frames, structure, part, writer, lambda done: show(done, len(states)))
            publishing.set_titles(draft, [titles[0], *(f"{title} aligned" for title in titles[1:])], _self=_self)
            hidden = writer.publish(output, {**plain, "aligned": True}, name)
    if not quiet:
        print(f" pomalign: {name} -> {output}: {counted(len(states), 'frame')} laid on state 1")
        note = fixed_note(structure, hierarchy)
        if note:
            print(f" note: {note}")
        print(f"{compare_levels(before, after)}{publishing.hidden_text(hidden)}")
    return before, after


def _lay(
    frames: Iterable[np.ndarray], structure: Structure, part: Moving, writer: StateWriter, tell: Callable[[int], None]
) -> tuple[LevelStatistics, LevelStatistics]:
    """Write frames, laid on the truth, one by one; return the statistics of what moves before and after."""
    import torch

    from ..noise.statistics import LevelStatistics, residue_sums
    from ..structure.superposition import superpose

    truth = torch.from_numpy(structure.coords)
    before, after = LevelStatistics(part.hierarchy), LevelStatistics(part.hierarchy)
    for done, frame in enumerate(frames, 1):
        noised = torch.from_numpy(frame)[None]
        fitted = superpose(noised, truth).coords
        for statistics, laid in ((before, noised), (after, fitted)):
            statistics.add(residue_sums(part.take(laid - truth), part.hierarchy))
        writer.write(fitted)
        tell(done)
    return before, after
