"""The steps of a training: networks are saved in a file as they are trained, and a run that was stopped goes on.

Nothing here knows PyMOL, so that a worker thread can run it. What the callback raises ends the
run, and the file then holds what was trained so far.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from ..diffusion.hierarchical import Architecture
from ..diffusion.trained_file import TrainedFile, load_training, save_training
from ..diffusion.training import Training
from ..diffusion.training_data import DataAbout, TrainingData
from ..diffusion.training_task import Recipe, TrainingSettings, by_name
from ..errors import PomodoroError
from ..utils.text import time_text

_SAVED_EVERY = 60.0  # seconds
# What a run that is resumed must have in common with the one in the file. The first that differs is named, since those
# after it may differ because of it.
_COMPARED = (
    *("pose", "hold", "atoms", "states", "width", "layers", "batch", "steps", "rate"),
    *("data", "sigma_data", "p_mean", "p_std", "presets", "scaling", "seeds", "recipes"),
)
_IN_WORDS = {
    "atoms": "it was of other atoms",
    "states": "it was of other coordinates",
    "recipes": "a preset had other weights",
}


@dataclass(frozen=True)
class TrainRecord:
    """One point of the curves of training.

    Attributes
    ----------
    step, steps : int
        Steps that were taken, and all of them.
    names : tuple of str
        Scheme and scaling of each curve, as in ``ms levels``.
    losses : tuple of float
        Mean loss of each since the point before, over its seeds, without unit. A network that predicts
        zero has a loss near 1 under one sigma, and near 3 where each level has its own loss weight.
    tested : tuple of float
        The same on what is held out, or on the structures of training where nothing is.
    seconds_left : float
        Estimated from the pace so far; nan of points from before a run was resumed.
    """

    step: int
    steps: int
    names: tuple[str, ...]
    losses: tuple[float, ...]
    tested: tuple[float, ...]
    seconds_left: float

    def __str__(self) -> str:
        """Say how far the run is, and the losses of training."""
        losses = ", ".join(f"{name} {loss:.3f}" for name, loss in zip(self.names, self.losses))
        return f"{self.step} of {self.steps} steps, {time_text(self.seconds_left)} left; loss: {losses}"


#: Called after each step, and often within a long one, with the steps that were taken, all of them, and a `TrainRecord`
#: where the curves have a new point, else None. What it raises ends the run.
Tell = Callable[[int, int, Any], object]


def train(
    data: TrainingData,
    about: DataAbout,
    recipes: Sequence[Recipe],
    architecture: Architecture,
    settings: TrainingSettings,
    path: str | Path,
    tell: Tell = lambda done, total, record: None,
    *,
    resume: bool = False,
    device: torch.device | str = "cpu",
) -> tuple[Training, float]:
    """Train networks, and save them in a file: every minute, at the end, and where the callback raises.

    Parameters
    ----------
    data : TrainingData
    about : DataAbout
    recipes : sequence of Recipe
    architecture : Architecture
    settings : TrainingSettings
    path : str or Path
    tell : callable
        See `Tell`.
    resume : bool
        Whether to go on where the run in the file was stopped.
    device

    Returns
    -------
    training : Training
    seconds : float
        Per step that was taken now; nan where none was.

    Raises
    ------
    PomodoroError
        If the file is of another run, or a loss is not finite.
    """
    training = Training(data, recipes, architecture, settings, device)
    if resume:
        _resume(training, about, path)
    first = training.step

    def save() -> None:
        """Save the networks, unless there is nothing new."""
        if training.step > first and training.is_whole:
            save_training(path, training, about)

    for point in training.curve:  # those of a run that is resumed
        tell(point[0], settings.steps, _record(training, point, math.nan))
    try:
        seconds = _take_steps(training, tell, save)
    except BaseException:
        save()
        raise
    save()
    return training, seconds


def _take_steps(training: Training, tell: Tell, save: Callable[[], None]) -> float:
    """Take all steps that are left, and save every minute; return the seconds of each, nan where none was left."""
    start = saved = time.monotonic()
    first, steps = training.step, training.settings.steps

    def check() -> None:
        """Let the callback end the run within a step."""
        tell(training.step, steps, None)

    while training.step < steps:
        has_point = training.advance(check)
        left = (time.monotonic() - start) / (training.step - first) * (steps - training.step)
        tell(training.step, steps, _record(training, training.curve[-1], left) if has_point else None)
        if time.monotonic() - saved > _SAVED_EVERY:
            save()
            saved = time.monotonic()
    return (time.monotonic() - start) / (steps - first) if steps > first else math.nan


def _record(training: Training, point: tuple[int, list[float], list[float]], left: float) -> TrainRecord:
    """Return a point of the curves with the means over the seeds of each scheme and scaling."""
    step, *losses = point
    groups = by_name(training.recipes)
    each, held = (
        tuple(sum(values[member] for member in members) / len(members) for members in groups.values())
        for values in losses
    )
    return TrainRecord(step, training.settings.steps, tuple(groups), each, held, left)


def _resume(training: Training, about: DataAbout, path: str | Path) -> None:
    """Take a training to where the run in a file was stopped.

    Raises
    ------
    PomodoroError
        If that run differs in anything; the message says in what.
    """
    found = load_training(path)
    here, there = _described(about, training), _described(found.data, found)
    differ = [name for name in _COMPARED if there[name] != here[name]]
    if differ:
        name = differ[0]
        what = _IN_WORDS.get(name) or f"{name} was {there[name]}, and is {here[name]}"
        raise PomodoroError(f"{found.name} cannot be resumed: {what}; give all as it was, or resume=0")
    training.resume(found.arrays, found.step, found.curve, found.pending)


def _described(about: DataAbout, run: Training | TrainedFile) -> dict[str, Any]:
    """Return what a run that is resumed must have in common with the one in the file, by the names of `_COMPARED`."""
    words = {
        "presets": (recipe.scheme.name for recipe in run.recipes),
        "scaling": (recipe.scaling for recipe in run.recipes),
        "seeds": (str(recipe.seed) for recipe in run.recipes),
    }
    return {
        **asdict(about),
        **asdict(run.architecture),
        **asdict(run.settings.law),
        **asdict(run.settings),
        **{name: "+".join(dict.fromkeys(each)) for name, each in words.items()},
        # As they are typed: without the last digits, in which sums differ.
        "data": ":".join(f"{level**0.5:.9g}" for level in about.levels),
        "recipes": run.recipes,
    }
