"""pomprecond: preconditioning, level by level."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..parameters.catalogue import PrecondParameters
from ..viewer import reading, sources
from .declare import command

if TYPE_CHECKING:
    from ..experiments.scalings import ScalingRow


@command(PrecondParameters)
def pomprecond(parameters: PrecondParameters, quiet: bool, _self: Any) -> list[ScalingRow]:
    """
    DESCRIPTION

        "pomprecond" prints how a denoising network would be preconditioned
        on the loaded structure or ensemble, level by level over sigma:
        c_skip, c_out, c_in, c_noise, the variance of what the network is to
        predict (1 is ideal), the mean squared error of c_skip times x, per
        coordinate, and the weight of the loss that goes with the scalings,
        1/c_out^2. It compares seven columns, says which is best at each
        sigma and by how much, and returns the rows.

            global          one sigma and the sigma_data given, as AF3 has it
            global own      one sigma and the object's own sigma_data
            levels          each level its own noise variance and sigma_data
            note            sigma_r = sqrt(wr/W) sigma, sigma_c alike, and
                            the sigma_data given
            note own        the same with the object's own sigma_data
            centred global  without the whole's translation: one sigma and
                            one sigma_data, those of what is left
            centred levels  the same, each level its own

        The residue level is that of residue means about their chain's. For
        a head that gives one vector a residue, errors are also those of
        residue means as they are (absolute), whose noise is that of chain,
        residue and atoms, while the note's sigma_r is of the residue alone.

    EXAMPLES

        pomprecond
        pomprecond polymer, preset=ms, z=0, figure=scalings.png
        pomprecond data=1:8.4:1.5, csv=scalings.csv

    NOTES

        Scalings and loss weight after Karras et al. 2022; scalings per
        level go with loss weights per level. The data are measured over all
        states, each centred and shifted by 1 A per coordinate as in
        training; centring takes the shift away, for one chain with all that
        the chain level has. The object's own sigma_data, of all levels
        together, is printed beside the one in use. sigma_data= sets the
        latter, and with it sigma at a given z.

    SEE ALSO

        pomdenoise, pomsample, pomtable
    """
    from ..experiments import outputs
    from ..experiments.scaling_report import run_precond
    from ..experiments.scalings import check_data
    from ..jobs.run import data_steps
    from ..noise.sigma import law_line

    outputs.check_paths(parameters.csv, parameters.figure)
    check_data(parameters.data, parameters.csv, parameters.figure)
    source = sources.source_of(parameters, _self=_self)
    read = reading.take_all(data_steps(source, bool(parameters.data), _self=_self))
    result = run_precond(read.structure, read.states, parameters)
    outputs.write(result, parameters.csv, parameters.figure)
    if not quiet:
        law = parameters.law_of_sigma
        print(
            f" pomprecond: {source.object}, sigma_data {law.sigma_data:g} A per coordinate{law_line(law)}\n"
            f"{result.data_line()}"
        )
        outputs.print_notes(read.structure, result.hierarchy)
        print(result.report())
    return result.rows
