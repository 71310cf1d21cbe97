"""A network as a denoiser: its scalings, and the shapes of what goes in and comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

import torch
from torch import Tensor

from ..errors import PomodoroError
from ..noise.sigma import SIGMA_DATA
from ..noise.weights import LevelWeights
from ..structure.hierarchy import Hierarchy, group_sum, join_levels, split_levels
from .estimate import Estimate
from .precondition import PerLevel, Scalings, level_scalings

#: Takes scaled coordinates, (n_samples, n_atoms, 3), and c_noise, (n_samples, 3), and returns
#: atoms, (n_samples, n_atoms, 3), or a tuple of atoms, residues and chains.
Network: TypeAlias = Callable[[Tensor, Tensor], "Tensor | Sequence[Tensor]"]


class NetworkDenoiser:
    """A network under preconditioning.

    Parameters
    ----------
    network : callable
        See `denoise_scaled`.
    hierarchy : Hierarchy
    weights : LevelWeights
        Of the noise.
    variant : {"levels", "global", "note"}
    data : tuple of float
        Data variance of each level, square angstrom.
    sigma_data : float
        Angstrom.
    convention : {"af3", "edm"}
    """

    def __init__(
        self,
        network: Network,
        hierarchy: Hierarchy,
        weights: LevelWeights,
        *,
        variant: str = "global",
        data: PerLevel = (SIGMA_DATA**2,) * 3,
        sigma_data: float = SIGMA_DATA,
        convention: str = "af3",
    ) -> None:
        self.network = network
        self.hierarchy = hierarchy
        self.weights = weights
        self._denoise = partial(edm_denoise, variant=variant, data=data, sigma_data=sigma_data, convention=convention)

    def __call__(self, x: Tensor, sigma: float) -> Estimate:
        """Estimate the truth of ``x``, shape=(n_samples, n_atoms, 3), noised by ``sigma`` angstrom."""
        with torch.no_grad():
            return self._denoise(self.network, x, sigma, self.hierarchy, self.weights)


def edm_denoise(
    network: Network,
    x: Tensor,
    sigma: float,
    hierarchy: Hierarchy,
    weights: LevelWeights,
    *,
    variant: str = "global",
    data: PerLevel = (SIGMA_DATA**2,) * 3,
    sigma_data: float = SIGMA_DATA,
    convention: str = "af3",
) -> Estimate:
    """Denoise by a network under preconditioning for ``sigma``.

    Parameters
    ----------
    network, x, hierarchy
        As for `denoise_scaled`.
    sigma, weights, variant, data, sigma_data, convention
        As for `level_scalings`.
    """
    scalings = level_scalings(
        variant, hierarchy, weights, sigma, data=data, sigma_data=sigma_data, convention=convention
    )
    return denoise_scaled(network, x, hierarchy, scalings)


def denoise_scaled(
    network: Network, x: Tensor, hierarchy: Hierarchy, scalings: tuple[Scalings, Scalings, Scalings]
) -> Estimate:
    """Denoise by a network under given scalings.

    Parameters
    ----------
    network : callable
        ``network(coords, c_noise)`` with coords, shape=(n_samples, n_atoms, 3), each level
        scaled by its c_in, and c_noise, shape=(n_samples, 3), of chain, residue and atom
        level, alike under one sigma. Returns the atoms, shape=(n_samples, n_atoms, 3), or
        a tuple of atoms, residue means (n_samples, n_residues, 3) and chain means
        (n_samples, n_chains, 3), all before c_out.
    x : Tensor, shape=(n_samples, n_atoms, 3)
        Noised coordinates, angstrom.
    hierarchy : Hierarchy
    scalings : tuple of Scalings
        Of chain, residue and atom level: `level_scalings`.

    Returns
    -------
    Estimate
        Without residues and chains where the network has no such heads.

    Raises
    ------
    PomodoroError
        If the network returns other shapes, or numbers that are not finite.
    """
    parts = split_levels(x, hierarchy)
    scaled = [level.c_in * part for level, part in zip(scalings, parts)]
    c_noise = x.new_tensor([level.c_noise for level in scalings]).expand(len(x), 3)
    outputs = network(join_levels(scaled, hierarchy), c_noise)
    outputs = _check_outputs(outputs, x, hierarchy)
    skipped = [level.c_skip * part for level, part in zip(scalings, parts)]

    def estimate(*predicted: Tensor) -> list[Tensor]:
        return [skip + level.c_out * part for skip, level, part in zip(skipped, scalings, predicted)]

    atoms = join_levels(estimate(*split_levels(outputs[0], hierarchy)), hierarchy)
    if len(outputs) == 1:
        return Estimate(atoms)
    chain_of = hierarchy.residue_to_chain
    size = hierarchy.atoms_per_residue.to(x)[:, None]
    weighted = group_sum((size * outputs[1]).mT, chain_of, hierarchy.n_chains).mT
    in_chain = weighted / hierarchy.atoms_per_chain.to(x)[:, None]
    chain, residue = estimate(in_chain, outputs[1] - in_chain.index_select(-2, chain_of))
    return Estimate(atoms, residue + chain.index_select(-2, chain_of), estimate(outputs[2])[0])


def _check_outputs(outputs: Tensor | Sequence[Tensor], x: Tensor, hierarchy: Hierarchy) -> list[Tensor]:
    """Return what a network gave as a list of one or three tensors like ``x``."""
    found = [outputs] if isinstance(outputs, Tensor) else list(outputs) if isinstance(outputs, (tuple, list)) else []
    counts = (hierarchy.n_atoms, hierarchy.n_residues, hierarchy.n_chains)
    wanted = [(*x.shape[:-2], count, 3) for count in counts]
    shapes = [tuple(part.shape) if isinstance(part, Tensor) else type(part).__name__ for part in found]
    if shapes not in (wanted[:1], wanted):
        raise PomodoroError(
            f"the network must return atoms {wanted[0]}, or a tuple of atoms, residues {wanted[1]} and chains "
            f"{wanted[2]}, not {', '.join(map(str, shapes)) or type(outputs).__name__}"
        )
    if not all(bool(torch.isfinite(part).all()) for part in found):
        raise PomodoroError("the network returned numbers that are not finite")
    return [part.to(x) for part in found]
