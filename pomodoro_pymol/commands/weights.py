"""pomweights: closed forms of weights, and weights for a target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..parameters.catalogue import WeightsParameters
from .declare import command
from .source import read_source

if TYPE_CHECKING:
    from ..noise.weights import LevelWeights


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
        displacement relative to the chain, in space, keeps wr to wa, and
        gives the rest of the variance to the chains. Where that only pads,
        the command that does without it, at a lower z, is printed. On one
        chain wc is a translation, which centring removes.

        The second block has the gauge split of the variance: translation
        and rotation of the whole, which centring and alignment remove, then
        what is between chains and within them, and by how much the first
        two lower z. Lengths in it are in space.

    SEE ALSO

        pomnoise, pomtable
    """
    from ..experiments import outputs
    from ..experiments.weights import run_weights
    from ..noise.presets import delete_preset
    from ..noise.sigma import law_line

    if parameters.delete:
        delete_preset(parameters.delete)
        if not quiet:
            print(f" pomweights: preset {parameters.delete} deleted")
        return parameters.weights
    source, structure = read_source(parameters, _self)
    result = run_weights(structure, parameters)
    if not quiet:
        print(
            f" pomweights: {source.object}, closed forms at sigma {parameters.noise_sigma:.4g} A per coordinate"
            + law_line(parameters.law_of_sigma)
        )
        outputs.print_notes(structure, result.hierarchy)
        print(result.report(source.selection))
    return result.weights
