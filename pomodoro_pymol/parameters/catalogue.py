"""Every command's parameters."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

from ..color.palettes import PALETTES
from ..diffusion.choices import CONVENTIONS, COVARIANCES, VARIANTS
from ..diffusion.samplers import CHURNS, GRIDS, SAMPLERS, SOLVERS, Sampler, foreign_churn
from ..errors import PomodoroError
from ..noise.metrics import DIRECTION, METRICS, measured_metrics
from ..noise.presets import all_presets, preset_weights
from ..noise.sigma import AF3_LAW, LAWS, NORMALISED, LawOfSigma
from ..noise.weights import ESTIMATORS, PRESETS, LevelWeights, Scheme
from ..utils.devices import DEVICES
from ..utils.groups import PROPERTIES, given_selections
from .base import Parameters, parameter
from .kinds import Grid, Interval, Selection

MAX_WEIGHT = 1e6
#: Least and greatest sigma that is taken, angstrom per coordinate.
_SIGMAS = (1e-6, 1e7)


_Z_HELP = f"noise level as the standard normal of the law that training draws sigma from, {AF3_LAW}"
_C_NOISE = "c_noise: af3 takes ln(sigma/sigma_data)/4, edm ln(sigma)/4"
_NETWORK_DATA = "data standard deviation per coordinate that the network is preconditioned with, for all levels"
_WEIGHT = {"bounds": (0, MAX_WEIGHT)}

#: Parameters that several commands take, as arguments of `parameter`.
_SHARED: dict[str, tuple[Any, type, str, dict[str, Any]]] = {
    "selection": (
        "",
        Selection,
        "atoms of one object",
        {"absent": "the one loaded molecule that is not an output of ours, without solvent"},
    ),
    "state": (-1, int, "state to start from; -1 is the current one", {"bounds": (-1, 1_000_000)}),
    "z": (0.0, float, _Z_HELP, {"bounds": (-6, 6), "usual": (-4, 4)}),
    "sigma": (
        None,
        float,
        "noise level as standard deviation per coordinate, instead of z",
        {"unit": "angstrom", "bounds": (1e-4, 1e5)},
    ),
    "wc": (3.0, float, "weight (variance) of the noise that a chain shares", _WEIGHT),
    "wr": (8.0, float, "weight (variance) of the noise that a residue shares", _WEIGHT),
    "wa": (1.0, float, "weight (variance) of the noise of each atom alone", _WEIGHT),
    "preset": ("", str, "weight scheme, instead of wc, wr, wa", {"choices": all_presets}),
    "frames": (20, int, "number of noised frames", {"bounds": (1, 1_000_000)}),
    "seed": (0, int, "random seed; the same seed gives the same frames", {"bounds": (0, 2**32 - 1)}),
    "metric": (
        "ratio",
        str,
        "what colours the residues; direction colours each atom, frame by frame",
        {"choices": (*METRICS, DIRECTION)},
    ),
    "palette": ("viridis", str, "colours from low to high", {"choices": PALETTES}),
    "range": (
        None,
        Interval,
        "values of the first and last colour; auto takes the 2nd to 98th percentile of the residues",
        {"absent": "the metric's, the same for all schemes"},
    ),
    "truth": (0, int, "1 shows the truth as a thin grey trace, object NAME_truth", {"bounds": (0, 1)}),
    "rep": (
        "auto",
        str,
        "what is shown; auto is as NAME was left, else as the source, but sticks (lines above 20000 atoms) for a mere "
        "cartoon",
        {"choices": ("auto", "sticks", "lines", "cartoon")},
    ),
    "device": ("auto", str, "where to draw the noise", {"choices": DEVICES}),
    "residues": (
        "",
        str,
        f"residues where labels and bonds do not tell: one of {', '.join(PROPERTIES)}, or a selection in parentheses "
        "for each, as in (resi 1-5)(resi 6-9)",
        {"absent": "by labels and bonds"},
    ),
    "chains": (
        "",
        str,
        f"chains where labels and bonds do not tell: one of {', '.join(PROPERTIES)}, or a selection in parentheses "
        "for each, as in (chain A or chain B)(resn HEM)",
        {"absent": "by labels and bonds"},
    ),
    "fixed": (
        "",
        Selection,
        "atoms that stay where they are, in every frame; numbers and colours are of the others",
        {"absent": "none"},
    ),
    "presets": (
        "flat+ms+rb+3-8-1+2-6-2+1:1:15",
        str,
        "schemes joined by +; presets, or chain:residue:atom as in 1:1:15",
        {},
    ),
    "csv": ("", str, "file to write the numbers to", {}),
    "figure": ("", str, "picture to draw: .png, .svg or .pdf", {}),
    "object": ("", str, "object made by pomnoise", {"absent": "the only one"}),
    "sigma_data": (
        None,
        float,
        "data standard deviation per coordinate, for all levels",
        {"unit": "angstrom", "bounds": (1e-3, 1e4), "absent": "the law's"},
    ),
    "law": (
        "af3",
        str,
        "law of sigma, sigma = sigma_data exp(p_mean + p_std z); edm, which is of normalised data, needs sigma_data",
        {"choices": LAWS},
    ),
    "p_mean": (None, float, "mean of ln(sigma / sigma_data)", {"bounds": (-10, 10), "absent": "the law's"}),
    "p_std": (
        None,
        float,
        "standard deviation of ln(sigma / sigma_data)",
        {"bounds": (1e-3, 5), "absent": "the law's"},
    ),
    "denoiser": (
        "auto",
        str,
        "analytic denoiser: ideal for an ensemble, wiener for one structure; auto goes by the number of states",
        {"choices": ("auto", "ideal", "wiener")},
    ),
    "network": (
        "",
        str,
        "file of a trained network to take instead: from pomtrain (.npz, of its networks that of the scheme in use), "
        "torch.export (.pt2, of PyTorch 2.8 or later) or TorchScript",
        {},
    ),
    "pose": (
        "fixed",
        str,
        "of the data in x: fixed is known; exact averages over all; best takes the likeliest, an approximation; free "
        "is exact",
        {"choices": ("fixed", "free", "exact", "best")},
    ),
    "covariance": (
        "nested",
        str,
        "of the noise, as the ideal denoiser takes it; flat ignores what atoms share",
        {"choices": COVARIANCES},
    ),
    "multiscale": (0, int, "1 broadcasts the residue and chain heads onto the atoms", {"bounds": (0, 1)}),
    "gate": (0.99, float, "confidence in one state above which nothing is broadcast", {"bounds": (0, 1)}),
    "prior": (
        "1:4:0.25",
        str,
        "variances chain:residue:atom of the spread that wiener assumes, in square angstrom per coordinate",
        {},
    ),
    "scaling": ("global", str, "preconditioning of the network, as in pomprecond", {"choices": VARIANTS}),
    "convention": ("af3", str, _C_NOISE, {"choices": CONVENTIONS}),
    "data": (
        "",
        str,
        "data standard deviations chain:residue:atom, in angstrom per coordinate; or the file of a survey, .parquet, "
        "whose structures count instead",
        {"absent": "measured over the states"},
    ),
}


def _shared(name: str, **changes: Any) -> Any:
    default, kind, help_text, rest = _SHARED[name]
    return parameter(**{"default": default, "kind": kind, "help": help_text, **rest, **changes})


class _Lawful(Parameters):
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


class _Grouped(Parameters):
    """What commands that take residues and chains as given have in common."""

    residues: str
    chains: str

    def _check(self) -> None:
        super()._check()
        for name in ("residues", "chains"):
            if getattr(self, name):
                given_selections(name, getattr(self, name))


class _Schemed(Parameters):
    """What commands with wc, wr, wa and preset have in common.

    Attributes
    ----------
    weights : LevelWeights
        The preset's, as it was when these parameters were made, where one is named, else wc, wr, wa.
    """

    __slots__ = ("weights",)  # no parameter itself, so not among them in `vars`

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


@dataclass(init=False, eq=False, repr=False, match_args=False)
class Weighted(_Schemed, _Lawful):
    """Base of commands that take one noise level and one set of weights; they add the law of sigma at their end."""

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

    @property
    def noise_z(self) -> float:
        """z where given, else that of sigma."""
        return self.z if self.sigma is None else self.law_of_sigma.z(self.sigma)

    @property
    def noise_sigma(self) -> float:
        """Sigma where given, else that of z, in angstrom."""
        return self.law_of_sigma.sigma(self.z) if self.sigma is None else self.sigma


@dataclass(init=False, eq=False, repr=False, match_args=False)
class NoiseParameters(_Grouped, Weighted):
    """Parameters of ``pomnoise``."""

    command = "pomnoise"

    frames: int = _shared("frames")
    seed: int = _shared("seed")
    state: int = _shared("state")
    name: str = parameter("", str, "new object", absent="SOURCE_noise")
    metric: str = _shared("metric")
    palette: str = _shared("palette")
    device: str = _shared("device")
    range: Interval | str | None = _shared("range")
    law: str = _shared("law")
    p_mean: float | None = _shared("p_mean")
    p_std: float | None = _shared("p_std")
    sigma_data: float | None = _shared("sigma_data")
    truth: int = _shared("truth")
    rep: str = _shared("rep")
    residues: str = _shared("residues")
    chains: str = _shared("chains")
    fixed: str = _shared("fixed")

    def spelt_out(self) -> NoiseParameters:
        """Return the same with a user's preset as its weights, so that it outlives the preset."""
        if not self.preset or self.preset in PRESETS:
            return self
        weights = self.weights
        numbers = (weights.chain, weights.residue, weights.atom)
        chain, residue, atom = numbers if max(numbers) <= MAX_WEIGHT else weights.shares
        return replace(self, preset="", wc=chain, wr=residue, wa=atom)


