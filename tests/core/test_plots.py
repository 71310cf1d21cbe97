"""Figures: what is drawn, how it is labelled, and that it is written."""

import math
import re
import sys

import numpy as np
import pytest
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.figure import Figure

from pomodoro_pymol.experiments.figures import sweep_figure, table_figure
from pomodoro_pymol.experiments.sweep import Compared, Loss, Scores, Sweep, SweepPoint
from pomodoro_pymol.experiments.table import noise_table
from pomodoro_pymol.noise.levels import Levels, level_names
from pomodoro_pymol.noise.sigma import AF3_LAW, LawOfSigma, sigma_from_z
from pomodoro_pymol.noise.weights import PRESETS, LevelWeights, Scheme

SCHEMES = [Scheme(name, weights) for name, weights in PRESETS.items()]
SEVEN = [*SCHEMES, Scheme("1:1:15", LevelWeights(1, 1, 15)), Scheme("mine", LevelWeights(0, 2, 1))]
Z = [-3.0, -1.0, 0.0, 2.0]
# Label, and what lines and marks show.
PANELS = (
    ("residue relative to chain,\nrms (Å in space)", lambda p: p.relative.expected, lambda p: p.relative.measured),
    ("Cα lDDT,\nall pairs", lambda p: p.expected_scores.ca_lddt, lambda p: p.scores.ca_lddt),
    (
        "lDDT within residues,\nall heavy atoms",
        lambda p: p.expected_scores.within_residues,
        lambda p: p.scores.within_residues,
    ),
    ("lDDT between residues,\nall heavy atoms", lambda p: p.expected_scores.between_residues, None),
    ("fraction of\nnative contacts", None, lambda p: p.contacts),
    ("fraction of bonds\noff their length", None, lambda p: p.outliers),
)


def sweep(schemes, lddt=None, law=AF3_LAW):
    rng = np.random.default_rng(4)
    points, losses = [], []
    for scheme in schemes:
        for z in Z:
            levels = (Levels(*rng.uniform(0.1, 1, len(level_names())).tolist()) for _ in range(2))
            lengths = (Compared(*rng.uniform(0.1, 10, 4).tolist()) for _ in range(2))
            scores = (Scores(*(rng.uniform(0, 1, 4).tolist() if lddt is None else [lddt] * 4)) for _ in range(2))
            numbers = rng.uniform(0, 1, 2).tolist() if lddt is None else [lddt] * 2
            points.append(SweepPoint(z, sigma_from_z(z), scheme, *levels, *lengths, *scores, *numbers, (0.5,)))
        losses.append(Loss(scheme, *(Compared(0, 0, 0, 0) for _ in range(4)), 0.0))
    return Sweep(points, losses, law)


def curves(axis, kind=""):
    """The lines of an axis that stand for a scheme; matplotlib names others with an underscore."""
    labels = [line.get_label() for line in axis.get_lines()]
    return [line for line, label in zip(axis.get_lines(), labels) if label.endswith(kind) and not label.startswith("_")]


@pytest.mark.parametrize("schemes", [SCHEMES[:1], SCHEMES, SEVEN], ids=len)
def test_a_sweep_has_one_curve_per_scheme_in_each_panel(schemes):
    drawn = sweep(schemes)
    figure = sweep_figure(drawn)
    assert [axis.get_ylabel() for axis in figure.axes] == [label for label, *_ in PANELS]
    assert {axis.get_xlabel() for axis in figure.axes} == {"z"}
    for axis, (_, *values) in zip(figure.axes, PANELS):
        for kind, value in zip(("expected", "measured"), values):
            lines = curves(axis, kind)
            names = [f"{scheme.name}: {kind}" for scheme in schemes] if value else []
            assert [line.get_label() for line in lines] == names
            for line, scheme in zip(lines, schemes):
                np.testing.assert_array_equal(line.get_xdata(), Z)
                heights = [value(one) for one in drawn.points if one.scheme == scheme]
                np.testing.assert_array_equal(line.get_ydata(), heights)
                # What is expected is a line, what is measured are marks.
                assert (line.get_linestyle() == "None") == (kind == "measured")
                assert (line.get_marker() == "None") == (kind == "expected")
    (legend,) = figure.legends
    names = {f"{scheme.name}: {kind}" for scheme in schemes for kind in ("expected", "measured")}
    assert {text.get_text() for text in legend.get_texts()} == names
    assert figure.axes[0].get_yscale() == "log"


def test_curves_differ_by_colour_and_by_style(tmp_path):
    figure = sweep_figure(sweep(SEVEN))
    for axis in figure.axes:
        assert len({line.get_color() for line in curves(axis)}) == 7
        assert len({line.get_marker() for line in curves(axis, "measured")}) in (0, 7)
        for line, marks in zip(curves(axis, "expected"), curves(axis, "measured")):
            assert line.get_color() == marks.get_color()
    figure.savefig(tmp_path / "sweep.svg")
    text = (tmp_path / "sweep.svg").read_text(encoding="utf-8")
    # One is solid.
    assert len(set(re.findall(r"stroke-dasharray: ([^;]+);", text))) == 6


