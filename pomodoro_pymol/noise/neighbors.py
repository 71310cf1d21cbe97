"""What noise does to residues that follow each other in a chain, and to their places: closed forms.

The project's own. A residue is the mean of its atoms. The weight of the chains has no part
in any of these numbers.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.spatial import cKDTree
from scipy.special import gammainc
from torch import Tensor

from ..structure.hierarchy import Hierarchy
from .expected import expected_residues, neighbor_variances
from .weights import LevelWeights

# Rays in `own_place_nearest`: so many for all residues together, and at least so many for each.
_RAYS, _FEWEST = 1 << 15, 8

# Of three normal numbers, a share of 7e-8 lies further out than this many standard deviations.
_FARTHEST = 6.0


def expected_neighbor_displacement(hierarchy: Hierarchy, weights: LevelWeights, sigma: float = 1.0) -> float:
    """Return the rms displacement, relative to each other, of residues that follow each other in a chain.

    In space, angstrom, so that it compares with the 3.8 A between consecutive alpha
    carbons: of a pair, ``sigma sqrt(3 (2 w_r + w_a (1 / n_i + 1 / n_j)) / W)``, with n atoms
    per residue; rms over the pairs. nan where no residue follows another.
    """
    variances = neighbor_variances(hierarchy, weights, sigma)
    return math.sqrt(3 * float(variances.mean())) if len(variances) else math.nan


def order_kept(coords: Tensor | np.ndarray, hierarchy: Hierarchy, weights: LevelWeights, sigma: float = 1.0) -> float:
    """Return the expected share of pairs of neighbours in a chain whose order noise keeps.

    With d the vector from a residue to the next, and d' the same with noise, the order is kept
    where d' . d > 0. Its probability is Phi(abs(d) / s), with s the standard deviation per
    coordinate of the two relative to each other. nan where no residue follows another.

    Parameters
    ----------
    coords : Tensor or ndarray, shape=(n_atoms, 3)
        Angstrom.
    hierarchy : Hierarchy
    weights : LevelWeights
    sigma : float
        Angstrom per coordinate.
    """
    first, second = hierarchy.neighbors
    means = _residue_means(coords, hierarchy)
    distances = (means[second] - means[first]).norm(dim=1)
    deviations = neighbor_variances(hierarchy, weights, sigma).sqrt()
    kept = torch.special.ndtr(distances / deviations)
    return float(torch.where(deviations > 0, kept, 1.0).mean())


def own_place_nearest(
    coords: Tensor | np.ndarray, hierarchy: Hierarchy, weights: LevelWeights, sigma: float = 1.0
) -> float:
    """Return the expected share of residues that noise leaves nearest to their own place in the chain.

    A place is the true mean of a residue's atoms. Noise is taken relative to the mean of the
    chain, and places are compared within the chain. Chains of one residue have no other place
    and are left out; nan if there are no others. Places that coincide count as one.

    A residue is nearest to its own place inside a convex cell, which a ray from that place
    leaves at a distance t; three normal numbers of standard deviation s stay below t with
    a closed probability. This is averaged over directions that cover the sphere evenly, 32,768
    over the number of residues, at least 8: with many more the share moves by at most .001.

    Parameters
    ----------
    coords : Tensor or ndarray, shape=(n_atoms, 3)
        Angstrom.
    hierarchy : Hierarchy
    weights : LevelWeights
    sigma : float
        Angstrom per coordinate.
    """
    means = _residue_means(coords, hierarchy).numpy()
    deviations = expected_residues(hierarchy, weights, sigma).residue_relative
    chain_of = hierarchy.residue_to_chain.cpu().numpy()
    order = np.argsort(chain_of, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(chain_of))[:-1])
    directions = _directions(max(_FEWEST, _RAYS // len(means)))
    shares = [_inside_cells(means[chain], deviations[chain], directions) for chain in members if len(chain) > 1]
    return float(np.concatenate(shares).mean()) if shares else math.nan


def _residue_means(coords: Tensor | np.ndarray, hierarchy: Hierarchy) -> Tensor:
    coords = torch.as_tensor(np.asarray(coords).astype(np.float64))
    return hierarchy.to("cpu").pool(coords - coords.mean(0))


def _directions(count: int) -> np.ndarray:
    """Return unit vectors that cover the sphere evenly, on a spiral of golden angles, shape=(count, 3)."""
    z = 1 - (2 * np.arange(count) + 1) / count
    angle = math.pi * (3 - math.sqrt(5)) * np.arange(count)
    radius = np.sqrt(1 - z**2)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=1)


def _inside_cells(means: np.ndarray, deviations: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Probability that each residue of a chain stays nearest to its own place, shape=(n_residues,)."""
    places, own = np.unique(means, axis=0, return_inverse=True)
    tree = cKDTree(places)
    place = np.repeat(own.ravel(), len(directions))
    ray = np.tile(directions, (len(means), 1))
    deviation = np.repeat(deviations, len(directions))
    reach = _FARTHEST * deviation
    active = np.flatnonzero(reach > 0)
    while len(active):  # each turn shortens a ray to where it leaves the side of one neighbour
        origin = places[place[active]]
        nearest = tree.query(origin + reach[active, None] * ray[active])[1]
        step = places[nearest] - origin
        along = 2 * (step * ray[active]).sum(1)
        with np.errstate(divide="ignore", invalid="ignore"):
            leaves = (step**2).sum(1) / along
        shorter = (nearest != place[active]) & (leaves < reach[active] * (1 - 1e-12))
        active = active[shorter]
        reach[active] = leaves[shorter]
    inside = np.ones_like(reach)
    moved = (deviation > 0) & (reach < _FARTHEST * deviation)
    inside[moved] = gammainc(1.5, (reach[moved] / deviation[moved]) ** 2 / 2)
    return inside.reshape(len(means), -1).mean(1)
