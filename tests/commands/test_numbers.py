"""What is measured on real proteins agrees with the closed forms, with plain NumPy, and with the researcher's note."""

import math

import numpy as np
import pytest

PRESETS = ("flat", "ms", "rb", "3-8-1", "2-6-2")
LEVELS = ("atom", "residue", "ratio", "residue_relative", "chain_share", "residue_share", "atom_share")
FRAMES = 200
SIGMA = 16 * math.exp(-1.2)  # z = 0

# What the note printed for one draw on a fragment of 32 residues.
NOTE = {"ms": 0.93, "rb": 0.76, "flat": 0.38}


@pytest.fixture
def toxin(cmd):
    """A PyMOL with 1tii: seven chains, 5,684 atoms."""
    cmd.load(cmd.exp_path("$PYMOL_DATA/demo/1tii.pdb"), "1tii", quiet=1)
    return cmd


@pytest.mark.parametrize("preset", PRESETS)
def test_measured_agrees_with_expected(toxin, preset):
    from pomodoro_pymol import expected_levels
    from pomodoro_pymol.commands import pomnoise

    result = pomnoise("polymer", preset=preset, frames=FRAMES, seed=11, _self=toxin)
    measured, error = result.statistics.levels(), result.statistics.standard_error()
    expected = expected_levels(result.hierarchy, result.parameters.weights, SIGMA)
    for name in LEVELS:
        off = abs(getattr(measured, name) - getattr(expected, name))
        # Four standard errors: 35 comparisons of fixed seeds, each missed once in 16,000 draws.
        assert off < 4 * getattr(error, name), name
        # The errors are small enough for the comparison to mean something.
        assert getattr(error, name) < 0.06 * getattr(expected, name), name


def test_measured_is_what_stands_in_pymols_states(toxin, coords):
    from pomodoro_pymol.commands import pomnoise

    result = pomnoise("polymer", preset="2-6-2", frames=20, _self=toxin)
    truth = coords(toxin, result.name, 1).astype(float)
    moved = np.stack([coords(toxin, result.name, state) for state in range(2, 22)]).astype(float) - truth
    labels = []
    toxin.iterate(result.name, "put((rank, chain, resi))", space={"put": labels.append})
    labels = [label[1:] for label in sorted(labels)]
    residues = [np.flatnonzero([label == one for label in labels]) for one in dict.fromkeys(labels)]
    chains = [
        np.flatnonzero([label[0] == one for label in labels]) for one in dict.fromkeys(label[0] for label in labels)
    ]
    assert len(chains) == 7
    inside = moved.copy()
    chain_part = np.zeros_like(moved)
    for atoms in chains:
        chain_part[:, atoms] = moved[:, atoms].mean(1, keepdims=True)
    inside -= chain_part
    residue_part = np.zeros_like(moved)
    for atoms in residues:
        residue_part[:, atoms] = inside[:, atoms].mean(1, keepdims=True)
    means = np.stack([moved[:, atoms].mean(1) for atoms in residues])
    relative = np.stack([inside[:, atoms].mean(1) for atoms in residues])

    def rms(values):
        return math.sqrt((values**2).mean())

    total = (moved**2).sum()
    plain = {
        "atom": rms(moved),
        "residue": rms(means),
        "chain": rms(np.stack([moved[:, atoms].mean(1) for atoms in chains])),
        "ratio": rms(means) / rms(moved),
        "atom_relative": rms(inside),
        "residue_relative": rms(relative),
        "ratio_relative": rms(relative) / rms(inside),
        "chain_share": (chain_part**2).sum() / total,
        "residue_share": (residue_part**2).sum() / total,
        "atom_share": ((inside - residue_part) ** 2).sum() / total,
    }
    measured = result.statistics.levels()
    for name, value in plain.items():
        # The states are float32 near 100 A, so each displacement is off by up to 4e-6 A of 5 A.
        assert getattr(measured, name) == pytest.approx(value, rel=1e-5), name
    of_residue = result.statistics.residues()
    atom_rms = [rms(moved[:, atoms]) for atoms in residues]
    assert of_residue.atom == pytest.approx(atom_rms, rel=1e-4)
    assert of_residue.residue == pytest.approx(np.sqrt((means**2).mean((1, 2))), rel=1e-4)
    b = []
    toxin.iterate(result.name, "put((rank, b))", space={"put": b.append})
    b = [value for _, value in sorted(b)]
    shown = [b[atoms[0]] for atoms in residues]
    assert shown == pytest.approx(np.sqrt((means**2).mean((1, 2))) / atom_rms, rel=1e-4)


def test_printed_numbers_are_the_measured_ones(toxin, typed):
    from pomodoro_pymol.commands import pomnoise

    printed = typed(toxin, "pomnoise polymer frames=20")
    measured = pomnoise("polymer", frames=20, _self=toxin).statistics.levels()
    assert f"{measured.ratio:.4f}" in printed
    assert f"{measured.chain_share:.4f}" in printed
    assert f"{measured.atom_share:.4f}" in printed


@pytest.mark.parametrize("preset", NOTE)
def test_the_notes_ratio_is_an_ordinary_draw(hpv, preset):
    import torch

    from pomodoro_pymol import PRESETS, Hierarchy, add_noise, level_sigmas
    from pomodoro_pymol.commands import pomnoise

    structure = pomnoise("chain A and resi 1-32 and polymer", frames=1, _self=hpv).structure
    hierarchy = Hierarchy.from_structure(structure)
    assert hierarchy.n_residues == 32
    assert hierarchy.n_chains == 1
    truth = torch.tensor(structure.coords)
    ratios = []
    for seed in range(1000):
        frame = add_noise(truth, hierarchy, SIGMA, PRESETS[preset], seed=seed)
        atom, residue, _ = level_sigmas(frame - truth, hierarchy)
        ratios.append(residue / atom)
    low, high = np.percentile(ratios, [2.5, 97.5])
    # The note gives two digits.
    assert low - 0.005 <= NOTE[preset] <= high + 0.005
