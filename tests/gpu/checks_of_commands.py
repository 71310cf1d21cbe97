"""The commands that take a device, in PyMOL and on the command line: checks as in `checks`.

They print what the commands do.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from checks import (
    ERRORS,
    NMR,
    SIGMA,
    WEIGHTS,
    close,
    equal,
    in_words,
    is_expected,
    nmr,
    noised,
    points_are_expected,
    rows_are_expected,
)

from pomodoro_pymol import cli
from pomodoro_pymol.diffusion.analytic import IdealDenoiser
from pomodoro_pymol.diffusion.network import NetworkDenoiser
from pomodoro_pymol.diffusion.slots import Seating
from pomodoro_pymol.diffusion.trained_file import TrainedNetwork, load_training
from pomodoro_pymol.experiments.noise import measure
from pomodoro_pymol.io.npz import load_frames
from pomodoro_pymol.noise.levels import Levels, column_name, level_names
from pomodoro_pymol.noise.weights import PRESETS
from pomodoro_pymol.parameters import catalogue
from pomodoro_pymol.structure.hierarchy import Hierarchy


def with_a_device() -> set[str]:
    """Return the names of the commands that take a device."""
    made = (it for it in vars(catalogue).values() if isinstance(it, type) and hasattr(it, "command"))
    return {it.command for it in made if it.command and "device" in {field.name for field in fields(it)}}


# Each takes the device and the cmd of a PyMOL with the 24 states of 2juy.


def states_of(cmd: Any, name: str, first: int = 1) -> np.ndarray:
    """Return the states of an object from one on, in the order of the file, shape=(n_states, n_atoms, 3)."""
    states = []
    for state in range(first, cmd.count_states(f"%{name}") + 1):
        rows: list[tuple] = []
        cmd.iterate_state(state, f"%{name}", "put((rank, x, y, z))", space={"put": rows.append})
        states.append([row[1:] for row in sorted(rows)])
    return np.array(states, np.float32)


def drawn_again(result: Any) -> np.ndarray:
    """Return the frames of a run of noise as it draws them again."""
    return np.concatenate([np.array(block) for block in result.frames()])


def pomnoise(device: str, cmd: Any) -> str:
    from pomodoro_pymol import commands

    given = {"selection": "nmr", "state": 1, "frames": 40, "seed": 3, "sigma": SIGMA, "device": device}
    shown = []
    for _ in range(2):
        result = commands.pomnoise(preset="3-8-1", **given, quiet=0, _self=cmd)
        assert result.device.startswith(device), f"drawn on {result.device}: {result.note}"
        shown.append(states_of(cmd, "nmr_noise", 2))
    equal(*shown, "what PyMOL shows of two runs")
    equal(shown[0], drawn_again(result), "what PyMOL shows and frames drawn again")
    equal(shown[0], noised(result.structure, result.parameters)[1], "pomnoise and run_noise")
    return in_words(is_expected(result.statistics))


def pomcompare(device: str, cmd: Any) -> str:
    from pomodoro_pymol import commands

    given = {"frames": 40, "seed": 3, "sigma": SIGMA, "device": device}
    comparison = commands.pomcompare("nmr", presets="flat+3-8-1", state=1, metric="ratio", **given, quiet=0, _self=cmd)
    found = []
    for cell, preset in zip(comparison.cells, ("flat", "3-8-1")):
        assert cell.result.device.startswith(device), f"drawn on {cell.result.device}: {cell.result.note}"
        equal(states_of(cmd, cell.name, 2), drawn_again(cell.result), f"{cell.name} and its frames drawn again")
        found.append(is_expected(cell.result.statistics, PRESETS[preset]))
    commands.pomcompare("off", quiet=0, _self=cmd)
    return in_words(max(found))


def pomtable(device: str, cmd: Any) -> str:
    from pomodoro_pymol import commands

    rows = commands.pomtable("nmr", presets="flat+rb+3-8-1", z="-1:1:2", frames=60, device=device, quiet=0, _self=cmd)
    return in_words(rows_are_expected(rows, 6))


def pomsweep(device: str, cmd: Any) -> str:
    from pomodoro_pymol import commands

    given = {"presets": "flat+3-8-1", "z": "-1:0:1", "state": 1}
    points = commands.pomsweep("nmr", **given, frames=40, device=device, quiet=0, _self=cmd)
    return in_words(points_are_expected(points, Hierarchy.from_structure(nmr()[0]), 40, device))


def pomdenoise(device: str, cmd: Any) -> str:
    from pomodoro_pymol import commands

    given = {"frames": 40, "seed": 8, "sigma": SIGMA, "preset": "3-8-1"}
    made = commands.pomnoise("nmr", state=5, **given, name="five", device=device, quiet=0, _self=cmd)
    before, after = commands.pomdenoise("five", device=device, quiet=0, _self=cmd)
    structure, states = nmr()
    exact = IdealDenoiser(torch.from_numpy(states).double(), Hierarchy.from_structure(structure), WEIGHTS)
    denoised = exact(torch.from_numpy(drawn_again(made)).double(), SIGMA).atoms
    shown = torch.from_numpy(states_of(cmd, "five_denoised", 2))
    off = close(shown, denoised, 1e-4, "what PyMOL shows and the posterior mean in float64")
    found = is_expected(before)
    left = float((denoised - torch.from_numpy(states[4]).double()).square().mean().sqrt())
    assert abs(after.levels().atom - left) < 2e-3, f"the error left is {after.levels().atom:.3g} A, not {left:.3g}"
    return f"{in_words(found)}; {off:.1g} A apart"


def pomsample(device: str, cmd: Any) -> str:
    from pomodoro_pymol import commands

    given = {"sampler": "edm", "sigma_max": 2560, "steps": 40, "samples": 24, "show": "final", "state": 1}
    result = commands.pomsample("nmr", **given, device=device, quiet=0, _self=cmd)
    assert result.device.startswith(device), f"sampled on {result.device}"
    shown = states_of(cmd, "nmr_sample")
    equal(shown, result.frames[:, -1], "what PyMOL shows and the samples")
    states = nmr()[1]
    off = max(np.sqrt(np.square(end - states).mean((1, 2))).min() for end in shown.astype(np.float64))
    assert off < 1e-4, f"a sample ends {off:.2g} A from the data"
    return f"at most {off:.1g} A off the data"


def pomtrain(device: str, cmd: Any) -> str:
    """A training comes again, and what a network of its file makes of noise is what the training says, on the CPU."""
    from pomodoro_pymol import commands

    given = {"presets": "3-8-1", "steps": 30, "width": 16, "batch": 4, "seeds": 1, "samples": 2, "z": 0}
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(2):
            given["network"] = str(Path(folder) / f"{number}.npz")
            result = commands.pomtrain("nmr and resi 2-7", **given, device=device, quiet=0, _self=cmd)
            assert result.device.startswith(device), f"trained on {result.device}"
            file = load_training(given["network"])
            again = result.training.arrays()["weights"]
            for name, weights in file.arrays["weights"].items():
                equal(weights.numpy(), again[name].cpu().numpy(), f"{name} in the file and in the training")
            found.append(result)
    structure, training = result.structure, result.training
    hierarchy, data = Hierarchy.from_structure(structure), training.data.to("cpu")
    seating = Seating(hierarchy)
    noised = data.coords[:3] + 2 * torch.randn(data.coords[:3].shape) * data.slots.present[..., None]
    told = torch.full((2,), 2.0, device=training.device)
    rows = torch.zeros(2, dtype=torch.int64, device=training.device)
    asked = training.denoised(noised[None].to(training.device), rows, rows.new_tensor([0, 1, 2]), told)
    on_device = torch.cat([part for _, part in asked]).cpu()
    for number, recipe in enumerate(file.recipes):
        denoise = NetworkDenoiser(
            TrainedNetwork(file.network(number), hierarchy),
            hierarchy,
            recipe.scheme.weights,
            variant=recipe.scaling,
            data=file.data.levels,
            sigma_data=file.settings.law.sigma_data,
        )
        atoms = denoise(seating.gather(noised), 2.0).atoms
        off = close(atoms, seating.gather(on_device[number]), 1e-3, f"{recipe.name} on the CPU and on {device}")
    ends = [result.training.curve[-1][1] for result in found]
    assert np.allclose(*ends, rtol=0.02), f"two trainings end at {ends}"
    return f"losses {ends[0]}, {off:.1g} A apart"


IN_PYMOL: dict[str, Callable[[str, Any], str]] = {
    check.__name__: check for check in (pomnoise, pomcompare, pomtable, pomsweep, pomdenoise, pomsample, pomtrain)
}


def load(cmd: Any) -> None:
    """Load the 24 states of 2juy as ``nmr``, with our commands."""
    from pomodoro_pymol import commands

    commands.register(cmd)
    cmd.load(str(NMR), "nmr", quiet=1)


# The command line.


def typed(*words: object) -> None:
    """Run the command line."""
    with redirect_stderr(io.StringIO()) as said:
        status = cli.main([str(word) for word in words])
    assert status == 0, f"exit status {status}: {said.getvalue()}"


def rows_of(path: Path) -> list[dict[str, float]]:
    """Return the numbers of a CSV file, without the text."""
    with open(path, newline="") as file:
        return [{key: float(text) for key, text in row.items() if _is_number(text)} for row in csv.DictReader(file)]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def levels_in(row: dict[str, float], part: str) -> Levels:
    """Return the levels of a row of a table's file."""
    return Levels(**{name: row[f"{column_name(name)}_{part}"] for name in level_names()})


