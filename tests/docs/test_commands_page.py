"""docs/commands.md is what the parameter model and the docstrings say now."""

import os
import re
import shutil
from dataclasses import fields
from pathlib import Path

import pytest
import small_survey

from pomodoro_pymol.parameters import catalogue
from pomodoro_pymol.parameters.base import Parameters

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "commands.md"
#: Of PyMOL; the command line has one more.
COMMANDS = [
    kind
    for kind in vars(catalogue).values()
    if isinstance(kind, type) and vars(kind).get("command", "").startswith("pom")
]


# What takes minutes on a whole ensemble is run on a part of it.
SHORT = """delete all
load {}/tests/data/2juy.pdb.gz, whole
create 2juy, whole and resi 2-5 and name N+CA+C+O, 0, 0
delete whole
pomnoise 2juy, frames=2, quiet=1
"""


@pytest.fixture
def copy(tmp_path):
    """The script in a folder of its own, without a page."""
    return Path(shutil.copy(DOCS / "make_commands.py", tmp_path))


def test_the_page_is_up_to_date(run_python):
    done = run_python(DOCS / "make_commands.py", "--check")
    assert done.returncode == 0, done.stderr


def test_a_page_that_is_not_is_told_of_and_written(run_python, copy):
    page = copy.with_name("commands.md")
    for text in (None, PAGE.read_text(encoding="utf-8").replace("-6 to 6", "-5 to 5")):
        if text:
            page.write_text(text, encoding="utf-8")
        done = run_python(copy, "--check")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "docs/commands.md is out of date: run python docs/make_commands.py\n"
        assert page.exists() == bool(text)
    assert run_python(copy).returncode == 0
    assert page.read_bytes() == PAGE.read_bytes()


def test_presets_of_ones_own_do_not_enter(run_python, copy, tmp_path):
    mine = tmp_path / "home" / ".pymol" / "pomodoro_presets.json"
    mine.parent.mkdir(parents=True)
    mine.write_text('{"mine": [1, 2, 3]}')
    assert run_python(copy).returncode == 0
    assert copy.with_name("commands.md").read_bytes() == PAGE.read_bytes()


@pytest.mark.parametrize("kind", COMMANDS, ids=lambda kind: kind.command)
def test_every_command_and_argument_is_there(kind: type[Parameters]):
    text = PAGE.read_text(encoding="utf-8")
    section = re.search(rf"^## {kind.command}\n(.*?)(?=^## )", text, re.DOTALL | re.MULTILINE)[1]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [spec.name for spec in fields(kind)]
    assert f"[`{kind.command}`](#{kind.command})" in text
    anchors = set(re.findall(r"\]\(#(\w+)\)", section))
    assert anchors <= {kind.command for kind in COMMANDS}


def test_the_examples_run(run_python, tmp_path):
    text = PAGE.read_text(encoding="utf-8")
    sections = [section.partition("\n") for section in text.split("\n## ")[1:]]
    after = {name: body.partition("Examples:\n\n```\n")[2] for name, _, body in sections}
    examples = {name: body.partition("```")[0] for name, body in after.items() if body}
    assert len(examples) == len(COMMANDS)
    assert examples.pop("pompanel") == "pompanel\n"  # needs the window
    before = f"delete all\nload {DOCS / 'data' / '1hpv_fragment.pdb'}, 1hpv\npomnoise frames=2, quiet=1\n"
    examples["pomtrain"] = SHORT.format(DOCS.parent) + re.sub(
        r"^pomtrain\b(?: 2juy)?,? ?(.*)$",
        r"pomtrain \1, steps=3, width=8, batch=2, seeds=1, samples=2",
        examples["pomtrain"].replace(", steps=2000", ""),
        flags=re.MULTILINE,
    ).replace("pomtrain ,", "pomtrain")
    lines = "".join(before + example for example in examples.values())
    small_survey.write(tmp_path / "survey.parquet")
    script = tmp_path / "examples.pml"
    script.write_text(f"import pomodoro_pymol.commands\n{lines}print('@@')\n", encoding="utf-8")
    done = run_python("-m", "pymol", "-cq", script.name)
    assert "Error" not in done.stdout + done.stderr
    assert done.stdout.rstrip().endswith("@@")
    assert {
        "noised.pdb",
        "noised.cif.gz",
        "frames.dcd",
        "frames.npz",
        "scalings.png",
        "curves.png",
        "place.png",
    } <= set(os.listdir(tmp_path))
