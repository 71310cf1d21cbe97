"""A training run, whatever the data are: networks in a file, and what they learnt out.

Nothing here knows PyMOL, so that a worker thread can run it: what the callback raises ends a
run, and what is trained by then is in the file.
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
from ..diffusion.trained_file import DataAbout, export_network, is_training, load_training, save_training
from ..diffusion.training import Training, TrainingSettings, training_bytes
from ..diffusion.training_data import TrainingData
from ..diffusion.training_task import SCALINGS, Recipe
from ..errors import PomodoroError
from ..io.disk import check_target, user_path
from ..noise.presets import parse_schemes
from ..noise.sigma import LawOfSigma
from ..noise.weights import Scheme
from ..parameters.catalogue import TrainParameters
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy
from ..utils import memory
from ..utils.devices import compute_device, device_name
from ..utils.text import counted, time_text
from . import outputs, training_report
from .rating import Floor, Rating, rate_networks
from .scalings import check_data
from .trained_samples import SampleQuality

_SAVED_EVERY = 60.0  # seconds
# What a run that goes on must have in common with that in the file; where one differs, those after it may on its
# account.
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
    """One point of the curves of training, as it is told.

    Attributes
    ----------
    step, steps : int
        From 1.
    names : tuple of str
        Scheme and scaling of each curve, as in ``ms levels``.
    losses : tuple of float
        Mean loss of each since the point before, over its seeds; a network that predicts zero begins
        near 1 under one sigma, and near 3 where each level has its own loss weight.
    tested : tuple of float
        The same on what is held out, or on the states of training where nothing is.
    seconds_left : float
        Of training, as it went so far; nan of points from before a run was resumed.
    """

    step: int
    steps: int
    names: tuple[str, ...]
    losses: tuple[float, ...]
    tested: tuple[float, ...]
    seconds_left: float

    def __str__(self) -> str:
        """Steps, time left, and the losses."""
        losses = ", ".join(f"{name} {loss:.3f}" for name, loss in zip(self.names, self.losses))
        return f"{self.step} of {self.steps} steps, {time_text(self.seconds_left)} left; loss: {losses}"


#: Told of each step: steps done, all of them, and a `TrainRecord` where the curves got a point, else None.
Tell = Callable[[int, int, Any], object]


def recipes_of(parameters: TrainParameters) -> list[Recipe]:
    """Return what networks are trained on: scheme by scheme, scaling by scaling, seed by seed.

    Raises
    ------
    PomodoroError
        If a scheme is none.
    """
    scalings = SCALINGS if parameters.scaling == "both" else (parameters.scaling,)
    seeds = range(parameters.seed, parameters.seed + parameters.seeds)
    schemes = parse_schemes(parameters.presets)
    return [Recipe(scheme, scaling, seed) for scheme in schemes for scaling in scalings for seed in seeds]


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
    """Train networks, and keep them in a file: every minute, at the end, and where the callback raises.

    Parameters
    ----------
    data : TrainingData
    about : DataAbout
    recipes : sequence of Recipe
    architecture : Architecture
    settings : TrainingSettings
    path : str or Path
    tell : callable
        See `Tell`; called many times in a long step.
    resume : bool
        Go on where the run in the file was stopped.
    device

    Returns
    -------
    training : Training
    seconds : float
        Of each step that was taken now; nan where none was.

    Raises
    ------
    PomodoroError
        If the file is of another run, or a loss is not finite.
    """
    training = Training(data, recipes, architecture, settings, device)
    if resume:
        _resume(training, about, path)
    names = tuple(dict.fromkeys(recipe.name for recipe in recipes))
    start = saved = time.monotonic()
    first, steps = training.step, settings.steps

    def check() -> None:
        tell(training.step, steps, None)

    def record(point: tuple[int, list[float], list[float]], left: float) -> TrainRecord:
        step, *losses = point
        each, held = (_over_seeds(values, recipes, names) for values in losses)
        return TrainRecord(step, steps, names, each, held, left)

    for point in training.curve:  # as far as a run that is resumed had come
        tell(point[0], steps, record(point, math.nan))
    try:
        while training.step < steps:
            has_point = training.advance(check)
            left = (time.monotonic() - start) / (training.step - first) * (steps - training.step)
            tell(training.step, steps, record(training.curve[-1], left) if has_point else None)
            if time.monotonic() - saved > _SAVED_EVERY:
                save_training(path, training, about)
                saved = time.monotonic()
    except BaseException:
        if training.step > first and training.is_whole:
            save_training(path, training, about)
        raise
    taken = steps - first
    seconds = (time.monotonic() - start) / taken if taken else float("nan")
    if taken:
        save_training(path, training, about)
    return training, seconds


def _resume(training: Training, about: DataAbout, path: str | Path) -> None:
    """Take a training to where the run in a file was stopped.

    Raises
    ------
    PomodoroError
        If that run differs in anything, with what.
    """
    found = load_training(path)
    here, there = (
        {**asdict(about), **asdict(architecture), **asdict(settings.law), **asdict(settings), "data": _typed(about)}
        for about, architecture, settings in (
            (about, training.architecture, training.settings),
            (found.data, found.architecture, found.settings),
        )
    )
    for of, recipes in ((here, training.recipes), (there, found.recipes)):
        of["presets"] = "+".join(dict.fromkeys(recipe.scheme.name for recipe in recipes))
        of["scaling"] = "+".join(dict.fromkeys(recipe.scaling for recipe in recipes))
        of["seeds"] = "+".join(dict.fromkeys(str(recipe.seed) for recipe in recipes))
        of["recipes"] = recipes
    differ = [name for name in _COMPARED if there[name] != here[name]]
    if differ:
        name = differ[0]
        what = _IN_WORDS.get(name) or f"{name} was {there[name]}, and is {here[name]}"
        raise PomodoroError(f"{found.name} cannot be resumed: {what}; give all as it was, or resume=0")
    training.resume(found.arrays, found.step, found.curve, found.pending)


def _typed(about: DataAbout) -> str:
    """Return what networks are told of the data, as it is typed; sums differ in their last digits."""
    return ":".join(f"{level**0.5:.9g}" for level in about.levels)


def _over_seeds(values: Sequence[float], recipes: Sequence[Recipe], names: Sequence[str]) -> tuple[float, ...]:
    """Return the mean over the seeds of each scheme and scaling."""
    groups = ([value for value, recipe in zip(values, recipes) if recipe.name == name] for name in names)
    return tuple(sum(group) / len(group) for group in groups)


@dataclass(frozen=True, eq=False)
class TrainResult:
    """What a run of pomtrain made.

    Attributes
    ----------
    parameters : TrainParameters
    structure : Structure or None
        Of an ensemble.
    path : Path
        File of the networks.
    training : Training
    seconds : float
        Per step, of all networks; nan where none was taken now.
    rating : Rating
        What the networks learnt.
    samples : list of SampleQuality
        Of each network, before them what was held out of an ensemble, where anything was; empty where none were
        asked for.
    notes : tuple of str
        What to know of the data.
    origin : str
        Where the variances of the data are from; "" where they were measured on what is trained on.
    """

    parameters: TrainParameters
    structure: Structure | None
    path: Path
    training: Training
    seconds: float
    rating: Rating
    samples: list[SampleQuality]
    notes: tuple[str, ...] = ()
    origin: str = ""

    @property
    def device(self) -> str:
        return device_name(self.training.device)

    def headlines(self) -> list[str]:
        """Return what is to be known first, in sentences."""
        return training_report.headlines(self)

    def report(self) -> str:
        """Return sentences and tables as ASCII text."""
        return training_report.training_text(self)

    def csv(self) -> str:
        """Return all numbers as CSV."""
        return training_report.training_csv(self)


def check_run(parameters: TrainParameters, source: str) -> Path:
    """Refuse what would fail after the training, before any work; return the file of the networks.

    Raises
    ------
    PomodoroError
    """
    recipes = recipes_of(parameters)
    path = user_path(parameters.network or f"{source}_train.npz")
    outputs.check_paths(parameters.csv, parameters.figure)
    outputs.check_figures(parameters.figure)
    written = [str(path), parameters.export, parameters.csv, parameters.figure]
    outputs.check_apart(written)
    check_data(parameters.data, *written)
    if path.suffix.lower() != ".npz":
        raise PomodoroError(f"network must end in .npz, not {str(path)!r}")
    check_target(path)
    if parameters.resume:
        load_training(path)
    elif path.exists() and not is_training(path):
        raise PomodoroError(f"cannot write {path}: it is no file of pomtrain, and would be lost")
    if parameters.export:
        if Path(parameters.export).suffix.lower() != ".pt2":
            raise PomodoroError(f"export must end in .pt2, not {parameters.export!r}")
        check_target(user_path(parameters.export))
        if len({recipe.name for recipe in recipes}) > 1:
            raise PomodoroError("export takes one network: give one scheme and scaling=global or levels")
    return path


def run_on(
    data: TrainingData,
    about: DataAbout,
    law: LawOfSigma,
    parameters: TrainParameters,
    tell: Tell,
    *,
    n_kinds: int,
    floors: Callable[[Training], Callable[[Scheme], dict[str, Floor]]],
    sample: Callable[[Training, int, Callable[[], object]], list[SampleQuality]],
    structure: Structure | None = None,
    notes: Sequence[str] = (),
    origin: str = "",
) -> TrainResult:
    """Train networks on data, and rate them.

    Parameters
    ----------
    data : TrainingData
    about : DataAbout
    law : LawOfSigma
    parameters : TrainParameters
    tell : callable
        See `Tell`.
    n_kinds : int
        Of residues.
    floors : callable
        Makes what `rate_networks` takes.
    sample : callable
        Samples so many structures from each network.
    structure : Structure, optional
        Of an ensemble.
    notes : sequence of str
        What to know of the data.
    origin : str
        As of `TrainResult`.
    """
    recipes = recipes_of(parameters)
    path = check_run(parameters, about.source)
    settings = TrainingSettings(parameters.steps, parameters.batch, parameters.rate, law)
    architecture = Architecture(n_kinds, data.slots.n_slots, parameters.width, parameters.layers)
    needed = training_bytes(data, len(recipes), architecture, settings, parameters.samples)
    purpose = f"training of {counted(len(recipes), 'network')}"
    memory.require(needed, purpose, "ask for fewer seeds or schemes, a smaller batch or width, or fewer atoms")
    numbers = data.slots.n_residues * data.slots.n_slots * len(recipes) * settings.batch
    device = compute_device(parameters.device, numbers)
    training, seconds = train(
        data, about, recipes, architecture, settings, path, tell, resume=bool(parameters.resume), device=device
    )
    if parameters.export and structure is not None:
        export_network(training.network_of(0), Hierarchy.from_structure(structure), parameters.export)

    def check() -> None:
        tell(settings.steps, settings.steps, None)

    rating = rate_networks(training, parameters.z.values(), floors(training), check)
    samples = sample(training, parameters.samples, check) if parameters.samples else []
    return TrainResult(parameters, structure, path, training, seconds, rating, samples, tuple(notes), origin)
