"""What the colours mean, from hand-made residue levels."""

import numpy as np
import pytest

from pomodoro_pymol.noise.levels import ResidueLevels
from pomodoro_pymol.noise.metrics import CA_CA_DISTANCE, METRICS, metric_values
from pomodoro_pymol.structure.hierarchy import Hierarchy

MEASURED = ResidueLevels(
    atom=np.array([4.0, 5.0]),
    residue=np.array([3.0, 5.0]),
    atom_relative=np.array([2.0, 0.0]),
    residue_relative=np.array([1.9, 0.0]),
)
EXPECTED = ResidueLevels(
    atom=np.array([4.0, 4.0]),
    residue=np.array([2.0, 4.0]),
    atom_relative=np.array([3.0, 3.0]),
    residue_relative=np.array([1.5, 3.8]),
)

VALUES = {
    "ratio": [0.75, 1.0],
    "relative": [0.95, np.nan],
    "displacement": [3.0, 5.0],
    "scramble": [3**0.5 / 2, 0.0],
    "excess": [1.5, 1.0],
}
CLOSED_FORMS = {
    "ratio": [0.5, 1.0],
    "relative": [0.5, 3.8 / 3],
    "displacement": [2.0, 4.0],
    "scramble": [3**0.5 * 1.5 / 3.8, 3**0.5],
    "excess": [1.0, 1.0],
}
UNITS = {
    "displacement": "A per coordinate",
}


def test_every_metric_is_tested():
    assert set(METRICS) == set(VALUES)


@pytest.mark.parametrize(("name", "values"), VALUES.items())
def test_measured(name, values):
    with np.errstate(invalid="ignore"):
        computed = METRICS[name].compute(MEASURED, EXPECTED)
    np.testing.assert_allclose(computed, values, rtol=1e-15)


@pytest.mark.parametrize(("name", "values"), CLOSED_FORMS.items())
def test_expected(name, values):
    np.testing.assert_allclose(METRICS[name].compute(EXPECTED, EXPECTED), values, rtol=1e-15)


@pytest.mark.parametrize("name", METRICS)
def test_each_metric_says_what_it_is(name):
    assert METRICS[name].label
    assert METRICS[name].unit == UNITS.get(name, "")


def test_the_scramble_length_is_that_of_consecutive_alpha_carbons():
    assert CA_CA_DISTANCE == 3.8
    assert "in space / 3.8 A" in METRICS["scramble"].label


@pytest.mark.parametrize("name", METRICS)
def test_lengths_say_in_which_measure_they_are(name):
    metric = METRICS[name]
    if metric.unit or "A" in metric.label:
        text = f"{metric.label} {metric.unit}"
        assert ("per coordinate" in text) != ("in space" in text)


@pytest.mark.parametrize("name", METRICS)
def test_a_residue_that_is_a_chain_has_no_motion_relative_to_it(name):
    hierarchy = Hierarchy.from_labels("aaabbcccc", "AAABBBBBB")
    rng = np.random.default_rng(3)
    measured, expected = (ResidueLevels(*rng.uniform(1, 2, (4, 3))) for _ in range(2))
    values = metric_values(name, measured, expected, hierarchy)
    plain = METRICS[name].compute(measured, expected)
    assert np.isnan(values[0]) == (name in ("relative", "scramble"))
    np.testing.assert_array_equal(values[1:], plain[1:])


def test_motion_of_a_rigid_chain_has_no_ratio():
    hierarchy = Hierarchy.from_labels("ab", "AA")
    still = ResidueLevels(*np.array([[1.0, 1.0], [1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]))
    assert np.isnan(metric_values("relative", still, still, hierarchy)).all()
