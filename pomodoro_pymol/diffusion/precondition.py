"""Preconditioning of a denoiser, for one sigma or per structural level.

    D = c_skip x + c_out F(c_in x, c_noise)
    c_skip = S / (S + v),  c_out = sqrt(S v / (S + v)),  c_in = 1 / sqrt(S + v)

with S the variance of the data and v that of the noise, per coordinate (Karras et al.
2022, EDM, section 5). c_noise is ln(sigma) / 4 there and ln(sigma / sigma_data) / 4 in
the AF3 family (Abramson et al. 2024, SI algorithm 20).

Three variants are compared, each a set of scalings for the chain means, the residue
means about them, and the atoms about those (`hierarchy.split_levels`):

global
    One sigma and one sigma_data for all, as the AF3 family has it.
levels
    Each level its own noise variance, as `noise_variances` has it, and its own sigma_data.
note
    The researcher's note: sigma_r = sqrt(w_r / W) sigma, sigma_c alike, sigma itself for
    the atoms, and one sigma_data.

Linear-skip error and target variance are the project's own closed forms. They are means over
all atoms, and exact for residues and chains of any size, since the levels are orthogonal. The
residue level is that of means about their chain, not of where a residue is; for a head that
gives either there are `residue_noises` and `residue_spreads`, means over residues.

Centred, noise and data are without the translation of the whole. Its projector J = 1 1^T / N
is part of the chain level's, P_c, so that P_c - J takes the place of P_c, and the other levels
stay as they are: of one chain nothing is left of the level, of several their means about the
centroid, which have C - 1 degrees of freedom and the chain share less tr(J Sigma) / N of the
variance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor

from ..errors import PomodoroError
from ..noise.expected import expected_levels, expected_residues
from ..noise.gauge import translation_share
from ..noise.sigma import SIGMA_DATA
from ..noise.weights import LevelWeights
from ..structure.hierarchy import Hierarchy, split_levels
from .choices import CONVENTIONS, VARIANTS

#: Numbers of chain, residue and atom level, in this order.
PerLevel: TypeAlias = tuple[float, float, float]


LEVELS = ("chain", "residue", "atom")

#: Standard deviation of the random shift that training by the AF3 family gives a structure, angstrom per coordinate.
SHIFT = 1.0

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

    @property
    def sigma(self) -> float:
        """Standard deviation of the noise that they are made for, angstrom."""
        return self.c_out / math.sqrt(self.c_skip)

    @property
    def sigma_data(self) -> float:
        """Standard deviation of the data that they are made for, angstrom."""
        return math.sqrt(self.c_skip) / self.c_in

    @property
    def loss_weight(self) -> float:
        """Weight of the squared error that goes with them, 1 / c_out**2, per square angstrom.

        Of one sigma, ``(sigma**2 + sigma_data**2) / (sigma sigma_data)**2`` (Karras et al. 2022,
        table 1).
        """
        return 1 / self.c_out**2


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


def noise_variances(hierarchy: Hierarchy, weights: LevelWeights, sigma: float, *, centred: bool = False) -> PerLevel:
    """Return the noise variance of each level per coordinate, square angstrom.

    The level's share of the variance (`expected_levels`) over its `degrees_of_freedom`,
    exact for groups of any size. Where all chains are of one residue, the residue level has
    neither; it gets what it has between residues of equal size, w_r + w_a over the mean size.
    ``centred`` takes the translation of the whole away: 0 for the chain level of one chain.
    """
    levels, (_, of_residue, _) = expected_levels(hierarchy, weights), degrees_of_freedom(hierarchy)
    _, r, a = weights.shares
    chain = float(levels.chain_share)
    if centred:
        of_chain, _, _ = degrees_of_freedom(hierarchy, centred=True)
        chain = (chain - translation_share(hierarchy, weights)) / of_chain if of_chain else 0.0
    residue = levels.residue_share / of_residue if of_residue else r + a * hierarchy.n_residues / hierarchy.n_atoms
    # Of the atoms' own, share over freedom is the weight itself, also where there is none.
    return sigma**2 * chain, sigma**2 * float(residue), sigma**2 * a


def degrees_of_freedom(hierarchy: Hierarchy, *, centred: bool = False) -> PerLevel:
    """Return the share that each level's variance has in the mean over atoms.

    A group's mean is one point: 1 for chains, (C - 1) / C if ``centred``, (R - C) / R for
    residues about them, (N - R) / N for atoms about those, so that variances are per mean of a
    group.
    """
    in_whole = (hierarchy.n_chains - 1) / hierarchy.n_chains if centred else 1.0
    in_residues = (hierarchy.n_residues - hierarchy.n_chains) / hierarchy.n_residues
    return in_whole, in_residues, (hierarchy.n_atoms - hierarchy.n_residues) / hierarchy.n_atoms


def own_sigma_data(hierarchy: Hierarchy, data: PerLevel) -> float:
    """Return the standard deviation per coordinate of data of these level variances, angstrom."""
    return math.sqrt(sum(free * own for free, own in zip(degrees_of_freedom(hierarchy), data)))


def data_variances(states: Tensor, hierarchy: Hierarchy, shift: float = SHIFT) -> PerLevel:
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
        Per degree of freedom, as `noise_variances`; 1 where a level has none, or no spread.
    """
    squares = [0.0] * 3
    for state in states:  # one at a time: float64 and its parts take many times what a state does
        chain, residue, atom = split_levels((state - state.mean(0)).double(), hierarchy)
        on_atoms = (hierarchy.broadcast(chain, "chain"), hierarchy.broadcast(residue, "residue"), atom)
        squares = [total + float(part.square().mean()) / len(states) for total, part in zip(squares, on_atoms)]
    squares[0] += shift**2
    return per_freedom(squares, degrees_of_freedom(hierarchy))


