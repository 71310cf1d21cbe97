"""A network that pomtrain trained, as the denoiser of pomdenoise and pomsample."""

from __future__ import annotations

from ..diffusion.network import NetworkDenoiser
from ..diffusion.trained_file import TrainedNetwork, load_training
from ..errors import PomodoroError
from ..noise.weights import LevelWeights
from ..parameters.catalogue import DenoiseParameters, SampleParameters
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy


def trained_denoiser(
    structure: Structure,
    hierarchy: Hierarchy,
    weights: LevelWeights,
    parameters: DenoiseParameters | SampleParameters,
) -> tuple[NetworkDenoiser, str]:
    """Return the network of the file that was trained on noise of these weights, and what it is called.

    Parameters
    ----------
    structure : Structure
    hierarchy : Hierarchy
        On the device.
    weights : LevelWeights
        Of the noise.
    parameters : DenoiseParameters or SampleParameters
        ``network`` is the file, and ``scaling`` chooses between networks of one scheme. What was fixed by the
        training, sigma_data and convention, must not be given otherwise.

    Raises
    ------
    PomodoroError
        If the file is no file of pomtrain, is of other atoms, has no such network, or does not go with the other
        parameters.
    """
    found = load_training(parameters.network)
    found.check_atoms(structure, hierarchy)
    if parameters.sigma_data is not None:
        raise PomodoroError(f"{found.name} says what its sigma_data is: leave sigma_data out")
    if parameters.convention not in ("", "af3"):
        raise PomodoroError(f"{found.name} was trained under the convention af3: leave convention out")
    if found.data.pose == "fixed" and parameters.known_pose != "fixed":
        remedy = "give pose=fixed"
        if isinstance(parameters, SampleParameters) and parameters.pose == "auto":
            remedy = "give sampler=edm, or center=0 and augment=0"
        raise PomodoroError(
            f"{found.name} was trained in a fixed pose, and would see others: {remedy}, or train with pose=random"
        )
    number = found.find(weights, parameters.scaling)
    recipe = found.recipes[number]
    denoise = NetworkDenoiser(
        TrainedNetwork(found.network(number).to(hierarchy.atom_to_residue.device), hierarchy),
        hierarchy,
        weights,
        variant=recipe.scaling,
        data=found.data.levels,
        sigma_data=found.settings.law.sigma_data,
    )
    if found.step < found.settings.steps:
        trained = f"{found.step} of {found.settings.steps} steps"
    else:
        trained = f"{found.step} steps"
    label = (
        f"network {found.name}, trained on {recipe.scheme.name} for {trained}, seed {recipe.seed}, preconditioning "
        f"{recipe.scaling}, sigma_data {found.settings.law.sigma_data:.4g} A per coordinate, {found.data.pose} pose"
    )
    return denoise, label
