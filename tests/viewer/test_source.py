"""The source, but for being hidden, and all else in the session is the same to the bit after a run, good or failed."""

import pytest


def changes(differences, before, after):
    """Return what differs; our record is meant to."""
    after["session"].pop("pomodoro", None)
    before["session"].pop("pomodoro", None)
    return differences(before, after)


def test_a_run_changes_nothing_else(cmd, source, typed, session, differences):
    before = session(cmd)
    names = set(cmd.get_names("all"))
    printed = typed(cmd, source.line("frames=3"))
    assert "Error" not in printed
    new = sorted(set(cmd.get_names("all")) - names)
    assert new == [f"{source.object}_noise", f"{source.object}_noise_key"]
    for name in new:
        cmd.delete(name)
    assert printed.splitlines()[-1].startswith(f" hidden: {source.object}, ")
    hidden = session(cmd)
    assert [entry[0] for entry in hidden["names"] if entry and not entry[2]] == (
        [entry[0] for entry in before["names"] if entry and (not entry[2] or entry[0] == source.object)]
    )
    assert typed(cmd, f"enable {source.object}") == ""
    assert changes(differences, before, session(cmd)) == []


def test_a_failed_run_changes_nothing(cmd, source, typed, session, differences, monkeypatch):
    from pomodoro_pymol import PomodoroError
    from pomodoro_pymol.viewer import publishing

    def fail(*_, **__):
        raise PomodoroError("the disk is full")

    before = session(cmd)
    monkeypatch.setattr(publishing, "set_titles", fail)
    assert typed(cmd, source.line("frames=3")) == " Error: the disk is full"
    assert differences(before, session(cmd)) == []


def test_matrices_are_kept(cmd, load_source, typed):
    load_source("state matrix", cmd)
    cmd.translate([1, 2, 3], object="1hpv", camera=0)
    before = [cmd.get_object_matrix("1hpv", incl_ttt=ttt) for ttt in (0, 1)]  # get_object_ttt crashes PyMOL 2.5
    typed(cmd, "pomnoise frames=2")
    assert [cmd.get_object_matrix("1hpv", incl_ttt=ttt) for ttt in (0, 1)] == before


@pytest.mark.parametrize("state", [1, 4])
def test_frame_and_state_are_kept(cmd, load_source, typed, state):
    load_source("ensemble", cmd)
    cmd.frame(state)
    typed(cmd, "pomnoise frames=2")
    assert (cmd.get_frame(), cmd.get_state()) == (state, state)


def test_view_is_kept(hpv, typed):
    hpv.turn("x", 20)
    view = hpv.get_view()
    typed(hpv, "pomnoise z=2 frames=2")
    assert hpv.get_view() == view


def test_a_second_run_changes_nothing_but_its_object(hpv, typed, session, differences):
    typed(hpv, "pomnoise frames=2")
    before = session(hpv)
    typed(hpv, "pomnoise frames=2")
    after = session(hpv)
    assert [entry[0] for entry in after["names"][1:]] == ["1hpv", "1hpv_noise", "1hpv_noise_key"]
    for snapshot in (before, after):
        # PyMOL counts on, in numbering the atoms that have settings of their own, as those of a key have.
        del snapshot["names"][3]
        snapshot["unique_settings"] = len(snapshot["unique_settings"])
    assert changes(differences, before, after) == []
