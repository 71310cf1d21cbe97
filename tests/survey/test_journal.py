"""The journal of a survey: what is whole in it counts."""

import pytest

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.noise.presets import parse_schemes
from pomodoro_pymol.survey.journal import Journal
from pomodoro_pymol.survey.rows import Reading, Row, unread
from pomodoro_pymol.survey.settings import SurveySettings

SETTINGS = SurveySettings(tuple(parse_schemes("flat+ms")), (0.0,))


def reading(path, number=0.1):
    return Reading(path, 10, 0.5, 1000, (Row("contiguous", 1, "", (number, float("nan"))), Row("spatial", 1, "", ())))


@pytest.fixture
def output(tmp_path):
    return tmp_path / "s.parquet"


def test_numbers_come_back_bit_for_bit(output):
    odd = "a\udcff\n\x85'\"é.pdb"
    with Journal(output, SETTINGS) as journal:
        journal.add([reading(odd, 0.1 + 0.2), unread("b", 0, 0.1, 0, "why é")])
        assert (journal.done, journal.failed) == ({odd, "b"}, 1)
    with Journal(output, SETTINGS) as journal:
        assert (journal.done, journal.failed) == ({odd, "b"}, 1)
        one, two = journal.readings([odd, "b", "c"])
        assert one.path == odd
        assert one.rows[0].numbers[0] == 0.1 + 0.2
        assert str(one.rows[0].numbers[1]) == "nan"
        assert two.rows[0].error == "why é"
        assert [found.path for found in journal.readings(["b"])] == ["b"]


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_what_was_cut_off_is_done_again(output, cut):
    with Journal(output, SETTINGS) as journal:
        journal.add([reading("a")])
        whole = journal.path.read_bytes()
        journal.add([reading("b")])
    journal.path.write_bytes(journal.path.read_bytes()[:-cut])
    with Journal(output, SETTINGS) as again:
        assert again.done == {"a"}
        again.add([reading("c")])
        assert [found.path for found in again.readings("abc")] == ["a", "c"]
    assert journal.path.read_bytes().startswith(whole)


def test_a_journal_cut_off_in_its_first_line_is_begun_again(output):
    with Journal(output, SETTINGS) as journal:
        first = journal.path.read_bytes()
    assert not journal.path.exists()  # nothing was done
    journal.path.write_bytes(first[:-1])
    with Journal(output, SETTINGS) as again:
        assert again.done == set()
        assert again.path.read_bytes() == first


def test_a_file_that_is_done_twice_counts_once(output):
    with Journal(output, SETTINGS) as journal:
        journal.add([reading("a"), reading("a")])
        assert [found.path for found in journal.readings(["a"])] == ["a"]


@pytest.mark.parametrize(
    "text", ['{"survey": "0"}\n', "[]\n", "no JSON\n", "\n", "\udcff\n", "[" * 100_000 + "\n", "data_1abc\n_cell 1\n"]
)
def test_anything_else_is_refused_and_kept(output, text):
    place = output.with_name("s.parquet.partial")
    place.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(PomodoroError, match="give the same again to go on with it, or delete it"):
        Journal(output, SETTINGS)
    assert place.read_bytes() == text.encode(errors="surrogateescape")


def test_other_settings_are_refused(output):
    with Journal(output, SETTINGS) as journal:
        journal.add([reading("a")])
    with pytest.raises(PomodoroError, match="of other settings or another version"):
        Journal(output, SurveySettings(SETTINGS.schemes, (1.0,)))


def test_one_survey_at_a_time(output):
    with Journal(output, SETTINGS) as journal:
        with pytest.raises(PomodoroError, match=r"another survey is at work on .*partial"):
            Journal(output, SETTINGS)
        journal.add([reading("a")])
    with Journal(output, SETTINGS) as again:
        assert again.done == {"a"}


def test_a_folder_in_its_place_is_refused(output):
    output.with_name("s.parquet.partial").mkdir()
    with pytest.raises(PomodoroError, match=r"cannot write .*partial: it is a folder"):
        Journal(output, SETTINGS)
