"""pomtable: noise per level over z."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..parameters.catalogue import TableParameters
from ..utils.text import counted
from .declare import command, progress
from .source import read_source

if TYPE_CHECKING:
    from ..experiments.table import TableRow


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

        Of flat noise residue / atom is the root of the mean of 1 / atoms
        per residue, 0.36 to 0.38 for proteins, not sqrt(2/3). A smaller
        share of wa raises it: 3,8,1 gives 0.96, and 1,4,4 gives 0.79. It
        contains the residue's own motion: what a chain shares is the root
        of its share of the variance. wc of one chain moves the whole, which
        centring and alignment take away; "pomweights" tells how much.

        An rms is per coordinate. Times sqrt(3) it is in space, where it
        compares with the 3.8 A between consecutive alpha carbons.

    SEE ALSO

        pomsweep, pomweights, pomnoise
    """
    from ..experiments import outputs
    from ..experiments.table import run_table
    from ..noise.presets import parse_schemes
    from ..noise.sigma import law_line
    from ..structure.hierarchy import Hierarchy

    parse_schemes(parameters.presets)  # refused before any work
    outputs.check_paths(parameters.csv, parameters.figure)
    source, structure = read_source(parameters, _self, parameters.frames)
    hierarchy = Hierarchy.from_structure(structure)
    table = run_table(hierarchy, parameters, progress("pomtable", quiet))
    if not quiet:
        print(
            f" pomtable: {source.object}, {hierarchy}; {counted(parameters.frames, 'draw')}, "
            f"seed {parameters.seed}, {parameters.estimator}" + law_line(parameters.law_of_sigma)
        )
        outputs.print_notes(structure, hierarchy, table.told())
        print(table.report())
    outputs.write(table, parameters.csv, parameters.figure)
    return table.rows
