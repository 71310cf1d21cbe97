"""The companion of an object: each atom of each state in the colour of its displacement, and nobody else's object."""

from dataclasses import astuple

import numpy as np
import orders
import pytest

from pomodoro_pymol.errors import PomodoroError

W = (3.0, 8.0, 1.0)
SIGMA = 1.25
GREY = 0x40808080


def run(cmd, name="m_noise", piece=0):
    """Colour an object by direction."""
    from pomodoro_pymol.jobs.direction import direction_steps
    from pomodoro_pymol.structure.hierarchy import Hierarchy
    from pomodoro_pymol.viewer import reading, store

    order = store.get_record(name, _self=cmd)["order"]
    structure = reading.read_structure(name, order=order, _self=cmd)
    return reading.take_all(direction_steps(name, structure, Hierarchy.from_structure(structure), "auto", piece, cmd))


def worn(cmd, name, states):
    """Return colour and b of each atom of each state of a companion by the atom's number, as PyMOL knows its states."""
    found = []
    for state in range(1, states + 1):
        rows = {}
        cmd.iterate(f"%{name} and state {state}", "rows[q] = (color, b)", space={"rows": rows})
        found.append(rows)
    return found


def check(cmd, name, numbers, displacements, atol=1e-4):
    """Assert that each atom has the colour and the length of its displacement, in each state after the first."""
    found = worn(cmd, name, len(displacements) + 1)
    assert set(found[0].values()) == {(GREY, 0.0)}
    for rows, moved in zip(found[1:], displacements):
        assert sorted(rows) == sorted(numbers)
        colors, lengths = zip(*(rows[number] for number in numbers))
        np.testing.assert_allclose(lengths, np.linalg.norm(moved, axis=1), atol=atol)
        channels = np.array(colors)[:, None] >> np.array([16, 8, 0]) & 0xFF
        wanted = (moved / np.linalg.norm(moved, axis=1, keepdims=True) + 1) / 2 * 255
        assert np.abs(channels - wanted).max() < 0.51
        assert {color >> 24 for color in colors} == {0x40}


@pytest.fixture
def small(cmd, tmp_path):
    """A PyMOL with a small source and three noised frames of it."""
    from pomodoro_pymol.commands import pomnoise

    orders.load(cmd, "shuffled PDB", tmp_path)
    pomnoise("m", sigma=SIGMA, frames=3, _self=cmd)
    return cmd


def moves(cmd, name, numbers):
    """Return the displacements of an object's states, as PyMOL shows them."""
    states = [orders.by_number(cmd, name, state) for state in range(1, cmd.count_states(name) + 1)]
    places = np.array([[rows[number] for number in numbers] for rows in states])
    return places[1:] - places[0]


@pytest.mark.parametrize("piece", [0, 7])
@pytest.mark.parametrize("kind", orders.SOURCES)
def test_each_atom_has_its_colours(cmd, tmp_path, kind, piece):
    from pomodoro_pymol.commands import pomnoise

    orders.load(cmd, kind, tmp_path)
    oracle = orders.Oracle(cmd)
    pomnoise("m", sigma=SIGMA, wc=3, wr=8, wa=1, frames=3, _self=cmd)
    ids = []
    cmd.iterate("m_noise", "ids.append(ID)", space={"ids": ids})
    made = run(cmd, piece=piece)
    assert (made.name, made.frame, made.n_frames) == ("m_noise_direction", None, 3)
    wanted = [SIGMA * oracle.unit(frame, W) for frame in range(3)]
    check(cmd, made.name, oracle.numbers, wanted)
    for state in range(1, 5):  # on the truth
        oracle.check(cmd, made.name, state, oracle.truth, 0)
    after = []
    cmd.iterate("m_noise", "after.append(ID)", space={"after": after})
    assert after == ids
    assert cmd.get_title(made.name, 3) == f"direction of frame 2/3: {cmd.get_title('m_noise', 3)}"


@pytest.mark.parametrize("kind", ["GRO", "altered chain", "merged copies", "retain_order"])
def test_an_aligned_object(cmd, tmp_path, kind):
    from pomodoro_pymol.commands import pomalign, pomnoise

    orders.load(cmd, kind, tmp_path)
    oracle = orders.Oracle(cmd)
    pomnoise("m", sigma=SIGMA, frames=3, _self=cmd)
    pomalign(_self=cmd)
    made = run(cmd, "m_noise_aligned")
    check(cmd, made.name, oracle.numbers, moves(cmd, "m_noise_aligned", oracle.numbers))


@pytest.mark.parametrize("broken", [False, True])
def test_an_object_that_was_moved(small, monkeypatch, broken):
    """The companion lies on it; directions are in its own frame, whatever PyMOL's arrays do."""
    cmd = small
    numbers = sorted(orders.by_number(cmd, "m", 1))
    wanted = moves(cmd, "m_noise", numbers)
    cmd.rotate([1.0, 2.0, 3.0], 40, object="m_noise", camera=0)

    def refuse(*_, **__):
        raise SystemError("numpy.core.multiarray failed to import")

    if broken:
        monkeypatch.setattr(cmd, "get_coords", refuse, raising=False)
        monkeypatch.setattr(cmd, "get_coordset", refuse, raising=False)
    made = run(cmd)
    check(cmd, made.name, numbers, wanted)
    np.testing.assert_allclose(cmd.get_extent(made.name, 2), cmd.get_extent("m_noise", 1), atol=1e-4)


