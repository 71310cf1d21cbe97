"""Refusals that once gave another reason than the true one."""

from pathlib import Path

import pytest

DATA = Path(__file__).parents[1] / "data"
LINES = [
    ("pomnoise z", "z has no value: give one, as in z=..."),
    ("pomnoise frames", "frames has no value"),
    ("pomcolor metric", "metric has no value"),
]


@pytest.mark.parametrize(("line", "reason"), LINES)
def test_a_value_that_is_missing(hpv, typed, line, reason):
    assert f"Error: {reason}" in typed(hpv, line)


def test_an_object_may_be_called_as_a_parameter_is(cmd, typed):
    cmd.fab("AAA", "frames")
    assert "Error" not in typed(cmd, "pomnoise frames, frames=2")


def test_all_water(cmd, typed):
    cmd.pseudoatom("v", resn="HOH", name="O", elem="O", hetatm=1, pos=[1, 2, 3])
    for line in ("pomnoise", "pomsample steps=2", "pomtable frames=2"):
        assert "Error: v is all water, which is left aside unless it is named, as in pomnoise v" in typed(cmd, line)
    assert "Error" not in typed(cmd, "pomnoise v, frames=2")


def test_only_outputs_are_loaded(hpv, typed):
    typed(hpv, "pomnoise frames=2")
    hpv.delete("1hpv")
    printed = typed(hpv, "pomnoise frames=2")
    assert "Error: nothing but our own objects is loaded (1hpv_noise): name one, or load one first" in printed


@pytest.mark.parametrize("line", ["pomsample steps=2", "pomprecond", "pomsignal"])
def test_a_discrete_object_is_no_ensemble(cmd, typed, line):
    cmd.load(str(DATA / "2juy.pdb.gz"), "d", discrete=1, quiet=1)
    assert "Error: d is discrete, so that each state has atoms of its own" in typed(cmd, line)
    assert cmd.get_object_list() == ["d"]


def test_what_is_no_object_of_ours(hpv, typed, tmp_path):
    path = tmp_path / "x.pdb"
    assert "Error: there is no object 'nix': run pomnoise first" in typed(hpv, "pomalign nix")
    typed(hpv, "pomnoise frames=2")
    assert "Error: 1hpv was not made by pomnoise: name one of: 1hpv_noise" in typed(hpv, "pomalign 1hpv")
    typed(hpv, "pomsweep 1hpv, z=0:1")
    assert "Error: 1hpv_sweep was made by pomsweep, not by pomnoise" in typed(hpv, "pomalign 1hpv_sweep")
    assert not path.exists()
