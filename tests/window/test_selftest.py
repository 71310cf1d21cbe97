"""The self-test in PyMOL's window; see `selftest.py`."""

import re

import pytest

pymol_qt = pytest.importorskip("pymol.Qt", reason="this PyMOL has no Qt")
DRAWN = pymol_qt.PYQT_NAME == "PyQt5"
BLACK = (
    r"Error: self-test: 10 of 11 passed in [\d.]+ s; window: it does not draw what it should: truth 0 %, "
    r"a noised state 0 %, nothing 0 % of \d+ x \d+ pixels, 0 % moved, \d+ ms each"
)


@pytest.fixture(scope="module")
def selftest(play):
    return play("selftest")


def test_nothing_unforeseen_is_printed(selftest):
    assert "Traceback" not in selftest.printed


@pytest.mark.skipif(DRAWN, reason="with this Qt the viewport is drawn")
def test_a_viewport_that_is_truly_black_is_told(selftest):
    assert re.fullmatch(BLACK, selftest.notes["failed"])


@pytest.mark.skipif(not DRAWN, reason="under Xvfb's Mesa the viewport is black with other Qts")
def test_every_step_passes(selftest):
    found = selftest.notes["found"]
    steps = {what: finding for what, finding in found.items() if what.startswith("test ")}
    assert len(steps) == 11
    assert [what for what, finding in steps.items() if not finding.startswith("ok: ")] == []
    assert re.fullmatch(r"11 of 11 passed in [\d.]+ s", found["self-test"])
    assert re.fullmatch(r"Py\w+ [\d.]+, Q\w+ of \d+ x \d+ points, [\d.]+ pixels each", found["window"])
    assert "Mesa" in found["OpenGL"]


@pytest.mark.skipif(not DRAWN, reason="under Xvfb's Mesa the viewport is black with other Qts")
def test_the_window_draws_what_a_ray_meets(selftest):
    seen = [re.findall(r"([\d.]+) %", selftest.notes["found"][f"test {how}"]) for how in ("ray", "window")]
    ray, window = ([float(number) for number in numbers] for numbers in seen)
    assert len(ray) == len(window) == 4
    assert window == pytest.approx(ray, rel=0.2)
    assert window[2] == 0
    assert min(window[0], window[1], window[3]) > 1


def test_the_session_and_the_panel_are_as_before(selftest):
    assert selftest.notes["changed"] == []
    assert selftest.notes["panel as before"]


def test_a_window_that_draws_nothing_is_told_and_changes_nothing(selftest):
    assert re.fullmatch(BLACK, selftest.notes["black"])
    assert selftest.notes["changed by a failure"] == []
