"""The command line, python -m pomodoro_pymol: a command for each thing that needs no PyMOL."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import __version__, health
from .errors import PomodoroError
from .io.disk import user_path
from .noise.presets import parse_schemes
from .parameters.base import Parameters, describe, suggestion
from .parameters.catalogue import (
    MeasureParameters,
    NoiseParameters,
    SampleParameters,
    SignalParameters,
    SurveyFilesParameters,
    SweepParameters,
    TableParameters,
    TrainParameters,
    WeightsParameters,
)
from .parameters.flags import FlagParser, Once
from .utils.devices import device_notes
from .utils.problems import known_text
from .utils.progress import bar, status

if TYPE_CHECKING:
    from .structure.atoms import Structure
    from .structure.hierarchy import Hierarchy

#: Parameters that mean something in a running PyMOL alone.
_SESSION_ONLY = {"selection", "object", "name", "state", "truth", "rep", "fixed"}
#: Those of a command that mean something to its object alone.
_OBJECT_ONLY: dict[type[Parameters], set[str]] = {
    MeasureParameters: {"fit", "metric", "palette", "range"},
    TrainParameters: {"residues", "chains", "show"},
}
_FRAME_FILES = ".pdb or .cif, packed by a further .gz, .dcd, or .npz"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status: 0, 2 on bad input, 130 on interrupt."""
    try:
        arguments = _parse(sys.argv[1:] if argv is None else argv)
        return arguments.run(arguments)
    except BrokenPipeError:  # the reader, such as head, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("interrupted: nothing half-written is left", file=sys.stderr)
        return 130
    except Exception as error:
        text = known_text(error)
        if not text:
            raise
        print(f"error: {text}", file=sys.stderr)
        return 2


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line; what is not known is refused with the nearest that is."""
    parser, commands = _parser()
    word = argv[0] if argv else ""
    if word not in (*commands, "-h", "--help", "--version"):
        wrong = f"there is no command {word!r}" if word else "give a command"
        raise PomodoroError(f"{wrong}: {', '.join(commands)}{suggestion(word, commands)}")
    arguments, unknown = parser.parse_known_args(argv)
    if unknown:
        name = unknown[0].lstrip("-").partition("=")[0]
        if name == "fixed" and word in ("noise", "demo"):
            raise PomodoroError("fixed is a selection, which is known in PyMOL alone: run pomnoise there")
        flags = [flag for flag in vars(arguments) if flag not in ("run", "parameters", "structure")]
        near = suggestion(name, flags).replace("mean ", "mean --")
        raise PomodoroError(f"unknown argument {unknown[0]!r} of {word}{near}")
    return arguments


def _parser() -> tuple[FlagParser, dict[str, FlagParser]]:
    """Return the parser, and that of each command."""
    parser = FlagParser(prog="python -m pomodoro_pymol", description="Diffusion noise on proteins.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, help_text: str, run: Callable, parameters: type[Parameters] | None) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=help_text)
        command.set_defaults(run=run, parameters=parameters)
        flags = _names(parameters) if parameters else set()
        for spec in fields(parameters) if parameters else ():
            if spec.name in flags:
                command.add_argument(f"--{spec.name}", action=Once, help=describe(spec).replace("%", "%%"))
        return command

    demo = add("demo", "noise a structure that ships with PyMOL; write .pse, .png, .pdb, .csv", _demo, NoiseParameters)
    demo.add_argument(
        "--output", type=Path, default=Path("pomodoro-demo"), help="folder to write to {default: %(default)s}"
    )
    noise = add("noise", "noise a PDB or mmCIF file; print the numbers, write the frames", _noise, NoiseParameters)
    noise.add_argument("--output", help=f"file for the frames: {_FRAME_FILES}")
    noise.add_argument("--level", choices=("atom", "residue"), default="atom", help="what a point of the output is")
    noise.add_argument("--b", choices=("metric", "source"), default="metric", help="the B column of the output")
    noise.add_argument("--csv", default="", help="file for the numbers of each residue")
    sample = add("sample", "reverse diffusion over a file's models by an analytic denoiser", _sample, SampleParameters)
    sample.add_argument("--output", help=f"file for the states: {_FRAME_FILES}")
    measure = add("measure", "a file's models against a truth: levels and scores", _measure, MeasureParameters)
    measure.add_argument(
        "--truth", default="", help="file of the truth {default: the structure itself: that model is no frame then}"
    )
    others = (
        noise,
        measure,
        sample,
        add("table", "the z-table of several schemes", _table, TableParameters),
        add("sweep", "what several schemes leave of the structure over z", _sweep, SweepParameters),
        add("weights", "closed forms of weights, or weights for a wanted ratio", _weights, WeightsParameters),
        add("signal", "what noise teaches a model, level by level, on a file's models", _signal, SignalParameters),
    )
    for command in others:
        command.add_argument("structure", help="PDB or mmCIF file, may be gzipped")
        of = "the file" if command is not measure else "the file of the truth"
        command.add_argument("--model", type=int, default=1, help=f"model of {of} {{default: 1}}")
        command.add_argument("--solvent", action="store_true", help="keep waters")
    train = add("train", "train networks on a file's models, or on fragments of many files", _train, TrainParameters)
    train.add_argument("structures", nargs="+", metavar="structure", help="PDB or mmCIF file, may be gzipped")
    train.add_argument("--residues", type=int, help="cut files into fragments of so many residues {default: models}")
    train.add_argument("--solvent", action="store_true", help="keep waters")
    survey = add(
        "survey", "the variances, budgets and closed forms of a whole data set", _survey, SurveyFilesParameters
    )
    survey.add_argument("sources", nargs="+", metavar="source", help="folder, pattern, file, or .txt file with a list")
    survey.add_argument("--output", required=True, help="file for a row of each structure or crop: .parquet")
    survey.add_argument("--no-hydrogens", action="store_true", help="leave hydrogens aside")
    survey.add_argument("--scheduler", default="", help="running Dask scheduler, as in tcp://host:8786 {default: none}")
    add("check", "versions, devices, what is missing", _check, None)
    return parser, commands.choices


def _names(parameters: type[Parameters]) -> set[str]:
    """Return the names of the parameters that are flags."""
    return set(parameters.names()) - _SESSION_ONLY - _OBJECT_ONLY.get(parameters, set())


def _given(arguments: argparse.Namespace) -> Any:
    names = _names(arguments.parameters)
    return arguments.parameters.from_values({name: getattr(arguments, name) for name in names})


def _check_paths(arguments: argparse.Namespace, table: str, output: str | None, figure: str = "") -> None:
    """Refuse files that could not be written, or that would take the place of what is read or of each other."""
    from .experiments import outputs

    outputs.check_paths(table, figure)
    read = [arguments.structure, *(getattr(arguments, name, None) or "" for name in ("network", "truth"))]
    outputs.check_apart([output or "", table, figure], read)


def _read(arguments: argparse.Namespace) -> tuple[Structure, Hierarchy]:
    from .io.read import read_structure
    from .structure.hierarchy import Hierarchy

    structure = read_structure(arguments.structure, model=arguments.model, solvent=arguments.solvent)
    structure = _grouped(structure, arguments)
    return structure, Hierarchy.from_structure(structure)


def _grouped(structure: Structure, arguments: argparse.Namespace) -> Structure:
    """Return a structure with the residues and chains that are given."""
    from .structure.given import by_labels

    return by_labels(structure, arguments.residues or "", arguments.chains or "")


def _demo(arguments: argparse.Namespace) -> int:
    parameters = _given(arguments)

    from .demo import run_demo

    run_demo(arguments.output, parameters)
    return 0


def _noise(arguments: argparse.Namespace) -> int:
    parameters = _given(arguments)

    from .experiments import fits, frame_files, outputs
    from .experiments.noise import run_noise

    output = user_path(arguments.output) if arguments.output else None
    _check_paths(arguments, arguments.csv, arguments.output)
    if output:
        frame_files.check_frame_path(output, arguments.level)
    structure, hierarchy = _read(arguments)
    parameters = replace(parameters, state=arguments.model)
    if output:
        values = structure.b if arguments.b == "source" else None
        fits.check_labels(output, structure, hierarchy, parameters.frames, arguments.level, values=values)
        fits.check_noise(output, structure, hierarchy, parameters, arguments.level)
    result = run_noise(structure, parameters, lambda frames: None, bar("noise"))
    print(result.report())
    outputs.write_csv(arguments.csv, outputs.residues_csv(result) if arguments.csv else "")
    if output:
        show, total = bar("write"), parameters.frames
        tell = lambda done, _: show(done, total)  # noqa: E731
        frame_files.save_frames(output, result, arguments.level, tell, b=arguments.b)
    return 0


def _measure(arguments: argparse.Namespace) -> int:
    parameters = _given(arguments)

    from .experiments import outputs
    from .experiments.measure import measure_frames
    from .experiments.measure_table import measure_csv, measure_text
    from .io.read import read_ensemble, read_structure

    _check_paths(arguments, parameters.csv, None)
    model, solvent = arguments.model, arguments.solvent
    if arguments.truth:
        truth = read_structure(arguments.truth, model=model, solvent=solvent)
        structure, states = read_ensemble(arguments.structure, solvent=solvent)
        numbers = list(range(1, len(states) + 1))
    else:
        structure, states = read_ensemble(arguments.structure, model=model, solvent=solvent)
        truth, numbers = structure, [number for number in range(1, len(states) + 1) if number != model]
        if not numbers:
            raise PomodoroError(f"{arguments.structure} has one model, which would be its own truth: give --truth")
        states = states[[number - 1 for number in numbers]]
    measured = measure_frames(truth, structure, states, progress=bar("measure"))
    print(measure_text(measured))
    outputs.write_csv(parameters.csv, measure_csv(measured, numbers) if parameters.csv else "")
    return 0


def _table(arguments: argparse.Namespace) -> int:
    parameters = _given(arguments)

    from .experiments import outputs
    from .experiments.table import noise_table, table_csv, table_text
    from .noise.sigma import law_line

    schemes = parse_schemes(parameters.presets)
    _check_paths(arguments, parameters.csv, None, parameters.figure)
    structure, hierarchy = _read(arguments)
    options = {name: getattr(parameters, name) for name in ("frames", "seed", "estimator", "device")}
    law = parameters.law_of_sigma
    rows = noise_table(hierarchy, schemes, parameters.z.values(), law=law, progress=bar("table"), **options)
    outputs.print_notes(structure, hierarchy, device_notes(rows[0].device, rows[0].note))
    print(f"{table_text(rows, hierarchy.n_chains)}{law_line(law)}")
    outputs.write_csv(parameters.csv, table_csv(rows))
    _draw(parameters.figure, "table_figure", rows)
    return 0


def _sweep(arguments: argparse.Namespace) -> int:
    parameters = _given(arguments)

    from .experiments import outputs
    from .experiments.sweep import run_sweep
    from .experiments.sweep_table import sweep_csv, sweep_text

    schemes = parse_schemes(parameters.presets)
    _check_paths(arguments, parameters.csv, None, parameters.figure)
    structure, hierarchy = _read(arguments)
    options = {name: getattr(parameters, name) for name in ("frames", "seed", "device")}
    law = parameters.law_of_sigma
    sweep = run_sweep(structure, hierarchy, schemes, parameters.z.values(), law=law, progress=bar("sweep"), **options)
    outputs.print_notes(structure, hierarchy, device_notes(sweep.device, sweep.note))
    print(sweep_text(sweep))
    outputs.write_csv(parameters.csv, sweep_csv(sweep.points))
    _draw(parameters.figure, "sweep_figure", sweep)
    return 0


def _weights(arguments: argparse.Namespace) -> int:
    parameters = _given(arguments)

    from .experiments import outputs
    from .experiments.weights import padding_text, solve_weights, weights_text
    from .noise import presets

    if parameters.delete:
        presets.delete_preset(parameters.delete)
        return 0
    structure, hierarchy = _read(arguments)
    weights = solve_weights(hierarchy, parameters)
    if parameters.save:
        presets.save_preset(parameters.save, weights)
    outputs.print_notes(structure, hierarchy)
    print(weights_text(structure, hierarchy, weights, parameters.noise_sigma, parameters.law_of_sigma))
    padding = padding_text(hierarchy, parameters, weights)
    if padding:
        print(padding)
    return 0


def _signal(arguments: argparse.Namespace) -> int:
    parameters = _given(arguments)

    from .experiments import outputs
    from .experiments.signal_report import check_signal, run_signal, signal_csv
    from .io.read import read_ensemble

    check_signal(parameters)
    _check_paths(arguments, parameters.csv, None, parameters.figure)
    structure, states = read_ensemble(arguments.structure, model=arguments.model, solvent=arguments.solvent)
    structure = _grouped(structure, arguments)
    result = run_signal(structure, states[:1] if parameters.data else states, parameters)
    outputs.print_notes(structure, result.hierarchy)
    print(result.report())
    outputs.write_csv(parameters.csv, signal_csv(result.signal))
    _draw(parameters.figure, "signal_figure", result.signal)
    return 0


def _sample(arguments: argparse.Namespace) -> int:
    parameters = _given(arguments)

    from .diffusion.curves import curves_csv
    from .experiments import fits, frame_files, outputs
    from .experiments.sampling import run_sample
    from .io.read import read_ensemble
    from .structure.hierarchy import Hierarchy

    output = user_path(arguments.output) if arguments.output else None
    _check_paths(arguments, parameters.csv, arguments.output, parameters.figure)
    if output:
        frame_files.check_frame_path(output, "atom")
    structure, states = read_ensemble(arguments.structure, model=arguments.model, solvent=arguments.solvent)
    structure = _grouped(structure, arguments)
    show = bar("sample")
    parameters = replace(parameters, state=arguments.model)
    if output:
        hierarchy = Hierarchy.from_structure(structure)
        n_states = parameters.samples * len(parameters.kept_steps())
        fits.check_labels(output, structure, hierarchy, n_states, "atom", values=structure.b)
        fits.check_samples(output, structure, hierarchy, parameters)
    result = run_sample(structure, states, parameters, lambda _, step: show(step.number, step.steps))
    outputs.print_notes(structure, Hierarchy.from_structure(structure))
    print(result.report())
    outputs.write_csv(parameters.csv, curves_csv(result.records))
    _draw(parameters.figure, "curves_figure", result.records, result.n_states)
    if output:
        frame_files.save_samples(output, structure, result)
    return 0


def _train(arguments: argparse.Namespace) -> int:
    parameters = _given(arguments)

    from .experiments import outputs
    from .experiments.train_files import train_files

    show = status()

    def tell(done: int, total: int, record: Any) -> None:
        if record:
            show(str(record), done == total)

    try:
        result = train_files(
            arguments.structures, arguments.residues, parameters, tell, bar("read"), solvent=arguments.solvent
        )
    except KeyboardInterrupt:
        print("stopped: what is trained is in its file, if a step was; --resume=1 goes on", file=sys.stderr)
        raise
    print(f" {result.path} has the networks\n{result.report()}")
    outputs.write_csv(parameters.csv, result.csv())
    _draw(parameters.figure, "training_figure", result)
    return 0


def _survey(arguments: argparse.Namespace) -> int:
    parameters = _given(arguments)

    from .experiments.survey_files import survey_files

    options = {"hydrogens": not arguments.no_hydrogens, "scheduler": arguments.scheduler, "tell": status(log=True)}
    print(survey_files(arguments.sources, arguments.output, parameters, **options).report())
    return 0


def _check(_: argparse.Namespace) -> int:
    for what, finding in health.check().items():
        print(f"{what:16}{finding}")
    return 0


def _draw(path: str, kind: str, *found: Any) -> None:
    """Draw a figure into a file, if one is asked for."""
    if path:
        from .experiments import figures, outputs

        outputs.write_figure(path, getattr(figures, kind)(*found))
