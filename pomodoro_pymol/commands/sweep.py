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
        over z: displacement of residues, local distances, native contacts,
        bond lengths, and the z at which each loses the structure, expected
        and measured. It returns the points.

    EXAMPLES

        pomsweep
        pomsweep 1hpv and polymer, z=-3:2:0.5, presets=3-8-1+flat
        pomsweep frames=20 figure=sweep.png csv=sweep.csv

    NOTES

        Residues are lost where they are displaced 3.8 A in space relative to
        their chain (residue), or to the next residue of it (neighbour): the
        distance of consecutive alpha carbons, sqrt(3) times an rms per
        coordinate. Local distances are lost where the score falls to 0.5:
        lDDT after Mariani et al. 2013, pooled over the pairs of alpha
        carbons (CA), of all heavy atoms of one residue (within), of different
        residues (between), ligands among them. Expected values are closed
        forms and need no draw; between residues nothing is measured. An
        interval takes more than one frame. Contacts after Best, Hummer and
        Eaton 2013. Lengths in the csv are in angstrom.

    SEE ALSO

        pomtable, pomnoise
    """
    from ..experiments import outputs
    from ..experiments.sweep import run_sweep, sweep_frames
    from ..experiments.sweep_table import sweep_csv, sweep_text
    from ..jobs.saving import record_of
    from ..noise.presets import parse_schemes
    from ..noise.sigma import law_note
    from ..structure.hierarchy import Hierarchy
    from ..utils import memory

    schemes = parse_schemes(parameters.presets)
    z_values = parameters.z.values()
    law = parameters.law_of_sigma
    outputs.check_paths(parameters.csv, parameters.figure)
    source = sources.resolve_source(
        parameters.selection, parameters.state, parameters.residues, parameters.chains, _self=_self
    )
    name = parameters.name or f"{source.object}_sweep"
    sources.check_output(name, source, _self=_self)
    memory.require(
        memory.sweep_bytes(source.n_atoms, len(z_values)), f"{len(z_values)} states of {source.n_atoms} atoms"
    )
    resolved = replace(parameters, selection=source.selection, state=source.state)
    with sources.draft(source, name, _self=_self) as draft:
        structure = reading.finish(reading.draft_steps(source, draft, _self=_self))
        hierarchy = Hierarchy.from_structure(structure)
        sweep = run_sweep(
            structure,
            hierarchy,
            schemes,
            z_values,
            frames=parameters.frames,
            seed=parameters.seed,
            device=parameters.device,
            law=law,
            progress=progress("pomsweep", quiet, "measurements"),
        )
        text = sweep_csv(sweep.points)
        note = f", {law_note(law)}" if law_note(law) else ""
        titles = [
            f"z={z:.4g} sigma={law.sigma(z):.4g} A per coordinate {schemes[0].name} seed={parameters.seed}{note}"
            for z in z_values
        ]
        with StateWriter(draft, structure.atom_at_place, after=0, _self=_self) as writer:
            for frame in sweep_frames(structure, hierarchy, schemes[0].weights, z_values, parameters.seed, law):
                writer.write(frame[None])
            publishing.set_titles(draft, titles, _self=_self)
            writer.verify()
            outputs.write_csv(parameters.csv, text)
            if parameters.figure:
                from ..experiments.figures import sweep_figure

                outputs.write_figure(parameters.figure, sweep_figure(sweep))
            hidden = writer.publish(name, record_of(resolved, source.object, structure), source.object)
    if not quiet:
        print(f" pomsweep: {source.object} -> {name}: {counted(len(z_values), 'state')} of {schemes[0].name}")
        outputs.print_notes(structure, hierarchy)
        print(f"{sweep_text(sweep)}{publishing.hidden_text(hidden)}")
    return sweep.points
