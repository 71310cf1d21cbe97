"""pomsweep: where each scheme loses the structure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..parameters.catalogue import SweepParameters
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
    from ..jobs.sweep import SweepRun

    sweep, _ = SweepRun(parameters, _self=_self).complete(progress("pomsweep", quiet, "measurements"), quiet)
    return sweep.points
