"""What noise teaches: the law of training, the loss and the information, level by level, in closed form.

Training draws ln(sigma) from a normal law and weighs the squared error by
``lambda = 1 / c_out**2 = (sigma**2 + sigma_data**2) / (sigma sigma_data)**2`` (Karras et al.
2022, EDM, table 1, as in Boltz; the SI of AF3 prints ``(sigma + sigma_data)**2`` above).
With S the variance of the data at a level and v = u sigma**2 that of the noise, both per
degree of freedom of the level:

law
    ``v**0.5`` is log-normal as sigma is, its P_mean moved by ``ln(u) / 2``.
start
    The loss of a network that predicts zero, and what is to be learnt where the truth is
    determined: ``E[lambda dof ((1 - c_skip)**2 S + c_skip**2 v)]``, E over the law. With one
    c_skip it is linear in the shares of the variance of the noise, and its sum is the same
    under all weights: they say where the loss lies, not how much there is.
lost by one c_skip
    The start less that of a c_skip of each level's own. It is not what can be learnt: it
    changes its order with sigma_data, and the residues' does not even rise with their weight.
information
    ``E[3/2 n ln(1 + S / v)]`` nats, n the number of means of a level.

Alignment takes the translation and the rotation of the whole out of noise and data, to first
order (`noise.gauge`). The project's own; the tests hold all of it against draws, quadrature
and dense linear algebra.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from ..errors import PomodoroError
from ..noise.expected import expected_levels
from ..noise.sigma import LawOfSigma, quantile
from ..noise.weights import LevelWeights
from ..structure.hierarchy import Hierarchy
from .precondition import PerLevel, degrees_of_freedom, noise_variances, shift_variance

#: Where the scalings and the weight of the loss come from: one sigma and sigma_data, or each level's own.
SOURCES = ("global", "levels")

# For the law, a trapezoidal sum that converges as fast as these integrands are smooth: to rounding.
_Z = np.linspace(-9, 9, 577)
_P = np.exp(-0.5 * _Z**2) / np.exp(-0.5 * _Z**2).sum()


@dataclass(frozen=True)
class LevelVariances:
    """Variances of chain, residue and atom level, per coordinate.

    Attributes
    ----------
    data : tuple of float
        Square angstrom per degree of freedom, as of `data_variances`.
    noise : tuple of float
        The same of noise of unit sigma, as of `noise_variances`.
    freedom : tuple of float
        Share of each level in a mean over atoms: `degrees_of_freedom`.
    rigid_data, rigid_noise : tuple of float
        What alignment takes of either, in the mean over atoms.
    """

    data: PerLevel
    noise: PerLevel
    freedom: PerLevel
    rigid_data: PerLevel
    rigid_noise: PerLevel

    @classmethod
    def of(cls, hierarchy: Hierarchy, weights: LevelWeights, data: PerLevel, gauge: Tensor) -> LevelVariances:
        """Return the variances under ``weights``.

        Parameters
        ----------
        hierarchy : Hierarchy
        weights : LevelWeights
        data : tuple of float
            As of `data_variances`. Alignment takes the random shift of it, and all where there
            is one chain.
        gauge : Tensor, shape=(3, 3)
            Of the structure: `level_gauge`.
        """
        chain, residue, atom = (
            sum(share * float(part) for share, part in zip(weights.shares, level)) for level in gauge.T
        )
        return cls(
            data,
            noise_variances(hierarchy, weights, 1.0),
            degrees_of_freedom(hierarchy),
            (shift_variance(hierarchy, data), 0.0, 0.0),
            (chain, residue, atom),
        )


def over_law(law: LawOfSigma, value: Callable[[np.ndarray], np.ndarray]) -> float:
    """Return the mean of a function of sigma over the law of training."""
    return float(value(law.sigma_data * np.exp(law.p_mean + law.p_std * _Z)) @ _P)


def level_law(law: LawOfSigma, noise: float) -> LawOfSigma:
    """Return the law of the standard deviation of a level's noise.

    Parameters
    ----------
    law : LawOfSigma
        Of sigma.
    noise : float
        Variance of the level under unit sigma, above 0: it moves P_mean by ``ln(noise) / 2``.
    """
    return replace(law, p_mean=law.p_mean + math.log(noise) / 2)


def z_at_snr(law: LawOfSigma, noise: float, data: float, snr: float = 1.0) -> float:
    """Return the z at which data have ``snr`` times the variance of a level's noise; inf without noise.

    Parameters
    ----------
    law : LawOfSigma
    noise, data : float
        Variances of the level: under unit sigma, and in square angstrom.
    snr : float
    """
    return law.z(math.sqrt(data / (snr * noise))) if noise else math.inf


def share_in_window(law: LawOfSigma, noise: float, data: float, low: float = 0.1, high: float = 10.0) -> float:
    """Return the share of training in which data have ``low`` to ``high`` times the variance of a level's noise."""
    if not noise:
        return 0.0
    return quantile(z_at_snr(law, noise, data, low)) - quantile(z_at_snr(law, noise, data, high))