def test_it_is_painted_in_place(small):
    from pomodoro_pymol.commands import pomnoise
    from pomodoro_pymol.viewer import companion, store

    cmd = small
    made = run(cmd)
    numbers = sorted(orders.by_number(cmd, "m", 1))
    cmd.hide("everything", made.name)
    cmd.show("spheres", made.name)
    cmd.disable(made.name)
    objects = cmd.get_names("objects")
    pomnoise("m", sigma=SIGMA, frames=3, seed=9, wc=8, wr=1, wa=1, metric="direction", _self=cmd)
    check(cmd, made.name, numbers, moves(cmd, "m_noise", numbers))
    assert sorted(cmd.get_names("objects")) == sorted(objects)
    assert cmd.count_atoms(f"{made.name} and rep spheres") == 4 * 15
    assert {made.name, "m_noise"} & set(cmd.get_names("objects", enabled_only=1)) == {made.name}
    assert store.is_ours(made.name, _self=cmd)
    assert cmd.get_title(made.name, 2).endswith(cmd.get_title("m_noise", 2))
    pomnoise("m", sigma=SIGMA, frames=5, _self=cmd)  # other states: made anew, in its place
    assert run(cmd).name == made.name
    check(cmd, made.name, numbers, moves(cmd, "m_noise", numbers))
    assert sorted(cmd.get_names("objects")) == sorted(objects)
    companion.forget_companion("m_noise", _self=cmd)
    assert made.name not in cmd.get_names("all")
    assert made.name not in cmd._pymol.session.pomodoro
    companion.forget_companion("m_noise", _self=cmd)
    companion.forget_companion("m", _self=cmd)


@pytest.mark.parametrize(
    "edit",
    ["remove {} and resi 1", "alter {}, ID=1", "translate [1,0,0], {} and state 4, state=4, camera=0", "delete {}"],
)
def test_one_that_was_edited_is_made_anew(small, edit):
    cmd = small
    made = run(cmd)
    cmd.do(edit.format(made.name))
    numbers = sorted(orders.by_number(cmd, "m", 1))
    run(cmd)
    check(cmd, made.name, numbers, moves(cmd, "m_noise", numbers))
    assert orders.by_number(cmd, made.name, 4) == orders.by_number(cmd, "m_noise", 1)


def test_it_is_never_a_source_nor_an_object_with_frames(small, typed):
    from pomodoro_pymol.jobs import coloring
    from pomodoro_pymol.viewer import sources

    cmd = small
    run(cmd)
    assert sources.resolve_source("", 1, _self=cmd).object == "m"
    assert sources.resolve_source("chain A", 1, _self=cmd).object == "m"
    assert coloring.find_ours("", _self=cmd)[0] == "m_noise"
    assert typed(cmd, "pomcolor m_noise_direction").startswith(
        " Error: m_noise_direction was made by pomcolor, not by pomnoise"
    )


@pytest.mark.parametrize("taken", ["object", "selection", "other spelling", "noise"])
def test_a_name_in_use_is_left_alone(small, snapshot, typed, taken):
    cmd = small
    name = "M_noise_Direction" if taken == "other spelling" else "m_noise_direction"
    if taken == "selection":
        cmd.select(name, "m and name CA")
        before = cmd.index(name)
    elif taken == "noise":
        typed(cmd, f"pomnoise m, frames=2 name={name}")
        before = snapshot(cmd, name)
    else:
        cmd.create(name, "m")
        before = snapshot(cmd, name)
    made = run(cmd)
    assert made.name.lower() != name.lower()
    assert made.name.startswith("m_noise_direction")
    assert run(cmd).name == made.name
    assert (cmd.index(name) if taken == "selection" else snapshot(cmd, name)) == before


def test_a_renamed_companion_is_the_users(small, snapshot):
    cmd = small
    run(cmd)
    cmd.set_name("m_noise_direction", "mine")
    before = snapshot(cmd, "mine")
    assert run(cmd).name == "m_noise_direction"
    assert snapshot(cmd, "mine") == before


def test_a_name_too_long(cmd, tmp_path):
    from pomodoro_pymol.commands import pomnoise

    orders.load(cmd, "shuffled PDB", tmp_path)
    name = "n" * 250
    if cmd.get_legal_name(name) != name:
        pytest.skip("PyMOL takes no such name")
    pomnoise("m", frames=1, name=name, _self=cmd)
    with pytest.raises(PomodoroError, match="too long"):
        run(cmd, name)


def test_two_instances(small, new_instance, tmp_path, session, differences):
    from pomodoro_pymol.commands import pomnoise

    other = new_instance()
    orders.load(other, "GRO", tmp_path)
    pomnoise("m", sigma=2, frames=3, _self=other)
    before = session(small)
    made = run(other)
    assert differences(before, session(small)) == []
    numbers = sorted(orders.by_number(other, "m", 1))
    check(other, made.name, numbers, moves(other, "m_noise", numbers))


