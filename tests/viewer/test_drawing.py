"""Where PyMOL is told which states to draw: never on an object of ours for good, and globally as PyMOL itself does.

What is drawn is in tests/pixels.
"""

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

FORMER = str(Path(__file__).parents[1] / "data" / "session-0.1.0.pze")
OURS = ("pept_noise", "sw", "smp")
MODE = "defer_builds_mode"


def modes(cmd, *names):
    return [cmd.get_setting_int(MODE, name) for name in ("", *names)]


def test_neither_the_object_nor_the_session_is_drawn_in_part(hpv, typed):
    typed(hpv, "pomnoise frames=3")
    assert modes(hpv, "1hpv", "1hpv_noise") == [0, 0, 0]


def test_many_states_are_drawn_as_pymol_draws_them(cmd, typed, session, differences):
    """PyMOL turns to drawing lazily, for all objects, where one has as many states as auto_defer_builds says."""
    cmd.fab("GG", "small")
    before = session(cmd)["settings"]
    assert MODE not in typed(cmd, "pomnoise frames=498")
    assert differences(before, session(cmd)["settings"]) == []
    printed = typed(cmd, "pomnoise frames=499")
    assert f" small_noise: 500 states; PyMOL draws each as it comes to be shown ({MODE} 3)\n" in printed
    assert modes(cmd, "small_noise") == [3, 3]
    assert MODE not in typed(cmd, "pomnoise frames=499")


@pytest.mark.parametrize(("setting", "value"), [("auto_defer_builds", -1), (MODE, 1), (MODE, 5)])
def test_who_chose_is_obeyed(cmd, typed, session, differences, setting, value):
    cmd.fab("GG", "small")
    cmd.set(setting, value)
    before = session(cmd)["settings"]
    assert MODE not in typed(cmd, "pomnoise frames=600")
    assert cmd.count_states("small_noise") == 601
    assert differences(before, session(cmd)["settings"]) == []


def test_a_run_of_many_states_that_fails_leaves_the_settings(cmd, typed, session, differences, monkeypatch):
    from pomodoro_pymol.commands import pomnoise
    from pomodoro_pymol.jobs import noise

    cmd.fab("GG", "small")
    before = session(cmd)["settings"]
    monkeypatch.setattr(noise.NoiseRun, "finish", lambda *_, **__: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        pomnoise(frames=600, _self=cmd)
    assert differences(before, session(cmd)["settings"]) == []


def test_a_source_of_many_states_is_read_without_a_trace(cmd, load_source, typed):
    load_source("ensemble", cmd)
    cmd.set("auto_defer_builds", 20)
    assert "Error" not in typed(cmd, "pomsample sampler=edm steps=3")
    assert modes(cmd, "2juy") == [0, 0]


def test_a_session_of_version_0_1_0_is_healed_when_it_is_loaded(new_instance, bare):
    one, two = new_instance(), new_instance()
    for cmd in (one, two):
        cmd.load(FORMER)
        assert modes(cmd, *OURS) == [0, 0, 0, 0]
    bare.load(FORMER)
    assert modes(bare, *OURS) == [0, 1, 1, 1]  # the very session that is to be healed


def test_a_session_is_healed_that_was_loaded_before_us(bare):
    from pomodoro_pymol import commands

    bare.load(FORMER)
    bare.set_name("sw", "renamed")
    commands.register(bare)
    assert modes(bare, "pept_noise", "renamed", "smp") == [0, 0, 0, 0]


def test_only_objects_of_ours_are_healed(cmd, bare, tmp_path):
    bare.load(FORMER)
    bare.set(MODE, 1, "pept")
    bare.set(MODE, 2, "sw")
    bare.set_title("smp", 2, "mine")
    bare.save(str(tmp_path / "mine.pse"))
    cmd.load(str(tmp_path / "mine.pse"))
    assert modes(cmd, "pept", "pept_noise", "sw", "smp") == [0, 1, 0, 2, 1]


def test_a_save_while_live_moves_carries_no_setting(cmd, bare, tmp_path):
    from pomodoro_pymol.viewer import live_states

    cmd.load(FORMER)
    cmd.set("stick_radius", 0.1, "sw")
    live = live_states.LiveStates("sw", np.arange(cmd.count_atoms("sw")), 3, _self=cmd)
    live.redraw()
    cmd.set(MODE, 1, "pept")
    for name, arguments in {"whole.pse": {}, "part.pse": {"selection": "sw"}}.items():
        cmd.save(str(tmp_path / name), **arguments)
        assert modes(cmd, "sw") == [0, 1]  # Live goes on
        bare.load(str(tmp_path / name))
        assert modes(bare, "sw") == [0, 0]
        assert bare.get_setting_float("stick_radius", "sw") == pytest.approx(0.1)
    bare.load(str(tmp_path / "whole.pse"))
    assert modes(bare, "pept") == [0, 1]
    live.draw_all()
    assert modes(cmd, "sw", "pept") == [0, 0, 1]


@pytest.mark.parametrize("change", ["rename", "copy", "delete", "replace"])
def test_the_setting_goes_wherever_the_object_went(cmd, change):
    from pomodoro_pymol.viewer import live_states

    cmd.load(FORMER)
    live = live_states.LiveStates("sw", np.arange(cmd.count_atoms("sw")), 3, _self=cmd)
    live.redraw()
    if change == "copy":
        cmd.copy("other", "sw")
    elif change == "rename":
        cmd.set_name("sw", "other")
    else:
        cmd.delete("sw")
    if change == "replace":
        cmd.fab("AAA", "sw")
    live.draw_all()
    assert not any(modes(cmd, *cmd.get_names("objects")))


def tasks(cmd):
    hooks = cmd._pymol._session_restore_tasks + cmd._pymol._session_save_tasks
    return [task for task in hooks if task.__module__ == "pomodoro_pymol.viewer.drawing"]


def test_an_instance_is_told_once(cmd):
    from pomodoro_pymol import commands

    commands.register(cmd)
    assert len(tasks(cmd)) == 2


def test_a_library_that_was_loaded_anew_takes_the_place_of_the_former(cmd, monkeypatch):
    from pomodoro_pymol.viewer import drawing

    again = ModuleType(drawing.__name__)
    again.__package__ = drawing.__package__
    monkeypatch.setitem(sys.modules, drawing.__name__, again)
    exec(Path(drawing.__file__).read_text(), again.__dict__)
    again.keep_drawn(_self=cmd)
    assert tasks(cmd) == [again._heal_restored, again._save_drawn]
