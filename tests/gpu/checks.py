"""What must hold on a device: against closed forms, against NumPy in float64, and against what is drawn again.

A check takes the name of a device, raises an AssertionError where it does not hold, and returns in a few words what
it found. Called with ``cpu`` it tries the same code with the CPU in the GPU's place: see `in_the_gpus_place`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from scipy import stats

from pomodoro_pymol.diffusion.analytic import IdealDenoiser
from pomodoro_pymol.diffusion.samplers import SAMPLERS
from pomodoro_pymol.diffusion.sampling import Draws, edm_sample
from pomodoro_pymol.experiments.denoising import prepare_denoiser
from pomodoro_pymol.experiments.denoising_run import denoise_frames
from pomodoro_pymol.experiments.live import LiveDraw
from pomodoro_pymol.experiments.noise import NoiseResult, measure, run_noise
from pomodoro_pymol.experiments.sampling import run_sample
from pomodoro_pymol.experiments.sweep import SweepPoint, run_sweep
from pomodoro_pymol.experiments.table import TableRow, noise_table
from pomodoro_pymol.io.read import read_ensemble
from pomodoro_pymol.noise import draw
from pomodoro_pymol.noise.expected import expected_levels, expected_residues
from pomodoro_pymol.noise.levels import Levels
from pomodoro_pymol.noise.presets import parse_schemes
from pomodoro_pymol.noise.statistics import LevelStatistics, residue_sums
from pomodoro_pymol.noise.weights import PRESETS, LevelWeights
from pomodoro_pymol.parameters.catalogue import DenoiseParameters, NoiseParameters, SampleParameters
from pomodoro_pymol.structure.atoms import ATOM_LABELS, RESIDUE_LABELS, Structure
from pomodoro_pymol.structure.hierarchy import Hierarchy

NMR = Path(__file__).resolve().parents[1] / "data" / "2juy.pdb.gz"
WEIGHTS, SIGMA = PRESETS["3-8-1"], 4.0
NOISE = NoiseParameters(preset="3-8-1", sigma=SIGMA, seed=3)
EDM = SampleParameters(sampler="edm", sigma_max=2560, steps=40, state=1)
#: Measured levels may be so many standard errors off their closed form.
ERRORS = 5
#: Sums in float32 over the atoms of residues and chains, relative; float64 from there on.
ROUNDING = 1e-5


_is_batched, _cpu_is_batched = draw.is_batched, False


def _is_batched_here(device: torch.device | str) -> bool:
    # Modules that are imported meanwhile may keep this function.
    return _cpu_is_batched or _is_batched(device)


@contextmanager
def in_the_gpus_place(device: str) -> Iterator[None]:
    """Let the CPU draw by groups of frames, as a GPU does, where it is the device: by small ones, which it has soon."""
    global _cpu_is_batched
    if device != "cpu":
        yield
        return
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(draw, "GROUP_NORMALS", 400_000))
        for name, module in list(sys.modules.items()):
            if name.startswith("pomodoro_pymol.") and getattr(module, "is_batched", None) is _is_batched:
                stack.enter_context(mock.patch.object(module, "is_batched", _is_batched_here))
        _cpu_is_batched = True
        try:
            yield
        finally:
            _cpu_is_batched = False


def of_few_frames() -> Structure:
    """Return a structure of which 13 frames are a group."""
    return protein(draw.GROUP_NORMALS // 40)


@lru_cache(maxsize=4)
def protein(n_atoms: int) -> Structure:
    """Residues of 4 to 14 atoms in chains of 100, and at the end an ion, which is a chain of its own."""
    rng = np.random.default_rng(n_atoms)
    sizes = rng.integers(4, 15, n_atoms // 4)
    of_atom = np.repeat(np.arange(len(sizes)), sizes)[: n_atoms - 1]
    of_atom = np.append(of_atom, of_atom[-1] + 1)
    count = of_atom[-1] + 1
    rows = [(f"{i // 100}", "A", f"{i}", "ALA", False) for i in range(count - 1)] + [("", "B", "1", "ZN", True)]
    atoms = np.zeros(n_atoms, ATOM_LABELS)
    atoms["name"], atoms["elem"], atoms["alt"] = "CA", "C", ""
    coords = rng.normal(0, 30, (n_atoms, 3)).astype(np.float32)
    return Structure(coords, atoms, np.array(rows, RESIDUE_LABELS), of_atom, "made_up")


@lru_cache(maxsize=1)
def nmr() -> tuple[Structure, np.ndarray]:
    """24 states of 392 atoms, shape=(24, 392, 3)."""
    return read_ensemble(NMR)


def numbers(displacements: np.ndarray, hierarchy: Hierarchy) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Fields of `Levels` and of `ResidueLevels`, from their definitions, in float64.

    Parameters
    ----------
    displacements : ndarray, shape=(n_frames, n_atoms, 3)
    """
    residue, chain = hierarchy.atom_to_residue.cpu().numpy(), hierarchy.residue_to_chain.cpu().numpy()
    in_residue, per_chain = np.bincount(residue), np.bincount(chain)
    totals = dict.fromkeys(("atom", "residue", "chain", "residue_relative"), 0.0)
    squares = {"atom": np.zeros(len(in_residue)), "residue": np.zeros(len(in_residue))}
    moves = per_chain[chain] > 1
    for frame in displacements.astype(np.float64):
        means = np.stack([np.bincount(residue, x) / in_residue for x in frame.T], 1)
        centers = np.stack([np.bincount(chain[residue], x) / np.bincount(chain[residue]) for x in frame.T], 1)
        of_atoms = (frame**2).mean(1)
        totals["atom"] += of_atoms.mean()
        totals["residue"] += (means**2).mean()
        totals["chain"] += (centers**2).mean()
        totals["residue_relative"] += ((means - centers[chain])[moves] ** 2).mean()
        squares["atom"] += np.bincount(residue, of_atoms) / in_residue
        squares["residue"] += (means**2).mean(1)
    of_all = {name: math.sqrt(total / len(displacements)) for name, total in totals.items()}
    of_all["ratio"] = of_all["residue"] / of_all["atom"]
    return of_all, {name: np.sqrt(square / len(displacements)) for name, square in squares.items()}


