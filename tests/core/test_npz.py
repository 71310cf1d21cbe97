"""Frames as tensors: what is written is what NumPy reads, and what is damaged is refused in one line."""

import io
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch

from pomodoro_pymol import FrameSet, load_frames
from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.io.npz import save_npz
from pomodoro_pymol.structure.atoms import ATOM_LABELS, RESIDUE_LABELS, Structure
from pomodoro_pymol.structure.hierarchy import Hierarchy

LABELS = [("", "A", "1", "GLY", False), ("", "A", "2B", "ALA", False), ("", "", "9", "HEM", True)]
ATOMS = [
    *(("N", "N", ""), ("CA", "C", "A"), ("CA", "C", "B"), ("HA", "H", "")),
    *(("CA", "C", ""), ("D1", "D", ""), ("CA", "Ca", ""), ("FE", "Fe", "")),
]
TITLES = ["truth", "one", "two", "thrée"]


@pytest.fixture(scope="module")
def structure():
    coords = np.random.default_rng(0).normal(0, 60, (len(ATOMS), 3)).astype(np.float32)
    of_atom = np.array([0, 0, 0, 0, 1, 1, 2, 2])
    return Structure(coords, np.array(ATOMS, ATOM_LABELS), np.array(LABELS, RESIDUE_LABELS), of_atom, "toy")


@pytest.fixture(scope="module")
def frames(structure):
    return np.random.default_rng(1).normal(0, 1e4, (3, len(structure), 3)).astype(np.float32)


def save(path, structure, frames, **more):
    save_npz(path, structure, Hierarchy.from_structure(structure), frames, 3, **more)


def test_numpy_reads_what_was_written(tmp_path, structure, frames):
    save(tmp_path / "a.npz", structure, frames, sigma=2.5, titles=TITLES, header=["line"])
    with np.load(tmp_path / "a.npz", allow_pickle=False) as found:
        arrays = dict(found)
    wanted = {
        "coords": frames,
        "truth": structure.coords,
        "sigma": np.full(3, 2.5, np.float32),
        "atom_to_residue": [0, 0, 0, 0, 1, 1, 2, 2],
        "residue_to_chain": [0, 0, 1],
        "polymer_mask": [True, True, False],
        "calpha_mask": [False, True, False, False, True, False, False, False],
        "heavy_mask": [True, True, False, False, True, False, True, True],
        "atom_name": ["N", "CA", "CA", "HA", "CA", "D1", "CA", "FE"],
        "element": ["N", "C", "C", "H", "C", "D", "Ca", "Fe"],
        "residue_name": ["GLY", "ALA", "HEM"],
        "residue_number": ["1", "2B", "9"],
        "chain": ["A", "A", ""],
        "titles": TITLES[1:],
        "header": ["line"],
    }
    assert set(arrays) == set(wanted)
    for name, array in wanted.items():
        np.testing.assert_array_equal(arrays[name], array, err_msg=name)
        assert arrays[name].dtype.kind == ("U" if np.asarray(array).dtype.kind == "U" else arrays[name].dtype.kind)
    kinds = {name: arrays[name].dtype.str for name in wanted if arrays[name].dtype.kind != "U"}
    assert kinds == {
        **dict.fromkeys(("coords", "truth", "sigma"), "<f4"),
        **dict.fromkeys(("atom_to_residue", "residue_to_chain"), "<i8"),
        **dict.fromkeys(("polymer_mask", "calpha_mask", "heavy_mask"), "|b1"),
    }


def test_load_frames_gives_tensors(tmp_path, structure, frames):
    save(tmp_path / "a.npz", structure, torch.from_numpy(frames), sigma=np.array([1, 2, np.nan]), titles=TITLES)
    found = load_frames(tmp_path / "a.npz")
    assert isinstance(found, FrameSet)
    assert torch.equal(found.coords, torch.from_numpy(frames))
    assert torch.equal(found.truth, torch.from_numpy(structure.coords))
    assert found.sigma[:2].tolist() == [1, 2]
    assert found.sigma[2].isnan()
    assert str(found.hierarchy) == str(Hierarchy.from_structure(structure))
    assert found.coords[:, found.calpha_mask].shape == (3, 2, 3)
    assert found.titles.tolist() == TITLES[1:]
    with pytest.raises(AttributeError):
        found.coords = None


def test_frames_without_a_truth(tmp_path, structure, frames):
    save(tmp_path / "a.npz", structure, frames, truth=False, titles=TITLES[1:])
    found = load_frames(tmp_path / "a.npz")
    assert found.truth is None
    assert found.sigma.isnan().all()
    assert found.titles.tolist() == TITLES[1:]
    assert len(found.header) == 0


def test_blocks_are_the_same_file_as_the_array_and_are_not_kept(tmp_path, structure, frames):
    save(tmp_path / "a.npz", structure, frames)
    seen = []

    def blocks():
        for start in (0, 2):
            assert len(seen) == start
            yield frames[start : start + 2].astype(np.float64)

    save(tmp_path / "b.npz", structure, blocks(), progress=lambda *call: seen.append(call))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert seen == [(1, 3), (2, 3), (3, 3)]


