"""Every command's parameters."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from ..diffusion.samplers import CHURNS, GRIDS, SAMPLERS, SOLVERS, Sampler, foreign_churn
from ..errors import PomodoroError
from ..noise.metrics import DIRECTION, measured_metrics
from ..noise.presets import all_presets
from ..noise.sigma import LawOfSigma
from ..noise.weights import ESTIMATORS, PRESETS, Scheme
from .base import Parameters, about, choices_of, command_parameters, parameter
from .kinds import Grid, Interval, Selection
from .shared import C_NOISE, MAX_WEIGHT, SHARED, Grouped, Lawful, Schemed, Weighted, shared

_NETWORK_DATA = "data standard deviation per coordinate that the network is preconditioned with, for all levels"


@command_parameters
class NoiseParameters(Grouped, Weighted):
    """Parameters of ``pomnoise``."""

    command = "pomnoise"

    frames: int = shared("frames")
    seed: int = shared("seed")
    state: int = shared("state")
    name: str = parameter("", str, "new object", absent="SOURCE_noise")
    metric: str = shared("metric")
    palette: str = shared("palette")
    device: str = shared("device")
    range: Interval | str | None = shared("range")
    law: str = shared("law")
    p_mean: float | None = shared("p_mean")
    p_std: float | None = shared("p_std")
    sigma_data: float | None = shared("sigma_data")
    truth: int = shared("truth")
    rep: str = shared("rep")
    residues: str = shared("residues")
    chains: str = shared("chains")
    fixed: str = shared("fixed")

    def spelt_out(self) -> NoiseParameters:
        """Return the same with a user's preset as its weights, so that it outlives the preset."""
        if not self.preset or self.preset in PRESETS:
            return self
        weights = self.weights
        numbers = (weights.chain, weights.residue, weights.atom)
        chain, residue, atom = numbers if max(numbers) <= MAX_WEIGHT else weights.shares
        return replace(self, preset="", wc=chain, wr=residue, wa=atom)


@command_parameters
class ColorParameters(Parameters):
    """Parameters of ``pomcolor``."""

    command = "pomcolor"

    object: str = shared("object")
    metric: str = shared("metric")
    palette: str = shared("palette")
    range: Interval | str | None = shared("range")


@command_parameters
class CompareParameters(Grouped, Lawful):
    """Parameters of ``pomcompare``.

    Attributes
    ----------
    ends : bool
        Whether it ends a comparison.
    """

    command = "pomcompare"
    exclusive = (("z", "sigma"),)

    selection: str = shared("selection", help="atoms of one object; off ends the comparison")
    presets: str = parameter("flat+ms+rb+3-8-1", str, "schemes to compare, joined by +; one object and cell each")
    z: float = shared("z")
    metric: str = shared("metric", default=DIRECTION)
    sigma: float | None = shared("sigma")
    frames: int = shared("frames")
    seed: int = shared("seed")
    state: int = shared("state")
    palette: str = shared("palette")
    range: Interval | str | None = shared("range")
    figure: str = shared("figure")
    device: str = shared("device")
    law: str = shared("law")
    p_mean: float | None = shared("p_mean")
    p_std: float | None = shared("p_std")
    sigma_data: float | None = shared("sigma_data")
    truth: int = shared("truth")
    rep: str = shared("rep")
    residues: str = shared("residues")
    chains: str = shared("chains")
    fixed: str = shared("fixed")

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


@command_parameters
class CheckParameters(Parameters):
    """Parameters of ``pomcheck``."""

    command = "pomcheck"

    test: int = parameter(
        0, int, "1 also tries everything once in this PyMOL, which is afterwards as it was", bounds=(0, 1)
    )


@command_parameters
class PanelParameters(Parameters):
    """Parameters of ``pompanel``: none."""

    command = "pompanel"