def agrees(statistics: LevelStatistics, displacements: np.ndarray) -> float:
    """Hold statistics against what the displacements themselves have in float64; return how far off they are."""
    of_all, of_residues = numbers(displacements, statistics.hierarchy)
    levels, residues = statistics.levels(), statistics.residues()
    off = {name: abs(getattr(levels, name) / value - 1) for name, value in of_all.items()}
    off |= {f"{name} of a residue": abs(getattr(residues, name) / v - 1).max() for name, v in of_residues.items()}
    worst = max(off, key=off.__getitem__)
    assert statistics.n_frames == len(displacements), f"{statistics.n_frames} frames, not {len(displacements)}"
    assert off[worst] <= ROUNDING, f"statistics are off by {off[worst]:.2g} of themselves: {worst}"
    return off[worst]


def is_expected(statistics: LevelStatistics, weights: LevelWeights = WEIGHTS, sigma: float = SIGMA) -> float:
    """Hold measured levels against their closed forms; return how many standard errors they are off."""
    expected = expected_levels(statistics.hierarchy, weights, sigma)
    return near(statistics.levels(), expected, statistics.standard_error())


def near(measured: Levels, expected: Levels, error: Levels) -> float:
    """Hold levels against others; return how many standard errors they are off."""
    off = {
        name: abs(getattr(measured, name) - value) / getattr(error, name)
        for name, value in vars(expected).items()
        # A level without noise is 0, and so is its error.
        if not math.isnan(value) and value > ROUNDING
    }
    worst = max(off, key=off.__getitem__)
    assert off[worst] <= ERRORS, f"{worst} is {off[worst]:.1f} standard errors off its closed form"
    return off[worst]


