"""States overwritten in place, structures read and objects coloured in pieces."""

import re

import numpy as np
import pytest


@pytest.fixture
def noised(hpv, typed):
    """1hpv with three noised frames."""
    typed(hpv, "pomnoise frames=3")
    return hpv


@pytest.fixture(params=["in memory", "through files", "without a reader"])
def live(request, noised, monkeypatch):
    """States of the object, written each way; the latter two as where PyMOL's arrays and NumPy do not agree."""
    from pymol import CmdException

    from pomodoro_pymol.viewer import live_states, reading

    atoms = reading.read_structure("1hpv_noise", _self=noised).atom_at_place

    def refuse(error):
        raise error

    if request.param != "in memory":
        error = SystemError("numpy.core.multiarray failed to import")
        monkeypatch.setattr(noised, "get_coordset", lambda *_, **__: refuse(error), raising=False)
    if request.param == "without a reader":
        no_plugin = CmdException("no such plugin")
        monkeypatch.setattr(noised, "load_traj", lambda *_, **__: refuse(no_plugin), raising=False)
    states = live_states.LiveStates("1hpv_noise", atoms, 4, _self=noised)
    yield states
    states.close()


@pytest.mark.parametrize(
    "damage",
    [
        [],
        None,
        {"title": np.zeros(3)},
        {"title": ["z=0"]},
        {"title": b"z=0"},
    ],
)
def test_a_record_that_is_none_makes_no_object_ours(noised, damage):
    from pomodoro_pymol.errors import PomodoroError
    from pomodoro_pymol.jobs import coloring
    from pomodoro_pymol.viewer import live_states, store

    noised._pymol.session.pomodoro["1hpv_noise"] = damage
    assert store.our_objects(_self=noised) == []
    assert not store.is_ours("1hpv_noise", _self=noised)
    with pytest.raises(PomodoroError, match="was changed or deleted"):
        live_states.LiveStates("1hpv_noise", np.arange(1551), 4, _self=noised)
    with pytest.raises(PomodoroError, match="run pomnoise first"):
        coloring.find_ours("", _self=noised)


@pytest.mark.parametrize("change", [{"command": np.zeros(3)}, {"command": None}, {"command": [[]]}])
def test_a_record_of_no_command_has_no_frames(noised, change):
    from pomodoro_pymol.errors import PomodoroError
    from pomodoro_pymol.jobs import coloring

    noised._pymol.session.pomodoro["1hpv_noise"].update(change)
    with pytest.raises(PomodoroError, match="run pomnoise first"):
        coloring.find_ours("", _self=noised)


@pytest.mark.parametrize("key", [np.zeros(3), ["x"], None, 5])
def test_a_key_that_is_no_name_is_drawn_anew(noised, typed, key):
    noised._pymol.session.pomodoro["1hpv_noise"]["key"] = key
    assert "pomcolor: 1hpv_noise" in typed(noised, "pomcolor metric=relative")


def fill(state, out):
    out[:] = np.arange(out.size, dtype=np.float32).reshape(out.shape) + 10_000 * state


def test_states_are_overwritten_and_no_others(noised, live, coords):
    before = [coords(noised, "1hpv_noise", state) for state in (1, 2, 3, 4)]
    wanted = np.arange(1551 * 3, dtype=np.float32).reshape(-1, 3)
    live.write([4, 2], lambda state, out: np.copyto(out, wanted[live.atom_in_row] + 10_000 * state))
    live.redraw()
    np.testing.assert_array_equal(coords(noised, "1hpv_noise", 2), wanted + 20_000)
    np.testing.assert_array_equal(coords(noised, "1hpv_noise", 4), wanted + 40_000)
    for state in (1, 3):
        np.testing.assert_array_equal(coords(noised, "1hpv_noise", state), before[state - 1])
    assert noised.count_states("%1hpv_noise") == 4


def test_nothing_but_coordinates_changes(noised, live, snapshot, session, differences):
    before, whole = snapshot(noised, "1hpv_noise"), session(noised)
    live.write([2, 3], fill)
    after = snapshot(noised, "1hpv_noise")
    assert [key for key in before if before[key] != after[key]] == ["coords"]
    changed = differences(whole, session(noised))
    (place,) = (number for number, entry in enumerate(whole["names"]) if entry and entry[0] == "1hpv_noise")
    # Of two states, in PyMOL's list of each, what stands third: titles, cells and all else are as they were.
    assert {re.match(r"/names/\d+(/5/4/\d+/\d+)?", line)[0] for line in changed} == {
        f"/names/{place}/5/4/{number}/2" for number in (1, 2)
    }


