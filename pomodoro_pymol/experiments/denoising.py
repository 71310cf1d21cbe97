"""A denoiser made from the states of an object, and frames denoised by it in one shot."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..diffusion.analytic import IdealDenoiser, WienerDenoiser
from ..diffusion.estimate import Denoiser, broadcast_heads
from ..diffusion.network import NetworkDenoiser
from ..diffusion.network_file import load_network
from ..diffusion.precondition import PerLevel, data_variances
from ..diffusion.sampling import Draws
from ..errors import PomodoroError
from ..noise.covariance import NestedCovariance
from ..noise.weights import LevelWeights
from ..parameters.catalogue import DenoiseParameters, SampleParameters
from ..structure.hierarchy import Hierarchy
from ..utils.devices import compute_device

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
    """

    denoise: Denoiser
    label: str
    members: Tensor
    origin: np.ndarray


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
) -> Model:
    """Make the denoiser that the parameters ask for.

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

    Raises
    ------
    PomodoroError
        If an ensemble is asked for and there is one state, or the denoiser refuses.
    """
    device = compute_device(parameters.device)
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
    if parameters.network:
        denoise = NetworkDenoiser(
            load_network(parameters.network, device),
            hierarchy,
            weights,
            variant=parameters.scaling,
            data=data_variances(members, hierarchy),
            sigma_data=parameters.sigma_data,
        )
        label = f"network {parameters.network}, preconditioning {parameters.scaling}"
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
    return Model(denoise, label, members, origin.numpy())


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
) -> Iterator[tuple[Tensor, Tensor]]:
    """Denoise frames in one shot; where the pose is unknown, each turned and shifted as in training, and back.

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
        Of turns and shifts: another than that of the noise, whose random numbers it would repeat.

    Yields
    ------
    noised, denoised : Tensor, shape=(n_block, n_atoms, 3)
        float32 on the CPU, angstrom.

    Raises
    ------
    PomodoroError
        If the denoiser returns numbers that are not finite.
    """
    device = model.members.device
    hierarchy = hierarchy.to(device)
    origin = torch.from_numpy(model.origin).float()
    size = frames_at_once(hierarchy.n_atoms)
    block: list[np.ndarray] = []
    done = 0

    def flush() -> tuple[Tensor, Tensor]:
        nonlocal done
        noised = torch.from_numpy(np.stack(block))
        x = (noised - origin).to(device)
        if parameters.known_pose != "fixed":
            draws = Draws(hierarchy, range(done, done + len(block)), seed, device=device)
            turn, shift = draws.rotations(), draws.shifts()
            x = x @ turn.mT + shift
        found = model.denoise(x, sigma)
        atoms = broadcast_heads(found, hierarchy, parameters.gate) if parameters.multiscale else found.atoms
        if not bool(atoms.isfinite().all()):
            raise PomodoroError(f"the denoiser returned numbers that are not finite at sigma {sigma:.4g}")
        if parameters.known_pose != "fixed":
            atoms = (atoms - shift) @ turn
        done += len(block)
        block.clear()
        return noised, atoms.cpu() + origin

    for frame in frames:
        block.append(frame)
        if len(block) == size:
            yield flush()
    if block:
        yield flush()
