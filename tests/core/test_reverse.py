"""Runs as the commands ask for them: which denoiser, which frames, what is counted."""

import csv
import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.spatial.transform import Rotation

from pomodoro_pymol import Hierarchy
from pomodoro_pymol.diffusion.analytic import IdealDenoiser, WienerDenoiser
from pomodoro_pymol.diffusion.curves import curves_csv
from pomodoro_pymol.diffusion.network import NetworkDenoiser
from pomodoro_pymol.diffusion.samplers import SAMPLERS
from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.experiments import sampling
from pomodoro_pymol.experiments.denoising import per_level, prepare_denoiser
from pomodoro_pymol.experiments.denoising_run import denoise_frames
from pomodoro_pymol.experiments.sampling import expected_entropy, run_sample
from pomodoro_pymol.noise.draw import add_noise
from pomodoro_pymol.noise.expected import expected_levels
from pomodoro_pymol.noise.statistics import level_sigmas
from pomodoro_pymol.noise.weights import PRESETS, LevelWeights
from pomodoro_pymol.parameters.catalogue import DenoiseParameters, SampleParameters
from pomodoro_pymol.structure.superposition import superpose
from pomodoro_pymol.utils import devices
from pomodoro_pymol.utils.devices import compute_device

WEIGHTS = PRESETS["3-8-1"]
EDM = SampleParameters(sampler="edm", sigma_max=2560, steps=40, state=1, device="cpu")
# In float32 at 2,560 A, a structure of 8 A has its pose to 6e-8 * 2560 / 8 radians in each of 80 evaluations.
TURN = 80**0.5 * 2e-5


@pytest.fixture(scope="module")
def nmr(nmr_models):
    """A structure for each model of 2JUY."""
    structure, states = nmr_models
    return [replace(structure, coords=coords) for coords in states]


@pytest.fixture(scope="module")
def states(nmr_models):
    return nmr_models[1]


@pytest.mark.parametrize(
    ("options", "n_states", "kind"),
    [
        ({}, 24, IdealDenoiser),
        ({}, 1, WienerDenoiser),
        ({"denoiser": "ideal"}, 2, IdealDenoiser),
        ({"denoiser": "wiener"}, 24, WienerDenoiser),
    ],
)
def test_the_denoiser_goes_by_the_states(nmr, states, options, n_states, kind):
    hierarchy = Hierarchy.from_structure(nmr[0])
    prepared = prepare_denoiser(states[:n_states], hierarchy, WEIGHTS, DenoiseParameters(device="cpu", **options))
    assert type(prepared.denoise) is kind
    assert "analytic, not a trained model" in prepared.label


def test_devices_without_float64_are_not_used(monkeypatch):
    monkeypatch.setattr(devices, "resolve_device", lambda name, n_atoms: torch.device("mps"))
    assert compute_device("auto") == torch.device("cpu")
    with pytest.raises(PomodoroError, match="mps has no float64"):
        compute_device("mps")


def test_an_ideal_denoiser_needs_an_ensemble(nmr, states):
    hierarchy = Hierarchy.from_structure(nmr[0])
    with pytest.raises(PomodoroError, match="needs an ensemble and there is one state"):
        prepare_denoiser(states[:1], hierarchy, WEIGHTS, DenoiseParameters(denoiser="ideal", device="cpu"))


def test_a_network_is_used_as_such(nmr, states, save_network):
    path = save_network("net.pt2", lambda coords: coords * 0, 392)
    hierarchy = Hierarchy.from_structure(nmr[0])
    prepared = prepare_denoiser(states, hierarchy, WEIGHTS, DenoiseParameters(network=str(path), device="cpu"))
    assert type(prepared.denoise) is NetworkDenoiser
    assert "analytic" not in prepared.label
    x = torch.randn(3, 392, 3)
    torch.testing.assert_close(prepared.denoise(x, 16.0).atoms, x / 2)


@pytest.mark.parametrize("text", ["1:2", "1:2:3:4", "a:b:c", "", "1:2:-1", "1:2:nan", "1:inf:2"])
def test_bad_triples(text):
    with pytest.raises(PomodoroError, match="prior must be"):
        per_level("prior", text)


