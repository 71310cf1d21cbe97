"""The command line, python -m pomodoro_pymol: a command for each thing that needs no PyMOL."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import Field, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import __version__, health
from .errors import PomodoroError
from .io.disk import user_path
from .noise.presets import delete_preset, parse_schemes
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
from .utils.problems import known_text
from .utils.progress import bar, status

if TYPE_CHECKING:
    import numpy as np

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
        arguments.run(arguments, _given(arguments))
        return 0
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
    add = partial(_add_command, commands)
    demo = add("demo", "noise a structure that ships with PyMOL; write .pse, .png, .pdb, .csv", _demo, NoiseParameters)
    demo.add_argument(
        "--output", type=Path, default=Path("pomodoro-demo"), help="folder to write to {default: %(default)s}"
    )
    noise = add("noise", "noise a PDB or mmCIF file; print the numbers, write the frames", _noise, NoiseParameters)
    noise.add_argument("--output", default="", help=f"file for the frames: {_FRAME_FILES}")
    noise.add_argument("--level", choices=("atom", "residue"), default="atom", help="what a point of the output is")
    noise.add_argument("--b", choices=("metric", "source"), default="metric", help="the B column of the output")
    noise.add_argument("--csv", default="", help="file for the numbers of each residue")
    sample = add("sample", "reverse diffusion over a file's models by an analytic denoiser", _sample, SampleParameters)
    sample.add_argument("--output", default="", help=f"file for the states: {_FRAME_FILES}")
    measure = add("measure", "a file's models against a truth: levels and scores", _measure, MeasureParameters)
    measure.add_argument(
        "--truth", default="", help="file of the truth {default: the structure itself: that model is no frame then}"
    )
    table = add("table", "the z-table of several schemes", _table, TableParameters)
    sweep = add("sweep", "what several schemes leave of the structure over z", _sweep, SweepParameters)
    weights = add("weights", "closed forms of weights, or weights for a wanted ratio", _weights, WeightsParameters)
    signal = add("signal", "what noise teaches a model, level by level, on a file's models", _signal, SignalParameters)
    for command in (noise, measure, sample, table, sweep, weights, signal):
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
    add("check", "versions, devices, what is missing", _check)
    return parser, commands.choices


def _add_command(
    commands: Any, name: str, help_text: str, run: Callable, parameters: type[Parameters] | None = None
) -> FlagParser:
    """Add a command with a flag for each of its parameters that means something here."""
    command = commands.add_parser(name, help=help_text)
    command.set_defaults(run=run, parameters=parameters)
    for spec in _flags(parameters) if parameters else ():
        command.add_argument(f"--{spec.name}", action=Once, help=describe(spec).replace("%", "%%"))
    return command


def _flags(parameters: type[Parameters]) -> list[Field]:
    """Return the parameters that are flags."""
    hidden = _SESSION_ONLY | _OBJECT_ONLY.get(parameters, set())
    return [spec for spec in fields(parameters) if spec.name not in hidden]


def _given(arguments: argparse.Namespace) -> Any:
    """Return the parameters of the command as they are given; None where it has none."""
    if arguments.parameters is None:
        return None
    names = (spec.name for spec in _flags(arguments.parameters))
    return arguments.parameters.from_values({name: getattr(arguments, name) for name in names})


def _check_paths(arguments: argparse.Namespace, table: str, figure: str = "", output: str = "") -> None:
    """Refuse files that could not be written, or that would take the place of what is read or of each other."""
    from .experiments import outputs

    outputs.check_paths(table, figure)
    read = [arguments.structure, *(getattr(arguments, name, None) or "" for name in ("network", "truth"))]
    outputs.check_apart([output, table, figure], read)


def _read(arguments: argparse.Namespace) -> tuple[Structure, Hierarchy]:
    """Return one model of the structure's file, and its hierarchy."""
    from .io.read import read_structure
    from .structure.hierarchy import Hierarchy

    structure = read_structure(arguments.structure, model=arguments.model, solvent=arguments.solvent)
    structure = _grouped(structure, arguments)
    return structure, Hierarchy.from_structure(structure)


def _read_models(arguments: argparse.Namespace) -> tuple[Structure, np.ndarray]:
    """Return one model of the structure's file, and the coordinates of all, shape=(n_models, n_atoms, 3)."""
    from .io.read import read_ensemble

    structure, states = read_ensemble(arguments.structure, model=arguments.model, solvent=arguments.solvent)
    return _grouped(structure, arguments), states


def _grouped(structure: Structure, arguments: argparse.Namespace) -> Structure:
    """Return a structure with the residues and chains that are given."""
    from .structure.given import by_labels

    return by_labels(structure, arguments.residues or "", arguments.chains or "")


def _demo(arguments: argparse.Namespace, parameters: NoiseParameters) -> None:
    """Run the main job from start to end."""
    from .demo import run_demo

    run_demo(arguments.output, parameters)


