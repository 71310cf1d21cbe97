"""Where torch computes: the devices by name, chosen in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import PomodoroError, first_line
from . import memory

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cuda", "mps", "cpu")

#: Atoms from which ``auto`` draws on the GPU. Derived, not yet measured on a card: a run of 20 frames costs one there,
#: warm, some 1.4 ms: a hundred calls of 10 microseconds, and .4 ms for a group of frames with its statistics. On the
#: CPU a normal with its statistics costs some 12 ns of a core: with four cores, the most that are used, that is 1.8 ms
#: at 10,000 atoms. Below, a run takes 20 ms at most, less than a CUDA context does, and its numbers are the reference.
AUTO_ATOMS = 10_000

# How torch says that memory is full: Apple's, pinned memory, and that of two CUDA libraries.
_FULL = (
    "MPS backend out of memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUSOLVER_STATUS_ALLOC",
)

#: Atoms times states of the data from which ``auto`` denoises and samples on the GPU, where atoms alone are too few.
#: Derived: some 250 calls of a step cost a GPU up to 2 ms more than a CPU, on one core of which an atom of a state
#: costs a single sample 6 ns a step beside that.
AUTO_MEMBER_ATOMS = 250_000


def resolve_device(name: str = "auto", n_atoms: int | None = None) -> torch.device:
    """Return the torch device called ``name``; ``auto`` prefers cuda, then mps, then cpu.

    Where a GPU is faster is a matter of the number of atoms alone, since the device decides which
    numbers are drawn, and those of a frame must not depend on how many frames are asked for.

    Parameters
    ----------
    name : str
    n_atoms : int, optional
        Of a frame: under `AUTO_ATOMS`, ``auto`` is the CPU, and no GPU is looked for. By default
        enough for a GPU.

    Raises
    ------
    PomodoroError
        If the device is unknown or absent on this machine.
    """
    import torch

    if name == "auto" and n_atoms is not None and n_atoms < AUTO_ATOMS:
        return torch.device("cpu")
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, here in present.items() if here)
    if not present.get(name, False):
        here = ", ".join(device for device, here in present.items() if here)
        raise PomodoroError(f"device {name} is not available here: use device=auto or one of: {here}")
    return torch.device(name)


def compute_device(name: str = "auto", n_atoms: int | None = None, n_members: int = 1) -> torch.device:
    """Return the device called ``name``; ``auto`` is the CPU where float64 lacks, as on mps.

    Parameters
    ----------
    name : str
    n_atoms, n_members : int
        Atoms and states of the data, as in `resolve_device`: with so many states fewer atoms suffice,
        as `AUTO_MEMBER_ATOMS` says.

    Raises
    ------
    PomodoroError
        If the device is absent, or has no float64.
    """
    import torch

    if n_atoms is not None and n_atoms * n_members >= AUTO_MEMBER_ATOMS:
        n_atoms = None
    device = resolve_device(name, n_atoms)
    if device.type != "mps":
        return device
    if name == "auto":
        return torch.device("cpu")
    raise PomodoroError("device mps has no float64, which denoising needs: use device=cpu")


def with_room(name: str, device: torch.device, needed: int) -> tuple[torch.device, str]:
    """Return the device, or the CPU where ``auto`` chose one without the memory for a run; and a note that says so.

    Parameters
    ----------
    name : str
        As it was asked for; a device that was named is kept, whatever memory it has.
    device : torch.device
        The device that ``name`` means here.
    needed : int
        Bytes that the run needs there.
    """
    import torch

    if name != "auto":
        return device, ""
    try:
        free = memory.device_available(device)
        if free is None or needed <= free:
            return device, ""
        lacks = f"{device_name(device)} has {memory.size_text(free)} free of the {memory.size_text(needed)} needed"
    except RuntimeError as error:  # not even a context fits
        lacks = f"{device} does not work, {first_line(error) or type(error).__name__}"
    return torch.device("cpu"), f"{lacks}: left to the CPU, whose numbers are other ones"


def device_name(device: torch.device | str) -> str:
    """Return a device with the name of the hardware, as ``cuda (NVIDIA H100 80GB HBM3)``, as far as torch tells."""
    import torch

    device = torch.device(device)
    hardware = ""
    if device.type == "cuda":
        hardware = torch.cuda.get_device_name(device)
    elif device.type == "mps" and hasattr(torch.backends.mps, "get_name"):
        hardware = torch.backends.mps.get_name()
    return f"{device} ({hardware})" if hardware else str(device)


def device_notes(name: str, note: str = "") -> list[str]:
    """Return the notes of a report on its device: its name where that is not the CPU, whose numbers are the reference.

    Parameters
    ----------
    name : str
        As `device_name` has it.
    note : str
        What did not go as asked for, if anything.
    """
    return [*([] if name == "cpu" else [f"computed on {name}"]), *filter(None, [note])]


def recorded_device(recorded: str) -> torch.device:
    """Return the device that `device_name` named, to draw the same numbers again.

    Parameters
    ----------
    recorded : str
        As a record has it. Former versions, which drew a GPU's noise otherwise, recorded a GPU without the name
        of the hardware, which is the name of no device here.

    Raises
    ------
    PomodoroError
        If it is absent, or here is another one of its kind, whose numbers are other ones.
    """
    kind = recorded.partition(" ")[0]
    if kind not in DEVICES[1:]:
        raise PomodoroError(f"device {recorded} is not available here: run pomnoise again")
    device = resolve_device(kind)
    here = device_name(device)
    if here != recorded:
        raise PomodoroError(f"the noise is of {recorded}, and here is {here}, which draws others: run pomnoise again")
    return device


def is_full(error: BaseException) -> bool:
    """Tell whether an error is that the memory of a device other than the CPU did not suffice."""
    import torch

    if isinstance(error, torch.cuda.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _FULL)
