"""What a parameter is: name, kind, default, unit, bounds, choices, help, said once.

A command's signature, help text, completion, typed form, command-line flags and panel
widgets all come from dataclasses of such fields, which stand in `catalogue`.
``from_text`` and ``to_text`` are inverse.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

from ..errors import PomodoroError
from .kinds import AUTO, Grid, Interval, Selection, number_text
from .syntax import is_one_command, protect, quoted, split_commas, split_values, unquote

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: bool) -> Callable:
        return lambda decorate: decorate


P = TypeVar("P", bound="Parameters")

#: Units in words, with their signs.
_UNITS = {"angstrom": "angstrom (Å)"}


class About(NamedTuple):
    """What a parameter is, beside its name and its default.

    Attributes
    ----------
    kind : type
        str, `Selection`, int, float, `Interval` or `Grid`.
    help : str
    unit : str
    bounds : tuple of float
        The least and the greatest value, or nothing.
    usual : tuple of float
        The part of the bounds that a slider spans, or nothing.
    choices : iterable of str, or function that returns one
        The words that it can be; a function where they can change.
    absent : str
        What is taken where it is not given, in words.
    """

    kind: type
    help: str
    unit: str = ""
    bounds: tuple[float, ...] = ()
    usual: tuple[float, ...] = ()
    choices: Iterable[str] | Callable[[], Iterable[str]] = ()
    absent: str = ""


def parameter(default: Any, kind: type, help: str, **rest: Any) -> Any:
    """Declare one parameter of a `Parameters` dataclass: its default and the fields of `About`.

    An empty default (None or "") means "not given" and is always allowed.
    """
    return field(default=default, metadata={"about": About(kind, help, **rest)})


def like(spec: Field, **changes: Any) -> Any:
    """Declare a parameter like another one, but for its default or fields of `About`."""
    default = changes.pop("default", spec.default)
    return field(default=default, metadata={"about": about(spec)._replace(**changes)} if changes else spec.metadata)


def about(spec: Field) -> About:
    """Return what a parameter is."""
    return spec.metadata["about"]


@dataclass_transform(eq_default=False)
def command_parameters(cls: type[P]) -> type[P]:
    """Make the annotated parameters of a class fields of a dataclass, with the methods of `Parameters`.

    Methods of its own for each command, as dataclasses make them, would more than double the time that the import
    of the parameters takes.
    """
    return dataclass(init=False, eq=False, repr=False, match_args=False)(cls)


@dataclass(init=False, eq=False, repr=False, match_args=False)
class Parameters:
    """Base of the parameter dataclasses, which are frozen and equal where all their parameters are."""

    command: ClassVar[str]
    #: Groups of names of which only one may be given, e.g. z or sigma.
    exclusive: ClassVar[tuple[tuple[str, str], ...]] = ()

    def __init__(self, **given: Any) -> None:
        for spec in fields(self):
            vars(self)[spec.name] = _convert(spec, given.pop(spec.name, spec.default))
        if given:
            raise TypeError(f"{type(self).__name__} has no parameter {', '.join(given)}")
        self._check()

    def _check(self) -> None:
        """Check the parameters against each other."""
        self._check_exclusive({spec.name for spec in fields(self) if getattr(self, spec.name) != spec.default})

    def __setattr__(self, name: str, value: Any) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"

    @classmethod
    def names(cls) -> list[str]:
        """Return the parameter names in their positional order."""
        return [spec.name for spec in fields(cls)]

    @classmethod
    def from_values(cls: type[P], values: Mapping[str, Any]) -> P:
        """Build from values as a command received them; None and "" mean "not given".

        Raises
        ------
        PomodoroError
            On an unknown name, a value of the wrong type or out of bounds, or
            parameters that exclude each other.
        """
        names = cls.names()
        for name in values:
            if name not in names:
                raise PomodoroError(f"unknown parameter {name!r} of {cls.command}{suggestion(name, names)}")
        cls._check_exclusive({name for name, value in values.items() if _is_given(value)})
        return cls(**values)

    @classmethod
    def from_text(cls: type[P], text: str) -> P:
        """Build from a typed line, with or without the command's name; inverse of `to_text`."""
        word, _, rest = text.strip().partition(" ")
        if word != cls.command:
            rest = text
        return cls.from_values(split_values(cls.names(), split_commas(rest) if rest.strip() else ()))

    def to_text(self) -> str:
        """Return the command line that repeats these parameters."""
        words = []
        for position, spec in enumerate(fields(self)):
            value = getattr(self, spec.name)
            if value == spec.default:
                continue
            text = quoted(value, self.names()) if isinstance(value, str) else _text(value)
            words.append(text if position == 0 else f"{spec.name}={text}")
        return f"{self.command} {', '.join(words)}".strip()

    @classmethod
    def help(cls) -> str:
        """Return the USAGE and ARGUMENTS sections of PyMOL's help form."""
        specs = fields(cls)
        words = [f"[ {spec.name}= ]" if position else f"[ {spec.name} ]" for position, spec in enumerate(specs)]
        # Words hold together where the line wraps.
        usage = " ".join([cls.command, *(word.replace(" ", "\0") for word in words)])
        sections = ["USAGE", _wrap(usage).replace("\0", " ")]
        if specs:
            sections += ["ARGUMENTS", *(_wrap(describe(spec)) for spec in specs)]
        return "\n\n".join(sections)

    @classmethod
    def _check_exclusive(cls, given: set[str]) -> None:
        for one, other in cls.exclusive:
            if one in given and other in given:
                raise PomodoroError(f"give {one} or {other}, not both")


