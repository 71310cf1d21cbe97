"""Where reverse diffusion may start from noise alone.

At sigma, noised data have the variance S + sigma^2 v, S of the data and v of unit noise, and a
cloud at the centroid has sigma^2 v: it lacks the part S / (S + sigma^2 v). A Gaussian of
variance S keeps this part all the way down, since dx/dsigma = (x - D) / sigma scales x by
sqrt(S / (S + sigma^2 v)) from sigma to 0: it is what the samples lack of their variance. The
project's own derivation; the tests hold it against draws.

S and v are of the residue means about the centroid, and of the atoms about their residue means:
what centring takes away is of neither.
"""

from __future__ import annotations

import math

from torch import Tensor

from ..noise.gauge import translation_share
from ..noise.weights import LevelWeights
from ..structure.hierarchy import Hierarchy
from .precondition import centred_data, data_variances, degrees_of_freedom

#: The part of its variance that a level of the samples may lack: 2.5 % of its rms, what 50 steps of Heun's
#: solver add to it.
LACK = 0.05

# Square angstrom, and of unit variance: what rounding leaves.
_NO_SPREAD, _NO_NOISE = 1e-9, 1e-12


def data_spread(members: Tensor, hierarchy: Hierarchy) -> tuple[float, float]:
    """Return the mean square of residue means about their centroid, and of atoms about those, per coordinate.

    Parameters
    ----------
    members : Tensor, shape=(n_members, n_atoms, 3)
        Angstrom.
    hierarchy : Hierarchy
        On the device of the members.

    Returns
    -------
    residue, atom : float
        Square angstrom, means over atoms, so that they add up.
    """
    data = centred_data(hierarchy, data_variances(members, hierarchy))
    chain, residue, atom = (free * own for free, own in zip(degrees_of_freedom(hierarchy, centred=True), data))
    return chain + residue, atom


def least_sigma(spread: tuple[float, float], hierarchy: Hierarchy, weights: LevelWeights, lack: float = LACK) -> float:
    """Return the sigma from which on a cloud at the centroid lacks no more than ``lack`` of the variance of a level.

    Parameters
    ----------
    spread : tuple of float
        Of the data: `data_spread`.
    hierarchy : Hierarchy
    weights : LevelWeights
        Of the noise.
    lack : float

    Returns
    -------
    float
        Angstrom per coordinate; infinite where a level has data and no noise.
    """
    of_atoms = weights.shares[2] * (1 - hierarchy.n_residues / hierarchy.n_atoms)
    of_residues = 1 - of_atoms - translation_share(hierarchy, weights)
    squares = [
        data * (1 / lack - 1) / noise if noise > _NO_NOISE else math.inf
        for data, noise in zip(spread, (of_residues, of_atoms))
        if data > _NO_SPREAD
    ]
    return math.sqrt(max(squares, default=0.0))
