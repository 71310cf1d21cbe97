"""Preconditioning of a denoiser, for one sigma or per structural level.

    D = c_skip x + c_out F(c_in x, c_noise)
    c_skip = S / (S + v),  c_out = sqrt(S v / (S + v)),  c_in = 1 / sqrt(S + v)

with S the variance of the data and v that of the noise, per coordinate (Karras et al.
2022, EDM, section 5). c_noise is ln(sigma) / 4 there and ln(sigma / sigma_data) / 4 in
the AF3 family (Abramson et al. 2024, SI algorithm 20).

Three variants are compared, each a set of scalings for the chain means, the residue
means about them, and the atoms about those (`heads.split_levels`):

global
    One sigma and one sigma_data for all, as the AF3 family has it.
levels
    Each level its own noise variance, of which w_a / n is a part, and its own sigma_data.
note
    The researcher's note: sigma_r = sqrt(w_r / W) sigma, sigma_c alike, sigma itself for
    the atoms, and one sigma_data.

Linear-skip error and target variance are the project's own closed forms; they treat the
levels as independent, which is exact for residues of equal size and good to some 3 % for
natural ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from .errors import PomodoroError
from .heads import Estimate, join_levels, split_levels
from .hierarchy import Hierarchy, group_sum
from .schedule import CONVENTIONS, SIGMA_DATA, VARIANTS
from .weights import LevelWeights

#: Numbers of chain, residue and atom level, in this order.
PerLevel: TypeAlias = tuple[float, float, float]

#: Takes scaled coordinates, (n_samples, n_atoms, 3), and c_noise, (n_samples, 3), and returns
#: atoms, (n_samples, n_atoms, 3), or a tuple of atoms, residues and chains.
Network: TypeAlias = Callable[[Tensor, Tensor], "Tensor | Sequence[Tensor]"]

LEVELS = ("chain", "residue", "atom")

_NO_SPREAD = 1e-9  # square angstrom


@dataclass(frozen=True)
class Scalings:
    """Scalings of one level.

    Attributes
    ----------
    c_skip, c_out, c_in, c_noise : float
        ``c_out`` in angstrom, ``c_in`` in 1 / angstrom.
    """

    c_skip: float
    c_out: float
    c_in: float
    c_noise: float


def edm_scalings(sigma: float, sigma_data: float = SIGMA_DATA, convention: str = "af3") -> Scalings:
    """Return the scalings for one sigma and sigma_data, in angstrom.

    Raises
    ------
    PomodoroError
        If either is not positive and finite, or the convention is unknown.
    """
    if convention not in CONVENTIONS:
        raise PomodoroError(f"convention must be one of {', '.join(CONVENTIONS)}, not {convention!r}")
    if not (0 < sigma < math.inf and 0 < sigma_data < math.inf):
        raise PomodoroError(f"sigma and sigma_data must be positive and finite, not {sigma:g} and {sigma_data:g}")
    total = sigma**2 + sigma_data**2
    c_noise = math.log(sigma / sigma_data if convention == "af3" else sigma) / 4
    return Scalings(sigma_data**2 / total, sigma * sigma_data / math.sqrt(total), 1 / math.sqrt(total), c_noise)


def noise_variances(hierarchy: Hierarchy, weights: LevelWeights, sigma: float) -> PerLevel:
    """Return the noise variance of each level per coordinate, square angstrom.

    Of the chain means (over atoms), of the residues' own motion with the mean of their
    atoms' (w_r + w_a / n, averaged over residues), and of the atoms' own.
    """
    c, r, a = (sigma**2 * share for share in weights.shares)
    size, in_chain = hierarchy.atoms_per_residue.double(), hierarchy.atoms_per_chain.double()
    sum_p2 = group_sum(size.square(), hierarchy.residue_to_chain, hierarchy.n_chains) / in_chain.square()
    chain = c + float(((r * sum_p2 + a / in_chain) * in_chain).sum()) / hierarchy.n_atoms
    return chain, r + a * float((1 / size).mean()), a


def degrees_of_freedom(hierarchy: Hierarchy) -> PerLevel:
    """Return the share that each level's variance has in the mean over atoms."""
    in_residues = (hierarchy.n_residues - hierarchy.n_chains) / hierarchy.n_residues
    return 1.0, in_residues, (hierarchy.n_atoms - hierarchy.n_residues) / hierarchy.n_atoms