def test_frames_are_denoised_where_they_lie(nmr, states):
    hierarchy = Hierarchy.from_structure(nmr[0])
    noised = add_noise(states[4], hierarchy, 3.0, WEIGHTS, n_frames=37)
    parameters = DenoiseParameters(device="cpu")
    prepared = prepare_denoiser(states, hierarchy, WEIGHTS, parameters)
    blocks = list(denoise_frames(noised.numpy(), prepared, hierarchy, 3.0, parameters))
    torch.testing.assert_close(torch.cat([block for block, _ in blocks]), noised)
    found = torch.cat([block for _, block in blocks])
    # At 3 A the exact head knows its member among 24.
    torch.testing.assert_close(found, torch.from_numpy(states[4]).expand_as(found), rtol=0, atol=1e-4)


def test_where_the_pose_is_unknown_frames_are_turned_and_shifted_and_back(nmr, states):
    hierarchy = Hierarchy.from_structure(nmr[0])
    noised = add_noise(states[4], hierarchy, 3.0, WEIGHTS, n_frames=40)
    parameters = DenoiseParameters(device="cpu", pose="exact")
    prepared = prepare_denoiser(states, hierarchy, WEIGHTS, parameters)
    assert "mean over all poses" in prepared.label
    origin = torch.from_numpy(prepared.origin).float()
    seen = []

    def denoise(x, sigma):
        frames = noised[len(seen) : len(seen) + len(x)] - origin
        there = superpose(frames, x)
        seen.extend(zip(there.rotation, there.translation[:, 0]))
        assert float((there.coords - x).abs().max()) < 1e-3  # moved as a rigid body
        return replace(prepared.denoise(x, sigma), atoms=x)

    blocks = list(
        denoise_frames(noised.numpy(), replace(prepared, denoise=denoise), hierarchy, 3.0, parameters, seed=7)
    )
    # What does nothing gives each frame back.
    torch.testing.assert_close(torch.cat([block for _, block in blocks]), noised, rtol=0, atol=1e-4)
    angles = np.array([np.degrees(np.arccos((float(turn.trace()) - 1) / 2)) for turn, _ in seen])
    # Of a uniform rotation the mean angle is 126.5 degrees, its standard deviation 37.
    assert abs(angles.mean() - 126.5) < 4 * 37 / 40**0.5
    assert len(set(angles.round(3))) == 40
    assert stats.kstest(torch.stack([shift for _, shift in seen]).flatten().numpy(), "norm").pvalue > 1e-3


def test_denoising_in_any_pose_does_not_hang_on_the_pose(nmr, states):
    hierarchy = Hierarchy.from_structure(nmr[0])
    noised = add_noise(states[4], hierarchy, 3.0, WEIGHTS, n_frames=8)
    parameters = DenoiseParameters(device="cpu", pose="exact")
    prepared = prepare_denoiser(states, hierarchy, WEIGHTS, parameters)
    one, other = (
        torch.cat(
            [block for _, block in denoise_frames(noised.numpy(), prepared, hierarchy, 3.0, parameters, seed=seed)]
        )
        for seed in (1, 2)
    )
    # Of the shift noise of 3 A hides a part.
    shapes = [found - found.mean(1, keepdim=True) for found in (one, other)]
    torch.testing.assert_close(*shapes, rtol=0, atol=2e-2)
    torch.testing.assert_close(
        shapes[0], (torch.from_numpy(states[4]) - states[4].mean(0)).expand_as(one), rtol=0, atol=1
    )


@pytest.mark.parametrize(("n_states", "n_samples"), [(1, 1), (1, 5), (2, 3), (3, 4), (4, 1)])
def test_the_expected_entropy_is_the_mean_over_all_outcomes(n_states, n_samples):
    entropies = []
    for outcome in itertools.product(range(n_states), repeat=n_samples):
        shares = np.bincount(outcome)[np.bincount(outcome) > 0] / n_samples
        entropies.append(-(shares * np.log(shares)).sum())
    assert expected_entropy(n_states, n_samples) == pytest.approx(np.mean(entropies), abs=1e-12)