def in_words(errors: float, rounding: float | None = None) -> str:
    """Say how far off a closed form, and float64, the worst of some numbers is."""
    return f"{errors:.1f} standard errors" + ("" if rounding is None else f", {rounding:.1g} off float64")


def noised(structure: Structure, parameters: NoiseParameters) -> tuple[NoiseResult, np.ndarray]:
    """Run the noise, and keep the frames, shape=(n_frames, n_atoms, 3)."""
    frames: list[np.ndarray] = []
    result = run_noise(structure, parameters, lambda block: frames.extend(np.array(block)))
    return result, np.stack(frames)


def equal(one: np.ndarray | torch.Tensor, other: np.ndarray | torch.Tensor, what: str) -> None:
    """Compare to the bit."""
    one, other = (np.asarray(it.cpu() if isinstance(it, torch.Tensor) else it) for it in (one, other))
    assert one.shape == other.shape, f"{what}: shapes {one.shape} and {other.shape}"
    assert np.array_equal(one, other), f"{what}: {(one != other).mean():.2g} of the numbers differ"


def close(one: torch.Tensor, other: torch.Tensor, most: float, what: str) -> float:
    """Compare lengths in angstrom; return how far they are apart."""
    off = float((one.cpu().double() - other.cpu().double()).abs().max())
    assert off <= most, f"{what}: {off:.2g} A apart"
    return off


# Noise.


def add_noise_has_its_levels(device: str) -> str:
    structure = protein(6000)
    hierarchy, truth = Hierarchy.from_structure(structure), structure.coords.astype(np.float64)
    sigmas = [SIGMA * factor for factor in (0.5, 1, 2)] * 20
    frames = draw.add_noise(structure.coords, hierarchy, sigmas, WEIGHTS, seed=1, device=device)
    assert frames.device.type == device
    units = (frames.cpu().double() - truth) * SIGMA / torch.tensor(sigmas, dtype=torch.float64)[:, None, None]
    statistics = LevelStatistics(hierarchy)
    statistics.add(residue_sums(units, hierarchy))
    return in_words(is_expected(statistics))


def frames_are_their_definition(device: str) -> str:
    """A generator per group: its chains' normals first, then its residues', then its atoms'."""
    structure = of_few_frames()
    hierarchy = Hierarchy.from_structure(structure)
    size = draw.frames_per_group(len(structure), device)
    assert size == 13, f"{size} frames per group"
    found = draw.add_noise(np.zeros_like(structure.coords), hierarchy, 1.0, WEIGHTS, n_frames=size + 2, device=device)
    c, r, a = WEIGHTS.shares
    worst = 0.0
    for group in (0, 1):
        start = int(np.random.SeedSequence(0).generate_state(1)[0])
        generator = torch.Generator(device).manual_seed((start + 0x9E3779B9 * group) % 2**32)
        counts = (hierarchy.n_chains, hierarchy.n_residues, hierarchy.n_atoms)
        normals = [torch.randn(size, 3, n, generator=generator, device=device)[:2].cpu().double() for n in counts]
        chain, residue, atom = normals
        expected = (
            math.sqrt(c) * chain[..., hierarchy.atom_to_chain]
            + math.sqrt(r) * residue[..., hierarchy.atom_to_residue]
            + math.sqrt(a) * atom
        )
        here = found[group * size : group * size + 2].cpu().double().mT
        worst = max(worst, float((here - expected).abs().max()))
    assert worst < 1e-5, f"off by {worst:.2g} of sigma"
    return f"{size} frames per group, off by {worst:.1g}"