@command_parameters
class TableParameters(Grouped, Lawful):
    """Parameters of ``pomtable``."""

    command = "pomtable"

    selection: str = shared("selection")
    presets: str = shared("presets", default="flat+ms+rb")
    z: Grid = parameter(Grid(-3, 3), Grid, "noise levels", bounds=(-6, 6))
    frames: int = parameter(100, int, "draws to measure; the researcher's note has 1", bounds=(1, 1_000_000))
    seed: int = shared("seed")
    estimator: str = parameter("rms", str, "rms about the truth, or std over the points of a draw", choices=ESTIMATORS)
    state: int = shared("state")
    csv: str = shared("csv")
    figure: str = shared("figure")
    device: str = shared("device")
    law: str = shared("law")
    p_mean: float | None = shared("p_mean")
    p_std: float | None = shared("p_std")
    sigma_data: float | None = shared("sigma_data")
    residues: str = shared("residues")
    chains: str = shared("chains")


@command_parameters
class SweepParameters(Grouped, Lawful):
    """Parameters of ``pomsweep``."""

    command = "pomsweep"

    selection: str = shared("selection")
    z: Grid = parameter(Grid(-3, 3, 0.25), Grid, "noise levels, one state each", bounds=(-6, 6))
    presets: str = parameter(
        "3-8-1+flat+ms+rb+2-6-2", str, "schemes to compare, joined by +; the first makes the object"
    )
    frames: int = parameter(1, int, "draws to average over; the first makes the object", bounds=(1, 10_000))
    seed: int = shared("seed")
    state: int = shared("state")
    name: str = parameter("", str, "new object", absent="SOURCE_sweep")
    csv: str = shared("csv")
    figure: str = shared("figure")
    device: str = shared("device")
    law: str = shared("law")
    p_mean: float | None = shared("p_mean")
    p_std: float | None = shared("p_std")
    sigma_data: float | None = shared("sigma_data")
    residues: str = shared("residues")
    chains: str = shared("chains")


@command_parameters
class WeightsParameters(Grouped, Weighted):
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
    state: int = shared("state")
    save: str = parameter("", str, "name to keep the weights under, as a preset")
    delete: str = parameter("", str, "preset of yours to forget")
    law: str = shared("law")
    p_mean: float | None = shared("p_mean")
    p_std: float | None = shared("p_std")
    sigma_data: float | None = shared("sigma_data")
    residues: str = shared("residues")
    chains: str = shared("chains")


@command_parameters
class AlignParameters(Parameters):
    """Parameters of ``pomalign``."""

    command = "pomalign"

    object: str = shared("object")
    name: str = parameter("", str, "new object", absent="OBJECT_aligned")


@command_parameters
class MeasureParameters(Parameters):
    """Parameters of ``pommeasure``."""

    command = "pommeasure"

    object: str = shared("selection", help="atoms of one object, whose states are the frames")
    truth: str = parameter(
        "",
        Selection,
        "atoms of one object, one state of which is the truth",
        absent="those of object: that state of it is no frame then",
    )
    state: int = shared("state", default=1, help="state that is the truth; -1 is the current one")
    fit: int = parameter(
        1,
        int,
        "1 lays each frame on the truth first, as the loss of AF3 does; 0 leaves it where it is",
        bounds=(0, 1),
    )
    metric: str = shared(
        "metric", help="what colours the residues, of those that need no weights", choices=measured_metrics()
    )
    palette: str = shared("palette")
    range: Interval | str | None = shared(
        "range", absent="the metric's; that of displacement ends at the rms of the atoms, per coordinate"
    )
    name: str = parameter("", str, "new object", absent="OBJECT_measured")
    csv: str = shared("csv", help="file to write the numbers of each frame to")


