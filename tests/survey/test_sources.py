"""Which files a survey is of."""

import os

import pytest

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.survey.sources import expand


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A folder with files of several names, and the current one."""
    names = ("a.pdb", "b.ENT", "in/c.cif.gz", "in/deep/d.mmcif", "in/e.txt", "in/f.pdb.bak", "in/odd\x85name.pdb", "g")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(tree, *sources):
    return [os.path.relpath(path, tree) for path in expand([*sources])]


def test_a_folder_with_those_in_it(tree):
    assert names(tree, ".") == ["a.pdb", "b.ENT", "in/c.cif.gz", "in/deep/d.mmcif", "in/odd\x85name.pdb"]


def test_patterns(tree):
    assert names(tree, "*.pdb") == ["a.pdb"]
    assert names(tree, "**/*.mmcif") == ["in/deep/d.mmcif"]
    assert names(tree, "*") == names(tree, "in", "a.pdb", "b.ENT", "g")
    assert names(tree, "?") == ["g"]


def test_a_file_is_taken_once_whatever_it_is_called(tree):
    assert names(tree, "g", "./g", str(tree / "g"), ".", "in/../a.pdb").count("g") == 1


def test_a_list_names_data(tree):
    text = "a.pdb\r\n\n  \nin/odd\x85name.pdb\nabsent.pdb\n#b.pdb\n"
    (tree / "files.txt").write_bytes(b"\xef\xbb\xbf" + text.encode() + b"raw\xff.pdb\n")
    found = names(tree, "files.txt")
    assert found == ["#b.pdb", "a.pdb", "absent.pdb", "in/odd\x85name.pdb", os.fsdecode(b"raw\xff.pdb")]


def test_a_name_of_a_file_that_is_there_is_no_pattern(tree):
    (tree / "a[1].pdb").touch()
    (tree / "a1.pdb").touch()
    assert names(tree, "a[1].pdb") == ["a[1].pdb"]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("absent.pdb", "absent.pdb is missing"),
        ("absent/*.pdb", r"no file is called absent/\*.pdb"),
        ("in/e.txt", r"in/e.txt lists no file that is there, in 0 lines"),
        ("absent.txt", "cannot read the list absent.txt: No such file or directory"),
        (
            "empty",
            "no structure in empty: the names of structures end in .pdb, .ent, .cif, .mmcif",
        ),
        ("\0.pdb", "cannot be the name of a file"),
    ],
)
def test_what_is_not_there_is_one_line(tree, source, says):
    (tree / "empty").mkdir()
    with pytest.raises(PomodoroError, match=says):
        expand([source])
