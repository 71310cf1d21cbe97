"""What pomweights prints: gauge, neighbours, lengths in space, and what only pads the variance."""

import re

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist

from pomodoro_pymol.experiments.weights import noise_line, padding_text, solve_weights, weights_text
from pomodoro_pymol.noise.draw import add_noise
from pomodoro_pymol.noise.sigma import AF3_LAW, LawOfSigma
from pomodoro_pymol.noise.weights import FLAT, PRESETS, LevelWeights
from pomodoro_pymol.parameters.catalogue import NoiseParameters, WeightsParameters
from pomodoro_pymol.structure.hierarchy import Hierarchy


@pytest.fixture(scope="module")
def fragment(fragment):
    return fragment, Hierarchy.from_structure(fragment)


def typed(line):
    """The parameters of a line of pomnoise without a selection."""
    words = dict(word.split("=") for word in line.removeprefix("pomnoise ").split(", "))
    return NoiseParameters(**{name: value if name == "law" else float(value) for name, value in words.items()})


def test_the_second_block_has_the_numbers_of_the_sheet(fragment):
    """SCIENCE.md, sections 3 and 7, on the fragment at z = 0: relative displacement in space, gauge, order, place."""
    lines = weights_text(*fragment, PRESETS["3-8-1"], AF3_LAW.sigma(0), AF3_LAW).splitlines()
    assert max(map(len, lines)) <= 115
    block = lines[1 + next(i for i, line in enumerate(lines) if "A in space" in line) :]
    rows = {row.split()[0]: row.split()[1:] for row in block}
    assert rows["these"] == rows["3-8-1"]
    for name, moved in {"flat": 3.0, "ms": 3.3, "rb": 5.8, "2-6-2": 6.5, "3-8-1": 6.8}.items():
        assert float(rows[name][2]) == pytest.approx(moved, abs=0.1)
    assert rows["ms"][:2] == ["0.744:0.005:0.000:0.251", "-0.46"]
    assert rows["3-8-1"][:2] == ["0.273:0.022:0.000:0.705", "-0.12"]
    assert [float(word) for word in rows["3-8-1"][4:]] == pytest.approx([0.80, 0.34], abs=0.005)
    assert rows["flat"][1] == "0.00"


def test_the_shift_of_z_is_that_of_the_law(fragment):
    text = weights_text(*fragment, PRESETS["ms"], 5.0, LawOfSigma(p_std=0.75))
    assert re.search(r"^ ms +0\.744:\S+ +-0\.92 ", text, re.M)


def test_chains_of_one_residue_have_no_neighbours(make_structure):
    ions = make_structure([("", "A", "1", "ZN", True), ("", "A", "2", "HEM", True), ("", "A", "2", "HEM", True)])
    text = weights_text(ions, Hierarchy.from_structure(ions), FLAT, 3.0, AF3_LAW)
    assert "nan" not in text
    assert re.search(r"^ these .* n/a +n/a +n/a +n/a$", text, re.M)
    assert "n/a: no chain has two residues" in text


@pytest.mark.parametrize(
    "target",
    [{"relative": 3.8}, {"relative": 3.8, "z": 1.0}, {"ratio": 0.8}, {"shares": "0.5:0.4:0.1"}],
    ids=str,
)
@pytest.mark.parametrize("law", [{}, {"sigma_data": 5.0, "p_std": 1.1}], ids=["af3", "own"])
def test_the_lower_z_gives_the_same_noise_within_one_chain(fragment, target, law):
    structure, hierarchy = fragment
    given = WeightsParameters(**({"z": 1.5} | target if law else target), **law)
    weights = solve_weights(hierarchy, given)
    text = padding_text(hierarchy, given, weights)
    assert f" wc is {weights.shares[0]:.3f} of the variance: it moves the one chain as a whole" in text
    lower = typed(text.rpartition("without it: ")[2])
    assert lower.weights.chain == 0
    assert lower.noise_sigma < given.noise_sigma
    frames = [
        add_noise(structure.coords, hierarchy, run.noise_sigma, used, seed=3, dtype=torch.float64)[0].numpy()
        for run, used in ((given, weights), (lower, lower.weights))
    ]
    moved = np.abs(pdist(frames[0]) - pdist(structure.coords)).max()
    # z is printed to four digits: sigma to .00015 of itself.
    assert np.abs(pdist(frames[0]) - pdist(frames[1])).max() < 2e-4 * moved
    used = typed(noise_line(given, weights).to_text())
    assert used.noise_sigma == pytest.approx(given.noise_sigma, rel=1e-12)
    assert used.weights.shares == pytest.approx(weights.shares, rel=1e-12)


def test_several_chains_are_padded_only_for_a_displacement(complex_):
    given = WeightsParameters(relative=3.0)
    weights = solve_weights(complex_, given)
    text = padding_text(complex_, given, weights)
    assert "it moves whole chains, and no residue relative to its chain" in text
    lower = typed(text.rpartition("without it: ")[2])
    assert padding_text(complex_, lower_parameters(lower), lower.weights) == ""
    for target in ({"ratio": 0.95}, {"shares": "0.6:0.3:0.1"}):
        other = WeightsParameters(**target)
        assert padding_text(complex_, other, solve_weights(complex_, other)) == ""


def lower_parameters(noise):
    return WeightsParameters(relative=3.0, z=noise.z, wc=0, wr=noise.wr, wa=noise.wa)


def test_there_is_nothing_to_say_without_a_target_or_padding(fragment):
    _, hierarchy = fragment
    plain = WeightsParameters(preset="ms")
    assert padding_text(hierarchy, plain, plain.weights) == ""
    bare = WeightsParameters(ratio=0.8, wc=0)
    assert padding_text(hierarchy, bare, solve_weights(hierarchy, bare)) == ""


def test_shares_of_the_chain_alone_leave_nothing(fragment):
    _, hierarchy = fragment
    given = WeightsParameters(shares="1:0:0")
    assert solve_weights(hierarchy, given).shares == (1, 0, 0)
    assert padding_text(hierarchy, given, LevelWeights(1, 0, 0)).endswith("centring removes; nothing else is left")


def test_a_sigma_is_answered_by_a_sigma(fragment):
    _, hierarchy = fragment
    given = WeightsParameters(relative=0.01, sigma=1.0)
    weights = solve_weights(hierarchy, given)
    lower = typed(padding_text(hierarchy, given, weights).rpartition("without it: ")[2])
    assert lower.sigma == pytest.approx((1 - weights.shares[0]) ** 0.5, rel=1e-4)


def test_a_level_below_all_z_is_answered_by_sigma(fragment):
    _, hierarchy = fragment
    # Without the chain, a quarter of the variance, 3-8-1 moves residues by 6.774 A in space at sigma 4.8191 sqrt(.75).
    for relative, message in ((5e-4, "sigma=0.000308"), (1e-5, "without it: sigma 6.161e-06 A per coordinate")):
        given = WeightsParameters(relative=relative, z=-3)
        assert message in padding_text(hierarchy, given, solve_weights(hierarchy, given))