def per_freedom(squares: Sequence[float], freedom: PerLevel) -> PerLevel:
    """Return mean squares over atoms as variances per degree of freedom; 1 where a level has none, or no spread."""
    c, r, a = (square / free if square > _NO_SPREAD else 1.0 for square, free in zip(squares, freedom))
    return c, r, a


def shift_variance(hierarchy: Hierarchy, data: PerLevel) -> float:
    """Return what of the data's chain variance is the random shift, square angstrom: all of it for one chain."""
    return data[0] if hierarchy.n_chains == 1 else min(data[0], SHIFT**2)


def centred_data(hierarchy: Hierarchy, data: PerLevel) -> PerLevel:
    """Return `data_variances` without the random shift of the whole, per degree of freedom of the centred levels."""
    of_chain, _, _ = degrees_of_freedom(hierarchy, centred=True)
    chain = (data[0] - shift_variance(hierarchy, data)) / of_chain if of_chain else 0.0
    return chain, *data[1:]


def residue_noises(hierarchy: Hierarchy, weights: LevelWeights, sigma: float) -> tuple[float, float]:
    """Return the noise variance of residue means per coordinate, about their chain's mean and as they are.

    Square angstrom, means over residues, each counting once: as they are,
    ``(w_c + w_r + w_a mean(1 / n)) / W sigma**2``.
    """
    each = expected_residues(hierarchy, weights, sigma)
    return float((each.residue_relative**2).mean()), float((each.residue**2).mean())


def residue_spreads(states: Tensor, hierarchy: Hierarchy, shift: float = SHIFT) -> tuple[float, float]:
    """Measure the data variance of residue means per coordinate, about their chain's mean and as they are.

    Square angstrom, means over residues; parameters as of `data_variances`.
    """
    relative = absolute = 0.0
    for state in states:
        chain, in_chain, _ = split_levels((state - state.mean(0)).double(), hierarchy)
        relative += float(in_chain.square().mean()) / len(states)
        absolute += float((in_chain + chain[hierarchy.residue_to_chain]).square().mean()) / len(states)
    return relative, absolute + shift**2


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
