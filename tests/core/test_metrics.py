"""What the colours mean, from hand-made residue levels."""

import numpy as np
import pytest

from pomodoro_pymol.noise.expected import expected_residues
from pomodoro_pymol.noise.levels import ResidueLevels
from pomodoro_pymol.noise.metrics import (
    CA_CA_DISTANCE,
    DIRECTION,
    METRICS,
    measured_metrics,
    measured_values,
    metric_values,
    residue_metric,
    span_of,
)
from pomodoro_pymol.noise.scores import expected_scores
from pomodoro_pymol.noise.signal import frames_for_half, signal_share
from pomodoro_pymol.noise.weights import PRESETS, LevelWeights
from pomodoro_pymol.parameters.catalogue import NoiseParameters
from pomodoro_pymol.structure.distances import LocalDistances
from pomodoro_pymol.structure.hierarchy import Hierarchy

MEASURED = ResidueLevels(
    atom=np.array([4.0, 5.0]),
    residue=np.array([3.0, 5.0]),
    atom_relative=np.array([2.0, 0.0]),
    residue_relative=np.array([1.9, 0.0]),
    neighbor=np.array([2.0, 0.0]),
)
EXPECTED = ResidueLevels(
    atom=np.array([4.0, 4.0]),
    residue=np.array([2.0, 4.0]),
    atom_relative=np.array([3.0, 3.0]),
    residue_relative=np.array([1.5, 3.8]),
    neighbor=np.array([1.0, 2.5]),
)

VALUES = {
    "ratio": [0.75, 1.0],
    "relative": [0.95, np.nan],
    "displacement": [3.0, 5.0],
    "scramble": [3**0.5 / 2, 0.0],
    "neighbour": [3**0.5 * 2, 0.0],
    "excess": [1.5, 1.0],
}
CLOSED_FORMS = {
    "ratio": [0.5, 1.0],
    "relative": [0.5, 3.8 / 3],
    "displacement": [2.0, 4.0],
    "scramble": [3**0.5 * 1.5 / 3.8, 3**0.5],
    "neighbour": [3**0.5, 3**0.5 * 2.5],
    "excess": [1.0, 1.0],
}
UNITS = {
    "displacement": "A per coordinate",
    "neighbour": "A in space",
}
SCORES = {"lddt": "of_calphas", "within": "within_residues", "between": "between_residues"}
SPANS = dict.fromkeys(METRICS, (0, 1)) | {"neighbour": (0, 7.6), "excess": (0.9, 1.1)}


def test_every_metric_is_tested():
    assert set(METRICS) == {*VALUES, *SCORES}


@pytest.mark.parametrize("name", [*VALUES, *SCORES])
def test_metrics_of_what_was_measured_alone_need_no_weights(name):
    hierarchy = Hierarchy.from_labels([0, 1], [0, 0])
    assert (name in measured_metrics()) == (name in VALUES and name != "excess")
    if name in measured_metrics():
        np.testing.assert_array_equal(measured_values(name, hierarchy, MEASURED), VALUES[name])


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
def test_ranges_are_the_same_for_all_schemes_and_in_sigmas_of_lengths_per_coordinate(name):
    wanted = np.array(SPANS[name]) * (2.5 if UNITS.get(name) == "A per coordinate" else 1)
    assert span_of(name, 2.5) == pytest.approx(wanted)


def chains(make_structure):
    """A chain of one residue, and one of three: 9 atoms."""
    return make_structure([("", "A" if i < 3 else "B", str(i // 3), "ALA", False) for i in range(9)])


@pytest.mark.parametrize("name", VALUES)
def test_a_residue_that_is_a_chain_has_no_motion_relative_to_it(name, make_structure):
    structure = chains(make_structure)
    hierarchy = Hierarchy.from_structure(structure)
    measured = ResidueLevels(*np.random.default_rng(3).uniform(1, 2, (5, 3)))
    values = metric_values(name, structure, hierarchy, PRESETS["ms"], 2.0, measured)
    plain = METRICS[name].compute(measured, expected_residues(hierarchy, PRESETS["ms"], 2.0))
    assert np.isnan(values[0]) == (name in ("relative", "scramble", "neighbour"))
    np.testing.assert_array_equal(values[1:], plain[1:])


@pytest.mark.parametrize(("name", "pairs"), SCORES.items())
def test_scores_are_expected_whatever_was_measured(fragment, name, pairs):
    hierarchy = Hierarchy.from_structure(fragment)
    weights, sigma = PRESETS["rb"], 1.5
    measured = ResidueLevels(*np.random.default_rng(3).uniform(1, 2, (5, hierarchy.n_residues)))
    values = metric_values(name, fragment, hierarchy, weights, sigma, measured)
    distances = getattr(LocalDistances, pairs)(fragment, hierarchy)
    np.testing.assert_array_equal(values, expected_scores(distances, weights, sigma).residues)
    np.testing.assert_array_equal(values, metric_values(name, fragment, hierarchy, weights, sigma))


def test_motion_of_a_rigid_chain_has_no_ratio(make_structure):
    structure = make_structure([("", "A", str(i // 2), "ALA", False) for i in range(4)])
    hierarchy = Hierarchy.from_structure(structure)
    still = ResidueLevels(*np.array([[1.0, 1.0], [1.0, 1.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]))
    assert np.isnan(metric_values("relative", structure, hierarchy, LevelWeights(1, 0, 0), 1.0, still)).all()


def test_a_direction_has_the_default_metric_of_its_residues():
    assert residue_metric(DIRECTION) == "ratio" == NoiseParameters().metric
    assert {residue_metric(name) for name in METRICS} == set(METRICS)
    assert DIRECTION not in METRICS


def test_signal_is_the_part_that_another_draw_would_show_too():
    rng = np.random.default_rng(5)
    expected = rng.normal(0, 2, 4000)
    measured = expected + rng.normal(0, 1, 4000)
    assert signal_share(measured, expected) == pytest.approx(0.8, abs=0.01)  # 4 of 4 + 1
    assert signal_share(expected, expected) == 1
    assert signal_share(measured, np.full(4000, 3.0)) == 0
    assert np.isnan(signal_share(np.full(9, 2.0), np.full(9, 2.0)))
    assert np.isnan(signal_share(measured[:2], expected[:2]))
    holes = np.append(measured, np.nan), np.append(expected, np.nan)
    assert signal_share(*holes) == signal_share(measured, expected)


def test_frames_for_half_make_half():
    frames = frames_for_half(0.08, 20)
    signal, noise = 0.08, 0.92 * 20 / frames
    assert signal / (signal + noise) == pytest.approx(0.5, abs=0.002)
    assert frames_for_half(0.0, 20) is None
