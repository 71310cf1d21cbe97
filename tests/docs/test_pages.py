"""Links, tables and printed numbers of the README and the pages."""

import re
import shutil
from pathlib import Path

import pytest

from pomodoro_pymol import Hierarchy, expected_levels, read_structure, sigma_from_z
from pomodoro_pymol.noise.presets import parse_schemes
from pomodoro_pymol.noise.sigma import quantile

ROOT = Path(__file__).parents[2]
PAGES = {path.name: path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]}
MEANING = PAGES["meaning.md"]


def rows(head):
    """Return the cells of the table of the meaning page that begins with a head."""
    table = MEANING.partition(f"| {head} |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def anchors(text):
    headings = re.findall(r"^#+ (.*)", text, re.MULTILINE)
    return {re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-")) for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name):
    folder = ROOT if name == "README.md" else ROOT / "docs"
    for target, anchor in re.findall(r"\]\((?!http)([^)#]*)#?([^)]*)\)", PAGES[name]):
        path = folder / target if target else folder / name
        assert path.exists(), target
        assert not anchor or anchor in anchors(path.read_text(encoding="utf-8")), anchor


@pytest.mark.parametrize("name", PAGES)
def test_files_that_are_named_exist(name):
    for path in re.findall(r"`((?:docs|tests|plugin|icons|pomodoro_pymol)/[\w/.]+)`", PAGES[name]):
        assert (ROOT / path).exists(), path


def test_the_readme_names_every_command_and_prints_what_the_tutorial_does():
    from pomodoro_pymol import commands

    table = PAGES["README.md"].partition("| command | does |")[2].partition("\n\n")[0]
    named = re.findall(r"`(pom\w+)`", "".join(line.split("|")[1] for line in table.splitlines()[2:]))
    assert sorted(named) == sorted(set(commands.__all__) - {"register"})
    (printed,) = re.findall(r"^```\n( pomnoise: .*?)^```", PAGES["README.md"], re.DOTALL | re.MULTILINE)
    assert f"```text\n{printed}```" in PAGES["tutorial.md"]


def test_the_noise_levels():
    table = rows("z | sigma, Å | lower, %")
    assert [row[0] for row in table] == [str(z) for z in range(-3, 4)]
    for z, sigma, lower in table:
        assert (sigma, lower) == (f"{sigma_from_z(float(z)):.2f}", f"{100 * quantile(float(z)):.1f}")


def test_the_schemes_of_the_note():
    hierarchy = Hierarchy.from_structure(read_structure(ROOT / "docs" / "data" / "1hpv_fragment.pdb"))
    assert f"{hierarchy.n_atoms}\natoms in {hierarchy.n_residues} residues" in MEANING
    table = rows("weights wc, wr, wa | residue / atom | residue relative to chain, Å | shares chain : residue : atom")
    assert [row[0].partition(":")[0] for row in table[:5]] == ["flat", "ms", "rb", "3-8-1", "2-6-2"]
    for name, ratio, relative, shares in table:
        word = name.partition(": ")[0]
        (scheme,) = parse_schemes(word)
        weights = [f"{weight:g}" for weight in vars(scheme.weights).values()]
        assert name == word or name == f"{word}: {', '.join(weights)}"
        levels = expected_levels(hierarchy, scheme.weights, sigma_from_z(0))
        assert ratio == f"{levels.ratio:.3f}"
        assert relative == f"{levels.residue_relative:.2f}"
        assert shares == f"{levels.chain_share:.3f}:{levels.residue_share:.3f}:{levels.atom_share:.3f}"
        if word in ("ms", "rb"):
            assert f"{levels.chain_share**0.5:.2f} for {word}" in MEANING


def test_the_readmes_command_lines_run(cmd, run_python, tmp_path):
    for path in (Path(cmd.exp_path("$PYMOL_DATA/tut/1hpv.pdb")), ROOT / "tests" / "data" / "2juy.pdb.gz"):
        shutil.copy(path, tmp_path)
    (block,) = re.findall(r"^```sh\n(python -m .*?)^```", PAGES["README.md"], re.DOTALL | re.MULTILINE)
    for line in block.splitlines():
        done = run_python(*line.split()[1:])
        assert done.returncode == 0, done.stderr
    made = {path.name for path in tmp_path.iterdir()}
    assert made >= {"noised.pdb", "residues.csv", "table.png", "sweep.csv", "states.pdb"}
