"""What Windows and macOS do otherwise, simulated: names, files that are held, paths, terminals, memory."""

import ctypes
import os
import subprocess
import sys
import types
import unicodedata
from pathlib import Path

import pytest

from pomodoro_pymol import health
from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.experiments import outputs
from pomodoro_pymol.io import disk
from pomodoro_pymol.utils import memory


@pytest.fixture
def windows(monkeypatch):
    """No locks of POSIX, as on Windows."""
    monkeypatch.setattr(disk, "fcntl", None)


NEVER = [
    "CON",
    "con.pdb",
    "aux.csv",
    "Nul.tar.gz",
    "COM1.pdb",
    "lpt².csv",
    "prn .pdb",
    "a:b.csv",
    "what?.csv",
]
OTHERS = ["console.pdb", "auxiliary.csv", "com10.pdb", "nul_1.csv", "a.con", ".csv", "a b.c.pdb", "Å.pdb"]


@pytest.mark.parametrize("name", [*NEVER, "out.csv ", "out.csv."])
def test_names_of_devices_and_of_streams_are_no_files_on_windows(tmp_path, monkeypatch, name):
    path = tmp_path / name
    disk.check_target(path)
    monkeypatch.setattr(disk, "fcntl", None)
    with pytest.raises(PomodoroError) as caught, disk.atomic_write(path) as file:
        file.write(b"x")
    assert str(caught.value) == f"cannot write {path}: no file can be called so on Windows"
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", OTHERS)
def test_names_that_resemble_them_are_written(tmp_path, windows, name):
    with disk.atomic_write(tmp_path / name) as file:
        file.write(b"x")
    assert os.listdir(tmp_path) == [name]
    assert (tmp_path / name).read_bytes() == b"x"


