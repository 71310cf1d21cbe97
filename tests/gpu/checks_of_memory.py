"""A device whose memory does not suffice: runs go on with smaller blocks, or on the CPU, say so, and are right.

On CUDA a real limit is set. The CPU in the GPU's place has none: there a function of ours raises what torch raises
where memory fails, once, twice, or for as long as the work stays where it was begun, which is a stand-in.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from typing import Any
from unittest import mock

import torch
from checks import NOISE, NoiseResult, draw, equal, in_words, is_expected, noised, of_few_frames
from checks_of_commands import drawn_again, in_pymol, on_the_command_line, states_of

from pomodoro_pymol.diffusion.analytic import IdealDenoiser

MIB = 1 << 20
#: Memory left on the device: not enough for one tensor, and then for some of the work.
ROOMS = (2 * MIB, 40 * MIB, 128 * MIB)


@contextmanager
def room(left: int) -> Iterator[None]:
    """Leave so many bytes of the CUDA device to torch beside what it holds."""
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties("cuda").total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + left) / total)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        torch.cuda.empty_cache()


@contextmanager
def failing(owner: type, name: str, times: int) -> Iterator[None]:
    """Let the first calls of a method fail as where the memory of a device does not suffice."""
    method, calls = getattr(owner, name), iter(range(times))

    def fails(*args: Any, **named: Any) -> Any:
        if next(calls, None) is not None:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. A stand-in for it.")
        return method(*args, **named)

    with mock.patch.object(owner, name, fails):
        yield
    assert next(calls, None) is None, f"{name} was not called"


@contextmanager
def never_enough(owner: type) -> Iterator[None]:
    """Let all calls of the first object of a class fail so: what goes on elsewhere is of another one."""
    method, first = owner.__call__, []

    def fails(here: Any, *args: Any, **named: Any) -> Any:
        first[:] = first or [here]
        if here is first[0]:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. A stand-in for it.")
        return method(here, *args, **named)

    with mock.patch.object(owner, "__call__", fails):
        yield


def shortages(device: str, owner: type, name: str) -> Iterator[tuple[str, Any]]:
    """Yield ways in which memory is short, in words and as a context; the first must be told of."""
    if device == "cuda":
        for left in ROOMS:
            yield f"{left // MIB} MiB left", room(left)
        return
    for times in (1, 2):
        yield f"{name} failing {times} x, a stand-in", failing(owner, name, times)
    if name == "__call__":
        yield f"{name} failing always, a stand-in", never_enough(owner)


def told(text: str, first: bool, what: str) -> None:
    """Check that a report tells of the memory, as it must of the first shortage, and of each stand-in."""
    assert not first or "memory" in text, f"{what}: the report does not tell of it: {text}"


def of_run_noise(device: str) -> str:
    """Smaller blocks have the same frames, to the bit, and none is handed out twice."""
    structure, parameters = of_few_frames(), replace(NOISE, frames=40, device=device)
    _, free = noised(structure, parameters)
    found, where = [], []
    for number, (what, short) in enumerate(shortages(device, draw.Normals, "draw")):
        with short:
            result, frames = noised(structure, parameters)
        told(f"{result.note}\n{result.report()}" if number == 0 else result.note, device == "cpu" or number == 0, what)
        assert len(frames) == 40, f"{what}: {len(frames)} frames"
        found.append(is_expected(result.statistics))
        if result.device.startswith(device):
            equal(frames, free, f"frames with {what} and with all memory")
        where.append(f"{what}: {result.note or 'enough'}")
    return f"{in_words(max(found))}; {'; '.join(where)}"


def of_a_command(name: str) -> Callable[[str], str]:
    """Return a check of a command of the command line."""
    owner, method = (IdealDenoiser, "__call__") if name == "sample" else (draw.Normals, "draw")

    def check(device: str) -> str:
        found = []
        for number, (what, short) in enumerate(shortages(device, owner, method)):
            with short:
                words, said = on_the_command_line(name, device, anywhere=True)
            told(said, device == "cpu" or number == 0, what)
            found.append(f"{what}: {words}")
        return "; ".join(found)

    return check


def of_pomnoise(device: str, cmd: Any) -> str:
    from pomodoro_pymol import commands

    given = {"state": 1, "frames": 40, "seed": 3, "sigma": NOISE.sigma, "preset": "3-8-1", "device": device}
    found = []
    for number, (what, short) in enumerate(shortages(device, draw.Normals, "draw")):
        with short, redirect_stdout(io.StringIO()) as said:
            result: NoiseResult = commands.pomnoise("nmr", **given, quiet=0, _self=cmd)
        told(said.getvalue(), device == "cpu" or number == 0, what)
        equal(states_of(cmd, "nmr_noise", 2), drawn_again(result), f"{what}: what PyMOL shows and frames drawn again")
        found.append(is_expected(result.statistics))
    return in_words(max(found))


def of_pomdenoise(device: str, cmd: Any) -> str:
    found = []
    for number, (what, short) in enumerate(shortages(device, IdealDenoiser, "__call__")):
        # The check itself denoises, too, in the end.
        with short:
            words, said = in_pymol("pomdenoise", device, cmd)
        told(said.partition("pomdenoise:")[2], device == "cpu" or number == 0, what)
        found.append(f"{what}: {words}")
    return "; ".join(found)


#: Without PyMOL, and in it.
CHECKS: dict[str, Callable[[str], str]] = {
    "run_noise": of_run_noise,
    "table": of_a_command("table"),
    "sweep": of_a_command("sweep"),
    "sample": of_a_command("sample"),
}
IN_PYMOL_TOO: dict[str, Callable[[str, Any], str]] = {"pomnoise": of_pomnoise, "pomdenoise": of_pomdenoise}
