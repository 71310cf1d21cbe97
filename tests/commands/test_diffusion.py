"""pomprecond, pomdenoise and pomsample in real PyMOL."""

import csv
import math
import re

import numpy as np
import pytest
import small_survey

FAST = "sampler=edm sigma_max=2560 steps=12"


@pytest.fixture
def members(nmr, frames_of):
    return frames_of(nmr, "2juy")


def numbers(printed, label):
    return [float(word) for word in re.search(rf"^ {label} +(.*?)(?: A)?$", printed, re.M)[1].split()]


def test_a_sample_is_a_movie_whose_end_is_a_member(nmr, typed, coords, members, snapshot):
    before = snapshot(nmr, "2juy")
    printed = typed(nmr, "pomsample sampler=edm steps=200")
    assert "Error" not in printed
    assert "analytic, not a trained model" in printed
    assert nmr.count_states("2juy_sample") == 200
    titles = [nmr.get_title("2juy_sample", state) for state in (1, 200)]
    assert re.fullmatch(r"sigma=7\d\.\d+ A per coordinate step 1/200 sample 1 seed=0", titles[0])
    assert titles[1] == "sigma=0 A per coordinate step 200/200 sample 1 seed=0"
    end = coords(nmr, "2juy_sample", 200)
    assert np.abs(members - end).max((1, 2)).min() < 1e-3
    assert snapshot(nmr, "2juy") == before
    assert snapshot(nmr, "2juy_sample")["labels"] == before["labels"]


@pytest.mark.parametrize("sampler", ["af3", "protenix", "boltz1", "boltz2"])
def test_augmented_samples_end_on_the_source(nmr, typed, coords, members, sampler):
    from scipy.spatial.transform import Rotation

    assert "mean over all poses" in typed(nmr, f"pomsample sampler={sampler} steps=40 state=3 every=40")
    assert nmr.count_states("2juy_sample") == 1
    end = coords(nmr, "2juy_sample", 1).astype(float)
    shapes = []
    for member in members.astype(float):
        centred, target = member - member.mean(0), end - end.mean(0)
        fit, _ = Rotation.align_vectors(target, centred)
        shapes.append(np.abs(fit.apply(centred) - target).max())
    # The end overshoots D by half of x - D where the step scale is 1.5.
    assert min(shapes) < 0.1
    truth = members[2].astype(float)
    fit, _ = Rotation.align_vectors(truth - truth.mean(0), end - end.mean(0))
    assert np.degrees(fit.magnitude()) < 0.01
    assert np.abs(end.mean(0) - truth.mean(0)).max() < 1e-3


def test_states_lie_on_a_source_that_was_moved(cmd, typed, load_source, coords):
    source = load_source("ttt", cmd)
    assert "Error" not in typed(cmd, f"pomsample {FAST} every=12 denoiser=wiener prior=0:0:0.0001")
    cmd.remove("1hpv and solvent")
    sample, truth = coords(cmd, "1hpv_sample", 1), coords(cmd, "1hpv", 1)
    # The source was moved by tens of angstrom; twelve steps leave some hundredths of noise.
    assert np.abs(sample - truth).max() < 0.5
    assert cmd.get_object_matrix("1hpv_sample") == cmd.get_object_matrix(source.object)


def test_several_samples_are_several_objects_or_one(nmr, typed, coords):
    typed(nmr, f"pomsample {FAST} samples=3 every=6 seed=4")
    names = [f"2juy_sample_{number}" for number in (1, 2, 3)]
    assert set(names) < set(nmr.get_names())
    assert [nmr.count_states(name) for name in names] == [2, 2, 2]
    typed(nmr, f"pomsample {FAST} samples=3 seed=4 show=final name=ends")
    assert nmr.count_states("ends") == 3
    for state, name in enumerate(names, 1):
        np.testing.assert_array_equal(coords(nmr, "ends", state), coords(nmr, name, 2))
        assert nmr.get_title("ends", state).startswith(f"sample {state} seed=4 nearest state ")
    typed(nmr, f"pomsample {FAST} samples=1 seed=4 every=6")
    # Alone and among others: matrix products of another shape round otherwise.
    np.testing.assert_allclose(coords(nmr, "2juy_sample", 2), coords(nmr, names[0], 2), atol=1e-3)


