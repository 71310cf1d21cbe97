"""pomsignal: what noise teaches a model, level by level."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..parameters.catalogue import SignalParameters
from .declare import command, progress

if TYPE_CHECKING:
    from ..experiments.signal_report import SignalResult


@command(SignalParameters)
def pomsignal(parameters: SignalParameters, quiet: bool, _self: Any) -> SignalResult:
    """
    DESCRIPTION

        "pomsignal" says what a model that is trained on the noise of each
        scheme has to learn on the loaded structure or ensemble: which part
        of the loss at the start of training lies with the chains, the
        residues and the atoms, in one sentence per scheme. Below are the
        loss with one sigma_data and with the object's own, as it is and
        after alignment, the law of each level's noise, the information that
        noised coordinates carry, the gauge split, and the z at which local
        scores are lost. All are closed forms, but the floor of an ensemble.
        It returns the result.

    EXAMPLES

        pomsignal
        pomsignal 1hpv and polymer, presets=flat+ms+rb, figure=signal.png
        pomsignal residue=0.5
        pomsignal residue=0.5, preset=ms, sigma_data=10
        pomsignal data=1:8.4:1.5, csv=signal.csv

    NOTES

        Start is the loss of a network that predicts zero, weighted as in
        EDM and Boltz; for one structure, whose truth is determined, all of
        it is to be learnt. Its sum is the same under all weights: they say
        where the loss lies, not how much there is. For an ensemble the
        exact denoiser of its states leaves a floor, which is drawn.

        "lost by one c_skip" is what a c_skip of each level's own would save
        at the start. It is not what can be learnt. What a model does learn
        only training can tell.

        residue=0.5 finds the wr that gives residues half of the loss at the
        start, with one c_skip and as training sees it, alignment apart; wc
        and wa stay. The share rises with wr.

    SEE ALSO

        pomprecond, pomweights, pomnoise
    """
    from ..jobs.signal import SignalRun

    result, _ = SignalRun(parameters, _self=_self).complete(progress("pomsignal", quiet), quiet)
    return result
