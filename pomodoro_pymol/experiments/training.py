"""A run of training, whatever the data are: what is checked before it, the training itself, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..diffusion.hierarchical import Architecture
from ..diffusion.network_file import export_network
from ..diffusion.trained_file import is_training, load_training
from ..diffusion.training import Training, training_bytes
from ..diffusion.training_data import DataAbout, TrainingData
from ..diffusion.training_task import SCALINGS, Recipe, TrainingSettings
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
from ..utils.text import counted
from . import outputs, training_report
from .rating import Floor, Rating, rate_networks
from .scalings import check_data
from .trained_samples import SampleQuality
from .training_run import Tell, train


def recipes_of(parameters: TrainParameters) -> list[Recipe]:
    """Return what networks are trained on: scheme by scheme, scaling by scaling, seed by seed.

    Raises
    ------
    PomodoroError
        If a name of a scheme is unknown.
    """
    scalings = SCALINGS if parameters.scaling == "both" else (parameters.scaling,)
    seeds = range(parameters.seed, parameters.seed + parameters.seeds)
    schemes = parse_schemes(parameters.presets)
    return [Recipe(scheme, scaling, seed) for scheme in schemes for scaling in scalings for seed in seeds]


@dataclass(frozen=True, eq=False)
class TrainResult:
    """What a run of pomtrain made.

    Attributes
    ----------
    parameters : TrainParameters
    structure : Structure or None
        That of an ensemble; None of fragments.
    path : Path
        The file of the networks.
    training : Training
    seconds : float
        Per step, of all networks together; nan where no step was taken now.
    rating : Rating
        What the networks learnt.
    samples : list of SampleQuality
        One for each network; before them one of the states that were held out of an ensemble, where any were.
        Empty where no samples were asked for.
    notes : tuple of str
        What to know of the data.
    origin : str
        Where the variances of the data are from, in words; "" where they were measured on what is trained on.
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
        """The name of the device that it ran on."""
        return device_name(self.training.device)

    def headlines(self) -> list[str]:
        """Return the main findings, in sentences."""
        return training_report.headlines(self)

    def report(self) -> str:
        """Return sentences and tables as ASCII text."""
        return training_report.training_text(self)

    def csv(self) -> str:
        """Return all numbers as CSV."""
        return training_report.training_csv(self)

    def figure(self) -> Any:
        """Draw what the networks learnt; return a ``matplotlib.figure.Figure``."""
        from .figures import training_figure

        return training_figure(self)


def check_run(parameters: TrainParameters, source: str) -> Path:
    """Refuse, before any work, what would fail after the training.

    Parameters
    ----------
    parameters : TrainParameters
    source : str
        What the file of the networks is named after, where the parameters name none.

    Returns
    -------
    Path
        The file of the networks.

    Raises
    ------
    PomodoroError
        If a file could not be written, would be lost, or is none of a run to resume; or more than one network
        is to be exported.
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
        How many kinds of residues the data have.
    floors : callable
        Returns the ``floors`` of `rate_networks` for a training.
    sample : callable
        Samples so many structures from each network of a training, and returns what they are like; its third
        argument is to be called now and then.
    structure : Structure, optional
        That of an ensemble.
    notes : sequence of str
        What to know of the data.
    origin : str
        As of `TrainResult`.

    Raises
    ------
    PomodoroError
        As of `check_run` and `train`; or if memory does not suffice, or there is no such device.
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
        """Let the callback end the run while networks are rated."""
        tell(settings.steps, settings.steps, None)

    rating = rate_networks(training, parameters.z.values(), floors(training), check)
    samples = sample(training, parameters.samples, check) if parameters.samples else []
    return TrainResult(parameters, structure, path, training, seconds, rating, samples, tuple(notes), origin)