def typed_noise(device: str, folder: Path) -> str:
    out = folder / "frames.npz"
    words = ["--preset", "3-8-1", "--frames", 40, "--seed", 3, "--sigma", SIGMA, "--device", device]
    typed("noise", NMR, *words, "--output", out)
    found = load_frames(out)
    parameters = catalogue.NoiseParameters(preset="3-8-1", frames=40, seed=3, sigma=SIGMA, device=device)
    result, frames = noised(nmr()[0], parameters)
    equal(found.coords, frames, "the file and run_noise")
    return in_words(is_expected(result.statistics))


def typed_table(device: str, folder: Path) -> str:
    out = folder / "table.csv"
    words = ["--presets", "flat+3-8-1", "--z=-1:1:2", "--frames", 60, "--device", device]
    typed("table", NMR, *words, "--csv", out)
    rows = [
        SimpleNamespace(**{part: levels_in(row, part) for part in ("measured", "low", "high", "expected")})
        for row in rows_of(out)
    ]
    return in_words(rows_are_expected(rows, 4))


def typed_sweep(device: str, folder: Path) -> str:
    out = folder / "sweep.csv"
    typed("sweep", NMR, "--presets", "flat+3-8-1", "--z=-1:0:1", "--frames", 40, "--device", device, "--csv", out)
    hierarchy = Hierarchy.from_structure(nmr()[0])
    rows, found = rows_of(out), []
    assert len(rows) == 4, f"{len(rows)} rows, not 4"
    for row, preset in zip(rows, ("flat", "flat", "3-8-1", "3-8-1")):
        sigma = row["sigma_per_coordinate"]
        errors = measure(hierarchy, PRESETS[preset], 40, device=device).scaled(sigma).standard_error()
        for name in ("atom", "residue", "chain", "residue_relative"):
            measured, expected = (row[f"{column_name(name)}{end}"] for end in ("", "_expected"))
            found.append(abs(measured - expected) / getattr(errors, name))
            assert found[-1] <= ERRORS, f"{preset} {name} is {found[-1]:.1f} standard errors off its closed form"
    return in_words(max(found))


