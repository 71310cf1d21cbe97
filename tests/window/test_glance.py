"""What a person sees at a glance and does with few clicks; see `glance.py`."""

import math
import re

import pytest


@pytest.fixture(scope="module")
def glance(play):
    return play("glance", timeout=600)


def test_nothing_unforeseen_is_printed(glance):
    assert not re.search("Traceback|QObject|QPainter|Segmentation", glance.printed), glance.printed


def test_every_scene_is_played_to_its_end(glance):
    assert [notes["failed"] for notes in glance.notes.values() if "failed" in notes] == []


def shares(text):
    return [float(part.rsplit(" ", 1)[1]) for part in text.split(", ")]


def test_two_clicks_answer_which_scheme_keeps_residues_rigid_and_what_each_teaches(glance):
    """Against the closed forms of SCIENCE.md: the motion's shares are those of the weights, corrected for sizes."""
    from pomodoro_pymol.noise.weights import PRESETS

    found = glance.notes["answering"]
    assert found["clicks"] <= 5
    motion = {name: shares(text) for name, text in found["motion"].items()}
    loss = {name: shares(text) for name, text in found["loss"].items()}
    assert list(motion) == list(loss) == list(PRESETS)
    for parts in (*motion.values(), *loss.values()):
        assert sum(parts) == pytest.approx(1, abs=2e-3)
    rigid = min(motion, key=lambda name: motion[name][2])
    loose = max(motion, key=lambda name: motion[name][1])
    moved, taught = found["says"].splitlines()
    assert moved.startswith(f"{rigid} keeps residues most rigid: {100 * motion[rigid][2]:.0f} %")
    assert f"{loose} lets residues rearrange most: {100 * motion[loose][1]:.0f} %" in moved
    assert taught.startswith(f"3-8-1: {100 * loss['3-8-1'][1]:.0f} % of the loss is residues")
    assert loss["ms"] == [0.705, 0.203, 0.092]  # SCIENCE, section 7


def test_compare_shows_all_schemes_and_its_button_ends_it(glance):
    found = glance.notes["answering"]
    assert found["grid"][:2] == [1, True]
    assert found["grid"][2].startswith("side by side: 1hpv_flat, 1hpv_ms, 1hpv_rb, 1hpv_3-8-1")
    assert "PyMOL>pomcompare\n pomcompare: 1hpv -> " in glance.printed
    assert len(found["line"]) == 4
    assert set(found["line"]) <= set(found["results"])
    line, state, ratio = found["chosen"]
    assert "preset=ms" in line
    assert "name=1hpv_ms" in line
    assert state == "1hpv_ms is up to date"
    assert float(ratio) == pytest.approx(0.948, abs=0.02)
    assert found["over"] == [["1hpv"], False, 0]
    assert "PyMOL>pomcompare off\n" in glance.printed


PICKED = {
    # source, sources; result, results; line
    "loaded": ("1hpv", ["1hpv"], "not run yet", [], "pomnoise"),
    "another loaded": ("1hpv", ["1hpv", "pept"], "1hpv_noise", [], "pomnoise 1hpv and not solvent, frames=3"),
    "source renamed": (
        "protease",
        ["protease", "pept"],
        "1hpv_noise",
        [],
        "pomnoise protease and not solvent, frames=3, name=1hpv_noise",
    ),
    "other source": (
        "pept",
        ["protease", "pept"],
        "not run yet",
        ["1hpv_noise"],
        "pomnoise pept and not solvent, frames=3",
    ),
    "other result": (
        "pept",
        ["protease", "pept"],
        "pept_noise",
        ["1hpv_noise"],
        "pomnoise pept and not solvent, frames=3",
    ),
    "result renamed": (
        "pept",
        ["protease", "pept"],
        "mine",
        ["1hpv_noise"],
        "pomnoise pept and not solvent, frames=3, name=mine",
    ),
    "copies are no sources": (
        "pept",
        ["protease", "pept"],
        "mine",
        ["1hpv_noise", "mine_aligned"],
        "pomnoise pept and not solvent, frames=3, name=mine",
    ),
    "result chosen": (
        "protease",
        ["protease", "pept"],
        "1hpv_noise",
        ["mine", "mine_aligned"],
        "pomnoise protease and not solvent, frames=3, state=1, name=1hpv_noise",
    ),
    "result deleted": (
        "protease",
        ["protease", "pept"],
        "not run yet",
        ["mine", "mine_aligned"],
        "pomnoise protease and not solvent, frames=3, state=1, name=1hpv_noise",
    ),
    "source deleted": ("pept", ["pept"], "mine", ["mine_aligned"], "pomnoise frames=3, state=1"),
    "all deleted": ("load a structure", [], "not run yet", [], "pomnoise frames=3, state=1"),
    "loaded again": ("fresh", ["fresh"], "not run yet", [], "pomnoise frames=3, state=1"),
}


