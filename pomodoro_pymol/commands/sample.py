"""pomsample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..parameters.catalogue import SampleParameters
from .declare import command, progress

if TYPE_CHECKING:
    from ..experiments.sampling import SampleResult


@command(SampleParameters)
def pomsample(parameters: SampleParameters, quiet: bool, _self: Any) -> SampleResult:
    """
    DESCRIPTION

        "pomsample" runs reverse diffusion from noise to structure on the
        loaded ensemble or structure. The steps of a sample become states of
        a new object, each with its sigma in its title; several samples make
        an object each, or with show=final one object of their ends. It
        prints curves over the steps and returns the result.

        The denoiser is a closed form for the states that are loaded, not a
        trained model: what is shown is what the noise, the schedule and the
        sampler do, and no structure is predicted. The source is not changed.

    EXAMPLES

        pomsample
        pomsample polymer, sampler=boltz2, steps=50, every=5
        pomsample sampler=edm steps=50 samples=100 show=final
        pomsample sampler=edm s_churn=40 s_min=0.05 s_max=50 s_noise=1.003
        pomsample churn=flat figure=curves.png
        pomsample every=5, keep=denoised
        pomsample sampler=edm start=structure sigma_max=20 samples=20

    NOTES

        Samplers, each with its own grid of noise levels: af3 (also OpenFold3),
        protenix, boltz1, boltz2, edm (NVlabs). af3 ends at a sigma of 0.0064 A
        per coordinate, not at 0: what is left of the noise there stays. edm's
        0.002 and 80 were made for data with a standard deviation of 0.5; here
        they are angstrom, and sigma_max=2560 starts as far out as the others.

        Churn adds noise before a step. That of edm has s_churn, s_min, s_max
        and s_noise, that of the others gamma, gamma_min and noise_scale.
        Start noise and churn follow the weights; churn=flat shows what comes
        of mixing laws.

        start=structure is partial diffusion: noise of sigma_max is added to
        the state that is the truth, and sampling goes on from there. Told
        is how many samples end nearest to that state, and how far from it.
        start=noise starts from noise alone, a cloud at the centroid; where
        sigma_max is so small that the cloud lacks more than 5 percent of
        the variance of noised data, a note says so.

        keep=denoised makes a second object of as many states, NAME_denoised:
        what the denoiser returned for the noised state with which each kept
        step began, at the sigma in its title, moved as that state is; of
        several samples one each. Interrupting a run leaves the session as it
        was.

        A network, see "help pomdenoise", has the sigma_data and convention of
        the sampler: 16 A per coordinate and af3; for sampler=edm 0.5 and edm.
        Give sigma_data where yours was trained with another; it is then noted.

    PYMOL API

        from pomodoro_pymol.commands import pomsample

        result = pomsample(sampler="edm", steps=50)
        result.records[-1].entropy

    SEE ALSO

        pomdenoise, pomprecond, pomnoise
    """
    from ..jobs.sampling import SampleRun

    result, _ = SampleRun(parameters, _self=_self).complete(progress("pomsample", quiet, "steps"), quiet)
    return result
