"""Fuzz what comes from a session or a file: records of our objects, the panel's values, presets.

    python tests/fuzz/fuzz_session.py -atheris_runs=20000
    python tests/fuzz/fuzz_session.py -max_total_time=300

Everything reads it, in a PyMOL with two objects of ours; only a `PomodoroError` of one line may come out.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import atheris
import campaign
import numpy as np
import pymol2

with atheris.instrument_imports(include=["pomodoro_pymol"]):
    from pomodoro_pymol import commands
    from pomodoro_pymol.color.scale import ColorScale
    from pomodoro_pymol.errors import PomodoroError
    from pomodoro_pymol.experiments.record import Record
    from pomodoro_pymol.jobs.coloring import color, find_ours
    from pomodoro_pymol.noise import presets
    from pomodoro_pymol.panel import values
    from pomodoro_pymol.parameters.catalogue import ColorParameters
    from pomodoro_pymol.viewer import live_states, sources, store

INSTANCE = pymol2.PyMOL()
INSTANCE.start()
CMD = INSTANCE.cmd
CMD.fab("GA", "pept")
for name in ("one", "two"):
    commands.pomnoise("pept", frames=1, name=name, _self=CMD)
GOOD: dict[str, Any] = copy.deepcopy(INSTANCE.session.pomodoro)
CMD.feedback("disable", "all", "everything")

WORDS = [
    "",
    "pomnoise",
    "pomnoise z=1",
    "pomnoise z=99",
    "ratio",
    "viridis",
    "cpu",
    "cuda:7",
    "one",
    "pept",
    "1:2",
    "é\0",
]
ODD = [None, True, 10**400, b"pomnoise", {1}, np.zeros(3), np.zeros((2, 2)), float("nan"), -1.0, 1j, print]


def value(data: atheris.FuzzedDataProvider, depth: int = 0) -> Any:
    """Return a value of any type."""
    kind = data.ConsumeIntInRange(0, 7 if depth < 3 else 4)
    if kind == 0:
        return data.PickValueInList(ODD)
    if kind == 1:
        return data.PickValueInList(WORDS)
    if kind == 2:
        return data.ConsumeUnicode(12)
    if kind == 3:
        return data.ConsumeFloat()
    if kind == 4:
        return data.ConsumeInt(4)
    if kind == 5:
        return [value(data, depth + 1)] * data.ConsumeIntInRange(0, 3)
    if kind == 6:
        return {data.PickValueInList([*WORDS, *GOOD["one"]]): value(data, depth + 1) for _ in range(2)}
    deep: Any = []
    for _ in range(data.ConsumeIntInRange(0, 5000)):
        deep = [deep]
    return deep


def damage(data: atheris.FuzzedDataProvider, plain: Any) -> Any:
    """Put a value somewhere into nested dicts and lists, or take one away."""
    if isinstance(plain, (dict, list)) and plain and data.ConsumeIntInRange(0, 7):
        key = data.PickValueInList(list(plain) if isinstance(plain, dict) else list(range(len(plain))))
        if data.ConsumeIntInRange(0, 9):
            plain[key] = damage(data, plain[key])
        else:
            del plain[key]
        return plain
    return value(data)


def as_json(plain: Any) -> bytes:
    """Return a value as JSON, or brackets as deep as JSON does not go."""
    try:
        return json.dumps(plain, default=str).encode()
    except RecursionError:
        return b"[" * 5000


def records(data: atheris.FuzzedDataProvider) -> list[Any]:
    """Damage what the session says of our objects; return what reads it."""
    held: Any = copy.deepcopy(GOOD)
    for _ in range(data.ConsumeIntInRange(1, 3)):
        held = damage(data, held)
    INSTANCE.session.pomodoro = held
    plain = held.get("one") if isinstance(held, dict) else held
    return [
        lambda: store.our_objects(_self=CMD),
        lambda: store.is_ours("one", _self=CMD),
        lambda: sources.resolve_source("", -1, _self=CMD),
        lambda: live_states.LiveStates("one", np.arange(17), 2, _self=CMD),
        lambda: find_ours("", _self=CMD),
        lambda: color(ColorParameters(object="one"), _self=CMD),
        lambda: Record.from_plain(plain).header(),
        lambda: ColorScale.from_plain(plain["colors"] if isinstance(plain, dict) and "colors" in plain else plain),
    ]


def panel(data: atheris.FuzzedDataProvider) -> list[Any]:
    """Make up the values of a panel; return what reads them."""
    plain = value(data) if data.ConsumeBool() else {key: value(data) for key in ("command", "sample", "train")}
    return [lambda: values.from_plain(plain), lambda: values.texts(plain)]


def files(data: atheris.FuzzedDataProvider) -> list[Any]:
    """Write anything into the files of presets and of the panel's place; return what reads them."""
    text = data.ConsumeBytes(40) if data.ConsumeBool() else as_json(damage(data, {"mine": [1, 2, 3]}))
    presets.presets_path().parent.mkdir(exist_ok=True)
    presets.presets_path().write_bytes(text)
    values.place_path().write_bytes(text)
    return [
        values.load_place,
        presets.all_presets,
        presets.user_presets,
        lambda: presets.parse_schemes(text.decode("latin-1")),
        lambda: presets.delete_preset("mine"),
    ]


def one(raw: bytes) -> None:
    """Damage one of the sources and let everything read it."""
    data = atheris.FuzzedDataProvider(raw)
    for read in data.PickValueInList([records, records, panel, files])(data):
        try:
            read()
        except PomodoroError as error:
            campaign.check(error)


def seeds() -> list[bytes]:
    """Return bytes that damage little, at places of their own."""
    return [bytes([first]) + bytes(range(n, n + 60)) for first in (0, 1, 2) for n in range(0, 180, 9)]


if __name__ == "__main__":
    campaign.run(one, seeds())