def test_samples_cover_the_members(nmr, states):
    n_samples = 240
    result = run_sample(nmr[0], states, replace(EDM, samples=n_samples))
    assert max(result.distance) < 1e-4
    counts = np.bincount(result.nearest, minlength=25)[1:]
    assert counts.sum() == n_samples
    assert stats.chisquare(counts).pvalue > 1e-3
    # Standard deviation of the entropy of such counts: sqrt(2 * 23) / (2 * 240); four of them.
    assert result.entropy == pytest.approx(expected_entropy(24, n_samples), abs=4 * 0.0141)
    assert result.records[0].entropy == pytest.approx(math.log(24), abs=0.02)


@pytest.fixture
def of_any_place_too(of_any_place, monkeypatch):
    """Runs denoise about the centroid of x."""

    def build(*args, **options):
        prepared = prepare_denoiser(*args, **options)
        return replace(prepared, denoise=of_any_place(prepared.denoise))

    monkeypatch.setattr(sampling, "prepare_denoiser", build)


@pytest.mark.usefixtures("of_any_place_too")
def test_the_movie_is_that_of_the_run_without_augmentation(nmr, states):
    """An equivariant denoiser and no churn: undone and laid on the truth, the frames are the same."""
    still = replace(EDM, pose="exact", samples=2, every=7)
    plain, moved = (run_sample(nmr[2], states, replace(still, state=3, center=on, augment=on)) for on in (0, 1))
    assert [number for number, _ in moved.kept] == [7, 14, 21, 28, 35, 40]
    assert plain.frames.shape == moved.frames.shape == (2, 6, 392, 3)
    assert plain.nearest == moved.nearest
    for one, other in zip(plain.frames.flatten(0, 1), moved.frames.flatten(0, 1)):
        # Centred without, so that noise of the first steps is apart by its centroid.
        size = float(one.abs().max())
        torch.testing.assert_close(other - other.mean(0), one - one.mean(0), rtol=0, atol=TURN * size)


@pytest.mark.usefixtures("of_any_place_too")
def test_shifts_without_centring_are_undone_too(nmr, states):
    still = replace(EDM, pose="exact")
    plain, moved = (run_sample(nmr[0], states, replace(still, augment=on)) for on in (0, 1))
    size = float(plain.frames.abs().max())
    torch.testing.assert_close(plain.frames, moved.frames, rtol=0, atol=TURN * size)


def posterior_mean(x, members, sigma):
    """The mean of the members as flat noise of ``sigma`` makes each of them likely, written out."""
    energy = ((x - members) ** 2).sum((1, 2)) / (2 * sigma**2)
    p = np.exp(energy.min() - energy)
    return (p[:, None, None] * members).sum(0) / p.sum()


@pytest.mark.parametrize("options", [{}, {"solver": "euler"}, {"every": 3}])
def test_kept_estimates_are_what_the_denoiser_gave_at_each_step(nmr, states, options):
    still = replace(EDM, preset="flat", samples=2)
    all_steps = run_sample(nmr[0], states, replace(still, **{**options, "every": 1}))
    result = run_sample(nmr[0], states, replace(still, keep="denoised", **options))
    assert all_steps.denoised is None
    assert result.denoised.shape == result.frames.shape == (2, len(result.kept), 392, 3)
    sigmas = still.settings.sigmas()
    members = states.astype(float)
    undecided = 0
    for sample in range(2):
        for place, (number, _) in enumerate(result.kept):
            if number == 1:
                continue  # whose start is no state
            assert result.sigma_hats[place] == sigmas[number - 1]
            before = all_steps.frames[sample, number - 2].double().numpy()
            expected = posterior_mean(before, members, sigmas[number - 1])
            undecided += np.abs(members - expected).max((1, 2)).min() > 0.01
            # x is kept in float32: 1.5e-4 A at 2560 A, and each member's weight follows from it.
            np.testing.assert_allclose(result.denoised[sample, place], expected, rtol=0, atol=2e-3)
    assert undecided > 5  # estimates that are no member, and so tell more than the end does


