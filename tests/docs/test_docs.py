"""The examples run as they stand, and say what the library says."""

import math
import re
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pomodoro_pymol import PRESETS, Hierarchy, expected_levels, read_header, read_structure, sigma_from_z

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FRAGMENT = DOCS / "data" / "1hpv_fragment.pdb"
BLOCKS = re.findall(
    r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
)
IN_PYMOL = "from pymol import cmd\ncmd.load(cmd.exp_path('$PYMOL_DATA/tut/1hpv.pdb'))\n"


@pytest.fixture(scope="module")
def expected():
    """Closed forms of the presets on the fragment at z = 0."""
    hierarchy = Hierarchy.from_structure(read_structure(FRAGMENT))
    return {name: expected_levels(hierarchy, weights, sigma_from_z(0)) for name, weights in PRESETS.items()}


@pytest.fixture
def explore(monkeypatch):
    """A function that runs the notebook with some of its controls set, and returns texts and values."""

    def run(**controls):
        monkeypatch.setattr(sys, "argv", ["explore_noise.py"])
        app = runpy.run_path(str(DOCS / "explore_noise.py"))["app"]
        outputs, values = app.run(defs=controls)
        return "\n".join(getattr(output, "text", "") for output in outputs), values

    return run


def control(value):
    return SimpleNamespace(value=value)


def test_the_fragment_is_what_pymol_ships(cmd):
    cmd.load(cmd.exp_path("$PYMOL_DATA/tut/1hpv.pdb"), "whole")
    cmd.load(str(FRAGMENT), "fragment")
    chosen = "whole and chain A and resi 1-32 and polymer and not hydro"
    rows = {"whole": [], "fragment": []}
    for selection, name in ((chosen, "whole"), ("fragment", "fragment")):
        cmd.iterate_state(
            1, selection, "put((chain, resi, resn, name, elem, x, y, z))", space={"put": rows[name].append}
        )
    assert rows["fragment"] == rows["whole"]
    assert len(rows["fragment"]) == 245


def test_the_note_is_made_again(run_python, expected, tmp_path):
    done = run_python(DOCS / "note_table.py", tmp_path / "readings.png")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "readings.png").stat().st_size > 20_000
    assert " 0     4.82     4.93     1.65     0.3348     3.68     3.30   0.8974" in done.stdout
    first, second, third, fourth, fifth = re.split(r"^\d\. ", done.stdout, flags=re.MULTILINE)[1:]
    assert "per residue: 0.375; sqrt(2/3): 0.816" in first
    assert "needs an atom share of 0.873" in second
    for text, name in ((first, "flat"), (second, "ms"), (second, "rb"), (second, "3-8-1"), (second, "2-6-2")):
        closed, measured = numbers(text, rf"{name} +residue / atom: expected (\S+), measured (\S+), ")
        assert closed == pytest.approx(expected[name].ratio, abs=6e-4)
        assert measured == pytest.approx(closed, abs=0.005)
    for name in ("ms", "rb"):
        closed, measured = numbers(third, rf"^ +{name} .*the chain: expected (\S+), measured (\S+)$")
        assert closed == pytest.approx(np.sqrt(expected[name].chain_share), abs=6e-4)
        assert measured == pytest.approx(closed, rel=0.03)
    with_chain, without = (
        numbers(third, rf"^ +{name} +residue / atom: expected (\S+),")[0] for name in ("ms", "ms, no chain")
    )
    assert with_chain == without
    # The science sheet, section 7, and section 3, misreading 5.
    for name, translation, rotation, shift in (("ms", 0.744, 0.005, -0.46), ("3-8-1", 0.273, 0.022, -0.12)):
        found = numbers(fourth, rf"{name} +share .* translation (\S+), rotation (\S+); .* as of z (\S+)$")
        assert found == pytest.approx([translation, rotation, shift], abs=0.0055)
    sheet = {"flat": (3.0, 0.15), "ms": (3.3, 0.09), "rb": (5.8, -0.29), "2-6-2": (6.5, -0.36), "3-8-1": (6.8, -0.39)}
    for name, (moved, z) in sheet.items():
        text = fifth[fifth.index(f"   {name} ") :]
        relative, space = numbers(text, r"at z = 0: (\S+) A per coordinate, (\S+) A in space;$")
        assert relative == pytest.approx(expected[name].residue_relative, abs=6e-3)
        assert space == pytest.approx(moved, abs=0.11)
        assert numbers(text, r"A in space is reached at z = (\S+)$") == pytest.approx([z], abs=0.011)


