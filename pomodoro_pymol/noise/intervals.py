"""How far measured levels can be trusted, and where those of the next draw will lie.

Every value of `Levels` follows from a sum of parts, or from the quotient of two sums: of the mean
squares of chains (those of more than one residue, and residues that are a chain of their own), of
residues in chains, and of atoms in residues (of both kinds). Of Gaussian noise the parts are
independent, and distributed as chi-square with 2 / v degrees of freedom, where v is the relative
variance that `spread.variances` gives (Satterthwaite 1946).

- The interval of a value takes one part after the other to its own ends, and adds what that moves
  as the root of a sum of squares, downward and upward apart (Graybill and Wang 1980; Zou and
  Donner 2008). Ends are found for logarithms, or log odds of shares: none leaves its range.
- The next draw has the quantiles of a shifted chi-square with the first three moments of the sums.
  What is not known of these is added in the same way.

That displacements are like the noise of some weights is a prior, which counts as `PRIOR` frames
do. The spread of the frames themselves is measured too, and takes over with their number, or at
once where it is far larger. The next draw needs no assumption once there are draws enough to tell.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special

from ..structure.hierarchy import Hierarchy
from .expected import expected_levels
from .levels import Levels, MeanSquares, level_names, levels_of_squares
from .spread import Layout, Variances, over, variances
from .weights import LevelWeights

#: How many frames the assumed spread counts for.
PRIOR = 6
#: Frames that spread more than those assumed would with this probability are believed alone.
DOUBT = 0.001

_PARTS = ("chains", "alone", "residues", "atoms", "atoms_alone", "chain", "relative", "neighbor")
_SHARES = ("chain_share", "residue_share", "atom_share")
_RATIOS = ("ratio", "ratio_relative")


def confidence(
    frames: MeanSquares, hierarchy: Hierarchy, scale: float = 1.0, coverage: float = 0.95
) -> tuple[Levels, Levels]:
    """Return the ends of the confidence interval of the `Levels` of some frames.

    Parameters
    ----------
    frames : MeanSquares
        Arrays of shape=(..., n_frames), of two frames or more, which are averaged over.
    hierarchy : Hierarchy
    scale : float
        Of the lengths.
    coverage : float

    Notes
    -----
    ``ratio`` ends at 1, and ``ratio_relative`` at what residue weight alone gives (1 where
    residues are alike): noise of no weights exceeds these. Where residues differ in size what
    was measured can, and the interval then ends there.
    """
    layout, squares = Layout(hierarchy), _mean(frames)
    known = _widths(frames, squares, layout, coverage)
    residues_alone = expected_levels(hierarchy, LevelWeights(0, 1, 0)).ratio_relative
    return _ends(squares, scale, known, (1.0, float(np.fmax(residues_alone, 1.0))))


def prediction(
    frames: MeanSquares, hierarchy: Hierarchy, scale: float = 1.0, coverage: float = 0.95
) -> tuple[Levels, Levels]:
    """Return the ends of the interval in which the `Levels` of the next draw lie.

    Parameters are those of `confidence`. Where (n_frames + 1) (1 - coverage) / 2 is 1 or more
    (39 frames for 95 %) the ends are interpolated order statistics of the frames, which hold
    the next whatever the law of the displacements.
    """
    tail = (1 - coverage) / 2
    if (frames.residue.shape[-1] + 1) * tail > 1 - 1e-9:
        draws = vars(levels_of_squares(frames, scale))
        low, high = (
            Levels(**{name: np.quantile(values, end, axis=-1, method="weibull") for name, values in draws.items()})
            for end in (tail, 1 - tail)
        )
        return low, high
    layout, squares = Layout(hierarchy), _mean(frames)
    drawn = _widths(frames, squares, layout, coverage, draw=True)
    largest = [_largest_ratio(n) for n in (layout.n, layout.n[layout.moves])]
    return _ends(squares, scale, drawn, largest)


def _largest_ratio(sizes: np.ndarray) -> float:
    """Return residue / atom of a draw in which nothing but the smallest residue moves."""
    return float(np.sqrt(sizes.sum() / (len(sizes) * sizes.min()))) if len(sizes) else 1.0


def _mean(frames: MeanSquares) -> MeanSquares:
    return MeanSquares(*(values.mean(-1) for values in frames))


def _ends(
    squares: MeanSquares, scale: float, widths: Sequence[np.ndarray], bounds: Sequence[float]
) -> tuple[Levels, Levels]:
    """Go ``widths`` down and up from the logarithms of squares and odds."""
    levels = vars(levels_of_squares(squares, scale))
    ends = []
    for sign, width in zip((-1, 1), widths):
        factors = dict(zip(level_names(), np.exp(sign * width)))
        values = {name: value * np.sqrt(factors[name]) for name, value in levels.items()}
        for name in _SHARES:
            odds = levels[name] * factors[name]
            values[name] = odds / (odds + (1 - levels[name]))
        for name, bound in zip(_RATIOS, bounds):
            values[name] = np.minimum(values[name], np.maximum(levels[name], bound))
        ends.append(Levels(**values))
    return ends[0], ends[1]


def _widths(
    frames: MeanSquares, squares: MeanSquares, layout: Layout, coverage: float, draw: bool = False
) -> list[np.ndarray]:
    """Half-widths downward and upward, each of shape=(n_values, ...): of the mean, or of the next draw."""
    n = frames.residue.shape[-1]
    one = variances(layout, squares)
    top, bottom, parts, blur, exact = _sums(squares, layout, one)
    # Slopes of the logarithm of the quotient by those of the parts give its variance to first order.
    slope = top - bottom
    first_order = (slope**2 * parts).sum(1) + blur
    first_order = np.where(first_order > 1e-20, first_order, 0)  # what does not vary, but for rounding
    variance = np.where(np.isnan(exact), first_order, exact) / n
    measured = (_deviations(frames) ** 2).sum(-1) / (n * (n - 1))
    # Deviations are of the mean that they are part of: of chi-square, 1 / (1 + variance) of theirs.
    measured = measured * (1 + variance)
    believed = (n - 1) * measured <= special.chdtri(n - 1, DOUBT) * variance
    prior = np.where(believed, PRIOR, 0)
    spread = (prior * variance + (n - 1) * measured) / (prior + n - 1)
    # Student's t, for a spread of which the measured share is as uncertain as that of n frames.
    freedom = (prior + n - 1) ** 2 / (n - 1)
    probability = (1 + coverage) / 2
    beyond = special.ndtri(probability)
    factor = np.sqrt(over(spread, first_order / n)) * special.stdtrit(freedom, probability) / beyond
    widths = [np.hypot(width, beyond * np.sqrt(blur / n)) for width in _moved(top, bottom, parts / n, probability)]
    if draw:
        reach = np.minimum(50 * np.sqrt(first_order), 40)
        quantiles = _quantiles(top, bottom, parts, probability, reach)
        drawn = [np.hypot(width, beyond * np.sqrt(blur)) for width in quantiles]
        widths = [np.hypot(*both) for both in zip(widths, drawn)]
    return [factor * width for width in widths]


def _sums(
    squares: MeanSquares, layout: Layout, one: Variances
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What the values of `Levels`, in order, are made of.

    Returns
    -------
    top, bottom : ndarray, shape=(n_values, n_parts, ...)
        Shares of the parts in the sum above and, but for lengths, in that below.
    parts : ndarray, shape=(n_parts, ...)
        Relative variances of the parts, of one frame.
    blur, exact : ndarray, shape=(n_values, ...)
        Variance of the logarithm that is of no part, and all of it; nan for the sum over parts.
    """
    moves = layout.moves
    atoms_inside, residues_inside = layout.n[moves].sum() / layout.n.sum(), moves.mean()

    def part(inside: np.ndarray, whole: np.ndarray, fraction: float) -> tuple[np.ndarray, np.ndarray]:
        """What of the whole is in chains of more than one residue, and the rest."""
        if moves.all():
            return whole, 0 * whole
        share = fraction * np.nan_to_num(inside)
        return share, np.maximum(whole - share, 0)

    def row(**amounts: np.ndarray) -> np.ndarray:
        """Return the share of each of `_PARTS` in a sum of these amounts, shape=(n_parts, ...)."""
        values = np.stack([amounts.get(name, 0 * squares.residue) for name in _PARTS])
        return over(values, values.sum(0))

    chains, alone = part(squares.chains_inside, squares.of_chains, atoms_inside)
    atoms, atoms_alone = part(squares.atoms_inside, squares.of_atoms, atoms_inside)
    means, means_alone = part(squares.means_inside, squares.residue, residues_inside)
    residues = squares.of_residues
    weighting = over(means, chains + residues)
    blur = over(means, squares.residue) ** 2 * one.weighting
    of_chains = {"chains": chains, "alone": alone}
    of_atoms = {"atoms": atoms, "atoms_alone": atoms_alone}
    atom = row(**of_chains, residues=residues, **of_atoms)
    residue = row(chains=weighting * chains, residues=weighting * residues, alone=means_alone)
    inside = row(residues=squares.residues_inside, atoms=squares.atoms_inside)
    relative = row(residues=squares.relative)
    none, zero, unknown = np.zeros_like(atom), np.zeros_like(blur), np.full_like(blur, np.nan)
    sums = {
        "atom": (atom, none, zero, unknown),
        "residue": (residue, none, blur, one.residue),
        "chain": (row(chain=squares.chain), none, zero, unknown),
        "atom_relative": (inside, none, zero, unknown),
        "residue_relative": (row(relative=squares.relative), none, zero, unknown),
        "ratio": (residue, atom, blur, one.ratio),
        "ratio_relative": (relative, inside, one.weighting_relative, one.ratio_relative),
        "chain_share": (row(**of_chains), row(residues=residues, **of_atoms), zero, unknown),
        "residue_share": (row(residues=residues), row(**of_chains, **of_atoms), zero, unknown),
        "atom_share": (row(**of_atoms), row(**of_chains, residues=residues), zero, unknown),
        "neighbor": (row(neighbor=squares.neighbor), none, zero, unknown),
    }
    top, bottom, blurs, exact = (np.stack(column) for column in zip(*(sums[name] for name in level_names())))
    return top, bottom, np.stack([getattr(one, name) for name in _PARTS]), blurs, exact


