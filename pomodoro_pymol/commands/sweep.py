"""pomsweep: where each scheme loses the structure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..parameters.catalogue import SweepParameters
from ..utils.text import counted
from ..viewer import publishing, reading, sources
from ..viewer.states import StateWriter
from .declare import command, progress

if TYPE_CHECKING:
    from ..experiments.sweep import SweepPoint


@command(SweepParameters)
def pomsweep(parameters: SweepParameters, quiet: bool, _self: Any) -> list[SweepPoint]:
    """
    DESCRIPTION

        "pomsweep" makes one object whose states are the structure at rising
        z, all of one unit draw by the first scheme, and compares the schemes
        over z: displacement of residues relative to their chain, C-alpha
        lDDT, native contacts, bond lengths, and the z at which each loses
        the structure. It returns the points.

    EXAMPLES

        pomsweep
        pomsweep 1hpv and polymer, z=-3:2:0.5, presets=3-8-1+flat
        pomsweep figure=sweep.png csv=sweep.csv

    NOTES

        lDDT after Mariani et al. 2013, contacts after Best, Hummer and Eaton
        2013. Residues are lost where they move 3.8 A relative to their
        chain, the distance of consecutive alpha carbons.

    SEE ALSO

        pomtable, pomnoise
    """
    from ..experiments import outputs
    from ..experiments.sweep import run_sweep, sweep_csv, sweep_frames, sweep_text
    from ..noise.presets import parse_schemes
    from ..structure.hierarchy import Hierarchy
    from ..utils import memory

    schemes = parse_schemes(parameters.presets)
    z_values = parameters.z.values()
    outputs.check_paths(parameters.csv, parameters.figure)
    source = sources.resolve_source(parameters.selection, parameters.state, _self=_self)
    name = parameters.name or f"{source.object}_sweep"
    sources.check_output(name, source, _self=_self)
    memory.require(
        memory.sweep_bytes(source.n_atoms, len(z_values)), f"{len(z_values)} states of {source.n_atoms} atoms"
    )
    resolved = replace(parameters, selection=source.selection, state=source.state)
    with sources.draft(source, name, _self=_self) as draft:
        structure = reading.finish(reading.draft_steps(source, draft, _self=_self))
        hierarchy = Hierarchy.from_structure(structure)
        points = run_sweep(
            structure,
            hierarchy,
            schemes,
            z_values,
            frames=parameters.frames,
            seed=parameters.seed,
            device=parameters.device,
            progress=progress("pomsweep", quiet, "measurements"),
        )
        text = sweep_csv(points)
        first = [point for point in points if point.scheme == schemes[0]]
        titles = [
            f"z={point.z:.4g} sigma={point.sigma:.4g} A {schemes[0].name} seed={parameters.seed}" for point in first
        ]
        with StateWriter(draft, structure.atom_at_place, after=0, _self=_self) as writer:
            for frame in sweep_frames(structure, hierarchy, schemes[0].weights, z_values, parameters.seed):
                writer.write(frame[None])
            publishing.set_titles(draft, titles, _self=_self)
            writer.verify()
            outputs.write_csv(parameters.csv, text)
            if parameters.figure:
                from ..experiments.figures import sweep_figure

                outputs.write_figure(parameters.figure, sweep_figure(points))
            writer.publish(name, {"command": resolved.to_text(), "source": source.object})
    if not quiet:
        print(f" pomsweep: {source.object} -> {name}: {counted(len(z_values), 'state')} of {schemes[0].name}")
        outputs.print_notes(structure, hierarchy)
        print(sweep_text(points))
    return points