def test_denoised_estimates_become_objects_of_as_many_states(nmr, typed, coords):
    from pomodoro_pymol.commands import pomsample

    before = set(nmr.get_names())
    printed = typed(nmr, f"pomsample {FAST} samples=2 every=4 keep=denoised")
    names = ["2juy_sample_1", "2juy_sample_2"]
    assert set(nmr.get_names()) - before == {*names, *(f"{name}_denoised" for name in names)}
    assert "2juy_sample_1 .. 2juy_sample_2: 3 states each; denoised estimates: 2juy_sample_1_denoised .. " in printed
    result = pomsample(
        sampler="edm", sigma_max=2560, steps=12, samples=2, every=4, keep="denoised", name="s", _self=nmr
    )
    for sample, name in enumerate(names):
        assert nmr.count_states(f"{name}_denoised") == nmr.count_states(name) == 3
        for state in (1, 2, 3):
            shown = coords(nmr, f"{name}_denoised", state)
            np.testing.assert_array_equal(shown, result.denoised[sample, state - 1])
            np.testing.assert_array_equal(coords(nmr, name, state), result.frames[sample, state - 1])
        titles = [nmr.get_title(f"{name}_denoised", state) for state in (1, 2, 3)]
        assert titles == result.denoised_titles(sample)
    line = "pomsample 2juy, sampler=edm, samples=2, steps=12, sigma_max=2560, every=4, keep=denoised"
    for name in (names[0], f"{names[0]}_denoised"):
        record = nmr._pymol.session.pomodoro[name]
        assert record["source"] == "2juy"
        assert set(line.split(", ")[1:]) <= set(record["command"].split(", "))


def test_denoised_estimates_of_the_ends(nmr, typed, coords, tmp_path):
    typed(nmr, f"pomsample {FAST} samples=3 keep=denoised name=all")
    typed(nmr, f"pomsample {FAST} samples=3 keep=denoised show=final name=ends")
    assert nmr.count_states("ends_denoised") == nmr.count_states("ends") == 3
    for sample in (1, 2, 3):
        last = coords(nmr, f"all_{sample}_denoised", 12)
        np.testing.assert_array_equal(coords(nmr, "ends_denoised", sample), last)
        title = nmr.get_title("ends_denoised", sample)
        assert title.startswith("denoised estimate at sigma=0.002 A per coordinate step 12/12 ")
        assert title.endswith(f"sample {sample} seed=0")
    assert "Error" not in typed(nmr, f"pomsave {tmp_path}/d.pdb, ends_denoised")
    assert "denoised estimate at sigma=0.002" in (tmp_path / "d.pdb").read_text()


def test_denoised_estimates_and_samples_are_published_together_or_not_at_all(
    nmr, typed, session, differences, monkeypatch
):
    from pomodoro_pymol.jobs.sampling import SampleRun
    from pomodoro_pymol.parameters.catalogue import SampleParameters
    from pomodoro_pymol.utils import memory
    from pomodoro_pymol.viewer import states

    nmr.pseudoatom("one_denoised")
    before = session(nmr)
    assert "one_denoised exists" in typed(nmr, f"pomsample 2juy, {FAST} name=one keep=denoised")
    assert differences(before, session(nmr)) == []
    asked = []
    with monkeypatch.context() as patch:
        patch.setattr(memory, "require", lambda needed, _: asked.append(needed))
        for keep in ("", "denoised"):
            with SampleRun(SampleParameters(selection="2juy", steps=200, keep=keep), _self=nmr):
                pass
    # Coordinates of each of 200 further states, here and in PyMOL.
    assert asked[1] - asked[0] >= 200 * 2 * 12 * nmr.count_atoms("2juy")
    before = nmr.get_names("all")
    real, seen = states.StateWriter.verify, []

    def fail_at_the_second(writer):
        seen.append(writer)
        if len(seen) == 2:
            raise states.PomodoroError("not where it was computed to be")
        real(writer)

    monkeypatch.setattr(states.StateWriter, "verify", fail_at_the_second)
    assert "not where it was computed" in typed(nmr, f"pomsample 2juy, {FAST} name=two keep=denoised")
    assert nmr.get_names("all") == before


