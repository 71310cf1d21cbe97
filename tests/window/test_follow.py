"""A command that is typed moves the sliders, in whatever order things were loaded, chosen and run; see `follow.py`."""

import pytest


@pytest.fixture(scope="module")
def follow(play):
    return play("follow")


def test_nothing_unforeseen_is_printed(follow):
    assert "Traceback" not in follow.printed


def test_the_sliders_follow_every_run(follow):
    orders = follow.notes["orders"]
    assert {name: shown for name, (shown, _) in orders.items()} == {name: ran for name, (_, ran) in orders.items()}
    assert len(orders) >= 20


def test_they_follow_nothing_else(follow):
    others = dict(follow.notes["others"])
    # Of two structures the one that was meant is named.
    assert others.pop("fab AGG, two") == ["pomnoise z=2, frames=3", "pomnoise one and not solvent, z=2, frames=3"]
    for before, after in others.values():
        assert before == after


def test_a_session_shows_its_values_else_its_run(follow):
    assert follow.notes["sessions"] == {
        "with values": "pomnoise z=2, frames=3",
        "without values": "pomnoise one and not solvent, z=1, frames=3, state=1",
    }


def test_a_preset_that_goes_or_changes_leaves_its_weights(follow):
    for line, status, moved, made in follow.notes["presets"].values():
        assert line == "pomnoise wc=2, wr=5, frames=3, metric=scramble"
        assert status == "one_noise: 3 frames"
        assert moved.startswith("pomnoise z=0.")
        assert moved.endswith(", wc=2, wr=5, frames=3, metric=scramble")
        assert made == moved.replace("pomnoise ", "pomnoise one and not solvent, ").replace(
            "frames=3,", "frames=3, state=1,"
        )
