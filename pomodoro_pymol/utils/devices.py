"""Where torch computes: the devices by name, chosen in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import PomodoroError

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cuda", "mps", "cpu")


def resolve_device(name: str = "auto") -> torch.device:
    """Return the torch device called ``name``; ``auto`` prefers cuda, then mps, then cpu.

    Raises
    ------
    PomodoroError
        If the device is unknown or absent on this machine.
    """
    import torch

    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, here in present.items() if here)
    if not present.get(name, False):
        here = ", ".join(device for device, here in present.items() if here)
        raise PomodoroError(f"device {name} is not available here: use device=auto or one of: {here}")
    return torch.device(name)


def is_full(error: BaseException) -> bool:
    """Tell whether an error is that the memory of a device other than the CPU did not suffice."""
    import torch

    mps = isinstance(error, RuntimeError) and str(error).startswith("MPS backend out of memory")
    return mps or isinstance(error, torch.cuda.OutOfMemoryError)


def compute_device(name: str = "auto") -> torch.device:
    """Return the device called ``name``; ``auto`` is the CPU where float64 lacks, as on mps.

    Raises
    ------
    PomodoroError
        If the device is absent, or has no float64.
    """
    import torch

    device = resolve_device(name)
    if device.type != "mps":
        return device
    if name == "auto":
        return torch.device("cpu")
    raise PomodoroError("device mps has no float64, which denoising needs: use device=cpu")
