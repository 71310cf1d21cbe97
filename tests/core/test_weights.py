"""Level weights: only their shares matter."""

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.noise.weights import FLAT, PRESETS, LevelWeights


@pytest.mark.parametrize(
    ("name", "weights"),
    [("flat", (0, 0, 1)), ("ms", (8.2, 1.6, 1.3)), ("rb", (1, 4, 4)), ("3-8-1", (3, 8, 1)), ("2-6-2", (2, 6, 2))],
)
def test_presets_are_those_of_the_note(name, weights):
    assert dataclasses.astuple(PRESETS[name]) == weights


def test_there_are_five_presets():
    assert list(PRESETS) == ["flat", "ms", "rb", "3-8-1", "2-6-2"]
    assert PRESETS["flat"] == FLAT


def test_shares_of_a_known_scheme():
    assert LevelWeights(3, 8, 1).shares == pytest.approx((0.25, 2 / 3, 1 / 12), rel=1e-15)


@given(weights=st.from_type(LevelWeights), factor=st.floats(1e-9, 1e9))
def test_shares_sum_to_one_and_ignore_a_common_factor(weights, factor):
    scaled = LevelWeights(*(factor * weight for weight in dataclasses.astuple(weights)))
    assert sum(weights.shares) == pytest.approx(1, rel=1e-15)
    assert scaled.shares == pytest.approx(weights.shares, rel=1e-14)
    assert all(
        share * sum(dataclasses.astuple(weights)) == pytest.approx(weight, rel=1e-14)
        for share, weight in zip(weights.shares, dataclasses.astuple(weights))
    )


@pytest.mark.parametrize("bad", [-1, -1e-300, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("level", ["chain", "residue", "atom"])
def test_a_weight_must_be_finite_and_not_negative(level, bad):
    with pytest.raises(PomodoroError, match=f"the {level} weight"):
        LevelWeights(**({"chain": 1, "residue": 1, "atom": 1} | {level: bad}))


def test_not_all_weights_may_be_zero():
    with pytest.raises(PomodoroError, match="all weights are zero"):
        LevelWeights(0, 0, 0)


def test_weights_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        PRESETS["ms"].atom = 2
