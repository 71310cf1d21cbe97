"""What noise teaches, as asked for by a command: sentences, tables, CSV, and weights for a wanted share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..diffusion.budget import shares_of, weights_for_loss_share
from ..diffusion.precondition import LEVELS, PerLevel
from ..noise.presets import all_presets, parse_schemes
from ..noise.scores import SCORE_LOST
from ..noise.sigma import LawOfSigma
from ..noise.weights import LevelWeights, Scheme
from ..parameters.catalogue import NoiseParameters, SignalParameters
from ..parameters.shared import MAX_WEIGHT
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy
from ..utils.text import aligned, csv_text, formatted
from . import outputs
from .scalings import check_data, measure_data
from .teaching import SchemeSignal, TrainingSignal, training_signal


@dataclass(frozen=True, eq=False)
class SignalResult:
    """What was asked for by `SignalParameters`, found.

    Attributes
    ----------
    parameters : SignalParameters
    structure : Structure
    hierarchy : Hierarchy
    signal : TrainingSignal
    origin : str
        Where the variances of the data are from.
    weights : LevelWeights or None
        Those that give the wanted share of the loss.
    """

    parameters: SignalParameters
    structure: Structure
    hierarchy: Hierarchy
    signal: TrainingSignal
    origin: str
    weights: LevelWeights | None

    def report(self) -> str:
        """Return sentences and tables as ASCII text."""
        schemes = self.signal.under(self.signal.laws()[0])
        spread = zip(LEVELS, schemes[0].of_levels("data"))
        deviations = ", ".join(f"{level} {value**0.5:.3g} A" for level, value in spread)
        lines = [
            f" {self.hierarchy}; {self.parameters.law_of_sigma}",
            f" standard deviation of the data per coordinate: {deviations} ({self.origin})",
            signal_text(self.signal),
        ]
        if self.weights is not None:
            lines += _solution_lines(self.parameters, self.weights, schemes)
        return "\n".join(lines)

    def csv(self) -> str:
        """Return a row per scheme, level and sigma_data."""
        return signal_csv(self.signal)

    def figure(self) -> Any:
        """Draw what noise teaches; return a ``matplotlib.figure.Figure``."""
        from .figures import signal_figure

        return signal_figure(self.signal)


def check_signal(parameters: SignalParameters) -> None:
    """Refuse schemes, data and files to write that are none, before any work is done.

    Raises
    ------
    PomodoroError
        As of `parse_schemes`, `outputs.check_paths` and `check_data`.
    ImportError
        If a figure is wanted, and matplotlib is not installed.
    """
    parse_schemes(parameters.presets)
    outputs.check_paths(parameters.csv, parameters.figure)
    outputs.check_figures(parameters.figure)
    check_data(parameters.data, parameters.csv, parameters.figure)


def run_signal(structure: Structure, states: np.ndarray, parameters: SignalParameters) -> SignalResult:
    """Return what noise teaches, and the weights for a wanted share of the loss.

    Parameters
    ----------
    structure : Structure
    states : ndarray, shape=(n_states, n_atoms, 3)
        Angstrom, of the same atoms.
    parameters : SignalParameters

    Raises
    ------
    PomodoroError
        If a scheme or the data given are none, or the share cannot be reached.
    """
    schemes, law = parse_schemes(parameters.presets), parameters.law_of_sigma
    hierarchy = Hierarchy.from_structure(structure)
    data, origin = measure_data(states, hierarchy, parameters.data)
    given, weights = parameters.weights, None
    if parameters.residue is not None:
        weights = weights_for_loss_share(hierarchy, parameters.residue, data, law, given)
        schemes += [_given_scheme(parameters), Scheme(f"residue={parameters.residue:g}", weights)]
    elif given != SignalParameters().weights:
        schemes.append(_given_scheme(parameters))
    first = {scheme.weights.shares: scheme for scheme in reversed(schemes)}
    schemes = [scheme for scheme in schemes if first[scheme.weights.shares] is scheme]
    signal = training_signal(structure, states, hierarchy, schemes, law, data=data)
    return SignalResult(parameters, structure, hierarchy, signal, origin, weights)


def headline(name: str, shares: PerLevel, aligned: PerLevel, n_chains: int) -> str:
    """Return one sentence on where a scheme's loss lies, the largest part first.

    Parameters
    ----------
    name : str
    shares, aligned : tuple of float
        Of the start, as it is and after alignment.
    n_chains : int
    """
    whole = "the chain's translation" if n_chains == 1 else "the chains' translations"
    residues = f"residues ({_percent(aligned[1])} once aligned)"
    (most, first), *rest = sorted(zip(shares, (whole, residues, "atoms")), reverse=True)
    others = "".join(f", {_percent(share)} {what}" for share, what in rest)
    return f"{name}: {_percent(most)} of the loss is {first}{others}"


def signal_text(signal: TrainingSignal) -> str:
    """Return a signal as aligned ASCII text: its numbers, then a sentence per scheme, which a short window shows."""
    lines = [
        " loss: what a network that predicts zero leaves, mean of lambda (D - y)^2 over the law of training;",
        " chain:residue:atom as shares of 1, but loss and lost as they are; aligned: without translation and",
        " rotation of the whole; level weights: each level's own loss weight, one c_skip",
    ]
    for law in signal.laws():
        lines += _budget_lines(signal, law)
    if signal.n_states > 1:
        lines += _floor_lines(signal)
    lines += _law_lines(signal) + _score_lines(signal)
    first = signal.laws()[0]
    lines.append(f" the loss at the start, sigma_data {first.sigma_data:.4g} A per coordinate:")
    for s in signal.under(first):
        shares, aligned = s.of_levels("share"), s.of_levels("aligned_share")
        lines.append(f" {headline(s.scheme.name, shares, aligned, signal.n_chains)}")
    return "\n".join(lines)


def _budget_lines(signal: TrainingSignal, law: LawOfSigma) -> list[str]:
    schemes = signal.under(law)
    total = sum(schemes[0].of_levels("loss"))
    titles = ["", "loss", "share", "aligned share", "level weights", "lost by one c_skip"]
    fields = ("loss", "share", "aligned_share", "weighted_share", "lost")
    rows = [[s.scheme.name, *(_triple(s.of_levels(field)) for field in fields)] for s in schemes]
    own = _triple(shares_of(max((s.of_levels("own") for s in schemes), key=sum)))
    return [
        f" sigma_data {law.sigma_data:.4g} A per coordinate: loss {total:.3f} in all under every scheme",
        *aligned([titles, *rows]),
        f" each level's own c_skip and loss weight: shares {own} where it has noise, under every scheme",
    ]


def _floor_lines(signal: TrainingSignal) -> list[str]:
    laws = signal.laws()
    titles = ["", *(f"sigma_data {law.sigma_data:.4g} A per coordinate" for law in laws)]
    columns = [[_triple(s.of_levels("floor"), 5) for s in signal.under(law)] for law in laws]
    names = [s.scheme.name for s in signal.under(laws[0])]
    return [
        f" floor: loss that the exact denoiser of the {signal.n_states} states leaves, in known place and pose",
        *aligned([titles, *map(list, zip(names, *columns))]),
    ]


def _law_lines(signal: TrainingSignal) -> list[str]:
    law = signal.laws()[0]
    rows = []
    for s in signal.under(law):
        cells = [formatted(value, ".2f") for field in ("p_mean", "z_snr1") for value in s.of_levels(field)]
        rows.append([s.scheme.name, *cells, _triple(s.of_levels("window"), 2), _nats(s.of_levels("nats"))])
    titles = ["", "P_mean c", "r", "a", "z c", "r", "a", "window c:r:a", "nats c:r:a"]
    return [
        f" law of each level's noise at sigma_data {law.sigma_data:.4g} A per coordinate: P_mean, z where data and",
        " noise have one variance, window: share of training where their ratio is .1 to 10; nats: information",
        *aligned([titles, *rows]),
    ]


def _score_lines(signal: TrainingSignal) -> list[str]:
    law = signal.laws()[0]
    rows = []
    for s in signal.under(law):
        gauge = (s.gauge.translation, s.gauge.rotation, s.gauge.between, s.gauge.within)
        shift = formatted(round(s.gauge.z_shift(law), 2) + 0.0, ".2f")
        scores = [formatted(z, ".2f") for z in (s.z_ca, s.z_within, s.z_between)]
        rows.append([s.scheme.name, ":".join(f"{part:.3f}" for part in gauge), shift, *scores])
    return [
        " gauge: shares of translation, rotation, between chains, within chains; z shift: z_internal - z;",
        f" z at {SCORE_LOST:g}: where expected scores fall to it",
        *aligned([["", "gauge t:r:b:w", "z shift", "z at .5: Ca lDDT", "within residues", "between"], *rows]),
    ]


def _given_scheme(parameters: SignalParameters) -> Scheme:
    weights = parameters.weights
    known = (name for name, preset in all_presets().items() if preset.shares == weights.shares)
    numbers = f"{weights.chain:g}:{weights.residue:g}:{weights.atom:g}"
    return Scheme(parameters.preset or next(known, numbers), weights)


def _solution_lines(parameters: SignalParameters, weights: LevelWeights, schemes: Sequence[SchemeSignal]) -> list[str]:
    """Return the weights for a wanted share, what they cost the other levels, and the run that uses them."""
    given = parameters.weights
    before, after = (
        next(s.of_levels("share") for s in schemes if s.scheme.weights.shares == of.shares) for of in (given, weights)
    )
    change = ", ".join(f"{level} {one:.3f} -> {other:.3f}" for level, one, other in zip(LEVELS, before, after))
    numbers = (weights.chain, weights.residue, weights.atom)
    typed = numbers if max(numbers) <= MAX_WEIGHT else weights.shares
    chain, residue, atom = (float(f"{number:.9g}") for number in typed)
    line = NoiseParameters(selection=parameters.selection, wc=chain, wr=residue, wa=atom).to_text()
    return [
        f" residue={parameters.residue:g}: wr {weights.residue:.5g} at wc:wa = {given.chain:g}:{given.atom:g}, where "
        f"{given.residue:g} is given; the share rises with wr",
        f" shares of the loss, one c_skip, sigma_data {schemes[0].law.sigma_data:.4g} A per coordinate: {change}",
        f" to use them: {line}",
    ]


def signal_csv(signal: TrainingSignal) -> str:
    """Return a signal as CSV: one row per scheme, level and sigma_data."""
    header = (
        *("scheme", "level", "sigma_data", "loss", "share", "p_mean", "z_snr1", "window", "nats"),
        *("aligned_loss", "aligned_share", "level_weight_loss", "level_weight_share", "own_scaling_loss"),
        *("lost_by_one_c_skip", "floor_loss", "floor_error"),
        *("data_variance_per_coordinate", "unit_noise_variance", "wc", "wr", "wa"),
        *("translation_share", "rotation_share", "between_chains_share", "within_chains_share", "z_shift"),
        *("z_ca_lddt_half", "z_within_half", "z_between_half"),
    )
    rows = []
    for s in signal.schemes:
        weights, gauge = s.scheme.weights, s.gauge
        for own in s.levels:
            numbers = (
                *(own.loss, own.share, own.p_mean, own.z_snr1, own.window, own.nats),
                *(own.aligned, own.aligned_share, own.weighted, own.weighted_share, own.own),
                *(own.lost, own.floor, own.floor_error, own.data, own.noise),
                *(weights.chain, weights.residue, weights.atom),
                *(gauge.translation, gauge.rotation, gauge.between, gauge.within, gauge.z_shift(s.law)),
                *(s.z_ca, s.z_within, s.z_between),
            )
            labels = [s.scheme.name, own.level, f"{s.law.sigma_data:.6g}"]
            rows.append(labels + [f"{number:.6g}" for number in numbers])
    return csv_text(header, rows)


def _triple(values: PerLevel, digits: int = 3) -> str:
    return ":".join(formatted(abs(round(value, digits)), f".{digits}f").removeprefix("0") for value in values)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if math.isfinite(share) else "n/a"


def _nats(values: PerLevel) -> str:
    return ":".join(f"{value:.1f}" for value in values)