def frames_do_not_hang_on_how_many(device: str) -> str:
    """Of 3 and of 40, over the ends of groups; of some chosen ones; of `add_noise` and of a run."""
    structure = of_few_frames()
    hierarchy = Hierarchy.from_structure(structure)
    few, many = (
        draw.add_noise(structure.coords, hierarchy, SIGMA, WEIGHTS, n_frames=n, device=device) for n in (3, 40)
    )
    equal(few, many[:3], "add_noise, 3 of 40 frames")
    size = draw.frames_per_group(len(structure), device)
    some = [1, size - 1, size, 2 * size + 3, 39]
    equal(
        draw.Normals(5, some, len(structure), device).draw(3, 7),
        draw.Normals(5, range(40), len(structure), device).draw(3, 7)[some],
        "normals of some frames",
    )
    ran = [noised(structure, replace(NOISE, seed=0, frames=n, device=device))[1] for n in (3, 40)]
    equal(ran[0], ran[1][:3], "run_noise, 3 of 40 frames")
    close(torch.from_numpy(ran[1]), many, 1e-4, "run_noise and add_noise")
    return f"40 frames in groups of {size}"


def a_run_is_the_same_again(device: str) -> str:
    structure = of_few_frames()
    parameters = replace(NOISE, frames=70, device=device)
    (result, frames), (_, again) = (noised(structure, parameters) for _ in range(2))
    assert result.device.startswith(device), f"drawn on {result.device}: {result.note}"
    equal(frames, again, "a second run")
    equal(frames, np.concatenate([np.array(block) for block in result.frames()]), "frames drawn again")
    found = agrees(result.statistics, frames - structure.coords.astype(np.float64))
    return in_words(is_expected(result.statistics), found)


def fixed_atoms_stay(device: str) -> str:
    structure = protein(6000)
    fixed = np.arange(6000) < 1500
    parameters = replace(NOISE, frames=60, device=device)
    free, (held, frames) = noised(structure, parameters)[1], noised(replace(structure, fixed=fixed), parameters)
    equal(frames[:, fixed], np.broadcast_to(structure.coords[fixed], (60, 1500, 3)), "fixed atoms and the truth")
    equal(frames[:, ~fixed], free[:, ~fixed], "other atoms with and without fixed ones")
    found = agrees(held.statistics, (frames - structure.coords.astype(np.float64))[:, ~fixed])
    return in_words(is_expected(held.statistics), found)


def measure_is_that_of_the_frames(device: str) -> str:
    structure = protein(6000)
    hierarchy = Hierarchy.from_structure(structure)
    statistics = measure(hierarchy, WEIGHTS, 60, seed=2, device=device)
    zeros = np.zeros_like(structure.coords)
    frames = draw.add_noise(zeros, hierarchy, 1.0, WEIGHTS, n_frames=60, seed=2, device=device)
    found = agrees(statistics, frames.cpu().numpy())
    residues, closed = statistics.residues(), expected_residues(hierarchy, WEIGHTS)
    # Of 3 x 60 squares: a relative standard error of sqrt(1 / 360) of an rms; of over 700 residues.
    off = abs(residues.residue / closed.residue - 1).max() * math.sqrt(360)
    assert off < ERRORS, f"a residue is {off:.1f} standard errors off"
    return in_words(is_expected(statistics, sigma=1.0), found)


def live_frames_are_those_of_a_run(device: str) -> str:
    structure, parameters = protein(6000), replace(NOISE, frames=20, device=device)
    live, (_, frames) = LiveDraw(structure, parameters, device), noised(structure, parameters)
    unit = live.mix(WEIGHTS)
    out = np.empty_like(frames)
    for number, frame in enumerate(out):
        live.fill(unit, number, SIGMA, frame)
    return f"{close(torch.from_numpy(out), torch.from_numpy(frames), 1e-4, 'Live and a run'):.1g} A apart"


def table_has_its_levels(device: str) -> str:
    structure = protein(6000)
    schemes = parse_schemes("flat+rb+3-8-1")
    rows = noise_table(Hierarchy.from_structure(structure), schemes, [-1.0, 1.0], frames=60, device=device)
    return in_words(rows_are_expected(rows, 6))


