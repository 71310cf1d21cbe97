"""How much memory a run needs, and how much is free: asked before the work.

The needs per atom are measured, with PyMOL 3.2 and 2.5; `tests/benchmarks/bench_scale.py`
compares them with what is used.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from pathlib import Path

from .errors import PomodoroError

# Bytes per atom: of a structure and its hierarchy, of PyMOL's copy of it, of a state in PyMOL.
_STRUCTURE, _COPY, _STATE = 150, 420, 21
# Of a frame; of a state of the data while its denoiser is built; of a sample on its way.
_FRAME, _MEMBER, _SAMPLE = 12, 156, 234

# Address space that stacks and heaps of threads take beside what is counted.
_THREADS = 256 << 20


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
    """Return the bytes that can be had without swapping and within limits, or None where no one tells."""
    known = [free for free in (_machine_available(), _limit_available(), *_cgroups_available()) if free is not None]
    return max(0, min(known)) if known else None


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


def _machine_available() -> int | None:
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
    class Status(ctypes.Structure):
        _fields_ = [
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("total", "free", "a", "b", "c", "d", "e")),
        ]

    status = Status(length=ctypes.sizeof(Status))
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]
    return int(status.free)
