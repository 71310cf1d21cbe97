"""Weight schemes by name: the user's file, damaged or whole, and schemes as typed."""

import copy
import json
import os
import pickle
import re
import socket

import pytest

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.noise import presets
from pomodoro_pymol.noise.presets import (
    all_presets,
    delete_preset,
    parse_schemes,
    preset_weights,
    presets_path,
    save_preset,
    user_presets,
)
from pomodoro_pymol.noise.weights import FLAT, PRESETS, LevelWeights, Scheme
from pomodoro_pymol.parameters.catalogue import NoiseParameters

MINE = LevelWeights(1, 2.5, 0.1 + 0.2)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty HOME, here and under Windows."""
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    return tmp_path


@pytest.fixture
def write(home):
    """Put bytes in the place of the presets file; None is a folder there."""

    def put(content):
        path = presets_path()
        path.parent.mkdir()
        if content is None:
            path.mkdir()
        else:
            path.write_bytes(content)
        return path

    return put


def refused(function, *values):
    """The one line that a call is refused with."""
    with pytest.raises(PomodoroError) as error:
        function(*values)
    assert str(error.value)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_file_lies_in_the_home_folder(home):
    assert home in presets_path().parents
    assert user_presets() == {}
    assert all_presets() == PRESETS
    assert list(home.iterdir()) == []


def test_saved_listed_and_deleted(home):
    save_preset("mine", MINE)
    save_preset("other-1.5_x", FLAT)
    assert user_presets() == {"mine": MINE, "other-1.5_x": FLAT}
    assert all_presets() == {**PRESETS, "mine": MINE, "other-1.5_x": FLAT}
    save_preset("mine", LevelWeights(4, 5, 6))
    assert user_presets() == {"mine": LevelWeights(4, 5, 6), "other-1.5_x": FLAT}
    delete_preset("mine")
    assert user_presets() == {"other-1.5_x": FLAT}
    delete_preset("other-1.5_x")
    assert all_presets() == PRESETS
    assert [path.name for path in presets_path().parent.iterdir()] == [presets_path().name]


@pytest.mark.parametrize("name", PRESETS)
def test_built_in_names_are_refused(home, name):
    assert "built in" in refused(save_preset, name, MINE)
    assert f"{name} is not one of your presets: there are none" in refused(delete_preset, name)
    assert list(home.iterdir()) == []


def test_built_in_presets_stay_what_they_are(write):
    write(b'{"ms": [1, 1, 1], "mine": [1, 2, 3]}')
    assert all_presets() == {**PRESETS, "mine": LevelWeights(1, 2, 3)}


def test_an_unknown_preset_is_answered_with_the_known():
    save_preset("mine", MINE)
    assert refused(delete_preset, "mien") == "mien is not one of your presets: mine"
    assert user_presets() == {"mine": MINE}


@pytest.mark.parametrize(
    "name",
    ["", " ", "1", "3-8-1.5", "a b", "a+b", "a:b", "a/b", "../a", "a,b", "a=b", "-a", "_a", "a\n", "a" * 33, "'a'"],
)
def test_bad_names_are_refused(home, name):
    assert f"{name!r} is no preset name" in refused(save_preset, name, MINE)
    assert list(home.iterdir()) == []


DAMAGED = {
    "empty": b"",
    "cut": b'{"a": [1, 2',
    "list": b"[]",
    "null": b"null",
    "number": b"1",
    "string": b'"ms"',
    "word for weights": b'{"a": "x"}',
    "text for weights": b'{"a": "123"}',
    "object for weights": b'{"a": {"1": 0, "2": 0, "3": 0}}',
    "number for weights": b'{"a": 1}',
    "null for weights": b'{"a": null}',
    "two weights": b'{"a": [1, 2]}',
    "four weights": b'{"a": [1, 2, 3, 4]}',
    "nan": b'{"a": [NaN, 1, 1]}',
    "infinite": b'{"a": [1, Infinity, 1]}',
    "overflow": b'{"a": [1, 1, 1e999]}',
    "negative": b'{"a": [-1, 1, 1]}',
    "zero": b'{"a": [0, 0, 0]}',
    "null weight": b'{"a": [null, 1, 1]}',
    "nested weight": b'{"a": [[1], 1, 1]}',
    "bad name": b'{"a b": [1, 1, 1]}',
    "no name": b'{"": [1, 1, 1]}',
    "surrogate": b'{"\\ud800": [1, 1, 1]}',
    "second is bad": b'{"a": [1, 1, 1], "b": "x"}',
    "binary": b"\x00\xff\xfe\x80" * 100,
    "utf-16": '{"a": [1, 1, 1]}'.encode("utf-16"),
    "deep list": b"[" * 100_000,
    "deep object": b'{"a":' * 100_000,
    "deep weights": b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "huge integer": b'{"a": [1' + b"0" * 400 + b", 1, 1]}",
    "very huge integer": b'{"a": [1' + b"0" * 10_000 + b", 1, 1]}",
    "huge": b'{"a": [' + b"1," * 500_000 + b"1]}",
    "huge text": b"x" * 5_000_000,
    "directory": None,
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
class TestDamaged:
    def test_counts_as_none(self, write, content):
        write(content)
        assert all_presets() == PRESETS
        assert NoiseParameters(preset="ms").weights == PRESETS["ms"]
        assert parse_schemes("ms") == [Scheme("ms", PRESETS["ms"])]

    def test_is_refused_and_left_untouched(self, write, content):
        path = write(content)
        for call in ((user_presets,), (save_preset, "mine", MINE), (delete_preset, "a")):
            assert len(refused(*call)) < 500
        assert path.is_dir() if content is None else path.read_bytes() == content
        assert list(path.parent.iterdir()) == [path]

    def test_is_named(self, write, content):
        path = write(content)
        for call in ((user_presets,), (save_preset, "mine", MINE), (delete_preset, "a")):
            assert str(path) in refused(*call)


def test_a_file_in_place_of_the_folder(home):
    (home / ".pymol").write_bytes(b"kept")
    assert all_presets() == PRESETS
    refused(save_preset, "mine", MINE)
    assert (home / ".pymol").read_bytes() == b"kept"


@pytest.mark.parametrize("exists", [True, False])
def test_a_full_disk_loses_nothing(home, mount, fill, exists):
    mount("64k", folder=home)
    if exists:
        save_preset("mine", MINE)
    full = fill(home)
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    message = refused(save_preset, "other", FLAT)
    assert message == f"cannot write {presets_path()}: No space left on device"
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before
    full.unlink()
    save_preset("other", FLAT)
    assert user_presets() == {**({"mine": MINE} if exists else {}), "other": FLAT}


def test_a_read_only_home(home, mount):
    mount("64k", "ro", folder=home)
    assert refused(save_preset, "mine", MINE) == f"cannot write {presets_path()}: Read-only file system"
    assert all_presets() == PRESETS


@pytest.fixture(params=["pipe", "loop", "device", "forbidden", "socket"])
def odd(request, home):
    """Something else in the place of the presets file: none of these may be waited for."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("POSIX only")
    path = presets_path()
    path.parent.mkdir()
    if request.param == "pipe":
        os.mkfifo(path)
    elif request.param == "loop":
        path.symlink_to(path)
    elif request.param == "device":
        path.symlink_to("/dev/zero")
    elif request.param == "forbidden":
        path.write_text('{"a": [1, 1, 1]}')
        path.chmod(0)
        if os.geteuid() == 0:
            return None
    else:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(os.path.relpath(path))
    return path


