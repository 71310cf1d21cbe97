"""pomnoise and pomcolor."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .. import viewer
from ..catalogue import ColorParameters, NoiseParameters
from ..errors import PomodoroError
from ..parameters import Interval
from .declare import command, progress

if TYPE_CHECKING:
    from ..colors import ColorScale
    from ..hierarchy import Hierarchy
    from ..lab import NoiseResult
    from ..levels import ResidueLevels


@command(NoiseParameters)
def pomnoise(parameters: NoiseParameters, quiet: bool, _self: Any) -> NoiseResult:
    """
    DESCRIPTION

        "pomnoise" adds hierarchical Gaussian noise to a structure. The frames
        become states of a new object: state 1 is the true structure, the
        others are noised. Residues are coloured by how much of their motion
        their atoms share, b of the new object is the same number, and what
        was measured is printed beside what the closed form expects.

        The source object is not changed. Running again replaces the object
        that pomnoise made before, and no other.

    EXAMPLES

        pomnoise z=0 wc=3 wr=8
        pomnoise chain A and polymer, z=-1, preset=ms, frames=50
        pomnoise sigma=2.5 metric=relative palette=cividis

    NOTES

        Weights are variances and only their shares matter; every atom's own
        standard deviation is sigma whatever they are. The ratio residue rms /
        atom rms depends on the share of wa and on residue sizes alone.

    PYMOL API

        from pomodoro_pymol.commands import pomnoise
        result = pomnoise(z=0, wc=3, wr=8)

    SEE ALSO

        pomcolor, pomtable, pomsweep, pomweights, pomalign, pomsave, pomcheck
    """
    from .. import lab, memory
    from ..noise import resolve_device

    resolve_device(parameters.device)
    source = viewer.resolve_source(parameters.selection, parameters.state, _self=_self)
    name = parameters.name or f"{source.object}_noise"
    viewer.check_output(name, source, _self=_self)
    parameters = replace(parameters, selection=source.selection, state=source.state).spelt_out()
    memory.require(
        viewer.state_bytes(source.n_atoms, parameters.frames + 1),
        f"{parameters.frames} frames of {source.n_atoms} atoms",
    )
    with viewer.draft(source, name, _self=_self) as draft:
        structure = viewer.read_structure(draft, title=source.object, _self=_self)
        with viewer.StateWriter(draft, _self=_self) as writer:
            result = lab.run_noise(structure, parameters, writer.write, progress("pomnoise", quiet))
        result = replace(result, name=name)
        viewer.set_titles(draft, result.titles(), _self=_self)
        measured, expected = result.residues()
        scale, line = _paint(draft, result.hierarchy, measured, expected, parameters, None, _self)
        viewer.publish(draft, name, result.record().to_plain(), _self=_self)
    key = viewer.show_key(name, scale.stops(), _self=_self)
    if not quiet:
        hierarchy = result.hierarchy
        print(
            f" pomnoise: {source.object} -> {name}: {hierarchy.n_atoms} atoms, "
            f"{hierarchy.n_residues} residues, {hierarchy.n_chains} chains, {parameters.frames + 1} states"
        )
        print(result.report())
        print(f"{line}, key {key}")
    return result


@command(ColorParameters)
def pomcolor(parameters: ColorParameters, quiet: bool, _self: Any) -> ColorScale:
    """
    DESCRIPTION

        "pomcolor" colours an object that pomnoise made by another metric or
        palette, sets its b to the metric, and redraws the colour key.

            ratio         residue rms / atom rms
            relative      the same after removing the motion of the chain
            displacement  residue rms, in angstrom
            scramble      residue rms relative to the chain / 3.8 A
            excess        ratio, measured / expected

    EXAMPLES

        pomcolor metric=relative
        pomcolor 1hpv_noise, scramble, cividis, 0:1.5

    SEE ALSO

        pomnoise
    """
    from ..hierarchy import Hierarchy
    from ..levels import expected_residues
    from ..records import Record, digest

    name, plain = find_ours(parameters.object, _self)
    record = Record.from_plain(plain)
    structure = viewer.read_structure(name, _self=_self)
    hierarchy = Hierarchy.from_structure(structure)
    if record.digest != digest(structure, hierarchy) or len(record.residues.atom) != hierarchy.n_residues:
        raise PomodoroError(f"{name} was edited after pomnoise made it: run pomnoise again")
    expected = expected_residues(hierarchy, record.parameters.weights, record.parameters.noise_sigma)
    scale, line = _paint(name, hierarchy, record.residues, expected, parameters, parameters.range, _self)
    key = viewer.show_key(name, scale.stops(), _self=_self)
    if not quiet:
        print(f" pomcolor: {name}\n{line}, key {key}")
    return scale


def find_ours(name: str, _self: Any) -> tuple[str, dict[str, Any]]:
    """Return the object with noised frames that is meant, and its record."""
    ours = [other for other in viewer.our_objects(_self=_self) if _has_frames(other, _self)]
    if not name and len(ours) == 1:
        name = ours[0]
    name = viewer.spelling(name, _self=_self) or name
    record = viewer.get_record(name, _self=_self)
    if record is None or not _has_frames(name, _self):
        what = f"{name!r} was not made by pomnoise" if name else f"pomnoise has made {len(ours) or 'no'} objects here"
        right = f"name one of: {', '.join(ours)}" if ours else "run pomnoise first"
        raise PomodoroError(f"{what}: {right}")
    return name, record


def _has_frames(name: str, _self: Any) -> bool:
    """Tell an object of pomnoise or pomalign from one of the other commands."""
    record = viewer.get_record(name, _self=_self) or {}
    return str(record.get("command")).split(" ")[0] == NoiseParameters.command


def _paint(
    name: str,
    hierarchy: Hierarchy,
    measured: ResidueLevels,
    expected: ResidueLevels,
    choice: NoiseParameters | ColorParameters,
    span: Interval | None,
    _self: Any,
) -> tuple[ColorScale, str]:
    """Colour an object by the chosen metric and set its b; return the scale and a line on it."""
    import numpy as np

    from ..colors import ColorScale
    from ..metrics import METRICS

    metric = METRICS[choice.metric]
    with np.errstate(divide="ignore", invalid="ignore"):
        values, closed = metric.compute(measured, expected), metric.compute(expected, expected)
    scale = ColorScale.over(choice.palette, values, span)
    of_atom = hierarchy.atom_to_residue.numpy()
    viewer.paint(name, scale.rgb(values)[of_atom].tolist(), np.nan_to_num(values)[of_atom].tolist(), _self=_self)
    finite = closed[np.isfinite(closed)]
    expectation = f"{finite.min():.3g} .. {finite.max():.3g}" if len(finite) else "n/a"
    line = (
        f" colour: {choice.metric} = {metric.label}\n"
        f"         {scale.low:.3g} .. {scale.high:.3g} {metric.unit}".rstrip()
        + f", expected {expectation}, {scale.palette}"
    )
    return scale, line
