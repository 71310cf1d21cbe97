"""What the parameters of several commands have in common: how they are declared, what is checked, what follows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from ..color.palettes import PALETTES
from ..diffusion.choices import CONVENTIONS, COVARIANCES, VARIANTS
from ..errors import PomodoroError
from ..noise.metrics import DIRECTION, METRICS
from ..noise.presets import all_presets, preset_weights
from ..noise.sigma import AF3_LAW, LAWS, NORMALISED, LawOfSigma
from ..noise.weights import LevelWeights
from ..utils.devices import DEVICES
from ..utils.groups import PROPERTIES, given_selections
from .base import Parameters, command_parameters, like, parameter
from .kinds import Grid, Interval, Selection

MAX_WEIGHT = 1e6
#: Least and greatest sigma that is taken, angstrom per coordinate.
_SIGMAS = (1e-6, 1e7)


_Z_HELP = f"noise level as the standard normal of the law that training draws sigma from, {AF3_LAW}"
C_NOISE = "c_noise: af3 takes ln(sigma/sigma_data)/4, edm ln(sigma)/4"
_WEIGHT = (0, MAX_WEIGHT)

#: Parameters that several commands take.
SHARED: dict[str, Any] = {
    "selection": parameter(
        "",
        Selection,
        "atoms of one object",
        absent="the one loaded molecule that is not an output of ours, without solvent",
    ),
    "state": parameter(-1, int, "state to start from; -1 is the current one", bounds=(-1, 1_000_000)),
    "z": parameter(0.0, float, _Z_HELP, bounds=(-6, 6), usual=(-4, 4)),
    "sigma": parameter(
        None,
        float,
        "noise level as standard deviation per coordinate, instead of z",
        unit="angstrom",
        bounds=(1e-4, 1e5),
    ),
    "wc": parameter(3.0, float, "weight (variance) of the noise that a chain shares", bounds=_WEIGHT),
    "wr": parameter(8.0, float, "weight (variance) of the noise that a residue shares", bounds=_WEIGHT),
    "wa": parameter(1.0, float, "weight (variance) of the noise of each atom alone", bounds=_WEIGHT),
    "preset": parameter("", str, "weight scheme, instead of wc, wr, wa", choices=all_presets),
    "frames": parameter(20, int, "number of noised frames", bounds=(1, 1_000_000)),
    "seed": parameter(0, int, "random seed; the same seed gives the same frames", bounds=(0, 2**32 - 1)),
    "metric": parameter(
        "ratio",
        str,
        "what colours the residues; direction colours each atom, frame by frame",
        choices=(*METRICS, DIRECTION),
    ),
    "palette": parameter("viridis", str, "colours from low to high", choices=PALETTES),
    "range": parameter(
        None,
        Interval,
        "values of the first and last colour; auto takes the 2nd to 98th percentile of the residues",
        absent="the metric's, the same for all schemes",
    ),
    "truth": parameter(0, int, "1 shows the truth as a thin grey trace, object NAME_truth", bounds=(0, 1)),
    "rep": parameter(
        "auto",
        str,
        "what is shown; auto is as NAME was left, else as the source, but sticks (lines above 20000 atoms) for a mere "
        "cartoon",
        choices=("auto", "sticks", "lines", "cartoon"),
    ),
    "device": parameter("auto", str, "where to draw the noise", choices=DEVICES),
    "residues": parameter(
        "",
        str,
        f"residues where labels and bonds do not tell: one of {', '.join(PROPERTIES)}, or a selection in parentheses "
        "for each, as in (resi 1-5)(resi 6-9)",
        absent="by labels and bonds",
    ),
    "chains": parameter(
        "",
        str,
        f"chains where labels and bonds do not tell: one of {', '.join(PROPERTIES)}, or a selection in parentheses "
        "for each, as in (chain A or chain B)(resn HEM)",
        absent="by labels and bonds",
    ),
    "fixed": parameter(
        "",
        Selection,
        "atoms that stay where they are, in every frame; numbers and colours are of the others",
        absent="none",
    ),
    "presets": parameter(
        "flat+ms+rb+3-8-1+2-6-2+1:1:15",
        str,
        "schemes joined by +; presets, or chain:residue:atom as in 1:1:15",
    ),
    "csv": parameter("", str, "file to write the numbers to"),
    "figure": parameter("", str, "picture to draw: .png, .svg or .pdf"),
    "object": parameter("", str, "object made by pomnoise", absent="the only one"),
    "sigma_data": parameter(
        None,
        float,
        "data standard deviation per coordinate, for all levels",
        unit="angstrom",
        bounds=(1e-3, 1e4),
        absent="the law's",
    ),
    "law": parameter(
        "af3",
        str,
        "law of sigma, sigma = sigma_data exp(p_mean + p_std z); edm, which is of normalised data, needs sigma_data",
        choices=LAWS,
    ),
    "p_mean": parameter(None, float, "mean of ln(sigma / sigma_data)", bounds=(-10, 10), absent="the law's"),
    "p_std": parameter(
        None,
        float,
        "standard deviation of ln(sigma / sigma_data)",
        bounds=(1e-3, 5),
        absent="the law's",
    ),
    "denoiser": parameter(
        "auto",
        str,
        "analytic denoiser: ideal for an ensemble, wiener for one structure; auto goes by the number of states",
        choices=("auto", "ideal", "wiener"),
    ),
    "network": parameter(
        "",
        str,
        "file of a trained network to take instead: from pomtrain (.npz, of its networks that of the scheme in use), "
        "torch.export (.pt2, of PyTorch 2.8 or later) or TorchScript",
    ),
    "pose": parameter(
        "fixed",
        str,
        "of the data in x: fixed is known; exact averages over all; best takes the likeliest, an approximation; free "
        "is exact",
        choices=("fixed", "free", "exact", "best"),
    ),
    "covariance": parameter(
        "nested",
        str,
        "of the noise, as the ideal denoiser takes it; flat ignores what atoms share",
        choices=COVARIANCES,
    ),
    "multiscale": parameter(0, int, "1 broadcasts the residue and chain heads onto the atoms", bounds=(0, 1)),
    "gate": parameter(0.99, float, "confidence in one state above which nothing is broadcast", bounds=(0, 1)),
    "prior": parameter(
        "1:4:0.25",
        str,
        "variances chain:residue:atom of the spread that wiener assumes, in square angstrom per coordinate",
    ),
    "scaling": parameter("global", str, "preconditioning of the network, as in pomprecond", choices=VARIANTS),
    "convention": parameter("af3", str, C_NOISE, choices=CONVENTIONS),
    "data": parameter(
        "",
        str,
        "data standard deviations chain:residue:atom, in angstrom per coordinate; or the file of a survey, .parquet, "
        "whose structures count instead",
        absent="measured over the states",
    ),
}


def shared(name: str, **changes: Any) -> Any:
    """Declare a parameter that several commands take, but for what is other in this one."""
    return like(SHARED[name], **changes)


class Lawful(Parameters):
    """What commands with a law of sigma have in common, at one z, at several or at none."""

    law: str
    p_mean: float | None
    p_std: float | None
    sigma_data: float | None

    def _check(self) -> None:
        super()._check()
        if self.law in NORMALISED and self.sigma_data is None:
            raise PomodoroError(
                f"law={self.law} is of normalised data: give sigma_data, the standard deviation of your data "
                "per coordinate, in angstrom; pomprecond prints it"
            )
        law = self.law_of_sigma
        given = getattr(self, "z", 0.0)
        for z in (given.low, given.high) if isinstance(given, Grid) else (given,):
            if not _SIGMAS[0] <= law.sigma(z) <= _SIGMAS[1]:
                raise PomodoroError(f"sigma would be {law.sigma(z):.3g} A at z={z:g} of {law}: give another z or law")

    @property
    def law_of_sigma(self) -> LawOfSigma:
        """The law with what was given in place of its own."""
        given = {name: getattr(self, name) for name in ("p_mean", "p_std", "sigma_data")}
        return replace(LAWS[self.law], **{name: value for name, value in given.items() if value is not None})


class Grouped(Parameters):
    """What commands that take residues and chains as given have in common."""

    residues: str
    chains: str

    def _check(self) -> None:
        super()._check()
        for name in ("residues", "chains"):
            if getattr(self, name):
                given_selections(name, getattr(self, name))


class Schemed(Parameters):
    """What commands with wc, wr, wa and preset have in common.

    Attributes
    ----------
    weights : LevelWeights
        The preset's, as it was when these parameters were made, where one is named, else wc, wr, wa.
    """

    __slots__ = ("weights",)  # no parameter itself, so not among them in `vars`
    exclusive: ClassVar[tuple[tuple[str, str], ...]] = (("wc", "preset"), ("wr", "preset"), ("wa", "preset"))

    wc: float
    wr: float
    wa: float
    preset: str
    weights: LevelWeights

    def _check(self) -> None:
        super()._check()
        own = LevelWeights(self.wc, self.wr, self.wa)
        object.__setattr__(self, "weights", preset_weights(self.preset) if self.preset else own)

    def __setstate__(self, state: tuple[dict[str, Any], dict[str, Any]]) -> None:
        for name, value in (state[0] | state[1]).items():
            object.__setattr__(self, name, value)


@command_parameters
class Weighted(Schemed, Lawful):
    """Base of commands that take one noise level and one set of weights; they add the law of sigma at their end."""

    exclusive: ClassVar[tuple[tuple[str, str], ...]] = (("z", "sigma"), *Schemed.exclusive)

    selection: str = shared("selection")
    z: float = shared("z")
    wc: float = shared("wc")
    wr: float = shared("wr")
    wa: float = shared("wa")
    preset: str = shared("preset")
    sigma: float | None = shared("sigma")

    @property
    def noise_z(self) -> float:
        """z where given, else that of sigma."""
        return self.z if self.sigma is None else self.law_of_sigma.z(self.sigma)

    @property
    def noise_sigma(self) -> float:
        """Sigma where given, else that of z, in angstrom."""
        return self.law_of_sigma.sigma(self.z) if self.sigma is None else self.sigma
