"""The corpus of bad input, ``bad_input.json``, and how a case is put on each surface.

A case holds what is ``given``, parameters of a ``command`` (noise where none is named), or the words as they are
``typed``, or the arguments of the ``cli``; the surfaces that it is for, where not all, as ``on``; and what the one
line ``says``, or ``cli_says`` there.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

STRUCTURE = Path(__file__).parents[2] / "docs" / "data" / "1hpv_fragment.pdb"

_ON_CLI = ("noise", "sample", "table", "sweep", "weights")
_ON_PANEL = ("noise", "sample")


def prepare(cmd: Any) -> None:
    """Load into a PyMOL what refusals must leave as it was: a structure, an empty selection, names that are taken."""
    cmd.load(str(STRUCTURE), "1hpv", quiet=1)
    cmd.load_cgo([], "ligand_view")
    cmd.select("site", "none")
    cmd.select("chosen", "1hpv and resi 1-50")


def cases(surface: str) -> list[tuple[Any, str]]:
    """Return what is given on a surface, and what its one line must hold.

    A line for "typed" and "panel"; a command's name and its values for "python"; arguments for "cli", in which FILE
    stands for a structure; a parameter's name and its value for "widget".
    """
    corpus = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    says = "cli_says" if surface == "cli" else "says"
    return [(_PUT[surface](case), case.get(says, case["says"])) for case in corpus if surface in _surfaces(case)]


def _surfaces(case: dict[str, Any]) -> set[str]:
    command, given = case.get("command", "noise"), case.get("given")
    if "on" in case:
        found = set(case["on"].split())
    elif given is None:
        found = {"typed", "panel"} if "typed" in case else {"cli"}
    else:
        found = {"typed", "python"}
        found |= {"cli"} if command in _ON_CLI else set()
        found |= {"panel"} if command in _ON_PANEL else set()
    return found | ({"widget"} if "panel" in found and command == "noise" and given and len(given) == 1 else set())


def _line(case: dict[str, Any]) -> str:
    words = case.get("typed") or ", ".join(f"{name}={value}" for name, value in case["given"].items())
    return f"pom{case.get('command', 'noise')} {words}".strip()


def _call(case: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return f"pom{case.get('command', 'noise')}", case["given"]


def _arguments(case: dict[str, Any]) -> list[str]:
    if "given" not in case:
        return case["cli"]
    flags = case.get("cli") or [f"--{name}={value}" for name, value in case["given"].items()]
    return [case.get("command", "noise"), "FILE", *flags]


def _value(case: dict[str, Any]) -> tuple[str, str]:
    return next(iter(case["given"].items()))


_PUT = {"typed": _line, "panel": _line, "python": _call, "cli": _arguments, "widget": _value}


def write_files(folder: Path) -> None:
    """Write the files that the cases name: damaged, empty and foreign ones, and a folder called like a file."""
    text = STRUCTURE.read_text()
    place = text.splitlines()[5][30:38]
    files = {
        "empty.pdb": b"",
        "binary.pdb": bytes(range(256)) * 40,
        "text.pdb": b"Not a structure.\n",
        "cut.pdb.gz": gzip.compress(text.encode())[:500],
        "damaged.pdb": text.replace(place, "  x.yz  ").encode(),
        "nan.pdb": b"ATOM      1  CA  ALA A   1         nan     inf     nan  1.00 10.00           C\n",
        "damaged.cif": b"data_x\nloop_\n_atom_site.id\n1 2\n_x",
        "header.cif": b"data_x\n_cell.length_a 1\n",
        "water.pdb": b"HETATM    1  O   HOH A   1       1.000   2.000   3.000  1.00 10.00           O\n",
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "folder.pdb").mkdir()