@pytest.mark.parametrize("size", [(640, 480), (400, 600), (900, 400)])
def test_a_sample_and_its_estimate_are_looked_at_side_by_side(nmr, typed, tmp_path, size):
    from matplotlib.image import imread

    from pomodoro_pymol.jobs.sampling import show_sample

    typed(nmr, f"pomsample {FAST} keep=denoised")
    nmr.create("other", "2juy")
    nmr.viewport(*size)
    nmr.turn("z", 30)
    start = nmr.get_view()
    scene = [nmr.get_viewport(), nmr.get_setting_int("grid_mode"), nmr.get_frame()]
    lines = show_sample("2juy_sample", "2juy_sample_denoised", _self=nmr)
    assert nmr.get_frame() == 12
    assert nmr.get_names(enabled_only=1) == ["2juy_sample", "2juy_sample_denoised"]
    path = str(tmp_path / "both.png")
    nmr.png(path, *size, ray=1)
    lit = imread(path)[..., 3] > 0
    high, wide = lit.shape
    if wide < high:  # cells one above the other
        lit, high, wide = lit.T, wide, high
    cells = [lit[:, : wide // 2], lit[:, wide // 2 :]]
    for cell in cells:
        assert not cell[[0, 1, -2, -1]].any()
        assert not cell[:, [0, 1, -2, -1]].any()
        rows, columns = np.nonzero(cell)
        assert max(np.ptp(rows) / high, np.ptp(columns) / (wide / 2)) > 0.4
    # What was printed does the same.
    done = [nmr.get_view(), nmr.get_setting_int("grid_mode"), nmr.get_frame(), nmr.get_names(enabled_only=1)]
    nmr.set_view(start)
    nmr.set("grid_mode", scene[1])
    nmr.set("grid_slot", -1, "2juy_sample")
    nmr.set("grid_slot", -1, "2juy_sample_denoised")
    nmr.frame(scene[2])
    nmr.enable("other")
    assert "Error" not in "".join(typed(nmr, line) for line in lines)
    assert done[1:] == [nmr.get_setting_int("grid_mode"), nmr.get_frame(), nmr.get_names(enabled_only=1)]
    np.testing.assert_allclose(nmr.get_view(), done[0], atol=0.1)
    slots = [nmr.get_setting_int("grid_slot", name) for name in ("2juy_sample", "2juy_sample_denoised")]
    assert slots == [1, 2]


def test_a_sample_alone_is_looked_at_where_it_ends(nmr, typed):
    from pomodoro_pymol.jobs.sampling import show_sample

    typed(nmr, f"pomsample {FAST}")
    nmr.create("other", "2juy")
    shown = nmr.get_names(enabled_only=1)
    lines = show_sample("2juy_sample", "", _self=nmr)
    assert [line.split()[0] for line in lines] == ["frame", "zoom"]
    assert (nmr.get_setting_int("grid_mode"), nmr.get_frame(), nmr.get_names(enabled_only=1)) == (0, 12, shown)
    # From so far that the end, of some 25 A, fills the picture, which its first state, of 300 A, does not fit.
    assert 30 < -nmr.get_view()[11] < 200


def kabsch_rms(mobile, target):
    from scipy.spatial.transform import Rotation

    mobile, target = (x.astype(float) - x.mean(0, dtype=float) for x in (mobile, target))
    fit, _ = Rotation.align_vectors(target, mobile)
    return np.sqrt(np.square(fit.apply(mobile) - target).mean())


@pytest.mark.parametrize("sampler", ["sampler=edm", "sampler=af3 steps=50"])
@pytest.mark.parametrize(("sigma", "home"), [(1, True), (300, False)])
def test_partial_diffusion_returns_to_where_it_started_from_little_noise(
    nmr, typed, coords, members, snapshot, sampler, sigma, home
):
    before = snapshot(nmr, "2juy")
    line = f"pomsample {sampler} start=structure sigma_max={sigma} state=4 samples=24 show=final keep=denoised"
    printed = typed(nmr, line)
    assert "Error" not in printed
    assert "sampling starts at" not in printed
    assert snapshot(nmr, "2juy") == before
    assert nmr.count_states("2juy_sample") == nmr.count_states("2juy_sample_denoised") == 24
    nearest = []
    for state in range(1, 25):
        end = coords(nmr, "2juy_sample", state)
        apart = [kabsch_rms(end, member) for member in members]
        nearest.append(int(np.argmin(apart)) + 1)
        title = nmr.get_title("2juy_sample", state)
        assert title.startswith(f"sample {state} seed=0 from state 4 nearest state {nearest[-1]} at ")
        if home:
            assert np.sqrt(np.square(end - members[3]).mean()) < 0.02
    assert (nearest.count(4) == 24) if home else (nearest.count(4) < 6)
    assert f" back at their start, state 4: {nearest.count(4)} of 24 samples; rms distance to it " in printed
    record = nmr._pymol.session.pomodoro["2juy_sample"]["command"]
    assert "start=structure" in record


def test_the_steps_of_partial_diffusion_begin_at_the_source(nmr, typed, coords, members, tmp_path):
    words = f"sampler=edm sigma_max=3 steps=6 start=structure every=2 csv={tmp_path}/c.csv figure={tmp_path}/c.png"
    assert "Error" not in typed(nmr, f"pomsample {words} state=2")
    assert nmr.count_states("2juy_sample") == 3
    assert nmr.get_title("2juy_sample", 1).endswith(" A per coordinate step 2/6 sample 1 seed=0 from state 2")
    # Six standard deviations of noise of 3 A.
    assert np.abs(coords(nmr, "2juy_sample", 1) - members[1]).max() < 18
    rows = list(csv.DictReader((tmp_path / "c.csv").open()))
    assert float(rows[0]["sigma_hat_per_coordinate"]) == pytest.approx(3)
    assert (tmp_path / "c.png").stat().st_size > 20_000


def test_a_cloud_that_is_too_small_is_told_of_beside_the_notes_of_the_input(nmr, typed):
    printed = typed(nmr, "pomsample sampler=edm sigma_max=10 steps=3")
    notes = re.findall(r"^ note: (.*)$", printed, re.MULTILINE)
    assert [note.split()[0] for note in notes] == ["182", "sampling"]
    assert notes[1].endswith("give start=structure, or a sigma_max of at least 26 A")


def test_running_again_replaces_only_our_own(nmr, typed, snapshot):
    nmr.pseudoatom("taken")
    typed(nmr, f"pomsample 2juy {FAST} every=12 name=one")
    typed(nmr, f"pomsample 2juy {FAST} every=12 name=two")
    two = snapshot(nmr, "two")
    typed(nmr, f"pomsample 2juy {FAST} every=4 name=one")
    assert nmr.count_states("one") == 3
    assert snapshot(nmr, "two") == two
    for name in ("2juy", "taken"):
        assert "choose another name" in typed(nmr, f"pomsample 2juy {FAST} name={name}")
    assert "2juy ->" in typed(nmr, f"pomsample 2juy {FAST} every=12")  # our own are no candidates


def test_samples_are_not_noised_frames(nmr, typed, tmp_path):
    typed(nmr, f"pomsample {FAST}")
    for line in ("pomcolor", "pomcolor 2juy_sample", "pomalign 2juy_sample"):
        printed = typed(nmr, line)
        assert printed.count("Error:") == 1
        assert "pomnoise" in printed
    typed(nmr, "pomnoise frames=2")
    typed(nmr, "pomdenoise")
    assert "2juy_noise\n" in typed(nmr, "pomcolor") + "\n"
    assert "was made by pomdenoise, not by pomnoise" in typed(nmr, "pomcolor 2juy_noise_denoised")
    assert list(tmp_path.iterdir()) == []


def test_a_saved_session_knows_its_samples(nmr, typed, new_instance, tmp_path):
    typed(nmr, f"pomsample {FAST} every=6")
    nmr.save(str(tmp_path / "s.pse"))
    other = new_instance()
    other.load(str(tmp_path / "s.pse"))
    assert "2juy -> 2juy_sample: 3 states" in typed(other, f"pomsample {FAST} every=4")
    assert other.get_names() == ["2juy", "2juy_sample"]


def test_the_function_is_the_command(nmr, typed, coords, tmp_path):
    from pomodoro_pymol.commands import pomsample

    printed = typed(nmr, f"pomsample {FAST} seed=3 csv={tmp_path}/c.csv figure={tmp_path}/c.png")
    result = pomsample(sampler="edm", sigma_max=2560, steps=12, seed=3, name="again", _self=nmr)
    np.testing.assert_array_equal(coords(nmr, "again", 12), coords(nmr, "2juy_sample", 12))
    np.testing.assert_allclose(result.frames[0, -1], coords(nmr, "again", 12))
    head, note, *report, hidden = printed.splitlines()
    assert hidden.startswith(" hidden: 2juy, ")
    assert head == " pomsample: 2juy -> 2juy_sample: 12 states"
    assert note.startswith(" note: 182 of 392 atoms are hydrogen")
    assert result.report().splitlines()[:-1] == report[:-1]
    assert len(list(csv.DictReader((tmp_path / "c.csv").open()))) == 12
    assert (tmp_path / "c.png").stat().st_size > 20_000
    again = pomsample(**vars(result.parameters) | {"name": "third"}, _self=nmr)
    assert again.nearest == result.nearest


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda cmd: cmd.delete("2juy"), "2juy was deleted or renamed during the run"),
        (lambda cmd: cmd.remove("2juy and resi 3"), "2juy was changed during the run"),
    ],
)
def test_a_source_that_goes_during_a_run_elsewhere(nmr, session, differences, change, message):
    """As from a panel, whose worker runs while the session goes on."""
    from pomodoro_pymol.errors import PomodoroError
    from pomodoro_pymol.jobs.sampling import SampleRun
    from pomodoro_pymol.parameters.catalogue import SampleParameters
    from pomodoro_pymol.viewer.reading import take_all

    before = session(nmr)
    with SampleRun(SampleParameters(sampler="edm", steps=3, samples=2), _self=nmr):
        pass
    assert differences(before, session(nmr)) == []
    with SampleRun(SampleParameters(sampler="edm", steps=3, samples=2), _self=nmr) as run:
        data = take_all(run.prepare())
        result = run.work(data, lambda *told: None)
        change(nmr)
        before = nmr.get_names("all")
        with pytest.raises(PomodoroError, match=message):
            take_all(run.finish(result))
        assert nmr.get_names("all") == before
    assert [name for name in before if not name.startswith("_")] == nmr.get_names("all")


