"""pomprecond and pomdenoise: preconditioning, and denoising in one shot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import viewer
from ..catalogue import DenoiseParameters, PrecondParameters
from ..errors import PomodoroError
from ..words import counted
from .declare import command, progress

if TYPE_CHECKING:
    import numpy as np

    from ..levels import LevelStatistics
    from ..records import Record
    from ..scaling_table import ScalingRow


@command(PrecondParameters)
def pomprecond(parameters: PrecondParameters, quiet: bool, _self: Any) -> list[ScalingRow]:
    """
    DESCRIPTION

        "pomprecond" prints how a denoising network would be preconditioned
        on the loaded structure or ensemble, level by level over sigma:
        c_skip, c_out, c_in, c_noise, the variance of what the network is to
        predict (1 is ideal), and the mean squared error of c_skip times x.
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

    from .. import memory, report
    from ..hierarchy import Hierarchy
    from ..models import per_level
    from ..precondition import data_variances
    from ..scaling_table import scaling_csv, scaling_table, scaling_text
    from ..schedule import sigma_from_z

    report.check_paths(parameters.csv, parameters.figure)
    source = viewer.resolve_source(parameters.selection, parameters.state, _self=_self)
    n_members = 1 if parameters.data else _self.count_states(f"%{source.object}")
    memory.require(
        memory.ensemble_bytes(source.n_atoms, n_members), f"{counted(n_members, 'state')} of {source.n_atoms} atoms"
    )
    if parameters.data:
        structure = viewer.read_source(source, _self=_self)
        c, r, a = (value**2 for value in per_level("data", parameters.data))
        if not all((c, r, a)):
            raise PomodoroError(f"data must be positive at each level, not {parameters.data}")
        hierarchy = Hierarchy.from_structure(structure)
        data, origin = (c, r, a), "given"
    else:
        structure, states = viewer.read_ensemble(source, _self=_self)
        hierarchy = Hierarchy.from_structure(structure)
        data, origin = (
            data_variances(torch.from_numpy(states), hierarchy),
            f"measured over {counted(len(states), 'state')}",
        )
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
        report.print_note(structure)
        print(scaling_text(rows))
    return rows


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

    EXAMPLES

        pomdenoise
        pomdenoise covariance=flat multiscale=1
        pomdenoise denoiser=wiener prior=1:4:0.25

    NOTES

        A network is loaded from torch.export (.pt2) or TorchScript; pickles
        are refused. It takes scaled coords (n, atoms, 3) and c_noise (n, 3)
        and returns atoms, or atoms, residues and chains. Load networks only
        from people you trust.

    SEE ALSO

        pomnoise, pomsample, pomprecond
    """
    import torch

    from .. import memory
    from ..hierarchy import Hierarchy
    from ..lab import compare_levels
    from ..levels import LevelStatistics, residue_sums
    from ..models import build_model, denoise_frames, frames_at_once
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
    n_atoms, n_frames = source.n_atoms, len(titles) - 1
    n_members = _self.count_states(f"%{record.source}") if record.source in _self.get_names("objects") else 1
    memory.require(
        memory.denoise_bytes(n_atoms, n_frames + 1, n_members, min(n_frames, frames_at_once(n_atoms))),
        f"{n_frames} frames of {n_atoms} atoms",
    )
    show = progress("pomdenoise", quiet)
    with viewer.draft(source, output, whole=True, _self=_self) as draft:
        structure = viewer.read_structure(draft, title=name, order=record.order, _self=_self)
        hierarchy = Hierarchy.from_structure(structure)
        truth = torch.from_numpy(structure.coords)
        states, state = _data(record, structure.coords, parameters.denoiser, _self)
        model = build_model(
            states, hierarchy, noise.weights, parameters, state=state, free_pose=parameters.pose == "free"
        )
        before, after = LevelStatistics(hierarchy), LevelStatistics(hierarchy)
        frames = viewer.read_frames(draft, range(2, len(titles) + 1), structure, _self=_self)
        with viewer.StateWriter(draft, structure.atom_at_place, after=1, _self=_self) as writer:
            for noised, denoised in denoise_frames(frames, model, hierarchy, noise.noise_sigma, parameters):
                for statistics, block in ((before, noised), (after, denoised)):
                    statistics.add(residue_sums(block - truth, hierarchy))
                writer.write(denoised)
                show(before.n_frames, len(titles) - 1)
            viewer.set_titles(draft, [titles[0], *(f"{title} denoised" for title in titles[1:])], _self=_self)
            writer.publish(output, {"command": parameters.to_text(), "source": name})
    if not quiet:
        print(
            f" pomdenoise: {name} -> {output}: {counted(before.n_frames, 'frame')} of sigma {noise.noise_sigma:.4g} A"
        )
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
            source = viewer.resolve_source(with_source, parameters.state, _self=_self)
            _, states = viewer.read_ensemble(source, order=record.order, _self=_self)
        except PomodoroError:
            if denoiser == "ideal":
                raise
            return truth[None], 1
        if states.shape[1:] == truth.shape and np.abs(states[source.state - 1] - truth).max() < 1e-3:
            return states, source.state
    if denoiser == "ideal":
        raise PomodoroError(f"{record.source}, the ensemble that was noised, is gone or changed: use denoiser=wiener")
    return truth[None], 1
