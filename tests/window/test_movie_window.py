"""Films taken in PyMOL's window show what it shows, and leave it as it is."""

import pytest

pymol_qt = pytest.importorskip("pymol.Qt", reason="this PyMOL has no Qt")
pytestmark = pytest.mark.skipif(
    pymol_qt.PYQT_NAME != "PyQt5", reason="under Xvfb's Mesa the viewport is black with PySide6 and PyQt6"
)


@pytest.fixture(scope="module")
def movie(play):
    """The scenario, played."""
    played = play("movie")
    broken = "compiled using NumPy 1.x" in played.printed  # PyMOL's own arrays, of which NumPy prints tracebacks
    assert broken or "Traceback" not in played.printed, played.printed
    assert " Error" not in played.printed, played.printed
    return played


def test_a_film_shows_each_state_as_the_window_does(movie):
    assert len(movie.notes["seen"]) == 4
    for state, found in enumerate(movie.notes["seen"]):
        assert found[state] > 0.97, found
        assert max(other for number, other in enumerate(found) if number != state) < 0.9, found
    assert "4 pictures of" in movie.printed
    assert "as the window shows them" in movie.printed


def test_a_film_is_as_wide_as_the_viewport_with_a_strip_below(movie):
    height, width = movie.notes["screen"]
    shapes = movie.notes["shapes"]["seen"]
    assert len({*map(tuple, shapes)}) == 1
    assert shapes[0][1] == width
    assert height < shapes[0][0] < height + 100


def test_a_given_size_is_ray_traced(movie):
    assert movie.notes["shapes"]["traced"] == [[150, 200]] * 6
    assert min(movie.notes["differ"]) > 300


def test_noise_rises_in_the_window(movie):
    away = movie.notes["away"]
    assert away == sorted(away)
    assert away[0] < 0.2 < away[-1]
    assert movie.notes["at their z"] > 0.97


def test_viewport_frame_view_and_session_stay(movie):
    first, *others = movie.notes["places"]
    assert others == [first] * 3
    assert movie.notes["changed"] == []
    assert movie.notes["left"] > 0.97