def test_a_worker_thread_samples_the_same(nmr):
    from concurrent.futures import ThreadPoolExecutor

    from pomodoro_pymol.jobs.sampling import SampleRun
    from pomodoro_pymol.parameters.catalogue import SampleParameters
    from pomodoro_pymol.viewer.reading import take_all

    with SampleRun(SampleParameters(steps=20, samples=2), _self=nmr) as run:
        data = take_all(run.prepare())
    here = run.work(data, lambda *told: None)
    with ThreadPoolExecutor(1) as pool:
        there = pool.submit(run.work, data, lambda *told: None).result()
    assert there.nearest == here.nearest
    np.testing.assert_allclose(there.frames[:, -1], here.frames[:, -1], atol=1e-3)


def test_every_kind_of_source_is_sampled_or_refused_in_a_line(source, cmd, typed, snapshot):
    before = snapshot(cmd, source.object)
    printed = typed(cmd, f"pomsample {source.words} {FAST} name=made")
    assert "Traceback" not in printed
    assert snapshot(cmd, source.object) == before
    if "Error" in printed:
        assert len(printed.splitlines()) == 1
        reason = "each state has atoms of its own" if source.object == "loose" else "all states need the same"
        assert reason in printed
        assert source.object in ("gaps", "loose")
    else:
        assert cmd.count_states("made") == 12