def rows_are_expected(rows: Sequence[TableRow], count: int) -> float:
    """Hold the rows of a table against their closed forms, as `near` does."""
    assert len(rows) == count, f"{len(rows)} rows, not {count}"
    # From the ends of a 95 % interval, of 1.96 standard errors and, of 60 frames, a little more.
    errors = [
        Levels(**{name: (high - vars(row.low)[name]) / 2 / 1.96 for name, high in vars(row.high).items()})
        for row in rows
    ]
    return max(near(row.measured, row.expected, error) for row, error in zip(rows, errors))


def sweep_has_its_levels(device: str) -> str:
    """Against closed forms, and against the same schemes measured with the same draws."""
    structure, _ = nmr()
    hierarchy, schemes = Hierarchy.from_structure(structure), parse_schemes("flat+3-8-1")
    sweep = run_sweep(structure, hierarchy, schemes, [-1.0, 0.5], frames=40, device=device)
    return in_words(points_are_expected(sweep.points, hierarchy, 40, device))


def points_are_expected(points: Sequence[SweepPoint], hierarchy: Hierarchy, frames: int, device: str) -> float:
    """Hold the points of a sweep against their closed forms, of levels and of scores, as `near` does."""
    found = []
    for point in points:
        drawn = measure(hierarchy, point.scheme.weights, frames, device=device).scaled(point.sigma)
        off = max(abs(vars(drawn.levels())[name] / value - 1) for name, value in vars(point.measured).items() if value)
        assert off < ROUNDING, f"levels are {off:.2g} off those of the same draws"
        error = np.std(point.lddt_of_frames, ddof=1) / math.sqrt(frames)
        off = abs(point.scores.ca_lddt - point.expected_scores.ca_lddt) / error
        found += [near(point.measured, point.expected, drawn.standard_error()), off]
        assert off < ERRORS, f"lDDT is {off:.1f} standard errors off its closed form"
    return max(found)


# Denoising and sampling.


def ideal_denoiser_is_that_in_float64(device: str) -> str:
    structure, states = nmr()
    hierarchy = Hierarchy.from_structure(structure)
    members = torch.from_numpy(states - states.mean((0, 1)))
    there, found = hierarchy.to(device), []
    for pose in ("fixed", "exact", "best"):
        on_device = IdealDenoiser(members.to(device), there, WEIGHTS, pose=pose, heads=True)
        exact = IdealDenoiser(members.double(), hierarchy, WEIGHTS, pose=pose, heads=True)
        for sigma in (1.0, 10.0, 60.0):
            x = draw.add_noise(members[4], hierarchy, sigma, WEIGHTS, n_frames=4, seed=9)
            one, other = on_device(x.to(device), sigma), exact(x.double(), sigma)
            for name in ("atoms", "residues", "chains"):
                what = f"{name}, pose {pose}, sigma {sigma:g}"
                found.append(close(getattr(one, name), getattr(other, name), 1e-4, what))
    return f"at most {max(found):.1g} A apart"


def denoised_frames_are_those_in_float64(device: str) -> str:
    """Those of `pomdenoise`, with the pose known, against the posterior mean of each."""
    structure, states = nmr()
    hierarchy = Hierarchy.from_structure(structure)
    frames = draw.add_noise(states[4], hierarchy, SIGMA, WEIGHTS, n_frames=40, seed=8)
    parameters = DenoiseParameters(device=device)
    prepared = prepare_denoiser(states, hierarchy, WEIGHTS, parameters)
    blocks = list(denoise_frames(frames.numpy(), prepared, hierarchy, SIGMA, parameters))
    equal(torch.cat([block for block, _ in blocks]), frames, "frames as they were given")
    exact = IdealDenoiser(torch.from_numpy(states).double(), hierarchy, WEIGHTS)
    denoised = torch.cat([block for _, block in blocks])
    return f"{close(denoised, exact(frames.double(), SIGMA).atoms, 1e-4, 'denoised frames'):.1g} A apart"