@dataclass(init=False, eq=False, repr=False, match_args=False)
class ColorParameters(Parameters):
    """Parameters of ``pomcolor``."""

    command = "pomcolor"

    object: str = _shared("object")
    metric: str = _shared("metric")
    palette: str = _shared("palette")
    range: Interval | str | None = _shared("range")


@dataclass(init=False, eq=False, repr=False, match_args=False)
class CompareParameters(_Grouped, _Lawful):
    """Parameters of ``pomcompare``.

    Attributes
    ----------
    ends : bool
        Whether it ends a comparison.
    """

    command = "pomcompare"
    exclusive = (("z", "sigma"),)

    selection: str = _shared("selection", help="atoms of one object; off ends the comparison")
    presets: str = parameter("flat+ms+rb+3-8-1", str, "schemes to compare, joined by +; one object and cell each")
    z: float = _shared("z")
    metric: str = _shared("metric", default=DIRECTION)
    sigma: float | None = _shared("sigma")
    frames: int = _shared("frames")
    seed: int = _shared("seed")
    state: int = _shared("state")
    palette: str = _shared("palette")
    range: Interval | str | None = _shared("range")
    figure: str = _shared("figure")
    device: str = _shared("device")
    law: str = _shared("law")
    p_mean: float | None = _shared("p_mean")
    p_std: float | None = _shared("p_std")
    sigma_data: float | None = _shared("sigma_data")
    truth: int = _shared("truth")
    rep: str = _shared("rep")
    residues: str = _shared("residues")
    chains: str = _shared("chains")
    fixed: str = _shared("fixed")

    @property
    def ends(self) -> bool:
        """Whether a comparison is to end."""
        return self.selection == "off"

    def of_scheme(self, scheme: Scheme, name: str) -> NoiseParameters:
        """Return the parameters of the run that makes the object ``name`` under a scheme."""
        shared = {key: getattr(self, key) for key in NoiseParameters.names() if key in self.names()}
        if scheme.name in all_presets():
            return NoiseParameters(**shared, preset=scheme.name, name=name).spelt_out()
        weights = scheme.weights
        return NoiseParameters(**shared, wc=weights.chain, wr=weights.residue, wa=weights.atom, name=name)


