"""Weights for a wanted ratio, displacement or shares: they give it back through the closed forms and as drawn."""

import re

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.experiments.noise import measure
from pomodoro_pymol.noise.expected import expected_levels
from pomodoro_pymol.noise.inverse import weights_for_ratio, weights_for_relative, weights_for_shares
from pomodoro_pymol.noise.weights import FLAT, PRESETS, LevelWeights
from pomodoro_pymol.structure.hierarchy import Hierarchy

pytestmark = pytest.mark.filterwarnings("error")

hierarchies = st.from_type(Hierarchy)
weights = st.from_type(LevelWeights)
# Off the ends, where rounding decides whether a target is reached; the ends have their own tests.
inside = st.floats(0.001, 0.999)
SHARES = ("chain_share", "residue_share", "atom_share")


def mean_inverse_size(hierarchy):
    return np.mean(1 / np.bincount(hierarchy.atom_to_residue.numpy()))


def shares_of(hierarchy, weights):
    levels = expected_levels(hierarchy, weights)
    return tuple(float(getattr(levels, name)) for name in SHARES)


@given(hierarchy=hierarchies, like=weights, fraction=inside)
def test_ratio(oracle, hierarchy, like, fraction):
    assume(like.chain + like.residue > 0)
    lowest = mean_inverse_size(hierarchy) ** 0.5
    ratio = lowest + fraction * (1 - lowest)
    found = weights_for_ratio(hierarchy, ratio, like)
    assert expected_levels(hierarchy, found).ratio == pytest.approx(ratio, rel=1e-12)
    assert oracle.quadratic_levels(hierarchy, found)["ratio"] == pytest.approx(ratio, rel=1e-9)
    assert found.chain * like.residue == pytest.approx(found.residue * like.chain, rel=1e-12)


@given(hierarchy=hierarchies, like=weights, sigma=st.floats(0.01, 1000), fraction=inside)
def test_relative(oracle, hierarchy, like, sigma, fraction):
    assume(like.residue + like.atom > 0)
    assume((hierarchy.residues_per_chain > 1).any())
    inner = LevelWeights(0, like.residue, like.atom)
    wanted = fraction * sigma * oracle.quadratic_levels(hierarchy, inner)["residue_relative"]
    found = weights_for_relative(hierarchy, wanted, sigma, like)
    assert expected_levels(hierarchy, found, sigma).residue_relative == pytest.approx(wanted, rel=1e-12)
    assert sigma * oracle.quadratic_levels(hierarchy, found)["residue_relative"] == pytest.approx(wanted, rel=1e-9)
    assert found.residue * like.atom == pytest.approx(found.atom * like.residue, rel=1e-12)


