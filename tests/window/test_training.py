"""What a person sees of a training in PyMOL's window, which lives meanwhile."""

import re

import pytest

from pomodoro_pymol.parameters.catalogue import TrainParameters


@pytest.fixture(scope="module")
def training(play):
    played = play("training")
    assert "Traceback" not in played.printed, played.printed
    played.notes["printed"] = played.printed
    return played.notes


def test_the_page_says_what_its_curves_are(training):
    line, words, heading = training["start"]
    assert line == "pomtrain"
    assert "not which scheme is best" in words
    assert heading == "loss on the states of training, mean of the seeds (no unit)"


def test_what_is_typed_makes_the_line_and_is_refused_in_one(training):
    assert training["refused"].startswith("\N{WARNING SIGN} 'nosuch' is no weight scheme")
    assert "\n" not in training["refused"]
    assert TrainParameters.from_text(training["line"]).presets == "flat+3-8-1"


def test_a_stop_is_answered_within_a_second_and_keeps_what_is_trained(training):
    said, step, files = training["stopped"]
    assert training["stop took"] < 1
    assert said == f"stopped at step {step} of 100000; 2juy_train.npz keeps it: resume=1 goes on"
    assert step >= 10
    assert files == ["2juy_train.npz"]
    assert training["same names"]


def test_the_window_lives_while_it_trains(training):
    """What blocks it does so every time; what else runs on the computer does not."""
    assert min(training["gaps while it trains"]) < 0.1
    once = ("shown", "while it loads", "while it stops", "until it ends")
    assert {name: training[f"gap {name}"] for name in once if training[f"gap {name}"] > 0.3} == {}


def test_curves_grow_scheme_by_scheme_and_go_on_after_a_stop(training):
    line, stopped = training["resume"]
    names = ["flat global", "flat levels", "3-8-1 global", "3-8-1 levels"]
    assert list(training["curves"]) == names
    assert all(25 <= points <= stopped for points in training["curves"].values())
    assert "resume=1" in line
    heading, curves = training["held out"]
    assert heading == "loss on states held out, mean of the seeds (no unit)"
    # What was told as it was stopped may be lacking.
    assert list(curves) == names
    assert all(points in (59, 60) for points in curves.values())


def test_the_progress_says_how_long_it_takes(training):
    stopped = training["resume"][1]
    formats = training["formats"]
    taken, told = [text for text in formats if text.startswith("training: 20 ")]  # which is told again, not taken
    assert re.fullmatch(r"training: 20 of 60 steps, \d:\d\d left", taken)
    assert told == "training: 20 of 60 steps"
    assert any(text.startswith(f"training: {stopped + 1} of 60 steps, ") for text in formats)
    assert formats[-1] == "training: 60 of 60 steps, comparing"


def test_the_end_is_told_in_sentences_and_the_report_is_printed(training):
    said, words, told = training["ended"]
    assert said == "8 networks trained, in 2juy_train.npz; the tables are printed"
    assert told
    assert all(line.startswith("\N{BULLET} ") for line in words.splitlines())
    assert "3-8-1 levels" in words
    assert " pomtrain: 2juy -> " in training["printed"]


def test_the_network_is_sampled_on_the_page_beside(training):
    assert training["sampled"] == ["2juy_sample: 4 steps", 1]


def test_a_session_brings_the_values_back_but_no_files(training):
    line = training["reloaded"]
    assert "steps=77" in line
    assert "network" not in line
    assert "resume" not in line


def test_nothing_is_clipped(training):
    assert training["clipped"] == []
