"""How much memory a run needs, and how much is free: asked before the work.

The needs per atom are measured, with PyMOL 3.2 and 2.5; `tests/benchmarks/bench_scale.py`
compares them with what is used.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from .errors import PomodoroError

# Bytes per atom. Coordinates, labels, and index maps of a structure with its hierarchy; PyMOL's copy of it,
# coloured from two lists, and without colours; a state in PyMOL, coordinates and an index map.
_STRUCTURE, _COPY, _PLAIN_COPY, _STATE = 150, 420, 300, 21
# A frame. A state of the data as it is read: in PyMOL's copy of them all, and in an array; in a denoiser: in the
# array, about the origin, in its metric; and while that is built.
_FRAME, _READ, _MEMBER, _BUILT = 12, 33, 48, 84
# A sample on its way, with what a step and its curves hold. What its denoiser takes beside its data. A frame on its
# way through a denoiser, and what that takes beside its data. The parts of one state in float64.
_SAMPLE, _MODEL, _DENOISED, _DENOISER, _PARTS = 225, 180, 66, 264, 120
# Pairs of atoms that are compared in a sweep, and their neighbours, of which they are found: as dense as proteins are.
_PAIRS = 600


def noise_bytes(n_atoms: int, n_states: int) -> int:
    """Return what a new object of so many states needs with its structure, the noise on its way aside."""
    return n_atoms * (_STRUCTURE + _COPY + _STATE * n_states)


def sweep_bytes(n_atoms: int, n_states: int) -> int:
    """Return what a sweep to so many states needs."""
    return noise_bytes(n_atoms, n_states) + n_atoms * _PAIRS


def ensemble_bytes(n_atoms: int, n_members: int) -> int:
    """Return what it takes to read so many states of the data and to measure their variance, or the first alone."""
    return n_atoms * (max(_STRUCTURE + _COPY, _PLAIN_COPY + _READ * n_members) + _PARTS)


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
    build = _COPY + _MODEL + _BUILT * n_members
    steps = _MEMBER * n_members + _FRAME * kept + _SAMPLE * n_samples
    make = (_FRAME + _STATE) * kept + _PLAIN_COPY * n_objects
    return n_atoms * (_STRUCTURE + max(build, steps, make))


def available() -> int | None:
    """Return the bytes that can be had without swapping, or None where no one tells."""
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


def require(needed: int, purpose: str) -> None:
    """Refuse work that does not fit.

    Raises
    ------
    PomodoroError
        If ``needed`` bytes are more than are available.
    """
    free = available()
    if free is not None and needed > free:
        raise PomodoroError(
            f"{purpose} needs about {_size(needed)} of memory and {_size(free)} are free: ask for fewer frames or atoms"
        )


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"


def _windows_available() -> int:
    class Status(ctypes.Structure):
        _fields_ = [
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("total", "free", "a", "b", "c", "d", "e")),
        ]

    status = Status(length=ctypes.sizeof(Status))
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]
    return int(status.free)
