"""Every command's parameters, said once: name, default, unit, bounds, choices, help.

A command's signature, help text, completion, typed form, command-line flags and panel
widgets all come from the dataclasses below. ``from_text`` and ``to_text`` are inverse.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, ClassVar, TypeVar

from .errors import PomodoroError
from .metrics import METRICS
from .palettes import PALETTES
from .schedule import sigma_from_z
from .weights import PRESETS, LevelWeights

DEVICES = ("auto", "cuda", "mps", "cpu")

# Selection words that PyMOL compares with "=", so not misspelt parameters.
_SELECTION_PROPERTIES = {"b", "q", "x", "y", "partial_charge", "pc", "formal_charge", "fc"}
_WORD_START = re.compile(r"(^|[\s(,=+])$")
_KEY = re.compile(r"(?:^|(?<=\s))([A-Za-z_]\w*)\s*=(?!=)\s*")

P = TypeVar("P", bound="Parameters")


@dataclass(frozen=True)
class Interval:
    """A range of values ``low:high``; also of colours."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise PomodoroError(f"a range is low:high with low < high, both finite, not {self}")

    def __str__(self) -> str:
        return f"{_number_text(self.low)}:{_number_text(self.high)}"


def parameter(
    default: Any,
    kind: type,
    help: str,
    *,
    unit: str = "",
    bounds: tuple[float, float] | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """Declare one parameter of a `Parameters` dataclass.

    ``kind`` is str, int, float or `Interval`; an empty default (None or "") means "not
    given" and is always allowed.
    """
    metadata = {"kind": kind, "help": help, "unit": unit, "bounds": bounds, "choices": choices}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Parameters:
    """Base of the parameter dataclasses: checks, text in, text out."""

    command: ClassVar[str]
    #: Groups of names of which only one may be given, e.g. z or sigma.
    exclusive: ClassVar[tuple[tuple[str, str], ...]] = ()

    def __post_init__(self) -> None:
        for spec in fields(self):
            object.__setattr__(self, spec.name, _convert(spec, getattr(self, spec.name)))
        self._check_exclusive({spec.name for spec in fields(self) if getattr(self, spec.name) != spec.default})

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
                raise PomodoroError(f"unknown parameter {name!r} of {cls.command}{_suggestion(name, names)}")
        cls._check_exclusive({name for name, value in values.items() if value not in (None, "")})
        return cls(**values)

    @classmethod
    def from_text(cls: type[P], text: str) -> P:
        """Build from a typed line, with or without the command's name; inverse of `to_text`."""
        word, _, rest = text.strip().partition(" ")
        if word != cls.command:
            rest = text
        masked = _mask(rest)
        cuts = [-1, *(i for i, letter in enumerate(masked) if letter == ","), len(rest)]
        parts = [rest[start + 1 : end].strip() for start, end in zip(cuts, cuts[1:])]
        return cls.from_values(split_values(cls.names(), parts if rest.strip() else ()))

    def to_text(self) -> str:
        """Return the command line that repeats these parameters."""
        words = []
        for position, spec in enumerate(fields(self)):
            value = getattr(self, spec.name)
            if value == spec.default:
                continue
            text = _number_text(value) if isinstance(value, (int, float)) else str(value)
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


def split_values(names: list[str], args: Iterable[Any] = (), given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Name the positional values of a command and split what PyMOL left together.

    PyMOL splits at commas only, so a value that is text may carry further ``key=value``
    pairs after white space: ``z='0 wc=3'``.

    Raises
    ------
    PomodoroError
        If there are more values than names, or a name is given twice.
    """
    values: dict[str, Any] = {}

    def put(name: str, value: Any) -> None:
        if name in values:
            raise PomodoroError(f"{name} is given twice")
        values[name] = value

    positions = iter(names)
    for value in args:
        head, pairs = _split(value)
        if head != "" or not pairs:
            name = next(positions, None)
            if name is None:
                raise PomodoroError(f"at most {len(names)} values can be given by position")
            put(name, head)
        for pair in pairs:
            put(*pair)
    for name, value in (given or {}).items():
        head, pairs = _split(value)
        if head != "" or not pairs:
            put(name, head)
        for pair in pairs:
            put(*pair)
    return values


def describe(spec: Field) -> str:
    """Return one line on a parameter: type, help, unit, bounds, choices, default."""
    meta = spec.metadata
    kinds = {str: "string", int: "int", float: "float", Interval: "low:high"}
    text = f"{spec.name} = {kinds[meta['kind']]}: {meta['help']}"
    if meta["choices"]:
        text += f"; one of {', '.join(meta['choices'])}"
    if meta["bounds"]:
        low, high = meta["bounds"]
        text += f"; {_number_text(low)} to {_number_text(high)}"
    if meta["unit"]:
        text += f" {meta['unit']}"
    if spec.default not in (None, "", MISSING):
        text += f" {{default: {spec.default if meta['kind'] is str else _number_text(spec.default)}}}"
    return text


@dataclass(frozen=True)
class NoiseParameters(Parameters):
    """Parameters of ``pomnoise``."""

    command = "pomnoise"
    exclusive = (("z", "sigma"), ("wc", "preset"), ("wr", "preset"), ("wa", "preset"))

    selection: str = parameter(
        "", str, "atoms of one object {default: the one loaded molecule that pomnoise did not make, without solvent}"
    )
    z: float = parameter(0.0, float, "noise level as the standard normal of the training law", bounds=(-6, 6))
    wc: float = parameter(3.0, float, "weight (variance) shared by a chain", bounds=(0, 1e6))
    wr: float = parameter(8.0, float, "weight (variance) shared by a residue", bounds=(0, 1e6))
    wa: float = parameter(1.0, float, "weight (variance) of each atom alone", bounds=(0, 1e6))
    preset: str = parameter("", str, "weight scheme, instead of wc, wr, wa", choices=tuple(PRESETS))
    sigma: float | None = parameter(
        None,
        float,
        "noise level as standard deviation per coordinate, instead of z",
        unit="angstrom",
        bounds=(1e-4, 1e5),
    )
    frames: int = parameter(20, int, "number of noised frames", bounds=(1, 1_000_000))
    seed: int = parameter(0, int, "random seed; the same seed gives the same frames", bounds=(0, 2**32 - 1))
    state: int = parameter(-1, int, "state to start from; -1 is the current one", bounds=(-1, 1_000_000))
    name: str = parameter("", str, "new object {default: SOURCE_noise}")
    metric: str = parameter("ratio", str, "what colours the residues", choices=tuple(METRICS))
    palette: str = parameter("viridis", str, "colours from low to high", choices=tuple(PALETTES))
    device: str = parameter("auto", str, "where to draw the noise", choices=DEVICES)

    def __post_init__(self) -> None:
        super().__post_init__()
        LevelWeights(self.wc, self.wr, self.wa)

    @property
    def weights(self) -> LevelWeights:
        """The preset's weights where one is named, else wc, wr, wa."""
        return PRESETS[self.preset] if self.preset else LevelWeights(self.wc, self.wr, self.wa)

    @property
    def noise_sigma(self) -> float:
        """Sigma where given, else that of z, in angstrom."""
        return sigma_from_z(self.z) if self.sigma is None else self.sigma


@dataclass(frozen=True)
class ColorParameters(Parameters):
    """Parameters of ``pomcolor``."""

    command = "pomcolor"

    object: str = parameter("", str, "object made by pomnoise {default: the only one}")
    metric: str = parameter("ratio", str, "what colours the residues", choices=tuple(METRICS))
    palette: str = parameter("viridis", str, "colours from low to high", choices=tuple(PALETTES))
    range: Interval | None = parameter(
        None, Interval, "values of the first and last colour {default: 2nd to 98th percentile}"
    )


@dataclass(frozen=True)
class CheckParameters(Parameters):
    """Parameters of ``pomcheck``: none."""

    command = "pomcheck"


def _convert(spec: Field, value: Any) -> Any:
    """Return ``value`` as the type of its parameter, within bounds and choices."""
    meta = spec.metadata
    if isinstance(value, str):
        value = _unquote(value.strip())
    if value is None or value == "":
        return spec.default
    if meta["kind"] is str:
        value = str(value) if meta["choices"] else _protect(str(value))
    elif meta["kind"] is Interval:
        value = _interval(spec.name, value)
    else:
        value = _to_number(spec.name, meta["kind"], value)
    if meta["choices"] and value not in meta["choices"]:
        known = ", ".join(meta["choices"])
        raise PomodoroError(f"{spec.name} must be one of {known}, not {value!r}{_suggestion(value, meta['choices'])}")
    if meta["bounds"] and not (meta["bounds"][0] <= value <= meta["bounds"][1]):
        low, high = meta["bounds"]
        unit = f" {meta['unit']}" if meta["unit"] else ""
        raise PomodoroError(
            f"{spec.name} must be between {_number_text(low)} and {_number_text(high)}{unit}, not {_number_text(value)}"
        )
    return value


def _to_number(name: str, kind: type, value: Any) -> Any:
    wanted = "a whole number" if kind is int else "a number"
    try:
        number = float(value if "_" not in str(value) else "")
    except (TypeError, ValueError, OverflowError):
        raise PomodoroError(f"{name} must be {wanted}, not {value!r}") from None
    if not math.isfinite(number):
        raise PomodoroError(f"{name} must be finite, not {value}")
    if kind is int and not number.is_integer():
        raise PomodoroError(f"{name} must be {wanted}, not {value}")
    return kind(number)


def _interval(name: str, value: Any) -> Interval:
    if isinstance(value, Interval):
        return value
    ends = value.split(":") if isinstance(value, str) else value
    if not isinstance(ends, (list, tuple)) or len(ends) != 2:
        raise PomodoroError(f"{name} must be low:high, as in {name}=0.9:1, not {value!r}")
    return Interval(*(_to_number(name, float, end) for end in ends))


def _number_text(value: Any) -> str:
    """Return the shortest text that reads back as the same number."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def _suggestion(word: str, known: Iterable[str]) -> str:
    import difflib

    close = difflib.get_close_matches(str(word).lower(), list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else ""


def _split(value: Any) -> tuple[Any, list[tuple[str, str]]]:
    """Split ``'chain A z=0 wc=3'`` into ``'chain A'`` and its ``key=value`` pairs."""
    if not isinstance(value, str):
        return value, []
    keys = [match for match in _KEY.finditer(_mask(value)) if match[1] not in _SELECTION_PROPERTIES]
    ends = [match.start() for match in keys[1:]] + [len(value)]
    pairs = [(match[1], value[match.end() : end].strip()) for match, end in zip(keys, ends)]
    return (value[: keys[0].start()] if keys else value).strip(), pairs


def _mask(text: str) -> str:
    """Blank out what stands in quotes or brackets, where commas and ``=`` separate nothing.

    A quote opens only at the start of a word: the prime of ``name C1'`` is a letter.
    """
    masked: list[str] = []
    closing: list[str] = []
    for place, letter in enumerate(text):
        inside = bool(closing)
        quoted = inside and closing[-1] in "\"'"
        if inside and letter == closing[-1]:
            closing.pop()
        elif letter in "([{" and not quoted:
            closing.append({"(": ")", "[": "]", "{": "}"}[letter])
        elif letter in "\"'" and not inside and _WORD_START.search(text[:place]) and letter in text[place + 1 :]:
            closing.append(letter)
        masked.append("\0" if inside else letter)
    return "".join(masked)


def _protect(text: str) -> str:
    """Bracket a selection that would not survive the split at commas and keys."""
    masked = _mask(text)
    keys = {match[1] for match in _KEY.finditer(masked)}
    return f"({text})" if "," in masked or keys - _SELECTION_PROPERTIES else text


def _unquote(text: str) -> str:
    quote = text[:1]
    whole = len(text) > 1 and quote in "\"'" and text.endswith(quote) and quote not in text[1:-1]
    return text[1:-1] if whole else text


def _wrap(text: str) -> str:
    return textwrap.fill(text, 76, initial_indent="    ", subsequent_indent="        ")
