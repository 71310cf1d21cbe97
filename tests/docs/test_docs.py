"""The examples run as they stand, and say what the library says."""

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


def test_the_comparison_of_denoising_and_sampling(run_python, tmp_path):
    done = run_python(DOCS / "denoise_and_sample.py", tmp_path / "four.png")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "four.png").stat().st_size > 30_000
    assert "analytic denoisers" in done.stdout
    first, second, third, fourth = re.split(r"^\d\. ", done.stdout, flags=re.MULTILINE)[1:]
    # SCIENCE.md, section 4, with sigma_data 16 and the object's own: per level, one sigma, the note's.
    errors = {
        ("ms", "4.82", "16"): (4.91, 19.70, 20.65),
        ("ms", "21.6", "16"): (19.66, 69.15, 114.3),
        ("ms", "4.82", "5.038"): (4.91, 12.13, 10.35),
        ("ms", "21.6", "5.038"): (19.66, 24.07, 21.24),
        ("3-8-1", "4.82", "16"): (10.76, 19.70, 21.08),
        ("3-8-1", "21.6", "16"): (23.71, 69.15, 134.6),
        ("3-8-1", "4.82", "5.038"): (10.76, 12.13, 14.21),
        ("3-8-1", "21.6", "5.038"): (23.71, 24.07, 27.53),
    }
    found = re.findall(
        r"^ *(\S+) +sigma +(\S+), sigma_data +(\S+): levels (\S+), global (\S+), note (\S+)$", first, re.MULTILINE
    )
    assert len(found) == len(errors)
    for *place, levels, one_sigma, note in found:
        # 4.82 and 21.6 are rounded: the note's z gives 4.8191 and 21.598.
        assert [float(levels), float(one_sigma), float(note)] == pytest.approx(errors[tuple(place)], rel=1e-3)
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
    (far,) = numbers(third, r"50 steps, without: (\S+) A")
    (near,) = numbers(third, r"50 steps, with: (\S+) A")
    assert far > 1000
    assert near < 5
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