def _noise(arguments: argparse.Namespace, parameters: NoiseParameters) -> None:
    """Noise a structure."""
    from .experiments import fits, frame_files, outputs
    from .experiments.noise import run_noise

    output = user_path(arguments.output) if arguments.output else None
    _check_paths(arguments, arguments.csv, output=arguments.output)
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
    outputs.write(result, arguments.csv)
    if output:
        show = bar("write")
        frame_files.save_frames(
            output, result, arguments.level, lambda done, _: show(done, parameters.frames), b=arguments.b
        )


def _measure(arguments: argparse.Namespace, parameters: MeasureParameters) -> None:
    """Measure models against a truth."""
    from .experiments import outputs
    from .experiments.measure import measure_file

    _check_paths(arguments, parameters.csv)
    options = {"model": arguments.model, "solvent": arguments.solvent, "progress": bar("measure")}
    measured = measure_file(arguments.structure, arguments.truth, **options)
    print(measured.report())
    outputs.write(measured, parameters.csv)


def _table(arguments: argparse.Namespace, parameters: TableParameters) -> None:
    """Print the z-table."""
    from .experiments import outputs
    from .experiments.table import run_table
    from .noise.sigma import law_line

    parse_schemes(parameters.presets)  # refused before a file is read
    _check_paths(arguments, parameters.csv, parameters.figure)
    structure, hierarchy = _read(arguments)
    table = run_table(hierarchy, parameters, bar("table"))
    outputs.print_notes(structure, hierarchy, table.told())
    print(f"{table.report()}{law_line(parameters.law_of_sigma)}")
    outputs.write(table, parameters.csv, parameters.figure)


def _sweep(arguments: argparse.Namespace, parameters: SweepParameters) -> None:
    """Compare schemes over z."""
    from .experiments import outputs
    from .experiments.sweep import run_sweep

    schemes = parse_schemes(parameters.presets)
    _check_paths(arguments, parameters.csv, parameters.figure)
    structure, hierarchy = _read(arguments)
    options = {name: getattr(parameters, name) for name in ("frames", "seed", "device")}
    law = parameters.law_of_sigma
    sweep = run_sweep(structure, hierarchy, schemes, parameters.z.values(), law=law, progress=bar("sweep"), **options)
    outputs.print_notes(structure, hierarchy, sweep.told())
    print(sweep.report())
    outputs.write(sweep, parameters.csv, parameters.figure)


def _weights(arguments: argparse.Namespace, parameters: WeightsParameters) -> None:
    """Print the closed forms of weights, or delete a preset."""
    from .experiments import outputs
    from .experiments.weights import run_weights

    if parameters.delete:
        delete_preset(parameters.delete)
        return
    structure, hierarchy = _read(arguments)
    result = run_weights(structure, parameters)
    outputs.print_notes(structure, hierarchy)
    print(result.report())


def _signal(arguments: argparse.Namespace, parameters: SignalParameters) -> None:
    """Print what noise teaches."""
    from .experiments import outputs
    from .experiments.signal_report import check_signal, run_signal

    check_signal(parameters)
    _check_paths(arguments, parameters.csv, parameters.figure)
    structure, states = _read_models(arguments)
    result = run_signal(structure, states[:1] if parameters.data else states, parameters)
    outputs.print_notes(structure, result.hierarchy)
    print(result.report())
    outputs.write(result, parameters.csv, parameters.figure)


def _sample(arguments: argparse.Namespace, parameters: SampleParameters) -> None:
    """Sample by reverse diffusion."""
    from .experiments import fits, frame_files, outputs
    from .experiments.sampling import run_sample
    from .structure.hierarchy import Hierarchy

    output = user_path(arguments.output) if arguments.output else None
    _check_paths(arguments, parameters.csv, parameters.figure, arguments.output)
    if output:
        frame_files.check_frame_path(output, "atom")
    structure, states = _read_models(arguments)
    hierarchy = Hierarchy.from_structure(structure)
    parameters = replace(parameters, state=arguments.model)
    if output:
        n_states = parameters.samples * len(parameters.kept_steps())
        fits.check_labels(output, structure, hierarchy, n_states, "atom", values=structure.b)
        fits.check_samples(output, structure, hierarchy, parameters)
    show = bar("sample")
    result = run_sample(structure, states, parameters, lambda _, step: show(step.number, step.steps))
    outputs.print_notes(structure, hierarchy)
    print(result.report())
    outputs.write(result, parameters.csv, parameters.figure)
    if output:
        frame_files.save_samples(output, structure, result)


def _train(arguments: argparse.Namespace, parameters: TrainParameters) -> None:
    """Train networks."""
    from .experiments import outputs
    from .experiments.train_files import train_files

    show = status()

    def tell(done: int, total: int, record: Any) -> None:
        """Show the newest point of the curves."""
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
    outputs.write(result, parameters.csv, parameters.figure)


def _survey(arguments: argparse.Namespace, parameters: SurveyFilesParameters) -> None:
    """Survey a data set."""
    from .experiments.survey_files import survey_files

    options = {"hydrogens": not arguments.no_hydrogens, "scheduler": arguments.scheduler, "tell": status(log=True)}
    print(survey_files(arguments.sources, arguments.output, parameters, **options).report())


def _check(*_: object) -> None:
    """Print what is installed."""
    for what, finding in health.check().items():
        print(f"{what:16}{finding}")
