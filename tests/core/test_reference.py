"""The reference numbers of the project: the table of closed forms, and the note's single draws."""

import numpy as np
import pytest
import torch

from pomodoro_pymol.experiments.noise import measure
from pomodoro_pymol.io.read import read_structure
from pomodoro_pymol.noise.draw import add_noise
from pomodoro_pymol.noise.expected import expected_levels, expected_residues
from pomodoro_pymol.noise.metrics import metric_values
from pomodoro_pymol.noise.sigma import sigma_from_z
from pomodoro_pymol.noise.signal import signal_share
from pomodoro_pymol.noise.statistics import LevelStatistics, level_sigmas, residue_sums
from pomodoro_pymol.noise.weights import PRESETS, LevelWeights
from pomodoro_pymol.structure.hierarchy import Hierarchy

# Windows of 32 residues and 253 heavy atoms, by protein and first residue.
FRAGMENTS = {
    "myoglobin 72": "LGAILKKKGHHEAELKPLAQSHATKHKIPIKY",
    "myoglobin 1": "VLSEGEWQLVLHVWAKVEADVAGHGQDILIRL",
    "ubiquitin 13": "ITLEVEPSDTIENVKAKIQDKEGIPPDQQRLI",
    "lysozyme 98": "IVSDGNGMNAWVAWRNRCKGTDVQAWIRGCRL",
    "protein G 24": "ATAEKVFKQYANDNGVDGEWTYDDATKTFTVT",
    "BPTI 10": "YTGPCKARIIRYFYNAKAGLCQTFVYGGCRAK",
}

# r/a, residue rms relative to the chain at z = 0 in angstrom, shares of chain, residue and atom.
TABLE = {
    "flat": (PRESETS["flat"], ".369", "1.75", ".004", ".123", ".874"),
    "ms": (PRESETS["ms"], ".948", "1.90", ".744", ".154", ".102"),
    "rb": (PRESETS["rb"], ".785", "3.37", ".128", ".484", ".388"),
    "3-8-1": (PRESETS["3-8-1"], ".963", "3.91", ".272", ".655", ".073"),
    "2-6-2": (PRESETS["2-6-2"], ".910", "3.76", ".221", ".605", ".175"),
    "1-1-15": (LevelWeights(1, 1, 15), ".488", "2.01", ".064", ".165", ".771"),
}
COLUMNS = ("ratio", "residue_relative", "chain_share", "residue_share", "atom_share")


@pytest.fixture(scope="module", params=FRAGMENTS)
def fragment(request, heavy_atoms):
    return heavy_atoms(FRAGMENTS[request.param])


def assert_printed(value, printed, slack=0.0):
    """Compare with a rounded number: half a unit of its last digit, and ``slack``."""
    rounding = 0.5 * 10.0 ** -len(printed.partition(".")[2])
    assert value == pytest.approx(float(printed), rel=0, abs=rounding + slack)


def test_natural_fragments_have_the_flat_ratio_of_proteins(fragment):
    assert (fragment.n_residues, fragment.n_atoms) == (32, 253)
    assert 0.36 < expected_levels(fragment, PRESETS["flat"]).ratio < 0.38


@pytest.mark.parametrize(("weights", "printed"), [(row[0], row[1:]) for row in TABLE.values()], ids=TABLE)
def test_closed_forms_print_the_table(natural, weights, printed):
    expected = expected_levels(natural, weights, sigma_from_z(0))
    for name, text in zip(COLUMNS, printed):
        assert_printed(getattr(expected, name), text)


@pytest.mark.parametrize(("weights", "printed"), [(row[0], row[1:]) for row in TABLE.values()], ids=TABLE)
def test_other_fragments_agree_with_the_table_as_far_as_their_sizes_do(fragment, weights, printed):
    # Fragments differ in h = mean(1/n_r), .36**2 to .38**2 against .369**2, and in the sum of p_r**2,
    # 1/32 to .0355 against .033. Closed forms in these, with s the atom and r the residue share:
    # ratio**2 = 1 - s + s h; relative**2 / sigma**2 = s h + r sum p**2 + ...; shares r sum p**2 + ...
    share, sigma = weights.shares[2], sigma_from_z(0)
    by_h, by_p = share * 0.0083, weights.shares[1] * 0.0025
    expected = expected_levels(fragment, weights, sigma)
    ratio, relative = map(float, printed[:2])
    assert expected.ratio**2 == pytest.approx(ratio**2, rel=0, abs=by_h + 2 * ratio * 0.0005)
    assert expected.residue_relative**2 == pytest.approx(
        relative**2, rel=0, abs=sigma**2 * (by_h + by_p) + 2 * relative * 0.005
    )
    for name, text in zip(COLUMNS[2:], printed[2:]):
        assert_printed(getattr(expected, name), text, by_p)


