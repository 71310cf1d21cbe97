"""Write docs/commands.md from the parameter model and the commands' docstrings.

python docs/make_commands.py            writes it
python docs/make_commands.py --check    ends with 1 where it is out of date
"""

from __future__ import annotations

import re
import sys
import textwrap
from dataclasses import Field, astuple, fields
from pathlib import Path

import pomodoro_pymol.commands
from pomodoro_pymol import METRICS, PRESETS, SAMPLERS, Sampler
from pomodoro_pymol.diffusion.samplers import foreign_churn
from pomodoro_pymol.noise import presets
from pomodoro_pymol.noise.metrics import span_text
from pomodoro_pymol.parameters.base import Parameters, about, bounds_of, choices_of, default_of, type_of

PAGE = Path(__file__).with_name("commands.md")
START = """\
# Commands

Written by `python docs/make_commands.py` from what `help` prints in PyMOL: change the code, not this page.

Commas or spaces separate arguments, and all can be given by name: `pomnoise polymer, z=-1, preset=ms` is
`pomnoise selection=polymer z=-1 preset=ms`. Positional values stand in the order of the tables. From Python,
`from pomodoro_pymol.commands import pomnoise` takes the same arguments; there a command prints nothing unless it is
told `quiet=0`. `python -m pomodoro_pymol` has some of them for files, without PyMOL.
"""
NAMED = """\
## Words that arguments take

"""


def page() -> str:
    """Return the whole reference as Markdown."""
    presets.presets_path = lambda: PAGE.parent / "nobody's presets.json"  # the built-in ones alone
    commands = {kind.command: kind for kind in _below(Parameters) if vars(kind).get("command", "").startswith("pom")}
    texts = {name: _sections(getattr(pomodoro_pymol.commands, name).__doc__) for name in sorted(commands)}
    index = [("command", "does")]
    index += [(f"[`{name}`](#{name})", _first_sentence(name, text["DESCRIPTION"])) for name, text in texts.items()]
    parts = [START, _table(index)]
    parts += [_command(commands[name], text) for name, text in texts.items()]
    return "\n".join([*parts, NAMED + _named()])


def _below(kind: type) -> list[type]:
    return [found for child in kind.__subclasses__() for found in (child, *_below(child))]


def _sections(text: str) -> dict[str, str]:
    """Split help in PyMOL's form at its headings."""
    parts = re.split(r"^([A-Z][A-Z ]+)$\n", text, flags=re.MULTILINE)
    return {name: textwrap.dedent(body.strip("\n")) for name, body in zip(parts[1::2], parts[2::2])}


def _first_sentence(name: str, description: str) -> str:
    words = " ".join(description.removeprefix(f'"{name}"').split())
    return re.split(r"(?<=[^.]\.) (?=[A-Z])|: ", words)[0].rstrip(".")


def _command(kind: type[Parameters], text: dict[str, str]) -> str:
    """Return the section on one command."""
    description = text["DESCRIPTION"].replace(f'"{kind.command}"', f"`{kind.command}`")
    lines = [f"## {kind.command}\n", _prose(description), _code("", text["USAGE"])]
    if fields(kind):
        rows = [("argument", "type", "values", "unit", "default", "what it is"), *map(_row, fields(kind))]
        lines.append(_table(rows))
    if kind.exclusive:
        pairs = ", ".join(f"`{one}` and `{other}`" for one, other in kind.exclusive)
        lines.append(f"Not to be given together: {pairs}.\n")
    lines.append("Examples:\n\n" + _code("", text["EXAMPLES"]))
    if "NOTES" in text:
        lines.append(_prose(text["NOTES"]))
    if "PYMOL API" in text:
        lines.append("From Python:\n\n" + _code("python", text["PYMOL API"]))
    also = [f"[{name}](#{name})" for name in re.findall(r"\w+", text["SEE ALSO"])]
    return "\n".join([*lines, f"See also {', '.join(also)}.\n"])


def _row(spec: Field) -> tuple[str, ...]:
    values = ", ".join(f"`{choice}`" for choice in choices_of(spec)) or bounds_of(spec)
    if callable(about(spec).choices):
        values += ", or one of your own"
    default = default_of(spec) if about(spec).absent else _quoted(default_of(spec))
    return f"`{spec.name}`", type_of(spec), values, about(spec).unit, default, about(spec).help


def _named() -> str:
    """Return tables of the presets, metrics and samplers."""
    weights = [("preset", "wc", "wr", "wa"), *((f"`{name}`", *_texts(astuple(it))) for name, it in PRESETS.items())]
    metrics = [("metric", "what it is", "unit", "first and last colour")]
    metrics += [(f"`{name}`", it.label, it.unit, span_text(name)) for name, it in METRICS.items()]
    settings = [("", *(f"`{name}`" for name in SAMPLERS))]
    for spec in fields(Sampler):
        cells = ("" if spec.name in foreign_churn(it) else getattr(it, spec.name) for it in SAMPLERS.values())
        settings.append((spec.name, *_texts(cells)))
    return "\n".join(
        [
            _table(weights),
            "`pomweights save=NAME` adds presets of your own. Where several schemes are compared, `chain:residue:atom`",
            "as in `1:1:15` stands for a scheme without a name.\n",
            _table(metrics),
            "What each `sampler` sets, noise levels in angstrom per coordinate; an argument of the same name, where",
            "there is one, wins:\n",
            _table(settings),
        ]
    )


def _texts(values) -> list[str]:
    return [f"{value:g}" if type(value) in (int, float) else str(value) for value in values]


def _quoted(text: str) -> str:
    return f"`{text}`" if text else ""


def _prose(text: str) -> str:
    """Return paragraphs as they are, and indented ones as blocks."""
    paragraphs = text.split("\n\n")
    return "\n".join(
        _code("text", textwrap.dedent(part)) if part.startswith("    ") else f"{part}\n" for part in paragraphs
    )


def _code(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```\n"


def _table(rows) -> str:
    head, *rest = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join([head, "|---" * len(rows[0]) + "|", *rest, ""])


def main() -> int:
    """Write the page, or with --check compare it; return the exit status."""
    text = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    print("docs/commands.md is out of date: run python docs/make_commands.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
