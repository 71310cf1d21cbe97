"""The panel's values, in the session and between starts: text that is checked when read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from ..diffusion.samplers import SAMPLERS
from ..errors import PomodoroError
from ..io.disk import atomic_write, read_regular
from ..noise.presets import MOST_BYTES
from ..parameters.base import P, Parameters
from ..parameters.catalogue import NoiseParameters, SampleParameters, TrainParameters
from ..parameters.syntax import split_commas, split_values

#: Where the session keeps the panel's values.
STORE = "pomodoro_panel"


class Values(NamedTuple):
    """Parameters of each page; None where they are damaged or foreign."""

    noise: NoiseParameters | None = None
    sample: SampleParameters | None = None
    train: TrainParameters | None = None


_KEYS = ("command", "sample", "train")


def to_plain(*pages: Parameters) -> dict[str, str]:
    """Return the parameters of each page, in the order of `Values`, in plain types."""
    return {key: parameters.to_text() for key, parameters in zip(_KEYS, pages)}


def texts(plain: Any) -> dict[str, str]:
    """Return what may be parameters in what a session holds, which can be anything."""
    found = plain if isinstance(plain, dict) else {}
    return {key: found[key] for key in _KEYS if isinstance(found.get(key), str)}


def from_plain(plain: Any) -> Values:
    """Read parameters back."""
    noise, sample, train = (texts(plain).get(key, "") for key in _KEYS)
    return Values(_read(noise, NoiseParameters), _read(sample, SampleParameters), _read(train, TrainParameters))


def from_session(plain: Any) -> Values:
    """Do as `from_plain` does for a session, which may be anyone's: it names no files to read or write."""
    noise, sample, train = from_plain(plain)
    return Values(
        noise,
        sample and replace(sample, network="", csv="", figure=""),
        train and replace(train, network="", resume=0, export="", csv="", figure=""),
    )


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