def test_interrupting_leaves_nothing(nmr, session, differences, monkeypatch):
    from pomodoro_pymol.commands import pomsample
    from pomodoro_pymol.experiments import sampling

    class Impatient(sampling.StepCurves):
        def __call__(self, step):
            if step.number == 5:
                raise KeyboardInterrupt
            return super().__call__(step)

    monkeypatch.setattr(sampling, "StepCurves", Impatient)
    before = session(nmr)
    with pytest.raises(KeyboardInterrupt):
        pomsample(sampler="edm", samples=2, _self=nmr)
    assert differences(before, session(nmr)) == []


# pomdenoise


def test_the_exact_denoiser_finds_the_state_that_was_noised(nmr, typed, coords, members):
    typed(nmr, "pomnoise z=0 state=5 frames=20")
    printed = typed(nmr, "pomdenoise")
    assert "ideal for 24 states, nested covariance" in printed
    assert "analytic, not a trained model" in printed
    assert nmr.count_states("2juy_noise_denoised") == 21
    for state in range(1, 22):
        np.testing.assert_allclose(coords(nmr, "2juy_noise_denoised", state), members[4], atol=1e-3)
    assert nmr.get_title("2juy_noise_denoised", 2).endswith("frame 1/20 denoised")
    before, after = numbers(printed, "residue, per coordinate")
    assert before > 4
    assert after < 1e-3


def test_heads_help_a_flat_denoiser_at_high_noise(nmr, typed):
    typed(nmr, "pomnoise sigma=21.6 frames=200")
    after = {words: numbers(typed(nmr, f"pomdenoise {words}"), "atom, per coordinate")[1] for words in (
        "covariance=flat", "covariance=flat multiscale=1", "denoiser=ideal"
    )}  # fmt: skip
    assert after["denoiser=ideal"] < after["covariance=flat multiscale=1"] < after["covariance=flat"]


def test_one_structure_is_denoised_by_wiener(hpv, typed):
    typed(hpv, "pomnoise polymer, frames=3")
    printed = typed(hpv, "pomdenoise")
    assert "wiener about one structure, variances 1:4:0.25 A^2" in printed
    before, after = numbers(printed, "atom, per coordinate")
    assert after < 0.5 * before


def test_without_its_source_a_noised_object_has_one_structure(nmr, typed):
    typed(nmr, "pomnoise chain A and name CA+CB, frames=2")
    assert "ideal for 24 states" in typed(nmr, "pomdenoise")
    nmr.delete("2juy")
    assert "wiener about one structure" in typed(nmr, "pomdenoise")
    assert "is gone or changed: use denoiser=wiener" in typed(nmr, "pomdenoise denoiser=ideal")


@pytest.mark.parametrize(
    ("pose", "told"), [("free", "mean over all poses"), ("exact", "mean over all poses"), ("best", "an approximation")]
)
def test_frames_are_denoised_in_any_pose_and_lie_where_they_did(nmr, typed, coords, members, pose, told):
    typed(nmr, "pomnoise z=-2, frames=4, state=2")
    printed = typed(nmr, f"pomdenoise pose={pose}")
    assert told in printed
    assert "each frame turned at random and shifted by 1 A per coordinate before, and laid back after" in printed
    for state in range(2, 6):
        # Noise of 0.24 A leaves its mean over the atoms, which no pose tells from a shift.
        assert np.abs(coords(nmr, "2juy_noise_denoised", state) - members[1]).max() < 1
    assert "turned" not in typed(nmr, "pomdenoise name=known")