@pytest.mark.parametrize("step", PICKED)
def test_source_and_result_follow_what_is_loaded_deleted_and_renamed(glance, step):
    (source, sources), (result, results), line = glance.notes["picking"][step][:3]
    wanted = PICKED[step]
    assert (source, result, line) == (wanted[0], wanted[2], wanted[4])
    assert sorted(sources) == sorted({*wanted[1], *([] if wanted[1] else [source])})
    assert sorted(results) == sorted({*wanted[3], result})


def test_a_status_does_not_go_stale(glance):
    found = glance.notes["picking"]
    assert found["all sources deleted"][-1].startswith("\N{WARNING SIGN} nothing but our own objects is loaded")
    assert found["loaded again"][-1] == ""
    assert found["run"][-1] == "fresh_noise: 3 frames"
    assert found["gone"][-1] == ""


def test_our_own_objects_are_never_offered_as_source(glance):
    ours = ("1hpv_noise", "pept_noise", "mine", "again", "mine_aligned")
    for step in PICKED:
        assert not set(ours) & set(glance.notes["picking"][step][0][1]), step


def test_a_run_after_the_source_was_renamed_takes_the_place_of_its_result(glance):
    status, *_, line = glance.notes["picking"]["run of the renamed"]
    assert status == "1hpv_noise: 3 frames"
    assert line == "pomnoise protease and not solvent, frames=3, name=1hpv_noise"


def test_it_says_whether_the_result_is_of_the_sliders(glance):
    found = glance.notes["judging"]
    assert found["before"][0].startswith("not run yet")
    assert found["before"][1] == ["\N{EN DASH}"] * 3
    state, (ratio, relative, parts), status = found["run"]
    assert (state, status) == ("1hpv_noise is up to date", "1hpv_noise: 4 frames")
    levels = found["levels"]
    assert float(ratio) == pytest.approx(levels["ratio"], abs=6e-4)
    assert float(relative.removesuffix(" Å")) == pytest.approx(math.sqrt(3) * levels["residue_relative"], rel=6e-3)
    wanted = [100 * levels[f"{level}_share"] for level in ("chain", "residue", "atom")]
    assert [float(part) for part in parts.removesuffix(" %").split(" : ")] == pytest.approx(wanted, abs=0.51)
    state, measured, status = found["moved"]
    assert state.startswith("not run: 1hpv_noise is of other values")
    assert measured == ["\N{EN DASH}"] * 3
    assert status == ""  # what was said of the run is not said of other values


def test_undo_takes_back_one_change_after_the_other(glance):
    found = glance.notes["judging"]
    assert found["undone"][0] == "1hpv_noise is up to date"
    assert found["undone"][1] == found["run"][1]
    assert found["undone"][3:] == ["pomnoise frames=4", True, True]
    state, line = found["redone"]
    assert state.startswith("not run")
    assert line == "pomnoise z=0.1, frames=4"


def test_a_typed_command_shows_its_values_and_result(glance):
    state, _, _, line = glance.notes["judging"]["typed"]
    assert state == "1hpv_noise is up to date"
    assert line == "pomnoise 1hpv and not solvent, z=2, frames=2, state=1"


STAGES = {
    "noise": ["noise", "reading", "showing"],
    "compare": ["noise of all schemes", "reading", "showing"],
    "signal": ["measuring", "reading", "showing"],
    "sweep": ["reading", "showing", "sweep"],
    "sample": ["reading", "sampling", "showing"],
}


