"""Files of trained networks: what is written is read, and what anyone else may have written is refused in one line."""

from __future__ import annotations

import copy
import io
import json
import os
import pickle
import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pomodoro_pymol import Hierarchy, LawOfSigma, LevelWeights, PomodoroError, Scheme, load_training
from pomodoro_pymol.diffusion.hierarchical import Architecture
from pomodoro_pymol.diffusion.trained_file import TrainedNetwork, is_training, save_training
from pomodoro_pymol.diffusion.training import Training
from pomodoro_pymol.diffusion.training_data import DataAbout
from pomodoro_pymol.diffusion.training_task import Recipe, TrainingSettings
from pomodoro_pymol.experiments.ensemble_training import ensemble_data

SCHEMES = (Scheme("flat", LevelWeights(0, 0, 1)), Scheme("1:3:2", LevelWeights(1, 3, 2)))
STEPS = 7


@pytest.fixture(scope="module")
def training():
    """Two networks of two residues after six of seven steps."""
    hierarchy = Hierarchy(torch.tensor([0, 0, 1, 1, 1]), torch.tensor([0, 0]))
    states = torch.randn(4, 5, 3, generator=torch.Generator().manual_seed(1))
    data = ensemble_data(states, hierarchy, SCHEMES, hold=0)
    recipes = [Recipe(scheme, scaling, 3) for scheme, scaling in zip(SCHEMES, ("levels", "global"))]
    architecture = Architecture(2, 3, width=8, layers=1, channels=4)
    found = Training(data, recipes, architecture, TrainingSettings(STEPS, 2, 1e-2, LawOfSigma(2.0)))
    for _ in range(STEPS - 1):
        found.advance()
    found.hierarchy = hierarchy
    return found


@pytest.fixture(scope="module")
def good(training, tmp_path_factory):
    """The bytes of its file."""
    path = tmp_path_factory.mktemp("good") / "good.npz"
    levels = training.data.levels
    save_training(path, training, DataAbout("some", "a" * 64, 5, 2, "b" * 64, "fixed", 0, levels))
    return path.read_bytes()


@pytest.fixture
def load(tmp_path):
    """A function that loads a file of some bytes."""

    def read(data: bytes) -> Any:
        (tmp_path / "it.npz").write_bytes(data)
        return load_training(tmp_path / "it.npz")

    return read


@pytest.fixture
def refused(load):
    """A function that lets bytes be refused, in one line and with little memory; returns the line."""

    def read(data: bytes) -> str:
        tracemalloc.start()
        try:
            with pytest.raises(PomodoroError) as refusal:
                load(data)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        line = str(refusal.value)
        assert line.isprintable()
        assert line.startswith("it.npz is ")
        assert peak < 4 * len(data) + (2 << 20)
        return line

    return read


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(held: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, value in held.items():
            archive.writestr(name, value)
    return file.getvalue()


def npy(array: Any, allow_pickle: bool = False) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(array), allow_pickle=allow_pickle)
    return file.getvalue()


def header(shape: tuple, descr: str = "<f4") -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    return file.getvalue()


def about_of(data: bytes) -> dict[str, Any]:
    return json.loads(bytes(np.load(io.BytesIO(members(data)["about.npy"]))))


def with_text(data: bytes, text: bytes) -> bytes:
    return packed({**members(data), "about.npy": npy(np.frombuffer(text, np.uint8))})


def with_about(data: bytes, about: Any) -> bytes:
    return with_text(data, json.dumps(about).encode())


def test_what_is_written_is_read(training, good, load):
    found = load(good)
    assert (found.architecture, found.recipes, found.settings) == (
        training.architecture,
        training.recipes,
        training.settings,
    )
    assert (found.step, found.curve, found.pending) == (6, training.curve, training.pending)
    assert found.data.levels == training.data.levels
    for kind, values in training.arrays().items():
        assert list(found.arrays[kind]) == list(values)
        assert all(torch.equal(found.arrays[kind][name], value) for name, value in values.items())
    coords, c_noise = torch.randn(3, 5, 3), torch.randn(3, 3)
    for number in (0, 1):
        one, other = (
            TrainedNetwork(network, training.hierarchy)(coords, c_noise)
            for network in (found.network(number), training.network_of(number))
        )
        assert all(map(torch.equal, one, other))
    assert [found.find(scheme.weights) for scheme in SCHEMES] == [0, 1]
    assert found.find(LevelWeights(2, 6, 4), "levels") == 1
    with pytest.raises(
        PomodoroError, match=r"it.npz has no network .* shares 0:0.5:0.5: it has flat levels, 1:3:2 glo"
    ):
        found.find(LevelWeights(0, 1, 1))