def test_superposed_frames_are_refused(nmr, typed):
    typed(nmr, "pomnoise frames=2")
    typed(nmr, "pomalign")
    assert "name the original" in typed(nmr, "pomdenoise 2juy_noise_aligned")


@pytest.mark.parametrize("name", ["pomprecond", "pomdenoise", "pomsample"])
def test_examples_of_the_help_run(nmr, typed, tmp_path, monkeypatch, name):
    from pomodoro_pymol import commands

    monkeypatch.chdir(tmp_path)
    typed(nmr, "pomnoise frames=2")
    examples = getattr(commands, name).__doc__.partition("EXAMPLES")[2].partition("NOTES")[0]
    lines = [line.strip() for line in examples.splitlines() if line.strip()]
    assert len(lines) >= 3
    for line in lines:
        assert line.startswith(name)
        assert " Error:" not in typed(nmr, line)


# pomprecond


def test_an_ensemble_makes_the_reference_table(nmr):
    """SCIENCE.md, section 4: one sigma, per level, the note's, sigma_data 16 and the object's own; centred."""
    from pomodoro_pymol.commands import pomprecond
    from pomodoro_pymol.experiments.scalings import total_errors

    columns = ("global", "global own", "levels", "note", "note own", "centred global", "centred levels")
    reference = {
        "ms": (19.70, 12.13, 4.91, 20.65, 10.35, 4.77, 3.96),
        "rb": (19.70, 12.13, 9.41, 20.87, 12.76, 11.05, 8.66),
        "3-8-1": (19.70, 12.13, 10.76, 21.08, 14.21, 9.94, 9.90),
    }
    for preset, errors in reference.items():
        rows = pomprecond(preset=preset, z=0, _self=nmr)
        totals = total_errors(rows)
        assert [totals[rows[0].sigma, column] for column in columns] == pytest.approx(errors, abs=0.0051)
        z = math.log(16 / 5.038) / 1.5  # the law's sigma follows its sigma_data; this is 4.819 A again
        rows = pomprecond(preset=preset, z=z, sigma_data=5.038, _self=nmr)
        assert rows[0].sigma == pytest.approx(16 * math.exp(-1.2), rel=1e-5)
        totals = total_errors(rows)
        for given, own in (("global", "global own"), ("note", "note own")):
            assert totals[rows[0].sigma, given] == pytest.approx(totals[rows[0].sigma, own], rel=1e-4)
            assert totals[rows[0].sigma, own] == pytest.approx(errors[columns.index(own)], abs=0.0051)


def test_heads_of_absolute_residue_means(nmr, typed):
    """SCIENCE.md, section 4: under ms at sigma 21.6, sigma_data 5.038."""
    from pomodoro_pymol.commands import pomprecond

    rows = pomprecond(preset="ms", z=1, _self=nmr)
    errors = {row.variant: row.error for row in rows if row.level == "absolute"}
    assert errors["global own"] == pytest.approx(20.71, abs=0.0051)
    assert errors["note own"] == pytest.approx(42.7, abs=0.051)
    assert errors["best"] == pytest.approx(20.71, abs=0.0051)
    assert re.search(
        r"^ 21\.6 +absolute +0\.8924 .* 20\.71 .* 42\.74 +20\.71$", typed(nmr, "pomprecond preset=ms z=1"), re.M
    )


def test_pomprecond_prints_and_draws(nmr, typed, tmp_path):
    printed = typed(nmr, f"pomprecond preset=ms z=-1:1 csv={tmp_path}/p.csv figure={tmp_path}/p.svg")
    assert "sigma_data 16 A per coordinate" in printed
    assert "the object's own: 5.038 A per coordinate" in printed
    assert "measured over 24 states" in printed
    rows = list(csv.DictReader((tmp_path / "p.csv").open()))
    assert len(rows) == 3 * (5 * 3 + 2 * 2 + 2 * 5)  # levels, centred those of one chain, two heads
    for row in rows:
        number = float(row["squared_error_per_coordinate"])
        assert any(f"{value:.4g}" in printed for value in (number, number * (1 - 1e-6), number * (1 + 1e-6)))
    assert printed.count("levels is best") == 3
    assert [line for line in printed.splitlines() if len(line) > 110 and not line.startswith(" note:")] == []
    assert "<svg" in (tmp_path / "p.svg").read_text()
    assert "chain 1 A, residue 8.4 A, atom 1.5 A (given)" in typed(nmr, "pomprecond data=1:8.4:1.5")
    assert nmr.get_names() == ["2juy"]