@dataclass(init=False, eq=False, repr=False, match_args=False)
class CheckParameters(Parameters):
    """Parameters of ``pomcheck``."""

    command = "pomcheck"

    test: int = parameter(
        0, int, "1 also tries everything once in this PyMOL, which is afterwards as it was", bounds=(0, 1)
    )


@dataclass(init=False, eq=False, repr=False, match_args=False)
class PanelParameters(Parameters):
    """Parameters of ``pompanel``: none."""

    command = "pompanel"


@dataclass(init=False, eq=False, repr=False, match_args=False)
class TableParameters(_Grouped, _Lawful):
    """Parameters of ``pomtable``."""

    command = "pomtable"

    selection: str = _shared("selection")
    presets: str = _shared("presets", default="flat+ms+rb")
    z: Grid = parameter(Grid(-3, 3), Grid, "noise levels", bounds=(-6, 6))
    frames: int = parameter(100, int, "draws to measure; the researcher's note has 1", bounds=(1, 1_000_000))
    seed: int = _shared("seed")
    estimator: str = parameter("rms", str, "rms about the truth, or std over the points of a draw", choices=ESTIMATORS)
    state: int = _shared("state")
    csv: str = _shared("csv")
    figure: str = _shared("figure")
    device: str = _shared("device")
    law: str = _shared("law")
    p_mean: float | None = _shared("p_mean")
    p_std: float | None = _shared("p_std")
    sigma_data: float | None = _shared("sigma_data")
    residues: str = _shared("residues")
    chains: str = _shared("chains")


