"""The inverse problem: weights that give a wanted ratio, displacement or shares.

Each follows from the closed forms of `levels`: squared, they are linear in the shares of
the weights, so the expectation under one weight alone is its coefficient.
"""

from __future__ import annotations

import math

from ..errors import PomodoroError
from ..structure.hierarchy import Hierarchy
from .expected import expected_levels
from .levels import Levels
from .weights import FLAT, LevelWeights

_RESIDUE = LevelWeights(0, 1, 0)


def weights_for_ratio(hierarchy: Hierarchy, ratio: float, like: LevelWeights) -> LevelWeights:
    """Return weights whose expected residue rms / atom rms is ``ratio``.

    The ratio fixes the atom share alone: (1 - ratio**2) / (1 - h), with h the mean of
    1 / atoms per residue. The rest is split between chain and residue as in ``like``.

    Raises
    ------
    PomodoroError
        If no weights reach the ratio: it lies between sqrt(h) and 1.
    """
    single = hierarchy.n_atoms == hierarchy.n_residues  # then a residue is its atom, whatever the weights
    lowest = 1.0 if single else expected_levels(hierarchy, FLAT).ratio
    needed = 0.0 if single else (1 - ratio**2) / (1 - lowest**2)
    if ratio < 0 or not (0 <= needed <= 1) or (single and ratio != 1):
        raise PomodoroError(
            f"residue / atom = {ratio:g} cannot be reached: all weight on atoms gives {lowest:.4f}, none gives 1"
            + (f"; it would need an atom share of {needed:.3f}" if needed > 1 else "")
        )
    shared = like.chain + like.residue
    if needed < 1 and shared == 0:
        raise PomodoroError(f"residue / atom = {ratio:g} needs weight on chains or residues: give wc or wr")
    split = (1 - needed) / shared if shared else 0.0
    return LevelWeights(split * like.chain, split * like.residue, needed)


def weights_for_relative(hierarchy: Hierarchy, displacement: float, sigma: float, like: LevelWeights) -> LevelWeights:
    """Return weights whose expected residue displacement relative to the chain is ``displacement``.

    Residue to atom stays as in ``like``; the rest of the variance goes to the chains, which
    do not move residues relative to themselves.

    Parameters
    ----------
    displacement : float
        Rms in space, angstrom, so that it compares with distances: sqrt(3) times
        ``residue_relative`` of `expected_levels`.
    sigma : float
        Angstrom per coordinate.

    Raises
    ------
    PomodoroError
        If no chain has two residues, or the displacement is not reached at this sigma even
        without chain weight.
    """
    if hierarchy.is_alone.all():
        raise PomodoroError("no chain has two residues, so none moves relative to its chain: ask for shares or a ratio")
    if not (like.residue or like.atom):
        raise PomodoroError("a displacement relative to the chain needs weight on residues or atoms: give wr or wa")
    inner = LevelWeights(0, like.residue, like.atom)
    most, best = (
        math.sqrt(3) * expected_levels(hierarchy, weights, sigma).residue_relative for weights in (inner, _RESIDUE)
    )
    if not (0 < displacement <= most):
        raise PomodoroError(
            f"{displacement:g} A in space relative to the chain cannot be reached at sigma {sigma:.4g} A per "
            f"coordinate: wr:wa = {like.residue:g}:{like.atom:g} reaches {most:.4g} A in space without chain weight, "
            f"residue weight alone {best:.4g} A; raise z"
        )
    inside = (displacement / most) ** 2
    _, residue, atom = inner.shares
    return LevelWeights(1 - inside, inside * residue, inside * atom)


def weights_for_shares(hierarchy: Hierarchy, chain: float, residue: float, atom: float) -> LevelWeights:
    """Return weights whose expected variance shares are in the proportions given.

    Raises
    ------
    PomodoroError
        If the shares are not those of any weights: atoms alone leave some variance to
        residues and chains, and residues some to chains.
    """
    wanted = LevelWeights(chain, residue, atom).shares
    of_residue, of_atom = expected_levels(hierarchy, _RESIDUE), expected_levels(hierarchy, FLAT)
    a = wanted[2] / of_atom.atom_share if of_atom.atom_share else 0.0
    rest = wanted[1] - a * of_atom.residue_share
    r = rest / of_residue.residue_share if of_residue.residue_share else 0.0
    c = 1 - a - r
    # A level without members of its own has no share, whatever its weight.
    amiss = (wanted[2] and not of_atom.atom_share) or (rest > 1e-12 and not of_residue.residue_share)
    if amiss or min(a, r, c) < -1e-12:
        raise PomodoroError(
            f"shares {_text(*wanted)} cannot be reached here: atom weight alone gives {_text(*_shares(of_atom))}, "
            f"residue weight alone {_text(*_shares(of_residue))}, and weights only mix these with chain weight"
        )
    return LevelWeights(max(c, 0.0), max(r, 0.0), max(a, 0.0))


def _shares(levels: Levels) -> tuple[float, float, float]:
    return levels.chain_share, levels.residue_share, levels.atom_share


def _text(*shares: float) -> str:
    return ":".join(f"{share:.3f}" for share in shares)