# Bad input


BAD = [
    ("pomsample steps=0", "steps must be between 1"),
    ("pomsample sigma_max=1 sigma_min=2", "sigma_max must be larger than sigma_min"),
    ("pomsample sigma_max=0.001", "sigma_max must be larger than sigma_min"),
    ("pomsample sigma_max=nan", "sigma_max must be finite"),
    ("pomsample sampler=af4", "did you mean af3?"),
    ("pomsample keep=all", "keep must be one of denoised, not 'all'"),
    ("pomsample start=nowhere", "start must be one of noise, structure, not 'nowhere'"),
    ("pomsample start=structure sigma_max=0", "sigma_max must be between"),
    ("pomsample start=structure sigma_max=0.001", "sigma_max must be larger than sigma_min"),
    ("pomsample grid=boltz", "grid must be one of af3, protenix, edm"),
    ("pomsample s_churn=40", "s_churn is not of sampler=af3, whose churn has gamma, gamma_min, noise_scale"),
    ("pomsample sampler=edm gamma_min=1", "gamma_min is not of sampler=edm, whose churn has s_churn, s_min, s_max"),
    ("pomsample sampler=edm gamma=1 s_churn=40", "give gamma or s_churn, not both"),
    ("pomsample sampler=edm s_min=2 s_max=1", "s_max must not be less than s_min"),
    ("pomsample wa=0", "wa=0"),
    ("pomsample samples=0", "samples must be between"),
    ("pomsample prior=1:2 denoiser=wiener", "prior must be chain:residue:atom"),
    ("pomsample network=nowhere.pt2", "cannot read nowhere.pt2"),
    ("pomsample network=a.pt2 denoiser=ideal", "give denoiser or network, not both"),
    ("pomsample preset=ms wc=2", "give wc or preset"),
    ("pomsample figure=a.doc", "figure must end in"),
    ("pomsample name=2juy", "is the source itself"),
    ("pomsample state=25", "state 25 is out of range"),
    ("pomsample center=2", "center must be between 0 and 1"),
    ("pomdenoise", "run pomnoise first"),
    ("pomprecond data=1:2", "data must be chain:residue:atom"),
    ("pomprecond data=1:0:2", "data must be positive"),
    ("pomprecond sigma_data=0", "sigma_data must be between"),
    ("pomprecond convention=edm2", "convention must be one of"),
]


@pytest.mark.parametrize(("line", "message"), BAD)
def test_bad_input_is_one_line_and_changes_nothing(nmr, refused, line, message):
    refused(nmr, line, message)


def test_one_state_where_an_ensemble_is_needed(hpv, refused):
    line = "pomsample polymer, denoiser=ideal"
    refused(hpv, line, "needs an ensemble and there is one state")


@pytest.mark.parametrize(
    ("kind", "state", "other"), [("missing atoms", 1, 2), ("missing first", 2, 1), ("discrete", 2, 1)]
)
@pytest.mark.parametrize("command", ["pomsample", "pomprecond", "pomsignal", "pomtrain"])
def test_states_of_different_atoms(cmd, refused, load_source, kind, state, other, command):
    source = load_source(kind, cmd)
    n_atoms = cmd.count_atoms(f"{source.object} and state {state}")
    message = f"state {other} of {source.object} has not all {n_atoms} atoms of state {state} with coordinates"
    if kind == "discrete":
        message = f"{source.object} is discrete, so that each state has atoms of its own"
    refused(cmd, f"{command} state={state}", message)


@pytest.mark.parametrize("command", ["pomsample steps=5", "pomprecond", "pomsurvey survey.parquet,"])
def test_atoms_that_the_chosen_state_lacks_are_left_out_of_all(cmd, typed, load_source, monkeypatch, tmp_path, command):
    monkeypatch.chdir(tmp_path)
    small_survey.write(tmp_path / "survey.parquet")
    load_source("missing atoms", cmd)
    printed = typed(cmd, f"{command} state=2")
    assert "Error" not in printed
    assert " note: left out: 3 atoms without coordinates (A/ALA`1/CA, A/ALA`2/N, A/ALA`3/O)" in printed.splitlines()


def test_coordinates_that_are_not_finite(nmr, refused):
    nmr.alter_state(9, "2juy and index 3", "x = float('nan')")
    refused(nmr, "pomsample state=1", "state 9 of 2juy has not all 392 atoms of state 1")


