"""pomprecond, pomdenoise and pomsample: preconditioning, denoising, reverse diffusion."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .. import viewer
from ..catalogue import DenoiseParameters, PrecondParameters, SampleParameters
from ..errors import PomodoroError
from .declare import command, progress

if TYPE_CHECKING:
    import numpy as np

    from ..levels import LevelStatistics
    from ..records import Record
    from ..reverse import SampleResult
    from ..scaling_table import ScalingRow
    from ..structure import Structure


@command(PrecondParameters)
def pomprecond(parameters: PrecondParameters, quiet: bool, _self: Any) -> list[ScalingRow]:
    """
    DESCRIPTION

        "pomprecond" prints how a denoising network would be preconditioned
        on the loaded structure or ensemble, level by level over sigma:
        c_skip, c_out, c_in, c_noise, the variance of what the network is to
        predict (1 is ideal), and the mean squared error of c_skip x alone.
        It compares three variants and returns the rows.

            levels   each level its own noise variance and sigma_data
            global   one sigma and one sigma_data, as AF3 and Boltz have it
            note     sigma_r = sqrt(wr/W) sigma, sigma_c alike, one sigma_data

    EXAMPLES

        pomprecond
        pomprecond polymer, preset=ms, z=0, figure=scalings.png
        pomprecond data=1:8.4:1.5, csv=scalings.csv

    NOTES

        Scalings after Karras et al. 2022. The data are measured over all
        states, each centred and shifted by 1 A as in training.

    SEE ALSO

        pomdenoise, pomsample, pomtable
    """
    import torch

    from .. import report
    from ..hierarchy import Hierarchy
    from ..models import per_level
    from ..precondition import data_variances
    from ..scaling_table import scaling_csv, scaling_table, scaling_text
    from ..schedule import sigma_from_z

    report.check_paths(parameters.csv, parameters.figure)
    source = viewer.resolve_source(parameters.selection, parameters.state, _self=_self)
    with viewer.draft(source, _self=_self) as draft:
        hierarchy = Hierarchy.from_structure(viewer.read_structure(draft, title=source.object, _self=_self))
    if parameters.data:
        c, r, a = (value**2 for value in per_level("data", parameters.data))
        if not all((c, r, a)):
            raise PomodoroError(f"data must be positive at each level, not {parameters.data}")
        data, origin = (c, r, a), "given"
    else:
        states = viewer.read_ensemble(source, _self=_self)
        data, origin = data_variances(torch.from_numpy(states), hierarchy), f"measured over {len(states)} states"
    rows = scaling_table(
        hierarchy,
        parameters.weights,
        [sigma_from_z(z) for z in parameters.z.values()],
        data,
        sigma_data=parameters.sigma_data,
        convention=parameters.convention,
    )
    report.write_csv(parameters.csv, scaling_csv(rows))
    if parameters.figure:
        from ..plots import precond_figure

        report.write_figure(parameters.figure, precond_figure(rows))
    if not quiet:
        own = ", ".join(f"{level} {value**0.5:.3g} A" for level, value in zip(("chain", "residue", "atom"), data))
        print(f" pomprecond: {source.object}, sigma_data {parameters.sigma_data:g} A; per level {own} ({origin})")
        print(scaling_text(rows))
    return rows


@command(DenoiseParameters)
def pomdenoise(parameters: DenoiseParameters, quiet: bool, _self: Any) -> tuple[LevelStatistics, LevelStatistics]:
    """
    DESCRIPTION

        "pomdenoise" estimates the true structure behind each noised frame of
        an object that pomnoise made, in one shot, as states of a new object
        after the truth, and prints the error per level before and after. It
        returns both statistics.

        The data are the states of the source: the ideal denoiser is the
        posterior mean over them, the wiener denoiser that of a Gaussian
        about one structure. Both are closed forms, not trained models.

    EXAMPLES

        pomdenoise
        pomdenoise covariance=flat multiscale=1
        pomdenoise 1hpv_noise, denoiser=wiener prior=1:4:0.25

    NOTES

        A network is loaded from torch.export (.pt2) or TorchScript; pickles
        are refused. It takes scaled coords (n, atoms, 3) and c_noise (n, 3)
        and returns atoms, or atoms, residues and chains. Load networks from
        people you trust only.

    SEE ALSO

        pomnoise, pomsample, pomprecond
    """
    import torch

    from ..hierarchy import Hierarchy
    from ..lab import compare_levels
    from ..levels import LevelStatistics, residue_sums
    from ..models import build_model, denoise_frames
    from ..records import Record
    from ..runs import find_ours

    name, plain = find_ours(parameters.object, _self=_self)
    record = Record.from_plain(plain)
    if plain.get("aligned"):
        raise PomodoroError(f"the frames of {name} were superposed, so that their noise is another: name the original")
    noise = record.parameters
    source = viewer.resolve_source(f"%{name}", 1, _self=_self)
    output = parameters.name or f"{name}_denoised"
    viewer.check_output(output, source, _self=_self)
    titles = viewer.titles(name, _self=_self)
    show = progress("pomdenoise", quiet)
    with viewer.draft(source, output, _self=_self) as draft:
        structure = viewer.read_structure(draft, title=name, _self=_self)
        hierarchy = Hierarchy.from_structure(structure)
        truth = torch.from_numpy(structure.coords)
        states, state = _data(record, structure.coords, parameters.denoiser, _self)
        model = build_model(
            states, hierarchy, noise.weights, parameters, state=state, free_pose=parameters.pose == "free"
        )
        before, after = LevelStatistics(hierarchy), LevelStatistics(hierarchy)
        frames = viewer.read_frames(name, range(2, len(titles) + 1), _self=_self)
        with viewer.StateWriter(draft, _self=_self) as writer:
            for noised, denoised in denoise_frames(frames, model, hierarchy, noise.noise_sigma, parameters):
                for statistics, block in ((before, noised), (after, denoised)):
                    statistics.add(residue_sums(block - truth, hierarchy))
                writer.write(denoised)
                show(before.n_frames, len(titles) - 1)
        viewer.set_titles(draft, [titles[0], *(f"{title} denoised" for title in titles[1:])], _self=_self)
        viewer.publish(draft, output, {"command": parameters.to_text(), "source": name}, _self=_self)
    if not quiet:
        print(f" pomdenoise: {name} -> {output}: {before.n_frames} frames of sigma {noise.noise_sigma:.4g} A")
        print(f" denoiser: {model.label}")
        print(compare_levels(before, after))
    return before, after


def _data(record: Record, truth: np.ndarray, denoiser: str, _self: Any) -> tuple[np.ndarray, int]:
    """Return the states behind a noised object, and which of them was noised; the truth alone where they are gone."""
    import numpy as np

    parameters = record.parameters
    if record.source in _self.get_names("objects"):
        with_source = f"%{record.source} and ({parameters.selection})" if parameters.selection else record.source
        try:
            states = viewer.read_ensemble(
                viewer.resolve_source(with_source, parameters.state, _self=_self), _self=_self
            )
        except PomodoroError:
            if denoiser == "ideal":
                raise
            return truth[None], 1
        if states.shape[1:] == truth.shape and np.abs(states[parameters.state - 1] - truth).max() < 1e-3:
            return states, parameters.state
    if denoiser == "ideal":
        raise PomodoroError(f"{record.source}, the ensemble that was noised, is gone or changed: use denoiser=wiener")
    return truth[None], 1


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
        pomsample churn=flat figure=curves.png

    NOTES

        Samplers: af3 (also Protenix, OpenFold3), boltz1, boltz2, edm (NVlabs).
        Start noise and churn follow the weights; churn=flat shows what comes
        of mixing laws. Interrupting a run leaves the session as it was. For
        networks see "help pomdenoise".

    PYMOL API

        from pomodoro_pymol.commands import pomsample
        result = pomsample(sampler="edm", steps=50)
        result.records[-1].entropy

    SEE ALSO

        pomdenoise, pomprecond, pomnoise
    """
    from .. import report
    from ..curves import curves_csv
    from ..reverse import run_sample

    report.check_paths(parameters.csv, parameters.figure)
    job = prepare_sample(parameters, _self=_self)
    show = progress("pomsample", quiet, "steps")
    result = run_sample(job.structure, job.states, job.parameters, lambda _, step: show(step.number, step.steps))
    report.write_csv(parameters.csv, curves_csv(result.records))
    if parameters.figure:
        from ..plots import curves_figure

        report.write_figure(parameters.figure, curves_figure(result.records, result.n_states))
    publish_sample(job, result, _self=_self)
    if not quiet:
        made = job.names[0] if len(job.names) == 1 else f"{job.names[0]} .. {job.names[-1]}"
        n_states = parameters.samples if parameters.show == "final" else len(result.kept)
        print(f" pomsample: {job.source.object} -> {made}: {n_states} states each")
        print(result.report())
    return result


