"""What a person sees of sampling in PyMOL's window."""

import numpy as np
import pytest

from pomodoro_pymol.parameters.catalogue import SampleParameters


@pytest.fixture(scope="module")
def film(play):
    played = play("film")
    assert "Traceback" not in played.printed, played.printed
    return played.notes


def test_the_line_stands_before_a_run(film):
    assert film["start"] == ["pomsample", False]


def test_a_bad_number_is_told_in_a_line_and_not_taken(film):
    said, line = film["bad"]
    assert "steps must be between 1 and 100000, not 0" in said
    assert line == "pomsample"


def test_controls_and_what_is_shared_make_the_line(film):
    assert film["line"] == "pomsample sampler=edm, seed=5, steps=60"


def test_curves_grow_step_by_step(film):
    assert film["drawn"] == list(range(1, 61))
    assert film["curves"] == {
        "error": [60] * 3,
        "variance": [60] * 3,
        "centroid": [60],
        "rotation": [60],
        "entropy": [60],
    }


def test_the_film_ends_at_a_member(film):
    assert film["names"] == ["2juy", "2juy_sample"]
    assert "2juy_sample: 60 steps" in film["status"]
    assert film["titles"][1].startswith("sigma=0 A per coordinate step 60/60")
    end, members = np.array(film["film"]), np.array(film["members"])
    assert np.sqrt(((members - end) ** 2).mean((1, 2))).min() < 0.05


def test_the_film_is_what_its_line_makes(film, cmd, load_source, shown):
    from pomodoro_pymol.commands import pomsample

    load_source("ensemble", cmd)
    pomsample(**vars(SampleParameters.from_text(film["line"])), _self=cmd)
    # Another thread may add up in another order.
    np.testing.assert_allclose(shown(cmd, "2juy_sample", 60), film["film"], atol=1e-3)


def test_the_player_scrubs_the_film_while_its_tab_is_in_front(film):
    state, shown, title = film["last"]
    assert (state, shown) == (60, 60)
    assert "step 60/60" in title
    assert not film["elsewhere"]


def test_stop_leaves_the_session_as_it_was(film):
    said, changed = film["stopped"]
    assert "stopped" in said
    assert changed == []


def test_a_source_that_goes_is_told(film):
    said, names = film["gone"]
    assert "2juy was deleted or renamed during the run" in said
    assert names == []
    assert film["after"] == 12


def test_a_session_brings_the_values_back(film):
    saved, shown = film["reloaded"]
    assert saved == shown
