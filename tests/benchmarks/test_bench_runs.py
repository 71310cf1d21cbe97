"""The benchmarks run and print every row; what they measure is not tested."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROWS = [
    "pomnoise, extra cost per frame",
    "pomnoise, fixed cost",
    "multi-MODEL PDB written and loaded",
    "load_coordset, numpy rows",
    "load_coordset, nested lists",
    "frame loop",
    "cost per atom and frame",
    "cost per frame",
    "peak memory",
    "pomnoise 1hpv, 2 frames, beside",
    "the same but for PyMOL's create",
    "PyMOL's create, 1hpv",
    "pomcolor 1hpv, 2 frames, beside",
    "pommeasure 1hpv, 2 frames, beside",
    "pomsave 1hpv, 2 frames, beside",
    "importing the commands into PyMOL",
    "core noise on cpu",
    "core noise on cuda",
]
DIFFUSION_ROWS = ["nested covariance, 100000 atoms", "products", "denoiser,", "step,", "step with churn and curves"]
TRAINING_ROWS = [
    "training step / its own products",
    "training step of one network",
    "18 networks one by one / side by side",
]
SURVEY_ROWS = [
    *("one worker / two", "Dask and child / work of a file", "scheduler and client, of a batch"),
    *(f"growth of memory of {name}" for name in ("a worker", "a child", "scheduler and client")),
]
#: How a row that was measured ends.
MEASURED = ("met", "MISSED", "for information")


def printed(name, *words, timeout=600):
    """Run a script of this folder; return the lines that it printed."""
    command = [sys.executable, Path(__file__).with_name(name), *words]
    run = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout.splitlines()


def absent(rows, lines):
    return [row for row in rows if not any(line.startswith(row) for line in lines)]


@pytest.mark.parametrize(
    ("name", "rows", "others", "needed"),
    [
        ("bench_noise.py", ROWS, ("not run: no GPU",), "pymol"),
        ("bench_diffusion.py", DIFFUSION_ROWS, ("not run: no GPU",), "torch"),
        ("bench_training.py", TRAINING_ROWS, (), "torch"),
        ("bench_survey.py", SURVEY_ROWS, ("not run: --biopython was not given",), "distributed"),
    ],
)
def test_every_row_is_printed(name, rows, others, needed):
    pytest.importorskip(needed)
    if needed == "pymol" and sys.platform != "linux":
        pytest.skip("memory is read from /proc")
    _, *lines = printed(name, "--quick")
    assert absent(rows, lines) == []
    assert [line for line in lines if not line.endswith((*MEASURED, *others))] == []


def test_every_row_of_scale_and_soak_is_printed():
    pytest.importorskip("pymol")
    if sys.platform != "linux":
        pytest.skip("memory is read from /proc")
    lines = printed("bench_scale.py", "--quick")
    for row in ("estimate / use", "per atom", "time per frame up to", "longest turn", "growth of memory", "files left"):
        assert any(row in line for line in lines), row
    assert [line for line in lines if not line.endswith(MEASURED)] == []


GPU_ROWS = [
    *(f"{what} at 1,800 atoms / randn" for what in ("add_noise", "measure, noise with statistics,")),
    "frames to the host at 18,000 atoms / pinned copies",
    "training step, 28 residues of 14 atoms, 6 networks / its products",
    *("step of af3, exact pose,", "step of edm's kind, with churn,", "denoiser,"),
    "pomsample 2juy, 4 samples",
    "pomnoise, its frames, 5,684 atoms x 10 frames / writing them into PyMOL",
    *("noise and statistics of 20 frames: faster", "a step of af3, 24 members, 16 samples: faster"),
]


def test_every_row_of_the_gpu_benchmark_is_printed():
    """With the CPU in the GPU's place, where nothing is met or missed."""
    pytest.importorskip("pymol")
    first, *lines, last = printed("bench_gpu.py", "--quick", "--device", "cpu")
    assert first.startswith("the CPU in the GPU's place")
    assert [line for line in lines if not line.startswith("ok ") and not line.endswith("for information")] == []
    assert sum(line.startswith("ok ") for line in lines) > 20
    assert absent(GPU_ROWS, lines) == []
    assert last.endswith("nothing is wrong")


