"""What pomsignal reports and writes: sentences, tables, CSV, weights for a wanted share, the figure."""

import csv
import io
import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from pomodoro_pymol.diffusion.floor import StateGram
from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.experiments.signal_report import run_signal, signal_csv
from pomodoro_pymol.noise.sigma import LawOfSigma
from pomodoro_pymol.noise.weights import PRESETS
from pomodoro_pymol.parameters.catalogue import NoiseParameters, SignalParameters
from pomodoro_pymol.structure.atoms import Structure
from pomodoro_pymol.structure.hierarchy import Hierarchy


@pytest.fixture(scope="module")
def fragment(fragment):
    return fragment, fragment.coords[None]


@pytest.fixture(scope="module")
def found(fragment):
    return run_signal(*fragment, SignalParameters())


def rows_of(result):
    return list(csv.DictReader(io.StringIO(signal_csv(result.signal))))


def test_a_sentence_per_scheme(found):
    text = found.report().splitlines()
    assert " ms: 71 % of the loss is the chain's translation, 20 % residues (66 % once aligned), 10 % atoms" in text
    assert sum(" % of the loss is " in line for line in text) == 6
    assert [line for line in text if len(line) > 110 and " once aligned" not in line] == []
    assert all(line.isascii() for line in text)


def test_the_report_has_the_sheets_numbers(found):
    text = found.report()
    for words in (
        " ms      .563:.156:.078  .706:.196:.098 ",
        " 3-8-1   .211:.725:.063  .211:.725:.063 ",
        "0.744:0.005:0.000:0.251    -0.46",
        "0.273:0.022:0.000:0.705    -0.12",
        "1.0:90.8:429.8",
    ):
        assert words in text
    # Z at a Calpha lDDT of one half, SCIENCE section 7.
    halves = {signal.scheme.name: signal.z_ca for signal in found.signal.under(found.signal.laws()[0])}
    for name, z in {"flat": -0.704, "ms": -0.256, "rb": -0.665, "3-8-1": -0.608}.items():
        assert halves[name] == pytest.approx(z, abs=6e-4)


def test_the_csv_has_a_row_per_scheme_level_and_sigma_data(found):
    rows = rows_of(found)
    assert list(rows[0])[:9] == ["scheme", "level", "sigma_data", "loss", "share", "p_mean", "z_snr1", "window", "nats"]
    assert len(rows) == 6 * 3 * 2
    assert len({(row["scheme"], row["level"], row["sigma_data"]) for row in rows}) == len(rows)
    for scheme, sigma_data in {(row["scheme"], row["sigma_data"]) for row in rows}:
        own = [row for row in rows if (row["scheme"], row["sigma_data"]) == (scheme, sigma_data)]
        assert [row["level"] for row in own] == ["chain", "residue", "atom"]
        for column in ("share", "aligned_share", "level_weight_share"):
            assert sum(float(row[column]) for row in own) == pytest.approx(1, abs=2e-6)
        gauge = [
            float(own[0][f"{part}_share"]) for part in ("translation", "rotation", "between_chains", "within_chains")
        ]
        assert sum(gauge) == pytest.approx(1, abs=2e-6)


def test_no_scheme_is_told_twice(fragment):
    names = [
        s.scheme.name
        for s in run_signal(*fragment, SignalParameters(presets="ms+3:8:1", wr=16, wc=6, wa=2)).signal.schemes
    ]
    assert names == ["ms", "3:8:1"] * 2
    names = [s.scheme.name for s in run_signal(*fragment, SignalParameters(presets="ms", preset="rb")).signal.schemes]
    assert names == ["ms", "rb"] * 2
    names = [s.scheme.name for s in run_signal(*fragment, SignalParameters(presets="ms", wr=2)).signal.schemes]
    assert names == ["ms", "3:2:1"] * 2


def test_data_that_are_given(fragment):
    result = run_signal(*fragment, SignalParameters(data="1:8.4:1.5", presets="flat"))
    assert result.signal.schemes[0].of_levels("data") == pytest.approx((1, 8.4**2, 1.5**2))
    assert "chain 1 A, residue 8.4 A, atom 1.5 A (given)" in result.report()
    for words in ("1:2", "1:0:2", "a:b:c", "1:-2:3"):
        with pytest.raises(PomodoroError, match="data must be"):
            run_signal(*fragment, SignalParameters(data=words))


@pytest.mark.parametrize("given", [{}, {"preset": "ms"}, {"wc": 1, "wa": 4}, {"sigma_data": 7, "law": "edm"}], ids=str)
def test_the_inverse_put_back_gives_the_share(fragment, given):
    asked = SignalParameters(residue=0.5, presets="flat", **given)
    result = run_signal(*fragment, asked)
    line = result.report().splitlines()[-1]
    typed = NoiseParameters.from_text(line.partition("pomnoise")[2])
    assert typed.weights.shares == pytest.approx(result.weights.shares, rel=1e-8)
    numbers = f"{typed.wc!r}:{typed.wr!r}:{typed.wa!r}"
    law = {name: getattr(asked, name) for name in ("law", "sigma_data")}
    rows = rows_of(run_signal(*fragment, SignalParameters(presets=numbers, **law)))
    share = next(float(row["share"]) for row in rows if row["level"] == "residue")
    assert share == pytest.approx(0.5, abs=1e-6)
    costs = re.search(r"chain (\S+) -> (\S+), residue (\S+) -> (\S+), atom (\S+) -> (\S+)$", result.report(), re.M)
    assert costs[4] == "0.500"
    assert sum(float(costs[i]) for i in (2, 4, 6)) == pytest.approx(1, abs=0.0016)


