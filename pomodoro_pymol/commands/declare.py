"""How a function becomes a PyMOL command: signature, help and completion from its parameters."""

from __future__ import annotations

import inspect
import textwrap
import time
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from ..errors import PomodoroError
from ..parameters.base import Parameters, choices_of
from ..parameters.syntax import split_values
from ..utils.problems import known_text
from ..viewer import drawing, host, key, usage

_COMMANDS: list[tuple[Callable, type[Parameters]]] = []


def command(parameters: type[Parameters], **tables: list[str]) -> Callable[[Callable], Callable]:
    """Make ``run(parameters, quiet, _self)`` a PyMOL command with a derived signature and help.

    ``{name}`` in its docstring becomes the lines of the table of that name.
    """

    def decorate(run: Callable) -> Callable:
        """Return the function that PyMOL calls."""
        names = parameters.names()

        def call(values: dict[str, Any], extra: tuple, unknown: dict[str, Any], quiet: Any, _self: Any) -> Any:
            """Take what was typed or given for parameters, and run; what is wrong becomes one line."""
            try:
                if isinstance(_self, str):
                    unknown["_self"] = _self  # typed, which takes the place of PyMOL's own
                given = {name: value for name, value in values.items() if value is not None}
                if not unknown and set(given) <= set(names[:1]) and _asks([*given.values(), *extra], _self):
                    print(usage.help_text(function))
                    return None
                if extra:
                    raise PomodoroError(f"{parameters.command} takes at most {len(names)} values by position")
                given = split_values(names, given={**given, **unknown})
                _check_words(names, given.get(names[0]) if names else None, _self)
                quiet = given.pop("quiet", quiet)
                if str(quiet) not in ("0", "1", "False", "True"):
                    raise PomodoroError(f"quiet must be 0 or 1, not {quiet!r}")
                typed = str(quiet) in ("0", "False")
                with host.interruptible(ends=typed):
                    return run(parameters.from_values(given), not typed, _self)
            except Exception as error:
                text = known_text(error)
                if not text:
                    raise
            raise host.CmdException(text)

        # PyMOL reads the names, "quiet" and the usage line from the code object, so the
        # command is a real function; **unknown lets us name the right key.
        scope: dict[str, Any] = {"call": call, "cmd": host.cmd}
        exec(
            f"def {run.__name__}({''.join(f'{name}=None, ' for name in names)}*extra, quiet=1, _self=cmd, **unknown):\n"
            f"    return call(dict({', '.join(f'{name}={name}' for name in names)}), extra, unknown, quiet, _self)",
            scope,
        )
        function = scope[run.__name__]
        text = inspect.cleandoc(run.__doc__ or "")
        for name, lines in tables.items():
            text = text.replace(f"    {{{name}}}", textwrap.indent("\n".join(lines), " " * 8))
        description, _, rest = text.partition("EXAMPLES")
        function.__doc__ = f"{description}{parameters.help()}\n\nEXAMPLES{rest}"
        function.__module__ = __name__
        function.__signature__ = _signature(parameters)
        _COMMANDS.append((function, parameters))
        return function

    return decorate


def _asks(words: list[Any], _self: Any) -> bool:
    """Tell whether all that was given is a word that asks for help, and not the name of something."""
    return words in (["?"], ["help"]) and words[0] not in _self.get_names("all")


def _check_words(names: list[str], first: Any, _self: Any) -> None:
    """Refuse the name of a parameter where atoms or an object are meant, since its value is missing."""
    if isinstance(first, str) and first in names and first not in _self.get_names("all"):
        raise PomodoroError(f"{first} has no value: give one, as in {first}=...")


def _signature(parameters: type[Parameters]) -> inspect.Signature:
    named = [
        inspect.Parameter(
            spec.name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=spec.default, annotation=spec.type
        )
        for spec in fields(parameters)
    ]
    hidden = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
        for name, default in (("quiet", 1), ("_self", host.cmd))
    ]
    return inspect.Signature(named + hidden)


def register(_self: Any = host.cmd) -> None:
    """Make the commands known, with completion, to a PyMOL instance; again does no harm.

    Sessions that are loaded there are mended from then on, and the one that was.
    """
    drawing.keep_drawn(_self=_self)
    key.keep_loadable(_self=_self)
    key.keep_readable(_self=_self)
    usage.explain({function.__name__: function for function, _ in _COMMANDS})
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


def progress(command: str, quiet: bool, unit: str = "frames") -> Callable[..., None]:
    """Return a callback that prints how far a long run is, every two seconds."""
    last = time.monotonic()

    def show(done: int, total: int, *_: Any) -> None:
        nonlocal last
        if not quiet and time.monotonic() - last > 2:
            last = time.monotonic()
            print(f" {command}: {done} of {total} {unit}", flush=True)

    return show