def test_the_limits_of_loss_are_marked():
    axes = sweep_figure(sweep(SCHEMES)).axes
    marks = [[line.get_ydata()[0] for line in axis.get_lines() if line not in curves(axis)] for axis in axes]
    assert marks == [[3.8], [0.5], [0.5], [0.5], [], []]
    assert any("3.8 Å in space" in text.get_text() for text in axes[0].texts)


def test_another_law_of_sigma_is_named():
    law = LawOfSigma(5.0, -1.2, 1.2)
    assert sweep_figure(sweep(SCHEMES, law=law)).get_supxlabel() == str(law).replace(" A ", " Å ")
    assert sweep_figure(sweep(SCHEMES)).get_supxlabel() == ""


@pytest.fixture(scope="module", params=[1, 20], ids=["one draw", "20 draws"])
def rows(request, complex_):
    return noise_table(complex_, SCHEMES, Z, frames=request.param)


def test_a_table_shows_both_ratios_and_the_shares(rows):
    left, right = table_figure(rows).axes
    names = [scheme.name for scheme in SCHEMES]
    assert "rms ratio" in left.get_ylabel()
    assert [text.get_text() for text in left.get_xticklabels()] == names
    assert [text.get_text() for text in right.get_yticklabels()] == names
    assert right.get_xlabel() == "share of the variance"
    first = rows[: len(SCHEMES)]
    for field, container, closed in zip(("ratio", "ratio_relative"), intervals(left), dashes(left), strict=True):
        for line, part in ((container.lines[0], "measured"), (closed, "expected")):
            values = [getattr(getattr(row, part), field) for row in first]
            np.testing.assert_allclose(line.get_ydata(orig=False), values)
    widths = np.array([[bar.get_width() for bar in container] for container in bars(right)])
    fields = ("chain_share", "residue_share", "atom_share")
    np.testing.assert_allclose(widths, [[getattr(row.measured, field) for row in first] for field in fields])
    np.testing.assert_allclose(widths.sum(0), 1, rtol=1e-6)


def bars(axis):
    return [container for container in axis.containers if isinstance(container, BarContainer)]


def intervals(axis):
    return [container for container in axis.containers if isinstance(container, ErrorbarContainer)]


def dashes(axis):
    """The marks of the closed form."""
    return [line for line in axis.get_lines() if line.get_marker() == "_" and line.get_color() == "black"]


def test_the_points_have_their_intervals(complex_):
    rows = noise_table(complex_, SCHEMES, [0.0], frames=20)
    left, _ = table_figure(rows).axes
    for container, field in zip(intervals(left), ("ratio", "ratio_relative"), strict=True):
        (lines,) = container.lines[2]
        ends = [segment[:, 1].tolist() for segment in lines.get_segments()]
        np.testing.assert_allclose(ends, [[getattr(row.low, field), getattr(row.high, field)] for row in rows])


def test_the_legends_say_what_is_drawn(rows):
    texts = [text.get_text() for legend in table_figure(rows).legends for text in legend.get_texts()]
    assert {"residue / atom", "relative to the chain", "expected"} <= {*texts}
    assert {"chain", "residue in chain", "atom in residue"} <= {*texts}


FIGURES = {
    "sweep": lambda _: sweep_figure(sweep(SCHEMES)),
    "sweep without a protein": lambda _: sweep_figure(sweep(SCHEMES, math.nan)),
    "table": lambda hierarchy: table_figure(noise_table(hierarchy, SCHEMES, Z, frames=5)),
    "table of one draw": lambda hierarchy: table_figure(noise_table(hierarchy, SCHEMES, Z)),
}
MAGIC = {".png": b"\x89PNG\r\n\x1a\n", ".svg": b"<?xml", ".pdf": b"%PDF"}


@pytest.mark.parametrize("suffix", MAGIC)
@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
@pytest.mark.filterwarnings("error")
def test_figures_are_written(complex_, draw, suffix, tmp_path):
    path = tmp_path / f"figure{suffix}"
    draw(complex_).savefig(path)
    assert path.read_bytes().startswith(MAGIC[suffix])
    assert path.stat().st_size > 5000


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_no_word_of_a_figure_is_cut_off(complex_, draw, all_words_are_within):
    all_words_are_within(draw(complex_))


@pytest.mark.filterwarnings("error")
def test_what_is_undefined_is_left_out(nest, tmp_path):
    # Nothing moves within the chain: there is no relative ratio.
    rows = noise_table(nest([[3, 2]]), [Scheme("chain", LevelWeights(1, 0, 0)), SCHEMES[0]], [0.0], frames=5)
    table_figure(rows).savefig(tmp_path / "table.png")
    assert (tmp_path / "table.png").stat().st_size > 5000


def test_figures_leave_pyplot_alone():
    assert isinstance(sweep_figure(sweep(SCHEMES)), Figure)
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()
