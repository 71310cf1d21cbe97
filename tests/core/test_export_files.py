"""A file is there whole, or as it was before; and nothing else is."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.io.disk import atomic_write, temporary_folder


def test_the_file_appears_at_the_end(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with atomic_write(path, "w", newline="") as file:
        file.write("new\n")
        assert path.read_text() == "old"
        assert os.path.dirname(file.name) == str(tmp_path)
        assert file.name.endswith(".txt")
    assert path.read_bytes() == b"new\n"
    assert os.listdir(tmp_path) == ["a.txt"]


def _stop(file, error):
    file.write("half")
    raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, PomodoroError, ZeroDivisionError])
@pytest.mark.parametrize("existing", [True, False])
def test_whatever_stops_it_leaves_no_trace(tmp_path, error, existing):
    path = tmp_path / "a.txt"
    if existing:
        path.write_text("old")
    with pytest.raises(error), atomic_write(path, "w") as file:
        _stop(file, error)
    assert [name.read_text() for name in tmp_path.iterdir()] == ["old"] * existing


def test_permissions_are_those_of_any_new_file(tmp_path):
    (tmp_path / "plain").write_text("")
    with atomic_write(tmp_path / "ours") as file:
        file.write(b"")
    assert (tmp_path / "plain").stat().st_mode == (tmp_path / "ours").stat().st_mode


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "real").write_text("old")
    (tmp_path / "link").symlink_to("folder/real")
    with atomic_write(tmp_path / "link", "w") as file:
        file.write("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder" / "real").read_text() == "new"


def test_a_long_name(tmp_path):
    path = tmp_path / ("a" * 250 + ".pdb")
    with atomic_write(path, "w") as file:
        file.write("x")
    assert path.read_text() == "x"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("missing/a.pdb", "its folder does not exist"),
        ("file/a.pdb", "Not a directory"),
        ("folder", "it is a folder"),
        ("/dev/null", "it is not a regular file"),
        ("/proc/a.pdb", ""),
        ("a" * 300, "File name too long"),
    ],
)
def test_where_nothing_can_be_written(tmp_path, path, reason):
    (tmp_path / "file").write_text("old")
    (tmp_path / "folder").mkdir()
    whole = tmp_path / path
    with pytest.raises(PomodoroError) as caught, atomic_write(whole) as file:
        file.write(b"x")
    line = str(caught.value)
    assert line.startswith(f"cannot write {whole}: ")
    assert line.endswith(reason)
    assert "\n" not in line
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]
    assert (tmp_path / "file").read_text() == "old"


def test_a_read_only_folder(mount):
    disk = mount("64k")
    (disk / "a").write_text("old")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(PomodoroError, match="Read-only file system"), atomic_write(disk / "a"):
        pass
    assert [path.read_text() for path in disk.iterdir()] == ["old"]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="POSIX only")
def test_a_folder_of_another_user(tmp_path):
    """As a user who may not write there: root may write anywhere."""
    (tmp_path / "a").write_text("old")
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(folder.stat().st_mode | 0o055)
    tmp_path.chmod(0o555)
    program = """
import os, sys
from pomodoro_pymol.io.disk import atomic_write
from pomodoro_pymol.errors import PomodoroError
if os.geteuid() == 0:
    os.setuid(65534)
try:
    with atomic_write(sys.argv[1]):
        pass
except PomodoroError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "a")], capture_output=True, text=True)
    assert done.stdout == f"cannot write {tmp_path}/a: Permission denied\n", done.stderr
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_the_error_of_another_file_passes(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "a"):
        (tmp_path / "other" / "file").read_text()
    assert os.listdir(tmp_path) == []


FULL = """
import resource, signal, sys
import numpy as np
from pomodoro_pymol import PomodoroError, Structure, save_dcd, save_mmcif, save_pdb
from pomodoro_pymol.structure.atoms import ATOM_LABELS, RESIDUE_LABELS

residues = np.array([("", "A", "1", "GLY", False)], RESIDUE_LABELS)
atoms = np.array([("CA", "C", "")] * 500, ATOM_LABELS)
structure = Structure(np.zeros((500, 3), np.float32), atoms, residues, np.zeros(500, int))
frames = np.zeros((20, 500, 3), np.float32)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
limit = int(sys.argv[2])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
writers = {
    "pdb": lambda path: save_pdb(path, structure, frames),
    "cif": lambda path: save_mmcif(path, structure, frames),
    "dcd": lambda path: save_dcd(path, frames),
}
for kind, write in writers.items():
    try:
        write(f"{sys.argv[1]}/frames.{kind}")
    except PomodoroError as error:
        print(error)
"""


