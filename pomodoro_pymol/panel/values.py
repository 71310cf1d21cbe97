"""The panel's values, in the session and between starts: text that is checked when read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..diffusion.samplers import SAMPLERS
from ..errors import PomodoroError
from ..io.disk import atomic_write, read_regular
from ..noise.presets import MOST_BYTES
from ..parameters.base import P
from ..parameters.catalogue import NoiseParameters, SampleParameters
from ..parameters.syntax import split_commas, split_values

#: Where the session keeps the panel's values.
STORE = "pomodoro_panel"


def to_plain(noise: NoiseParameters, sample: SampleParameters) -> dict[str, str]:
    """Return the parameters in plain types."""
    return {"command": noise.to_text(), "sample": sample.to_text()}


def texts(plain: Any) -> dict[str, str]:
    """Return what may be parameters in what a session holds, which can be anything."""
    found = plain if isinstance(plain, dict) else {}
    return {key: found[key] for key in ("command", "sample") if isinstance(found.get(key), str)}


def from_plain(plain: Any) -> tuple[NoiseParameters | None, SampleParameters | None]:
    """Read parameters back; None where they are damaged or foreign."""
    found = texts(plain)
    return _read(found.get("command", ""), NoiseParameters), _read(found.get("sample", ""), SampleParameters)


def from_session(plain: Any) -> tuple[NoiseParameters | None, SampleParameters | None]:
    """Do as `from_plain` does for a session, which may be anyone's: it names no files to read or write."""
    noise, sample = from_plain(plain)
    return noise, sample and replace(sample, network="", csv="", figure="")


def _read(line: str, kind: type[P]) -> P | None:
    word, _, rest = line.strip().partition(" ")
    if word != kind.command:
        return None
    try:
        given = split_values(kind.names(), split_commas(rest) if rest.strip() else ())
        return kind.from_values(_renamed(given))
    except (PomodoroError, ValueError):
        return None


def _renamed(given: dict[str, Any]) -> dict[str, Any]:
    """Give what version 0.1.0 called the churn of ``sampler=edm`` EDM's own names; its gamma was s_churn / steps."""
    if given.get("sampler") == "edm":
        if "noise_scale" in given:
            given["s_noise"] = given.pop("noise_scale")
        if "gamma" in given:
            given["s_churn"] = float(given.pop("gamma")) * float(given.get("steps", SAMPLERS["edm"].steps))
    return given


def place_path() -> Path:
    """Return the file in which the panel's values and place outlive PyMOL."""
    return Path.home() / ".pymol" / "pomodoro_panel.json"


def load_place() -> dict[str, Any]:
    """Return what the file holds, empty where it is absent or damaged."""
    try:
        found = json.loads(read_regular(place_path(), MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def save_place(place: dict[str, Any]) -> None:
    """Write the file; a folder that cannot be written is no reason to trouble anyone."""
    try:
        place_path().parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(place_path()) as file:
            file.write(json.dumps(place, indent=1).encode())
    except (OSError, PomodoroError):
        pass
