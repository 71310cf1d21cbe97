"""pomtable, pomsweep and pomweights: choosing weights with numbers and pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .. import viewer
from ..catalogue import NoiseParameters, SweepParameters, TableParameters, WeightsParameters
from ..words import counted
from .declare import command, progress

if TYPE_CHECKING:
    from ..structure import Structure
    from ..sweep import SweepPoint
    from ..table import TableRow
    from ..weights import LevelWeights


@command(TableParameters)
def pomtable(parameters: TableParameters, quiet: bool, _self: Any) -> list[TableRow]:
    """
    DESCRIPTION

        "pomtable" prints the z-table of the researcher's note for any weight
        schemes: rms of atoms and of residue means over z, their ratio, and
        beside it the closed form, the displacement relative to the chain,
        the variance shares and 95 % intervals. It returns the rows.

    EXAMPLES

        pomtable
        pomtable 1hpv and polymer, presets=flat+ms+rb+1:1:15, z=-3:3
        pomtable frames=1 estimator=std csv=table.csv

    NOTES

        frames=1 is one draw, as in the note; such a draw scatters widely.
        The std of one chain is not defined and printed as n/a (1 chain).

    SEE ALSO

        pomsweep, pomweights, pomnoise
    """
    from .. import report
    from ..hierarchy import Hierarchy
    from ..presets import parse_schemes
    from ..table import noise_table, table_csv, table_text

    schemes = parse_schemes(parameters.presets)
    report.check_paths(parameters.csv, parameters.figure)
    source, structure = _read(parameters.selection, parameters.state, _self, parameters.frames)
    hierarchy = Hierarchy.from_structure(structure)
    rows = noise_table(
        hierarchy,
        schemes,
        parameters.z.values(),
        frames=parameters.frames,
        seed=parameters.seed,
        estimator=parameters.estimator,
        device=parameters.device,
        progress=progress("pomtable", quiet),
    )
    if not quiet:
        print(
            f" pomtable: {source.object}, {hierarchy}; {counted(parameters.frames, 'draw')}, "
            f"seed {parameters.seed}, {parameters.estimator}"
        )
        report.print_note(structure)
        print(table_text(rows, hierarchy.n_chains))
    report.write_csv(parameters.csv, table_csv(rows))
    if parameters.figure:
        from ..plots import table_figure

        report.write_figure(parameters.figure, table_figure(rows))
    return rows


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
    from .. import memory, report
    from ..hierarchy import Hierarchy
    from ..presets import parse_schemes
    from ..sweep import run_sweep, sweep_csv, sweep_frames, sweep_text

    schemes = parse_schemes(parameters.presets)
    z_values = parameters.z.values()
    report.check_paths(parameters.csv, parameters.figure)
    source = viewer.resolve_source(parameters.selection, parameters.state, _self=_self)
    name = parameters.name or f"{source.object}_sweep"
    viewer.check_output(name, source, _self=_self)
    memory.require(
        memory.sweep_bytes(source.n_atoms, len(z_values)), f"{len(z_values)} states of {source.n_atoms} atoms"
    )
    resolved = replace(parameters, selection=source.selection, state=source.state)
    with viewer.draft(source, name, _self=_self) as draft:
        structure = viewer.finish(viewer.draft_steps(source, draft, _self=_self))
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
        with viewer.StateWriter(draft, structure.atom_at_place, after=0, _self=_self) as writer:
            for frame in sweep_frames(structure, hierarchy, schemes[0].weights, z_values, parameters.seed):
                writer.write(frame[None])
            viewer.set_titles(draft, titles, _self=_self)
            writer.verify()
            report.write_csv(parameters.csv, text)
            if parameters.figure:
                from ..plots import sweep_figure

                report.write_figure(parameters.figure, sweep_figure(points))
            writer.publish(name, {"command": resolved.to_text(), "source": source.object})
    if not quiet:
        print(f" pomsweep: {source.object} -> {name}: {counted(len(z_values), 'state')} of {schemes[0].name}")
        report.print_note(structure)
        print(sweep_text(points))
    return points


@command(WeightsParameters)
def pomweights(parameters: WeightsParameters, quiet: bool, _self: Any) -> LevelWeights:
    """
    DESCRIPTION

        "pomweights" prints the closed forms of given weights on the loaded
        structure beside those of the presets, or solves for weights that
        give a wanted ratio, displacement or variance shares. It returns the
        weights, and keeps them under a name if asked to.

    EXAMPLES

        pomweights wc=3 wr=8
        pomweights ratio=0.5
        pomweights relative=3.8 z=0 save=scrambled
        pomweights shares=0.3:0.6:0.1
        pomweights delete=scrambled

    NOTES

        A ratio fixes the share of wa; wc and wr keep their proportion. A
        displacement relative to the chain keeps wr to wa, and gives the rest
        of the variance to the chains.

    SEE ALSO

        pomnoise, pomtable
    """
    from .. import presets, report
    from ..hierarchy import Hierarchy

    if parameters.delete:
        presets.delete_preset(parameters.delete)
        if not quiet:
            print(f" pomweights: preset {parameters.delete} deleted")
        return parameters.weights
    source, structure = _read(parameters.selection, parameters.state, _self)
    hierarchy = Hierarchy.from_structure(structure)
    weights = report.solve_weights(hierarchy, parameters)
    if parameters.save:
        presets.save_preset(parameters.save, weights)
    if not quiet:
        line = NoiseParameters(selection=source.selection, wc=weights.chain, wr=weights.residue, wa=weights.atom)
        print(f" pomweights: {source.object}, closed forms at sigma {parameters.noise_sigma:.4g} A")
        report.print_note(structure)
        print(report.weights_text(hierarchy, weights, parameters.noise_sigma))
        print(f" to use them: {line.to_text()}" + (f", or preset={parameters.save}" if parameters.save else ""))
    return weights


def _read(selection: str, state: int, _self: Any, n_frames: int = 0) -> tuple[viewer.Source, Structure]:
    """Read the structure that a selection means, leaving nothing behind, if there is room for draws of it, too."""
    from .. import memory
    from ..noise import block_bytes

    source = viewer.resolve_source(selection, state, _self=_self)
    if n_frames:
        needed = memory.noise_bytes(source.n_atoms, 1) + block_bytes(source.n_atoms, n_frames)
        memory.require(needed, f"{n_frames} draws of {source.n_atoms} atoms")
    return source, viewer.read_source(source, _self=_self)