MANY = """
import resource, sys
import numpy as np
from pomodoro_pymol.io.npz import save_npz
from pomodoro_pymol.structure.atoms import ATOM_LABELS, RESIDUE_LABELS, Structure
from pomodoro_pymol.structure.hierarchy import Hierarchy

n_atoms, n_frames = 20_000, 1_500
residues = np.array([("", "A", "1", "GLY", False)], RESIDUE_LABELS)
atoms = np.full(n_atoms, np.array(("CA", "C", ""), ATOM_LABELS))
structure = Structure(np.zeros((n_atoms, 3), np.float32), atoms, residues, np.zeros(n_atoms, np.int64))
hierarchy = Hierarchy.from_structure(structure)
frame = np.zeros((1, n_atoms, 3), np.float32)
save_npz(sys.argv[1], structure, hierarchy, iter([frame]), 1)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
save_npz(sys.argv[1], structure, hierarchy, (frame for _ in range(n_frames)), n_frames)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_does_not_grow_with_the_frames(tmp_path):
    pytest.importorskip("resource")
    done = subprocess.run([sys.executable, "-c", MANY, str(tmp_path / "a.npz")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    size = (tmp_path / "a.npz").stat().st_size
    assert size > 340e6
    assert int(done.stdout) * 1024 < size / 10


@pytest.mark.parametrize(("count", "message"), [(2, "is not how many"), (4, "is not how many"), (0, "n_frames is 0")])
def test_a_wrong_count_leaves_nothing(tmp_path, structure, frames, count, message):
    hierarchy = Hierarchy.from_structure(structure)
    with pytest.raises(PomodoroError, match=message):
        save_npz(tmp_path / "a.npz", structure, hierarchy, frames, count)
    if count:
        with pytest.raises(PomodoroError, match=f"n_frames is {count}, but there are {'more' if count == 2 else 3}"):
            save_npz(tmp_path / "a.npz", structure, hierarchy, iter([frames]), count)
    with pytest.raises(PomodoroError, match="2 titles are not one for each of 4 models"):
        save(tmp_path / "a.npz", structure, frames, titles=TITLES[:2])
    with pytest.raises(PomodoroError, match="frame 1 has coordinates that are not finite"):
        save(tmp_path / "a.npz", structure, np.full_like(frames, np.nan))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def arrays(tmp_path, structure, frames):
    save(tmp_path / "a.npz", structure, frames)
    with np.load(tmp_path / "a.npz") as found:
        return dict(found)


CHANGES = {
    "no coords": lambda a: a.pop("coords"),
    "no sigma": lambda a: a.pop("sigma"),
    "doubles": lambda a: a.update(coords=a["coords"].astype(float)),
    "other atoms": lambda a: a.update(coords=a["coords"][:, 1:]),
    "other frames": lambda a: a.update(sigma=a["sigma"][1:]),
    "flat": lambda a: a.update(coords=a["coords"].ravel()),
    "planar": lambda a: a.update(coords=a["coords"][..., :2], truth=a["truth"][..., :2]),
    "not finite": lambda a: a["coords"].__setitem__((0, 0, 0), np.nan),
    "truth not finite": lambda a: a["truth"].__setitem__((0, 0), np.inf),
    "a residue beyond": lambda a: a["atom_to_residue"].__setitem__(0, 9),
    "a residue below": lambda a: a["atom_to_residue"].__setitem__(0, -1),
    "a chain that is empty": lambda a: a["residue_to_chain"].__setitem__(2, 5),
    "numbers for names": lambda a: a.update(atom_name=np.zeros(8)),
    "masks of numbers": lambda a: a.update(heavy_mask=np.zeros(8)),
    "pickled": lambda a: a.update(titles=np.array([None, "x", {}], object)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_not_ours_is_refused(tmp_path, arrays, name):
    CHANGES[name](arrays)
    np.savez(tmp_path / "b.npz", **arrays)
    with pytest.raises(PomodoroError, match=r"b\.npz cannot be read as frames: .+") as caught:
        load_frames(tmp_path / "b.npz")
    assert "\n" not in str(caught.value)


def test_arrays_as_they_were_are_read(tmp_path, arrays):
    """That what `CHANGES` changes is what is refused; and compressed, another's archive is read too."""
    np.savez_compressed(tmp_path / "b.npz", **arrays, more=np.zeros(3))
    np.testing.assert_array_equal(load_frames(tmp_path / "b.npz").coords, arrays["coords"])


def huge():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive, archive.open("coords.npy", "w") as member:
        form = {"descr": "<f4", "fortran_order": False, "shape": (10**9, 10**6, 3)}
        np.lib.format.write_array_header_1_0(member, form)
    return data.getvalue()


def one_array():
    data = io.BytesIO()
    np.save(data, np.zeros(3))
    return data.getvalue()


@pytest.mark.parametrize(
    "data", [b"", b"no archive", b"PK\x03\x04broken", huge(), one_array()], ids=["empty", "text", "zip", "huge", "npy"]
)
def test_foreign_files_are_refused(tmp_path, data):
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(PomodoroError, match=r"a\.npz cannot be read as frames: .+"):
        load_frames(tmp_path / "a.npz")
    for path in (tmp_path / "none.npz", tmp_path):
        with pytest.raises(PomodoroError, match="cannot read"):
            load_frames(path)


def test_damaged_bytes_are_refused_or_change_nothing(tmp_path, structure, frames):
    save(tmp_path / "a.npz", structure, frames, titles=TITLES)
    whole = (tmp_path / "a.npz").read_bytes()
    random = np.random.default_rng(0)
    refused = 0
    for place in random.integers(0, len(whole), 150).tolist():
        for data in (whole[:place], whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :]):
            (tmp_path / "b.npz").write_bytes(data)
            try:
                found = load_frames(tmp_path / "b.npz")
            except PomodoroError:
                refused += 1
                continue
            np.testing.assert_array_equal(found.coords.numpy(), frames)
    assert refused > 250
