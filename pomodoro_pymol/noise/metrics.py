"""What a residue's colour can mean. A new metric is one more entry of ``METRICS``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from .levels import ResidueLevels

#: Residues are fully scrambled when they move this far relative to their chain:
#: the distance of consecutive alpha carbons, in angstrom.
CA_CA_DISTANCE = 3.8


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
    """

    label: str
    unit: str
    compute: Callable[[ResidueLevels, ResidueLevels], np.ndarray]


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
    ),
    "displacement": Metric(
        "residue rms",
        "A",
        lambda measured, _: measured.residue,
    ),
    "scramble": Metric(
        f"residue rms relative to the chain / {CA_CA_DISTANCE} A",
        "",
        lambda measured, _: measured.residue_relative / CA_CA_DISTANCE,
    ),
    "excess": Metric(
        "residue rms / atom rms, measured / expected",
        "",
        lambda measured, expected: measured.residue / measured.atom * expected.atom / expected.residue,
    ),
}