@dataclass(frozen=True, eq=False)
class SampleJob:
    """What a sampling run takes from PyMOL: read once, so that a worker thread can run it.

    Attributes
    ----------
    parameters : SampleParameters
        With selection and state resolved.
    source : Source
    names : list of str
        Objects to make.
    structure : Structure
    states : ndarray, shape=(n_states, n_atoms, 3)
    """

    parameters: SampleParameters
    source: viewer.Source
    names: list[str]
    structure: Structure
    states: np.ndarray


def prepare_sample(parameters: SampleParameters, *, _self: Any) -> SampleJob:
    """Read what a run needs, and refuse what cannot be run; nothing is left behind.

    Raises
    ------
    PomodoroError
        If there is no such structure, its states differ in their atoms, a name is not free
        to take, or memory is short.
    """
    from .. import memory

    source = viewer.resolve_source(parameters.selection, parameters.state, _self=_self)
    name = parameters.name or f"{source.object}_sample"
    one = parameters.show == "final" or parameters.samples == 1
    names = [name] if one else [f"{name}_{number}" for number in range(1, parameters.samples + 1)]
    for each in names:
        viewer.check_output(each, source, _self=_self)
    kept = 1 if parameters.show == "final" else len(parameters.kept_steps())
    n_states = parameters.samples * kept
    # PyMOL's states, and the frames before they are states.
    memory.require(viewer.state_bytes(source.n_atoms, 2 * n_states), f"{n_states} states of {source.n_atoms} atoms")
    parameters = replace(parameters, selection=source.selection, state=source.state)
    states = viewer.read_ensemble(source, _self=_self)
    with viewer.draft(source, names[0], _self=_self) as draft:
        structure = viewer.read_structure(draft, title=source.object, _self=_self)
    return SampleJob(parameters, source, names, structure, states)


def publish_sample(job: SampleJob, result: SampleResult, *, _self: Any) -> None:
    """Make the objects of a run, all or none.

    Raises
    ------
    PomodoroError
        If the source is gone, or has other atoms than when it was read.
    """
    if job.source.object not in _self.get_names("objects"):
        raise PomodoroError(f"{job.source.object} was deleted during the run")
    final = job.parameters.show == "final"
    record = {"command": job.parameters.to_text(), "source": job.source.object}
    with ExitStack() as stack:
        drafts = [stack.enter_context(viewer.draft(job.source, name, _self=_self)) for name in job.names]
        for sample, draft in enumerate(drafts):
            if _self.count_atoms(f"%{draft}") != len(job.structure):
                raise PomodoroError(f"{job.source.object} was changed during the run")
            with viewer.StateWriter(draft, overwrite=True, _self=_self) as writer:
                writer.write(result.frames[:, -1] if final else result.frames[sample])
            viewer.set_titles(draft, result.final_titles() if final else result.titles(sample), _self=_self)
        for name, draft in zip(job.names, drafts):
            viewer.publish(draft, name, record, _self=_self)