@command_parameters
class SaveParameters(Parameters):
    """Parameters of ``pomsave``."""

    command = "pomsave"

    filename: str = parameter("", str, "file to write: .pdb or .cif, packed by a further .gz, .dcd, or .npz")
    object: str = shared("object", help="object made by pomnoise, pomalign, pomdenoise, pomsweep or pomsample")
    level: str = parameter("atom", str, "one point per atom, or per residue (.pdb)", choices=("atom", "residue"))
    b: str = parameter(
        "",
        str,
        "what stands in the B column: the metric that colours, or b of the source",
        choices=("metric", "source"),
        absent="the metric of noised frames, source for others",
    )


@command_parameters
class MovieParameters(Parameters):
    """Parameters of ``pommovie``."""

    command = "pommovie"

    filename: str = parameter("", str, "film to write: .gif, .mp4, or a new folder for pictures, as in film/")
    object: str = shared("object", help="object whose states are shown", absent="the only one of ours")
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


@command_parameters
class PrecondParameters(Grouped, Schemed, Lawful):
    """Parameters of ``pomprecond``."""

    command = "pomprecond"

    selection: str = shared("selection")
    z: Grid = parameter(Grid(-1, 1), Grid, "noise levels", bounds=(-6, 6))
    wc: float = shared("wc")
    wr: float = shared("wr")
    wa: float = shared("wa")
    preset: str = shared("preset")
    sigma_data: float | None = shared("sigma_data")
    data: str = shared("data")
    convention: str = shared("convention")
    state: int = shared("state")
    csv: str = shared("csv")
    figure: str = shared("figure")
    law: str = shared("law")
    p_mean: float | None = shared("p_mean")
    p_std: float | None = shared("p_std")
    residues: str = shared("residues")
    chains: str = shared("chains")


@command_parameters
class SignalParameters(Grouped, Schemed, Lawful):
    """Parameters of ``pomsignal``."""

    command = "pomsignal"

    selection: str = shared("selection")
    presets: str = shared("presets")
    residue: float | None = parameter(
        None, float, "wanted share of the loss for residues: finds wr at the wc and wa given", bounds=(0, 1)
    )
    wc: float = shared("wc")
    wr: float = shared("wr")
    wa: float = shared("wa")
    preset: str = shared("preset")
    p_mean: float | None = shared("p_mean")
    p_std: float | None = shared("p_std")
    sigma_data: float | None = shared("sigma_data")
    data: str = shared("data")
    state: int = shared("state")
    csv: str = shared("csv")
    figure: str = shared("figure")
    law: str = shared("law")
    residues: str = shared("residues")
    chains: str = shared("chains")


@command_parameters
class SurveyFilesParameters(Lawful):
    """Parameters of the command line's ``survey``."""

    command = "survey"

    presets: str = shared("presets")
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
    seed: int = shared("seed", help="random seed of the crops")
    workers: int | None = parameter(
        None, int, "processes that read, where no scheduler is given", bounds=(1, 1024), absent="one for each core"
    )
    seconds: float = parameter(300.0, float, "time in which a file has to be read", unit="s", bounds=(0.1, 86400))
    memory: float = parameter(4.0, float, "memory that reading a file may take", unit="GiB", bounds=(0.5, 1024))
    figure: str = shared("figure")
    json: str = parameter("", str, "file to write the summary to")
    times: str = parameter("", str, "file to write the time and memory of each file to, .csv")
    law: str = shared("law")
    p_mean: float | None = shared("p_mean")
    p_std: float | None = shared("p_std")
    sigma_data: float | None = shared("sigma_data")


@command_parameters
class SurveyParameters(Grouped):
    """Parameters of ``pomsurvey``."""

    command = "pomsurvey"

    file: str = parameter("", str, "survey to compare with: .parquet, of python -m pomodoro_pymol survey")
    selection: str = shared("selection")
    state: int = shared("state", help="state to compare; -1 is the current one")
    csv: str = shared("csv")
    figure: str = shared("figure")
    residues: str = shared("residues")
    chains: str = shared("chains")


