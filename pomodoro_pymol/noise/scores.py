"""Local scores that noise leaves, expected: closed forms, without a draw.

The lDDT of Mariani et al., Bioinformatics 29 (2013) 2722: of the true distances below
15 A, the part kept within 0.5, 1, 2 and 4 A, averaged over the four. The noise moves one
atom of a pair relative to the other by a normal vector, of standard deviation per
coordinate

    s = sigma sqrt(2 (w_a [+ w_r where the residues differ] [+ w_c where the chains do]) / W)

so that a distance d becomes one of Rice's kind in space, and the part kept within t is
P(d - t < r < d + t). The project's own; the tests hold it against quadrature and Monte
Carlo. On the Calpha atoms of one chain it depends on (w_r + w_a) / W alone; the two scores
on heavy atoms, within residues and between them, tell more schemes apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from ..errors import PomodoroError
from ..structure.distances import KNOTS, LocalDistances
from ..structure.quality import LDDT_THRESHOLDS
from .sigma import AF3_LAW, LawOfSigma
from .weights import LevelWeights

#: A local score under which the structure is called lost.
SCORE_LOST = 0.5

# Standard deviations in angstrom at which every distance is kept, to double precision, and at which none is.
_NONE_LOST, _ALL_LOST = 0.01, 1e6


@dataclass(frozen=True, eq=False)
class LocalScores:
    """Expected score, 0 .. 1, of the pairs of each group; nan where a group has none.

    Attributes
    ----------
    residues : ndarray, shape=(n_residues,)
        Of the pairs that a residue has an atom in.
    chains : ndarray, shape=(n_chains,)
        Of the pairs that a chain has an atom in, each once.
    structure : float
        Of all pairs.
    residue_mean : float
        The mean of ``residues``, each counting alike.
    """

    residues: np.ndarray
    chains: np.ndarray
    structure: float
    residue_mean: float


#: The local scores that are told of a structure: what makes the pairs, and which mean of `LocalScores` is told.
TOLD_SCORES: tuple[tuple[Callable[..., LocalDistances], str], ...] = (
    (LocalDistances.of_calphas, "residue_mean"),
    (LocalDistances.within_residues, "structure"),
    (LocalDistances.between_residues, "structure"),
)


def expected_scores(distances: LocalDistances, weights: LevelWeights, sigma: float) -> LocalScores:
    """Return the expected score of pairs of a structure under noise of ``weights`` and ``sigma``.

    Parameters
    ----------
    distances : LocalDistances
        Which pairs: of Calpha atoms, or of heavy atoms within or between residues. Counted
        lengths leave an error below 1e-6.
    weights : LevelWeights
    sigma : float
        Angstrom.
    """
    chain_of = distances.residue_to_chain
    n_chains = int(chain_of.max()) + 1
    kept = _kept_at_knots(distances.counts, weights, sigma)
    of_residues = sum(counts @ kept[name] for name, counts in distances.counts.items())
    of_chains, pairs = np.zeros(n_chains), np.zeros(n_chains)
    for name, counts in distances.counts.items():
        once = 1.0 if name == "neither" else 0.5  # of how many ends a chain has
        of_chains += once * np.bincount(chain_of, counts @ kept[name], n_chains)
        pairs += once * np.bincount(chain_of, np.rint(counts.sum(-1)), n_chains)
    with np.errstate(divide="ignore", invalid="ignore"):
        return LocalScores(
            np.minimum(of_residues / distances.ends, 1.0),
            np.minimum(of_chains / pairs, 1.0),
            _weigh(distances.pooled, kept),
            _weigh(distances.residue_mean, kept),
        )


def expected_score(distances: LocalDistances, weights: LevelWeights, sigma: float, mean: str = "structure") -> float:
    """Return one value of `expected_scores`, much quicker.

    Parameters
    ----------
    distances, weights, sigma
        See `expected_scores`.
    mean : {"structure", "residue_mean"}
        Over all pairs, or over residues, as in `LocalScores`.

    Raises
    ------
    PomodoroError
        If ``mean`` is neither.
    """
    parts = _parts(distances, mean)
    return _weigh(parts, _kept_at_knots(parts, weights, sigma))


def z_at_score(
    distances: LocalDistances,
    weights: LevelWeights,
    score: float = 0.5,
    *,
    law: LawOfSigma = AF3_LAW,
    mean: str = "structure",
) -> float:
    """Return the z at which an expected score falls to ``score``, to 1e-6; nan where it never does.

    Parameters
    ----------
    distances, weights, mean
        See `expected_score`.
    score : float
        Between 0 and 1.
    law : LawOfSigma

    Raises
    ------
    PomodoroError
        If ``score`` or ``mean`` is none of these.
    """
    if not 0 < score < 1:
        raise PomodoroError(f"a score lies between 0 and 1: {score} does not")
    parts = _parts(distances, mean)

    def above(log_sigma: float) -> float:
        """Return by how much the expected score is above the wanted one."""
        return _weigh(parts, _kept_at_knots(parts, weights, float(np.exp(log_sigma)))) - score

    moving = [share for name, share in _apart(weights).items() if share > 0 and name in parts]
    low = np.log(_NONE_LOST / np.sqrt(2 * max(moving, default=1.0)))
    high = np.log(_ALL_LOST / np.sqrt(2 * min(moving, default=1.0)))
    if not above(low) > 0 > above(high):
        return float("nan")
    return law.z(float(np.exp(brentq(above, low, high, xtol=1e-9))))


def kept_share(lengths: np.ndarray, spread: float) -> np.ndarray:
    """Return the expected part of distances kept within the thresholds of lDDT.

    Parameters
    ----------
    lengths : ndarray
        True distances, angstrom; 0 where atoms lie on each other.
    spread : float
        Standard deviation of one atom relative to the other, angstrom per coordinate; 0
        where they move as one.

    Returns
    -------
    ndarray
        Of the same shape, 0 .. 1.
    """
    spread = max(spread, _NONE_LOST)
    limits = np.reshape(LDDT_THRESHOLDS, (-1,) + (1,) * np.ndim(lengths))
    reach = np.stack([lengths + limits, np.maximum(lengths - limits, 0)])
    longest, shortest = _below(reach, lengths, spread)
    return np.clip((longest - shortest).mean(0), 0, 1)


def _below(reach: np.ndarray, length: np.ndarray, spread: float) -> np.ndarray:
    """Return the probability that a distance, truly ``length``, is below ``reach``.

    ``Phi((x-d)/s) + Phi((x+d)/s) - 1 - s/(d sqrt(2 pi)) (exp(-(x-d)^2/2s^2) - exp(-(x+d)^2/2s^2))``,
    written so that nothing cancels at d = 0, where it is Maxwell's.
    """
    near, far, exponent = (reach - length) / spread, (reach + length) / spread, 2 * reach / spread * (length / spread)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(exponent > 0, -np.expm1(-exponent) / exponent, 1.0)
    density = np.sqrt(2 / np.pi) * (reach / spread) * np.exp(-0.5 * near**2) * ratio
    return ndtr(near) - ndtr(-far) - density


def _apart(weights: LevelWeights) -> dict[str, float]:
    """Return the share of the variance that two atoms do not have in common, by what they share."""
    c, r, a = weights.shares
    return {"residue": a, "chain": r + a, "neither": c + r + a}


def _parts(distances: LocalDistances, mean: str) -> dict[str, np.ndarray]:
    if mean not in ("structure", "residue_mean"):
        raise PomodoroError(f"mean must be structure or residue_mean, not {mean!r}")
    return distances.pooled if mean == "structure" else distances.residue_mean


def _kept_at_knots(shared: Iterable[str], weights: LevelWeights, sigma: float) -> dict[str, np.ndarray]:
    apart = _apart(weights)
    return {name: _at_knots(sigma * (2 * apart[name]) ** 0.5) for name in shared}


@lru_cache(maxsize=1024)
def _at_knots(spread: float) -> np.ndarray:
    """Return `kept_share` at the knots, once for all that is scored under the same noise; 3 kB each."""
    return kept_share(KNOTS, spread)


def _weigh(parts: dict[str, np.ndarray], kept: dict[str, np.ndarray]) -> float:
    return min(sum(float(part @ kept[name]) for name, part in parts.items()), 1.0)
