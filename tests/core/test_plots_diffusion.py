"""Figures of preconditioning and of sampling: what is drawn, and that it is written."""

import numpy as np
import pytest

from pomodoro_pymol.diffusion.curves import StepRecord
from pomodoro_pymol.experiments.figures import curves_figure, precond_figure
from pomodoro_pymol.experiments.scalings import head_table, scaling_table, total_errors
from pomodoro_pymol.noise.weights import FLAT, PRESETS

SIGMAS = (0.5, 2.0, 8.0)


def lines(axis):
    """The curves of an axis by label; matplotlib names others with an underscore."""
    return {line.get_label(): line for line in axis.get_lines() if not line.get_label().startswith("_")}


@pytest.mark.parametrize(("weights", "columns"), [(PRESETS["ms"], 7), (FLAT, 5)])
@pytest.mark.parametrize("heads", [True, False])
def test_preconditioning(complex_, weights, columns, heads, all_words_are_within):
    rows = scaling_table(complex_, weights, SIGMAS, (4.0, 70.0, 2.0))
    totals = total_errors(rows)
    if heads:
        rows += head_table(complex_, weights, SIGMAS, (60.0, 64.0), 8.3)
    figure = precond_figure(rows)
    all_words_are_within(figure)
    axes = np.array(figure.axes).reshape(3, 4)
    values = (lambda row: row.scalings.c_skip, lambda row: row.target, lambda row: row.scalings.loss_weight)
    for place, level in enumerate(("chain", "residue", "atom")):
        assert axes[0, place].get_title() == level
        for line, value in enumerate(values):
            curves = lines(axes[line, place])
            assert len(curves) == columns
            for variant, curve in curves.items():
                own = [row for row in rows if (row.variant, row.level) == (variant, level)]
                np.testing.assert_array_equal(curve.get_xdata(), SIGMAS)
                np.testing.assert_array_equal(curve.get_ydata(), [value(row) for row in own])
    assert len(lines(axes[0, 3])) == columns
    for variant, curve in lines(axes[0, 3]).items():
        np.testing.assert_array_equal(curve.get_ydata(), [totals[sigma, variant] for sigma in SIGMAS])
    (legend,) = figure.legends
    assert {text.get_text() for text in legend.get_texts()} == set(lines(axes[0, 3]))
    for axis, head in zip(axes[1:, 3], ("relative", "absolute")):
        curves = lines(axis)
        assert axis.get_visible() == heads
        assert len(curves) == (heads and (5 if columns == 7 else 3))
        for variant, curve in curves.items():
            errors = [row.error for row in rows if (row.variant, row.level) == (variant, head)]
            np.testing.assert_array_equal(curve.get_ydata(), errors)
    looks = {(line.get_color(), line.get_linestyle(), line.get_marker()) for line in lines(axes[0, 3]).values()}
    assert len(looks) == columns


def test_a_run(tmp_path, all_words_are_within):
    rng = np.random.default_rng(0)
    records = [
        StepRecord(n, 1 / n, 2 / n, tuple(rng.uniform(1, 2, 3)), tuple(rng.uniform(1, 2, 3)), *rng.uniform(1, 2, 3))
        for n in range(1, 9)
    ]  # fmt: skip
    figure = curves_figure(records, 24)
    error, left, moved, entropy = figure.axes
    for place, level in enumerate(("chain", "residue", "atom")):
        np.testing.assert_array_equal(lines(error)[level].get_ydata(), [record.error[place] for record in records])
        np.testing.assert_array_equal(lines(left)[level].get_ydata(), [record.left[place] for record in records])
    assert set(lines(moved)) == {"centroid (Å in space)", "turned (degrees)"}
    assert "24 states" in entropy.get_ylabel()
    for axis in figure.axes:
        low, high = axis.get_xlim()
        assert low > high  # noise falls from left to right
        np.testing.assert_array_equal(axis.get_lines()[0].get_xdata(), [record.sigma_hat for record in records])
    all_words_are_within(figure)
    figure.savefig(tmp_path / "run.png")
    assert (tmp_path / "run.png").stat().st_size > 10_000
