"""Every command that takes a device, on CUDA where there is one, and with the CPU in the GPU's place everywhere."""

from itertools import count
from unittest import mock

import checks
import checks_of_commands
import checks_of_memory
import pytest
import torch

from pomodoro_pymol.diffusion import analytic
from pomodoro_pymol.noise import draw


@pytest.fixture(params=["cpu", "cuda"])
def device(request):
    """The device, of which the CPU draws as a GPU does."""
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("there is no CUDA device here")
    with checks.in_the_gpus_place(request.param):
        yield request.param


@pytest.fixture(scope="module")
def pymol():
    pymol2 = pytest.importorskip("pymol2")
    with pymol2.PyMOL() as instance:
        checks_of_commands.load(instance.cmd)
        yield instance.cmd


@pytest.mark.parametrize("name", checks.CHECKS)
def test_python(name, device):
    assert checks.CHECKS[name](device)


@pytest.mark.parametrize("name", checks_of_commands.ON_THE_COMMAND_LINE)
def test_command_line(name, device):
    assert checks_of_commands.on_the_command_line(name, device)


@pytest.mark.parametrize("name", checks_of_commands.IN_PYMOL)
def test_command(name, device, pymol):
    assert checks_of_commands.in_pymol(name, device, pymol)


def test_every_command_that_takes_a_device_is_tried():
    assert set(checks_of_commands.IN_PYMOL) == checks_of_commands.with_a_device()


@pytest.mark.parametrize("name", checks_of_memory.CHECKS)
def test_memory_that_does_not_suffice(name, device):
    assert checks_of_memory.CHECKS[name](device)


@pytest.mark.parametrize("name", checks_of_memory.IN_PYMOL_TOO)
def test_memory_that_does_not_suffice_in_pymol(name, device, pymol):
    assert checks_of_memory.IN_PYMOL_TOO[name](device, pymol)


# What the checks would find.


def unlike(generator):
    """Generators that go by the call and not by the group."""
    calls = count()
    return lambda seed, group, device="cpu": generator(seed, group + next(calls), device)


def one_group(generator):
    return lambda seed, group, device="cpu": generator(seed, 0, device)


def swapped(mix):
    return lambda out, c, r, a, hierarchy, weights: mix(
        out, c, r, a, hierarchy, draw.LevelWeights(weights.residue, weights.chain, weights.atom)
    )


def forgotten(product):
    """Half norms that are none, in float32: what it is held against is float64."""
    return lambda members, precise: product(members, precise) * (members.dtype == torch.float64)


FAULTS = {
    "generators by the call": (draw, "frame_generator", unlike, "add_noise, run_noise: frame k of 3 and of 40"),
    "generators by the call, in a run": (draw, "frame_generator", unlike, "run_noise: run twice, drawn again, levels"),
    "one generator for all groups": (draw, "frame_generator", one_group, "add_noise: group by group"),
    "two weights swapped": (draw, "mix_levels", swapped, "add_noise: levels"),
    "two weights swapped, measured": (draw, "mix_levels", swapped, "measure: levels"),
    "half norms": (analytic, "_half_products", forgotten, "IdealDenoiser: float64 on the CPU"),
    "half norms, sampled": (analytic, "_half_products", forgotten, "run_sample, edm: ends"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_found(fault):
    module, name, make, check = FAULTS[fault]
    broken = mock.patch.object(module, name, make(getattr(module, name)))
    with checks.in_the_gpus_place("cpu"), broken, pytest.raises(AssertionError):
        checks.CHECKS[check]("cpu")
