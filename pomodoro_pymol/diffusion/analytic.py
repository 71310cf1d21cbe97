"""Denoisers that need no network: closed forms, not trained models.

For an ensemble {y_k} of equal prior probability under noise of covariance sigma^2 Sigma,

    D(x) = sum_k softmax_k(-(x - y_k)^T Sigma^-1 (x - y_k) / (2 sigma^2)) y_k

is the posterior mean, the best any denoiser can do in the mean square. For one
structure mu with a Gaussian spread C about it, D(x) = mu + C (C + sigma^2 Sigma)^-1 (x - mu),
the Wiener filter. Both give heads per level: the same posterior means, from the residue
means alone and from the chain means alone. The project's own derivation; the tests hold
them against brute force.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import PomodoroError
from ..noise.covariance import NestedCovariance
from ..noise.weights import FLAT, LevelWeights
from ..structure.hierarchy import Hierarchy
from ..structure.superposition import best_rotation
from .choices import COVARIANCES
from .estimate import Estimate


class IdealDenoiser:
    """Posterior mean for an ensemble whose members are equally likely.

    Parameters
    ----------
    members : Tensor, shape=(n_members, n_atoms, 3)
        Angstrom; their dtype and device are those of all that follows.
    hierarchy : Hierarchy
    weights : LevelWeights
        Of the noise.
    covariance : {"nested", "flat"}
        ``flat`` makes the atom head take the noise of each atom as independent, as the
        models of the AF3 family do; it is exact for flat noise alone.
    align : bool
        Lay each member on x as a rigid body, in the metric, before comparing. An
        approximation: the best pose takes the place of the average over poses.
    heads : bool
        Also estimate residue and chain means, from the noised means alone.

    Raises
    ------
    PomodoroError
        If the shapes do not fit, a coordinate is not finite, or w_a = 0 in the nested covariance.
    """

    def __init__(
        self,
        members: Tensor,
        hierarchy: Hierarchy,
        weights: LevelWeights,
        *,
        covariance: str = "nested",
        align: bool = False,
        heads: bool = False,
    ) -> None:
        if members.ndim != 3 or not len(members) or members.shape[1:] != (hierarchy.n_atoms, 3):
            raise PomodoroError(
                f"members must have shape (n_members, {hierarchy.n_atoms}, 3), not {tuple(members.shape)}"
            )
        if not bool(members.isfinite().all()):
            raise PomodoroError("the members have coordinates that are not finite")
        if covariance not in COVARIANCES:
            raise PomodoroError(f"covariance must be one of {', '.join(COVARIANCES)}, not {covariance!r}")
        level = _AlignedLevel if align else _Level
        noise = NestedCovariance.of_noise(hierarchy, weights)
        self.hierarchy = hierarchy
        self._atoms = level(members, NestedCovariance.of_noise(hierarchy, FLAT) if covariance == "flat" else noise)
        self._heads = []
        if heads:
            self._heads = [
                level(hierarchy.pool(members), noise.of_residues()),
                level(hierarchy.pool(members, "chain"), noise.of_chains()),
            ]

    def __call__(self, x: Tensor, sigma: float) -> Estimate:
        """Estimate the truth of ``x``, shape=(n_samples, n_atoms, 3), noised by ``sigma`` angstrom."""
        atoms, members = self._atoms(x, sigma)
        if not self._heads:
            return Estimate(atoms, members=members)
        residues, _ = self._heads[0](self.hierarchy.pool(x), sigma)
        chains, _ = self._heads[1](self.hierarchy.pool(x, "chain"), sigma)
        return Estimate(atoms, residues, chains, members)


class WienerDenoiser:
    """Posterior mean for one structure with a Gaussian spread about it.

    Parameters
    ----------
    mean : Tensor, shape=(n_atoms, 3)
        Angstrom.
    prior : NestedCovariance
        Of the spread.
    weights : LevelWeights
        Of the noise.
    align : bool
        Lay the structure on x as a rigid body first; see `IdealDenoiser`.
    heads : bool
        Also estimate residue and chain means, from the noised means alone.
    """

    def __init__(
        self,
        mean: Tensor,
        prior: NestedCovariance,
        weights: LevelWeights,
        *,
        align: bool = False,
        heads: bool = False,
    ) -> None:
        hierarchy = self.hierarchy = prior.hierarchy
        if mean.shape != (hierarchy.n_atoms, 3) or not bool(mean.isfinite().all()):
            raise PomodoroError(f"the mean must be ({hierarchy.n_atoms}, 3) finite numbers, not {tuple(mean.shape)}")
        noise = NestedCovariance.of_noise(hierarchy, weights)
        self._levels = [(mean, prior, noise)]
        if heads:
            self._levels += [
                (hierarchy.pool(mean), prior.of_residues(), noise.of_residues()),
                (hierarchy.pool(mean, "chain"), prior.of_chains(), noise.of_chains()),
            ]
        self._poses = [_AlignedLevel(mean[None], noise) if align else None for mean, _, noise in self._levels]

    def __call__(self, x: Tensor, sigma: float) -> Estimate:
        """Estimate the truth of ``x``, shape=(n_samples, n_atoms, 3), noised by ``sigma`` angstrom."""
        noised = [x]
        if len(self._levels) > 1:
            noised += [self.hierarchy.pool(x), self.hierarchy.pool(x, "chain")]
        found = []
        for values, (mean, prior, noise), pose in zip(noised, self._levels, self._poses):
            center = pose(values, sigma)[0] if pose else mean
            found.append(center + prior.product(prior.plus(noise.scaled(sigma**2)).solve(values - center)))
        return Estimate(*found)


def entropy(probabilities: Tensor) -> Tensor:
    """Return the entropy in nats over the last axis: 0 for one member, ln n_members for all alike."""
    return -torch.special.xlogy(probabilities, probabilities).sum(-1)


class _Level:
    """Posterior over members as they lie, from coordinates of one level.

    Logits are taken up to what all members share, |x|^2, so that small differences do not
    drown; the mean of the members is the origin for the same reason.
    """

    def __init__(self, members: Tensor, covariance: NestedCovariance) -> None:
        self.mean = members.mean(0)
        centred = members - self.mean
        precise = covariance.solve(centred)
        self.members = centred.mT.reshape(len(members), -1)
        self.precise = precise.mT.reshape(len(members), -1)
        self.half_norms = _half_products(self.members, self.precise).to(members)

    def __call__(self, x: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        rows = (x - self.mean).mT.reshape(*x.shape[:-2], -1)
        chosen = torch.softmax((rows @ self.precise.T - self.half_norms) / sigma**2, -1)
        return self.mean + (chosen @ self.members).view(*x.shape[:-2], 3, -1).mT, chosen


class _AlignedLevel:
    """The same with each member laid on x as a rigid body, in the metric of the noise."""

    def __init__(self, members: Tensor, covariance: NestedCovariance) -> None:
        ones = covariance.solve(torch.ones_like(members[0]))[:, 0]
        self.weights = ones / ones.sum()
        centred = members - (self.weights @ members)[:, None]
        precise = covariance.solve(centred)
        self.n_atoms = members.shape[1]
        self.members = centred.mT.reshape(-1, self.n_atoms)
        self.precise = precise.mT.reshape(-1, self.n_atoms)
        self.half_norms = _half_products(centred, precise)

    def __call__(self, x: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        samples = x.reshape(-1, self.n_atoms, 3)
        center = self.weights @ samples
        rows = (samples - center[:, None]).mT.reshape(-1, self.n_atoms)
        # (n_samples, 3, n_members, 3) to (n_samples, n_members, 3 of the member, 3 of x).
        covariance = (rows @ self.precise.T).view(len(samples), 3, -1, 3).permute(0, 2, 3, 1).double()
        rotation = best_rotation(covariance.reshape(-1, 3, 3), self.n_atoms).view_as(covariance)
        overlap = (rotation * covariance.mT).sum((-1, -2))
        chosen = torch.softmax((overlap - self.half_norms) / sigma**2, -1)
        turned = (chosen[..., None, None] * rotation).permute(0, 2, 1, 3).reshape(len(samples), 3, -1).to(x)
        atoms = (turned @ self.members).mT + center[:, None]
        return atoms.view(x.shape), chosen.to(x).view(*x.shape[:-2], -1)


def _half_products(members: Tensor, precise: Tensor) -> Tensor:
    """Return half the product of each member, float64: of one at a time, as float64 doubles what is held."""
    return torch.stack([(one.double() * other.double()).sum() for one, other in zip(members, precise)]).div(2)
