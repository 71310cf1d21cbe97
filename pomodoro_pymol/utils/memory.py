"""How much memory a run needs, and how much is free: asked before the work.

The needs per atom are measured, with PyMOL 3.2 and 2.5; `tests/benchmarks/bench_scale.py`
compares them with what is used.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import PomodoroError

if TYPE_CHECKING:
    import torch

# Bytes per atom:
# _STRUCTURE   coordinates, labels, and index maps of a structure with its hierarchy
# _COPY        PyMOL's copy of it, coloured from two lists
# _PLAIN_COPY  the same without colours
# _STATE       a state in PyMOL: coordinates and an index map
# _OWN         a state in PyMOL with atoms of its own
_STRUCTURE, _COPY, _PLAIN_COPY, _STATE = 150, 420, 300, 21
_OWN = 300
# _FRAME       a frame
# _READ        a state of the data as it is read: in PyMOL's copy of them all, and in an array
# _MEMBER      a state in a denoiser: in the array, about the origin, and in its metrics, of which there are two in
#              any pose with a flat covariance
# _BUILT       a state while the denoiser is built
_FRAME, _READ, _MEMBER, _BUILT = 12, 33, 93, 105
# _SAMPLE      a sample on its way, with what a step and its curves hold
# _MODEL       what its denoiser takes beside its data
# _DENOISED    a frame on its way through a denoiser
# _DENOISER    what that takes beside its data
# _PARTS       the parts of one state in float64
_SAMPLE, _MODEL, _DENOISED, _DENOISER, _PARTS = 225, 180, 66, 264, 120
# Pairs of atoms that a sweep compares, the neighbours among which they are found, and their counts by distance, in a
# structure as dense as proteins are and with residues as large.
_PAIRS = 1100
# A state in float64, twice, as products of states with each other take it.
_PRODUCT = 48
# Bytes per pixel: as it is ray-traced, with what Pillow holds of a picture on its way; and while it waits for the film,
# which is written once all pictures are there.
_TRACED, _COLORED = 100, 3

# On a device other than the CPU:
# _MAPS        atoms and index maps of a structure
# _IN_BLOCK    a frame of a block: in two blocks on their way, in the whole of a group of which some are wanted, in what
#              is added to it, and in its statistics
# _NORMALS     a frame of a group of normals that is drawn beside a sample
# _PRODUCTS    what a CUDA library keeps for products of matrices, in bytes altogether
_MAPS, _IN_BLOCK, _NORMALS, _PRODUCTS = 60, 72, 36, 32 << 20

# Address space that stacks and heaps of threads take beside what is counted.
_THREADS = 256 << 20


def noise_bytes(n_atoms: int, n_states: int) -> int:
    """Return what a new object of so many states needs with its structure, the noise on its way aside."""
    return n_atoms * (_STRUCTURE + _COPY + _STATE * n_states)


def sweep_bytes(n_atoms: int, n_states: int) -> int:
    """Return what a sweep to so many states needs."""
    return noise_bytes(n_atoms, n_states) + n_atoms * _PAIRS


def ensemble_bytes(n_atoms: int, n_members: int) -> int:
    """Return what it takes to read so many states of the data and to measure their variance, or the first alone."""
    return n_atoms * (max(_STRUCTURE + _COPY, _PLAIN_COPY + _READ * n_members) + _PARTS)


def signal_bytes(n_atoms: int, n_members: int) -> int:
    """Return what it takes to read so many states and to tell what noise on them teaches."""
    return n_atoms * (_STRUCTURE + _COPY + max(_PAIRS, (_READ + _PRODUCT) * n_members))


def measure_bytes(n_atoms: int, n_frames: int) -> int:
    """Return what it takes to read so many frames, to measure them, and to make an object of them."""
    return n_atoms * (2 * _STRUCTURE + _COPY + _PAIRS + (_READ + 2 * _FRAME) * n_frames)


def denoise_bytes(n_atoms: int, n_states: int, n_members: int, n_together: int) -> int:
    """Return what a new object of so many states needs whose frames are denoised, some together."""
    frames = _STATE * n_states + _MEMBER * n_members + _DENOISER + _DENOISED * n_together
    return n_atoms * (_STRUCTURE + _COPY + max(_BUILT * n_members, frames))


def sample_bytes(n_atoms: int, n_members: int, n_samples: int, n_kept: int, n_objects: int) -> int:
    """Return what a sampling run needs at its peak: in building the denoiser, in the steps, or in making the objects.

    Parameters
    ----------
    n_atoms : int
    n_members : int
        States of the data.
    n_samples : int
    n_kept : int
        Steps of each sample that become states.
    n_objects : int
    """
    kept = n_samples * n_kept
    build = _MODEL + _BUILT * n_members
    steps = _MEMBER * n_members + _FRAME * kept + _SAMPLE * n_samples
    make = (_FRAME + _STATE) * kept + _PLAIN_COPY * n_objects
    return n_atoms * (_STRUCTURE + _COPY + max(build, steps, make))


def direction_bytes(n_atoms: int, n_states: int) -> int:
    """Return what a companion needs with atoms for each of so many states."""
    return n_atoms * (_STRUCTURE + _COPY + _OWN * n_states)


def noise_device_bytes(n_atoms: int, n_together: int) -> int:
    """Return what noise takes on a device other than the CPU, whose blocks are of so many frames."""
    return n_atoms * (_MAPS + _IN_BLOCK * n_together)


def model_device_bytes(n_atoms: int, n_members: int, n_samples: int, n_together: int) -> int:
    """Return what a denoiser and so many samples, or frames, take on a device other than the CPU.

    Parameters
    ----------
    n_atoms : int
    n_members : int
        States of the data.
    n_samples : int
        That are denoised at once.
    n_together : int
        How many a group of normals is for; it is drawn whole.
    """
    steps = _MEMBER * n_members + _SAMPLE * n_samples + _NORMALS * n_together
    return _PRODUCTS + n_atoms * (_MAPS + _DENOISER + max(_BUILT * n_members, steps))


def film_bytes(n_pictures: int, n_pixels: int) -> int:
    """Return what it takes to ray-trace a picture of so many pixels, and to write so many as a film."""
    return n_pixels * (_TRACED + _COLORED * n_pictures)


def available() -> int | None:
    """Return the bytes that can be had without swapping and within limits, or None where no one tells."""
    known = [free for free in (_machine_available(), _limit_available(), *_cgroups_available()) if free is not None]
    return max(0, min(known)) if known else None


def device_available(device: torch.device) -> int | None:
    """Return the bytes of a CUDA device that the process can still have, or None of another, which does not tell.

    That is what is free there, within the part of the memory that the process may have, where
    torch tells that, and what torch holds of it and does not use.
    """
    if device.type != "cuda":
        return None
    import torch

    free, total = torch.cuda.mem_get_info(device)
    held = torch.cuda.memory_reserved(device)
    if hasattr(torch.cuda, "get_per_process_memory_fraction"):
        free = min(free, int(total * torch.cuda.get_per_process_memory_fraction(device.index)) - held)
    return max(0, free) + held - torch.cuda.memory_allocated(device)


def require(needed: int, purpose: str, remedy: str = "ask for fewer frames or atoms") -> None:
    """Refuse work that does not fit, and say what would.

    Raises
    ------
    PomodoroError
        If ``needed`` bytes are more than are available.
    """
    free = available()
    if free is not None and needed > free:
        raise PomodoroError(
            f"{purpose} needs about {size_text(needed)} of memory and {size_text(free)} are free: {remedy}"
        )


def size_text(count: int) -> str:
    """Return a number of bytes as it is told."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"


