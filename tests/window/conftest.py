"""What the scenarios in PyMOL's window are held against."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="session")
def day(play) -> Any:
    """A day at the panel, which several modules look back on."""
    return play("day")


@pytest.fixture
def make(hpv, typed) -> Callable[..., dict[str, Any]]:
    """A function that types lines in a fresh PyMOL with 1hpv, and returns what they made as the scenarios do."""

    def make(*lines: str) -> dict[str, Any]:
        for line in lines:
            printed = typed(hpv, line)
            assert "Error" not in printed, printed
        return look(hpv)

    return make


@pytest.fixture
def call(hpv) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A function that calls pomnoise from Python in a fresh PyMOL with 1hpv."""

    def call(parameters: dict[str, Any]) -> dict[str, Any]:
        from pomodoro_pymol.commands import pomnoise

        pomnoise(**parameters, _self=hpv)
        return look(hpv)

    return call


def look(cmd: Any, name: str = "1hpv_noise") -> dict[str, Any]:
    """Return all that a user sees of an object of ours, in JSON's types."""
    atoms: list[Any] = []
    labels = "segi, chain, resi, resn, name, alt, elem, type, q, rank"
    cmd.iterate(f"%{name}", f"put((color, b, [{labels}]))", space={"put": atoms.append})
    coords = []
    for state in range(1, cmd.count_states(f"%{name}") + 1):
        rows: list[Any] = []
        cmd.iterate_state(state, f"%{name}", "put([x, y, z])", space={"put": rows.append})
        coords.append(rows)
    record = cmd._pymol.session.pomodoro[name]
    marks: list[Any] = []
    words = "name, label, (s.label_color, s.label_bg_color), s.label_screen_point"
    cmd.iterate_state(1, f"%{record['key']}", f"put(({words}))", space={"put": marks.append})
    return {
        "coords": coords,
        "titles": [cmd.get_title(name, state) for state in range(1, len(coords) + 1)],
        "colors": [atom[0] for atom in atoms],
        "b": [atom[1] for atom in atoms],
        "labels": [atom[2] for atom in atoms],
        "record": {**record, "run": "", "b": list(record["b"])},  # no two runs have the same
        "key": [
            [name, text, [color and int(color) for color in colors], [*place]] for name, text, colors, place in marks
        ],
    }
