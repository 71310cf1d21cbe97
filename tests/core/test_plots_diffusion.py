"""Figures of preconditioning and of sampling: what is drawn, and that it is written."""

import numpy as np
import pytest

from pomodoro_pymol.diffusion.curves import StepRecord
from pomodoro_pymol.experiments.figures import curves_figure, precond_figure
from pomodoro_pymol.experiments.scalings import scaling_table, total_errors
from pomodoro_pymol.noise.weights import FLAT, PRESETS

SIGMAS = (0.5, 2.0, 8.0)


def lines(axis):
    """The curves of an axis by label; matplotlib names others with an underscore."""
    return {line.get_label(): line for line in axis.get_lines() if not line.get_label().startswith("_")}


@pytest.mark.parametrize(("weights", "variants"), [(PRESETS["ms"], 3), (FLAT, 2)])
def test_preconditioning(complex_, weights, variants):
    rows = scaling_table(complex_, weights, SIGMAS, (1.0, 70.0, 2.0))
    axes = precond_figure(rows).axes
    totals = total_errors(rows)
    for place, level in enumerate(("chain", "residue", "atom")):
        assert axes[place].get_title() == level
        assert len(lines(axes[place])) == variants
        for variant, line in lines(axes[place]).items():
            own = [row for row in rows if (row.variant, row.level) == (variant, level)]
            np.testing.assert_array_equal(line.get_ydata(), [row.scalings.c_skip for row in own])
            if place:
                target = lines(axes[3 + place])[variant]
                np.testing.assert_array_equal(target.get_ydata(), [row.target for row in own])
    for variant, line in lines(axes[3]).items():
        np.testing.assert_array_equal(line.get_xdata(), SIGMAS)
        np.testing.assert_array_equal(line.get_ydata(), [totals[sigma, variant] for sigma in SIGMAS])
    assert {text.get_text() for text in axes[0].get_legend().get_texts()} == set(lines(axes[0]))


def test_a_run(tmp_path):
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
    figure.savefig(tmp_path / "run.png")
    assert (tmp_path / "run.png").stat().st_size > 10_000
