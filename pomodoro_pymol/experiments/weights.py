"""Weights that are asked for: solved for a target, beside those of the presets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..errors import PomodoroError
from ..noise.expected import expected_levels
from ..noise.gauge import GaugeMoments
from ..noise.inverse import weights_for_ratio, weights_for_relative, weights_for_shares
from ..noise.neighbors import order_kept, own_place_nearest
from ..noise.presets import all_presets, save_preset
from ..noise.sigma import LawOfSigma
from ..noise.weights import LevelWeights
from ..parameters.catalogue import NoiseParameters, WeightsParameters
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy
from ..utils.text import formatted, levels_of
from .level_table import shares_text


@dataclass(frozen=True, eq=False)
class WeightsResult:
    """Weights that were asked for, on the structure that they are for.

    Attributes
    ----------
    structure : Structure
    hierarchy : Hierarchy
    parameters : WeightsParameters
    weights : LevelWeights
        Solved for the target of the parameters, or as given.
    """

    structure: Structure
    hierarchy: Hierarchy
    parameters: WeightsParameters
    weights: LevelWeights

    def report(self, selection: str | None = None) -> str:
        """Return the closed forms as ASCII text; for a selection, that of PyMOL, also the run that uses the weights."""
        asked, law = self.parameters, self.parameters.law_of_sigma
        lines = [weights_text(self.structure, self.hierarchy, self.weights, asked.noise_sigma, law)]
        if selection is not None:
            line = noise_line(asked, self.weights, selection).to_text()
            lines.append(f" to use them: {line}" + (f", or preset={asked.save}" if asked.save else ""))
        lines.append(padding_text(self.hierarchy, asked, self.weights, selection or ""))
        return "\n".join(filter(None, lines))


def run_weights(structure: Structure, parameters: WeightsParameters) -> WeightsResult:
    """Return the weights that are asked for, and keep them as a preset where that is.

    Raises
    ------
    PomodoroError
        As of `solve_weights`, or of `save_preset`.
    """
    hierarchy = Hierarchy.from_structure(structure)
    weights = solve_weights(hierarchy, parameters)
    if parameters.save:
        save_preset(parameters.save, weights)
    return WeightsResult(structure, hierarchy, parameters, weights)


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
        wrong = f"shares must be chain:residue:atom, as in 0.3:0.6:0.1, not {parameters.shares!r}"
        return weights_for_shares(hierarchy, *levels_of(parameters.shares, wrong))
    return like


def weights_text(
    structure: Structure, hierarchy: Hierarchy, weights: LevelWeights, sigma: float, law: LawOfSigma
) -> str:
    """Return the closed forms of weights beside those of the presets, as aligned ASCII text.

    Parameters
    ----------
    structure : Structure
    hierarchy : Hierarchy
        Of the same atoms.
    weights : LevelWeights
    sigma : float
        Angstrom per coordinate.
    law : LawOfSigma
        Says by how much z falls where part of the noise is gauge.
    """
    schemes = {"these": weights, **all_presets()}
    closed = {name: expected_levels(hierarchy, scheme, sigma) for name, scheme in schemes.items()}
    lines = [f" {'':12}{'wc : wr : wa as shares':>26}{'r/a':>9}{'rel. r/a':>10}{'variance shares c:r:a':>24}"]
    for name, scheme in schemes.items():
        levels = closed[name]
        given = " : ".join(f"{share:.4f}" for share in scheme.shares)
        relative = formatted(levels.ratio_relative, ".4f")
        lines.append(f" {name:12}{given:>26}{levels.ratio:>9.4f}{relative:>10}{shares_text(levels):>24}")
    lines += [
        " gauge: shares of translation, rotation, between chains, within chains; z shift: z_internal - z;",
        " rel., next: rms displacement of residues relative to their chain, and to the next in it;",
        " order, place: expected shares of residues still in order with the next, and nearest to their own place",
        f" {'':12}{'gauge t:r:b:w':>25}{'z shift':>9}{'rel., A in space':>18}{'next, A in space':>18}"
        f"{'order':>7}{'place':>7}",
    ]
    moments = GaugeMoments.of(structure.coords, hierarchy)
    for name, scheme in schemes.items():
        gauge = moments.split(scheme)
        parts = ":".join(f"{part:.3f}" for part in (gauge.translation, gauge.rotation, gauge.between, gauge.within))
        relative = formatted(math.sqrt(3) * closed[name].residue_relative, ".4g")
        following = formatted(math.sqrt(3) * closed[name].neighbor, ".4g")
        order = formatted(order_kept(structure.coords, hierarchy, scheme, sigma), ".3f")
        place = formatted(own_place_nearest(structure.coords, hierarchy, scheme, sigma), ".3f")
        shift = formatted(round(gauge.z_shift(law), 2) + 0.0, ".2f")
        lines.append(f" {name:12}{parts:>25}{shift:>9}{relative:>18}{following:>18}{order:>7}{place:>7}")
    if hierarchy.is_alone.all():
        lines.append(" n/a: no chain has two residues")
    return "\n".join(lines)


def noise_line(parameters: WeightsParameters, weights: LevelWeights, selection: str = "") -> NoiseParameters:
    """Return the run that uses ``weights`` at the noise level of ``parameters``."""
    level = {"z": parameters.z} if parameters.sigma is None else {"sigma": parameters.sigma}
    return _line(parameters, weights, selection, level)


def padding_text(
    hierarchy: Hierarchy, parameters: WeightsParameters, weights: LevelWeights, selection: str = ""
) -> str:
    """Return what part of the solved ``weights`` only pads the variance, and the lower z that does without; or nothing.

    On one chain the chain weight is a translation, which centring removes. On several it
    moves no residue relative to its chain.
    """
    wanted = parameters.relative is not None or (
        hierarchy.n_chains == 1 and (parameters.ratio is not None or bool(parameters.shares))
    )
    share = weights.shares[0]
    if not (wanted and share):
        return ""
    if hierarchy.n_chains == 1:
        reason = f" wc is {share:.3f} of the variance: it moves the one chain as a whole, which centring removes;"
    else:
        reason = f" wc is {share:.3f} of the variance: it moves whole chains, and no residue relative to its chain;"
    if share == 1:
        return f"{reason} nothing else is left"
    inner = parameters.weights if parameters.relative is not None else weights
    law, sigma = parameters.law_of_sigma, parameters.noise_sigma * math.sqrt(1 - share)
    z = round(law.z(sigma), 4)
    level = {"z": z} if parameters.sigma is None and -6 <= z <= 6 else {"sigma": float(f"{sigma:.5g}")}
    try:
        lower = _line(parameters, LevelWeights(0, inner.residue, inner.atom), selection, level).to_text()
    except PomodoroError:  # less than pomnoise takes
        lower = f"sigma {sigma:.4g} A per coordinate"
    return f"{reason}\n the same inside, without it: {lower}"


def _line(
    parameters: WeightsParameters, weights: LevelWeights, selection: str, level: dict[str, Any]
) -> NoiseParameters:
    names = ("state", "law", "p_mean", "p_std", "sigma_data")
    return NoiseParameters(
        selection=selection,
        wc=weights.chain,
        wr=weights.residue,
        wa=weights.atom,
        **level,
        **{name: getattr(parameters, name) for name in names},
    )