@pytest.mark.parametrize("path", [r"C:\frames.pdb", "C:frames.pdb", r"\\host\share\frames.pdb", "C:/frames.pdb"])
def test_a_drive_is_no_part_of_a_name(tmp_path, windows, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(disk.os.path, "realpath", lambda _: str(tmp_path / "frames.pdb"))
    disk.check_target(path)


def test_a_file_that_another_program_holds_is_refused_before_the_work(tmp_path, windows, monkeypatch):
    """As Excel holds a table: Windows lets nobody open it, or put another in its place."""
    path = tmp_path / "table.csv"
    path.write_text("old")

    def held(name, mode="r", **_):
        assert "w" not in mode
        raise PermissionError(13, "Permission denied", str(name))

    monkeypatch.setattr(disk, "open", held, raising=False)
    with pytest.raises(PomodoroError) as caught:
        outputs.check_paths(str(path), "")
    assert str(caught.value) == f"cannot write {path}: Permission denied"
    assert path.read_text() == "old"


@pytest.mark.parametrize("locks", [True, False])
def test_a_file_that_comes_to_be_held_meanwhile_stays_as_it_was(tmp_path, monkeypatch, locks):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def replace(one, other):
        raise PermissionError(13, "Access is denied", str(one), None, str(other))

    monkeypatch.setattr(disk.os, "replace", replace)
    if not locks:
        monkeypatch.setattr(disk, "fcntl", None)
    with pytest.raises(PomodoroError) as caught:
        outputs.write_text(str(path), "new")
    assert str(caught.value) == f"cannot write {path}: Access is denied"
    assert [(name, (tmp_path / name).read_text()) for name in os.listdir(tmp_path)] == [("table.csv", "old")]


def test_without_locks_files_are_whole_and_folders_go(tmp_path, windows, monkeypatch):
    monkeypatch.setattr(disk.tempfile, "tempdir", str(tmp_path))
    with disk.temporary_folder("pomodoro-") as folder:
        (folder / "frames.dcd").touch()
        outputs.write_text(str(tmp_path / "a.csv"), "a,b\n1,2\n")
    assert os.listdir(tmp_path) == ["a.csv"]
    assert (tmp_path / "a.csv").read_bytes() == b"a,b\n1,2\n"


def test_a_temporary_file_that_is_still_open_troubles_no_one(tmp_path, windows, monkeypatch):
    monkeypatch.setattr(disk.tempfile, "tempdir", str(tmp_path))
    real = os.unlink

    def unlink(path, **options):
        if os.fspath(path).endswith("frames.dcd"):
            raise PermissionError(13, "The process cannot access the file", path)
        real(path, **options)

    monkeypatch.setattr(os, "unlink", unlink)
    with disk.temporary_folder("pomodoro-") as folder:
        (folder / "frames.dcd").touch()
        (folder / "other.png").touch()
    assert [path.name for path in folder.iterdir()] == ["frames.dcd"]


COMPOSED, PARTED = (unicodedata.normalize(form, "Å.csv") for form in ("NFC", "NFD"))


@pytest.mark.parametrize(
    ("one", "other"),
    [("a.csv", "A.csv"), ("out/a.csv", "OUT/a.csv"), (COMPOSED, PARTED)],
)
def test_two_outputs_are_one_file_where_case_or_composition_do_not_count(tmp_path, monkeypatch, one, other):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(outputs, "_FOLDS", True)
    with pytest.raises(PomodoroError) as caught:
        outputs.check_apart([one, other])
    assert str(caught.value) == f"cannot write {other}: another output goes there"
    with pytest.raises(PomodoroError, match="it is what is read"):
        outputs.check_apart([one], [other])
    monkeypatch.setattr(outputs, "_FOLDS", False)
    outputs.check_apart([one, other])


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("C:/Users/Jürgen/miniconda3/python.exe", "C:/Users/Jürgen/miniconda3/python.exe"),
        ("C:/Program Files/PyMOL/python.exe", '& "C:/Program Files/PyMOL/python.exe"'),
        ("C:/Users/A & B/python.exe", '& "C:/Users/A & B/python.exe"'),
    ],
)
def test_the_install_command_is_one_that_powershell_runs(monkeypatch, path, shown):
    """It runs nothing that is quoted without an &; cmd takes the same where there are no quotes."""
    monkeypatch.setattr(health, "_WINDOWS", True)
    monkeypatch.setattr(sys, "executable", path)
    assert health.install_command("torch") == f"{shown} -m pip install torch"


@pytest.mark.parametrize("program", ["pythonw.exe", "PyMOLWin.exe"])
def test_pip_is_run_by_the_python_of_a_console(tmp_path, monkeypatch, program):
    monkeypatch.setattr(health, "_WINDOWS", True)
    monkeypatch.setattr(sys, "executable", str(tmp_path / program))
    assert health.install_command("torch") == f"{tmp_path / program} -m pip install torch"
    (tmp_path / "python.exe").touch()
    assert health.install_command("torch") == f"{tmp_path / 'python.exe'} -m pip install torch"


def test_what_a_pipes_encoding_lacks_is_written_as_its_number(tmp_path):
    """Windows gives a pipe the encoding of its code page; paths of the user may have any letter."""
    (tmp_path / "模型").mkdir()
    (tmp_path / "模型" / "pomodoro_pymol").symlink_to(Path(health.__file__).parent)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "模型"), "PYTHONIOENCODING": "cp1252"}
    command = [sys.executable, "-m", "pomodoro_pymol", "check"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"\u6a21\u578b" in done.stdout


def test_windows_tells_what_memory_is_free(monkeypatch):
    def tell(reference):
        status = reference._obj
        assert (status.length, ctypes.sizeof(status)) == (64, 64)  # as MEMORYSTATUSEX is
        ctypes.memmove(ctypes.addressof(status) + 16, (3 << 30).to_bytes(8, "little"), 8)  # its ullAvailPhys
        return 1

    kernel = types.SimpleNamespace(GlobalMemoryStatusEx=tell)
    monkeypatch.setattr(ctypes, "windll", types.SimpleNamespace(kernel32=kernel), raising=False)
    assert memory._windows_available() == 3 << 30