def samples_end_at_the_data(device: str) -> str:
    """Each at a state, and all states alike."""
    structure, states = nmr()
    n_samples = 240
    result = run_sample(structure, states, replace(EDM, samples=n_samples, show="final", device=device))
    assert result.device.startswith(device), f"sampled on {result.device}"
    assert max(result.distance) < 1e-4, f"a sample ends {max(result.distance):.2g} A from the data"
    ends = result.frames[:, -1].numpy().astype(np.float64)
    nearest = [np.sqrt(((end - states) ** 2).mean((1, 2))) for end in ends]
    assert [int(off.argmin()) + 1 for off in nearest] == result.nearest
    likely = stats.chisquare(np.bincount(result.nearest, minlength=25)[1:]).pvalue
    assert likely > 1e-4, f"states are not reached alike: p = {likely:.2g}"
    return f"{n_samples} samples, p = {likely:.2f} for states alike"


def af3_samples_end_at_the_data(device: str) -> str:
    """With turns and shifts, in any pose: the noise that is left is that of the last level."""
    structure, states = nmr()
    parameters = SampleParameters(samples=8, steps=40, state=1, show="final", device=device)
    result = run_sample(structure, states, parameters)
    last = parameters.settings.sigmas()[-1]
    assert max(result.distance) < last, f"a sample ends {max(result.distance):.2g} A from the data"
    return f"at most {max(result.distance):.2g} A off"


def samples_are_the_same_alone(device: str) -> str:
    """The same random numbers to the bit; the samples in float64, as products of another shape round otherwise."""
    structure, states = nmr()
    hierarchy = Hierarchy.from_structure(structure).to(device)
    drawn = [Draws(hierarchy, samples, 7, device=device) for samples in ([3], range(5))]
    for _ in range(2):
        for name, given in (("noise", (WEIGHTS,)), ("rotations", ()), ("shifts", ())):
            one, five = (getattr(draws, name)(*given) for draws in drawn)
            if name == "rotations":  # a norm, which may be summed up in another order
                close(one[0], five[3], 1e-6, "rotation of sample 3")
            else:
                equal(one[0], five[3], f"{name} of sample 3")
    members = torch.from_numpy(states - states.mean((0, 1))).double().to(device)
    found = []
    for name in ("af3", "boltz2", "edm"):
        sampler = replace(SAMPLERS[name], steps=10)
        denoise = IdealDenoiser(members, hierarchy, WEIGHTS, pose="exact" if sampler.augment else "fixed")
        one, five = (
            edm_sample(denoise, hierarchy, WEIGHTS, sampler, samples=k, seed=8, device=device, dtype=torch.float64)
            for k in ([3], 5)
        )
        found.append(close(one[0], five[3], 1e-6, f"sample 3 of {name}"))
    return f"at most {max(found):.1g} A apart"


CHECKS: dict[str, Callable[[str], str]] = {
    "add_noise: levels": add_noise_has_its_levels,
    "add_noise: group by group": frames_are_their_definition,
    "add_noise, run_noise: frame k of 3 and of 40": frames_do_not_hang_on_how_many,
    "run_noise: run twice, drawn again, levels": a_run_is_the_same_again,
    "run_noise: fixed atoms": fixed_atoms_stay,
    "measure: levels": measure_is_that_of_the_frames,
    "LiveDraw: frames of the run": live_frames_are_those_of_a_run,
    "noise_table: levels": table_has_its_levels,
    "run_sweep: levels and scores": sweep_has_its_levels,
    "IdealDenoiser: float64 on the CPU": ideal_denoiser_is_that_in_float64,
    "denoise_frames: float64 on the CPU": denoised_frames_are_those_in_float64,
    "run_sample, edm: ends": samples_end_at_the_data,
    "run_sample, af3: ends": af3_samples_end_at_the_data,
    "edm_sample: sample k alone": samples_are_the_same_alone,
}