def test_the_state_shown(noised, live):
    noised.frame(3)
    assert live.shown() == 3
    noised.set("state", 9, "1hpv_noise")
    assert live.shown() == 4  # beyond the last
    noised.set("state", 2, "1hpv_noise")
    assert live.shown() == 2
    noised.set("all_states", 1)
    assert live.shown() == 1


@pytest.mark.parametrize(
    "edit",
    [
        "delete 1hpv_noise",
        "set_name 1hpv_noise, other",
        "remove 1hpv_noise and chain A",
        "create 1hpv_noise, 1hpv, 1, -1",
        "set_title 1hpv_noise, 2, mine",
        "reinitialize",
    ],
)
def test_an_object_that_was_changed_is_left_alone(noised, live, edit, session, differences):
    from pomodoro_pymol import PomodoroError

    noised.do(edit)
    before = session(noised)
    for act in (live.check, live.shown, lambda: live.write([2], fill)):
        with pytest.raises(PomodoroError, match="1hpv_noise was changed or deleted"):
            act()
    assert differences(before, session(noised)) == []


@pytest.mark.parametrize("piece", [1, 7, 100_000])
def test_a_structure_read_in_pieces_is_that_read_at_once(cmd, source, piece):
    from pomodoro_pymol.parameters.catalogue import NoiseParameters
    from pomodoro_pymol.viewer import reading, sources

    parameters = NoiseParameters.from_text(source.line())
    found = sources.resolve_source(parameters.selection, parameters.state, _self=cmd)
    atoms = f"({found.selection}) and %{found.object} and state {found.state}"
    if piece == 1 and found.n_atoms > 200:
        piece = 173
    names = set(cmd.get_names("all"))
    steps = 0
    pieces = reading.structure_steps(found.object, atoms, found.state, title="it", piece=piece, _self=cmd)
    while True:
        try:
            next(pieces)
            steps += 1
        except StopIteration as end:
            structure = end.value
            break
    assert set(cmd.get_names("all")) == names
    assert steps >= min(found.n_atoms / piece, 50)  # no more than that many: each looks at all atoms
    with sources.draft(found, _self=cmd) as name:
        whole = reading.read_structure(name, title="it", _self=cmd)
    assert structure.name == whole.name
    for part in ("coords", "atoms", "residues", "residue_of_atom", "places"):
        np.testing.assert_array_equal(getattr(structure, part), getattr(whole, part), err_msg=part)


def test_atoms_that_go_while_they_are_read_are_an_error(hpv):
    from pomodoro_pymol import PomodoroError
    from pomodoro_pymol.viewer import reading

    steps = reading.structure_steps("1hpv", title="it", piece=100, _self=hpv)
    next(steps)
    hpv.remove("1hpv and chain B")
    with pytest.raises(PomodoroError, match="it was changed while it was read"):
        reading.take_all(steps)
    assert hpv.get_names("all") == ["1hpv"]


def test_reading_that_is_given_up_leaves_nothing(hpv):
    from pomodoro_pymol.viewer import reading

    steps = reading.structure_steps("1hpv", piece=100, _self=hpv)
    next(steps)
    assert len(hpv.get_names("all")) == 2
    steps.close()
    assert hpv.get_names("all") == ["1hpv"]


@pytest.mark.parametrize("piece", [0, 1, 10, 5000])
def test_an_object_painted_in_pieces_is_that_painted_at_once(noised, snapshot, piece):
    from pomodoro_pymol.viewer import publishing

    noised.create("part", "1hpv_noise and resi 1-5")
    count = noised.count_atoms("part")
    colors, values = [0x100 + number for number in range(count)], [number / 8 for number in range(count)]
    steps = sum(1 for _ in publishing.paint_steps("part", colors, values, piece, _self=noised))
    assert steps == (-(-count // piece) if 0 < piece < count else 1)
    seen = snapshot(noised, "part")
    assert list(seen["colors"]) == [0x40000000 | color for color in colors]
    assert list(seen["b"]) == values
    assert 0x40000000 not in {color & 0x40000000 for color in snapshot(noised, "1hpv")["colors"]}
