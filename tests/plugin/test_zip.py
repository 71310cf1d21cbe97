"""The release zip: the same bytes each time, all that is needed inside, nothing else."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import pomodoro_pymol

ROOT = Path(__file__).parents[2]


def run_builder(root, *arguments, **environment):
    return subprocess.run(
        [sys.executable, root / "plugin" / "build_zip.py", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def sources(tmp_path):
    """A copy of what the zip is made of, with other times and permissions and with litter."""
    copy = tmp_path / "sources"
    for folder in ("plugin", "pomodoro_pymol", "icons"):
        shutil.copytree(ROOT / folder, copy / folder, copy_function=shutil.copyfile)
    shutil.copyfile(ROOT / "LICENSE", copy / "LICENSE")
    license_text = (copy / "LICENSE").read_bytes()
    (copy / "LICENSE").write_bytes(license_text.replace(b"\n", b"\r\n"))
    (copy / "pomodoro_pymol" / "health.py").chmod(0o700)
    os.utime(copy / "pomodoro_pymol" / "health.py", (1e9, 1e9))
    cache = copy / "pomodoro_pymol" / "panel" / "__pycache__"
    cache.mkdir(exist_ok=True)
    (cache / "panel.cpython-311.pyc").touch()
    (copy / "pomodoro_pymol" / "notes.txt~").touch()
    return copy


def test_the_same_sources_give_the_same_bytes(sources, tmp_path):
    built = [
        run_builder(ROOT, "--output", tmp_path / "one", TZ="Asia/Tokyo"),
        run_builder(sources, "--output", tmp_path / "two", TZ="America/Lima", PYTHONHASHSEED="7"),
    ]
    one, two = (Path(done.stdout.strip()) for done in built)
    assert one.name == two.name == f"pomodoro-{pomodoro_pymol.__version__}.zip"
    assert one.read_bytes() == two.read_bytes()


def test_the_zip_holds_the_plugin_the_library_and_the_icons(archive):
    with zipfile.ZipFile(archive) as file:
        names = set(file.namelist())
        assert file.testzip() is None
    inside = {f"pomodoro/lib/{path.relative_to(ROOT).as_posix()}" for path in ROOT.glob("pomodoro_pymol/**/*.py")}
    icons = {f"pomodoro/lib/pomodoro_pymol/icons/{path.name}" for path in ROOT.glob("icons/*.svg")}
    assert len(inside) > 80
    assert len(icons) > 15
    others = {"pomodoro/__init__.py", "pomodoro/LICENSE", "pomodoro/lib/pomodoro_pymol/py.typed"}
    assert names == inside | icons | others


def test_the_plugin_manager_is_told_the_librarys_version(archive):
    with zipfile.ZipFile(archive) as file:
        plugin = file.read("pomodoro/__init__.py").decode()
    assert plugin == "# Version: 0.1.0\n" + (ROOT / "plugin" / "pomodoro" / "__init__.py").read_text()


def test_sources_that_tell_no_version_are_not_built(sources, tmp_path):
    path = sources / "pomodoro_pymol" / "__init__.py"
    path.write_text(path.read_text().replace("__version__ = ", "version = "))
    done = run_builder(sources, "--output", tmp_path)
    assert done.returncode == 1
    assert done.stderr == f"{path} tells no version\n"
    assert not list(tmp_path.glob("*.zip"))


def test_the_library_runs_from_the_zips_folder_alone(archive, tmp_path):
    zipfile.ZipFile(archive).extractall(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "pomodoro" / "lib")}
    command = [sys.executable, "-m", "pomodoro_pymol", "check"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert str(tmp_path / "pomodoro" / "lib" / "pomodoro_pymol") in done.stdout, done.stderr
