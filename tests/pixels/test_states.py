"""What is drawn of states that were never shown before: how many pixels, and where."""

from __future__ import annotations

from pathlib import Path

import masks
import numpy as np
import pytest

FORMER = str(Path(__file__).parents[1] / "data" / "session-0.1.0.pze")

# What is loaded, what is typed, the object that comes of it.
MADE = {
    "pomnoise": ("hpv", ["pomnoise z=0 wc=3 wr=8 frames=6"], "1hpv_noise"),
    "pomnoise of 2juy": ("nmr", ["pomnoise z=0 wc=3 wr=8 frames=6"], "2juy_noise"),
    "pomsweep": ("nmr", ["pomsweep z=-2:2:1"], "2juy_sweep"),
    "pomalign": ("nmr", ["pomnoise z=1 wc=3 wr=8 frames=6", "pomalign"], "2juy_noise_aligned"),
    "pommeasure": ("nmr", ["pommeasure"], "2juy_measured"),
    "pomdenoise": ("nmr", ["pomnoise z=2 wc=3 wr=8 frames=6", "pomdenoise"], "2juy_noise_denoised"),
    "pomsample": ("nmr", ["pomsample sampler=edm sigma_max=40 steps=7"], "2juy_sample"),
    "estimates": ("nmr", ["pomsample sampler=edm sigma_max=40 steps=7 keep=denoised"], "2juy_sample_denoised"),
}


@pytest.fixture(params=MADE)
def made(request, cmd, load_source, typed):
    """A PyMOL, and the name of an object that a command made, none of whose states but the first was shown."""
    source, lines, name = MADE[request.param]
    load_source({"hpv": "waters", "nmr": "ensemble"}[source], cmd)
    for line in lines:
        printed = typed(cmd, line)
        assert "Error" not in printed, printed
    assert cmd.get_state() == 1
    assert name in cmd.get_names("objects"), cmd.get_names("objects")
    return cmd, name


@pytest.fixture
def ray(tmp_path):
    """A function that ray-traces a state and checks what is seen."""

    def check(cmd, name, state):
        path = str(tmp_path / f"{state}.png")
        cmd.frame(state)
        cmd.zoom(name, state=state, complete=1)
        cmd.png(path, *masks.SIZE, ray=1, quiet=1)
        masks.shows(cmd, name, state, path)

    return check


def alone(cmd, name):
    """Show an object alone, and its first state: what was drawn before those that the tests look at."""
    masks.show(cmd, name)
    cmd.frame(1)
    cmd.ray(20, 15)


def some(cmd, name):
    last = cmd.count_states(f"%{name}")
    return sorted({2, min(3, last), last})


def test_states_are_ray_traced(made, ray):
    cmd, name = made
    alone(cmd, name)
    for state in some(cmd, name):
        ray(cmd, name, state)


def test_a_reopened_session_is_drawn_with_us_and_without(made, new_instance, bare, ray, tmp_path):
    cmd, name = made
    alone(cmd, name)
    cmd.save(str(tmp_path / "saved.pse"))
    for other in (new_instance(), bare):
        other.load(str(tmp_path / "saved.pse"))
        for state in some(other, name):
            ray(other, name, state)


@pytest.mark.parametrize("name", ["1hpv_noise", "2juy_noise"])
def test_a_movie_of_two_frames(cmd, load_source, typed, tmp_path, name):
    load_source("waters" if name == "1hpv_noise" else "ensemble", cmd)
    typed(cmd, "pomnoise z=0 wc=3 wr=8 frames=6")
    alone(cmd, name)
    cmd.zoom(name, state=2, complete=1)
    cmd.set("ray_trace_frames", 1)
    cmd.mset(f"1 -{cmd.count_states(name)}")
    cmd.mpng(str(tmp_path / "movie"), 2, 3, quiet=1, width=masks.SIZE[0], height=masks.SIZE[1])
    for state in (2, 3):
        masks.shows(cmd, name, state, str(tmp_path / f"movie{state:04}.png"))


@pytest.mark.parametrize("name", ["pept_noise", "sw", "smp"])
def test_a_session_of_version_0_1_0(cmd, ray, name):
    cmd.load(FORMER)
    alone(cmd, name)
    for state in some(cmd, name):
        ray(cmd, name, state)


def test_the_line_in_the_readme_draws_it_without_us(bare, ray):
    bare.load(FORMER)
    alone(bare, "pept_noise")
    ray(bare, "pept_noise", 1)
    with pytest.raises(AssertionError):
        ray(bare, "pept_noise", 2)
    bare.do("unset defer_builds_mode, pept_noise")
    for state in (2, 3, 4):
        ray(bare, "pept_noise", state)


def test_what_the_readme_says_of_objects_of_many_states(cmd, typed, ray, read_pdb):
    """Drawn as each comes to be shown; the states before are let go, and drawn anew."""
    read_pdb(cmd, "small")
    cmd.set("auto_defer_builds", 5)
    assert "defer_builds_mode 3" in typed(cmd, "pomnoise z=0 frames=4")
    alone(cmd, "small_noise")
    for state in (2, 5, 3, 2):
        ray(cmd, "small_noise", state)


@pytest.fixture(params=["in memory", "through files"])
def moving(request, cmd, load_source, typed, coords, monkeypatch):
    """States that Live has moved by 10 A each, of which it drew the one that is shown, the second."""
    from pomodoro_pymol.viewer import live_states

    load_source("ensemble", cmd)
    typed(cmd, "pomnoise z=0 wc=3 wr=8 frames=6")
    name = "2juy_noise"
    alone(cmd, name)
    for state in range(1, 8):  # all have been drawn where they were
        cmd.frame(state)
        cmd.ray(20, 15)
    cmd.frame(2)
    cmd.ray(20, 15)
    if request.param == "through files":

        def refuse(*_, **__):
            raise SystemError("numpy.core.multiarray failed to import")

        monkeypatch.setattr(cmd, "get_coordset", refuse, raising=False)
    live = live_states.LiveStates(name, np.arange(392), 7, _self=cmd)
    before = {state: coords(cmd, name, state) for state in range(2, 8)}

    def fill(state, out):
        out[:] = before[state] + np.float32([10, 0, 0])

    live.write(range(2, 8), fill)
    live.redraw()
    return cmd, name, live


def test_live_draws_the_state_it_moves(moving, ray):
    cmd, name, live = moving
    assert live.in_part
    ray(cmd, name, 2)


@pytest.mark.parametrize("way", ["frame", "stop"])
def test_a_state_that_live_moved_unseen_is_drawn_where_it_is(moving, ray, way):
    cmd, name, live = moving
    ray(cmd, name, 2)
    cmd.frame(3)
    if way == "frame":
        live.keep_up()
    else:
        live.draw_all()
    assert not live.in_part
    for state in (3, 7, 2):
        ray(cmd, name, state)


def test_live_draws_all_states_while_a_movie_plays(moving, ray):
    cmd, name, live = moving
    cmd.mplay()
    live.keep_up()
    assert not live.in_part
    live.redraw()
    assert not live.in_part
    cmd.mstop()
    for state in (5, 6):
        ray(cmd, name, state)


def test_a_session_saved_while_live_moves_is_drawn_whole(moving, bare, ray, tmp_path):
    cmd, name, live = moving
    cmd.save(str(tmp_path / "moving.pse"))
    bare.load(str(tmp_path / "moving.pse"))
    for state in (2, 3, 7):
        ray(bare, name, state)
    live.draw_all()
    ray(cmd, name, 4)