def test_what_is_no_file_counts_as_none(odd):
    if odd is None:
        assert list(user_presets()) == ["a"]  # root reads all
        return
    assert all_presets() == PRESETS
    for call in ((user_presets,), (save_preset, "mine", MINE), (delete_preset, "a")):
        assert str(odd) in refused(*call)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": [1, 1, 1], "a": [2, 2, 2]}', {"a": LevelWeights(2, 2, 2)}),
        ('{"a": [1, 1, 1], "ms": [9, 9, 9]}', {"a": LevelWeights(1, 1, 1), "ms": LevelWeights(9, 9, 9)}),
    ],
)
def test_names_given_twice(write, text, found):
    write(text.encode())
    assert user_presets() == found
    assert all_presets()["ms"] == PRESETS["ms"]


@pytest.mark.parametrize(
    "name",
    ["a\n", "a;/open(1)", "<b>a</b>", "a\x00b", "a\u2028b", "../../a", "{0.__class__}", "%s", "$(touch x)", "a'b"],
)
def test_names_that_mean_something_elsewhere(write, name):
    path = write(json.dumps({name: [1, 1, 1]}).encode())
    assert all_presets() == PRESETS
    assert str(path) in refused(user_presets)


def test_the_file_is_json_of_three_numbers():
    save_preset("mine", MINE)
    assert json.loads(presets_path().read_text(encoding="utf-8")) == {"mine": [1, 2.5, 0.1 + 0.2]}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("flat", ["flat"]),
        ("flat+ms+1:1:15", ["flat", "ms", "1:1:15"]),
        (" 1:1:15 +  flat ", ["1:1:15", "flat"]),
        ("ms rb", ["ms", "rb"]),
        ("ms+ms+rb+ms", ["ms", "rb"]),
        ("3-8-1+2-6-2+0.5:1e-1:0", ["3-8-1", "2-6-2", "0.5:1e-1:0"]),
        ("mine+flat", ["mine", "flat"]),
        ("+ms+", ["ms"]),
    ],
)
def test_schemes(text, names):
    save_preset("mine", MINE)
    known = {**PRESETS, "mine": MINE}
    typed = {"1:1:15": LevelWeights(1, 1, 15), "0.5:1e-1:0": LevelWeights(0.5, 0.1, 0)}
    assert parse_schemes(text) == [Scheme(name, {**known, **typed}[name]) for name in names]