def _machine_available() -> int | None:
    """Return the free memory of the machine, or all it has where only that is told; None where nothing is."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        fields = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
        if "MemAvailable" in fields:
            return int(fields["MemAvailable"].split()[0]) * 1024
    if hasattr(ctypes, "windll"):
        return _windows_available()
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _limit_available() -> int | None:
    """Return the address space that the process may still map, as under ``ulimit -v``; None where it is not limited."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return None
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return None
    return limit - int(statm.read_text().split()[0]) * resource.getpagesize() - _THREADS


def _cgroups_available(root: Path = Path("/")) -> list[int]:
    """Return what each control group around the process, as of a container or a batch job, leaves of its memory."""
    found = []
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, kinds, path = line.split(":", 2)
            if kinds == "":
                top, names = root / "sys/fs/cgroup", ("memory.max", "memory.current", "inactive_file")
            elif "memory" in kinds.split(","):
                top = root / "sys/fs/cgroup/memory"
                names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            else:
                continue
            group = top / path.lstrip("/")
            # In a container the group itself may be mounted at the top.
            for folder in dict.fromkeys((group, *(up for up in group.parents if top in up.parents), top)):
                with suppress(OSError, ValueError):  # no such group, or "max"
                    limit, used = (int((folder / name).read_text()) for name in names[:2])
                    stat = dict(row.split() for row in (folder / "memory.stat").read_text().splitlines())
                    found.append(limit - used + int(stat.get(names[2], 0)))  # files that are cached can go
    return found


def _windows_available() -> int:
    """Return the memory that the process can still commit under Windows."""

    class Status(ctypes.Structure):
        _fields_ = [
            ("length", ctypes.c_uint32),
            ("load", ctypes.c_uint32),
            *((name, ctypes.c_uint64) for name in ("total", "free", "a", "b", "c", "d", "e")),
        ]

    status = Status(length=ctypes.sizeof(Status))
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]
    return int(status.free)
