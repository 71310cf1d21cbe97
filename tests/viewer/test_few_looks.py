"""PyMOL looks at every atom of the session in each call that means atoms: commands make few of them."""

from collections import Counter

import numpy as np
import pytest

from pomodoro_pymol.viewer.host import NO_ARRAYS, own_array

#: What looks at all atoms, some more than once.
LOOKS = (
    *("alter", "alter_state", "color", "count_atoms", "count_discrete", "create", "delete", "get_coords", "get_extent"),
    *("get_object_list", "hide", "identify", "index", "iterate", "iterate_state", "mask", "pseudoatom", "rebuild"),
    *("recolor", "remove", "select", "show"),
)


@pytest.fixture
def looks(hpv, monkeypatch):
    """What looked at all atoms, how often, since it was cleared; but for calls within others."""
    counts, within = Counter(), []

    def counted(name, call):
        def look(*given, **named):
            counts[name] += not within
            within.append(name)
            try:
                return call(*given, **named)
            finally:
                within.pop()

        return look

    for name in LOOKS:
        monkeypatch.setattr(hpv, name, counted(name, getattr(hpv, name)), raising=False)
    return counts


@pytest.mark.parametrize("frames", [2, 40])
def test_pomnoise_and_those_after_it_look_seldom(hpv, typed, looks, frames, tmp_path):
    lines = {
        f"pomnoise 1hpv, frames={frames}": 18,
        f"pomnoise 1hpv, frames={frames}, seed=1": 19,
        "pomcolor metric=relative": 10,
        "pomcolor metric=relative, palette=viridis": 5,
        f"pomsave {tmp_path / 'frames.dcd'}": 8,
        "pommeasure 1hpv_noise": 20,
    }
    found = {}
    for line in lines:
        looks.clear()
        typed(hpv, line)
        found[line] = sum(looks.values())
    assert hpv.count_states("1hpv_noise_measured") == frames + 1
    if own_array(hpv.get_coordset, "1hpv", 1, copy=0) is NO_ARRAYS:  # it is asked more often, and for each state
        lines = {line: 3 * count + 4 * frames for line, count in lines.items()}
    assert all(count <= lines[line] for line, count in found.items()), found


def test_without_arrays_it_counts(hpv, typed, monkeypatch):
    from pomodoro_pymol.viewer import store

    def refuse(*_, **__):
        raise SystemError("no arrays")

    typed(hpv, "pomnoise frames=2")
    n_atoms = hpv.count_atoms("1hpv_noise")
    for broken in (False, True):
        if broken:
            monkeypatch.setattr(hpv, "get_coordset", refuse, raising=False)
        for state in (1, 3):
            assert store.has_atoms("1hpv_noise", n_atoms, state, _self=hpv)
            assert not store.has_atoms("1hpv_noise", n_atoms - 1, state, _self=hpv)
        assert not store.has_atoms("nothing", n_atoms, _self=hpv)
    hpv.remove("1hpv_noise and index 7")
    assert store.has_atoms("1hpv_noise", n_atoms - 1, _self=hpv)


@pytest.mark.parametrize("small", [True, False])
def test_states_read_at_once_are_those_read_one_by_one(hpv, typed, monkeypatch, small):
    from pomodoro_pymol.viewer import reading

    typed(hpv, "pomnoise frames=4")
    n_atoms, wanted = hpv.count_atoms("1hpv_noise"), [5, 2, 4]
    one_by_one = [[] for _ in wanted]
    for state, places in zip(wanted, one_by_one):
        hpv.iterate_state(state, "1hpv_noise", "put((x, y, z))", space={"put": places.append})
    monkeypatch.setattr(reading, "_ATOM_STATES", 5 * n_atoms - (0 if small else 1))
    read = []
    monkeypatch.setattr(
        reading,
        "read_state",
        lambda *given, _self, call=reading.read_state: (read.append(given), call(*given, _self=_self))[1],
    )
    states = dict(reading.each_state("1hpv_noise", wanted, n_atoms, _self=hpv))
    assert list(states) == wanted
    for found, right in zip(states.values(), one_by_one):
        np.testing.assert_array_equal(found, right)
    assert (("1hpv_noise", 0) in read) == small


@pytest.mark.parametrize("arrays", [True, False])
@pytest.mark.parametrize(("state", "n_atoms"), [(1, 12), (2, 9)])
def test_an_object_that_lacks_atoms_in_a_state(cmd, load_source, monkeypatch, arrays, state, n_atoms):
    """By its bare name, which alone says how many atoms it has."""
    from pomodoro_pymol.viewer import reading, sources

    def refuse(*_, **__):
        raise SystemError("no arrays")

    load_source("missing atoms", cmd)
    if not arrays:
        monkeypatch.setattr(cmd, "get_coordset", refuse, raising=False)
    source = sources.resolve_source("gaps", state, _self=cmd)
    assert (source.n_atoms, source.n_selected) == (n_atoms, 12)
    structure = reading.read_source(source, _self=cmd)
    assert len(structure) == n_atoms
    assert len(reading.unplaced(source, _self=cmd)) == 12 - n_atoms
    assert bool(structure.note) == (n_atoms < 12)
