"""pomcompare: schemes side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..parameters.catalogue import CompareParameters
from .declare import command, progress

if TYPE_CHECKING:
    from ..jobs.compare import Comparison


@command(CompareParameters)
def pomcompare(parameters: CompareParameters, quiet: bool, _self: Any) -> Comparison | None:
    """
    DESCRIPTION

        "pomcompare" shows weight schemes side by side: it noises a structure
        by each, and puts the objects into the cells of PyMOL's grid, with the
        same draw, frame, colours and range, and one key. Each cell says its
        scheme and what part of the motion is of whole chains, of residues and
        of atoms alone. All cells follow the frame. It returns the comparison.

        "pomcompare off" takes its objects away and puts back the grid, the
        view, the frame and what was shown.

    EXAMPLES

        pomcompare
        pomcompare 1hpv and polymer, presets=flat+ms+1:1:15, z=-1
        pomcompare metric=ratio figure=schemes.png
        pomcompare off

    NOTES

        By default atoms have the colour of the direction in which they move,
        and stand where they truly are. One colour over a whole chain: the
        chain moves as one. Blocks of one colour: residues stay rigid and
        rearrange. Speckled: every atom goes its own way. The table says it
        in numbers: the share of the colours' variance that lies within
        residues, and between chains.

        With metric=ratio, or any other of pomcolor, the frames themselves
        are shown, and residues have its colours. range=auto spans what all
        schemes show.

        figure= draws the cells, ray-traced, as one picture. PyMOL's own
        ray puts the text of all cells into the middle of the picture, and
        that of PyMOL 2.5 draws no grid.

    SEE ALSO

        pomnoise, pomcolor, pomtable, pomsweep
    """
    from ..errors import PomodoroError
    from ..jobs.compare import CompareRun, end_comparison

    if parameters.ends:
        if parameters != CompareParameters(selection="off"):
            raise PomodoroError("pomcompare off takes nothing else")
        gone = end_comparison(_self=_self)
        if not quiet:
            print(f" pomcompare: {len(gone)} objects are gone, all else is as it was before")
        return None
    _, comparison = CompareRun(parameters, _self=_self).complete(progress("pomcompare", quiet), quiet)
    return comparison
