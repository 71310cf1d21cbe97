"""Weights that are asked for: solved for a target, beside those of the presets."""

from __future__ import annotations

from ..errors import PomodoroError
from ..noise.expected import expected_levels
from ..noise.inverse import weights_for_ratio, weights_for_relative, weights_for_shares
from ..noise.presets import all_presets
from ..noise.weights import LevelWeights
from ..parameters.catalogue import WeightsParameters
from ..structure.hierarchy import Hierarchy


def solve_weights(hierarchy: Hierarchy, parameters: WeightsParameters) -> LevelWeights:
    """Return the weights that are asked for: solved for a target, or as given.

    Raises
    ------
    PomodoroError
        If the target cannot be reached, with the reason.
    """
    like = parameters.weights
    if parameters.ratio is not None:
        return weights_for_ratio(hierarchy, parameters.ratio, like)
    if parameters.relative is not None:
        return weights_for_relative(hierarchy, parameters.relative, parameters.noise_sigma, like)
    if parameters.shares:
        try:
            chain, residue, atom = (float(share) for share in parameters.shares.split(":"))
        except ValueError:
            raise PomodoroError(
                f"shares must be chain:residue:atom, as in 0.3:0.6:0.1, not {parameters.shares!r}"
            ) from None
        return weights_for_shares(hierarchy, chain, residue, atom)
    return like


def weights_text(hierarchy: Hierarchy, weights: LevelWeights, sigma: float) -> str:
    """Return the closed forms of weights beside those of the presets, as aligned ASCII text."""
    lines = [
        f" {'':12}{'wc : wr : wa as shares':>26}{'r/a':>9}{'rel. r/a':>10}{'rel. A':>9}{'variance shares c:r:a':>24}"
    ]
    for name, scheme in {"these": weights, **all_presets()}.items():
        levels = expected_levels(hierarchy, scheme, sigma)
        given = " : ".join(f"{share:.4f}" for share in scheme.shares)
        shares = f"{levels.chain_share:.3f}:{levels.residue_share:.3f}:{levels.atom_share:.3f}"
        lines.append(
            f" {name:12}{given:>26}{levels.ratio:>9.4f}{levels.ratio_relative:>10.4f}"
            f"{levels.residue_relative:>9.4g}{shares:>24}"
        )
    return "\n".join(lines)