def _deviations(frames: MeanSquares) -> np.ndarray:
    """What each frame adds to the logarithms, of shape=(n_values, ..., n_frames), to first order."""

    def sums(*names: str) -> np.ndarray:
        """Return the deviations of a sum of these squares from its mean, over the mean."""
        values = sum(getattr(frames, name) for name in names)
        return over(values - values.mean(-1, keepdims=True), values.mean(-1, keepdims=True))

    parts = ("of_chains", "of_residues", "of_atoms")
    atom, inside = sums(*parts), sums("residues_inside", "atoms_inside")
    residue, relative = sums("residue"), sums("relative")
    chain_odds, residue_odds, atom_odds = (
        sums(part) - sums(*(other for other in parts if other != part)) for part in parts
    )
    values = {
        "atom": atom,
        "residue": residue,
        "chain": sums("chain"),
        "atom_relative": inside,
        "residue_relative": relative,
        "ratio": residue - atom,
        "ratio_relative": relative - inside,
        "chain_share": chain_odds,
        "residue_share": residue_odds,
        "atom_share": atom_odds,
        "neighbor": sums("neighbor"),
    }
    return np.stack([values[name] for name in level_names()])


def _moved(top: np.ndarray, bottom: np.ndarray, parts: np.ndarray, probability: float) -> list[np.ndarray]:
    """How far down and up values go that are known from parts of some relative variance.

    Parts that raise a value are added up as a sum, and so are those that lower it.
    """
    half = over(1, parts)
    raises = top >= bottom
    moves = []
    for tail in (probability, 1 - probability):
        factor = np.where(half > 0, over(half, special.gammaincinv(half, tail)) - 1, 0)
        change = (1 + top * factor) / (1 + bottom * factor)
        moves.append(
            [
                np.sqrt(((value - 1) ** 2).sum(1))
                for value in (np.where(raises, change, 1), np.where(raises, 1, 1 / change))
            ]
        )
    (numerator_down, denominator_down), (numerator_up, denominator_up) = moves
    return [
        np.hypot(np.log1p(-numerator_down), np.log1p(denominator_up)),
        np.hypot(np.log1p(numerator_up), np.log1p(-denominator_down)),
    ]


