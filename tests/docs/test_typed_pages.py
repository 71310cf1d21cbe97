"""Every command of two pages is typed into a fresh PyMOL, and prints what stands below it."""

import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FENCE = re.compile(r"^```(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
#: Lines that are no answer: what was typed, also as Python, and how far a slow run is.
ECHO = re.compile(r"PyMOL>| pom\w+: \d+ of \d+ \w+$| +\d+:(?!\d)")
NUMBER = r"-?\d+\.\d+(?:e[+-]\d+)?"
#: As in a column of shares.
SHORT = r"-?\d*\.\d+"


class Page:
    """A page with blocks of commands, each followed by what it prints where that is worth telling."""

    def __init__(self, name):
        self.text = (DOCS / name).read_text(encoding="utf-8")
        #: Kind, as it stands after the backticks, and body.
        self.blocks = [(match[1], match[2]) for match in FENCE.finditer(self.text)]
        self.commands = [(place, body) for place, (kind, body) in enumerate(self.blocks) if kind.startswith("pymol")]
        follows = [*self.blocks[1:], ("", "")]
        self.expected = {place: follows[place][1] for place, _ in self.commands if follows[place][0] == "text"}


PAGES = {name: Page(name) for name in ("tutorial.md", "what_noise_teaches.md")}
TUTORIAL, TEACHING = PAGES.values()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """For each page the folder in which it ran, and what each block printed."""
    return {name: typed(page, tmp_path_factory.mktemp(Path(name).stem)) for name, page in PAGES.items()}


def typed(page, folder):
    for path in ("tests/data/2juy.pdb.gz", "docs/data/1hpv_fragment.pdb"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, folder / path)
    script = folder / "page.pml"
    script.write_text("".join(f"{body}print('@@ {place}')\n" for place, body in page.commands), encoding="utf-8")
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


@pytest.mark.parametrize(
    ("name", "place"), [(name, place) for name, page in PAGES.items() for place, _ in page.commands]
)
def test_the_commands_print_what_is_said(runs, name, place):
    _, printed, _ = runs[name]
    wanted = PAGES[name].expected.get(place)
    if wanted is None:
        assert "Error" not in printed[place]
    elif not fits(wanted, printed[place]):
        assert printed[place] == wanted


@pytest.mark.parametrize("name", PAGES)
def test_nothing_else_goes_wrong(runs, name):
    folder, printed, errors = runs[name]
    assert list(printed) == [place for place, _ in PAGES[name].commands]
    assert "Traceback" not in errors
    assert {path.name for path in folder.iterdir() if path.is_file()} - {"page.pml"} == {
        "tutorial.md": set(),  # which cleans up after itself
        "what_noise_teaches.md": {"signal.csv", "what_noise_teaches.png"},
    }[name]


def test_only_the_panel_needs_the_window(runs):
    _, printed, _ = runs["tutorial.md"]
    (last,) = [place for place, (kind, _) in enumerate(TUTORIAL.blocks) if kind == "pymol window"]
    assert TUTORIAL.blocks[last][1] == "pompanel\n"
    assert printed[last] == TUTORIAL.expected[last]
    assert printed[last].startswith(" Error: the panel needs PyMOL's window")


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_no_block_is_overlooked(page):
    kinds = [kind for kind, _ in page.blocks]
    assert set(kinds) <= {"pymol", "pymol window", "text"}
    assert page.text.count("```") == 2 * len(page.blocks)
    assert all(one.startswith("pymol") for one, other in pairwise(kinds) if other == "text")
    assert len(page.expected) == kinds.count("text")


def test_every_command_has_its_place():
    from pomodoro_pymol import commands

    names = {line.split()[0] for _, body in TUTORIAL.commands for line in body.splitlines()}
    assert names >= set(commands.__all__) - {"register"}


@pytest.mark.parametrize("name", PAGES)
def test_numbers_in_the_prose_were_printed(runs, name):
    _, printed, _ = runs[name]
    known = [float(number) for number in re.findall(SHORT, "".join(printed.values()))]
    for number in re.findall(SHORT, FENCE.sub("", PAGES[name].text)):
        assert any(abs(value - float(number)) <= 0.5 * last_place(number) for value in known), number


def test_parts_of_a_hundred_in_the_prose_were_printed(runs):
    """But those of superposed draws, which `tests/core/test_budget.py` makes."""
    _, printed, _ = runs["what_noise_teaches.md"]
    text = "".join(printed.values())
    known = {int(number) for number in re.findall(r"(\d+) %", text)}
    known |= {round(100 * float(number)) for number in re.findall(SHORT, text)}
    drawn = {35, 48, 40, 44}
    assert {int(number) for number in re.findall(r"(\d+) %", FENCE.sub("", TEACHING.text))} - known <= drawn


def test_the_picture_of_the_page_is_the_one_that_its_command_draws(runs):
    image = pytest.importorskip("matplotlib.image")
    folder, _, _ = runs["what_noise_teaches.md"]
    shown, drawn = (image.imread(path / "what_noise_teaches.png") for path in (DOCS / "pictures", folder))
    assert shown.shape == drawn.shape
    assert abs(shown - drawn).mean() < 2e-3


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_links_lead_somewhere(page):
    for name, anchor in re.findall(r"\]\(([^)#]+)#?([^)]*)\)", page.text):
        target = DOCS / name
        headings = re.findall(r"^#+ (.*)", target.read_text(encoding="utf-8"), re.MULTILINE) if anchor else []
        assert target.exists()
        assert not anchor or anchor in [re.sub(r"[^\w-]", "", text.lower().replace(" ", "-")) for text in headings]


def test_what_does_not_fit():
    assert fits("a 1.25 b\n...\nend\n", "a 1.26 b\nx\ny\nend\n")
    assert fits("path ... 2.0e-03\n", "path /x 2.1e-03\n")
    for printed in ("a 1.27 b\nend\n", "a 1.25 c\nend\n", "a 1.25 b\nend\nmore\n", "", "a 1.250 c\n"):
        assert not fits("a 1.25 b\n...\nend\n", printed)
