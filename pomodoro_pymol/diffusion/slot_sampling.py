"""Reverse diffusion by all networks of a training side by side, each with its own law."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .sampling import check_sums
from .training import Training
from .training_data import Draw


@torch.no_grad()
def sample_side_by_side(
    training: Training,
    drawn: Draw,
    sigmas: list[float],
    check: Callable[[], object] = lambda: None,
) -> Tensor:
    """Sample by Heun's method without churn, as `sampling.edm_sample` does one network at a time.

    Parameters
    ----------
    training : Training
    drawn : Draw
        Of as many seeds as the networks have; its noise, by each network's scheme, is where samples start, about
        the origin. Its items say whose residues they are.
    sigmas : list of float
        Falling noise levels, the last 0; angstrom.
    check : callable
        As of `Training.advance`.

    Returns
    -------
    Tensor, shape=(n_models, n_items, n_residues, n_slots, 3)
        Angstrom.

    Raises
    ------
    PomodoroError
        If a network returns numbers that are not finite.
    """
    noise, items = training.noise_of(drawn)
    x = sigmas[0] * noise
    rows = torch.arange(len(x), device=x.device)

    def slope(x: Tensor, sigma: float) -> Tensor:
        """Return dx/dsigma, (x - D) / sigma."""
        told = torch.full((len(x),), sigma, device=x.device)
        found = torch.cat([part for _, part in training.denoised(x, rows, items, told, check)])
        check_sums([sigma], [float(found.sum())])
        return (x - found) / sigma

    for sigma, following in zip(sigmas, sigmas[1:]):
        first = slope(x, sigma)
        ahead = x + (following - sigma) * first
        if following:
            ahead = x + (following - sigma) * (first + slope(ahead, following)) / 2
        x = ahead
    return x