@pytest.mark.parametrize("sampler", ["af3", "boltz2"])
def test_kept_estimates_lie_where_their_states_do(nmr, states, sampler):
    """The step's own relation, of shapes and turns: x + f (D - x), with centring, augmentation and alignment."""
    parameters = SampleParameters(sampler=sampler, steps=40, gamma=0, state=3, device="cpu", keep="denoised")
    result = run_sample(nmr[2], states, parameters)
    sigmas = parameters.settings.sigmas()
    frames, estimates = (stack[0].double() for stack in (result.frames, result.denoised))
    means = []
    for number in range(25, 40):  # where a turn is not lost in float32
        fraction = 1.5 * (1 - sigmas[number + 1] / sigmas[number])
        before, after, found = (x - x.mean(0) for x in (frames[number - 1], frames[number], estimates[number]))
        if sampler == "boltz2":
            before = superpose(before, found).coords
        torch.testing.assert_close(before + fraction * (found - before), after, rtol=0, atol=5e-3)
        means.append((fraction, frames[number].mean(0), estimates[number].mean(0)))
    # The means fulfil it too: all samples were centred, so that each began at the same place, which follows from one.
    fraction, after, found = max(means, key=lambda each: abs(1 - each[0]))
    begun = (after - fraction * found) / (1 - fraction)
    for fraction, after, found in means:
        begins = found if sampler == "boltz2" else begun  # which is laid on D first
        torch.testing.assert_close(begins + fraction * (found - begins), after, rtol=0, atol=5e-3)


def test_estimates_say_what_they_are(nmr, states):
    result = run_sample(nmr[0], states, replace(EDM, samples=2, every=20, keep="denoised"))
    sigmas = EDM.settings.sigmas()
    assert result.denoised_titles(1) == [
        f"denoised estimate at sigma={sigmas[number - 1]:.4g} A per coordinate step {number}/40 sample 2 seed=0"
        for number in (20, 40)
    ]
    assert not set(result.denoised_titles(0)) & {*result.denoised_titles(1), *result.titles(0)}


def test_the_end_lies_on_the_truth(nmr, states):
    for sampler in ("af3", "boltz2", "edm"):
        result = run_sample(nmr[6], states, SampleParameters(sampler=sampler, steps=30, state=7, device="cpu"))
        end = result.frames[0, -1]
        assert float((end - superpose(end, torch.from_numpy(states[6])).coords).abs().max()) < (
            1e-3 if sampler != "edm" else 3
        )
        nearest = superpose(torch.from_numpy(states[result.nearest[0] - 1]), end).coords
        assert result.distance[0] == pytest.approx(float((nearest - end).square().mean().sqrt()), abs=1e-3)


def test_sample_k_is_the_same_alone_and_among_others(nmr, states):
    one, three = (run_sample(nmr[0], states, replace(EDM, samples=samples)) for samples in (1, 3))
    assert one.nearest == three.nearest[:1]
    torch.testing.assert_close(one.frames[0], three.frames[0], rtol=1e-4, atol=1e-2)


def test_wiener_samples_have_the_spread_of_the_prior(nmr, states):
    parameters = replace(EDM, denoiser="wiener", state=3, samples=200, prior="1:4:0.25")
    result = run_sample(nmr[2], states, parameters)
    hierarchy = Hierarchy.from_structure(nmr[2])
    prior = expected_levels(hierarchy, LevelWeights(1, 4, 0.25), math.sqrt(5.25))
    atom, residue, chain = level_sigmas(result.frames[:, -1] - torch.from_numpy(states[2]), hierarchy)
    # 40 Heun steps leave 2 % of bias in the rms; the chain rms rests on 600 numbers, four standard errors of 2.9 %.
    assert (atom, residue, chain) == (
        pytest.approx(prior.atom, rel=0.05),
        pytest.approx(prior.residue, rel=0.05),
        pytest.approx(prior.chain, rel=0.02 + 4 * 0.029),
    )
    assert set(result.nearest) == {3}
    assert math.isnan(result.records[-1].entropy)


def test_the_report_and_the_table_say_what_was_run(nmr, states):
    result = run_sample(nmr[0], states, replace(EDM, samples=2))
    text = result.report()
    assert "analytic, not a trained model" in text
    assert "edm: heun, 40 steps, sigma 2560 .. 0.002 A per coordinate, then 0, s_churn 0, step scale 1" in text
    assert f"{result.entropy:.3f} nats, expected {expected_entropy(24, 2):.3f}" in text
    rows = list(csv.DictReader(curves_csv(result.records).splitlines()))
    assert [int(row["step"]) for row in rows] == list(range(1, 41))
    assert float(rows[5]["error_residue_per_coordinate"]) == pytest.approx(result.records[5].error[1], rel=1e-5)
    assert result.titles(1)[-1] == "sigma=0 A per coordinate step 40/40 sample 2 seed=0"
    assert len(set(result.titles(0)) | set(result.titles(1))) == 80
    assert f"nearest state {result.nearest[1]} at" in result.final_titles()[1]


