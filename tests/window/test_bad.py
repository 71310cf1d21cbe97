"""Bad input at the panel gets one line, changes nothing, and the next run works; see `bad.py`."""

import bad_input
import pytest


@pytest.fixture(scope="module")
def bad(play):
    return play("bad", timeout=300)


def test_no_traceback_reaches_the_user(bad):
    assert "Traceback" not in bad.printed
    assert "Exception" not in bad.printed


def test_there_are_as_many_as_there_are_cases(bad):
    assert len(bad.notes["lines"]) == len(bad_input.cases("panel")) > 60
    assert len(bad.notes["widgets"]) > 60


@pytest.mark.parametrize(("number", "line", "says"), [(n, *case) for n, case in enumerate(bad_input.cases("panel"))])
def test_a_line(bad, number, line, says):
    note = bad.notes["lines"][number]
    assert note["case"] == line
    assert note["said"].startswith("\N{WARNING SIGN} ")
    assert says in note["said"]
    assert len(note["said"].splitlines()) == 1
    assert note["consistent"]
    assert note["changed"] == []


def test_a_value_in_its_widget(bad):
    says = {tuple(pair): says for pair, says in bad_input.cases("widget")}
    for note in bad.notes["widgets"]:
        assert note["consistent"], note
        assert note["changed"] == [], note
        assert len(note["said"].splitlines()) <= 1, note
        if note["said"]:
            assert note["said"].startswith("\N{WARNING SIGN} "), note
            assert says[tuple(note["case"])] in note["said"], note
        else:
            assert not note["taken"], note  # a box for numbers takes no other letters
    assert sum(bool(note["said"]) for note in bad.notes["widgets"]) > 20


def test_one_weight_is_left(bad):
    said, values, consistent, line = bad.notes["zero"]
    assert said == "\N{WARNING SIGN} all weights are zero: give at least one of wc, wr, wa a positive value"
    assert (values, consistent, line) == ([0, 0, 1], True, "pomnoise wc=0, wr=0")


def test_after_lines_and_values_it_runs(bad):
    said = [note["then"] for kind in ("lines", "widgets") for note in bad.notes[kind] if "then" in note]
    assert len(said) > 5
    assert set(said) == {"1hpv_noise: 1 frame"}
