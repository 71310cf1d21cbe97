"""Fixed atoms at the panel; see `held.py`."""

import pytest


@pytest.fixture(scope="module")
def held(play):
    return play("held").notes


@pytest.mark.parametrize("part", ["made", "live"])
def test_run_and_live_make_what_the_line_makes(held, make, part):
    found = held[part]
    assert ", fixed=not (chain A and resi 45-55)" in found["line"]
    wanted = make(found["line"])
    for key in ("coords", "titles", "colors", "b"):
        assert found[key] == wanted[key], key
    assert found["levels"] == pytest.approx(wanted["record"]["levels"]["measured"], rel=1e-6)
    assert held["changed"] == ""


@pytest.mark.parametrize("part", ["made", "live"])
def test_fixed_atoms_stay(held, part):
    truth, *frames = held[part]["coords"]
    loop = [label[1] == "A" and 45 <= int(label[2]) <= 55 for label in held[part]["labels"]]
    assert len(frames) == 3
    for frame in frames:
        assert [one != other for one, other in zip(frame, truth)] == loop


def test_the_table_is_of_what_moves(held):
    for part in ("made", "live"):
        (atom,) = (row for row in held[part]["table"] if row[0].strip() == "atom")
        assert float(atom[1].split()[0]) == pytest.approx(held[part]["levels"]["atom"], rel=6e-3)
    assert held["expected"] == [11, 199]


def test_what_is_no_atom_is_told(held):
    assert held["none"] == "\N{WARNING SIGN} fixed=none has no atoms of '1hpv and not solvent'"