def data_variances(states: Tensor, hierarchy: Hierarchy, shift: float = 1.0) -> PerLevel:
    """Measure the data variance of each level per coordinate, square angstrom.

    Parameters
    ----------
    states : Tensor, shape=(n_states, n_atoms, 3)
        Angstrom. Each is centred, and shifted by ``shift`` times a standard normal, as in
        training by the AF3 family; orientation is taken as uniform.
    hierarchy : Hierarchy
    shift : float
        Angstrom.

    Returns
    -------
    chain, residue, atom : float
        Per degree of freedom; 1 where a level has none, or no spread.
    """
    squares = [0.0] * 3
    for state in states:  # one at a time: float64 and its parts take many times what a state does
        chain, residue, atom = split_levels((state - state.mean(0)).double(), hierarchy)
        on_atoms = (hierarchy.broadcast(chain, "chain"), hierarchy.broadcast(residue, "residue"), atom)
        squares = [total + float(part.square().mean()) / len(states) for total, part in zip(squares, on_atoms)]
    squares[0] += shift**2
    shares = degrees_of_freedom(hierarchy)
    c, r, a = (square / free if square > _NO_SPREAD else 1.0 for square, free in zip(squares, shares))
    return c, r, a


def level_scalings(
    variant: str,
    hierarchy: Hierarchy,
    weights: LevelWeights,
    sigma: float,
    *,
    data: PerLevel,
    sigma_data: float = SIGMA_DATA,
    convention: str = "af3",
) -> tuple[Scalings, Scalings, Scalings]:
    """Return the scalings of chain, residue and atom level.

    Parameters
    ----------
    variant : {"levels", "global", "note"}
        See the head of this module.
    hierarchy : Hierarchy
    weights : LevelWeights
    sigma : float
        Angstrom.
    data : tuple of float
        Data variance of each level, square angstrom: `data_variances`. For ``levels`` alone.
    sigma_data : float
        Angstrom. For ``global`` and ``note``.
    convention : {"af3", "edm"}

    Raises
    ------
    PomodoroError
        If the variant is unknown, or a level that it needs has no noise.
    """
    c, r, _ = weights.shares
    if variant == "global":
        pairs = [(sigma, sigma_data)] * 3
    elif variant == "note":
        pairs = [(sigma * math.sqrt(c), sigma_data), (sigma * math.sqrt(r), sigma_data), (sigma, sigma_data)]
    elif variant == "levels":
        noise = noise_variances(hierarchy, weights, sigma)
        pairs = [(math.sqrt(v), math.sqrt(s)) for v, s in zip(noise, data)]
    else:
        raise PomodoroError(f"variant must be one of {', '.join(VARIANTS)}, not {variant!r}")
    silent = [level for level, (own, _) in zip(LEVELS, pairs) if not own]
    if silent:
        raise PomodoroError(f"variant {variant} needs noise at the {silent[0]} level: give w{silent[0][0]} a weight")
    chain, residue, atom = (edm_scalings(*pair, convention) for pair in pairs)
    return chain, residue, atom


def linear_skip_error(scalings: Scalings, noise: float, data: float) -> float:
    """Return the mean squared error of ``c_skip x`` alone, square angstrom per coordinate."""
    return scalings.c_skip**2 * noise + (1 - scalings.c_skip) ** 2 * data


def target_variance(scalings: Scalings, noise: float, data: float) -> float:
    """Return the variance of what the network is to predict, (y - c_skip x) / c_out; 1 is ideal."""
    return linear_skip_error(scalings, noise, data) / scalings.c_out**2


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
