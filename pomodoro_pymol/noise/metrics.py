"""What a residue's colour can mean. A new metric is one more entry of ``METRICS``.

Lengths are per coordinate, but where a label says in space: that is sqrt(3) times as much.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from ..structure.hierarchy import Hierarchy
    from .levels import ResidueLevels

#: Residues are fully scrambled when they move this far in space relative to their chain:
#: the distance of consecutive alpha carbons, in angstrom.
CA_CA_DISTANCE = 3.8
#: A displacement in space over its rms per coordinate.
IN_SPACE = 3**0.5


@dataclass(frozen=True)
class Metric:
    """One number per residue.

    Attributes
    ----------
    label : str
        What the number is.
    unit : str
        Empty for a pure number.
    compute : callable
        From the measured and the expected `ResidueLevels`; the expected value of the
        metric is ``compute(expected, expected)``.
    in_chain : bool
        Whether it is of motion relative to the chain, which a residue that is a chain of
        its own has none of.
    """

    label: str
    unit: str
    compute: Callable[[ResidueLevels, ResidueLevels], np.ndarray]
    in_chain: bool = False


METRICS: dict[str, Metric] = {
    "ratio": Metric(
        "residue rms / atom rms",
        "",
        lambda measured, _: measured.residue / measured.atom,
    ),
    "relative": Metric(
        "residue rms / atom rms, relative to the chain",
        "",
        lambda measured, _: measured.residue_relative / measured.atom_relative,
        in_chain=True,
    ),
    "displacement": Metric(
        "residue rms",
        "A per coordinate",
        lambda measured, _: measured.residue,
    ),
    "scramble": Metric(
        f"residue displacement relative to chain in space / {CA_CA_DISTANCE} A",
        "",
        lambda measured, _: IN_SPACE * measured.residue_relative / CA_CA_DISTANCE,
        in_chain=True,
    ),
    "excess": Metric(
        "residue rms / atom rms, measured / expected",
        "",
        lambda measured, expected: measured.residue / measured.atom * expected.atom / expected.residue,
    ),
}


def metric_values(name: str, measured: ResidueLevels, expected: ResidueLevels, hierarchy: Hierarchy) -> np.ndarray:
    """Return a metric of each residue, shape=(n_residues,); nan where it has none.

    For the expected values of the metric ``measured`` are the expected ones, too.
    """
    import numpy as np

    metric = METRICS[name]
    with np.errstate(divide="ignore", invalid="ignore"):
        values = metric.compute(measured, expected)
    return np.where(hierarchy.is_alone.numpy(), np.nan, values) if metric.in_chain else values
