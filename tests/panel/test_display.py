"""What the panel's plots are told of an object of ours. This needs PyMOL and torch."""

import re
from types import SimpleNamespace

import pytest

pytest.importorskip("pymol")
pytest.importorskip("torch")

import numpy as np
from qtpy import QtCore

from pomodoro_pymol.color.scale import ColorScale
from pomodoro_pymol.commands import pomcolor, pomnoise
from pomodoro_pymol.experiments.record import Record
from pomodoro_pymol.noise.metrics import METRICS, metric_values
from pomodoro_pymol.panel.display import Display
from pomodoro_pymol.panel.watch import Molecule, Output
from pomodoro_pymol.panel.widgets.color_key import ColorKey
from pomodoro_pymol.panel.widgets.curve_plots import SweepPlot
from pomodoro_pymol.panel.widgets.level_table import LevelTable
from pomodoro_pymol.panel.widgets.model import ParameterModel
from pomodoro_pymol.panel.widgets.residue_plot import ResiduePlot
from pomodoro_pymol.structure.hierarchy import Hierarchy
from pomodoro_pymol.viewer import host, reading, sources, store

FRAMES = 7


class Face(QtCore.QObject):
    """The widgets that a display fills."""

    def __init__(self):
        super().__init__()
        self.model = ParameterModel(self)
        self.levels, self.key, self.residues, self.sweep = LevelTable(), ColorKey(), ResiduePlot(), SweepPlot()


@pytest.fixture(scope="module")
def cmd():
    with host.headless() as cmd:
        cmd.fab("ACDEFGHIKLMNPQRSTVWY", "pep")
        pomnoise("pep", z=0, frames=FRAMES, _self=cmd)
        yield cmd


@pytest.fixture
def shown(app, cmd):
    """Show the object, coloured by a metric, and return the face."""

    def shown(metric):
        pomcolor("pep_noise", metric=metric, _self=cmd)
        structure = reading.read_source(sources.resolve_source("pep", 1, _self=cmd), _self=cmd)
        molecule = Molecule("pep_noise", structure, Hierarchy.from_structure(structure))
        plain = store.get_record("pep_noise", _self=cmd)
        output = Output("pep_noise", Record.from_plain(plain), metric, ColorScale.from_plain(plain["colors"]))
        face = Face()
        watch = SimpleNamespace(
            molecule=molecule, noised=molecule, output=output, resolved=lambda: output.record.parameters
        )
        face.model.parameters = output.record.parameters
        display = Display(face, watch, cmd)
        display.refresh()
        display.refresh_residues()
        while display._soon.isActive() or display._residues_soon.isActive():
            app.processEvents()
        face.output, face.molecule = output, molecule
        return face

    return shown


@pytest.mark.parametrize("metric", ["ratio", "relative", "displacement", "scramble", "neighbour", "excess"])
def test_what_was_measured_has_its_interval_and_says_so(shown, metric):
    face = shown(metric)
    record, bars = face.output.record, face.residues.bars
    weights, sigma = record.parameters.weights, record.parameters.noise_sigma
    noise = (metric, face.molecule.structure, face.molecule.hierarchy, weights, sigma)
    assert bars.values == pytest.approx(metric_values(*noise, record.residues))
    assert bars.expected == pytest.approx(metric_values(*noise))
    assert np.all((bars.low < bars.values) & (bars.values < bars.high))
    assert np.mean((bars.low < bars.expected) & (bars.expected < bars.high)) > 0.7  # of 20: .95 but for bad luck
    heading = face.residues.heading.text()
    assert heading.startswith(METRICS[metric].label)
    assert heading.endswith(f"measured \N{PLUS-MINUS SIGN} 95 % interval over {FRAMES} frames; line: expected")
    if METRICS[metric].unit:
        assert re.search("Å (in space|per coordinate)", heading)


@pytest.mark.parametrize("metric", [name for name, metric in METRICS.items() if not metric.compute])
def test_a_score_is_said_to_be_expected_and_not_measured(shown, metric):
    face = shown(metric)
    assert face.residues.heading.text() == f"{METRICS[metric].label}: closed form, nothing is measured"
    bars = face.residues.bars
    assert np.isnan(bars.low).all()
    assert np.isnan(bars.expected).all()  # it is the bars
    assert not np.isnan(bars.values).all()
    assert "measured" not in face.residues.describe(3)


def test_the_point_of_the_sweep_is_what_was_measured(shown):
    face = shown("ratio")
    levels = face.output.record.levels
    (x,), (y,) = face.sweep.point.getData()
    assert (x, y) == pytest.approx((0, 3**0.5 * levels.measured.residue_relative))
    bar = face.sweep.intervals.opts
    assert y + bar["top"][0] == pytest.approx(3**0.5 * levels.high.residue_relative)
    assert y - bar["bottom"][0] == pytest.approx(3**0.5 * levels.low.residue_relative)
    places, heights = face.sweep.curves["3-8-1"].getData()
    assert np.interp(0, places, heights) == pytest.approx(y, rel=0.2)