def start_losses(
    levels: LevelVariances,
    law: LawOfSigma,
    *,
    scaling: str = "global",
    loss_weight: str = "global",
    aligned: bool = False,
) -> PerLevel:
    """Return the loss of a network that predicts zero, of each level; see the head of this module.

    Parameters
    ----------
    levels : LevelVariances
    law : LawOfSigma
        Its sigma_data is that of the scalings, too.
    scaling, loss_weight : {"global", "levels"}
        Whose c_skip, and whose c_out is in ``lambda = 1 / c_out**2``.
    aligned : bool
        Without translation and rotation of the whole.

    Returns
    -------
    chain, residue, atom : float
        Without unit, means over atoms and coordinates; nan where a level without noise has a
        weight of its own loss alone.

    Raises
    ------
    PomodoroError
        If ``scaling`` or ``loss_weight`` is neither.
    """
    for name, source in (("scaling", scaling), ("loss_weight", loss_weight)):
        if source not in SOURCES:
            raise PomodoroError(f"{name} must be one of {', '.join(SOURCES)}, not {source!r}")
    parts = zip(levels.data, levels.noise, levels.freedom, levels.rigid_data, levels.rigid_noise)

    def loss(data: float, noise: float, freedom: float, rigid_data: float, rigid_noise: float) -> float:
        """Return that of one level."""
        if not noise and loss_weight == "levels":
            return math.nan if scaling == "global" and freedom else 0.0
        own, common = (data, noise), (law.sigma_data**2, 1.0)
        still = max(freedom * data - (aligned and rigid_data), 0.0)
        moving = max(freedom * noise - (aligned and rigid_noise), 0.0)

        def of_sigma(sigma: np.ndarray) -> np.ndarray:
            """Return lambda times the squared error that zero leaves, at each sigma."""
            skips = _skip(sigma, *(own if scaling == "levels" else common))
            s, v = own if loss_weight == "levels" else common
            return (1 / s + 1 / (v * sigma**2)) * ((1 - skips) ** 2 * still + skips**2 * moving * sigma**2)

        return over_law(law, of_sigma)

    chain, residue, atom = (loss(*part) for part in parts)
    return chain, residue, atom


def shares_of(losses: PerLevel) -> PerLevel:
    """Return each level's part of the sum; nan where there is none."""
    total = sum(losses)
    chain, residue, atom = (loss / total if total else math.nan for loss in losses)
    return chain, residue, atom


def lost_by_one_skip(levels: LevelVariances, law: LawOfSigma) -> PerLevel:
    """Return what of `start_losses` one c_skip loses that one of each level's own does not; no measure of learning."""
    one, own = start_losses(levels, law), start_losses(levels, law, scaling="levels")
    chain, residue, atom = (lost - left for lost, left in zip(one, own))
    return chain, residue, atom


def information(levels: LevelVariances, hierarchy: Hierarchy, law: LawOfSigma) -> PerLevel:
    """Return what noised coordinates tell of the data at each level, nats, a mean over training; inf without noise."""
    c, r, n = hierarchy.n_chains, hierarchy.n_residues, hierarchy.n_atoms

    def nats(count: int, data: float, noise: float) -> float:
        """Return those of a level of so many means."""
        if not (count and noise):
            return math.inf if count else 0.0
        return 1.5 * count * over_law(law, lambda sigma: np.log1p(data / (noise * sigma**2)))

    chain, residue, atom = (nats(*part) for part in zip((c, r - c, n - r), levels.data, levels.noise))
    return chain, residue, atom


def weights_for_loss_share(
    hierarchy: Hierarchy, residue: float, data: PerLevel, law: LawOfSigma, like: LevelWeights
) -> LevelWeights:
    """Return weights under which the residues have a wanted share of the start.

    Chain to atom weight stays as in ``like``. The share then rises with the residue weight,
    from that of none to that of all.

    Parameters
    ----------
    hierarchy : Hierarchy
    residue : float
        Share of the start with one c_skip and the law's sigma_data, the whole's motion with it.
    data : tuple of float
        As of `data_variances`.
    law : LawOfSigma
    like : LevelWeights

    Raises
    ------
    PomodoroError
        If the share is not reached, with what can be and why.
    """
    if not (like.chain or like.atom):
        raise PomodoroError("a share of the loss needs weight on chains or atoms to weigh against: give wc or wa")
    rest = LevelWeights(like.chain, 0, like.atom)
    _, freedom, _ = degrees_of_freedom(hierarchy)
    spread = sum(free * own for free, own in zip(degrees_of_freedom(hierarchy), data))
    one = law.sigma_data**2
    of_data = over_law(law, lambda sigma: (1 / one + sigma**-2) * (1 - _skip(sigma, one, 1.0)) ** 2)
    of_noise = over_law(law, lambda sigma: (1 / one + sigma**-2) * _skip(sigma, one, 1.0) ** 2 * sigma**2)
    least, most = (float(expected_levels(hierarchy, end).residue_share) for end in (rest, LevelWeights(0, 1, 0)))

    def share(variance: float) -> float:
        """Return the share of the start under noise of which the residues have this part of the variance."""
        return (of_data * freedom * data[1] + of_noise * variance) / (of_data * spread + of_noise)

    wanted = (residue * (of_data * spread + of_noise) - of_data * freedom * data[1]) / of_noise
    if most - least < 1e-12:
        reason = "each residue is one atom, so that wr and wa are the same" if freedom else "each chain is one residue"
        raise PomodoroError(
            f"a residue share of {residue:g} cannot be reached: it is {share(least):.4f} whatever wr is, as {reason}"
        )
    if not least <= wanted < most:
        raise PomodoroError(
            f"a residue share of {residue:g} cannot be reached: {share(least):.4f} is left without wr (spread of the "
            f"data, and what wc:wa = {like.chain:g}:{like.atom:g} moves residues), and it stays below "
            f"{share(most):.4f} however large wr is (the rest is spread of the data, and what residues move chains)"
        )
    weight = (like.chain + like.atom) * (wanted - least) / (most - wanted)
    return LevelWeights(like.chain, weight, like.atom)


def _skip(sigma: np.ndarray, data: float, noise: float) -> np.ndarray:
    return data / (data + noise * sigma**2)