def test_the_table_of_heads_on_complexes():
    page = (DOCS / "sampling.md").read_text(encoding="utf-8")
    table = {
        (int(chains), pose): [tuple(map(float, cell.split(" ± "))) for cell in cells.split(" | ")]
        for chains, pose, cells in re.findall(r"^\| (\d) \| (fixed|exact) \| (.*) \|$", page, re.MULTILINE)
    }
    assert list(table) == [(chains, pose) for chains in range(1, 8) for pose in ("fixed", "exact")]
    for wiener_off, *wiener, ideal_off, ideal, _ in table.values():
        for (off, error), (on, own) in [(wiener_off, cell) for cell in wiener] + [(ideal_off, ideal)]:
            assert on <= off + 3 * math.hypot(error, own) + 0.005
    again = runpy.run_path(str(DOCS / "multiscale_table.py"))["row"](2, "exact")
    for (rms, error), (told, of_told) in zip(again, table[2, "exact"]):
        # The same random numbers; another machine rounds otherwise, and a sample may choose otherwise.
        assert abs(rms - told) < 3 * math.hypot(error, of_told) + 0.005


def test_the_comparison_of_denoising_and_sampling(run_python, tmp_path):
    done = run_python(DOCS / "denoise_and_sample.py", tmp_path / "four.png")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "four.png").stat().st_size > 30_000
    assert "analytic denoisers" in done.stdout
    first, second, third, fourth = re.split(r"^\d\. ", done.stdout, flags=re.MULTILINE)[1:]
    # SCIENCE.md, section 4: one sigma with sigma_data 16 and the own, per level, the note's with both, centred.
    errors = {
        ("ms", "4.819"): (19.70, 12.13, 4.91, 20.65, 10.35, 4.77, 3.96),
        ("ms", "21.6"): (69.15, 24.07, 19.66, 114.3, 21.24, 20.24, 18.66),
        ("rb", "4.819"): (19.70, 12.13, 9.41, 20.87, 12.76, 11.05, 8.66),
        ("3-8-1", "4.819"): (19.70, 12.13, 10.76, 21.08, 14.21, 9.94, 9.90),
        ("3-8-1", "21.6"): (69.15, 24.07, 23.71, 134.6, 27.53, 22.74, 22.72),
    }
    row = r"^ *(\S+) +(\S+)" + 7 * r" +(\d+\.\d\d)" + "$"
    found, targets = (re.findall(row, part, re.MULTILINE) for part in first.split("variance of the residue target"))
    assert [(name, sigma) for name, sigma, *_ in found] == list(errors)
    for name, sigma, *cells in found:
        for cell, reference in zip(map(float, cells), errors[name, sigma]):
            assert cell == pytest.approx(reference, abs=0.061 if reference > 100 else 0.011)
    of_targets = {(name, sigma): [float(cell) for cell in cells] for name, sigma, *cells in targets}
    assert [of_targets["ms", "4.819"][place] for place in (0, 1, 2)] == [0.15, 0.52, 1]
    assert [of_targets["3-8-1", "4.819"][place] for place in (0, 1, 2)] == [0.62, 0.79, 1]
    (absolute,) = re.findall(r"as they are +.*global own (\S+),.*note own (\S+), best (\S+)$", first, re.MULTILINE)
    assert [float(cell) for cell in absolute] == pytest.approx([20.71, 42.7, 20.71], abs=0.051)
    # The page's table is what was printed.
    page = (DOCS / "sampling.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| (\S+), (4\.82|21\.6) \| (.*) \|$", page, re.MULTILINE)
    assert [(name, cells.split(" | ")) for name, _, cells in told] == [(name, cells) for name, _, *cells in found]
    ratio = r"{} *: chain (\S+), residue (\S+), atom (\S+) "
    # 150 samples of one chain, 28 residues and 392 atoms: standard errors of 6.7, 1.3 and .35 %, four of them.
    tolerances = (0.27, 0.052, 0.014)
    for text, name, expected in (
        (first, "levels", (1.02, 1.02, 1.03)),
        (first, "global", (1.25, 0.90, 1.79)),
        (first, "note", (4.96, 1.35, 1.79)),
        (fourth, "no churn", (0.96, 0.96, 0.96)),
        (fourth, "same law", (0.77, 0.76, 0.78)),
    ):
        for value, wanted, tolerance in zip(numbers(text, ratio.format(name)), expected, tolerances):
            assert value == pytest.approx(wanted, rel=tolerance, abs=0.01)
    chain, residue, atom = numbers(fourth, ratio.format("flat churn"))
    assert chain < 0.05 < residue < 0.2 < 9 < atom
    rows = np.array([line.split() for line in second.splitlines() if re.match(r" +[\d.]+ +\d\.\d{3} ", line)], float)
    sigma, flat, heads, gated, exact, exact_heads = rows.T
    assert (heads[sigma >= 7] < flat[sigma >= 7]).all()
    assert (heads[sigma <= 5] > flat[sigma <= 5]).all()
    assert (gated < flat + 0.015).all()
    assert (gated[sigma >= 10] < 0.97 * flat[sigma >= 10])[:3].all()
    assert (exact <= gated).all()
    assert (exact <= exact_heads).all()
    knows, follows = (
        numbers(third, rf"{name}: (\S+) A in space without centring, (\S+) with$")
        for name in ("lie about the origin", "take the place from x")
    )
    assert follows[0] > 1000
    assert max(*knows, follows[1]) < 5
    turned = {
        name: numbers(third, rf"{name} *: turned (\S+) ")[0] for name in (" 50 steps, without", "200 steps, without")
    }
    assert turned["200 steps, without"] == pytest.approx(turned[" 50 steps, without"], rel=0.15)
    assert numbers(third, r" 50 steps, with *: turned (\S+) ")[0] < 0.4 * turned[" 50 steps, without"]


