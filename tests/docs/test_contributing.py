"""The worked example of docs/contributing.md, carried out on a copy as the page says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
EXAMPLE = TEXT.partition("## One example")[2]
BLOCKS = dict(re.findall(r"^```(\w+)\n(.*?)^```$", EXAMPLE, re.DOTALL | re.MULTILINE))
PATHS = TEXT.partition("## Three paths")[2].partition("\n## ")[0].split("\n**")[1:]
PANEL = """
from qtpy import QtWidgets
app = QtWidgets.QApplication(["panel", "-platform", "offscreen"])
from pomodoro_pymol.panel.widgets.controls import make_controls
from pomodoro_pymol.panel.widgets.model import ParameterModel
window = QtWidgets.QWidget()
box = make_controls(ParameterModel(window), window)["metric"].box
print(*(box.itemText(place) for place in range(box.count())))
"""
FIRST_RESIDUE = """
import numpy as np
from pymol import cmd
atoms = []
first = "1hpv_noise and chain A and resi 1"
cmd.iterate(first, "atoms.append(b)", space={"atoms": atoms})
frames = [np.array(cmd.get_model(first, state).get_coord_list()) for state in range(1, 22)]
moved = np.array(frames[1:]) - frames[0]
within = moved - moved.mean(1, keepdims=True)
print("@@", len(set(atoms)), atoms[0], np.sqrt((within**2).mean()))
"""


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.partition("**")[0])
def test_paths_are_ten_lines_of_names_that_their_files_have(path):
    steps = re.findall(r"^\d+\. (.*)$", path, re.MULTILINE)
    assert len(steps) <= 10
    assert len(steps) == len(path.strip().splitlines()) - 2  # each a line, below a heading and an empty one
    for step in steps:
        words = re.findall("`(.+?)`", step)
        files = [word for word in words if word.endswith(".py")]
        text = "".join((ROOT / "pomodoro_pymol" / name).read_text(encoding="utf-8") for name in files)
        assert files
        assert [word for word in words if word not in files and not re.search(rf"\b{word}\b", text)] == [], step


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A function that runs Python in the copy with the change made."""
    copy = tmp_path_factory.mktemp("example")
    for name in ("pomodoro_pymol", "icons"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    files = ("docs/make_commands.py", "docs/commands.md", "docs/data/1hpv_fragment.pdb")
    for name in (*files, "tests/core/conftest.py", "tests/core/test_metrics.py"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    (copy / "internal.diff").write_text(BLOCKS["diff"], encoding="utf-8")
    typed = iter(BLOCKS["sh"].splitlines())
    # Outside any repository, so that git takes the folder as it is.
    environment = {
        "CUDA_VISIBLE_DEVICES": "",
        **os.environ,
        "HOME": str(copy),
        "PYTHONPATH": str(copy),
        "GIT_CEILING_DIRECTORIES": str(copy.parent),
    }

    def go(*words):
        words = [sys.executable, *words[1:]] if words[0] == "python" else words
        done = subprocess.run(words, cwd=copy, env=environment, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr, copy

    code, printed, _ = go(*next(typed).split())
    assert code == 0, printed
    return go


def test_its_own_test_passes_and_covers_it(run):
    line = BLOCKS["sh"].splitlines()[1]
    code, printed, _ = run(*line.split(), "-v", "-p", "no:cacheprovider")
    assert code == 0, printed
    assert printed.count("internal") >= 3


def test_the_reference_asks_to_be_written_again(run):
    line = BLOCKS["sh"].splitlines()[2]
    assert run(*line.split(), "--check")[0] == 1
    code, printed, copy = run(*line.split())
    assert code == 0, printed
    page = (copy / "docs" / "commands.md").read_text(encoding="utf-8")
    assert "| `internal` | atom rms relative to the residue | A per coordinate |" in page
    assert page.count("`internal`") == 5


def test_the_commands_take_it_and_the_help_tells_of_it(run):
    _, _, copy = run("python", "-c", "")
    script = copy / "example.pml"
    script.write_text(f"{BLOCKS['pymol']}help pomcolor\npython\n{FIRST_RESIDUE}\npython end\n", encoding="utf-8")
    code, printed, _ = run("python", "-m", "pymol", "-cq", script.name)
    assert code == 0, printed
    assert BLOCKS["text"].startswith(" pomcolor: 1hpv_noise\n colour: internal = ")
    assert BLOCKS["text"] in printed
    assert re.search(r"^ +internal +atom rms relative to the residue, A per coordinate;$", printed, re.MULTILINE)
    assert re.search(r"one of ratio, [^{]*\binternal\b", printed)
    colours, b, wanted = map(float, re.search(r"^@@ (\S+) (\S+) (\S+)$", printed, re.MULTILINE).groups())
    assert colours == 1
    assert b == pytest.approx(wanted, rel=1e-3)


def test_the_panel_offers_it(run):
    code, printed, _ = run("python", "-c", PANEL)
    assert code == 0, printed
    assert "internal" in printed.split()


def test_what_the_page_names_exists():
    for path in re.findall(r"`((?:\w+/)*\w+\.(?:py|cfg|md)|(?:\w+/)+)`", TEXT):
        assert any((ROOT / start / path).exists() for start in ("", "pomodoro_pymol")), path
    for name in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (ROOT / "docs" / name).exists()