def test_steps_that_wait_for_a_point_of_the_curves_are_kept(good, load):
    """With 300 steps there is a point every third."""
    about = about_of(good)
    about["settings"]["steps"], about["step"] = 300, 7
    held = members(with_about(good, about))
    curve, losses = np.ones((2, 5)), np.array([[0.1, 0.2]])
    curve[:, 0] = 3, 6
    found = load(packed({**held, "curve.npy": npy(curve), "pending.npy": npy(losses)}))
    assert found.pending == losses.tolist()
    assert found.curve == [(3, [1, 1], [1, 1]), (6, [1, 1], [1, 1])]


def deep(count: int = 200_000) -> bytes:
    return b"[" * count


class Bang:
    def __reduce__(self) -> Any:
        return Path.write_text, (Path("BANG"), "")


def bomb(held: dict[str, bytes]) -> bytes:
    name = "weights.kind.npy"
    return packed({**held, name: header((2, 2, 1 << 24)) + bytes(1 << 27)}, zipfile.ZIP_DEFLATED)


def overlapping(held: dict[str, bytes]) -> bytes:
    """Let the list of the archive name the largest of its members again and again."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, value in held.items():
            archive.writestr(name, value)
        largest = max(archive.infolist(), key=lambda entry: entry.file_size)
        for number in range(200):
            again = copy.copy(largest)
            again.filename = f"more{number}.npy"
            archive.filelist.append(again)
    return file.getvalue()


def twice(held: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, value in held.items():
            archive.writestr(name, value)
        archive.filelist.append(copy.copy(archive.getinfo("pending.npy")))
    return file.getvalue()


WITHOUT = "weights.kind.npy"
#: What is done to the members of a good file, and what is said of it.
HOSTILE: dict[str, tuple[Any, str]] = {
    "empty": (lambda held: b"", "no file of pomtrain"),
    "text": (lambda held: b"PK\3\4 not at all" * 50, "no file of pomtrain"),
    "a pickle": (lambda held: pickle.dumps(Bang()), "no file of pomtrain"),
    "one array": (lambda held: npy(np.zeros(3)), "no file of pomtrain"),
    "another archive": (lambda held: packed({"coords.npy": npy(np.zeros(3))}), "no file of pomtrain"),
    "a bomb": (bomb, "it is compressed"),
    "compressed": (lambda held: packed(held, zipfile.ZIP_LZMA), "it is compressed"),
    "two of one name": (twice, "two arrays of one name"),
    "overlapping": (overlapping, "says that it holds more than it does"),
    "no weights": (lambda held: packed({k: v for k, v in held.items() if k != WITHOUT}), "it lacks 'weights.kind'"),
    "no curve": (lambda held: packed({k: v for k, v in held.items() if k != "curve.npy"}), "it lacks 'curve'"),
    "objects": (
        lambda held: packed({**held, WITHOUT: npy(np.array([Bang()]), True)}),
        "is object of (1,), not float32",
    ),
    "objects about": (lambda held: packed({**held, "about.npy": npy(np.array([Bang()]), True)}), "is object of (1,)"),
    "float64": (lambda held: packed({**held, WITHOUT: npy(np.zeros((2, 2, 8)))}), "is float64 of (2, 2, 8)"),
    "big endian": (lambda held: packed({**held, WITHOUT: npy(np.zeros((2, 2, 8), ">f4"))}), "is >f4"),
    "columns": (lambda held: packed({**held, WITHOUT: npy(np.zeros((2, 2, 8), "f4", "F"))}), "weights.kind is"),
    "nan": (lambda held: packed({**held, WITHOUT: npy(np.full((2, 2, 8), np.nan, "f4"))}), "weights.kind is not fin"),
    "infinite losses": (lambda held: packed({**held, "curve.npy": npy(np.full((6, 5), np.inf))}), "curve is not finit"),
    "a huge header": (lambda held: packed({**held, WITHOUT: header((1 << 40, 2, 8))}), "(1099511627776, 2, 8), not"),
    "rows beyond": (lambda held: packed({**held, "curve.npy": header((1 << 60, 5), "<f8")}), "is damaged"),
    "negative rows": (lambda held: packed({**held, "curve.npy": header((-1, 5), "<f8") + bytes(240)}), "do not fit"),
    "cut weights": (lambda held: packed({**held, WITHOUT: held[WITHOUT][:-4]}), "is damaged"),
    "more weights": (lambda held: packed({**held, WITHOUT: held[WITHOUT] + bytes(4)}), "is damaged"),
    "no header": (lambda held: packed({**held, WITHOUT: b"\x93NUMPY\1\0"}), "is damaged"),
    "a later format": (lambda held: packed({**held, WITHOUT: b"\x93NUMPY\3\0" + held[WITHOUT][8:]}), "version (3, 0)"),
    "curve of fewer": (lambda held: packed({**held, "curve.npy": npy(np.zeros((6, 3)))}), "(any, 5)"),
    "curve of other steps": (lambda held: packed({**held, "curve.npy": npy(np.zeros((6, 5)))}), "do not fit"),
    "too much pending": (lambda held: packed({**held, "pending.npy": npy(np.zeros((1, 2)))}), "do not fit"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives(good, refused, monkeypatch, tmp_path, name):
    monkeypatch.chdir(tmp_path)
    make, says = HOSTILE[name]
    assert says in refused(make(members(good)))
    assert not (tmp_path / "BANG").exists()


TEXTS = {
    "not text": b"\xff\xfe{}",
    "not JSON": b"{",
    "a list": b"[]",
    "a number": b"1",
    "deep": deep(),
    "long": b" " * (5 << 20) + b"{}",
    "huge number": b'{"format": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("name", TEXTS)
def test_hostile_texts_about_it(good, refused, name):
    assert "is damaged: " in refused(with_text(good, TEXTS[name]))


VALUES = {
    ("format",): ("another", "its format is 'another'"),
    ("format", ""): ("x" * 1000, "its format is 'xxx"),
    ("step",): (STEPS + 1, "do not fit"),
    ("recipes",): ([], "no network"),
    ("recipes", 0, 0): ("a\nb", "the name of a scheme is wrong"),
    ("recipes", 1, 0): ("\x1b[2J", "the name of a scheme is wrong"),
    ("recipes", 0, 0, ""): ("a b", "the name of a scheme is wrong"),
    ("recipes", 1, 0, ""): ("m" * 1000, "the name of a scheme is wrong"),
    ("recipes", 0, 1): ([-1, 0, 0], "the chain weight"),
    ("recipes", 0, 2): ("own", "scaling"),
    ("recipes", 0, 3): (-1, "a count is -1"),
    ("recipes", 1, 3): (1 << 70, "a count is 118"),
    ("architecture", "layers"): (1 << 30, "1073741824 layers"),
    ("architecture", "heads"): (1 << 30, "width must be a multiple"),
    ("architecture", "width"): (-8, "a count is -8"),
    ("architecture", "n_kinds"): (1 << 32, "not float32 of (2, 4294967296"),
    ("architecture", "reach"): (1 << 32, "not float32 of"),
    ("architecture", "depth"): (3, "depth"),
    ("settings", "steps"): (5, "do not fit"),
    ("settings", "batch"): (0, "a count is 0"),
    ("settings", "rate"): (float("nan"), "positive and finite"),
    ("settings", "seed"): (0, "seed"),
    ("settings", "law", "sigma_data"): (float("nan"), "sigma_data and p_std must be positive"),
    ("data", "levels"): ([1.0, float("nan"), 1.0], "positive and finite"),
    ("data", "pose"): ("loose", "its data"),
    ("data", "hold"): (-1, "a count is -1"),
    ("data", "source"): (["x"], "its data"),
    ("data", "\x1b[2J\n"): (0, "damaged"),
}


def put(plain: Any, path: tuple, value: Any) -> Any:
    plain = copy.deepcopy(plain)
    at = plain
    path = tuple(part for part in path if part != "")
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = value
    return plain


@pytest.mark.parametrize("path", VALUES, ids=str)
def test_hostile_values_about_it(good, refused, path):
    value, says = VALUES[path]
    assert says in refused(with_about(good, put(about_of(good), path, value)))


def leaves(plain: Any, path: tuple = ()) -> list[tuple]:
    """Return the places of all values, also of those that hold others."""
    inside = plain.items() if isinstance(plain, dict) else enumerate(plain) if isinstance(plain, list) else ()
    return [path] * bool(path) + [place for key, value in inside for place in leaves(value, (*path, key))]


ODD = (None, True, -1, 0, 2, 10**30, 1e300, float("inf"), "x", "\n", [], [[]], {}, {"x": 1})


def test_whatever_stands_there_it_is_a_line_or_a_network(training, good, load):
    """Each value in turn is another; what is taken can be used, and fits in memory."""
    about, taken = about_of(good), 0
    for path in leaves(about):
        for value in ODD:
            data = with_about(good, put(about, path, value))
            try:
                found = load(data)
            except PomodoroError:
                continue
            taken += 1
            network = TrainedNetwork(found.network(1), training.hierarchy)
            assert network(torch.zeros(1, 5, 3), torch.zeros(1, 3))[0].shape == (1, 5, 3)
            assert "\n" not in found.recipes[0].name
    assert taken > 20


def test_a_file_that_was_cut_or_damaged_anywhere(good, load):
    """Where the damage is in what nothing reads, such as a date, the file is as it was."""
    random = np.random.default_rng(0)
    for size in {*range(0, len(good), 1 + len(good) // 150), len(good) - 1}:
        with pytest.raises(PomodoroError):
            load(good[:size])
    for _ in range(300):
        damaged = bytearray(good)
        damaged[random.integers(len(good))] ^= 1 << random.integers(8)
        with suppress(PomodoroError):
            assert load(bytes(damaged)).step == 6


@pytest.mark.parametrize("kind", ["absent", "a folder", "a pipe"])
def test_what_is_no_file(tmp_path, kind):
    path = tmp_path / "x.npz"
    if kind == "a folder":
        path.mkdir()
    elif kind == "a pipe":
        os.mkfifo(path)
    with pytest.raises(PomodoroError, match=r"^cannot read .*x\.npz: "):
        load_training(path)
    assert not is_training(path)


def test_files_are_told_from_others(training, good, tmp_path):
    (tmp_path / "good.npz").write_bytes(good)
    (tmp_path / "text.npz").write_bytes(b"text")
    (tmp_path / "other.npz").write_bytes(packed({"about.npy": b""}))
    assert [is_training(tmp_path / f"{name}.npz") for name in ("good", "text", "other", "absent")] == [
        *(True, False, False, False)
    ]


def test_weights_that_are_not_finite_are_not_written(training, good, tmp_path):
    (tmp_path / "it.npz").write_bytes(good)
    other = Training(training.data, training.recipes, training.architecture, training.settings)
    other.advance()
    with torch.no_grad():
        other.networks[0][1].weights["kind"][0, 0, 0] = float("nan")
    with pytest.raises(PomodoroError, match="the weights are not finite at step 1: give a smaller rate"):
        save_training(tmp_path / "it.npz", other, load_training(tmp_path / "it.npz").data)
    assert (tmp_path / "it.npz").read_bytes() == good


def test_a_full_disk_leaves_the_former_file(training, good, mount, fill):
    folder = mount("1m")
    path = folder / "it.npz"
    path.write_bytes(good)
    about = load_training(path).data
    fill(folder)
    with pytest.raises(PomodoroError, match=r"^cannot write .*it\.npz: No space left on device$"):
        save_training(path, training, about)
    assert path.read_bytes() == good
    assert sorted(entry.name for entry in folder.iterdir()) == ["full", "it.npz"]