def typed_sample(device: str, folder: Path) -> str:
    out = folder / "samples.npz"
    words = ["--sampler", "edm", "--sigma_max", 2560, "--steps", 40, "--samples", 24, "--show", "final"]
    typed("sample", NMR, *words, "--device", device, "--output", out)
    states, found = nmr()[1], load_frames(out).coords.numpy().astype(np.float64)
    off = max(np.sqrt(np.square(end - states).mean((1, 2))).min() for end in found)
    assert len(found) == 24, f"{len(found)} samples"
    assert off < 1e-4, f"a sample ends {off:.2g} A from the data"
    return f"at most {off:.1g} A off the data"


ON_THE_COMMAND_LINE: dict[str, Callable[[str, Path], str]] = {
    "noise": typed_noise,
    "table": typed_table,
    "sweep": typed_sweep,
    "sample": typed_sample,
}


#: What their reports say before the device, where they say it.
_BEFORE_THE_DEVICE = {"noise": "seed 3, ", "sample": "s per step on "}


def on_the_command_line(name: str, device: str, anywhere: bool = False) -> tuple[str, str]:
    """Try a command of the command line in a folder that goes; return what was found, and what it printed.

    Parameters
    ----------
    name, device : str
    anywhere : bool
        Whether another device than the one asked for will do.
    """
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()) as said:
        found = ON_THE_COMMAND_LINE[name](device, Path(folder))
    told = _BEFORE_THE_DEVICE.get(name, "")
    assert anywhere or not told or f"{told}{device}" in said.getvalue(), f"not on {device}: {said.getvalue()}"
    return found, said.getvalue()


def in_pymol(name: str, device: str, cmd: Any) -> tuple[str, str]:
    """Try a command in PyMOL; return what was found, and what it printed."""
    with redirect_stdout(io.StringIO()) as said:
        found = IN_PYMOL[name](device, cmd)
    return found, said.getvalue()