def _quantiles(
    top: np.ndarray, bottom: np.ndarray, parts: np.ndarray, probability: float, reach: np.ndarray
) -> list[np.ndarray]:
    """How far down and up, no further than ``reach``, values are drawn from parts of some relative variance.

    The quotient is below q where top - q bottom is below 0, which is a sum of chi-squares.
    """
    places = np.stack([np.zeros_like(top[:, 0])] * 2)
    tails = np.array([1 - probability, probability]).reshape(2, *[1] * (places.ndim - 1))
    for step in 0.5 ** np.arange(1, 25):
        q = np.exp(places)
        terms = top - q[:, :, None] * bottom
        places = places + np.where(_below_zero(1 - q, terms, parts) < tails, step, -step) * reach
    return [-places[0], places[1]]


def _below_zero(mean: np.ndarray, terms: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Probability of a sum of chi-squares below 0: of a shifted one with the same three moments."""
    second, third = (terms**2 * parts).sum(2), 2 * (terms**3 * parts**2).sum(2)
    half = np.minimum(np.where(third == 0, np.inf, over(4 * second**3, third**2)), 1e6)
    skew = np.where(third < 0, -1, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        place = half - skew * np.sqrt(half) * np.where(mean == 0, 0, mean / np.sqrt(second))
    below = special.gammainc(half, np.maximum(place, 0))
    return np.where(third < 0, 1 - below, below)
