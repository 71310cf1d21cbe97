"""The PyMOL commands: text in, parameters, run, report.

Importing this module registers them in PyMOL's global instance; `register` does so for
an instance of ``pymol2``. Nothing heavy is imported before a command runs.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from . import viewer
from .catalogue import CheckParameters, ColorParameters, NoiseParameters
from .errors import PomodoroError
from .parameters import Interval, Parameters, choices_of
from .typed import split_values

if TYPE_CHECKING:
    from .colors import ColorScale
    from .hierarchy import Hierarchy
    from .lab import NoiseResult
    from .levels import ResidueLevels

_COMMANDS: list[tuple[Callable, type[Parameters]]] = []


def _command(parameters: type[Parameters]) -> Callable[[Callable], Callable]:
    """Make ``run(parameters, quiet, _self)`` a PyMOL command with a derived signature and help."""

    def decorate(run: Callable) -> Callable:
        names = parameters.names()

        def call(values: dict[str, Any], extra: tuple, unknown: dict[str, Any], quiet: Any, _self: Any) -> Any:
            try:
                if extra:
                    raise PomodoroError(f"{parameters.command} takes at most {len(names)} values by position")
                given = {name: value for name, value in values.items() if value is not None}
                given = split_values(names, given={**given, **unknown})
                quiet = given.pop("quiet", quiet)
                if str(quiet) not in ("0", "1", "False", "True"):
                    raise PomodoroError(f"quiet must be 0 or 1, not {quiet!r}")
                return run(parameters.from_values(given), str(quiet) in ("1", "True"), _self)
            except PomodoroError as error:
                raise viewer.CmdException(str(error)) from None
            except ModuleNotFoundError as error:
                from .health import missing_text

                raise viewer.CmdException(missing_text(error)) from None

        # PyMOL reads the names, "quiet" and the usage line from the code object, so the
        # command is a real function; **unknown lets us name the right key.
        scope: dict[str, Any] = {"call": call, "cmd": viewer.cmd}
        exec(
            f"def {run.__name__}({''.join(f'{name}=None, ' for name in names)}*extra, quiet=1, _self=cmd, **unknown):\n"
            f"    return call(dict({', '.join(f'{name}={name}' for name in names)}), extra, unknown, quiet, _self)",
            scope,
        )
        function = scope[run.__name__]
        description, _, rest = inspect.cleandoc(run.__doc__ or "").partition("EXAMPLES")
        function.__doc__ = f"{description}{parameters.help()}\n\nEXAMPLES{rest}"
        function.__module__ = __name__
        function.__signature__ = _signature(parameters)
        _COMMANDS.append((function, parameters))
        return function

    return decorate


def _signature(parameters: type[Parameters]) -> inspect.Signature:
    named = [
        inspect.Parameter(
            spec.name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=spec.default, annotation=spec.type
        )
        for spec in fields(parameters)
    ]
    hidden = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
        for name, default in (("quiet", 1), ("_self", viewer.cmd))
    ]
    return inspect.Signature(named + hidden)


def register(_self: Any = viewer.cmd) -> None:
    """Make the commands known, with completion, to a PyMOL instance; again does no harm."""
    for function, parameters in _COMMANDS:
        _self.extend(function.__name__, function)
        _self.auto_arg.extend({} for _ in range(len(_self.auto_arg), len(parameters.names())))
        for position, completions in enumerate(_self.auto_arg):
            completions[function.__name__] = [_completion(parameters, position, _self), "parameter", ""]


def _completion(parameters: type[Parameters], position: int, _self: Any) -> Callable:
    """Return what PyMOL asks for the words that can stand at an argument: names, keys, values."""

    def words() -> Any:
        found = []
        for spec in fields(parameters):
            found += [f"{spec.name}={value}" for value in ("", *choices_of(spec))]
        if position == 0:
            found += _self.get_names("public")
        return _self.Shortcut(found)

    return words


@_command(NoiseParameters)
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

        pomcolor, pomcheck
    """
    from . import lab, memory
    from .noise import resolve_device

    resolve_device(parameters.device)
    source = viewer.resolve_source(parameters.selection, parameters.state, _self=_self)
    name = parameters.name or f"{source.object}_noise"
    viewer.check_output(name, source, _self=_self)
    parameters = replace(parameters, selection=source.selection, state=source.state)
    memory.require(
        viewer.state_bytes(source.n_atoms, parameters.frames + 1),
        f"{parameters.frames} frames of {source.n_atoms} atoms",
    )
    with viewer.draft(source, name, _self=_self) as draft:
        structure = viewer.read_structure(draft, title=source.object, _self=_self)
        with viewer.StateWriter(draft, _self=_self) as writer:
            result = lab.run_noise(structure, parameters, writer.write, _progress("pomnoise", quiet))
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


@_command(ColorParameters)
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
    from .hierarchy import Hierarchy
    from .levels import expected_residues
    from .records import Record, digest

    name, plain = _find_ours(parameters.object, _self)
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


@_command(CheckParameters)
def pomcheck(parameters: CheckParameters, quiet: bool, _self: Any) -> dict[str, str]:
    """
    DESCRIPTION

        "pomcheck" prints the versions of what Pomodoro stands on, the devices
        there are, what is missing, and the exact command that installs it.

    EXAMPLES

        pomcheck

    SEE ALSO

        pomnoise
    """
    from . import health

    findings = {"PyMOL": _self.get_version()[0], **health.check(), "NumPy in PyMOL": viewer.numpy_health(_self=_self)}
    if not quiet:
        for what, finding in findings.items():
            print(f" {what:16}{finding}")
    return findings


def _find_ours(name: str, _self: Any) -> tuple[str, dict[str, Any]]:
    """Return the object meant, and its record."""
    ours = viewer.our_objects(_self=_self)
    if not name and len(ours) == 1:
        name = ours[0]
    name = viewer.spelling(name, _self=_self) or name
    record = viewer.get_record(name, _self=_self)
    if record is None:
        what = f"{name!r} was not made by pomnoise" if name else f"pomnoise has made {len(ours) or 'no'} objects here"
        right = f"name one of: {', '.join(ours)}" if ours else "run pomnoise first"
        raise PomodoroError(f"{what}: {right}")
    return name, record


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

    from .colors import ColorScale
    from .metrics import METRICS

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


def _progress(command: str, quiet: bool) -> Callable[[int, int], None]:
    """Return a callback that prints how far a long run is, every two seconds."""
    last = time.monotonic()

    def show(done: int, total: int) -> None:
        nonlocal last
        if not quiet and time.monotonic() - last > 2:
            last = time.monotonic()
            print(f" {command}: {done} of {total} frames", flush=True)

    return show


register()
