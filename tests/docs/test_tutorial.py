"""Every command of docs/tutorial.md is typed into a fresh PyMOL, and prints what stands below it."""

import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
#: Kind, as it stands after the backticks, and body.
BLOCKS = [(match[1], match[2]) for match in FENCE.finditer(TEXT)]
COMMANDS = [(place, body) for place, (kind, body) in enumerate(BLOCKS) if kind.startswith("pymol")]
EXPECTED = {place: BLOCKS[place + 1][1] for place, _ in COMMANDS if BLOCKS[place + 1][0] == "text"}
#: Lines that are no answer: what was typed, also as Python, and how far a slow run is.
ECHO = re.compile(r"PyMOL>| pom\w+: \d+ of \d+ \w+$| +\d+:")
NUMBER = r"-?\d+\.\d+(?:e[+-]\d+)?"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder in which the tutorial ran, and what each block printed."""
    folder = tmp_path_factory.mktemp("tutorial")
    (folder / "tests" / "data").mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "data" / "2juy.pdb.gz", folder / "tests" / "data")
    script = folder / "tutorial.pml"
    script.write_text("".join(f"{body}print('@@ {place}')\n" for place, body in COMMANDS), encoding="utf-8")
    env = {**os.environ, "HOME": str(folder), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    # The numbers of the page are the CPU's.
    env["CUDA_VISIBLE_DEVICES"] = ""
    done = subprocess.run(
        [sys.executable, "-m", "pymol", "-cq", script.name], cwd=folder, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines(keepends=True) if not ECHO.match(line)]
    parts = re.split(r"^@@ (\d+)\n", "".join(lines), flags=re.MULTILINE)
    return folder, dict(zip(map(int, parts[1::2]), parts[::2])), done.stderr


def fits(wanted, printed):
    """Whether text is as wanted: ``...`` is anything, and the last digit of a number may be off by one."""
    pattern = ""
    for piece in re.split(rf"(^\.\.\.\n|\.\.\.|{NUMBER})", wanted, flags=re.MULTILINE):
        if piece == "...\n":
            pattern += r"(?:.*\n)*?"
        elif piece == "...":
            pattern += ".*"
        elif re.fullmatch(NUMBER, piece):
            pattern += f"({NUMBER})"
        else:
            pattern += re.escape(piece)
    found = re.fullmatch(pattern, printed)
    return bool(found) and all(
        abs(float(one) - float(other)) < 1.5 * last_place(one)
        for one, other in zip(re.findall(NUMBER, wanted), found.groups())
    )


def last_place(number):
    mantissa, _, exponent = number.partition("e")
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


@pytest.mark.parametrize("place", [place for place, _ in COMMANDS])
def test_the_commands_print_what_is_said(run, place):
    _, printed, _ = run
    wanted = EXPECTED.get(place)
    if wanted is None:
        assert "Error" not in printed[place]
    elif not fits(wanted, printed[place]):
        assert printed[place] == wanted


def test_nothing_else_goes_wrong(run):
    folder, printed, errors = run
    assert list(printed) == [place for place, _ in COMMANDS]
    assert "Traceback" not in errors
    assert {path.name for path in folder.iterdir()} >= {"table.csv", "aligned.pdb", "residues.pdb"}


def test_only_the_panel_needs_the_window(run):
    _, printed, _ = run
    (last,) = [place for place, (kind, _) in enumerate(BLOCKS) if kind == "pymol window"]
    assert (last, BLOCKS[last][1]) == (COMMANDS[-1][0], "pompanel\n")
    assert printed[last] == EXPECTED[last]
    assert printed[last].startswith(" Error: the panel needs PyMOL's window")


def test_no_block_is_overlooked():
    kinds = [kind for kind, _ in BLOCKS]
    assert set(kinds) == {"pymol", "pymol window", "text"}
    assert TEXT.count("```") == 2 * len(BLOCKS)
    assert all(one.startswith("pymol") for one, other in pairwise(kinds) if other == "text")
    assert len(EXPECTED) == kinds.count("text")


def test_every_command_has_its_place():
    from pomodoro_pymol import commands

    typed = {line.split()[0] for _, body in COMMANDS for line in body.splitlines()}
    assert typed >= set(commands.__all__) - {"register"}


def test_numbers_in_the_prose_were_printed(run):
    _, printed, _ = run
    known = [float(number) for number in re.findall(NUMBER, "".join(printed.values()))]
    for number in re.findall(r"-?\d+\.\d+", FENCE.sub("", TEXT)):
        assert any(abs(value - float(number)) <= 0.5 * last_place(number) for value in known), number


def test_links_lead_somewhere():
    for name, anchor in re.findall(r"\]\(([^)#]+)#?([^)]*)\)", TEXT):
        headings = re.findall(r"^#+ (.*)", (ROOT / "docs" / name).read_text(encoding="utf-8"), re.MULTILINE)
        assert not anchor or anchor in [re.sub(r"[^\w-]", "", text.lower().replace(" ", "-")) for text in headings]


def test_what_does_not_fit():
    assert fits("a 1.25 b\n...\nend\n", "a 1.26 b\nx\ny\nend\n")
    assert fits("path ... 2.0e-03\n", "path /x 2.1e-03\n")
    for printed in ("a 1.27 b\nend\n", "a 1.25 c\nend\n", "a 1.25 b\nend\nmore\n", "", "a 1.250 c\n"):
        assert not fits("a 1.25 b\n...\nend\n", printed)