@dataclass(init=False, eq=False, repr=False, match_args=False)
class SweepParameters(_Grouped, _Lawful):
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
    name: str = parameter("", str, "new object", absent="SOURCE_sweep")
    csv: str = _shared("csv")
    figure: str = _shared("figure")
    device: str = _shared("device")
    law: str = _shared("law")
    p_mean: float | None = _shared("p_mean")
    p_std: float | None = _shared("p_std")
    sigma_data: float | None = _shared("sigma_data")
    residues: str = _shared("residues")
    chains: str = _shared("chains")


@dataclass(init=False, eq=False, repr=False, match_args=False)
class WeightsParameters(_Grouped, Weighted):
    """Parameters of ``pomweights``."""

    command = "pomweights"
    exclusive = (*Weighted.exclusive, ("ratio", "relative"), ("ratio", "shares"), ("relative", "shares"))

    ratio: float | None = parameter(None, float, "wanted residue rms / atom rms", bounds=(0, 1))
    relative: float | None = parameter(
        None,
        float,
        "wanted rms displacement of residues relative to their chain, in space, at z or sigma",
        unit="angstrom",
        bounds=(1e-6, 1e5),
    )
    shares: str = parameter("", str, "wanted variance shares chain:residue:atom, as in 0.3:0.6:0.1")
    state: int = _shared("state")
    save: str = parameter("", str, "name to keep the weights under, as a preset")
    delete: str = parameter("", str, "preset of yours to forget")
    law: str = _shared("law")
    p_mean: float | None = _shared("p_mean")
    p_std: float | None = _shared("p_std")
    sigma_data: float | None = _shared("sigma_data")
    residues: str = _shared("residues")
    chains: str = _shared("chains")


@dataclass(init=False, eq=False, repr=False, match_args=False)
class AlignParameters(Parameters):
    """Parameters of ``pomalign``."""

    command = "pomalign"

    object: str = _shared("object")
    name: str = parameter("", str, "new object", absent="OBJECT_aligned")


@dataclass(init=False, eq=False, repr=False, match_args=False)
class MeasureParameters(Parameters):
    """Parameters of ``pommeasure``."""

    command = "pommeasure"

    object: str = _shared("selection", help="atoms of one object, whose states are the frames")
    truth: str = parameter(
        "",
        Selection,
        "atoms of one object, one state of which is the truth",
        absent="those of object: that state of it is no frame then",
    )
    state: int = _shared("state", default=1, help="state that is the truth; -1 is the current one")
    fit: int = parameter(
        1,
        int,
        "1 lays each frame on the truth first, as the loss of AF3 does; 0 leaves it where it is",
        bounds=(0, 1),
    )
    metric: str = _shared(
        "metric", help="what colours the residues, of those that need no weights", choices=measured_metrics()
    )
    palette: str = _shared("palette")
    range: Interval | str | None = _shared(
        "range", absent="the metric's; that of displacement ends at the rms of the atoms, per coordinate"
    )
    name: str = parameter("", str, "new object", absent="OBJECT_measured")
    csv: str = _shared("csv", help="file to write the numbers of each frame to")


