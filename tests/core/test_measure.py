"""Frames of any origin against a truth, without a viewer: atoms by their labels, levels, scores, colours."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.experiments.coloring import measured_colors
from pomodoro_pymol.experiments.measure import measure_frames
from pomodoro_pymol.experiments.measure_table import measure_csv, measure_text
from pomodoro_pymol.parameters.catalogue import MeasureParameters
from pomodoro_pymol.structure.atoms import ATOM_LABELS, RESIDUE_LABELS, Structure
from pomodoro_pymol.structure.hierarchy import Hierarchy
from pomodoro_pymol.structure.matching import match_atoms, take_atoms

NAMES = ("the truth", "the frames")
BACKBONE = ("N", "CA", "C", "O", "CB")


def build(chains="AB", n=6, segi="", groups=None, seed=0):
    """A structure of chains of n residues of five atoms each, some 4 A apart."""
    residues = [(segi, chain, str(number), "ALA", False) for chain in chains for number in range(1, n + 1)]
    rng = np.random.default_rng(seed)
    middles = np.repeat(np.cumsum(rng.normal(size=(len(residues), 3)) * 2.2, 0), len(BACKBONE), 0)
    return Structure(
        coords=(middles + rng.normal(size=middles.shape)).astype(np.float32),
        atoms=np.array([(name, name[0], "") for _ in residues for name in BACKBONE], dtype=ATOM_LABELS),
        residues=np.array(residues, dtype=RESIDUE_LABELS),
        residue_of_atom=np.repeat(np.arange(len(residues)), len(BACKBONE)),
        name="made",
        groups=groups,
    )


def test_atoms_are_matched_whatever_their_order_and_segment():
    truth, other = build(), build(segi="X")
    order = np.random.default_rng(1).permutation(len(truth))
    mixed = Structure(other.coords[order], other.atoms[order], other.residues, other.residue_of_atom[order])
    found = match_atoms(truth, mixed, NAMES)
    assert found.notes == ()
    np.testing.assert_array_equal(found.first, np.arange(len(truth)))
    np.testing.assert_array_equal(order[found.second], np.arange(len(truth)))


def test_what_one_side_has_alone_is_told():
    truth, other = build("AB"), build("AC", n=5)
    found = match_atoms(truth, other, NAMES)
    np.testing.assert_array_equal(found.first, np.arange(25))
    assert found.notes[0].startswith("left out: 35 atoms of the truth alone, not of the frames (A/ALA`6/N, A/ALA`6/CA")
    assert found.notes[1].startswith("left out: 25 atoms of the frames alone, not of the truth (C/ALA`1/N")
    with pytest.raises(PomodoroError, match=r"have no atom in common: .* as they are not in A/ALA`1/N and C/ALA`1/N"):
        match_atoms(build("A"), build("C"), NAMES)


def joined(*parts):
    counts = np.cumsum([0, *(len(part.residues) for part in parts)])
    return Structure(
        np.concatenate([part.coords for part in parts]),
        np.concatenate([part.atoms for part in parts]),
        np.concatenate([part.residues for part in parts]),
        np.concatenate([part.residue_of_atom + first for part, first in zip(parts, counts)]),
    )


def test_the_segment_counts_where_labels_repeat_and_nowhere_else():
    one, other, third = build("A", segi="S"), build("A", segi="T"), build("B", segi="U")
    both, turned = joined(one, other, third), joined(other, one, build("B", segi="V"))
    found = match_atoms(both, turned, NAMES)
    n = len(one)
    np.testing.assert_array_equal(found.second, [*range(n, 2 * n), *range(n), *range(2 * n, 3 * n)])
    with pytest.raises(PomodoroError, match="more than one atom of the truth is S/A/ALA`1/N: labels must tell"):
        match_atoms(joined(one, one), both, NAMES)
    # What repeats on one side, and has no like on the other, is left out.
    assert len(match_atoms(joined(one, one, third), build("B"), NAMES).first) == n


def located(structure, alts):
    """The structure with some atoms in other alternate locations, and some left out."""
    atoms = structure.atoms.copy()
    atoms["alt"] = alts
    return Structure(structure.coords, atoms, structure.residues, structure.residue_of_atom)


def test_one_of_alternate_locations_is_the_atom_without_one():
    truth = build("A")
    n = len(truth)
    chosen = located(truth, ["A", *[""] * (n - 1)])
    for pair in ((truth, chosen), (chosen, truth)):
        assert len(match_atoms(*pair, NAMES).first) == n
    # Which of two it is nobody knows, nor that one is another.
    other = located(truth, ["B", *[""] * (n - 1)])
    for pair in ((joined(chosen, located(truth, ["B"] * n)), truth), (chosen, other)):
        found = match_atoms(*pair, NAMES)
        assert 0 not in found.second
        assert "A/ALA`1/N" in found.notes[-1]


def test_some_atoms_of_a_structure_keep_their_groups():
    truth = build("AB", n=3, groups=(np.array([0, 0, 1, 2, 3, 4]), np.array([0, 0, 1, 1, 2])))
    whole = Hierarchy.from_structure(truth)
    rows = np.flatnonzero(~np.isin(truth.residue_of_atom, [2, 4]))
    part = Hierarchy.from_structure(take_atoms(truth, rows))
    for name in ("atom_to_residue", "atom_to_chain"):
        wanted, found = getattr(whole, name)[torch.from_numpy(rows)].tolist(), getattr(part, name).tolist()
        assert len({*zip(wanted, found)}) == len({*wanted}) == len({*found})


def test_levels_are_those_of_the_displacements():
    truth = build()
    rng = np.random.default_rng(5)
    turned = Rotation.random(random_state=2).apply(truth.coords) + np.array([900, -500, 300])
    moves = rng.normal(size=(4, *truth.coords.shape)) + 2 * rng.normal(size=(4, 12, 1, 3)).repeat(5, 2).reshape(
        4, 60, 3
    )
    measured = measure_frames(truth, build(segi="Z"), truth.coords + moves, fit=False)
    chains = moves.reshape(4, 2, 30, 3).mean(2)
    residues = moves.reshape(4, 12, 5, 3).mean(2)
    levels = measured.statistics.levels()
    for name, values in (("atom", moves), ("residue", residues), ("chain", chains)):
        assert getattr(levels, name) == pytest.approx(np.sqrt(np.square(values).mean()), rel=1e-5)
    np.testing.assert_allclose(
        measured.statistics.frame_levels().residue, np.sqrt(np.square(residues).mean((1, 2))), rtol=1e-5
    )
    # Wherever a frame lies, float32 there aside.
    far = measure_frames(truth, truth, turned[None])
    assert far.before.levels().atom > 100
    assert far.after.levels().atom < 1e-4
    np.testing.assert_allclose(far.frames[0], truth.coords, atol=3e-4)
    assert far.quality.ca_lddt == 1


def test_colours_are_of_what_was_measured():
    truth = build()
    frames = truth.coords + np.random.default_rng(1).normal(size=(3, *truth.coords.shape))
    measured = measure_frames(truth, truth, frames)
    levels, residues = measured.statistics.levels(), measured.statistics.residues()

    def colors(**given):
        return measured_colors(measured.hierarchy, residues, levels.atom, MeasureParameters(**given))

    assert (colors().scale.low, colors().scale.high) == (0, 1)
    np.testing.assert_array_equal(colors().values, residues.residue / residues.atom)
    moved = colors(metric="displacement")
    assert (moved.scale.low, moved.scale.high) == (0, levels.atom)
    np.testing.assert_array_equal(moved.values, residues.residue)
    auto = colors(metric="displacement", range="auto").scale
    assert (auto.low, auto.high) == pytest.approx(tuple(np.percentile(residues.residue, [2, 98])))
    assert colors(range="0.2:0.5").scale.high == 0.5


def test_frames_that_cannot_be_measured():
    truth = build()
    for frames in (truth.coords, truth.coords[None, 1:], np.empty((0, len(truth), 3))):
        with pytest.raises(PomodoroError, match=r"frames must have shape \(n_frames, 60, 3\)"):
            measure_frames(truth, truth, frames)
    with pytest.raises(PomodoroError, match="not all finite"):
        measure_frames(truth, truth, np.full((1, len(truth), 3), np.nan))


def test_progress_and_what_is_written():
    truth, seen = build(), []
    frames = truth.coords + np.random.default_rng(1).normal(size=(3, *truth.coords.shape))
    measured = measure_frames(truth, truth, frames, progress=lambda *done: seen.append(done))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    header, *rows = measure_csv(measured, [7, 8, 9]).splitlines()
    assert [row.split(",")[0] for row in rows] == ["7", "8", "9"]
    assert all(len(row.split(",")) == len(header.split(",")) for row in rows)
    text = measure_text(measured)
    assert text.isascii()
    assert text.startswith(" truth: made: 60 atoms, 12 residues, 2 chains; 3 frames\n")
