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
        predict (1 is ideal), and the mean squared error of c_skip times x,
        per coordinate. The residue level is that of residue means about
        their chain's, not of where a residue is. It compares three variants
        and returns the rows.

            levels   each level its own noise variance and sigma_data
            global   one sigma and one sigma_data, as AF3 and Boltz have it
            note     sigma_r = sqrt(wr/W) sigma, sigma_c alike, one sigma_data

    EXAMPLES

        pomprecond
        pomprecond polymer, preset=ms, z=0, figure=scalings.png
        pomprecond data=1:8.4:1.5, csv=scalings.csv

    NOTES

        Scalings after Karras et al. 2022. The data are measured over all
        states, each centred and shifted by 1 A per coordinate as in
        training. The object's own sigma_data, of all levels together, is
        printed beside the one in use. sigma_data= sets the latter, and with
        it sigma at a given z.

    SEE ALSO

        pomdenoise, pomsample, pomtable
    """
    from ..diffusion.precondition import own_sigma_data
    from ..experiments import outputs
    from ..experiments.scalings import measure_data, scaling_csv, scaling_table, scaling_text
    from ..jobs.data import data_steps
    from ..noise.sigma import law_line
    from ..structure.hierarchy import Hierarchy

    outputs.check_paths(parameters.csv, parameters.figure)
    source = sources.resolve_source(
        parameters.selection, parameters.state, parameters.residues, parameters.chains, _self=_self
    )
    read = reading.finish(data_steps(source, bool(parameters.data), _self=_self))
    structure, hierarchy = read.structure, Hierarchy.from_structure(read.structure)
    data, origin = measure_data(read.states, hierarchy, parameters.data)
    law = parameters.law_of_sigma
    rows = scaling_table(
        hierarchy,
        parameters.weights,
        [law.sigma(z) for z in parameters.z.values()],
        data,
        sigma_data=law.sigma_data,
        convention=parameters.convention,
    )
    outputs.write_csv(parameters.csv, scaling_csv(rows, law))
    if parameters.figure:
        from ..experiments.figures import precond_figure

        outputs.write_figure(parameters.figure, precond_figure(rows))
    if not quiet:
        own = ", ".join(f"{level} {value**0.5:.3g} A" for level, value in zip(("chain", "residue", "atom"), data))
        print(
            f" pomprecond: {source.object}, sigma_data {law.sigma_data:g} A per coordinate{law_line(law)}\n"
            f" the object's own: {own_sigma_data(hierarchy, data):.4g} A per coordinate; per level {own} ({origin})"
        )
        outputs.print_notes(structure, hierarchy)
        print(scaling_text(rows))
    return rows