@dataclass(init=False, eq=False, repr=False, match_args=False)
class SaveParameters(Parameters):
    """Parameters of ``pomsave``."""

    command = "pomsave"

    filename: str = parameter("", str, "file to write: .pdb or .cif, packed by a further .gz, .dcd, or .npz")
    object: str = _shared("object", help="object made by pomnoise, pomalign, pomdenoise, pomsweep or pomsample")
    level: str = parameter("atom", str, "one point per atom, or per residue (.pdb)", choices=("atom", "residue"))
    b: str = parameter(
        "",
        str,
        "what stands in the B column: the metric that colours, or b of the source",
        choices=("metric", "source"),
        absent="the metric of noised frames, source for others",
    )


@dataclass(init=False, eq=False, repr=False, match_args=False)
class MovieParameters(Parameters):
    """Parameters of ``pommovie``."""

    command = "pommovie"

    filename: str = parameter("", str, "film to write: .gif, .mp4, or a new folder for pictures, as in film/")
    object: str = _shared("object", help="object whose states are shown", absent="the only one of ours")
    z: Grid | None = parameter(
        None, Grid, "noise levels at which frame 1 of an object of pomnoise is shown, instead of states", bounds=(-6, 6)
    )
    fps: int = parameter(10, int, "pictures a second", bounds=(1, 50))
    back: int = parameter(1, int, "1 goes forwards and back, 0 forwards only", bounds=(0, 1))
    width: int | None = parameter(None, int, "of the film", unit="pixels", bounds=(64, 8192), absent="the viewport's")
    height: int | None = parameter(None, int, "of the film", unit="pixels", bounds=(64, 8192), absent="the viewport's")
    ray: int = parameter(
        0,
        int,
        "1 ray-traces pictures, as is done without a window and for a given width or height; 0 takes what it shows",
        bounds=(0, 1),
    )


@dataclass(init=False, eq=False, repr=False, match_args=False)
class PrecondParameters(_Grouped, _Schemed, _Lawful):
    """Parameters of ``pomprecond``."""

    command = "pomprecond"
    exclusive = (("wc", "preset"), ("wr", "preset"), ("wa", "preset"))

    selection: str = _shared("selection")
    z: Grid = parameter(Grid(-1, 1), Grid, "noise levels", bounds=(-6, 6))
    wc: float = _shared("wc")
    wr: float = _shared("wr")
    wa: float = _shared("wa")
    preset: str = _shared("preset")
    sigma_data: float | None = _shared("sigma_data")
    data: str = _shared("data")
    convention: str = _shared("convention")
    state: int = _shared("state")
    csv: str = _shared("csv")
    figure: str = _shared("figure")
    law: str = _shared("law")
    p_mean: float | None = _shared("p_mean")
    p_std: float | None = _shared("p_std")
    residues: str = _shared("residues")
    chains: str = _shared("chains")


@dataclass(init=False, eq=False, repr=False, match_args=False)
class SignalParameters(_Grouped, _Schemed, _Lawful):
    """Parameters of ``pomsignal``."""

    command = "pomsignal"
    exclusive = (("wc", "preset"), ("wr", "preset"), ("wa", "preset"))

    selection: str = _shared("selection")
    presets: str = _shared("presets")
    residue: float | None = parameter(
        None, float, "wanted share of the loss for residues: finds wr at the wc and wa given", bounds=(0, 1)
    )
    wc: float = _shared("wc")
    wr: float = _shared("wr")
    wa: float = _shared("wa")
    preset: str = _shared("preset")
    p_mean: float | None = _shared("p_mean")
    p_std: float | None = _shared("p_std")
    sigma_data: float | None = _shared("sigma_data")
    data: str = _shared("data")
    state: int = _shared("state")
    csv: str = _shared("csv")
    figure: str = _shared("figure")
    law: str = _shared("law")
    residues: str = _shared("residues")
    chains: str = _shared("chains")


