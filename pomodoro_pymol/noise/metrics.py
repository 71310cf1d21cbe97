"""What a residue's colour can mean. A new metric is one more entry of ``METRICS``.

Lengths are per coordinate, but where a label says in space: that is sqrt(3) times as much.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    import numpy as np

    from ..structure.atoms import Structure
    from ..structure.distances import LocalDistances
    from ..structure.hierarchy import Hierarchy
    from .levels import ResidueLevels
    from .weights import LevelWeights

#: Residues are fully scrambled when they move this far in space relative to their chain:
#: the distance of consecutive alpha carbons, in angstrom.
CA_CA_DISTANCE = 3.8
#: A displacement in space over its rms per coordinate.
IN_SPACE = 3**0.5
#: In place of a metric: each atom by the direction in which it moves, frame by frame.
DIRECTION = "direction"


@dataclass(frozen=True)
class Metric:
    """One number per residue.

    Attributes
    ----------
    label : str
        What the number is.
    unit : str
        Empty for a pure number.
    span : tuple of float
        Values of the first and the last colour, unless others are asked for: the same for all
        schemes, so that they compare.
    compute : callable, optional
        From the measured and the expected `ResidueLevels`; the expected value of the
        metric is ``compute(expected, expected)``.
    pairs : str
        For a score that is expected, without a draw: the name of the `LocalDistances` that
        it is of.
    in_chain : bool
        Whether it is of motion relative to the chain, which a residue that is a chain of
        its own has none of.
    in_sigmas : bool
        Whether ``span`` is in units of sigma.
    over_expected : bool
        Whether ``compute`` takes what is expected too, so that it needs weights and sigma.
    """

    label: str
    unit: str
    span: tuple[float, float]
    compute: Callable[[ResidueLevels, ResidueLevels], np.ndarray] | None = None
    pairs: str = ""
    in_chain: bool = False
    in_sigmas: bool = False
    over_expected: bool = False


METRICS: dict[str, Metric] = {
    "ratio": Metric(
        "residue rms / atom rms",
        "",
        (0, 1),
        lambda measured, _: measured.residue / measured.atom,
    ),
    "relative": Metric(
        "residue rms / atom rms, relative to the chain",
        "",
        (0, 1),
        lambda measured, _: measured.residue_relative / measured.atom_relative,
        in_chain=True,
    ),
    "displacement": Metric(
        "residue rms",
        "A per coordinate",
        (0, 1),
        lambda measured, _: measured.residue,
        in_sigmas=True,
    ),
    "scramble": Metric(
        f"residue displacement relative to chain in space / {CA_CA_DISTANCE} A",
        "",
        (0, 1),
        lambda measured, _: IN_SPACE * measured.residue_relative / CA_CA_DISTANCE,
        in_chain=True,
    ),
    "neighbour": Metric(
        "residue displacement relative to the next residues",
        "A in space",
        (0, 2 * CA_CA_DISTANCE),
        lambda measured, _: IN_SPACE * measured.neighbor,
        in_chain=True,
    ),
    "excess": Metric(
        "residue rms / atom rms, measured / expected",
        "",
        (0.9, 1.1),
        lambda measured, expected: measured.residue / measured.atom * expected.atom / expected.residue,
        over_expected=True,
    ),
    "lddt": Metric("expected Calpha lDDT", "", (0, 1), pairs="of_calphas"),
    "within": Metric("expected lDDT of heavy atoms within the residue", "", (0, 1), pairs="within_residues"),
    "between": Metric("expected lDDT of heavy atoms to other residues", "", (0, 1), pairs="between_residues"),
}

_DISTANCES: WeakKeyDictionary[Structure, dict[str, LocalDistances]] = WeakKeyDictionary()


def span_text(name: str) -> str:
    """Return the values of a metric's first and last colour in words."""
    metric = METRICS[name]
    low, high = (f"{end:g}" for end in metric.span)
    return f"{low} to sigma" if metric.in_sigmas else f"{low} to {high}"


def measured_metrics() -> tuple[str, ...]:
    """Return the names of the metrics that need neither weights nor sigma: they are of what was measured alone."""
    return tuple(name for name, metric in METRICS.items() if metric.compute and not metric.over_expected)


def residue_metric(name: str) -> str:
    """Return the metric that residues have where ``name`` colours: atoms that move in a direction have the default."""
    return "ratio" if name == DIRECTION else name


def span_of(name: str, sigma: float) -> tuple[float, float]:
    """Return the values of a metric's first and last colour, for noise of ``sigma`` angstrom."""
    low, high = METRICS[name].span
    return (low * sigma, high * sigma) if METRICS[name].in_sigmas else (low, high)


def metric_values(
    name: str,
    structure: Structure,
    hierarchy: Hierarchy,
    weights: LevelWeights,
    sigma: float,
    measured: ResidueLevels | None = None,
) -> np.ndarray:
    """Return a metric of each residue, shape=(n_residues,); nan where it has none, as where no atom moves.

    Parameters
    ----------
    name : str
        One of ``METRICS``.
    structure : Structure
    hierarchy : Hierarchy
        That of the structure.
    weights : LevelWeights
    sigma : float
        Angstrom per coordinate.
    measured : ResidueLevels, optional
        What was measured of the residues that move; by default the expected value of the metric is returned.
    """
    from ..structure.moving import moving_part
    from .expected import expected_residues

    metric, part = METRICS[name], moving_part(structure, hierarchy)
    if metric.compute is None:
        from .scores import expected_scores

        distances = _distances(metric.pairs, part.structure, part.hierarchy)
        return part.spread(expected_scores(distances, weights, sigma).residues)
    expected = expected_residues(part.hierarchy, weights, sigma)
    return part.spread(_computed(metric, part.hierarchy, expected if measured is None else measured, expected))


def measured_values(name: str, hierarchy: Hierarchy, measured: ResidueLevels) -> np.ndarray:
    """Return one of the `measured_metrics` of each residue, shape=(n_residues,); nan where it has none."""
    return _computed(METRICS[name], hierarchy, measured, measured)


def _computed(metric: Metric, hierarchy: Hierarchy, measured: ResidueLevels, expected: ResidueLevels) -> np.ndarray:
    import numpy as np

    assert metric.compute is not None
    with np.errstate(divide="ignore", invalid="ignore"):
        values = metric.compute(measured, expected)
    return np.where(hierarchy.is_alone.numpy(), np.nan, values) if metric.in_chain else values


def _distances(pairs: str, structure: Structure, hierarchy: Hierarchy) -> LocalDistances:
    """Return the distances that a score is of, found once for a structure."""
    from ..structure.distances import LocalDistances

    found = _DISTANCES.setdefault(structure, {})
    if pairs not in found:
        found[pairs] = getattr(LocalDistances, pairs)(structure, hierarchy)
    return found[pairs]
