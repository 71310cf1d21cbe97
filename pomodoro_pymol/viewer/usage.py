"""What PyMOL prints for ``command ?``: for our commands the whole help, by way of a function of its parser."""

from __future__ import annotations

import textwrap
from typing import Any

from pymol import parsing


def help_text(function: Any) -> str:
    """Return what ``help`` prints of a command."""
    return f"\n{textwrap.dedent(function.__doc__).strip()}\n"


def explain(functions: dict[str, Any]) -> None:
    """Let ``?`` after the name of a command print its help; other commands keep PyMOL's line of usage."""
    # Another copy of this library, as of a plugin that was installed anew, may have left its own.
    theirs = getattr(parsing.dump_arg, "theirs", parsing.dump_arg)

    def dump_arg(name: str, *given: Any) -> None:
        """Print the help of a command of ours, or what PyMOL prints of another."""
        if name in functions:
            print(help_text(functions[name]))
        else:
            theirs(name, *given)

    dump_arg.theirs = theirs  # type: ignore[attr-defined]
    parsing.dump_arg = dump_arg
