"""Fuzz what is typed: lines of every command, values from Python, the command line's arguments.

    python tests/fuzz/fuzz_parser.py -atheris_runs=100000
    python tests/fuzz/fuzz_parser.py -max_total_time=300

Any text becomes parameters, which their own line makes again, or a `PomodoroError` of one line.
"""

from __future__ import annotations

import functools

import atheris
import campaign

with atheris.instrument_imports(include=["pomodoro_pymol"]):
    from pomodoro_pymol import cli
    from pomodoro_pymol.errors import PomodoroError
    from pomodoro_pymol.parameters import catalogue, syntax

COMMANDS = [kind for kind in vars(catalogue).values() if getattr(kind, "command", "") and kind.__name__ != "Parameters"]
GOOD = ["pomnoise chain A and name CA z=-1 wc=3", "pomcolor metric=relative, range=0:1", "pomtable flat+ms z=-3:3:0.5"]


def seeds() -> list[bytes]:
    """Return the corpus of bad input and some good lines, each behind the byte that says what it is."""
    import bad_input

    names = [kind.command for kind in COMMANDS]
    found = []
    for line in [*(line for line, _ in bad_input.cases("typed")), *GOOD]:
        word, _, rest = line.partition(" ")
        found.append(bytes([names.index(word) if word in names else 0]) + rest.encode("utf-8", "replace"))
    found += [b"\xfe" + "\0".join(words).encode("utf-8", "replace") for words, _ in bad_input.cases("cli")]
    return found


def one(data: bytes) -> None:
    """Read a line, and values as PyMOL hands them over; or arguments."""
    if not data:
        return
    text = data[1:].decode("utf-8", "surrogateescape")
    try:
        if data[0] >= 0xFE:
            arguments = cli._parse(text.split("\0"))
            if getattr(arguments, "parameters", None):
                cli._given(arguments)
            return
        command = COMMANDS[data[0] % len(COMMANDS)]
        head, _, tail = text.partition("\0")
        parameters = command.from_text(head)
        line = parameters.to_text()
        assert command.from_text(line) == parameters, line
        names = command.names()
        command.from_values(syntax.split_values(names, syntax.split_commas(head), {names[-1]: tail} if names else {}))
    except PomodoroError as error:
        campaign.check(error)
    except SystemExit as end:  # of --help and --version
        if end.code:
            raise


cli._parser = functools.cache(cli._parser)  # ten times as fast


if __name__ == "__main__":
    campaign.run(one, seeds())