def test_the_law_of_training_is_heeded(fragment):
    law = LawOfSigma(16, -0.5, 1.0)
    result = run_signal(*fragment, SignalParameters(p_mean=-0.5, p_std=1.0, presets="ms"))
    assert result.signal.laws()[0] == law
    assert result.signal.laws()[1].p_mean == -0.5
    residue = result.signal.schemes[0].levels[1]
    assert residue.p_mean == pytest.approx(-0.5 + 0.5 * math.log(residue.noise))


def test_an_ensemble_has_a_floor_and_one_structure_has_none(nmr_models, found):
    result = run_signal(*nmr_models, SignalParameters(presets="flat+ms"))
    structure, states = nmr_models
    gram = StateGram(torch.from_numpy(states), Hierarchy.from_structure(structure))
    for signal in result.signal.schemes:
        assert signal.of_levels("floor") == gram.floor(signal.scheme.weights, signal.law).losses
        # Below the start, by far: little is left that cannot be learnt.
        assert all(0 <= low < 0.1 * loss for low, loss in zip(signal.of_levels("floor"), signal.of_levels("loss")))
    assert "floor: loss that the exact denoiser of the 24 states leaves" in result.report()
    assert "floor:" not in found.report()
    assert {row["floor_loss"] for row in rows_of(found)} == {"0"}


def test_a_place_and_a_pose_change_nothing(fragment, found):
    from scipy.spatial.transform import Rotation

    structure, _ = fragment
    turned = Rotation.from_euler("xyz", (1, -2, 0.5)).apply(structure.coords) + np.array([20, -70, 30])
    turned = replace(structure, coords=turned.astype(np.float32))
    moved = run_signal(turned, turned.coords[None], SignalParameters())
    # Coordinates are float32; what is 0 is not exactly so.
    for one, other in zip(rows_of(found), rows_of(moved)):
        for name in one:
            if name not in ("scheme", "level"):
                assert float(one[name]) == pytest.approx(float(other[name]), rel=2e-5, abs=1e-6)


def test_levels_without_noise_or_freedom(fragment, make_structure):
    text = run_signal(*fragment, SignalParameters(presets="1:1:0")).report()
    assert "nan" not in text
    assert "n/a:n/a:n/a" in text
    assert "0.7:99.7:inf" in text
    ions = make_structure([("", "A", "1", "ZN", True), ("", "A", "2", "HEM", True), ("", "A", "2", "HEM", True)])
    assert isinstance(ions, Structure)
    text = run_signal(ions, ions.coords[None], SignalParameters(presets="ms")).report()
    assert "nan" not in text
    assert " 0 % residues" in text
    with pytest.raises(PomodoroError, match="each chain is one residue"):
        run_signal(ions, ions.coords[None], SignalParameters(residue=0.5))


def test_the_figure_shows_the_shares(found, all_words_are_within):
    pytest.importorskip("matplotlib")
    from matplotlib.colors import to_hex

    from pomodoro_pymol.color.palettes import LEVEL_COLORS
    from pomodoro_pymol.experiments.figures import signal_figure

    figure = signal_figure(found.signal)
    all_words_are_within(figure)
    left = figure.axes[0]
    bars = [bar for bar in left.patches if to_hex(bar.get_facecolor()) == f"#{LEVEL_COLORS['residue']}".lower()]
    assert [bar.get_width() for bar in bars] == pytest.approx([0.170, 0.196, 0.510, 0.670, 0.623, 0.209], abs=6e-4)
    assert len(figure.axes) == 6
    for axis in figure.axes[:3]:
        ends = np.array([bar.get_width() for bar in axis.patches]).reshape(3, 6).sum(0)
        assert ends == pytest.approx(1)
    # The curve of a level has its top where data and noise have the ratio of the median sigma.
    line = next(line for line in figure.axes[4].lines if line.get_label() == "3-8-1")
    x, y = line.get_data()
    residue = found.signal.schemes[3].levels[1]
    assert found.signal.schemes[3].scheme.weights == PRESETS["3-8-1"]
    median = found.signal.laws()[0].sigma(0)
    assert x[int(np.argmax(y))] == pytest.approx(residue.data / (residue.noise * median**2), rel=1e-6)
    steps, heights = np.diff(np.log(x)), (y[1:] + y[:-1]) / 2
    assert float(steps @ heights) == pytest.approx(1, abs=1e-3)
