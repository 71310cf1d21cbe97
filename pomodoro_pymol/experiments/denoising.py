"""Denoisers as parameters ask for them; where memory does not suffice: fewer samples at a time, then the CPU."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from ..diffusion.analytic import IdealDenoiser, WienerDenoiser
from ..diffusion.estimate import Denoiser, Estimate
from ..diffusion.network import Network, NetworkDenoiser
from ..diffusion.network_file import load_network
from ..diffusion.precondition import PerLevel, data_variances
from ..diffusion.samplers import SAMPLERS
from ..diffusion.trained_file import is_training
from ..errors import PomodoroError
from ..noise.covariance import NestedCovariance
from ..noise.draw import frames_per_group
from ..noise.sigma import SIGMA_DATA
from ..noise.weights import LevelWeights
from ..parameters.catalogue import DenoiseParameters, SampleParameters
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy
from ..utils import memory
from ..utils.devices import compute_device, device_name, is_full, with_room
from ..utils.text import levels_of
from .trained import trained_denoiser

# Frames denoised at once, as many as make so many bytes.
_BLOCK, _BLOCK_BYTES = 16, 16 << 20
_POSES = {"fixed": "fixed pose", "exact": "mean over all poses", "best": "best pose, an approximation"}


@dataclass(frozen=True, eq=False)
class PreparedDenoiser:
    """A denoiser made for some states, and what it is called.

    Attributes
    ----------
    denoise : callable
        In coordinates about ``origin``.
    label : str
        What it is; that an analytic one is no trained model.
    members : Tensor, shape=(n_states, n_atoms, 3)
        The data, about the origin, on the device.
    origin : ndarray, shape=(3,)
        Centroid of the data, angstrom.
    notes : tuple of str
        What to know of it.
    on_cpu : callable, optional
        Makes the same on the CPU.
    """

    denoise: Denoiser
    label: str
    members: Tensor
    origin: np.ndarray
    notes: tuple[str, ...] = ()
    on_cpu: Callable[[], PreparedDenoiser] | None = None


def per_level(name: str, text: str) -> PerLevel:
    """Read ``chain:residue:atom`` numbers, none negative.

    Raises
    ------
    PomodoroError
    """
    levels = levels_of(text, f"{name} must be chain:residue:atom, as in 1:4:0.25, not {text!r}")
    if not all(0 <= value < math.inf for value in levels):
        raise PomodoroError(f"{name} must be finite and not negative, not {text!r}")
    return levels


def prepare_denoiser(
    states: np.ndarray,
    hierarchy: Hierarchy,
    weights: LevelWeights,
    parameters: DenoiseParameters | SampleParameters,
    *,
    state: int = 1,
    network: Network | None = None,
    noise_sigma_data: float = SIGMA_DATA,
    structure: Structure | None = None,
) -> PreparedDenoiser:
    """Make the denoiser that the parameters ask for; on the CPU where the memory of its device does not suffice.

    Parameters
    ----------
    states : ndarray, shape=(n_states, n_atoms, 3)
        The data, angstrom.
    hierarchy : Hierarchy
    weights : LevelWeights
        Of the noise.
    parameters : DenoiseParameters or SampleParameters
    state : int
        The one that stands alone where one structure is needed, from 1.
    network : callable, optional
        As for `NetworkDenoiser`, in the place of the parameters' file.
    noise_sigma_data : float
        Angstrom; of the law of the frames' sigma. For a network of DenoiseParameters.
    structure : Structure, optional
        The labels, which a file of pomtrain is compared with.

    Raises
    ------
    PomodoroError
        If an ensemble is asked for and there is one state, or the denoiser refuses. A network is
        tried on the data first.
    """
    make = partial(
        _build,
        states,
        hierarchy,
        weights,
        state=state,
        network=network,
        noise_sigma_data=noise_sigma_data,
        structure=structure,
    )
    on_cpu = partial(make, replace(parameters, device="cpu"), torch.device("cpu"))
    n_states, n_atoms = states.shape[:2]
    device = compute_device(parameters.device, n_atoms, n_states)
    together = parameters.samples if isinstance(parameters, SampleParameters) else frames_at_once(n_atoms)
    needed = memory.model_device_bytes(n_atoms, n_states, together, frames_per_group(n_atoms, device))
    device, note = with_room(parameters.device, device, needed)
    try:
        prepared = replace(make(parameters, device), on_cpu=on_cpu)
    except Exception as error:
        if not is_full(error):
            raise
    else:
        return replace(prepared, notes=(note, *prepared.notes)) if note else prepared
    return left_to_cpu(on_cpu, device)


def left_to_cpu(on_cpu: Callable[[], PreparedDenoiser], device: torch.device) -> PreparedDenoiser:
    """Return a denoiser on the CPU, since the memory of a device did not suffice; a note says so.

    What was there must be let go of before.
    """
    _release_memory()
    prepared = on_cpu()
    note = f"the memory of {device_name(device)} does not suffice: left to the CPU, whose random numbers are other ones"
    return replace(prepared, notes=(*prepared.notes, note))


def _build(
    states: np.ndarray,
    hierarchy: Hierarchy,
    weights: LevelWeights,
    parameters: DenoiseParameters | SampleParameters,
    device: torch.device,
    *,
    state: int,
    network: Network | None,
    noise_sigma_data: float,
    structure: Structure | None,
) -> PreparedDenoiser:
    hierarchy = hierarchy.to(device)
    data = torch.from_numpy(np.ascontiguousarray(states, dtype=np.float32))
    origin = data.double().mean((0, 1))
    members = (data - origin.float()).to(device)
    n_states = len(members)
    kind = parameters.denoiser if parameters.denoiser != "auto" else "ideal" if n_states > 1 else "wiener"
    heads = bool(parameters.multiscale)
    pose = parameters.known_pose
    analytic = f"{_POSES[pose]}; analytic, not a trained model"
    denoise: Denoiser
    notes: tuple[str, ...] = ()
    if network is None and structure is not None and parameters.network and is_training(parameters.network):
        denoise, label = trained_denoiser(structure, hierarchy, weights, parameters)
        denoise(members[:1], 1.0)
    elif network is not None or parameters.network:
        denoise, label, notes = _network_denoiser(network, members, hierarchy, weights, parameters, noise_sigma_data)
    elif kind == "ideal":
        if n_states == 1:
            raise PomodoroError("the ideal denoiser needs an ensemble and there is one state: use denoiser=wiener")
        denoise = IdealDenoiser(members, hierarchy, weights, covariance=parameters.covariance, pose=pose, heads=heads)
        label = f"ideal for {n_states} states, {parameters.covariance} covariance, {analytic}"
    else:
        members = members[state - 1 : state]
        prior = NestedCovariance(hierarchy, *per_level("prior", parameters.prior))
        denoise = WienerDenoiser(members[0], prior, weights, pose=pose, heads=heads)
        label = f"wiener about one structure, variances {parameters.prior} A^2, {analytic}"
    return PreparedDenoiser(denoise, label, members, origin.numpy(), notes)


def _network_denoiser(
    network: Network | None,
    members: Tensor,
    hierarchy: Hierarchy,
    weights: LevelWeights,
    parameters: DenoiseParameters | SampleParameters,
    noise_sigma_data: float,
) -> tuple[NetworkDenoiser, str, tuple[str, ...]]:
    """Return a network as a denoiser, tried on the data; what it is called, and what to know of it."""
    if network is None:
        network, name = load_network(parameters.network, members.device), parameters.network
    elif parameters.network or parameters.denoiser != "auto":
        raise PomodoroError(f"give {'network' if parameters.network else 'denoiser'} or a network itself, not both")
    else:
        name = type(network).__name__
    if isinstance(parameters, SampleParameters):
        sigma_data, convention = parameters.settings.sigma_data, parameters.settings.convention
        usual, whose = SAMPLERS[parameters.sampler].sigma_data, f"sampler={parameters.sampler}"
    else:
        sigma_data, convention = parameters.sigma_data or noise_sigma_data, parameters.convention
        usual, whose = noise_sigma_data, "the law of the frames' sigma"
    denoise = NetworkDenoiser(
        network,
        hierarchy,
        weights,
        variant=parameters.scaling,
        data=data_variances(members, hierarchy),
        sigma_data=sigma_data,
        convention=convention,
    )
    denoise(members[:1], sigma_data)
    label = f"network {name}, preconditioning {parameters.scaling}"
    if parameters.scaling == "levels":
        return denoise, f"{label}, convention {convention}, {denoise.takes}", ()
    label += f", sigma_data {sigma_data:g} A per coordinate, convention {convention}, {denoise.takes}"
    if sigma_data == usual:
        return denoise, label, ()
    note = f"sigma_data of the network is {sigma_data:g} A per coordinate, and that of {whose} {usual:g}"
    return denoise, label, (note,)


def frames_at_once(n_atoms: int) -> int:
    """Return how many frames are denoised together."""
    return max(1, min(_BLOCK, _BLOCK_BYTES // (12 * n_atoms)))


class InPieces:
    """A denoiser that is asked for half as many samples, and again, where memory does not suffice for all.

    What it makes of a sample does not depend on the others, but for the rounding of products.

    Attributes
    ----------
    size : int
        Samples at a time, or 0 for all.
    """

    def __init__(self, denoise: Denoiser) -> None:
        self.denoise = denoise
        self.size = 0

    def __call__(self, x: Tensor, sigma: float) -> Estimate:
        """Estimate the truth of ``x``, shape=(n_samples, n_atoms, 3), noised by ``sigma`` angstrom.

        Raises
        ------
        RuntimeError
            Of torch, if memory does not suffice for one sample.
        """
        while True:
            size = min(self.size or len(x), len(x))
            try:
                return self._asked(x, sigma, size)
            except Exception as error:
                if size == 1 or not is_full(error):
                    raise
            # After the except block the error is gone, and with it the memory of what was being computed.
            self.size = size // 2
            _release_memory()

    def _asked(self, x: Tensor, sigma: float, size: int) -> Estimate:
        if size == len(x):
            return self.denoise(x, sigma)
        found = [self.denoise(some, sigma) for some in x.split(size)]
        atoms = torch.cat([one.atoms for one in found])
        others = [(one.residues, one.chains, one.probabilities) for one in found]
        return Estimate(atoms, *(None if part[0] is None else torch.cat(part) for part in zip(*others)))

    def note(self, what: str, device: torch.device) -> str:
        """Return what is to be told of the size, else empty."""
        if not self.size:
            return ""
        lacks = f"the memory of {device_name(device)} does not suffice for all {what} at once"
        return f"{lacks}: denoised {self.size} at a time"


def _release_memory() -> None:
    """Give back the memory of a device that torch holds and does not use, that of an error's traceback included."""
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
