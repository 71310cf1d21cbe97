"""The panel fits the screens that people have; see `sizes.py`."""

import pytest

NAMES = ("1280 x 800", "1600 x 1000", "narrow", "floating", "dark")


@pytest.fixture(scope="module")
def sizes(play):
    return play("sizes", large=True)


@pytest.fixture(scope="module")
def doubled(play):
    return play("sizes", large=True, scale=2)


def test_at_1280_x_800_all_of_the_main_job_is_seen_without_scrolling(sizes):
    found = sizes.notes["1280 x 800"]
    assert found["size"] == [1280, 800]
    assert found["hidden"] == []
    assert found["scrolls"] == 0
    assert found["plot"] >= 90
    assert found["panel"][0] < 640  # half of the window, the viewport's, is left


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_clipped(sizes, name):
    found = sizes.notes[name]
    assert found["clipped"] == []
    assert {page: words for page, words in found["pages"].items() if words} == {}


@pytest.mark.parametrize("name", ["1600 x 1000", "narrow", "floating", "dark"])
def test_the_main_job_is_seen_on_other_sizes_too(sizes, name):
    assert sizes.notes[name]["hidden"] == []


@pytest.mark.parametrize("name", ["floating", "dark"])
def test_a_theme_that_is_switched_while_open_reaches_all_of_it(sizes, name):
    (ground,) = sizes.notes[name]["grounds"]
    assert (ground == "#202124") == (name == "dark")


def test_it_fits_where_each_point_is_two_pixels(doubled):
    found = doubled.notes["1280 x 800"]
    assert found["size"] == [1280, 800]
    assert (found["hidden"], found["scrolls"], found["clipped"]) == ([], 0, [])
    assert {page: words for page, words in found["pages"].items() if words} == {}
