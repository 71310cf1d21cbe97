"""Denoisers that need no network: closed forms, not trained models.

For an ensemble {y_k} of equal prior probability under noise of covariance sigma^2 Sigma,

    D(x) = sum_k softmax_k(-(x - y_k)^T Sigma^-1 (x - y_k) / (2 sigma^2)) y_k

is the posterior mean, the best any denoiser can do in the mean square. For one
structure mu with a Gaussian spread C about it, D(x) = mu + C (C + sigma^2 Sigma)^-1 (x - mu),
the Wiener filter.

Where the pose is unknown, each rotation and each place equally likely, both are averages over all
poses: y_k is turned by its mean rotation given x, and weighed by the integral of its likelihood
over rotations (`pose`); places drop out, as a flat prior takes the metric's own mean from x and from y_k.

Both give heads per level: the posterior means from the residue means alone and from the
chain means alone. What a head has of its own are the probabilities of the members; the pose is that
of all atoms, for all heads: else they would turn against each other. The project's own derivation;
the tests hold them against brute force.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import PomodoroError
from ..noise.covariance import NestedCovariance
from ..noise.weights import FLAT, LevelWeights
from ..structure.hierarchy import Hierarchy
from ..structure.superposition import best_rotation
from .choices import COVARIANCES, POSES
from .estimate import Estimate
from .pose import rotation_posterior
from .precondition import SHIFT


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
    pose : {"fixed", "exact", "best"}
        Of the members in x: as they lie; unknown, averaged over all poses; or unknown, with the
        likeliest one in place of the average, an approximation.
    heads : bool
        Also estimate residue and chain means, by the probabilities that the noised means alone give.

    Raises
    ------
    PomodoroError
        If the shapes do not fit, a coordinate is not finite, a word is unknown, or w_a = 0 in the nested
        covariance.
    """

    def __init__(
        self,
        members: Tensor,
        hierarchy: Hierarchy,
        weights: LevelWeights,
        *,
        covariance: str = "nested",
        pose: str = "fixed",
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
        _check_pose(pose)
        self.hierarchy = hierarchy
        noise = NestedCovariance.of_noise(hierarchy, weights)
        assumed = NestedCovariance.of_noise(hierarchy, FLAT) if covariance == "flat" else noise
        laws = [assumed, noise.of_residues(), noise.of_chains()] if heads else [assumed]
        self._posed = None
        if pose == "fixed":
            self._heads = [_Level(*level) for level in zip(_pooled(members, hierarchy, len(laws)), laws)]
        else:
            self._posed = _Posed(members - members.mean(1, keepdim=True), noise, laws, exact=pose == "exact")

    def __call__(self, x: Tensor, sigma: float) -> Estimate:
        """Estimate the truth of ``x``, shape=(n_samples, n_atoms, 3), noised by ``sigma`` angstrom."""
        if self._posed is not None:
            return self._posed(x, sigma)
        pooled = _pooled(x, self.hierarchy, len(self._heads))
        (atoms, members), *others = [head(values, sigma) for head, values in zip(self._heads, pooled)]
        residues, chains = (estimate for estimate, _ in others) if others else (None, None)
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
    pose : {"fixed", "exact", "best"}
        Of the structure in x; see `IdealDenoiser`.
    heads : bool
        Also estimate residue and chain means, from the noised means alone in the pose of all atoms.
    """

    def __init__(
        self,
        mean: Tensor,
        prior: NestedCovariance,
        weights: LevelWeights,
        *,
        pose: str = "fixed",
        heads: bool = False,
    ) -> None:
        hierarchy = self.hierarchy = prior.hierarchy
        if mean.shape != (hierarchy.n_atoms, 3) or not bool(mean.isfinite().all()):
            raise PomodoroError(f"the mean must be ({hierarchy.n_atoms}, 3) finite numbers, not {tuple(mean.shape)}")
        _check_pose(pose)
        self._mean, self._pose = mean, pose
        noise = NestedCovariance.of_noise(hierarchy, weights)
        self._levels = [(prior, noise)]
        if heads:
            self._levels.append((prior.of_residues(), noise.of_residues()))
            self._levels.append((prior.of_chains(), noise.of_chains()))

    def __call__(self, x: Tensor, sigma: float) -> Estimate:
        """Estimate the truth of ``x``, shape=(n_samples, n_atoms, 3), noised by ``sigma`` angstrom."""
        center = self._mean if self._pose == "fixed" else self._in_pose(x, sigma)
        n_levels = len(self._levels)
        centers, noised = _pooled(center, self.hierarchy, n_levels), _pooled(x, self.hierarchy, n_levels)
        found = []
        for values, middle, (prior, noise) in zip(noised, centers, self._levels):
            kept = prior.plus(noise.scaled(sigma**2)).solve(values - middle)
            found.append(middle + prior.product(kept))
        return Estimate(*found)

    def _in_pose(self, x: Tensor, sigma: float) -> Tensor:
        """Return the structure in its mean pose in each x, given all that x is of: spread and noise."""
        prior, noise = self._levels[0]
        metric = _Metric((self._mean - self._mean.mean(0))[None], prior.plus(noise.scaled(sigma**2)))
        samples = x.reshape(-1, *self._mean.shape)
        seen = metric.against(samples, 1.0)
        rotation = rotation_posterior(seen.moments).mean if self._pose == "exact" else _best(seen.moments, samples)
        posed = metric.centred(self._mean) @ rotation[:, 0].mT.to(x) + seen.place(rotation[:, 0]).to(x)
        return posed.view(x.shape)


def entropy(probabilities: Tensor) -> Tensor:
    """Return the entropy in nats over the last axis: 0 for one member, ln n_members for all alike."""
    return torch.special.entr(probabilities).sum(-1)


class _Level:
    """Posterior over members as they lie, from coordinates of one level.

    Logits are taken up to what all members share, |x|^2, so that small differences do not
    drown; the mean of the members is the origin for the same reason.
    """

    def __init__(self, members: Tensor, covariance: NestedCovariance) -> None:
        self.mean = members.mean(0)
        self.mean_row = self.mean.T.flatten()
        centred = members - self.mean
        precise = covariance.solve(centred)
        self.members = centred.mT.reshape(len(members), -1)
        self.precise = precise.mT.reshape(len(members), -1)
        self.half_norms = _half_products(self.members, self.precise).to(members)

    def __call__(self, x: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        rows = (x - self.mean).mT.reshape(-1, self.members.shape[1])
        precision = 1 / sigma**2
        logits = torch.addmm(self.half_norms, rows, self.precise.T, beta=-precision, alpha=precision)
        chosen = torch.softmax(logits, -1)
        estimate = torch.addmm(self.mean_row, chosen, self.members)
        return estimate.view(*x.shape[:-2], 3, -1).mT, chosen.view(*x.shape[:-2], -1)


@dataclass(frozen=True, eq=False)
class _Seen:
    """What noised coordinates tell of members in a pose, float64.

    Attributes
    ----------
    moments : Tensor, shape=(n_samples, n_members, 3, 3)
        Of the density of rotations: see `pose`.
    halves : Tensor, shape=(n_members,)
        Half the square of each member in the same metric, which its logits lose.
    middle : Tensor, shape=(n_samples, 1, 3)
        The w-mean of x.
    middles : Tensor, shape=(n_members, 3)
        Those of the members.
    known : float, or Tensor of one
        Share of the w-mean of x, less that of the turned member, that is its shift and not noise.
    """

    moments: Tensor
    halves: Tensor
    middle: Tensor
    middles: Tensor
    known: float | Tensor

    def place(self, rotations: Tensor) -> Tensor:
        """Return where weighted mean rotations leave the w-mean, shape=(n_samples, 1, 3).

        Parameters
        ----------
        rotations : Tensor, shape=(n_samples, 3, n_members * 3)
            Side by side.
        """
        return torch.lerp((rotations @ self.middles.view(-1, 1)).mT, self.middle, self.known)


class _Metric:
    """Members in any pose, in the metric of a covariance.

    In float64: at low noise logits are differences of numbers that are 1e12 times as large.

    Parameters
    ----------
    members : Tensor, shape=(n_members, n_points, 3)
        About their centroids.
    covariance : NestedCovariance
        Of the points.

    Attributes
    ----------
    total : float, or Tensor of one
        Precision of the w-mean. As a number it leaves a comparison less to do.
    """

    def __init__(self, members: Tensor, covariance: NestedCovariance) -> None:
        n_members, n_points, _ = members.shape
        ones = covariance.solve_ones()
        self.total: float | Tensor = ones.sum()
        self._weights = ones / ones.sum()
        self._precise = members.new_empty(n_members, 3, n_points, dtype=torch.float64)
        self._halves = members.new_empty(n_members, dtype=torch.float64)
        self._middles = members.new_empty(n_members, 3, dtype=torch.float64)
        for number, member in enumerate(members):  # one by one: float64 and its parts take many times what one does
            exact = member.double()
            self._middles[number] = self._weights @ exact
            exact = exact - self._middles[number]
            precise = covariance.solve(exact)
            self._precise[number] = precise.T
            self._halves[number] = (precise * exact).sum() / 2
        self._middle_halves = self._middles.square().sum(-1) / 2

    def centred(self, points: Tensor) -> Tensor:
        """Return points, shape=(..., n_points, 3), about their w-mean."""
        return points - (self._weights.to(points) @ points)[..., None, :]

    def against(self, x: Tensor, variance: float) -> _Seen:
        """Compare with x, shape=(n_samples, n_points, 3), under ``variance`` times the covariance."""
        rows = x.mT.to(torch.float64, copy=True)
        middle = rows @ self._weights
        rows -= middle[:, :, None]
        products = rows.reshape(-1, x.shape[1]) @ self._precise.view(-1, x.shape[1]).T
        moments = products.view(len(x), 3, -1, 3).transpose(1, 2) / variance
        precision = 1 / (variance / self.total + SHIFT**2)
        return _Seen(
            moments.addcmul_((precision * middle)[:, None, :, None], self._middles[:, None]),
            self._halves / variance + precision * self._middle_halves,
            middle[:, None],
            self._middles,
            precision * SHIFT**2,
        )


class _Posed:
    """Posterior over members and poses: the pose is that of all atoms, the probabilities each head's own.

    Parameters
    ----------
    members : Tensor, shape=(n_members, n_atoms, 3)
        About their centroids.
    noise : NestedCovariance
        That of the pose.
    laws : list of NestedCovariance
        That each head takes the noise to have: atoms, residue means, chain means.
    exact : bool
    """

    def __init__(self, members: Tensor, noise: NestedCovariance, laws: list[NestedCovariance], *, exact: bool) -> None:
        self._hierarchy, self._exact = noise.hierarchy, exact
        pooled = _pooled(members, self._hierarchy, len(laws))
        self._metrics = [_Metric(*level) for level in zip(pooled, laws)]
        self._whole = self._metrics[0] if laws[0] is noise else _Metric(members, noise)
        for metric in (self._whole, *self._metrics):
            metric.total = float(metric.total)
        # Of each level, (n_members * 3, n_points).
        centred = _pooled(self._whole.centred(members), self._hierarchy, len(laws))
        self._members = [level.mT.reshape(-1, level.shape[1]) for level in centred]

    def __call__(self, x: Tensor, sigma: float) -> Estimate:
        samples = x.reshape(-1, *x.shape[-2:])
        whole = self._whole.against(samples, sigma**2)
        pooled = _pooled(samples, self._hierarchy, len(self._metrics))
        seens = [
            whole if metric is self._whole else metric.against(values, sigma**2)
            for metric, values in zip(self._metrics, pooled)
        ]
        if self._exact:
            apart = [whole] + [seen for seen in seens if seen is not whole]
            posterior = rotation_posterior(torch.stack([seen.moments for seen in apart]))
            rotation, scores = posterior.mean[0], posterior.peak + posterior.spread
            logits = [scores[apart.index(seen)] - seen.halves for seen in seens]
        else:
            rotation = _best(whole.moments, samples)
            logits = [(rotation * seen.moments).sum((-1, -2)) - seen.halves for seen in seens]
        estimates, chosen = [], []
        for own, members in zip(logits, self._members):
            probabilities = torch.softmax(own, -1)
            weighted = (probabilities[..., None, None] * rotation).transpose(1, 2).reshape(len(samples), 3, -1)
            turned = weighted.to(x) @ members
            estimates.append((turned.mT + whole.place(weighted).to(x)).view(*x.shape[:-2], -1, 3))
            chosen.append(probabilities)
        atoms, *others = estimates
        residues, chains = others or (None, None)
        return Estimate(atoms, residues, chains, chosen[0].to(x).view(*x.shape[:-2], -1))


def _best(moments: Tensor, samples: Tensor) -> Tensor:
    """Return the likeliest rotations, of the shape of the moments."""
    return best_rotation(moments.flatten(0, 1).mT, samples.shape[1]).view_as(moments)


def _pooled(x: Tensor, hierarchy: Hierarchy, n_levels: int) -> list[Tensor]:
    """Return the atoms, and where there are heads the residue means and chain means."""
    return [x] if n_levels == 1 else [x, hierarchy.pool(x), hierarchy.pool(x, "chain")]


def _check_pose(pose: str) -> None:
    if pose not in POSES:
        raise PomodoroError(f"pose must be one of {', '.join(POSES)}, not {pose!r}")


def _half_products(members: Tensor, precise: Tensor) -> Tensor:
    """Return half the product of each member, float64: of one at a time, as float64 doubles what is held."""
    return torch.stack([(one.double() * other.double()).sum() for one, other in zip(members, precise)]).div(2)