@command_parameters
class DenoiseParameters(Parameters):
    """Parameters of ``pomdenoise``."""

    command = "pomdenoise"
    exclusive = (("denoiser", "network"),)

    object: str = shared("object")
    denoiser: str = shared("denoiser")
    network: str = shared("network")
    pose: str = shared(
        "pose", help=f"{about(SHARED['pose']).help}; all but fixed turn and shift each frame at random first, and back"
    )
    covariance: str = shared("covariance")
    multiscale: int = shared("multiscale")
    gate: float = shared("gate")
    prior: str = shared("prior")
    scaling: str = shared("scaling")
    sigma_data: float | None = shared("sigma_data", help=_NETWORK_DATA, absent="that of the frames' law of sigma")
    name: str = parameter("", str, "new object", absent="OBJECT_denoised")
    device: str = shared("device", help="where to compute")
    convention: str = shared("convention", help=f"of the network, {C_NOISE}")

    @property
    def known_pose(self) -> str:
        """What is known of the pose, as `analytic` has it: fixed, exact or best."""
        return "exact" if self.pose == "free" else self.pose


@command_parameters
class TrainParameters(Grouped, Lawful):
    """Parameters of ``pomtrain``."""

    command = "pomtrain"

    selection: str = shared("selection", help="atoms of one object, whose states are the data")
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
    seed: int = shared("seed", help="random seed of the first networks, the others count on from it")
    state: int = shared("state", default=1, help="state whose labels and bonds count; -1 is the current one")
    export: str = parameter(
        "", str, "file to export the network to by torch.export, .pt2; takes one scheme and one scaling"
    )
    csv: str = shared("csv")
    figure: str = shared("figure")
    device: str = shared("device", help="where to train")
    law: str = shared("law")
    p_mean: float | None = shared("p_mean")
    p_std: float | None = shared("p_std")
    sigma_data: float | None = shared("sigma_data", absent="that of the data")
    residues: str = shared("residues")
    chains: str = shared("chains")
    data: str = shared("data")

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


@command_parameters
class SampleParameters(Grouped, Schemed):
    """Parameters of ``pomsample``."""

    command = "pomsample"
    exclusive = (
        *Schemed.exclusive,
        ("denoiser", "network"),
        ("gamma", "s_churn"),
        ("gamma_min", "s_min"),
        ("noise_scale", "s_noise"),
    )

    selection: str = shared("selection")
    sampler: str = parameter("af3", str, "published settings to start from", choices=SAMPLERS)
    wc: float = shared("wc")
    wr: float = shared("wr")
    wa: float = shared("wa")
    preset: str = shared("preset")
    samples: int = parameter(
        1, int, "number of samples; sample k is the same however many there are", bounds=(1, 10_000)
    )
    seed: int = shared("seed")
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
    denoiser: str = shared("denoiser")
    network: str = shared("network")
    pose: str = shared(
        "pose",
        default="auto",
        help=f"{about(SHARED['pose']).help}; auto is exact where the sampler centres or augments, else fixed",
        choices=("auto", *choices_of(SHARED["pose"])),
    )
    covariance: str = shared("covariance")
    multiscale: int = shared("multiscale")
    gate: float = shared("gate")
    prior: str = shared("prior")
    scaling: str = shared("scaling")
    sigma_data: float | None = shared("sigma_data", help=_NETWORK_DATA, absent="the sampler's")
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
    state: int = shared(
        "state", help="state that is the truth of the curves, and the start of start=structure; -1 is the current one"
    )
    name: str = parameter("", str, "new object", absent="SOURCE_sample")
    csv: str = shared("csv", help="file to write the curves to")
    figure: str = shared("figure")
    device: str = shared("device", help="where to compute")
    residues: str = shared("residues")
    chains: str = shared("chains")
    start: str = parameter(
        "noise",
        str,
        "what sampling starts from: noise of sigma_max, a cloud at the centroid; or structure, with this noise added",
        choices=("noise", "structure"),
    )
    convention: str = shared("convention", default="", help=f"of the network, {C_NOISE}", absent="the sampler's")

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