def run_full(folder, limit):
    pytest.importorskip("resource")
    for kind in ("pdb", "cif", "dcd"):
        (folder / f"frames.{kind}").write_text("old")
    done = subprocess.run([sys.executable, "-c", FULL, str(folder), str(limit)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        f"frames.{kind}": "old" for kind in ("pdb", "cif", "dcd")
    }
    return done.stdout.splitlines()


def test_a_file_over_the_limit(tmp_path):
    assert run_full(tmp_path, 65536) == [
        f"cannot write {tmp_path}/frames.{kind}: File too large" for kind in ("pdb", "cif", "dcd")
    ]


def test_a_full_disk(mount):
    disk = mount("64k")
    assert run_full(disk, 0) == [
        f"cannot write {disk}/frames.{kind}: No space left on device" for kind in ("pdb", "cif", "dcd")
    ]


WRITER = """
import itertools, os, sys
from pathlib import Path
from pomodoro_pymol.io.disk import atomic_write, temporary_folder

for number in itertools.count():
    with temporary_folder("pomodoro-") as folder:
        (folder / "frames.dcd").write_bytes(bytes(100_000))
        with atomic_write(sys.argv[1]) as file:
            for _ in range(20):
                file.write(b"%08d" % number * 1000)
    if number == 3:
        print("going", flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="killed and locked as on POSIX")
def test_killed_at_any_moment(tmp_path):
    """The file is old or new, whole, and the next write removes what dead writers left, and nothing of a living one."""
    (tmp_path / "tmp").mkdir()
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / "frames.dcd"
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    moments = random.Random(0)

    def start():
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert writer.stdout.readline() == b"going\n"
        return writer

    def is_whole():
        data = path.read_bytes()
        return len(data) == 160_000 and data == data[:8] * 20_000

    living = start()
    writers = [start() for _ in range(3)]
    for _ in range(12):
        time.sleep(moments.uniform(0, 0.05))
        writer = writers.pop(0)
        writer.kill()
        writer.communicate()
        assert is_whole()
        assert {name.name[:6] for name in (tmp_path / "out").iterdir()} <= {"frames", ".part-"}
        if len(writers) < 2:
            writers += [start()]
    for writer in writers:
        writer.kill()
        writer.communicate()
    assert living.poll() is None  # it never lost its part to another
    living.send_signal(signal.SIGINT)
    assert b"KeyboardInterrupt" in living.communicate()[1]
    suicide = WRITER.replace("for _ in range(20)", "for _ in [os.kill(os.getpid(), 9)]")
    subprocess.run([sys.executable, "-c", suicide, str(path)], env=environment, check=False)
    assert list((tmp_path / "out").glob(".part-*"))
    assert list((tmp_path / "tmp").glob("*/frames.dcd"))
    once = WRITER.replace("itertools.count()", "[7]")
    subprocess.run([sys.executable, "-c", once, str(path)], env=environment, check=True)
    assert path.read_bytes() == b"00000007" * 20_000
    assert os.listdir(tmp_path / "out") == ["frames.dcd"]
    # At most empty folders, of one killed as it made them.
    assert list((tmp_path / "tmp").glob("*/*")) == []


@pytest.mark.skipif(os.name != "posix", reason="killed and locked as on POSIX")
def test_only_what_is_ours_is_cleaned_up(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    kept = (".part-mine-a.txt", ".part-0123abcd-b.txt", "part-0123abcd-a.txt", "x.part-0123abcd-a.txt")
    for name in (*kept, ".part-0123abcd-a.txt"):
        (tmp_path / name).write_text(name)
    os.mkfifo(tmp_path / ".part-89abcdef-a.txt")
    for name, lock in (
        ("pomodoro-demo", "lock"),
        ("pomodoro-abcdefgh", "lock"),
        ("pomodoro-ijklmnop", ".pomodoro-temporary"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / lock).write_text("")
    with atomic_write(tmp_path / "a.txt", "w") as file, temporary_folder("pomodoro-"):
        file.write("new")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"a.txt", *kept, "pomodoro-demo", "pomodoro-abcdefgh"} | (left & {".part-89abcdef-a.txt"})
