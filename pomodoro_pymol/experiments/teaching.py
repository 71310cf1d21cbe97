"""What noise teaches, scheme by scheme: loss, law of training, information and local scores at each level."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..diffusion.budget import (
    LevelVariances,
    information,
    level_law,
    lost_by_one_skip,
    share_in_window,
    shares_of,
    start_losses,
    z_at_snr,
)
from ..diffusion.floor import Floor, StateGram
from ..diffusion.precondition import LEVELS, PerLevel, data_variances, own_sigma_data
from ..noise.gauge import Gauge, GaugeMoments, level_gauge
from ..noise.scores import SCORE_LOST, TOLD_SCORES, z_at_score
from ..noise.sigma import AF3_LAW, LawOfSigma
from ..noise.weights import Scheme
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy

_NO_FLOOR = Floor((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
_UNKNOWN_FLOOR = Floor((math.nan,) * 3, (math.nan,) * 3)


@dataclass(frozen=True)
class LevelSignal:
    """One level of one scheme under one law of sigma.

    Losses have no unit; they are means over atoms, coordinates and the law. Shares are parts
    of 1 over the levels.

    Attributes
    ----------
    level : str
    data, noise : float
        Variances per coordinate: of the data, square angstrom, and of noise of unit sigma.
    loss, share : float
        Loss at the start, of a network that predicts zero, under one c_skip and one loss weight.
    aligned, aligned_share : float
        The same without translation and rotation of the whole.
    weighted, weighted_share : float
        Loss at the start under one c_skip and each level's own loss weight; nan without noise.
    own : float
        Loss at the start under each level's own c_skip and loss weight: its degrees of freedom.
    lost : float
        What one c_skip for all levels loses, see `lost_by_one_skip`.
    floor, floor_error : float
        Loss of the exact denoiser of the states, with its standard error; 0 for one state, nan where
        noise without an atom part has no exact denoiser.
    p_mean : float
        Of the law of the level's noise.
    z_snr1 : float
        The z at which data and noise of the level have the same variance.
    window : float
        Share of training in which the signal-to-noise ratio of the level is between 0.1 and 10.
    nats : float
        Information, see `budget.information`.
    """

    level: str
    data: float
    noise: float
    loss: float
    share: float
    aligned: float
    aligned_share: float
    weighted: float
    weighted_share: float
    own: float
    lost: float
    floor: float
    floor_error: float
    p_mean: float
    z_snr1: float
    window: float
    nats: float


@dataclass(frozen=True)
class SchemeSignal:
    """One scheme under one law of sigma.

    Attributes
    ----------
    scheme : Scheme
    law : LawOfSigma
    levels : tuple of LevelSignal
        Chain, residue, atom.
    gauge : Gauge
    z_ca, z_within, z_between : float
        The z at which expected scores fall to 0.5: Calpha lDDT, mean over residues, and those
        of all heavy atoms within and between residues; nan where they do not, or are not asked for.
    """

    scheme: Scheme
    law: LawOfSigma
    levels: tuple[LevelSignal, LevelSignal, LevelSignal]
    gauge: Gauge
    z_ca: float
    z_within: float
    z_between: float

    def of_levels(self, field: str) -> PerLevel:
        """Return one field of chain, residue and atom."""
        chain, residue, atom = (getattr(level, field) for level in self.levels)
        return chain, residue, atom


@dataclass(frozen=True)
class TrainingSignal:
    """What noise of several schemes teaches on one structure or ensemble.

    Attributes
    ----------
    schemes : tuple of SchemeSignal
        All under the law that was given, then all again under that with the data's own sigma_data.
    n_chains, n_states : int
    """

    schemes: tuple[SchemeSignal, ...]
    n_chains: int
    n_states: int

    def laws(self) -> list[LawOfSigma]:
        """Return the law that was given, and that of the data's own sigma_data."""
        return list(dict.fromkeys(signal.law for signal in self.schemes))

    def under(self, law: LawOfSigma) -> list[SchemeSignal]:
        """Return the schemes under one law."""
        return [signal for signal in self.schemes if signal.law == law]


