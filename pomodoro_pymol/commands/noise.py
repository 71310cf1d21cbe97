"""pomnoise: noise on a structure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..parameters.catalogue import NoiseParameters
from .declare import command, progress

if TYPE_CHECKING:
    from ..experiments.noise import NoiseResult


@command(NoiseParameters)
def pomnoise(parameters: NoiseParameters, quiet: bool, _self: Any) -> NoiseResult:
    """
    DESCRIPTION

        "pomnoise" adds hierarchical Gaussian noise to a structure. The frames
        become states of a new object: state 1 is the true structure, the
        others are noised. Residues are coloured by how much of their motion
        their atoms share, b of the new object is the same number, and what
        was measured is printed beside what the closed form expects. It
        returns the result.

        The source object is not changed, but hidden, as it would lie over its
        frames; "enable SOURCE" shows it again. Running again replaces the
        object that pomnoise made before, and no other, and keeps what is shown
        of its atoms.

    EXAMPLES

        pomnoise z=0 wc=3 wr=8
        pomnoise chain A and polymer, z=-1, preset=ms, frames=50
        pomnoise sigma=2.5 metric=relative palette=cividis
        pomnoise chain A, fixed=not resi 17-25

    NOTES

        Weights are variances and only their shares matter; every atom's own
        standard deviation is sigma whatever they are. The ratio residue rms /
        atom rms depends on the share of wa and on residue sizes alone.

        Draws follow the order of the atoms in their file, where PyMOL knows
        it, so that the same seed gives the same frames on the command line.
        Atoms without coordinates are left out, which a note says.

        Atoms that are fixed are at the truth in every frame, so that a ligand
        or a loop alone is noised in its protein. All others are where they
        are without it. Levels, gauge, metrics and b are of the atoms that
        move, within the residues and chains that are left of them; residues
        of which no atom moves are grey, and their b is 0. pomdenoise does not
        take such frames, and pommeasure counts all atoms.

    PYMOL API

        from pomodoro_pymol.commands import pomnoise

        result = pomnoise(z=0, wc=3, wr=8)

    SEE ALSO

        pomcolor, pomtable, pomsweep, pomweights, pomalign, pomsave, pomcheck
    """
    from ..jobs.noise import NoiseRun

    result, _ = NoiseRun(parameters, _self=_self).complete(progress("pomnoise", quiet), quiet)
    return result
