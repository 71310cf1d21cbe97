"""200 times open and closed, 4,000 slider events with Live on: nothing grows; see `leaks.py`.

What may differ between the middle and the end is less than what one leak would add. Of objects: one per
ten cycles or events. Of memory: 40 kB per cycle, where a panel takes megabytes; and per event 5.5 kB,
one number for each of 691 residues, the smallest array that an event makes.
"""

import pytest


@pytest.fixture(scope="module")
def leaks(play):
    return play("leaks", timeout=600)


def test_nothing_unforeseen_is_printed(leaks):
    assert "Traceback" not in leaks.printed


@pytest.mark.parametrize(
    ("what", "times", "room"), [("cycles", 100, 40_000), ("events, 1", 1000, 5_500), ("events, 20", 1000, 5_500)]
)
def test_nothing_grows(leaks, what, times, room):
    _, middle, end = leaks.notes[what]
    assert end["widgets"] == middle["widgets"] > 100
    assert end["timers"] == middle["timers"] > 5
    assert end["threads"] == middle["threads"]
    assert end["objects"] - middle["objects"] < times / 10
    assert end["bytes"] - middle["bytes"] < times * room


@pytest.mark.parametrize("frames", [1, 20])
def test_the_frames_followed(leaks, frames):
    first, last, z = leaks.notes[f"titles, {frames}"]
    assert first.startswith("z=0 ")
    assert last.startswith(f"z={z:g} ")


def test_no_thread_of_ours_stays(leaks):
    assert [name for name in leaks.notes["threads in the end"] if "pomodoro" in name] == []