def test_the_notebook_runs_as_a_script(run_python):
    done = run_python(DOCS / "explore_noise.py")
    assert done.returncode == 0, done.stderr
    assert re.search(r"residue relative to chain, per coordinate +3\.934 A .* 3\.911 A", done.stdout)
    assert re.search(r"3-8-1 +-0\.39 ", done.stdout)
    assert " 3-8-1: 67 % of the loss is residues (90 % once aligned)," in done.stdout


def test_the_notebook_opens_with_the_five_readings(explore, expected):
    text, _ = explore()
    for name in ("flat", "ms", "rb", "3-8-1", "2-6-2"):
        assert f"{expected[name].ratio:.3f}" in text
    for name in ("ms", "rb", "3-8-1", "2-6-2"):
        assert f"{np.sqrt(3) * expected[name].residue_relative:.1f}" in text
    for name in ("ms", "rb"):
        assert f"{np.sqrt(expected[name].chain_share):.3f}" in text
    assert "z -0.46" in text


def test_the_notebook_follows_its_controls(explore, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, values = explore(
        path=control(str(ROOT / "tests" / "data" / "2juy.pdb.gz")),
        preset=control("flat"),
        z=control(-2.5),
        chain=control(1),
        residue=control(1),
        atom=control(15),
        save=control(True),
        target=control("out.pdb"),
    )
    assert values["hierarchy"].n_atoms == 392
    assert [row.z for row in values["rows"]][:7] == [-3] * 6 + [-2.5]
    assert values["schemes"][-1].name == "1:1:15"
    assert [signal.scheme for signal in values["signal"].schemes] == [*values["schemes"]] * 2
    assert values["saved"].startswith("Wrote out.pdb")
    assert "command: pomnoise z=-2.5, wc=1, wr=1, wa=15, device=cpu" in read_header("out.pdb")


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        ({"path": control("nowhere.pdb"), "preset": control("ms"), "z": control(0)}, "nowhere.pdb is missing"),
        ({"chain": control(0), "residue": control(0), "atom": control(0)}, "all weights are zero"),
    ],
)
def test_the_notebook_says_what_is_wrong(explore, controls, message):
    text, values = explore(**controls)
    assert message in text
    assert "rows" not in values


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_the_readme_runs(block, run_python):
    start = IN_PYMOL if "pomodoro_pymol.commands" in block else ""
    done = run_python("-c", start + block)
    assert done.returncode == 0, done.stderr
    assert "Error" not in done.stdout + done.stderr


def test_the_readme_has_blocks():
    assert len(BLOCKS) >= 2


def numbers(text, pattern):
    found = re.search(pattern, text, re.MULTILINE)
    assert found, f"{pattern} is not in:\n{text}"
    return [float(group) for group in found.groups()]
