"""What a person sees in PyMOL's window."""

from __future__ import annotations

from pathlib import Path

import masks
import pytest

pymol_qt = pytest.importorskip("pymol.Qt", reason="this PyMOL has no Qt")
pytestmark = pytest.mark.skipif(
    pymol_qt.PYQT_NAME != "PyQt5",
    reason="under Xvfb's Mesa the viewport is black with PySide6 and PyQt6 once anything docks",
)


@pytest.fixture(scope="module")
def viewport(play):
    """The scenario, played."""
    played = play("viewport", folder=Path(__file__).parent)
    broken = "compiled using NumPy 1.x" in played.printed  # PyMOL's own arrays, of which NumPy prints tracebacks
    assert broken or "Traceback" not in played.printed, played.printed
    return played


def agrees(seen):
    """Assert that the screen showed the very state that PyMOL says it shows."""
    found, state = seen["overlaps"], seen["state"]
    assert found[state - 1] > 0.9, seen
    assert found[state - 1] == max(found), seen


@pytest.mark.parametrize("where", ["shaders", "white", "black", "grid"])
@pytest.mark.parametrize("source", ["1hpv", "2juy"])
def test_the_key_is_a_strip_in_order_with_text_below_it(viewport, source, where):
    found = viewport.notes["key"][source][where]
    assert found["ends"] == [pytest.approx(end, abs=12) for end in masks.VIRIDIS_ENDS]
    assert found["ascending"]
    assert found["width"] > 0.3
    assert found["top"] > 0.85
    assert found["rows below"] == 2


@pytest.mark.parametrize("source", ["1hpv", "2juy"])
def test_shaders_draw_letters_not_boxes(viewport, source):
    assert 0.5 < viewport.notes["key"][source]["letters"] < 1.3


@pytest.mark.parametrize("source", ["1hpv", "2juy"])
def test_no_atom_is_under_the_key(viewport, source):
    found = viewport.notes["key"][source]
    assert found["atoms"] > 5000
    assert found["under it"] == 0


@pytest.mark.parametrize("source", ["1hpv", "2juy"])
def test_keys_and_frame_show_states_that_were_never_shown(viewport, source):
    seen = viewport.notes[source]["steps"]
    assert [each["state"] for each in seen] == [1, 2, 3, 7]
    for each in seen:
        agrees(each)


@pytest.mark.parametrize("source", ["1hpv", "2juy"])
def test_playing_shows_states_that_were_never_shown(viewport, source):
    played = viewport.notes[source]["played"]
    assert len({each["state"] for each in played}) >= 5
    for each in played:
        agrees(each)


def test_a_session_of_version_0_1_0_is_shown(viewport):
    seen = viewport.notes["former"]
    assert [each["state"] for each in seen] == [1, 2, 3, 4]
    for each in seen:
        agrees(each)


@pytest.mark.parametrize("way", ["rest", "frame", "player", "play", "stop", "close", "tab", "rename"])
def test_states_that_live_moved_are_shown_where_they_are(viewport, way):
    found = viewport.notes["live"][way]
    assert found["moving"] == 1  # drawn in part until then
    assert found["after"] == 0
    for each in found["seen"]:
        agrees(each)


def test_live_goes_on_after_a_save_and_the_file_is_whole(viewport, bare, tmp_path):
    found = viewport.notes["live"]["save"]
    assert (found["moving"], found["after"]) == (1, 1)
    agrees(found["seen"][0])
    bare.load(str(viewport.home / "moving.pse"))
    masks.show(bare, "2juy_noise")
    for state in (2, 4, 6):
        bare.frame(state)
        bare.zoom("2juy_noise", state=state, complete=1)
        bare.png(str(tmp_path / "seen.png"), *masks.SIZE, ray=1, quiet=1)
        masks.shows(bare, "2juy_noise", state, str(tmp_path / "seen.png"))


def test_live_ends_where_the_object_is_gone(viewport):
    assert viewport.notes["live"]["gone"]["on"] is False