def test_networks_that_do_not_fit(nmr, typed, refused, save_network, tmp_path):
    (tmp_path / "pickle.pt").write_bytes(b"\x80\x04N.")
    cases = {
        save_network("small.pt2", lambda x: 0 * x, 12): "small.pt2 was exported for 12 atoms, and is asked for 392",
        save_network("short.pt2", lambda x: x[:, :-1], 392): "the network must return atoms (1, 392, 3)",
        save_network("nan.pt2", lambda x: x / 0, 392): "not finite",
        tmp_path / "pickle.pt": "pickles are not loaded",
    }
    for path, message in cases.items():
        refused(nmr, f"pomsample {FAST} network={path}", message)
    good = save_network("good.pt2", lambda x: 0 * x, 392)
    printed = typed(nmr, f"pomsample {FAST} network={good} scaling=levels")
    assert "preconditioning levels" in printed
    assert "Error" not in printed


@pytest.fixture
def knowing(members, tmp_path):
    """A function that saves a network that knows the first state, trained elsewhere: c_noise (n,), a batch of one."""
    import torch
    from torch.torch_version import TorchVersion

    class Knowing(torch.nn.Module):
        def __init__(self, sigma_data: float, unit: float) -> None:
            super().__init__()
            self.sigma_data, self.unit = sigma_data, unit
            self.register_buffer("truth", torch.from_numpy(members[0] - members.mean((0, 1))).float())

        def forward(self, coords, c_noise):
            sigma = (self.unit * torch.exp(4 * c_noise)).reshape(1, 1, 1)
            total = sigma**2 + self.sigma_data**2
            x = coords * total.sqrt()
            return (self.truth[None] - self.sigma_data**2 / total * x) / (sigma * self.sigma_data / total.sqrt())

    def save(name: str, sigma_data: float, convention: str):
        network = Knowing(sigma_data, sigma_data if convention == "af3" else 1.0)
        example = torch.zeros(1, 392, 3), torch.zeros(1)
        if TorchVersion(torch.__version__) < "2.8":
            torch.jit.trace(network, example).save(str(tmp_path / name))
        else:
            torch.export.save(torch.export.export(network, example), tmp_path / name)
        return tmp_path / name

    return save


def test_a_network_trained_elsewhere_denoises(nmr, typed, coords, members, knowing, refused):
    """It restores the truth only if asked with the sigma_data and c_noise that it was made for."""
    typed(nmr, "pomnoise state=1 sigma_data=6 frames=5")
    own = knowing("own.pt2", 6.0, "af3")
    printed = typed(nmr, f"pomdenoise network={own}")
    assert f" denoiser: network {own}, preconditioning global, sigma_data 6 A per coordinate, convention af3" in printed
    assert re.search(r"^ denoiser: .*, c_noise \(n,\), asked one by one$", printed, re.M)
    assert " note: sigma_data" not in printed
    for state in range(1, 7):
        np.testing.assert_allclose(coords(nmr, "2juy_noise_denoised", state), members[0], atol=1e-3)
    other = knowing("other.pt2", 9.0, "edm")
    printed = typed(nmr, f"pomdenoise network={other}, sigma_data=9, convention=edm, name=two")
    note = " note: sigma_data of the network is 9 A per coordinate, and that of the law of the frames' sigma 6"
    assert note in printed.splitlines()
    np.testing.assert_allclose(coords(nmr, "two", 4), members[0], atol=1e-3)
    assert numbers(typed(nmr, f"pomdenoise network={other}, name=three"), "atom, per coordinate")[1] > 0.1
    line = f"pomdenoise network={own}, scaling=levels"
    refused(nmr, line, "one c_noise per sample, (n,), where preconditioning levels gives")


def test_a_network_trained_elsewhere_is_sampled(nmr, typed, coords, members, knowing):
    own = knowing("own.pt2", 0.5, "edm")
    printed = typed(nmr, f"pomsample {FAST} network={own} samples=3 state=1")
    assert re.search(r"^ denoiser: .* sigma_data 0.5 A per coordinate, convention edm, c_noise \(n,\), ", printed, re.M)
    assert " note: sigma_data" not in printed
    for sample in (1, 2, 3):
        np.testing.assert_allclose(coords(nmr, f"2juy_sample_{sample}", 12), members[0], atol=1e-3)
    other = knowing("other.pt2", 16.0, "af3")
    printed = typed(nmr, f"pomsample {FAST} network={other} sigma_data=16 convention=af3 state=1 name=two")
    note = " note: sigma_data of the network is 16 A per coordinate, and that of sampler=edm 0.5"
    assert note in printed.splitlines()
    np.testing.assert_allclose(coords(nmr, "two", 12), members[0], atol=1e-3)


def test_more_than_memory_is_refused_before_work(nmr, refused, monkeypatch):
    from pomodoro_pymol.utils import memory

    monkeypatch.setattr(memory, "available", lambda: 2**28)
    refused(nmr, "pomsample samples=10000", "2000000 states of 392 atoms needs about")
