"""How much memory a run needs, and how much is free: asked before the work.

The needs per atom are measured, with PyMOL 3.2 and 2.5; `tests/benchmarks/bench_scale.py`
compares them with what is used.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from .errors import PomodoroError

# Bytes per atom: of a structure and its hierarchy, of PyMOL's copy of it, of a state in PyMOL.
_STRUCTURE, _COPY, _STATE = 150, 420, 21
# Of a frame; of a state of the data while its denoiser is built; of a sample on its way.
_FRAME, _MEMBER, _SAMPLE = 12, 156, 234


def noise_bytes(n_atoms: int, n_states: int) -> int:
    """Return what a new object of so many states needs with its structure, the noise on its way aside."""
    return n_atoms * (_STRUCTURE + _COPY + _STATE * n_states)


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
    build = _MEMBER * n_members
    steps = _FRAME * kept + _SAMPLE * n_samples
    make = (_FRAME + _STATE) * kept + _COPY * n_objects
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
