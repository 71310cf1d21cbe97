"""The loss that no denoiser of an ensemble gets under: that of the exact one, by draws among the states.

The exact denoiser of states y_k is ``sum_j p_j y_j`` (`analytic.IdealDenoiser`), and x = y_k +
sigma e gives the logits ``-|y_k - y_j|**2 / (2 sigma**2) - (g_k - g_j) / sigma`` in the metric of
Sigma**-1, with ``g_j = y_j^T Sigma**-1 e``: normals whose covariance is the Gram matrix of the
states. So a draw takes one normal per state and none per atom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..noise.covariance import NestedCovariance
from ..noise.sigma import LawOfSigma
from ..noise.weights import LevelWeights
from ..structure.hierarchy import Hierarchy
from .precondition import PerLevel

# z of the law, for a trapezoidal sum: far finer than the error of the draws.
_Z = np.linspace(-5, 5, 81)
_P = np.exp(-0.5 * _Z**2) / np.exp(-0.5 * _Z**2).sum()
_SURE = 1e-12


@dataclass(frozen=True)
class Floor:
    """Loss of the exact denoiser, mean over the law of training.

    Attributes
    ----------
    losses : tuple of float
        Of chain, residue and atom level, as of `start_losses` with one c_skip and loss weight.
    errors : tuple of float
        Their standard errors.
    """

    losses: PerLevel
    errors: PerLevel


class StateGram:
    """Products of the centred states of an ensemble, level by level.

    Parameters
    ----------
    states : Tensor, shape=(n_states, n_atoms, 3)
        Angstrom, in one place and pose.
    hierarchy : Hierarchy
    """

    def __init__(self, states: Tensor, hierarchy: Hierarchy) -> None:
        # In float64 once, and changed in place: states can be many.
        self._states, self._hierarchy = states.to(torch.float64, copy=True), hierarchy.to("cpu")
        self._states -= self._states.mean(1, keepdim=True)
        self._states -= self._states.mean(0)
        chains, residues = (self._hierarchy.pool(self._states, level) for level in ("chain", "residue"))
        residues -= chains[:, self._hierarchy.residue_to_chain]
        of_chains = _products(chains, self._hierarchy.atoms_per_chain)
        of_residues = _products(residues, self._hierarchy.atoms_per_residue)
        whole = self._states.flatten(1) @ self._states.flatten(1).T
        parts = (of_chains, of_residues, whole - of_chains - of_residues)
        self._levels = [(part / self._states[0].numel()).numpy() for part in parts]

    def floor(self, weights: LevelWeights, law: LawOfSigma, *, draws: int = 512, seed: int = 0) -> Floor:
        """Return the loss of the exact denoiser in known place and pose, under noise of ``weights``.

        Parameters
        ----------
        weights : LevelWeights
        law : LawOfSigma
            Its sigma_data is that of the weight of the loss.
        draws : int
            At each sigma, with the same random numbers; state by state in turn.
        seed : int

        Raises
        ------
        PomodoroError
            If the atoms of a residue move as one body.
        """
        covariance = NestedCovariance.of_noise(self._hierarchy, weights)
        rows = [self._states.flatten(1) @ covariance.solve(state).flatten() for state in self._states]
        gram = torch.stack(rows).numpy()
        gram = (gram + gram.T) / 2
        size, axes = np.linalg.eigh(gram)
        normals = np.random.default_rng(seed).standard_normal((draws, len(gram)))
        g = normals @ (axes * np.sqrt(np.maximum(size, 0))).T
        true = np.arange(draws) % len(gram)
        norm = np.diag(gram)
        squares, steps = norm[true][:, None] + norm - 2 * gram[true], g[np.arange(draws), true][:, None] - g
        totals = np.zeros((3, draws))
        for z, share in zip(_Z, _P):
            sigma = law.sigma(float(z))
            logits = -squares / (2 * sigma**2) - steps / sigma
            off = np.exp(logits - logits.max(1, keepdims=True))
            off /= off.sum(1, keepdims=True)
            off[np.arange(draws), true] -= 1
            if np.abs(off).max() > _SURE:
                weight = share * (sigma**-2 + law.sigma_data**-2)
                totals += weight * np.array([((off @ level) * off).sum(1) for level in self._levels])
        chain, residue, atom = totals.mean(1).tolist()
        of_chain, of_residue, of_atom = (totals.std(1, ddof=1) / draws**0.5).tolist()
        return Floor((chain, residue, atom), (of_chain, of_residue, of_atom))


def _products(means: Tensor, sizes: Tensor) -> Tensor:
    return (means * sizes.double()[:, None]).flatten(1) @ means.flatten(1).T