@pytest.mark.parametrize(
    ("options", "printed", "end"),
    [
        ({}, "af3: euler, 20 steps, sigma 2560 .. 0.0064 A per coordinate, gamma 0.8, step scale 1.5", "0.0064"),
        ({"sampler": "protenix", "steps": 2}, "sigma 2560 .. 55.97 A per coordinate, then 0, gamma", "0"),
        ({"sampler": "boltz1", "steps": 2}, "sigma 2560 .. 0.0064 A per coordinate, then 0, gamma 0.605", "0"),
        ({"sampler": "edm", "steps": 1}, "heun, 1 step, sigma 80 A per coordinate, then 0, s_churn 0", "0"),
        ({"sampler": "edm", "steps": 2, "s_churn": 1}, "sigma 80 .. 0.002 A per coordinate, then 0, s_churn 1", "0"),
        ({"steps": 1}, "euler, 1 step, sigma 2560 .. 0.0064 A per coordinate, gamma 0.8", "0.0064"),
        ({"steps": 2, "grid": "edm", "solver": "heun"}, "af3: heun, 2 steps, sigma 2560 .. 0.0064 A", "0"),
    ],
)
def test_where_the_noise_levels_end_is_told(nmr, states, options, printed, end):
    parameters = SampleParameters(**{"steps": 20, "state": 1, "samples": 2, "device": "cpu", **options})
    result = run_sample(nmr[0], states, parameters)
    assert printed in result.report()
    steps = parameters.settings.steps
    assert result.titles(0)[-1] == f"sigma={end} A per coordinate step {steps}/{steps} sample 1 seed=0"
    assert len(result.records) == len(result.kept) == steps
    # What is said of the ends is of the ends: laid on each state, the nearest and its distance.
    for path, state, distance in zip(result.frames.double(), result.nearest, result.distance):
        moved = torch.from_numpy(states).double()
        if parameters.known_pose != "fixed":
            moved = superpose(moved, path[-1]).coords
        rms = (moved - path[-1]).square().mean((1, 2)).sqrt()
        assert [distance] * 2 == pytest.approx([float(rms.min()), float(rms[state - 1])], rel=1e-5, abs=1e-3)


def kabsch_rms(mobile, target):
    """Rms per coordinate after the best superposition, by SciPy."""
    mobile, target = mobile - mobile.mean(0), target - target.mean(0)
    fit, _ = Rotation.align_vectors(target, mobile)
    return np.sqrt(np.square(fit.apply(mobile) - target).mean())


@pytest.mark.parametrize("sampler", ["edm", "boltz2"])
def test_partial_diffusion_tells_how_far_from_its_start_it_ends(nmr, states, sampler):
    parameters = SampleParameters(
        sampler=sampler, steps=30, sigma_max=25, start="structure", state=6, samples=30, device="cpu"
    )
    result = run_sample(nmr[5], states, parameters)
    truth = states[5].astype(float)
    distances = [
        kabsch_rms(end, truth) if sampler == "boltz2" else np.sqrt(np.square(end - truth).mean())
        for end in result.frames[:, -1].double().numpy()
    ]
    assert result.from_start == pytest.approx(distances, rel=1e-3, abs=1e-3)
    assert 0 < result.nearest.count(6) < 30
    text = result.report()
    spread = np.square(states - states.mean(1, keepdims=True)).mean()
    share = f"{100 * spread / (spread + 25**2):.3g} % of the variance is the structure's"
    assert f" start: state 6 with noise of sigma 25 A per coordinate added; {share}\n" in text
    back = f" back at their start, state 6: {result.nearest.count(6)} of 30 samples; rms distance to it "
    assert f"{back}{np.mean(result.from_start):.3g} A per coordinate on average, at most " in text
    assert result.note == ""
    assert result.titles(1)[-1].endswith("step 30/30 sample 2 seed=0 from state 6")
    assert result.final_titles()[1].startswith("sample 2 seed=0 from state 6 nearest state ")


