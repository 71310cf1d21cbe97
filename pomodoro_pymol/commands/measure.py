"""pommeasure: frames of any origin against a truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..parameters.catalogue import MeasureParameters
from .declare import command, progress

if TYPE_CHECKING:
    from ..experiments.measure import FrameMeasurement


@command(MeasureParameters)
def pommeasure(parameters: MeasureParameters, quiet: bool, _self: Any) -> FrameMeasurement:
    """
    DESCRIPTION

        "pommeasure" measures frames of any origin, such as a model's outputs,
        an ensemble or a trajectory, against a truth, as pomnoise measures its
        own: displacement per level as the frames lie and superposed on the
        truth, lDDT, native contacts, bonds. The states of the object become
        those of a new one, after the truth, which is state 1; residues are
        coloured by what was measured, and b is the same number. It also says
        which sigma and z of pomnoise displace atoms as much. It returns what
        was measured.

    EXAMPLES

        pommeasure 1hpv_noise
        create outputs, 1hpv_noise
        pommeasure outputs, truth=1hpv, metric=displacement
        pommeasure outputs and polymer, truth=1hpv, fit=0, csv=outputs.csv

    NOTES

        Atoms are matched by chain, residue number and name, atom name and
        alternate location, whatever their order; the segment counts where
        these repeat, and one location is the atom of the other side that has
        none, as in truth=1hpv and not alt B. What only one side has is left
        out, which a note says. Residues and chains are those of the truth.

        A model's outputs lie anywhere, so fit=1 is the default: colours, b
        and states are then those of superposed frames, by least squares over
        all atoms. fit=0 is for frames in the place of the truth, as noised
        ones are: pomnoise does not superpose.

        Without truth a state of the object itself is the truth, by default
        the first: that of a trajectory's start, or of an ensemble's first
        model, which is no more true than the others.

        Intervals are of the mean over frames that are independent; those of
        frames that follow each other in a trajectory are too narrow. Scores
        do not depend on where a frame lies: lDDT after Mariani et al. 2013,
        contacts after Best, Hummer and Eaton 2013. The object is not changed,
        but hidden, as its states are those of the new one.

    PYMOL API

        from pomodoro_pymol.commands import pommeasure

        measured = pommeasure("outputs", truth="1hpv")
        measured.quality.ca_lddt

    SEE ALSO

        pomnoise, pomalign, pomsweep
    """
    from ..jobs.measure import measure_object

    measured, report = measure_object(parameters, progress("pommeasure", quiet), _self=_self)
    if not quiet:
        print(report)
    return measured