def training_signal(
    structure: Structure,
    states: np.ndarray,
    hierarchy: Hierarchy,
    schemes: Sequence[Scheme],
    law: LawOfSigma = AF3_LAW,
    *,
    data: PerLevel | None = None,
    scores: bool = True,
) -> TrainingSignal:
    """Return what noise of each scheme teaches.

    Parameters
    ----------
    structure : Structure
        Rotations and distances are those of its coordinates.
    states : ndarray, shape=(n_states, n_atoms, 3)
        The data, angstrom. The floor is the loss of their exact denoiser, where there are several.
    hierarchy : Hierarchy
    schemes : sequence of Scheme
    law : LawOfSigma
    data : tuple of float, optional
        Variance of the data at each level, square angstrom per coordinate, instead of that of
        the states; as of `data_variances`.
    scores : bool
        Whether local scores are computed, which take longest.
    """
    variances = data or data_variances(torch.from_numpy(states), hierarchy)
    several = len(states) > 1
    own = replace(law, sigma_data=own_sigma_data(hierarchy, variances))
    gauge, moments = level_gauge(structure.coords, hierarchy), GaugeMoments.of(structure.coords, hierarchy)
    gram = StateGram(torch.from_numpy(states), hierarchy) if several else None
    halves = _halves(structure, hierarchy, schemes) if scores else {}
    found = []
    for of_sigma in dict.fromkeys((law, own)):
        for scheme in schemes:
            levels = LevelVariances.of(hierarchy, scheme.weights, variances, gauge)
            floor = _NO_FLOOR
            if gram is not None:
                floor = gram.floor(scheme.weights, of_sigma) if scheme.weights.atom else _UNKNOWN_FLOOR
            sigmas = halves.get(scheme, (math.nan,) * 3)
            found.append(
                SchemeSignal(
                    scheme,
                    of_sigma,
                    _levels(levels, hierarchy, of_sigma, floor),
                    moments.split(scheme.weights),
                    *(of_sigma.z(sigma) if sigma > 0 else math.nan for sigma in sigmas),
                )
            )
    return TrainingSignal(tuple(found), hierarchy.n_chains, len(states))


def _levels(
    levels: LevelVariances, hierarchy: Hierarchy, law: LawOfSigma, floor: Floor
) -> tuple[LevelSignal, LevelSignal, LevelSignal]:
    """Return chain, residue and atom level of one scheme under one law."""
    loss, aligned = (start_losses(levels, law, aligned=aligned) for aligned in (False, True))
    weighted = start_losses(levels, law, loss_weight="levels")
    columns = {
        "data": levels.data,
        "noise": levels.noise,
        "loss": loss,
        "share": shares_of(loss),
        "aligned": aligned,
        "aligned_share": shares_of(aligned),
        "weighted": weighted,
        "weighted_share": shares_of(weighted),
        "own": start_losses(levels, law, scaling="levels", loss_weight="levels"),
        "lost": lost_by_one_skip(levels, law),
        "floor": floor.losses,
        "floor_error": floor.errors,
        "p_mean": [level_law(law, noise).p_mean if noise else -math.inf for noise in levels.noise],
        "z_snr1": [z_at_snr(law, noise, data) for noise, data in zip(levels.noise, levels.data)],
        "window": [share_in_window(law, noise, data) for noise, data in zip(levels.noise, levels.data)],
        "nats": information(levels, hierarchy, law),
    }
    chain, residue, atom = (
        LevelSignal(level, **{name: column[place] for name, column in columns.items()})
        for place, level in enumerate(LEVELS)
    )
    return chain, residue, atom


def _halves(
    structure: Structure, hierarchy: Hierarchy, schemes: Sequence[Scheme]
) -> dict[Scheme, tuple[float, float, float]]:
    """Return the sigmas, angstrom, at which three expected scores fall to `SCORE_LOST`; nan where one never does."""
    unit = LawOfSigma(1.0, 0.0, 1.0)
    columns = []
    for make, mean in TOLD_SCORES:
        distances = make(structure, hierarchy)
        columns.append(
            [math.exp(z_at_score(distances, scheme.weights, SCORE_LOST, law=unit, mean=mean)) for scheme in schemes]
        )
        del distances  # before the next kind is counted: they are large
    return {scheme: (ca, within, between) for scheme, ca, within, between in zip(schemes, *columns)}
