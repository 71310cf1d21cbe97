"""A denoiser made from the states of an object, and frames denoised by it in one shot."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from ..diffusion.analytic import IdealDenoiser, WienerDenoiser
from ..diffusion.estimate import Denoiser, broadcast_heads
from ..diffusion.network import Network, NetworkDenoiser
from ..diffusion.network_file import load_network
from ..diffusion.precondition import PerLevel, data_variances
from ..diffusion.samplers import SAMPLERS
from ..diffusion.sampling import Draws
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
from .full_memory import InPieces, release_memory
from .trained import trained_denoiser

# Frames denoised at once, as many as make so many bytes.
_BLOCK, _BLOCK_BYTES = 16, 16 << 20
_POSES = {
    "fixed": "fixed pose",
    "exact": "mean over all poses",
    "best": "best pose, an approximation",
}


@dataclass(frozen=True, eq=False)
class Model:
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
    on_cpu: Callable[[], Model] | None = None


def per_level(name: str, text: str) -> PerLevel:
    """Read ``chain:residue:atom`` numbers, none negative.

    Raises
    ------
    PomodoroError
    """
    try:
        chain, residue, atom = (float(part) for part in text.split(":"))
    except ValueError:
        raise PomodoroError(f"{name} must be chain:residue:atom, as in 1:4:0.25, not {text!r}") from None
    if not all(0 <= value < math.inf for value in (chain, residue, atom)):
        raise PomodoroError(f"{name} must be finite and not negative, not {text!r}")
    return chain, residue, atom


def build_model(
    states: np.ndarray,
    hierarchy: Hierarchy,
    weights: LevelWeights,
    parameters: DenoiseParameters | SampleParameters,
    *,
    state: int = 1,
    network: Network | None = None,
    noise_sigma_data: float = SIGMA_DATA,
    structure: Structure | None = None,
) -> Model:
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
        model = replace(make(parameters, device), on_cpu=on_cpu)
    except Exception as error:
        if not is_full(error):
            raise
    else:
        return replace(model, notes=(note, *model.notes)) if note else model
    return left_to_cpu(on_cpu, device)


def left_to_cpu(on_cpu: Callable[[], Model], device: torch.device) -> Model:
    """Return a model on the CPU, since the memory of a device did not suffice; a note says so.

    What was there must be let go of before.
    """
    release_memory()
    model = on_cpu()
    note = f"the memory of {device_name(device)} does not suffice: left to the CPU, whose random numbers are other ones"
    return replace(model, notes=(*model.notes, note))


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
) -> Model:
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
    return Model(denoise, label, members, origin.numpy(), notes)


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
    """Return how many frames `denoise_frames` takes together."""
    return max(1, min(_BLOCK, _BLOCK_BYTES // (12 * n_atoms)))


@torch.no_grad()
def denoise_frames(
    frames: Iterable[np.ndarray],
    model: Model,
    hierarchy: Hierarchy,
    sigma: float,
    parameters: DenoiseParameters,
    *,
    seed: int = 0,
    note: Callable[[str], object] = lambda text: None,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Denoise frames in one shot; where the pose is unknown, each turned and shifted as in training, and back.

    Where the memory of a device does not suffice, fewer frames are denoised together, and then, from
    the frame on where it failed, on the CPU.

    Parameters
    ----------
    frames : iterable of ndarray, shape=(n_atoms, 3)
        Noised, angstrom.
    model : Model
    hierarchy : Hierarchy
    sigma : float
        Of their noise, angstrom.
    parameters : DenoiseParameters
    seed : int
        Of turns and shifts: another than that of the noise, whose random numbers it would repeat. Those of the
        CPU are other ones.
    note : callable
        Told what memory made necessary.

    Yields
    ------
    noised, denoised : Tensor, shape=(n_block, n_atoms, 3)
        float32 on the CPU, angstrom.

    Raises
    ------
    PomodoroError
        If the denoiser returns numbers that are not finite.
    """
    pieces, there = InPieces(model.denoise), hierarchy.to(model.members.device)
    done = 0
    for noised in _blocks(frames, frames_at_once(hierarchy.n_atoms)):
        numbers = range(done, done + len(noised))
        on_cpu, device = model.on_cpu, model.members.device
        try:
            found = _denoised(noised, numbers, replace(model, denoise=pieces), there, sigma, parameters, seed)
            on_cpu = None
        except Exception as error:
            if not is_full(error) or on_cpu is None:
                raise
        if on_cpu is not None:
            del model, pieces, there
            model, there = left_to_cpu(on_cpu, device), hierarchy.to("cpu")
            pieces = InPieces(model.denoise)
            note(f"from frame {done + 1} on, {model.notes[-1]}" if done else model.notes[-1])
            found = _denoised(noised, numbers, model, there, sigma, parameters, seed)
        done += len(noised)
        yield noised, found
    if pieces.size:
        note(pieces.note("frames", model.members.device))


def _blocks(frames: Iterable[np.ndarray], size: int) -> Iterator[Tensor]:
    """Yield frames in blocks, shape=(n_block, n_atoms, 3)."""
    rest = iter(frames)
    while block := list(islice(rest, size)):
        yield torch.from_numpy(np.stack(block))


def _denoised(
    noised: Tensor,
    numbers: range,
    model: Model,
    hierarchy: Hierarchy,
    sigma: float,
    parameters: DenoiseParameters,
    seed: int,
) -> Tensor:
    """Denoise the frames of these numbers, shape=(n_block, n_atoms, 3), float32 on the CPU."""
    device = model.members.device
    origin = torch.from_numpy(model.origin).float()
    x = (noised - origin).to(device)
    if parameters.known_pose != "fixed":
        draws = Draws(hierarchy, numbers, seed, device=device)
        turn, shift = draws.rotations(), draws.shifts()
        x = x @ turn.mT + shift
    found = model.denoise(x, sigma)
    atoms = broadcast_heads(found, hierarchy, parameters.gate) if parameters.multiscale else found.atoms
    if parameters.known_pose != "fixed":
        atoms = (atoms - shift) @ turn
    atoms = atoms.cpu()
    if not bool(atoms.isfinite().all()):
        raise PomodoroError(f"the denoiser returned numbers that are not finite at sigma {sigma:.4g}")
    return atoms + origin
