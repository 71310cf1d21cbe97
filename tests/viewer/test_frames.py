"""The states in PyMOL are the frames that were computed: bit for bit, in order, on the source wherever it lies."""

import numpy as np
import pytest


def noised(result):
    """Return all frames of a run, shape=(n_frames, n_atoms, 3)."""
    return np.concatenate([block.numpy().copy() for block in result.frames()])


@pytest.fixture
def pomnoise():
    from pomodoro_pymol.commands import pomnoise

    return pomnoise


@pytest.fixture
def run(cmd, pomnoise):
    """A function that noises a source through the API."""

    def call(source, **more):
        words = source.words
        if words.startswith("state="):
            more["state"], words = int(words[6:]), ""
        return pomnoise(words, **more, _self=cmd)

    return call


def test_states_are_the_computed_frames(cmd, source, run, coords):
    result = run(source, frames=5, z=1)
    assert cmd.count_states(result.name) == 6
    assert np.array_equal(coords(cmd, result.name, 1), result.structure.coords)
    for state, frame in enumerate(noised(result), 2):
        assert np.array_equal(coords(cmd, result.name, state), frame)


def test_the_first_state_is_the_source(cmd, source, run, snapshot):
    result = run(source, frames=1)
    made = snapshot(cmd, result.name)
    state = result.parameters.state
    atoms = []
    words = f"({result.parameters.selection}) and %{source.object}"
    labels = "(segi, chain, resi, resn, name, alt, elem, type, q), [x, y, z]"
    cmd.iterate_state(state, words, f"put(({labels}))", space={"put": atoms.append})
    assert len(atoms) == len(made["labels"])
    assert sorted(atoms) == sorted(zip(made["labels"], made["coords"][0]))


@pytest.mark.parametrize("name", ["ttt", "state matrix", "both matrices", "one state moved", "ensemble"])
def test_noised_states_lie_on_a_moved_source(cmd, name, load_source, run, shown):
    source = load_source(name, cmd)
    result = run(source, frames=2, z=-6)
    # Unlike iterate_state, get_model applies the state matrix and the TTT.
    there = cmd.get_model(f"({result.parameters.selection}) and %{source.object}", result.parameters.state)
    there = np.array(there.get_coord_list())
    inside = shown(cmd, result.name, 1)
    assert (np.abs(there - inside).max() > 5) == (name != "ensemble")
    for state in (1, 2, 3):
        here = np.array(cmd.get_model(result.name, state).get_coord_list())
        # z = -6 is sigma 0.0006 A: five sigma and float32 stay far below 0.01 A.
        assert np.abs(here - there).max() < 0.01


@pytest.mark.parametrize("name", ["ttt", "state matrix"])
def test_the_output_moves_as_the_source(cmd, name, load_source, run):
    source = load_source(name, cmd)
    result = run(source, frames=2)
    for ttt in (0, 1):  # not get_object_ttt, which crashes PyMOL 2.5
        for state in (1, 2, 3):
            there = cmd.get_object_matrix(source.object, incl_ttt=ttt)
            assert cmd.get_object_matrix(result.name, state, incl_ttt=ttt) == there


def test_a_frame_does_not_depend_on_how_many_there_are(hpv, pomnoise, coords):
    few = pomnoise(frames=10, name="few", _self=hpv)
    many = pomnoise(frames=100, name="many", _self=hpv)
    for state in range(1, 12):
        assert np.array_equal(coords(hpv, few.name, state), coords(hpv, many.name, state))


def test_the_same_command_twice_gives_the_same_object(hpv, pomnoise, snapshot):
    first = snapshot(hpv, pomnoise(frames=3, seed=7, _self=hpv).name)
    assert snapshot(hpv, pomnoise(frames=3, seed=7, _self=hpv).name) == first
    assert snapshot(hpv, pomnoise(frames=3, seed=8, _self=hpv).name)["coords"][1:] != first["coords"][1:]


def test_z_only_scales(hpv, pomnoise, coords):
    one, other = (pomnoise(z=z, frames=2, name=f"z{i}", _self=hpv) for i, z in enumerate((-1, 1)))
    truth = coords(hpv, one.name, 1)
    factor = other.parameters.noise_sigma / one.parameters.noise_sigma
    for state in (2, 3):
        small, large = (coords(hpv, result.name, state) - truth for result in (one, other))
        # float32 coordinates below 256 A are exact to 1.6e-5 A, and the factor is 20.
        assert np.abs(large - factor * small).max() < 20 * 4e-5


@pytest.mark.parametrize("name", ["fab", "shuffled", "ensemble", "missing atoms", "waters"])
def test_without_a_trajectory_reader_the_states_are_the_same(cmd, name, load_source, run, coords, monkeypatch):
    from pymol import CmdException

    def refuse(*_, **__):
        raise CmdException("no such plugin")

    source = load_source(name, cmd)
    fast = run(source, frames=4, name="fast")
    monkeypatch.setattr(cmd, "load_traj", refuse)
    slow = run(source, frames=4, name="slow")
    for state in range(1, 6):
        assert np.array_equal(coords(cmd, fast.name, state), coords(cmd, slow.name, state))


def test_many_blocks_arrive_in_order(cmd, pomnoise, coords, monkeypatch):
    from pomodoro_pymol.noise import stream

    cmd.fab("ACDEF", "built")
    whole = pomnoise(frames=23, name="whole", _self=cmd)
    monkeypatch.setattr(stream, "_BLOCK_BYTES", 12 * 3 * len(whole.structure))
    parts = pomnoise(frames=23, name="parts", _self=cmd)
    assert cmd.count_states(parts.name) == 24
    for state in range(1, 25):
        assert np.array_equal(coords(cmd, whole.name, state), coords(cmd, parts.name, state))


def test_two_instances_do_not_see_each_other(new_instance, load_source, typed):
    one, two = new_instance(), new_instance()
    load_source("ensemble", one)
    load_source("fab", two)
    typed(one, "pomnoise frames=2")
    typed(two, "pomnoise frames=3")
    typed(one, "pomnoise frames=4 name=more")
    assert one.get_object_list("all") == ["2juy", "2juy_noise", "2juy_noise_key", "more", "more_key"]
    assert two.get_object_list("all") == ["built", "built_noise", "built_noise_key"]
    assert two.count_states("built_noise") == 4
    assert "2juy_noise, more" in typed(one, "pomcolor")
    assert "pomcolor: built_noise" in typed(two, "pomcolor metric=relative")
    two.create("2juy_noise", "built")
    assert "was not made by pomnoise" in typed(two, "pomcolor 2juy_noise")


def test_the_current_state_is_the_one_noised(cmd, load_source, run):
    assert run(load_source("current state", cmd), frames=1).parameters.state == 7


def test_frames_have_the_unit_cell_of_their_source(cmd, pomnoise):
    cmd.load(cmd.exp_path("$PYMOL_DATA/demo/1tii.pdb"), "m", quiet=1)
    cell = cmd.get_symmetry("m")
    assert cell[:3] == pytest.approx([105.7, 105.7, 171.6])
    result = pomnoise("m", frames=2, _self=cmd)
    assert [cmd.get_symmetry(result.name, state) for state in (1, 2, 3)] == [cell] * 3
