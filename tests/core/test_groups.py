"""Noise by groups of frames, as on a GPU, on the CPU: held against its definition, written out here once more."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from pomodoro_pymol.diffusion.sampling import Draws
from pomodoro_pymol.experiments.live import LiveDraw
from pomodoro_pymol.experiments.noise import measure, run_noise
from pomodoro_pymol.experiments.sweep import run_sweep, sweep_frames
from pomodoro_pymol.experiments.table import noise_table
from pomodoro_pymol.noise import draw
from pomodoro_pymol.noise.draw import Normals, add_noise, frames_per_group
from pomodoro_pymol.noise.statistics import LevelStatistics, residue_sums
from pomodoro_pymol.noise.stream import stream_frames
from pomodoro_pymol.noise.weights import PRESETS, LevelWeights, Scheme
from pomodoro_pymol.parameters.catalogue import NoiseParameters
from pomodoro_pymol.structure.hierarchy import Hierarchy

SIZE = 7
WEIGHTS = LevelWeights(3, 8, 1)


@pytest.fixture
def grouped(monkeypatch, dimer):
    """Draw on the CPU as on a GPU, with groups of so many frames of the dimer."""
    monkeypatch.setattr(draw, "is_batched", lambda device: True)
    monkeypatch.setattr(draw, "GROUP_NORMALS", 3 * len(dimer) * SIZE + 1)
    return Hierarchy.from_structure(dimer)


def by_definition(hierarchy, weights, seed, n_frames):
    """Unit noise, shape=(n_frames, n_atoms, 3): chains, residues and atoms of a group one after the other."""
    start = int(np.random.SeedSequence(seed).generate_state(1)[0])
    frames = []
    for group in range(math.ceil(n_frames / SIZE)):
        generator = torch.Generator().manual_seed((start + 0x9E3779B9 * group) % 2**32)
        parts = [
            torch.randn(SIZE, 3, count, generator=generator)
            for count in (hierarchy.n_chains, hierarchy.n_residues, hierarchy.n_atoms)
        ]
        maps = (hierarchy.atom_to_chain, hierarchy.atom_to_residue, torch.arange(hierarchy.n_atoms))
        total = weights.chain + weights.residue + weights.atom
        roots = [math.sqrt(weight / total) for weight in (weights.chain, weights.residue, weights.atom)]
        frames.append(sum(root * part[..., of] for root, part, of in zip(roots, parts, maps)).mT)
    return torch.cat(frames)[:n_frames]


def test_a_group_holds_four_million_normals_whatever_is_asked_for():
    for n_atoms in (1, 100, 1854, 18_500, 130_000, 1_100_000, 2_400_000):
        size = frames_per_group(n_atoms, "cuda")
        assert size == frames_per_group(n_atoms, "mps") >= 1
        assert 3 * n_atoms * size <= 4e6 or size == 1
        assert 3 * n_atoms * (size + 1) > 4e6
        assert frames_per_group(n_atoms, "cpu") == 1


@pytest.mark.parametrize("weights", [WEIGHTS, PRESETS["flat"], LevelWeights(1, 1, 0), LevelWeights(0, 1, 0)], ids=str)
@pytest.mark.parametrize("n_frames", [1, SIZE, SIZE + 1, 3 * SIZE - 1])
def test_noise_is_that_of_the_definition(grouped, dimer, weights, n_frames):
    wanted = by_definition(grouped, weights, 5, n_frames)
    coords = torch.from_numpy(dimer.coords)
    found = add_noise(coords, grouped, 2.5, weights, n_frames=n_frames, seed=5)
    torch.testing.assert_close(found, coords + 2.5 * wanted)
    sigmas = torch.linspace(0, 3, n_frames)
    each = add_noise(coords, grouped, sigmas, weights, seed=5)
    torch.testing.assert_close(each, coords + sigmas[:, None, None] * wanted)


def test_a_frame_is_the_same_however_many_are_asked_for_and_in_blocks_of_any_size(grouped, dimer):
    all_ = add_noise(torch.from_numpy(dimer.coords), grouped, 2.0, WEIGHTS, n_frames=3 * SIZE, seed=3)
    for n_frames in (1, SIZE - 1, SIZE, 2 * SIZE + 3):
        some = add_noise(torch.from_numpy(dimer.coords), grouped, 2.0, WEIGHTS, n_frames=n_frames, seed=3)
        assert torch.equal(some, all_[:n_frames])
    unit = Normals(3, range(3 * SIZE), len(dimer)).draw(4)
    for start, stop in ((0, 1), (3, 5), (SIZE - 1, SIZE + 1), (SIZE, 2 * SIZE), (2, 3 * SIZE - 1)):
        assert torch.equal(Normals(3, range(start, stop), len(dimer)).draw(4), unit[start:stop])
    for frames in ([2], [0, 2, 5], [1, 6, 7, 20], [3, 4, 5, 8, 9]):
        normals = Normals(3, frames, len(dimer))
        assert torch.equal(normals.draw(4), unit[frames])
        # What comes next is of the same generators.
        assert torch.equal(normals.draw(2, 3), _second(dimer)[frames])

    def make(frames, out):
        draw.draw_unit_noise(out, grouped, WEIGHTS, Normals(3, frames, len(dimer)))

    wanted = by_definition(grouped, WEIGHTS, 3, 3 * SIZE)
    for block_bytes in (None, 0, 12 * len(dimer) * 2, 12 * len(dimer) * 3 * SIZE):
        for start in (0, 4, 2 * SIZE):
            stream = stream_frames(make, 3 * SIZE, len(dimer), start=start, block_bytes=block_bytes)
            blocks = torch.cat([block.clone() for block, _ in stream])
            torch.testing.assert_close(blocks, wanted[start:])
            assert torch.equal(blocks, _streamed(make, dimer)[start:])


def _second(dimer):
    normals = Normals(3, range(3 * SIZE), len(dimer))
    normals.draw(4)
    return normals.draw(2, 3)


def _streamed(make, dimer):
    return torch.cat([block.clone() for block, _ in stream_frames(make, 3 * SIZE, len(dimer))])


def test_blocks_are_groups(grouped, dimer, monkeypatch):
    monkeypatch.setattr(draw, "_GROUPS", 1)
    calls = []

    def make(frames, out):
        calls.append((frames, tuple(out.shape)))

    stream = stream_frames(make, 3 * SIZE - 2, len(dimer), start=3)
    assert [len(block) for block, _ in stream] == [4, SIZE, SIZE - 2]
    assert [frames for frames, _ in calls] == [range(3, 7), range(7, 14), range(14, 19)]
    assert [shape for _, shape in calls] == [(len(frames), 3, len(dimer)) for frames, _ in calls]
    monkeypatch.setattr(draw, "_GROUPS", 2)
    calls.clear()
    assert [len(block) for block, _ in stream_frames(make, 3 * SIZE - 2, len(dimer), start=3)] == [11, SIZE - 2]
    assert [frames for frames, _ in calls] == [range(3, 14), range(14, 19)]


def test_each_touched_group_is_drawn_once_and_no_other(grouped, dimer, monkeypatch):
    seen = []
    real = draw.frame_generator
    monkeypatch.setattr(
        draw, "frame_generator", lambda seed, group, device="cpu": seen.append(group) or real(seed, group, device)
    )
    run_noise(dimer, NoiseParameters(preset="ms", frames=2 * SIZE + 1, device="cpu"), lambda block: None)
    assert seen == [0, 1, 2]
    seen.clear()
    Draws(grouped, [1, 2, 20])
    assert seen == [0, 2]


@pytest.mark.parametrize("held", [False, True])
def test_a_run_measures_what_it_writes(grouped, dimer, held):
    """Statistics of whole groups against those frame by frame, of the frames that were written, in float64."""
    fixed = np.arange(len(dimer)) < 9
    structure = replace(dimer, fixed=fixed) if held else dimer
    parameters = NoiseParameters(preset="ms", sigma=2.0, frames=2 * SIZE + 3, seed=4, device="cpu")
    blocks = []
    result = run_noise(structure, parameters, lambda block: blocks.append(block.clone()))
    frames = torch.cat(blocks)
    truth = torch.from_numpy(dimer.coords)
    wanted = truth + 2.0 * by_definition(grouped, parameters.weights, 4, parameters.frames)
    if held:
        wanted[:, fixed] = truth[fixed]
    torch.testing.assert_close(frames, wanted)
    part = result.moving
    alone = LevelStatistics(part.hierarchy)
    for frame in wanted.double():
        alone.add(residue_sums(part.take((frame - truth)[None]), part.hierarchy))
    for name, value in vars(alone.frame_levels()).items():
        np.testing.assert_allclose(getattr(result.statistics.frame_levels(), name), value, rtol=2e-5)
    for name, value in vars(alone.residues()).items():
        np.testing.assert_allclose(getattr(result.statistics.residues(), name), value, rtol=2e-5, atol=2e-5)


def test_what_is_drawn_again_is_the_same(grouped, dimer):
    parameters = NoiseParameters(preset="ms", sigma=2.0, frames=SIZE + 2, seed=4, device="cpu")
    blocks = []
    result = run_noise(dimer, parameters, lambda block: blocks.append(block.clone()))
    frames = torch.cat(blocks)
    assert torch.equal(torch.cat([block.clone() for block in result.frames()]), frames)
    live = LiveDraw(dimer, parameters)
    unit, out = live.mix(parameters.weights), np.empty((len(dimer), 3), np.float32)
    for number, frame in enumerate(frames):
        live.fill(unit, number, 2.0, out)
        np.testing.assert_array_equal(out, frame.numpy())


def test_measures_tables_and_sweeps_are_of_the_same_draw(grouped, dimer):
    wanted = by_definition(grouped, WEIGHTS, 2, SIZE + 1)
    alone = LevelStatistics(grouped)
    alone.add(residue_sums(wanted.double(), grouped))
    scheme = Scheme("own", WEIGHTS)
    table = noise_table(grouped, [scheme], [0.0], frames=SIZE + 1, seed=2)[0]
    sweep = run_sweep(dimer, grouped, [scheme], [0.0, 0.5], frames=SIZE + 1, seed=2)
    sigma = table.sigma
    for found in (
        measure(grouped, WEIGHTS, SIZE + 1, seed=2, device="cpu").scaled(sigma).levels(),
        table.measured,
        sweep.points[0].measured,
    ):
        assert vars(found) == pytest.approx(vars(alone.scaled(sigma).levels()), rel=1e-5)
    first = next(sweep_frames(dimer, grouped, WEIGHTS, [0.0], 2))
    torch.testing.assert_close(first, torch.from_numpy(dimer.coords) + sigma * wanted[0])


def test_on_the_cpu_a_frame_has_a_generator_of_its_own(dimer):
    hierarchy = Hierarchy.from_structure(dimer)
    drawn = add_noise(torch.zeros(len(dimer), 3), hierarchy, 1.0, WEIGHTS, n_frames=4, seed=9)
    for frame in range(4):
        generator = draw.frame_generator(9, frame)
        chains, residues, atoms = (
            torch.randn(3, count, generator=generator)
            for count in (hierarchy.n_chains, hierarchy.n_residues, hierarchy.n_atoms)
        )
        shared = math.sqrt(3) * chains[:, hierarchy.atom_to_chain]
        shared += math.sqrt(8) * residues[:, hierarchy.atom_to_residue]
        torch.testing.assert_close(drawn[frame].T, (shared + atoms) / math.sqrt(12))
