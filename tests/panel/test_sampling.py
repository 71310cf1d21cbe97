"""The page of the sampler: which steps are drawn. This needs PyMOL and torch."""

import pytest

pytest.importorskip("pymol")
pytest.importorskip("torch")

from pomodoro_pymol.diffusion.curves import StepRecord
from pomodoro_pymol.panel.sampling import SamplingPage
from pomodoro_pymol.panel.widgets.model import ParameterModel
from pomodoro_pymol.viewer import host


def record(step, centroid):
    return StepRecord(step, 2.0, 3.0, (1.0,) * 3, (1.0,) * 3, centroid, 0.0, 1.0)


def test_a_run_that_begins_again_is_drawn_once(show):
    """As where the CPU takes over from a GPU whose memory does not suffice."""
    drawn = []
    with host.headless() as cmd:
        page = show(SamplingPage(ParameterModel(), _self=cmd))
        page.curve.setCurrentText("centroid")
        page.plot.show_curves = lambda curves, *labels: drawn.append(curves)
        for step, centroid in ((1, 5.0), (2, 6.0), (3, 7.0), (1, 8.0), (2, 9.0)):
            page._take(record(step, centroid))
        page._show_curves()
    assert drawn[-1] == {"centroid": ([1, 2], [8.0, 9.0])}
