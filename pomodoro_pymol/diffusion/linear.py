"""The best linear estimate of an ensemble, by the full covariance that its states have: the linear floor.

With mean mu and covariance C of the data, and noise of covariance sigma^2 Sigma,

    D(x) = mu + C (C + sigma^2 Sigma)^-1 (x - mu)

has the least mean square error of all denoisers that are linear in x, whatever the law of the data. C is
taken as it is, without a nested covariance in its place, since residues are correlated along their chain. It
has as many rows as there are coordinates, but no higher rank than there are states. So with C = Y^T Y / n and
the eigenvectors U and eigenvalues g of Y Sigma^-1 Y^T, the modes B = U^T Y give

    D(x) = mu + B^T (n sigma^2 + g)^-1 B Sigma^-1 (x - mu)
    error = B^T sigma^2 / (n sigma^2 + g) B

so that each sigma takes two thin products. It is the floor on the states that it is made from. Of other states
it cannot estimate what lies outside these modes. The project's own derivation; the tests hold it against dense
matrices.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..errors import PomodoroError
from ..noise.covariance import NestedCovariance
from ..noise.weights import LevelWeights
from ..structure.hierarchy import Hierarchy, split_levels
from .estimate import Estimate
from .precondition import SHIFT, PerLevel

_POSES = ("fixed", "random")


class LinearDenoiser:
    """Best linear estimate of states that are equally likely.

    Parameters
    ----------
    states : Tensor, shape=(n_states, n_atoms, 3)
        Angstrom. All work is done on their device, in float64.
    hierarchy : Hierarchy
    weights : LevelWeights
        Of the noise.
    pose : {"fixed", "random"}
        Under ``fixed`` states are as they lie, and mean and covariance are those of all coordinates. Under
        ``random`` they are centred, turned uniformly and shifted by `SHIFT` times a standard normal: then the mean
        is 0, and the covariance of the atoms is the same along x, y and z, which are independent.

    Raises
    ------
    PomodoroError
        If the shapes do not fit, a coordinate is not finite, the pose is unknown, or the atom weight is 0.
    """

    def __init__(self, states: Tensor, hierarchy: Hierarchy, weights: LevelWeights, *, pose: str = "fixed") -> None:
        self._shape = hierarchy.n_atoms, 3
        if states.ndim != 3 or not len(states) or states.shape[1:] != self._shape:
            raise PomodoroError(f"states must have shape (n_states, {hierarchy.n_atoms}, 3), not {tuple(states.shape)}")
        if not bool(states.isfinite().all()):
            raise PomodoroError("the states have coordinates that are not finite")
        if pose not in _POSES:
            raise PomodoroError(f"pose must be one of {', '.join(_POSES)}, not {pose!r}")
        self._fixed = pose == "fixed"
        hierarchy = hierarchy.to(states.device)
        exact = states.double()
        self._mean = exact.mean(0) if self._fixed else torch.zeros_like(exact[0])
        rows = self._rows(exact - (self._mean if self._fixed else exact.mean(1, keepdim=True)))
        self._count = len(rows)
        if not self._fixed:
            shift = SHIFT * math.sqrt(self._count)
            rows = torch.cat([rows, rows.new_full((1, *rows.shape[1:]), shift)])
        covariance = NestedCovariance.of_noise(hierarchy, weights)
        gram = rows.flatten(1) @ covariance.solve(rows).flatten(1).T
        values, axes = torch.linalg.eigh((gram + gram.T) / 2)
        kept = values > torch.finfo(values.dtype).eps * len(values) * values.amax()
        self._values = values[kept]
        self._modes = torch.tensordot(axes[:, kept].T, rows, 1)
        self._precise = covariance.solve(self._modes)
        chain, residue, atom = split_levels(self._modes, hierarchy)
        on_atoms = (hierarchy.broadcast(chain, "chain"), hierarchy.broadcast(residue), atom)
        self._squares = torch.stack([part.square().mean((1, 2)) for part in on_atoms])

    def __call__(self, x: Tensor, sigma: float) -> Estimate:
        """Estimate the truth of ``x``, shape=(n_samples, n_atoms, 3), noised by ``sigma`` angstrom.

        Raises
        ------
        PomodoroError
            If the shape does not fit, or sigma is not positive and finite.
        """
        if x.ndim != 3 or x.shape[1:] != self._shape:
            raise PomodoroError(f"x must have shape (n_samples, {self._shape[0]}, 3), not {tuple(x.shape)}")
        off = self._rows(x.double() - self._mean).flatten(1)
        found = off @ self._precise.flatten(1).T / self._spread(sigma) @ self._modes.flatten(1)
        by_atom = found.view(x.shape) if self._fixed else found.view(len(x), 3, -1).mT
        return Estimate((self._mean + by_atom).to(x))

    def error(self, sigma: float) -> PerLevel:
        """Return the expected mean square error of each level, square angstrom per coordinate.

        A mean over states, poses and noise, in closed form. On Gaussian data of the same mean and covariance no
        denoiser has a smaller one.

        Parameters
        ----------
        sigma : float
            Angstrom.

        Returns
        -------
        chain, residue, atom : float
            Of chain means, of residue means about them, and of atoms about those, each a mean over all atoms and
            coordinates; they sum to that of the atoms.

        Raises
        ------
        PomodoroError
            If sigma is not positive and finite.
        """
        chain, residue, atom = (self._squares @ (sigma**2 / self._spread(sigma))).tolist()
        return chain, residue, atom

    def _spread(self, sigma: float) -> Tensor:
        """Return n sigma^2 + g of each mode."""
        if not 0 < sigma < math.inf:
            raise PomodoroError(f"sigma must be positive and finite, not {sigma:g}")
        return self._count * sigma**2 + self._values

    def _rows(self, coords: Tensor) -> Tensor:
        """Return the vectors that the covariance is of: states, or under a random pose each axis, (n, n_atoms, 1)."""
        return coords if self._fixed else coords.mT.reshape(-1, self._shape[0], 1)
