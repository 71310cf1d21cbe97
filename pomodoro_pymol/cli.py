"""The command line: ``python -m pomodoro_pymol demo | check``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from . import __version__, health
from .catalogue import NoiseParameters
from .errors import PomodoroError
from .parameters import describe

#: Parameters of pomnoise that need a running PyMOL, so that flags for them make no sense.
_SESSION_ONLY = {"selection", "name", "state"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status: 0, or 2 on bad input."""
    arguments = _parser().parse_args(argv)
    try:
        return arguments.run(arguments)
    except PomodoroError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        print(f"error: {health.missing_text(error)}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pomodoro_pymol", description="Diffusion noise on proteins.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="command")
    demo = commands.add_parser("demo", help="noise a structure that ships with PyMOL; write .pse, .png, .pdb, .csv")
    demo.add_argument(
        "--output", type=Path, default=Path("pomodoro-demo"), help="folder to write to {default: %(default)s}"
    )
    for spec in fields(NoiseParameters):
        if spec.name not in _SESSION_ONLY:
            demo.add_argument(f"--{spec.name}", help=describe(spec).replace("%", "%%"))
    demo.set_defaults(run=_demo)
    check = commands.add_parser("check", help="versions, devices, what is missing")
    check.set_defaults(run=_check)
    return parser


def _demo(arguments: argparse.Namespace) -> int:
    values = {name: value for name, value in vars(arguments).items() if name in NoiseParameters.names()}
    parameters = NoiseParameters.from_values(values)

    from .demo import run_demo

    run_demo(arguments.output, parameters)
    return 0


def _check(_: argparse.Namespace) -> int:
    for what, finding in health.check().items():
        print(f"{what:16}{finding}")
    return 0
