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


def test_every_row_is_printed():
    pytest.importorskip("pymol")
    if sys.platform != "linux":
        pytest.skip("memory is read from /proc")
    script = Path(__file__).with_name("bench_noise.py")
    run = subprocess.run([sys.executable, script, "--quick"], capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert [row for row in ROWS if not any(line.startswith(row) for line in lines)] == []
    verdicts = ("met", "MISSED", "for information", "not run: no GPU")
    assert [line for line in lines[1:] if not line.endswith(verdicts)] == []


def test_every_row_of_scale_and_soak_is_printed():
    pytest.importorskip("pymol")
    if sys.platform != "linux":
        pytest.skip("memory is read from /proc")
    script = Path(__file__).with_name("bench_scale.py")
    run = subprocess.run([sys.executable, script, "--quick"], capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    for row in ("estimate / use", "per atom", "time per frame up to", "longest turn", "growth of memory", "files left"):
        assert any(row in line for line in lines), row
    assert [line for line in lines if not line.endswith(("met", "MISSED", "for information"))] == []


def test_every_row_of_the_diffusion_benchmark_is_printed():
    script = Path(__file__).with_name("bench_diffusion.py")
    run = subprocess.run([sys.executable, script, "--quick"], capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()[1:]
    for row in ("nested covariance, 100000 atoms", "products", "denoiser,", "step,", "step with churn and curves"):
        assert any(line.startswith(row) for line in lines)
    verdicts = ("met", "MISSED", "for information", "not run: no GPU")
    assert [line for line in lines if not line.endswith(verdicts)] == []


def test_every_row_of_the_training_benchmark_is_printed():
    script = Path(__file__).with_name("bench_training.py")
    run = subprocess.run([sys.executable, script, "--quick"], capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()[1:]
    rows = ("training step / its own products", "training step of one network", "18 networks one by one / side by side")
    assert [row for row in rows if not any(line.startswith(row) for line in lines)] == []
    assert [line for line in lines if not line.endswith(("met", "MISSED", "for information"))] == []


def test_every_row_of_the_survey_benchmark_is_printed():
    pytest.importorskip("distributed")
    script = Path(__file__).with_name("bench_survey.py")
    run = subprocess.run([sys.executable, script, "--quick"], capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()[1:]
    rows = ("one worker / two", "Dask and child / work of a file", "scheduler and client, of a batch")
    rows += tuple(f"growth of memory of {name}" for name in ("a worker", "a child", "scheduler and client"))
    assert [row for row in rows if not any(line.startswith(row) for line in lines)] == []
    verdicts = ("met", "MISSED", "for information", "not run: --biopython was not given")
    assert [line for line in lines if not line.endswith(verdicts)] == []


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
    script = Path(__file__).with_name("bench_gpu.py")
    command = [sys.executable, script, "--quick", "--device", "cpu"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=600)
    first, *lines, last = run.stdout.splitlines()
    assert first.startswith("the CPU in the GPU's place")
    assert [line for line in lines if not line.startswith("ok ") and not line.endswith("for information")] == []
    assert sum(line.startswith("ok ") for line in lines) > 20
    assert [row for row in GPU_ROWS if not any(line.startswith(row) for line in lines)] == []
    assert (run.returncode, last.endswith("nothing is wrong")) == (0, True), run.stderr


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
    script = Path(__file__).with_name(name)
    run = subprocess.run([sys.executable, script, "--quick"], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    *lines, last = [line for line in run.stdout.splitlines() if not line.startswith("torch ")]
    assert last == "the end"
    assert [row for row in rows if not any(line.startswith(row) for line in lines)] == []
    assert [line for line in lines if not line.endswith(("met", "MISSED", "for information"))] == []