def choices_of(spec: Field) -> tuple[str, ...]:
    """Return the words that a parameter can be, empty where anything goes."""
    choices = about(spec).choices
    return tuple(choices() if callable(choices) else choices)


def type_of(spec: Field) -> str:
    """Return the word for a parameter's type."""
    kinds = {
        str: "string",
        Selection: "string",
        int: "int",
        float: "float",
        Interval: "low:high or auto",
        Grid: "low:high:step",
    }
    return kinds[about(spec).kind]


def is_switch(spec: Field) -> bool:
    """Tell whether a parameter is either on, 1, or off, 0."""
    return about(spec).kind is int and about(spec).bounds == (0, 1)


def bounds_of(spec: Field) -> str:
    """Return what the bounds of a parameter are, in words; empty where there are none."""
    return " to ".join(map(number_text, about(spec).bounds))


def default_of(spec: Field) -> str:
    """Return the default of a parameter as it is typed, or what is taken where none is given."""
    return about(spec).absent if spec.default in (None, "", MISSING) else _text(spec.default)


def describe(spec: Field) -> str:
    """Return one line on a parameter: type, help, unit, bounds, choices, default."""
    choices, bounds, default = choices_of(spec), bounds_of(spec), default_of(spec)
    text = f"{spec.name} = {type_of(spec)}: {about(spec).help}"
    if choices:
        text += f"; one of {', '.join(choices)}"
    if bounds:
        text += f"; {bounds}"
    if about(spec).unit:
        text += f" {about(spec).unit}"
    if default:
        text += f" {{default: {default}}}"
    return text


def tip(spec: Field) -> str:
    """Return what a person reads of a parameter at a widget: the same as `describe` says, in sentences."""
    choices, bounds, default = choices_of(spec), bounds_of(spec), default_of(spec)
    said, unit = about(spec).help, about(spec).unit
    absent = spec.default in (None, "", MISSING)
    if is_switch(spec):
        said = f"; {said}".replace("; 1 ", "; when on, ").replace("; 0 ", "; when off, ")[2:]
        bounds, default = "", default if absent else "on" if spec.default else "off"
    if unit:
        said += f", in {_UNITS.get(unit, unit)}"
    what = f"one of {', '.join(choices)}" if choices else f"from {bounds}" if bounds else ""
    given = f"unless given, {default}" if absent else f"{default} unless given"
    more = [what, given if default else ""]
    sentences = [said, *(more if absent else ["; ".join(filter(None, more))])]
    return " ".join(f"{_capital(sentence)}." for sentence in sentences if sentence)


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return the question whether the nearest known word was meant; empty where none is near."""
    import difflib

    close = difflib.get_close_matches(str(word).lower(), list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else ""


def _convert(spec: Field, value: Any) -> Any:
    """Return ``value`` as the type of its parameter, within bounds and choices."""
    kind, bounds = about(spec).kind, about(spec).bounds
    if isinstance(value, str):
        value = unquote(value.strip()).strip()
    if not _is_given(value):
        return spec.default
    choices = choices_of(spec)
    if kind in (Selection, str):
        value = str(value) if kind is str else protect(" ".join(str(value).splitlines()))
        if not is_one_command(value):
            raise PomodoroError(f"{spec.name} must not hold ';' or a line break, which end a command: {value!r}")
        quoted(value)
    elif kind in (Interval, Grid):
        value = _range(spec.name, kind, value)
    else:
        value = _to_number(spec.name, kind, value)
    if choices and value not in choices:
        known = ", ".join(choices)
        raise PomodoroError(f"{spec.name} must be one of {known}, not {value!r}{suggestion(value, choices)}")
    least, most = (value.low, value.high) if isinstance(value, Grid) else (value, value)
    if bounds and not (bounds[0] <= least and most <= bounds[1]):
        low, high = map(number_text, bounds)
        unit = f" {about(spec).unit}".rstrip()
        raise PomodoroError(f"{spec.name} must be between {low} and {high}{unit}, not {_text(value)}")
    return value


def _is_given(value: Any) -> bool:
    return value is not None and not (isinstance(value, str) and value == "")


def _to_number(name: str, kind: type, value: Any) -> Any:
    wanted = "a whole number" if kind is int else "a number"
    try:
        plain = "_" not in str(value) and str(value).isascii()
        number = float(value if plain else "")
    except (TypeError, ValueError, OverflowError):
        raise PomodoroError(f"{name} must be {wanted}, not {value!r}") from None
    if not math.isfinite(number):
        raise PomodoroError(f"{name} must be finite, not {value}")
    if kind is int and not number.is_integer():
        raise PomodoroError(f"{name} must be {wanted}, not {value}")
    return kind(number)


def _range(name: str, kind: type, value: Any) -> Any:
    if isinstance(value, kind) or (kind is Interval and isinstance(value, str) and value == AUTO):
        return value
    parts = value.split(":") if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)):
        parts = [value]
    if len(parts) not in ((2,) if kind is Interval else (1, 2, 3)):
        form = (
            "low:high, as in 0.9:1, or auto" if kind is Interval else "one value, low:high or low:high:step, as in -3:3"
        )
        raise PomodoroError(f"{name} must be {form}, not {value!r}")
    numbers = [_to_number(name, float, part) for part in parts]
    return kind(*(numbers if len(numbers) > 1 else numbers * 2))


def _text(value: Any) -> str:
    return number_text(value) if isinstance(value, (int, float)) else str(value)


def _capital(text: str) -> str:
    """Return a sentence with a capital, but for names such as c_noise."""
    return text[:1].upper() + text[1:] if re.split(r"[\s,;]", text)[0].isalpha() else text


@cache
def _wrap(text: str) -> str:
    return textwrap.fill(text, 76, initial_indent="    ", subsequent_indent="        ")