@dataclass(init=False, eq=False, repr=False, match_args=False)
class SurveyFilesParameters(_Lawful):
    """Parameters of the command line's ``survey``."""

    command = "survey"

    presets: str = _shared("presets")
    z: Grid = parameter(Grid(-1, 1), Grid, "noise levels at which local scores are expected", bounds=(-6, 6))
    crop: int | None = parameter(
        None, int, "residues of a crop", bounds=(1, 1_000_000), absent="structures are taken whole"
    )
    cropping: str = parameter(
        "both",
        str,
        "contiguous takes residues that follow each other in one chain, spatial the nearest to a residue",
        choices=("contiguous", "spatial", "both"),
    )
    crops: int = parameter(2, int, "crops of each kind and structure", bounds=(1, 1000))
    seed: int = _shared("seed", help="random seed of the crops")
    workers: int | None = parameter(
        None, int, "processes that read, where no scheduler is given", bounds=(1, 1024), absent="one for each core"
    )
    seconds: float = parameter(300.0, float, "time in which a file has to be read", unit="s", bounds=(0.1, 86400))
    memory: float = parameter(4.0, float, "memory that reading a file may take", unit="GiB", bounds=(0.5, 1024))
    figure: str = _shared("figure")
    json: str = parameter("", str, "file to write the summary to")
    times: str = parameter("", str, "file to write the time and memory of each file to, .csv")
    law: str = _shared("law")
    p_mean: float | None = _shared("p_mean")
    p_std: float | None = _shared("p_std")
    sigma_data: float | None = _shared("sigma_data")


@dataclass(init=False, eq=False, repr=False, match_args=False)
class SurveyParameters(_Grouped):
    """Parameters of ``pomsurvey``."""

    command = "pomsurvey"

    file: str = parameter("", str, "survey to compare with: .parquet, of python -m pomodoro_pymol survey")
    selection: str = _shared("selection")
    state: int = _shared("state", help="state to compare; -1 is the current one")
    csv: str = _shared("csv")
    figure: str = _shared("figure")
    residues: str = _shared("residues")
    chains: str = _shared("chains")


@dataclass(init=False, eq=False, repr=False, match_args=False)
class DenoiseParameters(Parameters):
    """Parameters of ``pomdenoise``."""

    command = "pomdenoise"
    exclusive = (("denoiser", "network"),)

    object: str = _shared("object")
    denoiser: str = _shared("denoiser")
    network: str = _shared("network")
    pose: str = _shared(
        "pose", help=f"{_SHARED['pose'][2]}; all but fixed turn and shift each frame at random first, and back"
    )
    covariance: str = _shared("covariance")
    multiscale: int = _shared("multiscale")
    gate: float = _shared("gate")
    prior: str = _shared("prior")
    scaling: str = _shared("scaling")
    sigma_data: float | None = _shared("sigma_data", help=_NETWORK_DATA, absent="that of the frames' law of sigma")
    name: str = parameter("", str, "new object", absent="OBJECT_denoised")
    device: str = _shared("device", help="where to compute")
    convention: str = _shared("convention", help=f"of the network, {_C_NOISE}")

    @property
    def known_pose(self) -> str:
        """What is known of the pose, as `analytic` has it: fixed, exact or best."""
        return "exact" if self.pose == "free" else self.pose


