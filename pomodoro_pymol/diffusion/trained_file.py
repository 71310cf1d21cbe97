"""The networks of a run of pomtrain, in one file: ``.npz`` of plain arrays, which needs no pickle.

===================== ========================= ================================================
array                 shape, dtype              what it is
===================== ========================= ================================================
``about``             (n_bytes,) uint8          JSON: architecture, recipes, settings, data
``curve``             (n, 1 + 2 n_models)       points of the curves: step, losses, those of the test;
                      float64                   see `Training.curve`
``pending``           (n, n_models) float64     losses of the steps since the last point
``weights.NAME``      (n_models, ...) float32   weights of all networks, side by side
``first.NAME``        the same                  moments of the optimizer, so that a run can go on
``second.NAME``       the same
===================== ========================= ================================================

Arrays are stored without compression, one after the other, so that reading a file takes no more memory
than its size. The shape of each must be that which the architecture has for it, which is checked first.
"""

from __future__ import annotations

import json
import math
import zipfile
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import PomodoroError
from ..io.disk import atomic_write, file_bytes, user_path
from ..io.stored_arrays import StoredArrays, write_arrays
from ..noise.sigma import LawOfSigma
from ..noise.weights import LevelWeights, Scheme
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy
from .hierarchical import Architecture, HierarchicalNetwork
from .slots import Seating
from .training import Curve, Training
from .training_data import POSES, DataAbout, atoms_digest
from .training_task import SCALINGS, Recipe, TrainingSettings

_FORMAT = "pomodoro training 1"
_SETS = ("weights", "first", "second")
_MOST_ABOUT = 1 << 22
# What a count, the number of layers and the letters of a scheme's name in a file may be, at most.
_MOST, _MOST_LAYERS, _MOST_LABEL = 1 << 33, 1 << 10, 80


@dataclass(frozen=True, eq=False)
class TrainedFile:
    """What a file of `save_training` holds.

    Attributes
    ----------
    name : str
        Of the file.
    architecture : Architecture
    recipes : list of Recipe
    settings : TrainingSettings
    data : DataAbout
    step : int
        Steps that were taken.
    curve, pending : list
        As of `Training`.
    arrays : dict
        ``weights``, ``first`` and ``second``, each a dict of Tensors by name, shape=(n_models, ...).
    """

    name: str
    architecture: Architecture
    recipes: list[Recipe]
    settings: TrainingSettings
    data: DataAbout
    step: int
    curve: Curve
    pending: list[list[float]]
    arrays: dict[str, dict[str, Tensor]]

    def network(self, number: int) -> HierarchicalNetwork:
        """Return the network of one recipe, by its number in ``recipes``."""
        network = HierarchicalNetwork(self.architecture, [self.recipes[number].seed])
        with torch.no_grad():
            for name, value in network.weights.items():
                value.copy_(self.arrays["weights"][name][number][None])
        return network

    def find(self, weights: LevelWeights, scaling: str = "global") -> int:
        """Return the number of the first network that was trained on noise of these weights.

        Parameters
        ----------
        weights : LevelWeights
        scaling : str
            Preferred, where such networks have several scalings.

        Raises
        ------
        PomodoroError
            If none was trained on such noise.
        """
        fitting = [
            number
            for number, recipe in enumerate(self.recipes)
            if np.allclose(recipe.scheme.weights.shares, weights.shares, rtol=0, atol=1e-9)
        ]
        if fitting:
            return next((number for number in fitting if self.recipes[number].scaling == scaling), fitting[0])
        names = ", ".join(dict.fromkeys(recipe.name for recipe in self.recipes))
        asked = ":".join(f"{share:.3g}" for share in weights.shares)
        raise PomodoroError(
            f"{self.name} has no network that was trained on noise of the shares {asked}: it has {names}"
        )

    def check_atoms(self, structure: Structure, hierarchy: Hierarchy) -> None:
        """Refuse a structure of other atoms than those that the networks were trained on.

        Raises
        ------
        PomodoroError
            If atoms, their order, residues or chains differ, or the networks were trained on fragments.
        """
        here = f"{hierarchy.n_atoms} atoms in {hierarchy.n_residues} residues"
        if not self.data.atoms:
            raise PomodoroError(
                f"{self.name} was trained on fragments of {self.data.n_residues} residues, and here are {here}"
            )
        if atoms_digest(structure, hierarchy) == self.data.atoms:
            return
        there = f"{self.data.n_atoms} atoms in {self.data.n_residues} residues of {self.data.source}"
        same = (self.data.n_atoms, self.data.n_residues) == (hierarchy.n_atoms, hierarchy.n_residues)
        but = "as many, with other names or residues, or in another order" if same else here
        raise PomodoroError(f"{self.name} was trained on {there}, and here are {but}")