def test_a_reopened_session_has_the_colours(small, new_instance, tmp_path):
    cmd = small
    made = run(cmd)
    numbers = sorted(orders.by_number(cmd, "m", 1))
    cmd.save(str(tmp_path / "saved.pse"))
    other = new_instance()
    other.load(str(tmp_path / "saved.pse"))
    check(other, made.name, numbers, moves(cmd, "m_noise", numbers))
    cmd.reinitialize()
    assert run(other).name == made.name  # painted in place, or made anew
    check(other, made.name, numbers, moves(other, "m_noise", numbers))


def begun(cmd, step):
    """So many steps of the colours of an object's directions, and what is left of them."""
    from pomodoro_pymol.jobs.direction import direction_steps
    from pomodoro_pymol.structure.hierarchy import Hierarchy
    from pomodoro_pymol.viewer import reading

    structure = reading.read_structure("m_noise", _self=cmd)
    steps = direction_steps("m_noise", structure, Hierarchy.from_structure(structure), "auto", 20, cmd)
    for _ in range(step):
        next(steps)
    return steps


@pytest.mark.parametrize("step", range(7))
@pytest.mark.parametrize("again", [False, True])
def test_what_stops_on_its_way_leaves_all_as_it_was(small, session, differences, step, again):
    cmd = small
    if again:
        run(cmd)
        cmd.remove("m_noise_direction and resi 1")
    before = session(cmd)
    steps = begun(cmd, step)
    steps.close()
    assert differences(before, session(cmd)) == []


@pytest.mark.parametrize("edit", ["remove m_noise and resi 2", "delete m_noise", "create m_noise, m_noise, 1, 9"])
def test_an_object_that_changes_on_the_way(small, session, differences, edit):
    from pomodoro_pymol.jobs.direction import direction_steps
    from pomodoro_pymol.structure.hierarchy import Hierarchy
    from pomodoro_pymol.viewer import reading

    cmd = small
    structure = reading.read_structure("m_noise", _self=cmd)
    cmd.do(edit)
    before = session(cmd)
    with pytest.raises(PomodoroError, match=r"m_noise|changed"):
        reading.take_all(direction_steps("m_noise", structure, Hierarchy.from_structure(structure), "auto", 0, cmd))
    assert differences(before, session(cmd)) == []


@pytest.mark.parametrize("step", range(1, 10))
@pytest.mark.parametrize("gone", ["m_noise", "all"])
def test_what_is_deleted_on_the_way(small, step, gone):
    from pomodoro_pymol.viewer import reading

    cmd = small
    steps = begun(cmd, step)
    cmd.delete(gone)
    if gone == "all" or step == 1:
        with pytest.raises(PomodoroError, match="changed or deleted"):
            reading.take_all(steps)
    else:  # its frames are read by then
        reading.take_all(steps)
    assert not [name for name in cmd.get_names("all") if name.startswith("_")]


@pytest.mark.parametrize("shown", [1, 3])
def test_too_many_atoms_show_one_frame(small, monkeypatch, shown):
    from pomodoro_pymol.jobs import direction

    cmd = small
    everything = run(cmd)
    numbers = sorted(orders.by_number(cmd, "m", 1))
    wanted = moves(cmd, "m_noise", numbers)
    monkeypatch.setattr(direction, "MOST_ATOM_STATES", 59)
    cmd.frame(shown)
    made = run(cmd)
    assert made.frame == max(1, shown - 1)
    assert astuple(made.shares) == pytest.approx(astuple(everything.shares))
    assert cmd.count_states(made.name) == 1
    assert f"it shows frame {made.frame} in every state" in made.report()
    assert cmd.get_title(made.name, 1).startswith(f"direction of frame {made.frame}/3: ")
    found = worn(cmd, made.name, 1)[0]
    moved = wanted[made.frame - 1]
    np.testing.assert_allclose([found[n][1] for n in numbers], np.linalg.norm(moved, axis=1), atol=1e-4)
    from pomodoro_pymol.color.direction import direction_colors

    assert [found[n][0] for n in numbers] == [0x40000000 | color for color in direction_colors(moved).tolist()]
    monkeypatch.undo()
    assert run(cmd).frame is None
    check(cmd, made.name, numbers, wanted)


def test_what_is_printed(small):
    made = run(small)
    lines = made.report().splitlines()
    assert lines[0].startswith(" colour: direction = ")
    assert "m_noise_direction" in lines[1]
    assert sum(int(line.split("%")[0]) for line in lines[3:]) in (99, 100, 101)
    assert all(len(line) <= 120 for line in lines)


def test_one_chain_that_moves_as_a_whole_is_one_colour(cmd, tmp_path):
    from pomodoro_pymol.commands import pomnoise

    orders.load(cmd, "shuffled PDB", tmp_path)
    pomnoise("m and chain A", sigma=SIGMA, frames=3, wc=1, wr=0, wa=0, _self=cmd)
    assert run(cmd).report().endswith("all atoms of a frame have one colour: they move together")
