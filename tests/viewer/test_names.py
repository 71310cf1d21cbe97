"""Names: PyMOL takes 1hpv and 1HPV for one object, so neither the source nor another's object may go."""

import pytest


@pytest.fixture
def kept(typed, session, differences):
    """A function that types a line and checks that it is refused and changes nothing."""

    def check(cmd, line):
        before = session(cmd)
        printed = typed(cmd, line)
        assert differences(before["names"], session(cmd)["names"]) == []
        assert len(printed.splitlines()) == 1
        assert printed.startswith(" Error: ")

    return check


def test_the_sources_name_in_capitals(hpv, kept):
    kept(hpv, "pomnoise frames=1 name=1HPV")


@pytest.mark.parametrize("name", ["MINE", "mine", "Mine"])
def test_anothers_name_in_other_letters(hpv, kept, read_pdb, name):
    read_pdb(hpv, "Mine")
    kept(hpv, f"pomnoise 1hpv frames=1 name={name}")


def test_anothers_object_with_the_default_name_in_capitals(hpv, kept, read_pdb):
    read_pdb(hpv, "1HPV_NOISE")
    kept(hpv, "pomnoise 1hpv frames=1")


def test_anothers_selection_with_the_default_name(hpv, kept):
    hpv.select("1HPV_noise", "1hpv and chain A")
    kept(hpv, "pomnoise frames=1")


def test_anothers_object_with_the_keys_name_in_capitals(hpv, typed, read_pdb):
    read_pdb(hpv, "1HPV_NOISE_KEY")
    typed(hpv, "pomnoise 1hpv frames=1")
    assert hpv.count_atoms("%1HPV_NOISE_KEY") == 12


def test_our_own_name_in_other_letters_is_replaced_whole(hpv, typed):
    typed(hpv, "pomnoise frames=1 name=Out")
    typed(hpv, "pomnoise frames=2 name=OUT")
    assert hpv.get_object_list("all") == ["1hpv", "OUT", "OUT_key"]


def test_a_group_is_not_taken(hpv, kept):
    hpv.group("box", "1hpv")
    kept(hpv, "pomnoise frames=1 name=box")


@pytest.mark.parametrize("words", ["box", "1hpv", "%1hpv", "1hpv*", "(1hpv)", "1hp* and chain A", "box and chain A"])
def test_a_source_in_a_group(hpv, typed, words):
    hpv.group("box", "1hpv")
    for _ in range(2):
        assert " 1hpv -> 1hpv_noise" in typed(hpv, f"pomnoise {words} frames=1")


def test_a_hidden_source(hpv, typed):
    hpv.set_name("1hpv", "_hidden")
    assert "_hidden -> _hidden_noise" in typed(hpv, "pomnoise _hidden frames=1")
