"""Every command's parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from .metrics import METRICS
from .palettes import PALETTES
from .parameters import Grid, Interval, Parameters, Selection, parameter
from .presets import all_presets
from .schedule import sigma_from_z, z_from_sigma
from .weights import ESTIMATORS, PRESETS, LevelWeights

MAX_WEIGHT = 1e6
DEVICES = ("auto", "cuda", "mps", "cpu")


_WEIGHT = {"bounds": (0, MAX_WEIGHT), "usual": (0, 16)}

#: Parameters that several commands take, as arguments of `parameter`.
_SHARED: dict[str, tuple[Any, type, str, dict[str, Any]]] = {
    "selection": (
        "",
        Selection,
        "atoms of one object {default: the one loaded molecule that is not an output of ours, without solvent}",
        {},
    ),
    "state": (-1, int, "state to start from; -1 is the current one", {"bounds": (-1, 1_000_000)}),
    "z": (0.0, float, "noise level as the standard normal of the training law", {"bounds": (-6, 6), "usual": (-4, 4)}),
    "sigma": (
        None,
        float,
        "noise level as standard deviation per coordinate, instead of z",
        {"unit": "angstrom", "bounds": (1e-4, 1e5)},
    ),
    "wc": (3.0, float, "weight (variance) shared by a chain", _WEIGHT),
    "wr": (8.0, float, "weight (variance) shared by a residue", _WEIGHT),
    "wa": (1.0, float, "weight (variance) of each atom alone", _WEIGHT),
    "preset": ("", str, "weight scheme, instead of wc, wr, wa", {"choices": all_presets}),
    "seed": (0, int, "random seed; the same seed gives the same frames", {"bounds": (0, 2**32 - 1)}),
    "metric": ("ratio", str, "what colours the residues", {"choices": METRICS}),
    "palette": ("viridis", str, "colours from low to high", {"choices": PALETTES}),
    "range": (None, Interval, "values of the first and last colour {default: 2nd to 98th percentile}", {}),
    "device": ("auto", str, "where to draw the noise", {"choices": DEVICES}),
    "csv": ("", str, "file to write the numbers to", {}),
    "figure": ("", str, "picture to draw: .png, .svg or .pdf", {}),
    "object": ("", str, "object made by pomnoise {default: the only one}", {}),
}


def _shared(name: str, **changes: Any) -> Any:
    default, kind, help_text, rest = _SHARED[name]
    return parameter(**{"default": default, "kind": kind, "help": help_text, **rest, **changes})


@dataclass(frozen=True)
class Weighted(Parameters):
    """Base of commands that take one noise level and one set of weights."""

    exclusive: ClassVar[tuple[tuple[str, str], ...]] = (
        ("z", "sigma"),
        ("wc", "preset"),
        ("wr", "preset"),
        ("wa", "preset"),
    )

    selection: str = _shared("selection")
    z: float = _shared("z")
    wc: float = _shared("wc")
    wr: float = _shared("wr")
    wa: float = _shared("wa")
    preset: str = _shared("preset")
    sigma: float | None = _shared("sigma")

    def __post_init__(self) -> None:
        super().__post_init__()
        LevelWeights(self.wc, self.wr, self.wa)

    @property
    def weights(self) -> LevelWeights:
        """The preset's weights where one is named, else wc, wr, wa."""
        return all_presets()[self.preset] if self.preset else LevelWeights(self.wc, self.wr, self.wa)

    @property
    def noise_z(self) -> float:
        """z where given, else that of sigma."""
        return self.z if self.sigma is None else z_from_sigma(self.sigma)

    @property
    def noise_sigma(self) -> float:
        """Sigma where given, else that of z, in angstrom."""
        return sigma_from_z(self.z) if self.sigma is None else self.sigma