@dataclass(init=False, eq=False, repr=False, match_args=False)
class TrainParameters(_Grouped, _Lawful):
    """Parameters of ``pomtrain``."""

    command = "pomtrain"

    selection: str = _shared("selection", help="atoms of one object, whose states are the data")
    presets: str = parameter(
        "flat+ms+rb+3-8-1", str, "schemes to train on, joined by +; presets, or chain:residue:atom as in 1:1:15"
    )
    scaling: str = parameter(
        "both",
        str,
        "preconditioning with the loss weight that goes with it: one sigma, each level's own, or both side by side",
        choices=("global", "levels", "both"),
    )
    steps: int = parameter(500, int, "training steps", bounds=(1, 10_000_000))
    seeds: int = parameter(3, int, "networks of each scheme, each from a random start of its own", bounds=(1, 100))
    network: str = parameter("", str, "file to write the networks to, .npz", absent="SOURCE_train.npz")
    resume: int = parameter(0, int, "1 goes on where the run in that file was stopped", bounds=(0, 1))
    pose: str = parameter(
        "fixed",
        str,
        "of the states: fixed lays them on the first; random turns and shifts each at random in every step",
        choices=("fixed", "random"),
    )
    hold: int = parameter(
        6, int, "one state in so many is held out of training, to test on; 0 holds none out", bounds=(0, 1_000_000)
    )
    z: Grid = parameter(Grid(-1, 1), Grid, "noise levels to test at", bounds=(-6, 6))
    batch: int = parameter(16, int, "noised states in a step", bounds=(1, 4096))
    width: int = parameter(64, int, "numbers of a residue's token", bounds=(8, 4096))
    layers: int = parameter(2, int, "layers of the transformer", bounds=(1, 64))
    rate: float = parameter(1e-2, float, "learning rate at its highest", bounds=(1e-7, 1))
    samples: int = parameter(32, int, "structures sampled by each network; 0 samples none", bounds=(0, 10_000))
    show: int = parameter(
        0, int, "1 shows the samples of each scheme side by side; pomcompare off ends it", bounds=(0, 1)
    )
    seed: int = _shared("seed", help="random seed of the first networks, the others count on from it")
    state: int = _shared("state", default=1, help="state whose labels and bonds count; -1 is the current one")
    export: str = parameter(
        "", str, "file to export the network to by torch.export, .pt2; takes one scheme and one scaling"
    )
    csv: str = _shared("csv")
    figure: str = _shared("figure")
    device: str = _shared("device", help="where to train")
    law: str = _shared("law")
    p_mean: float | None = _shared("p_mean")
    p_std: float | None = _shared("p_std")
    sigma_data: float | None = _shared("sigma_data", absent="that of the data")
    residues: str = _shared("residues")
    chains: str = _shared("chains")
    data: str = _shared("data")

    def _check(self) -> None:
        if self.sigma_data is not None:
            super()._check()
            return
        # The law is of the states' own spread, which is not known yet: refused now is what no spread could mend.
        replace(self, sigma_data=1.0)

    def law_over(self, spread: float) -> LawOfSigma:
        """Return the law with ``sigma_data`` as given, else ``spread``, angstrom per coordinate."""
        return replace(self.law_of_sigma, sigma_data=self.sigma_data or spread)


def _of_sampler(kind: type, help_text: str, **rest: Any) -> Any:
    return parameter("" if kind is str else None, kind, help_text, absent="the sampler's", **rest)


