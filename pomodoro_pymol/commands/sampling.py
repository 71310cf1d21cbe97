"""pomsample: reverse diffusion; and its parts, for a worker thread to run the middle one."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .. import viewer
from ..catalogue import SampleParameters
from ..errors import PomodoroError
from .declare import command, progress

if TYPE_CHECKING:
    import numpy as np

    from ..reverse import SampleResult
    from ..structure import Structure


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
