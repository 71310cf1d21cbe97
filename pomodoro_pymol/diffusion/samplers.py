"""Noise levels and steps of samplers, as published.

Level i of N steps, with t in [0, 1], is

    sigma(t) = (sigma_max^(1/rho) + t (sigma_min^(1/rho) - sigma_max^(1/rho)))^rho

and the grids of t differ by source. All levels are in angstrom, per coordinate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import PomodoroError
from ..noise.sigma import SIGMA_DATA
from .choices import CONVENTIONS

SOLVERS = ("euler", "heun")

#: Grids of t, and what they are.
GRIDS = {
    "af3": "t = i/N for i = 0 .. N",
    "protenix": "the same with 0 for the last level",
    "edm": "t = i/(N-1) for i = 0 .. N-1 and then the level 0",
}

#: Numbers of each kind of churn, by the one that says how strong it is.
CHURNS = {"gamma": ("gamma", "gamma_min", "noise_scale"), "s_churn": ("s_churn", "s_min", "s_max", "s_noise")}


@dataclass(frozen=True)
class Sampler:
    """Noise levels and steps of a sampler.

    Parameters
    ----------
    sigma_max, sigma_min : float
        First level, and that at t = 1, angstrom.
    rho : float
        Exponent of the schedule; larger takes smaller steps at low noise.
    grid : {"af3", "protenix", "edm"}
        See `GRIDS`.
    steps : int
        N.
    churn_by : {"gamma", "s_churn"}
        Which of the two kinds of churn below is the sampler's; the other's numbers do nothing.
    gamma, gamma_min, noise_scale : float
        Churn of the AF3 family: before a step from sigma_i to sigma_{i+1} > gamma_min (angstrom),
        sigma rises by gamma sigma_i, with noise that is noise_scale times what that takes.
    s_churn, s_min, s_max, s_noise : float
        Churn of EDM: before a step from s_min <= sigma_i <= s_max (angstrom), sigma rises by
        min(s_churn / N, sqrt(2) - 1) sigma_i, with noise that is s_noise times what that takes.
    step_scale : float
    solver : {"euler", "heun"}
        A last step to 0 is one of Euler.
    center, augment, align : bool
        Before each step, move the centroid to the origin; rotate and shift at random; lay
        x on its denoised self.
    sigma_data : float
        Standard deviation per coordinate, angstrom, of the data of networks that are made for
        the sampler, with which they are preconditioned. The levels do not follow it.
    convention : {"af3", "edm"}
        Their c_noise: see `precondition`.

    Raises
    ------
    PomodoroError
        If a number is out of range, a word unknown, or the other kind of churn is given.
    """

    sigma_max: float = 160 * SIGMA_DATA
    sigma_min: float = 4e-4 * SIGMA_DATA
    rho: float = 7.0
    grid: str = "af3"
    steps: int = 200
    churn_by: str = "gamma"
    gamma: float = 0.8
    gamma_min: float = 1.0
    noise_scale: float = 1.003
    s_churn: float = 0.0
    s_min: float = 0.0
    s_max: float = math.inf
    s_noise: float = 1.0
    step_scale: float = 1.5
    solver: str = "euler"
    center: bool = True
    augment: bool = True
    align: bool = False
    sigma_data: float = SIGMA_DATA
    convention: str = "af3"

    def __post_init__(self) -> None:
        for name, known in (("solver", SOLVERS), ("grid", GRIDS), ("churn_by", CHURNS), ("convention", CONVENTIONS)):
            if getattr(self, name) not in known:
                raise PomodoroError(f"{name} is one of {', '.join(known)}, not {getattr(self, name)!r}")
        if not (0 < self.sigma_min < self.sigma_max < math.inf):
            raise PomodoroError(
                f"sigma_max must be larger than sigma_min, both positive, not {self.sigma_max:g} and {self.sigma_min:g}"
            )
        if self.steps < 1:
            raise PomodoroError(f"steps must be at least 1, not {self.steps}")
        for name in ("rho", "noise_scale", "s_noise", "step_scale", "sigma_data"):
            if not (0 < getattr(self, name) < math.inf):
                raise PomodoroError(f"{name} must be positive and finite, not {getattr(self, name):g}")
        for name in ("gamma", "gamma_min", "s_churn", "s_min"):
            if not (0 <= getattr(self, name) < math.inf):
                raise PomodoroError(f"{name} must be finite and not negative, not {getattr(self, name):g}")
        if not (self.s_min <= self.s_max):
            raise PomodoroError(f"s_max must not be less than s_min, not {self.s_max:g} and {self.s_min:g}")
        for name in CHURNS:
            if getattr(self, name) and name != self.churn_by:
                raise PomodoroError(f"{name} is for samplers with churn_by={name!r}: make it 0")

    def sigmas(self) -> list[float]:
        """Return the noise levels, ``steps + 1`` falling numbers in angstrom."""
        high, low = self.sigma_max ** (1 / self.rho), self.sigma_min ** (1 / self.rho)
        intervals = max(self.steps - 1, 1) if self.grid == "edm" else self.steps
        count = self.steps + 1 if self.grid == "af3" else self.steps
        levels = [(high + step / intervals * (low - high)) ** self.rho for step in range(count)]
        return levels if self.grid == "af3" else [*levels, 0.0]

    def churned(self, sigma: float, following: float) -> float:
        """Return the noise level to which a step from ``sigma`` to ``following`` first rises."""
        if self.churn_by == "gamma":
            gamma = self.gamma if following > self.gamma_min else 0.0
        else:
            gamma = min(self.s_churn / self.steps, math.sqrt(2) - 1) if self.s_min <= sigma <= self.s_max else 0.0
        return sigma * (1 + gamma)

    @property
    def churn_scale(self) -> float:
        """What the noise of the churn is multiplied by."""
        return self.noise_scale if self.churn_by == "gamma" else self.s_noise


#: Samplers as published: Abramson et al. 2024 and OpenFold3; bytedance/Protenix generator.py;
#: jwohlwend/boltz diffusion.py at inference and diffusionv2.py; NVlabs/edm generate.py, whose
#: 0.002 and 80 are absolute and of data with a standard deviation of 0.5: angstrom here.
SAMPLERS: dict[str, Sampler] = {
    "af3": Sampler(),
    "protenix": Sampler(grid="protenix"),
    "boltz1": Sampler(
        rho=8.0, grid="edm", gamma=0.605, gamma_min=1.107, noise_scale=0.901, step_scale=1.638, align=True
    ),
    "boltz2": Sampler(sigma_min=1e-4 * SIGMA_DATA, grid="edm", align=True),
    "edm": Sampler(
        sigma_max=80.0,
        sigma_min=0.002,
        grid="edm",
        steps=18,
        churn_by="s_churn",
        gamma=0.0,
        step_scale=1.0,
        solver="heun",
        center=False,
        augment=False,
        sigma_data=0.5,
        convention="edm",
    ),
}


def foreign_churn(sampler: Sampler) -> list[str]:
    """Return the names of the numbers that the churn of a sampler does not have."""
    return [name for kind, names in CHURNS.items() if kind != sampler.churn_by for name in names]