@pytest.mark.parametrize("word", ["mien", "1", "1:1", "1:1:1:1", "a:b:c", "1:1:", "::", "1,1,1", "MS"])
def test_a_word_that_is_no_scheme(word):
    save_preset("mine", MINE)
    message = refused(parse_schemes, f"flat+{word}")
    assert message.startswith(f"{word!r} is no weight scheme")
    for name in (*PRESETS, "mine"):
        assert name in message
    assert "1:1:15" in message


@pytest.mark.parametrize("text", ["", " ", "+", " + "])
def test_no_scheme(text):
    assert refused(parse_schemes, text).startswith("give at least one weight scheme")


@pytest.mark.parametrize(("text", "reason"), [("0:0:0", "zero"), ("-1:1:1", "negative"), ("nan:1:1", "finite")])
def test_schemes_are_weights(text, reason):
    assert reason in refused(parse_schemes, text)


@pytest.mark.parametrize(
    "weights", [MINE, LevelWeights(3, 8, 1), LevelWeights(1 / 3, 1e-7, 0), LevelWeights(5e6, 1e6, 0)], ids=str
)
def test_a_run_under_a_preset_outlives_it(weights):
    save_preset("mine", weights)
    parameters = NoiseParameters(preset="mine", frames=5)
    assert parameters.weights == weights
    assert NoiseParameters.from_text(parameters.to_text()) == parameters
    spelt = parameters.spelt_out()
    delete_preset("mine")
    assert (spelt.preset, spelt.frames) == ("", 5)
    again = NoiseParameters.from_text(spelt.to_text())
    assert again == spelt
    assert again.weights.shares == pytest.approx(weights.shares, rel=1e-15)


@pytest.mark.parametrize("parameters", [NoiseParameters(preset="rb"), NoiseParameters(wc=2)], ids=str)
def test_nothing_else_is_spelt_out(parameters):
    assert parameters.spelt_out() is parameters


def test_a_deleted_preset_is_no_choice():
    save_preset("mine", MINE)
    delete_preset("mine")
    with pytest.raises(PomodoroError, match=re.escape("preset must be one of flat, ms, rb, 3-8-1, 2-6-2")):
        NoiseParameters(preset="mine")


def test_weights_are_resolved_once():
    save_preset("mine", MINE)
    parameters = NoiseParameters(preset="mine")
    delete_preset("mine")
    assert parameters.weights == MINE
    save_preset("mine", FLAT)
    assert parameters.weights == MINE
    assert NoiseParameters(preset="mine").weights == FLAT
    assert copy.deepcopy(parameters).weights == pickle.loads(pickle.dumps(parameters)).weights == MINE
    assert [*vars(parameters)] == NoiseParameters.names()


def test_no_file_is_read_for_what_is_built_in(monkeypatch):
    monkeypatch.setattr(presets, "user_presets", None)
    assert {name: preset_weights(name) for name in PRESETS} == PRESETS


def test_a_preset_that_is_not_there():
    assert refused(preset_weights, "mine").startswith("there is no preset 'mine': choose one of flat, ")


def test_the_panels_file_may_be_anything_too(home, mount):
    from pomodoro_pymol.panel import values

    path = values.place_path()
    path.parent.mkdir()
    for content in (b"[1]", b"\xff", b"[" * 99_999, b" " * (2 << 20), b'{"a": 1, "a": 2'):
        path.write_bytes(content)
        assert values.load_place() == {}
    path.unlink()
    if hasattr(os, "mkfifo"):
        os.mkfifo(path)
        assert values.load_place() == {}
        values.save_place({"tab": 1})
        path.unlink()
    values.save_place({"tab": 1})
    assert values.load_place() == {"tab": 1}
    mount("64k", "ro", folder=path.parent)
    values.save_place({"tab": 2})
    assert values.load_place() == {}
