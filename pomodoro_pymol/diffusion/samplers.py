"""Noise levels and steps of samplers, as published."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import PomodoroError
from ..noise.sigma import SIGMA_DATA

SOLVERS = ("euler", "heun")
CHURN_BY = ("next", "current")


@dataclass(frozen=True)
class Sampler:
    """Noise levels and steps of a sampler.

    Parameters
    ----------
    sigma_max, sigma_min : float
        First and last noise level, angstrom; 0 follows.
    rho : float
        Exponent of the schedule; larger takes smaller steps at low noise.
    steps : int
    gamma : float
        Churn: the relative rise of sigma before a step.
    gamma_min, gamma_max : float
        Churn only where sigma is above the one and not above the other, angstrom.
    churn_by : {"next", "current"}
        Which sigma of the step is compared: sigma_{i+1} (AF3, Boltz) or sigma_i (EDM).
    noise_scale, step_scale : float
    solver : {"euler", "heun"}
    center, augment, align : bool
        Before each step, move the centroid to the origin; rotate and shift at random; lay
        x on its denoised self.

    Raises
    ------
    PomodoroError
        If a number is out of range.
    """

    sigma_max: float = 160 * SIGMA_DATA
    sigma_min: float = 4e-4 * SIGMA_DATA
    rho: float = 7.0
    steps: int = 200
    gamma: float = 0.8
    gamma_min: float = 1.0
    gamma_max: float = math.inf
    churn_by: str = "next"
    noise_scale: float = 1.003
    step_scale: float = 1.5
    solver: str = "euler"
    center: bool = True
    augment: bool = True
    align: bool = False

    def __post_init__(self) -> None:
        if not (0 < self.sigma_min < self.sigma_max < math.inf):
            raise PomodoroError(
                f"sigma_max must be larger than sigma_min, both positive, not {self.sigma_max:g} and {self.sigma_min:g}"
            )
        if self.steps < 1:
            raise PomodoroError(f"steps must be at least 1, not {self.steps}")
        for name in ("rho", "noise_scale", "step_scale"):
            if not (0 < getattr(self, name) < math.inf):
                raise PomodoroError(f"{name} must be positive and finite, not {getattr(self, name):g}")
        if not (0 <= self.gamma < math.inf):
            raise PomodoroError(f"gamma must be finite and not negative, not {self.gamma:g}")
        if self.solver not in SOLVERS or self.churn_by not in CHURN_BY:
            raise PomodoroError(f"solver is one of {', '.join(SOLVERS)}, churn_by one of {', '.join(CHURN_BY)}")

    def sigmas(self) -> list[float]:
        """Return the noise levels, ``steps + 1`` numbers from sigma_max down to 0."""
        high, low = self.sigma_max ** (1 / self.rho), self.sigma_min ** (1 / self.rho)
        parts = [step / max(self.steps - 1, 1) for step in range(self.steps)]
        return [(high + part * (low - high)) ** self.rho for part in parts] + [0.0]

    def churned(self, sigma: float, following: float) -> float:
        """Return the noise level to which a step from ``sigma`` to ``following`` first rises."""
        compared = following if self.churn_by == "next" else sigma
        return sigma * (1 + self.gamma) if self.gamma_min < compared <= self.gamma_max else sigma


#: Samplers as published: Abramson et al. 2024 (also Protenix, OpenFold3); jwohlwend/boltz
#: diffusion.py at inference and diffusionv2.py; NVlabs/edm generate.py, whose 0.002 and 80 are
#: absolute.
SAMPLERS: dict[str, Sampler] = {
    "af3": Sampler(),
    "boltz1": Sampler(rho=8.0, gamma=0.605, gamma_min=1.107, noise_scale=0.901, step_scale=1.638, align=True),
    "boltz2": Sampler(sigma_min=1e-4 * SIGMA_DATA, align=True),
    "edm": Sampler(
        sigma_max=80.0,
        sigma_min=0.002,
        steps=18,
        gamma=0.0,
        gamma_min=0.0,
        churn_by="current",
        noise_scale=1.0,
        step_scale=1.0,
        solver="heun",
        center=False,
        augment=False,
    ),
}
