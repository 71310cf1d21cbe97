"""The colours of directions as they are seen: ray-traced, in movies and sessions, and in PyMOL's window."""

from __future__ import annotations

from pathlib import Path

import masks
import orders
import pytest
import tints

NOISED, COMPANION = "m_noise", "m_noise_direction"


def colour(cmd, name=NOISED):
    """Colour an object by direction."""
    from pomodoro_pymol.jobs.direction import direction_steps
    from pomodoro_pymol.structure.hierarchy import Hierarchy
    from pomodoro_pymol.viewer import reading

    structure = reading.read_structure(name, _self=cmd)
    return reading.take_all(direction_steps(name, structure, Hierarchy.from_structure(structure), "auto", 0, cmd))


@pytest.fixture(params=["shuffled PDB", "altered chain"])
def flat(request, cmd, tmp_path):
    """A PyMOL with an object of flat noise, every atom a colour of its own, and its companion alone in view."""
    from pomodoro_pymol.commands import pomnoise

    orders.load(cmd, request.param, tmp_path)
    pomnoise("m", sigma=1, wc=0, wr=0, wa=1, frames=4, _self=cmd)
    colour(cmd)
    tints.show(cmd, COMPANION)
    cmd.zoom(COMPANION, complete=1)
    cmd.frame(1)
    cmd.ray(20, 15)  # states that were drawn before those that the tests look at
    return cmd


def is_of(cmd, state, picture, name=NOISED):
    """Assert that a picture wears the colours of a frame and of no other."""
    found = tints.agreement(cmd, name, picture)
    assert found[state - 1] > 0.97, (state, found)
    assert max(each for other, each in enumerate(found, 1) if other != state) < 0.5, (state, found)


def traced(cmd, state, folder):
    """Ray-trace a state."""
    path = str(folder / f"{state}.png")
    cmd.frame(state)
    cmd.png(path, *masks.SIZE, ray=1, quiet=1)
    return path


def test_each_frame_is_ray_traced_in_its_colours(flat, tmp_path):
    for state in (2, 5, 3, 1):
        is_of(flat, state, traced(flat, state, tmp_path))


def test_a_reopened_session(flat, new_instance, tmp_path):
    flat.save(str(tmp_path / "saved.pse"))
    other = new_instance()
    other.load(str(tmp_path / "saved.pse"))
    for state in (2, 5):
        is_of(other, state, traced(other, state, tmp_path))


def test_a_movie(flat, tmp_path):
    flat.set("ray_trace_frames", 1)
    flat.mset("1 -5")
    flat.mpng(str(tmp_path / "movie"), 2, 3, quiet=1, width=masks.SIZE[0], height=masks.SIZE[1])
    for state in (2, 3):
        is_of(flat, state, str(tmp_path / f"movie{state:04}.png"))


def test_a_repaint_is_seen(flat, tmp_path):
    from pomodoro_pymol.commands import pomnoise

    before = [tints.colors(flat, NOISED, state) for state in (2, 3)]
    pomnoise("m", sigma=1, wc=0, wr=0, wa=1, frames=4, seed=7, _self=flat)
    colour(flat)
    flat.disable(NOISED)
    flat.disable(f"{NOISED}_key")
    for state, former in zip((2, 3), before):
        assert abs(tints.colors(flat, NOISED, state) - former).max() > 50
        is_of(flat, state, traced(flat, state, tmp_path))


def test_one_frame_of_too_many_atoms_is_seen_in_every_state(flat, tmp_path, monkeypatch):
    from pomodoro_pymol.jobs import direction

    monkeypatch.setattr(direction, "MOST_ATOM_STATES", 10)
    flat.frame(3)
    assert colour(flat).frame == 2
    tints.show(flat, COMPANION)
    for state in (2, 3, 5):
        flat.frame(state)
        is_of(flat, 3, traced(flat, state, tmp_path))


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("rep", ["cartoon", "ribbon", "sticks", "lines", "spheres", "surface"])
def test_every_representation_wears_them(hpv, rep, many, tmp_path):
    """A chain that moves as a whole has one colour a frame; also where PyMOL draws each state as it is shown."""
    from pomodoro_pymol.commands import pomnoise

    pomnoise("chain A and resi 1-30", sigma=3, wc=1, wr=0, wa=0, frames=4, _self=hpv)
    if many:
        hpv.set("auto_defer_builds", 3)
    name = colour(hpv, "1hpv_noise").name
    assert hpv.get_setting_int("defer_builds_mode") == (3 if many else 0)
    tints.show(hpv, name, rep)
    hpv.zoom(name)
    for state in (2, 5, 3):
        is_of(hpv, state, traced(hpv, state, tmp_path), "1hpv_noise")


pymol_qt = pytest.importorskip("pymol.Qt", reason="this PyMOL has no Qt")


@pytest.mark.skipif(pymol_qt.PYQT_NAME != "PyQt5", reason="under Xvfb's Mesa the viewport is black with other Qts")
def test_the_window_follows_the_frame(play):
    """By a key, a command, and as it plays, in every representation that needs building."""
    notes = play("directions", folder=Path(__file__).parent).notes
    assert [(each["rep"], each["state"]) for each in notes["steps"]] == [
        (rep, state) for rep in ("spheres", "cartoon", "sticks") for state in (1, 2, 3, 5)
    ]
    assert len({each["state"] for each in notes["played"]}) >= 4
    for each in notes["steps"] + notes["played"]:
        found, state = each["agreement"], each["state"]
        assert found[state - 1] > 0.9, each
        assert found[state - 1] == max(found), each