@given(hierarchy=hierarchies, of=weights, scale=st.floats(0.01, 100))
def test_shares(hierarchy, of, scale):
    wanted = shares_of(hierarchy, of)
    found = weights_for_shares(hierarchy, *(scale * share for share in wanted))
    assert shares_of(hierarchy, found) == pytest.approx(wanted, rel=1e-12, abs=1e-12)
    if (hierarchy.residues_per_chain > 1).any() and (hierarchy.atoms_per_residue > 1).any():
        # Then residue and atom weight each have a share of their own, and the weights are unique.
        assert found.shares == pytest.approx(of.shares, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("like", PRESETS.values(), ids=PRESETS)
def test_one_ratio_is_one_atom_share(natural, like):
    # (1 - 0.25) / (1 - h): about 0.87, whatever wc : wr.
    if like == FLAT:
        with pytest.raises(PomodoroError, match="needs weight on chains or residues: give wc or wr"):
            weights_for_ratio(natural, 0.5, like)
        return
    share = weights_for_ratio(natural, 0.5, like).shares[2]
    assert share == pytest.approx(0.75 / (1 - mean_inverse_size(natural)), rel=1e-12)
    assert 0.86 < share < 0.88


@pytest.mark.parametrize("name", ["ms", "rb", "3-8-1"])
def test_half_is_half_as_drawn(natural, name):
    statistics = measure(natural, weights_for_ratio(natural, 0.5, PRESETS[name]), 500, seed=5, device="cpu")
    error = statistics.standard_error().ratio
    assert 0 < error < 0.01
    assert statistics.levels().ratio == pytest.approx(0.5, rel=0, abs=4 * error)


def test_displacement_as_drawn(natural):
    found = weights_for_relative(natural, 3.0, 4.82, PRESETS["3-8-1"])
    statistics = measure(natural, found, 500, seed=6, device="cpu").scaled(4.82)
    error = statistics.standard_error().residue_relative
    assert 0 < error < 0.05
    assert statistics.levels().residue_relative == pytest.approx(3.0, rel=0, abs=4 * error)


def test_the_ends_of_what_can_be_reached(natural):
    like = PRESETS["ms"]
    assert weights_for_ratio(natural, expected_levels(natural, FLAT).ratio, like).shares == (0, 0, 1)
    assert weights_for_ratio(natural, expected_levels(natural, FLAT).ratio, FLAT).shares == (0, 0, 1)
    assert weights_for_ratio(natural, 1.0, like).atom == 0
    most = expected_levels(natural, LevelWeights(0, 1.6, 1.3), 2.0).residue_relative
    assert weights_for_relative(natural, most, 2.0, like).chain == 0
    for alone in (LevelWeights(1, 0, 0), LevelWeights(0, 1, 0), FLAT):
        found = weights_for_shares(natural, *shares_of(natural, alone))
        assert found.shares == pytest.approx(alone.shares, rel=0, abs=1e-12)


@pytest.mark.parametrize("ratio", [0.0, 0.2, 0.36])
def test_too_low_a_ratio_names_the_needed_atom_share(natural, ratio):
    h = mean_inverse_size(natural)
    reason = f"all weight on atoms gives {h**0.5:.4f}, none gives 1; it would need an atom share of "
    with pytest.raises(PomodoroError, match=re.escape(f"{reason}{(1 - ratio**2) / (1 - h):.3f}")):
        weights_for_ratio(natural, ratio, PRESETS["ms"])


@pytest.mark.parametrize("ratio", [1.0001, 2.0, -0.9, np.nan, np.inf])
def test_no_weights_reach_such_a_ratio(natural, ratio):
    with pytest.raises(PomodoroError, match=f"residue / atom = {ratio:g} cannot be reached"):
        weights_for_ratio(natural, ratio, PRESETS["ms"])


@pytest.mark.parametrize("displacement", [5.0, 0.0, -1.0, np.nan, np.inf])
def test_unreachable_displacement(natural, displacement):
    alone = expected_levels(natural, LevelWeights(0, 1, 0), 4.82).residue_relative
    with pytest.raises(PomodoroError, match=f"{displacement:g} A relative to the chain cannot be reached") as error:
        weights_for_relative(natural, displacement, 4.82, PRESETS["rb"])
    assert "sigma 4.82 A: wr:wa = 4:4 reaches" in str(error.value)
    assert f"residue weight alone {alone:.4g} A" in str(error.value)


def test_a_displacement_needs_weight_within_chains(natural):
    with pytest.raises(PomodoroError, match="give wr or wa"):
        weights_for_relative(natural, 1.0, 4.82, LevelWeights(1, 0, 0))


@pytest.mark.parametrize("shares", [(0, 0, 1), (0, 1, 0), (0.1, 0, 0.9), (0.01, 0.5, 0.49)])
def test_unreachable_shares_say_what_each_weight_gives(natural, shares):
    with pytest.raises(PomodoroError, match="cannot be reached here") as error:
        weights_for_shares(natural, *shares)
    wanted, atom, residue = (
        ":".join(f"{share:.3f}" for share in group)
        for group in (shares, shares_of(natural, FLAT), shares_of(natural, LevelWeights(0, 1, 0)))
    )
    assert wanted in str(error.value)
    assert f"atom weight alone gives {atom}, residue weight alone {residue}" in str(error.value)


def test_a_single_residue(nest):
    one = nest([[7]])
    found = weights_for_ratio(one, 0.5, LevelWeights(1, 3, 0))
    assert found.shares[2] == pytest.approx(0.75 * 7 / 6, rel=1e-12)
    assert found.residue == pytest.approx(3 * found.chain, rel=1e-12)
    with pytest.raises(PomodoroError, match="no chain has more than one residue"):
        weights_for_relative(one, 0.1, 1000.0, PRESETS["ms"])
    assert shares_of(one, weights_for_shares(one, 0.7, 0, 0.3)) == pytest.approx((0.7, 0, 0.3), rel=1e-12)
    for impossible in ((0.5, 0.2, 0.3), (0, 1, 0), (0.1, 0, 0.9)):
        with pytest.raises(PomodoroError, match="cannot be reached"):
            weights_for_shares(one, *impossible)


# Sizes at which the closed form of the ratio comes out as 1, a rounding below (5, 10) and a rounding above (47).
@pytest.mark.parametrize("chains", [[1], [3], [5], [10], [32], [47], [131], [9, 14, 1], [15, 2, 14]], ids=str)
def test_residues_of_one_atom(nest, chains):
    # As in a Calpha trace: residue and atom are one level, and nothing gives another ratio than 1.
    trace = nest([[1] * n for n in chains])
    assert expected_levels(trace, weights_for_ratio(trace, 1.0, PRESETS["ms"])).ratio == pytest.approx(1, rel=1e-12)
    for ratio in (0.5, 0.999):
        with pytest.raises(PomodoroError, match=r"all weight on atoms gives 1\.0000, none gives 1$"):
            weights_for_ratio(trace, ratio, PRESETS["ms"])
    with pytest.raises(PomodoroError, match="cannot be reached"):
        weights_for_shares(trace, 0.5, 0.2, 0.3)
    wanted = shares_of(trace, PRESETS["rb"])
    assert shares_of(trace, weights_for_shares(trace, *wanted)) == pytest.approx(wanted, rel=1e-12)
