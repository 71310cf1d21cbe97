"""Which network is best at which level, with intervals over seeds and structures, in words.

A network's score at a level is the mean over the noises of all schemes of ln(rms error), so that a
difference of two scores stands for a ratio of errors. Networks are compared in pairs of one seed, which
were trained on the same random numbers, and all are asked about the same structures. The variance of a
difference is the sum of two: that of its mean over the seeds, by their scatter, and that over the
structures, by the jackknife (Efron & Stein, Ann. Stat. 9 (1981) 586). The interval is Student's, 95 %,
with the degrees of freedom of the seeds, or of the groups of structures where there is one seed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ..diffusion.precondition import LEVELS
from ..diffusion.training_task import Recipe, by_name
from .rating import Condition, Rating

_CONFIDENCE = 0.95
# How many of the networks that cannot be told from the best are named in a sentence.
_NAMED = 3


@dataclass(frozen=True)
class Difference:
    """By how much one error is larger than another: their ratio less 1, with its 95 % interval.

    Attributes
    ----------
    name : str
    ratio, low, high : float
        0.1 is 10 % more; the ends are infinite where there is one seed and one group of structures.
    """

    name: str
    ratio: float
    low: float
    high: float

    @property
    def is_told(self) -> bool:
        """Whether the interval is on one side of 0."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        """Return the name with the percentage and its interval."""
        return f"{self.name} {_percent(self.ratio)} ({_percent(self.low)} .. {_percent(self.high)})"


def _percent(ratio: float) -> str:
    """Return a ratio less 1 as a percentage with its sign."""
    return f"{100 * ratio:+.1f} %" if math.isfinite(ratio) else "n/a"


def log_errors(conditions: Sequence[Condition], level: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the scores of networks at a level, all structures together and without each group of them.

    Parameters
    ----------
    conditions : sequence of Condition
        On the same structures, of the same networks.
    level : int
        A place in `precondition.LEVELS`.

    Returns
    -------
    scores : ndarray, shape=(n_networks,)
        Not finite where there is no error, such as at the residue level of a single residue.
    without : ndarray, shape=(n_groups, n_networks)
        Empty where there is one group.
    """
    scores, without = [], []
    for condition in conditions:
        squares = condition.squares[..., level]
        total, count = squares.sum(1), squares.shape[1]
        with np.errstate(divide="ignore"):
            scores.append(np.log(total / count) / 2)
        group = np.unique(condition.groups, return_inverse=True)[1]
        sizes = np.bincount(group)
        if len(sizes) > 1:
            of_groups = np.stack([np.bincount(group, row) for row in squares])
            with np.errstate(divide="ignore", invalid="ignore"):
                without.append(np.log((total[:, None] - of_groups) / (count - sizes)).T / 2)
    return np.mean(scores, 0), np.mean(without, 0) if without else np.empty((0, len(scores[0])))


def difference(
    name: str, one: Sequence[int], other: Sequence[int], scores: np.ndarray, without: np.ndarray
) -> Difference:
    """Return by how much the errors of some networks are larger than those of others, seed by seed.

    Parameters
    ----------
    name : str
    one, other : sequence of int
        Numbers of networks, of the same seeds in the same order.
    scores, without : ndarray
        As of `log_errors`.
    """
    each = scores[list(one)] - scores[list(other)]
    mean, n_seeds = float(each.mean()), len(each)
    variance = float(each.var(ddof=1)) / n_seeds if n_seeds > 1 else 0.0
    n_groups = len(without)
    if n_groups:
        left = (without[:, list(one)] - without[:, list(other)]).mean(1)
        variance += (n_groups - 1) * float(left.var())
    freedom = n_seeds - 1 or n_groups - 1
    if freedom < 1:
        return Difference(name, math.expm1(mean), -math.inf, math.inf)
    reach = float(stats.t.ppf(0.5 + _CONFIDENCE / 2, freedom)) * math.sqrt(variance)
    return Difference(name, *(math.expm1(value) for value in (mean, mean - reach, mean + reach)))


@dataclass(frozen=True)
class Ranking:
    """Networks at one level, the best first.

    Attributes
    ----------
    level : str
    data : str
        What they were asked about.
    best : str
    others : list of Difference
        By how much the error of each other is larger, the least first.
    """

    level: str
    data: str
    best: str
    others: list[Difference]

    def __str__(self) -> str:
        """Return a sentence."""
        start = f"{self.level}s, on the noises of all schemes ({self.data}): {self.best}"
        equal = [other for other in self.others if not other.is_told]
        worse = [other for other in self.others if other.is_told]
        if not self.others:
            return f"{start} is alone"
        if not equal:
            return f"{start} is best; next is {worse[0]}"
        told = f"; {worse[0]} is worse" if worse else ""
        first, rest = equal[:_NAMED], equal[_NAMED:]
        more = f" and {len(rest)} more" if rest else ""
        return f"{start} leads, but the data cannot tell it from {', '.join(map(str, first))}{more}{told}"


def rankings(rating: Rating, recipes: Sequence[Recipe]) -> list[Ranking]:
    """Return the ranking at each level, on held-out structures where there are any."""
    if not rating.data:
        return []
    groups = by_name(recipes)
    data = rating.data[0]
    found = []
    for level, name in enumerate(LEVELS):
        scores, without = log_errors(rating.of(data), level)
        if not np.isfinite(scores).all():
            continue
        best = min(groups, key=lambda group: float(scores[groups[group]].mean()))
        others = [
            difference(group, members, groups[best], scores, without)
            for group, members in groups.items()
            if group != best
        ]
        found.append(Ranking(name, data, best, sorted(others, key=lambda other: other.ratio)))
    return found


def scaling_effects(rating: Rating, recipes: Sequence[Recipe]) -> dict[str, list[Difference]]:
    """Return by how much the error under ``levels`` is larger than under ``global``, scheme by scheme, by level."""
    groups = by_name(recipes)
    found: dict[str, list[Difference]] = {}
    for condition in rating.of(rating.data[0]) if rating.data else []:
        pair = [f"{condition.scheme.name} {scaling}" for scaling in ("levels", "global")]
        if not all(name in groups for name in pair):
            continue
        for level, name in enumerate(LEVELS):
            scores, without = log_errors([condition], level)
            if not np.isfinite(scores).all():
                continue
            one, other = (groups[part] for part in pair)
            found.setdefault(name, []).append(difference(condition.scheme.name, one, other, scores, without))
    return found
