"""The source distribution and the wheel: the same bytes from any checkout, complete, and enough for an empty Python."""

import email.parser
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

import pomodoro_pymol

ROOT = Path(__file__).parents[1]
NAME = f"pomodoro_pymol-{pomodoro_pymol.__version__}"
ICONS = {path.name for path in ROOT.glob("icons/*.svg")}
IGNORED = shutil.ignore_patterns(".git", ".venv*", "__pycache__", "*.egg-info", "build", "dist", "pictures", ".*_cache")

BUILD = """
import os, sys
from setuptools import build_meta
_, out, umask = sys.argv
os.umask(int(umask, 8))
for build in (build_meta.build_sdist, build_meta.build_wheel):
    build(out)
"""


def run(*arguments, **options):
    done = subprocess.run(
        [str(argument) for argument in arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def new_python(folder, *packages):
    """Return the Python of a new virtual environment that has some packages and nothing else."""
    run(sys._base_executable, "-m", "venv", folder)
    python = folder / "bin" / "python"
    if packages:
        run(python, "-I", "-m", "pip", "install", "-q", *packages)
    return python


@pytest.fixture(scope="module")
def builder(tmp_path_factory):
    """A Python that has what pyproject.toml says that a build needs."""
    (required,) = re.findall(r'^requires = \["(.+)"\]', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    return new_python(tmp_path_factory.mktemp("builder"), required)


def build(python, checkout, umask, **environment):
    """Return the source distribution and the wheel, as a front end has them built."""
    out = checkout.parent / "out"
    out.mkdir()
    environment = {**{name: os.environ[name] for name in ("PATH", "HOME")}, **environment}
    run(python, "-c", BUILD, out, umask, cwd=checkout, env=environment)
    assert {path.name for path in out.iterdir()} == {f"{NAME}.tar.gz", f"{NAME}-py3-none-any.whl"}
    return out / f"{NAME}.tar.gz", out / f"{NAME}-py3-none-any.whl"


@pytest.fixture(scope="module")
def built(builder, tmp_path_factory):
    checkout = tmp_path_factory.mktemp("one") / "checkout"
    shutil.copytree(ROOT, checkout, ignore=IGNORED)
    return build(builder, checkout, "022")


def add_litter(checkout):
    """Leave behind what other builds, tests and editors leave."""
    for name in ("build/lib/pomodoro_pymol/old.py", "build/bdist.linux-x86_64/wheel/old.py", "tests/__pycache__/a.pyc"):
        (checkout / name).parent.mkdir(parents=True)
        (checkout / name).touch()
    for name in ("stray.txt", "README.md~", "plugin/build_zip.py~"):
        (checkout / name).touch()
    (checkout / "pomodoro_pymol.egg-info").mkdir()
    (checkout / "pomodoro_pymol.egg-info" / "SOURCES.txt").write_text("stray.txt\n")


def test_another_checkout_gives_the_same_bytes(builder, built, tmp_path):
    checkout = tmp_path / "sources of another"
    checkout.mkdir()
    paths = [path for path in ROOT.iterdir() if path.name not in IGNORED(ROOT, [path.name])]
    for path in sorted(paths, reverse=True):  # another order in the folder
        if path.is_dir():
            shutil.copytree(path, checkout / path.name, ignore=IGNORED, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(path, checkout / path.name)
    for number, path in enumerate(checkout.rglob("*")):
        path.chmod(0o700 if path.is_dir() or number % 2 else 0o666)
        os.utime(path, (1e9 + number, 1e9 + number))
    add_litter(checkout)
    other = build(
        builder,
        checkout,
        "077",
        TZ="Asia/Tokyo",
        LC_ALL="tr_TR.UTF-8",
        PYTHONHASHSEED="7",
        PYTHONUTF8="0",
        SOURCE_DATE_EPOCH="1700000000",
    )
    for mine, yours in zip(built, other):
        assert mine.read_bytes() == yours.read_bytes()


def test_the_source_distribution_gives_itself_the_wheel_and_the_zip(builder, built, tmp_path):
    sdist, wheel = built
    run(builder, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, sdist)  # in an environment that pip makes
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()

    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path)
    sources = tmp_path / NAME
    for folder, root in (("here", ROOT), ("there", sources)):
        run(builder, root / "plugin" / "build_zip.py", "--output", tmp_path / folder)
    (one,) = (tmp_path / "here").iterdir()
    assert one.read_bytes() == (tmp_path / "there" / one.name).read_bytes()
    assert build(builder, sources, "022")[0].read_bytes() == sdist.read_bytes()


def test_the_source_distribution_holds_what_is_kept_but_the_pictures(built):
    with tarfile.open(built[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    kept = set(run("git", "ls-files", cwd=ROOT).split("\n")) - {"", ".gitignore", ".gitattributes", ".ci/run"}
    made = {"PKG-INFO", *(name for name in names if name.startswith("pomodoro_pymol.egg-info/"))}
    assert names - made == {name for name in kept if not name.startswith("docs/pictures/")}


def test_the_wheel_holds_every_package_and_the_icons(built):
    with zipfile.ZipFile(built[1]) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    modules = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("pomodoro_pymol/**/*.py")}
    assert len(modules) > 80
    assert len(ICONS) > 15
    assert names == modules | {"pomodoro_pymol/py.typed"} | {f"pomodoro_pymol/icons/{name}" for name in ICONS}


def test_the_metadata_are_complete(built):
    with tarfile.open(built[0]) as sdist, zipfile.ZipFile(built[1]) as wheel:
        text = wheel.read(f"{NAME}.dist-info/METADATA").decode()
        assert text == sdist.extractfile(f"{NAME}/PKG-INFO").read().decode()
        assert wheel.read(f"{NAME}.dist-info/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    found = email.parser.Parser().parsestr(text)
    once = {
        "Name": "pomodoro-pymol",
        "Version": pomodoro_pymol.__version__,
        "Summary": "See and measure diffusion noise on a protein, inside PyMOL",
        "Author": "The Pomodoro developers",
        "License-Expression": "MIT",
        "License-File": "LICENSE",
        "Requires-Python": ">=3.10",
        "Description-Content-Type": "text/markdown",
    }
    assert {key: found.get_all(key) for key in once} == {key: [value] for key, value in once.items()}
    assert "PyMOL" in found["Keywords"].split(",")
    versions = {f"Programming Language :: Python :: 3.{minor}" for minor in range(10, 15)}
    assert versions | {"Environment :: Plugins", "Typing :: Typed"} <= set(found.get_all("Classifier"))
    assert set(found.get_all("Provides-Extra")) >= {"pymol", "files", "plot", "notebook", "test"}


def test_the_description_has_no_link_that_leads_nowhere(built):
    with zipfile.ZipFile(built[1]) as wheel:
        text = wheel.read(f"{NAME}.dist-info/METADATA").decode().partition("\n\n")[2]
    assert "[marimo](https://marimo.io)" in text
    assert "What the numbers mean (`docs/meaning.md`)" in text
    assert set(re.findall(r"\]\((\w+:)?", text)) == {"https:"}
    words = [re.sub(r"[]!`[()]", "", page) for page in (text, (ROOT / "README.md").read_text(encoding="utf-8"))]
    assert words[0].split()[:40] == words[1].split()[:40]


def test_an_empty_python_says_in_one_line_what_it_lacks(built, tmp_path):
    python = new_python(tmp_path / "empty")
    run(python, "-I", "-m", "pip", "install", "-q", "--no-index", "--no-deps", built[1])
    environment = {"PATH": os.environ["PATH"]}

    def ours(*arguments):
        command = [python, "-m", "pomodoro_pymol", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert ours("--version").stdout == f"{pomodoro_pymol.__version__}\n"
    assert "noise a PDB or mmCIF file" in ours("--help").stdout
    install = f'"{python}" -m pip install'
    assert f"to install      {install} numpy scipy torch qtpy pyqtgraph\n" in ours("check").stdout
    done = ours("noise", "1hpv.pdb")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: numpy is missing; install it with: {install} numpy\n"

    code = "import pomodoro_pymol; print(pomodoro_pymol.__file__)"
    package = Path(run(python, "-c", code, cwd=tmp_path, env=environment).strip()).parent
    assert package.is_relative_to(tmp_path / "empty")
    assert (package / "py.typed").is_file()
    assert {path.name for path in (package / "icons").glob("*.svg")} == ICONS


def test_other_pages_tell_the_version_of_the_library():
    """What cannot be made from it as we are packed."""
    version = pomodoro_pymol.__version__
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"pomodoro-([\d.]+)\.zip", readme)) == {version}
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0].split()[0] == version
    for heading in headings:
        assert re.fullmatch(r"\d+\.\d+\.\d+( \((\d{4}-\d\d-\d\d|unreleased)\))?", heading), heading
    assert "unreleased" not in " ".join(headings[1:])


def test_the_citation_is_valid():
    """Against what the Citation File Format 1.2.0 demands."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "software"
    assert citation["version"] == pomodoro_pymol.__version__
    assert citation["message"]
    assert citation["title"].startswith("Pomodoro")
    license_text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert license_text.startswith(f"{citation['license']} License\n")
    (author,) = citation["authors"]
    assert f"Copyright (c) 2026 {author['name']}\n" in license_text
    assert all(isinstance(word, str) for word in citation["keywords"])
