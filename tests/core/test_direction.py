"""Colours of directions, and their variance by level: against loops and what is expected of the noise."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pomodoro_pymol.color.direction import ShareSums, direction_colors, unit_displacements
from pomodoro_pymol.noise.draw import add_noise
from pomodoro_pymol.noise.weights import LevelWeights
from pomodoro_pymol.structure.hierarchy import Hierarchy


@pytest.mark.parametrize(
    ("displacement", "color"),
    [
        ((1, 0, 0), 0xFF8080),
        ((-3, 0, 0), 0x008080),
        ((0, 1e-38, 0), 0x80FF80),
        ((0, -3e38, 0), 0x800080),
        ((0, 0, 2), 0x8080FF),
        ((0, 0, -2), 0x808000),
        ((3, 4, 0), 0xCCE680),  # .8 and .9 of 255
        ((0, 0, 0), 0x808080),
        ((np.nan, 1, 0), 0x808080),
        ((np.inf, 1, 0), 0x808080),
    ],
)
@pytest.mark.filterwarnings("error")
def test_colours(displacement, color):
    assert direction_colors(np.array(displacement, float)) == color
    assert (direction_colors(np.tile(np.array(displacement, float), (2, 5, 1))) == np.full((2, 5), color)).all()


def loop_shares(frames, hierarchy):
    """Nested analysis of variance of the colours of some frames, atom by atom."""
    residue_of, chain_of = hierarchy.atom_to_residue.tolist(), hierarchy.atom_to_chain.tolist()
    sums = np.zeros(3)
    totals = []
    for frame in frames:
        colors = (frame + 1) / 2
        mean = colors.mean(0)
        before = sums.sum()
        for atom, color in enumerate(colors):
            in_residue = np.mean([colors[i] for i, r in enumerate(residue_of) if r == residue_of[atom]], axis=0)
            in_chain = np.mean([colors[i] for i, c in enumerate(chain_of) if c == chain_of[atom]], axis=0)
            parts = (color - in_residue, in_residue - in_chain, in_chain - mean)
            sums += [(part**2).sum() for part in parts]
        totals.append((sums.sum() - before) / len(colors))
        assert totals[-1] == pytest.approx(colors.var(0).sum())
    return [*(sums / sums.sum()), np.mean(totals)]


@given(hierarchy=st.from_type(Hierarchy), n_frames=st.integers(1, 3), seed=st.integers(0, 99))
def test_shares_are_those_of_a_loop(hierarchy, n_frames, seed):
    units = unit_displacements(np.random.default_rng(seed).normal(size=(n_frames, hierarchy.n_atoms, 3)))
    units[0, 0] = 0  # an atom that did not move is grey
    sums = ShareSums(hierarchy)
    if hierarchy.n_atoms == 1:
        return
    for frame in units:
        sums.add(frame)
    found = sums.shares()
    wanted = loop_shares(units, hierarchy)
    assert [found.within_residues, found.of_residues, found.of_chains, found.total] == pytest.approx(wanted, abs=1e-9)
    assert found.within_residues + found.of_residues + found.of_chains == pytest.approx(1)
    together = ShareSums(hierarchy)
    together.add(units)
    assert together.shares().total == pytest.approx(found.total)


def test_no_variance_has_no_shares():
    one = Hierarchy(torch.tensor([0]), torch.tensor([0]))
    sums = ShareSums(one)
    assert np.isnan(sums.shares().total)
    sums.add(np.array([[1.0, 0, 0]]))
    found = sums.shares()
    assert found.total == 0
    assert np.isnan([found.within_residues, found.of_residues, found.of_chains]).all()


@pytest.mark.parametrize(
    ("weights", "within"),
    # Of flat noise by degrees of freedom: 245 atoms less 32 residues, of 244.
    [((0, 0, 1), 213 / 244), ((1, 4, 4), 0.5), ((8.2, 1.6, 1.3), 0.45), ((2, 6, 2), 0.3), ((3, 8, 1), 0.15)],
)
def test_what_is_within_residues_tells_the_laws_apart(fragment_places, weights, within):
    """Flat noise differs within residues, that of residues between them; of one chain there is no third."""
    coords, hierarchy = fragment_places
    frames = add_noise(coords, hierarchy, 2.0, LevelWeights(*weights), n_frames=60).numpy()
    found = []
    for frame in unit_displacements(frames - coords):
        sums = ShareSums(hierarchy)
        sums.add(frame)
        found.append(sums.shares())
    shares, totals = (np.array([getattr(each, name) for each in found]) for name in ("within_residues", "total"))
    assert abs(shares.mean() - within) < 0.01 + 4 * shares.std() / np.sqrt(len(found))
    assert [each.of_chains for each in found] == pytest.approx([0] * len(found), abs=1e-12)
    # Under "ms" the one chain goes one way: one colour.
    assert (totals.mean() < 0.15) == (weights == (8.2, 1.6, 1.3))
    assert totals.max() < 0.25