class TrainedNetwork:
    """One network of a file or a training, in the form in which `NetworkDenoiser` calls networks.

    Parameters
    ----------
    network : HierarchicalNetwork
        With one model.
    hierarchy : Hierarchy
    """

    def __init__(self, network: HierarchicalNetwork, hierarchy: Hierarchy) -> None:
        self.network, self.seating = network, Seating(hierarchy)

    @torch.no_grad()
    def __call__(self, coords: Tensor, c_noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Predict atoms, residues and chains, each of shape=(n_samples, n, 3), before they are scaled by c_out.

        Parameters
        ----------
        coords : Tensor, shape=(n_samples, n_atoms, 3)
            Scaled by c_in.
        c_noise : Tensor, shape=(n_samples, 3)
            Of chain, residue and atom level.
        """
        return self.predict(coords, c_noise)

    def predict(self, coords: Tensor, c_noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Predict the same, keeping what gradients need."""
        laid = self.seating.spread(coords)
        atoms, residues, chains = self.network(laid[None], c_noise[None], self.seating.slots)
        return self.seating.gather(atoms[0]), residues[0], chains[0]


def save_training(path: str | Path, training: Training, data: DataAbout) -> None:
    """Write all networks of a training, with all that resuming it needs; whole or not at all.

    Raises
    ------
    PomodoroError
        If a weight is not finite, or the file cannot be written.
    """
    held = training.arrays()
    if not all(bool(value.isfinite().all()) for values in held.values() for value in values.values()):
        raise PomodoroError(f"the weights are not finite at step {training.step}: give a smaller rate")
    about = {
        "format": _FORMAT,
        "architecture": asdict(training.architecture),
        "recipes": [[r.scheme.name, list(astuple(r.scheme.weights)), r.scaling, r.seed] for r in training.recipes],
        "settings": asdict(training.settings),
        "data": asdict(data),
        "step": training.step,
    }
    n_models = len(training.recipes)
    curve = [[step, *losses, *tested] for step, losses, tested in training.curve]
    arrays = {
        "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
        "curve": np.array(curve, "<f8").reshape(-1, 1 + 2 * n_models),
        "pending": np.array(training.pending, "<f8").reshape(-1, n_models),
    }
    for kind, values in held.items():
        arrays |= {f"{kind}.{name}": value.cpu().numpy() for name, value in values.items()}
    with atomic_write(user_path(path)) as file:
        write_arrays(file, arrays)


def load_training(path: str | Path) -> TrainedFile:
    """Read a file of `save_training`.

    Raises
    ------
    PomodoroError
        If it cannot be read, is of another format, or damaged.
    """
    path = user_path(path)
    data = file_bytes(path)
    try:
        arrays = StoredArrays(data)
        found = "about" in arrays
    except Exception:  # of a damaged archive, zipfile raises much more than BadZipFile
        found = False
    if not found:
        raise PomodoroError(f"{path.name} is no file of pomtrain")
    try:
        arrays.check()
        return _parsed(path.name, arrays)
    except KeyError as error:
        reason = f"it lacks {error}"
    except Exception as error:
        reason = str(error).strip() or type(error).__name__
    raise PomodoroError(f"{path.name} is damaged: {reason}")


def is_training(path: str | Path) -> bool:
    """Tell whether a file is one of `save_training`, from its list of arrays alone."""
    try:
        if not user_path(path).is_file():  # opening a pipe may never end
            return False
        with zipfile.ZipFile(user_path(path)) as archive:
            names = archive.namelist()
    except Exception:
        return False
    return "about.npy" in names and any(name.startswith("weights.") for name in names)


def _parsed(name: str, arrays: StoredArrays) -> TrainedFile:
    """Return what an archive holds, all of it checked.

    Raises
    ------
    Exception
        Of any kind, if it is not what `save_training` writes.
    """
    about = json.loads(bytes(arrays("about", "|u1", None, most=_MOST_ABOUT)))
    if about["format"] != _FORMAT:
        raise ValueError(f"its format is {str(about['format'])[:40]!r}")
    recipes = [_recipe(*values) for values in about["recipes"]]
    if not recipes:
        raise ValueError("it holds no network")
    architecture = Architecture(**{name: _count(size) for name, size in about["architecture"].items()})
    if architecture.layers > _MOST_LAYERS:
        raise ValueError(f"it says that it has {architecture.layers} layers")
    settings, data = about["settings"], about["data"]
    law = LawOfSigma(**{name: float(value) for name, value in settings["law"].items()})
    rate = float(settings["rate"])
    trained = TrainingSettings(**{**settings, "rate": rate, "law": law})
    chain, residue, atom = map(float, data["levels"])
    found = DataAbout(**{**data, "levels": (chain, residue, atom)})
    words = (found.source, found.atoms, found.states)
    if not all(isinstance(word, str) for word in words) or found.pose not in POSES:
        raise ValueError("what it says of its data is wrong")
    for count in (trained.steps, trained.batch, about["step"], found.n_residues):
        _count(count)
    for count in (found.n_atoms, found.hold):
        _count(count, least=0)
    if not all(0 < number < math.inf for number in (rate, chain, residue, atom)):
        raise ValueError("a rate or variance is not positive and finite")
    curve, pending = _curve(arrays, len(recipes), trained, about["step"])
    shapes = HierarchicalNetwork.shapes(architecture)
    tensors = {
        kind: {
            part: torch.from_numpy(arrays(f"{kind}.{part}", "<f4", len(recipes), *shape).copy())
            for part, shape in shapes.items()
        }
        for kind in _SETS
    }
    return TrainedFile(name, architecture, recipes, trained, found, about["step"], curve, pending, tensors)


def _recipe(label: str, weights: list[float], scaling: str, seed: int) -> Recipe:
    """Return a recipe of a file, checked."""
    # A name is printed in tables and lines: it must be one word, as that of a scheme that was typed.
    if not isinstance(label, str) or label.split() != [label] or not label.isprintable() or len(label) > _MOST_LABEL:
        raise ValueError("the name of a scheme is wrong")
    if scaling not in SCALINGS:
        raise ValueError("the scaling of a network is wrong")
    return Recipe(Scheme(label, LevelWeights(*map(float, weights))), scaling, _count(seed, 0))


def _count(number: Any, least: int = 1) -> int:
    """Return a whole number of a file, checked."""
    if type(number) is not int or not least <= number <= _MOST:
        raise ValueError(f"a count is {str(number)[:40]}")
    return number


def _curve(
    arrays: StoredArrays, n_models: int, settings: TrainingSettings, step: int
) -> tuple[Curve, list[list[float]]]:
    """Return the points of the curves, and what is pending, which must be those of the steps that were taken."""
    curve, pending = arrays("curve", "<f8", None, 1 + 2 * n_models), arrays("pending", "<f8", None, n_models)
    steps = [*range(settings.every, step + 1, settings.every)]
    if step == settings.steps and (not steps or steps[-1] != step):
        steps.append(step)
    last = steps[-1] if steps else 0
    if step > settings.steps or curve[:, 0].tolist() != steps or len(pending) != step - last:
        raise ValueError("its steps and its curves do not fit")
    points = [(at, row[1 : 1 + n_models], row[1 + n_models :]) for at, row in zip(steps, curve.tolist())]
    return points, pending.tolist()
