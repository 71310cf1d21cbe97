"""Where samples end with the heads broadcast, and without: on one to seven chains, in every pose."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pomodoro_pymol.diffusion.analytic import IdealDenoiser, WienerDenoiser
from pomodoro_pymol.diffusion.choices import POSES
from pomodoro_pymol.diffusion.samplers import SAMPLERS
from pomodoro_pymol.diffusion.sampling import edm_sample
from pomodoro_pymol.noise.covariance import NestedCovariance
from pomodoro_pymol.noise.weights import PRESETS
from pomodoro_pymol.structure.superposition import superpose

WEIGHTS = PRESETS["3-8-1"]
PRIOR = (1.0, 4.0, 0.25)
SAMPLES, STEPS = 16, 24


def complexes(nest, n_chains, n_members=6, seed=0):
    """Chains of six residues as walks, some 10 A apart, whose members differ at every level."""
    rng = np.random.default_rng(seed)
    hierarchy = nest(rng.integers(4, 12, (n_chains, 6)).tolist())
    residues, chains = hierarchy.residue_to_chain.numpy(), hierarchy.atom_to_chain.numpy()
    of_residue = hierarchy.atom_to_residue.numpy()
    walks = rng.normal(0, 10, (n_chains, 3))[residues] + np.cumsum(rng.normal(0, 2.2, (len(residues), 3)), 0)
    atoms = walks[of_residue] + rng.normal(0, 1.3, (len(of_residue), 3))
    moves = [rng.normal(0, s, (n_members, n, 3)) for s, n in ((1, n_chains), (2, len(residues)), (0.5, len(atoms)))]
    members = torch.from_numpy(atoms + moves[0][:, chains] + moves[1][:, of_residue] + moves[2])
    return hierarchy, members - members.mean(1, keepdim=True)


def ends(denoise, hierarchy, data, pose, **options):
    """Rms distance per coordinate of each end to the nearest of the data, in the pose that is best."""
    moves = pose != "fixed"
    sampler = replace(SAMPLERS["af3"], steps=STEPS, center=moves, augment=moves)
    x = edm_sample(denoise, hierarchy, WEIGHTS, sampler, samples=SAMPLES, seed=3, dtype=torch.float64, **options)
    found = []
    for end in x:
        laid = superpose(data, end).coords if moves else data
        found.append(float((laid - end).square().mean((1, 2)).min().sqrt()))
    return np.array(found)


def worse(found, off):
    """By how many standard errors the ends lie farther off than without the heads; 1e-3 A is nothing."""
    error = np.hypot(found.std(ddof=1), off.std(ddof=1)) / SAMPLES**0.5
    return (found.mean() - off.mean()) / np.hypot(error, 1e-3)


@pytest.mark.parametrize("pose", POSES)
@pytest.mark.parametrize("n_chains", [1, 2, 3, 5, 7])
def test_heads_take_no_sample_astray(nest, n_chains, pose):
    hierarchy, members = complexes(nest, n_chains)
    prior = NestedCovariance(hierarchy, *PRIOR)
    cases = [
        (IdealDenoiser(members, hierarchy, WEIGHTS, pose=pose, heads=True), members, [0.99]),
        (IdealDenoiser(members, hierarchy, WEIGHTS, pose=pose, heads=True, covariance="flat"), members, [0.99]),
        (WienerDenoiser(members[0], prior, WEIGHTS, pose=pose, heads=True), members[:1], [0.99, 1.0]),
    ]
    for denoise, data, gates in cases:
        off = ends(denoise, hierarchy, data, pose)
        for gate in gates:
            assert worse(ends(denoise, hierarchy, data, pose, multiscale=True, gate=gate), off) < 3


def test_without_the_gate_heads_that_know_less_choose_another_member(nest):
    """What the pages say of gate=1: residues of one state, and places of atoms in them of another."""
    hierarchy, members = complexes(nest, 3)
    denoise = IdealDenoiser(members, hierarchy, WEIGHTS, pose="exact", heads=True)
    assert ends(denoise, hierarchy, members, "exact", multiscale=True, gate=1.0).mean() > 0.3


def test_heads_in_poses_of_their_own_would_go_astray(nest):
    """What sharing the pose mends: each head laid on x by itself turns against the others."""
    hierarchy, members = complexes(nest, 3)
    prior = NestedCovariance(hierarchy, *PRIOR)
    of_residues = WienerDenoiser(hierarchy.pool(members[0]), prior.of_residues(), WEIGHTS, pose="best")
    of_chains = WienerDenoiser(hierarchy.pool(members[0], "chain"), prior.of_chains(), WEIGHTS, pose="best")
    shared = WienerDenoiser(members[0], prior, WEIGHTS, pose="best", heads=True)

    def apart(x, sigma):
        found = shared(x, sigma)
        residues = of_residues(hierarchy.pool(x), sigma).atoms
        chains = of_chains(hierarchy.pool(x, "chain"), sigma).atoms
        return replace(found, residues=residues, chains=chains)

    off = ends(shared, hierarchy, members[:1], "best")
    assert worse(ends(apart, hierarchy, members[:1], "best", multiscale=True), off) > 10
    assert worse(ends(shared, hierarchy, members[:1], "best", multiscale=True), off) < 3