@pytest.mark.parametrize("kind", STAGES)
def test_one_button_and_one_progress_serve_every_run(glance, kind):
    idle, busy, always, after, stages, status = glance.notes["running"][kind]
    assert idle == after == [False, "Run"]
    assert busy == [True, "Stop"]
    assert always
    assert stages == STAGES[kind]
    assert status
    assert "\N{WARNING SIGN}" not in status


def test_live_waits_for_what_runs(glance):
    assert glance.notes["waiting"] == {"runs": [True, False], "then": [False, True, 4]}


def test_enter_runs_the_line_that_was_edited(glance):
    found = glance.notes["entering"]
    assert found["noise"] == ["1hpv_noise: 3 frames", "pomnoise z=-1, frames=3", 4]
    said, line, running = found["refused"]
    assert said == "\N{WARNING SIGN} z must be a number, not 'high'"
    assert (line, running) == ("pomnoise z=high", False)  # to be mended
    assert found["other"][1] == ["pomweights ratio=0.9"]
    assert found["sample"] == ["1hpv_sample: 20 steps", 1, "pomsample steps=20"]
    assert found["back"] == "pomnoise z=-1, frames=3"
    assert found["foreign"][0].startswith("\N{WARNING SIGN} selection 'quit' is not valid")


def test_keys_run_step_play_and_undo(glance):
    found = glance.notes["pressing"]
    assert found["run"]
    assert found["step"] in (3, 4)
    assert (found["plays"], found["plays on"]) == (True, False)
    assert found["undo"][0] == found["undo"][1]


def test_live_leaves_the_truth_and_logs_its_line_at_rest(glance):
    on, state, says = glance.notes["pressing"]["live"]
    assert (on, state) == (True, 2)
    assert says.startswith("Live")
    on, logged = glance.notes["pressing"]["live over"]
    assert not on
    assert [row for row in logged if row.startswith("pomnoise")] == [
        "pomnoise z=0.2, frames=4",
        "pomnoise z=0.1, frames=4",
    ]
    assert logged[0] == "frame 2"


@pytest.mark.parametrize("widget", ["slider", "number", "choice", "state", "result"])
def test_the_wheel_changes_what_has_the_focus_alone(glance, widget):
    assert glance.notes["wheeling"][widget] == [True, True]


def test_the_wheel_leaves_what_has_no_focus(glance):
    assert glance.notes["wheeling"]["others"] == {"curve": True, "loss": True, "over z": True}


def test_the_truth_is_shown_over_the_result_by_commands_of_pymol(glance):
    found = glance.notes["truth"]
    assert not found["before"]
    result = ["1hpv_noise", "1hpv_noise_key"]
    assert found["hidden"] == found["hidden again"] == [True, False, result]
    assert found["shown"] == found["by hand"] == [True, True, ["1hpv", *result]]
    assert found["logged"] == ["enable 1hpv", "disable 1hpv"]


def test_a_film_is_written_with_one_button(glance):
    found = glance.notes["filming"]
    assert found["nothing"].startswith("\N{WARNING SIGN} there are no states to film")
    assert found["film"] == [True, "1hpv_noise: a film of 4 pictures, FILE"]  # three states forwards and back
    assert found["refused"].startswith("\N{WARNING SIGN} ")
    assert ".gif" in found["refused"]
    assert "PyMOL>pommovie " in glance.printed


def test_sampling_shows_the_sample_from_near_and_its_estimate_beside_it(glance):
    found = glance.notes["sampling"]
    assert found["names"] == ["2juy_sample", "2juy_sample_denoised"]
    assert found["nearer"]
    assert found["slots"] == ["1", "2"]
    lines = [row for row in found["logged"] if not row.startswith("_ ")]
    assert lines[0] == "pomsample steps=30, keep=denoised"
    assert "set grid_mode, 1" in lines
    assert lines[-1].startswith("zoom 2juy_sample or 2juy_sample_denoised")
    assert found["plot"] >= 150
    shown, plot, height = found["options"]
    assert shown
    assert plot
    assert height >= 90
