"""pomdenoise: denoising in one shot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import PomodoroError
from ..parameters.catalogue import DenoiseParameters
from ..utils.text import counted
from ..viewer import publishing, reading, sources
from ..viewer.states import StateWriter
from .declare import command, progress

if TYPE_CHECKING:
    import numpy as np

    from ..experiments.record import Record
    from ..noise.statistics import LevelStatistics


@command(DenoiseParameters)
def pomdenoise(parameters: DenoiseParameters, quiet: bool, _self: Any) -> tuple[LevelStatistics, LevelStatistics]:
    """
    DESCRIPTION

        "pomdenoise" estimates, in one shot, the true structure behind each
        noised frame of an object that pomnoise made. The estimates become
        states of a new object, after the truth, which is state 1. The error
        per level is printed before and after. It returns both statistics.

        The data are the states of the source: the ideal denoiser is the
        posterior mean over them, the wiener denoiser that of a Gaussian
        about one structure. Both are closed forms, not trained models.

        Frames lie as their truth does, and pose=fixed knows it. Where the
        pose is unknown, as pose=exact has it, each frame is turned at random
        and shifted by 1 A per coordinate, as in training, before it is
        denoised, and laid back after.

    EXAMPLES

        pomdenoise
        pomdenoise covariance=flat multiscale=1
        pomdenoise pose=exact
        pomdenoise denoiser=wiener prior=1:4:0.25

    NOTES

        A network is loaded from torch.export (.pt2, which takes PyTorch 2.8 or
        later to write and to read) or TorchScript; pickles are refused. It
        takes scaled coords (n, atoms, 3) and c_noise, (n, 3) or (n,), and
        returns atoms, or atoms, residues and chains. What it takes is found by
        itself, and printed. (n,) is for scalings that give all levels one
        c_noise, as global does. An archive for a fixed number of samples is
        asked for as many at once. Load networks only from people you trust.

        sigma_data, convention and scaling are of the network, and do nothing
        without one. Another sigma_data than the noise had is noted.

    SEE ALSO

        pomnoise, pomsample, pomprecond
    """
    from ..experiments.denoising import frames_at_once
    from ..experiments.denoising_run import run_denoise
    from ..jobs.ours import find_ours, read_ours
    from ..utils import memory

    name, plain = find_ours(parameters.object, _self=_self)
    record = _record(name, plain, _self)
    noise = record.parameters
    source = sources.resolve_source(f"%{name}", 1, _self=_self)
    output = parameters.name or f"{name}_denoised"
    sources.check_output(output, source, _self=_self)
    titles = reading.titles(name, _self=_self)
    n_atoms, n_frames = source.n_atoms, len(titles) - 1
    n_members = _self.count_states(f"%{record.source}") if record.source in _self.get_names("objects") else 1
    memory.require(
        memory.denoise_bytes(n_atoms, n_frames + 1, n_members, min(n_frames, frames_at_once(n_atoms))),
        f"{n_frames} frames of {n_atoms} atoms",
    )
    show = progress("pomdenoise", quiet)
    with sources.draft(source, output, whole=True, _self=_self) as draft:
        structure = read_ours(draft, record, title=name, _self=_self)
        states, state = _data(record, structure.coords, parameters.denoiser, _self)
        frames = reading.read_frames(draft, range(2, len(titles) + 1), structure, _self=_self)
        with StateWriter(draft, structure.atom_at_place, after=1, _self=_self) as writer:
            result = run_denoise(
                structure, states, frames, noise, parameters, writer.write, lambda n: show(n, n_frames), state=state
            )
            publishing.set_titles(draft, [titles[0], *(f"{title} denoised" for title in titles[1:])], _self=_self)
            made = {"command": parameters.to_text(), "source": name}
            made |= {key: plain[key] for key in ("b", "groups") if key in plain}
            hidden = writer.publish(output, made, name)
    if not quiet:
        print(
            f" pomdenoise: {name} -> {output}: {counted(n_frames, 'frame')} of sigma "
            f"{noise.noise_sigma:.4g} A per coordinate\n{result.report()}{publishing.hidden_text(hidden)}"
        )
    return result.before, result.after


def _record(name: str, plain: dict[str, Any], _self: Any) -> Record:
    """Return what an object says of its noise.

    Raises
    ------
    PomodoroError
        If its frames are no longer what was drawn, superposed, or with fixed atoms.
    """
    from ..experiments.record import Record
    from ..jobs.ours import check_frames

    record = Record.from_plain(plain)
    check_frames(name, plain, _self=_self)
    if plain.get("aligned"):
        raise PomodoroError(f"the frames of {name} were superposed, so that their noise is another: name the original")
    if record.fixed is not None:
        raise PomodoroError(f"atoms of {name} are fixed, and denoisers take all for noised: run pomnoise without fixed")
    return record


def _data(record: Record, truth: np.ndarray, denoiser: str, _self: Any) -> tuple[np.ndarray, int]:
    """Return the states behind a noised object, and which of them was noised; the truth alone where they are gone."""
    import numpy as np

    parameters = record.parameters
    if record.source in _self.get_names("objects"):
        with_source = f"%{record.source} and ({parameters.selection})" if parameters.selection else record.source
        try:
            source = sources.resolve_source(with_source, parameters.state, _self=_self)
            _, states = reading.read_ensemble(source, order=record.order, _self=_self)
        except PomodoroError:
            if denoiser == "ideal":
                raise
            return truth[None], 1
        if states.shape[1:] == truth.shape and np.abs(states[source.state - 1] - truth).max() < 1e-3:
            return states, source.state
    if denoiser == "ideal":
        raise PomodoroError(f"{record.source}, the ensemble that was noised, is gone or changed: use denoiser=wiener")
    return truth[None], 1