@dataclass(frozen=True)
class NoiseParameters(Weighted):
    """Parameters of ``pomnoise``."""

    command = "pomnoise"

    frames: int = parameter(20, int, "number of noised frames", bounds=(1, 1_000_000))
    seed: int = _shared("seed")
    state: int = _shared("state")
    name: str = parameter("", str, "new object {default: SOURCE_noise}")
    metric: str = _shared("metric")
    palette: str = _shared("palette")
    device: str = _shared("device")
    range: Interval | None = _shared("range")

    def spelt_out(self) -> NoiseParameters:
        """Return the same with a user's preset as its weights, so that it outlives the preset."""
        if not self.preset or self.preset in PRESETS:
            return self
        weights = self.weights
        numbers = (weights.chain, weights.residue, weights.atom)
        chain, residue, atom = numbers if max(numbers) <= MAX_WEIGHT else weights.shares
        return replace(self, preset="", wc=chain, wr=residue, wa=atom)


@dataclass(frozen=True)
class ColorParameters(Parameters):
    """Parameters of ``pomcolor``."""

    command = "pomcolor"

    object: str = _shared("object")
    metric: str = _shared("metric")
    palette: str = _shared("palette")
    range: Interval | None = _shared("range")


@dataclass(frozen=True)
class CheckParameters(Parameters):
    """Parameters of ``pomcheck``: none."""

    command = "pomcheck"


@dataclass(frozen=True)
class PanelParameters(Parameters):
    """Parameters of ``pompanel``: none."""

    command = "pompanel"


@dataclass(frozen=True)
class TableParameters(Parameters):
    """Parameters of ``pomtable``."""

    command = "pomtable"

    selection: str = _shared("selection")
    presets: str = parameter("flat+ms+rb", str, "schemes joined by +; presets, or chain:residue:atom as in 1:1:15")
    z: Grid = parameter(Grid(-3, 3), Grid, "noise levels", bounds=(-6, 6))
    frames: int = parameter(100, int, "draws to measure; 1 is the researcher's note", bounds=(1, 1_000_000))
    seed: int = _shared("seed")
    estimator: str = parameter("rms", str, "rms about the truth, or std over the points of a draw", choices=ESTIMATORS)
    state: int = _shared("state")
    csv: str = _shared("csv")
    figure: str = _shared("figure")
    device: str = _shared("device")


@dataclass(frozen=True)
class SweepParameters(Parameters):
    """Parameters of ``pomsweep``."""

    command = "pomsweep"

    selection: str = _shared("selection")
    z: Grid = parameter(Grid(-3, 3, 0.25), Grid, "noise levels, one state each", bounds=(-6, 6))
    presets: str = parameter(
        "3-8-1+flat+ms+rb+2-6-2", str, "schemes to compare, joined by +; the first makes the object"
    )
    frames: int = parameter(1, int, "draws to average over; the first makes the object", bounds=(1, 10_000))
    seed: int = _shared("seed")
    state: int = _shared("state")
    name: str = parameter("", str, "new object {default: SOURCE_sweep}")
    csv: str = _shared("csv")
    figure: str = _shared("figure")
    device: str = _shared("device")


@dataclass(frozen=True)
class WeightsParameters(Weighted):
    """Parameters of ``pomweights``."""

    command = "pomweights"
    exclusive = (*Weighted.exclusive, ("ratio", "relative"), ("ratio", "shares"), ("relative", "shares"))

    ratio: float | None = parameter(None, float, "wanted residue rms / atom rms", bounds=(0, 1))
    relative: float | None = parameter(
        None, float, "wanted residue rms relative to the chain, at z or sigma", unit="angstrom", bounds=(1e-6, 1e5)
    )
    shares: str = parameter("", str, "wanted variance shares chain:residue:atom, as in 0.3:0.6:0.1")
    state: int = _shared("state")
    save: str = parameter("", str, "name to keep the weights under, as a preset")
    delete: str = parameter("", str, "preset of yours to forget")


@dataclass(frozen=True)
class AlignParameters(Parameters):
    """Parameters of ``pomalign``."""

    command = "pomalign"

    object: str = _shared("object")
    name: str = parameter("", str, "new object {default: OBJECT_aligned}")


@dataclass(frozen=True)
class SaveParameters(Parameters):
    """Parameters of ``pomsave``."""

    command = "pomsave"

    filename: str = parameter("", str, "file to write: .pdb, .cif or .dcd")
    object: str = _shared("object")
    level: str = parameter("atom", str, "one point per atom, or per residue (.pdb)", choices=("atom", "residue"))