@pytest.mark.parametrize(("weights", "printed"), [(row[0], row[1:]) for row in TABLE.values()], ids=TABLE)
def test_four_thousand_draws_agree_with_the_table(natural, weights, printed):
    statistics = LevelStatistics(natural, sigma_from_z(0))
    noise = add_noise(np.zeros((253, 3)), natural, 1.0, weights, n_frames=4000, seed=12)
    statistics.add(residue_sums(noise, natural))
    measured, error = statistics.levels(), statistics.standard_error()
    for name, text in zip(COLUMNS, printed):
        # Half a percent for the relative length and the ratio: more than three standard errors. The
        # shares rest on the 3 chain numbers of each draw; four standard errors for them.
        slack = 4 * getattr(error, name)
        if name in ("ratio", "residue_relative"):
            slack = 0.005 * float(text)
            assert slack > 3 * getattr(error, name)
        assert_printed(getattr(measured, name), text, slack)


@pytest.mark.parametrize(("name", "note"), [("ms", 0.93), ("rb", 0.76), ("flat", 0.38)])
def test_the_notes_ratio_is_an_ordinary_single_draw(natural, name, note):
    coords = torch.zeros(253, 3)
    ratios = []
    for seed in range(1000):
        atom, residue, _ = level_sigmas(add_noise(coords, natural, 1.0, PRESETS[name], seed=seed), natural)
        ratios.append(residue / atom)
    low, high = np.quantile(ratios, [0.025, 0.975])
    assert low < note < high


def test_the_notes_proposals_raise_the_ratio(natural):
    ratio = {name: expected_levels(natural, weights).ratio for name, weights in PRESETS.items()}
    assert ratio["rb"] < ratio["2-6-2"] < ratio["3-8-1"]
    assert ratio["ms"] < ratio["3-8-1"]


@pytest.mark.parametrize(("chain", "residue"), [(1, 0), (0, 1), (1, 1), (5, 2)])
def test_a_ratio_of_a_half_needs_an_atom_share_of_seven_eighths(natural, chain, residue):
    h = expected_levels(natural, PRESETS["flat"]).ratio ** 2
    share = 0.75 / (1 - h)
    atom = (chain + residue) * share / (1 - share)
    assert share == pytest.approx(0.87, abs=0.005)
    assert expected_levels(natural, LevelWeights(chain, residue, atom)).ratio == pytest.approx(0.5, abs=1e-7)


def test_most_of_what_twenty_frames_show_of_a_residue_is_sampling_noise(cmd):
    """SCIENCE.md, section 3: metrics per residue of 1hpv without its waters under 3-8-1."""
    structure = read_structure(cmd.exp_path("$PYMOL_DATA/tut/1hpv.pdb"))
    hierarchy, weights = Hierarchy.from_structure(structure), PRESETS["3-8-1"]
    closed = expected_residues(hierarchy, weights)
    ratio = closed.residue / closed.atom
    assert_printed(ratio.min(), ".959")
    assert_printed(ratio.max(), ".968")
    runs = [measure(hierarchy, weights, 20, seed=seed, device="cpu").residues() for seed in range(30)]
    # The sheet's deviations are those of the protein's residues; its range is that of all, the inhibitor's too.
    protein = hierarchy.residues_per_chain[hierarchy.residue_to_chain].numpy() > 1
    shares, deviations = {}, {}
    for name in ("ratio", "displacement", "scramble"):
        expected = metric_values(name, structure, hierarchy, weights, 1.0)[protein]
        drawn = [metric_values(name, structure, hierarchy, weights, 1.0, run)[protein] for run in runs]
        sampling = np.var(drawn, axis=0, ddof=1).mean()
        shares[name] = sampling / (sampling + expected.var())
        deviations[name] = expected.std(), sampling**0.5
    assert_printed(deviations["ratio"][0], ".0020")
    # 30 runs of 198 residues whose chains move alike: a standard deviation is known to some 3 %.
    assert deviations["ratio"][1] == pytest.approx(0.0070, abs=0.0006)
    assert shares["ratio"] == pytest.approx(0.92, abs=0.015)
    assert_printed(shares["displacement"], ".999")
    assert_printed(shares["scramble"], ".996")
    # What `range=auto` prints of one run agrees with these shares, which are of many.
    for name, share in shares.items():
        noise = (structure, hierarchy, weights, 1.0)
        told = [signal_share(metric_values(name, *noise, run), metric_values(name, *noise)) for run in runs]
        assert np.mean(told) == pytest.approx(1 - share, abs=4 * np.std(told) / len(told) ** 0.5 + 0.01)
