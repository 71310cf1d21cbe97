"""Place and values outlive PyMOL, and a damaged file of them does no harm; see `second.py`."""

import pytest


@pytest.fixture(scope="module")
def second(play, day):
    return play("second", home=day.home)


def test_nothing_unforeseen_is_printed(second):
    assert "Traceback" not in second.printed


def test_place_and_values_are_remembered(day, second):
    left = day.notes["closing"]
    assert second.notes["place"] == left["place"]
    assert second.notes["floating"]
    assert second.notes["line"] == left["line"] == "pomnoise z=1.5, wr=3, seed=5"
    assert second.notes["tab"] == 1
    assert second.notes["docks again"]
    assert second.notes["usable"] == "1hpv_noise: 20 frames"


def test_a_damaged_file_does_no_harm(second):
    assert second.notes["damaged"] == []


def test_a_session_comes_before_the_file(second):
    assert second.notes["session first"] == "pomnoise z=3"


def test_a_folder_that_cannot_be_written_does_no_harm(second):
    assert second.notes["nowhere to write"] == ["pomnoise z=2, wr=3", True]
    assert second.notes["usable in the end"] == "1hpv_noise: 20 frames"