@dataclass(init=False, eq=False, repr=False, match_args=False)
class SampleParameters(_Grouped, _Schemed):
    """Parameters of ``pomsample``."""

    command = "pomsample"
    exclusive = (
        ("wc", "preset"),
        ("wr", "preset"),
        ("wa", "preset"),
        ("denoiser", "network"),
        ("gamma", "s_churn"),
        ("gamma_min", "s_min"),
        ("noise_scale", "s_noise"),
    )

    selection: str = _shared("selection")
    sampler: str = parameter("af3", str, "published settings to start from", choices=SAMPLERS)
    wc: float = _shared("wc")
    wr: float = _shared("wr")
    wa: float = _shared("wa")
    preset: str = _shared("preset")
    samples: int = parameter(
        1, int, "number of samples; sample k is the same however many there are", bounds=(1, 10_000)
    )
    seed: int = _shared("seed")
    steps: int | None = _of_sampler(int, "number of steps, N", bounds=(1, 100_000))
    sigma_max: float | None = _of_sampler(
        float, "first noise level, per coordinate", unit="angstrom", bounds=(1e-6, 1e6)
    )
    sigma_min: float | None = _of_sampler(
        float, "noise level at t = 1, per coordinate", unit="angstrom", bounds=(1e-6, 1e6)
    )
    rho: float | None = _of_sampler(float, "exponent of the schedule", bounds=(1e-2, 100))
    grid: str = _of_sampler(
        str,
        "how t goes from 0 at sigma_max to 1 at sigma_min: "
        + "; ".join(f"{name} is {formula}" for name, formula in GRIDS.items()),
        choices=GRIDS,
    )
    solver: str = _of_sampler(str, "euler is of first order, heun of second", choices=SOLVERS)
    gamma: float | None = _of_sampler(
        float, "churn of the AF3 family, the relative rise of sigma before a step", bounds=(0, 10)
    )
    gamma_min: float | None = _of_sampler(
        float,
        "sigma after a step, per coordinate, above which gamma applies",
        unit="angstrom",
        bounds=(0, 1e6),
    )
    churn: str = parameter(
        "law", str, "noise of the churn: law follows the weights; flat does not, and is wrong", choices=("law", "flat")
    )
    noise_scale: float | None = _of_sampler(float, "scale of the noise of gamma", bounds=(1e-3, 10))
    s_churn: float | None = _of_sampler(
        float, "churn of edm: sigma rises by the part min(s_churn/N, sqrt(2) - 1) before a step", bounds=(0, 1e6)
    )
    s_min: float | None = _of_sampler(
        float,
        "least sigma before a step, per coordinate, at which s_churn applies",
        unit="angstrom",
        bounds=(0, 1e6),
    )
    s_max: float | None = _of_sampler(
        float,
        "largest sigma before a step, per coordinate, at which s_churn applies",
        unit="angstrom",
        bounds=(0, 1e6),
    )
    s_noise: float | None = _of_sampler(float, "scale of the noise of s_churn", bounds=(1e-3, 10))
    step_scale: float | None = _of_sampler(float, "scale of the step", bounds=(1e-3, 10))
    center: int | None = _of_sampler(int, "1 centres x before each step", bounds=(0, 1))
    augment: int | None = _of_sampler(int, "1 rotates and shifts x at random before each step", bounds=(0, 1))
    align: int | None = _of_sampler(int, "1 lays x on its denoised self, as Boltz does", bounds=(0, 1))
    denoiser: str = _shared("denoiser")
    network: str = _shared("network")
    pose: str = _shared(
        "pose",
        default="auto",
        help=f"{_SHARED['pose'][2]}; auto is exact where the sampler centres or augments, else fixed",
        choices=("auto", *_SHARED["pose"][3]["choices"]),
    )
    covariance: str = _shared("covariance")
    multiscale: int = _shared("multiscale")
    gate: float = _shared("gate")
    prior: str = _shared("prior")
    scaling: str = _shared("scaling")
    sigma_data: float | None = _shared("sigma_data", help=_NETWORK_DATA, absent="the sampler's")
    show: str = parameter(
        "trajectory",
        str,
        "what the states are: the steps of each sample, or the ends of all",
        choices=("trajectory", "final"),
    )
    every: int = parameter(1, int, "keep one step in so many, and the last", bounds=(1, 100_000))
    keep: str = parameter(
        "",
        str,
        "what else becomes objects: denoised, what the denoiser returned in each step that is kept, as NAME_denoised",
        choices=("denoised",),
        absent="the samples alone",
    )
    state: int = _shared(
        "state", help="state that is the truth of the curves, and the start of start=structure; -1 is the current one"
    )
    name: str = parameter("", str, "new object", absent="SOURCE_sample")
    csv: str = _shared("csv", help="file to write the curves to")
    figure: str = _shared("figure")
    device: str = _shared("device", help="where to compute")
    residues: str = _shared("residues")
    chains: str = _shared("chains")
    start: str = parameter(
        "noise",
        str,
        "what sampling starts from: noise of sigma_max, a cloud at the centroid; or structure, with this noise added",
        choices=("noise", "structure"),
    )
    convention: str = _shared("convention", default="", help=f"of the network, {_C_NOISE}", absent="the sampler's")

    def _check(self) -> None:
        super()._check()
        sampler = SAMPLERS[self.sampler]
        foreign = [name for name in foreign_churn(sampler) if getattr(self, name) is not None]
        if foreign:
            own = ", ".join(CHURNS[sampler.churn_by])
            raise PomodoroError(f"{foreign[0]} is not of sampler={self.sampler}, whose churn has {own}")
        _ = self.settings

    @property
    def settings(self) -> Sampler:
        """The sampler with what was given in place of its own."""
        own = SAMPLERS[self.sampler]
        given = {spec.name: getattr(self, spec.name, None) for spec in fields(own)}
        return replace(
            own, **{name: type(getattr(own, name))(it) for name, it in given.items() if it not in (None, "")}
        )

    @property
    def known_pose(self) -> str:
        """What is known of the pose, as `analytic` has it: fixed, exact or best."""
        moves = self.settings.center or self.settings.augment
        return {"auto": "exact" if moves else "fixed", "free": "exact"}.get(self.pose, self.pose)

    def kept_steps(self) -> list[int]:
        """Return the numbers of the steps that become states."""
        steps = self.settings.steps
        return [steps] if self.show == "final" else sorted({*range(self.every, steps + 1, self.every), steps})