PANEL_ROWS = [
    "Live, 5684 atoms, 1 state: slider to coordinates, all work of an event",
    "Live, 5684 atoms, 1 state: longest gap of the window while a slider moves",
    "Live, 5684 atoms, 20 states: coordinates alone / randn",
    "Live, 5684 atoms, 20 states: longest gap of the window while a slider moves",
    "Live, 11368 atoms, 3 states, in memory: coordinates / randn",
    "Live, 11368 atoms, 3 states, through files: coordinates / randn",
    "Run, 11368 atoms, 5 frames: longest gap of the window but for PyMOL's create",
    "Run, 11368 atoms, 5 frames: longest gap of the window",
    "Stop, 11368 atoms: the slowest of these",
]


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("bench_panel.py", PANEL_ROWS),
        ("bench_draw.py", [f"107 atoms, 21 states, {shown}: first draw" for shown in ("cartoon", "sticks", "lines")]),
    ],
)
def test_every_row_of_the_window_is_printed(name, rows):
    pytest.importorskip("pymol")
    if not shutil.which("xvfb-run"):
        message = "xvfb-run is not installed, so PyMOL's window cannot be opened"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
    *lines, last = [line for line in printed(name, "--quick", timeout=300) if not line.startswith("torch ")]
    assert last == "the end"
    assert absent(rows, lines) == []
    assert [line for line in lines if not line.endswith(MEASURED)] == []


#: Six lines that count, in a made-up house of few lines twice.
RUN = ("a = 1", "b = 2", "c = (", "fuse", ")", "d = wire", "e = 5")
HOUSE = {
    "pomodoro_pymol/__init__.py": ('"""A house."""', "", '__version__ = "1"'),
    "pomodoro_pymol/door.py": (
        *(
            '"""A door.',
            "",
            "Of wood.",
            '"""',
            "",
            "from . import __version__, hall",
            "from .hall.lamp import light",
            "",
        ),
        *("def open():", "    # Slowly.", "    return light(), hall, __version__  # at once"),
    ),
    "pomodoro_pymol/hall/lamp.py": (
        *("from .. import __version__, door, hall", "from ..cellar.deep import fuse, wire", "", "def light():"),
        *(*(f"    {line}" for line in RUN), '    """No docstring."""', "    return a, b, c, d, e"),
    ),
    "pomodoro_pymol/cellar/deep.py": ("from . import other", "fuse = wire = 3"),
    "plugin/plan.py": (
        "class Plan:",
        "    def light(self):",
        *(f"        {line}" for line in (*RUN[:2], "# Odd.", *RUN[2:])),
    ),
    "tests/test_door.py": ("import pomodoro_pymol.door", "", "", "def test_open():", '    """Opens."""'),
    "tests/test_lamp.py": ("# Nothing.",),
}


def test_a_house_is_counted_as_by_hand(tmp_path):
    for name, lines in HOUSE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("\n".join((*lines, "")))
    counted = [line.rsplit("  ", 1) for line in printed("count_house.py", tmp_path) if line.startswith("  ")]
    library, tests = counted[: len(counted) // 2], counted[len(counted) // 2 :]
    assert {name.strip(): count.strip() for name, count in library} == {
        "lines of code": str(1 + 4 + 12 + 2 + 9),
        "lines of documentation": str(1 + (4 + 1) + 1),
        "modules": "5",
        "longest module, lines": "13 hall/lamp.py",
        "next": "11 pomodoro_pymol/door.py",
        "modules above 300 lines": "0",
        "longest function, lines": "10 hall/lamp.py light",
        "functions above 60 lines": "0",
        "imports between packages": "3",  # the root and hall, hall and door, hall and cellar
        "repeated runs": "2",
        "lines in them": "12",
    }
    assert [count.strip() for _, count in tests[:3]] == ["2", "2", "2"]