def test_a_start_is_the_loaded_structure_with_the_noise_of_the_sampler(nmr, states):
    """Of the same law and the same numbers as the start from noise: what is first denoised differs by the structure."""
    noised = {}
    for start in ("noise", "structure"):
        parameters = replace(EDM, sigma_max=20, start=start, state=3, samples=4)
        run_sample(nmr[2], states, parameters, lambda _, step, to=start: noised.setdefault(to, step.noised))
    expected = states[2].astype(float) - states.astype(float).mean((0, 1))
    found = (noised["structure"] - noised["noise"]).numpy()
    np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), rtol=0, atol=2e-5)


def test_one_structure_returns_to_itself(nmr, states):
    parameters = replace(EDM, sigma_max=5, steps=20, start="structure", samples=3, prior="0:0:0.0001", keep="denoised")
    result = run_sample(nmr[0], states[:1], replace(parameters, show="final"))
    assert result.from_start == pytest.approx(result.distance)
    assert max(result.from_start) < 0.05
    assert "rms distance to the structure at the end: at most" in result.report()
    assert "back at" not in result.report()
    assert result.denoised.shape == (3, 1, 392, 3)


@pytest.mark.parametrize(
    ("options", "spread", "least"),
    [
        ({}, "4.94", "26"),
        ({"preset": "flat"}, "4.94", "80"),
        ({"sampler": "af3"}, "4.94", "26"),
        ({"denoiser": "wiener"}, "5.02", "27"),  # which knows of one state
    ],
)
def test_a_cloud_that_is_too_small_is_told(nmr, states, options, spread, least):
    parameters = SampleParameters(
        **{"sampler": "edm", "sigma_max": 10, "steps": 3, "state": 1, "device": "cpu"} | options
    )
    result = run_sample(nmr[0], states, parameters)
    assert result.report().splitlines()[0] == f" note: {result.note}"
    assert result.note == (
        "sampling starts at sigma 10 A per coordinate from a cloud at the centroid, which lacks the data's own spread "
        f"of {spread} A per coordinate: give start=structure, or a sigma_max of at least {least} A"
    )
    # What it says is enough is: a hundredth less is not.
    for sigma, quiet in ((float(least), True), (0.99 * result.least_sigma, False)):
        again = run_sample(nmr[0], states, replace(parameters, sigma_max=sigma))
        assert (again.note == "") is quiet
        assert ("note:" not in again.report()) is quiet


@pytest.mark.parametrize("sigma", [20, 80])
@pytest.mark.parametrize(("row", "churn"), [("back at the start", 0), ("back with `s_churn=40`", 40)])
def test_the_page_tells_how_many_come_back(nmr, states, row, churn, sigma):
    page = (Path(__file__).parents[2] / "docs" / "sampling.md").read_text(encoding="utf-8").splitlines()
    heads, counts = (
        next(line for line in page if line.startswith(f"| {name} |")).strip("|").split("|")[1:]
        for name in ("sigma_max, Å per coordinate", row)
    )
    told = dict(zip(map(int, heads), map(int, counts)))
    parameters = SampleParameters(
        sampler="edm", steps=50, s_churn=churn, sigma_max=sigma, start="structure", samples=200, state=1, device="cpu"
    )
    # Of the same random numbers; another machine's rounding may turn one sample or two.
    assert run_sample(nmr[0], states, parameters).nearest.count(1) == pytest.approx(told[sigma], abs=2)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_published_samplers_start_far_enough_out(nmr, states, sampler):
    result = run_sample(nmr[0], states, SampleParameters(sampler=sampler, steps=2, state=1, device="cpu"))
    assert result.note == ""


def test_where_no_sigma_is_enough_none_is_named(nmr, states, save_network):
    path = save_network("net.pt2", lambda coords: coords * 0, 392)
    parameters = replace(EDM, wc=1, wr=1, wa=0, steps=2, network=str(path))
    note = run_sample(nmr[0], states, parameters).note
    assert note.endswith("of 4.94 A per coordinate: give start=structure")


def test_a_callback_ends_the_run(nmr, states):
    class Stopped(Exception):
        pass

    seen = []

    def stop(record, step):
        seen.append(record.step)
        if record.step == 4:
            raise Stopped

    with pytest.raises(Stopped):
        run_sample(nmr[0], states, EDM, stop)
    assert seen == [1, 2, 3, 4]
