"""Schemes side by side as they are seen: ray-traced, in a figure, and in PyMOL's window."""

from __future__ import annotations

import math
from pathlib import Path

import cells
import masks
import numpy as np
import pytest

pymol_qt = pytest.importorskip("pymol.Qt", reason="this PyMOL has no Qt")
LINE = "pomcompare 1hpv and polymer, frames=3 z=-1"


@pytest.fixture
def take(hpv, tmp_path):
    """A function that ray-traces what PyMOL shows."""
    cells.plain_light(hpv)

    def picture(file="seen.png"):
        hpv.png(str(tmp_path / file), 400, 300, ray=1, quiet=1)
        return masks.pixels(str(tmp_path / file))

    return picture


def check(seen, metric):
    """Assert what is to be seen of the cells for flat, ms, rb and 3-8-1."""
    assert min(seen["lit"]) > 0.02, seen
    if metric == "ratio":
        assert math.dist(seen["mean"][0], seen["mean"][3]) > 0.5, seen


@pytest.mark.parametrize("metric", ["ratio", "direction"])
def test_ray_traced(hpv, typed, take, metric):
    before = take()
    assert "Error" not in typed(hpv, f"{LINE} metric={metric}")
    if hpv.get_version()[1] < 3:
        pytest.skip("PyMOL 2.5 ray-traces no grid")
    former = take()
    hpv.frame(3)
    now = take()
    for one, other in zip(cells.split(former), cells.split(now)):
        assert cells.changed(one, other) > 0.2
    check(cells.look(hpv, take), metric)
    typed(hpv, "pomcompare off")
    assert cells.changed(before, take()) < 1e-3


@pytest.mark.parametrize("figure", [False, True], ids=["", "figure"])
def test_off_restores_what_is_ray_traced(hpv, typed, take, tmp_path, figure):
    if figure:
        pytest.importorskip("matplotlib")
    before = take()
    for words in ("metric=ratio" + f" figure={tmp_path}/x.png" * figure, "metric=direction"):
        assert "Error" not in typed(hpv, f"{LINE} {words}")
        take()
    typed(hpv, "pomcompare off")
    assert cells.changed(before, take()) < 1e-3


def test_the_figures_cells_have_their_colours(hpv, typed, tmp_path):
    pytest.importorskip("matplotlib")
    cells.plain_light(hpv)
    path = tmp_path / "x.png"
    assert "Error" not in typed(hpv, f"{LINE} metric=ratio figure={path}")
    picture = masks.pixels(str(path))[: -int(0.17 * masks.pixels(str(path)).shape[0])]
    means = []
    for cell in cells.split(picture):
        vivid = np.ptp(cell.astype(int), axis=2) > 40
        assert vivid.mean() > 0.01
        means.append(cell[vivid].mean(0) / 255)
    assert math.dist(means[0], means[3]) > 0.5


@pytest.mark.skipif(pymol_qt.PYQT_NAME != "PyQt5", reason="under Xvfb's Mesa the viewport is black with other Qts")
def test_the_window(play):
    notes = play("compared", folder=Path(__file__).parent).notes
    for metric in ("ratio", "direction"):
        seen = notes[metric]
        check(seen, metric)
        for step in seen["steps"]:
            assert min(step) > 0.2, seen
        assert min(seen["text above"]) > 200, seen
        assert seen["text below"] > 2000, seen
        assert seen["on atoms"] < 20, seen
    assert notes["off"] < 1e-3
