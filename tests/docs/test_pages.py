"""Links, tables and printed numbers of the README and the pages."""

import math
import re
import shutil
from pathlib import Path

import pytest

from pomodoro_pymol import (
    PRESETS,
    Hierarchy,
    expected_levels,
    expected_neighbor_displacement,
    gauge_split,
    read_structure,
    sigma_from_z,
    weights_for_ratio,
    z_from_sigma,
)
from pomodoro_pymol.noise.draw import GROUP_NORMALS, frames_per_group
from pomodoro_pymol.noise.presets import parse_schemes
from pomodoro_pymol.noise.sigma import quantile
from pomodoro_pymol.noise.stream import frames_per_block
from pomodoro_pymol.utils.devices import AUTO_ATOMS, AUTO_MEMBER_ATOMS
from pomodoro_pymol.utils.memory import noise_device_bytes

ROOT = Path(__file__).parents[2]
PAGES = {path.name: path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]}
FRAGMENT = ROOT / "docs" / "data" / "1hpv_fragment.pdb"
HEAD = (
    "weights wc, wr, wa | residue / atom | residue relative to chain, Å per coordinate | the same, Å in space "
    "| reaches 3.8 Å in space at z | shares chain : residue : atom | translation, rotation"
)
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
    table = rows("z | sigma, Å per coordinate | lower, %")
    assert [row[0] for row in table] == [str(z) for z in range(-3, 4)]
    for z, sigma, lower in table:
        assert (sigma, lower) == (f"{sigma_from_z(float(z)):.2f}", f"{100 * quantile(float(z)):.1f}")


def test_the_schemes_of_the_note():
    structure = read_structure(FRAGMENT)
    hierarchy = Hierarchy.from_structure(structure)
    assert f"{hierarchy.n_atoms}\natoms in {hierarchy.n_residues} residues" in MEANING
    table = rows(HEAD)
    assert [row[0].partition(":")[0] for row in table[:5]] == ["flat", "ms", "rb", "3-8-1", "2-6-2"]
    for name, ratio, relative, space, reached, shares, gauge in table:
        word = name.partition(": ")[0]
        (scheme,) = parse_schemes(word)
        weights = [f"{weight:g}" for weight in vars(scheme.weights).values()]
        assert name == word or name == f"{word}: {', '.join(weights)}"
        levels = expected_levels(hierarchy, scheme.weights, sigma_from_z(0))
        split = gauge_split(structure.coords, hierarchy, scheme.weights)
        in_space = 3**0.5 * levels.residue_relative
        assert ratio == f"{levels.ratio:.3f}"
        assert relative == f"{levels.residue_relative:.2f}"
        assert space == f"{in_space:.1f}"
        assert reached == f"{z_from_sigma(3.8 * sigma_from_z(0) / in_space):.2f}"
        assert shares == f"{levels.chain_share:.3f}:{levels.residue_share:.3f}:{levels.atom_share:.3f}"
        assert gauge == f"{split.translation:.3f}, {split.rotation:.3f}"


def test_the_five_readings():
    """The numbers of the README and the meaning page, from the closed forms on the same fragment."""
    structure = read_structure(FRAGMENT)
    hierarchy, sigma = Hierarchy.from_structure(structure), sigma_from_z(0)
    ms, rb, most = (PRESETS[name] for name in ("ms", "rb", "3-8-1"))
    levels = {weights: expected_levels(hierarchy, weights, sigma) for weights in (ms, rb, most)}
    space = {weights: 3**0.5 * found.residue_relative for weights, found in levels.items()}
    reached = {weights: z_from_sigma(3.8 * sigma / moved) for weights, moved in space.items()}
    at_note = sigma * 3.8 / levels[most].residue_relative
    without_chain = 1 - ms.shares[0]
    meaning, readme = (" ".join(PAGES[name].split()) for name in ("meaning.md", "README.md"))
    for text in (meaning, readme):
        assert f"{levels[ms].chain_share ** 0.5:.2f} " in text
        assert f"{levels[rb].chain_share ** 0.5:.2f} " in text
        assert f"{100 * levels[ms].chain_share:.0f} %" in text
        assert f"{space[ms]:.1f} Å" in text
        assert f"{space[most]:.1f} Å" in text
        assert f"z = {reached[ms]:.2f} and {reached[most]:.2f}".replace("-", "\N{MINUS SIGN}") in text
        assert f"{100 * weights_for_ratio(hierarchy, 0.5, most).shares[2]:.0f} %" in text
    assert (
        f"{without_chain**0.5:.3f} sigma, z {math.log(without_chain) / 3:.2f}".replace("-", "\N{MINUS SIGN} ")
        in meaning
    )
    shift = gauge_split(structure.coords, hierarchy, ms).z_shift()
    assert f"that of z {shift:.2f}".replace("-", "\N{MINUS SIGN} ") in readme
    assert f"moved {3**0.5 * 3.8:.1f} Å" in meaning
    assert f"neighbours {expected_neighbor_displacement(hierarchy, most, at_note):.1f} Å" in meaning


def test_the_page_on_devices_says_where_auto_and_groups_begin():
    page = " ".join(PAGES["devices.md"].split())
    assert f"**from {AUTO_ATOMS:,} atoms**" in page
    assert f"**atoms times states of the data are {AUTO_MEMBER_ATOMS:,}**" in page
    assert f"about {GROUP_NORMALS // 10**6} million normals" in page
    table = PAGES["devices.md"].partition("| atoms | frames in a group |")[2].partition("\n\n")[0]
    found = [[int(cell.replace(",", "")) for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    assert found == [[n_atoms, max(1, GROUP_NORMALS // (3 * n_atoms))] for n_atoms in (10**3, 10**4, 10**5, 10**6)]
    assert found == [[n_atoms, frames_per_group(n_atoms, "cuda")] for n_atoms, _ in found]
    needed = [noise_device_bytes(n_atoms, frames_per_block(n_atoms, "cuda")) for n_atoms in (*range(1000, 10**6, 999),)]
    assert "200 to 450 MB up to a million atoms, and 348 bytes an atom beyond" in page
    assert min(needed) > 190e6
    assert max(needed) < 460e6
    assert noise_device_bytes(10**7, frames_per_block(10**7, "cuda")) == 348 * 10**7


def test_the_readmes_command_lines_run(cmd, run_python, tmp_path):
    for path in (Path(cmd.exp_path("$PYMOL_DATA/tut/1hpv.pdb")), ROOT / "tests" / "data" / "2juy.pdb.gz"):
        shutil.copy(path, tmp_path)
    (block,) = re.findall(r"^```sh\n(python -m .*?)^```", PAGES["README.md"], re.DOTALL | re.MULTILINE)
    for line in block.splitlines():
        done = run_python(*line.split()[1:])
        assert done.returncode == 0, done.stderr
    made = {path.name for path in tmp_path.iterdir()}
    assert made >= {"noised.pdb", "residues.csv", "table.png", "sweep.csv", "states.pdb"}
